"""The records behind a cell are exactly those that it counts, whatever the KPI, the slice and the period."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analyses.records import link_record, list_records
from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.errors import QuestionError
from helpers.periods import custom_period, period_of
from tests.companies import make_company
from tests.engine.random_company import make_random_company

PERIODS = [
    period_of(date(2025, 5, 5), "quarter"),
    period_of(date(2025, 8, 1), "month"),
    custom_period(date(2025, 2, 10), date(2025, 7, 3)),
    period_of(date(2025, 9, 17), "rolling_90"),
]


def cells_of(company, period, **more):
    question = {"grain": period.grain, "start": period.start, "end": period.end, **more}
    cells = build_cells(company, **question)
    return cells[pd.to_datetime(cells["period_start"]).dt.date == period.start]


def check(company, cell, period, slice=None, as_of=None, **more):
    """Compare one cell with the lists of both its sides."""
    question = {"slice": slice, "basis": cell["basis"], "as_of": as_of, **more}
    top = list_records(company, cell["kpi"], period, side="numerator", **question)
    bottom = list_records(company, cell["kpi"], period, side="denominator", **question)
    kind = company.catalog.kpi(cell["kpi"]).measure.kind if cell["kpi"] in company.catalog.kpis else "conversion"
    where = f"{cell['kpi']} {cell['basis']} {slice}"
    if kind == "velocity" or (kind == "duration" and pd.isna(cell["numerator"])):
        assert len(bottom.frame) == cell["n"], where
        return
    assert top.total == pytest.approx(cell["numerator"], abs=1e-6), where
    assert top.frame["counts"].sum() == pytest.approx(top.total), where
    if pd.isna(cell["denominator"]):
        return
    if kind != "coverage":
        assert bottom.total == pytest.approx(cell["denominator"], abs=1e-6), where
    if kind in ("conversion", "outcome_share", "push", "average", "duration", "pipeline_conversion", "retention"):
        counted = bottom.frame["counts"].sum() if "session" in where else len(bottom.frame)
        assert counted == cell["n"], where


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 6), st.sampled_from(PERIODS), st.booleans())
def test_both_sides_of_every_cell_of_a_random_company_are_listed(seed, period, is_rewound):
    company = make_random_company(seed)
    as_of = date(2025, 10, 31) if is_rewound else None
    for _, cell in cells_of(company, period, as_of=as_of).iterrows():
        check(company, cell, period, as_of=as_of)
    cut = cells_of(company, period, as_of=as_of, by=[("region", "source")])
    assert len(cut) > 40
    for _, cell in cut.iloc[seed % 4 :: 4].iterrows():
        names = dict(zip(("region", "source"), cell["slice"].split(" & "), strict=True))
        check(company, cell, period, names, as_of=as_of)


@pytest.fixture(scope="module")
def sample():
    return open_company("data/samples/brightwater")


@pytest.mark.parametrize("period", [period_of(date(2026, 5, 1), "quarter"), period_of(date(2026, 8, 1), "month")],
                         ids=["quarter", "month"])  # fmt: skip
def test_both_sides_of_every_kpi_of_the_sample_are_listed(sample, period):
    """All kinds are here, stocks, pushes, coverage and retention among them."""
    as_of = date(2026, 9, 30)
    cells = cells_of(sample, period, as_of=as_of, by=[(), ("region",)] if period.grain == "quarter" else [()])
    kinds = {sample.catalog.kpi(kpi).measure.kind for kpi in cells["kpi"] if kpi in sample.catalog.kpis}
    assert {"stock", "push", "retention", "coverage", "pipeline_conversion", "velocity", "duration"} <= kinds or (
        period.grain == "month"
    )
    for _, cell in cells.iterrows():
        slice = {} if cell["dimension"] == "all" else {"region": cell["slice"]}
        check(sample, cell, period, slice, as_of=as_of)


def test_a_cell_of_the_stage_a_deal_was_in_then_lists_the_deals_that_were_in_it(sample):
    period, as_of = period_of(date(2026, 5, 1), "quarter"), date(2026, 9, 30)
    cells = cells_of(sample, period, as_of=as_of, by=[("stage",)], kpis=["open_deals", "open_pipeline"])
    assert cells["slice"].nunique() > 2
    for _, cell in cells.iterrows():
        check(sample, cell, period, {"stage": cell["slice"]}, as_of=as_of)


def test_filters_that_leave_values_out_list_what_is_left(sample):
    period = period_of(date(2026, 5, 1), "quarter")
    some = list_records(sample, "win_rate", period, filters={"region": {"not_in": ["US"]}}, side="denominator")
    both = list_records(sample, "win_rate", period, side="denominator")
    us = list_records(sample, "win_rate", period, slice={"region": "US"}, side="denominator")
    assert len(some.frame) + len(us.frame) == len(both.frame) and set(some.frame["region"]) == (
        set(sample.tables["deal"]["region"].dropna()) - {"US"}
    )


def test_several_slices_are_listed_together(sample):
    period = period_of(date(2026, 5, 1), "quarter")
    slices = [{"region": "US", "product": "Flow"}, {"region": "DACH", "product": "Insight"}]
    apart = [list_records(sample, "deals_won", period, slice=one).total for one in slices]
    assert list_records(sample, "deals_won", period, slice=slices).total == sum(apart) > 0


@pytest.fixture
def hand():
    """Three deals; d1 was won after 9 days, d2 lost, d3 stands open.

    | id   | created    | closed     | stage       | amount | owner |
    | d1   | 2026-01-05 | 2026-01-14 | Closed Won  | 100.50 | Ann   |
    | d/2? | 2026-01-06 | 2026-02-01 | Closed Lost |  50.00 | Bob   |
    | d3   | 2026-02-01 | 2026-06-01 | Demo        |  70.00 | Ann   |
    """
    deal = {
        "id": ["d1", "d/2?", "d3"],
        "created_at": ["2026-01-05", "2026-01-06", "2026-02-01"],
        "closed_at": ["2026-01-14", "2026-02-01", "2026-06-01"],
        "stage": ["Closed Won", "Closed Lost", "Demo"],
        "amount": [100.5, 50.0, 70.0],
        "owner": ["Ann", "Bob", "Ann"],
        "lost_reason": [None, "Price", None],
    }
    pattern = {"record_url": {"deal": "https://crm.example/deal/{id}/view"}}
    return make_company({"deal": deal}, settings=pattern, latest_event="2026-03-31")


def test_a_list_says_who_what_when_why_and_where_to_look(hand):
    frame = list_records(hand, "win_rate", period_of(date(2026, 1, 1), "quarter"), side="denominator").frame
    assert frame["record"].tolist() == ["d1", "d/2?"] and frame["owner"].tolist() == ["Ann", "Bob"]
    assert frame["amount"].tolist() == [100.5, 50.0]
    assert frame["why"].tolist() == ["won on 14 Jan 2026", "lost on 1 Feb 2026"]
    assert frame["link"].tolist() == [
        "https://crm.example/deal/d1/view",
        "https://crm.example/deal/d%2F2%3F/view",
    ]


def test_a_cohort_says_what_each_record_did(hand):
    period = period_of(date(2026, 1, 1), "quarter")
    frame = list_records(hand, "opportunity_to_won", period, side="denominator", horizon_days=5).frame
    assert set(frame["why"]) == {
        f"opportunity on {day} 2026, not won within 5 days" for day in ("5 Jan", "6 Jan", "1 Feb")
    }
    won = list_records(hand, "opportunity_to_won", period).frame
    assert won["why"].tolist() == ["opportunity on 5 Jan 2026, won on 14 Jan 2026: 9 days"]


def test_a_stage_that_is_an_acronym_is_written_as_one():
    contact = {"id": ["c1"], "created_at": ["2026-01-02"], "mql_at": ["2026-01-05"], "sql_at": ["2026-01-09"]}
    company = make_company({"contact": contact}, latest_event="2026-03-31")
    frame = list_records(company, "mql_to_sql", period_of(date(2026, 1, 1), "quarter")).frame
    assert frame["why"].tolist() == ["MQL on 5 Jan 2026, SQL on 9 Jan 2026: 4 days"]


def test_a_rate_by_what_is_known_too_late_is_refused__error(hand):
    with pytest.raises(QuestionError, match="known only with the outcome"):
        list_records(hand, "win_rate", period_of(date(2026, 1, 1), "quarter"), slice={"lost_reason": "Price"})


def test_an_unknown_side__error(hand):
    with pytest.raises(QuestionError, match="Did you mean 'numerator'"):
        list_records(hand, "win_rate", period_of(date(2026, 1, 1), "quarter"), side="numerater")


def test_a_denominator_that_is_a_goal_says_so(sample):
    found = list_records(sample, "starting_coverage", period_of(date(2026, 5, 1), "quarter"), side="denominator")
    assert found.frame.empty and "goal" in found.sentence


@pytest.mark.parametrize(
    ("pattern", "id", "link"),
    [
        ("https://crm.example/d/{id}", "1", "https://crm.example/d/1"),
        ("http://crm.example/d?x={id}", 'a"><script>&b=1#', "http://crm.example/d?x=a%22%3E%3Cscript%3E%26b%3D1%23"),
        ("https://crm.example/{id}", "../../admin", "https://crm.example/..%2F..%2Fadmin"),
        ("https://crm.example/{id}", "ümläut\n\r\t", "https://crm.example/%C3%BCml%C3%A4ut%0A%0D%09"),
        ("https://crm.example/{id}", "\ud800", "https://crm.example/%3F"),
        ("javascript:alert('{id}')", "1", ""),
        ("data:text/html,{id}", "1", ""),
        ("//crm.example/{id}", "1", ""),
        ("https://{id}.example/", "evil.com/", ""),
        ("https://crm.example/", "1", ""),
        ("", "1", ""),
        ("https://crm.example/{id}", np.nan, ""),
    ],
    ids=["plain", "markup", "path", "controls", "half-character", "script", "data", "no-scheme", "host", "no-id",
         "no-pattern", "missing"],
)  # fmt: skip
def test_links_lead_to_web_pages_only_and_ids_are_quoted(pattern, id, link):
    assert link_record(pattern, id) == link
