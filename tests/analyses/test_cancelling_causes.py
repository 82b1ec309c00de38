"""Causes of one slice that undo each other: told in one sentence, with what is left of them."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.cancelling_causes import describe_cancelling
from helpers.analyses.gap import explain_gap
from helpers.analyses.gap_answer import answer_gap, describe_answer
from helpers.present.charts.root_causes import draw_causes_table
from helpers.units import format_value
from tests.analyses.board_cases import make_cause, make_gap, make_leaves
from tests.analyses.five_m_cases import AS_OF, BEFORE, NOW, is_late, make_contacts, make_deals
from tests.companies import make_company

MORE = {"effect": "volume", "step": "leads", "n_actual": 200.0, "n_expected": 100.0}


def tell(*causes, **more):
    return describe_cancelling(make_gap(causes, **more), "EUR")


def test_more_came_and_less_became_of_it_is_said_once_with_what_is_left() -> None:
    (said,) = tell(make_cause("region=North", -1000.0), make_cause("region=North", 900.0, **MORE))
    assert said == (
        "North: more leads (200 instead of 100), but a smaller share of them became MQLs (20 instead of 40). "
        "Together they nearly cancel: -€100 of later revenue".replace("-", "−")
    )


def test_what_is_left_may_be_a_gain_and_three_causes_are_told_in_the_order_of_the_funnel() -> None:
    larger = make_cause("region=North", 500.0, effect="value", step="mqls")
    (said,) = tell(make_cause("region=North", -1000.0), larger, make_cause("region=North", 600.0, **MORE))
    assert said.startswith(
        "North: more leads (200 instead of 100), but a smaller share of them became MQLs (20 instead"
    )
    assert said.endswith(", but larger won deals. Together they nearly cancel: +€100 of later revenue")


@pytest.mark.parametrize(
    "causes",
    [
        [],
        [make_cause("region=North", -1000.0)],
        [make_cause("region=North", -1000.0), make_cause("region=North", 700.0, **MORE)],
        [make_cause("region=North", -1000.0), make_cause("region=North", -900.0, **MORE)],
        [make_cause("region=North", -1000.0), make_cause("region=South", 950.0, **MORE)],
        [make_cause("region=North", -1000.0, verdict="not enough evidence"), make_cause("region=North", 950.0, **MORE)],
        [make_cause("region=North", -1000.0), make_cause("region=North", 950.0, effect="mix", step="leads")],
    ],
    ids=["none", "one", "much is left", "same way", "two slices", "a suspicion", "a composition"],
)
def test_what_does_not_cancel_is_not_told(causes) -> None:
    assert tell(*causes) == []


def test_the_same_slice_is_known_in_whatever_order_it_is_written() -> None:
    first = make_cause("region=North|South & source=Web", -1000.0)
    second = make_cause("source=Web & region=South|North", 950.0, **MORE)
    assert len(tell(first, second)) == 1


def test_without_money_no_amount_is_made_up() -> None:
    leaves = make_leaves([("North", "Web", 100.0, 200.0, 40.0, 20.0)], worth=None)
    (said,) = tell(make_cause("region=North", -9.0), make_cause("region=North", 9.0, **MORE), creation=leaves)
    assert said.endswith("Together they nearly cancel") and "€" not in said


def test_twice_as_many_leads_of_which_half_as_many_go_on_are_found_and_told_in_the_answer() -> None:
    def chance(frame: pd.DataFrame) -> np.ndarray:
        return np.where(is_late(frame["created_at"]) & frame["region"].eq("West"), 0.15, 0.3)

    once = make_contacts(9000, seed=3, goes_on=chance)
    again = once[is_late(once["created_at"]) & once["region"].eq("West")]
    contacts = pd.concat([once, again.assign(id=again["id"] + "x")], ignore_index=True)
    company = make_company({"contact": contacts, "deal": make_deals(1500)}, currency="EUR")
    periods = [*BEFORE, NOW]
    gap = explain_gap(company, period=NOW, compared=NOW.previous(), history=periods, as_of=AS_OF)
    theirs = gap.causes[gap.causes["slice"] == "region=West"]
    assert set(theirs["effect"]) == {"volume", "rate"} and theirs["contribution"].min() < 0
    (said,) = describe_cancelling(gap, "EUR")
    assert f"West: more leads ({2 * len(again):,} instead of " in said
    left = format_value(abs(theirs["contribution"].sum()), "currency", currency="EUR")
    assert left in said and "a smaller share of them became opportunities" in said
    lines = {line.question: line for line in answer_gap(gap, currency="EUR")}
    assert said in lines["At which step, in which slice?"].statements
    assert "one place" in describe_answer(gap, "EUR"), "two causes of one slice are one place"
    assert "Together they nearly cancel" in draw_causes_table(gap, title="x", currency="EUR").html
