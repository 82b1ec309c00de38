"""What the pages show of answers and CRM: computed when somebody looks, kept until an answer changes."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from helpers.answers.store import read_answers
from helpers.answers.survey import Round, read_round
from helpers.model.survey import Survey, load_survey
from helpers.periods import period_of

if TYPE_CHECKING:
    from helpers.analyses.discovery_review import DiscoveryReview
    from helpers.analyses.goal_review import GoalReview
    from helpers.analyses.profile import Profile
    from helpers.analyses.survey_review import SurveyReview
    from helpers.workbook import Workbook

Result = TypeVar("Result")

SURVEY = "survey"


@dataclass
class Reviews:
    """One company's answers and CRM, read anew only when they change; may be asked from several threads.

    Attributes:
        folder: The company's folder.
        survey: The survey's definition.
    """

    folder: Path
    survey: Survey = field(default_factory=load_survey)
    _kept: dict[str, tuple[Hashable, Any]] = field(default_factory=dict)
    _guard: RLock = field(default_factory=RLock)

    @property
    def round(self) -> Round:
        """How far the round is, as the file says now."""
        return read_round(self.folder)[0]

    @property
    def hides_names(self) -> bool:
        """Whether people stand under pseudonyms in what the group sees."""
        return bool(getattr(self.round, "hides_names", False))

    @property
    def quarter(self) -> str:
        """The quarter in which is decided, such as ``Q3 2026``."""
        book = self.open_book()
        return period_of(book.as_of, "quarter", book.company.fiscal_year_start).label

    def stamp(self) -> Hashable:
        """Return what differs as soon as anybody has saved what may be seen, or new exports are there.

        While the round is open nobody's answers may be seen, so only who has any counts.
        """
        answers = _stamp(self.folder / "answers")
        if not self.round.is_closed:
            answers = tuple(one if one[0][0] != SURVEY else one[0] for one in answers)
        return self.stamp_exports(), self.round, answers

    def open_book(self) -> "Workbook":
        """Return the company with its exports and everybody's answers as they are now."""
        with self._guard:
            book = self._keep("exports", self.stamp_exports(), self._open_exports)
            return self._keep("book", self.stamp(), lambda: self._read(book))

    def review_survey(self) -> "SurveyReview":
        """Return what people said beside each other and beside the CRM; empty while the round is open."""
        from helpers.analyses.survey_review import review_survey

        with self._guard:
            stamp, book = self.stamp(), self.open_book()
            return self._keep("survey", stamp, lambda: review_survey(book.company, self.survey, as_of=book.as_of))

    def review_discovery(self) -> "DiscoveryReview":
        """Return which KPIs can be told, cut by what, and what to activate next."""
        from helpers.analyses.discovery_review import review_discovery
        from helpers.model.survey import load_discovery_rules

        with self._guard:
            stamp, book, rules = self.stamp(), self.open_book(), load_discovery_rules()
            return self._keep("discovery", stamp, lambda: review_discovery(book.company, rules, as_of=book.as_of))

    def review_goals(self) -> "GoalReview":
        """Return the goals that hold now, solved and judged."""
        from helpers.analyses.goal_review import review_goals

        with self._guard:
            stamp, book = self.stamp_goals(), self.open_book()
            asked = {"as_of": book.as_of, "grain": book.period.grain}
            return self._keep("goals", stamp, lambda: review_goals(book.company, book.cells, **asked))

    def build_profile(self) -> "Profile":
        """Return what is known of the company, on one page; nothing of answers or CRM while the round is open."""
        from helpers.analyses.profile import build_profile

        with self._guard:
            stamp, book, review, discovery = (
                self.stamp(),
                self.open_book(),
                self.review_survey(),
                self.review_discovery(),
            )
            return self._keep(
                "profile",
                stamp,
                lambda: build_profile(book.company, self.survey, review, book.as_of, discovery=discovery),
            )

    def _open_exports(self) -> "Workbook":
        from helpers.workbook import open_workbook

        return open_workbook(company=str(self.folder))

    def _read(self, book: "Workbook") -> "Workbook":
        answers = read_answers(self.folder, survey=self.survey)
        return replace(book, company=replace(book.company, answers=answers, targets=answers.goals))

    def _keep(self, name: str, stamp: Hashable, make: Callable[[], Result]) -> Result:
        held = self._kept.get(name)
        if held is None or held[0] != stamp:
            held = self._kept[name] = (stamp, make())
        return held[1]

    def stamp_goals(self) -> Hashable:
        """Return what differs as soon as new exports are there, or somebody has set another goal or adopted a plan."""
        answers = self.folder / "answers"
        return self.stamp_exports(), _stamp(answers, "goals.toml"), _stamp(answers, "plan_of_record.toml")

    def stamp_exports(self) -> Hashable:
        """Return what differs as soon as new exports are there."""
        return _stamp(self.folder / "crm"), _stamp(self.folder, "company.toml")


def _stamp(folder: Path, pattern: str = "**/*") -> tuple[tuple[Any, ...], ...]:
    """Return name, size and time of every file below a folder; hidden ones, such as earlier versions, don't count."""
    if not folder.is_dir():
        return ()
    found = []
    for path in sorted(folder.glob(pattern)):
        inner = path.relative_to(folder).parts
        if any(part.startswith(".") for part in inner):
            continue
        try:
            about = path.stat()
        except OSError:  # gone since it was listed, as files are while somebody saves
            continue
        if S_ISREG(about.st_mode):
            found.append((inner, about.st_size, about.st_mtime_ns))
    return tuple(found)
