"""How likely a goal is: its place in history, and the share of simulated futures that reach it.

Parameters are drawn first, each with the doubt that its own history leaves (volumes Gamma, rates Beta, deal size
lognormal), then what happens given them (Poisson, binomial). Every draw uses the seed of ``goals.toml``.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from helpers.analyses.close_curve import POOLED
from helpers.analyses.goal_relations import TOTAL, list_additive, list_products
from helpers.model.catalog import Catalog
from helpers.model.goal import GoalRules
from helpers.periods import Period

REVENUE, OPPORTUNITIES, DEAL_SIZE = "revenue_won", "opportunities", "average_deal_size"
TYPE = "type"
OUTLOOK_COLUMNS = ["period_start", "goal", "expected", "low", "high", "probability"]


def rank_in_history(matrix: pd.DataFrame, cells: pd.DataFrame, *, as_of: date, catalog: Catalog) -> pd.DataFrame:
    """Set each needed value of the company beside its own history.

    Args:
        matrix: A solved matrix.
        cells: The columns of ``kpis.csv``.
        as_of: The last day that counts.
        catalog: The company's definitions.

    Returns:
        One row per KPI and period ahead: kpi, period_start, goal, expected, percentile (share of the complete periods
        of history in which the KPI reached at most the goal, 0–1), best_ever, periods (how many there were). Blank
        percentile without history.
    """
    ahead = matrix[
        (matrix["dimension"] == TOTAL)
        & (pd.to_datetime(matrix["period_start"]) > pd.Timestamp(as_of))
        & matrix["actual"].isna()
        & (matrix["grain"] == finest_grain(matrix))
    ]
    rows = []
    company = cells[cells["dimension"] == TOTAL] if len(cells) else cells
    pasts = {
        kpi: list_past(company, kpi, finest_grain(matrix), matrix.attrs.get("basis", {}), catalog)
        for kpi in ahead["kpi"].unique()
    }
    for row in ahead.to_dict("records"):
        past = pasts[row["kpi"]]
        rows.append(
            {key: row[key] for key in ("kpi", "period_start", "goal", "expected")}
            | {
                "percentile": float(np.mean(past <= row["goal"])) if len(past) else np.nan,
                "best_ever": float(past.max()) if len(past) else np.nan,
                "periods": len(past),
            }
        )
    columns = ["kpi", "period_start", "goal", "expected", "percentile", "best_ever", "periods"]
    return pd.DataFrame(rows, columns=columns)


def finest_grain(matrix: pd.DataFrame) -> str:
    """Return the shortest grain of a matrix; empty where it has no rows."""
    return next((grain for grain in ("month", "quarter", "year") if (matrix["grain"] == grain).any()), "")


def list_past(cells: pd.DataFrame, kpi: str, grain: str, basis: Mapping[str, str], catalog: Catalog) -> np.ndarray:
    """List a KPI's values in complete periods of the company's history, oldest first.

    Args:
        cells: The columns of ``kpis.csv``.
        kpi: Its id.
        grain: The length of a period.
        basis: Which rates are quotients of ``volumes`` (``attrs["basis"]`` of a matrix).
        catalog: The company's definitions.
    """
    if cells.empty:
        return np.array([])
    if basis.get(kpi) == "volumes":
        product = next(product for product in list_products(catalog) if product.rate == kpi)
        volume, result = (_past_series(cells, id, grain) for id in (product.volume, product.result))
        quotient = result.reindex(volume.index) / volume.where(volume > 0)
        return quotient.dropna().to_numpy(dtype=float)
    return _past_series(cells, kpi, grain).to_numpy(dtype=float)


def _past_series(cells: pd.DataFrame, kpi: str, grain: str) -> pd.Series:
    mine = cells[
        (cells["kpi"] == kpi)
        & (cells["grain"] == grain)
        & (cells["dimension"] == TOTAL)
        & cells["horizon_days"].isna()
        & cells["is_complete"].astype("boolean").fillna(False).astype(bool)
    ]
    present = set(mine["basis"])
    wanted = next((basis for basis in ("cohort", "period", "outcome", "snapshot") if basis in present), "")
    return mine[mine["basis"] == wanted].set_index("period_start")["value"].dropna().sort_index()


def add_probability(
    matrix: pd.DataFrame,
    outlook: pd.DataFrame,
    *,
    catalog: Catalog,
    rules: GoalRules,
) -> pd.DataFrame:
    """Fill in how likely each cell's goal is.

    Args:
        matrix: A solved matrix.
        outlook: As made by ``simulate_revenue``; it tells the company's revenue.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.

    Returns:
        The matrix with ``probability`` (0–1): of a period that has ended 1 or 0; of the company's revenue as simulated
        through the close curve; else that the KPI, drawn around its expectation with the spread of its own history
        (counts with Poisson noise on top), reaches the goal. A share that would have to pass 100 % has probability 0.
    """
    if matrix.empty:
        return matrix.copy()
    spread = matrix.attrs.get("variability", {})
    normal = np.random.default_rng(rules.simulation.seed).standard_normal(rules.simulation.draws)
    counted = list_additive(catalog, over_time=True)
    grain = finest_grain(matrix)
    simulated = outlook.set_index("period_start")["probability"].dropna() if len(outlook) else pd.Series(dtype=float)
    parts = _list_parts(matrix, outlook, grain)
    chances = []
    for row in matrix.to_dict("records"):
        kpi, start = catalog.kpis.get(row["kpi"]), pd.Timestamp(row["period_start"])
        sigma = spread.get(row["kpi"], rules.variability.volume)
        is_count = row["kpi"] in counted and kpi is not None and kpi.unit == "count"
        if pd.notna(row["actual"]):
            chances.append(float(row["actual"] >= row["goal"] * (1 - 1e-9)))
        elif kpi is not None and kpi.unit == "share" and row["goal"] > 1 + 1e-9:
            chances.append(0.0)
        elif (row["kpi"], row["dimension"], row["grain"]) == (REVENUE, TOTAL, grain) and start in simulated.index:
            chances.append(float(simulated[start]))
        elif row["grain"] != grain and row["kpi"] in counted:
            done, ahead = parts.get(
                (row["kpi"], row["dimension"], row["slice"], start.year, start.month), (0.0, np.nan)
            )
            chances.append(_chance(ahead, row["goal"] - done, sigma, is_count, normal))
        else:
            chances.append(_chance(row["expected"], row["goal"], sigma, is_count, normal))
    filled = matrix.assign(probability=chances)
    filled.attrs = dict(matrix.attrs)
    return filled


def _list_parts(matrix: pd.DataFrame, outlook: pd.DataFrame, grain: str) -> dict[tuple, tuple[float, float]]:
    """Add up per year what has come already and what is still expected: (KPI, slice, year's start) → both sums."""
    years = sorted(pd.to_datetime(matrix.loc[matrix["grain"] == "year", "period_start"]).unique())
    fine = matrix[matrix["grain"] == grain].assign(period_start=lambda m: pd.to_datetime(m["period_start"]))
    company = (fine["kpi"] == REVENUE) & (fine["dimension"] == TOTAL)
    foreseen = outlook.set_index("period_start")["expected"] if len(outlook) else pd.Series(dtype=float)
    expected = fine["expected"].mask(
        company & fine["period_start"].isin(foreseen.index), fine["period_start"].map(foreseen)
    )
    fine = fine.assign(done=fine["actual"].fillna(0.0), ahead=expected.where(fine["actual"].isna(), 0.0))
    found = {}
    for start in years:
        inside = fine[fine["period_start"].between(start, start + pd.DateOffset(months=12) - pd.DateOffset(days=1))]
        sums = inside.groupby(["kpi", "dimension", "slice"])[["done", "ahead"]].sum()
        found |= {(*key, start.year, start.month): (row["done"], row["ahead"]) for key, row in sums.iterrows()}
    return found


def _chance(expected: float, goal: float, sigma: float, is_count: bool, normal: np.ndarray) -> float:
    if not np.isfinite(expected) or expected <= 0:
        return float("nan")
    noise = np.sqrt(sigma**2 + (1.0 / max(expected, 1.0) if is_count else 0.0))
    draws = expected * np.exp(noise * normal - noise**2 / 2)
    return float(np.mean(draws >= goal * (1 - 1e-9)))


def take_business(matrix: pd.DataFrame, catalog: Catalog, column: str, *, business: str = "new") -> pd.Series:
    """Take the cells of new or of existing business out of a matrix.

    Args:
        matrix: A goal matrix.
        catalog: The company's definitions; they say which types of deal are existing business.
        column: ``expected``, ``goal`` or ``actual``.
        business: ``new``; without slices by type of deal that is the whole company. Or ``existing``.

    Returns:
        One value per KPI, grain and period (the index); volumes summed over the types, ratios those of the first type.
        Empty for existing business where no types are known.
    """
    frame = matrix.assign(period_start=pd.to_datetime(matrix["period_start"]))
    index = ["kpi", "grain", "period_start"]
    is_existing = frame["slice"].str.casefold().isin(catalog.existing_business)
    by_type = frame[(frame["dimension"] == TYPE) & (is_existing == (business == "existing"))]
    additive = by_type["kpi"].isin(list_additive(catalog, over_time=False))
    summed = by_type[additive].groupby(index)[column].sum(min_count=1)
    ratios = by_type[~additive].dropna(subset=[column]).groupby(index)[column].first()
    typed = pd.concat([part for part in (summed, ratios) if len(part)]) if len(by_type) else summed
    if business == "existing":
        return typed
    whole = frame[frame["dimension"] == TOTAL].set_index(index)[column]
    return typed.reindex(whole.index).fillna(whole) if len(typed) else whole


def simulate_revenue(
    matrix: pd.DataFrame,
    curve: pd.DataFrame,
    created: Mapping[Period, float],
    periods: Sequence[Period],
    *,
    catalog: Catalog,
    rules: GoalRules,
) -> pd.DataFrame:
    """Simulate the revenue of the periods ahead through the close curve.

    Args:
        matrix: A solved matrix; its expectations of opportunities and deal size lead, its variability doubts them.
        curve: The close curve of new business; its ``pooled`` counts tell how sure each age's share is.
        created: Period → new-business records created in the periods that have ended.
        periods: The periods ahead.
        catalog: The company's definitions.
        rules: What ``goals.toml`` says.

    Returns:
        One row per period ahead: period_start, goal, expected (mean of the draws), low and high (the central range that
        ``goals.toml`` names), probability (share of the draws that reach the goal). Without a curve, a deal size or an
        expectation of its records there are no rows.

    Source:
        Parameters: records Gamma with the KPI's own spread, shares per age Beta(won + ½, n − won + ½), deal size
        lognormal, existing business Gamma. Given them: Poisson records, binomial wins.
    """
    pooled = curve[curve["cohort"] == POOLED].sort_values("age")
    volume = catalog.stages[curve.attrs["from_stage"]].volume if curve.attrs.get("from_stage") else OPPORTUNITIES
    expected = take_business(matrix, catalog, "expected")
    existing = take_business(matrix, catalog, "expected", business="existing")
    goals = matrix[matrix["dimension"] == TOTAL].assign(period_start=lambda m: pd.to_datetime(m["period_start"]))
    goals = goals.set_index(["kpi", "grain", "period_start"])["goal"]
    first = (periods[0].grain, pd.Timestamp(periods[0].start)) if periods else ("", pd.NaT)
    if pooled.empty or any((kpi, *first) not in expected.index for kpi in (DEAL_SIZE, volume)):
        return pd.DataFrame(columns=OUTLOOK_COLUMNS)
    generator = np.random.default_rng(rules.simulation.seed)
    draws, spread = rules.simulation.draws, matrix.attrs.get("variability", {})
    won, n = pooled["won"].to_numpy()[:, None], pooled["n"].to_numpy()[:, None]
    shares = generator.beta(won + 0.5, n - won + 0.5, (len(pooled), draws))
    level = _draw_level(generator, spread.get(volume, rules.variability.volume), draws)
    sigma = spread.get(DEAL_SIZE, rules.variability.money)
    size_level = np.exp(generator.normal(-(sigma**2) / 2, sigma, draws))
    future, rows = {}, []
    for period in periods:
        key = (period.grain, pd.Timestamp(period.start))
        future[period] = generator.poisson(float(expected.get((volume, *key), 0.0)) * level)
        wins = np.zeros(draws)
        for age in range(len(pooled)):
            source = period.previous(age)
            records = np.asarray(future.get(source, created.get(source, 0)), dtype=int)
            wins += generator.binomial(records, shares[age])
        revenue = wins * float(expected.get((DEAL_SIZE, *key), np.nan)) * size_level
        other = float(existing.get((REVENUE, *key), 0.0)) if len(existing) else 0.0
        revenue = revenue + other * _draw_level(generator, rules.variability.volume, draws)
        goal = float(goals.get((REVENUE, *key), np.nan))
        edge = (1 - rules.simulation.interval) / 2
        rows.append(
            {
                "period_start": pd.Timestamp(period.start),
                "goal": goal,
                "expected": float(revenue.mean()),
                "low": float(np.quantile(revenue, edge)),
                "high": float(np.quantile(revenue, 1 - edge)),
                "probability": float(np.mean(revenue >= goal * (1 - 1e-9))) if np.isfinite(goal) else np.nan,
            }
        )
    return pd.DataFrame(rows, columns=OUTLOOK_COLUMNS)


def _draw_level(generator: np.random.Generator, sigma: float, draws: int) -> np.ndarray:
    shape = 1.0 / sigma**2
    return generator.gamma(shape, 1.0 / shape, draws)
