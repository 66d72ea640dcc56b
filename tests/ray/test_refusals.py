"""What is refused: by a message that names it, with the replicas unharmed."""

import maxdot
import numpy as np
import pytest
from cluster import PATIENCE, assert_same, until

RANDOM = np.random.default_rng(9)
ITEMS = RANDOM.standard_normal((400, 8), dtype=np.float32)
QUERIES = RANDOM.standard_normal((3, 8), dtype=np.float32)
HOLE = QUERIES.copy()
HOLE[1, 2] = np.nan
WHOLE = maxdot.Index.build(ITEMS)

BY_HANDLE = [
    ((QUERIES.astype(np.float64), 3), {}, ValueError, "queries: dtype float64"),
    ((QUERIES[:, :7], 3), {}, ValueError, "7"),
    ((QUERIES.reshape(1, 3, 8), 3), {}, ValueError, r"queries: shape \(1, 3, 8\)"),
    ((HOLE, 3), {}, ValueError, "(?i)nan"),
    (("text", 3), {}, ValueError, "queries"),
    ((None, 3), {}, ValueError, "queries"),
    ((np.zeros((51, 8), np.float32), 3), {}, ValueError, "most_queries is 50"),
    ((QUERIES, -1), {}, ValueError, "k: -1"),
    ((QUERIES, 501), {}, ValueError, "k: 501"),
    ((QUERIES, 1 << 70), {}, ValueError, "k: "),
    ((QUERIES, 1.5), {}, TypeError, "float"),
    ((QUERIES, 3), {"metric": "manhattan"}, ValueError, "manhattan"),
    ((QUERIES, 3), {"metric": 7}, TypeError, "metric: int is not a string"),
    ((QUERIES, 3), {"scores": "f16"}, ValueError, "scores: 'f16'"),
    ((QUERIES, 3), {"exclude": [[1]]}, ValueError, "exclude"),
    ((QUERIES, 3), {"allow": [["x"], [], []]}, ValueError, r"allow\[0\]"),
    ((QUERIES, 3), {"item_mask": np.ones(400, bool)}, TypeError, "item_mask"),
]

BODIES = [
    (b"", "body: no JSON"),
    (b"\xff\xfe\x00", "body: no JSON"),
    (b"[" * 100_000, "body: no JSON"),
    (b"[]", "body: list is no JSON object"),
    ({"queries": QUERIES.tolist()}, "body: it has no k"),
    ({"k": 3}, "body: it has no queries"),
    ({"queries": QUERIES.tolist(), "k": 3, "threads": 9}, "body: there is no field 'threads'"),
    ({"queries": QUERIES.tolist(), "k": True}, "k: True"),
    ({"queries": QUERIES.tolist(), "k": "3"}, "k: '3'"),
    ({"queries": QUERIES.tolist(), "k": 3.0}, "k: 3.0"),
    ({"queries": QUERIES.tolist(), "k": 501}, "k: 501"),
    ({"queries": QUERIES.tolist(), "k": -(1 << 80)}, "k: -"),
    ({"queries": "text", "k": 3}, "queries: str"),
    ({"queries": [], "k": 3}, "queries: "),
    ({"queries": [[]], "k": 3}, "queries: "),
    ({"queries": [[1.0] * 8, [1.0] * 7], "k": 3}, "queries[1]: 7 numbers"),
    ({"queries": [[1.0] * 8, 5], "k": 3}, "queries[1]: int"),
    ({"queries": [["1"] * 8], "k": 3}, "queries[0]: holds a str"),
    ({"queries": [[True] * 8], "k": 3}, "queries[0]: holds a bool"),
    ({"queries": [[None] * 8], "k": 3}, "queries[0]: holds a NoneType"),
    ({"queries": [[[1.0]] * 8], "k": 3}, "queries[0]: holds a list"),
    ({"queries": [[float("nan")] * 8], "k": 3}, "row 0"),
    ({"queries": [[1.0] * 7 + [1e300]], "k": 3}, "row 0"),
    ({"queries": [[10**400] * 8], "k": 3}, "queries: "),
    ({"queries": [[1.0] * 9], "k": 3}, "9"),
    ({"queries": [[1.0] * 8] * 51, "k": 3}, "most_queries is 50"),
    ({"queries": QUERIES.tolist(), "k": 3, "metric": "manhattan"}, "manhattan"),
    ({"queries": QUERIES.tolist(), "k": 3, "metric": 5}, "metric: int is not a string"),
    ({"queries": QUERIES.tolist(), "k": 3, "exclude": [[1]]}, "exclude"),
    ({"queries": QUERIES.tolist(), "k": 3, "exclude": [[1.5], [], []]}, "exclude[0]: holds a float"),
    ({"queries": QUERIES.tolist(), "k": 3, "allow": [[1 << 64], [], []]}, "allow"),
    ({"queries": QUERIES.tolist(), "k": 3, "allow": {"1": 2}}, "allow: dict"),
]


def test_refusals(run, saved):
    served = run(
        saved(ITEMS, np.array_split(np.arange(400), 2)), most_k=500, most_queries=50, most_body_bytes=200_000
    )
    before = served.processes("front"), served.processes("shard-0"), served.processes("shard-1")
    for arguments, how, kind, text in BY_HANDLE:
        with pytest.raises(kind, match=text):
            served.search(*arguments, **how)
    for body, text in BODIES:
        status, answer = served.post(body)
        assert (status, list(answer)) == (400, ["error"]), (body, answer)
        assert text in answer["error"]
        assert "Traceback" not in answer["error"]
    assert served.post({"queries": [[1.0] * 8] * 50_000, "k": 3})[0] == 413
    assert served.post(b"", method="PUT")[0] == 405
    none = {"ids": [[], [], []], "scores": [[], [], []], "missing": []}
    assert served.post({"queries": QUERIES.tolist(), "k": 0}) == (200, none)
    assert_same(served.search(QUERIES, 10), WHOLE.search(QUERIES, 10))
    assert before == (served.processes("front"), served.processes("shard-0"), served.processes("shard-1"))


def test_overload(run, saved):
    """What waits for a shard beyond its limit is refused at once, by a handle and by HTTP; the rest is answered."""
    narrow = {"max_ongoing_requests": 1, "max_queued_requests": 1}
    served = run(saved(ITEMS, np.array_split(np.arange(400), 2)), shard_options=narrow)
    right = WHOLE.search(QUERIES, 10)
    assert_same(served.search(QUERIES, 10), right)
    with served.stopped("shard-1"):
        waiting = [served.handle.search.remote(QUERIES, 10) for _ in range(8)]
        until(lambda: is_refused(served))
        status, answer = served.post({"queries": QUERIES.tolist(), "k": 10})
        assert status == 429
        assert answer["error"].startswith("shard 'shard-")
    answered = 0
    for one in waiting:
        try:
            assert_same(one.result(timeout_s=PATIENCE), right)
            answered += 1
        except maxdot.OverloadedError:
            pass
    assert 0 < answered < len(waiting)
    until(lambda: not is_refused(served))


def is_refused(served):
    try:
        served.handle.search.remote(QUERIES, 10).result(timeout_s=1)
    except maxdot.OverloadedError as error:
        assert "shard 'shard-" in str(error)
        return True
    except TimeoutError:  # it waits itself
        pass
    return False
