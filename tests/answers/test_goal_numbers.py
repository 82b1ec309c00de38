"""Goals as people type and paste them: every country's way of writing, and nothing guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.answers.goal_numbers import find_decimal, read_goal_text

READ = [
    ("1200000", "currency", 1_200_000),
    ("1.200.000,50", "currency", 1_200_000.5),
    ("1,200,000.50", "currency", 1_200_000.5),
    ("1 200 000,50", "currency", 1_200_000.5),
    ("1\u202f200\u202f000", "currency", 1_200_000),
    ("1'200'000.50", "currency", 1_200_000.5),
    ("12,00,000", "currency", 1_200_000),
    ("€1.2M", "currency", 1_200_000),
    ("1.2 M €", "currency", 1_200_000),
    ("EUR 1,5 mio", "currency", 1_500_000),
    ("2.125M", "currency", 2_125_000),
    ("350k", "currency", 350_000),
    ("€ 350 k", "currency", 350_000),
    ("0", "count", 0),
    ("1,200", "count", 1200),
    ("0.125", "share", 0.125),
    ("12 %", "share", 0.12),
    ("12,5%", "share", 0.125),
    ("12.5", "share", 0.125),
    ("120 %", "share", 1.2),
    (".5", "ratio", 0.5),
    ("3,5×", "ratio", 3.5),
    ("3.5x", "ratio", 3.5),
    ("90 days", "days", 90),
    ("1.5e6", "currency", 1_500_000),
    ("٣٤٥", "count", 345),
]
REFUSED = [
    ("1.200", "count", "can be 1.2 or 1,200"),
    ("12.125", "currency", "can be 12.125 or 12,125"),
    ("1", "share", "can be 1 % or 100 %"),
    ("about 40", "count", "is no number"),
    ("1.2.3", "count", "is no number"),
    ("1,20,0", "count", "is no number"),
    ("1 20", "count", "is no number"),
    ("12 %", "count", "is a share"),
    ("-5", "count", "0 or more"),
    ("(1,200)", "currency", "0 or more"),
    ("$1.2M", "currency", "is in USD, the goals are in EUR"),
    ("1e400", "count", "is no number"),
    ("9" * 30, "count", "larger number"),
    ("=A1+B1", "count", "is no number"),
    ("<b>12</b>", "count", "is no number"),
    ("nan", "count", "is no number"),
    ("inf", "count", "is no number"),
]


@pytest.mark.parametrize(("text", "unit", "value"), READ, ids=[f"{text} {unit}" for text, unit, _ in READ])
def test_every_way_of_writing_is_read(text, unit, value):
    found = read_goal_text(text, unit, currency="EUR")
    assert (found.value, found.fault) == (pytest.approx(value), "")


@pytest.mark.parametrize(("text", "unit", "said"), REFUSED, ids=[f"{text} {unit}" for text, unit, _ in REFUSED])
def test_what_is_no_number_or_can_be_two_is_refused_with_a_way_to_write_it(text, unit, said):
    found = read_goal_text(text, unit, currency="EUR")
    assert found.value is None
    assert said in found.fault


def test_a_blank_text_is_no_goal_and_no_fault():
    assert (read_goal_text(" \t\u00a0", "count").value, read_goal_text("", "count").fault) == (None, "")


def test_a_company_at_home_with_commas_reads_points_as_thousands():
    assert read_goal_text("1.200", "count", decimal=",").value == 1200
    assert "can be 1.2 or 1,200" in read_goal_text("1,200", "count", decimal=",").fault


def test_what_was_pasted_beside_it_tells_how_a_doubtful_text_is_read():
    block = ["1.200", "1.450", "980,5"]
    assert find_decimal(block) == ","
    assert [read_goal_text(text, "count", decimal=",", is_sure=True).value for text in block] == [1200, 1450, 980.5]
    assert read_goal_text("1,200", "count", decimal=",", is_sure=True).value == pytest.approx(1.2)


@given(st.floats(min_value=0, max_value=9e11).map(lambda number: round(number, 2)))
def test_the_english_and_the_german_way_of_writing_are_read_alike(number):
    english = f"{number:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert read_goal_text(english, "currency").value == pytest.approx(number, abs=1e-9)
    assert read_goal_text(german, "currency").value == pytest.approx(number, abs=1e-9)


@given(st.text(max_size=80), st.sampled_from(["count", "currency", "share", "days", "ratio"]))
def test_any_text_is_a_number_a_fault_or_blank(text, unit):
    found = read_goal_text(text, unit)
    assert (found.value is None) or (found.fault == "" and 0 <= found.value <= 1e15)
    assert found.value is not None or found.fault or not text.strip()
    find_decimal([text])
