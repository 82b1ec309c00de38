"""Surveys made for tests: a large one, and a small one with every type of field."""

from datetime import UTC, datetime, timedelta

from helpers.model.survey import Survey, SurveyField, SurveyGroup, SurveyTab, load_survey

RESPONDENT = load_survey().respondent


def make_survey(*fields, tab="overview"):
    """Make a survey of one tab with these fields."""
    group = SurveyGroup("group", "Group", "", tuple(fields))
    return Survey("Survey", "", {tab: SurveyTab(tab, tab.title(), "", 1, True, (group,))}, RESPONDENT, {})


def make_big_survey():
    """Make a survey with a grid of 60 rows × 8 columns and 200 further fields of five types."""
    kinds = ("text", "text", "choice", "choice", "currency", "choice", "number", "text")
    columns = tuple(
        SurveyField(
            id=f"c{i}", label=f"Column {i}", type=kind, choices={"a": "A", "b": "B"} if kind == "choice" else {}
        )
        for i, kind in enumerate(kinds)
    )
    grid = SurveyField(id="products", label="Products", type="grid", columns=columns, maximum_rows=60)
    types = ("text", "number", "choice", "long_text", "ranked")
    questions = tuple(
        SurveyField(
            id=f"q{i}",
            label=f"Question {i}",
            type=types[i % 5],
            choices={"a": "A", "b": "B"} if types[i % 5] == "choice" else {},
        )
        for i in range(200)
    )
    return make_survey(grid, *questions)


def fill_big_survey(editor):
    """Answer everything; return the grid's rows as typed."""
    texts = {"text": "Route Planner, the large one", "choice": "a", "currency": "25,000", "number": "60"}
    columns = editor._survey.field("products").columns
    rows = [{c.id: f"Product {number}" if c.id == "c0" else texts[c.type] for c in columns} for number in range(60)]
    editor.change("products", rows)
    answers = ("an answer of some words", "12,000", "a", "long text " * 20, ["one", "two", "three"])
    for number in range(200):
        editor.change(f"q{number}", answers[number % 5])
    return rows


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, start=datetime(2026, 9, 30, 9, 0, tzinfo=UTC)):
        self.now = start

    def __call__(self):
        return self.now

    def move(self, **time):
        self.now += timedelta(**time)
