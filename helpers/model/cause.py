"""The causes of the five Ms that are looked for: data, so that a company can add its own."""

from collections.abc import Mapping
from typing import Any, Literal

from helpers.model.definition import DEFINITIONS, Definition, merge, read_record, read_toml

M = Literal["people", "machinery", "material", "method", "measurement"]

M_LABELS = {
    "people": "People",
    "machinery": "Machinery",
    "material": "Material",
    "method": "Method",
    "measurement": "Measurement",
}
"""The five Ms in the order in which they are gone through."""


class CauseRule(Definition):
    """One cause that is looked for.

    Attributes:
        id: What logic calls it.
        m: Which of the five Ms it belongs to.
        question: What the test asks.
        test: Which test answers it.
        effect: For a test of the localised causes: the effect that is meant.
        needs: ``object.field`` pairs without which it can't be tested.
        by: The partition whose values are compared.
        evidence: What is shown.
        contain: What closes this period's gap.
        prevent: What keeps it from coming back.
    """

    id: str
    m: M
    question: str
    test: str
    effect: str = ""
    needs: tuple[str, ...] = ()
    by: str = ""
    evidence: str
    contain: str
    prevent: str


def load_causes(overrides: Mapping[str, Any] | None = None) -> dict[str, CauseRule]:
    """Read the causes that ship with the workbook, with a company's own laid over them.

    Args:
        overrides: The table ``[causes]`` of ``company.toml``.

    Returns:
        Id → cause, in the order of the file.

    Raises:
        DefinitionError: A cause is written wrongly.
    """
    tables = merge(read_toml(DEFINITIONS / "causes.toml").get("causes", {}), overrides or {})
    return {
        id: read_record(CauseRule, {"id": id, **table}, file="causes.toml", key=f"causes.{id}")
        for id, table in tables.items()
    }
