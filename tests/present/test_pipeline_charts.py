"""Pictures of walk, push rate, adoption and what-if: with few and many slices, and where there is nothing to draw."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.adoption import list_adoption
from helpers.analyses.pipeline_walk import choose_told, list_step, walk_pipeline
from helpers.analyses.push_rate import measure_push_rates
from helpers.analyses.what_if import Move, WhatIf, move_slices
from helpers.periods import build_periods, period_of
from helpers.present.charts.adoption import (
    draw_adoption,
    draw_adoption_owners,
    show_adoption_records,
    show_adoption_table,
)  # fmt: skip
from helpers.present.charts.pipeline_walk import (
    draw_pipeline_walk,
    draw_pipeline_walks,
    draw_walk_slices,
    show_step_records,
    show_walk_table,
)  # fmt: skip
from helpers.present.charts.push_rate import draw_push_rates, show_push_table
from helpers.present.charts.what_if import draw_what_if, show_what_if_table
from tests.analyses.deal_histories import make_deals_with_history
from tests.companies import make_company

Q4 = period_of(date(2025, 11, 1), "quarter")


def _company(slices, *, history=True):
    deals, changes = make_deals_with_history(5, n=300)
    deals["product"] = [f"Product {i % slices:02d} with <b>marks</b> & a long name" for i in range(len(deals))]
    tables = {"deal": deals, "deal_history": changes} if history else {"deal": deals}
    return make_company(tables, latest_event="2026-12-31")


def _texts(display):
    return re.findall(r"<text[^>]*>([^<]*)</text>", display.svg)


@pytest.mark.parametrize("slices", [3, 12, 60])
def test_the_walk_of_many_slices_stays_within_its_panels(slices):
    walk = walk_pipeline(_company(slices), Q4, by=["product"])
    shown = draw_walk_slices(walk, currency="EUR")
    panels = [text for text in _texts(shown) if text.startswith("Product") or "others together" in text]
    assert len([text for text in panels if "accounts" not in text]) == min(slices, 9)
    named = shown.title.split(" with ")[0]
    assert any(text.startswith(named) and "accounts" not in text for text in panels)
    assert ("others together" in " ".join(panels)) == (slices > 9)
    table = show_walk_table(walk, currency="EUR")
    assert "<b>marks" not in table.html and table.text.count("Product ") >= slices


def test_the_walk_names_its_steps_amounts_and_deals():
    shown = draw_pipeline_walk(walk_pipeline(_company(3), Q4), currency="EUR")
    texts = _texts(shown)
    for label in (
        "Opening",
        "Created",
        "Pulled in",
        "Amount up",
        "Amount down",
        "Pushed out",
        "Won",
        "Lost",
        "Closing",
    ):
        assert label in texts and label in shown.text
    assert sum(text.endswith((" deals", " deal")) for text in texts) >= 9


def test_records_of_a_step_are_a_table():
    walk = walk_pipeline(_company(3), Q4, by=["product"])
    shown = show_step_records(walk, list_step(walk, "won"), title="Won", currency="EUR")
    assert "Amount" in shown.text and "NaT" not in shown.html and "nan" not in shown.html


def test_without_history_the_pictures_say_what_to_do():
    company = _company(3, history=False)
    walk, rates = walk_pipeline(company, Q4), measure_push_rates(company, [Q4])
    for shown in (draw_pipeline_walk(walk), draw_push_rates(rates)):
        assert "Next step" in shown.text and "python -m helpers add" in shown.text


def test_what_a_picture_says_is_missing_is_said_by_nothing_else():
    company = _company(3, history=False)
    walk, rates = walk_pipeline(company, Q4), measure_push_rates(company, [Q4])
    others = (draw_walk_slices(walk), show_walk_table(walk), show_push_table(rates))
    assert others == (None, None, None) and show_step_records(walk, walk.records, title="x") is None
    refused = WhatIf(why_not="No cohort is mature yet.", cure="Wait.")
    assert show_what_if_table(refused) is None
    nobody = make_company({"contact": pd.DataFrame({"id": ["1"], "created_at": pd.to_datetime(["2026-01-01"])})})
    walks = [walk_pipeline(nobody, Q4, scope=scope) for scope in ("due", "open")]
    assert len(draw_pipeline_walks(walks)) == 1


def test_of_two_walks_the_one_that_can_be_told_is_cut():
    company = _company(3, history=False)
    walks = [walk_pipeline(company, Q4, scope=scope, by=["product"]) for scope in ("due", "open")]
    assert len(draw_pipeline_walks(walks)) == 2
    assert choose_told(walks) is walks[1] and draw_walk_slices(choose_told(walks)).svg


@pytest.mark.parametrize("grain", ["year", "quarter", "month", "week"])
def test_push_rates_of_few_and_many_periods_are_drawn(grain):
    periods = build_periods(date(2025, 1, 1), date(2026, 6, 30), grain, 1)
    shown = draw_push_rates(measure_push_rates(_company(3), periods))
    assert "were pushed out of it" in shown.title and shown.svg
    assert "nan" not in shown.svg.lower().replace("financ", "")


def test_adoption_is_drawn_with_counts_and_owners():
    found = list_adoption(_company(3), as_of=date(2026, 6, 30))
    shown = draw_adoption(found)
    texts = " ".join(_texts(shown))
    for one in found.told:
        assert f"of {one.among:,}" in texts
    table = show_adoption_table(found)
    listed = table.html.replace("\N{NO-BREAK SPACE}", " ")
    assert all(one.report.label in listed for one in found.lists) and table.title != shown.title
    assert draw_adoption_owners(found.find("idle")).svg or found.find("idle").n == 0
    assert "NaT" not in show_adoption_records(found.find("idle")).html
    assert "can't be told" in draw_adoption_owners(found.find("no_activity")).title
    assert draw_adoption_owners(None) is None and show_adoption_records(None) is None


@pytest.mark.parametrize(("company_ids", "said"), [(["c", "c"], "none of 2 deals is on it"), (["c", None], "1 deal")])
def test_lists_without_earlier_mondays_are_told_without_a_line(company_ids, said):
    days = pd.to_datetime(["2026-01-01", "2026-02-01"])
    deals = pd.DataFrame(
        {"id": ["1", "2"], "created_at": days, "closed_at": days, "stage": "won", "outcome": "won", "owner": None,
         "company_id": company_ids}
    )  # fmt: skip
    found = list_adoption(make_company({"deal": deals}), as_of=date(2026, 6, 30), reports=["won_without_company"])
    shown, table = draw_adoption(found), show_adoption_table(found)
    assert said in shown.title and "Mondays" not in f"{shown!r}{table!r}" and "of 2" in f"{shown!r}{shown.svg}"
    records = show_adoption_records(found.to_go_through)
    assert records is None if found.to_go_through is None else "(blank)" not in records.html


def test_push_rates_are_written_beside_their_dots_and_every_period_is_named():
    periods = build_periods(date(2025, 1, 1), date(2026, 6, 30), "quarter", 1)
    rates = measure_push_rates(_company(3), periods, by=["product"])
    shown = draw_push_rates(rates)
    assert set(rates.frame["period"]) <= set(_texts(shown))
    months = draw_push_rates(
        measure_push_rates(_company(3), build_periods(date(2025, 1, 1), date(2026, 6, 30), "month", 1))
    )
    named = [text for text in _texts(months) if re.fullmatch(r"[A-Z][a-z]{2} 20\d\d", text)]
    assert 6 <= len(named) <= 12
    table = show_push_table(rates)
    assert table.title != shown.title and "few deals<" not in table.html and "days (days)" not in table.text


def test_what_if_is_drawn_in_money_and_in_deals():
    base = pd.DataFrame(
        {"slice": ["Inbound", "Referral"], "volume": [61, 20], "entered": [200, 60], "won": [32, 30],
         "size": [1e4, 1.2e4], "size_error": [500.0, 900.0], "n_size": [32, 30]}
    )  # fmt: skip
    moves = [Move("Inbound", rate="20 %"), Move("Referral", volume="x2")]
    money = draw_what_if(move_slices(base, moves, goal=400_000), currency="EUR")
    assert "lower marginal rate" in " ".join(_texts(money)) and any("goal" in text for text in _texts(money))
    assert "Rates are held constant" in money.svg and "constant" not in money.subtitle
    deals = move_slices(base.assign(size=np.nan), moves, goal=30, goal_unit="count")
    assert "€" not in draw_what_if(deals).svg and "125" in show_what_if_table(deals).title
    refused = draw_what_if(WhatIf(why_not="No cohort is mature yet.", cure="Wait."))
    assert "Next step: Wait." in refused.text


def test_the_table_of_what_if_says_each_number_once_and_moves_in_words():
    base = pd.DataFrame(
        {"slice": ["paid_search", "social"], "volume": [61, 20], "entered": [200, 60], "won": [32, 30],
         "size": [1e4, 1.2e4], "size_error": [500.0, 900.0], "n_size": [32, 30]}
    )  # fmt: skip
    answer = move_slices(base, [Move("paid search", rate="+4"), Move("social", volume="x2")])
    drawn, table = draw_what_if(answer), show_what_if_table(answer)
    assert list(answer.outcomes["scenario"].unique()) == ["Paid search: rate +4 points", "Social: volume ×2"]
    assert table.title.startswith("Paid search with rate +4 points adds 2.4 deals; Social with volume ×2 adds 10 deals")
    assert table.text.count("Paid search") == 1 and table.text.count("Social") == 2 and table.title != drawn.title
    assert "paid_search" not in repr(drawn) + repr(table)
