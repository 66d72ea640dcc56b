"""What the pages say is so: their code runs, and prints what stands behind it."""

import ast

import pytest
from snippets import ROOT, blocks, follow

PAGES = sorted((ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(page):
    problem = follow(page)
    assert problem is None, problem


def test_pages_with_code_are_found():
    with_code = [page.stem for page in PAGES if any(block.is_run and block.language == "python" for block in blocks(page.read_text()))]
    assert {"start", "tutorial-two-tower", "tutorial-evaluate", "tutorial-nightly-batch", "coming-from", "python"} <= set(with_code)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "the page says (-)"),
        ("```sh\nexit 3\n```\n", "exit status 3"),
        ("```python\nraise KeyError('x')\n```\n", "KeyError"),
        ('```sh\necho a 1.5\n```\n\n```text title="about"\nb 1.5\n```\n', "the page says (-)"),
    ],
)
def test_what_is_wrong_is_found(tmp_path, text, problem):
    page = tmp_path / "page.md"
    page.write_text(text)
    assert problem in follow(page)


def test_about_the_same_numbers_are_enough(tmp_path):
    page = tmp_path / "page.md"
    page.write_text('```python title="a.py"\nprint("at", 1.25, [3, 4])\n```\n\n```sh\npython a.py\n```\n\n```text title="about"\nat 7.5 [1, 12]\n```\n')
    assert follow(page) is None


def test_blocks_can_be_pasted_into_python():
    """At its prompt an indented block ends with an empty line: code that follows at once is a SyntaxError there."""
    wrong = []
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.language == "python" and block.title is None:
                nodes = ast.parse(block.code, mode="exec").body if "await " not in block.code else []
                follow_at_once = [late for early, late in zip(nodes, nodes[1:], strict=False) if hasattr(early, "body") and late.lineno == early.end_lineno + 1]
                wrong += [f"{page.name}:{block.line + late.lineno - 1}" for late in follow_at_once]
    assert wrong == []


def test_every_block_of_python_runs_or_says_why_not():
    """A page may not hold code that nobody runs: BLOCK must have seen each."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert text.count("\n```python") == sum(block.language == "python" for block in blocks(text)), page
