"""The results as tables in Markdown, for the terminal, and as a page that needs nothing else."""

from html import escape

from charts import bars, curves

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #ccc; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 2rem 0; } figcaption { font-weight: bold; }
svg { width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: #222; }
.grid { stroke: #ddd; } .span { stroke: #222; stroke-width: 1.5; }
"""


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


def page(results, k, compared, ks, facts):
    """The whole page. `facts` is [(what, value)]: versions and settings."""
    names = [name for name, _, _ in results]
    found = [evaluated for _, evaluated, _ in results]
    spans = [(f.exact[k].low.recall, f.exact[k].high.recall) for f in found]
    recall = bars(
        f"recall@{k} of every model, exact with its 95 % interval, and through Annoy",
        names,
        [
            ("exact", [f.exact[k].recall for f in found], spans),
            ("through Annoy", [f.beside[k].annoy for f in found], None),
            ("exact, unseen items only", [f.unseen[k].recall for f in found], None),
        ],
    )
    over_k = curves(
        "recall at k over k, exact",
        ks,
        [(name, [f.exact[each].recall for each in ks]) for name, f in zip(names, found, strict=True)],
    )
    times = bars(
        f"seconds of one evaluation of all test users at k = {k}",
        names,
        [
            ("maxdot", [f.beside[k].exact_seconds for f in found], None),
            ("RecHub's loop through Annoy", [f.beside[k].annoy_seconds for f in found], None),
        ],
        " s",
    )
    captions = (f"Recall@{k}", "Recall at k, exact", f"Time of one evaluation, k = {k}")
    figures = "".join(
        f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"
        for caption, svg in zip(captions, (recall, over_k, times), strict=True)
    )
    sections = "".join(
        f"<h2>{escape(title)}</h2><div style='overflow-x:auto'>{_table(header, rows)}</div>"
        for title, header, rows in tables(results, k, compared)
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Three training modes, evaluated exactly</title><style>{STYLE}</style>"
        "<h1>Three training modes, evaluated exactly</h1>"
        "<p>One recall model, trained by torch-rechub point-wise, pair-wise and list-wise, with and without "
        "temperature; each user's last item held out, the full catalogue ranked. Intervals are over users: "
        "models whose intervals overlap much are not told apart by this data.</p>"
        f"{figures}{sections}<h2>Setting</h2>{_table(['', ''], [[what, str(value)] for what, value in facts])}</html>\n"
    )


def _table(header, rows):
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
