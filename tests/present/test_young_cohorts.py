"""Cohorts that have not had their time: hatched wherever they are drawn, and left out of every average and title."""

import pandas as pd
import pytest

from helpers.analyses.close_curve import POOLED, accumulate_curve, build_close_curve
from helpers.analyses.trends import headline_trend
from helpers.model.catalog import load_catalog
from helpers.present.charts.canvas import Canvas
from helpers.present.charts.close_curve import draw_close_curve
from helpers.present.charts.history import draw_history
from helpers.present.charts.marks import HATCHED
from helpers.present.charts.slices import draw_slices


def shapes(spec):
    if isinstance(spec, dict):
        own = [spec["shape"]] if isinstance(spec.get("shape"), str) else []
        return own + [shape for value in spec.values() for shape in shapes(value)]
    return [shape for value in spec for shape in shapes(value)] if isinstance(spec, list) else []


def make_history(young):
    frame = pd.DataFrame({"period": ["Q1", "Q2", "Q3", "Q4"], "value": [0.3, 0.32, 0.28, 0.05], "n": 100})
    return frame.assign(is_complete=[True, True, True, not young])


@pytest.mark.parametrize("young", [True, False])
def test_a_young_period_is_hatched_and_nothing_else_is(young):
    shown = draw_history(make_history(young), title="t")
    assert (HATCHED in shapes(shown.spec)) is young
    assert ("Hatched: not all records have had their time yet" in repr(shown)) is young


def test_the_line_into_a_young_period_is_dashed():
    rows = draw_history(make_history(young=True), title="t").spec
    lines = [layer["mark"] for layer in rows["layer"] if layer["mark"].get("type") == "line"]
    assert any(mark.get("strokeDash") == [3, 3] for mark in lines)


def test_a_young_period_is_in_no_title_and_no_average():
    """Q4 with 5 % would be the lowest of all, were it old enough; the typical value is that of the older ones."""
    kpi = load_catalog().kpi("win_rate")
    frame = make_history(young=True).assign(goal=float("nan"))
    assert headline_trend(frame, kpi, "USD") == "Win rate was 28 % in Q3, the lowest of 3 periods"
    calm = frame.assign(value=[0.3, 0.26, 0.28, 0.05])
    assert headline_trend(calm, kpi, "USD") == "Win rate was 28 % in Q3, against a typical 28 %"
    old = make_history(young=False).assign(goal=float("nan"))
    assert headline_trend(old, kpi, "USD") == "Win rate was 5.0 % in Q4, the lowest of 4 periods"


def test_an_age_not_lived_through_is_hatched_and_out_of_the_pool():
    counts = pd.DataFrame(
        {"cohort": ["A", "A", "B"], "age": [0, 1, 0], "n": [100, 100, 100], "won": [10, 10, 1],
         "is_complete": [True, True, False]}
    )  # fmt: skip
    curve = build_close_curve(counts)
    assert curve.set_index(["cohort", "age"]).loc[(POOLED, 0), "share"] == pytest.approx(0.1)
    shown = draw_close_curve(accumulate_curve(curve), title="t")
    assert HATCHED in shapes(shown.spec)
    assert "Hatched: an age the cohort has not lived through yet, left out of the average." in repr(shown)


def test_a_slice_of_a_young_cohort_is_hatched_a_small_one_hollow():
    frame = pd.DataFrame({"slice": ["A", "B"], "volume": [90, 9], "value": [0.3, 0.2], "is_small": [False, True]})
    assert HATCHED not in shapes(draw_slices(frame, title="t").spec)
    assert HATCHED in shapes(draw_slices(frame.assign(is_open=[True, False]), title="t").spec)


def test_a_hatched_dot_on_a_canvas_is_a_circle_with_three_lines():
    canvas = Canvas(100, kind="test")
    canvas.hatched_dot(50, 50, 6)
    assert canvas.render(100).count("<line") == 3
    assert canvas.render(100).count("<circle") == 1
