"""From a company's history to its goals: expectation, reverse funnel, carry-over, chance."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_expectation import expect_ratio, expect_volume, measure_residual_spread
from helpers.analyses.goal_matrix import GOAL_MATRIX_COLUMNS
from helpers.analyses.goal_plan import carry_over_miss, list_past, reverse_funnel
from helpers.analyses.goal_review import review_goals
from helpers.engine.cells import build_cells
from helpers.errors import ParameterError, QuestionError
from helpers.model.goal import load_goal_rules
from tests.companies import make_company

AS_OF = date(2026, 9, 30)
RULES = load_goal_rules()


def make_deals(seed=1, quarters=8, each=60):
    """Two years of deals: 25 % are won after about 60 days at 1,000 each; the rest is lost or still open."""
    generator = np.random.default_rng(seed)
    n = quarters * each
    created = pd.Timestamp("2024-10-01") + pd.to_timedelta(generator.integers(0, 91 * quarters, n), "D")
    closed = created + pd.to_timedelta(generator.integers(20, 100, n), "D")
    over = closed <= pd.Timestamp(AS_OF)
    won = generator.random(n) < 0.25
    stage = np.where(~over, "Proposal", np.where(won, "Closed Won", "Closed Lost"))
    return pd.DataFrame(
        {
            "id": np.arange(n).astype(str),
            "created_at": created,
            "closed_at": closed,
            "stage": stage,
            "amount": 1000.0,
            "source": generator.choice(["Web", "Event"], n),
        }
    )


def make_targets(goal=30_000.0, start="2026-10-01", grain="quarter"):
    row = {"kpi": "revenue_won", "grain": grain, "period_start": pd.Timestamp(start), "dimension": "all"}
    return pd.DataFrame([row | {"slice": "all", "goal": goal, "locked": True}]).reindex(columns=GOAL_MATRIX_COLUMNS)


def review(deals=None, targets=None, **options):
    company = make_company({"deal": make_deals() if deals is None else deals}, targets=targets, latest_event=AS_OF)
    cells = build_cells(company, by=[(), ("source",)], as_of=AS_OF)
    return review_goals(company, cells, as_of=AS_OF, **options)


def test_inverted_funnel_is_never_rounded_first():
    """2,000,000 ÷ 75,000 = 26.67 deals ÷ 0.20 = 133.3 opportunities, not 27 ÷ 0.20 = 135."""
    needed = reverse_funnel(2_000_000, average_deal_size=75_000, rates={"opportunity_to_won": 0.20})
    assert needed["needed"].round(1).tolist() == [2_000_000.0, 26.7, 133.3]


def test_existing_business_needs_no_funnel():
    half = reverse_funnel(100, average_deal_size=10, rates={"opportunity_to_won": 0.5}, new_business_share=0.5)
    assert half["needed"].tolist() == [50.0, 5.0, 10.0]


def test_inbound_at_16_percent_and_at_20():
    """61 inbound deals at 16 % bring 9.76 wins; the same wins at 20 % need 48.8 deals."""
    wins = 61 * 0.16
    needed = reverse_funnel(wins, average_deal_size=1, rates={"opportunity_to_won": 0.20})
    assert needed["needed"].iloc[-1] == pytest.approx(48.8)


@pytest.mark.parametrize("broken", [{"average_deal_size": 0, "rates": {}}, {"average_deal_size": 1, "rates": {"x": 0}}])
def test_nothing_can_be_reached_through_nothing__error(broken):
    with pytest.raises(QuestionError):
        reverse_funnel(100, **broken)


def test_a_miss_is_carried_as_asked_and_a_surplus_never():
    assert carry_over_miss([100] * 4, [70], how="none") == [100] * 4
    assert carry_over_miss([100] * 4, [70], how="next") == [100, 130, 100, 100]
    assert carry_over_miss([100, 100, 100, 50], [70, 100], how="spread") == [100, 100, 120, 60]
    assert carry_over_miss([100] * 4, [150], how="next") == [100] * 4
    with pytest.raises(ParameterError, match="Did you mean 'spread'"):
        carry_over_miss([1], [], how="spred")


def test_a_flat_history_is_expected_to_go_on():
    history = pd.Series(100.0, index=pd.date_range("2024-01-01", periods=8, freq="QS"))
    expected = expect_volume(history, [pd.Timestamp("2026-01-01")], grain="quarter", rules=RULES)
    assert expected == pytest.approx([100.0])


def test_expectation_of_a_past_period_knows_only_what_came_before_it():
    history = pd.Series([10.0, 20.0, 999.0], index=pd.date_range("2026-01-01", periods=3, freq="QS"))
    assert expect_volume(history, [pd.Timestamp("2026-07-01")], grain="quarter", rules=RULES) == [15.0]


def test_growth_is_carried_on_damped_and_seasons_lean_their_way():
    index = pd.date_range("2023-01-01", periods=12, freq="QS")
    growing = pd.Series(np.linspace(100, 210, 12), index=index)
    flat_level = growing.iloc[-4:].mean()
    found = expect_volume(growing, [pd.Timestamp("2026-01-01")], grain="quarter", rules=RULES)[0]
    assert found > flat_level
    seasonal = pd.Series([100, 100, 100, 200] * 3, index=index, dtype=float)
    low, high = expect_volume(
        seasonal, [pd.Timestamp("2026-01-01"), pd.Timestamp("2026-10-01")], grain="quarter", rules=RULES
    )
    assert low < 125 < high


def test_expected_rate_is_a_ratio_of_sums():
    """1 of 10 and 50 of 100: 51 of 110, not the mean of 10 % and 50 %."""
    starts = pd.to_datetime(["2026-01-01", "2026-04-01"])
    history = pd.DataFrame({"period_start": starts, "numerator": [1.0, 50.0], "denominator": [10.0, 100.0]})
    assert expect_ratio(history, [pd.Timestamp("2026-07-01")], grain="quarter", rules=RULES) == [51 / 110]


def test_a_slice_without_records_is_expected_like_the_company():
    starts = pd.to_datetime(["2026-01-01"])
    history = pd.DataFrame({"period_start": starts, "numerator": [1.0], "denominator": [1.0]})
    options = {"grain": "quarter", "rules": RULES, "towards": [0.2], "weight": 30.0}
    found = expect_ratio(history, [pd.Timestamp("2026-04-01")], **options)[0]
    assert found == pytest.approx((1 + 30 * 0.2) / 31)


def test_a_ramp_does_not_pass_for_variability():
    assert measure_residual_spread(pd.Series([5, 100, 101, 99, 102, 100, 98, 101])) < 0.1


def test_matrix_holds_sums_and_products_and_the_typed_goal():
    found = review(targets=make_targets())
    matrix = found.matrix
    assert list(matrix.columns) == [*GOAL_MATRIX_COLUMNS, "state"] and matrix["goal"].notna().all()
    wide = matrix.pivot(index=["grain", "period_start", "dimension", "slice"], columns="kpi", values="goal")
    np.testing.assert_allclose(wide["opportunities"] * wide["opportunity_to_won"], wide["deals_won"], rtol=1e-6)
    np.testing.assert_allclose(wide["deals_won"] * wide["average_deal_size"], wide["revenue_won"], rtol=1e-6)
    assert wide.loc[("quarter", pd.Timestamp("2026-10-01"), "all", "all"), "revenue_won"] == 30_000.0
    company = matrix[(matrix["dimension"] == "all") & (matrix["kpi"] == "opportunities")].set_index("period_start")
    parts = matrix[(matrix["dimension"] == "source") & (matrix["kpi"] == "opportunities")]
    sums = parts.groupby(["grain", "period_start"])["goal"].sum().xs("quarter")
    np.testing.assert_allclose(sums, company[company["grain"] == "quarter"]["goal"].reindex(sums.index), rtol=1e-6)


def test_actuals_of_the_matrix_are_those_of_the_exports():
    deals = make_deals()
    won = deals[(deals["stage"] == "Closed Won") & deals["closed_at"].between("2026-07-01", "2026-09-30")]
    matrix = review(deals).matrix
    row = matrix[
        (matrix["kpi"] == "revenue_won")
        & (matrix["dimension"] == "all")
        & (pd.to_datetime(matrix["period_start"]) == "2026-07-01")
    ]
    assert row["actual"].iloc[0] == won["amount"].sum()


def test_a_higher_goal_is_never_more_likely():
    chances = []
    for goal in (8_000.0, 15_000.0, 30_000.0):
        row = review(targets=make_targets(goal)).outlook.iloc[0]
        assert row["goal"] == goal and row["low"] < row["expected"] < row["high"]
        chances.append(row["probability"])
    assert chances == sorted(chances, reverse=True) and chances[0] > 0.9 > 0.1 > chances[-1]


def test_the_same_question_gets_the_same_answer():
    pd.testing.assert_frame_equal(review(targets=make_targets()).matrix, review(targets=make_targets()).matrix)


def test_without_goals_history_is_shown_and_said_to_be_that():
    found = review()
    assert not found.has_goals and found.is_available
    assert any("Nobody has set a goal" in finding.headline for finding in found.findings)
    np.testing.assert_allclose(found.matrix["goal"], found.matrix["expected"])


def test_revenue_goal_of_the_year_is_met_by_its_quarters():
    found = review(revenue_goal=90_000.0).matrix
    revenue = found[(found["kpi"] == "revenue_won") & (found["dimension"] == "all")]
    year = revenue[revenue["grain"] == "year"]
    assert year["goal"].tolist() == [90_000.0]
    inside = revenue[(revenue["grain"] == "quarter") & (pd.to_datetime(revenue["period_start"]).dt.year == 2026)]
    assert inside["goal"].sum() == pytest.approx(90_000.0)


def test_a_goal_for_the_year_has_to_be_met_by_what_is_left_of_it():
    """Nobody had a goal for the quarters that are over, so what came of them is no miss and no surplus."""
    found = review(revenue_goal=90_000.0)
    revenue = found.matrix[(found.matrix["kpi"] == "revenue_won") & (found.matrix["dimension"] == "all")]
    quarters = revenue[revenue["grain"] == "quarter"].set_index("period_start")
    done = quarters[quarters["actual"].notna()]
    np.testing.assert_allclose(done["goal"], done["actual"])
    this_year = done[done.index.year == 2026]["actual"].sum()
    assert quarters.loc[pd.Timestamp("2026-10-01"), "goal"] == pytest.approx(90_000.0 - this_year)
    assert not done["locked"].any() and len(found.released) == 0
    assert not [finding for finding in found.findings if "its plan after" in finding.headline]


def test_where_every_period_that_is_over_had_its_goal_they_stay_as_they_were():
    targets = pd.concat([make_targets(40_000.0, f"2026-{month}-01") for month in ("01", "04", "07", "10")])
    matrix = review(targets=targets).matrix
    assert list_past(matrix[matrix["period_start"] >= "2026-01-01"], as_of=AS_OF).empty


def test_a_year_whose_goal_was_passed_already_keeps_it():
    done = review(revenue_goal=90_000.0).matrix
    came = done[(done["kpi"] == "revenue_won") & (done["dimension"] == "all") & (done["grain"] == "quarter")]
    came = came[pd.to_datetime(came["period_start"]).dt.year == 2026]["actual"].sum()
    found = review(revenue_goal=came / 2)
    assert len(found.released) == 0
    revenue = found.matrix[(found.matrix["kpi"] == "revenue_won") & (found.matrix["dimension"] == "all")]
    assert revenue.loc[revenue["grain"] == "year", "goal"].tolist() == [came / 2]


def test_carry_over_moves_the_miss_into_what_is_left_of_the_year():
    targets = pd.concat([make_targets(40_000.0, f"2026-{month}-01") for month in ("01", "04", "07", "10")])
    plain, carried = (review(targets=targets, carry_over=how) for how in ("none", "next"))

    def goal_of(found, start):
        rows = found.matrix[
            (found.matrix["kpi"] == "revenue_won")
            & (found.matrix["dimension"] == "all")
            & (found.matrix["grain"] == "quarter")
            & (pd.to_datetime(found.matrix["period_start"]) == start)
        ]
        return float(rows["goal"].iloc[0]), float(rows["actual"].iloc[0])

    miss = sum(40_000.0 - goal_of(plain, f"2026-{month}-01")[1] for month in ("01", "04", "07"))
    assert miss > 0
    assert goal_of(carried, "2026-10-01")[0] == pytest.approx(40_000.0 + miss)
    assert goal_of(plain, "2026-10-01")[0] == 40_000.0


def test_goals_that_contradict_each_other_are_released_and_named():
    targets = make_targets(30_000.0)
    slices = [targets.assign(dimension="source", slice=name, goal=20_000.0) for name in ("Web", "Event")]
    found = review(targets=pd.concat([targets, *slices], ignore_index=True))
    assert len(found.released) == 1 and found.released["dimension"].tolist() == ["source"]
    (told,) = [finding for finding in found.findings if "doesn't count" in finding.headline]
    assert found.released["slice"].tolist() == ["Event"]  # the one set last
    assert told.headline.startswith("Closed revenue of Event in Q4 2026") and "Closed revenue of Web" in told.headline
    assert "or release closed revenue" in told.next_step and told.evidence["goals"] == 3


def test_a_company_without_any_funnel_has_no_matrix_and_no_findings():
    company = make_company({"cost": pd.DataFrame({"date": ["2026-01-01"], "channel": ["Web"], "amount": [5.0]})})
    found = review_goals(company, build_cells(company, as_of=AS_OF), as_of=AS_OF)
    assert not found.is_available and found.findings == [] and found.curve.empty


def test_a_goal_that_earlier_stages_cannot_bring_any_more_is_too_late_and_not_merely_unlikely():
    """Ten times the revenue that the next quarter brings: its deals would have to exist by now."""
    brings = float(review().outlook["expected"].iloc[0])
    for times, is_late in ((0.7, False), (10.0, True)):
        found = review(targets=make_targets(times * brings))
        cell = found.grid[(found.grid["kpi"] == "deals_won") & (found.grid["period"] == "Q4 2026")].iloc[0]
        row = found.stages[found.stages["is_goal"] & (found.stages["period"] == "Q4 2026")].iloc[0]
        assert (cell["state"] == "too late") == is_late
        assert bool(row["reachable"] < 0.95 * row["needed"]) == is_late


def test_where_nobody_set_a_goal_nothing_is_short():
    found = review()
    assert found.landing["shortfall"].abs().max() < 0.01
    assert not (found.grid["state"] == "too late").any()
