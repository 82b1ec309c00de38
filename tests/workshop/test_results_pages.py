"""What the pages show: results only once the round is closed, anew when something changed, faults in words."""

import asyncio
import re

import pytest
from ipywidgets import HTML, Label

from helpers.answers.invitations import invite, withdraw_invitation
from helpers.errors import DiagnosticError
from helpers.present.display import Display, show_message
from helpers.workshop.one_page import FILE, OnePagePart
from helpers.workshop.page_script import PageScript
from helpers.workshop.page_shell import Entry, PageShell
from helpers.workshop.respondent import RespondentPage
from helpers.workshop.results import DiscoveryResults, SurveyResults
from helpers.workshop.reviews import Reviews
from helpers.workshop.views import View
from tests.workshop.conftest import make_folder

ANSWERS = {
    "Ana Okafor": "active_customers = 31337\nprimary_motion = 'sales_led'",
    "Ben Ito": "active_customers = 41414\nprimary_motion = 'marketing_led'",
}
PARTS = ("said", "words", "answers", "gut", "icp", "stages", "next")


def write_answers(folder, name, text):
    path = folder / "answers" / "survey" / f"{name.lower().replace(' ', '-')}.toml"
    path.write_text(f'[respondent]\nname = "{name}"\nteam = "sales"\n\n[overview]\n{text}\n', encoding="utf-8")
    return path


def set_round(folder, text):
    (folder / "answers" / "survey" / "round.toml").write_text(text, encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    """Two people's answers, and nothing of a CRM."""
    folder = make_folder(tmp_path / "company")
    for name, text in ANSWERS.items():
        write_answers(folder, name, text)
    return folder


def read(widget):
    """Read what a widget and all inside it say, without markup."""
    own = re.sub(r"<[^>]+>", " ", widget.value) if isinstance(widget, HTML | Label) else ""
    own += getattr(widget, "description", "") if not isinstance(widget, HTML) else ""
    return " ".join([own, *(read(child) for child in getattr(widget, "children", ()))])


def open_part(reviews, id):
    """Open one part; without a loop it is computed at once."""
    entries = {one.id: one for one in SurveyResults(reviews, currency="EUR").list_entries()}
    part = entries[id].make()
    part.open()
    return part


# ---------------------------------------------------------------- results


@pytest.mark.parametrize("id", PARTS)
def test_an_open_round_shows_nobody_s_answer_in_any_part(folder, id):
    said = read(open_part(Reviews(folder), id).widget)
    assert "still open" in said
    assert not re.search(r"31[.,]?337|41[.,]?414|31\.3|41\.4|Ana|Ben", said)


@pytest.mark.parametrize("id", PARTS)
def test_a_closed_round_without_a_crm_answers_every_part_in_words(folder, id):
    set_round(folder, "closed = true\n")
    said = read(open_part(Reviews(folder), id).widget)
    assert "still open" not in said and "can't be shown" not in said.replace("&#x27;", "'")
    assert "nan" not in said.lower().split() and "None" not in said


def test_every_part_has_a_name_of_its_own_and_stands_under_a_heading(folder):
    reviews = Reviews(folder)
    discovery = DiscoveryResults(reviews, by="Ana Okafor")
    entries = [
        *SurveyResults(reviews, currency="EUR").list_entries(),
        *discovery.list_entries(),
        *discovery.list_further_entries(),
    ]
    assert len({one.id for one in entries}) == len({one.label for one in entries}) == len(entries)
    assert all(one.group for one in entries)


def test_one_damaged_file_leaves_what_the_others_said(folder):
    write_answers(folder, "Cleo Park", "active_customers = = 3")
    set_round(folder, "closed = true\n")
    said = read(open_part(Reviews(folder), "answers").widget)
    assert "31,337" in said and "41,414" in said


def test_closing_the_round_changes_what_an_open_part_shows_at_the_next_look(folder):
    part = open_part(Reviews(folder), "answers")
    assert "31,337" not in read(part.widget)
    set_round(folder, "closed = true\n")
    part.look()
    assert "31,337" in read(part.widget)


def test_opening_the_round_again_takes_the_answers_from_the_page(folder):
    set_round(folder, "closed = true\n")
    part = open_part(Reviews(folder), "answers")
    assert "31,337" in read(part.widget)
    set_round(folder, "closed = false\n")
    part.look()
    assert "31,337" not in read(part.widget)


def test_hidden_names_stand_nowhere(folder):
    set_round(folder, "closed = true\nhides_names = true\n")
    reviews = Reviews(folder)
    assert reviews.hides_names
    for id in PARTS:
        assert "Ana" not in read(open_part(reviews, id).widget)
    assert "31,337" in read(open_part(reviews, "answers").widget)


# ---------------------------------------------------------------- reviews


def test_while_the_round_is_open_only_who_has_answers_counts_as_a_change(folder):
    reviews = Reviews(folder)
    before = reviews.stamp()
    write_answers(folder, "Ana Okafor", "active_customers = 5")
    assert reviews.stamp() == before, "nobody's page may stir when a colleague types"
    write_answers(folder, "Dan Roe", "active_customers = 5")
    assert reviews.stamp() != before, "one more has begun, and the page says how many"


def test_once_it_is_closed_every_saved_answer_counts_as_a_change(folder):
    set_round(folder, "closed = true\n")
    reviews = Reviews(folder)
    before = reviews.stamp()
    write_answers(folder, "Ana Okafor", "active_customers = 5")
    assert reviews.stamp() != before


def test_earlier_versions_and_hidden_files_are_no_change(folder):
    set_round(folder, "closed = true\n")
    reviews = Reviews(folder)
    before = reviews.stamp()
    hidden = folder / "answers" / ".versions" / "survey"
    hidden.mkdir(parents=True)
    (hidden / "x.toml").write_text("a = 1\n", encoding="utf-8")
    (folder / "answers" / "survey" / ".ana.tmp").write_text("a = 1\n", encoding="utf-8")
    assert reviews.stamp() == before


def test_a_file_that_goes_while_it_is_listed_is_left_out(folder, monkeypatch):
    import helpers.workshop.reviews as module

    set_round(folder, "closed = true\n")
    gone = folder / "answers" / "survey" / "gone.toml"
    listed = module.Path.glob
    monkeypatch.setattr(module.Path, "glob", lambda self, pattern: [*listed(self, pattern), self / "gone.toml"])
    assert not gone.exists()
    assert "gone" not in str(Reviews(folder).stamp())


def test_results_are_kept_until_something_changes(folder):
    set_round(folder, "closed = true\n")
    reviews = Reviews(folder)
    first = reviews.review_survey()
    assert reviews.review_survey() is first
    write_answers(folder, "Ana Okafor", "active_customers = 5")
    assert reviews.review_survey() is not first


def test_a_damaged_round_counts_as_open(folder):
    set_round(folder, "closed = true\n")
    reviews = Reviews(folder)
    assert reviews.round.is_closed
    set_round(folder, "closed = tru\n")
    assert not reviews.round.is_closed
    assert "31,337" not in read(open_part(reviews, "answers").widget)


# ---------------------------------------------------------------- views


def message(title):
    return show_message("good", title)


def test_a_view_computes_once_until_its_stamp_differs():
    computed, now = [], [1]
    view = View("T", "", lambda: [computed.append(1) or message("x")], stamp=lambda: now[0])
    view.open()
    view.look()
    view.open()
    assert len(computed) == 1
    now[0] = 2
    view.look()
    assert len(computed) == 2


def test_a_view_that_is_not_live_waits_until_it_is_opened_again():
    now = [1]
    view = View("T", "", lambda: [message(str(now[0]))], stamp=lambda: now[0], is_live=False)
    view.open()
    now[0] = 2
    view.look()
    assert "1" in read(view.widget) and "2" not in read(view.widget)
    view.open()
    assert "2" in read(view.widget)


@pytest.mark.parametrize("where", ["compute", "make"])
def test_a_fault_in_the_data_is_told_with_its_place_and_the_next_try_may_work(where):
    faulty = [True]

    def make():
        if where == "make" and faulty[0]:
            raise DiagnosticError("[deals.csv, row 3] <b>no date</b>")
        return Label(value="whole again")

    def compute():
        if where == "compute" and faulty[0]:
            raise DiagnosticError("[deals.csv, row 3] <b>no date</b>")
        return [make]

    view = View("T", "", compute, stamp=lambda: faulty[0])
    view.open()
    assert "[deals.csv, row 3]" in read(view.widget)
    assert "<b>no date" not in view._body.children[0].value
    faulty[0] = False
    view.look()
    assert "whole again" in read(view.widget) and "deals.csv" not in read(view.widget)


def test_what_nobody_foresaw_is_told_without_a_traceback_and_logged_in_full(caplog):
    def compute():
        raise ZeroDivisionError("secret detail")

    view = View("T", "", compute)
    view.open()
    said = read(view.widget)
    assert "Everything that was saved is still there" in said and "secret detail" not in said
    assert "secret detail" in caplog.text


def test_on_a_page_s_loop_results_are_computed_beside_it_and_never_twice_at_once():
    computed = []

    def compute():
        computed.append(1)
        return [message("there")]

    async def visit():
        view = View("T", "", compute)
        view.open()
        assert view._body.children == (), "the page answers while it is computed"
        view.open()
        await view._task
        return view

    view = asyncio.run(visit())
    assert len(computed) == 1 and "there" in read(view.widget) and view._progress.value == ""


def test_a_picture_stands_as_an_image_with_its_words_and_numbers_escaped():
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    view = View("<i>T</i>", "", lambda: [Display(title='a "quoted" <b>title</b>', text="1 < 2", svg=svg)])
    view.open()
    html = view._body.children[0].value
    assert "<script>" not in html and "1 &lt; 2" in html and "<b>title" not in html
    assert "<i>" not in view.widget.children[0].value


# ---------------------------------------------------------------- the profile


def test_the_profile_can_be_downloaded_once_it_is_there(folder, monkeypatch):
    set_round(folder, "closed = true\n")
    guide, sent = PageScript(), []
    monkeypatch.setattr(guide, "send", lambda content, buffers=None: sent.append((content, buffers)))
    part = OnePagePart(Reviews(folder), guide=guide)
    assert part.download.disabled
    part.download.click()
    assert sent == []
    part.open()
    part.look()
    assert not part.download.disabled
    part.download.click()
    ((content, (page,)),) = sent
    assert content["name"] == FILE and content["kind"] == "download"
    assert page.decode().lstrip().lower().startswith("<!doctype html>") and "31,337" in page.decode()


def test_the_profile_of_an_open_round_holds_nobody_s_answer(folder):
    part = OnePagePart(Reviews(folder), guide=PageScript())
    part.open()
    part.look()
    assert "31,337" not in read(part.widget) and "41,414" not in read(part.widget)


# ---------------------------------------------------------------- the respondent's page


def open_page(folder, name="Ana Okafor"):
    guest = invite(folder, name, team="sales")
    return RespondentPage(Reviews(folder), guest, company="Quiet <Rivers>", currency="EUR")


def labels(page):
    return [entry.label for entry in page.shell.entries]


def test_a_respondent_is_offered_the_own_answers_only_until_the_round_is_closed(folder):
    page = open_page(folder)
    assert labels(page) == ["My answers"]
    assert "41,414" not in read(page.widget) and "41414" not in read(page.widget)
    set_round(folder, "closed = true\n")
    page.look()
    assert labels(page)[0] == "My answers" and {"Gut against CRM", "Discovery matrix"} <= set(labels(page))
    assert page.shell.current == "survey", "nobody is torn out of what they write"
    set_round(folder, "closed = false\n")
    page.look()
    assert labels(page) == ["My answers"]


def test_who_reads_results_when_the_round_is_opened_again_is_led_back_to_the_own_answers(folder):
    set_round(folder, "closed = true\n")
    page = open_page(folder)
    page.shell.open("answers")
    assert "41,414" in read(page.widget)
    set_round(folder, "closed = false\n")
    page.look()
    assert page.shell.current == "survey" and "41,414" not in read(page.widget)


def test_a_withdrawn_link_shows_nothing_any_more(folder):
    set_round(folder, "closed = true\n")
    page = open_page(folder)
    withdraw_invitation(folder, "Ana Okafor")
    page.look()
    said = read(page.widget)
    assert "Your link has been withdrawn" in said and "Everything that you saved is kept" in said
    assert "My answers" not in said and "31,337" not in said


def test_an_own_damaged_file_is_told_on_the_page_and_never_overwritten(folder):
    path = write_answers(folder, "Ana Okafor", "active_customers = = 3")
    before = path.read_bytes()
    page = open_page(folder)
    page.look()
    assert "ana-okafor.toml" in read(page.widget)
    assert path.read_bytes() == before


def test_a_part_that_can_t_be_made_says_so_and_the_others_open(folder):
    def refuse():
        raise DiagnosticError("[company.toml] nothing to read")

    page = PageShell(
        title="<script>",
        who="Ana",
        entries=[
            Entry("bad", "Bad", refuse),
            Entry("good", "Good", lambda: View("Good", "", lambda: [message("fine")])),
        ],
    )
    assert "[company.toml] nothing to read" in read(page.widget) and "<script>" not in page._say_head()
    page.open("good")
    assert "fine" in read(page.widget) and "nothing to read" not in read(page.widget)
