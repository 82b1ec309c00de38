"""The board's form without a browser: what it asks, what it shows where nobody can be asked, what its fields mean."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.answers.board import read_board
from helpers.answers.store import Answers
from helpers.model.board import Why
from helpers.model.board_action import EffectCheck
from helpers.present.board_view import show_board_rules
from helpers.present.forms import board_entry
from helpers.present.forms.board_state import sign
from helpers.present.forms.board_typing import BoardWords, read_text, say_effect, write_number
from tests.browser.board_driver import KPIS, open_form
from tests.companies import make_company

WORDS = BoardWords("EUR", "currency", KPIS)


@pytest.mark.parametrize(
    ("key", "typed", "kpi", "value"),
    [
        ("contribution", "€120k", "", 120_000),
        ("confidence", "60 %", "", 0.6),
        ("expected_to", "40 %", "lead_to_mql", 0.4),
        ("expected_to", "40", "deals_won", 40),
        ("effort", "5", "", 5),
        ("due", "1 Dec 2026", "", date(2026, 12, 1)),
        ("controllable", "no", "", False),
        ("text", "  Leads wait ", "", "Leads wait"),
        ("prediction", "  ", "", None),
    ],
)
def test_a_field_is_read_in_its_own_unit_and_written_so_that_it_reads_the_same(key, typed, kpi, value):
    assert read_text(key, typed, WORDS, kpi=kpi) == (value, "")
    if key in ("contribution", "confidence", "expected_to", "effort"):
        unit = WORDS.unit_of(key, kpi)
        assert read_text(key, write_number(value, unit), WORDS, kpi=kpi) == (value, "")


def test_what_cannot_be_read_is_told():
    assert "no number" in read_text("confidence", "rather sure", WORDS)[1]
    assert "no day" in read_text("due", "soon", WORDS)[1]
    assert say_effect("lead_to_mql", 0.19, 0.4, WORDS) == "Lead → MQL conversion 19 % → 40 %"


def test_evidence_stays_with_its_why_when_the_texts_change():
    whys = read_text("whys", ["A", "", "C"], WORDS, whys=(Why("a", ()), Why("b", ())))[0]
    assert whys == ["A", "C"]


def test_a_page_learns_no_id_and_asks_by_signs(tmp_path):
    form = open_form(tmp_path, "Ana Okafor")
    added = form.act({"op": "add", "m": "people", "text": "Owners carry too much", "n": 1})["added"]
    assert added == sign("ana-okafor-1") and "ana-okafor-1" not in str(form.board.state)
    assert "error" in form.act({"op": "vote", "t": "nothing", "dots": 1, "n": 2})
    assert form.act({"op": "vote", "t": added, "dots": 2, "n": 3}) == {}
    assert "3 dots" in form.act({"op": "vote", "t": added, "dots": 4, "n": 4})["error"]
    assert form.board.state["dots"] == {"used": 2, "most": 3}
    assert form.act({"op": "set", "kind": "cause", "t": added, "key": "text", "value": " ", "n": 5})["error"]
    assert read_board(tmp_path)[0].causes[0].cause.text == "Owners carry too much"


def test_no_cause_may_name_somebody_who_wrote_only_after_the_board_was_opened(tmp_path):
    ana = open_form(tmp_path, "Ana Okafor")
    ana.act({"op": "add", "m": "people", "text": "Ines Vidal never calls back", "n": 1})
    assert "names Ines Vidal" not in str(ana.board.state)
    open_form(tmp_path, "Ines Vidal").act({"op": "add", "m": "method", "text": "Nobody is told to", "n": 1})
    ana.act({"op": "refresh", "n": 2})
    assert "names Ines Vidal" in str(ana.board.state)


def test_what_the_data_says_of_an_action_s_effect_is_kept_with_it_whoever_wrote_it(tmp_path):
    ben = open_form(tmp_path, "Ben Ito")
    cause = ben.act({"op": "add", "m": "people", "text": "Owners carry too much", "n": 1})["added"]
    ben.act({"op": "decide", "t": cause, "state": "kept", "n": 2})
    action = ben.act({"op": "action", "t": cause, "kind": "contain", "n": 3})["focus"]
    found = EffectCheck(date(2027, 1, 15), 0.21, 140, "failed", True, "Oct to Dec 2026: far from 30 %")
    ana = open_form(tmp_path, "Ana Okafor", effects={"ben-ito-action-2": found})
    (shown,) = ana.board.state["bones"][0]["cards"][0]["actions"]
    assert "15\u00a0Jan\u00a02027: it did not work; opened again" in shown["effect_now"] and shown["checks"] == []
    assert ana.act({"op": "check", "t": action, "n": 1})["said"] == "Kept with the action"
    (shown,) = ana.board.state["bones"][0]["cards"][0]["actions"]
    assert shown["effect_now"] == "" and len(shown["checks"]) == 1
    assert ana.board.state["bones"][0]["cards"][0]["is_reopened"]
    assert "nothing new" in ana.act({"op": "check", "t": action, "n": 2})["error"]
    (kept,) = read_board(tmp_path)[0].actions
    assert kept.checks == (found,) and kept.author == "Ben Ito"


def test_the_data_is_asked_anew_as_soon_as_an_action_is_another_one(tmp_path):
    ana = open_form(tmp_path, "Ana Okafor")
    cause = ana.act({"op": "add", "m": "people", "text": "Owners carry too much", "n": 1})["added"]
    ana.act({"op": "decide", "t": cause, "state": "kept", "n": 2})
    action = ana.act({"op": "action", "t": cause, "kind": "contain", "n": 3})["focus"]
    asked = []

    def find(board):
        (one,) = board.actions
        asked.append(one.kpi)
        return {one.id: EffectCheck(date(2027, 1, 15), 0.21, 140, "failed", True, f"judged by {one.kpi}")}

    again = open_form(tmp_path, "Ana Okafor", find_effects=find)
    again.act({"op": "vote", "t": cause, "dots": 1, "n": 1})
    again.act({"op": "refresh", "n": 2})
    assert asked == []
    for n, kpi in enumerate(("deals_won", "lead_to_mql"), start=3):
        again.act({"op": "set", "kind": "action", "t": action, "key": "kpi", "value": kpi, "n": n})
        again.autosave.save()
        (shown,) = again.board.state["bones"][0]["cards"][0]["actions"]
        assert f"judged by {kpi}" in shown["effect_now"] and asked[-1] == kpi


def test_kpis_are_offered_below_their_headings():
    said = BoardWords("EUR", "currency", {"a": ("Leads", "count"), "b": ("Days", "days"), "c": ("Wins", "count")})
    assert said.list_kpis() == [["a", "Leads"], ["b", "Days"], ["c", "Wins"]]
    grouped = replace(said, families={"a": "Volumes", "b": "Time", "c": "Volumes"}).list_kpis()
    assert grouped == [["Volumes", [["a", "Leads"], ["c", "Wins"]]], ["Time", [["b", "Days"]]]]


def test_an_action_that_was_done_on_a_day_is_done_and_one_still_to_do_has_no_such_day(tmp_path):
    ben = open_form(tmp_path, "Ben Ito")
    cause = ben.act({"op": "add", "m": "people", "text": "Owners carry too much", "n": 1})["added"]
    action = ben.act({"op": "action", "t": cause, "kind": "contain", "n": 2})["focus"]

    def set_(key, value):
        answer = ben.act({"op": "set", "kind": "action", "t": action, "key": key, "value": value, "n": 3})
        (row,) = read_board(tmp_path)[0].actions
        (shown,) = ben.board.state["bones"][0]["cards"][0]["actions"]
        return answer, (row.state, row.done_on), (shown["state"], shown["done_on"])

    assert "no day" in set_("done_on", "last week")[0]["error"]
    day = date(2026, 11, 3)
    assert set_("done_on", "3 Nov 2026") == ({}, ("done", day), ("done", "3 Nov 2026"))
    assert set_("state", "doing")[1:] == (("doing", None), ("doing", ""))
    assert set_("state", "dropped")[1][0] == "dropped"
    assert set_("done_on", "4 Nov 2026")[1] == ("dropped", date(2026, 11, 4))
    assert set_("done_on", "")[1] == ("dropped", None)


@pytest.mark.parametrize(("first", "second"), [("start", "due"), ("due", "start")])
def test_days_that_contradict_each_other_are_told_and_the_action_stays(tmp_path, first, second):
    days = {"start": "5 Nov 2026", "due": "1 Nov 2026"}
    ben = open_form(tmp_path, "Ben Ito")
    cause = ben.act({"op": "add", "m": "people", "text": "Owners carry too much", "n": 1})["added"]
    place = {"kind": "action", "t": ben.act({"op": "action", "t": cause, "kind": "contain", "n": 2})["focus"], "n": 3}
    assert ben.act({"op": "set", "key": first, "value": days[first], **place}) == {}
    assert "due before it starts" in ben.act({"op": "set", "key": second, "value": days[second], **place})["error"]
    (kept,) = read_board(tmp_path)[0].actions
    assert getattr(kept, first) and getattr(kept, second) is None
    assert ben.act({"op": "set", "key": second, "value": days[first], **place}) == {}
    (kept,) = read_board(tmp_path)[0].actions
    assert kept.start == kept.due is not None


@pytest.mark.parametrize("asked", [{"op": "burn"}, {"op": "set"}, {"op": "take", "t": 3}, {"op": "decide", "t": []}])
def test_a_message_that_makes_no_sense_changes_nothing(tmp_path, asked):
    form = open_form(tmp_path, "Ana Okafor")
    form.act(asked)
    assert form.editor.board.is_empty and not (tmp_path / "answers").exists()


def make_book(folder=None):
    company = make_company({"deal": pd.DataFrame({"id": ["1"], "owner": ["Cleo Day"]})}, answers=Answers())
    company = replace(company, folder=folder) if folder else company
    period = SimpleNamespace(label="Q3 2026")
    nothing = pd.DataFrame({name: [] for name in ("verdict", "statement")})
    gap = SimpleNamespace(
        period=period, outcome="revenue_won", compared="Q2 2026", is_money=True, gap=-1000.0, is_explained=True,
        causes=nothing, five_m=nothing,
    )  # fmt: skip
    return SimpleNamespace(company=company, as_of=date(2026, 9, 30)), gap


def test_where_nobody_can_be_asked_the_board_says_what_is_still_to_mend(monkeypatch):
    monkeypatch.setattr(board_entry, "is_attended", lambda: False)
    book, gap = make_book()
    assert "Nobody has written down a cause yet" in board_entry.open_board_form(book, gap).html


def test_rules_are_shown_as_text(tmp_path):
    form = open_form(tmp_path, "Ana Okafor")
    form.act({"op": "add", "m": "people", "text": "Cleo Day <b>slept</b>", "n": 1})
    from helpers.analyses.board_review import check_board

    board = form.editor.board
    shown = show_board_rules(board, check_board(board, people=["Cleo Day"])).html
    assert "names Cleo Day" in shown and "<b>slept" not in shown
    assert "Nothing left to mend" in show_board_rules(board, []).html


def test_whoever_is_there_gets_the_form(monkeypatch, tmp_path):
    monkeypatch.setattr(board_entry, "is_attended", lambda: True)
    book, gap = make_book(tmp_path)
    form = board_entry.make_board_form(book, gap, by="Ana Okafor")
    assert form.board.state["title"] == "Nobody has written down a cause yet"
    assert form.board.state["subtitle"] == "Closed revenue, Q3 2026 against Q2 2026 · data as of 30 Sep 2026"
    assert "Cleo Day" in form.board.state["words"]["people"]
    assert board_entry.open_board_form(book, gap, by="Ana Okafor") is not None
