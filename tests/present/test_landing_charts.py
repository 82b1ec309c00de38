"""Landings, their back-test and the reliability of chances as pictures: words, empty forms, nothing missing written."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.landing_backtest import tabulate_reliability
from helpers.present.charts.landing import draw_landing_errors, draw_landings
from helpers.present.charts.reliability import draw_reliability
from helpers.present.theme import LIGHT


def make_landings():
    rows = [
        ("coverage", np.nan, np.nan, np.nan, 0, "Open deals carry no amount."),
        ("simulation", 1_440_000.0, 890_000.0, 2_060_000.0, 4, ""),
        ("naive", 2_800_000.0, 1_100_000.0, 9_000_000.0, 1, ""),
    ]
    frame = pd.DataFrame(rows, columns=["method", "expected", "low", "high", "n", "reason"])
    frame.attrs = {"booked": 300_000.0, "interval": 0.8}
    return frame


def make_scores():
    return pd.DataFrame(
        {
            "method": ["simulation", "naive", "coverage"],
            "week": [0, 0, 0],
            "n": [3, 3, 0],
            "error": [0.12, 0.25, np.nan],
            "bias": [0.01, -0.2, np.nan],
            "against_naive": [0.48, 1.0, np.nan],
            "covered": [0.67, np.nan, np.nan],
            "covered_n": [3, 0, 0],
        }
    )


def test_every_method_has_a_row_and_what_lacks_says_why_beneath():
    shown = draw_landings(make_landings(), title="Q1 lands at $1.44 M", goal=2_000_000.0)
    assert "1 method not available: open deals carry no amount." in shown.text
    assert "$1.44 M ($890 k to $2.06 M)" in shown.svg
    for word in ("goal $2.00 M", "booked $300 k", "not available", "Simulation of every deal"):
        assert word in shown.svg, word


def test_a_range_that_would_dwarf_the_others_ends_at_the_edge_and_says_so():
    shown = draw_landings(make_landings(), title="Q1 lands at $1.44 M")
    assert "A range that reaches the edge goes on beyond it." in shown.text
    assert "$5 M" not in shown.svg


def test_pictures_never_write_nan():
    table = tabulate_reliability([0.1, 0.9], [False, True], bins=2)
    shown = [
        draw_landings(make_landings(), title="Where it lands"),
        draw_landing_errors(make_scores(), title="Who came closest"),
        draw_reliability(table, title="Came as foreseen"),
    ]
    for display in shown:
        assert "nan" not in display.text.lower() and "NaN" not in display.svg and "None" not in display.svg


def test_the_closest_method_stands_first_and_one_that_was_never_tried_is_left_out():
    shown = draw_landing_errors(make_scores(), title="Who came closest", unit="quarter")
    lines = shown.text.splitlines()
    assert lines[1].startswith("Simulation") and lines[2].startswith("As the period before")
    assert "12 % · 3 quarters" in shown.svg and "Starting pipeline" not in shown.svg


def test_a_bin_whose_bounds_miss_what_was_foreseen_is_marked():
    good = tabulate_reliability([0.9] * 20, [True] * 18 + [False] * 2, bins=1)
    bad = tabulate_reliability([0.9] * 20, [False] * 20, bins=1)
    marks = [json.dumps(draw_reliability(table, title="Came or not").spec["datasets"]) for table in (good, bad)]
    assert LIGHT["bad"] not in marks[0] and LIGHT["bad"] in marks[1]


@pytest.mark.parametrize(
    ("draw", "frame"),
    [
        (draw_landings, make_landings().head(0)),
        (draw_landing_errors, make_scores().tail(1)),
        (draw_reliability, pd.DataFrame(columns=["bin", "n", "hit", "low", "high", "foreseen"])),
    ],
    ids=["landings", "errors", "reliability"],
)
def test_nothing_to_draw_is_said(draw, frame):
    with pytest.raises(ValueError, match="Show a message instead"):
        draw(frame, title="Nothing")
