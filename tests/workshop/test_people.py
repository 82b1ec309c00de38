"""Who takes part: inviting, withdrawing and how far everybody is, as the facilitator's page shows it."""

import re

import pytest
from ipywidgets import HTML

from helpers.answers.invitations import invite, read_invitations, withdraw_invitation
from helpers.model.survey import load_survey
from helpers.workshop.page_script import PageScript
from helpers.workshop.people import PeoplePart
from helpers.workshop.people_progress import PeopleProgress
from tests.workshop.conftest import make_folder

ROOT = "http://127.0.0.1:9"
SURVEY = load_survey()
REQUIRED = {
    "overview": """
company_name = "Quiet Rivers"
active_customers = 12
primary_motion = "sales_led"
revenue_goal = 100000
on_track = "yes"
top_priorities = ["Grow"]
""",
    "product": '[[product.products]]\nname = "Planner"\n',
    "icp": '[[icp.business_fit]]\nattribute = "Region"\ngood_fit = ["US"]\n',
    "kpis": 'north_star_metric = "ARR"\n[[kpis.primary_kpis]]\nkpi = "Leads"\n',
}
"""Every question that has to be answered, and no other."""


def write_answers(folder, name, **tabs):
    """Write a person's file by hand, as its documentation says."""
    parts = [f'[respondent]\nname = "{name}"\nteam = "sales"\n']
    parts += [text if text.startswith("[") else f"[{tab}]\n{text}" for tab, text in tabs.items()]
    path = folder / "answers" / "survey" / f"{name.lower().replace(' ', '-')}.toml"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    return make_folder(tmp_path / "company")


@pytest.fixture
def part(folder):
    return open_part(folder)


def open_part(folder, *, is_shared=True):
    guide = PageScript()
    part = PeoplePart(folder, SURVEY, PeopleProgress(folder, SURVEY), root=ROOT, is_shared=is_shared, guide=guide)
    part.guide = guide
    part.open()
    return part


def submit(part, **values):
    """Press Invite as the browser does: with what stands in the fields."""
    part.guide._handle_custom_msg({"kind": "submit", "values": values}, [])


def read(widget):
    """Read what a widget and all inside it say, without markup."""
    own = re.sub(r"<[^>]+>", " ", widget.value) if isinstance(widget, HTML) else ""
    own += getattr(widget, "description", "") if not isinstance(widget, HTML) else ""
    return " ".join([own, *(read(child) for child in getattr(widget, "children", ()))])


def rows(part):
    """Return one row per person, without the head."""
    return list(part._list.children[1:])


def names(part):
    return [re.search(r"<b>(.*?)</b>", row.children[0].value).group(1) for row in rows(part)]


def links(part):
    return {name: part._rows[name].link.value for name in part._rows}


def test_a_folder_without_people_says_what_to_do_first(part):
    assert part._list.children == ()
    assert "Nobody is invited yet" in read(part.widget)


def test_an_invited_person_stands_in_the_list_with_the_link_from_the_file(part, folder):
    part.team.value = "sales"
    submit(part, name=" Ben Ito ", role=" Account executive ")
    (kept,) = read_invitations(folder)
    assert (kept.name, kept.role, kept.team, kept.kind) == ("Ben Ito", "Account executive", "sales", "respondent")
    assert links(part) == {"Ben Ito": f"{ROOT}/?token={kept.token}"}
    said = read(rows(part)[0])
    assert "Account executive · Sales" in said and "Hasn't begun" in said.replace("&#x27;", "'")
    assert (part.name.value, part.role.value, part.team.value, part.fault.value) == ("", "", "", "")


def test_people_stand_by_name_whatever_their_capitals(part):
    for name in ("cleo park", "Ben Ito", "Ana Okafor"):
        submit(part, name=name)
    assert names(part) == ["Ana Okafor", "Ben Ito", "cleo park"]
    assert "0 of 3 people done" in read(part._tally)


def test_nobody_needs_a_role_or_a_team(part, folder):
    submit(part, name="Ana Okafor")
    assert read_invitations(folder)[0].role == read_invitations(folder)[0].team == ""
    assert rows(part)[0].children[0].value == "<b>Ana Okafor</b>"


@pytest.mark.parametrize("again", ["Ana Okafor", "ANA okafor", "  Ana   Okafor "], ids=["same", "capitals", "blanks"])
def test_who_is_invited_already_keeps_the_link_and_the_team(part, folder, again):
    invite(folder, "Ana Okafor", team="marketing")
    before = read_invitations(folder)
    part.team.value = "sales"
    submit(part, name=again)
    assert "is invited already" in part.fault.value and 'role="alert"' in part.fault.value
    assert read_invitations(folder) == before


def test_a_respondent_may_be_called_as_the_facilitator_is(part, folder):
    invite(folder, "Facilitator", kind="facilitator")
    submit(part, name="Facilitator")
    assert part.fault.value == "" and names(part) == ["Facilitator"]
    assert sorted(one.kind for one in read_invitations(folder)) == ["facilitator", "respondent"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "Write a name first"),
        ("   ", "Write a name first"),
        ("x" * 300, "at most 120 are allowed"),
        ("...", "has no letter"),
        ("Ana\u202eOkafor", "can&#x27;t be seen"),
        ("Ana\x00Okafor", "can&#x27;t be seen"),
    ],
    ids=["empty", "blanks", "300-characters", "dots", "right-to-left-override", "nul"],
)
def test_what_is_no_name_is_refused_in_words_and_invites_nobody(part, folder, name, told):
    submit(part, name=name)
    assert told in part.fault.value
    assert read_invitations(folder) == [] and rows(part) == []


def test_a_role_of_300_characters_is_refused_as_a_role(part, folder):
    submit(part, name="Ana Okafor", role="r" * 300)
    assert "[role] the role has 300 characters" in part.fault.value
    assert read_invitations(folder) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\windows\\x", "answers/survey/round", "con"])
def test_a_name_like_a_path_is_a_name_and_leaves_nothing_outside_the_folder(tmp_path, name):
    folder = make_folder(tmp_path / "in" / "company")
    part = open_part(folder)
    submit(part, name=name)
    assert part.fault.value == "" and [one.name for one in read_invitations(folder)] == [name]
    assert "Hasn" in read(rows(part)[0]), "a name is never read as the place of a file"
    kept = {path.name for path in (tmp_path / "in").rglob("*") if path.is_file()}
    assert kept <= {"company.toml", ".invitations.toml", "lock"} and [p.name for p in tmp_path.iterdir()] == ["in"]


def test_a_name_with_markup_is_shown_as_typed(part):
    submit(part, name="<img src=x onerror=alert(1)>", role="<b>Boss</b>")
    shown = rows(part)[0].children[0].value
    assert "<img" not in shown and "<b>Boss" not in shown and "&lt;img src=x" in shown


def test_a_fault_goes_with_the_next_good_name(part):
    submit(part, name="")
    assert part.fault.value
    submit(part, name="Ana Okafor")
    assert part.fault.value == ""


def test_a_link_is_withdrawn_at_the_second_press_and_the_answers_stay(part, folder):
    submit(part, name="Ana Okafor")
    path = write_answers(folder, "Ana Okafor", overview="employees = 5")
    part.look()
    row = part._rows["Ana Okafor"]
    row.withdraw.click()
    assert row.withdraw.description == "Sure?" and len(read_invitations(folder)) == 1
    row.withdraw.click()
    assert read_invitations(folder) == [] and path.exists()
    assert names(part) == ["Ana Okafor"], "answers on file keep somebody in the list"
    assert "No link" in read(rows(part)[0]) and links(part) == {"Ana Okafor": ""}


def test_who_is_withdrawn_without_answers_leaves_the_list(part, folder):
    submit(part, name="Ana Okafor")
    withdraw_invitation(folder, "Ana Okafor")
    part.look()
    assert part._list.children == () and part._rows == {}


def test_a_link_made_anew_elsewhere_replaces_the_dead_one(part, folder):
    submit(part, name="Ana Okafor")
    dead = links(part)["Ana Okafor"]
    withdraw_invitation(folder, "Ana Okafor")
    alive = invite(folder, "Ana Okafor").token
    part.look()
    assert links(part)["Ana Okafor"] == f"{ROOT}/?token={alive}" != dead


def test_a_damaged_list_of_invitations_is_told_keeps_the_list_and_heals(part, folder):
    submit(part, name="Ana Okafor")
    file = folder / "answers" / ".invitations.toml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good + "oops = =\n", encoding="utf-8")
    part.look()
    assert ".invitations.toml" in part.fault.value and names(part) == ["Ana Okafor"]
    submit(part, name="Ben Ito")
    part._rows["Ana Okafor"].withdraw.click()
    part._rows["Ana Okafor"].withdraw.click()
    assert ".invitations.toml" in part.fault.value and file.read_text(encoding="utf-8") == good + "oops = =\n"
    file.write_text(good, encoding="utf-8")
    part.look()
    assert part.fault.value == "" and names(part) == ["Ana Okafor"]


def test_looking_again_without_a_change_sends_the_browser_nothing(part):
    submit(part, name="Ana Okafor")
    before = part._list.children
    sent = []
    for widget in (part._list, part._tally, *rows(part)[0].children):
        widget.observe(sent.append)
    part.look()
    assert part._list.children is before and sent == []


def test_only_this_computer_s_links_say_so(folder):
    assert "Only this computer" in read(open_part(folder, is_shared=False).widget)
    assert "Only this computer" not in read(open_part(folder).widget)


def test_counts_and_state_come_from_the_answers_on_file(part, folder):
    submit(part, name="Ana Okafor")
    submit(part, name="Ben Ito")
    write_answers(folder, "Ana Okafor", **REQUIRED)
    write_answers(folder, "Ben Ito", overview="employees = 5\nfounded = 2015")
    part.look()
    ana, ben = (read(row) for row in rows(part))
    assert "Done" in ana and "6 of 14" in ana and "1 of 1" in ana and "2 of 8" in ana
    assert "10 required answers to come" in ben and "2 of 14" in ben
    assert "1 of 2 people done" in read(part._tally)


def test_a_damaged_file_is_told_in_its_row_and_leaves_the_others_alone(part, folder):
    for name in ("Ana Okafor", "Ben Ito"):
        submit(part, name=name)
        write_answers(folder, name, **REQUIRED)
    (folder / "answers" / "survey" / "ben-ito.toml").write_text("[overview]\nemployees = = 5\n", encoding="utf-8")
    part.look()
    ana, ben = rows(part)
    assert "Done" in read(ana) and "needs mending" not in read(ana)
    assert "The file needs mending" in read(ben)
    problem = re.search(r'title="([^"]*)"', ben.children[2].value).group(1)
    assert "ben-ito.toml" in problem and "2" in problem
    assert "1 of 2 people done" in read(part._tally)


def test_nothing_that_somebody_answered_stands_on_the_page(part, folder):
    submit(part, name="Ana Okafor")
    write_answers(folder, "Ana Okafor", overview='company_name = "Zebra Crossing"\nactive_customers = 31337')
    part.look()
    said = read(part.widget)
    assert "Zebra" not in said and "31337" not in said and "31,337" not in said
