"""The answer on one page: how much, at which step, where, which kind, which M, who is cleared, and what to do."""

from dataclasses import dataclass

import pandas as pd

from helpers.analyses.cancelling_causes import describe_cancelling
from helpers.analyses.cause_words import (
    describe_bridge,
    describe_five_m,
    describe_gap,
    describe_money,
    describe_moved,
)
from helpers.analyses.fairness import Fairness, describe_fairness, list_cleared
from helpers.analyses.five_m import EVIDENCE
from helpers.analyses.gap import Gap
from helpers.periods import custom_period
from helpers.units import format_value

MOST_CAUSES = 3
MOST_STEPS = 3
UNSEARCHED = "Can't be searched: no step has records both of this period and of earlier ones"
MEASUREMENT = "measurement"
NOISE = "Nothing but noise: no slice moved further than chance and everyday drift make it"


@dataclass(frozen=True)
class AnswerLine:
    """Hold one line of the answer.

    Attributes:
        question: What a leader asks.
        statements: What the data says to it, the most important first.
        basis: Period, records and definition that it rests on.
        tone: bad, good or note.
    """

    question: str
    statements: tuple[str, ...]
    basis: str = ""
    tone: str = "note"


def answer_gap(gap: Gap, *, currency: str) -> list[AnswerLine]:
    """Sum up a gap as the answers to the questions that a leadership team asks, in the order in which it asks them.

    Args:
        gap: The result of ``explain_gap``.
        currency: The company's currency.

    Returns:
        How much, which kind, where it starts, which of the five Ms, who is cleared, what closes the gap and what keeps
        it from coming back; only those that there is something to say to. Empty where nothing can be compared.
    """
    if not gap.is_explained:
        return []
    lines = [
        AnswerLine("How much?", (describe_gap(gap, currency),), _basis_of(gap), "bad" if gap.gap < 0 else "good"),
        AnswerLine("For which kind of reason?", (describe_bridge(gap, currency),), "The kinds add up to the gap."),
        _answer_where(gap, currency),
    ]
    if len(gap.five_m):
        asked, found = len(gap.five_m), int((gap.five_m["verdict"] == EVIDENCE).sum())
        lines.append(
            AnswerLine(
                "Which of the five Ms?", (describe_five_m(gap),), f"{asked} questions asked, {found} with evidence"
            )
        )
    lines += [line for line in (_answer_who(gap.fairness, currency), *_answer_what_to_do(gap)) if line is not None]
    return lines


def _basis_of(gap: Gap) -> str:
    """Say what the gap counts, and how many records."""
    records = int(gap.closing.frame[f"{gap.closing.steps[0]}_actual"].sum())
    return f"{gap.closing.basis}; n {records:,}"


def _answer_where(gap: Gap, currency: str) -> AnswerLine:
    """Tell the causes with their step and slice, or that there is none."""
    proven = gap.causes[gap.causes["verdict"] != "not enough evidence"] if len(gap.causes) else gap.causes
    everywhere = describe_moved(gap)
    told = [f"{row['statement']}{describe_money(row, gap, currency)}" for row in proven.to_dict("records")]
    more = len(told) - MOST_CAUSES
    told = told[:MOST_CAUSES] + ([f"and {more} more below"] if more > 0 else [])
    suspects = len(gap.causes) - len(proven)
    basis = "Only what can't be luck among everything that was searched"
    if suspects:
        basis += f"; {suspects} more {'slice stands' if suspects == 1 else 'slices stand'} out without proof"
    if gap.search is None and gap.creation is None:
        return AnswerLine("At which step, in which slice?", (UNSEARCHED,))
    return AnswerLine(
        "At which step, in which slice?",
        tuple(one for one in (everywhere, *told, *describe_cancelling(gap, currency)) if one) or (NOISE,),
        basis,
        "bad" if (proven["contribution"] < 0).any() else "note",
    )


def _answer_who(fairness: Fairness | None, currency: str) -> AnswerLine | None:
    """Tell who is cleared; a person is never told as a cause."""
    if fairness is None or fairness.steps.empty:
        return None
    basis = (
        f"{fairness.n_people} people, {custom_period(fairness.start, fairness.end).label}, adjusted for what came to "
        "them, under one error control"
    )
    tone = "note" if (fairness.steps["n_below"] > 0).any() or list_cleared(fairness, currency).empty else "good"
    return AnswerLine("Who is cleared?", (describe_fairness(fairness, currency),), basis, tone)


def _answer_what_to_do(gap: Gap) -> list[AnswerLine]:
    """Take what closes the gap and what keeps it from coming back from the causes with evidence, money first.

    What only hides causes (measurement) closes no gap: it is told apart.
    """
    rows = gap.five_m
    evident = rows[rows["verdict"] == EVIDENCE] if len(rows) else rows
    if evident.empty:
        return []
    order = pd.DataFrame({"unknown": evident["money"].isna(), "size": -evident["money"].abs().fillna(0.0)})
    evident = evident.loc[order.sort_values(["unknown", "size"], kind="stable").index]
    is_hiding = evident["m"] == MEASUREMENT
    asked = (
        ("What closes the gap?", evident.loc[~is_hiding, "contain"]),
        ("What keeps it from coming back?", evident.loc[~is_hiding, "prevent"]),
        ("What would let us see more?", evident.loc[is_hiding, "prevent"]),
    )
    basis = "From the questions with evidence, the most money first"
    return [
        AnswerLine(question, tuple(dict.fromkeys(told))[:MOST_STEPS], basis) for question, told in asked if len(told)
    ]


def describe_answer(gap: Gap, currency: str) -> str:
    """Say the answer in one headline: the gap, and where most of it starts."""
    if not gap.is_explained:
        return gap.why_not
    proven = gap.causes[gap.causes["verdict"] != "not enough evidence"] if len(gap.causes) else gap.causes
    distance = format_value(abs(gap.gap), "currency" if gap.is_money else "count", currency=currency)
    side = "missing" if gap.gap < 0 else "more than expected"
    if proven.empty:
        return f"{distance} {side}, and no single slice is to blame"
    here, later = (proven.loc[proven["lens"] == lens, "slice"].nunique() for lens in ("closing", "creation"))
    start = f"it starts in {_count_places(here)}" if here else "no single slice of this period's deals explains it"
    rest = f"{_count_places(later)} {'costs' if later == 1 else 'cost'} later revenue" if later else ""
    if (proven.loc[proven["lens"] == "creation", "contribution"] > 0).any():
        rest = f"{_count_places(later)} {'changes' if later == 1 else 'change'} later revenue"
    return f"{distance} {side}: {start}{f'; {rest}' if rest else ''}"


def _count_places(count: int) -> str:
    """Write how many places.

    >>> _count_places(1), _count_places(3)
    ('one place', '3 places')
    """
    return "one place" if count == 1 else f"{count} places"
