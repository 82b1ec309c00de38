"""Files of answers are written quickly, read back the same, and keep people's comments."""

import tomllib
from datetime import UTC, date, datetime, time

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.answers.toml_text import dump_toml, render_values
from helpers.errors import AnswersError

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
CELLS = st.one_of(
    TEXTS,
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.times(),
)
VALUES = st.recursive(
    CELLS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=12
)
TABLES = st.dictionaries(TEXTS, VALUES, max_size=5)


@settings(max_examples=200, deadline=None)
@given(tables=TABLES)
def test_any_tables_read_back_as_written_by_two_readers(tables):
    text = dump_toml(tables)
    assert tomllib.loads(text) == tables
    assert tomlkit.parse(text).unwrap() == tables


@settings(max_examples=150, deadline=None)
@given(tables=TABLES)
def test_the_same_tables_are_the_same_text(tables):
    text = dump_toml(tables)
    assert dump_toml(tomllib.loads(text)) == text


@settings(max_examples=150, deadline=None)
@given(before=TABLES, after=TABLES)
def test_a_file_with_a_comment_reads_back_as_written_too(before, after):
    text = "# by hand\n" + dump_toml(before)
    assert tomllib.loads(render_values(text, before, after, "x")[0]) == after


def test_a_file_that_only_we_wrote_is_written_without_reading_comments(monkeypatch):
    monkeypatch.setattr(tomlkit, "parse", lambda _: pytest.fail("there is no comment"))
    before = {"overview": {"note": "# no comment"}}
    text, layout = render_values(dump_toml(before), before, {"overview": {"note": "# 1"}}, "x")
    assert text == '[overview]\nnote = "# 1"\n' and layout is None


def test_comments_read_once_need_not_be_read_again(monkeypatch):
    before = {"overview": {"a": 1, "b": 2}}
    text, layout = render_values("[overview]\na = 1 # one\nb = 2\n", before, {"overview": {"a": 1, "b": 3}}, "x")
    monkeypatch.setattr(tomlkit, "parse", lambda _: pytest.fail("it is known already"))
    again, _ = render_values(text, {"overview": {"a": 1, "b": 3}}, {"overview": {"a": 1, "b": 4}}, "x", layout)
    assert again == "[overview]\na = 1 # one\nb = 4\n"


def test_rows_and_tables_are_laid_out_as_people_read_them():
    tables = {
        "respondent": {"name": "Ana", "saved_on": date(2026, 9, 30)},
        "product": {"products": [{"name": "Flow", "tags": ["a", "b"]}, {"name": "Go", "price": {"low": 1}}]},
        "empty": {},
        "at": {"time": time(9, 30), "moment": datetime(2026, 9, 30, 9, 30)},
    }
    assert dump_toml(tables) == (
        '[respondent]\nname = "Ana"\nsaved_on = 2026-09-30\n\n'
        '[[product.products]]\nname = "Flow"\ntags = ["a", "b"]\n\n[[product.products]]\nname = "Go"\n'
        "price = {low = 1}\n\n[empty]\n\n[at]\ntime = 09:30:00\nmoment = 2026-09-30T09:30:00\n"
    )


def test_what_toml_has_no_form_for_is_refused():
    with pytest.raises(AnswersError, match="bytes is no kind of answer"):
        dump_toml({"a": b"x"})
