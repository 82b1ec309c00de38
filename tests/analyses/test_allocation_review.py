"""The next period's goal as it can be split: what people set stays, unless the split asks where effort brings most."""

from datetime import date

import pandas as pd
import pytest

from helpers.analyses.allocation_review import review_split
from helpers.analyses.goal_review import review_goals
from helpers.engine.cells import build_cells
from helpers.errors import ParameterError
from helpers.present.allocation_view import show_split
from tests.analyses.test_goal_review import AS_OF, make_deals, make_targets
from tests.companies import make_company


def open_reviews(targets):
    company = make_company({"deal": make_deals()}, targets=targets, latest_event=AS_OF)
    cells = build_cells(company, by=[(), ("source",)], as_of=AS_OF)
    return company, cells, review_goals(company, cells, as_of=AS_OF)


def test_what_people_set_for_a_slice_stays_and_the_rest_is_split_by_history():
    plain = make_targets()
    company, cells, goals = open_reviews(plain)
    names = goals.matrix.loc[goals.matrix["dimension"] == "source", "slice"].unique()
    typed = plain.assign(dimension="source", slice=names[0], goal=1000.0)
    company, cells, goals = open_reviews(pd.concat([plain, typed], ignore_index=True))
    split = review_split(company, cells, goals).allocation.set_index("slice")["goal"]
    assert split[names[0]] == 1000.0
    assert split.sum() == pytest.approx(plain["goal"].iloc[0])
    assert review_split(company, cells, goals, how="optimise").allocation["goal"].sum() == pytest.approx(split.sum())


def test_an_unknown_way_is_told_with_those_allowed__error():
    with pytest.raises(ParameterError, match="history, hand, optimise"):
        review_split(*open_reviews(make_targets()), how="evenly")


def test_without_revenue_by_slice_the_page_says_what_is_missing():
    company = make_company({"cost": pd.DataFrame({"date": ["2026-01-01"], "channel": ["Web"], "amount": [5.0]})})
    cells = build_cells(company, as_of=date(2026, 3, 31))
    goals = review_goals(company, cells, as_of=date(2026, 3, 31))
    assert "can't be split" in show_split(review_split(company, cells, goals)).title
