"""What the results say: rates, ratios, crossovers, and when a build has paid for itself."""

import math
import statistics

from libraries import EXACT
from turns import SHAPES


def sizes(results):
    return sorted(results["sizes"].values(), key=lambda size: size["n"])


def targets(results):
    return sorted({cell["target"] for size in sizes(results) for cell in size["cells"]})


def views(results):
    """Every pair of shape and recall, in the order in which they are shown."""
    return [(shape.name, target) for shape in SHAPES for target in targets(results)]


def cell(size, shape, target):
    return next(c for c in size["cells"] if c["shape"] == shape and c["target"] == target)


def seconds(entry):
    return statistics.median(entry["seconds"])


def rate(entry):
    """Queries a second."""
    return 1 / seconds(entry)


def ratio(measured, name):
    """Median over the rounds of a library's queries a second over maxdot's in the same round."""
    mine, exact = (measured["libraries"][one]["seconds"] for one in (name, EXACT))
    return statistics.median(base / time for time, base in zip(mine, exact))


def fastest(measured):
    """The fastest approximate library of a cell; None if none reaches the recall."""
    others = [name for name in measured["libraries"] if name != EXACT]
    return max(others, key=lambda name: ratio(measured, name), default=None)


def closest(measured):
    """The highest recall of any setting, where none reaches the target."""
    return max(measured["not_reached"].values(), default=None)


def crossover(results, shape, target, name=None):
    """From which n on `name`, or the fastest, is ahead of maxdot up to the largest n that was measured.

    Returns ("from", n), ("by", n): ahead at n, the recall is not reached at the size before,
    ("always", smallest n), ("never", largest n), or None if nothing was measured.
    """
    points = []
    for size in sizes(results):
        measured = cell(size, shape, target)
        ahead = fastest(measured) if name is None else name
        if ahead in measured["libraries"]:
            points.append((size["n"], ratio(measured, ahead)))
        elif name is None or name in measured["not_reached"]:
            points.append((size["n"], None))
    if not points:
        return None
    if (points[-1][1] or 0) <= 1:
        return "never", points[-1][0]
    for (n, behind), (next_n, ahead) in reversed(list(zip(points, points[1:]))):
        if behind is None:
            return "by", next_n
        if behind <= 1:
            part = math.log(behind) / (math.log(behind) - math.log(ahead))
            return "from", n * (next_n / n) ** part
    return "always", points[0][0]


def paid_back(size, measured, name):
    """Queries after which a library that is faster has made up for its longer build; None if it is slower."""
    saved = seconds(measured["libraries"][EXACT]) - seconds(measured["libraries"][name])
    longer = size["builds"][name]["cpu_seconds"] - size["builds"][EXACT]["cpu_seconds"]
    return max(0.0, longer / size["threads"] / saved) if saved > 0 else None


def setting(entry):
    return ", ".join(f"{key} {value}" for key, value in entry["setting"].items())
