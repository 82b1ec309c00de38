"""What good fit and bad fit are worth: by hand on small tables, by plain pandas on the sample, and against chance."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.icp_attributes import find_cuts, find_values, read_attributes
from helpers.analyses.icp_value import measure_icp_value
from helpers.analyses.icp_worth import expect_years
from helpers.analyses.survey_review import review_survey
from helpers.company import open_company
from helpers.model.survey import load_survey
from tests.analyses.survey_cases import answers, people
from tests.companies import make_company

SURVEY = load_survey()
AS_OF = date(2026, 6, 30)


def fit(**rows):
    """One person's good and bad fit per attribute of the company."""
    return {"business_fit": [{"attribute": k, "good_fit": good, "bad_fit": bad} for k, (good, bad) in rows.items()]}


def buyer(**rows):
    return {"buyer_fit": [{"attribute": k, "good_fit": good, "bad_fit": bad} for k, (good, bad) in rows.items()]}


def measure(tables, as_of=AS_OF, minimum_n=1, **said):
    company = make_company(tables, rules={"minimum_n": minimum_n})
    return measure_icp_value(company, people(**said), SURVEY, as_of=as_of)


def make_deals():
    """Eight closed deals.

    | industry | employees | won                | lost |
    | Retail   | 20        | 10,000 and 20,000  | 2    |
    | Logistics| 120       | 60,000             | 1    |
    | Energy   | 300       | 90,000             | 1    |
    """
    rows = [
        ("Retail", 20, "Won", 10_000),
        ("Retail", 20, "Won", 20_000),
        ("Retail", 20, "Lost", 5_000),
        ("Retail", 20, "Lost", 5_000),
        ("Logistics", 120, "Won", 60_000),
        ("Logistics", 120, "Lost", 70_000),
        ("Energy", 300, "Won", 90_000),
        ("Energy", 300, "Lost", 5_000),
    ]
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(len(rows))],
            "company_id": [f"c{i}" for i in range(len(rows))],
            "created_at": "2026-01-05",
            "closed_at": [f"2026-03-{i + 1:02d}" for i in range(len(rows))],
            "stage": [stage for _, _, stage, _ in rows],
            "amount": [float(amount) for *_, amount in rows],
            "industry": [industry for industry, *_ in rows],
            "employees": [float(size) for _, size, *_ in rows],
        }
    )


def make_renewals():
    """Six accounts of 2025, each with a term of one year that ended by June 2026.

    | account | industry | mrr | after the term |
    | a       | Retail   | 100 | renewed at 100 |
    | b       | Retail   | 100 | renewed at 50  |
    | c       | Retail   | 200 | left           |
    | d       | Energy   | 300 | renewed at 300 |
    | e       | Energy   | 300 | renewed at 600 |
    | f       | Energy   | 400 | term ends 2027 |
    """
    first = [("a", 100, "2026-03-01"), ("b", 100, "2026-03-01"), ("c", 200, "2026-04-15")]
    first += [("d", 300, "2026-02-01"), ("e", 300, "2026-02-01")]
    rows = [(account, mrr, "2025-03-01", end, end) for account, mrr, end in first]
    again = [("a", 100, "2026-03-01"), ("b", 50, "2026-03-01"), ("d", 300, "2026-02-01"), ("e", 600, "2026-02-01")]
    rows += [(account, mrr, start, None, "2027-03-01") for account, mrr, start in again]
    rows.append(("f", 400, "2025-01-01", None, "2027-01-01"))
    subscriptions = pd.DataFrame(rows, columns=["customer_id", "mrr", "start_at", "end_at", "renewal_at"])
    subscriptions["id"] = [f"s{i}" for i in range(len(rows))]
    customers = pd.DataFrame(
        {
            "id": list("abcdef"),
            "live_at": "2025-03-01",
            "ended_at": [None, None, "2026-04-15", None, None, None],
            "industry": ["Retail"] * 3 + ["Energy"] * 3,
        }
    )
    return {"customer": customers, "subscription": subscriptions}


def test_win_rate_and_deal_size_per_side_by_hand():
    """Good: Energy, 1 of 2 won at 90,000. Bad: Retail, 2 of 4, mean 15,000. Neither: Logistics, 1 of 2 at 60,000."""
    sides = measure({"deal": make_deals()}, ana=fit(industry=("Energy", "Retail"))).sides.set_index("side")
    assert sides["win_rate"].to_dict() == {"good": 0.5, "bad": 0.5, "rest": 0.5}
    assert sides["win_rate_n"].to_dict() == {"good": 2, "bad": 4, "rest": 2}
    assert sides["deal_size"].to_dict() == {"good": 90_000, "bad": 15_000, "rest": 60_000}
    assert sides["deal_size_n"].to_dict() == {"good": 1, "bad": 2, "rest": 1}
    assert sides.loc["bad", "win_rate_low"] == pytest.approx(0.1500, abs=1e-4), "Wilson, 2 of 4"
    assert sides.loc["bad", "win_rate_high"] == pytest.approx(0.8500, abs=1e-4)


def test_a_value_is_good_where_at_least_half_name_it_and_fewer_call_it_bad():
    said = {
        "ana": fit(industry=("Energy, Retail", "")),
        "ben": fit(industry=("Energy", "Retail")),
        "eve": fit(industry=("", "Retail")),
        "max": fit(industry=("Logistics", "")),
    }
    values = measure({"deal": make_deals()}, **said).values.set_index("group")
    assert values[["side", "n_good", "n_bad"]].T.to_dict("list") == {
        "Retail": ["bad", 1, 2],
        "Logistics": ["rest", 1, 0],
        "Energy": ["good", 2, 0],
    }


def test_sizes_are_cut_where_people_s_ranges_begin_and_end():
    """100+ and <50 cut at 50 and 100: 20 is below, 120 and 300 are above, nothing lies between."""
    found = measure({"deal": make_deals()}, ana=fit(employees=("100+", "<50")), ben=fit(employees=("50-2,000", "")))
    values = found.values.set_index("group")
    assert values["side"].to_dict() == {"<50": "bad", "100–2,000": "good"}
    assert values["win_rate_n"].to_dict() == {"<50": 4, "100–2,000": 4}
    attribute = read_attributes(people(a=fit(employees=("100+, 10-20", "<50"))), SURVEY)[0]
    assert find_cuts(attribute) == [10, 21, 50, 100]


def test_retention_counts_only_what_could_leave():
    """Retail: 3 accounts came up, 2 stayed; 400 MRR came up, 150 of it stayed. Energy: 2 came up and stayed whole
    (growth sets nothing off); f could not leave yet."""
    sides = measure(make_renewals(), ana=fit(industry=("Energy", "Retail"))).sides.set_index("side")
    assert sides["retention"].to_dict() == pytest.approx({"good": 1.0, "bad": 2 / 3})
    assert sides["retention_n"].to_dict() == {"good": 2, "bad": 3}
    assert sides["grr"].to_dict() == pytest.approx({"good": 1.0, "bad": 150 / 400})


def test_lifetime_value_is_yearly_revenue_times_the_years_expected_within_five():
    """Retail: a 100 and b 50 run, so 900 a year per account. Of 400 MRR 62.5 % was lost per term; the terms are 365,
    365 and 410 days, 386.25 on average weighted by MRR … so by hand below. Energy loses nothing: five years of
    (300 + 600 + 400) × 12 ÷ 3 = 5,200."""
    sides = measure(make_renewals(), ana=fit(industry=("Energy", "Retail"))).sides.set_index("side")
    days = [(100, 365), (100, 365), (200, 410)]
    term = sum(mrr * length for mrr, length in days) / 400 / 365.25
    kept = (1 - 250 / 400) ** (1 / term)
    years = sum(kept**year for year in range(5))
    assert sides.loc["bad", "years"] == pytest.approx(years)
    assert sides.loc["bad", "ltv"] == pytest.approx(900 * years)
    assert (sides.loc["good", "years"], sides.loc["good", "ltv"]) == (5, 5_200 * 5)
    assert sides["ltv_n"].to_dict() == {"good": 2, "bad": 2}


@pytest.mark.parametrize(
    ("lost", "term", "years"),
    [(0.0, 1, 5.0), (1.0, 1, 1.0), (0.5, 1, 1.9375), (0.19, 2, 1 + 0.9 + 0.81 + 0.729 + 0.6561), (1.7, 1, 1.0)],
)
def test_years_within_five_by_hand(lost, term, years):
    assert expect_years(lost, term) == pytest.approx(years)


def test_without_recurring_revenue_lifetime_value_is_what_was_won_per_customer_so_far():
    """Retail's two wins come from one company here: 30,000 for one customer."""
    deals = make_deals().assign(company_id=["x", "x", "y", "z", "u", "v", "w", "q"])
    found = measure({"deal": deals}, ana=fit(industry=("Energy", "Retail")))
    sides = found.sides.set_index("side")
    assert sides["ltv"].to_dict() == {"good": 90_000, "bad": 30_000, "rest": 60_000}
    assert "so far" in found.definitions["ltv"]


def test_deals_after_the_last_day_and_renewals_of_existing_business_do_not_count():
    deals = make_deals().assign(type=["Renewal", *["New"] * 7])
    sides = measure({"deal": deals}, date(2026, 3, 4), ana=fit(industry=("Energy", "Retail"))).sides.set_index("side")
    assert (sides.loc["bad", "win_rate"], sides.loc["bad", "win_rate_n"]) == (pytest.approx(1 / 3), 3)
    assert "good" not in sides.index


def make_many(rates, n=200, seed=1, sizes=None):
    """Many deals whose industries win at the rates given."""
    random = np.random.default_rng(seed)
    frames = []
    for industry, rate in rates.items():
        won = random.random(n) < rate
        amount = random.lognormal(10, 0.5, n) * (sizes or {}).get(industry, 1.0)
        frames.append(pd.DataFrame({"industry": industry, "stage": np.where(won, "Won", "Lost"), "amount": amount}))
    deals = pd.concat(frames, ignore_index=True)
    deals["id"] = deals.index.astype("str")
    return deals.assign(created_at="2026-01-01", closed_at="2026-03-01")


def test_a_bad_fit_that_wins_more_is_found_and_told():
    deals = make_many({"Energy": 0.2, "Retail": 0.5, "Logistics": 0.2})
    found = measure({"deal": deals}, minimum_n=30, ana=fit(industry=("Energy", "Retail")))
    first = found.surprises.iloc[0]
    assert (first["group"], first["side"], first["measure"]) == ("Bad fit", "bad", "win_rate")
    assert first["q"] < 0.05 and first["value"] > first["good_value"]
    assert found.sentence.startswith("Those whom people call a bad fit by industry are won in")


def test_a_value_that_nobody_named_and_that_does_best_is_found():
    deals = make_many({"Energy": 0.2, "Retail": 0.2, "Logistics": 0.55, "Care": 0.2}, n=300)
    found = measure({"deal": deals}, minimum_n=30, ana=fit(industry=("Energy, Retail", "")))
    values = found.surprises[found.surprises["kind"] == "value"]
    assert values["group"].tolist() == ["Logistics"]
    side = found.surprises[found.surprises["kind"] == "side"]
    assert side["group"].tolist() in (["Neither"], [])


def test_where_only_chance_differs_hardly_ever_anything_is_found():
    """Twelve companies in which nothing differs, five industries each: at a level of 5 % one would be usual."""
    said = {"ana": fit(industry=("A, B", "C")), "ben": fit(industry=("A", "C, D"))}
    surprised = 0
    for seed in range(12):
        deals = make_many(dict.fromkeys("ABCDE", 0.25), n=60, seed=seed)
        surprised += len(measure({"deal": deals}, minimum_n=30, **said).surprises) > 0
    assert surprised <= 2


def test_few_records_are_marked_and_never_compared():
    found = measure({"deal": make_deals()}, minimum_n=30, ana=fit(industry=("Energy", "Retail")))
    assert found.sides["win_rate_is_small"].all() and found.sides["win_rate_q"].isna().all()
    assert found.n_compared == 0 and found.surprises.empty
    assert found.sentence == "What people call a good fit differs from the rest by no more than chance"


def test_the_correction_is_over_every_comparison_of_every_attribute():
    deals = make_many({"Energy": 0.2, "Retail": 0.5, "Logistics": 0.2})
    deals["region"] = np.where(deals.index % 2 == 0, "US", "DACH")
    alone = measure({"deal": deals}, minimum_n=30, ana=fit(industry=("Energy", "Retail")))
    more = measure({"deal": deals}, minimum_n=30, ana=fit(industry=("Energy", "Retail"), region=("US", "")))
    assert more.n_compared > alone.n_compared
    frames = [more.sides, more.values]
    p = pd.concat([frame[f"{m}_p"] for m in ("win_rate", "deal_size", "retention", "ltv") for frame in frames]).dropna()
    q = pd.concat([frame[f"{m}_q"] for m in ("win_rate", "deal_size", "retention", "ltv") for frame in frames]).dropna()
    order = p.to_numpy().argsort()
    steps = p.to_numpy()[order] * len(p) / np.arange(1, len(p) + 1)
    by_hand = np.minimum.accumulate(steps[::-1])[::-1].clip(max=1)
    assert q.to_numpy()[order] == pytest.approx(by_hand)
    assert more.n_compared == len(p)


def test_an_attribute_the_crm_lacks_is_told_with_its_cure():
    found = measure({"deal": make_deals()}, ana=fit(technology=("SAP", ""), industry=("Energy", "")))
    assert found.missing[["attribute_id", "n_people"]].values.tolist() == [["technology", 1]]
    assert "technology" in found.missing["cure"].iloc[0]
    nothing = measure({}, ana=fit(industry=("Energy", "")))
    assert nothing.sides.empty and "none of the attributes" in nothing.sentence
    assert measure({"deal": make_deals()}).sentence == "Nobody has described the ideal customer yet"


def test_of_several_technologies_one_is_enough():
    deals = make_deals().assign(tech_stack=["SAP; Excel", "Excel", *["SAP|Oracle"] * 6])
    sides = measure({"deal": deals}, ana=fit(technology=("SAP", ""))).sides.set_index("side")
    assert sides["win_rate_n"].to_dict() == {"good": 7, "rest": 1}


def test_buyers_are_those_of_the_primary_contact_by_the_words_of_their_title():
    """Four of eight deals are with a VP or director, by contact; seniority is told from the title."""
    titles = ["VP of Sales", "Director, Operations", "Intern", None] * 2
    contacts = pd.DataFrame({"id": [f"k{i}" for i in range(8)], "created_at": "2026-01-01", "jobtitle": titles})
    deals = make_deals().assign(contact_id=contacts["id"])
    found = measure({"deal": deals, "contact": contacts}, ana=buyer(seniority=("Director, VP", "Intern")))
    sides = found.sides.set_index("side")
    assert sides["win_rate_n"].to_dict() == {"good": 4, "bad": 2}
    assert sides["of_buyer"].all()
    assert found.values.set_index("group")["win_rate_n"].to_dict() == {"VP": 2, "Director": 2, "Intern": 2}


def test_the_last_wins_are_checked_for_their_buyers_too():
    contacts = pd.DataFrame(
        {"id": [f"k{i}" for i in range(8)], "created_at": "2026-01-01", "title": ["VP", "Intern"] * 4}
    )
    deals = make_deals().assign(contact_id=contacts["id"])
    said = people(ana=buyer(title=("VP", "")))
    company = make_company({"deal": deals, "contact": contacts}, answers=answers(said))
    row = review_survey(company, SURVEY, as_of=AS_OF).icp.set_index("attribute").loc["Job title"]
    assert (row["n_recent"], row["recent_fit_share"]) == (4, 0.75), "wins 0, 4 and 6 are of a VP, 1 of an intern"


def test_a_number_on_the_company_stands_before_the_bands_of_the_deal():
    companies = pd.DataFrame({"id": ["x", "y"], "employees": [120.0, 30.0]})
    deals = make_deals().drop(columns="employees").assign(company_id=["x", "y"] * 4, employees_band="51-200")
    partitions = {"employees": {"objects": {"deal": "employees_band"}}}
    company = make_company({"deal": deals, "company": companies}, partitions=partitions)
    attribute = read_attributes(people(ana=fit(employees=("100+", ""))), SURVEY)[0]
    assert find_values(company, company.tables["deal"], "deal", attribute).tolist() == [120.0, 30.0] * 4


def test_nothing_is_told_while_the_round_is_open():
    said = people(ana=fit(industry=("Energy", "Retail")))
    company = make_company({"deal": make_deals()}, answers=answers(said, is_closed=False))
    review = review_survey(company, SURVEY, as_of=AS_OF)
    assert review.icp_value.sides.empty and review.stage_evidence.summary.empty and not review.findings


def test_the_finding_names_the_best_fit_that_people_did_not_think_of():
    deals = make_many({"Energy": 0.2, "Retail": 0.5, "Logistics": 0.2})
    company = make_company({"deal": deals}, answers=answers(people(ana=fit(industry=("Energy", "Retail")))))
    review = review_survey(company, SURVEY, as_of=AS_OF)
    finding = next(finding for finding in review.findings if finding.slice == "industry=Bad fit")
    assert finding.severity == "bad" and finding.evidence["n"] == 200 and finding.kpi == "win_rate"


@pytest.fixture(scope="module")
def sample():
    return open_company("data/samples/brightwater")


def test_the_sample_by_plain_pandas(sample):
    """Industry: win rate and deal size from the deals' table, retention by going through the quarters by hand."""
    found = measure_icp_value(sample, sample.answers.survey, SURVEY, as_of=date(2026, 9, 30))
    values = found.values[found.values["attribute_id"] == "industry"].set_index("group")
    deals, end = sample.tables["deal"], pd.Timestamp("2026-10-01")
    closed = deals[deals["outcome"].isin(["won", "lost"]) & (deals["closed_at"] < end) & deals["is_new_business"]]
    won = closed[closed["outcome"] == "won"]
    rates = closed.groupby("industry")["outcome"].agg(lambda outcomes: (outcomes == "won").mean())
    assert values["win_rate"].to_dict() == pytest.approx(rates.to_dict())
    assert values["deal_size"].to_dict() == pytest.approx(won.groupby("industry")["amount"].mean().to_dict())

    subscriptions = sample.tables["subscription"]
    up, lost = {}, {}
    for start in pd.date_range("2024-10-01", "2026-07-01", freq="QS"):
        last = start + pd.offsets.QuarterEnd(0)
        there = (subscriptions["start_at"] <= start) & ~(subscriptions["end_at"] < start)
        ends = subscriptions["renewal_at"].between(start, last + pd.Timedelta(hours=23, minutes=59))
        for customer, group in subscriptions[there & ends].groupby("customer_id"):
            own = subscriptions[subscriptions["customer_id"] == customer]
            day = last + pd.Timedelta(days=1)
            stays = ((own["start_at"] <= day) & ~(own["end_at"] < day)).any()
            industry = group["industry"].iloc[0]
            up[industry] = up.get(industry, 0) + 1
            lost[industry] = lost.get(industry, 0) + (not stays)
    assert values["retention_n"].to_dict() == {**dict.fromkeys(values.index, 0), **up}
    assert values["retention"].to_dict() == pytest.approx({key: 1 - lost[key] / n for key, n in up.items()})


def test_the_order_of_rows_does_not_matter():
    tables = {"deal": make_deals(), **make_renewals()}
    turned = {name: table.iloc[::-1].reset_index(drop=True) for name, table in tables.items()}
    said = {"ana": fit(industry=("Energy", "Retail"))}
    straight, back = measure(tables, **said), measure(turned, **said)
    for name in ("sides", "values"):
        pd.testing.assert_frame_equal(getattr(straight, name), getattr(back, name))
