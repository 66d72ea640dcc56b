"""A maxdot-server whose log goes to a file, and what that log says."""

import json
import os
import pathlib
import signal
import subprocess
import time

BIN = os.environ.get("MAXDOT_SERVER_BIN", "")
# [seconds] Far beyond what a start or a stop takes.
PATIENCE = 120


class Server:
    """Has a session of its own: Ctrl-C in a terminal reaches the soak alone, which then stops the server."""

    def __init__(self, folder, log, *options):
        self.path = pathlib.Path(log)
        with self.path.open("wb") as stderr:
            self.process = subprocess.Popen(
                [BIN, str(folder), "--grpc-port", "0", "--http-port", "0", *options],
                stderr=stderr,
                start_new_session=True,
            )
        try:
            listening = self._event("listening")
            self.grpc_port, self.http_port = listening["grpc_port"], listening["http_port"]
            self._event("ready")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def log(self):
        """The lines of the log; one that is no JSON (of a library, of the system) is an event of its own."""
        lines = []
        for line in self.path.read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except json.JSONDecodeError:
                lines.append({"level": "error", "event": "no JSON", "line": line})
        return lines

    def _event(self, name):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for line in self.log():
                if line["event"] == name:
                    return line
            if self.process.poll() is not None:
                raise RuntimeError(f"the server has ended with {self.process.returncode}: {self.log()}")
            time.sleep(0.05)
        raise RuntimeError(f"the server does not say {name!r}: {self.log()}")

    def stop(self):
        """Drains; returns the exit code, or None if it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
