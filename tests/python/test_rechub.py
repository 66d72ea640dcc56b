"""maxdot.rechub's engines, builder and indexer keep the shapes and conventions of torch-rechub's back-ends."""

import abc
import subprocess
import sys
import types

import maxdot
import numpy as np
import pytest
import tensors
from maxdot import rechub
from support import best, gaussian, scores64

ITEMS, QUERIES = gaussian(120, 9, 31), gaussian(7, 9, 32)

#: measure: brute force in that measure, [queries, items], and whether it ascends
MEASURES = {
    "cosine": (lambda: scores64(ITEMS, QUERIES, "cosine"), False),
    "angular": (lambda: scores64(ITEMS, QUERIES, "euclidean", normalize=True), True),
    "dot": (lambda: scores64(ITEMS, QUERIES, "dot"), False),
    "IP": (lambda: scores64(ITEMS, QUERIES, "dot"), False),
    "euclidean": (lambda: scores64(ITEMS, QUERIES, "euclidean"), True),
    "L2": (lambda: scores64(ITEMS, QUERIES, "euclidean") ** 2, True),
}
INPUTS = {
    "numpy": lambda values: values,
    "float64": lambda values: values.astype(np.float64),
    "tensor": tensors.Tensor,
    "requires grad": lambda values: tensors.Tensor(values, requires_grad=True),
    "another device": lambda values: tensors.Tensor(values, device="cuda:0", requires_grad=True),
    "bfloat16": tensors.BFloat16,
}


def expected(measure, k):
    values, ascending = MEASURES[measure][0](), MEASURES[measure][1]
    order = np.argsort(values if ascending else -values, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(values, order, 1)


@pytest.mark.parametrize("measure", MEASURES)
def test_builder_from_embeddings_and_file(measure, tmp_path):
    ids, distances = expected(measure, 5)
    builder = rechub.Builder(measure)
    with builder.from_embeddings(ITEMS) as indexer:
        found = indexer.query(QUERIES, 5)
        indexer.save(tmp_path / "items.maxdot")
    with builder.from_index_file(tmp_path / "items.maxdot") as indexer:
        again = indexer.query(QUERIES, top_k=5)
    for got_ids, got in (found, again):
        assert (got_ids.dtype, got.dtype, got.shape) == (np.int64, np.float32, (7, 5))
        np.testing.assert_array_equal(got_ids, ids)
        np.testing.assert_allclose(got, distances, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="closed"):
        indexer.query(QUERIES, 5)


@pytest.mark.parametrize("kind", INPUTS)
def test_what_goes_in_and_what_comes_out(kind):
    items, queries = INPUTS[kind](ITEMS), INPUTS[kind](QUERIES)
    with rechub.Builder().from_embeddings(items) as indexer:
        ids, distances = indexer.query(queries, 4)
    if isinstance(queries, tensors.Tensor):
        assert isinstance(ids, tensors.Tensor)
        assert isinstance(distances, tensors.Tensor)
        ids, distances = ids.values, distances.values
    assert (ids.dtype, distances.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(ids, best(ITEMS, QUERIES, 4, "cosine")[0])


def test_own_ids_survive_the_file(tmp_path):
    raw = np.arange(120) * 7 + 1000
    with rechub.Builder("dot", ids=raw).from_embeddings(ITEMS) as indexer:
        indexer.save(tmp_path / "items")
    with rechub.Builder("dot").from_index_file(str(tmp_path / "items")) as indexer:
        np.testing.assert_array_equal(indexer.query(QUERIES, 3)[0], raw[expected("dot", 3)[0]])


def test_a_file_of_another_measure_is_refused(tmp_path):
    maxdot.Index.build(ITEMS, metric="dot").save(tmp_path / "items")
    with (
        pytest.raises(ValueError, match="metric=dot or ip"),
        rechub.Builder("angular").from_index_file(tmp_path / "items"),
    ):
        pass
    with pytest.raises(OSError), rechub.Builder().from_index_file(tmp_path / "none"):  # noqa: PT011
        pass


def test_several_interests():
    users = gaussian(3 * 4, 9, 33).reshape(3, 4, 9)
    users[1, 2:] = 0  # MIND's unused interests
    with rechub.Builder("dot").from_embeddings(ITEMS) as indexer:
        ids, distances = indexer.query(users, 6)
    for user in range(3):
        used = users[user][np.any(users[user] != 0, axis=1)]
        values = scores64(ITEMS, used, "dot").max(0)
        np.testing.assert_array_equal(ids[user], np.argsort(-values, kind="stable")[:6])
        np.testing.assert_allclose(distances[user], np.sort(values)[::-1][:6], rtol=1e-5)


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("maxdot", {"metric": "cosine", "threads": 1}),
        ("annoy", {"d": 9, "n_trees": 1, "threads": 2, "searchk": 100}),
        ("annoy", {"d": 9, "metric": "dot"}),
        ("faiss", {}),
        ("faiss", {"index_type": "HNSW", "metric": "IP", "m": 16, "efSearch": 50}),
        ("faiss", {"index_type": "IVF", "metric": "L2", "nlists": 2, "nprobe": None}),
        ("milvus", {"d": 9, "index_type": "HNSW", "m": 16, "ef": None}),
        ("milvus", {"d": 9, "metric": "IP", "nlist": 1, "host": "nowhere"}),
    ],
)
def test_factory_takes_what_rechub_s_takes(model, config):
    default = {"maxdot": "cosine", "annoy": "angular", "faiss": "L2", "milvus": "cosine"}[model]
    ids, distances = expected(config.get("metric", default), 5)
    with rechub.builder_factory(model, **config).from_embeddings(tensors.Tensor(ITEMS)) as indexer:
        got_ids, got = indexer.query(tensors.Tensor(QUERIES), 5)
    np.testing.assert_array_equal(got_ids.values, ids)
    np.testing.assert_allclose(got.values, distances, rtol=1e-5)


def test_annoy_engine():
    engine = rechub.Annoy(n_trees=10)
    engine.fit(ITEMS)
    engine.set_query_arguments(search_k=5)
    ids, distances = engine.query(v=QUERIES[0], n=5)
    assert type(ids) is type(distances) is list
    assert (type(ids[0]), type(distances[0])) == (int, float)
    np.testing.assert_array_equal(ids, expected("angular", 5)[0][0])
    np.testing.assert_allclose(distances, expected("angular", 5)[1][0], rtol=1e-5)
    assert len(engine.query(tensors.Tensor(QUERIES[0], requires_grad=True), 500)[0]) == 120
    assert str(engine) == "Annoy(metric=angular, items=120)"


def test_faiss_engine(tmp_path):
    engine = rechub.Faiss(dim=9, index_type="hnsw", metric="ip")
    engine.fit(tensors.Tensor(ITEMS))
    engine.set_query_arguments(efSearch=3)
    ids, distances = engine.query(QUERIES, 5)
    np.testing.assert_array_equal(ids, expected("IP", 5)[0])
    np.testing.assert_allclose(distances, expected("IP", 5)[1], rtol=1e-5)
    one_ids, _ = engine.query(QUERIES[0], 5)
    assert one_ids == ids[:1]
    assert engine.query(QUERIES[0], 121)[0][0][-1] == -1
    engine.save_index(tmp_path / "items")
    opened = rechub.Faiss(9, metric="ip")
    opened.load_index(tmp_path / "items")
    assert opened.query(QUERIES, 5) == (ids, distances)


def test_refusals():
    unfitted, faiss = rechub.Engine(), rechub.Faiss(9)
    with rechub.Builder().from_embeddings(ITEMS) as indexer:
        for call, error, says in [
            (lambda: rechub.Builder("manhattan"), ValueError, "metric: 'manhattan'"),
            (lambda: rechub.builder_factory("scann"), NotImplementedError, "scann"),
            (lambda: rechub.builder_factory("faiss", n_trees=3), TypeError, "n_trees"),
            (lambda: unfitted.query(QUERIES[0], 1), ValueError, "fit"),
            (lambda: unfitted.fit(np.array(["a"])), ValueError, "^X: dtype <U1"),
            (lambda: unfitted.fit(np.full((2, 9), np.nan)), ValueError, "row 0, column 0"),
            (lambda: faiss.fit(ITEMS[:, :5]), ValueError, r"^X: shape \(120, 5\)"),
            (lambda: indexer.query(QUERIES[0], 1), ValueError, r"^embeddings: shape \(9,\)"),
            (lambda: indexer.query(QUERIES, -1), ValueError, "negative"),
        ]:
            with pytest.raises(error, match=says):
                call()


def test_nothing_of_rechub_s_is_imported():
    program = (
        "import sys, maxdot.rechub, maxdot.implicit;"
        "print([m for m in ('torch', 'torch_rechub', 'annoy', 'faiss', 'pymilvus', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    items = torch.nn.Parameter(torch.from_numpy(ITEMS.copy()))
    with rechub.Builder().from_embeddings(items) as indexer:
        ids, distances = indexer.query(
            torch.nn.functional.normalize(torch.from_numpy(QUERIES)) * items.sum() ** 0, 4
        )
        assert indexer.query(torch.from_numpy(QUERIES).bfloat16(), 4)[0].shape == (7, 4)
    assert (type(ids), ids.dtype, distances.dtype) == (torch.Tensor, torch.int64, torch.float32)
    np.testing.assert_array_equal(ids.numpy(), best(ITEMS, QUERIES, 4, "cosine")[0])


def test_virtual_subclasses_of_rechub_s_bases(monkeypatch):
    base = types.ModuleType("torch_rechub.serving.base")
    base.BaseBuilder, base.BaseIndexer = (
        abc.ABCMeta("BaseBuilder", (), {}),
        abc.ABCMeta("BaseIndexer", (), {}),
    )
    monkeypatch.setitem(sys.modules, base.__name__, base)
    builder = rechub.Builder()
    assert isinstance(builder, base.BaseBuilder)
    with builder.from_embeddings(ITEMS) as indexer:
        assert isinstance(indexer, base.BaseIndexer)
