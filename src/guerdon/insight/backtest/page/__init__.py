"""The report page: one HTML file that needs nothing else, made from report.json."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, localcontext
from functools import lru_cache
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from guerdon.insight.backtest.page.view import page_view
from guerdon.insight.backtest.page.wording import Report

__all__ = ["render_page"]


def render_page(
    report: Report, second: Report | None = None, names: Sequence[str] = ("first", "second")
) -> str:
    """Write the page of a backtest.

    Args:
        report: as report.json has it; with `comparison` where there are two.
        second: that of the second definition.
        names: what the two definitions are called.

    Returns:
        A whole HTML document without any reference to something else.
    """
    css = resources.files("guerdon.insight.backtest.page").joinpath("templates", "report.css")
    # A picture's coordinates are rounded on purpose, whatever arithmetic the caller is in.
    with localcontext(Context(prec=28)):
        page = page_view(report, second, names)
        return (
            _environment().get_template("report.html").render(page=page, css=css.read_text(encoding="utf-8"))
        )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("guerdon.insight.backtest.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
