"""The results as one page that needs nothing else."""

from measure import median, ratio
from table import factor, in_threads, milliseconds, share_wrong

from maxdot.pages.charts import Point, line_chart, styles
from maxdot.pages.page import Cell, Page, Row, Table
from maxdot.pages.page import render as render_page

OURS = "maxdot"
# By what is varied: its key, its name on the axis and in titles, and what stays the same.
AXES = {
    "batch": ("batch", "queries at once", "batch size", "n = {n:,}, d = {d}, k = 10"),
    "k": ("k", "k", "k", "n = {n:,}, d = {d}, 256 queries at once"),
    "n": ("n", "items n", "number of items", "d = {d}, k = 10"),
    "d": ("d", "dimension d", "dimension", "n = {n:,}, k = 10"),
}
METHOD = (
    "Every library runs in a process of its own and gets the same float32 rows, queries, k and number of threads. "
    "All processes are alive at once and take turns: in each round every library answers one call of the shape, "
    "in an order shuffled anew each round, so drift of the machine meets all alike. A call shorter than 20 ms is "
    "repeated and its mean taken. Between turns 50 ms pass, so that no library's spinning threads disturb the "
    "next. Queries change from call to call. A shape's variants are tried before it is measured and the fastest "
    "is kept. A library that has spent the plan's cap on a shape gets no more rounds of it.",
    "Small figures with × are the median over the rounds of a library's time over maxdot's in the same round. "
    "Times are of Python calls, results in NumPy arrays. Environment: OMP_WAIT_POLICY=PASSIVE (waiting OpenMP "
    "threads sleep: FAISS and BLAS are fastest so), thread counts of all pools set alike, OPENBLAS_CORETYPE and "
    "OPENBLAS_L2_SIZE unset.",
    "The rows are unit vectors, so inner product, cosine and Euclidean distance ask for the same neighbours. "
    "Gaussian rows have no structure to exploit; the real word vectors are GloVe's.",
)


def _queries(count):
    return f"{count:,} quer{'y' if count == 1 else 'ies'}"


def _shapes(run, axis, batch=None):
    found = [s for s in run["shapes"] if axis in s["axes"] and (batch is None or s["batch"] == batch)]
    key = AXES[axis][0] if axis in AXES else "batch"
    return sorted(found, key=lambda shape: shape[key])


def _views(run):
    """(axis, number of queries in titles, shapes) of everything that is drawn."""
    for axis, (key, *_) in AXES.items():
        for batch in (1, 256) if axis in ("n", "d") else (None,):
            shapes = _shapes(run, axis, batch)
            if len({shape[key] for shape in shapes}) > 1:
                yield axis, batch, shapes


def _title(run, axis, batch, shapes):
    _, _, what, where = AXES[axis]
    queries = "" if batch is None else f", {_queries(batch)}"
    return f"Time of one call by {what}: {where.format(**shapes[0])}{queries}; {in_threads(run)}"


def _shown_name(results, name):
    return f"{name} (approximate)" if name in results["approximate"] else name


def _exact(results, shape):
    """The exact libraries other than maxdot that were measured, with how many times maxdot's time each took."""
    ours = shape["times"].get(OURS)
    if ours is None:
        return {}
    return {
        name: ratio(entry["seconds"], ours["seconds"])
        for name, entry in shape["times"].items()
        if name != OURS and name not in results["approximate"]
    }


def verdict(results):
    """One sentence, and whether it is good news: True if right and fastest everywhere, False if wrong."""
    nearest = []
    for run in results["runs"]:
        for shape in run["shapes"]:
            ratios = _exact(results, shape)
            if ratios:
                name = min(ratios, key=ratios.get)
                nearest.append((ratios[name], name))
    checks = [run["correctness"][OURS] for run in results["runs"] if OURS in run["correctness"]]
    wrong, positions = (sum(check[key] for check in checks) for key in ("wrong", "positions"))
    right = (
        f"{wrong:,} of its {positions:,} checked positions are wrong" if checks else "its answers were not checked"
    )
    if not nearest:
        return f"maxdot was measured alone; {right}.", False if wrong else None
    ahead = [value for value, _ in nearest if value > 1]
    passed = False if wrong else True if checks and len(ahead) == len(nearest) else None
    least, name = min(nearest)
    if len(ahead) == len(nearest):
        speed = (
            f"maxdot is the fastest exact library in all {len(nearest)} calls, by {factor(least)} to "
            f"{factor(max(ahead))} times the next"
        )
    else:
        speed = (
            f"maxdot is the fastest exact library in {len(ahead)} of {len(nearest)} calls; where it is furthest "
            f"behind, {name} takes {factor(least)} of its time"
        )
    return f"{speed}; {right}.", passed


def _charts(results, run, names, look):
    for axis, batch, shapes in _views(run):
        key, label, *_ = AXES[axis]
        series = {}
        for name in names:
            points = [(s[key], s["times"][name]["seconds"]) for s in shapes if name in s["times"]]
            if points:
                series[name] = [Point(x, 1000 * min(t), 1000 * median(t), 1000 * max(t)) for x, t in points]
        note = "Points: median; bars: least to most. Lower is better."
        yield line_chart(_title(run, axis, batch, shapes), series, look, label, "milliseconds", note=note)


def _time_cell(results, shape, name):
    entry = shape["times"].get(name)
    if entry is None:
        return Cell("–")
    times = entry["seconds"]
    notes = []
    if name != OURS and OURS in shape["times"]:
        notes.append(f"×{factor(ratio(times, shape['times'][OURS]['seconds']))}")
    notes.append(f"{len(times)} timings, {milliseconds(min(times))} to {milliseconds(max(times))}")
    if entry["variant"]:
        notes.append(entry["variant"])
    exact = [median(e["seconds"]) for n, e in shape["times"].items() if n not in results["approximate"]]
    best = name not in results["approximate"] and median(times) == min(exact)
    return Cell(milliseconds(median(times)), "; ".join(notes), best)


def _time_table(results, title, shapes, names, heads):
    rows = [
        Row(_shown_name(results, name), [_time_cell(results, shape, name) for shape in shapes], marked=name == OURS)
        for name in names
    ]
    return Table(title, ["milliseconds", *heads], rows, "Bold: the fastest exact one.")


def _tables(results, run, names):
    for axis, batch, shapes in _views(run):
        key = AXES[axis][0]
        heads = [f"{key} = {shape[key]:,}" for shape in shapes]
        yield _time_table(results, _title(run, axis, batch, shapes), shapes, names, heads)
    real = _shapes(run, "real")
    if real:
        where = f"{real[0]['data']}, n = {real[0]['n']:,}, d = {real[0]['d']}, k = 10; {in_threads(run)}"
        heads = [_queries(shape["batch"]) for shape in real]
        yield _time_table(results, f"Real word vectors: {where}", real, names, heads)
    if run["correctness"]:
        yield _resources(results, run, names)


def _resources(results, run, names):
    size = next(s for s in run["shapes"] if "batch" in s["axes"])
    rows = []
    for name in names:
        built, check = run["builds"].get(name), run["correctness"].get(name)
        if built is None or check is None:
            continue
        mib = [
            f"{value / 2**20:,.0f}" if value is not None else "–"
            for value in (max(built["bytes"], 0), built.get("peak"))
        ]
        cells = [Cell(milliseconds(built["seconds"])), *map(Cell, mib)]
        cells.append(Cell(f"{check['wrong']:,}", share_wrong(check) if check["wrong"] else ""))
        cells += [Cell(f"{check['recall']:.5f}"), Cell(f"{100 * check['batch_invariant']:.0f} %")]
        rows.append(Row(_shown_name(results, name), cells, marked=name == OURS))
    positions = max(check["positions"] for check in run["correctness"].values())
    raw = size["n"] * size["d"] * 4 / 2**20
    return Table(
        f"Build time, memory, correctness: {size['n']:,} × {size['d']}; {in_threads(run)}",
        ["", "build, ms", "memory, MiB", "peak, MiB", "wrong positions", "recall@100", "alone = in batch"],
        rows,
        "Memory is what the process grew by from before the data to after the build (the float32 rows alone: "
        f"{raw:,.0f} MiB), and its most during one call of the largest batch. Wrong: of {positions:,} positions "
        "(256 queries, k = 100), those that hold another item than brute force in float64; exact ties in any order "
        "count as right. Alone = in batch: queries whose ids are the same asked alone and in a batch of 256.",
    )


def _libraries(results):
    rows = []
    for name, why in results["settings"].items():
        versions = sorted({run["versions"][name] for run in results["runs"] if run["versions"].get(name)})
        chosen = sorted(
            {s["times"][name]["variant"] for run in results["runs"] for s in run["shapes"] if name in s["times"]}
            - {""}
        )
        missing = [f"Missing: {run['missing'][name]}" for run in results["runs"] if name in run["missing"]]
        notes = [*dict.fromkeys(missing), *([f"Kept: {'; '.join(chosen)}."] if chosen else [])]
        package = " ".join([results["packages"][name], *versions])
        rows.append(Row(_shown_name(results, name), [Cell(package), Cell(why, " ".join(notes))], marked=name == OURS))
    return Table("Libraries and settings", ["library", "package", "setting, and the reason for it"], rows, words=True)


def render(results):
    look = styles(results["settings"], emphasised=OURS)
    charts, tables = [], []
    for run in results["runs"]:
        names = [name for name in results["settings"] if name not in run["missing"] or name in run["builds"]]
        charts += _charts(results, run, names, look)
        tables += _tables(results, run, names)
    sentence, passed = verdict(results)
    command = f"make bench-peers{' FULL=1' if results['plan'] == 'full' else ''}"
    return render_page(
        Page(
            title="maxdot beside its peers",
            verdict=sentence,
            passed=passed,
            summary=(
                f"Exact top-k search on CPUs: time, memory, build time and correctness of {len(results['settings'])} "
                f"libraries. Reproduce: {command}."
            ),
            charts=charts,
            tables=[*tables, _libraries(results)],
            settings=[
                ("plan", f"{results['plan']}, {results['rounds']} rounds, {results['seconds'] / 60:.1f} minutes"),
                ("date", results["date"]),
                *((key, str(value)) for key, value in results["machine"].items()),
            ],
            method=METHOD,
        )
    )
