"""Twenty questions that an analyst asks of two public data sets, by the notebook's parameters alone.

Each answer is compared with plain pandas on the raw files, written here without the project's engine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.records import list_records
from helpers.analyses.slicing import OTHERS, slice_kpis
from helpers.analyses.slicing_filters import split_slice
from helpers.batch.jobs import run_notebook
from helpers.ingest.intake import start_company
from helpers.workbook import open_workbook
from tests.real_data import require_real_data

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "03_kpi_slicing.ipynb"
MAVEN = ("sales_pipeline.csv", "accounts.csv", "products.csv", "sales_teams.csv")
OLIST = ("olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv")


@dataclass(frozen=True)
class Question:
    """One question: in words, as the notebook's parameters, and its answer by plain pandas.

    Attributes:
        words: What the analyst asks.
        ask: The notebook's parameters.
        answer: Raw rows → slice → (value, n) of the period shown.
        before: The same of the period compared with; None where that isn't looked at.
    """

    words: str
    ask: dict[str, Any]
    answer: Callable[[pd.DataFrame], dict[str, tuple[float, int]]]
    before: Callable[[pd.DataFrame], dict[str, tuple[float, int]]] | None = None
    top_n: int = field(default=1000)


def between(rows: pd.DataFrame, column: str, first: str, last: str) -> pd.DataFrame:
    return rows[(rows[column] >= first) & (rows[column] < pd.Timestamp(last) + pd.Timedelta(days=1))]


def by(rows: pd.DataFrame, columns: list[str], measure: Callable[[pd.DataFrame], float]) -> dict[str, tuple]:
    """Group as an analyst does, missing values as a group of their own."""
    filled = rows.assign(**{name: rows[name].fillna("(blank)").astype(str) for name in columns})
    groups = filled.groupby(columns if len(columns) > 1 else columns[0])
    return {" & ".join(key) if isinstance(key, tuple) else key: (measure(group), len(group)) for key, group in groups}


def with_rest(rows: pd.DataFrame, columns: list[str], measure, named: int, *, largest: str) -> dict[str, tuple]:
    """Name the largest groups, and measure all other rows anew as one."""
    found = by(rows, columns, measure)
    order = sorted(found, key=lambda name: (-found[name][0 if largest == "value" else 1], name))[:named]
    keys = rows[columns].fillna("(blank)").astype(str).agg(" & ".join, axis=1)
    rest = rows[~keys.isin(order)]
    return {name: found[name] for name in order} | {OTHERS: (measure(rest), len(rest))}


def share_won(rows):
    return float(rows["won"].mean())


def closed(deals, first, last):
    return between(deals[deals["closed"]], "close_date", first, last)


def won(deals, first, last):
    found = closed(deals, first, last)
    return found[found["won"]]


def created(deals, first, last):
    return between(deals, "engage_date", first, last)


def within(rows, start, stop, days):
    taken = (rows[stop].dt.normalize() - rows[start].dt.normalize()).dt.days
    return rows.assign(won=(taken >= 0) & (taken <= days))


def employees(deals):
    edges = [1, 11, 51, 201, 501, 1001, 5001, np.inf]
    names = ["1–10", "11–50", "51–200", "201–500", "501–1,000", "1,001–5,000", "5,001 or more"]
    return deals.assign(size=pd.cut(deals["employees"], edges, right=False, labels=names).astype("str"))


MAVEN_QUESTIONS = [
    Question(
        "Win rate by sector and product in Q2 2017 against Q1, agents under Dustin Brinkmann only",
        {"kpis": ["win_rate"], "by": ["sector & product"], "filters": {"manager": "Dustin Brinkmann"},
         "end": "2017-06-30"},
        lambda d: by(closed(d[d["manager"] == "Dustin Brinkmann"], "2017-04-01", "2017-06-30"),
                     ["sector", "product"], share_won),
        lambda d: by(closed(d[d["manager"] == "Dustin Brinkmann"], "2017-01-01", "2017-03-31"),
                     ["sector", "product"], share_won),
    ),
    Question(
        "The top three accounts by revenue in 2017, and the rest",
        {"kpis": ["revenue_won"], "by": ["account"], "period": "year", "end": "2017-12-31"},
        lambda d: with_rest(won(d, "2017-01-01", "2017-12-31"), ["account"],
                            lambda rows: float(rows["close_value"].sum()), 3, largest="value"),
        top_n=3,
    ),
    Question(
        "Opportunities of the week of 7 August 2017 by regional office, against the week before",
        {"kpis": ["opportunities"], "by": ["regional_office"], "grain": "week", "end": "2017-08-13"},
        lambda d: by(created(d, "2017-08-07", "2017-08-13"), ["regional_office"], len),
        lambda d: by(created(d, "2017-07-31", "2017-08-06"), ["regional_office"], len),
    ),
    Question(
        "The median sales cycle of the most sold product in Q3 2017, and of all others together",
        {"kpis": ["sales_cycle_days"], "by": ["product"], "end": "2017-09-30"},
        lambda d: with_rest(won(d, "2017-07-01", "2017-09-30"), ["product"],
                            lambda rows: float(rows["days"].median()), 1, largest="n"),
        top_n=1,
    ),
    Question(
        "Average deal size by size of the account in Q4 2017",
        {"kpis": ["average_deal_size"], "by": ["employees"], "end": "2017-12-31"},
        lambda d: by(employees(won(d, "2017-10-01", "2017-12-31")), ["size"],
                     lambda rows: float(rows["close_value"].mean())),
    ),
    Question(
        "Win rate by agent in October 2017 against September, every office but the West",
        {"kpis": ["win_rate"], "by": ["sales_agent"], "filters": {"regional_office": {"not_in": ["West"]}},
         "period": "month", "end": "2017-10-31"},
        lambda d: by(closed(d[d["regional_office"] != "West"], "2017-10-01", "2017-10-31"), ["sales_agent"],
                     share_won),
        lambda d: by(closed(d[d["regional_office"] != "West"], "2017-09-01", "2017-09-30"), ["sales_agent"],
                     share_won),
    ),
    Question(
        "Deals won by regional office in the 90 days to the end of 2017, against the 90 days before",
        {"kpis": ["deals_won"], "by": ["regional_office"], "grain": "rolling_90", "end": "2017-12-31"},
        lambda d: by(won(d, "2017-10-03", "2017-12-31"), ["regional_office"], len),
        lambda d: by(won(d, "2017-07-05", "2017-10-02"), ["regional_office"], len),
    ),
    Question(
        "Revenue by series and office from 1 July to 14 August 2017, against 1 April to 15 May",
        {"kpis": ["revenue_won"], "by": ["series & regional_office"], "grain": "custom", "start": "2017-07-01",
         "end": "2017-08-14", "compare_to": "custom", "compare_start": "2017-04-01", "compare_end": "2017-05-15"},
        lambda d: by(won(d, "2017-07-01", "2017-08-14"), ["series", "regional_office"],
                     lambda rows: float(rows["close_value"].sum())),
        lambda d: by(won(d, "2017-04-01", "2017-05-15"), ["series", "regional_office"],
                     lambda rows: float(rows["close_value"].sum())),
    ),
    Question(
        "Which manager's opportunities of Q2 2017 were won within 60 days, against those of Q1",
        {"kpis": ["opportunity_to_won"], "by": ["manager"], "end": "2017-06-30", "horizon_days": 60},
        lambda d: by(within(created(d, "2017-04-01", "2017-06-30"), "engage_date", "won_date", 60), ["manager"],
                     share_won),
        lambda d: by(within(created(d, "2017-01-01", "2017-03-31"), "engage_date", "won_date", 60), ["manager"],
                     share_won),
    ),
    Question(
        "Win rate by sector, series and office in Q4 2017: the five largest combinations and the rest",
        {"kpis": ["win_rate"], "by": ["sector & series & regional_office"], "end": "2017-12-31"},
        lambda d: with_rest(closed(d, "2017-10-01", "2017-12-31"), ["sector", "series", "regional_office"],
                            share_won, 5, largest="n"),
        top_n=5,
    ),
]  # fmt: skip

Q1_2018 = ("2018-01-01", "2018-03-31")
MQL, WON = "first_contact_date", "won_date"


def converted(leads, first, last, days=100_000):
    return within(between(leads, MQL, first, last), MQL, WON, days)


def period_share(leads, first, last):
    """Divide the wins of a period by its MQLs, origin by origin."""
    arrived = by(between(leads, WON, first, last), ["origin"], len)
    return {name: (arrived.get(name, (0, 0))[0] / n, n) for name, (_, n) in
            by(between(leads, MQL, first, last), ["origin"], len).items()}  # fmt: skip


def timed(leads, first, last):
    found = between(leads, MQL, first, last)
    days = (found[WON].dt.normalize() - found[MQL]).dt.days
    return found.assign(days=days)[days >= 0]


OLIST_QUESTIONS = [
    Question(
        "Which origin's MQLs of Q1 2018 were won within 60 days, against those of Q4 2017",
        {"kpis": ["mql_to_won"], "by": ["origin"], "end": "2018-03-31", "horizon_days": 60},
        lambda d: by(converted(d, *Q1_2018, 60), ["origin"], share_won),
        lambda d: by(converted(d, "2017-10-01", "2017-12-31", 60), ["origin"], share_won),
    ),
    Question(
        "MQLs of the week of 5 March 2018 by origin, against the week before",
        {"kpis": ["mqls"], "by": ["origin"], "grain": "week", "end": "2018-03-11"},
        lambda d: by(between(d, MQL, "2018-03-05", "2018-03-11"), ["origin"], len),
        lambda d: by(between(d, MQL, "2018-02-26", "2018-03-04"), ["origin"], len),
    ),
    Question(
        "Median days from MQL to won by origin for MQLs of Q2 2018 won so far: the four largest and the rest",
        {"kpis": ["mql_won_days"], "by": ["origin"], "end": "2018-06-30", "as_of": "2018-11-14"},
        lambda d: with_rest(timed(d, "2018-04-01", "2018-06-30"), ["origin"],
                            lambda rows: float(rows["days"].median()), 4, largest="n"),
        top_n=4,
    ),
    Question(
        "Deals won in 2018 by business segment: the top five and the rest",
        {"kpis": ["deals_won"], "by": ["business_segment"], "grain": "calendar_year", "end": "2018-12-31",
         "as_of": "2018-12-31"},
        lambda d: with_rest(between(d, WON, "2018-01-01", "2018-12-31"), ["business_segment"], len, 5,
                            largest="value"),
        top_n=5,
    ),
    Question(
        "Wins of May 2018 per MQL of May 2018 by origin, against April",
        {"kpis": ["mql_to_won"], "by": ["origin"], "period": "month", "end": "2018-05-31", "basis": "period"},
        lambda d: period_share(d, "2018-05-01", "2018-05-31"),
        lambda d: period_share(d, "2018-04-01", "2018-04-30"),
    ),
    Question(
        "The ten largest landing pages of Q1 2018 and the rest: how many of their MQLs were won so far",
        {"kpis": ["mql_to_won"], "by": ["landing_page_id"], "end": "2018-03-31", "as_of": "2018-11-14"},
        lambda d: with_rest(converted(d, *Q1_2018), ["landing_page_id"], share_won, 10, largest="n"),
        top_n=10,
    ),
    Question(
        "MQLs of the 90 days to 31 May 2018 by origin, those without one too, against the 90 days a year before",
        {"kpis": ["mqls"], "by": ["origin"], "grain": "rolling_90", "end": "2018-05-31", "compare_to": "year_ago"},
        lambda d: by(between(d, MQL, "2018-03-03", "2018-05-31"), ["origin"], len),
        lambda d: {},
    ),
    Question(
        "Deals won in Q2 2018 by origin and type of lead",
        {"kpis": ["deals_won"], "by": ["origin & lead_type"], "end": "2018-06-30"},
        lambda d: by(between(d, WON, "2018-04-01", "2018-06-30"), ["origin", "lead_type"], len),
        lambda d: by(between(d, WON, *Q1_2018), ["origin", "lead_type"], len),
    ),
    Question(
        "MQLs of Q2 2018 won within 30 days by origin, unknown and blank ones left out",
        {"kpis": ["mql_to_won"], "by": ["origin"], "filters": {"origin": {"not_in": ["unknown", "(blank)"]}},
         "end": "2018-06-30", "horizon_days": 30},
        lambda d: by(converted(d[d["origin"].notna() & (d["origin"] != "unknown")], "2018-04-01", "2018-06-30", 30),
                     ["origin"], share_won),
    ),
    Question(
        "Paid search in Q1 2018: its five largest landing pages and the rest, won so far, against Q4 2017",
        {"kpis": ["mql_to_won"], "by": ["landing_page_id"], "filters": {"origin": "paid_search"},
         "end": "2018-03-31", "as_of": "2018-11-14"},
        lambda d: with_rest(converted(d[d["origin"] == "paid_search"], *Q1_2018), ["landing_page_id"], share_won, 5,
                            largest="n"),
        top_n=5,
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def maven(tmp_path_factory):
    folder = require_real_data("maven_crm")
    target = tmp_path_factory.mktemp("companies") / "maven"
    start_company(target, [folder / name for name in MAVEN], lookups=["sales_teams.csv.sales_agent=deal.owner"])
    deals = pd.read_csv(folder / "sales_pipeline.csv", parse_dates=["engage_date", "close_date"])
    deals["product"] = deals["product"].replace({"GTXPro": "GTX Pro"})
    deals = deals.merge(
        pd.read_csv(folder / "accounts.csv")[["account", "sector", "employees"]], on="account", how="left"
    )
    deals = deals.merge(pd.read_csv(folder / "sales_teams.csv"), on="sales_agent", how="left")
    deals = deals.merge(pd.read_csv(folder / "products.csv"), on="product", how="left")
    deals["closed"] = deals["deal_stage"].isin(["Won", "Lost"])
    deals["won"] = deals["deal_stage"] == "Won"
    deals["won_date"] = deals["close_date"].where(deals["won"])
    deals["days"] = (deals["close_date"] - deals["engage_date"]).dt.days
    return str(target), deals


@pytest.fixture(scope="module")
def olist(tmp_path_factory):
    folder = require_real_data("olist_marketing_funnel")
    target = tmp_path_factory.mktemp("companies") / "olist"
    maps = ["contact.mql_at=first_contact_date", f"contact.won_at={OLIST[1]}.won_date"]
    start_company(target, [folder / name for name in OLIST], currency="BRL", maps=maps)
    leads = pd.read_csv(folder / OLIST[0], parse_dates=[MQL])
    return str(target), leads.merge(pd.read_csv(folder / OLIST[1], parse_dates=[WON]), on="mql_id", how="left")


def answer(folder: str, question: Question):
    """Ask as the notebook's cells do, with its parameters alone."""
    ask = {"by": [], "filters": {}, "basis": "", "horizon_days": 0, "start": "", "end": "", **question.ask}
    names = {"company": folder, "partitions": [*ask["by"], *ask["filters"]]}
    kept = ("as_of", "period", "grain", "start", "end", "compare_to", "compare_start", "compare_end")
    book = open_workbook(**names, **{name: ask[name] for name in kept if name in ask})
    asked = {"filters": ask["filters"], "basis": ask["basis"], "horizon_days": ask["horizon_days"] or None}
    [result] = slice_kpis(
        book.company, ask["kpis"], ask["by"], period=book.period, compared=book.compared, as_of=book.as_of,
        top_n=question.top_n, targets=book.goals, step_back=not (ask["end"] or ask["start"]), **asked,
    )  # fmt: skip
    return book, result


def compare(frame: pd.DataFrame, question: Question, rows: pd.DataFrame, *, where: str) -> None:
    """Compare each slice with plain pandas; what only the earlier period has stands there with no record."""
    expected = question.answer(rows)
    table = frame.set_index("slice")
    empty = table[table["n"] == 0]
    assert set(expected) == set(table.index) - set(empty.index), where
    assert len(expected) >= 1 and sum(n for _, n in expected.values()) > 0
    for name, (value, n) in expected.items():
        assert table.loc[name, "value"] == pytest.approx(value, rel=1e-9), f"{where}: {name}"
        assert table.loc[name, "n"] == n, f"{where}: {name}"
    if question.before is None:
        return
    before = question.before(rows)
    for name in set(table.index) - {OTHERS}:
        earlier = table.loc[name, "previous_value"]
        if name in before:
            assert earlier == pytest.approx(before[name][0], rel=1e-9), f"{where}: {name} before"
        else:
            assert pd.isna(earlier) or earlier == 0, f"{where}: {name} before"


def ids(questions):
    return [f"{place + 1:02d}-{question.ask['kpis'][0]}" for place, question in enumerate(questions)]


@pytest.mark.parametrize("question", MAVEN_QUESTIONS, ids=ids(MAVEN_QUESTIONS))
def test_what_an_analyst_asks_of_the_hardware_seller_equals_plain_pandas(maven, question):
    folder, deals = maven
    _, result = answer(folder, question)
    compare(result.frame, question, deals, where=question.words)
    assert result.reconciliation.is_exact, result.reconciliation.sentence


@pytest.mark.parametrize("question", OLIST_QUESTIONS, ids=ids(OLIST_QUESTIONS))
def test_what_an_analyst_asks_of_the_marketplace_equals_plain_pandas(olist, question):
    folder, leads = olist
    _, result = answer(folder, question)
    compare(result.frame, question, leads, where=question.words)
    assert result.reconciliation.is_exact, result.reconciliation.sentence


def test_the_records_behind_an_answer_are_the_deals_that_plain_pandas_counts(maven):
    folder, deals = maven
    book, result = answer(folder, MAVEN_QUESTIONS[0])
    top = result.frame["slice"].iloc[0]
    slice = split_slice(book.company, top, result.by, as_of=book.as_of)
    found = list_records(
        book.company, "win_rate", result.period, slice=slice, filters=MAVEN_QUESTIONS[0].ask["filters"],
        side="denominator", as_of=book.as_of,
    )  # fmt: skip
    mine = closed(deals[deals["manager"] == "Dustin Brinkmann"], "2017-04-01", "2017-06-30")
    mine = mine[(mine["sector"] == slice["sector"]) & (mine["product"] == slice["product"])]
    assert set(found.frame["record"]) == set(mine["opportunity_id"])


def test_a_rate_by_what_is_known_only_of_winners_is_refused_in_words(olist):
    folder, _ = olist
    _, result = answer(folder, Question("", {"kpis": ["mql_to_won"], "by": ["lead_type"]}, lambda d: {}))
    assert "known only with the outcome" in result.refusal and result.frame.empty


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("maven", 1),
        ("olist", 5),
        *(
            pytest.param(*case, marks=pytest.mark.acceptance)
            for case in (("maven", 0), ("maven", 2), ("maven", 7), ("olist", 0), ("olist", 8))
        ),
    ],
    ids=lambda value: str(value),
)
def test_the_notebook_answers_by_its_parameters_alone(request, tmp_path, name, place):
    folder, rows = request.getfixturevalue(name)
    question = {"maven": MAVEN_QUESTIONS, "olist": OLIST_QUESTIONS}[name][place]
    values = {"company": folder, "output_dir": str(tmp_path), "top_n": question.top_n, **question.ask}
    result = run_notebook(NOTEBOOK, tmp_path / "out.ipynb", values)
    assert result.status == "whole", result.error
    compare(pd.read_csv(tmp_path / "tables" / "slices.csv"), question, rows, where=question.words)
