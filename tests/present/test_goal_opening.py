"""Opening the goal editor: the form where somebody is there, the picture for everybody else."""

from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.present.display import Display
from helpers.present.forms import goal_opening
from helpers.present.forms.goal_opening import open_goal_editor

BOOK = SimpleNamespace(subtitle=lambda text: text, currency="EUR")


def make_review(rows):
    return SimpleNamespace(matrix=pd.DataFrame({"kpi": ["leads"] * rows}), grid=pd.DataFrame())


@pytest.fixture
def made(monkeypatch):
    """The forms made, with whom for."""
    made = []

    def make(book, review, *, by=""):
        made.append(by)
        return SimpleNamespace(widget="the form")

    monkeypatch.setattr(goal_opening, "make_goal_editor", make)
    return made


@pytest.mark.parametrize(("attended", "rows"), [(False, 3), (True, 0)], ids=["nobody looks", "nothing to build on"])
def test_without_a_reader_or_a_matrix_it_stays_a_picture(monkeypatch, made, attended, rows):
    monkeypatch.setattr(goal_opening, "is_attended", lambda: attended)
    assert isinstance(open_goal_editor(BOOK, make_review(rows)), Display)
    assert not made


def test_where_somebody_looks_it_is_a_form_in_their_name(monkeypatch, made):
    monkeypatch.setattr(goal_opening, "is_attended", lambda: True)
    assert open_goal_editor(BOOK, make_review(3), by="Ana Okafor") == "the form"
    assert made == ["Ana Okafor"]
