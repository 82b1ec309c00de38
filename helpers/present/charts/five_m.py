"""The five Ms with their evidence, what lies over them (management), and whether it pays at all (macro)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from helpers.analyses.five_m_verdicts import CONFIDENCE_RULE
from helpers.analyses.records import PLURALS, link_record
from helpers.model.cause import ALL_M_LABELS
from helpers.present import words
from helpers.present.cards import say_slice
from helpers.present.display import Display, show_message, show_table
from helpers.present.tables import plain_table
from helpers.units import open_sentence

EVIDENCE, NO_SIGN, UNTESTED = "evidence", "no sign", "can't be tested"
LIGHTS = {EVIDENCE: ("bad", "▼"), NO_SIGN: ("good", "●"), UNTESTED: ("grey", "–")}
LATER = "later"
MOST_LINKS = 3
WHERE_LIMITS_STAND = (
    "What is allowed and what is wanted is set in the file company.toml, in its part [five_m]: payback_months and "
    "ltv_to_cac."
)
TEXT_COLUMNS = ["m", "cause", "verdict", "money", "confidence", "n", "q_value", "statement"]


def draw_five_m(
    gap: Any, *, title: str, subtitle: str = "", currency: str = "USD", record_url: Mapping[str, str] | None = None
) -> Display:
    """Show the evidence for each of the five Ms of a gap; see ``show_five_m``."""
    total = gap.gap if gap.is_explained and gap.is_money else None
    options = {"title": title, "subtitle": subtitle, "currency": currency}
    return show_five_m(gap.five_m, gap=total, record_url=record_url, **options)


def show_five_m(
    five_m: pd.DataFrame,
    *,
    title: str,
    subtitle: str = "",
    currency: str = "USD",
    gap: float | None = None,
    record_url: Mapping[str, str] | None = None,
) -> Display:
    """Show per M what was asked, and what the data says: evidence first, the rest folded below it.

    Args:
        five_m: The result of ``gather_evidence``.
        title: The finding, in a sentence.
        subtitle: Measure, company, period, last day.
        currency: The company's currency.
        gap: The gap in money, which what is told of this period never passes.
        record_url: Object → address of a record with ``{id}``, to link the records behind a cause.

    Returns:
        A display; a message where no cause was looked for.
    """
    if five_m.empty:
        return show_message("empty", "No cause was looked for", "data/definitions/causes.toml lists what to look for.")
    parts = []
    for m in [m for m in ALL_M_LABELS if (five_m["m"] == m).any()]:
        mine = five_m[five_m["m"] == m]
        parts.append(f"<dt>{_head(m, mine)}</dt><dd>{_body(mine, currency, record_url or {})}</dd>")
    note = _say_totals(five_m, gap, currency)
    heading = f'<p class="title">{words.prose_html(title)}</p>'
    heading += f'<p class="subtitle">{words.prose_html(subtitle)}</p>' if subtitle else ""
    html = f'{heading}<dl class="answer">{"".join(parts)}</dl><p class="note">{words.prose_html(note)}</p>'
    html += (
        '<details class="more"><summary>How confidence is judged</summary>'
        f'<p class="note">{words.prose_html(open_sentence(CONFIDENCE_RULE))}</p></details>'
    )
    numbers = five_m.assign(money=five_m["money"].round())[TEXT_COLUMNS]
    text = plain_table(numbers, units={"money": "currency", "q_value": "ratio"})
    return Display(title=title, subtitle=subtitle, text=f"{text}\n{note}", html=html)


def _head(m: str, mine: pd.DataFrame) -> str:
    """Write an M with its light and how many questions were asked."""
    verdict = next(name for name in (EVIDENCE, NO_SIGN, UNTESTED) if (mine["verdict"] == name).any())
    colour, shape = LIGHTS[verdict]
    asked = words.count_of(int((mine["verdict"] != UNTESTED).sum()), "question")
    return (
        f'<b style="color:var(--ink)">{escape(ALL_M_LABELS[m])}</b><br>'
        f'<span class="light is-{colour}"><span class="shape" aria-hidden="true">{shape}</span>{escape(verdict)}</span>'
        f'<p class="basis" style="margin:0;font-weight:400">{escape(asked)} of {len(mine)} could be asked</p>'
    )


def _body(mine: pd.DataFrame, currency: str, record_url: Mapping[str, str]) -> str:
    """Write the evidence of an M, and fold what shows no sign or can't be tested."""
    found = mine[mine["verdict"] == EVIDENCE].to_dict("records")
    rest = mine[mine["verdict"] != EVIDENCE]
    parts = [_evidence(row, currency, record_url) for row in found]
    if not found:
        tested = int((rest["verdict"] == NO_SIGN).sum())
        said = f"No sign in the {words.count_of(tested, 'question')} that could be asked"
        said = "No sign of a change" if tested == len(rest) else said if tested else "Nothing can be asked here yet"
        parts.append(f'<p style="font-weight:400">{said}</p>')
    if len(rest):
        counts = [
            f"{int((rest['verdict'] == name).sum())} {words_}"
            for name, words_ in ((NO_SIGN, "without a sign"), (UNTESTED, "that can't be tested yet"))
            if (rest["verdict"] == name).any()
        ]
        lines = "".join(_other(row) for row in rest.to_dict("records"))
        more = "more questions" if found else "questions"
        told = (
            " and ".join(counts).replace(" ", f" {more} ", 1)
            if len(counts) == 1
            else (f"{len(rest)} {more}: {', '.join(counts)}")
        )
        parts.append(f'<details class="more"><summary>{escape(told)}</summary>{lines}</details>')
    return "".join(parts)


def _evidence(row: dict, currency: str, record_url: Mapping[str, str]) -> str:
    """Write one cause with evidence: what the data shows, then what it rests on, then its records."""
    basis = [row["question"], _say_money(row, currency), _say_basis(row)]
    told = " · ".join(f"<span>{words.prose_html(part)}</span>" for part in basis if part)
    records = _say_records(row, record_url)
    return (
        f'<p style="font-weight:600"><span class="is-bad" aria-hidden="true">▼ </span>'
        f"{words.prose_html(open_sentence(str(row['statement'])))}</p>"
        f'<p class="basis">{told}</p>' + (f'<p class="basis">{records}</p>' if records else "") + '<p class="basis" '
        'style="margin-bottom:10px"></p>'
    )


def _say_money(row: dict, currency: str) -> str:
    """Say what a cause costs, in which interval, and whether other causes tell the same money."""
    if words.is_missing(row["money"]):
        return f"Money: can't be had, since {row['why_no_money']}" if row["why_no_money"] else ""
    money = words.say_value(row["money"], "currency", currency=currency)
    between = words.say_range(row["low"], row["high"], "currency", currency=currency)
    when = "of later revenue" if row["counts_for"] == LATER else "of this period's revenue"
    told = f"{money} {when}" + (f" ({between} at 90 %)" if between else "")
    counted = 0.0 if words.is_missing(row["money_added"]) else float(row["money_added"])
    if not row["overlaps"] or abs(counted - float(row["money"])) < 0.5:
        return told
    beside = row["overlaps"].replace("_", " ")
    if beside == "gap":
        return f"{told}, more than the gap: {words.say_value(counted, 'currency', currency=currency)} is added"
    if abs(counted) < 0.5:
        return f"{told}, the same money as {beside}: not added"
    return f"{told}, of which {words.say_value(counted, 'currency', currency=currency)} is not told by {beside} already"


def _say_basis(row: dict) -> str:
    """Say confidence and why, number of records and periods."""
    parts = [f"{row['confidence']} confidence as a cause: {row['why_confidence']}" if row["confidence"] else ""]
    if row["n"] and "n " not in str(row["why_confidence"]):
        parts.append(words.say_n(row["n"]))
    against = f" against {row['compared']}" if row["compared"] and not words.is_missing(row["q_value"]) else ""
    parts.append(f"{row['period']}{against}")
    parts.append("" if row["slice"] == "all" else say_slice(row["slice"]))
    return " · ".join(part for part in parts if part)


def _say_records(row: dict, record_url: Mapping[str, str]) -> str:
    """Say how many records are behind a cause, with links to the first of them."""
    count, object = int(row["n_records"]), str(row["object"])
    if not count:
        return ""
    plural = PLURALS.get(object, f"{object}s")
    told = f"{count:,} {object if count == 1 else plural} behind it"
    ids = json.loads(row["records"])[:MOST_LINKS]
    links = [(id, link_record(record_url.get(object, ""), id)) for id in ids]
    shown = [
        f'<a class="open" href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(id)}</a>'
        for id, address in links
        if address
    ]
    more = f" and {count - len(shown):,} more" if count > len(shown) else ""
    return f"{escape(told)}, such as {', '.join(shown)}{more}" if shown else escape(told)


def _other(row: dict) -> str:
    """Write a question without evidence in one small paragraph."""
    colour, shape = LIGHTS[row["verdict"]]
    basis = f" · n {int(row['n']):,}" if row["n"] and row["verdict"] == NO_SIGN else ""
    q = "" if words.is_missing(row["q_value"]) else f" · q {row['q_value']:.2f}"
    return (
        f'<p class="basis" style="margin:6px 0"><span class="is-{colour}" aria-hidden="true">{shape} </span>'
        f"<b>{escape(row['question'])}</b> {words.prose_html(row['statement'])}{basis}{q}</p>"
    )


def _say_totals(five_m: pd.DataFrame, gap: float | None, currency: str) -> str:
    """Say what the causes add up to, each euro told once."""
    found = five_m[five_m["verdict"] == EVIDENCE]
    parts = []
    for counts_for, name in (("this period", "this period's revenue"), (LATER, "later revenue")):
        total = found.loc[found["counts_for"] == counts_for, "money_added"].sum()
        if total:
            of = (
                f" of a gap of {words.say_value(gap, 'currency', currency=currency)}"
                if (gap is not None and counts_for != LATER)
                else ""
            )
            parts.append(f"{words.say_value(total, 'currency', currency=currency)} of {name}{of}")
    told = f"Together, each sum told once: {' and '.join(parts)}. " if parts else ""
    return (
        f"{told}Evidence is no proof: it is where to look first. q is the p-value corrected for the number of "
        f"questions tested ({int(five_m['q_value'].notna().sum())}, Benjamini–Hochberg), or for all slices searched."
    )


def show_management(roofs: pd.DataFrame, *, title: str, subtitle: str = "") -> Display:
    """Show where several Ms with evidence meet: what is set there for everybody, never a person.

    Args:
        roofs: The result of ``find_roofs``.
        title: The finding, in a sentence, as of ``describe_roofs``.
        subtitle: Company, period, last day.
    """
    if roofs.empty:
        return show_message(
            "empty", title, "Management is no sixth M: it is what several Ms with evidence have in common, such as one "
            "team, region or segment. It shows here when most records of two Ms lie in the same place."
        )  # fmt: skip
    table = pd.DataFrame(
        {
            "roof": [open_sentence(label) for label in roofs["label"]],
            "ms": [words.join_words(ALL_M_LABELS[m] for m in ms.split(", ")) for ms in roofs["ms"]],
            "causes": [causes.replace("_", " ") for causes in roofs["causes"]],
            "share": roofs["share"], "base_share": roofs["base_share"],
            "n_records": roofs["n_records"], "also": roofs["also"],
        }
    )  # fmt: skip
    return show_table(
        table,
        title=title,
        subtitle=subtitle,
        units={"share": "share", "base_share": "share"},
        labels={"roof": "Where", "ms": "Ms that meet", "share": "Of each cause's records, at least",
                "base_share": "Of all records", "n_records": "n", "also": "The same causes in"},
        note="Look at what is set there for everybody: targets, territories, coaching, staffing, hand-offs.",
    )  # fmt: skip


def show_macro(macro: Any, *, subtitle: str = "", currency: str = "USD") -> Display:
    """Show whether what is won pays for what it costs.

    Args:
        macro: The result of ``check_macro``.
        subtitle: Company, period, last day.
        currency: The company's currency.
    """
    rows = macro.table
    if not rows["value"].notna().any():
        return show_message("empty", macro.headline, "", str(rows["reason"].iloc[0]))
    table = pd.DataFrame(
        {
            "label": rows["label"],
            "value": [_say(row.value, row.unit, currency) for row in rows.itertuples()],
            "range": [words.say_range(row.low, row.high, row.unit, currency=currency) for row in rows.itertuples()],
            "expected": [_say(row.expected, row.unit, currency) for row in rows.itertuples()],
            "expectation": rows["expectation"],
            "verdict": rows["verdict"],
            "n": rows["n"].where(rows["n"] > 0).astype("Int64"),
            "statement": rows["statement"],
        }
    )
    return show_table(
        table,
        title=macro.headline,
        subtitle=subtitle,
        labels={"label": "Measure", "range": "Range at 90 %", "expected": "Expected", "expectation": "That is",
                "statement": "In words"},
        note=" ".join((*macro.notes, WHERE_LIMITS_STAND)),
    )  # fmt: skip


def _say(value: Any, unit: str, currency: str) -> str:
    return "–" if words.is_missing(value) else words.say_value(value, unit, currency=currency)
