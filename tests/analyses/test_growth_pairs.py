"""Vanity: a volume that rises while its long-term pair gets worse, both beyond chance; and everything that is none."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.growth_pairs import PAIR_COLUMNS, VERDICTS, find_lags, flag_vanity, review_pairs
from helpers.analyses.growth_reps import review_closed_accounts
from helpers.analyses.growth_words import list_pair_findings
from helpers.engine import build_cells
from helpers.engine.doubt import wilson_interval
from helpers.model.catalog import load_catalog
from helpers.model.goal import load_goal_rules
from tests.companies import make_company

CATALOG = load_catalog()
QUARTERS = pd.period_range("2024Q4", "2026Q3", freq="Q")


def count(kpi, values, complete=8):
    return [row(kpi, "period", i, n, np.nan, n, i < complete) for i, n in enumerate(values)]


def rate(kpi, values, n, basis="cohort", complete=8):
    """Return cells of a rate of n records a quarter."""
    return [row(kpi, basis, i, round(value * n), n, n, i < complete) for i, value in enumerate(values)]


def row(kpi, basis, i, numerator, denominator, n, complete):
    is_rate = np.isfinite(denominator)
    low, high = wilson_interval([numerator], [denominator]) if is_rate else ([np.nan], [np.nan])
    return {
        "kpi": kpi, "basis": basis, "grain": "quarter", "period_start": QUARTERS[i].start_time,
        "period_end": QUARTERS[i].end_time.normalize(), "dimension": "all", "slice": "all", "numerator": numerator,
        "denominator": denominator, "value": numerator / denominator if is_rate else float(numerator), "n": n,
        "low": low[0], "high": high[0], "is_complete": complete,
    }  # fmt: skip


def flag(*rows, pairs, **more):
    return flag_vanity(pd.DataFrame([one for part in rows for one in part]), pairs, catalog=CATALOG, **more)


STEADY, UP = [400] * 8, [400] * 4 + [700] * 4
MQLS = {"mqls": "mql_to_opportunity"}


def test_more_mqls_of_which_fewer_become_opportunities_are_vanity():
    """1,600 → 2,800 MQLs; 50 % → 30 % of them: both far beyond chance."""
    table = flag(count("mqls", UP), rate("mql_to_opportunity", [0.5] * 4 + [0.3] * 4, 500), pairs=MQLS)
    one = table.iloc[0]
    assert table.columns.tolist() == PAIR_COLUMNS
    assert one["verdict"] == "vanity" and one["team"] == "Marketing"
    assert one["said"] == "MQLs rose from 1,600 to 2,800 while MQL to opportunity fell from 50 % to 30 %"
    assert (one["volume_before"], one["volume_now"], one["pair_n"]) == (1600, 2800, 2000)
    assert (one["window"], one["compared"], one["is_seasonal"]) == ("Q4 2025 to Q3 2026", "Q4 2024 to Q3 2025", True)
    assert one["pair_q"] < 0.001 and one["pair_low"] < 0.3 < one["pair_high"]


@pytest.mark.parametrize(("churn", "verdict"), [([0.1] * 4 + [0.3] * 4, "vanity"), ([0.3] * 4 + [0.1] * 4, "sound")])
def test_which_way_is_worse_is_said_by_the_pair_itself(churn, verdict):
    """Logo churn is good when it falls: more deals won and less churn is no vanity, more of both is."""
    cells = count("deals_won", UP), rate("logo_churn", churn, 400, basis="period")
    table = flag(*cells, pairs={"deals_won": "logo_churn"})
    assert table["verdict"].tolist() == [verdict]


def test_the_same_fall_of_few_records_is_not_told_apart_from_noise():
    """50 % → 30 % of 12 records a quarter."""
    table = flag(count("mqls", UP), rate("mql_to_opportunity", [0.5] * 4 + [0.4] * 4, 12), pairs=MQLS)
    assert table["verdict"].tolist() == ["noise"]
    assert table["said"].iloc[0].endswith(": not told apart from noise")


def test_a_volume_that_does_not_rise_beyond_chance_flags_nothing():
    falls = rate("mql_to_opportunity", [0.5] * 4 + [0.3] * 4, 500)
    assert flag(count("mqls", [400] * 7 + [405]), falls, pairs=MQLS)["verdict"].tolist() == ["noise"]
    assert flag(count("mqls", UP[::-1]), falls, pairs=MQLS)["verdict"].tolist() == ["no_rise"]


def test_volumes_that_usually_swing_need_more_than_chance():
    """100 and 700 in turn: a year that is a little larger tells nothing."""
    swings = [100, 700] * 2 + [150, 750] * 2
    table = flag(count("mqls", swings), rate("mql_to_opportunity", [0.5] * 4 + [0.3] * 4, 500), pairs=MQLS)
    assert table["verdict"].tolist() == ["noise"]


def test_young_cohorts_are_left_out_and_it_says_up_to_when_the_pair_is_known():
    """The cohorts of Q2 and Q3 2026 are too young: two quarters are set against the same two of a year ago."""
    cells = count("mqls", UP), rate("mql_to_opportunity", [0.5] * 4 + [0.3] * 2 + [0.0] * 2, 500, complete=6)
    one = flag(*cells, pairs=MQLS).iloc[0]
    assert (one["window"], one["compared"], one["known_until"]) == (
        "Q4 2025 to Q1 2026", "Q4 2024 to Q1 2025", "Q1 2026",
    )  # fmt: skip
    assert one["verdict"] == "vanity"


def test_what_was_won_is_set_against_the_renewals_of_a_term_later():
    """Deals won rise in 2025; churn of Q4 2025 to Q1 2026 against Q2 to Q3 2026 belongs to wins a year before each."""
    deals = count("deals_won", [400, 400, 700, 700, 700, 700, 700, 700])
    churn = rate("logo_churn", [0.1] * 2 + [0.3] * 2, 400, basis="period")
    shifted = [one | {"period_start": QUARTERS[i + 4].start_time} for i, one in enumerate(churn)]
    one = flag(deals, shifted, pairs={"deals_won": "logo_churn"}, lags={"deals_won": 4}).iloc[0]
    assert (one["volume_before"], one["volume_now"]) == (800, 1400)
    assert (one["window"], one["volume_window"]) == ("Q2 2026 to Q3 2026", "Q2 2025 to Q3 2025")
    assert one["verdict"] == "vanity" and one["known_until"] == "Q3 2025" and not one["is_seasonal"]


def test_renewals_that_have_not_come_up_yet_are_unknown_and_never_sound():
    deals = count("deals_won", UP)
    one = flag(deals, pairs={"deals_won": "logo_churn"}, lags={"deals_won": 4}).iloc[0]
    assert one["verdict"] == "unknown" and one["reason"] == "Logo churn can't be told from these exports."
    late = [one | {"period_start": QUARTERS[7].start_time} for one in rate("logo_churn", [0.1], 400, basis="period")]
    one = flag(deals, late, pairs={"deals_won": "logo_churn"}, lags={"deals_won": 4}).iloc[0]
    assert one["reason"] == "What was won comes up for renewal 4 quarters later, and too little of it has yet."


def test_many_pairs_raise_the_bar():
    """A fall of p ≈ 0.03 counts alone and not among six pairs that show nothing."""
    one = (count("mqls", UP), rate("mql_to_opportunity", [0.5] * 4 + [0.466] * 4, 500))
    assert flag(*one, pairs=MQLS)["verdict"].tolist() == ["vanity"]
    others = {"leads": "lead_to_mql", "opportunities": "opportunity_to_won", "sqls": "sql_to_opportunity"}
    flat = [part for kpi, pair in others.items() for part in (count(kpi, STEADY), rate(pair, [0.3] * 8, 500))]
    many = flag(*one, *flat, pairs={**MQLS, **others}).set_index("volume")
    assert many.loc["mqls", "verdict"] == "noise" and many.loc["mqls", "pair_q"] > 0.05


def test_flagged_pairs_come_first_and_are_said_with_numbers_and_a_next_step():
    cells = (
        count("leads", STEADY), rate("lead_to_mql", [0.3] * 8, 500),
        count("mqls", UP), rate("mql_to_opportunity", [0.5] * 4 + [0.3] * 4, 500),
    )  # fmt: skip
    table = flag(*cells, pairs={"leads": "lead_to_mql", **MQLS})
    assert table["volume"].tolist() == ["mqls", "leads"]
    finding = list_pair_findings(table, CATALOG)[0]
    assert finding.severity == "bad" and finding.headline.startswith("Vanity: MQLs rose from 1,600 to 2,800")
    assert finding.evidence["n"] == 2000 and "Q4 2025 to Q3 2026 against" in finding.evidence["period"]
    assert finding.next_step == "Give Marketing a goal for MQL to opportunity beside the one for MQLs."


def test_every_pair_that_ships_names_known_kpis_whose_direction_says_what_is_worse():
    pairs = load_goal_rules().pairs
    assert {"deals_won", "revenue_won", "mqls", "sessions"} <= set(pairs)
    for volume, pair in pairs.items():
        assert volume in CATALOG.kpis and CATALOG.kpis[pair].direction in ("up", "down")


def contracts():
    """Accounts won by Ann or Bob in Q1 2025 on one-year contracts: of Ann's 40 one leaves, of Bob's 40 twenty."""
    deals, customers, subscriptions = [], [], []
    for i in range(80):
        owner, leaves = ("Ann", i == 0) if i < 40 else ("Bob", i < 60)
        day = pd.Timestamp("2025-01-10") + pd.Timedelta(days=i % 60)
        deals.append((f"d{i}", day, day + pd.Timedelta(days=5), "Won", owner, 1200.0))
        customers.append((f"k{i}", f"d{i}", day))
        end = day + pd.Timedelta(days=364)
        subscriptions.append((f"s{i}", f"k{i}", owner, day, end, end, 100.0))
        if not leaves:
            later = end + pd.Timedelta(days=1)
            subscriptions.append((f"t{i}", f"k{i}", owner, later, None, later + pd.Timedelta(days=364), 100.0))
    tables = {
        "deal": pd.DataFrame(deals, columns=["id", "created_at", "closed_at", "stage", "owner", "amount"]),
        "customer": pd.DataFrame(customers, columns=["id", "deal_id", "live_at"]),
        "subscription": pd.DataFrame(
            subscriptions, columns=["id", "customer_id", "owner", "start_at", "end_at", "renewal_at", "mrr"]
        ),
    }
    return make_company(tables, latest_event="2026-04-30")


def test_accounts_are_counted_with_who_closed_them_and_only_a_sure_difference_names_somebody():
    found = review_closed_accounts(contracts(), as_of=pd.Timestamp("2026-03-31").date())
    frame = found.frame.set_index("name")
    assert frame.loc["Ann", ["n", "left"]].tolist() == [40, 1]
    assert frame.loc["Bob", ["n", "left"]].tolist() == [40, 20]
    assert frame.loc["Bob", "logo_churn"] == 0.5 and frame.loc["Bob", "q"] < 0.001
    assert found.headline == (
        "21 of 80 accounts up for renewal in the year to Q1 2026 left; of those closed by Bob, 50 %"
    )


def test_without_contracts_nobody_s_accounts_can_be_told():
    deals = {"id": ["d"], "created_at": ["2026-01-01"], "closed_at": ["2026-02-01"], "stage": ["Won"], "owner": ["A"]}
    found = review_closed_accounts(make_company({"deal": deals}), as_of=pd.Timestamp("2026-03-31").date())
    assert found.frame.empty and "map customer.deal_id" in found.reason


def test_a_company_s_pairs_are_judged_with_the_term_of_its_contracts_as_lag():
    company, as_of = contracts(), pd.Timestamp("2026-03-31").date()
    pairs = {"deals_won": "logo_churn", "opportunities": "opportunity_to_won", "customers_live": "grr_starting"}
    assert find_lags(company, pairs, as_of, "quarter") == {"deals_won": 4}
    review = review_pairs(company, build_cells(company, as_of=as_of), as_of=as_of, pairs=pairs)
    assert set(review.table["volume"]) == set(pairs)
    assert set(review.table["verdict"]) <= set(VERDICTS)
    sides = review.series.groupby(["volume", "side"]).size().unstack("side")
    assert (sides["volume"] == sides["pair"]).all(), "both sides stand on one axis of periods"
