"""maxdot verify: what its report says it compared."""

import unittest

from support import CliTest, random_rows, write_matrix


class Verify(CliTest):
    def setUp(self):
        super().setUp()
        write_matrix(self.folder / "items.npy", random_rows(300, 8, seed=1))
        write_matrix(self.folder / "queries.npy", random_rows(40, 8, seed=2))

    def test_one_thread_is_never_compared_with_itself(self):
        for threads, many in ((1, 2), (2, 2), (3, 3)):
            arguments = ("verify", "items.npy", "queries.npy", "-k", 7, "--no-ivf", "--threads", threads)
            document = self.json_of(*arguments)
            self.assertEqual(document["threads"], threads)
            compared = document["one_thread_against_many"]
            self.assertEqual(compared["threads"], many)
            self.assertEqual(compared["result"]["positions"], 3 * 40 * 7)
            self.assertEqual(compared["result"]["wrong_ids"] + compared["result"]["wrong_scores"], 0)
            self.assertIn(f"1 thread and {many} threads: identical", self.succeeds(*arguments))

    def test_every_thread_of_this_machine(self):
        document = self.json_of("verify", "items.npy", "queries.npy", "-k", 7, "--no-ivf")
        self.assertEqual(document["one_thread_against_many"]["threads"], max(2, document["threads"]))


if __name__ == "__main__":
    unittest.main()
