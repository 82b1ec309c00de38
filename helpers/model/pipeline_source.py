"""Which role a source of pipeline plays, what it is tracked on, and how goals are shared out, as data."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import Field

from helpers.model.definition import DEFINITIONS, Definition, read_record, read_toml

FILE = "pipeline_sources.toml"
OPPORTUNITIES, PIPELINE = "opportunities", "pipeline"


class AllocationRules(Definition):
    """How far optimising moves a slice, and how fast returns fall.

    Attributes:
        spread: The most that a slice is moved from its share by history, as a share of it.
        elasticity: By which power of the effort a slice's results grow; below 1, or one slice would take all.
    """

    spread: float = Field(gt=0, le=1)
    elasticity: float = Field(gt=0, lt=1)


class QuotedShare(Definition):
    """A share that is commonly quoted, and where it comes from."""

    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    source: str


class SourceRole(Definition):
    """One of the roles that sources play.

    Attributes:
        tracked_on: What its owner is measured by: the number of opportunities, or the pipeline in money.
        words: Names by which a source of this role is known.
    """

    id: str
    label: str
    tracked_on: Literal["opportunities", "pipeline"]
    words: tuple[str, ...]


class PipelineSourceRules(Definition):
    """Everything that ``pipeline_sources.toml`` says; a name that two roles know is the earlier one's."""

    allocation: AllocationRules
    marketing_share: QuotedShare
    roles: tuple[SourceRole, ...] = Field(alias="role")

    def find_role(self, names: Iterable[str]) -> SourceRole | None:
        """Find the role of a source.

        Args:
            names: Its own name, then those that it rolls up to; the first name that a role knows decides.

        Returns:
            The role; None where none knows any of the names.
        """
        for name in names:
            text = re.sub(r"[\s_]+", " ", name.casefold())
            for role in self.roles:
                if any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text) for word in role.words):
                    return role
        return None


def load_pipeline_sources(folder: Path = DEFINITIONS) -> PipelineSourceRules:
    """Read ``pipeline_sources.toml``.

    Raises:
        DefinitionError: It is missing or holds what isn't allowed.
    """
    return read_record(PipelineSourceRules, read_toml(folder / FILE), file=FILE, key="pipeline_sources")
