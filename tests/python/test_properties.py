"""Properties that hold for every input, with hypothesis looking for one that breaks them."""

import maxdot
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support import METRICS

# Few distinct values make ties and duplicates the rule; the others make norms of every size.
VALUES = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5]), st.floats(-(2.0**60), 2.0**60, width=32))
METRIC = st.sampled_from(METRICS)


@st.composite
def matrices(draw, max_rows=40):
    dimension = draw(st.integers(1, 21))
    dtype = draw(st.sampled_from([np.float32, np.float16]))
    values = VALUES if dtype == np.float32 else st.floats(-1000, 1000, width=16)
    rows = [draw(st.integers(0 if n else 1, max_rows)) for n in range(2)]
    return [draw(hnp.arrays(dtype, (count, dimension), elements=values)) for count in rows]


@given(matrices(), st.integers(0, 45), METRIC, st.booleans())
@settings(max_examples=150, deadline=None)
def test_search_is_exact_by_the_brute_force(data, k, metric, normalize):
    items, queries = data
    ids, scores = maxdot.top_k(queries, items, k, metric, normalize)
    found = maxdot.verify(items, queries, ids, metric, normalize)
    assert found.exact
    assert found.tied == 0
    assert found.recall == 1.0
    filled = min(k, len(items))
    assert (ids[:, filled:] == -1).all()
    assert all(len(set(row[:filled])) == filled for row in ids.tolist())
    steps = np.diff(scores[:, :filled].astype(np.float64), axis=1)
    assert (steps >= 0).all() if metric == "euclidean" else (steps <= 0).all()


@given(matrices(), st.integers(1, 20), METRIC)
@settings(max_examples=60, deadline=None)
def test_threads_batches_and_k_do_not_matter(data, k, metric):
    items, queries = data
    index = maxdot.Index.build(items, metric=metric)
    ids, scores = index.search(queries, k, threads=1)
    assert index.search(queries, k, threads=3)[0].tolist() == ids.tolist()
    assert index.search(queries, k + 5)[0][:, :k].tolist() == ids.tolist()
    for row, query in enumerate(queries):
        alone = index.search(query, k)
        assert alone[0].tolist() == ids[row].tolist()
        assert alone[1].tobytes() == scores[row].tobytes()


@given(matrices(), st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_normalized_rankings_are_one(data, k):
    items, queries = data
    index = maxdot.Index.build(items, normalize=True)
    rankings = [index.search(queries, k, metric=metric)[0].tolist() for metric in METRICS]
    assert rankings[0] == rankings[1] == rankings[2]


@given(matrices(), st.data())
@settings(max_examples=60, deadline=None)
def test_own_ids_rename_the_rows(data, draws):
    items, queries = data
    ids = draws.draw(
        st.lists(st.integers(0, 2**63 - 1), min_size=len(items), max_size=len(items), unique=True)
    )
    found = maxdot.Index.build(items, ids=np.array(ids, np.int64), metric="dot").search(queries, 7)[0]
    assert maxdot.verify(items, queries, found, "dot", item_ids=np.array(ids, np.int64)).exact
