"""Funnel plots and win curves as drawn: only what the title names is named, and the numbers stand beneath."""

import xml.etree.ElementTree as ET
from datetime import date

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.funnel_plot import compare_units
from helpers.analyses.stage_transitions import measure_transitions
from helpers.analyses.win_curve import measure_win_curve
from helpers.present.charts.funnel_plot import draw_funnel_plot, show_funnel_plots
from helpers.present.charts.marks import place_labels
from helpers.present.charts.transitions import draw_transitions, show_stage_table
from helpers.present.charts.win_curve import draw_win_curve
from tests.analyses.test_adjusted import RATES, make_deals
from tests.companies import make_company

HOSTILE = '=cmd|"<script>alert(1)</script>'


def texts(svg):
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]


def compare(people):
    handed = {f"Person {i:02d}": {"Demo": 40, "Webinar": 40} for i in range(people)}
    deals = make_deals(RATES, handed, weaker="Person 01")
    deals["owner"] = deals["owner"].replace("Person 01", HOSTILE)
    year = {"start": date(2025, 1, 1), "end": date(2025, 12, 31)}
    return compare_units(make_company({"deal": deals}), **year)[0]


@pytest.mark.parametrize("people", [3, 12, 60])
def test_only_who_is_outside_is_named_whatever_the_number(people):
    plot = compare(people)
    said = texts(draw_funnel_plot(plot).svg)
    assert not any(text.startswith("Person ") for text in said)
    assert plot.frame.loc[plot.frame["is_named"], "who"].tolist() == [HOSTILE]
    assert any(text.startswith("all ") for text in said)


def test_the_numbers_of_everybody_stand_in_the_text_and_names_do_no_harm():
    shown = draw_funnel_plot(compare(12))
    assert "Person 07" in shown.text
    assert "below, beyond chance" in shown.text
    assert "<script>" not in shown.svg


def test_nobody_to_compare_is_a_message():
    (shown,) = show_funnel_plots([])
    assert "Nobody can be compared" in shown.title


def test_labels_never_overlap():
    rng = np.random.default_rng(1)
    x, y, widths = (rng.uniform(low, high, 12).tolist() for low, high in ((0, 300), (0, 60), (40, 90)))
    boxes = []
    for (dx, dy, side), left, top, width in zip(place_labels(x, y, widths), x, y, widths, strict=True):
        begin = left + dx if side == "left" else left + dx - width
        boxes.append((begin, top + dy - 7, begin + width, top + dy + 7))
    apart = [
        a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 1 or b[3] <= a[1] + 1
        for i, a in enumerate(boxes)
        for b in boxes[i + 1 :]
    ]
    assert all(apart)


def measure(by=""):
    rng = np.random.default_rng(2)
    n = 300
    taken = rng.integers(5, 200, n)
    deals = pd.DataFrame(
        {
            "id": range(n),
            "created_at": "2025-01-01",
            "closed_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(taken, unit="D"),
            "stage": rng.choice(["Closed Won", "Closed Lost"], n),
            "source": rng.choice(["Demo", "Event"], n),
        }
    )
    company = make_company({"deal": deals}, latest_event="2025-12-31")
    return measure_win_curve(company, by=by, as_of=date(2025, 12, 31))


def test_a_win_curve_shows_won_lost_and_how_many_are_still_watched():
    shown = draw_win_curve(measure())
    said = texts(shown.svg)
    assert {"days", "still watched", "300"} <= set(said)
    assert any(text.startswith("won ") for text in said)
    assert any(text.startswith("lost ") for text in said)
    assert "Won by then" in shown.text


def test_win_curves_by_slice_are_labelled_at_their_ends():
    said = texts(draw_win_curve(measure("source")).svg)
    assert sum(text.startswith(("Demo ", "Event ")) for text in said) == 2


def test_no_win_curve_is_a_message():
    assert "No win curve" in draw_win_curve(None).title


def move(stages):
    labels = [f"Stage {i}" for i in range(1, stages + 1)] + ["Closed Won", "Closed Lost"]
    paths = (
        [labels[: stages + 1]] * 5 + [[labels[0], labels[stages - 1], "Closed Won"]] * 4 + [[labels[0], "Closed Lost"]]
    )
    rows = [
        {"deal_id": str(i), "changed_at": f"2025-01-{j + 1:02d}", "field": "stage", "old": None, "new": label}
        for i, path in enumerate(paths)
        for j, label in enumerate(path)
    ]
    deals = [
        {"id": str(i), "created_at": "2025-01-01", "closed_at": f"2025-01-{len(path):02d}", "stage": path[-1]}
        for i, path in enumerate(paths)
    ]
    tables = {"deal": pd.DataFrame(deals), "deal_history": pd.DataFrame(rows)}
    return measure_transitions(make_company(tables, latest_event="2025-12-31"), as_of=date(2025, 12, 31))


@pytest.mark.parametrize("stages", [3, 12])
def test_every_move_has_its_count_and_columns_are_numbers_that_fit(stages):
    found = move(stages)
    shown = draw_transitions(found)
    said = texts(shown.svg)
    assert {str(i) for i in range(1, stages + 1)} <= set(said)
    assert "4" in said
    assert "chain says" in said
    assert float(ET.fromstring(shown.svg).get("width")) <= 940
    assert "skipped" in shown.text


def test_without_stages_the_matrix_is_a_message_with_a_cure():
    assert "Export deal stage changes" in repr(draw_transitions(None)) + draw_transitions(None).html
    assert show_stage_table(None) is None


def test_the_stage_table_names_where_deals_stay_longest():
    assert show_stage_table(move(3)).title.startswith("Half leave Stage 1 after 1 day")
