"""Every way to fail: the documented exit code, one line, and no trace."""

import os
import resource
import struct
import subprocess
import unittest

from support import (BAD_DATA, BINARY, IO, OUT_OF_MEMORY, UNSUPPORTED, USAGE, CliTest, npy_bytes, random_rows, run,
                     write_matrix)

COMMANDS = ("build", "search", "batch", "evaluate", "info", "verify-file", "verify")


class Errors(CliTest):
    def setUp(self):
        super().setUp()
        self.items = random_rows(40, 5, seed=9)
        write_matrix(self.folder / "items.npy", self.items)
        write_matrix(self.folder / "queries.npy", self.items[:9])
        self.succeeds("build", "items.npy", "-o", "index.mxd")

    def write(self, name, content):
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def batch(self, *options, index="index.mxd", users="queries.npy"):
        return ["batch", index, users, "--ids", "ids.npy", *options]

    # Arguments.

    def test_help_and_version(self):
        everything = self.succeeds()
        self.assertEqual(everything, self.succeeds("--help"))
        for command in COMMANDS:
            self.assertIn(command, everything)
            text = self.succeeds(command, "--help")
            for part in ("Usage: maxdot " + command, "Example:\n  maxdot " + command, "Exit codes:", "--json"):
                self.assertIn(part, text)
        self.assertRegex(self.succeeds("--version"), r"^maxdot \d+\.\d+\.\d+\n$")

    def test_unknown_and_missing_arguments(self):
        self.fails(USAGE, "bild", says=["unknown command 'bild'", "run 'maxdot --help'"])
        self.fails(USAGE, "--bild", says="unknown option '--bild'")
        self.fails(USAGE, "search", "index.mxd", "queries.npy", "--quick", says="run 'maxdot search --help'")
        self.fails(USAGE, "info", "index.mxd", "more", says="unexpected argument 'more'")
        for command in COMMANDS:
            self.fails(USAGE, command, says=["is required", f"run 'maxdot {command} --help'"])
        self.fails(USAGE, "build", "items.npy", says="--output is required")
        self.fails(USAGE, "search", "index.mxd", "queries.npy", "--rows", "tape", says=["--rows", "tape"])
        self.fails(USAGE, "batch", "index.mxd", "queries.npy", says="--ids is required")
        self.fails(USAGE, "search", "index.mxd", says="--like")
        self.fails(USAGE, "search", "index.mxd", "queries.npy", "--like", 3, says="one of them")
        self.fails(USAGE, "search", "index.mxd", "queries.npy", "--include-self", says="--like")

    def test_json(self):
        """Every kind of failure of every command is a document, too."""
        self.fails(USAGE, "bild", "--json", says="unknown command 'bild'")
        for command in COMMANDS:
            self.fails(USAGE, command, "--json", says="is required")
            self.fails(USAGE, command, "--json", "--quick", says="maxdot " + command)
        for arguments in (["build", "gone.npy", "-o", "new.mxd"], ["search", "index.mxd", "gone.npy"],
                          self.batch(users="gone.npy"), ["info", "gone.npy"], ["verify-file", "gone.npy"],
                          ["verify", "gone.npy"], ["evaluate", "gone.npy", "queries.npy", "--truth", "t.csv"]):
            self.fails(IO, *arguments, "--json", says="gone.npy")
        self.fails(BAD_DATA, "info", "items.npy", "--json")
        self.fails(OUT_OF_MEMORY, *self.batch("-k", 2147483647, "--json"), says="-k 2,147,483,647")
        self.fails(USAGE, "info", "index.mxd", "--json=false", says="json was given")
        with open("/dev/full", "w", encoding="utf-8") as full:
            self.fails(IO, "info", "index.mxd", "--json", stdout=full, says="standard output")

    def test_numbers_out_of_range(self):
        self.fails(USAGE, *self.batch("-k", 0), says=["-k", "1 to 2147483647"])
        for k in ("-1", "1.5", "ten", "", "2147483648", "99999999999999999999", "0x10", "1e3"):
            for arguments, least in ((["search", "index.mxd", "queries.npy"], 0), (self.batch(), 1)):
                self.fails(USAGE, *arguments, "-k", k, says=["-k", f"{least} to 2147483647"])
        for threads in ("-1", "1025", "many"):
            for arguments in (["search", "index.mxd", "queries.npy"], self.batch(),
                              ["build", "items.npy", "-o", "new.mxd"]):
                self.fails(USAGE, *arguments, "--threads", threads, says=["--threads", "0 to 1024"])
        self.fails(USAGE, *self.batch("--chunk", 0), says="--chunk")

    def test_unknown_metric(self):
        for arguments in (["search", "index.mxd", "queries.npy"], self.batch(),
                          ["build", "items.npy", "-o", "new.mxd"]):
            self.fails(USAGE, *arguments, "--metric", "manhattan", says=["'manhattan'", "dot (ip, inner_product), cosine (cos) and euclidean (l2)"])

    def test_instruction_sets(self):
        for arguments in (["info", "index.mxd"], self.batch(), ["build", "items.npy", "-o", "new.mxd"],
                          ["search", "index.mxd", "queries.npy"], ["verify-file", "index.mxd"],
                          ["verify", "items.npy", "queries.npy"]):
            self.fails(USAGE, *arguments, env={"MAXDOT_ISA": "mmx"}, says=["MAXDOT_ISA", "mmx"])
            self.fails(USAGE, *arguments, env={"MAXDOT_CPU_MASK": "mmx"},
                       says=["MAXDOT_CPU_MASK", "mmx", "none, avx2, avx512, vnni, all"])

    def test_a_mask_hides_instruction_sets(self):
        for mask, hidden in (("none", ("avx2", "avxvnni", "avx512", "avx512vnni", "amx", "neondot", "neoni8mm")),
                             ("avx2", ("avxvnni", "avx512", "avx512vnni", "amx")),
                             ("avx512", ("avxvnni", "avx512vnni", "amx")), ("vnni", ("amx",))):
            kernels = self.json_of("search", "index.mxd", "queries.npy", "--explain",
                                   env={"MAXDOT_CPU_MASK": mask})["explain"]["kernels"]
            self.assertNotIn(kernels, hidden, mask)
            for isa in hidden:
                done = self.run_here("info", "index.mxd", env={"MAXDOT_CPU_MASK": mask, "MAXDOT_ISA": isa})
                self.assertIn(done.returncode, (USAGE, UNSUPPORTED), (mask, isa))

    def test_output_formats(self):
        self.fails(USAGE, "batch", "index.mxd", "queries.npy", "--ids", "ids.csv", says=["ids.csv: ", ".ivecs"])
        self.fails(USAGE, *self.batch("--scores", "scores.ivecs"), says=["scores.ivecs: ", ".fvecs"])

    # Files that cannot be read or written.

    def test_missing_files(self):
        for arguments in (["build", "gone.npy", "-o", "new.mxd"], ["search", "gone.npy", "queries.npy"],
                          ["search", "index.mxd", "gone.npy"], ["info", "gone.npy"], ["verify-file", "gone.npy"],
                          ["build", "items.npy", "-o", "new.mxd", "--ids", "gone.npy"],
                          ["search", "index.mxd", "queries.npy", "--labels", "gone.npy"],
                          self.batch(users="gone.npy"), self.batch(index="gone.npy")):
            self.fails(IO, *arguments, says=["gone.npy: ", "No such file"])
        self.fails(IO, "info", ".", says=".: ")
        self.fails(IO, "search", "index.mxd", "queries.npy", "--labels", ".", says=".: ")

    def test_outputs_that_cannot_be_written(self):
        (self.folder / "folder").mkdir()
        self.write("file", "")
        for target in ("gone/out.npy", "file/out.npy", "/dev/null.npy/x.npy", "/proc/out.npy"):
            self.fails(IO, "build", "items.npy", "-o", target, says=target + ": ")
            self.fails(IO, "batch", "index.mxd", "queries.npy", "--ids", target, says=target + ": ")
            self.fails(IO, *self.batch("--scores", target), says=target + ": ")
        self.fails(IO, "search", "index.mxd", "queries.npy", "--out", "gone/out", says="gone/out.ids.npy: ")
        self.fails(IO, "build", "items.npy", "-o", "folder", says="folder: is a folder")
        self.fails(IO, "build", "items.npy", "-o", "/dev/null", says="/dev/null: is a device")
        self.fails(USAGE, "build", "items.npy", "-o", "", says="empty")
        if os.geteuid() != 0:  # root may write anywhere
            (self.folder / "folder").chmod(0o500)
            self.fails(IO, "build", "items.npy", "-o", "folder/new.mxd", says="folder/new.mxd: ")

    def test_output_is_an_input(self):
        os.symlink("items.npy", self.folder / "link.npy")
        os.link(self.folder / "items.npy", self.folder / "hard.npy")
        self.write("n.ids.npy", (self.folder / "queries.npy").read_bytes())
        for target in ("items.npy", "./items.npy", "link.npy", "hard.npy", self.folder / "items.npy"):
            self.fails(USAGE, "build", "items.npy", "-o", target, says="both input and output")
            self.fails(USAGE, "batch", "index.mxd", "items.npy", "--ids", target, says="both input and output")
        self.fails(USAGE, "build", "items.npy", "-o", "n.ids.npy", "--ids", "n.ids.npy", says="both input")
        self.fails(USAGE, "search", "index.mxd", "n.ids.npy", "--out", "n", says="n.ids.npy: is both input")
        self.fails(USAGE, *self.batch("--scores", "./ids.npy"), says="ids.npy: ids and scores cannot share")
        # A link to a file that does not exist yet.
        os.symlink("later.npy", self.folder / "dangling.npy")
        for ids, scores in (("dangling.npy", "later.npy"), ("later.npy", "dangling.npy")):
            self.fails(USAGE, "batch", "index.mxd", "queries.npy", "--ids", ids, "--scores", scores, says="cannot share")

    @unittest.skipIf("TSAN_OPTIONS" in os.environ, "ThreadSanitizer needs larger files of its own to start")
    def test_disk_full(self):
        self.write("new.mxd", "before")
        self.write("ids.npy", "before")
        self.write("n.scores.npy", "before")

        write_matrix(self.folder / "many.npy", random_rows(1000, 5, seed=10))

        def limit():  # above the kilobyte that Clang's OpenMP keeps in shared memory, below every output here
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        for arguments, name in ((["build", "many.npy", "-o", "new.mxd"], "new.mxd"),
                                (self.batch("--chunk", 1, users="many.npy"), "ids.npy"),
                                (["search", "index.mxd", "many.npy", "--out", "n"], "n.ids.npy")):
            self.fails(IO, *arguments, preexec_fn=limit, says=[name + ": ", "File too large"])

    def test_stdout_that_cannot_be_written(self):
        for arguments in (["--help"], ["info", "index.mxd"], ["search", "index.mxd", "queries.npy"],
                          ["search", "index.mxd", "queries.npy", "--json"], ["verify-file", "index.mxd"]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                self.fails(IO, *arguments, stdout=full, says=["standard output: ", "No space left"])
            self.fails(IO, *arguments, preexec_fn=lambda: os.close(1), says="standard output: ")

    def test_a_reader_who_leaves_is_no_failure(self):
        reading, writing = os.pipe()
        os.close(reading)
        done = self.run_here("search", "index.mxd", "queries.npy", "-k", 40, stdout=writing)
        os.close(writing)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_strange_names_stay_on_one_line(self):
        self.fails(IO, "info", "two\nlines\x1b[31m", says="two?lines?[31m: ")

    # Files whose content cannot be used.

    def test_embeddings_of_another_kind(self):
        payload = struct.pack("<6d", *range(6))
        self.write("f64.npy", npy_bytes("<f8", (2, 3), payload))
        self.write("big.npy", npy_bytes(">f4", (2, 3), payload[:24]))
        self.write("columns.npy", npy_bytes("<f4", (2, 3), payload[:24], fortran=True))
        self.write("cube.npy", npy_bytes("<f4", (1, 2, 3), payload[:24]))
        self.write("items.csv", "1,2,3\n")
        for name in ("f64.npy", "big.npy", "columns.npy", "cube.npy", "items.csv"):
            self.fails(UNSUPPORTED, "build", name, "-o", "new.mxd", says=name + ": ")
            self.fails(UNSUPPORTED, *self.batch(users=name), says=name + ": ")

    def test_damaged_embeddings(self):
        whole = (self.folder / "items.npy").read_bytes()
        self.write("short.npy", whole[:-1])
        self.write("header.npy", whole[:40])
        self.write("empty.npy", b"")
        self.write("text.npy", "not an array at all, only text")
        self.write("short.fbin", struct.pack("<II3f", 2, 3, 1, 2, 3))
        self.write("short.fvecs", struct.pack("<i3fi2f", 3, 1, 2, 3, 3, 1, 2))
        self.write("mixed.fvecs", struct.pack("<i3fi3f", 3, 1, 2, 3, 2, 1, 2, 3))
        for name in ("short.npy", "header.npy", "empty.npy", "text.npy", "short.fbin", "short.fvecs", "mixed.fvecs"):
            self.fails(BAD_DATA, "build", name, "-o", "new.mxd", says=name + ": ")
            self.fails(BAD_DATA, "search", "index.mxd", name, says=name + ": ")

    def test_values_that_no_ranking_can_use(self):
        for value, name in ((float("nan"), "NaN"), (float("inf"), "inf")):
            rows = [list(row) for row in self.items]
            rows[17][3] = rows[20][0] = value
            for half in (False, True):
                write_matrix(self.folder / "bad.npy", rows, half=half)
                arguments = (["build", "bad.npy", "-o", "new.mxd"], ["search", "index.mxd", "bad.npy"],
                             ["search", "index.mxd", "bad.npy", "--out", "n"])
                for command in arguments:
                    line = self.fails(BAD_DATA, *command, says=["bad.npy: ", "row 17, column 3"])
                    self.assertIn(name.lower(), line.lower())

    def test_another_dimension(self):
        write_matrix(self.folder / "wide.npy", random_rows(3, 6, seed=10))
        for arguments in (["search", "index.mxd", "wide.npy"], self.batch(users="wide.npy")):
            self.fails(BAD_DATA, *arguments, says=["wide.npy: ", "6 values", "index.mxd has dimension 5"])

    def test_bad_ids(self):
        for content, says in (("\n".join(["7"] * 40), "rows 0 and 1 share the id 7"),
                              ("\n".join(map(str, [*range(39), 11])), "rows 11 and 39 share the id 11"),
                              ("\n".join(map(str, range(-3, 37))), "id -3 of row 0 is negative"),
                              ("\n".join(map(str, range(39))), "has 39 ids but there are 40"),
                              ("", "has 0 ids but there are 40"),
                              ("one\ntwo\n", "line 2"), ("1e3\n2\n", "line 1"), ("1\n\n2\n", "line 2")):
            self.write("ids.txt", content)
            self.fails(BAD_DATA, "build", "items.npy", "-o", "new.mxd", "--ids", "ids.txt", says=["ids.txt: ", says])

    def test_bad_rows_are_not_blamed_on_good_ids(self):
        self.items[8][0] = float("nan")
        write_matrix(self.folder / "bad.npy", self.items)
        self.write("ids.txt", "\n".join(map(str, range(40))))
        self.fails(BAD_DATA, "build", "bad.npy", "-o", "new.mxd", "--ids", "ids.txt", says=["bad.npy: ", "row 8"])

    def test_bad_labels(self):
        self.write("labels.txt", "\n".join(str(row) for row in range(39)))
        arguments = ["search", "index.mxd", "queries.npy", "--labels", "labels.txt"]
        self.fails(BAD_DATA, *arguments, says=["labels.txt: has 39 labels but the index has 40"])
        self.write("labels.txt", "\n".join(str(row) for row in range(41)))
        self.fails(BAD_DATA, *arguments, says="more than 40")
        for wrong in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"ok \xe2\x82", b"\x80"):
            self.write("labels.txt", b"fine\n" + wrong + b"\n" * 39)
            self.fails(BAD_DATA, *arguments, says="labels.txt: line 2 is not UTF-8")

    def test_items_that_do_not_exist(self):
        self.write("labels.txt", "same\nsame\n" + "\n".join(f"film {row}" for row in range(38)))
        for name in ("40", "-1", "five", "", "3 ", "99999999999999999999"):
            self.fails(USAGE, "search", "index.mxd", f"--like={name}" if name else "--like", *([] if name else [""]),
                       says="--like")
        self.fails(USAGE, "search", "index.mxd", "--labels", "labels.txt", "--like", "film 99", says="film 99")
        self.fails(USAGE, "search", "index.mxd", "--labels", "labels.txt", "--like", "same",
                   says="lines 1 and 2 are both 'same'")

    def test_damaged_index(self):
        whole = (self.folder / "index.mxd").read_bytes()
        self.write("short.mxd", whole[:-1])
        self.write("half.mxd", whole[:len(whole) // 2])
        self.write("long.mxd", whole + b"\0")
        self.write("empty.mxd", b"")
        self.write("text.mxd", "these are not the bytes of an index\n" * 100)
        for name in ("short.mxd", "half.mxd", "long.mxd", "empty.mxd", "text.mxd", "items.npy"):
            for arguments in (["info", name], ["verify-file", name], ["search", name, "queries.npy"],
                              self.batch(index=name)):
                self.fails(BAD_DATA, *arguments, says=name + ": ")

    def test_flipped_bytes(self):
        """verify-file finds every flipped byte; the header's are found by every command."""
        whole = (self.folder / "index.mxd").read_bytes()
        for at in [*range(0, 64, 3), *range(64, len(whole), 61), len(whole) - 1]:
            damaged = bytearray(whole)
            damaged[at] ^= 0x10
            self.write("damaged.mxd", bytes(damaged))
            done = self.run_here("verify-file", "damaged.mxd")
            # A flipped version is the one that may be a good file of another program.
            self.assertIn(done.returncode, (BAD_DATA, UNSUPPORTED), at)
            self.assertRegex(done.stderr, r"\Amaxdot: error: damaged\.mxd: .*\n\Z")
            if at < 64:
                self.assertEqual(self.run_here("info", "damaged.mxd").returncode, done.returncode, at)
        self.fails(BAD_DATA, "verify-file", "damaged.mxd", "--json", says="damaged.mxd: ")

    def test_results_beyond_memory(self):
        write_matrix(self.folder / "many.npy", [[0.5] * 5] * 20000)
        for arguments in (["search", "index.mxd", "many.npy", "-k", 2147483647],
                          ["search", "index.mxd", "many.npy", "-k", 2147483647, "--out", "n"],
                          self.batch("-k", 2147483647, "--chunk", 20000, users="many.npy")):
            self.fails(OUT_OF_MEMORY, *arguments, says=["20,000", "2,147,483,647"])

    # Streams.

    def test_no_progress_unless_a_terminal_looks(self):
        self.assertEqual(run(*self.batch(), cwd=self.folder).stderr, "")

    def test_progress_on_a_terminal(self):
        controller, terminal = os.openpty()
        with subprocess.Popen([BINARY, *self.batch("--chunk", "1")], cwd=self.folder, stdout=subprocess.DEVNULL,
                              stderr=terminal) as process:
            self.assertEqual(process.wait(timeout=60), 0)
        os.close(terminal)
        shown = os.read(controller, 65536)
        os.close(controller)
        self.assertIn(b"scoring 1 of 9 users", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)


if __name__ == "__main__":
    unittest.main()
