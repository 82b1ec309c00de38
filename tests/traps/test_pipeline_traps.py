"""Pipeline, targets, and what can churn."""

import pandas as pd
import pytest

from helpers.engine import build_cells, explain_availability
from tests.companies import make_company
from tests.engine.reading import pick


def goals(*rows):
    """Make targets from (period_start, dimension, slice, goal) of the kpi revenue_won per quarter."""
    columns = ["period_start", "dimension", "slice", "goal"]
    return pd.DataFrame(rows, columns=columns).assign(kpi="revenue_won", grain="quarter")


def quarter(history=(), targets=None):
    """Q2 begins with three deals due in it, d0 to d2; d3 is due later, d4 is created in Q2, d5 is a renewal.

    | deal | created | due at the start of Q2 | what became of it in Q2      | amount |
    | d0   | 5 Jan   | 30 Apr                 | won on 20 Apr                | 100    |
    | d1   | 5 Jan   | 30 Apr                 | pushed to 15 Aug             | 200    |
    | d2   | 5 Jan   | 31 May                 | moved to 30 Jun, still open  | 300    |
    | d3   | 5 Jan   | 30 Sep                 |                              | 400    |
    | d4   | 10 Apr  | –                      | pushed to 15 Aug             | 500    |
    | d5   | 5 Jan   | 30 Apr (renewal)       | won on 30 Apr                | 50     |
    """
    deal = {
        "id": [f"d{i}" for i in range(6)],
        "created_at": ["2026-01-05"] * 4 + ["2026-04-10", "2026-01-05"],
        "closed_at": ["2026-04-20", "2026-08-15", "2026-06-30", "2026-09-30", "2026-08-15", "2026-04-30"],
        "stage": ["Closed Won", "Demo", "Demo", "Demo", "Demo", "Closed Won"],
        "amount": [100, 200, 300, 400, 500, 50],
        "type": ["new"] * 5 + ["Renewal"],
    }
    changes = [
        ("d0", "2026-04-20", "closed_at", "2026-04-30", "2026-04-20"),
        ("d1", "2026-05-20", "closed_at", "2026-04-30", "2026-08-15"),
        ("d2", "2026-05-20", "closed_at", "2026-05-31", "2026-06-30"),
        ("d4", "2026-05-20", "closed_at", "2026-05-31", "2026-08-15"),
    ]
    names = ("deal_id", "changed_at", "field", "old", "new")
    table = {name: [row[i] for row in changes] for i, name in enumerate(names)}
    return make_company({"deal": deal, "deal_history": table}, targets=targets, latest_event="2026-07-31")


def test_push_rate_counts_the_deals_due_at_the_start_and_nothing_else():
    """Due at the start of Q2: d0, d1, d2, d5. Pushed out: d1, not d2 (inside Q2), not d4 (not there yet): 1 of 4."""
    cell = pick(build_cells(quarter(), kpis=["push_rate"]), "push_rate", start="2026-04-01")
    assert (cell["numerator"], cell["denominator"], cell["value"], cell["is_complete"]) == (1, 4, 0.25, True)


def test_without_a_history_of_close_dates_there_is_no_push_rate():
    company = make_company({"deal": quarter().tables["deal"]})
    assert "push_rate" not in set(build_cells(company)["kpi"])
    row = explain_availability(company).set_index("kpi").loc["push_rate"]
    assert not row["is_available"]
    assert "history" in row["reason"]


def test_starting_coverage_and_conversion_take_new_business_as_it_stood_at_the_start():
    """Open and due at the start of Q2, new business: d0 100 + d1 200 + d2 300 = 600. Booked in Q2: 100. Target 300."""
    company = quarter(targets=goals(("2026-04-01", "all", "all", 300)))
    cells = build_cells(company)
    coverage = pick(cells, "starting_coverage", start="2026-04-01")
    assert (coverage["numerator"], coverage["denominator"], coverage["value"], coverage["n"]) == (600, 300, 2.0, 3)
    conversion = pick(cells, "pipeline_conversion", start="2026-04-01")
    assert (conversion["numerator"], conversion["denominator"]) == (100, 600)
    to_go = pick(cells, "to_go_coverage", start="2026-04-01")
    assert (to_go["numerator"], to_go["denominator"], to_go["value"]) == (300, 200, 1.5)


@pytest.mark.parametrize("goal", [0, None])
def test_a_goal_of_zero_and_a_missing_goal_both_give_no_coverage_and_never_infinity(goal):
    """Q1 has a goal, Q2 has 0 or none: coverage of Q2 has no row."""
    company = quarter(targets=goals(("2026-01-01", "all", "all", 100), ("2026-04-01", "all", "all", goal)))
    cells = build_cells(company, kpis=["starting_coverage"])
    assert "2026-04-01" not in set(cells["period_start"].dt.strftime("%Y-%m-%d"))


def test_coverage_of_a_slice_needs_a_target_of_that_slice():
    company = quarter(targets=goals(("2026-04-01", "all", "all", 300), ("2026-04-01", "type", "new", 200)))
    cells = build_cells(company, kpis=["starting_coverage"], by=[("type",)])
    assert cells[["slice", "value"]].to_numpy().tolist() == [["new", 3.0]]


def subscriptions():
    """Four contracts; only b and c come up for renewal in 2026 Q1.

    | id | customer | start      | end        | renewal    | mrr | seats |
    | a  | A        | 2025-06-01 |            | 2026-06-01 | 1000| 10    |  not up in Q1
    | b  | B        | 2025-02-01 | 2026-01-31 | 2026-01-31 | 100 | 10    |  renewed for less: b2
    | b2 | B        | 2026-02-01 |            | 2027-01-31 | 80  | 9     |
    | c  | C        | 2025-03-01 | 2026-02-28 | 2026-02-28 | 300 | 5     |  left
    """
    customer = {"id": ["A", "B", "C"], "live_at": ["2025-06-01", "2025-02-01", "2025-03-01"]}
    customer["ended_at"] = [None, None, "2026-02-28"]
    subscription = {
        "id": ["a", "b", "b2", "c"],
        "customer_id": ["A", "B", "B", "C"],
        "start_at": ["2025-06-01", "2025-02-01", "2026-02-01", "2025-03-01"],
        "end_at": [None, "2026-01-31", None, "2026-02-28"],
        "renewal_at": ["2026-06-01", "2026-01-31", "2027-01-31", "2026-02-28"],
        "mrr": [1000, 100, 80, 300],
        "seats": [10, 10, 9, 5],
    }
    return make_company({"customer": customer, "subscription": subscription}, latest_event="2026-03-31")


def test_churn_counts_only_what_could_churn():
    """Up for renewal: B (100, 10 seats), C (300, 5 seats). Logo 1 of 2; revenue 20 + 300 of 400; seats 1 + 5 of 15."""
    cells = build_cells(subscriptions(), start="2026-01-01")
    found = {kpi: pick(cells, kpi) for kpi in ("logo_churn", "revenue_churn", "seat_churn", "grr", "nrr")}
    assert (found["logo_churn"]["numerator"], found["logo_churn"]["denominator"]) == (1, 2)
    assert (found["revenue_churn"]["numerator"], found["revenue_churn"]["denominator"]) == (320, 400)
    assert (found["seat_churn"]["numerator"], found["seat_churn"]["denominator"]) == (6, 15)
    assert found["grr"]["value"] == found["nrr"]["value"] == pytest.approx(80 / 400)
    assert all(cell["n"] == 2 for cell in found.values())


def test_expansion_lifts_net_retention_and_never_gross():
    """Month to month: A from 100 to 150, B from 100 to 60. NRR 210 of 200, GRR 160 of 200."""
    subscription = {
        "id": ["a", "a2", "b", "b2"],
        "customer_id": ["A", "A", "B", "B"],
        "start_at": ["2025-01-01", "2026-02-01", "2025-01-01", "2026-02-01"],
        "end_at": ["2026-01-31", None, "2026-01-31", None],
        "mrr": [100, 150, 100, 60],
    }
    customer = {"id": ["A", "B"], "live_at": ["2025-01-01"] * 2}
    company = make_company({"customer": customer, "subscription": subscription}, latest_event="2026-03-31")
    cells = build_cells(company, start="2026-01-01")
    assert pick(cells, "nrr")["value"] == pytest.approx(210 / 200)
    assert pick(cells, "grr")["value"] == pytest.approx(160 / 200)


def test_a_term_that_ends_on_the_last_day_and_starts_again_the_next_was_renewed():
    """31 March to 1 April: no churn in Q1, even in the report made on the evening of the 31st."""
    subscription = {
        "id": ["a", "a2"],
        "customer_id": ["A", "A"],
        "start_at": ["2025-04-01", "2026-04-01"],
        "end_at": ["2026-03-31", None],
        "renewal_at": ["2026-03-31", "2027-03-31"],
        "mrr": [100, 100],
    }
    customer = {"id": ["A"], "live_at": ["2025-04-01"]}
    company = make_company({"customer": customer, "subscription": subscription}, latest_event="2026-05-01")
    for as_of in (None, "2026-03-31"):
        cells = build_cells(company, start="2026-01-01", end="2026-03-31", as_of=as_of)
        assert pick(cells, "logo_churn")["value"] == 0
        assert pick(cells, "grr")["value"] == pick(cells, "grr_starting")["value"] == 1
    assert pick(cells, "grr")["value"] == 1


def test_stocks_of_recurring_revenue_leave_out_what_ended_on_the_last_day():
    """MRR on 31 Mar: a 1000 + b2 80. ARR is twelve times that. Live customers: A and B."""
    cells = build_cells(subscriptions(), start="2026-01-01")
    assert pick(cells, "mrr")["value"] == 1080
    assert pick(cells, "arr")["value"] == 12960
    assert pick(cells, "customers_live")["value"] == 2


def test_a_pipeline_that_nobody_recorded_is_unavailable_not_hindsight():
    """Open deals carry no amount and no close date, and there is no history: what a quarter started with is unknown.

    | deal | created | closed | amount |
    | won  | 5 Jan   | 20 Apr | 100    |
    | lost | 5 Jan   | 20 May | 0      |
    | open | 5 Jan   |        |        |
    """
    deal = {
        "id": ["won", "lost", "open"],
        "created_at": ["2026-01-05"] * 3,
        "closed_at": ["2026-04-20", "2026-05-20", None],
        "stage": ["Closed Won", "Closed Lost", "Demo"],
        "amount": [100, 0, None],
    }
    company = make_company({"deal": deal}, targets=goals(("2026-04-01", "all", "all", 100)), latest_event="2026-06-30")
    told = set(build_cells(company)["kpi"])
    assert not told & {"open_pipeline", "pipeline_conversion", "starting_coverage", "to_go_coverage", "push_rate"}
    assert "open_deals" in told
    why = explain_availability(company).set_index("kpi")["reason"]
    assert why["open_pipeline"] == "Open deals carry no amount."
    assert "No change of a close date is known" in why["pipeline_conversion"]


def test_coverage_divides_new_pipeline_by_the_target_of_new_business():
    """Due in Q2 at its start, renewals left out: d0 100 + d1 200 + d2 300. Target: 300 new, 100 renewals."""
    targets = goals(
        ("2026-04-01", "all", "all", 400), ("2026-04-01", "type", "new", 300), ("2026-04-01", "type", "Renewal", 100)
    )
    coverage = pick(build_cells(quarter(targets=targets), start="2026-04-01"), "starting_coverage")
    assert coverage["numerator"] == 600 and coverage["denominator"] == 300 and coverage["value"] == 2
