"""Pictures of to-go coverage and of this-, next- and all-period pipeline."""

import pandas as pd
import pytest

from helpers.analyses.coverage import measure_coverage
from helpers.analyses.pipeline_series import read_this_next_all
from helpers.present.charts.this_next_all import draw_this_next_all
from helpers.present.charts.to_go import draw_to_go
from tests.analyses.test_coverage import AS_OF, make_small

Q2 = pd.Timestamp("2026-04-01")


def test_to_go_coverage_lists_what_is_open_booked_and_needed_per_week():
    weeks = measure_coverage(make_small(), as_of=AS_OF).weeks
    shown = draw_to_go(weeks, Q2, title="Q2 had enough to go", label="Q2 2026")
    assert "<svg" in shown.svg and "NaN" not in shown.svg and "nan" not in shown.text
    assert "÷ (target − booked so far)" in shown.subtitle
    assert next(line for line in shown.text.splitlines() if line.split()[:1] == ["9"]).split()[-1] == "5"


def test_three_series_are_drawn_on_one_scale_with_their_first_and_last_value():
    series = read_this_next_all(make_small(), as_of=AS_OF)
    shown = draw_this_next_all(series, title="All of it was won", labels=("Q2 2026", "Q3 2026"))
    assert "Due in Q2 2026" in shown.svg and "Due in Q3 2026" in shown.svg
    assert "$380 → $0" in shown.svg
    assert "NaN" not in shown.svg


@pytest.mark.parametrize(
    "draw",
    [
        lambda: draw_this_next_all(pd.DataFrame(), title="x"),
        lambda: draw_to_go(measure_coverage(make_small(), as_of=AS_OF).weeks, pd.Timestamp("2020-01-01"), title="x"),
    ],
    ids=["this, next, all", "to go"],
)
def test_no_weeks_to_draw__error(draw):
    with pytest.raises(ValueError, match="Show a message instead"):
        draw()
