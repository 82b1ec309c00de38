"""How many records each rule of counting touched, so that nothing is dropped or filled in silence."""

from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

from helpers.engine.cells import ask
from helpers.engine.counting import find_maturity, find_step
from helpers.engine.folding import step_days
from helpers.engine.journeys import Journeys, Records, build_journeys
from helpers.engine.local_evaluator import evaluate_journeys
from helpers.engine.recurring import active_on
from helpers.engine.timeline import FAR, NO_DAY
from helpers.periods import parse_day

RULE_COLUMNS = ["rule", "description", "n_records"]


def describe_rules(company, *, as_of: date | str | None = None) -> pd.DataFrame:
    """Count the records that each rule of counting touched.

    Args:
        company: The opened company.
        as_of: The last day that counts; None takes everything in the exports.

    Returns:
        One row per rule that can apply to this company's objects: rule, description in words, n_records (0 where it
        touched none).
    """
    journeys = build_journeys(company, as_of=parse_day(as_of) if as_of else None)
    rows = [*_contact_rules(company, journeys), *_step_rules(company, journeys), *_deal_rules(company, journeys)]
    rows += _recurring_rules(journeys)
    return pd.DataFrame([(rule, words, int(n)) for rule, words, n in rows], columns=RULE_COLUMNS)


def _contact_rules(company, journeys: Journeys) -> list[tuple[str, str, int]]:
    if "contact" not in journeys.records:
        return []
    links = _links(company)
    deals_each, contacts_each = links.groupby("contact_id").size(), links.groupby("deal_id").size()
    return [
        (
            "several deals per contact",
            "Contacts with more than one deal count once per stage, by the first deal that reaches it.",
            (deals_each > 1).sum(),
        ),
        (
            "several contacts per deal",
            "Deals with more than one contact: cohorts of contacts count each contact, counts of deals the deal once.",
            (contacts_each > 1).sum(),
        ),
    ]


def _links(company) -> pd.DataFrame:
    tables = [
        table[["deal_id", "contact_id"]]
        for table in (company.tables.get("deal_contact"), _renamed(company.tables.get("deal")))
        if table is not None and {"deal_id", "contact_id"} <= set(table.columns)
    ]
    empty = pd.DataFrame({"deal_id": pd.Series(dtype="str"), "contact_id": pd.Series(dtype="str")})
    return pd.concat(tables or [empty]).dropna().drop_duplicates()


def _renamed(deals: pd.DataFrame | None) -> pd.DataFrame | None:
    return None if deals is None else deals.rename(columns={"id": "deal_id"})


def _step_rules(company, journeys: Journeys) -> list[tuple[str, str, int]]:
    """Count, per step between neighbouring stages, who was further before, who skipped and who is on the way."""
    question = ask(company, evaluate_journeys(journeys), "all")
    stages = [id for id in company.catalog.stages if id in journeys.homes]
    label = {id: company.catalog.stages[id].label for id in stages}
    rows = []
    for first, second in pairwise(stages):
        home = journeys.homes[first]
        step = company.catalog.conversion(first, second).measure
        dated = find_step(question, home, step)
        if home == "session" or dated is None:
            continue
        went, _ = step_days(journeys.records[home], dated)
        start, stop = (_reached(journeys.records[home], id, step.business) for id in (first, second))
        rows.append(
            (
                f"reached before: {first} to {second}",
                f"{label[second]} dated before {label[first]}: they don't count for the step.",
                ((start != NO_DAY) & (stop != NO_DAY) & (stop < start)).sum(),
            )
        )
        rows.append(
            (
                f"skipped: {first}",
                f"{label[second]} without a date as {label[first]}: they count as {label[second]}, not for the step.",
                ((start == NO_DAY) & (stop != NO_DAY)).sum(),
            )
        )
        wait = find_maturity(question, home, step)
        age = journeys.observed_until - start.astype(np.int64)
        young = (start != NO_DAY) & ~went & (age < (wait if wait is not None else FAR))
        rows.append(
            (
                f"open cohort: {first} to {second}",
                f"{label[first]} that haven't become {label[second]} and are younger than "
                f"{'any past conversion' if wait is None else f'{wait} days'}: they may still convert.",
                young.sum(),
            )
        )
    return rows


def _reached(records: Records, stage: str, business: str) -> np.ndarray:
    return records.reached.get((stage, business), records.reached.get((stage, "all")))


def _deal_rules(company, journeys: Journeys) -> list[tuple[str, str, int]]:
    if "deal" not in journeys.records:
        return []
    deals, state, history = journeys.records["deal"], journeys.deals, journeys.history
    won = deals.reached.get(("won", "all"), np.full(deals.n, NO_DAY)) != NO_DAY
    known = deals.known.get("amount", np.zeros(deals.n, bool))
    undone = (history.outcome != 0) & state.is_open
    changes = company.tables.get("deal_history")
    return [
        (
            "existing business",
            "Renewals and other existing business: in volumes and sums, but not in win rate, cycle, velocity, coverage "
            "and conversions into and out of opportunities.",
            (~deals.is_new & state.exists).sum(),
        ),
        ("undated opportunity", "Deals without a create date: they count at no stage but their close.",
         (history.created == NO_DAY).sum()),
        ("undated close", "Won or lost deals without a close date: they count in no period.",
         ((state.outcome != 0) & (state.closed == NO_DAY)).sum()),
        ("won without amount", "Won deals without an amount: not in the average deal size, nothing in closed revenue.",
         (won & ~known).sum()),
        ("open again", "Deals closed after the last day that counts: open as of then.", (undone & state.exists).sum()),
        ("re-entered", "Deals that entered a stage more than once: their first entry counts.", _reentered(history)),
        ("current stage used", "Open deals whose stage as of then no history tells: shown without one.",
         (state.stage_is_current & state.exists).sum()),
        ("current close date used", "Open deals whose close date as of then no history tells: today's value is used.",
         (state.closed_is_current & state.exists).sum()),
        ("current amount used", "Open deals whose amount as of then no history tells: today's value is used.",
         (state.amount_is_current & state.exists).sum()),
        ("history of unknown deals", "Changes in the deal history whose deal is in no export: ignored.",
         0 if changes is None else (~changes["deal_id"].isin(company.tables["deal"]["id"])).sum()),
    ]  # fmt: skip


def _reentered(history) -> int:
    entries = pd.DataFrame({"deal": history.stages.deal, "stage": history.stages.new})
    return entries[entries.duplicated()]["deal"].nunique()


def _recurring_rules(journeys: Journeys) -> list[tuple[str, str, int]]:
    records = journeys.records.get("subscription")
    if records is None or "start_at" not in records.days:
        return []
    renewal = records.days.get("renewal_at", np.full(records.n, NO_DAY))
    end = records.days.get("end_at", np.full(records.n, NO_DAY))
    now = active_on(records, journeys.observed_until)
    return [
        ("month to month", "Active subscriptions without a renewal date: they count as up for renewal in every period.",
         (now & (renewal == NO_DAY)).sum()),
        ("ended before its term", "Subscriptions that ended before their renewal date: in no renewal's denominator.",
         ((end != NO_DAY) & (renewal != NO_DAY) & (end < renewal)).sum()),
    ]  # fmt: skip
