"""maxdot evaluate: the numbers of a brute force written a second time, in both conventions."""

import math
import struct
import unittest

from support import BAD_DATA, IO, UNSUPPORTED, USAGE, CliTest, brute_force, npy_bytes, random_rows, write_matrix

ITEMS, USERS, DIMENSION = 80, 25, 9
KS = [1, 5, 20]


def metrics(relevant, retrieved, k, rechub=False):
    sums = dict.fromkeys(("recall", "hit", "precision", "ndcg", "mrr", "map"), 0.0)
    users = hits_of_all = 0
    for truth, row in zip(relevant, retrieved):
        if not truth:
            continue
        users += 1
        hits = [place for place, item in enumerate(row[:k], 1) if item in truth]
        hits_of_all += len(hits)
        sums["recall"] += len(hits) / len(truth)
        sums["hit"] += bool(hits)
        sums["precision"] += len(hits) / k
        sums["ndcg"] += (sum(1 / math.log2(place + 1) for place in hits)
                         / sum(1 / math.log2(place + 1) for place in range(1, min(k, len(truth)) + 1)))
        sums["mrr"] += 1 / hits[0] if hits else 0
        sums["map"] += sum(n / place for n, place in enumerate(hits, 1)) / min(k, len(truth))
    population = len(relevant) if rechub else users
    means = {name: value / population for name, value in sums.items()}
    if rechub:
        means["hit"] = hits_of_all / sum(map(len, relevant))
    return means


class Evaluate(CliTest):
    def setUp(self):
        super().setUp()
        self.items = random_rows(ITEMS, DIMENSION, seed=1)
        self.users = random_rows(USERS, DIMENSION, seed=2)
        self.ids = [1000 - 3 * row for row in range(ITEMS)]
        write_matrix(self.folder / "items.npy", self.items)
        write_matrix(self.folder / "users.npy", self.users)
        (self.folder / "ids.txt").write_text("\n".join(map(str, self.ids)))
        self.succeeds("build", "items.npy", "-o", "index.mxd", "--ids", "ids.txt", "--metric", "dot")
        every = brute_force(self.items, self.users, ITEMS, "dot", ids=self.ids)
        self.ranking = [[item for item, _ in row] for row in every]
        # The relevant items lie at known places; every fifth user has none.
        self.relevant = [[] if user % 5 == 4 else [row[user % 7], row[11], row[60]]
                         for user, row in enumerate(self.ranking)]
        self.excluded = [row[:user] for user, row in enumerate(self.ranking)]
        self.write_pairs("truth.csv", self.relevant)

    def write_pairs(self, name, lists):
        lines = [f"{user},{item}" for user, items in enumerate(lists) for item in items]
        (self.folder / name).write_text("user,item\n" + "\n".join(lines) + "\n")

    def evaluate(self, *options):
        return self.json_of("evaluate", "index.mxd", "users.npy", "--truth", "truth.csv", "-k", "1,5,20", *options)

    def check(self, document, retrieved, rechub=False):
        self.assertEqual([at["k"] for at in document["at"]], KS)
        for at in document["at"]:
            for name, value in metrics(self.relevant, retrieved, at["k"], rechub).items():
                self.assertAlmostEqual(at[name], value, places=12, msg=(name, at["k"]))
            seen = {item for row in retrieved for item in row[:at["k"]]}
            self.assertAlmostEqual(at["coverage"], len(seen) / ITEMS, places=12)

    def test_standard_and_rechub(self):
        document = self.evaluate()
        self.check(document, self.ranking)
        self.assertEqual((document["users"], document["evaluated"], document["items"]), (USERS, 20, ITEMS))
        document = self.evaluate("--convention", "rechub")
        self.check(document, self.ranking, rechub=True)
        self.assertEqual(document["evaluated"], USERS)
        self.assertRegex(document["at"][1]["rechub"][0], r"^NDCG@5: 0\.\d{1,4}$")

    def test_exclude(self):
        self.write_pairs("seen.csv", self.excluded)
        left = [[item for item in row if item not in seen] for row, seen in zip(self.ranking, self.excluded)]
        document = self.evaluate("--exclude", "seen.csv", "--ranks")
        self.check(document, left)
        for entry in document["ranks"]:
            row = left[entry["user"]]
            expected = row.index(entry["id"]) + 1 if entry["id"] in row else None
            self.assertEqual(entry["rank"], expected)

    def test_ranks(self):
        document = self.evaluate("--ranks")
        self.assertEqual(len(document["ranks"]), 60)
        for entry in document["ranks"]:
            self.assertEqual(entry["rank"], self.ranking[entry["user"]].index(entry["id"]) + 1)
        text = self.succeeds("evaluate", "index.mxd", "users.npy", "--truth", "truth.csv", "--ranks")
        self.assertIn("60 of 60 relevant items", text)
        self.assertRegex(text, r"worst rank +61\n")

    def test_inputs_of_every_kind(self):
        expected = self.evaluate()["at"]
        pairs = [(user, item) for user, items in enumerate(self.relevant) for item in items]
        flat = [number for pair in pairs for number in pair]
        (self.folder / "wide.npy").write_bytes(
            npy_bytes("<i8", (len(pairs), 2), struct.pack(f"<{len(flat)}q", *flat)))
        (self.folder / "narrow.npy").write_bytes(
            npy_bytes("<i4", (len(pairs), 2), struct.pack(f"<{len(flat)}i", *flat)))
        (self.folder / "tabs.tsv").write_text("".join(f"{user}\t{item}\t4.5\t8812\n" for user, item in pairs))
        offsets = [0]
        for items in self.relevant:
            offsets.append(offsets[-1] + len(items))
        (self.folder / "offsets.npy").write_bytes(
            npy_bytes("<i8", (len(offsets),), struct.pack(f"<{len(offsets)}q", *offsets)))
        flat = [item for items in self.relevant for item in items]
        (self.folder / "flat.npy").write_bytes(
            npy_bytes("<i8", (len(flat),), struct.pack(f"<{len(flat)}q", *flat)))
        for truth in (["wide.npy"], ["narrow.npy"], ["tabs.tsv"], ["offsets.npy", "--truth-ids", "flat.npy"]):
            document = self.json_of("evaluate", "index.mxd", "users.npy", "-k", "1,5,20", "--truth", *truth)
            self.assertEqual(document["at"], expected, truth)

    def test_headers(self):
        expected = self.evaluate()["at"]
        pairs = [(user, item) for user, items in enumerate(self.relevant) for item in items]

        def write(header, row):
            lines = [row.format(n=n, user=user, item=item) for n, (user, item) in enumerate(pairs)]
            (self.folder / "named.csv").write_text("\n".join([header, *lines]) + "\n")

        arguments = ["evaluate", "index.mxd", "users.npy", "-k", "1,5,20", "--truth", "named.csv"]
        for header, row, options in [
                ("item_id,user_id", "{item},{user}", []),
                (",user,item", "{n},{user},{item}", []),
                ("rating;movieId;userId", "4,5;{item};{user}", []),
                ("n,who,what", "{n},{user},{item}", ["--user-column", "who", "--item-column", "what"])]:
            write(header, row)
            self.assertEqual(self.json_of(*arguments, *options)["at"], expected, header)
        for header, row, says in [("item,other", "{item},{user}", "item first"),
                                  ("n,who,what", "{n},{user},{item}", "--user-column")]:
            write(header, row)
            self.fails(BAD_DATA, *arguments, says=["named.csv: line 1: ", says])
        self.fails(BAD_DATA, "batch", "index.mxd", "users.npy", "--ids", "best.npy", "--exclude", "named.csv",
                   says=["named.csv: line 1: ", "--user-column"])

    def test_no_pairs(self):
        arguments = ["evaluate", "index.mxd", "users.npy", "-k", "5", "--truth", "truth.csv"]
        for text in ("", "user,item\n"):
            (self.folder / "truth.csv").write_text(text)
            self.fails(BAD_DATA, *arguments, says="truth.csv: holds no pair")
        (self.folder / "truth.csv").write_bytes(b"user,item\r0,2\r3,4\r")
        self.fails(BAD_DATA, *arguments, says=["truth.csv: line 1: ", "control character"])

    def test_intervals_and_users(self):
        first = self.evaluate("--bootstrap", 200)
        self.assertEqual(first["at"], self.evaluate("--bootstrap", 200, "--threads", 1)["at"])
        self.assertNotEqual(first["at"], self.evaluate("--bootstrap", 200, "--seed", 2)["at"])
        for at in first["at"]:
            self.assertLessEqual(at["low"]["recall"], at["recall"])
            self.assertGreaterEqual(at["high"]["recall"], at["recall"])
        text = self.succeeds("evaluate", "index.mxd", "users.npy", "--truth", "truth.csv", "--bootstrap", 50,
                             "--confidence", 0.9)
        self.assertIn("low, high: the ends of the 90 % bootstrap interval over users", text)
        self.assertRegex(text, r"(?m)^ 90 % low +0\.\d{4}")
        self.assertRegex(text, r"(?m)^90 % high +0\.\d{4}")
        self.assertNotIn("from", text)
        # However many digits the share has, the columns stand below their names.
        wide = self.succeeds("evaluate", "index.mxd", "users.npy", "--truth", "truth.csv", "--bootstrap", 50,
                             "--confidence", 0.999999)
        lines = wide.split("\n\n")[1].splitlines()
        self.assertEqual(len(lines), 4)
        self.assertEqual(lines[3][:14], "99.9999 % high")
        for name in ("recall", "map"):
            end = lines[0].index(name) + len(name)
            self.assertTrue(all(line[:end].endswith(tuple("0123456789")) for line in lines[1:]), wide)
        document = self.evaluate("--per-user")
        users = document["at"][1]["users"]
        self.assertEqual(len(users), USERS)
        self.assertEqual([user for user in range(USERS) if users[user]["recall"] is None], [4, 9, 14, 19, 24])

    def test_users_as_a_table(self):
        arguments = ["evaluate", "index.mxd", "users.npy", "--truth", "truth.csv", "-k", "1,5,20", "--ranks"]
        for options in ([], ["--convention", "rechub"]):
            document = self.json_of(*arguments, "--per-user", *options)
            report, table = self.succeeds(*arguments, "--per-user", *options).split("\n\nuser\t")
            def without_time(text):
                return [line for line in text.splitlines() if not line.startswith("time ")]
            self.assertEqual(without_time(report), without_time(self.succeeds(*arguments, *options)))
            names, *lines = [line.split("\t") for line in table.splitlines()]
            self.assertEqual(names, ["k", "recall", "hit", "precision", "ndcg", "mrr", "map"])
            expected = [[str(user), str(at["k"])] + ["nan" if at["users"][user][name] is None
                                                     else at["users"][user][name] for name in names[1:]]
                        for user in range(USERS) for at in document["at"]]
            found = [line[:2] + [text if text == "nan" else float(text) for text in line[2:]] for line in lines]
            self.assertEqual(found, expected)

    def test_more_places_than_items(self):
        document = self.json_of("evaluate", "index.mxd", "users.npy", "--truth", "truth.csv", "-k", 100)
        self.assertEqual((document["at"][0]["recall"], document["at"][0]["coverage"]), (1.0, 1.0))

    def test_failures(self):
        def fails(code, says, *options, truth="truth.csv"):
            self.fails(code, "evaluate", "index.mxd", "users.npy", "--truth", truth, *options, says=says)
        for k in ("0", "", "1,,2", "1,x", "5,", "-1", "2147483648"):
            fails(USAGE, ["-k", "whole numbers"], "-k", k)
        fails(USAGE, "choose standard or rechub", "--convention", "mine")
        fails(USAGE, "between 0 and 1", "--bootstrap", 10, "--confidence", 1)
        fails(IO, "none.csv: ", truth="none.csv")
        (self.folder / "bad.csv").write_text("user,item\n1,2\n3;4\n5,six\n")
        fails(BAD_DATA, ["bad.csv: line 4: ", "is no pair"], truth="bad.csv")
        (self.folder / "far.csv").write_text("0,5\n25,5\n")
        fails(BAD_DATA, ["far.csv: pair 1: ", "no user 25"], truth="far.csv")
        (self.folder / "flat.npy").write_bytes(npy_bytes("<i8", (2,), struct.pack("<2q", 0, 2)))
        (self.folder / "negative.csv").write_text("0,-1\n")
        fails(BAD_DATA, ["negative.csv: ", "user 0 has the id -1"], truth="negative.csv")
        (self.folder / "quoted.csv").write_text('user,item,note\n0,5,"one\n1,7,two"\n')
        fails(BAD_DATA, ["quoted.csv: line 2: ", "does not end on its line"], truth="quoted.csv")
        fails(UNSUPPORTED, ["flat.npy: ", "[m, 2]"], truth="flat.npy")
        fails(BAD_DATA, ["flat.npy: ", "offsets"], "--truth-ids", "flat.npy", truth="flat.npy")
        self.users[17][2] = float("nan")
        write_matrix(self.folder / "users.npy", self.users)
        fails(BAD_DATA, ["users.npy: ", "row 17", "column 2"])


if __name__ == "__main__":
    unittest.main()
