"""Reports as pages to look at: `write_page(report, "page.html")`, or `python -m maxdot.pages`.

Needs matplotlib and Jinja2: `pip install 'maxdot[pages]'`. docs/verify.md says why the command asks this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    import jinja2
    import matplotlib as _matplotlib  # noqa: F401
except ImportError as _missing:
    raise ImportError(
        f"maxdot.pages needs matplotlib and Jinja2: pip install 'maxdot[pages]' ({_missing})"
    ) from _missing

from maxdot.pages import answer_page, evaluate_page, verify_page
from maxdot.pages.page import render
from maxdot.paths import Path
from maxdot.whole_file import whole_file

__all__ = ["page_of", "write_page"]

# Which keys tell the kinds of report apart.
_KINDS = (
    ({"verdict", "unit_rows", "raw_rows"}, verify_page.page),
    ({"at", "convention"}, evaluate_page.page),
    ({"positions", "right", "tied", "recall"}, answer_page.page),
)


def page_of(report: Mapping[str, Any]) -> str:
    """The page of a report, as HTML that refers to no other file.

    Args:
        report: what `maxdot verify --json` or `maxdot evaluate --json` printed, `maxdot.evaluate.Report.to_dict()`,
            or `maxdot.Verification.to_dict()`.

    Raises:
        ValueError: it is none of these, or lacks a part.
    """
    if not isinstance(report, Mapping):
        raise ValueError(f"report: {type(report).__name__} is no report; give the object that --json printed")
    for keys, page in _KINDS:
        if keys <= report.keys():
            try:
                return render(page(report))
            except (
                LookupError,
                TypeError,
                AttributeError,
                ValueError,
                ArithmeticError,
                jinja2.TemplateError,
            ) as error:
                raise ValueError(
                    f"report: this version of maxdot cannot read it ({type(error).__name__}: {error}); make the "
                    "report and the page with the same version"
                ) from error
    raise ValueError(
        "report: neither of `maxdot verify --json` nor of `maxdot evaluate --json`, nor a Report of maxdot.evaluate, "
        f"nor what maxdot.verify found; its keys are {', '.join(map(str, report)) or 'none'}"
    )


def write_page(report: Mapping[str, Any], path: Path) -> None:
    """Writes `page_of(report)`. A file that is there is replaced at once, or stays as it is if something fails.

    Raises:
        ValueError: as `page_of`.
        OSError: the file cannot be written.
    """
    text = page_of(report)
    with whole_file(path) as file:
        file.write(text.encode())
