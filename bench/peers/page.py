"""The results as one self-contained HTML page."""

import html
import pathlib

import charts
from measure import median, ratio
from table import factor, in_threads, milliseconds, share_wrong

STYLE = pathlib.Path(__file__).with_name("page.css")
AXES = {
    "batch": ("batch", "queries at once", "Time of one call by batch size", "n = {n:,}, d = {d}, k = 10"),
    "k": ("k", "k", "Time of one call by k", "n = {n:,}, d = {d}, 256 queries at once"),
    "n": ("n", "items n", "Time of one call by number of items", "d = {d}, k = 10"),
    "d": ("d", "dimension d", "Time of one call by dimension", "n = {n:,}, k = 10"),
}


def _queries(count):
    return f"{count:,} quer{'y' if count == 1 else 'ies'}"


def _cell(text, kind="", numeric=True):
    names = " ".join(name for name in (kind, "num" if numeric else "") if name)
    return f'<td class="{names}">{text}</td>' if names else f"<td>{text}</td>"


def _table(head, rows, caption=""):
    made = f"<caption>{caption}</caption>" if caption else ""
    made += "<thead><tr>" + "".join(f"<th>{text}</th>" for text in head) + "</tr></thead><tbody>"
    for name, cells in rows:
        marked = ' class="maxdot"' if name == "maxdot" else ""
        made += f"<tr{marked}><th>{html.escape(name)}</th>{''.join(cells)}</tr>"
    return f"<div class='wide'><table>{made}</tbody></table></div>"


def _shapes(run, axis, batch=None):
    found = [s for s in run["shapes"] if axis in s["axes"] and (batch is None or s["batch"] == batch)]
    key = AXES[axis][0] if axis in AXES else "batch"
    return sorted(found, key=lambda shape: shape[key])


def _time_table(shapes, names, heads, approximate):
    rows = []
    for name in names:
        cells = []
        for shape in shapes:
            entry = shape["times"].get(name)
            if entry is None:
                cells.append(_cell("–"))
                continue
            times = entry["seconds"]
            text = milliseconds(median(times))
            if name != "maxdot":
                text += f" <small>×{factor(ratio(times, shape['times']['maxdot']['seconds']))}</small>"
            best = min(median(e["seconds"]) for n, e in shape["times"].items() if n not in approximate)
            note = f"{len(times)} timings, {milliseconds(min(times))} to {milliseconds(max(times))} ms"
            note += f"; {entry['variant']}" if entry["variant"] else ""
            text = f'<span title="{html.escape(note)}">{text}</span>'
            cells.append(_cell(text, "best" if median(times) == best else ""))
        rows.append((name + (" (approximate)" if name in approximate else ""), cells))
    return _table(["ms"] + heads, rows)


def _axis_section(run, axis, names, style, number, approximate):
    key, label, title, where = AXES[axis]
    made = f"<h2>{number}. {title}</h2>"
    batches = [1, 256] if axis in ("n", "d") else [None]
    for batch in batches:
        shapes = _shapes(run, axis, batch)
        if len({shape[key] for shape in shapes}) < 2:
            continue
        series = {}
        for name in names:
            points = [(s[key], s["times"][name]["seconds"]) for s in shapes if name in s["times"]]
            if points:
                series[name] = [(x, 1000 * min(t), 1000 * median(t), 1000 * max(t)) for x, t in points]
        caption = where.format(**shapes[0]) + ("" if batch is None else f", {_queries(batch)} at once")
        made += f"<figure>{charts.line_chart(series, label, 'milliseconds', style)}"
        made += f"<figcaption>{caption}; {in_threads(run)}. "
        made += "Points: median; bars: least to most. Lower is better.</figcaption></figure>"
        made += _time_table(shapes, names, [f"{key} = {shape[key]:,}" for shape in shapes], approximate)
    return made


def _resources(run, names, approximate):
    rows = []
    size = next(s for s in run["shapes"] if "batch" in s["axes"])
    for name in names:
        built, check = run["builds"].get(name), run["correctness"].get(name)
        if built is None or check is None:
            continue
        mib = [
            f"{value / 2**20:,.0f}" if value is not None else "–"
            for value in (max(built["bytes"], 0), built.get("peak"))
        ]
        cells = [milliseconds(built["seconds"]), *mib]
        wrong = f"{check['wrong']:,} <small>{share_wrong(check)}</small>" if check["wrong"] else "0"
        cells += [wrong, f"{check['recall']:.5f}", f"{100 * check['batch_invariant']:.0f} %"]
        rows.append(
            (name + (" (approximate)" if name in approximate else ""), [_cell(text) for text in cells])
        )
    positions = max(check["positions"] for check in run["correctness"].values())
    raw = size["n"] * size["d"] * 4 / 2**20
    caption = (
        f"{size['n']:,} × {size['d']}, {in_threads(run)}. Memory is what the process grew by from "
        f"before the data to after the build (the float32 rows alone: {raw:,.0f} MiB), and its most during one "
        f"call of the largest batch. Wrong: of {positions:,} positions (256 queries, k = 100), those that hold "
        "another item than brute force in float64; exact ties in any order count as right. Alone = in batch: "
        "queries whose ids are the same asked alone and in a batch of 256."
    )
    head = ["", "build, ms", "memory, MiB", "peak, MiB", "wrong positions", "recall@100", "alone = in batch"]
    return _table(head, rows) + f"<p class='note'>{caption}</p>"


def _settings(results, run):
    rows = []
    for name, why in results["settings"].items():
        chosen = sorted({s["times"][name]["variant"] for s in run["shapes"] if name in s["times"]} - {""})
        text = html.escape(why) + (f" <em>Kept: {html.escape('; '.join(chosen))}.</em>" if chosen else "")
        if name in run["missing"]:
            text = f"<strong>Missing: {html.escape(run['missing'][name])}</strong> {text}"
        version = f"{results['packages'][name]} {run['versions'].get(name) or ''}"
        rows.append((name, [_cell(html.escape(version), numeric=False), _cell(text, "text", numeric=False)]))
    return f"<div class='settings'>{_table(['', 'package', 'setting, and the reason for it'], rows)}</div>"


METHOD = """<p>Every library runs in a process of its own and gets the same float32 rows, queries, k and
number of threads.
All processes are alive at once and take turns: in each round every library answers one call of the shape, in
an order shuffled anew each round, so drift of the machine meets all alike. A call shorter than 20 ms is
repeated and its mean taken. Between turns 50 ms pass, so that no library's spinning threads disturb the
next. Queries change from call to call. A shape's variants are tried before it is measured and the fastest is
kept. A library that has spent the plan's cap on a shape gets no more
rounds of it. Small figures behind a time are the median
over the rounds of its ratio to maxdot's time in the same round. Times are of Python calls, results in NumPy
arrays. Environment: <code>OMP_WAIT_POLICY=PASSIVE</code> (waiting OpenMP threads sleep: FAISS and BLAS are
fastest so), thread counts of all pools set alike, <code>OPENBLAS_CORETYPE</code> and
<code>OPENBLAS_L2_SIZE</code> unset. The rows are unit vectors, so inner product, cosine and Euclidean
distance ask for the same neighbours. Gaussian rows have no structure to exploit; the last table has real
word vectors (GloVe).</p>"""


def _run(results, run, first):
    names = [name for name in results["settings"] if name not in run["missing"] or name in run["builds"]]
    style = charts.styles(results["settings"])
    made = f"<h1 class='run'>{in_threads(run)}</h1>" if len(results["runs"]) > 1 else ""
    number = first
    for axis in AXES:
        if _shapes(run, axis):
            made += _axis_section(run, axis, names, style, number, results["approximate"])
            number += 1
    real = _shapes(run, "real")
    if real:
        where = f"{real[0]['data']}, n = {real[0]['n']:,}, d = {real[0]['d']}, k = 10."
        made += f"<h2>{number}. Real word vectors</h2><p class='note'>{where}</p>"
        made += _time_table(
            real,
            names,
            [_queries(s["batch"]) for s in real],
            results["approximate"],
        )
        number += 1
    made += f"<h2>{number}. Build time, memory, correctness</h2>" + _resources(
        run, names, results["approximate"]
    )
    made += f"<h2>{number + 1}. Libraries and settings</h2>" + _settings(results, run)
    return made, number + 2


def render(results):
    machine = "".join(
        f"<dt>{html.escape(k)}</dt><dd>{html.escape(str(v))}</dd>" for k, v in results["machine"].items()
    )
    body, number = "", 1
    for run in results["runs"]:
        made, number = _run(results, run, number)
        body += made
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>maxdot beside its peers</title><style>{STYLE.read_text()}</style></head><body>
<header><h1>maxdot beside its peers</h1>
<p>Exact top-k search on CPUs: time, memory, build time and correctness of {
        len(results["settings"])
    } libraries.
{results["plan"].capitalize()} set, {results["rounds"]} rounds, {results["date"]}, {
        results["seconds"] / 60:.1f} minutes.
Reproduce: <code>make bench-peers{" FULL=1" if results["plan"] == "full" else ""}</code>.</p></header>
{body}
<h2>{number}. Method</h2>{METHOD}
<h2>{number + 1}. Machine</h2><dl>{machine}</dl>
</body></html>
"""
