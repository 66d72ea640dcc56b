"""A command that is told to end while it writes: it ends soon, no file is half, and no temporary file stays but a job's."""

import array
import fcntl
import os
import random
import signal
import subprocess
import time
import unittest

from support import BINARY, CliTest, is_writing, random_rows, write_matrix

DIMENSION = 16
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# [seconds] What a command may take to end, on a loaded machine too. One thread has work for far longer.
SOON = 10


class Interrupt(CliTest):
    def zero_rows(self, name, count):
        path = self.folder / name
        path.write_bytes(count.to_bytes(4, "little") + DIMENSION.to_bytes(4, "little"))
        os.truncate(path, 8 + 4 * count * DIMENSION)

    def gaussian_rows(self, name, count, columns, seed):
        """Rows that are quickly made: the same numbers in ever new places."""
        source = random.Random(seed)
        numbers = array.array("f", (source.gauss(0, 1) for _ in range(200_003)))
        with open(self.folder / name, "wb") as file:
            file.write(count.to_bytes(4, "little") + columns.to_bytes(4, "little"))
            left = count * columns
            while left > 0:
                begin = source.randrange(100_000)
                part = numbers[begin:begin + min(left, 99_991)]
                part.tofile(file)
                left -= len(part)

    def temporary(self):
        return [name for name in os.listdir(self.folder) if name.endswith(".tmp")]

    def killed_while_writing(self, *arguments):
        """Runs the command and kills it when its temporary file is there. Returns whether it was."""
        with subprocess.Popen([BINARY, *map(str, arguments)], cwd=self.folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            while not is_writing(process, self.folder) and process.poll() is None:
                time.sleep(0.0005)
            process.kill()
            return process.wait(timeout=60) == -signal.SIGKILL

    def signalled_while_writing(self, number, *arguments):
        """Runs the command and sends it the signal at a moment when its temporary file is there. Returns its status."""
        for _ in range(20):
            with subprocess.Popen([BINARY, *map(str, arguments)], cwd=self.folder, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True) as process:
                while not is_writing(process, self.folder) and process.poll() is None:
                    time.sleep(0.0005)
                # Stopped, it cannot finish between the look at the folder and the signal.
                process.send_signal(signal.SIGSTOP)
                writing = False
                if process.returncode is None:
                    writing = os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]) and is_writing(process, self.folder)
                if writing:
                    process.send_signal(number)
                process.send_signal(signal.SIGCONT)
                self.assertEqual(process.communicate(timeout=60)[1], "")
                if writing:
                    self.assertEqual(self.temporary(), [])
                    return process.returncode
        self.skipTest("this machine writes faster than the test can look")

    @unittest.skipIf("TSAN_OPTIONS" in os.environ, "ThreadSanitizer delays signals until after the build")
    def test_build(self):
        self.zero_rows("items.fbin", 400_000)
        for number in SIGNALS:
            (self.folder / "index.mxd").write_bytes(b"before")
            self.assertEqual(self.signalled_while_writing(number, "build", "items.fbin", "-o", "index.mxd"), -number)
            if (self.folder / "index.mxd").read_bytes() != b"before":
                self.succeeds("verify-file", "index.mxd")

    def test_search(self):
        write_matrix(self.folder / "items.npy", random_rows(200, DIMENSION, seed=3))
        self.succeeds("build", "items.npy", "-o", "index.mxd")
        self.zero_rows("queries.fbin", 20_000)
        self.succeeds("search", "index.mxd", "queries.fbin", "-k", 100, "--out", "whole")
        # Files that are written in one piece and in many are the same.
        self.succeeds("batch", "index.mxd", "queries.fbin", "-k", 100, "--chunk", 700, "--ids", "cut.ids.npy", "--scores",
                      "cut.scores.npy")
        for name in ("ids.npy", "scores.npy"):
            self.assertEqual((self.folder / f"cut.{name}").read_bytes(), (self.folder / f"whole.{name}").read_bytes())
        for number in SIGNALS:
            (self.folder / "n.ids.npy").write_bytes(b"before")
            status = self.signalled_while_writing(number, "search", "index.mxd", "queries.fbin", "-k", 100, "--out", "n")
            self.assertIn(status, (0, -number))
            expected = (self.folder / "whole.ids.npy").read_bytes() if status == 0 else b"before"
            self.assertEqual((self.folder / "n.ids.npy").read_bytes(), expected)

    @unittest.skipIf("TSAN_OPTIONS" in os.environ, "ThreadSanitizer delays signals until after the search")
    def test_batch_within_a_chunk(self):
        """All users are one chunk: nothing but the search itself can notice the signal."""
        self.gaussian_rows("items.fbin", 200_000, 64, seed=1)
        self.gaussian_rows("users.fbin", 500_000, 64, seed=2)
        self.succeeds("build", "items.fbin", "-o", "index.mxd")
        for name in ("ids.npy", "scores.npy"):
            (self.folder / name).write_bytes(b"before")
        for number in SIGNALS:
            command = [BINARY, "batch", "index.mxd", "users.fbin", "--ids", "ids.npy", "--scores", "scores.npy",
                       "-k", "10", "--chunk", "500000", "--threads", "1"]
            with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True) as process:
                self.addCleanup(process.kill)
                while not is_writing(process, self.folder) and process.poll() is None:
                    time.sleep(0.01)
                time.sleep(0.3)  # into the search
                sent = time.monotonic()
                process.send_signal(number)
                self.assertIn("stopped after 0 of 500,000 users", process.communicate(timeout=300)[1])
                self.assertEqual(process.returncode, 75)
                self.assertLess(time.monotonic() - sent, SOON)
            for name in ("ids.npy", "scores.npy"):
                self.assertEqual((self.folder / name).read_bytes(), b"before")

    def test_killed(self):
        """What SIGKILL leaves, the next command that writes there removes, but not what a living process writes."""
        write_matrix(self.folder / "items.npy", random_rows(200, DIMENSION, seed=3))
        self.succeeds("build", "items.npy", "-o", "index.mxd")
        self.zero_rows("queries.fbin", 20_000)
        before = sorted([*os.listdir(self.folder), "n.ids.npy", "n.scores.npy"])
        for _ in range(5):
            self.killed_while_writing("search", "index.mxd", "queries.fbin", "-k", 100, "--out", "n")
        (self.folder / ".maxdot-1-0.tmp").write_bytes(b"of process 1, which lives")
        with open(self.folder / ".maxdot-1-1.tmp", "wb") as writer:
            fcntl.flock(writer, fcntl.LOCK_EX)
            self.succeeds("search", "index.mxd", "queries.fbin", "-k", 100, "--out", "n")
            self.assertEqual(self.temporary(), [".maxdot-1-1.tmp"])
        self.succeeds("search", "index.mxd", "queries.fbin", "-k", 100, "--out", "n")
        self.assertEqual(sorted(os.listdir(self.folder)), before)


if __name__ == "__main__":
    unittest.main()
