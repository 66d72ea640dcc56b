"""The results as a table in Markdown, for the terminal, and as a page that needs nothing else."""

from html import escape

from charts import bars, curves

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #ccc; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; margin: 1rem 0; }
svg text { font: 12px system-ui, sans-serif; fill: #222; }
.grid { stroke: #ddd; } .span { stroke: #222; stroke-width: 1.5; }
"""


def columns(k, deep):
    return [
        "model",
        f"recall@{k}, exact",
        "95 % interval",
        f"recall@{k}, Annoy",
        f"recall@{deep}, exact",
        f"recall@{deep}, Annoy",
        f"NDCG@{k}",
        f"coverage@{k}",
        f"recall@{k}, unseen",
        f"Annoy has of top {k}",
        "seconds, maxdot",
        "seconds, Annoy",
        "training, s",
    ]


def cells(name, found, training_seconds, k, deep):
    at = found.exact[k]
    return [
        name,
        f"{at.recall:.4f}",
        f"{at.low.recall:.3f} to {at.high.recall:.3f}",
        f"{found.annoy[k]:.4f}",
        f"{found.exact[deep].recall:.4f}",
        f"{found.annoy[deep]:.4f}",
        f"{at.ndcg:.4f}",
        f"{at.coverage:.2f}",
        f"{found.unseen[k].recall:.4f}",
        f"{100 * found.overlap[k]:.1f} %",
        f"{found.exact_seconds:.4f}",
        f"{found.annoy_seconds:.3f}",
        f"{training_seconds:.0f}",
    ]


def markdown(results, k, deep):
    """`results` is [(name, Evaluated, seconds of training)]."""
    lines = [columns(k, deep), ["---"] * len(columns(k, deep))]
    lines += [cells(*result, k, deep) for result in results]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(results, k, deep, ks, facts):
    """The whole page. `facts` is [(what, value)]: versions and settings."""
    names = [name for name, _, _ in results]
    found = [evaluated for _, evaluated, _ in results]
    plots = [
        bars(
            f"recall@{k}: every model, exact (with its 95 % interval) and through Annoy",
            names,
            [
                (
                    "exact",
                    [f.exact[k].recall for f in found],
                    [(f.exact[k].low.recall, f.exact[k].high.recall) for f in found],
                ),
                ("through Annoy", [f.annoy[k] for f in found], None),
                ("exact, unseen items only", [f.unseen[k].recall for f in found], None),
            ],
        ),
        curves(
            "recall@k over k, exact",
            ks,
            [(name, [f.exact[each].recall for each in ks]) for name, f in zip(names, found, strict=True)],
        ),
        bars(
            "seconds of one evaluation of all test users",
            names,
            [
                ("maxdot", [f.exact_seconds for f in found], None),
                ("RecHub's loop through Annoy", [f.annoy_seconds for f in found], None),
            ],
            " s",
        ),
    ]
    head, *rows = [columns(k, deep), *(cells(*result, k, deep) for result in results)]
    table = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    figures = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{svg}</figure>"
        for title, svg in zip(("Recall", "Recall over k", "Time"), plots, strict=True)
    )
    details = "".join(
        f"<tr><td>{escape(what)}</td><td>{escape(str(value))}</td></tr>" for what, value in facts
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Three training modes, evaluated exactly</title><style>{STYLE}</style>"
        "<h1>Three training modes, evaluated exactly</h1>"
        "<p>One recall model, trained by torch-rechub point-wise, pair-wise and list-wise, with and without "
        "temperature; each test user's last item held out, the full catalogue ranked. Intervals are over users: "
        "two models whose intervals overlap much are not told apart by this data.</p>"
        f"{figures}<div style='overflow-x:auto'><table><tr>{''.join(f'<th>{escape(c)}</th>' for c in head)}</tr>"
        f"{table}</table></div><h2>Setting</h2><table>{details}</table></html>\n"
    )
