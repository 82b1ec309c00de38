"""Push rate: by hand, equal to the KPI, and silent where nobody knows the past."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.push_rate import PUSH_COLUMNS, measure_push_rates
from helpers.engine.cells import build_cells
from helpers.periods import build_periods, period_of
from tests.analyses.deal_histories import make_deals_with_history
from tests.companies import make_company

Q2 = period_of(date(2026, 5, 1), "quarter")


def _by_hand():
    """Four deals due in the second quarter: one held, one edited, one pushed once and one twice."""
    deals = pd.DataFrame(
        [
            ("held", "2026-01-01", "2026-06-10", "Demo", 10.0, "Ann"),
            ("edited", "2026-01-01", "2026-06-20", "Demo", 20.0, "Ann"),
            ("once", "2026-01-01", "2026-07-11", "Demo", 30.0, "Ben"),
            ("twice", "2025-11-01", "2026-08-30", "Demo", 40.0, "Ben"),
            ("later", "2026-01-01", "2026-09-30", "Demo", 50.0, "Ben"),
        ],
        columns=["id", "created_at", "closed_at", "stage", "amount", "owner"],
    )
    history = pd.DataFrame(
        [
            ("edited", "2026-04-10", "closed_at", "2026-05-01", "2026-06-25"),
            ("edited", "2026-05-10", "closed_at", "2026-06-25", "2026-06-20"),
            ("once", "2026-06-01", "closed_at", "2026-06-01", "2026-07-11"),
            ("twice", "2026-03-20", "closed_at", "2026-03-15", "2026-06-01"),
            ("twice", "2026-06-20", "closed_at", "2026-06-01", "2026-08-30"),
        ],
        columns=["deal_id", "changed_at", "field", "old", "new"],
    )
    return make_company({"deal": deals, "deal_history": history}, latest_event="2026-06-30")


def test_pushes_edits_and_days_are_counted_apart():
    rates = measure_push_rates(_by_hand(), [Q2], by=["owner", "source"])
    whole = rates.frame[rates.frame["dimension"] == "all"].iloc[0]
    assert (whole["n"], whole["pushed"], whole["push_rate"]) == (4, 2, 0.5)
    assert (whole["edits"], whole["edits_to_later"]) == (4, 3)
    assert whole["pushed_before"] == 1 and whole["share_pushed_before"] == 0.25
    assert whole["days_pushed"] == (40 + 90) / 2
    assert whole["amount_pushed"] == 70 and whole["is_small"]
    ben = rates.frame[rates.frame["slice"] == "Ben"].iloc[0]
    assert (ben["n"], ben["pushed"]) == (2, 2)
    assert any("don't carry source" in note for note in rates.notes)


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_the_kpi_for_every_period_and_slice(seed):
    deals, history = make_deals_with_history(seed)
    company = make_company({"deal": deals, "deal_history": history}, latest_event="2026-12-31")
    periods = build_periods(date(2025, 1, 1), date(2026, 12, 31), "quarter", 1)
    mine = measure_push_rates(company, periods, by=["owner", "source"]).frame
    cells = build_cells(company, kpis=["push_rate"], by=[(), ("owner",), ("source",)], grain="quarter")
    cells = cells.assign(period_start=pd.to_datetime(cells["period_start"]))
    keys = ["period_start", "dimension", "slice"]
    both = cells.merge(mine, on=keys, how="outer", suffixes=("_kpi", ""))
    assert len(both) == len(cells) == len(mine) > 0
    assert (both["numerator"] == both["pushed"]).all() and (both["denominator"] == both["n"]).all()
    assert both["low_kpi"].to_numpy() == pytest.approx(both["low"].to_numpy())


def test_without_history_nothing_is_told_and_the_cure_is_said():
    deals, _ = make_deals_with_history(1)
    rates = measure_push_rates(make_company({"deal": deals}, latest_event="2026-12-31"), [Q2])
    assert not rates.is_told and "Current values only" in rates.why_not and "python -m helpers add" in rates.cure
    assert list(rates.frame) == PUSH_COLUMNS
