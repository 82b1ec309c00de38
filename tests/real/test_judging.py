"""Judging on public data and on the sample: plain pandas agrees, innocents are cleared, winners' fields are refused."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.funnel_plot import compare_units
from helpers.analyses.funnel_words import ABOVE, BELOW, ONLY_MIX
from helpers.analyses.stage_transitions import measure_transitions
from helpers.analyses.win_curve import measure_win_curve
from helpers.company import open_company
from helpers.errors import QuestionError
from helpers.ingest.intake import start_company
from tests.real_data import PROJECT, require_real_data

SAMPLE, LAST = PROJECT / "data" / "samples" / "brightwater", date(2026, 9, 30)
LATE = {"start": date(2026, 4, 1), "end": LAST, "as_of": LAST}


@pytest.fixture(scope="module")
def brightwater():
    return open_company(SAMPLE)


@pytest.fixture(scope="module")
def maven(tmp_path_factory):
    folder = require_real_data("maven_crm")
    target = tmp_path_factory.mktemp("judging") / "maven"
    files = [folder / name for name in ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")]
    start_company(target, files, lookups=["sales_teams.csv.sales_agent=deal.owner"])
    return open_company(target)


@pytest.fixture(scope="module")
def olist(tmp_path_factory):
    folder = require_real_data("olist_marketing_funnel")
    target = tmp_path_factory.mktemp("judging") / "olist"
    names = ("olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv")
    maps = ["contact.mql_at=first_contact_date", f"contact.won_at={names[1]}.won_date"]
    start_company(target, [folder / name for name in names], currency="BRL", maps=maps)
    return open_company(target)


def test_the_innocent_rep_of_the_sample_is_cleared_by_the_mix(brightwater):
    """Marit Solberg closes 5 of 35 from April on; the sample's own account says that her true chances were 5.3."""
    (plot,) = compare_units(brightwater, "win_rate", **LATE)
    row = plot.frame.set_index("who").loc["Marit Solberg"]
    assert (row["n"], row["successes"], row["verdict"]) == (35, 5, ONLY_MIX)
    assert 4.0 <= row["expected_rate"] * 35 <= 6.5
    assert "Marit Solberg's 14 % is what chance makes of the mix given" in plot.headline
    assert plot.role == "AE"


@pytest.mark.parametrize("kpi", ["win_rate", "opportunity_to_won"])
def test_nobody_in_the_sample_is_called_different_since_nobody_is(brightwater, kpi):
    for plot in compare_units(brightwater, kpi, start=date(2024, 10, 1), end=LAST, as_of=LAST):
        assert not plot.frame["verdict"].isin([BELOW, ABOVE]).any()


def test_hidden_people_are_judged_alike_under_other_names(brightwater):
    (shown,), (hidden,) = (
        compare_units(company, "win_rate", **LATE) for company in (brightwater, open_company(SAMPLE, people="hidden"))
    )
    assert not set(shown.frame["who"]) & set(hidden.frame["who"])
    assert "Solberg" not in hidden.headline + hidden.note
    columns = ["n", "successes", "verdict"]
    order = ["n", "successes"]
    both = [plot.frame.sort_values(order, ignore_index=True)[columns] for plot in (shown, hidden)]
    pd.testing.assert_frame_equal(*both)


def test_the_samples_planted_skips_and_returns_are_counted(brightwater):
    """The sample's account: 30 deals skip a stage, 14 enter one twice, 3 are won on their first day."""
    found = measure_transitions(brightwater, as_of=LAST)
    assert found.moves.groupby("kind")["n"].sum()[["skipped", "back"]].tolist() == [33, 14]
    assert found.n_won > found.chain_wins


def test_agents_of_the_hardware_seller_equal_plain_pandas_and_none_stands_out(maven):
    folder = require_real_data("maven_crm")
    deals = pd.read_csv(folder / "sales_pipeline.csv", parse_dates=["close_date"])
    closed = deals[deals["deal_stage"].isin(["Won", "Lost"])]
    plain = closed["deal_stage"].eq("Won").groupby(closed["sales_agent"]).agg(["size", "sum"])
    (plot,) = compare_units(maven, "win_rate", start=date(2017, 1, 1), end=date(2017, 12, 31))
    rows = plot.frame.set_index("who").loc[plain.index]
    assert rows["n"].tolist() == plain["size"].tolist()
    assert rows["successes"].tolist() == plain["sum"].tolist()
    assert not plot.frame["verdict"].isin([BELOW, ABOVE]).any()
    assert len(compare_units(maven, "win_rate", by="manager", start=date(2017, 1, 1), end=date(2017, 12, 31))) == 1


def test_the_win_curve_of_old_deals_equals_plain_pandas(maven):
    """Deals engaged up to June 2017 were watched for 180 days at least: their curve at 120 days is a plain share."""
    folder = require_real_data("maven_crm")
    deals = pd.read_csv(folder / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    old = deals[deals["engage_date"] <= "2017-06-30"]
    days = (old["close_date"] - old["engage_date"]).dt.days
    plain = (old["deal_stage"].eq("Won") & (days <= 120)).mean()
    curve = measure_win_curve(maven, end=date(2017, 6, 30))
    assert curve.table.set_index("day").loc[120, "share"] == pytest.approx(plain)
    assert curve.n == len(old)
    assert measure_transitions(maven) is None


def test_reps_of_the_marketplace_are_known_only_for_winners_and_refused(olist):
    window = {"start": date(2017, 6, 1), "end": date(2018, 5, 31)}
    for by in ("sdr_id", "sr_id"):
        with pytest.raises(QuestionError, match="known only with the outcome"):
            compare_units(olist, "mql_to_won", by=by, **window)
        with pytest.raises(QuestionError, match="known only with the outcome"):
            measure_win_curve(olist, by=by)


def test_sources_of_the_marketplace_differ_and_equal_plain_pandas(olist):
    folder = require_real_data("olist_marketing_funnel")
    leads = pd.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv", parse_dates=["first_contact_date"])
    deals = pd.read_csv(folder / "olist_closed_deals_dataset.csv", parse_dates=["won_date"])
    funnel = leads.merge(deals[["mql_id", "won_date"]], on="mql_id", how="left")
    late = funnel["won_date"].dt.normalize() >= funnel["first_contact_date"]
    plain = late.groupby(funnel["origin"].fillna("(blank)")).agg(["size", "sum"])
    (plot,) = compare_units(olist, "mql_to_won", by="source", start=date(2017, 6, 1), end=date(2018, 5, 31))
    rows = plot.frame.set_index("who").loc[plain.index]
    assert (rows["n"] - plain["size"]).abs().max() <= plot.n_young
    assert rows["successes"].tolist() == plain["sum"].tolist()
    named = plot.frame.set_index("who")["verdict"]
    assert named[["social", "email"]].tolist() == [BELOW, BELOW]
    assert named["unknown"] == ABOVE
    curve = measure_win_curve(olist, by="source")
    assert curve.p_value < 1e-6
    assert np.isfinite(curve.statistic)
