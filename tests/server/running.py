"""A server that runs, for a test; and clients of it."""

import json
import os
import signal
import subprocess
import threading
import urllib.error
import urllib.request

import tritonclient.grpc
import tritonclient.http

BIN = os.environ["MAXDOT_SERVER_BIN"]
# [seconds] Far beyond what anything here takes; a test that hangs fails then.
PATIENCE = 60


class Running:
    """`with Running("items.maxdot") as server:` listens on free ports of this machine and is ready."""

    def __init__(self, *arguments, wait=True):
        self.command = [BIN, *map(str, arguments), "--grpc-port", "0", "--http-port", "0"]
        self.wait = wait
        self.log = []
        self._changed = threading.Condition()

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        listening = self.event("listening")
        self.grpc_port, self.http_port = listening["grpc_port"], listening["http_port"]
        if self.wait:
            self.event("ready")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stderr.close()
        assert not [line for line in self.log if line["event"] == "no JSON"], self.log

    def _read(self):
        for line in self.process.stderr:
            with self._changed:
                try:
                    self.log.append(json.loads(line))
                except json.JSONDecodeError:
                    self.log.append({"event": "no JSON", "line": line})
                self._changed.notify_all()
        with self._changed:
            self.log.append({"event": "end of log"})
            self._changed.notify_all()

    def event(self, name, after=0):
        """The first line of the log with this event, from line `after` on; waits for it."""

        def found():
            lines = self.log[after:]
            return next((line for line in lines if line["event"] in (name, "end of log")), None)

        with self._changed:
            line = self._changed.wait_for(found, PATIENCE)
        assert line is not None and line["event"] == name, (name, self.log)
        return line

    def send(self, signal_number):
        self.process.send_signal(signal_number)

    def stop(self):
        """Drains; returns the exit code."""
        self.send(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def grpc(self, **options):
        return tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{self.grpc_port}", **options)

    def http(self, **options):
        return tritonclient.http.InferenceServerClient(f"127.0.0.1:{self.http_port}", **options)

    def get(self, path, body=None, headers=None, method=None):
        """The status and body of a plain request."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}", body, headers or {}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


def tensors(module, **arrays):
    """Inputs of tritonclient, by name."""
    from tritonclient.utils import np_to_triton_dtype

    inputs = []
    for name, array in arrays.items():
        tensor = module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def infer(server, protocol, model="glove", outputs=None, client=None, headers=None, parameters=None, timeout=None, **arrays):
    """The answer of one request by a protocol, as a dict of arrays."""
    module = {"grpc": tritonclient.grpc, "http": tritonclient.http}[protocol]
    own = client is None
    client = client or getattr(server, protocol)()
    try:
        wanted = outputs and [module.InferRequestedOutput(name) for name in outputs]
        answer = client.infer(
            model,
            tensors(module, **arrays),
            outputs=wanted,
            parameters=parameters or {},
            headers=headers,
            timeout=timeout,  # [microseconds]
        )
    finally:
        if own:
            client.close()
    response = answer.get_response()
    names = [o["name"] for o in response["outputs"]] if protocol == "http" else [o.name for o in response.outputs]
    result = {name: answer.as_numpy(name) for name in names}
    result["version"] = response["model_version"] if protocol == "http" else response.model_version
    return result
