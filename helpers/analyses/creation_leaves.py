"""The leaf tables of contacts: those that entered in a period, and in companies without deals those won in it.

Contacts that can be fetched are added up as arrays, those too many for it where they lie (``counted_leaves``); what is
counted is the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd

from helpers.analyses.leaf_dimensions import choose_dimensions
from helpers.analyses.leaf_sums import (
    CONTACT,
    PART,
    Entries,
    cut_days,
    place_parts,
    place_sides,
    split_sides,
    sum_leaves,
)
from helpers.analyses.leaves import REVENUE, WON, GapLeaves
from helpers.analyses.too_large import is_too_large
from helpers.engine.journeys import LOST_STAGE, Journeys, build_journeys
from helpers.engine.timeline import NO_DAY
from helpers.periods import Period

PARTS = 4
"""A cohort is followed to its own period's end, so who enters late in it has less time. A slice whose records come
later in the period than they used to would seem to convert worse: rates are therefore expected by the quarter of the
period in which a record entered."""

MOST_DIVIDED = 2_000_000
"""Contacts beyond which leaves aren't told apart by the part of the period: they would be about as many."""


class Contacts(Protocol):
    """A company's contacts as of a day, wherever they lie."""

    stages: Sequence[str]
    """Stages that any contact has a date for, in order."""

    n: int
    """How many contacts there are."""

    def choose(self, entry: str, asked: Entries) -> tuple[tuple[str, ...], dict[str, str]]:
        """Choose the partitions to search for contacts by the stage at which they enter; see ``choose_dimensions``."""

    def follow(self, steps: Mapping[str, str], asked: Entries, *, amount: str = "") -> pd.DataFrame:
        """Add contacts up that entered: ``steps`` is step → stage, the columns are those of a leaf table.

        With ``amount`` the money of those that reached the last step is added up too, if there is any.
        """


class FetchedContacts:
    """Contacts in memory."""

    def __init__(self, company: Any, journeys: Journeys):
        """Keep the journeys."""
        self._company, self._journeys = company, journeys
        self._records = journeys.records[CONTACT]
        self.n = self._records.n
        reached = self._records.reached
        dated = {id for id, business in reached if business == "all" and (reached[id, business] != NO_DAY).any()}
        self.stages = [id for id in company.catalog.stages if id in dated]

    def choose(self, entry: str, asked: Entries) -> tuple[tuple[str, ...], dict[str, str]]:
        """Choose the partitions to search."""
        side = place_sides(self._day(entry, asked), asked.period, asked.expected)
        return choose_dimensions(self._company, self._journeys, CONTACT, side > 0)

    def follow(self, steps: Mapping[str, str], asked: Entries, *, amount: str = "") -> pd.DataFrame:
        """Add up those that entered, as far as they had come."""
        days = {step: self._day(id, asked) for step, id in steps.items()}
        previous = next(iter(days.values()))
        further = {}
        if asked.parts:
            further[PART] = place_parts(previous, asked.period, asked.expected, asked.parts)
        side = place_sides(previous, asked.period, asked.expected)
        cut = cut_days(previous, asked.period, asked.expected, asked.as_of)
        reached, numbers = side > 0, {}
        for step, day in days.items():
            reached = reached & (day != NO_DAY) & (day >= previous) & (day <= cut)
            previous = day
            numbers[step] = split_sides(reached.astype(float), side)
        money = self._records.cents.get("amount") if amount else None
        if money is not None and money[reached].any():
            numbers[amount] = split_sides(money / 100 * reached, side)
        return sum_leaves(self._journeys, self._records, asked.dimensions, side > 0, numbers, {}, further)

    def _day(self, stage: str, asked: Entries) -> np.ndarray:
        reached = self._records.reached
        return reached[stage, asked.business if (stage, asked.business) in reached else "all"]


def open_contacts(company: Any, as_of: date) -> tuple[Contacts | None, Journeys]:
    """Return a company's contacts as of a day, None where it has none, and the journeys of what can be fetched."""
    journeys = build_journeys(company, as_of=as_of)
    if is_too_large(company, CONTACT):
        from helpers.analyses.counted_leaves import open_counted

        return open_counted(company, journeys, as_of), journeys
    return (FetchedContacts(company, journeys) if CONTACT in journeys.records else None), journeys


def build_creation_leaves(
    company, *, period: Period, expected: Sequence[Period], as_of: date, cut_by: Sequence[str] | None = None
) -> GapLeaves | None:
    """Build the leaves of the contacts that entered in a period, each cohort seen at the same age.

    A record counts at a step when it has the dates of this and all steps before it, in order, by the end of its own
    period (later by as many days as the last day that counts lies after the period's end).

    Args:
        company: The opened company.
        period: The period in question.
        expected: The earlier period or periods.
        as_of: The last day that counts.
        cut_by: The partitions to take, whatever they hold; None chooses those that can be searched.

    Returns:
        The leaf table, from the first stage that contacts have a date for up to the opportunity (to won where the
        company has no deals). None where contacts have fewer than two stages, or no earlier period is given.
    """
    contacts, journeys = open_contacts(company, as_of)
    stages = [] if contacts is None or not expected else _choose_stages(company, journeys, contacts)
    if len(stages) < 2:
        return None
    named = {company.catalog.stages[id].volume or id: id for id in stages}
    labels = {step: company.catalog.stages[id].label for step, id in named.items()}
    parts = PARTS if cut_by is None and contacts.n <= MOST_DIVIDED else 0
    found = _cut(contacts, named, Entries(period, tuple(expected), as_of, parts=parts), cut_by)
    if found is None:
        return None
    frame, dimensions, left_out = found
    return GapLeaves(
        lens="creation",
        frame=frame,
        dimensions=dimensions,
        steps=tuple(named),
        labels=labels,
        expected_periods=len(expected),
        basis=(
            f"{next(iter(labels.values()))} of {period.label} and how far they had come by its end, compared with "
            f"{_name_periods(expected)} at the same age"
        ),
        worth=_worth_of_last(journeys, stages[-1]),
        left_out=left_out,
        adjusted_for=(PART,) if parts else (),
    )


def build_win_leaves(company, *, period: Period, expected: Sequence[Period], as_of: date) -> GapLeaves | None:
    """Build the leaves of a company without deals whose contacts were won in a period: one step, by the day of the win.

    Args:
        company: The opened company.
        period: The period in question.
        expected: The earlier period or periods.
        as_of: The last day that counts.

    Returns:
        The leaf table; None where no contact was won in one of the two.
    """
    contacts, _ = open_contacts(company, as_of)
    if contacts is None or not expected or "won" not in contacts.stages:
        return None
    found = _cut(contacts, {WON: "won"}, Entries(period, tuple(expected), as_of, "all"), None, amount=REVENUE)
    if found is None:
        return None
    frame, dimensions, left_out = found
    return GapLeaves(
        lens="closing",
        frame=frame,
        dimensions=dimensions,
        steps=(WON,),
        labels={WON: "Won deals", REVENUE: "Closed revenue"},
        amount=REVENUE if f"{REVENUE}_actual" in frame else None,
        expected_periods=len(expected),
        basis=f"Contacts won in {period.label}, compared with {_name_periods(expected)}",
        left_out=left_out,
    )


def _name_periods(expected: Sequence[Period]) -> str:
    return " and ".join(one.label for one in expected) if len(expected) <= 2 else f"{len(expected)} earlier periods"


def _cut(
    contacts: Contacts, steps: Mapping[str, str], asked: Entries, cut_by: Sequence[str] | None, *, amount: str = ""
) -> tuple[pd.DataFrame, tuple[str, ...], dict[str, str]] | None:
    """Add contacts up by the partitions given, or those that can be searched; None where one side has nobody."""
    if cut_by is None:
        dimensions, left_out = contacts.choose(next(iter(steps.values())), asked)
    else:
        dimensions, left_out = tuple(cut_by), {}
    frame = contacts.follow(steps, replace(asked, dimensions=dimensions), amount=amount)
    first = next(iter(steps))
    if not frame[f"{first}_expected"].sum() or not frame[f"{first}_actual"].sum():
        return None
    return frame, dimensions, left_out


def _choose_stages(company, journeys: Journeys, contacts: Contacts) -> list[str]:
    """Return the stages that contacts have dates for, in order, ending before the deal takes over."""
    has_deals = "deal" in journeys.records or is_too_large(company, "deal")
    stages = []
    for id in contacts.stages:
        stage = company.catalog.stages[id]
        if stage.object not in (CONTACT, "deal"):
            continue
        if stage.closes and has_deals:
            break
        stages.append(id)
    return stages


def _worth_of_last(journeys: Journeys, stage: str) -> float | None:
    """Return what one record of a stage has brought on average over the whole history, in closed new revenue."""
    deals = journeys.records.get("deal")
    if deals is None or "amount" not in deals.cents or (stage, "new") not in deals.reached:
        return None
    created = deals.reached[stage, "new"]
    decided = (deals.reached[("won", "new")] != NO_DAY) | (
        deals.reached.get((LOST_STAGE, "new"), np.full(deals.n, NO_DAY)) != NO_DAY
    )
    mature = (created != NO_DAY) & decided
    if not mature.any():
        return None
    won = mature & (deals.reached[("won", "new")] != NO_DAY)
    return float(deals.cents["amount"][won].sum() / 100 / mature.sum())
