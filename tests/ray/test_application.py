"""What an application is made of; no Ray runs here."""

import pickle

import pytest
from maxdot.ray.agreement import check_descriptions, found_by
from maxdot.ray.serve import ShardsDisagreeError, ShardUnavailableError, application
from maxdot.ray.shard import Description, Found


@pytest.mark.parametrize(
    ("paths", "how", "kind", "text"),
    [
        ([], {}, ValueError, "paths: there are none"),
        ("items.maxdot", {}, TypeError, "is one path"),
        (["a", "./a"], {}, ValueError, "'shard-0' and 'shard-1' are both"),
        ({"front": "a"}, {}, ValueError, "'front' cannot name"),
        ({"a#b": "a"}, {}, ValueError, "'a#b' cannot name"),
        ({"": "a"}, {}, ValueError, "'' cannot name"),
        (["a"], {"replicas": 0}, ValueError, "replicas: 0"),
        (["a"], {"replicas": 1.5}, TypeError, "float"),
        (["a"], {"threads": 0}, ValueError, "threads: 0"),
        (["a"], {"timeout": None}, ValueError, "timeout: None"),
        (["a"], {"timeout": 0}, ValueError, "timeout"),
        (["a"], {"timeout": "1"}, TypeError, "timeout"),
        (["a"], {"most_k": 0}, ValueError, "most_k: 0"),
        (["a"], {"most_queries": 0}, ValueError, "most_queries: 0"),
        (["a"], {"most_body_bytes": 0}, ValueError, "most_body_bytes: 0"),
        (["a"], {"most_waiting_queries": 0}, ValueError, "most_waiting_queries: 0"),
    ],
)
def test_refused_arguments(paths, how, kind, text):
    with pytest.raises(kind, match=text):
        application(paths, **how)


def test_errors_travel():
    error = pickle.loads(pickle.dumps(ShardUnavailableError("shard 'a': gone", ("a",))))
    assert (str(error), error.shards) == ("shard 'a': gone", ("a",))


def test_shards_must_agree():
    one = Description("a.maxdot", 8, "dot", False)
    check_descriptions({"a": one, "b": one._replace(path="b.maxdot"), "c": ShardUnavailableError("", ("c",))})
    for other in ({"dimension": 9}, {"metric": "cosine"}, {"normalized": True}):
        with pytest.raises(ShardsDisagreeError, match=r"'b' \(b.maxdot\) is .* but shard 'a' \(a.maxdot\) is "):
            check_descriptions({"a": one, "b": one._replace(path="b.maxdot", **other)})


def test_what_becomes_of_a_search():
    found = Found(None, None, "dot", False)
    gone = ShardUnavailableError("shard 'b': gone", ("b",))
    assert found_by({"a": found, "b": gone}, True) == ({"a": found}, ("b",))
    with pytest.raises(ShardUnavailableError, match="'b': gone"):
        found_by({"a": found, "b": gone}, False)
    with pytest.raises(ShardsDisagreeError, match="shard 'b' refuses what shard 'a' answers: queries: 8"):
        found_by({"a": found, "b": ValueError("queries: 8")}, True)
    with pytest.raises(ValueError, match="queries: 8"):  # the caller's fault, also while a shard is down
        found_by({"a": gone, "b": ValueError("queries: 8")}, True)
    with pytest.raises(ShardsDisagreeError, match="'b' ranks by dot, normalized, but shard 'a' by dot"):
        found_by({"a": found, "b": found._replace(normalized=True)}, False)
