"""Slices add up, rates and medians of the rest are counted anew, and two periods or the plan are set beside them."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.analyses.change import score_changes
from helpers.analyses.slicing import OTHERS, choose_kpis, compare_bases, slice_kpi, slice_kpis, tabulate_slices
from helpers.analyses.slicing_filters import plan_cuts, resolve_filters, split_slice
from helpers.analyses.slicing_goals import find_goals
from helpers.analyses.slicing_layers import find_above, find_below, list_layers, open_slices
from helpers.company import open_company
from helpers.engine.cells import build_cells
from helpers.engine.doubt import wilson_interval
from helpers.errors import QuestionError
from helpers.model.catalog import load_catalog
from helpers.periods import custom_period, period_of
from tests.companies import make_company
from tests.engine.random_company import make_random_company

QUARTER = period_of(date(2025, 5, 5), "quarter")
KPIS = ["leads", "opportunities", "revenue_won", "win_rate", "win_rate_value", "opportunity_to_won", "lead_to_won",
        "average_deal_size", "sales_cycle_days", "sales_cycle_days_p90", "open_pipeline"]  # fmt: skip


@pytest.fixture(scope="module")
def sample():
    return open_company("data/samples/brightwater")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 8), st.sampled_from(KPIS), st.sampled_from([("region",), ("source",), ("region", "source")]),
       st.integers(1, 6))  # fmt: skip
def test_the_rest_is_what_the_company_is_without_the_named_slices(seed, kpi, cut, named):
    """Ask for the rest by leaving the named slices out; of two partitions, over the records' own values joined."""
    company = make_random_company(seed)
    frame = slice_kpi(company, kpi, cut, period=QUARTER, maximum=named)
    rest = frame[frame["slice"] == OTHERS]
    if rest.empty:
        assert len(frame) <= named or frame["value"].notna().any()
        return
    names = frame.loc[frame["slice"] != OTHERS, "slice"].tolist()
    tables = dict(company.tables)
    for object in ("contact", "deal", "customer"):
        table = tables[object]
        if set(cut) <= set(table.columns):
            texts = table[list(cut)].astype("str").fillna("(blank)").agg(" & ".join, axis=1)
            tables[object] = table.assign(cut=texts.astype("str"))
    joined = make_company({name: table for name, table in tables.items()}, latest_event="2026-09-30")
    labels = set(tables["deal"]["cut"]) | set(tables["contact"]["cut"])
    asked = {
        "grain": "quarter",
        "start": QUARTER.start,
        "end": QUARTER.end,
        "filters": {"cut": sorted(labels - set(names))},
    }
    cells = build_cells(joined, kpis=[kpi], **asked)
    basis = company.catalog.kpi(kpi).basis[0]
    [expected] = cells[cells["basis"] == basis].to_dict("records")
    for column in ("value", "n", "numerator", "denominator", "low", "high"):
        found = float(rest[column].iloc[0]) if not pd.isna(rest[column].iloc[0]) else np.nan
        assert found == pytest.approx(float(expected[column]), rel=1e-9, nan_ok=True), column


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 8), st.sampled_from(["opportunities", "revenue_won", "deals_won", "leads", "open_deals"]))
def test_slices_and_blank_are_the_company_to_the_cent(seed, kpi):
    company = make_random_company(seed)
    for cut in [("region",), ("region", "source")]:
        frame = slice_kpi(company, kpi, cut, period=QUARTER, maximum=3)
        if not frame.attrs["company"]:
            continue
        total = frame.attrs["reconciliation"]
        assert total.is_exact and "in the company" in total.sentence
        assert frame["value"].sum() == pytest.approx(frame.attrs["company"]["value"], abs=0.005)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 8), st.sampled_from(["win_rate", "opportunity_to_won", "deals_won", "average_deal_size"]))
def test_contributions_add_up_to_the_companys_change(seed, kpi):
    company = make_random_company(seed)
    frame = slice_kpi(company, kpi, ("source",), period=QUARTER, compared=QUARTER.previous(), maximum=2)
    now, before = frame.attrs["company"], frame.attrs["company_before"]
    if now and before:
        assert frame["contribution"].sum() == pytest.approx(now["value"] - before["value"], abs=1e-9)


def test_the_rate_of_the_rest_has_an_interval_of_its_own(sample):
    period = period_of(date(2026, 9, 30), "quarter")
    [rest] = slice_kpi(sample, "win_rate", ["source"], period=period, maximum=2).iloc[2:].to_dict("records")
    low, high = wilson_interval(np.array([rest["numerator"]]), np.array([rest["denominator"]]))
    assert rest["slice"] == OTHERS and rest["value"] == rest["numerator"] / rest["denominator"]
    assert (rest["low"], rest["high"]) == (pytest.approx(low[0]), pytest.approx(high[0]))


def test_records_that_do_not_carry_a_partition_are_counted(sample):
    period = period_of(date(2026, 9, 30), "quarter")
    frame = slice_kpi(sample, "sessions", ["product"], period=period)
    assert frame.empty and "don't carry it" in frame.attrs["reconciliation"].sentence


def test_a_slice_of_the_earlier_period_alone_stands_there_without_records():
    deal = {
        "id": ["a", "b"], "created_at": ["2026-01-01", "2026-04-01"], "closed_at": ["2026-02-01", "2026-05-01"],
        "stage": ["Closed Won", "Closed Lost"], "product": ["Old", "New"],
    }  # fmt: skip
    company = make_company({"deal": deal}, latest_event="2026-06-30")
    period = period_of(date(2026, 5, 1), "quarter")
    frame = slice_kpi(company, "win_rate", ["product"], period=period, compared=period.previous()).set_index("slice")
    assert frame.loc["Old", "n"] == 0 and pd.isna(frame.loc["Old", "value"])
    assert (frame.loc["Old", "previous_value"], frame.loc["New", "value"]) == (1.0, 0.0)


def test_periods_of_unlike_length_are_compared_per_day():
    """100 in 10 days against 200 in 20 days is the same rate: nothing changed."""
    row = {"slice": "a", "denominator": np.nan, "low": np.nan, "high": np.nan}
    now, before = (pd.DataFrame([{**row, "value": n, "n": n, "numerator": n}]) for n in (100.0, 200.0))
    assert score_changes(now, before, on=["slice"], days=(10, 20))["p_value"].iloc[0] == pytest.approx(1, abs=0.05)
    assert score_changes(now, before, on=["slice"])["p_value"].iloc[0] < 1e-3


def test_the_plan_stands_beside_each_slice_that_has_one(sample):
    period = period_of(date(2026, 9, 30), "quarter")
    frame = slice_kpi(sample, "revenue_won", ["region"], period=period, targets=sample.targets)
    goals = sample.targets[(sample.targets["kpi"] == "revenue_won") & (sample.targets["dimension"] == "region")]
    goals = goals[pd.to_datetime(goals["period_start"]) == pd.Timestamp(period.start)].set_index("slice")["goal"]
    assert len(goals) and frame.set_index("slice").loc[goals.index, "previous_value"].tolist() == goals.tolist()
    assert (frame["change"] == frame["value"] - frame["goal"]).all() and frame["q_value"].isna().all()
    [result] = slice_kpis(sample, ["revenue_won"], ["region"], period=period, targets=sample.targets)
    assert "goal" in result.headline


def test_goals_of_shorter_periods_are_added_up_where_they_tile_the_one_asked():
    kpi = load_catalog().kpi("revenue_won")
    rows = [("quarter", f"2026-{month:02d}-01", "all", "all", goal) for month, goal in ((1, 1.0), (4, 2.0), (7, 4.0))]
    targets = pd.DataFrame(rows, columns=["grain", "period_start", "dimension", "slice", "goal"]).assign(
        kpi="revenue_won"
    )
    half = custom_period(date(2026, 1, 1), date(2026, 6, 30))
    assert find_goals(targets, kpi, (), half) == {"all": 3.0}
    assert find_goals(targets, kpi, (), period_of(date(2026, 5, 1), "year")) == {}, "a quarter has no goal"
    assert find_goals(targets, kpi, (), custom_period(date(2026, 1, 2), date(2026, 6, 30))) == {}
    assert find_goals(targets, load_catalog().kpi("win_rate"), (), half) == {}, "rates don't add up"


@pytest.mark.parametrize("start", [1, 4, 11])
def test_a_half_year_holds_what_was_won_from_its_first_to_its_last_day(start):
    """Plain pandas: months since the fiscal year began, in halves of six; each is compared with the half before it."""
    deals = make_random_company(3).tables["deal"]
    company = replace(make_random_company(3), fiscal_year_start=start)
    half = period_of(date(2025, 5, 5), "half_year", start)
    closed = deals["closed_at"].dt.to_period("M")
    number = closed.dt.year * 2 + (closed.dt.month - start) // 6
    number = number.where(deals["outcome"] == "won")
    assert number.nunique() > 1
    frame = slice_kpi(company, "deals_won", ["source"], period=half, compared=half.previous()).set_index("slice")
    at = half.start.year * 2 + (half.start.month - start) // 6
    for column, wanted in (("value", at), ("previous_value", at - 1)):
        expected = deals[number == wanted]["source"].astype("object").fillna("(blank)").value_counts()
        found = frame[column].fillna(0)
        assert found[found > 0].to_dict() == expected.to_dict()


def test_a_cut_of_what_is_known_too_late_is_refused_in_words(sample):
    period = period_of(date(2026, 9, 30), "quarter")
    [refused] = slice_kpis(sample, ["win_rate"], ["lost_reason"], period=period)
    assert "can't be cut by" in refused.headline and "known only with the outcome" in refused.refusal
    [filtered] = slice_kpis(sample, ["win_rate"], ["region"], period=period, filters={"lost_reason": "Price"})
    assert filtered.refusal and tabulate_slices([refused, filtered]).empty


def test_both_definitions_stand_side_by_side(sample):
    period = period_of(date(2026, 1, 1), "quarter")
    [result] = slice_kpis(sample, ["opportunity_to_won"], ["region"], period=period, step_back=False)
    table = compare_bases(result)
    assert set(table["basis"]) == {"cohort", "period"} and table["slice"].iloc[0] == "all"
    pairs = table.pivot(index="slice", columns="basis", values="n")
    assert (pairs["cohort"] == pairs["period"]).all(), "the same records entered"


def test_a_young_cohort_steps_back_unless_its_period_was_asked_for(sample):
    period = period_of(date(2026, 9, 30), "quarter")
    question = {"period": period, "as_of": date(2026, 9, 30)}
    [back] = slice_kpis(sample, ["opportunity_to_won"], ["region"], **question)
    [asked] = slice_kpis(sample, ["opportunity_to_won"], ["region"], **question, step_back=False)
    assert back.period.label == "Q1 2026" and back.frame["is_complete"].all()
    assert asked.period == period and not asked.frame["is_complete"].any()


def test_filters_may_leave_values_out_blank_ones_too():
    deal = {"id": list("abc"), "created_at": ["2026-01-01"] * 3, "stage": ["Demo"] * 3, "region": ["US", "EMEA", None]}
    company = make_company({"deal": deal}, latest_event="2026-06-30")
    assert resolve_filters(company, {"region": {"not_in": ["US"]}}) == {"region": ["EMEA", "(blank)"]}
    assert resolve_filters(company, {"region": {"not_in": [None]}}) == {"region": ["EMEA", "US"]}
    period = period_of(date(2026, 1, 1), "quarter")
    left = slice_kpi(company, "opportunities", ["region"], period=period, filters={"region": {"not_in": "(blank)"}})
    assert set(left["slice"]) == {"US", "EMEA"}
    with pytest.raises(QuestionError, match="Did you mean 'not_in'"):
        resolve_filters(company, {"region": {"not_inn": ["US"]}})
    with pytest.raises(QuestionError, match="Did you mean 'EMEA'"):
        resolve_filters(company, {"region": {"not_in": ["EMEAA"]}})


def test_more_than_four_partitions_or_one_twice__error():
    assert plan_cuts(["a & b & c & d"]) == [("a", "b", "c", "d")]
    with pytest.raises(QuestionError, match="At most 4"):
        plan_cuts(["a & b & c & d & e"])
    with pytest.raises(QuestionError, match="twice"):
        plan_cuts(["a & a"])


def test_a_slice_is_taken_apart_also_where_its_values_hold_an_ampersand():
    deal = {
        "id": ["a", "b"], "created_at": ["2026-01-01"] * 2, "stage": ["Demo"] * 2,
        "industry": ["Health & Beauty", "Media"], "product": ["Flow", "Ads & More"],
    }  # fmt: skip
    company = make_company({"deal": deal})
    by = ("industry", "product")
    assert split_slice(company, "Health & Beauty & Flow", by) == {"industry": "Health & Beauty", "product": "Flow"}
    assert split_slice(company, "Media & Ads & More", by) == {"industry": "Media", "product": "Ads & More"}
    with pytest.raises(QuestionError, match="no slice"):
        split_slice(company, "Health & Flow", by)


def test_layers_open_downward_and_their_slices_are_the_value_above(sample):
    kpi = sample.catalog.kpi("win_rate")
    assert find_below(sample, kpi, "channel") == "source" and find_above(sample, kpi, "channel") == "gtm_motion"
    assert "country" in set(list_layers(sample, kpi)["partition"]) and find_below(sample, kpi, "country") == ""
    period = period_of(date(2026, 9, 30), "quarter")
    results = slice_kpis(sample, ["deals_won"], ["region"], period=period, top_n=60)
    [opened] = open_slices(results, {"region": "DACH"}, top_n=60)
    above = results[0].frame.set_index("slice").loc["DACH", "value"]
    assert opened.by == ("country",) and opened.frame["value"].sum() == above
    with pytest.raises(QuestionError, match="Did you mean 'DACH'"):
        open_slices(results, {"region": "DACHH"})
    with pytest.raises(QuestionError, match="no level below"):
        open_slices(results, {"country": "Germany"})


@pytest.mark.parametrize(
    ("details", "is_opened"),
    [
        (["Spring fair", "Autumn fair"], True),
        (["b76ef37428e6799c421989521c0e5077", "22c29808c4f815213303f8933030604c"], False),
    ],
    ids=["words", "keys"],
)
def test_a_level_of_keys_that_nobody_can_read_is_not_opened_unasked(details, is_opened):
    n = 40
    deal = {
        "id": [f"d{number}" for number in range(n)],
        "created_at": ["2026-01-05"] * n,
        "closed_at": ["2026-02-01"] * n,
        "stage": ["Closed Won"] * n,
        "source": ["Events"] * n,
        "source_detail": [details[number % 2] for number in range(n)],
    }
    company = make_company({"deal": deal}, latest_event="2026-03-31")
    results = slice_kpis(company, ["deals_won"], ["source"], period=period_of(date(2026, 1, 1), "quarter"))
    assert [one.by for one in open_slices(results)] == ([("source_detail",)] if is_opened else [])
    [asked] = open_slices(results, {"source": "Events"})
    assert asked.frame["value"].tolist() == [n / 2, n / 2]


def test_the_usual_questions_are_asked_where_none_is(sample):
    available = pd.DataFrame({"kpi": ["win_rate", "mqls", "sessions"], "is_available": [False, True, True]})
    assert choose_kpis(available, []) == ["mqls", "sessions"] and choose_kpis(available, ["nrr"]) == ["nrr"]
