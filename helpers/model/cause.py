"""The causes of the five Ms that are looked for: data, so that a company can add its own."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from helpers.model.definition import DEFINITIONS, Definition, merge, read_record, read_toml

M = Literal["people", "machinery", "material", "method", "measurement", "milieu"]

M_LABELS = {
    "people": "People",
    "machinery": "Machinery",
    "material": "Material",
    "method": "Method",
    "measurement": "Measurement",
}
"""The five Ms in the order in which they are gone through."""

MILIEU = "milieu"
"""The sixth, market and season, which a company switches on."""

ALL_M_LABELS = {**M_LABELS, MILIEU: "Milieu"}

FILE = "causes.toml"


class CauseRule(Definition):
    """One cause that is looked for.

    Attributes:
        id: What logic calls it.
        m: Which of the Ms it belongs to.
        question: What the test asks.
        test: Which test answers it.
        effect: For a test of the localised causes: the effect that is meant.
        steps: For a test of the localised causes: the KPI stages that the effect may lead into; empty takes all.
        needs: ``object.field`` pairs without which it can't be tested.
        by: The partition whose values are compared.
        within_days: Days within which something is to happen, where the test knows such a limit.
        significance: Level of the p-value corrected for all questions asked, from which a change is evidence.
        least_change: Relative change from which a change matters.
        least_records: Fewer records than this on either side are not compared.
        words: Texts that a test looks for in a reason.
        evidence: What is shown.
        contain: What closes this period's gap.
        prevent: What keeps it from coming back.
    """

    id: str
    m: M
    question: str
    test: str
    effect: str = ""
    steps: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    by: str = ""
    within_days: int = Field(1, ge=0)
    significance: float = Field(0.01, gt=0, lt=1)
    least_change: float = Field(0.15, ge=0)
    least_records: int = Field(30, ge=2)
    words: tuple[str, ...] = ()
    evidence: str
    contain: str
    prevent: str


class FiveM(Definition):
    """How the Ms are gone through, as written under ``[five_m]``.

    Attributes:
        milieu: Whether market and season are asked about as a sixth.
        payback_months: Months after which what a customer cost is to be back.
        ltv_to_cac: What a customer is to be worth at least, as a multiple of what one costs.
        cost_rise: Relative rise of the cost of a won deal from which it matters.
    """

    milieu: bool = False
    payback_months: float = Field(18, gt=0)
    ltv_to_cac: float = Field(3, gt=0)
    cost_rise: float = Field(0.25, gt=0)


def load_causes(overrides: Mapping[str, Any] | None = None, *, milieu: bool = False) -> dict[str, CauseRule]:
    """Read the causes that ship with the workbook, with a company's own laid over them.

    Args:
        overrides: The table ``[causes]`` of ``company.toml``.
        milieu: Whether market and season are asked about too.

    Returns:
        Id → cause, in the order of the file.

    Raises:
        DefinitionError: A cause is written wrongly.
    """
    own = overrides or {}
    tables = merge(read_toml(DEFINITIONS / FILE).get("causes", {}), own)
    rules = {
        id: read_record(CauseRule, {"id": id, **table}, file="company.toml" if id in own else FILE, key=f"causes.{id}")
        for id, table in tables.items()
    }
    return {id: rule for id, rule in rules.items() if milieu or rule.m != MILIEU}


def load_five_m(overrides: Mapping[str, Any] | None = None) -> FiveM:
    """Read how the Ms are gone through, with a company's own ``[five_m]`` laid over it.

    Raises:
        DefinitionError: A key is unknown or holds what isn't allowed.

    >>> load_five_m().milieu, load_five_m({"milieu": True}).milieu
    (False, True)
    """
    table = merge(read_toml(DEFINITIONS / FILE).get("five_m", {}), overrides or {})
    return read_record(FiveM, table, file="company.toml" if overrides else FILE, key="five_m")
