"""Like roles compared: innocents are cleared, luck is called luck, and a real difference is seen."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.funnel_plot import compare_units, judge_units
from helpers.analyses.funnel_words import ABOVE, BELOW, NOBODY, ONLY_MIX, SMALL
from helpers.errors import QuestionError
from helpers.model.rules import Rules
from tests.analyses.test_adjusted import EVEN, RATES, UNEVEN, make_deals
from tests.companies import make_company

YEAR = {"start": date(2025, 1, 1), "end": date(2025, 12, 31)}


def compare(deals, **options):
    return compare_units(make_company({"deal": deals}), **YEAR, **options)


def test_raw_and_adjusted_stand_side_by_side_and_who_got_worse_leads_is_cleared():
    (plot,) = compare(make_deals(RATES, UNEVEN))
    rows = plot.frame.set_index("who")
    assert rows.loc["Eve", "rate"] == pytest.approx(10 / 84)
    assert rows.loc["Eve", "expected_rate"] == pytest.approx(10 / 84, abs=0.04)
    assert rows.loc["Eve", "adjusted_rate"] == pytest.approx(plot.rate, abs=0.12)
    assert rows.loc["Eve", "verdict"] == ONLY_MIX
    assert plot.adjusted_for == ("Source",)
    assert plot.headline.startswith("Nobody is different beyond chance: Eve's 12 % is what chance makes of the mix")


def test_a_real_difference_is_named_and_nobody_else():
    (plot,) = compare(make_deals(RATES, EVEN, weaker="Ben"))
    named = plot.frame[plot.frame["is_named"]]
    assert named["who"].tolist() == ["Ben"]
    assert named["verdict"].tolist() == [BELOW]
    assert plot.headline.startswith("Beyond chance, 1 of 4 people lies below the win rate of all, given the mix")
    assert "Ben" not in plot.headline


def test_rates_and_intervals_are_those_of_plain_pandas():
    deals = make_deals(RATES, UNEVEN)
    (plot,) = compare(deals)
    plain = deals["stage"].eq("Closed Won").groupby(deals["owner"]).agg(["size", "sum", "mean"])
    rows = plot.frame.set_index("who").loc[plain.index]
    assert rows["n"].tolist() == plain["size"].tolist()
    assert rows["successes"].tolist() == plain["sum"].tolist()
    assert rows["rate"].to_numpy() == pytest.approx(plain["mean"].to_numpy())
    assert ((rows["low"] <= rows["rate"]) & (rows["rate"] <= rows["high"])).all()


def test_every_role_is_compared_with_its_like_only():
    deals = make_deals({"Demo": 0.5}, {name: {"Demo": 60} for name in "ABCDEF"}, weaker="A")
    people = pd.DataFrame({"id": list("ABCDEFG"), "name": list("ABCDEFG"), "role": ["AE"] * 3 + ["SDR"] * 3 + ["CSM"]})
    plots = compare_units(make_company({"deal": deals, "person": people}), **YEAR)
    assert [plot.role for plot in plots] == ["AE", "SDR"]
    assert [sorted(plot.frame["who"]) for plot in plots] == [["A", "B", "C"], ["D", "E", "F"]]
    assert plots[1].headline.startswith("No SDR is different beyond chance")


def test_few_records_are_shown_hollow_and_not_judged_and_a_blank_field_is_nobody():
    deals = make_deals(RATES, EVEN | {"Fay": {"Demo": 5, "Webinar": 2}, "Gus": {"Demo": 40, "Webinar": 40}})
    deals["owner"] = deals["owner"].replace("Gus", None)
    (plot,) = compare(deals)
    rows = plot.frame.set_index("who")
    assert rows.loc["Fay", "verdict"] == SMALL
    assert rows.loc["(blank)", "verdict"] == NOBODY
    assert rows.loc[["Fay", "(blank)"], "q_value"].isna().all()
    assert "1 with fewer than 30 records is hollow and not judged" in plot.note


def test_too_few_outcomes_leave_the_rate_unadjusted_and_say_so():
    handed = {name: {source: 12 for source in "PQRSTU"} for name in ("Ada", "Ben", "Cyd")}
    (plot,) = compare(make_deals(dict.fromkeys("PQRSTU", 0.1), handed))
    assert plot.adjusted_for == ()
    assert plot.frame[["expected_rate", "adjusted_rate"]].isna().all(axis=None)
    assert "too few outcomes to learn a mix from (source: 6 values are too many for 18 outcomes" in plot.note


def test_a_roll_up_and_what_follows_from_the_unit_are_no_part_of_the_mix():
    deals = make_deals(RATES, EVEN)
    deals["channel"] = deals["source"].map({"Demo": "Inbound", "Webinar": "Events"})
    deals["product"] = np.where(np.arange(len(deals)) % 2 == 0, "Flow", "Shield")
    deals["detail"] = deals["source"] + deals["product"]
    deals["team"] = deals["owner"].map({"Ada": "North", "Ben": "North", "Cyd": "South", "Dov": "South"})
    (plot,) = compare(deals)
    mix = plot.mix.set_index("dimension")
    assert mix.index[mix["is_used"]].tolist() == ["detail"]
    assert mix.loc["team", "reason"] == "follows from what is compared"
    assert mix.loc["product", "reason"] == "follows from detail"
    assert (mix.loc[["detail", "team"], "coverage"] == 1).all()


def test_a_field_filled_only_for_winners_is_refused():
    deals = make_deals(RATES, EVEN)
    company = make_company({"deal": deals}, partitions={"owner": "outcome"})
    with pytest.raises(QuestionError, match="known only with the outcome"):
        compare_units(company, **YEAR)
    with pytest.raises(QuestionError, match="don't each succeed or fail"):
        compare_units(make_company({"deal": deals}), "revenue_won", **YEAR)


def test_a_conversion_leaves_out_records_that_have_not_had_their_time():
    """90 % of the wins took up to 120 days, so deals created in the last 120 days aren't compared."""
    deals = make_deals(RATES, EVEN)
    young = deals.assign(id="y" + deals["id"], created_at="2025-12-01", closed_at="2026-05-01", stage="Open")
    company = make_company({"deal": pd.concat([deals, young])}, latest_event="2025-12-31")
    (plot,) = compare_units(company, "opportunity_to_won", **YEAR)
    assert plot.frame["n"].sum() == len(deals)
    assert plot.n_young == len(young)
    assert plot.wait == 120


def test_no_losses_or_no_such_field_give_no_comparison():
    deals = make_deals(RATES, EVEN)
    assert compare(deals.assign(stage="Closed Won")) == []
    assert compare(deals.assign(closed_at="2020-01-05", created_at="2020-01-01")) == []


def simulate(rng, units, *, rates, sizes=(20, 200)):
    n = rng.integers(*sizes, units).astype(float)
    successes = rng.binomial(n.astype(int), rates).astype(float)
    names = [f"U{i}" for i in range(units)]
    return judge_units(names, {"n": n, "successes": successes, "expected": None}, least=30, rules=Rules())


@pytest.mark.parametrize("units", [3, 12, 60])
def test_chance_alone_names_somebody_in_hardly_any_company(units):
    rng = np.random.default_rng(units)
    found = [simulate(rng, units, rates=0.24)[0]["verdict"].isin([BELOW, ABOVE]).any() for _ in range(200)]
    assert np.mean(found) <= 0.06


def test_a_planted_difference_is_found_among_many():
    rng, found, wrong = np.random.default_rng(8), 0, []
    rates = np.full(30, 0.25)
    rates[4] = 0.08
    for _ in range(100):
        frame = simulate(rng, 30, rates=rates, sizes=(150, 200))[0].set_index("who")
        found += frame.loc["U4", "verdict"] == BELOW
        named = frame.index[frame["verdict"].isin([BELOW, ABOVE])]
        wrong.append(len(named.drop("U4", errors="ignore")) / max(len(named), 1))
    assert found >= 90
    assert np.mean(wrong) <= 0.05


def test_a_general_spread_between_people_makes_nobody_an_exception_but_is_said():
    rng = np.random.default_rng(9)
    named, widened = 0, 0
    for _ in range(100):
        rates = np.clip(rng.normal(0.3, 0.08, 40), 0.05, 0.9)
        frame, _, dispersion = simulate(rng, 40, rates=rates, sizes=(100, 200))
        named += frame["verdict"].isin([BELOW, ABOVE]).sum()
        widened += dispersion > 1
    assert widened >= 98
    assert named / (100 * 40) <= 0.02
