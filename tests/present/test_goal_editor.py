"""The goal editor without a browser: what its messages do, and that nothing a browser says can break it."""

import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.answers.goal_editing import GoalCell, GoalEditor, Typed
from helpers.present.forms.goal_sheet import STATES, to_key
from tests.browser.goal_editor_driver import AS_OF, SimpleJudge, make_small_matrix, open_editor

Q3 = "2026-07-01"
LEADS = ["leads", "quarter", Q3, "all", "all"]
MQLS = ["mqls", "quarter", Q3, "all", "all"]
YEAR = ["revenue_won", "year", "2026-01-01", "all", "all"]
OVER = ["leads", "quarter", "2026-01-01", "all", "all"]


@pytest.fixture
def form(tmp_path):
    form = open_editor(tmp_path)
    form.sent = []
    form.table.send = lambda content, buffers=None: form.sent.append((content, buffers))
    return form


def hear(form, **content):
    form._hear(None, content, content.pop("buffers", ()))


def place_of(form, named):
    cell = GoalCell(named[0], named[1], pd.Timestamp(named[2]).date(), *named[3:5])
    row, column = form.sheet.places[cell]
    return row * len(form.sheet.columns) + column


def state_of(form, named):
    return form.table.cells["state"][place_of(form, named)]


def read_goal(form, named):
    matrix = form.solving.standing.matrix
    cell = GoalCell(named[0], named[1], pd.Timestamp(named[2]).date(), *named[3:5])
    return float(matrix["goal"].iloc[form.sheet.at[form.sheet.places[cell]]]), to_key(cell)


def test_a_step_is_confirmed_once_it_is_on_disk_and_taken_once_only(form, tmp_path):
    for _ in range(2):
        hear(form, do="set", number=7, cells=[[*LEADS, "2000"]])
    assert form.sent[-1] == ({"saved": [7]}, None)
    form.editor.undo()
    assert form.editor.undo() is None, "the second time it was known already"
    assert tomllib.loads((tmp_path / "answers/goals.toml").read_text())["goal"][0]["goal"] == 2000


def test_a_step_that_could_not_be_saved_is_not_confirmed_and_told(form, tmp_path):
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "goals.toml").write_text("[[goal]\n")
    hear(form, do="set", number=7, cells=[[*LEADS, "2000"]])
    assert not any("saved" in content for content, _ in form.sent)
    assert form.table.told["problems"][0]["title"] == "Not saved"
    assert form.status.state == "failed"
    (tmp_path / "answers" / "goals.toml").write_text("")
    form.look()
    assert form.sent[-1] == ({"saved": [7]}, None)


def test_cells_that_are_over_or_unknown_are_left_alone(form):
    unknown = [[*OVER, "5"], ["leads", "quarter", "2031-01-01", "all", "all", "5"], ["nothing"], None, 4]
    hear(form, do="set", cells=unknown)
    assert not form.editor.typed


def test_the_sums_and_products_hold_whatever_is_shown(form):
    hear(form, do="set", cells=[[*YEAR, "4M"]])
    hear(form, do="lock", cells=[MQLS])
    matrix = form.solving.standing.matrix.set_index(["kpi", "grain", "period_start", "dimension", "slice"])["goal"]
    year = matrix["revenue_won", "year", pd.Timestamp("2026-01-01"), "all", "all"]
    quarters = matrix.xs("revenue_won").xs("quarter").xs("all", level="dimension")
    assert year == pytest.approx(4_000_000) and quarters.sum() == pytest.approx(year)
    for start in quarters.index.get_level_values("period_start"):
        key = ("quarter", start, "all", "all")
        assert matrix["leads", *key] * matrix["lead_to_mql", *key] == pytest.approx(matrix["mqls", *key])


def test_locking_everything_that_was_solved_is_no_contradiction(form):
    hear(form, do="set", cells=[[*YEAR, "4M"]])
    ahead = [[cell.kpi, cell.grain, str(cell.period_start), *cell[3:]] for cell in form.sheet.places]
    hear(form, do="lock", cells=ahead)
    assert not form.table.told["problems"]
    assert state_of(form, LEADS) == "locked"


def test_states_are_words_that_everybody_knows(form):
    hear(form, do="set", cells=[[*LEADS, "2000"], [*MQLS, "nonsense"]])
    hear(form, do="lock", cells=[YEAR])
    assert set(form.table.cells["state"]) <= set(STATES)
    assert state_of(form, LEADS) == "goal" and state_of(form, YEAR) == "locked"
    assert state_of(form, OVER) in ("reached", "close", "missed")
    assert form.table.cells["faults"][str(place_of(form, MQLS))]["text"] == "nonsense"


def test_what_is_too_late_says_so_with_its_day(tmp_path):
    judge = SimpleJudge()
    judge.late = {("mqls", "quarter", pd.Timestamp(Q3), "all", "all"): (600.0, AS_OF)}
    form = open_editor(tmp_path, judge=judge)
    place = place_of(form, MQLS)
    assert form.table.cells["flag"][place] == "late"
    assert form.table.cells["late"][str(place)] == "too late since 30 Jun 2026: earlier stages can still bring 600"


def test_the_panel_says_what_is_known_of_a_cell_with_n(form):
    hear(form, do="look", cell=["lead_to_mql", "quarter", Q3, "all", "all"])
    facts = dict(form.table.detail["facts"])
    assert facts["Goal"] == "40 %" and facts["Expected"] == "40 %" and facts["Asks for"] == "as expected"
    assert facts["Latest period"].endswith("n = 45") and facts["Reached before"].endswith("of 6 periods")
    assert form.table.detail["note"]


def test_what_another_window_sets_appears_by_itself(form, tmp_path):
    other = GoalEditor(tmp_path)
    cell = GoalCell("leads", "quarter", pd.Timestamp(Q3).date())
    other.change({cell: Typed(2345.0)})
    other.save()
    assert form.look() and not form.look()
    assert state_of(form, LEADS) == "goal" and read_goal(form, LEADS)[0] == pytest.approx(2345)


def test_a_goal_for_a_cell_beyond_the_matrix_stays_on_file(form, tmp_path):
    elsewhere = GoalCell("leads", "quarter", pd.Timestamp("2031-01-01").date())
    other = GoalEditor(tmp_path)
    other.change({elsewhere: Typed(9.0)})
    other.save()
    form.look()
    hear(form, do="set", cells=[[*LEADS, "2000"]])
    assert GoalEditor(tmp_path).read(elsewhere) == Typed(9.0)


def test_what_came_holds_where_only_a_longer_period_or_another_kpi_had_a_goal(form, tmp_path):
    other = GoalEditor(tmp_path)
    start = pd.Timestamp("2026-04-01").date()
    other.change(
        {GoalCell("revenue_won", "month", start): Typed(9.0), GoalCell("leads", "quarter", start): Typed(700.0)}
    )
    other.save()
    form.look()
    hear(form, do="set", cells=[[*YEAR, "4M"]])
    goal, _ = read_goal(form, ["revenue_won", "quarter", "2026-04-01", "all", "all"])
    row = form.solving.read(GoalCell("revenue_won", "quarter", start))
    assert goal == pytest.approx(row["actual"])


def test_a_matrix_without_slices_years_or_past_opens_too(tmp_path):
    matrix = make_small_matrix()
    plain = matrix[(matrix["dimension"] == "all") & (matrix["grain"] == "quarter")]
    form = open_editor(tmp_path, plain.assign(actual=np.nan))
    assert form.table.told["revenue"] == [] and all(row["kind"] == "kpi" for row in form.table.sheet["rows"])


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KINDS = ["set", "clear", "lock", "unlock", "release", "revenue", "undo", "redo", "resolve", "look", "open_scenario"]
KINDS += ["save_scenario", "adopt", "import", "take_import", "restore", "versions", "close_card", "plan", "nothing"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KINDS), JUNK, st.dictionaries(st.sampled_from(["text", "name", "keep", "base", "left"]), JUNK))
def test_nothing_that_a_browser_says_breaks_it(form, kind, cells, rest):
    form._hear(None, {"do": kind, "cells": cells, "cell": cells, "number": cells, "version": cells, **rest}, None)
    assert form.table.told["title"]
