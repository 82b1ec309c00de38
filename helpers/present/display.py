"""What every ``show_*`` returns: one result as words, as numbers in text, and as a table, cards or a picture.

The text is the same on every machine and every run, so that a stored notebook can be compared number by number;
JupyterLab shows the designed form, a terminal the text, and a report page draws charts from their specification.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from helpers.analyses.finding import Finding, rank_findings
from helpers.present import cards, tables, theme, words

if TYPE_CHECKING:
    import altair

VEGA_LITE = "application/vnd.vegalite.v6+json"


class Display:
    """A result that knows how to show itself wherever it is looked at.

    Args:
        title: the finding, in a sentence.
        subtitle: measure, unit, period, n.
        text: the numbers as plain text; deterministic.
        html: the designed form of tables, cards and messages.
        spec: Vega-Lite specification of a chart; its picture is drawn from it when asked for.
        svg: a picture that is already drawn.
    """

    def __init__(
        self,
        *,
        title: str,
        subtitle: str = "",
        text: str = "",
        html: str = "",
        spec: Mapping[str, Any] | None = None,
        svg: str = "",
    ) -> None:
        self.title, self.subtitle, self.text, self.html = title, subtitle, text, html
        self.spec = spec
        self._svg = svg

    @cached_property
    def svg(self) -> str:
        """The picture as SVG with its text alternative; empty where this is no picture."""
        if self._svg or self.spec is None:
            return self._svg
        import vl_convert

        drawn = vl_convert.vegalite_to_svg(dict(self.spec), vl_version=vega_lite_version())
        return finish_picture(drawn, self.alternative)

    @property
    def alternative(self) -> str:
        """The text alternative of the picture: the finding, what is measured, and the numbers."""
        return f"{join_sentences(self.title, self.subtitle)} {' '.join(self.text.split())}".strip()[:1500]

    def __repr__(self) -> str:
        parts = [words.clean_text(part) for part in (self.title, self.subtitle) if part]
        return "\n".join([*parts, "", self.text] if self.text else parts)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self)}
        if self.html:
            bundle["text/html"] = f'<style>{theme.css()}</style><div class="red">{self.html}</div>'
        if self.svg:
            bundle["image/svg+xml"] = self.svg
        if self.spec is not None:
            bundle[VEGA_LITE] = dict(self.spec)
        return bundle


def show_table(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    units: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    currency: str = "USD",
    max_rows: int = 12,
    marks: Mapping[str, str] | None = None,
    note: str = "",
) -> Display:
    """Show a frame as a designed table.

    Args:
        frame: one row per row of the table, in the order wanted; not changed.
        title: the finding, in a sentence.
        subtitle: measure, unit, period, n.
        units: unit of a column, one of ``helpers.units.UNITS``; text, dates and counts are told from the column's type.
        labels: heading of a column; otherwise its name in words.
        currency: ISO code of the company's currency.
        max_rows: rows before the rest folds under "show all".
        marks: what is drawn in the cells of a column, see ``helpers.present.tables.MARKS``.
        note: how to read it, in grey below.

    Returns:
        A display; an empty frame says that there is nothing to list.
    """
    body = tables.table_html(frame, units=units, labels=labels, currency=currency, max_rows=max_rows, marks=marks)
    html = f"{_heading(title, subtitle)}{body}{_note(note)}"
    text = tables.plain_table(frame, units=units, labels=labels)
    below = f"\n{words.clean_text(note)}" if note else ""
    return Display(title=title, subtitle=subtitle, text=f"{text}{below}".strip() if below else text, html=html)


def show_chart(
    chart: altair.TopLevelMixin,
    *,
    title: str,
    numbers: pd.DataFrame,
    subtitle: str = "",
    units: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    currency: str = "USD",
    note: str = "",
    width: int = theme.WIDTH,
) -> Display:
    """Show an Altair chart in the shared look, with its finding above it and its numbers as text.

    Args:
        chart: any Altair chart without a title of its own.
        title: the finding, in a sentence; broken into lines to fit.
        numbers: the numbers drawn, one row per mark or category.
        subtitle: measure, unit, period, n.
        units: unit of a column of ``numbers``.
        labels: heading of a column of ``numbers``.
        currency: ISO code of the company's currency.
        note: how to read it, as the last line of the subtitle.
        width: pixels that title and subtitle may fill, about the width of the whole picture.

    Returns:
        A display with picture, specification and text.
    """
    spec = chart.to_dict()
    spec["title"] = {
        "text": words.wrap_evenly(title, int(width / 8.8)),
        "subtitle": [line for part in (subtitle, note) if part for line in words.wrap_words(part, int(width / 6.4))],
    }
    spec["description"] = join_sentences(title, subtitle)
    spec["config"] = _merge(spec.get("config", {}), theme.chart_theme())
    text = tables.plain_table(numbers, units=units, labels=labels)
    subtitle_and_note = "\n".join(part for part in (subtitle, note) if part)
    return Display(title=title, subtitle=subtitle_and_note, text=text, spec=_number_names(spec))


def show_svg(
    svg: str, *, title: str, numbers: pd.DataFrame, subtitle: str = "", units: Mapping[str, str] | None = None
) -> Display:
    """Show a picture that is already drawn, with its numbers as text.

    Args:
        svg: the whole picture, title included, drawn in the light palette.
        title: the finding, in a sentence.
        numbers: the numbers drawn, one row per mark or category.
        subtitle: measure, unit, period, n.
        units: unit of a column of ``numbers``.

    Returns:
        A display with picture and text.
    """
    shown = Display(title=title, subtitle=subtitle, text=tables.plain_table(numbers, units=units))
    return Display(title=title, subtitle=subtitle, text=shown.text, svg=finish_picture(svg, shown.alternative))


def show_findings(findings: Sequence[Any], *, currency: str = "USD", max_cards: int = 5) -> Display:
    """Show ranked findings as cards with money and next step.

    Args:
        findings: ``Finding`` objects, which are ranked, or records of ``findings.json``, which are already.
        currency: ISO code of the company's currency.
        max_cards: how many are shown.

    Returns:
        A display; without findings a message that nothing stands out.
    """
    if all(isinstance(finding, Finding) for finding in findings):
        findings = rank_findings(findings)
    records = [cards.read_finding(finding) for finding in findings][:max_cards]
    lines = []
    for i, record in enumerate(records, start=1):
        money = "" if record["money"] is None else f" [{record['money']:.2f} {currency}]"
        lines.append(f"{i}. {words.clean_text(record['headline'] or '')}{money}")
        evidence = cards.describe_evidence(record, currency=currency)
        lines += [
            f"   {part}" for part in (evidence, f"Next step: {words.clean_text(record['next_step'] or 'none')}") if part
        ]
    title = words.count_of(len(records), "finding") if records else "Nothing stands out"
    html = cards.cards_html(findings, currency=currency, max_cards=max_cards)
    return Display(title=title, text="\n".join(lines), html=html)


def show_message(kind: str, title: str, text: str = "", next_step: str = "") -> Display:
    """Show a message: the designed form of empty, warning, error and good.

    Args:
        kind: ``empty``, ``warning``, ``error`` or ``good``.
        title: what is the case, in a sentence.
        text: why.
        next_step: what the reader can do about it.

    Returns:
        A display.

    Raises:
        ValueError: the kind is unknown.
    """
    html = cards.message_html(kind, title, text, next_step)
    plain = "\n".join(
        part
        for part in (words.clean_text(text), f"Next step: {words.clean_text(next_step)}" if next_step else "")
        if part
    )
    return Display(title=title, text=plain, html=html)


def finish_picture(svg: str, alternative: str) -> str:
    """Return a picture with its text alternative at the root, in place of one for every mark, and its dark colours."""
    svg = re.sub(r' (?:aria-label|aria-roledescription|aria-hidden|role)="[^"]*"', "", svg)
    label = escape(words.clean_text(alternative), quote=True)
    root, inside = re.sub(r"<svg\b", f'<svg role="img" aria-label="{label}"', svg, count=1).split(">", 1)
    return f"{root}>{theme.picture_style()}{inside}"


def join_sentences(*parts: str) -> str:
    """Join a title and a subtitle into one text, each ending like a sentence.

    >>> join_sentences("Win rate fell", "share of deals")
    'Win rate fell. share of deals.'
    """
    ended = [part if part.endswith((".", "!", "?")) else f"{part}." for part in map(words.clean_text, parts) if part]
    return " ".join(ended)


def _heading(title: str, subtitle: str) -> str:
    parts = [f'<p class="title">{words.prose_html(title)}</p>' if title else ""]
    parts.append(f'<p class="subtitle">{words.prose_html(subtitle)}</p>' if subtitle else "")
    return "".join(parts)


def _note(note: str) -> str:
    return f'<p class="note">{words.prose_html(note)}</p>' if note else ""


def _merge(over: Mapping[str, Any], under: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the theme, with what a chart sets itself on top; Altair's own default sizes do not count."""
    defaults = {"continuousWidth": 300, "continuousHeight": 300}
    merged = dict(under)
    for key, value in over.items():
        if isinstance(value, Mapping):
            own = {k: v for k, v in value.items() if not (key == "view" and defaults.get(k) == v)}
            merged[key] = _merge(own, under.get(key) or {}) if isinstance(under.get(key), Mapping | None) else own
        else:
            merged[key] = value
    return merged


def _number_names(spec: dict[str, Any]) -> dict[str, Any]:
    """Number Altair's generated names from 1 in order of appearance, whatever was drawn before in the same process."""
    data = json.loads(json.dumps(spec.pop("datasets", None), default=_as_local_time))
    text = json.dumps(spec, default=_as_local_time)
    names: dict[str, str] = {}
    for kind, number in re.findall(r"\b(param|view)_(\d+)\b", text):
        names.setdefault(f"{kind}_{number}", f"{kind}_{sum(name.startswith(kind) for name in names) + 1}")
    numbered = json.loads(re.sub(r"\b(?:param|view)_\d+\b", lambda match: names[match.group()], text))
    return numbered | ({"datasets": data} if data is not None else {})


def _as_local_time(value: Any) -> str:
    """A bare date would be read as midnight in UTC and drawn a day early in the Americas; a local time is not."""
    if isinstance(value, date):
        return value.isoformat() if hasattr(value, "hour") else f"{value.isoformat()}T00:00:00"
    return str(value)


def vega_lite_version() -> str | None:
    """Return the newest version that the renderer holds of the line that the installed Altair writes."""
    import altair
    import vl_convert

    major = altair.SCHEMA_VERSION.lstrip("v").split(".")[0]
    known = [version for version in vl_convert.get_vegalite_versions() if version.split(".")[0] == major]
    return max(known, key=lambda version: [int(part) for part in version.split(".")]) if known else None
