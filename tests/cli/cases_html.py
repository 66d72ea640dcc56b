"""--html of verify and evaluate: Python's maxdot.pages, played here by a stand-in, gets the report and makes the page."""

import json
import sys
import unittest

from support import IO, OK, UNSUPPORTED, USAGE, CliTest, random_rows, write_matrix

COPIES = """
import shutil, sys
def main():
    report, out = sys.argv[1:]
    assert report == "-" and out.startswith("--out="), sys.argv
    with open(out[6:], "w") as page:
        shutil.copyfileobj(sys.stdin, page)
    return 0
"""
CANNOT_WRITE = """
import sys
def main():
    print("a line of a trace\\npage.html: disk is full", file=sys.stderr)
    return 3
"""
CANNOT_READ = CANNOT_WRITE.replace("return 3", "return 4")


class Html(CliTest):
    def setUp(self):
        super().setUp()
        write_matrix(self.folder / "items.npy", random_rows(60, 5, seed=1))
        write_matrix(self.folder / "users.npy", random_rows(7, 5, seed=2))
        (self.folder / "truth.csv").write_text("user,item\n0,3\n2,4\n")
        self.succeeds("build", "items.npy", "-o", "index.mxd")
        self.commands = (["verify", "items.npy", "users.npy", "-k", 5, "--no-ivf"],
                         ["evaluate", "index.mxd", "users.npy", "--truth", "truth.csv", "-k", 5])

    def stand_in(self, name, program, package=""):
        """The environment in which Python has this program as maxdot.pages."""
        pages = self.folder / name / "maxdot" / "pages"
        pages.mkdir(parents=True)
        (pages.parent / "__init__.py").write_text(package)
        (pages / "__init__.py").write_text("")
        (pages / "__main__.py").write_text(program)
        return {"MAXDOT_PYTHON": sys.executable, "PYTHONPATH": str(self.folder / name), "PYTHONDONTWRITEBYTECODE": "1"}

    def without_time(self, document):
        return {key: value for key, value in document.items() if key != "seconds"}

    def test_the_page_gets_the_report(self):
        environment = self.stand_in("good", COPIES)
        for command in self.commands:
            text = self.succeeds(*command, "--html", "page.html", env=environment)
            page = json.loads((self.folder / "page.html").read_text())
            (self.folder / "page.html").unlink()
            self.assertEqual(self.without_time(page), self.without_time(self.json_of(*command)))
            self.assertIn(f"{page['queries']} queries" if "queries" in page else "recall", text)
            # A name that looks like an option, and JSON at the same time.
            document = self.json_of(*command, "--html=-page.html", env=environment)
            page = json.loads((self.folder / "-page.html").read_text())
            self.assertEqual(document, page)

    def test_python_is_not_asked_without_html(self):
        for command in self.commands:
            self.succeeds(*command, env={"MAXDOT_PYTHON": "/no/such/python"})

    def test_what_is_missing_is_said_before_the_work(self):
        environment = self.stand_in("none", COPIES, package="raise ImportError('matplotlib is not here')")
        for command in (["verify", "gone.npy"], ["evaluate", "gone.mxd", "gone.npy", "--truth", "gone.csv"]):
            says = ["page.html: ", "pip install 'maxdot[pages]'", "MAXDOT_PYTHON", "(matplotlib is not here)"]
            self.fails(UNSUPPORTED, *command, "--html", "page.html", env=environment, says=says)
            self.fails(UNSUPPORTED, *command, "--html", "page.html", "--json", env=environment, says=says)
            self.fails(UNSUPPORTED, *command, "--html", "page.html", env={"MAXDOT_PYTHON": "/no/such/python"},
                       says=["/no/such/python does not have", "No such file or directory"])

    def test_the_folder_it_runs_in_is_no_package(self):
        environment = self.stand_in("good", COPIES)
        self.stand_in(".", "raise SystemExit('this must not run')")
        for command in self.commands:
            self.succeeds(*command, "--html", "page.html", env=environment)

    def test_paths(self):
        environment = self.stand_in("good", COPIES)
        for command in self.commands:
            for path in command[1:3]:
                self.fails(USAGE, *command, "--html", path, env=environment, says="both input and output")
            self.fails(USAGE, *command, "--html", "", env=environment, says="empty")
            self.fails(IO, *command, "--html", "gone/page.html", env=environment, says="its folder does not exist")
            self.fails(IO, *command, "--html", ".", env=environment, says="is a folder")

    def test_a_page_that_cannot_be_made_leaves_the_report(self):
        for name, program, code in (("full", CANNOT_WRITE, IO), ("old", CANNOT_READ, UNSUPPORTED)):
            environment = self.stand_in(name, program)
            for command in self.commands:
                for form in ([], ["--json"]):
                    done = self.run_here(*command, "--html", "page.html", *form, env=environment)
                    self.assertEqual(done.returncode, code)
                    says = "maxdot: error: page.html: the page was not written: page.html: disk is full\n"
                    self.assertEqual(done.stderr, says)
                    self.assertGreater(len(done.stdout), 200)
                    if form:
                        json.loads(done.stdout)
                self.assertEqual(self.run_here(*command, env=environment).returncode, OK)


if __name__ == "__main__":
    unittest.main()
