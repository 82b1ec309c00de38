"""Two windows change one answer: what each changed alone stays, what both changed is told with both values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.answers.merging import Held, adopt, choose, merge_answers, merge_rows, open_sync, settle
from helpers.answers.typed import Faulty
from helpers.model.survey import SurveyField

TEXT = SurveyField(id="crm", label="CRM", type="text")
RANKED = SurveyField(id="top", label="Top three", type="ranked", maximum_items=3)
GRID = SurveyField(
    id="products",
    label="Products",
    type="grid",
    columns=(
        SurveyField(id="name", label="Product", type="text"),
        SurveyField(id="days", label="Days", type="number"),
        SurveyField(id="note", label="Note", type="text"),
    ),
)

FLOW, GO, SHIELD = ({"name": name, "days": 30} for name in ("Flow", "Go", "Shield"))


def merge(base, mine, theirs):
    return merge_rows(base, mine, theirs, key="name")


def agreed(base, mine, theirs):
    """Merge, expecting no contradiction."""
    one, other = merge(base, mine, theirs)
    assert one == other
    return one


def test_cells_of_one_row_changed_by_two_windows_are_both_kept():
    mine, theirs = [{**FLOW, "days": 45}, GO], [{**FLOW, "note": "new"}, GO]
    assert agreed([FLOW, GO], mine, theirs) == [{"name": "Flow", "days": 45, "note": "new"}, GO]


def test_the_same_cell_changed_twice_is_told_with_both_values_and_the_rest_is_merged():
    mine, theirs = [{**FLOW, "days": 45, "note": "a"}], [{**FLOW, "days": 60}, GO]
    one, other = merge([FLOW], mine, theirs)
    assert one == [{"name": "Flow", "days": 45, "note": "a"}, GO]
    assert other == [{"name": "Flow", "days": 60, "note": "a"}, GO]


def test_rows_added_by_both_are_both_there_where_they_were_added():
    assert agreed([FLOW, GO], [FLOW, SHIELD, GO], [FLOW, GO, {"name": "New"}]) == [FLOW, SHIELD, GO, {"name": "New"}]


def test_the_same_row_added_by_both_is_one_row():
    assert agreed([FLOW], [FLOW, GO], [FLOW, GO]) == [FLOW, GO]
    assert agreed([FLOW], [FLOW, {"name": "Go"}], [FLOW, GO]) == [FLOW, GO]


def test_a_row_removed_by_one_and_untouched_by_the_other_is_gone():
    assert agreed([FLOW, GO], [GO], [FLOW, {**GO, "days": 5}]) == [{**GO, "days": 5}]
    assert agreed([FLOW, GO], [GO], [GO]) == [GO]


@pytest.mark.parametrize("swapped", [False, True])
def test_a_row_removed_by_one_and_changed_by_the_other_is_told(swapped):
    sides = ([GO], [{**FLOW, "days": 45}, GO])
    one, other = merge([FLOW, GO], *(reversed(sides) if swapped else sides))
    assert sorted(map(len, (one, other))) == [1, 2]


def test_a_renamed_row_takes_what_the_other_window_typed_into_it():
    assert agreed([FLOW, GO], [{**FLOW, "name": "Flow 2"}, GO], [{**FLOW, "note": "x"}, GO]) == [
        {"name": "Flow 2", "days": 30, "note": "x"},
        GO,
    ]


def test_another_product_typed_over_a_row_does_not_inherit_its_cells():
    """Mine puts Shield with 90 days where Flow was; theirs notes something on Flow: a contradiction, not a mixture."""
    one, other = merge([FLOW], [{"name": "Shield", "days": 90}], [{**FLOW, "note": "x"}])
    assert {"name": "Shield", "days": 90} in one and {**FLOW, "note": "x"} not in one
    assert {**FLOW, "note": "x"} in other


def test_rows_without_a_name_belong_together_by_position():
    base = [{"days": 1}, {"days": 2}]
    assert agreed(base, [{"days": 1}, {"days": 2, "note": "b"}], [{"days": 1, "note": "a"}, {"days": 2}]) == [
        {"days": 1, "note": "a"},
        {"days": 2, "note": "b"},
    ]


def test_a_row_that_gets_its_name_is_still_the_same_row():
    assert agreed([{"days": 7}], [{"name": "New", "days": 7}], [{"days": 7}, GO]) == [{"name": "New", "days": 7}, GO]


def test_rows_of_one_name_belong_together_one_by_one():
    base = [{"name": "Leads", "note": "US"}, {"name": "Leads", "note": "EU"}]
    mine, theirs = [{**base[0], "days": 1}, base[1]], [base[0], {**base[1], "days": 2}]
    assert agreed(base, mine, theirs) == [{**base[0], "days": 1}, {**base[1], "days": 2}]


def test_an_order_changed_by_one_window_is_kept_with_the_row_that_the_other_added():
    assert agreed([FLOW, GO], [GO, FLOW], [FLOW, SHIELD, GO]) == [GO, FLOW, SHIELD]
    assert agreed([FLOW, GO], [FLOW, SHIELD, GO], [GO, FLOW]) == [GO, FLOW, SHIELD]


def test_two_different_orders_are_told():
    base = [FLOW, GO, SHIELD]
    one, other = merge(base, [GO, FLOW, SHIELD], [SHIELD, FLOW, GO])
    assert one == [GO, FLOW, SHIELD] and other == [SHIELD, FLOW, GO]


def test_a_ranked_list_is_merged_as_a_whole():
    assert merge_answers(RANKED, ["a"], ["a", "b"], ["a", "c"]) == (["a", "b"], ["a", "c"])
    assert merge_answers(RANKED, ["a"], ["a"], ["a", "c"]) == (["a", "c"], ["a", "c"])


def test_what_is_not_allowed_merges_like_an_answer():
    assert merge_answers(TEXT, None, Faulty("x"), "y") == (Faulty("x"), "y")
    assert merge_answers(TEXT, None, Faulty("x"), Faulty("x")) == (Faulty("x"), Faulty("x"))


CELL = st.one_of(st.none(), st.integers(0, 2))
ROWS = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["A", "B", "C", None])}, optional={"days": CELL, "note": CELL}).map(
        lambda row: {key: cell for key, cell in row.items() if cell is not None}
    ),
    max_size=4,
).map(lambda rows: [row for row in rows if row])


@settings(max_examples=200, deadline=None)
@given(base=ROWS, mine=ROWS, theirs=ROWS)
def test_a_merge_of_any_three_grids_loses_no_cell(base, mine, theirs):
    """Every cell that I changed stands in mine, every one of theirs in theirs; with no contradiction both in both."""
    one, other = merge_answers(GRID, base or None, mine or None, theirs or None)
    one, other = one or [], other or []
    assert _new_cells(base, mine) <= _cells(one)
    assert _new_cells(base, theirs) <= _cells(other)
    if one == other:
        assert _new_cells(base, mine) | _new_cells(base, theirs) <= _cells(one)


@settings(max_examples=150, deadline=None)
@given(base=ROWS, changed=ROWS)
def test_what_only_one_window_changed_is_taken_over_as_it_is(base, changed):
    base, changed = base or None, changed or None
    assert merge_answers(GRID, base, changed, base) == (changed, changed)
    assert merge_answers(GRID, base, base, changed) == (changed, changed)
    assert merge_answers(GRID, base, changed, changed) == (changed, changed)


APART = ROWS.map(lambda rows: list({row.get("name"): row for row in rows}.values()))
"""Grids in which no name stands twice."""


@settings(max_examples=150, deadline=None)
@given(base=APART, mine=APART, theirs=APART)
def test_both_windows_see_the_same_contradiction(base, mine, theirs):
    mine_here, theirs_here = merge_rows(base, mine, theirs, key="name")
    theirs_there, mine_there = merge_rows(base, theirs, mine, key="name")
    assert (_bag(mine_here) == _bag(theirs_here)) == (_bag(mine_there) == _bag(theirs_there))
    assert _bag(mine_here) == _bag(mine_there) and _bag(theirs_here) == _bag(theirs_there)


def _cells(rows):
    """The cells without their row, which the other window may have renamed."""
    return {cell for row in rows for cell in row.items()}


def _new_cells(base, side):
    """The cells of a side that the base has nowhere, which therefore must have been typed there."""
    return _cells(side) - _cells(base)


def _bag(rows):
    return sorted(str(sorted(row.items())) for row in rows)


def test_an_answer_set_aside_waits_until_somebody_chooses():
    sync, held = settle(TEXT, _typed("base", "mine"), Held("theirs"))
    assert sync.dispute == ("mine", "theirs") and held == Held("theirs", ("mine",))
    reopened = open_sync(held)
    assert reopened.dispute == ("mine", "theirs") and not reopened.is_changed
    chosen = choose(reopened, "mine", "theirs")
    assert chosen.is_changed and chosen.dispute is None
    assert settle(TEXT, chosen, held)[1] == Held("mine", ())


def test_the_other_window_is_told_too_and_may_choose():
    other = adopt(TEXT, open_sync(Held("theirs")), Held("theirs", ("mine",)))
    assert other.dispute == ("theirs", "mine")
    assert settle(TEXT, choose(other, "mine", "theirs"), Held("theirs", ("mine",)))[1] == Held("mine", ())


def test_two_windows_that_choose_differently_are_told_again():
    held = Held("theirs", ("mine",))
    keeps_theirs = choose(open_sync(held), "theirs", "mine")
    _, after = settle(TEXT, keeps_theirs, held)
    assert after == Held("theirs", ())
    keeps_mine = choose(open_sync(held), "mine", "theirs")
    sync, last = settle(TEXT, keeps_mine, after)
    assert sync.dispute == ("mine", "theirs") and last == Held("theirs", ("mine",))


def test_a_third_answer_is_set_aside_beside_the_second():
    _, held = settle(TEXT, _typed("base", "third"), Held("first", ("second",)))
    assert held == Held("first", ("second", "third"))


def test_a_field_in_contradiction_still_merges_its_other_cells():
    """Flow's days differ (45 here, 60 in the file); then a note is added here: the file gets the note, not the 45."""
    base = [FLOW]
    sync, held = settle(GRID, _typed(base, [{**FLOW, "days": 45}]), Held([{**FLOW, "days": 60}]))
    assert held.value == [{**FLOW, "days": 60}]
    typed = _typed_on(sync, [{**FLOW, "days": 45, "note": "n"}])
    sync, held = settle(GRID, typed, held)
    assert held.value == [{**FLOW, "days": 60, "note": "n"}]
    assert held.pending == ([{**FLOW, "days": 45, "note": "n"}],)
    assert sync.dispute


def _typed(base, mine):
    return _typed_on(open_sync(Held(base)), mine)


def _typed_on(sync, mine):
    from dataclasses import replace

    return replace(sync, mine=mine)
