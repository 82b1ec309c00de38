"""Pace as a picture and a table: named lines, ended periods, empty forms."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_pace import COURSE_COLUMNS, PACE_COLUMNS
from helpers.present.charts.goal_pace import draw_pace, show_pace


def make_course(*, day=40, periods=6, begins="", actual=30.0):
    days = np.arange(91)
    expected = 100 * days / 90
    course = pd.DataFrame({"day": days, "date": pd.Timestamp("2026-07-01") + pd.to_timedelta(days - 1, "D")})
    course["actual"] = np.where(days <= day, actual * days / day, np.nan)
    has_range = periods >= 4
    course = course.assign(
        expected=expected,
        low=expected * 0.9 if has_range else np.nan,
        high=np.minimum(expected * 1.1, 100) if has_range else np.nan,
    )
    course.attrs = {
        "kpi": "revenue_won", "label": "Closed revenue", "unit": "currency", "goal": 100.0, "periods": periods,
        "basis": f"course of {periods} earlier quarters", "period": "Q3 2026", "day": day, "days": 90,
        "begins": begins, "is_goal": True,
    }  # fmt: skip
    return course


def make_pace(begins=""):
    row = ["revenue_won", "Closed revenue", "currency", pd.Timestamp("2026-07-01"), 100.0, 30.0, 44.0, 40.0, 48.0, 6]
    short = ["leads", "<b>Leads</b>", "count", pd.Timestamp("2026-07-01"), 50.0, 25.0, 22.0, np.nan, np.nan, 2]
    rows = [[*row, "behind", 0.44, "course of 6 earlier quarters"], [*short, "ahead", 0.44, "even course"]]
    pace = pd.DataFrame(rows, columns=PACE_COLUMNS)
    pace.attrs = {"period": "Q3 2026", "day": 40, "days": 90, "begins": begins, "is_goal": True, "tolerance": 0.05}
    return pace


@pytest.mark.parametrize("day", [3, 40, 90])
def test_goal_course_and_what_came_are_named(day):
    shown = draw_pace(make_course(day=day), title="Revenue is behind", currency="EUR")
    for word in ("goal €100", "usual course", "€30"):
        assert word in shown.svg, word
    assert "course of 6 earlier quarters" in shown.text and "middle 80 %" in shown.text
    assert "NaN" not in json.dumps(shown.spec) and "nan" not in shown.text.lower()


def test_a_short_past_draws_no_band_and_calls_the_course_even():
    shown = draw_pace(make_course(periods=2), title="Revenue is behind")
    assert "even course" in shown.svg and "middle 80 %" not in shown.text
    marks = json.dumps(shown.spec)
    assert '"type": "area", "color"' not in marks and '"low"' not in marks


def test_a_period_that_has_just_ended_says_what_begins_tomorrow():
    shown = draw_pace(make_course(day=90, begins="Q4 2026", actual=95.0), title="Q3 closed at 95 %")
    assert "Q4 2026 begins tomorrow; shown is the period that has just ended." in shown.text
    table = show_pace(make_pace(begins="Q4 2026"), title="All in")
    assert "Q4 2026 begins tomorrow" in table.text and "Expected by now" not in table.text


def test_every_volume_has_its_status_in_a_word_and_text_is_escaped():
    shown = show_pace(make_pace(), title="1 of 2 is behind", currency="EUR")
    for word in ("○ behind", "● ahead", "€40–€48", "not available"):
        assert word in shown.text, word
    assert "30 %" in shown.html
    assert "<b>Leads" not in shown.html and "fewer than four" in shown.text


def test_without_a_course_or_rows_a_message_says_what_is_missing():
    course = draw_pace(pd.DataFrame(columns=COURSE_COLUMNS), title="")
    table = show_pace(pd.DataFrame(columns=PACE_COLUMNS), title="")
    for shown in (course, table):
        assert "Pace is not available" in repr(shown) and "Set a revenue goal" in repr(shown)
    assert date(2026, 7, 1) == make_course()["date"].iloc[1].date()
