"""The report pages: whole HTML, the verdict first, words for every chart, and ticks that say where they stand.

`pages/` holds a report of each kind. Those of the benchmarks are made up from figures that were measured.
"""

import base64
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import html5lib
import maxdot
import numpy as np
import pytest
from maxdot import pages
from maxdot.pages import charts
from support import GLOVE

HERE = pathlib.Path(__file__).resolve().parent
BENCH = HERE.parents[1] / "bench"
SVG = "{http://www.w3.org/2000/svg}"
COMMAND = os.environ.get("MAXDOT_BIN")


def report(name):
    return json.loads((HERE / "pages" / f"{name}.json").read_text(encoding="utf-8"))


def bench_page(folder, name):
    """The page that a benchmark writes from stored results."""
    place, script, options = {
        "peers": (folder, BENCH / "peers" / "run.py", ["--out", folder]),
        "approximate": (
            folder / "clustered",
            BENCH / "approximate" / "run.py",
            ["--out", folder, "--data", "clustered"],
        ),
    }[name]
    place.mkdir(exist_ok=True)
    shutil.copy(HERE / "pages" / f"{name}.json", place / "results.json")
    subprocess.run([sys.executable, "-B", script, *options, "--render"], check=True, capture_output=True)
    return place / "index.html"


def answer(spoiled):
    items = np.load(GLOVE)[:500]
    ids = maxdot.top_k(items[:20], items, 10)[0]
    ids[3, 2:4] = (ids[3, 3], -1) if spoiled else ids[3, 2:4]
    return dataclasses.asdict(maxdot.verify(items, items[:20], ids))


@pytest.fixture(scope="module")
def every_page(tmp_path_factory):
    made = {name: pages.page_of(report(name)) for name in ("verify", "verify-failed", "evaluate", "evaluate-one-k")}
    made |= {"answer": pages.page_of(answer(False)), "answer-wrong": pages.page_of(answer(True))}
    for name in ("peers", "approximate"):
        made[name] = bench_page(tmp_path_factory.mktemp(name), name).read_text(encoding="utf-8")
    return made


PAGES = ["verify", "verify-failed", "evaluate", "evaluate-one-k", "answer", "answer-wrong", "peers", "approximate"]


@pytest.fixture(params=PAGES)
def page(request, every_page):
    return every_page[request.param]


def tree_of(page):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def words(element):
    return " ".join("".join(element.itertext()).split())


def images(page):
    """(alternative text, SVG) of each chart."""
    found = []
    for image in tree_of(page).iter("img"):
        kind, data = image.get("src").split(",")
        assert kind == "data:image/svg+xml;base64"
        found.append((image.get("alt"), base64.b64decode(data).decode()))
    return found


def test_is_whole_html(page):
    tree = tree_of(page)  # strict: any error of the text is an exception
    names = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(names) == len(set(names))
    assert tree.get("lang") == "en"
    assert [meta.get("content") for meta in tree.iter("meta") if meta.get("name") == "viewport"]


def test_the_verdict_is_first_then_charts_tables_settings(page):
    tree = tree_of(page)
    body = tree.find("body")
    first, second = list(body.find("header"))[:2]
    assert (first.tag, second.get("id")) == ("h1", "verdict")
    assert re.fullmatch(r".{20,}[.)]", words(second))
    assert [words(heading) for heading in tree.iter("h2")] == ["Charts", "Tables", "Settings"]
    order = [element.tag for element in body.iter() if element.tag in ("p", "figure", "table", "dl")]
    assert order == sorted(order, key=("p", "figure", "table", "dl").index) or order[-1] == "p"  # the method is last


def test_refers_to_nothing_outside(page):
    tree = tree_of(page)
    for element in tree.iter():
        assert element.tag not in ("script", "link", "iframe", "object", "base")
        for name in ("href", "src", "srcset", "action", "data", "poster"):
            assert element.get(name, "data:").startswith("data:")
    for style in [words(style) for style in tree.iter("style")] + [svg for _, svg in images(page)]:
        assert not re.search(r"@import|url\((?!#)", style)
    for _, svg in images(page):
        for element in ElementTree.fromstring(svg).iter():
            for name, value in element.attrib.items():
                assert not name.endswith("href") or value.startswith("#")


def test_every_chart_says_what_it_shows(page):
    found = images(page)
    assert found
    for alt, svg in found:
        assert re.match(r"(Line|Bar|Dot) chart\. .{20,}\.$", alt)
        # Words stay words, in a colour that fits a light and a dark page.
        shown = [words(text) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
        assert len(shown) > 5
        assert charts.INK not in svg and "currentColor" in svg
        assert "#ffffff" not in svg  # no paper of its own
        assert svg.startswith("<svg")
    for figure in tree_of(page).iter("figure"):
        assert words(figure.find("figcaption"))


def test_tables_have_headers(page):
    tables = list(tree_of(page).iter("table"))
    assert tables
    for table in tables:
        assert words(table.find("caption"))
        columns = table.find("thead/tr")
        assert all(cell.tag == "th" and cell.get("scope") == "col" for cell in columns)
        for row in table.find("tbody"):
            name, *cells = row
            assert (name.tag, name.get("scope")) == ("th", "row") and words(name)
            assert len(cells) == len(columns) - 1
            # On a narrow screen a cell stands below its row's name, beside its column's.
            assert [" ".join(cell.get("data-column").split()) for cell in cells] == [words(cell) for cell in columns][
                1:
            ]


def ticks_of(svg, axis):
    """[(what the tick says, where it stands)] along "x" or "y"."""
    found = []
    for group in ElementTree.fromstring(svg).iter(f"{SVG}g"):
        if not re.fullmatch(rf"{axis}tick_\d+", group.get("id", "")):
            continue
        mark = next(group.iter(f"{SVG}use"), None)
        text = next(group.iter(f"{SVG}text"), None)
        assert mark is not None and text is not None, "a tick without a number"
        found.append((float(words(text).replace(",", "")), float(mark.get(axis))))
    return found


def assert_ticks_are_true(ticks):
    """Labels and places are one line, of the numbers or of their logarithms."""
    values, places = np.array(ticks).T
    assert len(ticks) >= 2 and len(set(values)) == len(values)
    whole = abs(places[-1] - places[0])
    misses = []
    for scale in (lambda v: v, lambda v: np.log(np.maximum(v, 1e-300))):
        at = scale(values)
        expected = places[0] + (places[-1] - places[0]) * (at - at[0]) / (at[-1] - at[0])
        misses.append(np.abs(expected - places).max() / whole)
    assert min(misses) < 1e-3, ticks


def test_ticks_say_where_they_stand(page):
    for alt, svg in images(page):
        assert_ticks_are_true(ticks_of(svg, "x"))
        if alt.startswith("Line chart"):  # else y has names
            assert_ticks_are_true(ticks_of(svg, "y"))


def test_a_rounded_tick_would_be_noticed():
    assert_ticks_are_true([(0, 10.0), (0.015, 20.0), (0.03, 30.0), (0.045, 40.0)])
    with pytest.raises(AssertionError):
        assert_ticks_are_true([(0, 10.0), (0.01, 20.0), (0.03, 30.0), (0.04, 40.0)])


@pytest.mark.parametrize("log_y", [False, True])
def test_ticks_of_any_range(log_y):
    source = np.random.default_rng(3)
    for _ in range(12):
        low = 10.0 ** source.uniform(-6, 6)
        ys = np.sort(low * np.exp(source.uniform(0, source.choice([0.001, 0.3, 3.0, 20.0]), 4)))
        xs = np.unique(np.round(10.0 ** source.uniform(0, 5, 4)))
        ys = ys[: len(xs)]
        line = [charts.Point(float(x), *3 * (float(y),)) for x, y in zip(xs, ys, strict=True)]
        series = {"a": line}
        chart = charts.line_chart("t", series, charts.styles(series), "x", "y", log_y=log_y)
        assert_ticks_are_true(ticks_of(chart.svg, "y"))
        if len(xs) > 1:
            assert_ticks_are_true(ticks_of(chart.svg, "x"))
    dots = charts.dot_chart("t", ["a"], {"b": [charts.Span(0.01, 0.05, 0.058)]}, "x")
    assert [value for value, _ in ticks_of(dots.svg, "x")] == [0, 0.02, 0.04, 0.06]
    bars = charts.bar_chart("t", [charts.Bar("a", [0.06], "0.06")], ["a"], "x")
    assert [value for value, _ in ticks_of(bars.svg, "x")] == [0, 0.02, 0.04, 0.06]


def test_numbers_keep_their_digits():
    assert [charts.exact(v) for v in (0.015, 0.1 + 0.2, 1e6, 2.5, 1e-7)] == [
        "0.015",
        "0.3",
        "1,000,000",
        "2.5",
        "1e-07",
    ]


def test_no_two_lines_look_alike_without_colour():
    look = charts.styles([f"library {number}" for number in range(11)] + ["maxdot"], emphasised="maxdot")
    assert len({style.marker for style in look.values()}) == 12
    assert len({(style.colour, style.dash) for style in look.values()}) == 12
    assert look["maxdot"].width > max(style.width for name, style in look.items() if name != "maxdot")


def test_verdicts(every_page):
    def verdict(name):
        element = next(e for e in tree_of(every_page[name]).iter("p") if e.get("id") == "verdict")
        return element.get("class"), words(element)

    assert verdict("verify") == ("verdict good", report("verify")["verdict"])
    kind, text = verdict("verify-failed")
    assert kind == "verdict bad" and text.startswith("FAIL: ")
    assert "first: query 2, position 4: item 17 with 0.5, expected item 9 with 0.75" in every_page["verify-failed"]
    kind, text = verdict("evaluate")
    assert kind == "verdict plain"
    assert re.fullmatch(
        r"recall@10 is 0\.\d{4} \(95 % interval 0\.\d{4} to 0\.\d{4}\), the mean over [\d,]+ users\.", text
    )
    assert "95 % low" in every_page["evaluate"] and "95 % high" in every_page["evaluate"]
    assert verdict("answer")[0] == "verdict good" and verdict("answer")[1].startswith("Exact: 0 of 200 positions")
    assert verdict("answer-wrong")[0] == "verdict bad" and "NOT exact: 2 of 200" in verdict("answer-wrong")[1]
    assert verdict("peers")[0] == "verdict good"
    assert re.search(
        r"fastest exact library in all 16 calls, .* 0 of its 25,600 checked positions", verdict("peers")[1]
    )
    assert "in batches" in verdict("approximate")[1] and "for one query" in verdict("approximate")[1]


def test_a_page_is_the_same_each_time():
    assert pages.page_of(report("verify")) == pages.page_of(report("verify"))


def test_a_report_of_python():
    relevant = [[3], [4, 5], [], [6]]
    retrieved = [[3, 1], [1, 5], [2, 1], [1, 2]]
    measured = maxdot.evaluate.metrics(relevant, retrieved, [1, 2], bootstrap=50, per_user=True)
    page = pages.page_of(measured.to_dict())
    tree_of(page)
    assert "Users by their recall@2" in page and "95 % low" in page


def test_names_cannot_break_the_page():
    changed = report("verify") | {"items_file": "<script>alert(1)</script>&\"'"}
    page = pages.page_of(changed)
    assert not list(tree_of(page).iter("script"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in page


@pytest.mark.parametrize("wrong", [[], 3, None, {}, {"a": 1}, {"error": {"code": "io", "message": "x"}}, {"at": []}])
def test_what_is_no_report(wrong):
    with pytest.raises(ValueError, match="report: "):
        pages.page_of(wrong)


@pytest.mark.parametrize("name", ["verify", "evaluate", "evaluate-one-k"])
def test_a_part_that_is_missing_or_of_another_kind(name):
    whole = report(name)
    for key in whole:
        for damaged in ({k: v for k, v in whole.items() if k != key}, whole | {key: "?"}, whole | {key: None}):
            try:
                tree_of(pages.page_of(damaged))  # a part that may be missing
            except ValueError as error:
                assert str(error).startswith("report: ")


def test_write_page(tmp_path):
    path = tmp_path / "page.html"
    pages.write_page(report("verify"), path)
    assert path.read_text(encoding="utf-8") == pages.page_of(report("verify"))
    assert path.stat().st_mode & 0o777 == 0o666 & ~os.umask(os.umask(0o022))
    with pytest.raises(ValueError, match="report: "):
        pages.write_page({}, path)
    assert path.read_text(encoding="utf-8") == pages.page_of(report("verify"))
    with pytest.raises(OSError, match="gone"):
        pages.write_page(report("verify"), tmp_path / "gone" / "page.html")
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


def test_ranks_of_items_that_are_not_there():
    found = report("evaluate")
    page = pages.page_of({**found, "ranks": [{**entry, "rank": None} for entry in found["ranks"]]})
    assert "How far down" not in page and "How far down" in pages.page_of(found)


def run_module(*arguments, stdin=None):
    command = [sys.executable, "-m", "maxdot.pages", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)


def test_from_the_shell(tmp_path):
    stored = HERE / "pages" / "verify.json"
    assert run_module(stored, "-o", tmp_path / "a.html").returncode == 0
    assert run_module("-", "-o", tmp_path / "b.html", stdin=stored.read_text()).returncode == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    named = {**json.loads(stored.read_text()), "items_file": "caf\u00e9.npy"}
    latin = {**os.environ, "PYTHONIOENCODING": "latin-1"}  # JSON is UTF-8, whatever the locale
    command = [sys.executable, "-m", "maxdot.pages", "-", "-o", str(tmp_path / "c.html")]
    text = json.dumps(named, ensure_ascii=False).encode()
    assert subprocess.run(command, input=text, env=latin, capture_output=True, check=False).returncode == 0
    assert "\u00c3" not in (tmp_path / "c.html").read_text(encoding="utf-8")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    for arguments, code, says in (
        (["gone.json", "-o", "x.html"], 3, "gone.json: No such file"),
        ([tmp_path / "bad.json", "-o", "x.html"], 4, "bad.json: "),
        ([tmp_path / "deep.json", "-o", "x.html"], 4, "deep.json: "),
        ([stored, "-o", tmp_path / "gone" / "x.html"], 3, "No such file"),
    ):
        done = run_module(*arguments)
        assert done.returncode == code
        assert (
            done.stderr.startswith("maxdot.pages: error: ") and says in done.stderr and done.stderr.count("\n") == 1
        )


@pytest.mark.skipif(COMMAND is None, reason="MAXDOT_BIN does not name the maxdot command")
def test_from_the_command(tmp_path):
    environment = {**os.environ, "MAXDOT_PYTHON": sys.executable}
    np.save(tmp_path / "items.npy", np.load(GLOVE)[:400])
    (tmp_path / "truth.csv").write_text("user,item\n0,3\n7,4\n")
    verify = ["verify", "items.npy", "--queries", "30", "-k", "10", "--html", "verify.html"]
    build = ["build", "items.npy", "-o", "items.maxdot"]
    evaluate = ["evaluate", "items.maxdot", "items.npy", "--truth", "truth.csv", "-k", "1,5", "--bootstrap", "20"]
    evaluate += ["--ranks", "--html", "evaluate.html"]
    for arguments in (verify, build, evaluate):
        done = subprocess.run(
            [COMMAND, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
    for name, says in (("verify", "PASS: "), ("evaluate", "recall@5 is ")):
        page = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        assert says in words(next(e for e in tree_of(page).iter("p") if e.get("id") == "verdict"))
        assert images(page)


def test_picture_for_the_documents(tmp_path):
    folder = bench_page(tmp_path, "approximate").parent
    svg = (folder / "queries-per-second.svg").read_text(encoding="utf-8")
    tree = ElementTree.fromstring(svg)
    assert tree.find(f"{SVG}title").text == "Queries a second against the number of items"
    assert "currentColor" not in svg and charts.INK not in svg
    assert len([t for t in tree.iter(f"{SVG}text") if "recall@10" in words(t)]) == 6


def evaluated(recall, width):
    """What examples/rechub/evaluation.py finds of a model, in the parts that its report reads."""

    class Found:
        def __init__(self, **parts):
            self.__dict__.update(parts)

    at = Found(
        recall=recall,
        low=Found(recall=recall - width),
        high=Found(recall=recall + width),
        ndcg=recall / 2,
        coverage=0.5,
    )
    beside = Found(exact=recall, annoy=recall * 0.9, shared=0.8, exact_seconds=0.005, annoy_seconds=0.02)
    return Found(exact={10: at, 100: at}, unseen={10: at}, beside={10: beside, 100: beside})


def test_page_of_the_rechub_example(monkeypatch):
    monkeypatch.syspath_prepend(BENCH.parent / "examples" / "rechub")
    import report as rechub_report

    results = [
        ("point-wise, T = 1", evaluated(0.0255, 0.01), 60.0),
        ("list-wise, T = 1", evaluated(0.055, 0.015), 20.0),
    ]
    page = rechub_report.page(results, 10, (10, 100), (10, 100), [("Python", "3")])
    for _, svg in images(page):
        assert_ticks_are_true(ticks_of(svg, "x"))
    assert tree_of(page) is not None
    assert "list-wise, T = 1 finds most: recall@10 is 0.0550 (95 % interval 0.040 to 0.070), and no other" in page
    results[0] = ("point-wise, T = 1", evaluated(0.05, 0.01), 60.0)
    assert "does not tell it from point-wise, T = 1." in rechub_report.page(results, 10, (10, 100), (10, 100), [])
