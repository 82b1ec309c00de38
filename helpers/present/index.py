"""The page over all companies: how each stands, what was found, and the way to its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from markupsafe import Markup

from helpers.present import cards, words
from helpers.present.pages import render_page
from helpers.writing import write_text

STATES: Mapping[str, tuple[str, str, str]] = {
    "whole": ("●", "complete", "good"),
    "kept": ("◐", "failed, earlier report kept", "caution"),
    "failed": ("○", "failed", "bad"),
}
"""Shape, word and colour of how a company's latest run went."""


def write_index_page(entries: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Write the page over all companies.

    Args:
        entries: one record per report or failed run, as in ``manifest.json``: ``company``, ``name``, ``status``
            (``whole`` or ``failed``), ``as_of``, ``period``, ``error``, ``top_finding``, ``attainment`` (0–1),
            ``issues`` (count by severity), and ``link`` (to the report's page, empty where there is none). Several
            records of one company become one row: its latest whole report, what failed since, its earlier reports.
        path: where the page goes.

    Returns:
        The page's path.

    Raises:
        OSError: the page can't be written.
    """
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        grouped.setdefault(str(entry.get("company") or entry.get("name") or "company"), []).append(entry)
    rows = sorted((_row(company, told) for company, told in grouped.items()), key=_order)
    message = "" if rows else cards.message_html(
        "empty",
        "No reports yet",
        "This page lists every company once its first report is made.",
        "Run: python -m helpers report FOLDER",
    )  # fmt: skip
    heading = f"{words.count_of(len(rows), 'company', 'companies')}" if rows else "Companies"
    page = render_page(
        "companies.html.j2",
        title="Revenue Engine Diagnostic: companies",
        heading=heading,
        companies=rows,
        message=Markup(message),
        tally=_tally(rows),
    )
    write_text(path, page)
    return path


def _order(row: Mapping[str, Any]) -> tuple[int, str]:
    return (("bad", "caution", "good").index(row["colour"]), row["name"].casefold())


def _row(company: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    whole = sorted((e for e in entries if e.get("status") == "whole"), key=_age, reverse=True)
    failed = sorted((e for e in entries if e.get("status") != "whole"), key=_age, reverse=True)
    best: Mapping[str, Any] = whole[0] if whole else failed[0]
    shape, word, colour = STATES["whole" if not failed else "kept" if whole else "failed"]
    link = str(best.get("link") or "")
    return {
        "name": words.clean_text(best.get("name") or company),
        "link": link,
        "when": _when(best),
        "finding": Markup(words.prose_html(best.get("top_finding") or ("Nothing stood out." if whole else ""))),
        "why": f"The latest run failed. {_explain(failed[0])}" if failed else "",
        "health": _health(best),
        "earlier": [{"link": e["link"], "label": _when(e)} for e in whole[1:6] if e.get("link")],
        "attainment": _attainment(best),
        "shape": shape,
        "state": word,
        "colour": colour,
    }


def _age(entry: Mapping[str, Any]) -> tuple[str, str]:
    return (str(entry.get("as_of") or ""), str(entry.get("link") or ""))


def _when(entry: Mapping[str, Any]) -> str:
    parts = [words.clean_text(entry.get("period") or "")]
    with suppress(ValueError):
        parts.append(f"data up to {words.say_date(date.fromisoformat(str(entry.get('as_of') or '')))}")
    return ", ".join(part for part in parts if part)


def _explain(entry: Mapping[str, Any]) -> str:
    error = words.shorten(entry.get("error") or "It stopped without saying why.", 600)
    return error if error.endswith((".", "!", "?")) else f"{error}."


def _health(entry: Mapping[str, Any]) -> str:
    counts = entry.get("issues")
    if not isinstance(counts, Mapping):
        return ""
    told = [
        words.count_of(int(counts.get(name) or 0), name) for name in ("error", "warning", "note") if counts.get(name)
    ]
    return f"Data health: {words.join_words(told)}" if told else "Data health: no issues"


def _attainment(entry: Mapping[str, Any]) -> str:
    share = entry.get("attainment")
    return "" if words.is_missing(share) else f"{words.say_value(float(share), 'share')} of goal"


def _tally(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    counted = []
    for shape, word, colour in STATES.values():
        number = sum(row["colour"] == colour for row in rows)
        if number:
            counted.append({"shape": shape, "colour": colour, "text": f"{number:,} {word}"})
    return counted
