"""Answers are bit for bit those of maxdot.Index.search, by both protocols and every form of a tensor."""

import json
import threading

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from running import PATIENCE, infer
from tritonclient.grpc import service_pb2, service_pb2_grpc

PROTOCOLS = ["grpc", "http"]


def bits(array):
    return array.dtype, array.shape, array.tobytes()


def check(answer, expected):
    ids, scores = expected
    assert bits(answer["ids"]) == bits(ids)
    assert bits(answer["scores"]) == bits(scores)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("metric", ["dot", "cosine", "euclidean"])
@pytest.mark.parametrize("n, k", [(1, 1), (1, 10), (7, 100), (64, 33)])
def test_equals_the_library(server, index, queries, protocol, metric, n, k):
    answer = infer(server, protocol, queries=queries[:n], parameters={"k": k, "metric": metric})
    check(answer, index.search(queries[:n], k, metric=metric))
    assert (answer["counts"] == k).all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_half_precision(server, index, items, protocol):
    check(infer(server, protocol, queries=items[:5], parameters={"k": 20}), index.search(items[:5], 20))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_the_outputs_that_were_asked_for(server, index, queries, protocol):
    answer = infer(server, protocol, outputs=["scores64", "counts", "scores"], queries=queries[:3])
    assert list(answer) == ["scores64", "counts", "scores", "version"]
    _, scores64 = index.search(queries[:3], 10, scores="f64")
    _, scores = index.search(queries[:3], 10)
    assert bits(answer["scores64"]) == bits(scores64)
    assert bits(answer["scores"]) == bits(scores)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["exclude", "allow"])
def test_lists_of_ids(server, index, queries, protocol, kind):
    lists = [np.array(ids, dtype=np.int64) for ids in ([1, 2, 3, 3, -1], [], [5, 10_000_000], range(200))]
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    arrays = {f"{kind}_ids": np.concatenate(lists), f"{kind}_offsets": offsets}
    answer = infer(server, protocol, queries=queries[:4], parameters={"k": 50}, **arrays)
    check(answer, index.search(queries[:4], 50, **{kind: lists}))
    permitted = [3, 0, 1, 50] if kind == "allow" else [50] * 4
    assert answer["counts"].tolist() == permitted


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_list_needs_no_offsets(server, index, queries, protocol):
    seen = index.search(queries[:1], 5)[0][0]
    answer = infer(server, protocol, queries=queries[:1], exclude_ids=seen)
    check(answer, index.search(queries[:1], 10, exclude=[seen]))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_more_results_than_items_are_padded(server, queries, protocol):
    ids = np.array([4, 7], dtype=np.int64)
    answer = infer(server, protocol, queries=queries[:1], allow_ids=ids, parameters={"k": 3})
    assert answer["counts"].tolist() == [2]
    assert set(answer["ids"][0]) == {4, 7, -1}
    assert answer["scores"][0][2] == -np.inf


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_results(server, queries, protocol):
    answer = infer(server, protocol, queries=queries[:3], parameters={"k": 0})
    assert answer["ids"].shape == answer["scores"].shape == (3, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_queries(server, queries, protocol):
    answer = infer(server, protocol, queries=queries[:0], parameters={"k": 4})
    assert answer["ids"].shape == (0, 4) and answer["counts"].shape == (0,)


def test_typed_contents_of_grpc(server, index, queries):
    request = service_pb2.ModelInferRequest(model_name="glove", id="typed")
    request.parameters["k"].int64_param = 6
    tensor = request.inputs.add(name="queries", datatype="FP32", shape=[2, 100])
    tensor.contents.fp32_contents.extend(queries[:2].ravel().tolist())
    seen = request.inputs.add(name="exclude_ids", datatype="INT64", shape=[1])
    seen.contents.int64_contents.extend([3])
    offsets = request.inputs.add(name="exclude_offsets", datatype="INT64", shape=[3])
    offsets.contents.int64_contents.extend([0, 0, 1])
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        answer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=PATIENCE)
    assert answer.id == "typed" and not answer.raw_output_contents
    ids, scores, counts = answer.outputs
    expected_ids, expected_scores = index.search(queries[:2], 6, exclude=[[], [3]])
    assert list(ids.contents.int64_contents) == expected_ids.ravel().tolist()
    assert list(scores.contents.fp32_contents) == expected_scores.ravel().tolist()
    assert list(counts.contents.int64_contents) == [6, 6]


def test_plain_json_of_http(server, index, queries):
    body = {
        "id": "plain",
        "parameters": {"k": 4},
        "inputs": [{"name": "queries", "datatype": "FP32", "shape": [2, 100], "data": queries[:2].tolist()}],
        "outputs": [{"name": "scores64"}, {"name": "scores"}, {"name": "ids"}],
    }
    status, text = server.get("/v2/models/glove/infer", json.dumps(body).encode())
    answer = json.loads(text)
    assert status == 200 and answer["id"] == "plain" and answer["model_name"] == "glove"
    by_name = {output["name"]: output for output in answer["outputs"]}
    ids, scores = index.search(queries[:2], 4)
    assert by_name["ids"]["data"] == ids.ravel().tolist() and by_name["ids"]["shape"] == [2, 4]
    assert np.array(by_name["scores"]["data"], dtype=np.float32).tobytes() == scores.tobytes()
    scores64 = index.search(queries[:2], 4, scores="f64")[1]
    assert np.array(by_name["scores64"]["data"]).tobytes() == scores64.tobytes()


def test_padding_in_json_is_null(server, queries):
    tensor = {"name": "queries", "datatype": "FP32", "shape": [1, 100], "data": queries[0].tolist()}
    allow = {"name": "allow_ids", "datatype": "INT64", "shape": [1], "data": [9]}
    body = {"parameters": {"k": 2}, "inputs": [tensor, allow], "outputs": [{"name": "scores"}]}
    _, text = server.get("/v2/models/glove/infer", json.dumps(body).encode())
    assert json.loads(text)["outputs"][0]["data"][1] is None


def test_tensors_of_http_may_differ_in_form(server, index, queries):
    module = tritonclient.http
    tensor = module.InferInput("queries", [3, 100], "FP32")
    tensor.set_data_from_numpy(queries[:3], binary_data=False)
    seen = module.InferInput("exclude_ids", [2], "INT64")
    seen.set_data_from_numpy(np.array([0, 1], dtype=np.int64), binary_data=True)
    offsets = module.InferInput("exclude_offsets", [4], "INT64")
    offsets.set_data_from_numpy(np.array([0, 1, 1, 2], dtype=np.int64), binary_data=False)
    outputs = [module.InferRequestedOutput("ids", binary_data=False), module.InferRequestedOutput("scores")]
    client = server.http()
    answer = client.infer("glove", [tensor, seen, offsets], outputs=outputs)
    client.close()
    check({name: answer.as_numpy(name) for name in ("ids", "scores")}, index.search(queries[:3], 10, exclude=[[0], [], [1]]))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_many_clients_at_a_time(server, index, queries, protocol):
    wrong = []

    def ask(seed):
        random = np.random.default_rng(seed)
        client = getattr(server, protocol)()
        try:
            for _ in range(40):
                n, k = int(random.integers(1, 9)), int(random.integers(1, 60))
                rows = queries[random.choice(len(queries), n)]
                answer = infer(server, protocol, client=client, queries=rows, parameters={"k": k})
                check(answer, index.search(rows, k))
        except BaseException as error:
            wrong.append(error)
        finally:
            client.close()

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not wrong, wrong[0]
