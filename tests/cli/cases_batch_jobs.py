"""maxdot batch as a job: stopped, killed, shared, with bad rows, with more pairs than memory is to hold."""

import array
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import time
import unittest

from support import BINARY, IO, METRICS, CliTest, npy_bytes, random_rows, read_npy, run, write_matrix

ITEMS, USERS, DIMENSION, K = 300, 40_000, 16, 5
STOPPED = 75


def listens(process, number):
    """Whether a process catches a signal: as Linux tells."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return False
    return int(re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE).group(1), 16) >> (number - 1) & 1 == 1


class Job(CliTest):
    def setUp(self):
        super().setUp()
        write_matrix(self.folder / "items.npy", random_rows(ITEMS, DIMENSION, seed=21))
        source = random.Random(22)
        numbers = array.array("f", (source.gauss(0, 1) for _ in range(USERS * DIMENSION)))
        (self.folder / "users.npy").write_bytes(npy_bytes("<f4", (USERS, DIMENSION), numbers.tobytes()))
        self.succeeds("build", "items.npy", "-o", "index.mxd")

    def command(self, *options, name="out", k=K):
        return ["batch", "index.mxd", "users.npy", "--ids", f"{name}.ids.npy", "--scores", f"{name}.scores.npy", "-k", k, *options]

    def results(self, name="out"):
        return [(self.folder / f"{name}.{part}.npy").read_bytes() for part in ("ids", "scores")]

    def left(self):
        """What a job that did not end leaves."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix in (".partial", ".job", ".tmp"))

    def life(self, number, seconds, *options):
        """Runs the job and sends it the signal once it writes, after so many seconds. Returns how it ended, and stderr."""
        command = [BINARY, *map(str, self.command(*options))]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            partial = self.folder / "out.scores.npy.partial"
            while not (partial.exists() and listens(process, number)) and process.poll() is None:
                time.sleep(0.0005)
            time.sleep(seconds)
            process.send_signal(number)
            errors = process.communicate(timeout=300)[1]
        return process.returncode, errors

    def stopped(self, *options, number=signal.SIGTERM, least=16):
        """Stops a job in the middle, after so many users, which a busy machine may not have done when it is told to stop."""
        for attempt in range(20):
            status, errors = self.life(number, 0.02 * (1 + attempt % 4), "--chunk", 16, "--threads", 1, *options)
            if status == STOPPED:
                told = r"^maxdot: error: stopped after ([\d,]+) of [\d,]+ users; run the same command"
                self.assertRegex(errors, told)
                if int(re.match(told, errors).group(1).replace(",", "")) >= least:
                    return
                continue
            self.assertEqual((status, errors), (0, ""))
        self.skipTest("this machine is done before it is told to stop, or not begun")

    def test_stopped_it_goes_on(self):
        self.succeeds(*self.command(name="whole"))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for path in ("out.ids.npy", "out.scores.npy"):
                (self.folder / path).write_bytes(b"before")
            self.stopped("--restart", number=number)
            self.assertEqual(self.results(), [b"before", b"before"])
            self.assertEqual(self.left(), ["out.ids.npy.job", "out.ids.npy.partial", "out.scores.npy.partial"])
            document = self.json_of(*self.command("--chunk", 700, "--threads", 2))
            self.assertGreater(document["users_before"], 0)
            self.assertEqual((document["first_user"], document["users"]), (0, USERS))
            self.assertEqual(self.results(), self.results("whole"))
            self.assertEqual(self.left(), [])

    def test_an_index_file_that_is_overwritten_meanwhile_does_not_matter(self):
        self.succeeds(*self.command(name="whole"))
        index = self.folder / "index.mxd"
        kept = index.read_bytes()
        for options in (("--chunk", 64), ("--chunk", 64, "--load", "locked")):
            command = [BINARY, *map(str, self.command("--threads", 1, *options))]
            with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                partial = self.folder / "out.scores.npy.partial"
                while not partial.exists() and process.poll() is None:
                    time.sleep(0.0005)
                index.write_bytes(b"x" * 100)
                errors = process.communicate(timeout=300)[1]
            index.write_bytes(kept)
            if "ulimit -l" in errors:
                continue  # this machine lets nobody lock memory
            self.assertEqual((process.returncode, errors), (0, ""))
            self.assertEqual(self.results(), self.results("whole"))

    def test_killed_and_stopped_at_any_moment(self):
        self.succeeds(*self.command(name="whole"))
        source = random.Random(5)
        for job in range(6):
            for _ in range(50):
                number = source.choice((signal.SIGKILL, signal.SIGTERM))
                chunk = source.choice((8, 64, 1000))
                status, errors = self.life(number, source.uniform(0, 0.1), "--chunk", chunk)
                # By SIGTERM itself: before the command had begun.
                self.assertIn(status, (0, STOPPED, -signal.SIGKILL, -signal.SIGTERM), errors)
                if status == 0:
                    break
            else:
                self.succeeds(*self.command())
            self.assertEqual(self.results(), self.results("whole"), job)
            self.assertEqual(self.left(), [])

    def test_another_job_is_refused(self):
        self.stopped()
        before = {path: path.read_bytes() for path in self.folder.iterdir()}
        job = "out.ids.npy.job: another job was stopped here: "
        self.fails(2, *self.command(k=K + 1), says=[job, f"k was {K} and is {K + 1}", "--restart"])
        self.fails(2, *self.command("--metric", "dot"), says=[job, 'metric was "cosine" and is "dot"'])
        self.fails(2, *self.command("--on-bad-row", "null"), says=[job, "on_bad_row"])
        self.fails(2, *self.command("--share", "0/2"), says=[job, f"user_count was {USERS} and is {USERS // 2}"])
        (self.folder / "seen.csv").write_text("0,1\n")
        self.fails(2, *self.command("--exclude", "seen.csv"), says=[job, "exclude was null"])
        (self.folder / "seen.csv").unlink()
        self.assertEqual(before, {path: path.read_bytes() for path in self.folder.iterdir()})
        self.succeeds("build", "items.npy", "-o", "index.mxd", "--metric", "dot")
        self.fails(2, *self.command(), says=[job, "index checksum"])
        self.succeeds("build", "items.npy", "-o", "index.mxd")
        status = (self.folder / "users.npy").stat()
        os.utime(self.folder / "users.npy", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        self.fails(2, *self.command(), says=[job, "users changed"])
        document = self.json_of(*self.command("--restart"))
        self.assertEqual((document["users_before"], self.left()), (0, []))

    def test_what_was_left_is_damaged(self):
        self.succeeds(*self.command(name="whole"))
        self.stopped()
        job = self.folder / "out.ids.npy.job"
        good = job.read_text()
        for bad in ("", "{", "[]", "{}", '{"about": {}}', good.replace('"users": ', '"users": -'), good.replace('"users": ', '"users": "x"')):
            job.write_text(bad)
            self.fails(4, *self.command(), says=["out.ids.npy.job: ", "--restart"])
        told = json.loads(good)
        told["done"]["users"] = USERS + 1
        job.write_text(json.dumps(told))
        self.fails(4, *self.command(), says=["out.ids.npy.job: ", "more users", "--restart"])
        job.write_text(good)
        partial = self.folder / "out.scores.npy.partial"
        whole = partial.read_bytes()
        partial.write_bytes(whole[:100])
        self.fails(IO, *self.command(), says=["out.scores.npy: cannot be continued", "begin anew"])
        self.succeeds(*self.command("--restart"))
        self.assertEqual(self.results(), self.results("whole"))
        self.assertEqual(self.left(), [])

    def test_two_at_once(self):
        command = [BINARY, *map(str, self.command("--chunk", 1, "--threads", 1))]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL) as process:
            partial = self.folder / "out.scores.npy.partial"
            while not partial.exists() and process.poll() is None:
                time.sleep(0.0005)
            process.send_signal(signal.SIGSTOP)
            if process.poll() is None and partial.exists():
                done = run(*self.command(), cwd=self.folder)
                self.assertEqual(done.returncode, IO, done.stderr)
                self.assertIn("out.ids.npy: is written by another process", done.stderr)
            process.send_signal(signal.SIGCONT)
            self.assertEqual(process.wait(timeout=300), 0)
        self.succeeds(*self.command(name="whole"))
        self.assertEqual(self.results(), self.results("whole"))

    def test_shares_are_the_whole(self):
        self.succeeds(*self.command(name="whole"))
        for shares in (1, 3, 7):
            ids, scores, first = [], [], 0
            for share in range(shares):
                document = self.json_of(*self.command("--share", f"{share}/{shares}"))
                self.assertEqual(document["first_user"], first)
                first += document["users"]
                ids += read_npy(self.folder / "out.ids.npy")
                scores += read_npy(self.folder / "out.scores.npy")
            self.assertEqual(first, USERS)
            self.assertEqual(ids, read_npy(self.folder / "whole.ids.npy"), shares)
            self.assertEqual(scores, read_npy(self.folder / "whole.scores.npy"), shares)
        for text in ("3/3", "1", "a/b", "-1/2", "1/0", "0/", "/2", "1/2/3", "0/99999999999999999999"):
            self.fails(2, *self.command(f"--share={text}"), says=["--share", "I/N"])

    def test_more_shares_than_users(self):
        write_matrix(self.folder / "users.npy", random_rows(2, DIMENSION, seed=3))
        counts = [self.json_of(*self.command("--share", f"{share}/5"))["users"] for share in range(5)]
        self.assertEqual((sum(counts), max(counts)), (2, 1))

    def seen(self, pairs):
        """Pairs as a file of pairs, and as CSR arrays."""
        flat = array.array("q", (number for pair in pairs for number in pair))
        (self.folder / "seen.npy").write_bytes(npy_bytes("<i8", (len(pairs), 2), flat.tobytes()))
        lists = [[] for _ in range(USERS)]
        for user, item in pairs:
            lists[user].append(item)
        ends = array.array("q", [0])
        for items in lists:
            ends.append(ends[-1] + len(items))
        ids = array.array("q", (item for items in lists for item in items))
        (self.folder / "ends.npy").write_bytes(npy_bytes("<i8", (len(ends),), ends.tobytes()))
        (self.folder / "ids.npy").write_bytes(npy_bytes("<i8", (len(ids),), ids.tobytes()))

    def test_pairs_that_do_not_fit_memory_are_sorted_on_the_disk(self):
        """2,300,000 pairs are more than a run (2^21). CSR arrays are not sorted: the same lists by another way."""
        source = random.Random(8)
        pairs = [(source.randrange(USERS), source.randrange(ITEMS)) for _ in range(2_300_000)]
        self.seen(pairs)
        csr = ("--exclude", "ends.npy", "--exclude-ids", "ids.npy")
        self.succeeds(*self.command(*csr, name="whole"))
        for options in ((), ("--chunk", 777)):
            self.succeeds(*self.command("--exclude", "seen.npy", *options))
            self.assertEqual(self.results(), self.results("whole"), options)
        self.succeeds(*self.command("--exclude", "seen.npy", "--share", "1/2", name="half"))
        self.assertEqual(read_npy(self.folder / "half.ids.npy"), read_npy(self.folder / "whole.ids.npy")[USERS // 2:])
        self.stopped("--exclude", "seen.npy", least=0)  # also while pairs are sorted
        self.succeeds(*self.command("--exclude", "seen.npy"))
        self.assertEqual(self.results(), self.results("whole"))

    def test_a_sample_is_checked(self):
        source = random.Random(4)
        self.seen([(source.randrange(USERS), source.randrange(ITEMS)) for _ in range(300_000)])
        (self.folder / "mask.txt").write_text("".join(f"{row % 4 and 1}\n" for row in range(ITEMS)))
        lists = (("--exclude", "seen.npy"), ("--exclude", "ends.npy", "--exclude-ids", "ids.npy"), ())
        for metric in METRICS:
            for exclude in lists:
                options = (*exclude, "--metric", metric, "--item-mask", "mask.txt", "--verify-sample", 40)
                document = self.json_of(*self.command(*options, k=ITEMS // 2))
                self.assertEqual((document["sample_users"], document["sample_wrong"]), (40, 0))
        few = ("batch", "index.mxd", "users.npy", "--share", f"5/{USERS}", "-k", 3, "--verify-sample", 9)
        self.assertEqual(self.json_of(*few, "--ids", "a.ivecs", "--scores", "a.fvecs")["sample_users"], 1)
        self.assertEqual(self.json_of(*few, "--ids", "a.npy")["sample_wrong"], 0)

    def test_a_sample_finds_what_is_wrong(self):
        """What a stopped job has left is changed, and then gone on with."""
        for part, size, text in (("ids", 8, "item "), ("scores", 4, "score ")):
            self.stopped("--restart")
            partial = self.folder / f"out.{part}.npy.partial"
            data = bytearray(partial.read_bytes())
            data[128 + 2 * K * size] ^= 1  # of user 2, the first place
            partial.write_bytes(data)
            done = run(*self.command("--verify-sample", USERS), cwd=self.folder)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"error: 1 of {USERS:,} users have wrong results; user 2, place 1: {text}", done.stderr)

    def test_memory_does_not_grow_with_pairs(self):
        source = random.Random(9)
        block = array.array("q", (source.randrange(limit) for _ in range(100_000) for limit in (USERS, ITEMS))).tobytes()
        peaks = []
        for blocks in (30, 90):
            # In pieces: what this process holds would count for its child.
            with open(self.folder / "seen.npy", "wb") as file:
                file.write(npy_bytes("<i8", (blocks * 100_000, 2), b""))
                for _ in range(blocks):
                    file.write(block)
            command = [BINARY, *map(str, self.command("--exclude", "seen.npy"))]
            # Under AddressSanitizer: without its store of freed memory, which grows with every allocation.
            environment = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
            process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            peaks.append(usage.ru_maxrss)
        self.assertLess(peaks[1], peaks[0] + 8 * 1024)


class BadRows(CliTest):
    def setUp(self):
        super().setUp()
        write_matrix(self.folder / "items.npy", random_rows(30, 6, seed=1))
        self.users = random_rows(50, 6, seed=2)
        write_matrix(self.folder / "good.npy", self.users)
        self.bad = {7: (2, float("nan"), "NaN"), 8: (0, float("inf"), "infinite"), 49: (5, float("-inf"), "infinite")}
        for row, (column, value, _) in self.bad.items():
            self.users[row][column] = value
        self.succeeds("build", "items.npy", "-o", "index.mxd")

    def expected_report(self, file):
        return [{"file": file, "row": row, "reason": f"column {column} is {name}"}
                for row, (column, _, name) in sorted(self.bad.items())]

    def report(self, name):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def test_null(self):
        for half in (False, True):
            for metric, worst in (("cosine", float("-inf")), ("euclidean", float("inf"))):
                for chunk in (1, 8, 100):
                    write_matrix(self.folder / "good.npy", [[0.0] * 6 if row in self.bad else values for row, values in
                                                            enumerate(self.users)], half=half)
                    write_matrix(self.folder / "users.npy", self.users, half=half)
                    options = ("-k", 4, "--metric", metric)
                    self.succeeds("batch", "index.mxd", "good.npy", "--ids", "g.npy", "--scores", "gs.npy", *options)
                    document = self.json_of("batch", "index.mxd", "users.npy", "--ids", "i.npy", "--scores", "s.npy", *options,
                                            "--on-bad-row", "null", "--bad-rows", "bad.jsonl", "--chunk", chunk)
                    self.assertEqual(document["bad_rows"], len(self.bad))
                    for name, good, padding in (("i.npy", "g.npy", -1), ("s.npy", "gs.npy", worst)):
                        wanted = [[padding] * 4 if row in self.bad else values
                                  for row, values in enumerate(read_npy(self.folder / good))]
                        self.assertEqual(read_npy(self.folder / name), wanted)
                    self.assertEqual(self.report("bad.jsonl"), self.expected_report("users.npy"))

    def test_a_scan_finds_all_before_the_first_search(self):
        write_matrix(self.folder / "users.npy", self.users)
        command = ("batch", "index.mxd", "users.npy", "--ids", "i.npy", "--scan", "--chunk", 8)
        self.fails(4, *command, says=["users.npy: row 7, column 2 is NaN, and 2 more rows are bad"])
        done = run(*command, "--bad-rows", "bad.jsonl", cwd=self.folder)
        self.assertEqual(done.returncode, 4)
        self.assertEqual(self.report("bad.jsonl"), self.expected_report("users.npy"))
        self.assertFalse((self.folder / "i.npy").exists())
        self.fails(2, *command, "--on-bad-row", "null", says="--scan")
        self.succeeds("batch", "index.mxd", "good.npy", "--ids", "i.npy", "--scan")

    def test_without_bad_rows_the_report_is_empty(self):
        self.succeeds("batch", "index.mxd", "good.npy", "--ids", "i.npy", "--bad-rows", "bad.jsonl")
        self.assertEqual((self.folder / "bad.jsonl").read_bytes(), b"")
        self.fails(2, "batch", "index.mxd", "good.npy", "--ids", "i.npy", "--on-bad-row", "skip", says="--on-bad-row")
        self.fails(2, "batch", "index.mxd", "good.npy", "--ids", "i.npy", "--bad-rows", "i.npy", says="i.npy")


if __name__ == "__main__":
    unittest.main()
