"""How likely each cell's goal is, from how far that very KPI and slice has varied in its own history."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.analyses.goal_expectation import measure_residual_spread, read_history
from helpers.analyses.goal_history import finest_grain
from helpers.analyses.goal_relations import TOTAL, list_additive, list_products
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.periods import MONTHS_IN

REVENUE = "revenue_won"
CELL = ["kpi", "dimension", "slice"]


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
    spreads = measure_cell_spreads(matrix, cells, catalog=catalog, rules=rules)
    frame = _lay_out(matrix, outlook, spreads, catalog, grain)
    frame = _add_to_date(frame, cells, rest or {}, grain)
    frame = pd.concat([frame[frame["grain"] == grain], _sum_years(frame, grain)]).sort_index()
    chance = _reach(frame)
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
        One row per KPI and slice of the matrix: kpi, dimension, slice, spread (standard deviation of the logarithm; of
        counts without what counting itself does), mean (per period), periods (complete ones), is_own (its own history
        told; else its company's, else its family's default).
    """
    grain, company = finest_grain(matrix), dict(matrix.attrs.get("variability", {}))
    wanted = matrix[CELL].drop_duplicates()
    counts = {id for id in list_additive(catalog, over_time=True) if catalog.kpis[id].unit == "count"}
    past: dict[tuple, np.ndarray] = {}
    if cells is not None and len(cells):
        dimensions = [name for name in wanted["dimension"].unique() if name != TOTAL]
        history = read_history(
            cells, wanted["kpi"].unique(), grain=grain, dimensions=dimensions, catalog=catalog,
            maximum=rules.slices.maximum,
        )  # fmt: skip
        whole = history[history["is_complete"].astype("boolean").fillna(False).astype(bool)]
        whole = whole.sort_values("period_start")
        past = {key: rows["value"].dropna().to_numpy(dtype=float) for key, rows in whole.groupby(CELL, sort=False)}
    basis, rows = matrix.attrs.get("basis", {}), []
    for kpi, dimension, value in wanted.itertuples(index=False):
        values = past.get((kpi, dimension, value), np.array([]))
        usual = company.get(kpi, rules.variability.volume)
        told = measure_residual_spread(pd.Series(values)) if len(values) else np.nan
        is_own = (values > 0).sum() >= rules.variability.history_periods and np.isfinite(told)
        is_own = bool(is_own and basis.get(kpi) != "volumes")
        spread, mean = (told if is_own else usual), float(values.mean()) if len(values) else np.nan
        at = mean if is_own else float(past.get((kpi, TOTAL, TOTAL), np.array([np.nan])).mean())
        if kpi in counts and at > 0:
            spread = np.sqrt(max(spread**2 - 1 / at, 0.0))
        rows.append((kpi, dimension, value, max(float(spread), rules.variability.minimum), mean, len(values), is_own))
    return pd.DataFrame(rows, columns=[*CELL, "spread", "mean", "periods", "is_own"])


def _lay_out(
    matrix: pd.DataFrame, outlook: pd.DataFrame, spreads: pd.DataFrame, catalog: Catalog, grain: str
) -> pd.DataFrame:
    """Lay beside each cell what its chance needs: done, mean, variances relative to the mean, and how it is drawn."""
    frame = matrix[[*CELL, "grain", "goal", "actual", "expected"]].reset_index(drop=True)
    frame["start"] = pd.to_datetime(matrix["period_start"]).to_numpy()
    frame = frame.merge(spreads, on=CELL, how="left")
    units = frame["kpi"].map(lambda id: catalog.kpis[id].unit if id in catalog.kpis else "ratio")
    adds = frame["kpi"].isin(list_additive(catalog, over_time=True))
    frame["adds"] = adds
    frame["kind"] = np.where(adds & (units == "count"), "count", np.where(units == "share", "share", "money"))
    frame["mean_ahead"] = frame["expected"] * _foresee_wins(frame, outlook, catalog)
    frame["done"] = 0.0
    window = np.minimum(frame["periods"].clip(lower=1), 12 // MONTHS_IN[grain] if grain else 1)
    counting = np.where(frame["kind"] == "count", 1 / frame["mean"].fillna(frame["expected"]).clip(lower=1), 0.0)
    frame["level"] = (frame["spread"] ** 2 + counting) / window
    frame["noise"] = frame["spread"] ** 2
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
            "square": (mean * fine["weight"]) ** 2 * fine["noise"],
        }
    )
    weighed[CELL] = fine[CELL]
    parts = []
    for start, rows in years.groupby("start"):
        inside = weighed[weighed["start"].between(start, start + pd.DateOffset(months=12) - pd.DateOffset(days=1))]
        sums = inside.groupby(CELL)[["weight", "done", "mean_ahead", "square"]].sum(min_count=1)
        found = sums.reindex(pd.MultiIndex.from_frame(rows[CELL]))
        total = found["mean_ahead"].to_numpy(dtype=float)
        base = np.where(rows["adds"], 1.0, found["weight"].to_numpy(dtype=float))
        with np.errstate(divide="ignore", invalid="ignore"):
            noise = np.where(total > 0, found["square"].to_numpy(dtype=float) / total**2, 0.0)
            parts.append(
                rows.assign(done=found["done"].to_numpy(dtype=float) / base, mean_ahead=total / base, noise=noise)
            )
    return pd.concat(parts)


def _reach(frame: pd.DataFrame) -> np.ndarray:
    """Return the chance that what is done and what comes reach the goal, per row."""
    from scipy.special import betainc, betaincc, ndtr

    mean, needed = frame["mean_ahead"].to_numpy(dtype=float), (frame["goal"] - frame["done"]).to_numpy(dtype=float)
    tiny = 1e-9 * np.abs(frame["goal"].to_numpy(dtype=float))
    variance = np.maximum((frame["noise"] + frame["level"]).to_numpy(dtype=float), 1e-12)
    kind = frame["kind"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.sqrt(np.log1p(variance))
        money = ndtr(-(np.log(np.maximum(needed, 1e-300) / mean) + sigma**2 / 2) / sigma)
        shape, whole = 1 / variance, np.ceil(np.maximum(needed - tiny, 0.0) - 1e-9)
        count = betainc(np.maximum(whole, 1e-9), shape, mean / (mean + shape))
        done = frame["done"].to_numpy(dtype=float)
        whole_mean = np.clip(mean + done, 1e-9, 1 - 1e-9)
        spread = np.minimum(variance * mean**2, 0.999 * whole_mean * (1 - whole_mean))
        size = whole_mean * (1 - whole_mean) / spread - 1
        goal = np.clip(frame["goal"].to_numpy(dtype=float), 0.0, 1.0)
        share = betaincc(whole_mean * size, (1 - whole_mean) * size, goal)
    share = np.where(frame["goal"] > 1 + 1e-9, 0.0, share)
    chance = np.where(kind == "count", count, np.where(kind == "share", share, money))
    reached = (needed <= tiny) & (kind != "share")
    chance = np.where(reached & ((done > 0) | (mean > 0)), 1.0, chance)
    nothing = ~(mean > 0) & ~reached
    chance = np.where(nothing, np.where((done > 0) & (mean == 0), 0.0, np.nan), chance)
    return np.where(np.isfinite(frame["goal"]) & np.isfinite(mean), chance, np.nan)
