"""maxdot batch: the same bytes however the work is cut, constant memory, and nothing left behind."""

import json
import os
import pathlib
import resource
import struct
import subprocess
import time
import unittest

from support import (BINARY, KERNELS, CliTest, as_f32, brute_force, is_writing, npy_bytes, random_rows, read_npy,
                     read_vecs, run, write_matrix)

ITEMS, USERS, DIMENSION, K = 500, 23, 33, 20


class Batch(CliTest):
    def setUp(self):
        super().setUp()
        self.items = random_rows(ITEMS, DIMENSION, seed=6)
        self.users = random_rows(USERS, DIMENSION, seed=7)
        write_matrix(self.folder / "items.npy", self.items)
        write_matrix(self.folder / "users.npy", self.users)
        self.succeeds("build", "items.npy", "-o", "index.mxd")

    def outputs(self, *options, users="users.npy", env=None):
        """The bytes of ids and scores."""
        ids, scores = self.folder / "ids.npy", self.folder / "scores.npy"
        self.succeeds("batch", "index.mxd", users, "--ids", ids, "--scores", scores, "-k", K, *options, env=env)
        return ids.read_bytes(), scores.read_bytes()

    def test_answers_in_every_format(self):
        self.outputs()
        expected = brute_force(self.items, self.users, K, "cosine")
        ids = [[hit[0] for hit in row] for row in expected]
        scores = [[as_f32(hit[1]) for hit in row] for row in expected]
        self.assertEqual(read_npy(self.folder / "ids.npy"), ids)
        self.assertEqual(read_npy(self.folder / "scores.npy"), scores)
        self.succeeds("batch", "index.mxd", "users.npy", "--ids", "a.ivecs", "--scores", "a.fvecs", "-k", K)
        self.assertEqual(read_vecs(self.folder / "a.ivecs", "i"), ids)
        self.assertEqual(read_vecs(self.folder / "a.fvecs", "f"), scores)

    def test_agrees_with_search(self):
        for metric in ("dot", "euclidean"):
            ids, scores = self.outputs("--metric", metric, "--chunk", 5)
            self.succeeds("search", "index.mxd", "users.npy", "-k", K, "--metric", metric, "--out", "found")
            self.assertEqual((self.folder / "found.ids.npy").read_bytes(), ids)
            self.assertEqual((self.folder / "found.scores.npy").read_bytes(), scores)

    def test_nothing_that_may_not_matter_matters(self):
        expected = self.outputs()
        for chunk in (1, 7, USERS, 1000):
            for threads in (1, 2):
                self.assertEqual(self.outputs("--chunk", chunk, "--threads", threads), expected, (chunk, threads))
        for place in ("memory", "disk"):
            self.assertEqual(self.outputs("--rows", place), expected, place)
        for ending in ("fvecs", "fbin"):
            write_matrix(self.folder / f"users.{ending}", self.users)
            self.assertEqual(self.outputs("--chunk", 4, users=f"users.{ending}"), expected, ending)
        for isa in KERNELS:
            if run("info", self.folder / "index.mxd", env={"MAXDOT_ISA": isa}).returncode == 0:
                self.assertEqual(self.outputs("--chunk", 10, env={"MAXDOT_ISA": isa}), expected, isa)

    def test_seen_and_masked_items_stay_out(self):
        seen = [(user, (user * 7 + i * i) % ITEMS) for user in range(USERS) for i in range(user % 5 * 40)]
        mask = [row % 3 != 1 for row in range(ITEMS)]
        (self.folder / "seen.csv").write_text("user,item\n" + "".join(f"{u},{i}\n" for u, i in seen))
        (self.folder / "mask.txt").write_text("".join(f"{int(value)}\n" for value in mask))
        expected = []
        for user, row in enumerate(brute_force(self.items, self.users, ITEMS, "cosine")):
            gone = {item for owner, item in seen if owner == user}
            expected.append([hit[0] for hit in row if hit[0] not in gone and mask[hit[0]]][:K])
        for chunk in (1, 7, USERS):
            self.outputs("--exclude", "seen.csv", "--item-mask", "mask.txt", "--chunk", chunk)
            self.assertEqual(read_npy(self.folder / "ids.npy"), expected, chunk)
        for descr, code in (("|b1", "?"), ("|u1", "B"), ("<i4", "i"), ("<i8", "q")):
            (self.folder / "mask.npy").write_bytes(npy_bytes(descr, (ITEMS,), struct.pack(f"<{ITEMS}{code}", *mask)))
            self.outputs("--exclude", "seen.csv", "--item-mask", "mask.npy")
            self.assertEqual(read_npy(self.folder / "ids.npy"), expected, descr)

        offsets = [0]
        for user in range(USERS):
            offsets.append(offsets[-1] + sum(owner == user for owner, _ in seen))
        (self.folder / "offsets.txt").write_text("".join(f"{offset}\n" for offset in offsets))
        (self.folder / "seen.txt").write_text("".join(f"{item}\n" for _, item in seen))
        self.outputs("--exclude", "offsets.txt", "--exclude-ids", "seen.txt", "--item-mask", "mask.txt")
        self.assertEqual(read_npy(self.folder / "ids.npy"), expected)

    def test_filters_that_do_not_fit(self):
        command = ("batch", "index.mxd", "users.npy", "--ids", "ids.npy")
        (self.folder / "mask.txt").write_text("1\n" * (ITEMS - 1))
        self.fails(4, *command, "--item-mask", "mask.txt", says=["mask.txt: holds 499 values but the index has 500"])
        (self.folder / "mask.txt").write_text("1\n" * (ITEMS - 1) + "2\n")
        self.fails(4, *command, "--item-mask", "mask.txt", says=["mask.txt: row 499 is 2"])
        (self.folder / "mask.npy").write_bytes(npy_bytes("<f4", (ITEMS,), b"\0" * 4 * ITEMS))
        self.fails(5, *command, "--item-mask", "mask.npy", says=["mask.npy: dtype '<f4' (float32) is not supported"])
        (self.folder / "seen.csv").write_text(f"{USERS},3\n")
        self.fails(4, *command, "--exclude", "seen.csv", says=["seen.csv", f"there is no user {USERS}"])
        (self.folder / "offsets.txt").write_text("0\n5\n" + "3\n" * (USERS - 1))
        (self.folder / "seen.txt").write_text("1\n2\n3\n")
        self.fails(4, *command, "--exclude", "offsets.txt", "--exclude-ids", "seen.txt", says=["offsets.txt"])
        self.fails(2, *command, "--exclude-ids", "seen.txt", says=["--exclude"])

    def test_inputs_are_not_what_it_writes_meanwhile(self):
        for name, options in {
            "ids.npy.partial": (), "ids.npy.job": (), "s.npy.partial": ("--scores", "s.npy"),
            "bad.jsonl.partial": ("--bad-rows", "bad.jsonl", "--on-bad-row", "null"),
        }.items():
            (self.folder / name).write_text("0,3\n")
            self.fails(2, "batch", "index.mxd", "users.npy", "--ids", "ids.npy", "--exclude", name, *options,
                       says=[f"{name}: is both input and output"])
            self.assertEqual((self.folder / name).read_text(), "0,3\n")
            (self.folder / name).unlink()

    def test_a_share_without_users_has_nothing_to_check(self):
        document = self.json_of("batch", "index.mxd", "users.npy", "--ids", "ids.npy", "--scores", "s.fvecs", "-k", 3,
                                "--share", f"0/{4 * USERS}", "--verify-sample", 5)
        self.assertEqual((document["users"], document["sample_users"]), (0, 0))

    def test_ids_alone_and_json(self):
        document = self.json_of("batch", "index.mxd", "users.npy", "--ids", "only.npy", "-k", 3, "--chunk", 7)
        self.assertEqual(document["users"], USERS)
        self.assertEqual((document["k"], document["chunk"], document["scores_file"]), (3, 7, None))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ["index.mxd", "items.npy", "only.npy", "users.npy"])

    def test_killed_at_any_moment_no_new_ids_stand_beside_old_scores(self):
        expected = {}
        for metric in ("dot", "cosine"):
            ids, scores = self.outputs("--metric", metric)
            expected[ids] = scores
        names = sorted(os.listdir(self.folder))
        for round_ in range(30):
            metric = ("dot", "cosine")[round_ % 2]
            command = [BINARY, "batch", "index.mxd", "users.npy", "--ids", "ids.npy", "--scores", "scores.npy", "-k", str(K),
                       "--metric", metric, "--restart"]
            with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL) as process:
                while not is_writing(process, self.folder) and process.poll() is None:
                    pass
                time.sleep(round_ * 0.0003)
                process.kill()
            scores = self.folder / "scores.npy"
            if scores.exists():
                self.assertEqual(scores.read_bytes(), expected[(self.folder / "ids.npy").read_bytes()])
        self.outputs("--restart")
        self.assertEqual(sorted(os.listdir(self.folder)), names)

    def test_more_results_than_items(self):
        write_matrix(self.folder / "items.npy", self.items[:2])
        self.succeeds("build", "items.npy", "-o", "few.mxd")
        self.succeeds("batch", "few.mxd", "users.npy", "--ids", "a.ivecs", "--scores", "a.fvecs", "-k", 4)
        self.assertTrue(all(row[2:] == [-1, -1] for row in read_vecs(self.folder / "a.ivecs", "i")))
        self.assertTrue(all(row[2:] == [float("-inf")] * 2 for row in read_vecs(self.folder / "a.fvecs", "f")))

    def test_bad_value_is_named_by_its_row_in_the_file(self):
        self.users[17][2] = float("nan")
        write_matrix(self.folder / "users.npy", self.users)
        for chunk in (1, 5, 17, 18, 100):
            self.fails(4, "batch", "index.mxd", "users.npy", "--ids", "ids.npy", "--chunk", chunk,
                       says=["users.npy: row 17, column 2 is NaN;"])
        self.users[17][2] = float("-inf")
        write_matrix(self.folder / "half.npy", self.users, half=True)
        self.fails(4, "batch", "index.mxd", "half.npy", "--ids", "ids.npy", "--chunk", 4,
                   says=["half.npy: row 17, column 2 is infinite;"])

    def test_ids_too_large_for_ivecs_are_refused_first(self):
        big = [2 ** 31 - 1 + row for row in range(ITEMS)]
        (self.folder / "ids.txt").write_text("\n".join(map(str, big)))
        self.succeeds("build", "items.npy", "-o", "big.mxd", "--ids", "ids.txt")
        self.fails(4, "batch", "big.mxd", "users.npy", "--ids", "a.ivecs", says=["a.ivecs: ", "2147483648", ".npy"])
        self.succeeds("batch", "big.mxd", "users.npy", "--ids", "a.npy", "-k", 2)
        self.assertGreater(read_npy(self.folder / "a.npy")[0][0], 2 ** 31 - 2)


class Long(CliTest):
    """Many users, for their number alone: zero rows in a sparse file."""

    def setUp(self):
        super().setUp()
        write_matrix(self.folder / "items.npy", random_rows(64, 16, seed=8))
        self.succeeds("build", "items.npy", "-o", "index.mxd")

    def make_users(self, name, count):
        path = self.folder / name
        path.write_bytes(count.to_bytes(4, "little") + (16).to_bytes(4, "little"))
        os.truncate(path, 8 + count * 64)

    def peak_memory(self, *arguments):
        command = [BINARY, *arguments]
        # Under AddressSanitizer: without its store of freed memory, which grows with every allocation.
        environment = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss  # KiB

    def test_memory_does_not_grow_with_users(self):
        self.make_users("few.fbin", 2000)
        self.make_users("many.fbin", 400000)  # 26 MB in, 32 MB out
        peaks = [self.peak_memory("batch", "index.mxd", users, "--ids", "ids.npy", "-k", "10", "--chunk", "1000")
                 for users in ("few.fbin", "many.fbin")]
        self.assertLess(peaks[1], peaks[0] + 8 * 1024)

    def test_memory_of_a_build_does_not_grow_with_items(self):
        self.make_users("few.fbin", 1_000_000)
        self.make_users("many.fbin", 4_000_000)  # 256 MB in
        peaks = [self.peak_memory("build", items, "-o", "items.mxd") for items in ("few.fbin", "many.fbin")]
        self.assertLess(peaks[1], peaks[0] + 24 * 1024)

    def test_a_build_within_a_limit_below_its_file(self):
        """The file is never mapped as a whole."""
        limit = 320 << 20

        def limited():
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

        def runs(*arguments):
            return subprocess.run([BINARY, *arguments], cwd=self.folder, capture_output=True, text=True,
                                  preexec_fn=limited)

        if runs("--version").returncode != 0:
            self.skipTest("the sanitizer takes more addresses than the limit")
        self.make_users("many.fbin", 4_000_000)
        built = runs("build", "many.fbin", "-o", "items.mxd", "--threads", "1", "--json")
        self.assertEqual(built.returncode, 0, built.stderr)
        size = os.path.getsize(self.folder / "items.mxd")
        self.assertGreater(size, limit)
        self.assertEqual(json.loads(built.stdout)["bytes"], size)
        self.assertEqual(self.json_of("info", "items.mxd")["bytes"], size)


if __name__ == "__main__":
    unittest.main()
