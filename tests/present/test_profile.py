"""The profile as a page: self-contained, escaped, without defects in any state, and the same words as text."""

import re
from dataclasses import replace

import pytest

from helpers.present.profile import lay_out, show_profile, write_profile_page
from helpers.present.sheet import PAPER, ROOMS, measure_sheet
from tests.present.profiles import STATES, make_full_answers, make_profile, profile_in
from tests.present.samples import HOSTILE


@pytest.mark.parametrize("state", STATES)
def test_the_page_needs_no_network_and_no_script(state):
    page = write_profile_page(profile_in(state))
    assert "<script" not in page and "script-src &#39;none&#39;" in page
    assert not re.search(r"""(?:src|href)="(?!#)|url\(|@import""", page)


@pytest.mark.parametrize("state", STATES)
def test_no_state_shows_a_defect(state):
    profile = profile_in(state)
    shown = show_profile(profile)
    said = re.sub(r"<style>.*?</style>|<[^>]+>", " ", write_profile_page(profile) + shown.html, flags=re.S) + repr(
        shown
    )
    assert not re.search(r"\b(NaN|None|nan|NaT|null)\b|\b[a-z]+_[a-z]+", said)
    assert shown.title and repr(shown) == repr(show_profile(profile))


def test_an_open_round_shows_nothing_of_answers_or_crm():
    shown = show_profile(profile_in("round open"))
    said = write_profile_page(profile_in("round open")) + repr(shown)
    assert "the round is still open" in shown.title and "What is missing" in said
    for word in ("Flow", "What we sell", "Sales-led", "notice", "€", "deals since", "Ana"):
        assert word not in re.sub(r"<style>.*?</style>", "", said, flags=re.S)


def test_every_empty_part_says_what_is_missing():
    page = write_profile_page(profile_in("nobody, closed"))
    for text in ("Nobody has named a product yet.", "Nobody has written the positioning sentence yet.",
                 "Nobody has described the ideal customer yet.", "Nobody has named priorities yet."):  # fmt: skip
        assert text in page


def test_hostile_answers_are_text():
    profile = make_profile(make_full_answers(3, text=HOSTILE))
    hostile = replace(profile, name=HOSTILE, missing=(HOSTILE,))
    assert "<script" not in write_profile_page(hostile) + show_profile(hostile).html


def test_what_the_paper_cannot_hold_is_counted_and_stands_in_the_text():
    """20 products are named: some on the sheet, all of them in the text."""
    profile = profile_in("everything at length")
    shown = len(lay_out(profile).products)
    assert 0 < shown < 10 and f"and {20 - shown} products more" in write_profile_page(profile)
    assert len(re.findall(r"^- \d+ Donau.*Deal:", repr(show_profile(profile)), flags=re.M)) == 20


def test_the_sheet_is_filled_as_far_as_it_holds():
    """Short answers get the most generous room, long ones the first in which the sheet fits its paper."""
    assert len(lay_out(profile_in("four people")).left[0].lines) <= ROOMS[0].icp
    for state in STATES:
        assert measure_sheet(lay_out(profile_in(state))) <= PAPER


@pytest.mark.parametrize(
    "text", ["W" * 50 + " ", "we go to it as it is " * 6, "日本語の長い文章がここに入ります" * 6, "🙂" * 90]
)
def test_whatever_letters_people_use_the_sheet_fits_its_paper(text):
    assert measure_sheet(lay_out(make_profile(make_full_answers(3, text=text)))) <= PAPER


def test_numbers_of_people_and_crm_stand_beside_each_other_with_their_n():
    text = repr(show_profile(profile_in("four people")))
    assert "median of 4, €12.0 k to €14.7 k" in text and "CRM €15.0 k (n 2)" in text
    assert "MQL: " in text and "people differ" in text
