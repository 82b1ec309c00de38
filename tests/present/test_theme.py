"""The palette keeps its promises: readable on white and on dark, repainted completely, printed light."""

import re

import pytest

from helpers.present import theme

TEXT_COLOURS = ("ink", "grey", "accent", "good", "caution_text", "bad", "violet", "rose")


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK])
@pytest.mark.parametrize("name", TEXT_COLOURS)
def test_text_colours_are_readable_on_page_and_card(palette, name):
    assert contrast(palette[name], palette["paper"]) >= 4.5
    assert contrast(palette[name], palette["raised"]) >= 4.5


def test_both_palettes_name_the_same_colours_and_no_colour_twice():
    assert set(theme.LIGHT) == set(theme.DARK)
    assert len(set(theme.LIGHT.values())) == len(theme.LIGHT)


def test_every_chart_colour_is_in_the_palette_so_that_the_dark_page_repaints_it():
    used = set(re.findall(r"#[0-9a-fA-F]{6}", str(theme.chart_theme()))) | set(theme.CATEGORICAL)
    assert used <= set(theme.LIGHT.values())
    assert len(theme.CATEGORICAL) <= 7


def test_chart_theme_is_a_fresh_copy():
    theme.chart_theme()["title"]["color"] = "red"
    assert theme.chart_theme()["title"]["color"] == theme.LIGHT["ink"]


def test_style_sheets_load_nothing():
    for sheet in (theme.css(), theme.page_css()):
        assert not re.search(r"url\(|@import|https?:", sheet)


@pytest.mark.parametrize(
    ("change", "direction", "colour"),
    [
        (1, "up", "good"),
        (1, "down", "bad"),
        (-1, "up", "bad"),
        (-1, "down", "good"),
        (1, "none", "grey"),
        (None, "up", "grey"),
    ],
)
def test_good_and_bad_come_from_the_direction(change, direction, colour):
    assert theme.judge_change(change, direction) == colour


def test_every_light_has_its_own_word():
    assert len({light.word for light in theme.LIGHTS.values()}) == len(theme.LIGHTS)
