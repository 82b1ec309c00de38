"""What words mean to whom, and who shares whose priorities: two tables designed to be read from the back of a room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from helpers.analyses.agreement import group_texts
from helpers.present import words
from helpers.present.charts.dots import short_names

MOST_PRIORITIES = 12


def meanings_html(definitions: pd.DataFrame, teams: Mapping[str, str]) -> str:
    """Write what each team means by each word, and mark who stands alone with a meaning.

    Args:
        definitions: one row per term and person, the most disputed term first, as ``compare_definitions`` returns them.
        teams: team's id → label, in the order wanted.

    Returns:
        HTML of a table, one row per term and one column per team; a team whose people differ has several meanings.
    """
    present = [id for id in teams if (definitions["team"] == id).any()]
    present += sorted(set(definitions["team"]) - set(present))
    labels = [teams.get(id, words.label_of(id)) for id in present]
    heads = "".join(
        f'<th scope="col">{escape(label)}<small>{escape(_say_members(definitions, id))}</small></th>'
        for id, label in zip(present, labels, strict=True)
    )
    widths = '<col style="width:15%">' + f'<col style="width:{85 / len(present):.1f}%">' * len(present)
    body = "".join(
        f'<tr><th scope="row">{escape(str(term))}<small>{escape(say_split(rows))}</small></th>'
        + "".join(_meaning_cell(rows, id, teams) for id in present)
        + "</tr>"
        for term, rows in definitions.groupby("term", sort=False)
    )
    return (
        f'<div class="frame"><table class="meanings"><colgroup>{widths}</colgroup>'
        f'<thead><tr><th scope="col">Word</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def say_split(rows: pd.DataFrame) -> str:
    """Say how many of the people mean the same by one word.

    >>> say_split(pd.DataFrame({"meaning": ["a", "a", "b"]}))
    '2 of 3 mean the same'
    """
    counts = Counter(rows["meaning"])
    most = max(counts.values())
    if len(counts) == 1:
        return "all mean the same" if len(rows) > 1 else "only one answered"
    return f"{most} of {len(rows)} mean the same" if most > 1 else f"{len(rows)} people, {len(rows)} meanings"


def say_company(rows: pd.DataFrame, meaning: str, team: str, teams: Mapping[str, str]) -> str:
    """Say with which other teams a team shares a meaning: ``alone`` where there are others and none shares it."""
    others = rows[rows["team"] != team]
    if others.empty:
        return ""
    sharing = set(others.loc[others["meaning"] == meaning, "team"])
    if not sharing:
        return "alone"
    named = [teams.get(id, words.label_of(id)) for id in [*teams, *sorted(sharing)] if id in sharing]
    return f"same as {words.join_words(dict.fromkeys(named))}"


def _say_members(definitions: pd.DataFrame, team: str) -> str:
    names = list(dict.fromkeys(definitions.loc[definitions["team"] == team, "respondent"]))
    return words.shorten(names[0], 40) if len(names) == 1 else f"{len(names)} people"


def _meaning_cell(rows: pd.DataFrame, team: str, teams: Mapping[str, str]) -> str:
    own = rows[rows["team"] == team]
    if own.empty:
        return '<td class="none" title="not answered">–</td>'
    counts = Counter(own["meaning"])
    parts = []
    for meaning, count in counts.most_common():
        company = say_company(rows, meaning, team, teams)
        is_alone = company == "alone" or (len(counts) > 1 and not company)
        times = f"{count} × " if len(own) > 1 else ""
        told = f'<small class="how">{escape(company)}</small>' if company else ""
        said = [text for text in own.loc[own["meaning"] == meaning, "words"] if text]
        quotes = "".join(f"<q>{words.prose_html(words.shorten(text, 160))}</q>" for text in said[:2])
        parts.append(
            f'<div class="meaning{" alone" if is_alone else ""}">{times}{words.prose_html(meaning)}{told}{quotes}</div>'
        )
    return f"<td>{''.join(parts)}</td>"


def list_shared(lists: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """List the priorities that people named, those that most share first.

    Returns:
        One record per priority: ``texts`` (every wording, the first one first) and ``ranks`` (name → place, from 1).
    """
    kinds = group_texts([text for texts in lists.values() for text in texts])
    found: dict[int, dict[str, Any]] = {}
    for name, texts in lists.items():
        for place, text in enumerate(texts, start=1):
            record = found.setdefault(kinds[text], {"texts": [], "ranks": {}})
            record["ranks"].setdefault(name, place)
            if text not in record["texts"]:
                record["texts"].append(text)
    return sorted(found.values(), key=lambda record: (-len(record["ranks"]), min(record["ranks"].values())))


def priorities_html(lists: Mapping[str, Sequence[str]]) -> str:
    """Write who named which priority at which place, those that several share first."""
    short = short_names(lists)
    heads = "".join(f'<th scope="col" title="{escape(name)}">{escape(short[name])}</th>' for name in lists)
    widths = '<col style="width:40%">' + f'<col style="width:{60 / len(lists):.1f}%">' * len(lists)
    rows = []
    for record in list_shared(lists):
        first, *others = [words.shorten(text, 160) for text in record["texts"]]
        also = f"<small>also: {words.prose_html('; '.join(others[:4]))}</small>" if others else ""
        cells = "".join(
            f"<td><b>{record['ranks'][name]}</b></td>" if name in record["ranks"] else "<td></td>" for name in lists
        )
        shared = ' class="shared"' if len(record["ranks"]) > 1 else ""
        rows.append(f'<tr{shared}><th scope="row">{words.prose_html(first)}{also}</th>{cells}</tr>')
    head = f'<thead><tr><th scope="col">Priority, as first worded</th>{heads}</tr></thead>'
    html = _ranks_table(widths, head, rows[:MOST_PRIORITIES])
    if len(rows) > MOST_PRIORITIES:
        summary = f"<summary>Show all {len(rows)} priorities</summary>"
        html += f'<details class="more">{summary}{_ranks_table(widths, head, rows[MOST_PRIORITIES:])}</details>'
    return html


def figures_html(figures: Sequence[tuple[str, str, bool]]) -> str:
    """Write figures beside each other: number, what it is, and whether it is the group's own."""
    cells = "".join(
        f"<div{' class=own' if is_own else ''}><b>{words.prose_html(number)}</b>"
        f"<span>{words.prose_html(text)}</span></div>"
        for number, text, is_own in figures
    )
    return f'<div class="figures">{cells}</div>'


def _ranks_table(widths: str, head: str, rows: Sequence[str]) -> str:
    return (
        f'<div class="frame"><table class="ranks" style="table-layout:fixed"><colgroup>{widths}</colgroup>'
        f"{head}<tbody>{''.join(rows)}</tbody></table></div>"
    )
