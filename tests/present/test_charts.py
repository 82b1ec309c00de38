"""The signature pictures: the numbers they show, what is missing in words, and hostile names harmless."""

import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from helpers.present.charts.bowtie import WIDTH, draw_bowtie
from helpers.present.charts.history import _history_rows
from helpers.present.charts.slices import draw_history, draw_slices
from helpers.present.theme import LIGHT
from tests.present.samples import HOSTILE, make_bowtie, make_history, make_slices


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]


def test_bowtie_labels_every_stage_with_volume_conversion_and_days():
    said = texts(draw_bowtie(make_bowtie(), title="A finding", currency="EUR").svg)
    for words in (
        "A finding",
        "Opportunities",
        "2,402",
        "206",
        "49",
        "€1.24 M",
        "24 %",
        "19–30 %",
        "in 74 days",
        "was 202",
    ):
        assert words in said


def test_bowtie_marks_a_conversion_that_fell_by_more_than_chance_and_no_other():
    """Opportunities: 24 % (19–30 %) was 34 %, marked. Won: 92 % (81–97 %) was 100 %, by chance."""
    shown = draw_bowtie(make_bowtie(), title="t")
    assert "▼ was 34 %" in texts(shown.svg)
    assert shown.svg.count(f'fill="{LIGHT["bad_soft"]}"/>') == 1


def test_bowtie_takes_the_analysis_word_on_what_moved():
    shown = draw_bowtie(make_bowtie().assign(conversion_moved=["good", "", "", ""]), title="t")
    assert "▲ was 8.7 %" in texts(shown.svg)
    assert LIGHT["bad_soft"] not in shown.svg.split("</style>", 1)[1]


def test_bowtie_lights_have_shape_and_word():
    said = texts(draw_bowtie(make_bowtie(), title="t").svg)
    assert {"● on track", "◐ watch", "○ off track"} <= set(said)


def test_bowtie_draws_a_stage_without_numbers_dashed_and_says_so():
    shown = draw_bowtie(make_bowtie(), title="t")
    assert "not available" in texts(shown.svg)
    assert "stroke-dasharray" in shown.svg


def test_bowtie_states_its_scale():
    assert any("logarithmic" in text for text in texts(draw_bowtie(make_bowtie(), title="t").svg))


def test_bowtie_states_the_money_scale_of_its_right_wing():
    bowtie = make_bowtie()
    bowtie.loc[3, ["value", "is_available"]] = [4_960_000.0, True]
    shown = draw_bowtie(bowtie, title="t")
    assert any("right: money, square root" in text for text in texts(shown.svg))


def test_bowtie_keeps_text_within_the_picture():
    root = ET.fromstring(draw_bowtie(make_bowtie(), title="word " * 60).svg)
    for node in root.iter():
        if node.tag.endswith("}text"):
            assert 0 <= float(node.get("x")) <= WIDTH
            assert float(node.get("y")) <= float(root.get("height"))


def test_bowtie_with_one_stage_and_zero_volume_is_drawn():
    one = pd.DataFrame({"stage": ["won"], "label": ["Won deals"], "volume": [0]})
    assert "0" in texts(draw_bowtie(one).svg)


def test_bowtie_without_stages__error():
    with pytest.raises(ValueError, match="no stages"):
        draw_bowtie(make_bowtie().head(0))


@pytest.mark.parametrize(
    "shown",
    [
        draw_bowtie(make_bowtie(), title=HOSTILE),
        draw_slices(make_slices(), title=HOSTILE),
        draw_history(make_history().assign(panel=HOSTILE), title="t"),
    ],
)
def test_hostile_names_are_text_in_every_picture(shown):
    assert "<script" not in shown.svg
    ET.fromstring(shown.svg)


@pytest.mark.parametrize(
    "shown",
    [
        draw_bowtie(make_bowtie(), title="t"),
        draw_slices(make_slices(), title="t"),
        draw_history(make_history(), title="t"),
    ],
)
def test_no_picture_shows_nan(shown):
    assert not re.search(r"\b(nan|NaN|None|null|undefined)\b", " ".join(texts(shown.svg)) + repr(shown))


@pytest.mark.parametrize(
    "draw", [lambda: draw_slices(make_slices(), title="t"), lambda: draw_history(make_history(), title="t")]
)
def test_charts_only_use_colours_that_the_dark_page_repaints(draw):
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', draw().svg))
    assert used <= set(LIGHT.values())


def test_slices_say_not_available_where_there_is_no_rate():
    assert "not available" in texts(draw_slices(make_slices(), title="t").svg)


def test_slices_keep_the_order_given():
    frame = make_slices(6)
    said = texts(draw_slices(frame, title="t").svg)
    named = [text for text in said if text.startswith("Slice ")]
    assert named == ["Slice 0", "Slice 1", "Slice 2", "Slice 3"]


@pytest.mark.parametrize("n", [3, 60])
def test_slices_give_each_row_its_own_line(n):
    svg = draw_slices(make_slices(n), title="t").svg
    assert float(ET.fromstring(svg).get("height")) >= n * 24


def test_slices_of_one_shortened_name_stay_apart():
    frame = make_slices(4).assign(slice=[f"{'x' * 60}{i}" for i in range(4)])
    said = [text for text in texts(draw_slices(frame, title="t").svg) if text.startswith("xxx")]
    assert len(set(said)) == 4


def test_small_slices_are_hollow():
    [rows] = [v for v in draw_slices(make_slices(), title="t").spec["datasets"].values() if "is_small" in v[0]]
    assert [row["inside"] == LIGHT["paper"] for row in rows] == [row["is_small"] for row in rows]


def test_history_leaves_a_gap_and_keeps_periods_in_order():
    said = texts(draw_history(make_history(), title="t").svg)
    assert [text for text in said if text.startswith("Q")] == ["Q1 2026", "Q2 2026", "Q3 2026"]
    assert "–" in said


@pytest.mark.parametrize("draw", [draw_slices, draw_history])
def test_nothing_to_draw__error(draw):
    with pytest.raises(ValueError, match="Show a message instead"):
        draw(pd.DataFrame(), title="t")


def test_like_numbers_look_alike_in_the_bowtie():
    """1,165 after 2,770: less than a third of the height of the picture apart, though nothing else is known."""
    shown = draw_bowtie(make_bowtie().iloc[1:3].assign(volume=[1165, 1196], previous_volume=[2770, 1257]), title="t")
    left = re.search(r'd="M[\d.]+ ([\d.]+)C.*?L[\d.]+ ([\d.]+)C', shown.svg)
    line = re.search(r'd="M[\d.]+ ([\d.]+)C[^"]*" fill="none" stroke="#56636f"', shown.svg)
    assert abs(float(left.group(1)) - float(line.group(1))) < 30


def test_slices_of_a_count_are_bars_alone():
    frame = make_slices().assign(value=lambda f: f["volume"])
    said = texts(draw_slices(frame, title="t", unit="count", value_label="Sessions").svg)
    assert said.count("100") == 1
    assert not [text for text in said if text.startswith("Dot and line")]


def test_labels_of_a_history_stand_off_the_line():
    frame = pd.DataFrame({"period": ["Q1", "Q2", "Q3", "Q4"], "value": [0.02, 0.5, 0.2, 0.6], "n": 9})
    rows = _history_rows(frame, "share", "USD")
    assert rows["side"].tolist() == ["right", "above", "below", "above"]
