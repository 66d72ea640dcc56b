"""What docs/serving.md shows of shards works as it says."""

import json
import os
import pathlib
import re

import maxdot
import numpy as np
import yaml
from cluster import Running, assert_same, assert_same_json, until
from maxdot.ray.serve import ShardUnavailableError, build
from ray import serve
from ray.serve.schema import ServeDeploySchema

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs/serving.md").read_text(encoding="utf-8").split("\n## More than one machine\n")[1]
SECTION = SECTION.split("\n## ")[0]


def block(kind):
    return re.search(rf"```{kind}\n(.*?)```", SECTION, re.DOTALL).group(1)


def test_example(cluster, tmp_path):
    random = np.random.default_rng(11)
    ids, items = random.permutation(500), random.standard_normal((500, 2), dtype=np.float32)
    users, seen = random.standard_normal((3, 2), dtype=np.float32), [[1, 2], [], [3]]
    names = {"ids": ids, "items": items, "users": users, "seen": seen}
    code = block("python")
    os.chdir(tmp_path)
    try:
        exec(code[: code.index("best = ")], names)
        served = Running(cluster, "items", names["handle"])
        # On a busy machine the first search may take longer than the example's second.
        until(lambda: not is_late(lambda: exec(code[code.index("best = ") :], names)))
        whole = maxdot.Index.build(items, ids=ids)
        assert_same(names["best"], whole.search(users, 10, exclude=seen))
        body = json.loads(re.search(r"-d '(.*?)'", SECTION).group(1))
        status, answer = until(lambda: (got := served.post(body))[0] != 503 and got)
        assert status == 200
        assert_same_json(
            answer, whole.search(np.array(body["queries"], np.float32), body["k"], exclude=body["exclude"])
        )
    finally:
        os.chdir(ROOT)
        serve.delete("items")


def is_late(search):
    try:
        search()
    except ShardUnavailableError:
        return True
    return False


def test_configuration_file():
    [application] = ServeDeploySchema(**yaml.safe_load(block("yaml"))).applications
    assert application.import_path == "maxdot.ray.serve:build"
    build(application.args)
    assert {one.name for one in application.deployments} <= set(application.args["paths"])
