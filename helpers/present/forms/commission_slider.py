"""A slider for the split of commission: move it and see what everybody would be paid."""

from __future__ import annotations

from datetime import date
from html import escape
from typing import Any

from helpers.analyses.commission import read_ratio, review_commission
from helpers.present import theme
from helpers.present.charts.commission import show_commission
from helpers.present.charts.overview import Displays
from helpers.present.display import Display
from helpers.present.forms.attendance import is_attended

STEP = 5


def open_commission_slider(
    company: Any, *, as_of: date, ratio: Any = "80/20", grain: str = "quarter", subtitle: str = "", **plan: Any
) -> Any:
    """Show what a split of commission pays everybody, with a slider where somebody is looking.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        ratio: The split to begin with, net-new to expansion.
        grain: month, quarter or year.
        subtitle: Company, period, last day.
        **plan: Whatever else ``review_commission`` takes.

    Returns:
        A widget; unattended, or without deals, the same picture and table without the slider.
    """

    def show(share: float) -> Display | Displays:
        split = review_commission(company, as_of=as_of, ratio=share, grain=grain, **plan)
        return show_commission(split, subtitle=subtitle)

    first = read_ratio(ratio)
    shown = show(first)
    if not is_attended() or isinstance(shown, Display):
        return shown
    from ipywidgets import HTML, IntSlider, VBox

    slider = IntSlider(
        value=round(first * 100), min=0, max=100, step=STEP, continuous_update=False, readout=False,
        description="Net-new", tooltip="Share of the pay that hangs on net-new revenue",
    )  # fmt: skip
    said, picture = HTML(), HTML()

    def draw(_: Any = None) -> None:
        said.value = f'<div class="red"><p class="subtitle">{escape(_say(slider.value))}</p></div>'
        picture.value = _as_html(show(slider.value / 100))

    slider.observe(draw, names="value")
    draw()
    return VBox([slider, said, picture])


def _say(new: int) -> str:
    return f"{new} % of the pay hangs on net-new revenue, {100 - new} % on expansion"


def _as_html(shown: Display | Displays) -> str:
    parts = shown if isinstance(shown, tuple) else (shown,)
    inside = "".join(f'<div class="picture">{one.svg or one.html}</div>' for one in parts)
    return f'<style>{theme.css()}</style><div class="red">{inside}</div>'
