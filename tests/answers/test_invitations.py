"""Links by which people join: one secret per person, kept where only the owner reads it."""

import os
import stat

import pytest

from helpers.answers.files import list_topics
from helpers.answers.invitations import (
    Invitation,
    find_invitation,
    invite,
    read_invitations,
    withdraw_invitation,
)
from helpers.errors import AnswersError


def path_of(folder):
    return folder / "answers" / ".invitations.toml"


def put(folder, text):
    path_of(folder).parent.mkdir(parents=True, exist_ok=True)
    path_of(folder).write_text(text, encoding="utf-8")


def test_who_is_invited_is_found_by_the_link_and_by_nothing_else(tmp_path):
    ana = invite(tmp_path, "Ana Okafor", team="sales", role="CMO")
    ben = invite(tmp_path, "Ben", kind="facilitator")
    assert read_invitations(tmp_path) == [ana, ben]
    assert ana == Invitation(ana.token, "Ana Okafor", "sales", "CMO", "respondent") and ben.kind == "facilitator"
    assert find_invitation(tmp_path, ana.token) == ana and find_invitation(tmp_path, ben.token) == ben
    for wrong in ("", ana.token[:-1], ana.token + "x", ana.token.swapcase(), "é", "\ud800", None, 3, b"x"):
        assert find_invitation(tmp_path, wrong) is None


def test_secrets_are_long_and_never_the_same(tmp_path):
    tokens = {invite(tmp_path, f"Person {number}").token for number in range(40)}
    assert len(tokens) == 40 and min(map(len, tokens)) >= 32


def test_every_secret_is_compared_whole_whatever_is_asked(tmp_path, monkeypatch):
    for number in range(5):
        invite(tmp_path, f"Person {number}")
    asked = []
    monkeypatch.setattr("helpers.answers.invitations.hmac.compare_digest", lambda a, b: asked.append((a, b)) or a == b)
    first = read_invitations(tmp_path)[0]
    assert find_invitation(tmp_path, first.token) == first
    assert len(asked) == 5


def test_who_is_invited_again_keeps_the_link(tmp_path):
    first = invite(tmp_path, "Ana Okafor", team="sales")
    again = invite(tmp_path, " ana  okafor ", role="CMO")
    assert (again.token, again.name, again.team, again.role) == (first.token, "Ana Okafor", "sales", "CMO")
    assert len(read_invitations(tmp_path)) == 1
    assert invite(tmp_path, "Ana Okafor", kind="facilitator").token != first.token


def test_an_invitation_withdrawn_no_longer_lets_anybody_in(tmp_path):
    ana, ben = invite(tmp_path, "Ana"), invite(tmp_path, "Ben")
    assert withdraw_invitation(tmp_path, "ana") and not withdraw_invitation(tmp_path, "Carl")
    assert find_invitation(tmp_path, ana.token) is None and find_invitation(tmp_path, ben.token) == ben
    assert invite(tmp_path, "Ana").token != ana.token


@pytest.mark.skipif(os.name != "posix", reason="other systems keep no such permissions")
def test_nobody_but_the_owner_reads_the_secrets(tmp_path):
    for name in ("Ana", "Ben"):
        invite(tmp_path, name)
        assert stat.S_IMODE(path_of(tmp_path).stat().st_mode) == 0o600


def test_invitations_are_no_answers(tmp_path):
    invite(tmp_path, "Ana")
    assert list_topics(tmp_path) == [] and list_topics(tmp_path, "survey") == []


@pytest.mark.parametrize("other", ["Ana-Okafor", "ana okafor."])
def test_two_people_who_would_share_a_file_are_told(tmp_path, other):
    invite(tmp_path, "Ana Okafor")
    with pytest.raises(AnswersError, match=r"would share a file with 'Ana Okafor'.*middle initial"):
        invite(tmp_path, other)
    assert len(read_invitations(tmp_path)) == 1


DAMAGED = [
    ("[[invitation]]\nname = \n", r"row 2\] this is no TOML"),
    ("invitation = 3\n", "this is no list. Write"),
    ("invitation = [3]\n", r"invitation 1\] this is no invitation"),
    ("[[invitation]]\ntoken = 'long enough to be one'\n", "the name is missing"),
    ("[[invitation]]\nname = 'Ana'\ntoken = 'short'\n", "could be guessed"),
    ("[[invitation]]\nname = 'Ana'\n", "could be guessed"),
    ("[[invitation]]\nname = 3\ntoken = 'long enough to be one'\n", "the name is missing or no text"),
    ("[[invitation]]\nname = 'Ana'\ntoken = 'long enough to be one'\nkind = 'boss'\n", "kind 'boss' is unknown"),
]


@pytest.mark.parametrize(("text", "told"), DAMAGED)
def test_a_damaged_file_lets_nobody_in_and_is_never_overwritten(tmp_path, text, told):
    put(tmp_path, text)
    for call in (
        lambda: read_invitations(tmp_path),
        lambda: find_invitation(tmp_path, "long enough to be one"),
        lambda: invite(tmp_path, "Ben"),
        lambda: withdraw_invitation(tmp_path, "Ana"),
    ):
        with pytest.raises(AnswersError, match=told):
            call()
    assert path_of(tmp_path).read_text(encoding="utf-8") == text


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(AnswersError, match="Did you mean 'facilitator'"):
        invite(tmp_path, "Ana", kind="facilitater")


def test_a_full_disk_is_told_and_who_was_invited_still_is(tmp_path, monkeypatch):
    ana = invite(tmp_path, "Ana")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("helpers.answers.invitations.write_bytes", full)
    with pytest.raises(AnswersError, match=r"Make room on the disk.*still is"):
        invite(tmp_path, "Ben")
    assert read_invitations(tmp_path) == [ana]
