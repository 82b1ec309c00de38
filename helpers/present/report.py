"""The report of one company: a summary page and one page per notebook, each whole in itself and readable offline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from helpers.analyses.data_health import name_object
from helpers.present import cards, tables, words
from helpers.present.cells import NotebookBody, isolate_ids, read_body
from helpers.present.pages import CHART_SCRIPT, NO_SCRIPT, describe_versions, render_page
from helpers.present.theme import TEMPLATES
from helpers.present.vega import read_bundle
from helpers.writing import write_text

ANSWERS_PER_SECTION = 4
FILES = {
    "profile.html": "The company on one page, to print",
    "report.xlsx": "All tables as a spreadsheet",
    "tables/issues.csv": "Every issue with row and cure",
    "tables/kpis.csv": "Every KPI as CSV",
    "findings.json": "Findings as JSON",
}
_SEVERITIES = (("error", "rows or values not usable"), ("warning", "changed or suspicious"), ("note", "worth knowing"))


def write_report_pages(report: Path, *, manifest: Mapping[str, Any], cache: Path | None = None) -> list[Path]:
    """Write ``index.html`` and one ``<notebook>.html`` each beside the executed notebooks.

    Args:
        report: the folder with the executed ``.ipynb``; what lies in it of ``FILES`` and ``glossary.html`` is linked.
        manifest: ``company`` (id), ``name``, ``currency``, ``as_of`` (ISO), ``period`` (label), ``parameters``,
            ``notebooks`` (records with ``notebook``, ``status``, ``error``), ``findings`` (records, ranked),
            ``inputs`` (records), ``issues`` (count by severity), ``versions``; what is missing is left out of the page.
        cache: folder for the script that draws charts; the user's own cache folder where none is given.

    Returns:
        The pages written, the summary first.

    Raises:
        OSError: a page can't be written.
    """
    told = _Manifest(report, manifest)
    bodies = {
        name: read_body(report / f"{name}.ipynb") for name in told.notebooks if (report / f"{name}.ipynb").exists()
    }
    pages = [report / "index.html"]
    write_text(pages[0], _summary_page(told, bodies))
    for name, body in bodies.items():
        pages.append(report / f"{name}.html")
        write_text(pages[-1], _notebook_page(told, name, bodies, body, cache))
    return pages


def choose_headlines(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Put the findings of a summary in an order that tells different things first.

    Several notebooks meet the same miss from different sides; its second telling would push out the first cause.

    Args:
        findings: Ranked findings.

    Returns:
        The same findings: first the highest of each KPI and slice, in their rank, then the rest.
    """
    first: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for finding in findings:
        first.setdefault((finding["kpi"] or finding["headline"], finding["slice"]), finding)
    chosen = list(first.values())
    return chosen + [finding for finding in findings if not any(finding is other for other in chosen)]


class _Manifest:
    """What a manifest tells, in the words of a page; nothing in it is taken for granted."""

    def __init__(self, report: Path, manifest: Mapping[str, Any]) -> None:
        self.report, self.manifest = report, manifest
        self.records = {str(record.get("notebook")): record for record in manifest.get("notebooks") or []}
        self.notebooks = list(self.records) or sorted(path.stem for path in report.glob("*.ipynb"))
        self.company = words.clean_text(manifest.get("name") or manifest.get("company") or report.parent.name)
        self.currency = str(manifest.get("currency") or "USD")
        self.period = words.clean_text(manifest.get("period") or "")
        self.as_of = _day(manifest.get("as_of"))
        self.findings = [cards.read_finding(record) for record in manifest.get("findings") or []]

    def failure(self, name: str) -> Markup:
        record = self.records.get(name, {})
        if record.get("status") != "failed":
            return Markup("")
        text = str(record.get("error") or "It stopped without saying why.")
        next_step = "Mend what the text names and run the report again; the other pages are not touched by this."
        return Markup(cards.message_html("error", "This notebook did not finish", text, next_step))

    def common(self) -> dict[str, Any]:
        glossary = "glossary.html" if (self.report / "glossary.html").exists() else ""
        people = (self.manifest.get("parameters") or {}).get("people", "")
        return {
            "company": self.company,
            "period": self.period,
            "as_of": self.as_of,
            "people": people,
            "glossary": glossary,
            "versions": describe_versions(self.manifest),
        }


def _summary_page(told: _Manifest, bodies: Mapping[str, NotebookBody]) -> str:
    def page_of(notebook: str) -> str:
        return f"{notebook}.html" if notebook in bodies else ""

    pictures = [picture for body in bodies.values() for picture in body.pictures]
    bowtie = next((picture for picture in pictures if 'class="bowtie"' in picture), "")
    sections = [_section(told, name, bodies.get(name), bowtie) for name in told.notebooks]
    contents = [{"href": "#summary", "label": "Summary", "is_sub": False, "is_current": False}]
    contents += [{"href": f"#{s['id']}", "label": s["title"], "is_sub": False, "is_current": False} for s in sections]
    contents.append({"href": "#health", "label": "Data health", "is_sub": False, "is_current": False})
    failed = [name for name in told.notebooks if told.records.get(name, {}).get("status") == "failed"]
    return render_page(
        "report.html.j2",
        title=f"{told.company}, {told.period}".strip(", "),
        contents_title="On this page",
        contents=contents,
        failures=[_failed_count(failed)] if failed else [],
        cards=Markup(cards.cards_html(choose_headlines(told.findings), currency=told.currency, href=page_of)),
        bowtie=Markup(isolate_ids(bowtie, "top")),
        sections=sections,
        health=_health(told.manifest),
        inputs=_inputs(told.manifest),
        files=[{"href": name, "label": label} for name, label in FILES.items() if (told.report / name).exists()],
        **told.common(),
    )


def _failed_count(failed: Sequence[str]) -> Markup:
    title = f"{words.count_of(len(failed), 'notebook')} did not finish"
    return Markup(cards.message_html("error", title, "The sections concerned say why. All other pages are whole."))


def _section(told: _Manifest, name: str, body: NotebookBody | None, bowtie: str) -> dict[str, Any]:
    answers = []
    for finding in [finding for finding in told.findings if finding["notebook"] == name][:ANSWERS_PER_SECTION]:
        money = finding["money"]
        worth = "" if money is None else words.say_value(money, "currency", currency=told.currency)
        headline = words.clean_text(finding["headline"] or "")
        worth = "" if worth.lstrip("−") in headline else worth
        answers.append(
            {"headline": Markup(words.prose_html(headline)), "severity": finding["severity"], "worth": worth}
        )
    picture = next((drawn for drawn in (body.pictures if body else []) if drawn != bowtie), "")
    return {
        "id": f"section-{name}",
        "title": body.title if body else words.label_of(name.lstrip("0123456789_")),
        "href": f"{name}.html" if body else "",
        "failure": told.failure(name),
        "answers": answers,
        "reason": Markup(body.reason if body and not answers and not picture else ""),
        "picture": Markup(isolate_ids(picture, f"s{told.notebooks.index(name)}")),
    }


def _health(manifest: Mapping[str, Any]) -> list[dict[str, str]]:
    inputs = manifest.get("inputs") or []
    facts = []
    if inputs:
        read = sum(int(record.get("rows_read") or 0) for record in inputs)
        used = sum(int(record.get("rows_used") or 0) for record in inputs)
        facts.append({"label": "Rows read", "value": f"{read:,}", "note": words.count_of(len(inputs), "file")})
        aside = f"{read - used:,} set aside or superseded" if used < read else "all of them"
        facts.append({"label": "Rows used", "value": f"{used:,}", "note": aside})
    counts = manifest.get("issues")
    if isinstance(counts, Mapping):
        for severity, meaning in _SEVERITIES:
            number = int(counts.get(severity) or 0)
            label = f"{severity.capitalize()}s"
            facts.append({"label": label, "value": f"{number:,}", "note": meaning})
    return facts or [{"label": "Inputs", "value": "not available", "note": ""}]


def _inputs(manifest: Mapping[str, Any]) -> Markup:
    frame = pd.DataFrame.from_records(manifest.get("inputs") or [])
    columns = ("file", "object", "exported_on", "rows_read", "rows_used", "rows_quarantined")
    frame = frame[[column for column in columns if column in frame.columns]]
    if frame.empty:
        return Markup("")
    if "object" in frame:
        frame = frame.assign(object=[name_object(value) for value in frame["object"]])
    if "exported_on" in frame:
        frame = frame.assign(exported_on=[_day(value) or None for value in frame["exported_on"]])
    return Markup(tables.table_html(frame, labels={"object": "What it holds", "rows_quarantined": "Rows set aside"}))


def _notebook_page(
    told: _Manifest, name: str, bodies: Mapping[str, NotebookBody], body: NotebookBody, cache: Path | None
) -> str:
    names = list(bodies)
    place = names.index(name)
    contents = [{"href": "index.html", "label": "Summary", "is_sub": False, "is_current": False}]
    for other in names:
        contents.append(
            {"href": f"{other}.html", "label": bodies[other].title, "is_sub": False, "is_current": other == name}
        )
        if other == name:
            contents += [
                {"href": f"#{id}", "label": text, "is_sub": True, "is_current": False} for id, text in body.headings
            ]
    return render_page(
        "notebook.html.j2",
        title=f"{body.title} – {told.company}",
        scripts=CHART_SCRIPT if body.has_charts else NO_SCRIPT,
        contents_title="Contents",
        contents=contents,
        heading=body.title,
        failure=told.failure(name),
        body=Markup(_link_notebooks(body.html, {other: bodies[other].title for other in names if other != name})),
        previous=_neighbour(names, place - 1, bodies),
        next=_neighbour(names, place + 1, bodies),
        bundle=Markup(read_bundle(cache)) if body.has_charts else "",
        draw_script=Markup((TEMPLATES / "draw.js").read_text(encoding="utf-8")),
        **told.common(),
    )


def _link_notebooks(html: str, titles: Mapping[str, str]) -> str:
    """Turn the name of another notebook in a message into a link to its page."""

    def link(match: re.Match[str]) -> str:
        title = titles.get(match.group())
        return f'<a href="{match.group()}.html">{escape(title)}</a>' if title else match.group()

    def link_all(match: re.Match[str]) -> str:
        return re.sub(r"\b\d\d_[a-z0-9_]+\b(?!\.\w)", link, match.group())

    return re.sub(r'<p class="text">.*?</p>', link_all, html, flags=re.DOTALL)


def _neighbour(names: Sequence[str], place: int, bodies: Mapping[str, NotebookBody]) -> dict[str, str] | None:
    if not 0 <= place < len(names):
        return None
    return {"href": f"{names[place]}.html", "label": bodies[names[place]].title}


def _day(value: Any) -> str:
    """Write an ISO date for a reader; what is none stays as it is."""
    if words.is_missing(value) or value == "":
        return ""
    try:
        return words.say_date(date.fromisoformat(str(value)[:10]))
    except ValueError:
        return words.clean_text(value)
