"""Pipeline as it is generated: what each source creates per period, and how much of it is there at the next starts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np
import pandas as pd

from helpers.analyses.coverage import OTHER, TOTAL, Coverage
from helpers.analyses.goal_expectation import expect_volume, measure_residual_spread
from helpers.analyses.slice_returns import shrink_means
from helpers.engine.journeys import Journeys, build_journeys
from helpers.engine.timeline import NO_DAY, day_number
from helpers.model.goal import GoalRules
from helpers.periods import MONTHS_IN, Period, period_of

GENERATED_COLUMNS = ["period_start", "source", "opportunities", "pipeline"]
EXPECTED_COLUMNS = [*GENERATED_COLUMNS, "opportunities_low", "opportunities_high", "pipeline_low", "pipeline_high", "n"]
STARTING_COLUMNS = [
    "period_start",
    "source",
    "open_pipeline",
    "stays",
    "arriving",
    "arriving_n",
    "forecast",
    "lead_days",
]
LEVEL_YEARS = 1


@dataclass(frozen=True)
class PipelineGeneration:
    """What sources have generated, what they may be expected to, and what of it starts a period.

    Attributes:
        generated: One row per ended period and source (``all`` = total) with ``GENERATED_COLUMNS``: new-business
            opportunities created in it and their amount as it stood at its end.
        expected: The same for the periods to come as history lets one expect, with the interval of each and the ``n``
            opportunities of the last year behind it.
        starting: One row per period to come and source with ``STARTING_COLUMNS``: ``open_pipeline`` due in it now,
            ``stays`` of it (and comes in from other periods) by its start, ``arriving``: due in it from opportunities
            that are not created yet, as such a lead of ``lead_days`` has usually brought, ``arriving_n`` of them;
            ``forecast`` as in ``Coverage``, which ``stays`` + ``arriving`` add up to.
        sizes: Source → average amount of an opportunity, drawn towards all sources' where there are few.
        interval: Of the intervals, 0–1.
    """

    generated: pd.DataFrame
    expected: pd.DataFrame
    starting: pd.DataFrame
    sizes: dict[str, float]
    interval: float


def measure_generation(
    company, coverage: Coverage, *, as_of: date, grain: str = "quarter", rules: GoalRules
) -> PipelineGeneration:
    """Measure what every source generates, for the periods and sources of a coverage that is available.

    Args:
        company: The opened company.
        coverage: As made by ``measure_coverage`` for the same day and grain.
        as_of: The last day that counts.
        grain: The length of a period.
        rules: What ``goals.toml`` says.
    """
    journeys = build_journeys(company, as_of=as_of)
    view = _Deals.build(journeys, coverage, as_of)
    table, fiscal = coverage.table, company.fiscal_year_start
    starts = sorted(table["period_start"].unique())
    periods = [period_of(pd.Timestamp(start).date(), grain, fiscal) for start in starts]
    ended = [period for period in periods if period.end <= as_of]
    coming = [period for period in periods if period.start > as_of]
    known = [period for period in periods if period.start <= as_of]
    generated = _add_total(pd.DataFrame([row for p in ended for row in view.generate(p)], columns=GENERATED_COLUMNS))
    sizes = view.measure_sizes(ended[-_per_year(grain) :])
    expected = _expect(generated, coming, view.names, grain, rules)
    starting = view.list_starting(known, coming, table, rules)
    return PipelineGeneration(generated, expected, starting, sizes, rules.simulation.interval)


def _per_year(grain: str) -> int:

    return 12 // MONTHS_IN[grain] * LEVEL_YEARS


@dataclass(frozen=True)
class _Deals:
    """New-business deals with their source, ready to be read on any day."""

    journeys: Journeys
    names: tuple[str, ...]
    code: np.ndarray
    is_new: np.ndarray
    created: np.ndarray
    today: int

    @classmethod
    def build(cls, journeys: Journeys, coverage: Coverage, as_of: date) -> "_Deals":
        deals = journeys.records["deal"]
        names = tuple(dict.fromkeys(coverage.table.loc[coverage.table["source"] != TOTAL, "source"]))
        if names:
            labels = [str(label) for label in journeys.labels[coverage.source]]
            rest = names.index(OTHER) if OTHER in names else len(names)
            place = np.array([names.index(label) if label in names else rest for label in labels])
            code = place[deals.codes[coverage.source]]
        else:
            names, code = (TOTAL,), np.zeros(deals.n, dtype=np.int64)
        created = journeys.history.created.astype(np.int64)
        is_new = deals.is_business("new") & (journeys.history.created != NO_DAY) & (code < len(names))
        return cls(journeys, names, code, is_new, created, day_number(as_of))

    def add_up(self, chosen: np.ndarray, evening: int) -> tuple[np.ndarray, np.ndarray]:
        """Return number and amount per source of chosen deals as they stood at the end of a day."""
        amounts = np.nan_to_num(self.journeys.history.state_on(evening).amount[chosen])
        size = len(self.names)
        return np.bincount(self.code[chosen], minlength=size), np.bincount(self.code[chosen], amounts, minlength=size)

    def generate(self, period: Period) -> list[dict[str, object]]:
        first, last = day_number(period.start), day_number(period.end)
        n, amount = self.add_up(self.is_new & (self.created >= first) & (self.created <= last), last)
        return [
            dict(zip(GENERATED_COLUMNS, (pd.Timestamp(period.start), name, int(n[i]), float(amount[i])), strict=True))
            for i, name in enumerate(self.names)
        ]

    def arrive(self, period: Period, lead: int) -> tuple[np.ndarray, np.ndarray]:
        """Return number and amount of what was due at a period's start from deals created within a lead before it."""
        first, last, evening = day_number(period.start), day_number(period.end), day_number(period.start) - 1
        state = self.journeys.history.state_on(evening)
        due = state.is_open & self.is_new & (state.closed >= first) & (state.closed <= last)
        return self.add_up(due & (self.created > evening - lead) & (self.created <= evening), evening)

    def measure_sizes(self, periods: Sequence[Period]) -> dict[str, float]:
        if not periods:
            return {}
        first, last = day_number(periods[0].start), day_number(periods[-1].end)
        amounts = self.journeys.history.state_on(last).amount
        chosen = self.is_new & (self.created >= first) & (self.created <= last) & (np.nan_to_num(amounts) > 0)
        if not chosen.any():
            return {}
        n, total = self.add_up(chosen, last)
        pooled, spread = float(total.sum() / n.sum()), float(np.var(amounts[chosen]))
        own = np.divide(total, n, out=np.full(len(n), pooled), where=n > 0)
        variance = np.divide(spread, n, out=np.full(len(n), np.inf), where=n > 0)
        return dict(zip(self.names, shrink_means(own, pooled, variance).tolist(), strict=True))

    def list_starting(
        self, known: Sequence[Period], coming: Sequence[Period], table: pd.DataFrame, rules: GoalRules
    ) -> pd.DataFrame:
        begins = int(self.created[self.is_new].min()) if self.is_new.any() else self.today
        now = table[table["week"] == 0].set_index(["period_start", "source"])
        rows = []
        for period in coming:
            lead = day_number(period.start) - 1 - self.today
            before = [p for p in known if day_number(p.start) - 1 - lead >= begins]
            before = before[-rules.coverage.conversion_periods :]
            found = [self.arrive(p, lead) for p in before] if lead else []
            zero = np.zeros(len(self.names))
            n = np.mean([part[0] for part in found], axis=0) if found else zero
            amount = np.mean([part[1] for part in found], axis=0) if found else zero
            for i, name in enumerate(self.names):
                cell = now.loc[(pd.Timestamp(period.start), name)]
                forecast = float(cell["forecast"])
                arriving = min(float(amount[i]), forecast) if forecast == forecast else float(amount[i])
                stays = forecast - arriving if forecast == forecast else float(cell["open_pipeline"])
                values = (pd.Timestamp(period.start), name, float(cell["open_pipeline"]), stays, arriving, float(n[i]))
                rows.append(dict(zip(STARTING_COLUMNS, (*values, forecast, lead), strict=True)))
        starting = pd.DataFrame(rows, columns=STARTING_COLUMNS)
        return _add_total(starting, kept=("lead_days",))


def _add_total(rows: pd.DataFrame, *, kept: Sequence[str] = ()) -> pd.DataFrame:
    """Put each period's total before its sources; a single nameless source is the total itself."""
    if rows.empty or set(rows["source"]) == {TOTAL}:
        return rows
    numbers = [name for name in rows.columns if name not in ("period_start", "source", *kept)]
    how = {name: (name, lambda part: part.sum(min_count=1)) for name in numbers} | {
        name: (name, "first") for name in kept
    }
    whole = rows.groupby("period_start", as_index=False).agg(**how).assign(source=TOTAL)
    both = pd.concat([whole[rows.columns], rows], ignore_index=True)
    return both.sort_values("period_start", kind="stable", ignore_index=True)


def _expect(
    generated: pd.DataFrame, coming: Sequence[Period], names: Sequence[str], grain: str, rules: GoalRules
) -> pd.DataFrame:
    if generated.empty or not coming:
        return pd.DataFrame(columns=EXPECTED_COLUMNS)
    starts = [pd.Timestamp(period.start) for period in coming]
    z = NormalDist().inv_cdf(0.5 + rules.simulation.interval / 2)
    expected: dict[tuple[str, str], np.ndarray] = {}
    ends: dict[tuple[str, str], np.ndarray] = {}
    parts = [TOTAL, *[name for name in names if name != TOTAL]]
    for column in ("opportunities", "pipeline"):
        usual = rules.variability.volume if column == "opportunities" else rules.variability.money
        for name in parts:
            series = generated[generated["source"] == name].set_index("period_start")[column].astype(float)
            expected[name, column] = np.array(expect_volume(series, starts, grain=grain, rules=rules))
            spread = measure_residual_spread(series)
            spread = max(spread if spread == spread else usual, rules.variability.minimum)
            counts = generated[generated["source"] == name]["opportunities"].tail(_per_year(grain)).mean()
            ends[name, column] = z * np.sqrt(spread**2 + 1.0 / max(float(counts), 0.5)) * np.ones(len(starts))
        if len(parts) > 1:
            expected[TOTAL, column] = np.sum([expected[name, column] for name in parts[1:]], axis=0)
    rows = []
    for place, start in enumerate(starts):
        for name in parts:
            row: dict[str, object] = {"period_start": start, "source": name}
            for column in ("opportunities", "pipeline"):
                value, half = float(expected[name, column][place]), float(ends[name, column][place])
                row |= {column: value, f"{column}_low": value * np.exp(-half), f"{column}_high": value * np.exp(half)}
            last = generated[generated["source"] == name]["opportunities"].tail(_per_year(grain))
            rows.append(row | {"n": int(last.sum())})
    return pd.DataFrame(rows)[EXPECTED_COLUMNS]
