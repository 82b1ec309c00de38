"""Small cascades and small tables of KPIs for tests, made by hand."""

from datetime import date

import pandas as pd

from helpers.analyses.cascade_measure import Ruler
from helpers.model.cascade import Cascade, CascadeGoal, Person, Tactic, load_cascade_rules
from helpers.model.catalog import load_catalog

CATALOG, RULES = load_catalog(), load_cascade_rules()
AS_OF = date(2026, 9, 30)
QUARTERS = [date(year, month, 1) for year in (2025, 2026) for month in (1, 4, 7, 10)][:7]
"""The seven whole quarters up to the last day that counts."""


def cells_of(**values):
    """One row per KPI and quarter; a KPI is a list of seven values, of rates (numerator, denominator) pairs.

    ``leads__source__Web`` is a slice.
    """
    rows = []
    for name, listed in values.items():
        kpi, dimension, slice = (*name.split("__"), "all", "all")[:3]
        basis = CATALOG.kpis[kpi].basis[0]
        for start, value in zip(QUARTERS[-len(listed) :], listed, strict=True):
            end = (pd.Timestamp(start) + pd.DateOffset(months=3) - pd.Timedelta(days=1)).date()
            is_rate = isinstance(value, tuple)
            rows.append(
                {
                    "kpi": kpi, "basis": basis, "grain": "quarter", "period_start": pd.Timestamp(start),
                    "period_end": pd.Timestamp(end), "horizon_days": pd.NA, "dimension": dimension, "slice": slice,
                    "numerator": float(value[0] if is_rate else value),
                    "denominator": float(value[1]) if is_rate else None,
                    "value": value[0] / value[1] if is_rate else float(value),
                    "n": int(value[1] if is_rate else max(value, 100)), "low": None, "high": None, "is_complete": True,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


CELLS = cells_of(
    leads=[100, 100, 100, 100, 120, 120, 120],
    leads__source__Web=[60, 60, 60, 60, 70, 70, 70],
    mqls=[50, 50, 50, 50, 60, 60, 60],
    opportunities=[40, 40, 40, 40, 50, 50, 50],
    deals_won=[10, 10, 10, 10, 12, 12, 12],
    revenue_won=[1000, 1000, 1000, 1000, 1200, 1200, 1200],
    revenue_won__region__US=[600, 600, 600, 600, 700, 700, 700],
    revenue_won__region__DACH=[400, 400, 400, 400, 500, 500, 500],
    revenue_won__owner__Ana=[300, 300, 300, 300, 400, 400, 400],
    win_rate=[(10, 40)] * 4 + [(12, 40)] * 3,
    sales_cycle_days=[60, 60, 60, 60, 50, 50, 50],
    nrr=[(95, 100)] * 7,
    grr=[(90, 100)] * 7,
    arr=[5000, 5200, 5400, 5600, 5800, 6000, 6200],
)


def make_ruler(cells=CELLS, as_of=AS_OF, **more):
    return Ruler(cells, CATALOG, as_of, RULES, **more)


YEAR = date(2026, 1, 1)


def company_goal(**changes):
    base = {"kpi": "revenue_won", "target": 4800.0, "grain": "year", "period_start": YEAR, "owner": "ana"}
    return CascadeGoal(**{"id": "year", "title": "Win 4,800", "level": "company", **base, **changes})


def department_goal(**changes):
    base = {"kpi": "opportunities", "target": 200.0, "grain": "year", "period_start": YEAR, "owner": "ana"}
    more = {"level": "department", "serves": ("year",), "department": "Marketing"}
    return CascadeGoal(**{"id": "opps", "title": "200 opportunities", **more, **base, **changes})


def tactic(**changes):
    base = {"kpi": "leads", "amount": 100.0, "start": date(2026, 7, 1), "due": date(2026, 12, 15), "cost": 50.0}
    return Tactic(**{"id": "web", "title": "New website", "serves": ("opps",), "owner": "ana", **base, **changes})


def make_cascade(goals=None, tactics=None, people=None, targets=(), **more):
    goals = [company_goal(), department_goal()] if goals is None else goals
    tactics = [tactic()] if tactics is None else tactics
    people = [Person("ana", "Ana Okafor", variable_pay=20_000.0)] if people is None else people
    groups = (goals, tactics, people, targets)
    return Cascade(*({item.id: item for item in group} for group in groups), **more)
