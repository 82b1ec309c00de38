"""What sources have to bring, how they have done against their goals, and the owners' forecasts beside the model's."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.coverage import TOTAL, measure_coverage
from helpers.analyses.pipegen_pattern import PATTERNS, judge_pipegen, say_pipegen
from helpers.analyses.pipeline_generation import measure_generation
from helpers.analyses.source_forecast_review import review_source_forecasts
from helpers.analyses.source_goals import review_source_goals
from helpers.company import open_company
from helpers.model.goal import load_goal_rules
from helpers.model.source_forecast import ShortfallRemedy, SourceForecast, order_forecasts
from tests.analyses.test_coverage import AS_OF, make_small
from tests.companies import make_company
from tests.real_data import require_real_data

QUARTERS = [date(2026, 10, 1), date(2027, 1, 1), date(2027, 4, 1), date(2027, 7, 1)]


@pytest.fixture(scope="module")
def sample():
    return open_company("data/samples/brightwater")


@pytest.fixture(scope="module")
def sample_coverage(sample):
    rows = [("revenue_won", "quarter", pd.Timestamp(day), "all", "all", 1_700_000.0) for day in QUARTERS[1:]]
    ahead = pd.DataFrame(rows, columns=["kpi", "grain", "period_start", "dimension", "slice", "goal"])
    company = replace(sample, targets=pd.concat([sample.targets, ahead], ignore_index=True))
    return measure_coverage(company, as_of=date(2026, 9, 30))


# ---- generation ------------------------------------------------------------------------------------------------------


def test_generated_pipeline_is_what_was_created_in_a_period_as_it_stood_at_its_end():
    """Q1: D 50 (Web), E 80 (Event), F 500 (Web); nothing was created in Q2, and renewals never count."""
    company = make_small()
    coverage = measure_coverage(company, as_of=AS_OF)
    found = measure_generation(company, coverage, as_of=AS_OF, rules=load_goal_rules()).generated
    first = found[found["period_start"] == "2026-01-01"].set_index("source")
    assert first["pipeline"].to_dict() == {"all": 630.0, "Web": 550.0, "Event": 80.0}
    assert first["opportunities"].to_dict() == {"all": 3, "Web": 2, "Event": 1}
    assert found[found["period_start"] == "2026-04-01"]["opportunities"].tolist() == [0, 0, 0]


def test_generation_of_the_sample_agrees_with_plain_pandas(sample, sample_coverage):
    found = measure_generation(sample, sample_coverage, as_of=date(2026, 9, 30), rules=load_goal_rules())
    deals = sample.tables["deal"]
    new = deals[deals["is_new_business"].astype(bool)]
    created = new.groupby(new["created_at"].dt.to_period("Q").dt.start_time).size()
    whole = found.generated[found.generated["source"] == TOTAL].set_index("period_start")["opportunities"]
    pd.testing.assert_series_equal(whole, created.reindex(whole.index), check_names=False, check_dtype=False)
    sums = found.generated[found.generated["source"] != TOTAL].groupby("period_start")["opportunities"].sum()
    assert sums.tolist() == whole.tolist()


def test_what_stays_and_what_arrives_add_up_to_the_forecast(sample, sample_coverage):
    found = measure_generation(sample, sample_coverage, as_of=date(2026, 9, 30), rules=load_goal_rules()).starting
    np.testing.assert_allclose(found["stays"] + found["arriving"], found["forecast"])
    first = found[found["period_start"] == "2026-10-01"]
    assert (first["arriving"] == 0).all(), "it starts on the next morning"


# ---- goals -----------------------------------------------------------------------------------------------------------


def test_sources_add_up_to_needed_coverage_times_target_less_what_exists(sample, sample_coverage):
    goals = review_source_goals(sample, sample_coverage, as_of=date(2026, 9, 30)).goals
    assert goals["period_start"].nunique() == 4
    for _, part in goals.groupby("period_start"):
        whole, own = part.iloc[0], part.iloc[1:]
        assert own["pipeline"].sum() == pytest.approx(whole["pipeline"], abs=0.005)
        assert own["opportunities"].sum() == whole["opportunities"]
        needed = whole["needed_coverage"] * whole["target"]
        assert whole["pipeline"] + whole["exists"] == pytest.approx(needed, abs=0.01)
        assert (own["opportunities"] * own["average_amount"] >= own["pipeline"] - 0.01).all()


def test_marketing_is_tracked_on_opportunities_and_partners_on_pipeline(sample, sample_coverage):
    goals = review_source_goals(sample, sample_coverage, as_of=date(2026, 9, 30)).goals.set_index("source")
    assert set(goals.loc["Webinar", "tracked_on"]) == {"opportunities"}
    assert set(goals.loc["Referrals", "role"]) == {"Alliances"} and set(goals.loc["Referrals", "tracked_on"]) == {
        "pipeline"
    }


def test_a_source_that_no_role_knows_stays_under_its_own_name():
    company = make_small()
    for table in company.tables.values():
        if "source" in table:
            table["source"] = table["source"].replace({"Event": "Zirkel"})
    goals = review_source_goals(company, measure_coverage(company, as_of=AS_OF), as_of=AS_OF)
    assert goals.roles["Zirkel"] is None
    assert set(goals.goals.loc[goals.goals["source"] == "Zirkel", "role"]) == {"Zirkel"}


def test_the_words_say_that_sources_are_a_means_and_the_sum_is_the_end(sample, sample_coverage):
    found = review_source_goals(sample, sample_coverage, as_of=date(2026, 9, 30))
    assert found.title.startswith("Sources have to bring €")
    assert "one source short and another over is fine as long as the sum suffices" in found.findings[0].next_step


def test_marketings_share_is_told_with_n_and_interval_beside_what_is_quoted(sample, sample_coverage):
    found = review_source_goals(sample, sample_coverage, as_of=date(2026, 9, 30))
    deals = sample.tables["deal"]
    won = deals[(deals["outcome"] == "won") & deals["is_new_business"].astype(bool)]
    won = won[(won["closed_at"] >= "2025-10-01") & (won["closed_at"] < "2026-10-01")]
    mine = won["source"].isin(["Demo Request", "Organic Search", "Paid Search", "Webinar"])
    assert found.marketing.n == len(won)
    assert found.marketing.share == pytest.approx(won.loc[mine, "amount"].sum() / won["amount"].sum())
    assert found.marketing.low < found.marketing.share < found.marketing.high
    said = found.findings[-1]
    assert "15 % to 30 % is often quoted" in said.next_step and "a hint, no goal" in said.next_step
    assert said.severity == "note"


def test_without_a_target_there_is_a_reason_and_a_cure():
    company = make_small(targets=None)
    found = review_source_goals(company, measure_coverage(company, as_of=AS_OF), as_of=AS_OF)
    assert not found.is_available and "no" in found.reason.casefold() and "revenue goal" in found.cure


def test_without_coverage_the_reason_is_coverages_own_on_real_deals():
    raw = pd.read_csv(require_real_data("maven_crm") / "sales_pipeline.csv")
    names = {"opportunity_id": "id", "engage_date": "created_at", "close_date": "closed_at", "deal_stage": "stage"}
    company = make_company(
        {"deal": raw.rename(columns={**names, "close_value": "amount"})[[*names.values(), "amount"]]}
    )
    as_of = date(2017, 12, 31)
    coverage = measure_coverage(company, as_of=as_of)
    assert not coverage.is_available
    assert review_source_goals(company, coverage, as_of=as_of).reason == coverage.reason
    assert review_source_forecasts(company, coverage, as_of=as_of).reason == coverage.reason


# ---- pipeline generation against its goal, and coverage --------------------------------------------------------------


def make_pipegen(**shares):
    rows = [{"source": name, "pipeline": 100.0 * share, "goal": 100.0} for name, share in shares.items()]
    return pd.DataFrame(rows)


PUBLISHED = {"coverage": [3.1, 3.0, 2.8, 2.7, 2.5, 2.4], "conversion": [0.34] * 6}


def test_pipegen_at_105_of_goal_while_coverage_slides_is_named_with_its_published_attainments():
    found = judge_pipegen(make_pipegen(Marketing=1.05, Outbound=1.05), **PUBLISHED)
    assert found["pattern"] == "goal_met_coverage_fell" and found["periods"] == 6
    assert found["generated"] == pytest.approx(1.05)
    assert found["attainment_before"] == pytest.approx(1.054)
    assert found["attainment_after"] == pytest.approx(0.816)
    said = say_pipegen(found)
    assert said.headline == (
        "Pipeline generation made 105 % of its goal while starting coverage slid from 3.1× to 2.4× over 6 periods at "
        "34 % conversion: attainment went from 105 % to 82 %"
    )
    assert "Score every source, marketing too, on the coverage it leaves" in said.next_step


@pytest.mark.parametrize(
    ("shares", "coverage", "conversion", "pattern", "severity"),
    [
        ({"A": 1.0}, [3.0, 3.0], [0.33, 0.25], "goal_met_conversion_fell", "bad"),
        ({"A": 1.0}, [3.0, 3.1], [0.33, 0.33], "goal_met", "good"),
        ({"A": 0.8}, [3.0, 3.0], [0.33, 0.33], "goal_missed_coverage_held", "note"),
        ({"A": 0.8}, [3.0, 2.0], [0.33, 0.33], "goal_missed", "bad"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_every_pattern_is_told_apart(shares, coverage, conversion, pattern, severity):
    found = judge_pipegen(make_pipegen(**shares), coverage, conversion)
    assert found["pattern"] == pattern in PATTERNS
    assert say_pipegen(found).severity == severity


def test_one_source_short_and_another_over_is_fine_where_the_sum_suffices():
    found = judge_pipegen(make_pipegen(Marketing=0.8, Outbound=1.3), [3.0, 3.0], [0.33, 0.33])
    assert (found["pattern"], found["short"], found["over"]) == ("goal_met", ["Marketing"], ["Outbound"])
    assert "Marketing short and Outbound over, which is fine" in say_pipegen(found).headline


def test_without_goals_or_with_a_single_period_no_pattern_is_named():
    assert judge_pipegen(make_pipegen(A=1.0).assign(goal=np.nan), [3, 3], [0.3, 0.3]) is None
    assert judge_pipegen(make_pipegen(A=1.0), [3], [0.3]) is None
    assert say_pipegen(None) is None


# ---- the owners' forecasts -------------------------------------------------------------------------------------------


def say(source, start, *, author="Ana", at="2026-09-29", **values):
    return SourceForecast(
        source, "quarter", start, author=author, at=datetime.fromisoformat(at).replace(tzinfo=UTC), **values
    )


def review(sample, coverage, *said, remedies=()):
    return review_source_forecasts(sample, coverage, order_forecasts(said, remedies), as_of=date(2026, 9, 30))


def test_owners_who_say_what_the_model_says_start_the_periods_as_the_model_does(sample, sample_coverage):
    generation = measure_generation(sample, sample_coverage, as_of=date(2026, 9, 30), rules=load_goal_rules())
    own = generation.expected[generation.expected["source"] != TOTAL]
    said = [say(row["source"], row["period_start"].date(), pipeline=row["pipeline"]) for _, row in own.iterrows()]
    found = review(sample, sample_coverage, *said).starts
    np.testing.assert_allclose(found["owner_start"], found["model_start"])
    assert found["n_forecast"].tolist() == found["n_sources"].tolist()


def test_an_owner_who_doubles_a_source_adds_what_usually_arrives_from_it_once_more(sample, sample_coverage):
    generation = measure_generation(sample, sample_coverage, as_of=date(2026, 9, 30), rules=load_goal_rules())
    usual = generation.expected.set_index(["period_start", "source"])["pipeline"][pd.Timestamp(QUARTERS[0]), "Webinar"]
    found = review(sample, sample_coverage, say("Webinar", QUARTERS[0], pipeline=2 * usual)).starts
    arriving = generation.starting.set_index(["period_start", "source"])["arriving"]
    more = found["owner_start"] - found["model_start"]
    assert more.iloc[0] == pytest.approx(0), "it starts before anything more is there"
    assert more.iloc[1] == pytest.approx(arriving[pd.Timestamp(QUARTERS[1]), "Webinar"])
    assert more.iloc[2] == pytest.approx(arriving[pd.Timestamp(QUARTERS[2]), "Webinar"] / 2), "one of two periods ahead"


def test_short_is_needed_coverage_times_target_less_the_start(sample, sample_coverage):
    found = review(sample, sample_coverage, say("Webinar", QUARTERS[0], pipeline=0.0)).starts
    np.testing.assert_allclose(found["owner_short"], found["needed_coverage"] * found["target"] - found["owner_start"])
    np.testing.assert_allclose(found["owner_coverage"], found["owner_start"] / found["target"])


def test_a_number_of_opportunities_alone_counts_at_their_usual_amount(sample, sample_coverage):
    found = review(sample, sample_coverage, say("Webinar", QUARTERS[0], opportunities=10)).compared
    row = found[found["owner"] == "Ana"].iloc[0]
    generation = measure_generation(sample, sample_coverage, as_of=date(2026, 9, 30), rules=load_goal_rules())
    assert row["owner_pipeline"] == pytest.approx(10 * generation.sizes["Webinar"]) and row["is_derived"]


def test_the_remedy_that_holds_is_told_with_the_shortfall_and_an_overdue_one_too(sample, sample_coverage):
    remedy = ShortfallRemedy(
        "quarter", QUARTERS[1], "Outbound", "Two more SDRs", date(2026, 9, 15), "agreed", "Ana", datetime(2026, 9, 1)
    )
    found = review(sample, sample_coverage, say("Webinar", QUARTERS[0], pipeline=0.0), remedies=[remedy])
    assert found.starts["covered_by"].tolist() == ["", "Outbound", "", ""]
    assert "Outbound covers it: Two more SDRs (agreed, due 15 Sep 2026)" in found.findings[0].next_step
    assert found.findings[1].headline == "The remedy for Q1 2027 was due on 15 Sep 2026 and isn't done"
    assert len(found.remedies) == 1


def test_past_forecasts_are_held_against_what_came_by_the_last_word_said_in_time(sample, sample_coverage):
    said = [
        say("Outbound", date(2026, 7, 1), at="2026-04-01", pipeline=900_000.0),
        say("Outbound", date(2026, 7, 1), at="2026-07-10", pipeline=600_000.0),
        say("Outbound", date(2026, 7, 1), at="2026-09-20", pipeline=251_200.0),
        say("Webinar", date(2026, 7, 1), at="2026-07-01", opportunities=30),
    ]
    found = review(sample, sample_coverage, *said)
    record = found.record.set_index("source")
    assert (record.loc["Outbound", "forecast"], record.loc["Outbound", "actual"]) == (600_000.0, 251_200.0)
    assert (record.loc["Webinar", "forecast_n"], record.loc["Webinar", "actual_n"]) == (30, 33)
    bias = found.bias.set_index("tracked_on")
    assert bias.loc["pipeline", "bias"] == pytest.approx(600_000 / 251_200 - 1)
    assert bias.loc["opportunities", ["n", "bias"]].tolist() == pytest.approx([1, 30 / 33 - 1])


def test_a_forecast_far_from_history_is_named_with_its_note(sample, sample_coverage):
    found = review(sample, sample_coverage, say("Outbound", QUARTERS[1], pipeline=9e6, note="A trade fair"))
    said = next(one for one in found.findings if "history lets one expect" in one.headline)
    assert said.headline.startswith("Ana expects €9.00 M of pipeline from Outbound in Q1 2027, more than")
    assert "Note: A trade fair" in said.next_step


def test_before_anybody_entered_anything_the_model_stands_alone(sample, sample_coverage):
    found = review(sample, sample_coverage)
    assert not found.has_forecasts and found.findings == []
    np.testing.assert_allclose(found.starts["owner_start"], found.starts["model_start"])


def test_the_sample_has_forecasts_of_three_owners_and_an_agreed_remedy_with_its_history(sample, sample_coverage):
    said = sample.answers.source_forecasts
    assert {one.author for one in said.list_current(grain="quarter")} == {
        "Claire Dumont", "Ruben Achterberg", "Sophie de Vries",
    }  # fmt: skip
    assert [one.status for one in said.list_remedies("quarter", QUARTERS[1])] == ["proposed", "agreed"]
    assert not [one for one in sample.answers.problems if "source_forecasts" in one["file"]]
    found = review_source_forecasts(sample, sample_coverage, as_of=date(2026, 9, 30))
    assert found.has_forecasts and len(found.record) == 10
