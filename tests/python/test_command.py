"""Python and the command return the same ids, on real word vectors, for every metric."""

import os
import subprocess

import maxdot
import numpy as np
import pytest
from support import GLOVE, METRICS

COMMAND = os.environ.get("MAXDOT_BIN")


@pytest.mark.skipif(COMMAND is None, reason="MAXDOT_BIN does not name the maxdot command")
@pytest.mark.parametrize("metric", METRICS)
def test_ids_and_scores_are_those_of_the_command(metric, tmp_path):
    items = np.load(GLOVE)
    np.save(tmp_path / "queries.npy", items[::10])
    index, found = tmp_path / "glove.maxdot", tmp_path / "found"
    run = [COMMAND, "build", GLOVE, "-o", index, "--metric", metric]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    run = [COMMAND, "search", index, tmp_path / "queries.npy", "-k", "50", "--out", found]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    ids, scores = maxdot.Index.open(index).search(items[::10], 50)
    np.testing.assert_array_equal(ids, np.load(f"{found}.ids.npy"))
    np.testing.assert_array_equal(scores, np.load(f"{found}.scores.npy"))
    np.testing.assert_array_equal(maxdot.Index.build(items, metric=metric).search(items[::10], 50)[0], ids)
