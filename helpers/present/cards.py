"""Cards and messages: findings with their money and next step, and the designed empty and error states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from helpers.present import words
from helpers.units import in_sentence

MESSAGES: Mapping[str, tuple[str, str]] = {
    "empty": ("○", "Nothing here yet"),
    "warning": ("◐", "Take note"),
    "error": ("✕", "Did not work"),
    "good": ("●", "All well"),
}
"""Shape and spoken name of each kind of message."""

_SEVERITY_WORDS = {"bad": ("▼", "costs money"), "good": ("▲", "worth money"), "note": ("●", "worth knowing")}


def read_finding(finding: Any) -> dict[str, Any]:
    """Return a finding as a plain dictionary, whether it comes as a record of ``findings.json`` or as the object.

    Returns:
        headline, kpi, slice, money (None where unknown), evidence (a dictionary), next_step, notebook, severity.
    """
    source = finding if isinstance(finding, Mapping) else {name: getattr(finding, name, None) for name in _FIELDS}
    record = {name: source.get(name) for name in _FIELDS}
    record["money"] = None if words.is_missing(record["money"]) else float(record["money"])
    record["evidence"] = dict(record["evidence"]) if isinstance(record["evidence"], Mapping) else {}
    if record["severity"] not in _SEVERITY_WORDS:
        record["severity"] = "note" if record["money"] is None else "bad" if record["money"] < 0 else "good"
    return record


_FIELDS = ("headline", "kpi", "slice", "money", "evidence", "next_step", "notebook", "severity")


def cards_html(
    findings: Sequence[Any], *, currency: str = "USD", max_cards: int = 5, href: Callable[[str], str] | None = None
) -> str:
    """Write findings as cards: headline, money, evidence, next step.

    Args:
        findings: ranked, the most important first; objects or records.
        currency: ISO code of the company's currency.
        max_cards: how many are shown; the first is the widest.
        href: gives the page of a notebook, to link a card to it; empty text for none.

    Returns:
        HTML of a list; a message where there are no findings.
    """
    records = [read_finding(finding) for finding in findings][:max_cards]
    if not records:
        return message_html(
            "good",
            "Nothing stands out",
            "Nothing here differs by more than chance explains, or there is nothing yet to compare it with.",
            "Look again when the next period has ended.",
        )
    return (
        '<ul class="cards">' + "".join(_card(record, i, currency, href) for i, record in enumerate(records)) + "</ul>"
    )


def _card(record: Mapping[str, Any], position: int, currency: str, href: Callable[[str], str] | None) -> str:
    shape, spoken = _SEVERITY_WORDS[record["severity"]]
    if record["money"] is None:
        spoken = {"bad": "needs attention", "good": "good news"}.get(record["severity"], spoken)
    target = href(str(record["notebook"] or "")) if href else ""
    headline = words.prose_html(record["headline"] or "")
    if target:
        headline = f'<a href="{escape(target)}">{headline}</a>'
    parts = [
        f'<p class="state is-{_colour(record)}"><span class="shape" aria-hidden="true">{shape}</span>{spoken}</p>',
        f'<p class="headline">{headline}</p>',
    ]
    if record["money"] is not None:
        full = words.say_full(record["money"], "currency", currency=currency)
        short = words.say_value(record["money"], "currency", currency=currency)
        money = f'<p class="money is-{_colour(record)}" title="{escape(full)}">{escape(short)}{_money_note(record)}</p>'
        parts.append(money)
    evidence = describe_evidence(record, currency=currency)
    if evidence:
        told = " · ".join(f"<span>{words.prose_html(part)}</span>" for part in evidence.split(" · "))
        parts.append(f'<p class="evidence">{told}</p>')
    definition = words.clean_text(record["evidence"].get("definition") or "")
    definition = f"It counts {words.BASES[definition]}." if definition in words.BASES else definition
    if definition:
        told = words.prose_html(definition)
        parts.append(f'<details class="how"><summary>How this is defined</summary><p>{told}</p></details>')
    if record["next_step"]:
        parts.append(f'<p class="next"><b>Next step</b> {words.prose_html(record["next_step"])}</p>')
    kind = {"bad": "bad", "good": "good"}.get(record["severity"], "known")
    return f'<li class="card {kind}{" first" if position == 0 else ""}">{"".join(parts)}</li>'


def _colour(record: Mapping[str, Any]) -> str:
    return {"bad": "bad", "good": "good"}.get(str(record["severity"]), "grey")


def _money_note(record: Mapping[str, Any]) -> str:
    note = words.clean_text(record["evidence"].get("money_basis") or "")
    return f"<small>{escape(note)}</small>" if note else ""


def describe_evidence(record: Mapping[str, Any], *, currency: str = "USD") -> str:
    """Write what a finding rests on in one grey line: slice, period, interval and number of records.

    >>> describe_evidence({"slice": "region=US", "money": None, "evidence": {"n": 214, "low": 0.2, "high": 0.3}})
    'region US · 20–30 % · n 214'
    """
    evidence = record["evidence"]
    unit = evidence.get("unit") or _unit_of(record)
    parts = [
        say_slice(record.get("slice")),
        words.clean_text(evidence.get("period") or ""),
        words.say_range(evidence.get("low"), evidence.get("high"), unit, currency=currency),
        words.say_n(evidence.get("n")),
    ]
    return " · ".join(part for part in parts if part)


def say_slice(text: Any) -> str:
    """Write a slice for a reader; the whole company is left out.

    >>> say_slice("region=US & channel=Inbound|Web"), say_slice("all")
    ('region US, channel Inbound or Web', '')
    >>> say_slice("gtm_motion=Sales-led")
    'GTM motion Sales-led'
    """
    plain = "" if words.is_missing(text) else words.clean_text(text)
    if plain in ("", "all"):
        return ""
    parts = []
    for part in plain.split(" & "):
        name, equals, values = part.partition("=")
        parts.append(
            f"{in_sentence(words.label_of(name))} {values.replace('|', ' or ')}"
            if equals
            else (part if words.label_of(part) == part else in_sentence(words.label_of(part)))
        )
    return ", ".join(parts)


def _unit_of(record: Mapping[str, Any]) -> str:
    """Tell the unit of an interval that does not say its own: a pair around 0 to 1 is a share, unless of a coverage."""
    ends = [record["evidence"].get("low"), record["evidence"].get("high")]
    if str(record.get("kpi") or "").endswith("coverage"):
        return "ratio"
    if all(isinstance(end, int | float) and abs(end) <= 1.5 for end in ends):
        return "share"
    return "count" if record["money"] is None else "currency"


def message_html(kind: str, title: str, text: str = "", next_step: str = "") -> str:
    """Write a message: the designed form of empty, warning, error and good.

    Args:
        kind: one of ``MESSAGES``.
        title: what is the case, in a sentence.
        text: why, or since when; may span lines.
        next_step: what the reader can do about it.

    Returns:
        HTML of the message.

    Raises:
        ValueError: the kind is unknown.
    """
    if kind not in MESSAGES:
        raise ValueError(f"kind of message {kind!r} is not known. Allowed are {', '.join(MESSAGES)}")
    shape, spoken = MESSAGES[kind]
    parts = [
        f'<span class="shape" role="img" aria-label="{spoken}">{shape}</span>',
        f'<p class="title">{words.prose_html(title)}</p>',
    ]
    if text:
        parts.append(f'<p class="text">{words.prose_html(text)}</p>')
    if next_step:
        parts.append(f'<p class="next"><b>Next step</b> {words.prose_html(next_step)}</p>')
    return f'<div class="message {kind}">{"".join(parts)}</div>'
