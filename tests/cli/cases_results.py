"""Right answers: build, search, info and verify-file against the brute force."""

import struct
import unittest

from support import (KERNELS, METRICS, CliTest, as_f32, brute_force, npy_bytes, random_rows, read_npy, run,
                     write_matrix)

ITEMS, QUERIES, DIMENSION = 300, 7, 19


class Results(CliTest):
    def setUp(self):
        super().setUp()
        self.items = random_rows(ITEMS, DIMENSION, seed=1)
        self.queries = random_rows(QUERIES, DIMENSION, seed=2)
        write_matrix(self.folder / "items.npy", self.items)
        write_matrix(self.folder / "queries.npy", self.queries)

    def build(self, *options, items="items.npy", index="index.mxd"):
        return self.json_of("build", items, "-o", index, *options)

    def answers(self, *arguments, **options):
        """[(id, score)] of each query, padding included."""
        document = self.json_of("search", "index.mxd", *arguments, **options)
        return [[(hit["id"], hit["score"]) for hit in entry["hits"]] for entry in document["results"]]

    def test_every_metric_raw_and_normalized(self):
        for normalize in (False, True):
            for metric in METRICS:
                with self.subTest(metric=metric, normalize=normalize):
                    self.build("--metric", metric, *(["--normalize"] if normalize else []))
                    expected = brute_force(self.items, self.queries, 12, metric, normalize)
                    self.assertEqual(self.answers("queries.npy", "-k", 12), expected)

    def test_metrics_by_other_names(self):
        self.build("--metric", "ip")
        for name, metric in (("IP", "dot"), ("inner_product", "dot"), ("cos", "cosine"), ("L2", "euclidean")):
            document = self.json_of("search", "index.mxd", "queries.npy", "--metric", name)
            self.assertEqual(document["metric"], metric)
        self.fails(2, "search", "index.mxd", "queries.npy", "--metric", "cosin",
                   says=["--metric: 'cosin' is no metric", "did you mean 'cosine'?"])

    def test_ids_below_the_name_of_their_column(self):
        ids = [7 * row + 3 for row in range(ITEMS)]
        self.build()
        expected = [[(ids[hit[0]], hit[1]) for hit in row] for row in self.answers("queries.npy")]
        (self.folder / "ids.csv").write_text("item_id\n" + "".join(f"{number}\n" for number in ids))
        (self.folder / "ids.npy").write_bytes(npy_bytes("<u2", (ITEMS,), struct.pack(f"<{ITEMS}H", *ids)))
        for name in ("ids.csv", "ids.npy"):
            self.build("--ids", name)
            self.assertEqual(self.answers("queries.npy"), expected, name)
        (self.folder / "ids.csv").write_text("item_id\n" + "".join(f"{number}\n" for number in ids[1:]))
        self.fails(4, "build", "items.npy", "-o", "x.mxd", "--ids", "ids.csv", says=["ids.csv: has 299 ids but there are 300"])

    def test_no_results(self):
        self.build()
        self.assertEqual(self.answers("queries.npy", "-k", 0), [[]] * QUERIES)
        self.assertEqual(self.answers("--like", 3, "-k", 0), [[]])
        self.fails(2, "search", "index.mxd", "queries.npy", "-k", 0, "--out", "found",
                   says=["-k: no results are no file"])
        self.assertFalse((self.folder / "found.ids.npy").exists())

    def test_another_metric_than_the_index_has(self):
        self.build()
        for metric in ("dot", "euclidean"):
            # A cosine index holds unit vectors in effect only if it says that it is normalised.
            normalized = self.json_of("info", "index.mxd")["normalized"]
            expected = brute_force(self.items, self.queries, 5, metric, normalized)
            self.assertEqual(self.answers("queries.npy", "-k", 5, "--metric", metric), expected)

    def test_rows_on_the_disk(self):
        self.build()
        for arguments in (["queries.npy"], ["queries.npy", "-k", 1000], ["--like", "3"]):
            self.assertEqual(self.answers(*arguments, "--rows", "disk"), self.answers(*arguments))

    def test_formats_hold_the_same_rows(self):
        self.build()
        expected = self.answers("queries.npy")
        for ending in ("fvecs", "fbin"):
            write_matrix(self.folder / f"items.{ending}", self.items)
            write_matrix(self.folder / f"queries.{ending}", self.queries)
            self.build(items=f"items.{ending}", index=f"{ending}.mxd")
            document = self.json_of("search", f"{ending}.mxd", f"queries.{ending}")
            hits = [[(hit["id"], hit["score"]) for hit in entry["hits"]] for entry in document["results"]]
            self.assertEqual(hits, expected)

    def test_half_precision(self):
        items = random_rows(ITEMS, DIMENSION, seed=3, half=True)
        queries = random_rows(QUERIES, DIMENSION, seed=4, half=True)
        write_matrix(self.folder / "half.npy", items, half=True)
        write_matrix(self.folder / "q.npy", queries, half=True)
        self.assertEqual(self.build(items="half.npy")["dtype"], "f16")
        self.assertEqual(self.answers("q.npy", "-k", 9), brute_force(items, queries, 9, "cosine"))

    def test_ids_decide_ties(self):
        items = [[float(row % 3), 1.0] for row in range(40)]
        ids = [1000 - 7 * row for row in range(40)]
        write_matrix(self.folder / "items.npy", items)
        write_matrix(self.folder / "queries.npy", [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
        payload = struct.pack("<40q", *ids)
        (self.folder / "ids.npy").write_bytes(npy_bytes("<i8", (40,), payload))
        (self.folder / "narrow.npy").write_bytes(npy_bytes("<i4", (40,), struct.pack("<40i", *ids)))
        (self.folder / "ids.txt").write_text("".join(f"{item}\n" for item in ids))
        for source in ("ids.npy", "narrow.npy", "ids.txt"):
            for metric in METRICS:
                self.assertTrue(self.build("--ids", source, "--metric", metric)["has_ids"])
                expected = brute_force(items, [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], 30, metric, ids=ids)
                self.assertEqual(self.answers("queries.npy", "-k", 30), expected, (source, metric))

    def test_more_results_than_items(self):
        write_matrix(self.folder / "items.npy", self.items[:3])
        for metric, worst in (("cosine", float("-inf")), ("euclidean", float("inf"))):
            self.build("--metric", metric)
            expected = brute_force(self.items[:3], self.queries, 3, metric)
            self.assertEqual(self.answers("queries.npy", "-k", 5), [row + [(-1, None)] * 2 for row in expected])
            document = self.json_of("search", "index.mxd", "queries.npy", "-k", 5, "--out", "found")
            self.assertNotIn("results", document)
            self.assertEqual([row[3:] for row in read_npy(self.folder / "found.ids.npy")], [[-1, -1]] * QUERIES)
            scores = read_npy(self.folder / "found.scores.npy")
            self.assertEqual([row[3:] for row in scores], [[worst] * 2] * QUERIES)
            table = self.succeeds("search", "index.mxd", "queries.npy", "-k", 5)
            self.assertEqual(len([line for line in table.splitlines() if line.strip()]), QUERIES * (2 + 3))

    def test_no_items(self):
        (self.folder / "none.npy").write_bytes(npy_bytes("<f4", (0, DIMENSION), b""))
        self.assertEqual(self.build(items="none.npy")["items"], 0)
        self.assertEqual(self.answers("queries.npy", "-k", 2), [[(-1, None)] * 2] * QUERIES)

    def test_out_writes_what_json_says(self):
        self.build()
        expected = self.answers("queries.npy", "-k", 4)
        text = self.succeeds("search", "index.mxd", "queries.npy", "-k", 4, "--out", "found")
        self.assertIn("found.ids.npy", text)
        self.assertEqual(read_npy(self.folder / "found.ids.npy"), [[hit[0] for hit in row] for row in expected])
        rounded = [[as_f32(hit[1]) for hit in row] for row in expected]
        self.assertEqual(read_npy(self.folder / "found.scores.npy"), rounded)

    def test_table(self):
        self.build()
        lines = self.succeeds("search", "index.mxd", "queries.npy", "-k", 2).splitlines()
        self.assertEqual(lines[0], "query 0")
        self.assertEqual(lines[1].split(), ["rank", "id", "score"])
        expected = brute_force(self.items, self.queries, 2, "cosine")
        self.assertEqual(lines[2].split()[:2], ["1", str(expected[0][0][0])])
        self.assertAlmostEqual(float(lines[2].split()[2]), expected[0][0][1], places=8)

    def test_explain_tells_every_statistic(self):
        self.build()
        told = self.json_of("search", "index.mxd", "queries.npy", "--explain")["explain"]
        self.assertEqual(list(told), [
            "kernels", "queries", "queries_by_f32", "queries_by_list", "queries_repeated", "tiles_4bit",
            "tiles_8bit", "tiles_f32", "candidates", "refined", "rescored", "bytes_read"])
        self.assertEqual(told["queries"], QUERIES)
        text = self.succeeds("search", "index.mxd", "queries.npy", "--explain")
        for row in ("queries by rows", "queries by list", "queries repeated"):
            self.assertIn(f"\n{row} ", text)

    def test_build_again_is_byte_identical(self):
        self.build()
        first = (self.folder / "index.mxd").read_bytes()
        self.build("--threads", 1)
        self.assertEqual((self.folder / "index.mxd").read_bytes(), first)

    def test_threads_and_instruction_sets_do_not_matter(self):
        self.build()
        expected = self.answers("queries.npy", "-k", 50)
        for threads in (1, 2, 3):
            self.assertEqual(self.answers("queries.npy", "-k", 50, "--threads", threads), expected)
        for isa in KERNELS:
            if run("info", self.folder / "index.mxd", env={"MAXDOT_ISA": isa}).returncode == 0:
                self.assertEqual(self.answers("queries.npy", "-k", 50, env={"MAXDOT_ISA": isa}), expected, isa)

    def test_info_and_verify_file(self):
        built = self.build("--metric", "euclidean", "--normalize")
        self.assertEqual(set(built["seconds"]), {"read", "build", "save"})
        info = self.json_of("info", "index.mxd")
        shared = {"items": ITEMS, "dimension": DIMENSION, "dtype": "f32", "metric": "euclidean",
                  "normalized": True, "has_ids": False}
        for key, value in shared.items():
            self.assertEqual((built[key], info[key]), (value, value), key)
        self.assertEqual(built["bytes"], info["bytes"])
        self.assertGreaterEqual(info["threads"], 1)
        self.assertIn(info["kernel"], KERNELS)
        text = self.succeeds("info", "index.mxd")
        self.assertIn("euclidean", text)
        self.assertIn(f"{info['bytes']:,}", text)
        checked = self.json_of("verify-file", "index.mxd")
        self.assertEqual((checked["ok"], checked["bytes"]), (True, info["bytes"]))
        self.assertIn("index.mxd: ok, ", self.succeeds("verify-file", "index.mxd"))
        deep = self.json_of("verify-file", "index.mxd", "--deep", "--threads", 1)
        self.assertEqual((checked["deep"], deep["deep"], deep["ok"]), (False, True, True))


class Like(CliTest):
    def setUp(self):
        super().setUp()
        self.items = random_rows(50, 6, seed=5)
        self.items[9] = self.items[4]  # a twin stays when the item itself goes
        self.ids = [500 - 3 * row for row in range(50)]
        self.labels = [f"film {row} é" for row in range(50)]
        self.labels[30] = self.labels[31] = "twice"
        write_matrix(self.folder / "items.npy", self.items)
        (self.folder / "ids.txt").write_text("\n".join(map(str, self.ids)))
        (self.folder / "labels.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(self.labels).encode())
        self.succeeds("build", "items.npy", "-o", "index.mxd", "--ids", "ids.txt", "--metric", "dot")

    def expected(self, row, k, metric="dot", include_self=False):
        every = brute_force(self.items, [self.items[row]], 50, metric, ids=self.ids)[0]
        return [hit for hit in every if include_self or hit[0] != self.ids[row]][:k]

    def hits(self, *arguments):
        document = self.json_of("search", "index.mxd", *arguments)
        return [[(hit["id"], hit["score"]) for hit in entry["hits"]] for entry in document["results"]]

    def test_by_id_and_by_label(self):
        for metric in METRICS:
            for row in (0, 4, 9, 49):
                # By dot an item need not be its own best, which the last of the k + 1 shows.
                for include_self in (False, True):
                    options = ["-k", 5, "--metric", metric, *(["--include-self"] if include_self else [])]
                    expected = [self.expected(row, 5, metric, include_self)]
                    self.assertEqual(self.hits("--like", self.ids[row], *options), expected)
                    by_label = ["--labels", "labels.txt", "--like", self.labels[row], *options]
                    self.assertEqual(self.hits(*by_label), expected)

    def test_several_and_files(self):
        expected = [self.expected(3, 4), self.expected(8, 4)]
        self.assertEqual(self.hits("--like", self.ids[3], self.ids[8], "-k", 4), expected)
        self.assertEqual(self.hits("-k", 4, "--like", self.ids[3], "--like", self.ids[8]), expected)
        self.succeeds("search", "--like", self.ids[3], self.ids[8], "-k", 4, "--out", "found", "index.mxd")
        ids = [[hit[0] for hit in row] for row in expected]
        self.assertEqual(read_npy(self.folder / "found.ids.npy"), ids)

    def test_everything_else_is_found(self):
        found = self.json_of("search", "index.mxd", "--like", self.ids[3], "-k", 60)["results"][0]
        self.assertEqual(found["count"], 49)
        hits = [(hit["id"], hit["score"]) for hit in found["hits"]]
        self.assertEqual(hits, self.expected(3, 49) + [(-1, None)] * 11)

    def test_labels_are_shown(self):
        document = self.json_of("search", "index.mxd", "--like", self.labels[3], "--labels", "labels.txt", "-k", 55)
        entry = document["results"][0]
        self.assertEqual(entry["like"], self.labels[3])
        by_id = dict(zip(self.ids, self.labels))
        for hit in entry["hits"]:
            self.assertEqual(hit["label"], by_id.get(hit["id"]))
        table = self.succeeds("search", "index.mxd", "--like", self.labels[3], "--labels", "labels.txt", "-k", 1)
        lines = table.splitlines()
        self.assertEqual(lines[0], "like " + self.labels[3])
        self.assertTrue(lines[2].endswith("  " + by_id[self.expected(3, 1)[0][0]]), lines)

    def test_control_characters_do_not_reach_the_terminal(self):
        self.labels[0] = "\x1b[31mred\x07"
        (self.folder / "labels.txt").write_text("\n".join(self.labels) + "\n")
        arguments = ["search", "index.mxd", "--like", self.labels[0], "--labels", "labels.txt", "-k", 50]
        self.assertNotIn("\x1b", self.succeeds(*arguments, "--include-self"))
        self.assertEqual(self.json_of(*arguments)["results"][0]["like"], self.labels[0])


if __name__ == "__main__":
    unittest.main()
