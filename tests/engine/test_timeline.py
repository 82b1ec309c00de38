"""Days as numbers and the axis of periods."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.engine.timeline import NO_DAY, build_axis, day_number, to_date, to_days
from helpers.errors import ParameterError


def test_days_drop_the_time_and_keep_what_is_missing():
    moments = pd.Series(pd.to_datetime(["1969-12-31 23:59", "2026-03-31 00:00", None]))
    days = to_days(moments)
    assert days.tolist() == [-1, day_number(date(2026, 3, 31)), NO_DAY]
    assert to_date(days[1]) == date(2026, 3, 31)


def test_an_empty_column_of_text_has_no_days():
    assert to_days(pd.Series([None, None], dtype="str")).tolist() == [NO_DAY, NO_DAY]


def axis_of(grain, **more):
    return build_axis(grain, first=day_number(date(2026, 1, 15)), last=day_number(date(2026, 8, 20)), **more)


def test_periods_have_no_gaps_and_hold_both_ends():
    axis = axis_of("quarter")
    assert [to_date(day) for day in axis.starts] == [date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)]
    assert (axis.starts[1:] == axis.ends[:-1] + 1).all()


def test_the_whole_history_is_one_period_from_the_first_event():
    axis = axis_of("all")
    assert (to_date(axis.starts[0]), to_date(axis.ends[0])) == (date(2026, 1, 15), date(2026, 8, 20))


def test_start_and_end_pick_whole_periods():
    axis = axis_of("quarter", start=day_number(date(2026, 5, 1)), end=day_number(date(2026, 6, 30)))
    assert [to_date(day) for day in (axis.starts[0], axis.ends[-1])] == [date(2026, 4, 1), date(2026, 6, 30)]
    assert not len(axis_of("quarter", start=day_number(date(2027, 1, 1))))


def test_windows_of_ninety_days_end_at_the_last_day_that_counts():
    axis = axis_of("rolling_90")
    assert to_date(axis.ends[-1]) == date(2026, 8, 20) and (axis.starts[1:] == axis.ends[:-1] + 1).all()
    assert axis.starts[0] <= day_number(date(2026, 1, 15)) and set(axis.ends - axis.starts + 1) == {90}
    asked = axis_of("rolling_90", end=day_number(date(2026, 6, 30)))
    assert to_date(asked.ends[-1]) == date(2026, 6, 30)


def test_named_days_are_one_period_and_never_cut():
    first, last = (day_number(day) for day in (date(2026, 7, 10), date(2026, 9, 3)))
    axis = axis_of("custom", start=first, end=last)
    assert (axis.starts.tolist(), axis.ends.tolist()) == ([first], [last])


def test_custom_without_its_days__error():
    with pytest.raises(ParameterError, match="first and last day"):
        axis_of("custom", start=0)


def test_days_are_located_in_their_period():
    axis = axis_of("quarter")
    days = np.array([day_number(date(2026, m, d)) for m, d in ((3, 31), (4, 1), (9, 30), (10, 1))])
    assert axis.locate(np.append(days, NO_DAY)).tolist() == [0, 1, 2, -1, -1]


def test_an_unknown_grain_is_an_error():
    with pytest.raises(ParameterError, match="Did you mean 'month'"):
        axis_of("monht")
