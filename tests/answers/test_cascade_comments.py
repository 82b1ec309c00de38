"""Comments on a cascade: one file per author, only ever added to, shown as threads."""

import tomllib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from helpers.answers.cascade_comments import add_comment, read_comments, thread_comments
from helpers.answers.store import read_answers
from helpers.errors import AnswersError
from helpers.model.cascade import Comment

START = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)


def say(folder, author, text, minute, **more):
    return add_comment(folder, author, on="webinars", text=text, now=START + timedelta(minutes=minute), **more)


def test_two_people_talk_and_the_thread_says_who_answered_whom(tmp_path):
    first = say(tmp_path, "Ana Okafor", "Can we halve the cost?", 0, kind="question")
    other = say(tmp_path, "Ben Ito", "I'd move it to January", 1)
    answer = say(tmp_path, "Ben Ito", "Yes, without the venue", 2, kind="answer", reply_to=first.id)
    done = say(tmp_path, "Ana Okafor", "Agreed", 3, kind="agreed", reply_to=answer.id)
    comments, problems = read_comments(tmp_path)
    assert problems == []
    assert thread_comments(comments, "webinars") == [(0, first), (1, answer), (2, done), (0, other)]
    assert thread_comments(comments, "another") == []


def test_each_author_has_a_file_that_no_other_touches(tmp_path):
    say(tmp_path, "Ana Okafor", "One", 0)
    path = tmp_path / "answers" / "cascade_comments" / "ana-okafor.toml"
    before = path.read_bytes()
    say(tmp_path, "Ben Ito", "Two", 1)
    assert path.read_bytes() == before
    say(tmp_path, "Ana Okafor", "Three", 2)
    held = tomllib.loads(path.read_text(encoding="utf-8"))
    assert [row["text"] for row in held["comment"]] == ["One", "Three"] and held["author"] == "Ana Okafor"


def test_two_windows_of_one_author_lose_nothing(tmp_path, quick_disk):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: say(tmp_path, "Ana Okafor", f"Comment {number}", number), range(24)))
    comments, _ = read_comments(tmp_path)
    assert sorted(one.text for one in comments) == sorted(f"Comment {number}" for number in range(24))
    assert len({one.id for one in comments}) == 24


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": " "}, "no text"),
        ({"kind": "shout"}, "no kind"),
        ({"text": "a\x00"}, "can't be shown"),
        ({"text": "a" * 5001}, "5,001"),
    ],
    ids=["empty", "kind", "control character", "too long"],
)
def test_what_is_no_comment_is_refused_and_nothing_is_written(tmp_path, changes, said):
    with pytest.raises(AnswersError, match=said):
        add_comment(tmp_path, "Ana Okafor", **{"on": "webinars", "text": "Hello", **changes})
    assert not (tmp_path / "answers").exists()


def test_a_damaged_file_leaves_the_others_and_is_not_written_over(tmp_path):
    say(tmp_path, "Ana Okafor", "One", 0)
    path = tmp_path / "answers" / "cascade_comments" / "ben-ito.toml"
    path.write_text("[[comment\n", encoding="utf-8")
    comments, (problem,) = read_comments(tmp_path)
    assert [one.text for one in comments] == ["One"] and problem["file"] == "answers/cascade_comments/ben-ito.toml"
    with pytest.raises(AnswersError):
        say(tmp_path, "Ben Ito", "Two", 1)
    assert path.read_text(encoding="utf-8") == "[[comment\n"


def test_a_record_that_is_no_comment_is_set_aside_with_its_line(tmp_path):
    path = tmp_path / "answers" / "cascade_comments" / "ana.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        'author = "Ana"\n\n[[comment]]\non = "a"\ntext = "Good"\n\n[[comment]]\non = "a"\nkind = "x"\ntext = "y"\n'
    )
    comments, (problem,) = read_comments(tmp_path)
    assert [one.text for one in comments] == ["Good"]
    assert (problem["row"], problem["column"]) == (9, "kind") and "proposal" in problem["cure"]


def test_replies_in_a_ring_and_long_chains_are_shown_once_each():
    ring = [Comment("a", "A", "x", "answer", "1", None, "b"), Comment("b", "B", "x", "answer", "2", None, "a")]
    assert sorted(one.id for _, one in thread_comments(ring, "x")) == ["a", "b"]
    chain = [Comment(f"{n:05d}", "A", "x", "answer", "t", None, f"{n - 1:05d}") for n in range(3000)]
    assert [depth for depth, _ in thread_comments(chain, "x")] == list(range(3000))


def test_hidden_people_leave_no_trace_of_their_names_but_the_thread_stands(tmp_path):
    path = tmp_path / "answers" / "cascade.toml"
    path.parent.mkdir()
    path.write_text(
        '[[person]]\nid = "ana"\nname = "Ana Okafor"\n\n[[goal]]\nid = "g"\ntitle = "Ana Okafor wins"\nowner = "ana"\n'
    )
    first = add_comment(tmp_path, "Ana Okafor", on="ana", text="One", now=START)
    add_comment(tmp_path, "Ben Ito", on="ana", text="Ask Ana Okafor", now=START, reply_to=first.id)
    answers = read_answers(tmp_path, people="hidden")
    (person,) = answers.cascade.people.values()
    thread = thread_comments(answers.comments, person.id)
    assert [depth for depth, _ in thread] == [0, 1] and thread[0][1].author == person.name
    assert answers.cascade.goals["g"].owner == person.id
    assert "ana" not in repr((answers.cascade, answers.comments)).lower()
