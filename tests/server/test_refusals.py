"""What cannot be answered is refused with a code and a message that says why; the server goes on."""

import json
import struct

import grpc
import numpy as np
import pytest
from running import PATIENCE, Running, infer
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

PROTOCOLS = ["grpc", "http"]
CODES = {  # of gRPC and of HTTP
    "invalid": ("StatusCode.INVALID_ARGUMENT", "400"),
    "missing": ("StatusCode.NOT_FOUND", "404"),
    "large": ("StatusCode.RESOURCE_EXHAUSTED", "413"),
    "late": ("StatusCode.DEADLINE_EXCEEDED", "504"),
}


def refused(server, protocol, code, words, **request):
    with pytest.raises(InferenceServerException) as caught:
        infer(server, protocol, **request)
    assert caught.value.status() == CODES[code][PROTOCOLS.index(protocol)], caught.value
    assert words in caught.value.message()


@pytest.fixture(scope="module", autouse=True)
def goes_on(server, index, queries):
    """After all of them a request is answered as before."""
    yield
    for protocol in PROTOCOLS:
        answer = infer(server, protocol, queries=queries[:2])
        assert (answer["ids"] == index.search(queries[:2], 10)[0]).all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
class TestRequest:
    def test_unknown_model(self, server, protocol, queries):
        refused(server, protocol, "missing", "no model 'nobody'", model="nobody", queries=queries)

    def test_dimension(self, server, protocol, queries):
        refused(server, protocol, "invalid", "dimension", queries=queries[:, :99].copy())

    def test_one_dimension(self, server, protocol, queries):
        refused(server, protocol, "invalid", "send [n, d]", queries=queries[0])

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_not_finite(self, server, protocol, queries, value):
        bad = queries[:3].copy()
        bad[2, 7] = value
        refused(server, protocol, "invalid", "row 2", queries=bad)

    @pytest.mark.parametrize("dtype", ["float64", "int32", "int64", "uint8", "bool"])
    def test_datatype(self, server, protocol, queries, dtype):
        refused(server, protocol, "invalid", "FP32", queries=queries.astype(dtype))

    def test_text(self, server, protocol):
        refused(server, protocol, "invalid", "BYTES", queries=np.array([[b"a"]], dtype=object))

    @pytest.mark.parametrize("k", [-1, 10_001, 2**62, "10", 1.5, True])
    def test_k(self, server, protocol, queries, k):
        refused(server, protocol, "invalid", "'k'", queries=queries, parameters={"k": k})

    @pytest.mark.parametrize("metric", ["", "manhattan", 3])
    def test_metric(self, server, protocol, queries, metric):
        refused(server, protocol, "invalid", "'metric'", queries=queries, parameters={"metric": metric})

    def test_unknown_parameter(self, server, protocol, queries):
        refused(server, protocol, "invalid", "unknown parameter 'K'", queries=queries, parameters={"K": 3})

    def test_unknown_input(self, server, protocol, queries):
        refused(server, protocol, "invalid", "unknown input 'rows'", queries=queries, rows=queries)

    def test_no_queries_input(self, server, protocol):
        ids = np.arange(3, dtype=np.int64)
        refused(server, protocol, "invalid", "no input 'queries'", exclude_ids=ids)

    def test_unknown_output(self, server, protocol, queries):
        refused(server, protocol, "invalid", "unknown output 'labels'", outputs=["labels"], queries=queries)

    def test_output_twice(self, server, protocol, queries):
        refused(server, protocol, "invalid", "asked for twice", outputs=["ids", "ids"], queries=queries)

    @pytest.mark.parametrize(
        "offsets, words",
        [([0, 1], "n + 1 = 3"), ([1, 1, 2], "first offset"), ([0, 2, 1], "offset"), ([0, 1, 9], "last offset")],
    )
    def test_offsets(self, server, protocol, queries, offsets, words):
        ids, offsets = np.arange(2, dtype=np.int64), np.array(offsets, dtype=np.int64)
        refused(server, protocol, "invalid", words, queries=queries[:2], exclude_ids=ids, exclude_offsets=offsets)

    def test_ids_without_offsets(self, server, protocol, queries):
        ids = np.arange(2, dtype=np.int64)
        refused(server, protocol, "invalid", "allow_offsets", queries=queries[:2], allow_ids=ids)

    def test_offsets_without_ids(self, server, protocol, queries):
        offsets = np.zeros(3, dtype=np.int64)
        refused(server, protocol, "invalid", "allow_ids", queries=queries[:2], allow_offsets=offsets)

    def test_ids_of_another_datatype(self, server, protocol, queries):
        ids = np.arange(2, dtype=np.int32)
        refused(server, protocol, "invalid", "INT32", queries=queries[:1], exclude_ids=ids)

    def test_time_that_is_over(self, server, protocol, queries):
        refused(server, protocol, "late", "", queries=queries, timeout=1)

    def test_too_many_queries(self, server, protocol, queries):
        many = np.tile(queries, (17, 1))
        refused(server, protocol, "invalid", "--max-queries", queries=many)

    def test_an_answer_that_is_too_large(self, server, protocol, queries):
        request = {"queries": np.tile(queries, (12, 1)), "parameters": {"k": 10_000}}
        refused(server, protocol, "large", "--max-message-bytes", **request)


class TestGrpc:
    def stub(self, server):
        channel = grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}")
        return channel, service_pb2_grpc.GRPCInferenceServiceStub(channel)

    def refused(self, server, request, words, code=grpc.StatusCode.INVALID_ARGUMENT):
        channel, stub = self.stub(server)
        with channel, pytest.raises(grpc.RpcError) as caught:
            stub.ModelInfer(request, timeout=PATIENCE)
        assert caught.value.code() == code
        assert words in caught.value.details()

    def request(self, shape, raw=None):
        request = service_pb2.ModelInferRequest(model_name="glove")
        request.inputs.add(name="queries", datatype="FP32", shape=shape)
        request.raw_input_contents.extend([] if raw is None else [raw])
        return request

    @pytest.mark.parametrize(
        "shape", [[1, 101], [2, 100], [-1, 100], [2**62, 100], [2**62, 2**62], [0, 100], [100], [1, 100, 1], [1, 0], []]
    )
    def test_sizes(self, server, shape):
        self.refused(server, self.request(shape, bytes(400)), "queries")

    def test_huge_sizes_of_nothing(self, server):
        self.refused(server, self.request([2**62, 0], b""), "--max-queries")
        self.refused(server, self.request([0, 2**62], b""), "dimension")

    def test_truncated(self, server, queries):
        self.refused(server, self.request([1, 100], queries[0].tobytes()[:-1]), "399 bytes")

    def test_raw_and_inputs_differ_in_number(self, server):
        request = self.request([1, 100], bytes(400))
        request.raw_input_contents.append(b"more")
        self.refused(server, request, "raw_input_contents")

    def test_half_precision_has_no_typed_contents(self, server):
        request = service_pb2.ModelInferRequest(model_name="glove")
        request.inputs.add(name="queries", datatype="FP16", shape=[1, 100])
        self.refused(server, request, "FP16")

    def test_shared_memory(self, server):
        request = self.request([1, 100], bytes(400))
        request.inputs[0].parameters["shared_memory_region"].string_param = "region"
        self.refused(server, request, "shared_memory_region", grpc.StatusCode.UNIMPLEMENTED)

    def test_version(self, server):
        request = self.request([1, 100], bytes(400))
        request.model_version = "3"
        self.refused(server, request, "no version '3'", grpc.StatusCode.NOT_FOUND)

    def test_what_is_no_message(self, server):
        channel, _ = self.stub(server)
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with channel, pytest.raises(grpc.RpcError):
            call(b"\xff" * 100, timeout=PATIENCE)

    def test_a_message_that_is_too_large(self, path):
        with Running(path, "--max-message-bytes", 4096) as server:
            code = grpc.StatusCode.RESOURCE_EXHAUSTED
            self.refused(server, self.request([11, 100], bytes(4400)), "larger than max", code)

    def test_a_method_that_is_not_offered(self, server):
        channel, stub = self.stub(server)
        with channel, pytest.raises(grpc.RpcError) as caught:
            stub.SystemSharedMemoryStatus(service_pb2.SystemSharedMemoryStatusRequest(), timeout=PATIENCE)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


QUERIES = {"name": "queries", "datatype": "FP32", "shape": [1, 100], "data": [0.5] * 100}


class TestHttp:
    def refused(self, server, body, words, status=400, headers=None):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        got, text = server.get("/v2/models/glove/infer", body, headers)
        assert got == status, text
        assert words in json.loads(text)["error"]

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"nonsense", b'{"inputs":[{"data":[1e999]}]}', b"\xff\xfe", b'{"id":"\xff"}']
    )
    def test_what_is_no_json(self, server, body):
        self.refused(server, body, "no JSON")

    @pytest.mark.parametrize("prefix", [b"", b'{"parameters":', b'{"inputs":[{"data":'])
    def test_nesting_without_an_end(self, server, prefix):
        self.refused(server, prefix + b"[" * 10_000_000, "nested deeper")

    def test_nan(self, server):
        self.refused(server, {"inputs": [dict(QUERIES, data=[float("nan")] * 100)]}, "no JSON")

    @pytest.mark.parametrize(
        "body, words",
        [
            ([], "no JSON object"),
            ({}, "queries"),
            ({"inputs": 3}, "'inputs'"),
            ({"inputs": [3]}, "'inputs'"),
            ({"inputs": [dict(QUERIES, data=5)]}, "no data"),
            ({"inputs": [dict(QUERIES, data=["5"])]}, "numbers only"),
            ({"inputs": [dict(QUERIES, data=[[[]]])]}, "0 bytes"),
            ({"inputs": [dict(QUERIES, data=[1e39] * 100)]}, "beyond FP32"),
            ({"inputs": [dict(QUERIES, data=[0.5] * 99)]}, "396 bytes"),
            ({"inputs": [dict(QUERIES, shape="1")]}, "no shape"),
            ({"inputs": [dict(QUERIES, shape=[1.5])]}, "whole number"),
            ({"inputs": [dict(QUERIES, shape=[2**64 - 1, 2])]}, "too large"),
            ({"inputs": [dict(QUERIES, shape=[-1, 100])]}, "size of -1"),
            ({"inputs": [dict(QUERIES, shape=[2**62, 100])]}, "do not fill"),
            ({"inputs": [QUERIES, QUERIES]}, "twice"),
            ({"inputs": [dict(QUERIES, name=None)]}, "'name'"),
            ({"inputs": [dict(QUERIES, datatype="FP16")]}, "FP16"),
            ({"inputs": [QUERIES, dict(QUERIES, name="allow_ids", datatype="INT64")]}, "no INT64"),
            ({"inputs": [QUERIES], "outputs": [{"name": "ids", "parameters": {"binary_data": 1}}]}, "binary_data"),
            ({"inputs": [QUERIES], "parameters": {"k": None}}, "'k'"),
            ({"inputs": [QUERIES], "parameters": []}, "'parameters'"),
            ({"inputs": [QUERIES], "id": 5}, "'id'"),
            ({"inputs": [dict(QUERIES, parameters={"binary_data_size": 400})]}, "both"),
        ],
    )
    def test_what_is_no_request(self, server, body, words):
        self.refused(server, body, words)

    def raw(self, size, bytes_after):
        tensor = {key: QUERIES[key] for key in ("name", "datatype", "shape")}
        head = json.dumps({"inputs": [dict(tensor, parameters={"binary_data_size": size})]}).encode()
        return head + bytes_after, {"Inference-Header-Content-Length": str(len(head))}

    @pytest.mark.parametrize(
        "size, sent, words",
        [(400, 399, "399 bytes are left"), (400, 401, "belong to no input"), (396, 396, "396 bytes"), (2**63, 400, "left")],
    )
    def test_sizes_of_raw_data(self, server, size, sent, words):
        body, headers = self.raw(size, bytes(sent))
        self.refused(server, body, words, headers=headers)

    @pytest.mark.parametrize("length", ["x", "-1", "99999999999999999999", "4096"])
    def test_the_length_of_the_json(self, server, length):
        body, _ = self.raw(400, bytes(400))
        self.refused(server, body, "Inference-Header-Content-Length", headers={"Inference-Header-Content-Length": length})

    def test_values_of_raw_data(self, server):
        body, headers = self.raw(400, struct.pack("<100f", *[0.0] * 99, float("nan")))
        self.refused(server, body, "column 99", headers=headers)

    def test_compressed(self, server):
        self.refused(server, b"x", "compressed", 415, {"Content-Encoding": "gzip"})

    def test_shared_memory(self, server):
        tensor = dict(QUERIES, parameters={"shared_memory_region": "region"})
        self.refused(server, {"inputs": [tensor]}, "shared_memory_region", 501)

    def test_a_body_that_is_too_large(self, path):
        with Running(path, "--max-message-bytes", 4096) as server:
            self.refused(server, b" " * 4097, "--max-message-bytes", 413)
            self.refused(server, {"inputs": [dict(QUERIES, data=[0] * 1500)]}, "--max-message-bytes", 413)

    @pytest.mark.parametrize("target", ["/", "/v3", "/v2/", "/v2/models", "/v2/models/glove/nothing", "/v2/models/%zz", "/v2//"])
    def test_paths(self, server, target):
        status, text = server.get(target)
        assert (status, "error" in json.loads(text)) == ((200, False) if target == "/v2/" else (404, True))

    def test_methods(self, server):
        assert server.get("/v2/models/glove/infer")[0] == 405
        assert server.get("/v2", b"{}")[0] == 405
        assert server.get("/v2", method="DELETE")[0] == 405

    def test_version(self, server):
        status, text = server.get("/v2/models/glove/versions/3/infer", json.dumps({"inputs": [QUERIES]}).encode())
        assert status == 404 and "no version '3'" in json.loads(text)["error"]
        version = json.loads(server.get("/v2/models/glove")[1])["versions"][0]
        path = f"/v2/models/glove/versions/{version}/infer"
        assert server.get(path, json.dumps({"inputs": [QUERIES]}).encode())[0] == 200
