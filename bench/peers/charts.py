"""Line charts as inline SVG: both axes logarithmic, every line named at its end."""

import html
import math

# Colour-blind safe (Okabe and Ito), then the same again with dashes.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
DASHES = ["", "6 3", "2 3"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 390, 58, 150, 14, 44
ROW = 13  # pixels that a name needs


def styles(names):
    """A colour and a dash for each name, the same in every chart. maxdot is red, solid and thick."""
    made, number = {}, 0
    for name in names:
        if name == "maxdot":
            made[name] = ("#C8102E", "", 3.2)
        else:
            made[name] = (COLOURS[number % len(COLOURS)], DASHES[number // len(COLOURS) % len(DASHES)], 1.5)
            number += 1
    return made


def _ticks(low, high):
    """Powers of ten, with 2 and 5 between them where there are few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if high / low > 1e4 else (1, 2, 5)
    found = [m * 10.0**e for e in exponents for m in steps]
    return [tick for tick in found if low <= tick * 1.0001 and tick <= high * 1.0001]


def number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _spread(positions, lowest, highest):
    """Moves names apart that would overlap, as little as a single pass down and one up can."""
    order = sorted(positions, key=positions.get)
    placed = {}
    for at, name in enumerate(order):
        placed[name] = max(positions[name], placed[order[at - 1]] + ROW if at else lowest)
    for at in range(len(order) - 1, -1, -1):
        limit = highest if at == len(order) - 1 else placed[order[at + 1]] - ROW
        placed[order[at]] = min(placed[order[at]], limit)
    return placed


def line_chart(series, x_label, y_label, style):
    """`series` maps a name to [(x, low, middle, high)], ascending in x; a bar spans low to high."""
    xs = sorted({point[0] for points in series.values() for point in points})
    low = min(point[1] for points in series.values() for point in points) * 0.85
    high = max(point[3] for points in series.values() for point in points) * 1.18
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    span = math.log(xs[-1] / xs[0]) or 1.0

    def x_of(x):
        return LEFT + 10 + (right - LEFT - 20) * math.log(x / xs[0]) / span

    def y_of(y):
        return bottom - (bottom - TOP) * math.log(y / low) / math.log(high / low)

    title = html.escape(f"{y_label} by {x_label}")
    out = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">']
    for tick in _ticks(low, high):
        y = y_of(tick)
        out.append(f'<line x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="tick end">{number(tick)}</text>')
    for x in xs:
        out.append(
            f'<line x1="{x_of(x):.1f}" x2="{x_of(x):.1f}" y1="{bottom}" y2="{bottom + 4}" class="axis"/>'
        )
        out.append(f'<text x="{x_of(x):.1f}" y="{bottom + 17}" class="tick middle">{number(x)}</text>')
    out.append(f'<path d="M{LEFT} {TOP}V{bottom}H{right}" class="axis"/>')
    out.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 6}" class="label middle">{html.escape(x_label)}</text>'
    )
    middle = (TOP + bottom) / 2
    turned = f'x="13" y="{middle}" transform="rotate(-90 13 {middle})"'
    out.append(f'<text {turned} class="label middle">{html.escape(y_label)}</text>')
    names_at = _spread({name: y_of(points[-1][2]) for name, points in series.items()}, TOP + 6, bottom)
    for name, points in sorted(series.items(), key=lambda entry: entry[0] == "maxdot"):
        placed = [(x_of(x), y_of(least), y_of(mid), y_of(most)) for x, least, mid, most in points]
        tips = [f"{name}: {mid:.3g} at {number(x)}" for x, _, mid, _ in points]
        out.append(_line(name, placed, tips, style[name], right, names_at[name]))
    out.append("</svg>")
    return "".join(out)


def _line(name, placed, tips, style, right, name_y):
    """One library: its line, a point with a bar for each x, and its name at the right edge."""
    colour, dash, width = style
    path = " ".join(f"{'L' if at else 'M'}{x:.1f} {mid:.1f}" for at, (x, _, mid, _) in enumerate(placed))
    out = [
        f'<g stroke="{colour}" fill="none"><path d="{path}" stroke-width="{width}" stroke-dasharray="{dash}"/>'
    ]
    for (x, least, mid, most), tip in zip(placed, tips):
        out.append(f'<path d="M{x:.1f} {least:.1f}V{most:.1f}"/>')
        out.append(f'<circle cx="{x:.1f}" cy="{mid:.1f}" r="{width + 0.4}" fill="{colour}">')
        out.append(f"<title>{html.escape(tip)}</title></circle>")
    end_x, _, end_y, _ = placed[-1]
    out.append(f'<path d="M{end_x + 5:.1f} {end_y:.1f}L{right + 2} {name_y:.1f}" stroke-width="0.5"/></g>')
    weight = ' font-weight="700"' if name == "maxdot" else ""
    out.append(f'<text x="{right + 5}" y="{name_y + 4:.1f}" class="name" fill="{colour}"{weight}>')
    out.append(f"{html.escape(name)}</text>")
    return "".join(out)
