"""Everything people typed about one company, read at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.answers.board import read_board
from helpers.answers.board_hiding import hide_board
from helpers.answers.cascade import read_cascade
from helpers.answers.cascade_comments import read_comments
from helpers.answers.cascade_hiding import hide_cascade
from helpers.answers.discovery import DiscoveryAnswers, read_discovery
from helpers.answers.goal_scenarios import list_scenarios
from helpers.answers.goals import build_goals, read_goals
from helpers.answers.plan_of_record import PlanOfRecord, read_plan_of_record
from helpers.answers.pseudonyms import choose_pseudonyms, hide_deciders
from helpers.answers.source_forecasts import hide_source_forecasts, read_source_forecasts
from helpers.answers.survey import Response, Round, hide_people, read_responses, read_round
from helpers.model.board import Board
from helpers.model.cascade import Cascade, Comment
from helpers.model.source_forecast import SourceForecasts
from helpers.model.survey import Survey, load_survey

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Answers:
    """What people typed about one company.

    Attributes:
        survey: Respondent's id → answers.
        round: Whether the survey's round is closed; until then nobody sees anybody's answers.
        discovery: What was decided in the KPI discovery matrix.
        goals: Goals typed, with the columns of ``goal_matrix.csv``.
        plan: The plan of record; None where none was adopted.
        board: The 5M board: what everybody wrote, merged.
        cascade: Goals, tactics, people and their targets, linked from the top down.
        comments: What people said about them, oldest first.
        problems: One record per problem found in the files, under the columns of ``issues.csv``.
        hides_names: Whether people stand under pseudonyms in all of it.
        source_forecasts: What the owners of sources expect, and what was agreed about shortfalls.
        hides_people: Whether they do because nobody is to be named at all, in the cascade neither.
    """

    survey: Mapping[str, Response] = field(default_factory=dict)
    round: Round = field(default_factory=Round)
    discovery: DiscoveryAnswers = field(default_factory=DiscoveryAnswers)
    goals: "pd.DataFrame" = field(default_factory=lambda: build_goals([]))
    plan: PlanOfRecord | None = None
    board: Board = field(default_factory=Board)
    cascade: Cascade = field(default_factory=Cascade)
    comments: tuple[Comment, ...] = ()
    problems: tuple[Mapping[str, Any], ...] = ()
    hides_names: bool = False
    source_forecasts: SourceForecasts = field(default_factory=SourceForecasts)
    hides_people: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nobody has typed anything yet."""
        decided = self.discovery.judgements or self.discovery.copies or self.discovery.activations
        typed = len(self.goals) or not self.cascade.is_empty
        return not (self.survey or decided or typed) and self.board.is_empty and self.source_forecasts.is_empty

    @property
    def saved_on(self) -> date | None:
        """The last day on which somebody saved an answer; None where no file says one."""
        return max((one.saved_on for one in self.survey.values() if one.saved_on), default=None)

    @property
    def visible_survey(self) -> Mapping[str, Response]:
        """The answers that may be shown: all of them once the round is closed, none before."""
        return self.survey if self.round.is_closed else {}


def read_answers(folder: Path, *, survey: Survey | None = None, people: str = "shown") -> Answers:
    """Read everything people typed about a company.

    Args:
        folder: The company's folder; it may have no ``answers/``.
        survey: The survey's definition; the shipped one where None.
        people: ``hidden`` replaces respondents, deciders and authors by stable pseudonyms; so does a round whose
            facilitator hides names.

    Returns:
        The answers; what is damaged or not allowed is left out and told in ``problems``, and no file is changed.
    """
    folder = Path(folder)
    responses, problems = read_responses(folder, survey or load_survey())
    state, of_round = read_round(folder)
    discovery, of_discovery = read_discovery(folder)
    goals, of_goals = read_goals(folder)
    plan = read_plan_of_record(folder)
    board, of_board = read_board(folder)
    cascade, of_cascade = read_cascade(folder)
    comments, of_comments = read_comments(folder)
    forecasts, of_forecasts = read_source_forecasts(folder)
    hides_names = people == "hidden" or state.hides_names
    if hides_names:
        hide = choose_pseudonyms(responses, salt=folder.name)
        discovery, board = hide_deciders(discovery, hide), hide_board(board, hide)
        forecasts = hide_source_forecasts(forecasts, hide)
        responses = hide_people(responses)
        plan = replace(plan, author="") if plan else None
    if people == "hidden":
        cascade, comments = hide_cascade(cascade, comments, salt=folder.name)
    of_plans = [one for scenario in list_scenarios(folder) for one in scenario.problems]
    of_plans += plan.problems if plan else ()
    found = [*problems, *of_round, *of_discovery, *of_goals, *of_plans, *of_board, *of_cascade, *of_comments]
    found += of_forecasts
    if not state.is_closed:
        found = [{**problem, "value": ""} if problem["code"] == "answer_not_allowed" else problem for problem in found]
    typed = (responses, state, discovery, goals, plan, board, cascade, comments)
    return Answers(*typed, tuple(found), hides_names, forecasts, people == "hidden")
