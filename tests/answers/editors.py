"""One person's editor, and the file that it writes, for tests."""

from helpers.answers.editing import ResponseEditor
from helpers.answers.survey import read_responses
from helpers.model.survey import load_survey
from tests.answers.big_survey import Clock

SURVEY = load_survey()


def open_editor(folder, name="Ana Okafor", survey=SURVEY, **kwargs):
    return ResponseEditor(folder, survey, name=name, team="marketing", clock=kwargs.pop("clock", Clock()), **kwargs)


def path_of(folder, name="ana-okafor"):
    return folder / "answers" / "survey" / f"{name}.toml"


def put(folder, text, name="ana-okafor"):
    path = path_of(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def answers_of(folder, id="ana-okafor", survey=SURVEY):
    return dict(read_responses(folder, survey)[0][id].values)
