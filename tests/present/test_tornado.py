"""The tornado as a picture: steps, ends and basis are named, a short past becomes a table."""

import json

import numpy as np
import pandas as pd

from helpers.analyses.goal_sensitivity import SENSITIVITY_COLUMNS
from helpers.present.charts.tornado import draw_tornado
from helpers.present.theme import LIGHT


def make_sensitivity(*, is_short=False):
    rows = [
        ("opportunity_to_won", "<i>Win</i> rate", "share", "1 point", 0.3, 50_000.0, 0.2, 0.4, 800e3, 1.2e6, 7),
        ("leads", "Leads", "count", "1 %", 1500.0, 9_000.0, 1200.0, 1400.0, 900e3, 950e3, 8),
        ("mqls", "MQLs", "count", "1 %", 500.0, 8_000.0, np.nan, np.nan, np.nan, np.nan, 2),
    ]
    frame = pd.DataFrame(rows, columns=SENSITIVITY_COLUMNS)
    if is_short:
        frame[["low_value", "high_value", "low_revenue", "high_revenue"]] = np.nan
    frame.attrs = {"base": 1e6, "booked": 0.0, "horizon": "Q4 2026 to Q3 2027", "periods": 4}
    return frame


def test_every_driver_has_its_step_its_ends_and_its_basis():
    shown = draw_tornado(make_sensitivity(), title="Win rate moves revenue most", currency="EUR")
    for word in ("+1 point = €50.0 k", "+1 % = €9.00 k", "20 %", "40 %", "1,200", "as it runs €1.00 M", "−€100 k"):
        assert word in shown.svg, word
    assert "range not available: 2 periods seen" in shown.svg
    assert "7–8 earlier periods" in shown.text and "20 %–40 %" in shown.text
    assert "NaN" not in json.dumps(shown.spec) and "<i>Win" not in shown.svg


def test_only_the_widest_driver_is_the_accent():
    spec = json.dumps(draw_tornado(make_sensitivity(), title="Win rate moves revenue most").spec["datasets"])
    assert spec.count(LIGHT["accent"]) == 1 and spec.count(LIGHT["accent_soft"]) == 1


def test_where_no_past_is_long_enough_steps_are_a_table_and_no_empty_axes():
    shown = draw_tornado(make_sensitivity(is_short=True), title="1 point is worth 50")
    assert shown.spec is None and "Ranges are not available" in shown.text and "1 point" in shown.text


def test_without_drivers_a_message_says_what_is_missing():
    shown = draw_tornado(pd.DataFrame(columns=SENSITIVITY_COLUMNS), title="")
    assert "can't be told" in repr(shown) and "Map deal.amount" in repr(shown)
