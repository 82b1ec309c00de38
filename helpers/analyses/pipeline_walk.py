"""The pipeline walk: from what was open at a period's start to what was open at its end, step by step, to the cent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.records import NAMES, link_record
from helpers.analyses.slicing_filters import describe_filters, name_cuts, plan_cuts, resolve_filters
from helpers.analyses.walk_steps import ALL_OPEN, DUE, SCOPES, STEPS, Moves, find_moves, last_changes
from helpers.engine.journeys import BUSINESS, Journeys, build_journeys
from helpers.engine.pipeline import open_carry_amounts
from helpers.engine.slicing import resolve_partition
from helpers.engine.timeline import NO_DAY, day_number, to_date
from helpers.errors import QuestionError, suggest
from helpers.periods import Period
from helpers.units import format_value

WHOLE = "all"
WALK_COLUMNS = [
    "period_start", "period_end", "scope", "dimension", "slice", "step", "label", "direction", "amount", "deals",
]  # fmt: skip
RECORD_COLUMNS = [
    "record", "name", "step", "label", "amount", "amount_before", "amount_after", "close_date_before",
    "close_date_after", "changed_on", "owner", "link",
]  # fmt: skip
ADD_EXPORTS = "Add next week's export with: python -m helpers add; from then on the two are compared."


@dataclass(frozen=True)
class PipelineWalk:
    """One period's walk.

    Attributes:
        period: The period.
        until: The last evening that is known; the period's end unless it is still running.
        scope: due (by close date in the period) or open (all open pipeline).
        frame: One row per step, in order, of the company and then of every slice: ``WALK_COLUMNS``; amount is signed
            and in currency, missing where amounts can't be told; ``deals`` counts the deals that took the step.
        records: One row per deal and step: ``RECORD_COLUMNS`` and the partitions asked for.
        headline: The finding.
        notes: What a reader has to know of these numbers.
        why_not: Why there is no walk; empty where there is one.
        cure: What to do about it.
        has_money: Whether amounts can be told.
        by: The cuts.
    """

    period: Period
    until: date | None
    scope: str
    frame: pd.DataFrame
    records: pd.DataFrame
    headline: str
    notes: tuple[str, ...] = ()
    why_not: str = ""
    cure: str = ""
    has_money: bool = True
    by: tuple[tuple[str, ...], ...] = field(default=())

    @property
    def is_told(self) -> bool:
        """Whether there is a walk."""
        return not self.why_not

    @property
    def total(self) -> pd.DataFrame:
        """The company's own steps."""
        return self.frame[self.frame["dimension"] == WHOLE]


def walk_pipeline(
    company: Any,
    period: Period,
    *,
    by: Sequence[str] = (),
    scope: str = DUE,
    business: str = "new",
    filters: Mapping[str, Any] | None = None,
    as_of: date | None = None,
) -> PipelineWalk:
    """Walk from the pipeline at a period's start to that at its end.

    Args:
        company: The company.
        period: The period.
        by: Cuts: partitions, or several joined by ``&``. A deal stands in the slice of its value as of the last day
            that counts.
        scope: due takes the pipeline whose close date lies in the period, open all open pipeline, in which nothing is
            pulled in or pushed out.
        business: new, existing or all.
        filters: Partition → values that count, or ``{"not_in": values}``.
        as_of: The last day that counts.

    Returns:
        The walk. The steps lead from opening to closing to the cent, for the company and every slice; the slices of one
        cut add up to the company. Where neither a history nor a second export tells earlier close dates, the walk of
        what was due is not told, and says so; that of all open pipeline is told by current values.

    Raises:
        QuestionError: Scope, business, a partition or a value is unknown.

    Source: Clari, Ebsta and Salesforce's Pipeline Inspection use the same words for the flows.
    """
    for name, value, allowed in (("scope", scope, SCOPES), ("business", business, BUSINESS)):
        if value not in allowed:
            raise QuestionError(f"{name} '{value}' is unknown. Allowed: {', '.join(allowed)}.{suggest(value, allowed)}")
    if "deal" not in company.tables:
        return _refuse(period, scope, "No export holds deals, so there is no pipeline.", "Add an export of deals.")
    journeys = build_journeys(company, as_of=as_of)
    why_not, cure = _find_obstacle(journeys, period, scope)
    if why_not:
        return _refuse(period, scope, why_not, cure)
    first, last = day_number(period.start), day_number(period.end)
    until = min(last, journeys.observed_until)
    counted = journeys.records["deal"].is_business(business) & match_filters(company, journeys, filters, as_of)
    moves = find_moves(journeys.history, counted, first, last, until, scope)
    has_money = open_carry_amounts(journeys)
    cuts = plan_cuts(list(by))
    kept = [step for step in STEPS if scope in step.scopes and not (step.is_rare and not moves.took[step.id].any())]
    rank = "amount" if has_money else "deals"
    parts = [_add_up(moves, kept, np.zeros(len(counted), np.int64), WHOLE, [WHOLE], rank)]
    for cut in cuts:
        names, place = slices_of(company, journeys, cut)
        parts.append(_add_up(moves, kept, place, " & ".join(cut), names, rank))
    frame = pd.concat(parts, ignore_index=True).assign(
        period_start=pd.Timestamp(period.start), period_end=pd.Timestamp(period.end), scope=scope
    )[WALK_COLUMNS]
    if not has_money:
        frame["amount"] = np.nan
    records = _list_records(company, journeys, moves, kept, cuts, (first, until))
    notes = _say_notes(company, journeys, moves, counted, has_money, filters, business, cuts)
    headline = _say_headline(frame[frame["dimension"] == WHOLE], period, scope, has_money, company.currency)
    return PipelineWalk(
        period, to_date(until), scope, frame, records, headline, notes, has_money=has_money, by=tuple(cuts)
    )


def _refuse(period: Period, scope: str, why_not: str, cure: str) -> PipelineWalk:
    empty = pd.DataFrame(columns=WALK_COLUMNS), pd.DataFrame(columns=RECORD_COLUMNS)
    return PipelineWalk(period, None, scope, *empty, "No pipeline walk can be told", why_not=why_not, cure=cure)


def _find_obstacle(journeys: Journeys, period: Period, scope: str) -> tuple[str, str]:
    if day_number(period.start) > journeys.observed_until:
        return f"{period.label} begins after the last day that counts.", "Name an earlier period."
    if scope == DUE and (journeys.history.closed == NO_DAY).all():
        return "No deal has a close date, so nothing is due at a time.", "Map deal.closed_at in company.toml."
    if scope == DUE and not journeys.tracks_close_dates:
        return (
            "There are current values only: one export without a history of deals, so nobody can tell what was due at "
            f"the start of {period.label}, or what was pulled in or pushed out since.",
            f"Export the history of close dates, or begin keeping one today. {ADD_EXPORTS} The walk of all open "
            "pipeline is told by current values.",
        )
    return "", ""


def match_filters(company: Any, journeys: Journeys, filters: Mapping[str, Any] | None, as_of: Any) -> np.ndarray:
    """Return which deals pass the filters."""
    deals = journeys.records["deal"]
    keep = np.ones(deals.n, bool)
    for name, wanted in (resolve_filters(company, filters, as_of=as_of) or {}).items():
        id = resolve_partition(company, name, journeys.labels)
        if id not in deals.codes:
            raise QuestionError(f"deals don't carry '{name}', so the pipeline can't be filtered by it.")
        single = wanted is None or isinstance(wanted, str)
        texts = {"(blank)" if one is None else str(one) for one in ([wanted] if single else wanted)}
        keep &= np.isin(journeys.labels[id].astype(str)[deals.codes[id]], sorted(texts))
    return keep


def slices_of(company: Any, journeys: Journeys, cut: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Return the names of a cut's slices, and which of them each deal stands in."""
    deals, texts = journeys.records["deal"], None
    for name in cut:
        id = resolve_partition(company, name, journeys.labels)
        if id not in deals.codes:
            raise QuestionError(f"deals don't carry '{name}', so the pipeline can't be cut by it.")
        own = journeys.labels[id].astype(str)[deals.codes[id]].astype("O")
        texts = own if texts is None else texts + " & " + own
    place, names = pd.factorize(texts, sort=True)
    return [str(name) for name in names], place


def _add_up(
    moves: Moves, kept: Sequence[Any], place: np.ndarray, dimension: str, names: Sequence[str], rank: str
) -> pd.DataFrame:
    """Add up every step per slice, in whole cents, the largest slice by ``rank`` first; one without deals is out."""
    rows, size = [], len(names)
    for order, step in enumerate(kept):
        took = moves.took[step.id]
        cents = np.zeros(size, np.int64)
        np.add.at(cents, place[took], moves.cents[step.id][took])
        deals = np.bincount(place[took], minlength=size)
        rows.append(
            pd.DataFrame(
                {
                    "slice": names, "step": step.id, "label": step.label, "direction": step.direction,
                    "amount": cents / 100, "deals": deals, "order": order,
                }
            )
        )  # fmt: skip
    frame = pd.concat(rows, ignore_index=True).assign(dimension=dimension)
    occurs = frame.groupby("slice")["deals"].sum()
    frame = frame[frame["slice"].isin(occurs.index[(occurs > 0) | (dimension == WHOLE)])]
    size_of = frame[frame["step"].isin(("opening", "created", "closing"))].groupby("slice")[rank].sum()
    frame = frame.assign(size=frame["slice"].map(size_of).fillna(0))
    return frame.sort_values(["size", "slice", "order"], ascending=[False, True, True]).drop(columns=["order", "size"])


def _list_records(
    company: Any, journeys: Journeys, moves: Moves, kept: Sequence[Any], cuts: Sequence[Sequence[str]], days: tuple
) -> pd.DataFrame:
    table, history = company.tables["deal"], journeys.history
    n, (first, until) = len(table), days
    logs = {"close": history.closes, "amount": history.amounts, "stage": history.stages}
    changed = {name: last_changes(log, n, first, until) for name, log in logs.items()}
    when = {"pulled_in": "close", "carried_in": "close", "pushed_out": "close", "dated_back": "close"}
    when |= {"amount_up": "amount", "amount_down": "amount", "reopened": "stage"}
    pattern = company.settings.record_url.get("deal", "")
    ids = table["id"].astype("str").to_numpy()
    name = next((column for column in NAMES if column in table), None)
    named = {}
    for one in dict.fromkeys(partition for cut in cuts for partition in cut):
        names, place = slices_of(company, journeys, (one,))
        named[one] = np.array(names, dtype="O")[place]
    parts = []
    for order, step in enumerate(kept):
        rows = np.flatnonzero(moves.took[step.id])
        on = changed[when[step.id]][rows] if step.id in when else np.full(len(rows), NO_DAY)
        on = history.created[rows] if step.id == "created" else on
        on = moves.after.closed[rows] if step.id in ("won", "lost") else on
        part = {
            "record": ids[rows],
            "name": table[name].astype("str").to_numpy()[rows] if name else pd.array([pd.NA] * len(rows), dtype="str"),
            "step": step.id,
            "label": step.label,
            "amount": moves.cents[step.id][rows] / 100,
            "amount_before": np.where(moves.before.exists[rows], moves.before.amount[rows], np.nan),
            "amount_after": moves.after.amount[rows],
            "close_date_before": _stamps(np.where(moves.before.exists[rows], moves.before.closed[rows], NO_DAY)),
            "close_date_after": _stamps(moves.after.closed[rows]),
            "changed_on": _stamps(on),
            "owner": table["owner"].astype("str").to_numpy()[rows] if "owner" in table else pd.NA,
            "link": [link_record(pattern, id) for id in ids[rows]],
            "order": order,
        }
        part |= {one: values[rows] for one, values in named.items()}
        parts.append(pd.DataFrame(part))
    frame = pd.concat(parts, ignore_index=True).assign(size=lambda each: each["amount"].abs())
    frame = frame.sort_values(["order", "size", "record"], ascending=[True, False, True], ignore_index=True)
    return frame.drop(columns=["order", "size"])


def _stamps(days: np.ndarray) -> pd.Series:
    real = np.asarray(days).astype("int64")
    stamps = np.where(real == NO_DAY, 0, real).astype("datetime64[D]").astype("datetime64[us]")
    return pd.Series(np.where(real == NO_DAY, np.datetime64("NaT", "us"), stamps))


def _say_notes(
    company: Any, journeys: Journeys, moves: Moves, counted: np.ndarray, has_money: bool,
    filters: Mapping[str, Any] | None, business: str, cuts: Sequence[Sequence[str]],
) -> tuple[str, ...]:  # fmt: skip
    history, notes = journeys.history, []
    notes.append({"new": "New business only.", "existing": "Existing business only.", "all": ""}[business])
    if filters:
        notes.append(f"Filtered: {describe_filters(filters)}.")
    if not len(history.amounts) and has_money:
        notes.append(f"Amounts are current values only: no history tells their changes. {ADD_EXPORTS}")
    if not has_money:
        notes.append("Deals that are open today carry no amount, so the walk counts deals and not money.")
    if not len(history.stages):
        notes.append("Won, lost and open are told by today's outcome and close date: no history tells reopened deals.")
    if cuts:
        notes.append(f"By {name_cuts(dict.fromkeys(one for cut in cuts for one in cut))} as it stands today.")
    for mask, text in (
        (counted & (history.created == NO_DAY), "without a create date left out"),
        (moves.lost_elsewhere, "due at another time were lost in the period; they never were in this pipeline"),
        (
            moves.took["opening"] & np.isnan(moves.before.amount) & has_money,
            "of the opening without an amount, counted as 0",
        ),
    ):
        n = int(mask.sum())
        if n:
            notes.append(f"{n:,} {'deal' if n == 1 else 'deals'} {text}.")
    gone = company.issues[company.issues["code"].eq("record_gone")] if len(company.issues) else company.issues
    n_gone = int(gone["message"].str.contains("this deal", case=False).sum()) if len(gone) else 0
    if n_gone:
        deals = "1 deal is" if n_gone == 1 else f"{n_gone:,} deals are"
        notes.append(f"{deals} gone from the latest export (deleted or merged) and left out on every day.")
    return tuple(note for note in notes if note)


def _say_headline(total: pd.DataFrame, period: Period, scope: str, has_money: bool, currency: str) -> str:
    measure, unit = ("amount", "currency") if has_money else ("deals", "count")
    value = {row.step: abs(float(getattr(row, measure))) for row in total.itertuples()}

    def say(step: str) -> str:
        noun = "" if has_money else " deal" if value[step] == 1 else " deals"
        return f"{format_value(value[step], unit, currency=currency)}{noun}"

    what = f"Pipeline due in {period.label}" if scope == DUE else "Open pipeline"
    if not any(value.values()):
        return f"{what}: nothing was open, and nothing came"
    start, end = value["opening"], value["closing"]
    if scope == ALL_OPEN:
        moved = "grew" if end > start else "shrank" if end < start else "stayed"
        at = f"at {say('closing')}" if end == start else f"from {say('opening')} to {say('closing')}"
        return f"{what} {moved} {at} in {period.label}: {say('created')} created, {say('won')} won, {say('lost')} lost"
    outs = {"won": "was won", "lost": "was lost", "pushed_out": "was pushed out"}
    *rest, largest = sorted(outs, key=lambda step: (value[step], step))
    more = "more than" if value[largest] > value[rest[1]] else "as much as"
    verb = outs[largest] if has_money else outs[largest].replace("was", "were")
    return (
        f"{what} started at {say('opening')}: {say(largest)} {verb}, {more} the {say(rest[1])} "
        f"{outs[rest[1]].replace('was ', '')}"
    )


def choose_told(walks: Sequence[PipelineWalk]) -> PipelineWalk:
    """Return the first walk that can be told, the first one where none can."""
    return next((walk for walk in walks if walk.is_told), walks[0])


def list_step(walk: PipelineWalk, step: str, *, slice: Mapping[str, str] | None = None) -> pd.DataFrame:
    """List the deals behind one step, of the company or one slice.

    Args:
        walk: The walk.
        step: The step's id.
        slice: Partition → value; the partitions have to be among the walk's cuts.

    Raises:
        QuestionError: The step or the partition is none of the walk's.
    """
    known = list(dict.fromkeys(walk.frame["step"]))
    if walk.is_told and step not in known:
        raise QuestionError(f"step '{step}' is unknown. This walk has: {', '.join(known)}.{suggest(step, known)}")
    found = walk.records[walk.records["step"] == step]
    for name, value in (slice or {}).items():
        if name not in found:
            raise QuestionError(f"the walk isn't cut by '{name}'. Name it in by.{suggest(name, list(found))}")
        found = found[found[name] == value]
    return found.reset_index(drop=True)
