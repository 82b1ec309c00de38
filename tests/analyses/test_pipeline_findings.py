"""What is told of pipeline and adoption, and the tables that are kept of them."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.adoption import TABLE_COLUMNS, list_adoption
from helpers.analyses.pipeline_findings import choose_pipeline_cuts, find_pipeline, find_what_if, tabulate_pipeline
from helpers.analyses.pipeline_walk import WALK_COLUMNS, walk_pipeline
from helpers.analyses.push_rate import PUSH_COLUMNS, measure_push_rates
from helpers.analyses.what_if_question import ask_what_if
from helpers.company import open_company
from helpers.periods import period_of
from tests.companies import make_company

DAY = date(2026, 9, 30)
Q3 = period_of(DAY, "quarter")


@pytest.fixture(scope="module")
def company():
    return open_company("data/samples/brightwater")


def _all(company, by=()):
    cuts = choose_pipeline_cuts(company, by, as_of=DAY)
    walks = [walk_pipeline(company, Q3, by=cuts, scope=scope, as_of=DAY) for scope in ("due", "open")]
    return walks, measure_push_rates(company, [Q3], as_of=DAY), list_adoption(company, as_of=DAY)


def test_cuts_that_deals_do_not_carry_are_left_out(company):
    assert choose_pipeline_cuts(company, ["status", "region & product"], as_of=DAY) == ["region & product"]
    assert choose_pipeline_cuts(company, as_of=DAY) == ["source", "owner"]


def test_every_table_is_kept_with_its_columns(company):
    walks, rates, adoption = _all(company)
    tables = tabulate_pipeline(walks, rates, adoption)
    assert list(tables["pipeline_walk"]) == WALK_COLUMNS and set(tables["pipeline_walk"]["scope"]) == {"due", "open"}
    assert list(tables["push_rate"]) == PUSH_COLUMNS and list(tables["adoption"]) == TABLE_COLUMNS
    assert len(tables["adoption_records"]) == sum(one.n for one in adoption.told)


def test_findings_say_what_was_pushed_and_which_lists_grow(company):
    walks, rates, adoption = _all(company)
    found = find_pipeline(walks[0], rates, adoption, "EUR")
    assert "was pushed out of it: 18 deals, against 34" in found[0].headline
    assert any("up from" in one.headline for one in found) and all(one.next_step for one in found)
    assert find_what_if(ask_what_if(company, period=Q3, as_of=DAY))[0].headline.startswith("Demo Request")


def test_a_company_without_deals_has_empty_tables_and_no_findings():
    contact = pd.DataFrame({"id": ["a"], "created_at": ["2026-01-01"]})
    walks, rates, adoption = _all(make_company({"contact": contact}, latest_event=DAY))
    tables = tabulate_pipeline(walks, rates, adoption)
    assert tables["pipeline_walk"].empty and list(tables["pipeline_walk"]) == WALK_COLUMNS
    assert find_pipeline(walks[0], rates, adoption, "EUR") == []
