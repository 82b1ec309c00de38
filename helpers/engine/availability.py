"""Why a KPI has no rows, in words, and what to map so that it gets some."""

from datetime import date

import pandas as pd

from helpers.engine.answering import answer
from helpers.engine.cells import ask, choose_kpis, is_shortcut, open_evaluator
from helpers.engine.journeys import LOST_STAGE, Journeys, build_journeys
from helpers.engine.local_evaluator import evaluate_journeys
from helpers.engine.pipeline import BOOKINGS, has_targets, open_carry_amounts
from helpers.engine.recurring import FIELD
from helpers.engine.slicing import Lens
from helpers.engine.timeline import NO_DAY
from helpers.model.kpi import Kpi
from helpers.periods import parse_day

AVAILABILITY_COLUMNS = ["kpi", "label", "is_available", "reason", "cure"]
PLURAL = {
    "session": "sessions",
    "contact": "contacts",
    "deal": "deals",
    "customer": "customers",
    "subscription": "subscriptions",
}
FIELD_OF = {"mrr": "subscription.mrr", "seats": "subscription.seats", "amount": "deal.amount"}


def explain_availability(company, *, as_of: date | str | None = None) -> pd.DataFrame:
    """Tell for every KPI of the catalog whether the data can tell it, and if not, why and what to do.

    Args:
        company: The opened company.
        as_of: The last day that counts; None takes everything in the exports.

    Returns:
        One row per KPI, in the catalog's order: kpi, label, is_available, reason and cure, both empty where nothing is
        missing. An available KPI has a reason where one of its definitions (such as the cohort view) can't be told.
    """
    journeys = build_journeys(company, as_of=parse_day(as_of) if as_of else None)
    evaluator = open_evaluator(company, as_of)
    question = ask(company, evaluator, "all")
    catalog = company.catalog
    known = {**catalog.kpis, **{kpi.id: kpi for kpi in choose_kpis(company, evaluator.outline)}}
    asked = [kpi for kpi in known.values() if not is_shortcut(company, journeys, kpi)]
    told: dict[str, list] = {}
    for block in answer(company, question, asked, [Lens(question, ())], lambda *_: True):
        told.setdefault(block.kpi.id, []).append(block.cells)
    rows = []
    for kpi in known.values():
        shortcut = is_shortcut(company, journeys, kpi)
        cells = told.get(kpi.id, [])
        is_available = any(len(one.value) for one in cells)
        reason, cure = _explain_shortcut(company, journeys, kpi) if shortcut else ("", "")
        if not is_available and not shortcut:
            reason, cure = _explain(company, journeys, kpi)
        elif is_available and {"cohort", "period"} <= set(kpi.basis) and "cohort" not in {one.basis for one in cells}:
            reason, cure = _explain_no_cohort(company, journeys, kpi)
        rows.append((kpi.id, kpi.label, is_available, reason, cure))
    return pd.DataFrame(rows, columns=AVAILABILITY_COLUMNS)


def _explain(company, journeys: Journeys, kpi: Kpi) -> tuple[str, str]:
    measure, kind = kpi.measure, kpi.measure.kind
    for name in ("from_stage", "to_stage", "stage"):
        stage = getattr(measure, name, None)
        if stage is not None and stage not in journeys.homes:
            return _explain_stage(company, journeys, stage)
    explain = {
        "stock": _explain_stock,
        "retention": _explain_retention,
        "push": _explain_pipeline,
        "coverage": _explain_pipeline,
        "pipeline_conversion": _explain_pipeline,
        "outcome_share": _explain_outcome,
        "velocity": _explain_velocity,
    }.get(kind)
    if explain is not None:
        return explain(company, journeys, measure)
    if getattr(measure, "field", None):
        return _no_field(measure.field)
    if kind in ("conversion", "duration"):
        return (
            "No record has gone from the first stage to the second one by the last day that counts.",
            "Check that both dates are mapped and that contacts are linked to their deals.",
        )
    return (
        "The data has no record for it by the last day that counts.",
        "Check the mapping with `python -m helpers check`.",
    )


def _explain_stage(company, journeys: Journeys, id: str) -> tuple[str, str]:
    """Say why the data doesn't have a stage: no table, no column, or a column without a date."""
    stage = company.catalog.stages.get(id)
    if id == LOST_STAGE or stage is None:
        return _explain_outcome(company, journeys, None)
    own, contact = f"{stage.object}.{stage.date_field}", f"contact.{stage.contact_field}"
    fields = [own] if stage.date_field else []
    if stage.contact_field and contact != own:
        fields.append(contact)
    mapped = " or ".join(fields) or "the deal history (deal_history) or its date in the export of deals"
    if stage.object not in company.tables:
        return (
            f"{stage.label} can't be counted: the exports hold no {PLURAL[stage.object]}.",
            f"Add an export of {PLURAL[stage.object]}, or map {mapped}.",
        )
    if stage.date_field and stage.date_field not in company.list_columns(stage.object):
        return (
            f"{stage.label} can't be counted: {PLURAL[stage.object]} carry no date of that stage.",
            f"Map {mapped} to the column that holds it.",
        )
    return (
        f"{stage.label} can't be counted: no record has a date of that stage by the last day that counts.",
        f"Check what {mapped} is mapped to, and whether the CRM fills it.",
    )


def _explain_shortcut(company, journeys: Journeys, kpi: Kpi) -> tuple[str, str]:
    stages = [id for id in company.catalog.stages if id in journeys.homes]
    first, last = stages.index(kpi.measure.from_stage), stages.index(kpi.measure.to_stage)
    between = [company.catalog.stages[id].label for id in stages[first + 1 : last]]
    if not between:
        return (
            "The company's own order of stages has these two the other way round.",
            "Ask for the steps in that order.",
        )
    steps = ", ".join(f"{a}_to_{b}" for a, b in zip(stages[first:last], stages[first + 1 : last + 1], strict=True))
    return (
        f"{' and '.join(between)} lie between the two, so the step is shown in parts.",
        f"See {steps}; asked for by its id it is computed all the same.",
    )


def _explain_no_cohort(company, journeys: Journeys, kpi: Kpi) -> tuple[str, str]:
    home = PLURAL[journeys.homes[kpi.measure.from_stage]]
    last = company.catalog.stages[kpi.measure.to_stage]
    return (
        f"By period only: {home} aren't linked to the {PLURAL[last.object]} that followed, so no cohort can be traced.",
        "Map deal.contact_id, or add the export of associations (deal_contact); for customers map customer.deal_id.",
    )


def _explain_outcome(company, journeys: Journeys, measure) -> tuple[str, str]:
    if "deal" not in company.tables:
        return "The exports hold no deals.", "Add an export of deals."
    if LOST_STAGE not in journeys.homes:
        return (
            "No deal is recorded as lost, so won ÷ (won + lost) would always be 100 %.",
            'Map the label of lost deals (--stage "Closed Lost=lost"), or export closed-lost deals too.',
        )
    if measure is not None and measure.weight and measure.weight not in evaluate_journeys(journeys).outline.lost_fields:
        return (
            "Lost deals carry no amount, so a win rate by value would always be 100 %.",
            "Keep the amount when a deal is lost and export it as deal.amount; use win_rate, by count, until then.",
        )
    return "No deal was closed by the last day that counts.", "Check deal.closed_at and deal.outcome."


def _explain_velocity(company, journeys: Journeys, measure) -> tuple[str, str]:
    for stage in ("opportunity", "won"):
        if stage not in journeys.homes or "deal" not in journeys.records:
            return _explain_stage(company, journeys, stage)
    return _no_field("amount")


def _explain_stock(company, journeys: Journeys, measure) -> tuple[str, str]:
    if measure.object not in company.tables:
        return f"The exports hold no {PLURAL[measure.object]}.", f"Add an export of {PLURAL[measure.object]}."
    if measure.field and measure.field not in journeys.records[measure.object].cents:
        return _no_field(measure.field)
    if measure.object == "deal" and measure.field == "amount" and not open_carry_amounts(journeys):
        return "Open deals carry no amount.", "Fill in the amount while a deal is open, and map deal.amount."
    begin = {"deal": "created_at", "customer": "live_at", "subscription": "start_at"}[measure.object]
    return (
        f"No {PLURAL[measure.object]} have a date on which they began.",
        f"Map {measure.object}.{begin} to the column that holds it.",
    )


def _explain_retention(company, journeys: Journeys, measure) -> tuple[str, str]:
    if "subscription" not in company.tables:
        only = " or of customers with live_at and ended_at" if measure.variant == "logo_churn" else ""
        return "The exports hold no subscriptions.", f"Add an export of subscriptions{only}."
    field = FIELD[measure.variant]
    if field and field not in journeys.records["subscription"].cents:
        return _no_field(field)
    if "start_at" not in journeys.records["subscription"].days:
        return "Subscriptions carry no start date.", "Map subscription.start_at."
    return (
        "No subscription came up for renewal by the last day that counts.",
        "Check subscription.renewal_at; leave it unmapped where contracts run from month to month.",
    )


def _explain_pipeline(company, journeys: Journeys, measure) -> tuple[str, str]:
    if "deal" not in journeys.records:
        return "The exports hold no deals.", "Add an export of deals."
    if "amount" not in journeys.records["deal"].cents:
        return _no_field("amount")
    if (journeys.history.closed == NO_DAY).all():
        return "Deals carry no close date.", "Map deal.closed_at; while a deal is open it is the expected close."
    if not journeys.tracks_close_dates:
        return (
            "No change of a close date is known: the exports hold neither a deal history nor several snapshots, so "
            "nobody can tell which deals were due at the start of a period.",
            "Export the close date history as deal_history, or run `python -m helpers add` with every week's export.",
        )
    if measure.kind == "coverage" and not has_targets(company):
        return "Nobody has typed a bookings target.", f"Enter a goal for {BOOKINGS} in the goal matrix."
    if measure.kind == "coverage":
        return "No bookings target falls into the periods with deals.", f"Enter a goal for {BOOKINGS} per quarter."
    return (
        "No deal was due in a period at its start.",
        "Check deal.closed_at: while a deal is open it is the expected close.",
    )


def _no_field(field: str) -> tuple[str, str]:
    place = FIELD_OF.get(field, field)
    return f"No record carries {place}.", f"Map {place} to the column that holds it."
