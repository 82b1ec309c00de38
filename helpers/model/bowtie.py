"""The bow-tie's stages, left to right: what is counted at each, and by which date a record enters it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from helpers.errors import DefinitionError, suggest
from helpers.model.definition import Definition, read_record

StageObject = Literal["session", "contact", "deal", "customer", "subscription"]


class Stage(Definition):
    """One stage.

    Attributes:
        id: What logic calls it, such as ``opportunity``.
        label: What a reader calls it, in the plural.
        singular: One record at it.
        code: Display alias such as V4; never used by logic.
        object: Whose records are counted.
        date_field: The record's own first-entry date; empty where the stage is told by rates only.
        contact_field: Where a contact carries that date itself; empty where only its deals tell.
        volume: The KPI that counts it.
        closes: ``won`` where entering it closes a deal.
        description: What it means, for the glossary.
    """

    id: str
    label: str
    singular: str = ""
    code: str = ""
    object: StageObject = "deal"
    date_field: str = ""
    contact_field: str = ""
    volume: str = ""
    closes: Literal["", "won"] = ""
    description: str = ""


def read_stages(
    tables: Mapping[str, Mapping[str, Any]], *, order: Sequence[str] = (), file: str = "bowtie.toml"
) -> dict[str, Stage]:
    """Read the stages in their order.

    Args:
        tables: One table per stage, keyed by id.
        order: The company's own order; empty keeps the order of the tables. A stage left out is dropped; one that has
            no table is a new stage of the deal, told by the deal's stage history.
        file: The file's name, for errors.

    Raises:
        DefinitionError: A stage is written wrongly or named twice.
    """
    written = {
        id: read_record(Stage, {"id": id, **table}, file=file, key=f"stages.{id}") for id, table in tables.items()
    }
    if not order:
        return written
    if len(set(order)) != len(order):
        twice = next(id for id in order if list(order).count(id) > 1)
        raise DefinitionError(f"[company.toml, funnel.stages] '{twice}' is named twice. Name every stage once.")
    if "won" in written and "won" not in order:
        hint = suggest("won", order)
        raise DefinitionError(f"[company.toml, funnel.stages] 'won' is missing; every engine has a knot.{hint} Add it.")
    return {id: written.get(id) or _new_stage(id) for id in order}


def _new_stage(id: str) -> Stage:
    words = id.replace("_", " ")
    return Stage(
        id=id,
        label=words.capitalize(),
        singular=words,
        object="deal",
        date_field="",
        description="A stage of the company's own, told by the deal's stage history.",
    )
