"""Hidden people: whoever typed or decided something bears the same pseudonym everywhere, and no name is left."""

from helpers.answers.store import read_answers

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
    assert len(hidden.discovery.judgements) == 2 and len(hidden.board) == 1


def test_one_person_has_one_pseudonym(tmp_path):
    write(tmp_path)
    hidden = read_answers(tmp_path, people="hidden")
    (respondent,) = hidden.survey.values()
    ann, bob = (judgement.by for judgement in hidden.discovery.judgements)
    (causes,) = hidden.board.values()
    assert ann == respondent.name
    assert bob == hidden.discovery.activations[0].owner == causes[0].owner
    assert hidden.discovery == read_answers(tmp_path, people="hidden").discovery
