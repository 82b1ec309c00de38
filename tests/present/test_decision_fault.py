"""Decisions that can't be read: every page that shows decisions says so with the line, instead of "nobody has"."""

from datetime import date

import pytest

from helpers.analyses.discovery_review import apply_decisions, review_discovery
from helpers.answers.discovery import read_discovery
from helpers.model.survey import load_discovery_rules
from helpers.present import discovery_view, trend_view
from tests.analyses.survey_cases import make_case

JUDGED = '[[judgement]]\ndimension = "source"\nobject = "deal"\nlight = "available"\nquarter = "Q2 2026"\nby = "Ana"\n'
TREND = (trend_view.show_judgement_trend, trend_view.show_judgement_changes, trend_view.show_overdue)
WHOLE = (*TREND, discovery_view.show_decisions)
BESIDE = (discovery_view.show_matrix, discovery_view.show_copies, discovery_view.show_activations)


def review(folder, text):
    (folder / "answers").mkdir()
    (folder / "answers" / "discovery.toml").write_text(text, encoding="utf-8")
    plain = review_discovery(make_case(), load_discovery_rules(), as_of=date(2026, 6, 30))
    return apply_decisions(plain, read_discovery(folder)[0])


@pytest.mark.parametrize("show", WHOLE)
def test_a_damaged_file_is_told_with_its_line_and_cure(tmp_path, show):
    shown = show(review(tmp_path, f"{JUDGED}[[judgement]]\nlight = \n"))
    assert shown.title == "What people decided can't be read"
    assert "answers/discovery.toml, line 8: this is no TOML" in repr(shown)
    assert "bring back an earlier version" in repr(shown) and "nobody" not in repr(shown).lower()


@pytest.mark.parametrize("show", BESIDE)
def test_what_the_crm_says_is_shown_all_the_same_with_a_note(tmp_path, show):
    shown = show(review(tmp_path, "[[judgement]]\nlight = \n"))
    assert "Some decisions are left out: answers/discovery.toml, line 2" in repr(shown)


@pytest.mark.parametrize("show", [trend_view.show_judgement_trend, discovery_view.show_decisions])
def test_a_single_record_left_out_is_noted_beside_the_others(tmp_path, show):
    wrong = '[[judgement]]\ndimension = "region"\nlight = "greenish"\n'
    shown = show(review(tmp_path, f"{JUDGED}{wrong}"))
    assert shown.title != "What people decided can't be read"
    assert "Some decisions are left out: answers/discovery.toml, line 9" in repr(shown)


@pytest.mark.parametrize("show", [*WHOLE, *BESIDE])
def test_a_good_file_is_not_mentioned(tmp_path, show):
    said = repr(show(review(tmp_path, JUDGED)))
    assert "left out: answers" not in said and "can't be read" not in said
