"""The whole story of a gap: how much, of which kind, where, who is cleared, and what the five Ms say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.bridge import BRIDGE_COLUMNS, decompose
from helpers.analyses.cause_words import describe_cause, find_members
from helpers.analyses.creation_leaves import build_creation_leaves, build_win_leaves
from helpers.analyses.fairness import Fairness, review_fairness
from helpers.analyses.five_m import EVIDENCE, FIVE_M_COLUMNS, Question, gather_evidence
from helpers.analyses.leaves import REVENUE, GapLeaves, build_closing_leaves
from helpers.analyses.localise import localise
from helpers.analyses.period_leaves import find_beginning, read_periods
from helpers.analyses.plan_leaves import plan_leaves
from helpers.analyses.season_adjustment import Season, adjust_season
from helpers.periods import Period

ROOT_CAUSE_COLUMNS = [
    "rank", "step", "effect", "slice", "slice_json", "aliases", "contribution", "share_of_gap", "n_actual",
    "n_expected", "q_value", "m", "verdict", "low", "high", "lens", "statement",
]  # fmt: skip
"""The columns of ``root_cause.csv``; ``lens`` is closing (this period's revenue) or creation (what it brings later)."""

HISTORY_OF = {"month": 12, "quarter": 4, "year": 2}
"""How many earlier periods an expectation is learnt from at most: a year of them, since older ones speak of another
company (its first deals, another price list), and a whole year holds every season once."""

LEAST_PER_CELL = 5
"""Records per combination of partitions that the whole's composition needs."""

SUSPECTS = 3
"""How many slices that stand out only by themselves are told beside the causes."""


@dataclass(frozen=True)
class Gap:
    """Hold what was found about a gap.

    Attributes:
        period: The period in question.
        compared: What it is compared with, in words ("Q2 2026", "plan"), empty where there is nothing.
        outcome: What the gap is measured in: the amount or the last step.
        is_money: Whether that is money.
        expected: Expected outcome.
        actual: Actual outcome.
        bridge: The rows of ``decomposition.csv``.
        causes: The rows of ``root_cause.csv``.
        moved: What moved everywhere: lens, step, effect, ratio, low, high, contribution.
        mix_over: The partitions over whose combinations the whole's composition is told.
        closing: Leaves of the bridge, or None.
        search: Leaves of the search in the period's closes, or None.
        creation: Leaves of the search in what entered, or None.
        fairness: Everybody compared with what came to them; None where nobody looked.
        five_m: The evidence for each cause of the five Ms.
        why_not: Why there is no bridge, where there is none.
        seasons: Lens → the season that its expectation was brought to.
    """

    period: Period
    compared: str
    outcome: str
    is_money: bool
    expected: float
    actual: float
    bridge: pd.DataFrame
    causes: pd.DataFrame
    moved: pd.DataFrame
    mix_over: tuple[str, ...] = ()
    closing: GapLeaves | None = None
    search: GapLeaves | None = None
    creation: GapLeaves | None = None
    fairness: Fairness | None = None
    five_m: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=FIVE_M_COLUMNS))
    why_not: str = ""
    seasons: dict[str, Season] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """Actual less expected."""
        return self.actual - self.expected

    @property
    def is_explained(self) -> bool:
        """Whether there is something to compare."""
        return not self.bridge.empty


def explain_gap(
    company, *, period: Period, compared: Period | None, history: Sequence[Period], as_of: date, compare_to: str = ""
) -> Gap:
    """Explain the gap of a period against what it is compared with.

    The bridge compares with one period (or the plan: the last periods' engine at the volume that the goal needs).
    The search for causes takes its expectation from the earlier periods given, up to a year of them, because one
    period's small slices say too little.

    Args:
        company: The opened company.
        period: The period in question.
        compared: The period compared with; None for the plan.
        history: All periods up to the one in question.
        as_of: The last day that counts.
        compare_to: ``plan`` where the plan is asked for.

    Returns:
        The gap with bridge, causes, people and five Ms; each part empty where the company's data lacks it.
    """
    earlier = [one for one in history if one.end < period.start][-HISTORY_OF.get(period.grain, 4) :]
    closing, words = _build_bridge_leaves(company, period, compared, earlier, as_of, compare_to)
    question = {"period": period, "history": history, "as_of": as_of}
    search, creation, seasons = _build_search(company, earlier, **question)
    told = closing or _compare_creation(company, period, compared, as_of)
    if told is not None and closing is None:
        words = compared.label if compared else ""
    mix_over = _choose_mix(told)
    bridge = _decompose(told, mix_over)
    expected, actual = (told.expected, told.actual) if told is not None else (0.0, 0.0)
    gap = actual - expected
    causes, moved = _search_all(search, creation, gap if closing is not None and closing.amount else None)
    fairness = review_fairness(company, **question)
    is_searched = search is not None or creation is not None
    asked = Question(
        company, period, earlier, as_of, causes, fairness, is_searched, moved,
        {"closing": search, "creation": creation}, gap if closing is not None and closing.amount else None,
    )  # fmt: skip
    five_m = gather_evidence(asked)
    return Gap(
        period=period,
        compared=words if told is not None else "",
        outcome=told.outcome if told is not None else REVENUE,
        is_money=told is not None and told.amount is not None,
        expected=expected,
        actual=actual,
        bridge=bridge,
        causes=_name_m(causes, five_m, search, creation),
        moved=moved,
        mix_over=mix_over,
        closing=told,
        search=search,
        creation=creation,
        fairness=fairness,
        five_m=five_m,
        why_not="" if told is not None else _why_not(company, earlier, compare_to, as_of),
        seasons=seasons,
    )


def _build_bridge_leaves(
    company, period: Period, compared: Period | None, earlier: list[Period], as_of: date, compare_to: str
) -> tuple[GapLeaves | None, str]:
    """Build the leaves of the bridge against a period, or against the plan."""
    if compare_to != "plan":
        if compared is None:
            return None, ""
        leaves = build_closing_leaves(company, period=period, expected=[compared], as_of=as_of, with_people=True)
        has_both = leaves is not None and leaves.frame[f"{leaves.steps[0]}_expected"].sum() > 0
        return (leaves, compared.label) if has_both else (None, "")
    if not earlier:
        return None, ""
    leaves = build_closing_leaves(company, period=period, expected=earlier, as_of=as_of, with_people=True)
    if leaves is None or leaves.amount is None:
        return None, ""
    plan = plan_leaves(leaves, company.targets, period, history=_list_outcomes(company, leaves, period, earlier, as_of))
    return (plan.leaves, "plan") if plan is not None else (None, "")


def _build_search(
    company, earlier: list[Period], *, period: Period, history: Sequence[Period], as_of: date
) -> tuple[GapLeaves | None, GapLeaves | None, dict[str, Season]]:
    """Build the leaves of both lenses of the search, brought to the season, without what an export begins with."""
    asked = {"period": period, "as_of": as_of}

    def build(lens: str, expected: list[Period]) -> GapLeaves | None:
        if lens == "creation":
            return build_creation_leaves(company, expected=expected, **asked)
        return build_closing_leaves(company, expected=expected, **asked, business="new", with_slipped=False)

    found, seasons = {}, {}
    for lens in ("closing", "creation"):
        leaves, expected = build(lens, earlier), earlier
        if leaves is None:
            continue
        read = read_periods(company, replace(leaves, dimensions=()), earlier=earlier, **asked)
        first = leaves.steps[0]
        begun = find_beginning([float(frame[first].sum()) if first in frame else 0.0 for _, frame in read])
        if begun:
            expected = earlier[begun:]
            leaves = build(lens, expected) or leaves
        found[lens], seasons[lens] = adjust_season(company, leaves, expected=expected, history=history, **asked)
    if not found:
        found["closing"] = build_win_leaves(company, expected=earlier, **asked)
    return found.get("closing"), found.get("creation"), seasons


def _list_outcomes(company, leaves: GapLeaves, period: Period, earlier: list[Period], as_of: date) -> pd.Series | None:
    """Return the revenue of each earlier period, by which a goal for the year is spread; None where there is none."""
    targets = company.targets
    if targets is None or targets.empty or not (targets["grain"] == "year").any():
        return None
    question = {"period": period, "earlier": earlier, "as_of": as_of, "business": "all"}
    read = read_periods(company, replace(leaves, dimensions=()), **question)
    revenue = {one.start: float(frame[REVENUE].sum()) for one, frame in read if REVENUE in frame}
    return pd.Series(revenue, dtype=float)


def _compare_creation(company, period: Period, compared: Period | None, as_of: date) -> GapLeaves | None:
    """Build the bridge of a company without deals: how far the period's records came, against another period's."""
    if compared is None or "deal" in company.tables:
        return None
    question = {"period": period, "expected": [compared], "as_of": as_of}
    return build_creation_leaves(company, **question) or build_win_leaves(company, **question)


def _choose_mix(leaves: GapLeaves | None) -> tuple[str, ...]:
    """Choose the partitions over whose combinations the whole's composition is told.

    As many, in the order of the leaves, as leave ``LEAST_PER_CELL`` records per combination: in finer cells nearly
    every record is a cell of its own, and all would be called composition.
    """
    if leaves is None:
        return ()
    first = leaves.steps[0]
    records = leaves.frame[f"{first}_expected"] + leaves.frame[f"{first}_actual"]
    chosen: list[str] = []
    count = 1
    for dimension in leaves.dimensions:
        if dimension in leaves.people:
            continue
        cells = leaves.frame[records > 0][[*chosen, dimension]].drop_duplicates()
        if count < len(cells) <= records.sum() / LEAST_PER_CELL:
            chosen.append(dimension)
            count = len(cells)
    return tuple(chosen)


def _decompose(leaves: GapLeaves | None, mix_over: tuple[str, ...]) -> pd.DataFrame:
    """Decompose a gap in total and by every partition, or return an empty table."""
    if leaves is None:
        return pd.DataFrame(columns=BRIDGE_COLUMNS).astype({"contribution": float, "share_of_gap": float})
    options = {"steps": list(leaves.steps), "amount": leaves.amount, "slipped": leaves.slipped}
    whole = decompose(leaves.frame, list(mix_over), **options)
    parts, methods = [whole[whole["dimension"] == "all"]], {"all": whole.attrs["methods"]["all"]}
    for dimension in leaves.dimensions:
        cut = decompose(leaves.frame, [dimension], **options)
        parts.append(cut[cut["dimension"] != "all"])
        methods[dimension] = cut.attrs["methods"][dimension]
    found = pd.concat(parts, ignore_index=True)
    found.attrs = {"gap": whole.attrs["gap"], "methods": methods}
    return found


def _search_all(
    search: GapLeaves | None, creation: GapLeaves | None, gap: float | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Search both lenses and put their causes into one ranked table; money where it can be had."""
    parts, moved = [], []
    for leaves in (search, creation):
        if leaves is None:
            continue
        found = localise(
            leaves.frame,
            list(leaves.dimensions),
            list(leaves.steps),
            amount=leaves.amount,
            expected_periods=leaves.expected_periods,
            suspects=SUSPECTS,
            adjusted_for=leaves.adjusted_for,
        )
        worth = leaves.worth if leaves.lens == "creation" and leaves.worth else 1.0
        everywhere = [
            {"lens": leaves.lens, "step": step, **part, "contribution": float(part["contribution"]) * worth}
            for step, part in found.attrs["global"].items()
        ]
        moved += everywhere
        found = found.assign(lens=leaves.lens)
        found[["contribution", "low", "high"]] = found[["contribution", "low", "high"]] * worth
        is_share = leaves.lens == "closing" and bool(gap)
        found["share_of_gap"] = found["contribution"] / gap if is_share else np.nan
        found["statement"] = [describe_cause(row, leaves) for row in found.to_dict("records")]
        parts.append(found)
    if not parts:
        return pd.DataFrame(columns=ROOT_CAUSE_COLUMNS), pd.DataFrame(moved)
    causes = pd.concat(parts, ignore_index=True)
    causes = causes[(causes["verdict"] != "not enough evidence") | (causes["contribution"] < 0)]
    order = pd.DataFrame(
        {
            "suspicion": causes["verdict"] == "not enough evidence",
            "offset": causes["contribution"] > 0,
            "size": -causes["contribution"].abs(),
        }
    )
    causes = causes.loc[order.sort_values(["suspicion", "offset", "size"], kind="stable").index].reset_index(drop=True)
    causes["rank"] = np.arange(1, len(causes) + 1)
    causes["m"] = ""
    return causes[ROOT_CAUSE_COLUMNS], pd.DataFrame(moved)


def _name_m(
    causes: pd.DataFrame, five_m: pd.DataFrame, search: GapLeaves | None, creation: GapLeaves | None
) -> pd.DataFrame:
    """Say which of the five Ms the evidence points to for each cause.

    Volume, composition and value are material. A rate is machinery where the same records show a step in a process
    on a certain day, else method: how such records are worked.
    """
    if causes.empty:
        return causes
    breaks = five_m[(five_m["m"] == "machinery") & (five_m["verdict"] == EVIDENCE) & five_m["slice"].str.contains("=")]
    leaves = {"closing": search, "creation": creation}
    named = []
    for row in causes.itertuples():
        m = "method" if row.effect == "rate" else "material"
        own = leaves[row.lens]
        if row.lens == "creation" and row.effect == "rate" and own is not None:
            inside = [_share_inside(own, json.loads(row.slice_json), text) for text in breaks["slice"]]
            m = "machinery" if any(share >= 0.9 for share in inside) else m
        named.append(m)
    return causes.assign(m=named)


def _share_inside(leaves: GapLeaves, slice_values: dict[str, list], text: str) -> float:
    """Return which share of a slice's records lies in another slice, written as ``region=Nordics``."""
    dimension, _, value = text.partition("=")
    frame = leaves.frame
    if dimension not in frame.columns:
        return 0.0
    inside = find_members(frame, slice_values)
    entered = frame[f"{leaves.steps[0]}_actual"]
    whole = entered[inside].sum()
    return float(entered[inside & (frame[dimension] == value)].sum() / whole) if whole else 0.0


def _why_not(company, earlier: list[Period], compare_to: str, as_of: date) -> str:
    """Say why no gap can be told."""
    if not {"deal", "contact"} & set(company.tables):
        return (
            "There are neither deals nor contacts with dates, so no funnel can be compared. Add one of their exports."
        )
    if compare_to == "plan":
        return "No goal for closed revenue covers the company in this period. Type it in the goal matrix."
    if not earlier:
        return "This is the first period in the exports: there is nothing to compare it with yet."
    return "Neither period has records that reached a later stage, so nothing can be compared."
