"""What the first page says in sentences: nothing to compare, a count that stopped, names that mean another number."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.data_health import headline_health, name_object
from helpers.analyses.overview import describe_bowtie, score_kpis
from helpers.analyses.overview_findings import find_overview, headline_bowtie, headline_scorecard
from helpers.analyses.slicing import headline_slices
from helpers.analyses.trends import headline_trend
from helpers.engine.cells import build_cells
from helpers.model.catalog import load_catalog
from helpers.periods import Period
from tests.companies import make_company


def quarter(year: int, number: int) -> Period:
    start = date(year, 3 * number - 2, 1)
    end = (pd.Timestamp(start) + pd.offsets.QuarterEnd(startingMonth=3)).date()
    return Period(start, end, "quarter")


NOW, BEFORE = quarter(2026, 2), quarter(2026, 1)


def overview_of(contacts: dict, compared: Period | None = BEFORE):
    company = make_company({"contact": contacts})
    cells = build_cells(company, by=[()], grain="quarter", as_of=NOW.end)
    scored = score_kpis(cells, company.catalog, NOW, compared, company.targets)
    bowtie = describe_bowtie(cells, company.catalog, NOW, compared, company.targets)
    return scored, bowtie, find_overview(scored, NOW, compared, "USD")


def test_without_an_earlier_period_nothing_is_called_behind_or_on_track():
    scored, bowtie, findings = overview_of({"id": ["1", "2"], "created_at": ["2026-04-01", "2026-05-02"]})
    assert headline_scorecard(scored, NOW) == "1 KPI is known for Q2 2026, with nothing to compare yet"
    told = headline_bowtie(bowtie, scored, NOW, "USD")
    assert told == "Leads were 2 in Q2 2026, with no earlier period and no goal to compare with"
    [finding] = findings
    assert finding.severity == "note"
    assert "no KPI can be compared" in finding.headline


def test_a_count_that_stops_is_a_question_to_the_export_before_it_is_a_fall():
    """40 leads in Q1, all of them MQLs; 40 leads in Q2, none of them."""
    days = [f"2026-0{month}-{day:02d}" for month in (1, 4) for day in range(1, 21) for _ in range(2)]
    contacts = {"id": [str(i) for i in range(80)], "created_at": days, "mql_at": days[:40] + [None] * 40}
    _, _, findings = overview_of(contacts)
    [mqls] = [finding for finding in findings if finding.kpi == "mqls"]
    assert mqls.headline.startswith("No MQLs are dated in Q2 2026, after 40 in Q1 2026: either")
    assert "export" in mqls.next_step


def test_a_stage_is_never_called_by_the_name_of_another_number():
    """43 customers went live, 332 are live: the picture of stages counts the former."""
    customers = {"id": ["a", "b"], "live_at": ["2026-04-01", "2026-05-01"]}
    company = make_company({"customer": customers})
    cells = build_cells(company, by=[()], grain="quarter", as_of=NOW.end)
    bowtie = describe_bowtie(cells, company.catalog, NOW, None, company.targets)
    live = bowtie.set_index("stage").loc["live"]
    assert (live["label"], live["volume"]) == ("Customers onboarded", 2)


@pytest.mark.parametrize(
    ("quarantined", "warnings", "said"),
    [(0, 0, "1,000 rows read: every row counts; no values look wrong"), (1, 1, "1,000 rows read: 99.9 % of the rows")],
)
def test_health_headline_counts_in_words_and_never_rounds_up_to_all(quarantined, warnings, said):
    inputs = pd.DataFrame({"rows_read": [1000], "rows_used": [1000 - quarantined], "rows_quarantined": [quarantined]})
    issues = pd.DataFrame({"severity": ["warning"] * warnings})
    assert headline_health(inputs, issues).startswith(said)


def test_objects_are_named_without_snake_case():
    assert name_object("look-up for deal.sales_agent") == "look-up for the sales agent of a deal"
    assert name_object(None) == ""


def slices_of(values: list, **more) -> pd.DataFrame:
    names = [row[0] for row in values]
    frame = pd.DataFrame(
        {
            "slice": names,
            "value": [row[1] for row in values],
            "low": [row[2] for row in values],
            "high": [row[3] for row in values],
            "is_small": False,
            "q_value": float("nan"),
            "change": float("nan"),
            "company_value": 0.5,
        }
    )
    return frame.assign(difference=frame["value"] - 0.5, **more)


def test_records_with_a_blank_field_are_no_slice_that_a_headline_names():
    kpi = load_catalog().kpi("opportunity_to_won")
    sliced = slices_of(
        [("(blank)", 0.02, 0.0, 0.05), ("retail", 0.52, 0.45, 0.59), ("retail & (blank)", 0.0, 0.0, 0.02)]
    )
    assert headline_slices(sliced, kpi, ["industry"], NOW, "USD").startswith("No industry stands out")


def test_the_furthest_of_many_slices_is_named_only_when_it_survives_the_correction():
    """One interval of twelve that just misses the company's value is what chance brings; one far off is not."""
    kpi = load_catalog().kpi("opportunity_to_won")
    others = [(f"s{i}", 0.5, 0.4, 0.6) for i in range(11)]
    near = slices_of([("near", 0.61, 0.505, 0.7), *others])
    far = slices_of([("far", 0.8, 0.72, 0.86), *others])
    assert headline_slices(near, kpi, ["gtm_motion"], NOW, "USD").startswith("No GTM motion stands out")
    assert headline_slices(far, kpi, ["gtm_motion"], NOW, "USD").startswith("Opportunity to won is 80 % in far")


def test_a_typical_count_is_a_whole_number_and_one_value_is_no_history():
    kpi = load_catalog().kpi("opportunities")
    frame = pd.DataFrame(
        {"period": ["Q1", "Q2", "Q3"], "value": [3.0, 6.0, 5.0], "is_complete": True, "goal": float("nan")}
    )
    assert headline_trend(frame, kpi, "USD") == "Opportunities were 5 in Q3, against a typical 4"
    assert "no two periods" in headline_trend(frame.tail(1), kpi, "USD")


def test_a_field_that_is_blank_only_where_nothing_was_won_is_called_late():
    """251 deals without an industry, none won: the others look better than the company because of that."""
    kpi = load_catalog().kpi("opportunity_to_won")
    sliced = slices_of([("retail", 0.57, 0.52, 0.62), ("media", 0.68, 0.6, 0.75), ("(blank)", 0.0, 0.0, 0.02)], n=251)
    said = headline_slices(sliced, kpi, ["industry"], NOW, "USD")
    assert said.startswith("Opportunity to won is 0 % where industry is blank (251 records): filled in late")


def test_slices_of_nothing_are_said_to_be_nothing():
    kpi = load_catalog().kpi("mqls")
    sliced = slices_of([("organic_search", 0.0, float("nan"), float("nan")), ("(blank)", 0.0, 0.0, 0.0)], n=0)
    assert headline_slices(sliced, kpi, ["source"], NOW, "USD") == "No MQLs in Q2 2026, whatever the source"


def test_a_trend_that_ends_at_nothing_is_told_as_such():
    frame = pd.DataFrame({"period": ["Q1", "Q2"], "value": [2655.0, 0.0], "is_complete": True, "goal": float("nan")})
    said = headline_trend(frame, load_catalog().kpi("mqls"), "USD")
    assert said == "No MQLs are dated in Q2, after 2,655 in Q1"
