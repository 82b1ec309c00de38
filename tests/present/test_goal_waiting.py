"""Which goal waits: the editor says the same before and after a reload as the report that nobody attends."""

import numpy as np
import pandas as pd
import pytest

from helpers.analyses.goal_relations import KEYS
from helpers.answers.goal_editing import GoalEditor
from helpers.answers.goals import read_goals
from helpers.model.catalog import load_catalog
from helpers.model.goal import load_goal_rules
from helpers.present.forms.goal_editor import GoalMatrixEditor
from helpers.present.forms.goal_sheet import to_cell, to_key
from tests.analyses.test_goal_review import AS_OF, review
from tests.browser.goal_editor_driver import make_past

AHEAD = pd.Timestamp("2026-10-01")


@pytest.fixture(scope="module")
def matrix():
    return review().matrix


def open_form(folder, matrix):
    form = GoalMatrixEditor(
        matrix,
        GoalEditor(folder),
        catalog=load_catalog(),
        rules=load_goal_rules(),
        as_of=AS_OF,
        past=make_past(matrix),
    )
    form.stop()
    return form


def type_in(form, row, goal, do="set"):
    named = [row["kpi"], row["grain"], row["period_start"].date().isoformat(), row["dimension"], row["slice"]]
    form._hear(None, {"do": do, "cells": [[*named, f"{goal:.4f}"]]})


def list_told(form):
    """List who waits, and per contradiction its cells and what is cheapest to release."""
    trial = form.solving.standing.trial
    clashes = [
        (to_cell(clash.held_back), name_cells(clash.cells), name_cells(form.solving.price(number))[:1])
        for number, clash in enumerate(trial.clashes)
    ]
    return set(form.solving.standing.waiting), clashes


def list_reported(found):
    clashes = [
        (to_cell(clash.held_back), name_cells(clash.cells), name_cells(releases)[:1])
        for clash, releases in zip(found.clashes, found.releases, strict=True)
    ]
    return set(name_cells(found.released)), clashes


def name_cells(cells):
    return [to_cell(tuple(key)) for key in cells[KEYS].itertuples(index=False)]


@pytest.mark.parametrize("seed", range(2))
def test_editor_after_reload_and_report_name_the_same_goals_contradictions_and_releases(tmp_path, matrix, seed):
    generator = np.random.default_rng(seed)
    form = open_form(tmp_path, matrix)
    mine = matrix[matrix["kpi"].isin(["revenue_won", "deals_won", "average_deal_size"])]
    rows = mine[[form.sheet.is_open(cell) for cell in name_cells(mine)]]
    rows = rows[(rows["period_start"] == AHEAD) | (rows["grain"] == "year")]
    for at in generator.choice(len(rows), 7, replace=False):
        row = rows.iloc[at].to_dict()
        type_in(form, row, row["expected"] * generator.choice([0.7, 1.0, 1.6]))
        if generator.random() < 0.3:
            type_in(form, row, 0.0, do="lock")
    told = list_told(form)
    assert told[0], "these goals contradict each other"
    assert list_told(open_form(tmp_path, matrix)) == told
    assert list_reported(review(targets=read_goals(tmp_path)[0])) == told


def test_a_goal_edited_again_is_the_one_that_waits_after_a_reload_too(tmp_path, matrix):
    form = open_form(tmp_path, matrix)
    total, *slices = (
        matrix[(matrix["kpi"] == "revenue_won") & (matrix["period_start"] == AHEAD) & (matrix["grain"] == "quarter")]
        .sort_values("dimension", kind="stable")
        .to_dict("records")
    )
    assert total["dimension"] == "all" and {row["dimension"] for row in slices} == {"source"}
    for row in (*slices, total):
        type_in(form, row, row["expected"])
    assert not form.solving.standing.waiting
    type_in(form, slices[0], 0.5 * slices[0]["expected"])
    first = to_cell(tuple(slices[0][key] for key in KEYS))
    assert form.solving.standing.waiting == {first}
    assert open_form(tmp_path, matrix).solving.standing.waiting == {first}
    found = review(targets=read_goals(tmp_path)[0])
    assert name_cells(found.released) == [first]
    assert found.releases[0]["is_enough"].all() and to_key(first) not in {
        tuple(key) for key in found.releases[0][KEYS].itertuples(index=False)
    }
