"""The results as tables in Markdown, for the terminal, and as a page that needs nothing else."""

from maxdot.pages.charts import Point, Span, dot_chart, line_chart, styles
from maxdot.pages.page import Cell, Page, Row, Table, render


def tables(results, k, compared):
    """[(title, header, rows)] of strings. `results` is [(name, Evaluated, seconds of training)]."""
    models, beside = [], []
    for name, found, seconds in results:
        at, unseen = found.exact[k], found.unseen[k]
        models.append(
            [
                name,
                f"{at.recall:.4f}",
                f"{at.low.recall:.3f} to {at.high.recall:.3f}",
                *(f"{found.exact[other].recall:.4f}" for other in compared if other != k),
                f"{at.ndcg:.4f}",
                f"{at.coverage:.2f}",
                f"{unseen.recall:.4f}",
                f"{seconds:.0f}",
            ]
        )
        cells = [name]
        for other in compared:
            c = found.beside[other]
            cells += [f"{c.exact:.4f}", f"{c.annoy:.4f}", f"{100 * c.shared:.1f} %"]
            cells += [f"{c.exact_seconds:.4f}", f"{c.annoy_seconds:.4f}"]
        beside.append(cells)
    header = [
        "model",
        f"recall@{k}",
        "95 % interval",
        *(f"recall@{other}" for other in compared if other != k),
    ]
    header += [f"NDCG@{k}", f"coverage@{k}", f"recall@{k}, unseen only", "training, s"]
    beside_header = ["model"]
    for other in compared:
        beside_header += [f"recall@{other}, exact", "Annoy", f"of the true top {other} in Annoy's"]
        beside_header += ["seconds, maxdot", "Annoy"]
    return [
        ("The models, measured exactly", header, models),
        ("The same through RecHub's Annoy engine", beside_header, beside),
    ]


def markdown(results, k, compared):
    lines = []
    for title, header, rows in tables(results, k, compared):
        lines += [f"{title}:", ""]
        lines += ["| " + " | ".join(line) + " |" for line in (header, ["---"] * len(header), *rows)]
        lines += [""]
    return "\n".join(lines)


def verdict(results, k):
    """The best model, and those that its interval does not tell from it."""
    best_name, best, _ = max(results, key=lambda result: result[1].exact[k].recall)
    at = best.exact[k]
    close = [name for name, found, _ in results if name != best_name and found.exact[k].high.recall >= at.low.recall]
    interval = f"95 % interval {at.low.recall:.3f} to {at.high.recall:.3f}"
    sentence = f"{best_name} finds most: recall@{k} is {at.recall:.4f} ({interval})"
    if not close:
        return f"{sentence}, and no other model's interval reaches that far."
    return f"{sentence}, but this data does not tell it from {', '.join(close)}."


def page(results, k, compared, ks, facts):
    """The whole page. `facts` is [(what, value)]: versions and settings."""
    names = [name for name, _, _ in results]
    found = [evaluated for _, evaluated, _ in results]
    exact = [Span(f.exact[k].low.recall, f.exact[k].recall, f.exact[k].high.recall) for f in found]
    recalls = {
        "exact": exact,
        "through Annoy": [Span(*3 * (f.beside[k].annoy,)) for f in found],
        "exact, unseen items only": [Span(*3 * (f.unseen[k].recall,)) for f in found],
    }
    times = {
        "maxdot": [Span(*3 * (f.beside[k].exact_seconds,)) for f in found],
        "RecHub's loop through Annoy": [Span(*3 * (f.beside[k].annoy_seconds,)) for f in found],
    }
    curves = {
        name: [Point(each, *3 * (f.exact[each].recall,)) for each in ks] for name, f in zip(names, found, strict=True)
    }
    return render(
        Page(
            title="Three training modes, evaluated exactly",
            verdict=verdict(results, k),
            passed=None,
            summary=(
                "One recall model, trained by torch-rechub point-wise, pair-wise and list-wise, with and without "
                "temperature; each user's last item held out, the full catalogue ranked. Intervals are over users: "
                "models whose intervals overlap much are not told apart by this data."
            ),
            charts=[
                dot_chart(
                    f"Recall@{k} of every model", names, recalls, f"recall@{k}", note="Bars: the 95 % interval."
                ),
                line_chart("Recall at k, exact", curves, styles(names), "k", "recall at k", log_y=False),
                dot_chart(f"Time of one evaluation of all test users, k = {k}", names, times, "seconds"),
            ],
            tables=[
                Table(title, header, [Row(row[0], [Cell(cell) for cell in row[1:]]) for row in rows])
                for title, header, rows in tables(results, k, compared)
            ],
            settings=[(what, str(value)) for what, value in facts],
        )
    )
