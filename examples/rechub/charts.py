"""Plots as inline SVG, from numbers: no library, no script, readable as text."""

from html import escape

# Okabe and Ito's colours: told apart by colour-blind readers too.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 350, 60, 20, 56, 50


class Chart:
    """A frame with a title, a vertical scale from 0 to `top`, and places from 0 to 1 along the horizontal."""

    def __init__(self, title, top, unit="", digits=2):
        self.title, self.top, self.unit, self.digits = title, top, unit, digits
        self.parts = []
        for step in range(5):
            value = top * step / 4
            y = self.y(value)
            self.parts.append(
                f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            )
            self.text(LEFT - 8, y + 4, f"{value:.{digits}f}{unit}", "end")

    def x(self, place):
        return LEFT + place * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)

    def text(self, x, y, words, anchor="middle"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def legend(self, names):
        for number, name in enumerate(names):  # in rows of three
            x, y = self.x(number % 3 / 3), 8 + number // 3 * 20
            self.parts.append(f'<rect x="{x:.1f}" y="{y}" width="12" height="12" fill="{COLOURS[number]}"/>')
            self.text(x + 17, y + 10, name, "start")

    def svg(self):
        return (
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">'
            f"<title>{escape(self.title)}</title>{''.join(self.parts)}</svg>"
        )


def bars(title, groups, series, unit="", digits=2):
    """Bars side by side. `series` is [(name, values, intervals or None)], a value for each group."""
    highest = max(max(high for _, high in spans) if spans else max(values) for _, values, spans in series)
    chart = Chart(title, nice(highest), unit, digits)
    chart.legend([name for name, _, _ in series])
    slot = 1 / len(groups)
    width = slot * 0.7 / len(series)
    for g, group in enumerate(groups):
        chart.text(chart.x((g + 0.5) * slot), HEIGHT - BOTTOM + 18, group)
        for s, (name, values, spans) in enumerate(series):
            left = chart.x(g * slot + slot * 0.15 + s * width)
            middle = left + (chart.x(width) - LEFT) / 2
            y = chart.y(values[g])
            chart.parts.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{chart.x(width) - LEFT - 2:.1f}" '
                f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{COLOURS[s]}"><title>{escape(group)}, {escape(name)}: '
                f"{values[g]:.4f}</title></rect>"
            )
            if spans:
                low, high = (chart.y(end) for end in spans[g])
                chart.parts.append(
                    f'<line class="span" x1="{middle:.1f}" x2="{middle:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
                )
    return chart.svg()


def curves(title, ks, series):
    """Lines over k, spaced evenly. `series` is [(name, values)]; a dash tells the second half from the first."""
    chart = Chart(title, nice(max(max(values) for _, values in series)))
    places = [0.04 + 0.92 * number / (len(ks) - 1) for number in range(len(ks))]
    for place, k in zip(places, ks, strict=True):
        chart.text(chart.x(place), HEIGHT - BOTTOM + 18, str(k))
    chart.text(chart.x(0.5), HEIGHT - BOTTOM + 38, "k")
    chart.legend([name for name, _ in series])
    for number, (name, values) in enumerate(series):
        points = " ".join(f"{chart.x(p):.1f},{chart.y(v):.1f}" for p, v in zip(places, values, strict=True))
        dash = ' stroke-dasharray="7 4"' if number % 2 else ""
        chart.parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLOURS[number]}" stroke-width="2.5"{dash}>'
            f"<title>{escape(name)}</title></polyline>"
        )
    return chart.svg()


def nice(value):
    """A round number at or above `value`, for the top of a scale."""
    size = 10.0
    while size > value:
        size /= 10
    while size * 10 <= value:
        size *= 10
    return next(size * step for step in (1, 2, 4, 6, 8, 10) if size * step >= value)
