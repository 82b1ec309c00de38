"""A company folder, opened: its definitions, canonical tables, what people typed, and what is wrong with any of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.ingest.settings import CompanySettings
from helpers.model.catalog import Catalog
from helpers.model.dimension import Partition

INPUT_COLUMNS = ["file", "exported_on", "object", "rows_read", "rows_used", "rows_quarantined", "sha256"]
"""The columns of ``Company.inputs``."""

MAPPING_COLUMNS = ["object", "field", "file", "column", "how", "fill_rate", "known", "known_because"]
"""The columns of ``Company.mapping``."""

TARGET_COLUMNS = [
    "kpi", "grain", "period_start", "dimension", "slice", "goal", "actual", "expected", "gap", "locked", "probability",
]  # fmt: skip
"""The columns of ``Company.targets``, those of ``goal_matrix.csv``."""

RECONCILIATION_COLUMNS = ["file", "exported_on", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]
"""The columns of ``Company.reconciliation``."""


@dataclass(frozen=True)
class Company:
    """One company as everything above ingest sees it; nothing in it is ever changed.

    Attributes:
        folder: Where it lies.
        id: The folder's name.
        name: What readers call it.
        currency: Its currency, three letters.
        fiscal_year_start: The month in which its fiscal year starts, 1 to 12.
        time_zone: Its time zone; every date is in it.
        locale: Language of its readers.
        settings: ``company.toml`` as resolved.
        catalog: The definitions by which it is computed.
        tables: Object → canonical table; only the objects that exist.
        partitions: Id → partition, with the objects that carry it and when it is known.
        issues: Everything found wrong, with the columns of ``issues.csv``.
        inputs: One row per file: rows read, used and quarantined, hash.
        mapping: One row per field or partition: where it came from and how that was decided.
        reconciliation: One row per deal file and outcome: rows and amount read and used.
        answers: What people typed, or None where there is nothing.
        targets: Goals typed by people, with the columns of ``goal_matrix.csv``.
        latest_event: The last event in the exports; expected closes and renewals are none.
        snapshots: The dates of export present, oldest first.
    """

    folder: Path
    id: str
    name: str
    currency: str
    fiscal_year_start: int
    time_zone: str
    locale: str
    settings: CompanySettings
    catalog: Catalog
    tables: Mapping[str, pd.DataFrame]
    partitions: Mapping[str, Partition]
    issues: pd.DataFrame
    inputs: pd.DataFrame
    mapping: pd.DataFrame
    answers: Any = None
    targets: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TARGET_COLUMNS))
    reconciliation: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=RECONCILIATION_COLUMNS))
    latest_event: date | None = None
    snapshots: tuple[date, ...] = ()
