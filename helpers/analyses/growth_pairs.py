"""Quality of growth: a volume that rises while the long-term KPI paired with it gets worse is vanity.

Each volume goal is paired with what it must not cost later: visitors with sign-ups, opportunities with what is won of
them, bookings with churn and expansion of the customers they brought. Which way is worse is the long-term KPI's own
direction. Both changes have to be beyond chance, corrected for how many were looked at, before anything is flagged.
Renewals come a term later, so what was won is set against the renewals of a term later, and what has not come up yet
is said to be unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from helpers.analyses.change_money import add_squares
from helpers.analyses.finding import Finding
from helpers.analyses.growth_windows import compare_windows, pool_window
from helpers.analyses.growth_words import list_pair_findings, say_pair
from helpers.analyses.unit_economics import mean_term
from helpers.model.goal import load_goal_rules
from helpers.periods import CUSTOM, MONTHS_IN, Period, period_of

VANITY, SOUND, NOISE, NO_RISE, UNKNOWN = "vanity", "sound", "noise", "no_rise", "unknown"
VERDICTS = {
    VANITY: "vanity",
    NOISE: "not told apart from noise",
    SOUND: "growth that lasts",
    NO_RISE: "volume has not risen",
    UNKNOWN: "not known yet",
}
"""Verdicts in the order in which they are shown."""

PAIR_COLUMNS = [
    "volume", "volume_label", "pair", "pair_label", "team", "verdict", "said", "window", "compared", "is_seasonal",
    "volume_window", "volume_compared", "lag", "volume_before", "volume_now", "volume_n", "volume_q", "pair_before",
    "pair_now", "pair_low", "pair_high", "pair_n", "pair_n_before", "pair_q", "known_until", "reason",
]  # fmt: skip
SERIES_COLUMNS = [
    "volume", "pair", "kpi", "side", "period", "period_start", "value", "low", "high", "n", "is_complete", "window",
]  # fmt: skip
ON_RENEWAL = ("grr", "nrr", "logo_churn", "seat_churn", "revenue_churn", "gross_churn")


@dataclass(frozen=True)
class GrowthPairs:
    """Each volume goal with its long-term pair.

    Attributes:
        table: One row per pair with ``PAIR_COLUMNS``, flagged ones first.
        series: One row per pair, side (volume or pair) and period with ``SERIES_COLUMNS``, oldest first; ``window`` is
            now or before where the period was compared.
        findings: What to say.
        significance: The level of q from which a change counts.
        compared: How many changes the correction is over.
    """

    table: pd.DataFrame
    series: pd.DataFrame
    findings: list[Finding]
    significance: float
    compared: int

    @property
    def is_available(self) -> bool:
        """Whether any pair has both its sides."""
        return bool((self.table["verdict"] != UNKNOWN).any())


def review_pairs(
    company: Any,
    cells: pd.DataFrame,
    *,
    as_of: date,
    grain: str = "quarter",
    pairs: Mapping[str, str] | None = None,
) -> GrowthPairs:
    """Judge every volume of a company by the long-term KPI that it is paired with.

    Args:
        company: The opened company.
        cells: Cells as made by ``build_cells``; those of the company and the grain are used.
        as_of: The last day that counts.
        grain: month, quarter or year.
        pairs: Volume KPI → long-term KPI; None takes those of ``goals.toml``.

    Returns:
        The review.
    """
    pairs = load_goal_rules().pairs if pairs is None else pairs
    mine = cells[(cells["dimension"] == "all") & (cells["grain"] == grain)]
    pairs = {volume: _find_step(company.catalog, pair, set(mine["kpi"])) for volume, pair in pairs.items()}
    for kpi in pairs:
        definition = company.catalog.kpis.get(kpi)
        if definition is not None and definition.unit == "currency":
            squared = add_squares(company, mine[mine["kpi"] == kpi], kpi, as_of=as_of)
            mine = pd.concat([mine[mine["kpi"] != kpi], squared], ignore_index=True)
    table = flag_vanity(
        mine, pairs, catalog=company.catalog, grain=grain, lags=find_lags(company, pairs, as_of, grain),
        fiscal_year_start=company.fiscal_year_start, currency=company.currency,
    )  # fmt: skip
    series = table.attrs.pop("series")
    found = list_pair_findings(table, company.catalog)
    compared = int(table[["volume_q", "pair_q"]].notna().to_numpy().sum())
    return GrowthPairs(table, series, found, company.catalog.rules.significance, compared)


def _find_step(catalog: Any, pair: str, known: set[str]) -> str:
    """Return a conversion's own next step where the company has another stage in between, such as MQL to SQL."""
    kpi = catalog.kpis.get(pair)
    if pair in known or kpi is None or kpi.measure.kind != "conversion":
        return pair
    steps = [
        one.id
        for one in catalog.kpis.values()
        if one.id in known and one.measure.kind == "conversion" and one.measure.from_stage == kpi.measure.from_stage
    ]
    return steps[0] if steps else pair


def find_lags(company: Any, pairs: Mapping[str, str], as_of: date, grain: str) -> dict[str, int]:
    """Return volume KPI → how many periods later its pair can be told: a term where the pair is told at renewals.

    The term is that of the contracts that came up in the year before, weighted by revenue; a year where none is known.
    """
    last = period_of(as_of, "quarter", company.fiscal_year_start)
    start = (pd.Timestamp(last.end) + pd.Timedelta(days=1) - pd.DateOffset(years=1)).date()
    term = mean_term(company, Period(start, last.end, CUSTOM, company.fiscal_year_start), as_of)
    per_year = 12 / MONTHS_IN[grain]
    kpis = company.catalog.kpis
    return {
        volume: round((1.0 if term is None else term) * per_year)
        for volume, pair in pairs.items()
        if pair in kpis and getattr(kpis[pair].measure, "variant", "") in ON_RENEWAL
    }


def flag_vanity(
    cells: pd.DataFrame,
    pairs: Mapping[str, str],
    *,
    catalog: Any,
    grain: str = "quarter",
    lags: Mapping[str, int] | None = None,
    fiscal_year_start: int = 1,
    currency: str = "USD",
) -> pd.DataFrame:
    """Flag every volume that rises while its long-term pair gets worse, both beyond chance.

    Args:
        cells: Cells of the company, one grain (columns of ``kpis.csv``; further ``squares`` for sums of money).
        pairs: Volume KPI → long-term KPI.
        catalog: The catalog; says which way is good and how sure is sure.
        grain: month, quarter or year.
        lags: Volume KPI → how many periods later its pair is told; 0 where missing.
        fiscal_year_start: First month of the fiscal year, for the names of periods.
        currency: For the texts.

    Returns:
        One row per pair with ``PAIR_COLUMNS``, flagged ones first. The latest year is set against the one before; with
        less history the same periods of a year ago, or else the later half of the periods against the earlier one
        (``is_seasonal`` says whether seasons are taken out). Cohorts too young and renewals not yet due are left out:
        ``known_until`` names the last period whose pair can be told. ``verdict`` is vanity, sound (both rose for the
        better, beyond chance), noise, no_rise or unknown, with a ``reason``. q is Benjamini–Hochberg over all changes
        tested here. ``attrs["series"]`` holds the periods, see ``SERIES_COLUMNS``.
    """
    lags = lags or {}
    per_year = max(12 // MONTHS_IN[grain], 1)
    own = cells[(cells["dimension"] == "all") & (cells["grain"] == grain)]
    starts = sorted(pd.to_datetime(own["period_start"]).unique())
    labels = [period_of(pd.Timestamp(day).date(), grain, fiscal_year_start).label for day in starts]
    rows, windows, series = [], [], []
    for volume, pair in pairs.items():
        if volume not in catalog.kpis or pair not in catalog.kpis:
            continue
        sides = [_read_side(own, catalog.kpis[kpi], starts) for kpi in (volume, pair)]
        lag = int(lags.get(volume, 0))
        chosen = _choose_windows(*sides, lag, per_year)
        row = _describe(catalog, volume, pair, lag) | _place(chosen, labels, lag)
        row["reason"] = "" if chosen else _why_unknown(catalog, volume, pair, sides, lag, grain)
        series += _list_series(sides, volume, pair, starts, labels, chosen, lag)
        if chosen:
            now, before, _ = chosen
            confidence = catalog.rules.confidence
            for name, side, back in (("volume", sides[0], lag), ("pair", sides[1], 0)):
                kpi = catalog.kpis[row[name]]
                windows.append(
                    [pool_window(side, [i - back for i in part], kpi, (len(rows), name), confidence=confidence)
                     for part in (now, before)]
                )  # fmt: skip
        rows.append(row)
    changes = compare_windows(windows, own, catalog.rules.confidence)
    told = [_judge(row, changes.get((i, "volume")), changes.get((i, "pair")), catalog) for i, row in enumerate(rows)]
    told = [row | {"said": say_pair(row, catalog, currency)} for row in told]
    order = list(VERDICTS)
    table = pd.DataFrame(sorted(told, key=lambda row: order.index(row["verdict"])), columns=PAIR_COLUMNS)
    table.attrs["series"] = pd.DataFrame(series, columns=SERIES_COLUMNS)
    return table


def _read_side(own: pd.DataFrame, kpi: Any, starts: Sequence[Any]) -> pd.DataFrame:
    """Return a KPI's cells, one per period in order; missing where there is none."""
    mine = own[own["kpi"] == kpi.id]
    basis = next((basis for basis in ("cohort", *kpi.basis) if basis in set(mine["basis"])), kpi.basis[0])
    mine = mine[mine["basis"] == basis]
    mine = mine.assign(period_start=pd.to_datetime(mine["period_start"])).drop_duplicates("period_start")
    return mine.set_index("period_start").reindex(pd.DatetimeIndex(starts))


def _choose_windows(
    volume: pd.DataFrame, pair: pd.DataFrame, lag: int, per_year: int
) -> tuple[list[int], list[int], bool] | None:
    """Return the places of the periods compared, of the pair: now, before, and whether season is taken out."""
    whole = [side["value"].notna() & side["is_complete"].eq(True) for side in (volume, pair)]
    there = [i for i in range(lag, len(pair)) if whole[1].iloc[i] and whole[0].iloc[i - lag]]
    if len(there) < 2:
        return None
    seasonal = [i for i in there if i > there[-1] - per_year and i - per_year in there]
    if seasonal:
        return seasonal, [i - per_year for i in seasonal], True
    half = len(there) // 2
    return there[-half:], there[-2 * half : -half], False


def _describe(catalog: Any, volume: str, pair: str, lag: int) -> dict[str, Any]:
    first, second = catalog.kpis[volume], catalog.kpis[pair]
    return {"volume": volume, "volume_label": first.label, "pair": pair, "pair_label": second.label,
            "team": first.owner, "lag": lag, "verdict": UNKNOWN}  # fmt: skip


def _place(chosen, labels: Sequence[str], lag: int) -> dict[str, Any]:
    if chosen is None:
        return {"window": "", "compared": "", "volume_window": "", "volume_compared": "", "known_until": ""}
    now, before, is_seasonal = chosen
    return {"window": _span(labels, now), "compared": _span(labels, before),
            "volume_window": _span(labels, [i - lag for i in now]),
            "volume_compared": _span(labels, [i - lag for i in before]), "is_seasonal": is_seasonal,
            "known_until": labels[now[-1] - lag]}  # fmt: skip


def _span(labels: Sequence[str], places: Sequence[int]) -> str:
    return labels[places[0]] if len(places) == 1 else f"{labels[places[0]]} to {labels[places[-1]]}"


def _why_unknown(catalog: Any, volume: str, pair: str, sides: Sequence[pd.DataFrame], lag: int, grain: str) -> str:
    for kpi, side in zip((volume, pair), sides, strict=True):
        if side["value"].notna().sum() == 0:
            return f"{catalog.kpis[kpi].label} can't be told from these exports."
    if lag:
        return f"What was won comes up for renewal {lag} {grain}s later, and too little of it has yet."
    return "Fewer than two periods are old enough."


def _list_series(sides, volume: str, pair: str, starts, labels, chosen, lag: int) -> list[tuple]:
    now, before = (set(chosen[0]), set(chosen[1])) if chosen else (set(), set())
    rows = []
    for name, kpi, side, back in (("volume", volume, sides[0], lag), ("pair", pair, sides[1], 0)):
        for i, start in enumerate(starts):
            cell = side.iloc[i]
            window = "now" if i + back in now else "before" if i + back in before else ""
            numbers = (
                float("nan") if pd.isna(cell[one]) else float(cell[one]) for one in ("value", "low", "high", "n")
            )
            whole = pd.notna(cell["is_complete"]) and bool(cell["is_complete"])
            rows.append((volume, pair, kpi, name, labels[i], start, *numbers, whole, window))
    return rows


def _judge(row: dict, volume: dict | None, pair: dict | None, catalog: Any) -> dict:
    """Add the numbers of both sides and the verdict."""
    if volume is None or pair is None:
        return row
    level = catalog.rules.significance
    row = row | {"volume_before": volume["before"], "volume_now": volume["now"], "volume_n": volume["n"],
                 "volume_q": volume["q"], "pair_before": pair["before"], "pair_now": pair["now"],
                 "pair_low": pair["low"], "pair_high": pair["high"], "pair_n": pair["n"],
                 "pair_n_before": pair["n_before"], "pair_q": pair["q"]}  # fmt: skip
    rises = volume["now"] > volume["before"]
    is_down = catalog.kpis[row["pair"]].direction == "down"
    worse = (pair["now"] > pair["before"]) == is_down and pair["now"] != pair["before"]
    sure = [bool(np.isfinite(side["q"]) and side["q"] <= level) for side in (volume, pair)]
    if not rises:
        return row | {"verdict": NO_RISE}
    if not all(sure):
        return row | {"verdict": NOISE}
    return row | {"verdict": VANITY if worse else SOUND}
