"""Hidden people: whoever typed or decided something bears the same pseudonym everywhere, and no name is left."""

from functools import partial

from helpers.answers.discovery import read_discovery
from helpers.answers.discovery_editing import DiscoveryEditor
from helpers.answers.files import ABSENT
from helpers.answers.pseudonyms import find_hiding
from helpers.answers.store import read_answers
from helpers.answers.survey import write_round

SURVEY = '[respondent]\nname = "Ann Lee"\nrole = "VP Sales"\nteam = "sales"\n'
DISCOVERY = """
[[judgement]]
dimension = "source"
object = "contact"
light = "available"
by = "Ann Lee"

[[judgement]]
dimension = "owner"
object = "deal"
light = "available"
by = "Bob Ray"

[[activation]]
kpi = "win_rate"
dimension = "source"
owner = "Bob Ray"
"""
BOARD = 'author = "Ann Lee"\n\n[[cause]]\ntext = "Leads wait"\nm = "method"\nowner = "Bob Ray"\n'


def write(folder):
    for name, text in {"survey/ann-lee": SURVEY, "discovery": DISCOVERY, "board/ann-lee": BOARD}.items():
        path = folder / "answers" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_no_name_of_anybody_is_left(tmp_path):
    write(tmp_path)
    shown, hidden = read_answers(tmp_path), read_answers(tmp_path, people="hidden")
    assert "Ann Lee" in str(shown) and "Bob Ray" in str(shown)
    for name in ("Ann Lee", "ann-lee", "Bob Ray"):
        assert name not in str(hidden)
    assert len(hidden.discovery.judgements) == 2 and len(hidden.board.causes) == 1


def test_one_person_has_one_pseudonym(tmp_path):
    write(tmp_path)
    hidden = read_answers(tmp_path, people="hidden")
    (respondent,) = hidden.survey.values()
    ann, bob = (judgement.by for judgement in hidden.discovery.judgements)
    (cause,) = hidden.board.causes
    assert ann == respondent.name
    assert bob == hidden.discovery.activations[0].owner == cause.actions[0].owner
    assert hidden.discovery == read_answers(tmp_path, people="hidden").discovery


def test_while_names_are_hidden_the_matrix_shows_pseudonyms_and_the_file_keeps_the_names(tmp_path):
    write(tmp_path)
    hiding = partial(find_hiding, tmp_path, always=True)
    editor = DiscoveryEditor(tmp_path, by="Cleo", quarter="Q3 2026", find_hiding=hiding)
    assert editor.answers == read_answers(tmp_path, people="hidden").discovery
    assert "Ann Lee" not in str(editor.answers) and "Bob Ray" not in str(editor.answers)
    shown = editor.answers.activations[0].owner
    editor.plan("win_rate", "source", effort="small", owner=shown)
    assert read_discovery(tmp_path)[0].activations[0].owner == "Bob Ray"
    assert editor.answers.activations[0].owner == shown
    editor.plan("win_rate", "source", effort="small", owner="Dev")
    assert read_discovery(tmp_path)[0].activations[0].owner == "Dev"


def test_a_clash_names_nobody_while_names_are_hidden(tmp_path):
    write(tmp_path)
    hiding = partial(find_hiding, tmp_path, always=True)
    editor = DiscoveryEditor(tmp_path, by="Cleo", quarter="Q3 2026", find_hiding=hiding)
    cell = {"dimension": "region", "object": "deal"}
    DiscoveryEditor(tmp_path, by="Ann Lee", quarter="Q3 2026").judge(**cell, light="available")
    told = editor.judge(**cell, light="unavailable").message
    assert "Ann Lee" not in told and "Respondent " in told


def test_names_are_hidden_as_soon_as_the_round_hides_them(tmp_path):
    write(tmp_path)
    assert find_hiding(tmp_path)("Ann Lee") == "Ann Lee"
    write_round(tmp_path, is_closed=True, based_on=ABSENT, hides_names=True)
    (respondent,) = read_answers(tmp_path).survey.values()
    assert find_hiding(tmp_path)("Ann Lee") == respondent.name
