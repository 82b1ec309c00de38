"""The one visual language: palette, type, spacing, and the settings that make every chart look alike.

Colours are named by what they mean. Grey is the default; ``accent`` is for what the sentence in the title is about;
``good``, ``caution`` and ``bad`` come from a KPI's direction. Charts use the light palette's hex values only: a report
page repaints exactly those values in the dark, so that one drawing serves both.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"

NARROWED = "Narrowed DejaVu Sans"
"""Name of the face that stands in where a system has none of the named fonts; see :func:`font_faces`."""

FONT = (
    "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', "
    f"'{NARROWED}', sans-serif"
)
"""The system's interface font: named fonts of like widths, since charts are measured before a browser draws them."""

SYMBOLS = "'Segoe UI Symbol', 'Apple Symbols', 'DejaVu Sans', 'Noto Sans Symbols2', sans-serif"
"""Fonts that draw ● ◐ ○ in one size."""

WIDTH = 720
"""Pixels of the drawing area of an ordinary chart; pictures stay between 640 and 860 wide."""

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "paper": "#ffffff",
        "raised": "#fbfcfd",
        "ink": "#1f2933",
        "grey": "#56636f",
        "mid": "#9aa5b1",
        "bar": "#b8c1cb",
        "faint": "#dde3e9",
        "rule": "#e6eaef",
        "accent": "#1f6feb",
        "accent_soft": "#cfe0fb",
        "good": "#0b7a75",
        "good_soft": "#d3ece9",
        "caution": "#b7791f",
        "caution_soft": "#f6e7c8",
        "caution_text": "#8a5a0b",
        "bad": "#c2410c",
        "bad_soft": "#fadfd2",
        "violet": "#7048b6",
        "rose": "#ad2f74",
    }
)
"""Colours on white, by meaning; text colours have a contrast of at least 4.5 : 1."""

DARK: Mapping[str, str] = MappingProxyType(
    {
        "paper": "#12181f",
        "raised": "#1a222b",
        "ink": "#e8ecf1",
        "grey": "#a9b5c1",
        "mid": "#7d8a97",
        "bar": "#566370",
        "faint": "#35414d",
        "rule": "#2a343f",
        "accent": "#6aa5ff",
        "accent_soft": "#1d3a66",
        "good": "#3fc1b7",
        "good_soft": "#12403e",
        "caution": "#e0ae45",
        "caution_soft": "#4a3813",
        "caution_text": "#e6b957",
        "bad": "#ff8b5f",
        "bad_soft": "#552413",
        "violet": "#b394ee",
        "rose": "#ee83b8",
    }
)
"""The same meanings on a dark page."""

CATEGORICAL: tuple[str, ...] = (
    LIGHT["accent"],
    LIGHT["caution"],
    LIGHT["good"],
    LIGHT["violet"],
    LIGHT["bad"],
    LIGHT["rose"],
    LIGHT["grey"],
)
"""At most seven categories; everything further is "other" in ``OTHER``."""

OTHER = LIGHT["bar"]


class Light:
    """One state of a traffic light: its shape, its word and its colour, always shown together."""

    def __init__(self, shape: str, word: str, colour: str) -> None:
        self.shape, self.word, self.colour = shape, word, colour


LIGHTS: Mapping[str, Light] = MappingProxyType(
    {
        "available": Light("●", "available", "good"),
        "adoption_needed": Light("◐", "adoption needed", "caution"),
        "unavailable": Light("○", "unavailable", "bad"),
        "good": Light("●", "on track", "good"),
        "caution": Light("◐", "watch", "caution"),
        "bad": Light("○", "off track", "bad"),
        "none": Light("–", "no comparison", "grey"),
    }
)
"""Every traffic light that a picture or table may show, by its id."""


def find_light(state: object) -> Light:
    """Return the traffic light of a state; an unknown or missing state is "no comparison".

    Args:
        state: id such as ``"available"``, ``"adoption needed"`` or ``"bad"``; spaces and capitals do not matter.

    Returns:
        The light with its shape, word and colour name.

    >>> find_light("Adoption needed").shape
    '◐'
    """
    return LIGHTS.get(str(state).strip().lower().replace(" ", "_").replace("-", "_"), LIGHTS["none"])


def judge_change(change: float | None, direction: str) -> str:
    """Tell whether a change is good or bad, from the KPI's direction and never from its sign alone.

    Args:
        change: new minus old; missing when there is nothing to compare.
        direction: ``"up"`` where more is better, ``"down"`` where less is better, ``"none"`` otherwise.

    Returns:
        The colour name: ``"good"``, ``"bad"`` or ``"grey"``.

    >>> judge_change(12.0, "down")
    'bad'
    """
    if change is None or change != change or change == 0 or direction not in ("up", "down"):
        return "grey"
    return "good" if (change > 0) == (direction == "up") else "bad"


@cache
def font_faces() -> str:
    """Return the style that lets DejaVu Sans, the only font of many Linux systems, take no more room than the others.

    It is about a tenth wider than they are, bold a seventh, so that titles in pictures would be cut at the edge.
    Nothing is loaded: where the system lacks that font, too, the faces stay unused.
    """
    return (
        f"@font-face{{font-family:'{NARROWED}';src:local('DejaVu Sans'),local('DejaVuSans');size-adjust:91%}}"
        f"@font-face{{font-family:'{NARROWED}';font-weight:600 900;"
        "src:local('DejaVu Sans Bold'),local('DejaVuSans-Bold');size-adjust:87%}"
    )


IN_PICTURES = ':is(.picture svg,[id$="-whole"]) '
"""Where a page repaints: in pictures, and in what later pieces of a split one show, which knows nothing around it."""


def _variables(palette: Mapping[str, str]) -> str:
    return "".join(f"--{name.replace('_', '-')}:{value};" for name, value in palette.items())


def _repainting(scope: str) -> str:
    """Rules that turn each light chart colour into its dark partner, whatever drew the chart."""
    rules = []
    for name, light in LIGHT.items():
        for attribute in ("fill", "stroke"):
            rules.append(f'{scope}[{attribute}="{light}"]{{{attribute}:{DARK[name]}}}')
    return "".join(rules)


@cache
def picture_style() -> str:
    """Return the style that a picture carries, since one shown as an image knows nothing of its page: font and dark."""
    return f"<style>{font_faces()}@media screen and (prefers-color-scheme:dark){{{_repainting('')}}}</style>"


@cache
def css() -> str:
    """Return the style of tables, cards and messages in a notebook, scoped under the class ``red``.

    JupyterLab's and VS Code's own light or dark theme decide; elsewhere the reader's system does.
    """
    sheet = (TEMPLATES / "elements.css").read_text(encoding="utf-8")
    dark = _variables(DARK)
    elsewhere = "body:not([data-jp-theme-light]):not([data-vscode-theme-kind]) .red"
    return (
        f"{font_faces()}.red{{{_variables(LIGHT)}--font:{FONT};}}"
        f"@media (prefers-color-scheme:dark){{{elsewhere}{{{dark}}}}}"
        f'[data-jp-theme-light="false"] .red,[data-vscode-theme-kind$="dark"] .red{{{dark}}}'
        f"@media print{{body .red,body:not([data-jp-theme-light]) .red{{{_variables(LIGHT)}}}}}\n{sheet}"
    )


@cache
def page_css() -> str:
    """Return the whole style of a report page: light, dark and printed, charts included."""
    elements = (TEMPLATES / "elements.css").read_text(encoding="utf-8")
    page = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    return (
        f"{font_faces()}:root{{{_variables(LIGHT)}--font:{FONT};color-scheme:light dark}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}{_repainting(IN_PICTURES)}}}\n"
        f"{elements}\n{page}"
    )


@cache
def _chart_settings() -> Mapping[str, Any]:
    ink, grey, rule = LIGHT["ink"], LIGHT["grey"], LIGHT["rule"]
    axis = {
        "domain": False,
        "ticks": False,
        "grid": False,
        "labelColor": grey,
        "labelFontSize": 12,
        "labelPadding": 6,
        "labelAngle": 0,
        "labelLimit": 220,
        "labelOverlap": "greedy",
        "titleColor": grey,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "tickCount": 5,
    }
    return {
        "font": FONT,
        "background": LIGHT["paper"],
        "padding": {"left": 12, "right": 16, "top": 12, "bottom": 12},
        "view": {"stroke": None, "continuousWidth": WIDTH, "continuousHeight": 260, "discreteWidth": WIDTH},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": ink,
            "fontSize": 16,
            "fontWeight": 600,
            "lineHeight": 21,
            "subtitleColor": grey,
            "subtitleFontSize": 13,
            "subtitleLineHeight": 18,
            "subtitlePadding": 6,
            "offset": 16,
        },
        "axis": axis,
        "axisXQuantitative": {"grid": True, "gridColor": rule, "zindex": 0},
        "axisYQuantitative": {"grid": True, "gridColor": rule, "zindex": 0},
        "axisYDiscrete": {"labelColor": ink, "labelFontSize": 13},
        "header": {
            "labelColor": ink,
            "labelFontSize": 13,
            "labelFontWeight": 600,
            "labelAnchor": "start",
            "labelPadding": 6,
            "titleColor": grey,
            "titleFontWeight": "normal",
        },
        "legend": {
            "orient": "top",
            "direction": "horizontal",
            "labelColor": grey,
            "labelFontSize": 12,
            "title": None,
            "symbolType": "circle",
        },
        "range": {"category": list(CATEGORICAL), "ordinal": [LIGHT["faint"], LIGHT["accent"]]},
        "bar": {"color": LIGHT["bar"]},
        "rect": {"color": LIGHT["bar"]},
        "point": {"color": LIGHT["accent"], "filled": True, "size": 64, "strokeWidth": 1.5},
        "circle": {"color": LIGHT["accent"]},
        "tick": {"color": ink, "thickness": 2},
        "line": {"color": LIGHT["mid"], "strokeWidth": 2},
        "area": {"color": LIGHT["faint"]},
        "rule": {"color": LIGHT["mid"]},
        "text": {"color": ink, "fontSize": 12, "font": FONT},
    }


def chart_theme() -> dict[str, Any]:
    """Return the settings that every chart is drawn with, as a Vega-Lite ``config``.

    Returns:
        A fresh dictionary; ``show_chart`` puts it under what the chart itself configures.
    """
    return _copy(_chart_settings())


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
