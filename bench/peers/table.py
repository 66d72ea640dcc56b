"""The table of docs/peers.md, from the results."""

import pathlib

from measure import median, ratio

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "peers.md"
BEGIN, END = "<!-- bench-peers: begin -->", "<!-- bench-peers: end -->"


def milliseconds(seconds):
    value = seconds * 1000
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def factor(value):
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def in_threads(run):
    return f"{run['threads']} thread{'s' * (run['threads'] > 1)}"


def share_wrong(check):
    return "0" if check["wrong"] == 0 else f"{100 * check['wrong'] / check['positions']:.4f} %"


def render(results):
    """Markdown: time by batch, with maxdot's advantage in brackets, and wrong positions."""
    run = results["runs"][-1]
    shapes = [shape for shape in run["shapes"] if "batch" in shape["axes"]]
    first = shapes[0]
    machine = results["machine"]
    rows = f"{first['n']:,} × {first['d']} {first['data'].replace('gaussian', 'Gaussian')} unit rows"
    lines = [
        f"Milliseconds for one call from Python and, in brackets, how many times maxdot's time; {rows}, "
        f"k = 10, {in_threads(run)} "
        f"of {machine['processor']}, medians of {results['rounds']} alternating rounds.",
        "",
        "| | "
        + " | ".join(f"{s['batch']:,} quer{'y' if s['batch'] == 1 else 'ies'}" for s in shapes)
        + " | wrong positions |",
        "|---|" + "---:|" * (len(shapes) + 1),
    ]
    for name in results["settings"]:
        if name in run["missing"]:
            continue
        cells = []
        for shape in shapes:
            times = shape["times"].get(name, {}).get("seconds")
            if not times:
                cells.append("–")
                continue
            cell = milliseconds(median(times))
            cells.append(
                cell
                if name == "maxdot"
                else f"{cell} ({factor(ratio(times, shape['times']['maxdot']['seconds']))})"
            )
        check = run["correctness"].get(name)
        approximate = name in results["approximate"]
        wrong = (
            "–" if check is None else f"recall {check['recall']:.2f}" if approximate else share_wrong(check)
        )
        title = f"**{name}**" if name == "maxdot" else f"{name} {run['versions'][name]}"
        lines.append(f"| {title}{' (approximate)' if approximate else ''} | {' | '.join(cells)} | {wrong} |")
    lines += [f"| {name} | missing: {why} |" for name, why in run["missing"].items()]
    return "\n".join(lines) + "\n"


def update_page(results):
    """Replaces what stands between the markers. ValueError if the page has none."""
    text = PAGE.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"docs/peers.md: no '{BEGIN}' and '{END}'; add them where the table belongs")
    head, rest = text.split(BEGIN, 1)
    PAGE.write_text(f"{head}{BEGIN}\n{render(results)}{END}{rest.split(END, 1)[1]}", encoding="utf-8")
