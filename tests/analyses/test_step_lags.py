"""How long each step takes, on records whose lag is made by hand, and lags laid one behind the other."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.close_curve import MEAN, POOLED
from helpers.analyses.step_lags import (
    STEP_LAG_COLUMNS,
    chain_steps,
    count_entered,
    get_step_shares,
    measure_step_lags,
)
from helpers.errors import QuestionError
from helpers.periods import period_of
from tests.companies import make_company

AS_OF = date(2026, 9, 30)


def add_months(start, months):
    return (pd.Timestamp(start) + pd.DateOffset(months=months)).date().isoformat()


def make_contacts(*, starts=("2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15"), share=2, each=4, months=6):
    """Per start ``each`` MQLs, of which ``share`` become an opportunity exactly ``months`` later, won 3 months on."""
    rows = []
    for start in starts:
        for index in range(each):
            comes = index < share
            rows.append(
                {
                    "id": f"{start}-{index}",
                    "created_at": start,
                    "mql_at": start,
                    "opportunity_at": add_months(start, months) if comes else None,
                    "won_at": add_months(start, months + 3) if comes and index == 0 else None,
                    "source": "Web" if index % 2 == 0 else "Event",
                }
            )
    return pd.DataFrame(rows)


def make_delta(**options):
    start = options.pop("fiscal_year_start", 1)
    return make_company({"contact": make_contacts(**options)}, fiscal_year_start=start, latest_event=AS_OF)


def test_a_lag_of_exactly_two_quarters_is_one_share_at_age_two():
    lags = measure_step_lags(make_delta(), as_of=AS_OF)
    assert list(lags.columns) == STEP_LAG_COLUMNS
    assert get_step_shares(lags, "mql", "opportunity")[:4] == [0.0, 0.0, 0.5, 0.0]
    assert get_step_shares(lags, "opportunity", "won")[:3] == [0.0, 0.5, 0.0]
    assert get_step_shares(lags, "lead", "mql")[:2] == [1.0, 0.0]


def test_ages_not_lived_through_are_incomplete_and_in_no_average():
    """The MQLs of Q4 2025 are two quarters old in Q2 2026, which is over on 30 Jun and runs on 20 May."""
    mid = measure_step_lags(make_delta(), as_of=date(2026, 5, 20))
    young = mid[(mid["step"] == "mql_to_opportunity") & (mid["cohort"] == "2025-10-01")].set_index("age")
    assert young["is_complete"].tolist() == [True, True, False] and young.loc[2, "reached"] == 2
    pooled = mid[(mid["step"] == "mql_to_opportunity") & (mid["cohort"] == POOLED)].set_index("age")
    assert pooled.loc[2, "n"] == 12  # three cohorts of four
    assert set(mid["cohort"]) >= {MEAN, POOLED}


def test_quarters_of_a_fiscal_year_that_starts_in_february_are_its_own():
    """Of 31 Jan to 1 Feb is a step into the next quarter for a February company, for a calendar company it is none."""
    contacts = pd.DataFrame(
        {"id": ["a", "b"], "created_at": "2025-01-31", "mql_at": ["2025-01-31", "2025-02-01"], "source": "Web"}
    )

    def shares(start):
        company = make_company({"contact": contacts}, fiscal_year_start=start, latest_event=AS_OF)
        return get_step_shares(measure_step_lags(company, as_of=AS_OF), "lead", "mql")[:2]

    assert shares(2) == [0.5, 0.5]
    assert shares(1) == [1.0, 0.0]
    lags = measure_step_lags(make_delta(fiscal_year_start=2), as_of=AS_OF)
    assert {"2024-11-01", "2025-02-01"} <= set(lags["cohort"])
    entered = count_entered(lags, fiscal_year_start=2)["mql"]
    assert entered[period_of(date(2025, 1, 15), "quarter", 2)] == 4


def test_slices_add_up_to_the_company():
    lags = measure_step_lags(make_delta(), as_of=AS_OF, by=["source"])
    step = lags[(lags["step"] == "mql_to_opportunity") & (lags["cohort"] == POOLED)]
    keys = ["age"]
    summed = step[step["dimension"] == "source"].groupby(keys)[["n", "reached"]].sum()
    company = step[step["dimension"] == "all"].set_index("age")[["n", "reached"]]
    pd.testing.assert_frame_equal(summed, company, check_dtype=False)
    assert set(step["slice"]) == {"all", "Web", "Event"}


def test_shares_agree_with_a_count_in_plain_pandas():
    generator = np.random.default_rng(3)
    n = 300
    mql = pd.Timestamp("2024-01-01") + pd.to_timedelta(generator.integers(0, 700, n), "D")
    sql = mql + pd.to_timedelta(generator.integers(0, 250, n), "D")
    sql = pd.Series(sql).where(pd.Series(generator.random(n) < 0.6))
    contacts = pd.DataFrame({"id": np.arange(n), "created_at": mql, "mql_at": mql, "sql_at": sql, "source": "Web"})
    lags = measure_step_lags(make_company({"contact": contacts}, latest_event=AS_OF), as_of=AS_OF)
    seen = sql.where(sql <= pd.Timestamp(AS_OF))
    mql = pd.Series(mql)
    age = (seen.dt.year - mql.dt.year) * 4 + seen.dt.quarter - mql.dt.quarter
    by_hand = age.groupby([mql.dt.to_period("Q").dt.start_time.dt.strftime("%Y-%m-%d"), age]).size()
    step = lags[(lags["step"] == "mql_to_sql") & ~lags["cohort"].isin([MEAN, POOLED]) & (lags["reached"] > 0)]
    assert step.set_index(["cohort", "age"])["reached"].to_dict() == {
        (cohort, int(age)): count for (cohort, age), count in by_hand.items()
    }


def test_lags_laid_one_behind_the_other_are_their_convolution():
    """
    first step: half after 1; second: 10 % at once, 20 % after 1, 30 % after 2
    together:   0, .5 × .1, .5 × .2, .5 × .3
    """
    assert chain_steps([0.0, 0.5], [0.1, 0.2, 0.3]) == pytest.approx([0.0, 0.05, 0.10, 0.15])
    one, two = [0.2, 0.3, 0.1], [0.05, 0.1]
    by_hand = [0.2 * 0.05, 0.2 * 0.1 + 0.3 * 0.05, 0.3 * 0.1 + 0.1 * 0.05, 0.1 * 0.1]
    assert chain_steps(one, two) == pytest.approx(by_hand)
    assert sum(chain_steps(one, two)) == pytest.approx(sum(one) * sum(two))
    assert chain_steps(one, []) == [] and chain_steps() == []


def test_chained_steps_of_hand_made_records_are_the_measured_long_step():
    company = make_delta()
    lags = measure_step_lags(company, as_of=AS_OF)
    long = measure_step_lags(company, as_of=AS_OF, steps=[("mql", "won")])
    chained = chain_steps(get_step_shares(lags, "mql", "opportunity"), get_step_shares(lags, "opportunity", "won"))
    assert chained[3] == get_step_shares(long, "mql", "won")[3] == 0.25
    assert sum(chained) == 0.25


def test_a_step_without_records_of_both_ends_has_no_rows_and_an_unknown_stage_is_named():
    company = make_company({"contact": [{"id": "a", "created_at": "2025-01-01", "source": "Web"}]}, latest_event=AS_OF)
    assert measure_step_lags(company, as_of=AS_OF).empty
    assert get_step_shares(measure_step_lags(company, as_of=AS_OF), "lead", "mql") == []
    with pytest.raises(QuestionError, match=r"stage 'mgl' is unknown.*Did you mean 'mql'"):
        measure_step_lags(company, as_of=AS_OF, steps=[("mgl", "won")])
