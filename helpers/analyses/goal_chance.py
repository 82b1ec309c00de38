"""How likely each cell's goal is, from how far that very KPI and slice has varied in its own history."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.analyses.goal_expectation import read_history
from helpers.analyses.goal_history import finest_grain
from helpers.analyses.goal_relations import TOTAL, list_additive, list_products
from helpers.analyses.landing_simulation import SHOCKS
from helpers.analyses.revenue_draws import doubt_level, fit_trend
from helpers.analyses.revenue_history import ENOUGH_PERIODS, LEARNT_FROM
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules

REVENUE = "revenue_won"
CELL = ["kpi", "dimension", "slice"]
POINTS = 9
"""Equally likely spreads over which a chance is averaged, since eight periods leave many possible."""


def add_probability(
    matrix: pd.DataFrame,
    outlook: pd.DataFrame,
    *,
    catalog: Catalog,
    rules: GoalRules,
    cells: pd.DataFrame | None = None,
    rest: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Fill in how likely each cell's goal is.

    Args:
        matrix: A solved matrix.
        outlook: As made by ``simulate_revenue``; it tells the company's revenue, and by how much wins differ from what
            the matrix carries forward.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.
        cells: The columns of ``kpis.csv``; they tell how far each slice has varied, and what the running period has
            brought. Without them a slice varies like its company.
        rest: KPI → share of a period that usually comes after the last day (0–1), for volumes of a period that goes on.

    Returns:
        The matrix with ``probability`` (0–1): of a period that has ended 1 or 0; of the company's revenue as simulated;
        else that the KPI, drawn around its expectation with the spread of its own history, reaches the goal: counts as
        whole numbers (negative binomial), shares within 0–100 % (beta), money and averages lognormal. A year adds up
        what its periods have brought and what those ahead may bring; their spread is independent, the doubt about
        their level is shared. Blank where nothing is expected.
    """
    if matrix.empty:
        return matrix.copy()
    grain = finest_grain(matrix)
    spreads, possible = _weigh_spreads(matrix, cells, catalog, rules)
    frame = _lay_out(matrix, outlook, spreads, catalog, grain, rules)
    frame = _add_to_date(frame, cells, rest or {}, grain)
    frame = pd.concat([frame[frame["grain"] == grain], _sum_years(frame, grain)]).sort_index()
    chance = _reach(frame, possible[frame["at"].to_numpy()])
    chance = np.where(frame["actual"].notna(), frame["actual"] >= frame["goal"] * (1 - 1e-9), chance)
    simulated = {}
    if len(outlook):
        simulated = {(row.grain, row.period_start): row.probability for row in outlook.itertuples()}
    for at in np.flatnonzero((frame["kpi"] == REVENUE) & (frame["dimension"] == TOTAL) & frame["actual"].isna()):
        known = simulated.get((frame["grain"].iat[at], frame["start"].iat[at]), np.nan)
        chance[at] = chance[at] if np.isnan(known) else known
    filled = matrix.assign(probability=chance.astype(float))
    filled.attrs = dict(matrix.attrs)
    return filled


def measure_cell_spreads(
    matrix: pd.DataFrame, cells: pd.DataFrame | None, *, catalog: Catalog, rules: GoalRules
) -> pd.DataFrame:
    """Measure how far each KPI of each slice varies from period to period around its own trend.

    Args:
        matrix: A goal matrix.
        cells: The columns of ``kpis.csv``; without them every slice varies like its company.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says: from how many periods on a history counts.

    Returns:
        One row per KPI and slice of the matrix: kpi, dimension, slice, spread (standard deviation of the logarithm,
        mean of what its past leaves possible; of counts without what counting itself does), mean (per period), periods
        (complete ones), is_own (its own history told; else its company's, else its family's default).
    """
    frame, possible = _weigh_spreads(matrix, cells, catalog, rules)
    return frame.assign(spread=possible.mean(axis=1))


def _weigh_spreads(
    matrix: pd.DataFrame, cells: pd.DataFrame | None, catalog: Catalog, rules: GoalRules
) -> tuple[pd.DataFrame, np.ndarray]:
    """Tell per KPI and slice which spreads its past leaves possible, all equally likely: one row each."""
    grain, company = finest_grain(matrix), dict(matrix.attrs.get("variability", {}))
    basis, wanted = matrix.attrs.get("basis", {}), matrix[CELL].drop_duplicates().reset_index(drop=True)
    counts = {id for id in list_additive(catalog, over_time=True) if catalog.kpis[id].unit == "count"}
    past = _list_pasts(wanted, cells, grain, catalog, rules)
    rows, possible, of_company = [], [], {}
    for kpi, dimension, value in wanted.itertuples(index=False):
        values = past.get((kpi, dimension, value), np.array([]))
        is_own = len(values) >= rules.variability.history_periods and basis.get(kpi) != "volumes"
        family = catalog.kpis[kpi].family if kpi in catalog.kpis else "volume"
        if is_own:
            spreads = _find_spreads(values, kpi in counts, rules.variability.of_family(family))
        else:
            usual = company.get(kpi, rules.variability.of_family(family))
            spreads = of_company.get(kpi, np.full(POINTS, usual))
        if dimension == TOTAL:
            of_company[kpi] = spreads
        possible.append(np.maximum(spreads, rules.variability.minimum))
        mean = float(values.mean()) if len(values) else np.nan
        rows.append((kpi, dimension, value, np.nan, mean, len(values), bool(is_own)))
    frame = pd.DataFrame(rows, columns=[*CELL, "spread", "mean", "periods", "is_own"])
    return frame, np.array(possible).reshape(len(rows), POINTS)


def _list_pasts(
    wanted: pd.DataFrame, cells: pd.DataFrame | None, grain: str, catalog: Catalog, rules: GoalRules
) -> dict[tuple, np.ndarray]:
    """List the values of each KPI and slice in whole periods; a first one that had hardly begun is left out."""
    if cells is None or cells.empty:
        return {}
    dimensions = [name for name in wanted["dimension"].unique() if name != TOTAL]
    history = read_history(
        cells,
        wanted["kpi"].unique(),
        grain=grain,
        dimensions=dimensions,
        catalog=catalog,
        maximum=rules.slices.maximum,
    )
    whole = history[history["is_complete"].astype("boolean").fillna(False).astype(bool)].sort_values("period_start")
    found = {key: rows["value"].dropna().to_numpy(dtype=float) for key, rows in whole.groupby(CELL, sort=False)}
    return {
        key: values[1:] if len(values) > ENOUGH_PERIODS and values[0] < 0.5 * values[1] else values
        for key, values in found.items()
    }


def _find_spreads(values: np.ndarray, is_count: bool, usual: float) -> np.ndarray:
    """Return the spreads that a past leaves possible, as equally likely points of their posterior."""
    recent = values[-LEARNT_FROM:]
    if is_count:
        fit = fit_trend(recent + 0.5, 1 / np.maximum(recent, 1))
    else:
        fit = fit_trend(recent[recent > 0], np.zeros((recent > 0).sum()))
    log_posterior = fit - 0.5 * (SHOCKS / usual) ** 2
    below = np.cumsum(np.exp(log_posterior - log_posterior.max()))
    return np.interp((np.arange(POINTS) + 0.5) / POINTS, below / below[-1], SHOCKS)


def _lay_out(
    matrix: pd.DataFrame, outlook: pd.DataFrame, spreads: pd.DataFrame, catalog: Catalog, grain: str, rules: GoalRules
) -> pd.DataFrame:
    """Lay beside each cell what its chance needs: done, mean, how its variance is made up, and how it is drawn."""
    frame = matrix[[*CELL, "grain", "goal", "actual", "expected"]].reset_index(drop=True)
    frame["start"] = pd.to_datetime(matrix["period_start"]).to_numpy()
    frame = frame.merge(spreads.assign(at=np.arange(len(spreads))), on=CELL, how="left")
    units = frame["kpi"].map(lambda id: catalog.kpis[id].unit if id in catalog.kpis else "ratio")
    adds = frame["kpi"].isin(list_additive(catalog, over_time=True))
    frame["adds"] = adds
    frame["kind"] = np.where(adds & (units == "count"), "count", np.where(units == "share", "share", "money"))
    frame["mean_ahead"] = frame["expected"] * _foresee_wins(frame, outlook, catalog)
    frame["done"] = 0.0
    frame["counting"] = np.where(
        frame["kind"] == "count", 1 / frame["mean"].fillna(frame["expected"]).clip(lower=1), 0.0
    )
    ahead = np.sort(frame.loc[frame["actual"].isna() & (frame["grain"] == grain), "start"].unique())
    steps = np.searchsorted(ahead, frame["start"].to_numpy()) + 1
    frame["doubt"] = [
        doubt_level(int(periods), grain, rules, ahead=int(step), grows=bool(is_sum))
        for periods, step, is_sum in zip(frame["periods"], steps, adds, strict=True)
    ]
    frame["part"] = 1.0
    volumes = {product.rate: product.volume for product in list_products(catalog)}
    sizes = frame["actual"].fillna(frame["expected"])
    place = [frame[name] for name in ("dimension", "slice", "grain", "start")]
    by_cell = dict(zip(zip(frame["kpi"], *place, strict=True), sizes, strict=True))
    keys = zip(frame["kpi"].map(volumes), *place, strict=True)
    weight = np.array([by_cell.get(key, np.nan) for key in keys], dtype=float)
    frame["weight"] = np.where(adds | ~(weight > 0), 1.0, weight)
    return frame


def _foresee_wins(frame: pd.DataFrame, outlook: pd.DataFrame, catalog: Catalog) -> np.ndarray:
    """Tell by which factor the simulated revenue of a period differs from the matrix's, for whatever counts wins."""
    if outlook.empty:
        return np.ones(len(frame))
    company = frame[(frame["kpi"] == REVENUE) & (frame["dimension"] == TOTAL)].set_index(["grain", "start"])["expected"]
    won = {stage.volume for stage in catalog.stages.values() if stage.closes == "won"} | {REVENUE}
    factors = {
        (row.grain, row.period_start): row.expected / company[row.grain, row.period_start]
        for row in outlook.itertuples()
        if company.get((row.grain, row.period_start), 0.0) > 0
    }
    keys = zip(frame["grain"], frame["start"], strict=True)
    return np.where(frame["kpi"].isin(won), [factors.get(key, 1.0) for key in keys], 1.0)


def _add_to_date(
    frame: pd.DataFrame, cells: pd.DataFrame | None, rest: Mapping[str, float], grain: str
) -> pd.DataFrame:
    """Count what the running period has brought as done, and expect only its rest."""
    ahead = frame[frame["actual"].isna() & (frame["grain"] == grain)]
    if cells is None or cells.empty or not rest or ahead.empty:
        return frame
    running = ahead["start"].min()
    mine = cells[(cells["grain"] == grain) & (pd.to_datetime(cells["period_start"]) == running)]
    so_far = mine.dropna(subset=["value"]).drop_duplicates(CELL).set_index(CELL)["value"]
    here = (frame["start"] == running) & (frame["grain"] == grain) & frame["adds"] & frame["kpi"].isin(rest)
    keys = list(zip(frame["kpi"], frame["dimension"], frame["slice"], strict=True))
    done = np.array([float(so_far.get(key, 0.0)) for key in keys])
    share = frame["kpi"].map(rest).fillna(1.0).to_numpy(dtype=float)
    return frame.assign(
        done=np.where(here, done, frame["done"]),
        mean_ahead=np.where(here, frame["expected"] * share, frame["mean_ahead"]),
    )


def _sum_years(frame: pd.DataFrame, grain: str) -> pd.DataFrame:
    """Make what a year's cells need out of those of its periods; averages and rates weigh them by their volume."""
    years = frame[frame["grain"] != grain]
    if years.empty:
        return years
    fine = frame[frame["grain"] == grain]
    is_over = fine["actual"].notna()
    known = np.where(is_over, fine["actual"], fine["done"])
    mean = np.where(is_over, 0.0, fine["mean_ahead"])
    weighed = pd.DataFrame(
        {
            "start": fine["start"],
            "weight": fine["weight"],
            "done": known * fine["weight"],
            "mean_ahead": mean * fine["weight"],
            "square": (mean * fine["weight"]) ** 2,
            "reach": mean * fine["weight"] * np.sqrt(fine["doubt"]),
        }
    )
    weighed[CELL] = fine[CELL]
    parts = []
    for start, rows in years.groupby("start"):
        inside = weighed[weighed["start"].between(start, start + pd.DateOffset(months=12) - pd.DateOffset(days=1))]
        sums = inside.groupby(CELL)[["weight", "done", "mean_ahead", "square", "reach"]].sum(min_count=1)
        found = sums.reindex(pd.MultiIndex.from_frame(rows[CELL]))
        total = found["mean_ahead"].to_numpy(dtype=float)
        base = np.where(rows["adds"], 1.0, found["weight"].to_numpy(dtype=float))
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(total > 0, found["square"].to_numpy(dtype=float) / total**2, 0.0)
            doubt = np.where(total > 0, (found["reach"].to_numpy(dtype=float) / total) ** 2, 0.0)
        done = found["done"].to_numpy(dtype=float) / base
        parts.append(rows.assign(done=done, mean_ahead=total / base, part=part, doubt=doubt))
    return pd.concat(parts)


def _reach(frame: pd.DataFrame, possible: np.ndarray) -> np.ndarray:
    """Return the chance that what is done and what comes reach the goal: per row the mean over the possible spreads."""
    mean, done, goal = (frame[name].to_numpy(dtype=float) for name in ("mean_ahead", "done", "goal"))
    kind, counting = frame["kind"].to_numpy(), frame["counting"].to_numpy(dtype=float)
    part, doubt = frame["part"].to_numpy(dtype=float), frame["doubt"].to_numpy(dtype=float)
    variance = possible**2 * part[:, None] + (possible**2 + counting[:, None]) * doubt[:, None]
    variance = np.maximum(variance, 1e-12)
    needed, tiny = goal - done, 1e-9 * np.abs(goal)
    chance = np.full(len(frame), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, reach in (("count", _reach_count), ("money", _reach_money), ("share", _reach_share)):
            at = kind == name
            column = [values[at][:, None] for values in (mean, done, goal, needed - tiny)]
            chance[at] = reach(*column, variance[at]).mean(axis=1)
    reached = (needed <= tiny) & (kind != "share")
    chance = np.where(reached & ((done > 0) | (mean > 0)), 1.0, chance)
    nothing = ~(mean > 0) & ~reached
    chance = np.where(nothing, np.where((done > 0) & (mean == 0), 0.0, np.nan), chance)
    return np.where(np.isfinite(goal) & np.isfinite(mean), chance, np.nan)


def _reach_count(mean, done, goal, needed, variance) -> np.ndarray:
    """Return the chance of at least so many where their rate is Gamma: a negative binomial."""
    from scipy.special import betainc

    shape, whole = 1 / variance, np.ceil(np.maximum(needed, 0.0) - 1e-9)
    return betainc(np.maximum(whole, 1e-9), shape, mean / (mean + shape))


def _reach_money(mean, done, goal, needed, variance) -> np.ndarray:
    """Return the chance of at least so much where it is lognormal."""
    from scipy.special import ndtr

    sigma = np.sqrt(np.log1p(variance))
    return ndtr(-(np.log(np.maximum(needed, 1e-300) / mean) + sigma**2 / 2) / sigma)


def _reach_share(mean, done, goal, needed, variance) -> np.ndarray:
    """Return the chance of at least such a share where it is beta: 0 beyond 100 %."""
    from scipy.special import betaincc

    whole = np.clip(mean + done, 1e-9, 1 - 1e-9)
    spread = np.minimum(variance * mean**2, 0.999 * whole * (1 - whole))
    size = whole * (1 - whole) / spread - 1
    return np.where(goal > 1 + 1e-9, 0.0, betaincc(whole * size, (1 - whole) * size, np.clip(goal, 0.0, 1.0)))
