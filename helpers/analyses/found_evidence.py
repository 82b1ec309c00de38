"""What the data says now for the causes on the board, found by the id under which a cause names it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from helpers.analyses.board_evidence import FIVE_M, PROVEN, ROOT_CAUSE
from helpers.analyses.cause_history import find_members
from helpers.analyses.five_m import EVIDENCE
from helpers.analyses.gap import Gap
from helpers.analyses.named_slices import list_places, parse_slice
from helpers.model.board import Evidence
from helpers.units import format_value

THIS_PERIOD, LATER = "this period", "later revenue"
"""What a cause's money counts for: the gap itself, or what this period's entries bring afterwards."""

LENSES = {"closing": THIS_PERIOD, "creation": LATER}


@dataclass(frozen=True)
class Found:
    """One thing that the data says.

    Attributes:
        id: ``five_m:<cause>`` or ``root_cause:<step>:<effect>:<slice>``.
        m: Which of the five Ms it belongs to.
        statement: In words, with its counts.
        is_proven: Whether it is beyond chance among everything that was searched.
        money: What it costs in the gap's unit; None where it can't be had or nothing is lost.
        counts_for: ``THIS_PERIOD`` or ``LATER``; empty without money.
        slice: Where, as in the tables.
        slice_values: Partition → values.
        n: Records behind it.
        p_value: Chance of it being luck; None where there is none.
        is_adjusted: Whether that chance is adjusted for everything that was asked.
        rule: For a question of the five Ms: its id.
        retells: For a question of the five Ms: the id of the localised cause that it tells in other words.
        sureness: high, medium or low, where the data says so.
        effect: For a localised cause: volume, mix, rate, value or timing.
        step: For a localised cause: the step in which it shows.
        lens: closing or creation; empty where it was not searched.
    """

    id: str
    m: str
    statement: str
    is_proven: bool
    money: float | None = None
    counts_for: str = ""
    slice: str = "all"
    slice_values: Mapping[str, list] = field(default_factory=dict)
    n: int = 0
    p_value: float | None = None
    is_adjusted: bool = True
    rule: str = ""
    retells: str = ""
    sureness: str = ""
    effect: str = ""
    step: str = ""
    lens: str = ""

    @property
    def group(self) -> str:
        """One id for everything that tells the same loss."""
        return self.retells or self.id

    @property
    def basis(self) -> str:
        """Records and chance, as they stand beside a number."""
        kind = "q" if self.is_adjusted else "p"
        parts = [f"n {self.n:,}" if self.n else "", say_chance(self.p_value, kind) if self.is_proven else ""]
        return ", ".join(part for part in parts if part)


def say_chance(p_value: float | None, name: str = "p") -> str:
    """Write how likely luck alone is.

    >>> say_chance(3e-9), say_chance(0.0312, "q"), say_chance(None)
    ('p < 0.001', 'q 0.031', '')
    """
    if p_value is None or p_value != p_value:
        return ""
    return f"{name} < 0.001" if p_value < 0.001 else f"{name} {p_value:.2g}"


def index_evidence(gap: Gap) -> dict[str, Found]:
    """Return everything that speaks for a loss, by id.

    Args:
        gap: The result of ``explain_gap``.

    Returns:
        Id → what was found: localised causes that cost something, not proven ones too, in the order of their table,
        then the questions of the five Ms with evidence. What helps is left out.
    """
    found: dict[str, Found] = {}
    for row in gap.causes.to_dict("records") if len(gap.causes) else ():
        if row["contribution"] < 0:
            one = _read_cause(gap, row)
            found.setdefault(one.id, one)
    for row in gap.five_m.to_dict("records") if len(gap.five_m) else ():
        if row["verdict"] == EVIDENCE:
            one = _read_answer(row, list(found.values()))
            found[one.id] = one
    return found


def _read_cause(gap: Gap, row: Mapping) -> Found:
    has_money = _has_money(gap, row["lens"])
    return Found(
        id=f"{ROOT_CAUSE}:{row['step']}:{row['effect']}:{row['slice']}",
        m=row["m"] or "material",
        statement=row["statement"],
        is_proven=row["verdict"] in PROVEN,
        money=abs(float(row["contribution"])) if has_money else None,
        counts_for=LENSES.get(row["lens"], "") if has_money else "",
        slice=row["slice"],
        slice_values=json.loads(row["slice_json"]),
        n=_count_looked_at(gap, row),
        p_value=float(row["q_value"]),
        effect=row["effect"],
        step=row["step"],
        lens=row["lens"],
    )


def _count_looked_at(gap: Gap, row: Mapping) -> int:
    """Count the records that a localised cause rests on: of a rate those that entered the step before."""
    leaves = gap.search if row["lens"] == "closing" else gap.creation
    counted = 0 if pd.isna(row["n_actual"]) else int(row["n_actual"])
    values = json.loads(row["slice_json"])
    if leaves is None or row["effect"] != "rate" or not set(values) <= set(leaves.frame.columns):
        return counted
    place = leaves.steps.index(row["step"]) if row["step"] in leaves.steps else 0
    before = leaves.frame[f"{leaves.steps[max(place - 1, 0)]}_actual"]
    return int(before[find_members(leaves.frame, values)].sum())


def _has_money(gap: Gap, lens: str) -> bool:
    """Tell whether a lens's contributions are in the gap's unit."""
    leaves = gap.search if lens == "closing" else gap.creation
    if leaves is None:
        return False
    priced = bool(leaves.amount or leaves.worth)
    return priced if gap.is_money else not priced


def _read_answer(row: Mapping, localised: Iterable[Found]) -> Found:
    """Read an answer of the five Ms; one that retells a localised cause counts for what that one does."""
    money = None if pd.isna(row["money"]) or row["money"] >= 0 else abs(float(row["money"]))
    values = try_slice(row["slice"])
    told = next((one for one in localised if _is_retold(one, row["statement"], values, money)), None)
    counts_for = THIS_PERIOD if row["counts_for"] == THIS_PERIOD else LATER
    if told is not None:
        counts_for = told.counts_for or counts_for
    chance = row["p_value"] if pd.isna(row["q_value"]) else row["q_value"]
    return Found(
        id=f"{FIVE_M}:{row['cause']}",
        m=row["m"],
        statement=row["statement"],
        is_proven=True,
        money=money,
        counts_for=counts_for if money is not None else "",
        slice=row["slice"],
        slice_values=values,
        n=0 if pd.isna(row["n"]) else int(row["n"]),
        p_value=None if pd.isna(chance) else float(chance),
        is_adjusted=not pd.isna(row["q_value"]),
        rule=row["cause"],
        retells=told.id if told else "",
        sureness=row["confidence"] if isinstance(row["confidence"], str) else "",
        effect=told.effect if told else "",
        step=told.step if told else "",
        lens=told.lens if told else "",
    )


def _is_retold(one: Found, statement: str, values: Mapping[str, list], money: float | None) -> bool:
    """Whether an answer tells a localised cause: in its words, or as the same money in the same place."""
    if statement.startswith(one.statement):
        return True
    is_same = money is not None and one.money is not None and abs(money - one.money) < 0.01 * one.money
    return is_same and bool(values) and dict(values) == dict(one.slice_values)


def try_slice(text: str) -> dict[str, list]:
    """Return partition → values of a slice; empty for what is none."""
    try:
        return parse_slice(text)
    except ValueError:
        return {}


def find_now(id: str, index: Mapping[str, Found]) -> Found | None:
    """Return what the data says now under an id: the same, or the same effect in a slice that shares a place with it.

    A slice may be found a little narrower or wider when another export is read.
    """
    if id in index or not id.startswith(f"{ROOT_CAUSE}:"):
        return index.get(id)
    step, effect, place = (*id.split(":", 3)[1:], "", "")[:3]
    mine = set(list_places(try_slice(place)))
    near = [
        (len(mine & set(list_places(one.slice_values))), one)
        for one in index.values()
        if (one.step, one.effect) == (step, effect)
    ]
    shared, nearest = max(near, key=lambda pair: pair[0], default=(0, None))
    return nearest if shared else None


def find_evidence(evidence: Iterable[Evidence], index: Mapping[str, Found]) -> list[Found]:
    """Return those of a cause's evidence that the data still shows, the proven and expensive first."""
    mine = {one.id: one for item in evidence if (one := find_now(item.id, index)) is not None}
    return sorted(mine.values(), key=lambda one: (not one.is_proven, -(one.money or 0.0)))


def is_of_data(evidence: Evidence) -> bool:
    """Whether a piece of evidence names something that the data says, and is not a person's own note."""
    return evidence.id.startswith((f"{FIVE_M}:", f"{ROOT_CAUSE}:"))


def say_evidence(one: Evidence, index: Mapping[str, Found]) -> tuple[str, bool]:
    """Say what a piece of evidence shows, and whether it holds now.

    Returns:
        The statement with its basis, and whether it holds; what a person noted beside the data is taken as it is.
    """
    now = find_now(one.id, index)
    if now is not None:
        basis = f" ({now.basis})" if now.basis else ""
        return f"{now.statement}{basis}{'' if now.is_proven else '; not proven'}", now.is_proven
    when = f" (as of {format_value(one.found, 'date')})" if one.found else ""
    if is_of_data(one):
        return f"{one.says or 'The data showed it'}{when}; the data of this period does not show it", False
    return f"{one.id}: {one.says}{when}" if one.says else f"{one.id}{when}", True
