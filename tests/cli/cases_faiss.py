"""FAISS and its BLAS are in a module that only verify loads, and verify does without it where it is not there."""

import pathlib
import resource
import shutil
import subprocess
import unittest

from support import BINARY, OK, CliTest, random_rows, write_matrix

MODULE = "maxdot_faiss.so"
MEMORY = 200_000 * 1024


class Faiss(CliTest):
    def setUp(self):
        super().setUp()
        self.binary = pathlib.Path(shutil.which(BINARY)).resolve()
        write_matrix(self.folder / "items.npy", random_rows(300, 8, seed=1))

    def test_the_command_needs_neither_faiss_nor_a_blas(self):
        needed = subprocess.run(["ldd", str(self.binary)], capture_output=True, text=True, check=True).stdout
        self.assertIn("libc.", needed)
        for name in ("faiss", "blas", "lapack"):
            self.assertNotIn(name, needed)

    def test_a_search_in_little_memory_ends(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        if self.run_here("--version", preexec_fn=limit).returncode != OK:
            self.skipTest("sanitizers want more memory than this")
        self.succeeds("build", "items.npy", "-o", "index.mxd")
        for _ in range(20):
            self.succeeds("search", "index.mxd", "items.npy", "-k", 3, "--threads", 2, preexec_fn=limit)

    def test_verify_asks_faiss_where_its_module_is(self):
        if not (self.binary.parent / MODULE).exists():
            self.skipTest("built without FAISS")
        self.assertIsNotNone(self.json_of("verify", "items.npy", "-k", 5)["faiss"])

    def test_verify_does_without_the_module(self):
        alone = self.folder / "alone"
        alone.mkdir()
        command = shutil.copy2(self.binary, alone)
        for content in (None, b"no module"):
            if content is not None:
                (alone / MODULE).write_bytes(content)
            done = subprocess.run([command, "verify", "items.npy", "-k", "5"], cwd=self.folder, capture_output=True,
                                  text=True, timeout=300, check=False)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertIn("FAISS was not consulted", done.stdout)
            self.assertIn(MODULE, done.stdout)


if __name__ == "__main__":
    unittest.main()
