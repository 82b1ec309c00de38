"""The board's page: offered to whoever leads at once, to those invited once the round is closed."""

from helpers.answers.invitations import Invitation, invite, read_invitations
from helpers.answers.survey import read_round, write_round
from helpers.present.forms.cause_board import CauseBoard
from helpers.workshop.board_results import BoardResults
from helpers.workshop.facilitator import FacilitatorPage
from helpers.workshop.respondent import RespondentPage
from helpers.workshop.reviews import Reviews
from tests.workshop.conftest import make_folder


def find_boards(widget):
    own = [widget] if isinstance(widget, CauseBoard) else []
    return own + [one for child in getattr(widget, "children", ()) for one in find_boards(child)]


def close_round(folder):
    write_round(folder, is_closed=True, based_on=read_round(folder)[0].revision, label="Q3 2026")


def labels(page):
    return [entry.label for entry in page.shell.entries]


def test_a_company_without_exports_has_its_board_too(tmp_path, monkeypatch):
    monkeypatch.setenv("REVENUE_ENGINE_APP", "1")
    folder = make_folder(tmp_path / "company")
    close_round(folder)
    part = BoardResults(Reviews(folder), by="Ana Okafor").list_entries()[0].make()
    part.open()
    (board,) = find_boards(part.widget)
    assert board.state["title"] == "Nobody has written down a cause yet"
    assert [bone["label"] for bone in board.state["bones"]] == [
        "People", "Machinery", "Material", "Method", "Measurement"
    ]  # fmt: skip


def test_those_invited_see_it_once_the_round_is_closed(tmp_path):
    folder = make_folder(tmp_path / "company")
    reviews = Reviews(folder)
    leader, guest = Invitation("x", "Cleo", kind="facilitator"), Invitation("y", "Ana Okafor")
    named = {"company": "Quiet", "currency": "EUR"}
    assert "Board" in labels(FacilitatorPage(reviews, leader, **named))
    invite(folder, guest.name)
    guest = next(one for one in read_invitations(folder) if one.name == guest.name)
    page = RespondentPage(reviews, guest, **named)
    assert "Board" not in labels(page)
    close_round(folder)
    page.look()
    assert "Board" in labels(page)
