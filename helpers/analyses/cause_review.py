"""Everything that follows once causes are on the table: fishbone, whys, predictions, Pareto, checks and ninety days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import pandas as pd

from helpers.analyses.board_findings import find_on_board
from helpers.analyses.board_review import check_board
from helpers.analyses.cause_pareto import describe_pareto, rank_by_money
from helpers.analyses.effect_words import describe_checks
from helpers.analyses.effectiveness import Check, check_actions
from helpers.analyses.finding import Finding
from helpers.analyses.fishbone import Fishbone, build_fishbone
from helpers.analyses.fishbone_words import describe_fishbone
from helpers.analyses.five_m import has_milieu
from helpers.analyses.five_m_management import describe_roofs, find_roofs
from helpers.analyses.gap import Gap
from helpers.analyses.is_is_not import compare_is_is_not, describe_is_is_not
from helpers.analyses.macro_check import Macro, check_macro, find_macro
from helpers.analyses.ninety_days import NinetyDays, plan_ninety_days
from helpers.analyses.ninety_days_words import describe_ninety_days
from helpers.analyses.people_in_text import list_people
from helpers.analyses.why_chains import (
    WhyChain,
    build_why_chains,
    describe_predictions,
    describe_why_chains,
    list_predictions,
)
from helpers.model.board import Board, BoardFault
from helpers.periods import Period


@dataclass(frozen=True)
class CauseReview:
    """Hold a gap with the board that people filled in about it; each part is computed when it is asked for.

    Attributes:
        company: The opened company.
        gap: The result of ``explain_gap``.
        history: All periods up to the one in question.
        as_of: The last day that counts.
    """

    company: object
    gap: Gap
    history: tuple[Period, ...]
    as_of: date

    @property
    def board(self) -> Board:
        """Everybody's board, merged."""
        return self.company.answers.board

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of people, none of which a cause may bear."""
        return list_names(self.company)

    @cached_property
    def fishbone(self) -> Fishbone:
        """What the data and people say, on the bones of the gap."""
        milieu = has_milieu(self.company)
        return build_fishbone(self.gap, self.board, names=self.names, with_milieu=milieu, roofs=self.roofs)

    @cached_property
    def roofs(self) -> pd.DataFrame:
        """Where several Ms with evidence meet."""
        return find_roofs(self.company, self.gap.five_m, period=self.gap.period)

    @cached_property
    def macro(self) -> Macro:
        """Whether what is won pays for what it costs."""
        earlier = [one for one in self.history if one.end < self.gap.period.start]
        return check_macro(self.company, period=self.gap.period, expected=earlier, as_of=self.as_of)

    @cached_property
    def chains(self) -> list[WhyChain]:
        """Why, and why again, under each kept cause."""
        return build_why_chains(self.gap, self.board, names=self.names)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """What each cause foretold, and what was seen."""
        return list_predictions(self.gap, self.board, names=self.names)

    @cached_property
    def pareto(self) -> pd.DataFrame:
        """Causes by money, each euro counted once."""
        return rank_by_money(self.gap, self.fishbone)

    @cached_property
    def is_is_not(self) -> pd.DataFrame:
        """The place that is hit beside the nearest one that is spared."""
        return compare_is_is_not(self.company, self.gap, self.board, as_of=self.as_of, currency=self.company.currency)

    @cached_property
    def checks(self) -> list[Check]:
        """Whether what was done worked, by the KPI that it named."""
        return check_actions(self.company, self.board, as_of=self.as_of, history=self.history)

    @cached_property
    def plan(self) -> NinetyDays:
        """What is done over the next ninety days, ranked."""
        return plan_ninety_days(
            self.company, self.gap, self.fishbone, self.board, checks=self.checks, as_of=self.as_of, names=self.names
        )

    def title(self, part: str) -> str:
        """Say what one part found.

        Args:
            part: fishbone, roofs, chains, predictions, pareto, is_is_not, checks or plan.

        Raises:
            KeyError: The part is unknown.
        """
        currency = self.company.currency
        say = {
            "fishbone": lambda: describe_fishbone(self.fishbone, currency),
            "roofs": lambda: describe_roofs(self.roofs, self.gap.five_m),
            "chains": lambda: describe_why_chains(self.chains),
            "predictions": lambda: describe_predictions(self.predictions),
            "pareto": lambda: describe_pareto(self.pareto, self.fishbone, currency),
            "is_is_not": lambda: describe_is_is_not(self.gap, self.board),
            "checks": lambda: describe_checks(self.checks),
            "plan": lambda: describe_ninety_days(self.plan, currency),
        }
        return say[part]()

    def find(self) -> list[Finding]:
        """Turn what was found into findings: what doesn't pay, and what the board needs somebody for."""
        faults = find_faults(self.company, self.gap)
        told = {
            "faults": faults,
            "names": self.names,
            "period": self.gap.period.label,
            "currency": self.company.currency,
        }
        return [*find_macro(self.macro), *find_on_board(self.board, self.checks, self.fishbone, self.plan, **told)]


def list_names(company) -> tuple[str, ...]:
    """List who may own an action, and whom no cause may name: people of the exports, the cascade and the board."""
    board = company.answers.board
    named = [person.name for person in company.answers.cascade.people.values()]
    named += [one.author for one in board.authors.values()] + [action.owner for action in board.actions]
    return list_people(company, named)


def find_faults(company, gap: Gap) -> list[BoardFault]:
    """Hold a company's board about a gap against its rules; see ``check_board``."""
    return check_board(
        company.answers.board,
        gap=gap.gap if gap.is_explained else None,
        unit="currency" if gap.is_money else "count",
        currency=company.currency,
        period=gap.period.label,
        people=list_names(company),
    )


def review_causes(company, gap: Gap, *, history: Sequence[Period], as_of: date) -> CauseReview:
    """Review a gap together with what people wrote about it.

    Args:
        company: The opened company.
        gap: The result of ``explain_gap``.
        history: All periods up to the one in question.
        as_of: The last day that counts.
    """
    return CauseReview(company, gap, tuple(history), as_of)
