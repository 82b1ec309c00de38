"""Pages that look for changes: what goes wrong is said once, in words, and goes away by itself."""

import asyncio
import logging

import pytest

from helpers.answers.invitations import invite
from helpers.errors import AnswersError
from helpers.workshop import page_shell
from helpers.workshop.page_shell import Entry, Failed, PageShell, keep_looking
from helpers.workshop.respondent import RespondentPage
from helpers.workshop.reviews import Reviews

DAMAGED = "[answers/.invitations.toml, row 2] this is no TOML: '='. Mend it."


def look_through(outcomes, monkeypatch):
    """Look once per outcome, an error or None; returns what a page was told."""
    told, left = [], list(outcomes)
    monkeypatch.setattr(page_shell, "LOOK", 0.0)

    async def run():
        done = asyncio.Event()

        def look():
            outcome = left.pop(0) if left else None
            if not left:
                done.set()
            if outcome:
                raise outcome

        keep_looking(look, told.append)
        await asyncio.wait_for(done.wait(), 10)
        await asyncio.sleep(0)

    asyncio.run(run())
    return told


def test_what_is_wrong_with_a_file_is_logged_once_and_without_a_traceback(monkeypatch, caplog):
    errors = [AnswersError(DAMAGED) for _ in range(5)]
    with caplog.at_level(logging.ERROR, logger="helpers.workshop"):
        told = look_through([*errors, None], monkeypatch)
    [record] = caplog.records
    assert DAMAGED in record.getMessage() and record.exc_info is None
    assert [str(error) if error else None for error in told] == [DAMAGED, None]


def test_what_nobody_foresaw_is_logged_with_where_it_happened_and_each_other_error_too(monkeypatch, caplog):
    errors = [ValueError("one"), ValueError("one"), ValueError("two"), ValueError("two")]
    with caplog.at_level(logging.ERROR, logger="helpers.workshop"):
        look_through(errors, monkeypatch)
    assert [record.exc_info[1].args for record in caplog.records] == [("one",), ("two",)]


def test_a_page_says_what_cannot_be_read_until_it_can():
    shell = PageShell(title="Brightwater", who="Ana", entries=[])
    shell.show_trouble(AnswersError(DAMAGED))
    [message] = shell._trouble.children
    assert "answers/.invitations.toml" in message.value and "Mend it." in message.value
    shell.show_trouble(None)
    assert shell._trouble.children == ()


def test_who_is_in_goes_on_while_the_invitations_are_damaged(tmp_path):
    (tmp_path / "company.toml").write_text('name = "Brightwater"\ncurrency = "EUR"\n', encoding="utf-8")
    guest = invite(tmp_path, "Ana Okafor")
    (tmp_path / "answers" / ".invitations.toml").write_text("=", encoding="utf-8")
    page = RespondentPage(Reviews(tmp_path), guest, company="Brightwater", currency="EUR")
    assert [entry.id for entry in page.shell.entries] == ["survey"]
    with pytest.raises(AnswersError, match="invitations"):
        page.look()
    assert page.widget.children == (page.shell.widget,)


def open_shell():
    shell = PageShell(title="Brightwater", who="Ana", entries=[])
    shell.offer([Entry(id, id, lambda: Failed(AnswersError(DAMAGED))) for id in ("people", "round", "profile")])
    return shell


def return_to(shell, part):
    shell.guide._handle_custom_msg({"kind": "return", "part": part}, [])


def test_a_page_loaded_again_shows_the_part_that_was_open_and_takes_nobody_anywhere():
    shell = open_shell()
    return_to(shell, "profile")
    assert shell.current == shell.guide.part == "profile" and shell.guide.moves == 0
    assert "is-current" in shell._buttons["profile"]._dom_classes


def test_who_has_opened_a_part_meanwhile_stays_there():
    shell = open_shell()
    shell.open("round")
    return_to(shell, "profile")
    assert shell.current == shell.guide.part == "round" and shell.guide.moves == 1


@pytest.mark.parametrize("part", ["results", "", None, 3])
def test_a_part_that_is_not_offered_is_passed_over(part):
    shell = open_shell()
    return_to(shell, part)
    assert shell.current == "people"
