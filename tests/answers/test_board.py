"""The board's files: read record by record, merged over authors, nothing lost that isn't understood."""

from dataclasses import replace
from datetime import date, datetime

from helpers.answers.board import read_author, read_board
from helpers.answers.files import parse_topic
from helpers.answers.store import read_answers
from helpers.model.board import AuthorBoard, Cause, CauseComment, Decision, Evidence, IsIsNot, Vote, Why
from helpers.model.board_action import Action
from helpers.model.board_merging import merge_boards

WHOLE = """
author = "Ana Okafor"
last_number = 7

[[cause]]
id = "ana-okafor-1"
text = "Inbound leads of the US wait two days for a first call"
m = "method"
whys = ["Routing sends them to one queue", {text = "The queue has no rule by region", evidence = ["five_m:routing"]}]
prediction = "Leads called within an hour convert as before"
evidence = [
  "five_m:slow_first_call",
  {id = "root_cause:sqls:rate:region=US", says = "SQL rate fell", found = 2026-09-30},
]
verdict = "confirmed"
state = "kept"
confidence = 0.7
contribution = 120000
controllable = true
period = "Q3 2026"

[[action]]
id = "ana-okafor-action-2"
cause = "ben-ito-1"
kind = "prevent"
text = "Route by region"
owner = "Cleo"
start = 2026-10-05
due = 2026-12-15
done_on = 2026-12-18
effort = 8
kpi = "mql_to_sql"
slice = "region=US"
expected_from = 0.2
expected_to = 0.3
guard = "leads"
pauses = "The new scoring model"
state = "doing"
checks = [{day = 2027-01-15, value = 0.21, n = 140, verdict = "failed", reopened = true}]

[[vote]]
cause = "ben-ito-1"
dots = 2

[[comment]]
id = "ana-okafor-comment-3"
cause = "ben-ito-1"
text = "Seen in May too"
at = 2026-10-05T09:30:00

[problem]
kpi = "revenue_won"
period = "Q3 2026"
where = {is = "US inbound", is_not = "EMEA inbound", difference = "one queue"}
"""


def put(folder, name, text):
    path = folder / "answers" / "board" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_whole_file_is_read_as_written(tmp_path):
    put(tmp_path, "ana-okafor", WHOLE)
    board, problems = read_board(tmp_path)
    assert problems == []
    mine = board.authors["ana-okafor"]
    (cause,) = mine.causes
    assert cause.whys[1] == Why("The queue has no rule by region", (Evidence("five_m:routing"),))
    assert cause.evidence[1] == Evidence("root_cause:sqls:rate:region=US", "SQL rate fell", date(2026, 9, 30))
    assert [one.id for one in cause.list_evidence()] == [
        "five_m:slow_first_call", "root_cause:sqls:rate:region=US", "five_m:routing"
    ]  # fmt: skip
    assert (cause.verdict, cause.state, cause.confidence, cause.contribution, cause.controllable, cause.period) == (
        "confirmed", "kept", 0.7, 120000, True, "Q3 2026"
    )  # fmt: skip
    assert cause.root == "The queue has no rule by region" and not cause.is_opinion
    (action,) = mine.actions
    assert (action.owner, action.effort, action.expected_to, action.pauses) == ("Cleo", 8, 0.3, "The new scoring model")
    assert (action.due, action.done_on, action.is_done) == (date(2026, 12, 15), date(2026, 12, 18), True)
    assert action.is_reopened and action.checks[0].n == 140
    assert mine.problem.rows == {"where": IsIsNot("US inbound", "EMEA inbound", "one queue")}
    assert board.loose_actions == (action,), "the other author's file isn't there yet"
    assert {fault.rule for fault in board.faults} == {"vote", "comment"}


def test_a_file_from_before_actions_and_votes_had_records_of_their_own_stays_readable(tmp_path):
    put(
        tmp_path,
        "ann-lee",
        'author = "Ann Lee"\n[[cause]]\ntext = "Leads wait"\nstate = "rejected"\nvotes = 3\ncontainment = "Call them"\n'
        'prevention = "Route them"\nowner = "Bob"\ndue = 2026-12-01\nmetric = "sqls"\n[[cause]]\ntext = "No demo"\n',
    )
    board, problems = read_board(tmp_path)
    assert problems == []
    first, second = board.causes
    assert (first.id, second.id) == ("ann-lee-1", "ann-lee-2")
    assert first.cause.state == "dropped" and first.dots == first.n_voters == 3
    assert [(a.kind, a.text, a.owner, a.due, a.kpi) for a in first.actions] == [
        ("contain", "Call them", "Bob", date(2026, 12, 1), "sqls"),
        ("prevent", "Route them", "Bob", date(2026, 12, 1), "sqls"),
    ]


def test_a_record_that_is_not_allowed_is_told_with_its_line_and_its_cure(tmp_path):
    put(
        tmp_path,
        "ana",
        '[[cause]]\ntext = "A"\nm = "metod"\n\n[[cause]]\ntext = "B"\nconfidence = 60\n\n[[cause]]\ntext = "C"\n\n'
        '[[vote]]\ncause = "ana-3"\ndots = 9\n\n[[action]]\ncause = "ana-3"\nstart = 2026-10-02\ndue = 2026-10-01\n',
    )
    board, problems = read_board(tmp_path)
    assert [one.cause.text for one in board.causes] == ["C"] and board.causes[0].id == "ana-3"
    assert [(one["column"], one["row"]) for one in problems] == [
        ("m", 3), ("confidence", 7), ("due", 19), ("dots", 14)
    ]  # fmt: skip
    assert "Did you mean 'method'" in problems[0]["cure"] and "0.6 for 60 %" in problems[1]["cure"]
    assert all(one["file"] == "answers/board/ana.toml" for one in problems)


def test_a_damaged_file_leaves_the_others(tmp_path):
    put(tmp_path, "ana", "[[cause]\n")
    put(tmp_path, "ben", '[[cause]]\ntext = "B"\n')
    board, problems = read_board(tmp_path)
    assert [one.cause.text for one in board.causes] == ["B"]
    assert problems[0]["code"] == "damaged_answers" and problems[0]["file"] == "answers/board/ana.toml"


def test_ids_by_place_never_meet_those_written_down():
    topic = parse_topic("board/ana", b'[[cause]]\nid = "ana-2"\ntext = "A"\n[[cause]]\ntext = "B"\n')
    assert [cause.id for cause in read_author(topic).causes] == ["ana-2", "ana-3"]


def author(id, **parts):
    return AuthorBoard(id, id.title(), **parts)


def moment(minute):
    return datetime(2026, 10, 5, 9, minute)


def test_votes_comments_and_actions_of_several_people_meet_on_the_cause():
    ana = author("ana", causes=(Cause("ana-1", "A", author="Ana"),), votes=(Vote("ana-1", 1, "Ana"),))
    ben = author(
        "ben",
        votes=(Vote("ana-1", 2, "Ben"), Vote("ana-1", 1, "Ben")),
        comments=(CauseComment("ben-comment-1", "ana-1", "late", "Ben", moment(30)),),
        actions=(Action("ben-action-1", "ana-1", author="Ben"),),
    )
    cleo = author("cleo", comments=(CauseComment("cleo-comment-1", "ana-1", "early", "Cleo", moment(10)),))
    board = merge_boards([cleo, ben, ana])
    (one,) = board.causes
    assert [(vote.author, vote.dots) for vote in one.votes] == [("Ana", 1), ("Ben", 3)]
    assert (one.dots, one.n_voters) == (4, 2)
    assert [comment.text for comment in one.comments] == ["early", "late"]
    assert [action.id for action in one.actions] == ["ben-action-1"] and board.faults == ()
    assert board == merge_boards([ana, ben, cleo])
    assert board.count_dots("Ben") == 3


def test_the_last_decision_holds_whoever_noted_it():
    ana = author("ana", causes=(Cause("ana-1", "A", state="kept", decided_at=moment(10), author="Ana"),))
    early = author("ben", decisions=(Decision("ana-1", "dropped", "", "Ben", moment(5)),))
    late = author("ben", decisions=(Decision("ana-1", "dropped", "rejected", "Ben", moment(15)),))
    assert merge_boards([ana, early]).causes[0].cause.state == "kept"
    decided = merge_boards([ana, late]).causes[0]
    assert (decided.cause.state, decided.cause.verdict, decided.decided_by) == ("dropped", "rejected", "Ben")


def test_an_id_that_stands_twice_is_told_and_both_causes_are_shown():
    board = merge_boards(
        [author("ana", causes=(Cause("x", "A"),)), author("ben", causes=(Cause("x", "B"),), votes=(Vote("x", 1, "B"),))]
    )
    assert [(one.id, one.cause.text, one.dots) for one in board.causes] == [("x", "A", 1), ("ben:x", "B", 0)]
    (fault,) = board.faults
    assert fault.rule == "id" and "'x'" in fault.what and "ben" in fault.cure


def test_dots_on_dropped_causes_are_free_again():
    ana = author("ana", causes=(Cause("ana-1", "A"), Cause("ana-2", "B")), votes=(Vote("ana-1", 3, "Ana"),))
    assert merge_boards([ana]).count_dots("ana") == 3
    dropped = replace(ana, causes=(replace(ana.causes[0], state="dropped"), ana.causes[1]))
    assert merge_boards([dropped]).count_dots("Ana") == 0


def test_under_pseudonyms_no_name_is_left_and_everything_still_hangs_together(tmp_path):
    put(tmp_path, "ana-okafor", WHOLE.replace("Seen in May too", "Ben Ito saw it, ask Cleo"))
    put(
        tmp_path,
        "ben-ito",
        'author = "Ben Ito"\n[[cause]]\ntext = "Ana Okafor was away"\n'
        'evidence = ["root_cause:won:rate:owner=Dan Poe"]\n',
    )
    shown, hidden = read_answers(tmp_path).board, read_answers(tmp_path, people="hidden").board
    for name in ("Ana Okafor", "ana-okafor", "Ben Ito", "ben-ito", "Cleo", "Dan Poe"):
        assert name in str(shown) and name not in str(hidden)

    def count(board):
        return sorted((len(one.votes), len(one.comments), len(one.actions), one.dots) for one in board.causes)

    assert count(shown) == count(hidden) == [(0, 0, 0, 0), (1, 1, 1, 2)]
    assert hidden.faults == ()
