"""Pipeline coverage, top-down: do we give sales a chance to hit the number, and does sales convert it?

Attainment is exactly starting coverage × pipeline conversion. Everything here is new business; a period's pipeline is
what was open on the morning of a day with a close date in the period, as it stood on that day. Week 0 is the morning of
the first day; week k is read on the evening of day 7k, the last one of that week, so week 3 (days 15 to 21) on day 21.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.targets import find_new_business_target, find_target, group_goals
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.goal import GoalRules, load_goal_rules
from helpers.periods import Period, period_of

COVERAGE_COLUMNS = [
    "period_start", "week", "source", "open_pipeline", "target", "coverage", "bookings", "conversion", "attainment",
    "needed_coverage", "to_go_coverage", "forecast",
]  # fmt: skip
"""The columns of ``coverage.csv``."""

WEEK_COLUMNS = [
    *COVERAGE_COLUMNS, "booked_before", "from_pipeline", "pulled_in", "created_within", "needed_to_go",
    "needed_create_and_close", "target_basis",
]  # fmt: skip
"""The columns of ``Coverage.weeks``."""

TOTAL = "all"
NEEDED_OF = ["open_pipeline", "bookings", "booked_before", "created_within", "from_pipeline"]
OTHER = "(other)"
BLANK = "(blank)"
BOOKINGS = "revenue_won"
SOURCES = ("source", "channel", "gtm_motion")
MOST_SOURCES = 6


@dataclass(frozen=True)
class Coverage:
    """The coverage of a company, or why there is none.

    Attributes:
        table: One row per period, week and source, with ``COVERAGE_COLUMNS``.
        reason: Why the table is empty; empty where it isn't.
        cure: What to do about it.
        source: The partition that tells the sources; empty where there is none.
        create_and_close: Share of bookings from deals that were created in the period itself, over the last periods.
        weeks: ``table`` and what stands behind it, with ``WEEK_COLUMNS``. ``booked_before``: booked from the period's
            start to the reading. What was booked after it comes ``from_pipeline`` (open and due at the reading),
            ``pulled_in`` (there by then, due elsewhere) or ``created_within`` (created after it); blank while the
            period runs. ``needed_to_go``: see ``need_to_go``. ``needed_create_and_close``: see ``need_coverage``, with
            the share and the rate of the ended periods before at that week. ``target_basis``: ``typed``, ``added`` up
            from shorter periods, ``spread`` from a longer one, or blank.
        win_rate_on_hand: Share of the amount open and due at the start that was booked from those very deals, over the
            last periods; differs from the pipeline conversion by what was pulled in or created later.
    """

    table: pd.DataFrame
    reason: str = ""
    cure: str = ""
    source: str = ""
    create_and_close: float = float("nan")
    weeks: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=WEEK_COLUMNS))
    win_rate_on_hand: float = float("nan")

    @property
    def is_available(self) -> bool:
        """Whether there is anything to show."""
        return not self.reason


def cover(open_pipeline: float, target: float) -> float:
    """Divide pipeline by target; NaN where there is no target.

    >>> cover(4_000_000, 1_000_000)
    4.0
    """
    return open_pipeline / target if target > 0 else float("nan")


def attain(coverage: float, conversion: float) -> float:
    """Multiply coverage and conversion: the share of the target that was booked.

    >>> round(attain(3.1, 0.34), 3), round(attain(4.0, 0.25), 3)
    (1.054, 1.0)
    """
    return coverage * conversion


def need_coverage(conversion: float, *, create_and_close: float = 0.0) -> float:
    """Tell the starting coverage that makes plan.

    Args:
        conversion: With ``create_and_close`` 0 the pipeline conversion (bookings ÷ starting pipeline); else the rate at
            which the pipeline on hand itself is won.
        create_and_close: The share of bookings from deals created in the period, 0–1.

    Returns:
        (1 − create_and_close) ÷ conversion; NaN where the conversion isn't more than 0.

    Source:
        Kellogg, target coverage = 1 ÷ week-k conversion; with in-quarter create-and-close (1 − share) ÷ rate.

    >>> need_coverage(0.25), round(need_coverage(0.20, create_and_close=0.30), 2)
    (4.0, 3.5)
    """
    return (1.0 - create_and_close) / conversion if conversion > 0 else float("nan")


def need_to_go(open_pipeline: float, booked_later: float) -> float:
    """Tell the to-go coverage that makes plan from a week on: what was open then ÷ what was booked from then on.

    Args:
        open_pipeline: What was open and due at that week, added up over ended periods.
        booked_later: What those periods booked after that week.

    Returns:
        The needed to-go coverage, the inverse of the conversion to go; NaN where nothing was booked or open.

    >>> need_to_go(250.0, 50.0)
    5.0
    """
    return open_pipeline / booked_later if booked_later > 0 and open_pipeline > 0 else float("nan")


def measure_coverage(
    company, *, as_of: date, grain: str = "quarter", back: int = 8, ahead: int = 4, rules: GoalRules | None = None
) -> Coverage:
    """Measure the coverage of past periods week by week, and forecast the start of the next ones.

    Args:
        company: The opened company.
        as_of: The last day that counts.
        grain: The length of a period.
        back: Periods that have ended.
        ahead: Periods to come.
        rules: What ``goals.toml`` says.

    Returns:
        One row per period, week (0 = the morning of its first day, k = the evening of day 7k) and source (``all`` =
        total). ``open_pipeline``: new business due in the period, as it stood then (for a period to come: what is there
        now). ``target``: its bookings target, typed for it, added up from shorter periods or an equal part of what a
        longer one leaves over; blank without one. ``coverage`` = open_pipeline ÷ target. ``bookings``: new business won
        in the whole period, blank while it runs. ``conversion`` = bookings ÷ open_pipeline, ``attainment`` = bookings ÷
        target = coverage × conversion. ``needed_coverage`` = 1 ÷ the conversion at that week of the ended periods
        before. ``to_go_coverage`` = open_pipeline ÷ (target − booked by then), blank once the target is booked.
        ``forecast`` (week 0): the starting pipeline as it could be foreseen one period earlier, for periods to come as
        it can be today: what was there plus what such a lead time has brought on average.
    """
    rules = rules or load_goal_rules()
    journeys = build_journeys(company, as_of=as_of)
    reason, cure = _explain_absence(journeys)
    if reason:
        return Coverage(pd.DataFrame(columns=COVERAGE_COLUMNS), reason, cure)
    source = next((id for id in SOURCES if id in journeys.records["deal"].codes), "")
    view = _View.build(company, journeys, source, as_of)
    current = period_of(as_of, grain, company.fiscal_year_start)
    last_ended = current if current.end <= as_of else current.previous()
    ended = [last_ended.previous(n) for n in range(back - 1, -1, -1)]
    ended = [period for period in ended if view.begins <= day_number(period.start)]
    running = [] if current.end <= as_of else [current]
    coming = [last_ended.previous(-n) for n in range(1 + len(running), ahead + 1 + len(running))]
    rows = [row for period in [*ended, *running] for row in view.read_weeks(period)]
    rows += [row for period in coming for row in view.read_now(period)]
    if not rows:
        return Coverage(
            pd.DataFrame(columns=COVERAGE_COLUMNS),
            "No period with pipeline has ended yet.",
            "Wait for the end of the first whole period, or take shorter periods.",
        )
    table = pd.DataFrame(rows)
    table = _relate(table, ended, rules)
    table = _forecast(table, view, [*ended, *running], coming, rules)
    share, rate = _split_starts(table, ended, rules)
    weeks = table[WEEK_COLUMNS]
    return Coverage(table[COVERAGE_COLUMNS], "", "", source, share, weeks=weeks, win_rate_on_hand=rate)


def _explain_absence(journeys: Journeys) -> tuple[str, str]:
    if "deal" not in journeys.records:
        return "The exports hold no deals.", "Add an export of deals."
    deals = journeys.records["deal"]
    if "amount" not in deals.cents:
        return "Deals carry no amount.", "Map deal.amount to the column that holds it."
    open_now = journeys.deals.is_open
    if open_now.any() and (journeys.deals.closed[open_now] == NO_DAY).all():
        return (
            "Open deals carry no expected close date, so nobody can say what was due in a period.",
            "Fill in the close date of open deals in the CRM, and export them with it.",
        )
    if open_now.any() and not deals.known["amount"][open_now].any():
        return "Open deals carry no amount.", "Fill in the amount of open deals in the CRM, and export them with it."
    if not journeys.tracks_close_dates:
        return (
            "What was open at the start of a past period can't be told: the exports hold neither a history of deals "
            "nor several snapshots.",
            "Export the history of stage, amount and close date as deal_history, or add every week's export.",
        )
    return "", ""


@dataclass(frozen=True)
class _View:
    """New-business deals with their source, ready to be read on any day."""

    journeys: Journeys
    names: tuple[str, ...]
    code: np.ndarray
    is_new: np.ndarray
    won_on: np.ndarray
    cents: np.ndarray
    targets: pd.DataFrame
    source: str
    today: int
    begins: int
    existing: frozenset[str]
    _known_targets: dict[tuple[Period, str], tuple[float, str]] = field(default_factory=dict, repr=False)

    @classmethod
    def build(cls, company, journeys: Journeys, source: str, as_of: date) -> "_View":
        deals = journeys.records["deal"]
        is_new = deals.is_business("new")
        won_on = np.where(is_new, deals.reached["won", "new"], NO_DAY)
        names, code = _keep_biggest(journeys, source, deals.cents["amount"] * is_new)
        created = journeys.history.created
        known = created[created != NO_DAY]
        begins = int(known.min()) if len(known) else day_number(as_of)
        return cls(
            journeys,
            names,
            code,
            is_new,
            won_on,
            deals.cents["amount"],
            company.targets,
            source,
            day_number(as_of),
            begins,
            company.catalog.existing_business,
        )

    def pipeline(self, evening: int, period: Period) -> np.ndarray:
        """Add up what was open at the end of a day and due in a period, per source."""
        state = self.journeys.history.state_on(evening)
        first, last = day_number(period.start), day_number(period.end)
        due = state.is_open & self.is_new & (state.closed >= first) & (state.closed <= last)
        due &= self.journeys.history.created != NO_DAY
        amounts = np.nan_to_num(state.amount[due])
        return np.bincount(self.code[due], weights=amounts, minlength=len(self.names))

    def booked(self, first: int, last: int) -> np.ndarray:
        """Add up what was won from one day to another, per source."""
        won = (self.won_on != NO_DAY) & (self.won_on >= first) & (self.won_on <= min(last, self.today))
        return np.bincount(self.code[won], weights=self.cents[won], minlength=len(self.names)) / 100

    def split(self, evening: int, period: Period) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Split what was won after an evening by where it stood then: open and due, there but due elsewhere, or new."""
        state, created = self.journeys.history.state_on(evening), self.journeys.history.created
        first, last = day_number(period.start), day_number(period.end)
        won = (self.won_on > evening) & (self.won_on >= first) & (self.won_on <= last) & (self.won_on != NO_DAY)
        is_new = created > evening
        on_hand = state.is_open & (created != NO_DAY) & (state.closed >= first) & (state.closed <= last)
        parts = (won & ~is_new & on_hand, won & ~is_new & ~on_hand, won & is_new)
        weigh = [np.bincount(self.code[p], weights=self.cents[p], minlength=len(self.names)) / 100 for p in parts]
        return weigh[0], weigh[1], weigh[2]

    def target(self, period: Period, name: str) -> tuple[float, str]:
        """Return the bookings target and where it comes from; the company's is that of new business where typed so."""
        if (period, name) in self._known_targets:
            return self._known_targets[period, name]
        if name == TOTAL:
            found = find_new_business_target(self.targets, BOOKINGS, self.existing, period)
        else:
            found = find_target(group_goals(self.targets, BOOKINGS, self.source).get(name, {}), period)
        self._known_targets[period, name] = found or (float("nan"), "")
        return self._known_targets[period, name]

    def read_weeks(self, period: Period) -> list[dict[str, object]]:
        """Read a period on the morning of its first day and every seven days on."""
        first, last = day_number(period.start), day_number(period.end)
        ended = last <= self.today
        whole = self.booked(first, last)
        unknown = np.full(len(self.names), np.nan)
        rows = []
        for week, morning in enumerate(range(first, min(last, self.today) + 1, 7)):
            parts = self.split(morning - 1, period) if ended else (unknown,) * 3
            values = (self.pipeline(morning - 1, period), whole if ended else unknown, self.booked(first, morning - 1))
            rows += self._rows(period, week, (*values, *parts))
        return rows

    def read_now(self, period: Period) -> list[dict[str, object]]:
        """Read what is there today for a period to come."""
        unknown, none = np.full(len(self.names), np.nan), np.zeros(len(self.names))
        return self._rows(period, 0, (self.pipeline(self.today, period), unknown, none, unknown, unknown, unknown))

    def _rows(self, period: Period, week: int, values: Sequence[np.ndarray]) -> list[dict[str, object]]:
        names = ("open_pipeline", "bookings", "booked_before", "from_pipeline", "pulled_in", "created_within")
        parts = [(TOTAL, [float(value.sum()) for value in values])]
        if len(self.names) > 1:
            parts += [(name, [float(value[i]) for value in values]) for i, name in enumerate(self.names)]
        rows = []
        for name, numbers in parts:
            target, basis = self.target(period, name)
            row = {"period_start": pd.Timestamp(period.start), "week": week, "source": name, "target": target}
            rows.append(row | {"target_basis": basis} | dict(zip(names, numbers, strict=True)))
        return rows


def _split_starts(table: pd.DataFrame, ended: Sequence[Period], rules: GoalRules) -> tuple[float, float]:
    """Tell which share of bookings was created within, and which of the starting pipeline was booked from it."""
    last = [pd.Timestamp(period.start) for period in ended[-rules.coverage.conversion_periods :]]
    rows = table[(table["source"] == TOTAL) & (table["week"] == 0) & table["period_start"].isin(last)]
    total, pipeline = rows["bookings"].sum(), rows["open_pipeline"].sum()
    share = rows["created_within"].sum() / total if total else float("nan")
    return float(share), float(rows["from_pipeline"].sum() / pipeline if pipeline else float("nan"))


def _keep_biggest(journeys: Journeys, source: str, weight: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    n = journeys.records["deal"].n
    if not source:
        return (TOTAL,), np.zeros(n, dtype=np.int64)
    labels, codes = list(journeys.labels[source]), journeys.records["deal"].codes[source]
    size = np.bincount(codes, weights=weight, minlength=len(labels))
    used = [int(i) for i in np.argsort(-size, kind="stable") if size[i] > 0]
    kept = sorted(used[:MOST_SOURCES] if len(used) > MOST_SOURCES + 1 else used)
    names = [str(labels[i]) for i in kept]
    place = np.full(len(labels), len(kept), dtype=np.int64)
    place[kept] = np.arange(len(kept))
    code = place[codes]
    if (code == len(kept)).any():
        names.append(OTHER)
    return tuple(names), code


def _relate(table: pd.DataFrame, ended: Sequence[Period], rules: GoalRules) -> pd.DataFrame:
    """Divide: coverage, conversion, attainment, what was needed, and what is left to go."""
    table = table.copy()
    with_target = table["target"].where(table["target"] > 0)
    pipeline = table["open_pipeline"].where(table["open_pipeline"] > 0)
    table["coverage"] = table["open_pipeline"] / with_target
    table["conversion"] = table["bookings"] / pipeline
    table["attainment"] = table["bookings"] / with_target
    to_go = with_target - table["booked_before"]
    table["to_go_coverage"] = table["open_pipeline"] / to_go.where(to_go > 0)
    is_past = table["period_start"].isin([pd.Timestamp(period.start) for period in ended]).to_numpy()
    starts, numbers = table["period_start"].to_numpy(), table[NEEDED_OF].to_numpy(dtype=float)
    needed = np.full((len(table), 3), np.nan)
    for rows in table.groupby(["week", "source"]).indices.values():
        ordered = rows[np.argsort(starts[rows], kind="stable")]
        past = ordered[is_past[ordered]]
        for row in ordered:
            before = past[starts[past] < starts[row]][-rules.coverage.conversion_periods :]
            needed[row] = _need(*np.nansum(numbers[before], axis=0))
    table[["needed_coverage", "needed_to_go", "needed_create_and_close"]] = needed
    return table


def _need(pipeline: float, bookings: float, booked: float, created_within: float, from_pipeline: float) -> list[float]:
    """Tell what coverage at a week would have made plan in the periods before, three ways."""
    later = bookings - booked
    if not pipeline:
        return [float("nan")] * 3
    created = created_within / later if later > 0 else 0.0
    on_hand = need_coverage(from_pipeline / pipeline, create_and_close=created)
    return [need_coverage(bookings / pipeline), need_to_go(pipeline, later), on_hand]


def _forecast(
    table: pd.DataFrame, view: _View, known: Sequence[Period], coming: Sequence[Period], rules: GoalRules
) -> pd.DataFrame:
    """Foresee starting pipelines: what is there at a lead time, plus what that lead time has brought on average."""
    table = table.copy()
    table["forecast"] = np.nan
    start_of = {period: day_number(period.start) - 1 for period in [*known, *coming]}
    starts = {period: view.pipeline(start_of[period], period) for period in known}
    for period in [*known, *coming]:
        lead = start_of[period] - view.today if period in coming else period.previous().days
        seen_on = start_of[period] - lead
        if seen_on < view.begins:
            continue
        before = [p for p in known if start_of[p] <= seen_on and start_of[p] - lead >= view.begins]
        before = before[-rules.coverage.conversion_periods :]
        if lead and not before:
            continue
        brought = [starts[p] - view.pipeline(start_of[p] - lead, p) for p in before] if lead else [0.0]
        foreseen = np.maximum(view.pipeline(seen_on, period) + np.mean(brought, axis=0), 0.0)
        for name, value in [(TOTAL, foreseen.sum()), *zip(view.names, foreseen, strict=True)]:
            at = (table["period_start"] == pd.Timestamp(period.start)) & (table["week"] == 0)
            table.loc[at & (table["source"] == name), "forecast"] = float(value)
    return table
