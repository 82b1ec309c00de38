"""A cause's past equals plain pandas on the same records, and the page that sums a gap up says only what is so."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from helpers.analyses.cause_history import trace_causes
from helpers.analyses.gap import Gap
from helpers.analyses.gap_answer import answer_gap, describe_answer
from helpers.present.charts.cause_history import describe_history, draw_cause_history
from helpers.present.gap_answer_view import show_answer
from tests.analyses.test_gap import AS_OF, HISTORY, NOW, explain, make_deals
from tests.companies import make_company

LATEST = "2025-09-30"


@pytest.fixture(scope="module")
def fallen() -> tuple[pd.DataFrame, Gap]:
    """A company whose win rate in the north fell to a tenth in the last quarter."""
    deals = make_deals(factor=0.1)
    return deals, explain({"deal": deals})


def trace(deals: pd.DataFrame, gap: Gap) -> pd.DataFrame:
    """Follow the causes of a gap."""
    return trace_causes(make_company({"deal": deals}, latest_event=LATEST), gap, history=HISTORY, as_of=AS_OF)


def test_a_rate_inside_and_outside_the_slice_equals_plain_pandas(fallen) -> None:
    deals, gap = fallen
    traced = trace(deals, gap)
    north = traced[traced["panel"] == "Deals decided → deals won: North"]
    assert len(north) == len(HISTORY)
    quarter = pd.to_datetime(deals["closed_at"]).dt.to_period("Q").dt.start_time.dt.date
    is_won = deals["stage"] == "Closed Won"
    for row in north.itertuples():
        mine = quarter == row.period_start
        inside = mine & (deals["region"] == "North")
        assert row.n == inside.sum()
        assert row.value == pytest.approx(is_won[inside].mean())
        assert row.rest == pytest.approx(is_won[mine & (deals["region"] != "North")].mean())
        assert row.low < row.value < row.high
    assert list(north["is_asked"]) == [False] * 5 + [True]


def test_a_fall_below_its_whole_past_is_said_so(fallen) -> None:
    deals, gap = fallen
    traced = trace(deals, gap)
    mine = traced[traced["panel"] == "Deals decided → deals won: North"]
    assert describe_history(mine) == "It lies outside everything seen there before"
    quiet = mine.assign(value=0.5)
    assert describe_history(quiet) == "It is within what was seen there before"


def test_a_company_without_causes_has_no_pictures_and_says_why() -> None:
    deals = make_deals()
    gap = replace(explain({"deal": deals}), causes=explain({"deal": deals}).causes.iloc[:0])
    traced = trace(deals, gap)
    assert traced.empty
    assert "No slice has a history to show" in repr(draw_cause_history(traced))


def test_hostile_names_are_drawn_as_text(fallen) -> None:
    deals, gap = fallen
    traced = trace(deals, gap).assign(panel="<script>alert(1)</script>")
    assert "<script>" not in draw_cause_history(traced).svg


def test_the_answer_tells_the_gap_the_place_and_never_a_person_as_cause(fallen) -> None:
    _, gap = fallen
    lines = {line.question: line for line in answer_gap(gap, currency="EUR")}
    assert lines["How much?"].tone == "bad"
    assert any("North" in statement for statement in lines["At which step, in which slice?"].statements)
    told = " ".join(" ".join(line.statements) for line in lines.values())
    assert not any(name in told for name in ("Ada", "Ben", "Cyd"))
    assert "it starts in one place" in describe_answer(gap, "EUR")


def test_the_answer_to_noise_is_noise() -> None:
    gap = explain({"deal": make_deals()})
    gap = replace(gap, causes=gap.causes.iloc[:0], moved=gap.moved.iloc[:0])
    lines = {line.question: line for line in answer_gap(gap, currency="EUR")}
    (said,) = lines["At which step, in which slice?"].statements
    assert said.startswith("Nothing but noise")
    assert describe_answer(gap, "EUR").endswith("no single slice is to blame")


def test_money_of_later_periods_is_not_told_as_the_start_of_this_gap(fallen) -> None:
    _, gap = fallen
    later = replace(gap, causes=gap.causes.assign(lens="creation"))
    said = describe_answer(later, "EUR")
    assert "no single slice of this period's deals explains it" in said
    assert "later revenue" in said


def test_without_a_gap_there_is_a_message_with_its_cure() -> None:
    deals = make_deals()
    gap = explain({"deal": deals}, compared=None, history=[NOW])
    assert answer_gap(gap, currency="EUR") == []
    shown = repr(show_answer([], title="", why_not=gap.why_not))
    assert "first period in the exports" in shown


def test_the_view_escapes_what_comes_from_the_crm(fallen) -> None:
    _, gap = fallen
    lines = answer_gap(gap, currency="EUR")
    hostile = [replace(lines[0], statements=("<img src=x onerror=alert(1)>",))]
    assert "<img" not in show_answer(hostile, title="A & B").html


def test_the_period_asked_is_the_last_one(fallen) -> None:
    deals, gap = fallen
    traced = trace(deals, gap)
    assert traced.loc[traced["is_asked"], "period_start"].eq(date(2025, 7, 1)).all()
