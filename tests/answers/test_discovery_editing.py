"""Decisions in the matrix: on disk at once, merged with everybody else's, earlier quarters kept."""

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.answers.discovery import DiscoveryAnswers, Judgement, read_discovery, read_quarter
from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.errors import AnswersError
from tests.answers.big_survey import Clock

CELL = {"dimension": "source", "object": "deal"}


def open_editor(folder, by="Ana", quarter="Q3 2026"):
    return DiscoveryEditor(folder, by=by, quarter=quarter, clock=Clock())


def path_of(folder):
    return folder / "answers" / "discovery.toml"


def put(folder, text):
    path_of(folder).parent.mkdir(parents=True, exist_ok=True)
    path_of(folder).write_text(text, encoding="utf-8")


def light_of(folder, **cell):
    found = read_discovery(folder)[0].find(**(cell or CELL))
    return found.light if found else None


def test_nothing_is_written_before_the_first_decision(tmp_path):
    editor = open_editor(tmp_path)
    assert not editor.refresh() and editor.answers == DiscoveryAnswers() and list(tmp_path.iterdir()) == []


def test_a_judgement_is_on_disk_with_who_and_when(tmp_path):
    editor = open_editor(tmp_path)
    assert editor.judge(**CELL, light="available", note="since May").status == "saved"
    said = Judgement("source", "deal", light="available", note="since May", by="Ana", quarter="Q3 2026")
    assert read_discovery(tmp_path)[0].judgements == (said,) == editor.answers.judgements


def test_judging_again_in_a_quarter_replaces_and_in_the_next_one_keeps_the_earlier(tmp_path):
    for quarter, lights in (("Q2 2026", ("unavailable", "adoption_needed")), ("Q3 2026", ("available",))):
        editor = open_editor(tmp_path, quarter=quarter)
        for light in lights:
            editor.judge(**CELL, light=light)
    assert [(j.quarter, j.light) for j in editor.answers.judgements] == [
        ("Q2 2026", "adoption_needed"),
        ("Q3 2026", "available"),
    ]
    assert editor.answers.find(**CELL).light == "available"
    assert editor.answers.find(**CELL, quarter="Q2 2026").light == "adoption_needed"
    assert editor.answers.find(**CELL, quarter="Q1 2026") is None
    assert editor.answers.at_quarter("Q2 2026").find(**CELL).light == "adoption_needed"
    assert editor.answers.list_quarters() == ["Q2 2026", "Q3 2026"]


def test_the_latest_quarter_counts_in_whatever_order_they_stand_in_the_file():
    newer = Judgement("source", "deal", light="available", quarter="Q1 2026")
    older = Judgement("source", "deal", light="unavailable", quarter="Q4 2025")
    undated = Judgement("source", "deal", light="adoption_needed")
    for order in ((newer, older, undated), (undated, older, newer)):
        assert DiscoveryAnswers(order).find(**CELL) == newer
        assert DiscoveryAnswers(order).find(**CELL, quarter="Q4 2025") == older
    assert DiscoveryAnswers((undated,)).at_quarter("Q1 2020").find(**CELL) == undated


def test_what_says_most_about_a_cell_goes_before_a_later_word_about_many():
    narrow = Judgement("source", "deal", light="unavailable", quarter="Q1 2026")
    broad = Judgement("source", light="available", quarter="Q3 2026")
    assert DiscoveryAnswers((narrow, broad)).find(**CELL) == narrow


def test_fiscal_quarters_are_in_order_too():
    assert read_quarter("Q4 FY2026") < read_quarter("q1 fy2027")
    assert [read_quarter(text) for text in ("Q5 2026", "2026", "", "Q1 26", "Q1 2026 or so")] == [None] * 5
    with pytest.raises(AnswersError, match="Write it as Q3 2026"):
        DiscoveryAnswers().at_quarter("soon")


def test_a_cell_taken_back_has_its_suggestion_again_and_its_past(tmp_path):
    open_editor(tmp_path, quarter="Q2 2026").judge(**CELL, light="unavailable")
    editor = open_editor(tmp_path)
    editor.judge(**CELL, light="available")
    assert editor.withdraw(**CELL).status == "saved"
    assert light_of(tmp_path) is None and light_of(tmp_path, **CELL, quarter="Q2 2026") == "unavailable"
    assert editor.withdraw(**CELL).status == "unchanged"
    assert editor.judge(**CELL, light="adoption_needed").status == "saved"
    assert light_of(tmp_path) == "adoption_needed" and editor.answers.withdrawn == ()


def test_a_cell_taken_back_that_nobody_else_spoke_about_leaves_no_trace(tmp_path):
    editor = open_editor(tmp_path)
    editor.judge(**CELL, light="available")
    editor.withdraw(**CELL)
    assert editor.answers == DiscoveryAnswers() and path_of(tmp_path).read_text(encoding="utf-8") == ""


def test_a_cell_taken_back_no_longer_follows_a_word_about_every_object(tmp_path):
    editor = open_editor(tmp_path)
    editor.judge(dimension="source", light="available")
    editor.withdraw(**CELL)
    assert light_of(tmp_path) is None and light_of(tmp_path, dimension="source", object="contact") == "available"


def test_decisions_of_two_people_on_different_cells_meet(tmp_path):
    first, second = open_editor(tmp_path), open_editor(tmp_path, by="Ben")
    first.judge(**CELL, light="available")
    assert second.judge(dimension="owner", object="deal", light="unavailable").status == "saved"
    assert second.answers.find(**CELL).light == "available"
    assert first.refresh() and first.answers.find(dimension="owner", object="deal").light == "unavailable"
    assert not first.refresh()


def test_two_decisions_on_one_cell_are_told_with_both_lights_and_only_force_writes_over(tmp_path):
    first, second = open_editor(tmp_path), open_editor(tmp_path, by="Ben")
    first.judge(**CELL, light="adoption_needed")
    for _ in range(2):
        saved = second.judge(**CELL, light="available")
        assert saved.status == "conflict"
        assert "Ana has set it to 'adoption needed'" in saved.message and "set it to 'available'" in saved.message
        assert light_of(tmp_path) == "adoption_needed"
    assert second.judge(**CELL, light="available", force=True).status == "saved"
    assert light_of(tmp_path) == "available"


def test_whoever_has_seen_the_other_decision_may_replace_it(tmp_path):
    first, second = open_editor(tmp_path), open_editor(tmp_path, by="Ben")
    first.judge(**CELL, light="adoption_needed")
    second.refresh()
    assert second.judge(**CELL, light="available").status == "saved"


def test_two_people_who_decide_the_same_agree(tmp_path):
    first, second = open_editor(tmp_path), open_editor(tmp_path, by="Ben")
    first.judge(**CELL, light="available")
    assert second.judge(**CELL, light="available").status == "saved"
    assert len(second.answers.judgements) == 1


def test_a_decision_taken_back_meanwhile_is_told_too(tmp_path):
    first = open_editor(tmp_path)
    first.judge(**CELL, light="available")
    second = open_editor(tmp_path, by="Ben")
    first.withdraw(**CELL)
    saved = second.judge(**CELL, light="unavailable")
    assert saved.status == "conflict" and "taken it back" in saved.message
    assert second.withdraw(**CELL).status == "saved" and light_of(tmp_path) is None


def test_copies_and_plans_are_decided_replaced_and_taken_off(tmp_path):
    editor = open_editor(tmp_path)
    editor.decide_copy("source", "contact", "deal", "wanted")
    editor.decide_copy("source", "contact", "deal", "exists", "done in May")
    editor.plan("opportunities", "source", effort="small", planned="Q4 2026")
    editor.plan("opportunities", "source", effort="large", owner="Ben")
    editor.plan("mqls", "source")
    editor.unplan("mqls", "source")
    answers, problems = read_discovery(tmp_path)
    assert problems == [] and answers == editor.answers
    assert [(c.state, c.note) for c in answers.copies] == [("exists", "done in May")]
    assert [(a.kpi, a.effort, a.owner, a.planned) for a in answers.activations] == [
        ("opportunities", "large", "Ben", "")
    ]


def test_a_decision_about_a_copy_is_taken_back_and_the_others_stay(tmp_path):
    editor = open_editor(tmp_path)
    editor.decide_copy("source", "contact", "deal", "wanted")
    editor.decide_copy("region", "company", "deal", "not_wanted")
    assert editor.withdraw_copy("source", "contact", "deal").status == "saved"
    assert [copy.dimension for copy in read_discovery(tmp_path)[0].copies] == ["region"]
    assert editor.withdraw_copy("source", "contact", "deal").status == "unchanged"
    assert "[to_object]" in editor.withdraw_copy("source", "contact", "").message


def test_a_copy_that_somebody_else_decided_otherwise_is_not_taken_back_unasked(tmp_path):
    editor, other = open_editor(tmp_path), open_editor(tmp_path)
    editor.decide_copy("source", "contact", "deal", "wanted")
    other.refresh()
    other.decide_copy("source", "contact", "deal", "exists")
    saved = editor.withdraw_copy("source", "contact", "deal")
    assert saved.status == "conflict" and "'exists'" in saved.message and "take it back" in saved.message
    assert [copy.state for copy in read_discovery(tmp_path)[0].copies] == ["exists"]
    assert editor.withdraw_copy("source", "contact", "deal", force=True).status == "saved"
    assert read_discovery(tmp_path)[0].copies == ()


def test_records_typed_by_hand_survive_the_faulty_ones_too(tmp_path):
    put(
        tmp_path,
        "# ours\nteam = 'RevOps'\n[[judgement]]\ndimension = 'region'\nlight = 'greenish'\n\n"
        "[[judgement]]\ndimension = 'source'\nobject = 'deal'\nlight = 'available'\nwhy = 'x'\n",
    )
    editor = open_editor(tmp_path)
    editor.judge(**CELL, light="unavailable")
    tables = tomllib.loads(path_of(tmp_path).read_text(encoding="utf-8"))
    assert tables["team"] == "RevOps" and len(tables["judgement"]) == 3
    assert tables["judgement"][:2] == [
        {"dimension": "region", "light": "greenish"},
        {"dimension": "source", "object": "deal", "light": "available", "why": "x"},
    ]
    assert "# ours" in path_of(tmp_path).read_text(encoding="utf-8") and light_of(tmp_path) == "unavailable"


@pytest.mark.parametrize("text", ["[[judgement]]\nlight = \n", "judgement = 3\n"])
def test_a_damaged_file_is_told_and_never_overwritten(tmp_path, text):
    put(tmp_path, text)
    editor = open_editor(tmp_path)
    saved = editor.judge(**CELL, light="available")
    assert saved.status == "failed" and "answers/discovery.toml" in saved.message
    assert path_of(tmp_path).read_text(encoding="utf-8") == text
    put(tmp_path, "")
    editor.refresh()
    assert editor.problem == "" and editor.judge(**CELL, light="available").status == "saved"


def test_a_file_removed_meanwhile_is_written_again_whole(tmp_path):
    editor = open_editor(tmp_path)
    editor.judge(**CELL, light="available")
    path_of(tmp_path).unlink()
    assert not editor.refresh()
    editor.judge(dimension="owner", object="deal", light="available")
    assert len(read_discovery(tmp_path)[0].judgements) == 2


def test_a_full_disk_is_told_with_its_cure_and_nothing_changes(tmp_path, monkeypatch):
    editor = open_editor(tmp_path)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("helpers.answers.files.write_bytes", full)
        saved = editor.judge(**CELL, light="available")
    assert saved.status == "failed" and "Make room on the disk" in saved.message and editor.problem == ""
    assert editor.answers == DiscoveryAnswers()
    assert editor.judge(**CELL, light="available").status == "saved"


@pytest.mark.parametrize("quarter", ["", "soon", "2026-Q3", "Q3"])
def test_without_a_quarter_nothing_is_judged(tmp_path, quarter):
    editor = open_editor(tmp_path, quarter=quarter)
    assert "is no quarter. Write it as Q3 2026" in editor.problem
    assert editor.judge(**CELL, light="available").status == "failed" and list(tmp_path.iterdir()) == []


def test_earlier_states_of_the_file_are_kept_like_those_of_answers(tmp_path):
    editor = open_editor(tmp_path)
    for light in ("available", "unavailable"):
        editor.judge(**CELL, light=light)
    assert [path.name for path in (tmp_path / "answers/.versions/discovery").glob("*.toml")] == ["000001.toml"]


LIGHT = st.sampled_from(["available", "adoption_needed", "unavailable", ""])
STEPS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["a", "b"]), LIGHT, st.booleans()), max_size=16)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_order_of_decisions_writes_over_one_that_was_not_seen(tmp_path_factory, quick_disk, steps):
    """Each of two people decides about two cells, now and then looking first; a dictionary says what must hold."""
    folder = tmp_path_factory.mktemp("company")
    editors = [open_editor(folder, by) for by in ("Ana", "Ben")]
    held = {"a": None, "b": None}
    seen = [dict(held), dict(held)]
    for who, cell, light, looks in steps:
        if looks:
            editors[who].refresh()
            seen[who] = dict(held)
        wanted = light or None
        say = {"dimension": cell, "object": "deal"}
        saved = editors[who].judge(**say, light=light) if light else editors[who].withdraw(**say)
        if held[cell] not in (seen[who][cell], wanted):
            assert saved.status == "conflict"
        else:
            assert saved.status in ("saved", "unchanged")
            held[cell] = wanted
            seen[who] = dict(held)
        assert {name: light_of(folder, dimension=name, object="deal") for name in held} == held
