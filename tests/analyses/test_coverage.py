"""Pipeline coverage: the published identities, and a company small enough to count by eye."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.coverage import COVERAGE_COLUMNS, attain, cover, measure_coverage, need_coverage
from helpers.analyses.coverage_composition import split_conversion_change
from helpers.analyses.coverage_patterns import detect_over_ask
from helpers.analyses.coverage_review import review_coverage
from tests.companies import make_company
from tests.real_data import require_real_data

AS_OF = date(2026, 6, 30)


def make_small(**changes):
    """
    deal  created     expected close  →  changed to   closed           amount
    A     2025-12-01  2026-02-15                      won 2026-02-15   100
    B     2025-12-01  2026-03-15                      lost 2026-03-20  200
    C     2025-12-01  2026-03-01  →  2026-05-01 on 2026-02-20   won 2026-05-10   300
    D     2026-02-01  2026-03-31                      won 2026-03-31   50    (created and closed in Q1)
    E     2026-03-10  2026-06-15                      won 2026-06-15   80
    F     2026-03-10  2026-08-15                      open             500
    R     2025-12-01  2026-02-01                      won 2026-02-01   900   (renewal: never counts)

    start of Q1 (morning of 1 Jan): A 100 + B 200 + C 300 = 600 due in Q1; booked in Q1: A + D = 150
    start of Q2 (morning of 1 Apr): C 300 + E 80 = 380 due in Q2; booked in Q2: C + E = 380
    """
    deals = pd.DataFrame(
        [
            ("A", "2025-12-01", "2026-02-15", "Closed Won", 100.0, "new", "Web"),
            ("B", "2025-12-01", "2026-03-20", "Closed Lost", 200.0, "new", "Web"),
            ("C", "2025-12-01", "2026-05-10", "Closed Won", 300.0, "new", "Event"),
            ("D", "2026-02-01", "2026-03-31", "Closed Won", 50.0, "new", "Web"),
            ("E", "2026-03-10", "2026-06-15", "Closed Won", 80.0, "new", "Event"),
            ("F", "2026-03-10", "2026-08-15", "Proposal", 500.0, "new", "Web"),
            ("R", "2025-12-01", "2026-02-01", "Closed Won", 900.0, "renewal", "Web"),
        ],
        columns=["id", "created_at", "closed_at", "stage", "amount", "type", "source"],
    )
    history = pd.DataFrame(
        [
            ("B", "2026-03-20", "closed_at", "2026-03-15", "2026-03-20"),
            ("C", "2026-02-20", "closed_at", "2026-03-01", "2026-05-01"),
            ("C", "2026-05-10", "closed_at", "2026-05-01", "2026-05-10"),
        ],
        columns=["deal_id", "changed_at", "field", "old", "new"],
    )
    targets = pd.DataFrame(
        {
            "kpi": "revenue_won",
            "grain": "quarter",
            "period_start": pd.to_datetime(["2026-01-01", "2026-04-01", "2026-07-01"]),
            "dimension": "all",
            "slice": "all",
            "goal": [200.0, 190.0, 400.0],
        }
    )
    tables = {"deal": deals, "deal_history": history}
    return make_company(tables, **{"targets": targets, "latest_event": AS_OF} | changes)


def at(table, start, week=0, source="all"):
    found = table[
        (table["period_start"] == pd.Timestamp(start)) & (table["week"] == week) & (table["source"] == source)
    ]
    assert len(found) == 1
    return found.iloc[0]


def test_four_times_coverage_at_a_quarter_converted_exactly_makes_plan():
    assert need_coverage(0.25) == 4.0
    assert attain(4.0, 0.25) == 1.0


def test_published_attainments_are_coverage_times_conversion():
    assert attain(3.1, 0.34) == pytest.approx(1.054)
    assert attain(2.4, 0.34) == pytest.approx(0.816)


def test_create_and_close_lowers_the_needed_coverage_as_published():
    assert need_coverage(0.20, create_and_close=0.30) == pytest.approx(3.5)


def test_three_times_coverage_at_week_three_implies_a_third_converted():
    assert 1 / cover(3.0, 1.0) == pytest.approx(1 / 3)


def test_starting_pipeline_is_what_was_open_and_due_on_the_morning_of_the_first_day():
    table = measure_coverage(make_small(), as_of=AS_OF).table
    assert list(table.columns) == COVERAGE_COLUMNS
    first, second = at(table, "2026-01-01"), at(table, "2026-04-01")
    assert (first["open_pipeline"], second["open_pipeline"]) == (600.0, 380.0)
    assert (first["bookings"], second["bookings"]) == (150.0, 380.0)
    assert first["coverage"] == pytest.approx(3.0)
    assert first["conversion"] == pytest.approx(0.25)
    assert first["attainment"] == pytest.approx(0.75)


def test_attainment_is_coverage_times_conversion_in_every_week():
    table = measure_coverage(make_small(), as_of=AS_OF).table
    known = table[table["attainment"].notna() & (table["open_pipeline"] > 0)]
    assert len(known) > 10
    np.testing.assert_allclose(known["coverage"] * known["conversion"], known["attainment"])


def test_needed_coverage_uses_only_periods_that_had_ended_before():
    table = measure_coverage(make_small(), as_of=AS_OF).table
    assert np.isnan(at(table, "2026-01-01")["needed_coverage"])
    assert at(table, "2026-04-01")["needed_coverage"] == pytest.approx(4.0)
    assert at(table, "2026-07-01")["needed_coverage"] == pytest.approx((600 + 380) / (150 + 380))


def test_to_go_coverage_divides_what_is_left_by_what_is_left():
    """Week 9 of Q1 begins on 5 March: A is booked (100 of 200), C has moved out, B 200 and D 50 are open: 250 / 100."""
    table = measure_coverage(make_small(), as_of=AS_OF).table
    row = at(table, "2026-01-01", week=9)
    assert row["open_pipeline"] == 250.0
    assert row["to_go_coverage"] == pytest.approx(2.5)


def test_sources_add_up_to_the_company():
    table = measure_coverage(make_small(), as_of=AS_OF).table
    parts = table[table["source"] != "all"].groupby(["period_start", "week"])[["open_pipeline", "bookings"]].sum()
    whole = table[table["source"] == "all"].set_index(["period_start", "week"])
    np.testing.assert_allclose(parts["open_pipeline"], whole["open_pipeline"].reindex(parts.index))


def test_the_next_start_is_known_on_the_evening_before_and_later_ones_are_forecast():
    table = measure_coverage(make_small(), as_of=AS_OF).table
    coming = at(table, "2026-07-01")
    assert coming["forecast"] == coming["open_pipeline"] == 500.0
    assert coming["coverage"] == pytest.approx(1.25)
    assert np.isnan(coming["bookings"])


def test_target_of_new_business_is_taken_where_it_was_typed_by_type_of_deal():
    targets = make_small().targets
    typed = targets.assign(dimension="type", slice="new", goal=[150.0, 190.0, 400.0])
    renewals = targets.assign(dimension="type", slice="renewal", goal=50.0)
    company = make_small(targets=pd.concat([targets, typed, renewals], ignore_index=True))
    assert at(measure_coverage(company, as_of=AS_OF).table, "2026-01-01")["target"] == 150.0


def test_without_targets_conversion_stays_and_coverage_is_blank():
    company = make_small(targets=make_small().targets.head(0))
    row = at(measure_coverage(company, as_of=AS_OF).table, "2026-01-01")
    assert np.isnan(row["coverage"]) and row["conversion"] == pytest.approx(0.25)
    review = review_coverage(company, as_of=AS_OF)
    assert "No bookings target" in review.title


def test_without_history_of_close_dates_it_is_unavailable_and_says_why():
    small = make_small()
    company = make_company({"deal": small.tables["deal"]}, targets=small.targets, latest_event=AS_OF)
    coverage = measure_coverage(company, as_of=AS_OF)
    assert not coverage.is_available and coverage.table.empty
    assert "history" in coverage.reason and coverage.cure


def test_a_company_without_deals_is_unavailable():
    sessions = pd.DataFrame({"date": ["2026-05-01"], "sessions": [10]})
    coverage = measure_coverage(make_company({"session": sessions}), as_of=AS_OF)
    assert coverage.reason == "The exports hold no deals."


def test_open_deals_of_maven_carry_no_close_date_so_coverage_is_unavailable():
    folder = require_real_data("maven_crm")
    raw = pd.read_csv(folder / "sales_pipeline.csv")
    deals = pd.DataFrame(
        {
            "id": raw["opportunity_id"],
            "created_at": raw["engage_date"],
            "closed_at": raw["close_date"],
            "stage": raw["deal_stage"],
            "amount": raw["close_value"],
        }
    )
    coverage = measure_coverage(make_company({"deal": deals}), as_of=date(2017, 12, 31))
    assert "Open deals carry no expected close date" in coverage.reason


def test_both_questions_are_answered_with_their_numbers():
    headline = review_coverage(make_small(), as_of=AS_OF).findings[0].headline
    assert headline.startswith("Q2 2026 booked 200 % of its target")
    assert "2.0× coverage" in headline and "100 %" in headline


def test_over_ask_is_named_only_when_plan_was_made_with_less():
    at_4x = pd.DataFrame({"open_pipeline": [4.0] * 4, "bookings": [1.0] * 4, "coverage": [4.0] * 4})
    at_4x["attainment"] = 1.0
    found = detect_over_ask(5.0, at_4x)
    assert found is not None and found["needed"] == 4.0 and found["on_plan"] == 4
    assert detect_over_ask(4.0, at_4x) is None
    assert detect_over_ask(0.0, at_4x) is None
    missed = at_4x.assign(open_pipeline=3.0, bookings=0.75, coverage=3.0, attainment=0.75)
    assert detect_over_ask(5.0, missed) is None


def test_a_fall_of_conversion_by_mix_alone_is_all_mix():
    """Web converts 10 %, events 40 %, before and after; their shares of the pipeline swap from 20:80 to 80:20."""
    before = pd.DataFrame({"source": ["Web", "Event"], "open_pipeline": [20.0, 80.0], "bookings": [2.0, 32.0]})
    after = pd.DataFrame({"source": ["Web", "Event"], "open_pipeline": [80.0, 20.0], "bookings": [8.0, 8.0]})
    split = split_conversion_change(before, after)
    assert split["change"] == pytest.approx(-0.18)
    assert split["mix"] == pytest.approx(-0.18)
    assert split["rate"] == pytest.approx(0.0)


def test_mix_and_rate_add_up_to_the_change():
    generator = np.random.default_rng(2)
    before, after = (
        pd.DataFrame({"source": list("ABC"), "open_pipeline": generator.uniform(1, 9, 3)}).assign(
            bookings=lambda frame: frame["open_pipeline"] * generator.uniform(0, 1, 3)
        )
        for _ in range(2)
    )
    split = split_conversion_change(before, after)
    assert split["mix"] + split["rate"] + split["outside"] == pytest.approx(split["change"])
    assert split["outside"] == 0
