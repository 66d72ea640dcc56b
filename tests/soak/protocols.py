"""Clients of the server by gRPC and by HTTP: one for each thread, with the same methods."""

import functools
import http.client
import json

import grpc
import numpy as np
import tritonclient.grpc
import tritonclient.http
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.utils import np_to_triton_dtype

# [seconds]
PATIENCE = 60
NAMES = {"int64": "INT64", "float16": "FP16", "float32": "FP32"}


class Refused(Exception):
    """What the server has refused; `status` is 400 or "INVALID_ARGUMENT"."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = str(status)


def tensors(module, arrays):
    inputs = []
    for name, array in arrays.items():
        tensor = module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        inputs.append(tensor)
    return inputs


def arrays_of(pool, asked):
    """The inputs of a question of catalogue.Pool."""
    arrays = {"queries": pool.queries[asked["queries"]]}
    for name in ("exclude", "allow"):
        if asked[name] is not None:
            arrays[f"{name}_ids"] = np.concatenate(asked[name]).astype(np.int64)
            arrays[f"{name}_offsets"] = np.cumsum([0, *map(len, asked[name])]).astype(np.int64)
    return arrays


def search(client, model, pool, asked):
    """By a client of tritonclient: ids [n, k], scores [n, k] (f64) and the version."""
    module = tritonclient.grpc if isinstance(client, tritonclient.grpc.InferenceServerClient) else tritonclient.http
    answer = client.infer(
        model,
        tensors(module, arrays_of(pool, asked)),
        outputs=[module.InferRequestedOutput("ids"), module.InferRequestedOutput("scores64")],
        parameters={"k": asked["k"], "metric": asked["metric"]},
    )
    response = answer.get_response()
    version = response["model_version"] if isinstance(response, dict) else response.model_version
    return answer.as_numpy("ids"), answer.as_numpy("scores64"), version


def asker(server, protocol):
    """What a reader asks with: a function (model, pool, asked), and what closes it."""
    if protocol == "plain HTTP":
        client = HttpCatalogue(server)
        return client.search, client.close
    client = triton(server, protocol)
    return functools.partial(search, client), client.close


def triton(server, protocol):
    if protocol == "grpc":
        return tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc_port}")
    return tritonclient.http.InferenceServerClient(
        f"127.0.0.1:{server.http_port}", connection_timeout=PATIENCE, network_timeout=PATIENCE
    )


class GrpcCatalogue:
    """Changes by maxdot.v1.Catalogue; it asks the server for its messages, as grpcurl does."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}")
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channel))
        self.methods = {}
        for method in pool.FindServiceByName("maxdot.v1.Catalogue").methods:
            asks, answers = (message_factory.GetMessageClass(m) for m in (method.input_type, method.output_type))
            call = self.channel.unary_unary(
                f"/maxdot.v1.Catalogue/{method.name}",
                request_serializer=asks.SerializeToString,
                response_deserializer=answers.FromString,
            )
            self.methods[method.name] = asks, call

    def _call(self, name, **fields):
        asks, call = self.methods[name]
        try:
            return call(asks(**fields), timeout=PATIENCE)
        except grpc.RpcError as error:
            raise Refused(error.code().name, error.details()) from None

    def upsert(self, model, ids, rows):
        form = {"float16": "rows_fp16", "float32": "rows_fp32"}[str(rows.dtype)]
        answer = self._call("Upsert", model=model, ids=ids, **{form: rows.tobytes()})
        return answer.version, answer.items

    def remove(self, model, ids):
        answer = self._call("Remove", model=model, ids=ids)
        return answer.version, answer.items

    def version(self, model):
        return self._call("Version", model=model).version

    def close(self):
        self.channel.close()


class HttpCatalogue:
    """The same by HTTP, on one connection; with binary tensors, or in JSON where there are few items."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=PATIENCE)

    def call(self, method, path, body=None, headers=None):
        """The status and body. A connection that the server has closed since, being idle, is opened again."""
        try:
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self.connection.close()
            self.connection.request(method, path, body, headers or {})
            response = self.connection.getresponse()
        return response.status, response.read()

    def _change(self, model, kind, arrays, raw):
        inputs, after = [], b""
        for name, array in arrays.items():
            tensor = {"name": name, "datatype": NAMES[str(array.dtype)], "shape": array.shape}
            if raw:
                tensor["parameters"] = {"binary_data_size": array.nbytes}
                after += array.tobytes()
            else:
                tensor["data"] = array.tolist()
            inputs.append(tensor)
        head = json.dumps({"inputs": inputs}).encode()
        status, text = self.call(
            "POST", f"/v1/models/{model}/{kind}", head + after, {"Inference-Header-Content-Length": str(len(head))}
        )
        answer = json.loads(text)
        if status != 200:
            raise Refused(status, answer["error"])
        return answer["version"], answer["items"]

    def upsert(self, model, ids, rows):
        raw = (
            len(ids) > 10 or rows.dtype == np.float16 or not np.isfinite(rows).all()
        )  # JSON has no FP16 and no NaN.
        return self._change(model, "upsert", {"ids": np.asarray(ids, np.int64), "rows": rows}, raw)

    def remove(self, model, ids):
        return self._change(model, "remove", {"ids": np.asarray(ids, np.int64)}, len(ids) > 10)

    def search(self, model, pool, asked):
        """As the function `search`, in plain JSON."""
        inputs = [
            {
                "name": name,
                "datatype": NAMES[str(array.dtype)],
                "shape": array.shape,
                "data": array.ravel().tolist(),
            }
            for name, array in arrays_of(pool, asked).items()
        ]
        body = {
            "inputs": inputs,
            "parameters": {"k": asked["k"], "metric": asked["metric"]},
            "outputs": [{"name": "ids"}, {"name": "scores64"}],
        }
        status, text = self.call("POST", f"/v2/models/{model}/infer", json.dumps(body).encode())
        answer = json.loads(text)
        if status != 200:
            raise Refused(status, answer["error"])
        # A padded score is null, which becomes NaN here.
        ids, scores = (
            np.array(o["data"], kind).reshape(o["shape"])
            for o, kind in zip(answer["outputs"], (np.int64, np.float64))
        )
        return ids, scores, answer["model_version"]

    def version(self, model):
        return json.loads(self.call("GET", f"/v1/models/{model}")[1])["version"]

    def close(self):
        self.connection.close()


CATALOGUES = {"grpc": GrpcCatalogue, "http": HttpCatalogue}
