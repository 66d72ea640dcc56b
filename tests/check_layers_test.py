#!/usr/bin/env python3
"""A check that cannot fail is none: check_layers must find each violation that is planted in a small tree."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True  # the source tree stays clean
import check_layers

GOOD = {
    "include/maxdot/index.hpp": '#include "maxdot/types.hpp"\n',
    "include/maxdot/types.hpp": "",
    "engine/base/file.hpp": '#include "maxdot/types.hpp"\n',
    "engine/bounds/f32_bound.hpp": '#include "base/file.hpp"\n',
    "engine/search/collect/top_k.hpp": '#include "base/file.hpp"\n',
    "engine/search/filter/row_set.hpp": "",
    "engine/search/plan/plan.hpp": '#include "search/collect/top_k.hpp"\n#include "search/filter/row_set.hpp"\n',
    "engine/search/scan/scan.hpp": '#include "bounds/f32_bound.hpp"\n#include "search/plan/plan.hpp"\n',
    "engine/search/search.cpp": '#include "search/search.hpp"\n#include "search/scan/scan.hpp"\n',
    "engine/search/search.hpp": '#include "base/file.hpp"\n',
    "engine/search/variants/range.cpp": '#include "search/search.hpp"\n#include "search/variants/range.hpp"\n',
    "engine/search/variants/range.hpp": '#include "search/scan/scan.hpp"\n',
    "engine/softmax/sum.cpp": '#include "bounds/f32_bound.hpp"\n',
    "engine/measure/ranks.cpp": '#include "bounds/f32_bound.hpp"\n',
    "engine/base/thread_slot.hpp": "",
    "engine/c/c_status.cpp": '#include "maxdot/index.hpp"\n#include "base/thread_slot.hpp"\n#include "c/c_status.hpp"\n',
    "engine/c/c_status.hpp": "",
    "engine/api/index.cpp": '#include "bounds/f32_bound.hpp"\n#include "search/variants/range.hpp"\n',
    "tools/commands/build.cpp": (
        '#include "maxdot/index.hpp"\n#include "verify/compare.hpp"\n#include "console/console.hpp"\n#include <vector>\n'
    ),
    "tools/console/console.hpp": "",
    "tools/server/main.cpp": '#include "maxdot/index.hpp"\n#include "console/console.hpp"\n#include "server/http/path.hpp"\n',
    "tools/server/http/path.hpp": '#include "server/base/log.hpp"\n',
    "tools/server/base/log.hpp": "",
    "tools/verify/compare.hpp": '#include "console/console.hpp"\n#include "judge/brute.hpp"\n',
    "judge/brute.hpp": '#include "maxdot/index.hpp"\n#include "judge/widen.hpp"\n',
    "judge/widen.hpp": "",
    "python/src/module.cpp": '#include <nanobind/nanobind.h>\n#include "maxdot/index.hpp"\n#include "results.hpp"\n',
    "python/src/results.hpp": "",
    "tests/fuzz/oracle.hpp": "#include <vector>\n",
}
PLANTED = {
    "engine/base/low.hpp": '#include "search/search.hpp"',
    "engine/other/file.hpp": "",
    "engine/base/around.hpp": '#include "base/../search/search.hpp"',
    "engine/bounds/high.hpp": '#include "search/search.hpp"',
    "engine/store/high.hpp": '#include "bounds/f32_bound.hpp"',
    "engine/measure/high.cpp": '#include "search/variants/range.hpp"',
    "engine/softmax/high.cpp": '#include "search/search.hpp"',
    "engine/search/collect/beside.hpp": '#include "search/filter/row_set.hpp"',
    "engine/search/collect/high.hpp": '#include "search/plan/plan.hpp"',
    "engine/search/filter/beside.hpp": '#include "search/collect/top_k.hpp"',
    "engine/search/plan/high.hpp": '#include "search/scan/scan.hpp"',
    "engine/search/scan/high.hpp": '#include "search/search.hpp"',
    "engine/search/driver.cpp": '#include "search/variants/range.hpp"',
    "engine/search/other/file.hpp": "",
    "engine/c/deep.cpp": '#include "base/file.hpp"',
    "include/maxdot/wide.hpp": '#include "base/file.hpp"',
    "tools/loose.cpp": "",
    "tools/commands/deep.cpp": '#include "base/file.hpp"',
    "tools/commands/around.cpp": "#include <base/file.hpp>",
    "tools/commands/upward.cpp": '#include "../engine/base/file.hpp"',
    "tools/commands/sideways.cpp": '#include "console/../../engine/base/file.hpp"',
    "tools/commands/hidden.cpp": '#include "maxdot/secret.hpp"',
    "tools/commands/beside.cpp": '#include "console.hpp"',
    "tools/commands/missing.cpp": '#include "verify/missing.hpp"',
    "tools/server/command.cpp": '#include "commands/build.cpp"',
    "tools/server/base/high.cpp": '#include "server/http/path.hpp"',
    "tools/server/http/top.cpp": '#include "server/main.cpp"',
    "tools/server/other/file.hpp": "",
    "tools/console/high.cpp": '#include "verify/compare.hpp"',
    "judge/high.cpp": '#include "verify/compare.hpp"',
    "judge/deep.cpp": '#include "base/file.hpp"',
    "judge/beside.cpp": '#include "widen.hpp"',
    "python/src/deep.cpp": '#  include "search/search.hpp"',
    "python/src/around.cpp": "#include <base/file.hpp>",
    "python/src/other.cpp": '#include "console.hpp"',
    "python/src/threads.cpp": "#include <omp.h>",
    "tests/fuzz/oracle.cpp": '#include "oracle.hpp"\n#include "base/score.hpp"',
    "tests/fuzz/oracle.hpp": "#include <maxdot/types.hpp>",
}


class CheckLayers(unittest.TestCase):
    def problems_with(self, planted):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD, **planted}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check_layers.check(root)[1]

    def test_good_tree(self):
        self.assertEqual(self.problems_with({}), [])

    def test_each_planted_violation_is_found(self):
        for name, text in PLANTED.items():
            found = self.problems_with({name: text})
            self.assertEqual(len(found), 1, (name, found))
            self.assertIn(name, found[0])


if __name__ == "__main__":
    unittest.main()
