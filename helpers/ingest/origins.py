"""Say where everything came from: files with rows read and used, fields with columns, amounts before and after."""

from collections.abc import Mapping, Sequence

import pandas as pd

from helpers.ingest.assembly import DayTables
from helpers.ingest.plan import FieldPlan, Plan
from helpers.ingest.snapshots import ExportDay
from helpers.model.dimension import Partition

INPUT_COLUMNS = ["file", "exported_on", "object", "rows_read", "rows_used", "rows_quarantined", "sha256"]


MAPPING_COLUMNS = ["object", "field", "file", "column", "how", "fill_rate", "known", "known_because"]


def describe_inputs(
    assembled: Sequence[tuple[ExportDay, Plan, DayTables]],
    tables: Mapping[str, pd.DataFrame],
    used_lookups: Mapping[str, str],
) -> pd.DataFrame:
    """Describe the files.

    Returns:
        One row per file and export with ``INPUT_COLUMNS``: the objects it serves, its rows read, used and put aside.
    """
    used: dict[str, int] = {}
    for object_id, table in tables.items():
        if object_id in {"deal_contact", "customer"} and len(used) and set(table["source_file"]) & set(used):
            continue
        for file, rows in table.groupby("source_file")["source_row"].nunique().items():
            used[str(file)] = max(used.get(str(file), 0), int(rows))
    records = []
    for day, plan, found in assembled:
        for file, raw in day.raws.items():
            name = day.names.get(file, file)
            main = plan.twins.get(file, file)
            objects = [source.object for source in plan.sources if main in {source.file, *source.joins}]
            is_beside = file in used_lookups or any(main in source.joins for source in plan.sources)
            aside = raw.rows_quarantined + found.quarantined.get(name, 0)
            records.append(
                {
                    "file": name,
                    "exported_on": day.day,
                    "object": ", ".join(dict.fromkeys(objects)) or used_lookups.get(file, ""),
                    "rows_read": raw.rows_read,
                    "rows_used": used.get(name, len(raw.frame) if is_beside else 0),
                    "rows_quarantined": aside,
                    "sha256": raw.sha256,
                }
            )
    return pd.DataFrame(records, columns=INPUT_COLUMNS)


def describe_mapping(
    tables: Mapping[str, pd.DataFrame],
    partitions: Mapping[str, Partition],
    columns: Mapping[tuple[str, str], FieldPlan],
    rolled: set[tuple[str, str]],
) -> pd.DataFrame:
    """Describe the fields.

    Returns:
        One row per field or partition of an object with ``MAPPING_COLUMNS``: its file and column, how that was
        decided, its fill rate (0–1) and, for a partition, when it is known and why.
    """
    records = []
    for object_id, table in tables.items():
        for column in table.columns:
            plan = columns.get((object_id, column))
            partition = partitions.get(column)
            is_one = partition is not None and object_id in partition.objects
            if plan is None and not is_one:
                continue
            inherited = partition.inherited_from.get(object_id) if partition is not None and is_one else None
            how = "rolled up" if (object_id, column) in rolled else f"inherited from {inherited}" if inherited else ""
            records.append(
                {
                    "object": object_id,
                    "field": column,
                    "file": plan.file if plan and not inherited else "",
                    "column": plan.column if plan and not inherited else "",
                    "how": how or (plan.how if plan else "derived"),
                    "fill_rate": float(table[column].notna().mean()) if len(table) else 0.0,
                    "known": partition.known if partition is not None and is_one else "",
                    "known_because": partition.known_because if partition is not None and is_one else "",
                }
            )
    return pd.DataFrame(records, columns=MAPPING_COLUMNS)


def describe_reconciliation(assembled: Sequence[tuple[ExportDay, Plan, DayTables]]) -> pd.DataFrame:
    """Set amounts read beside amounts used: one row per deal file, export and outcome."""
    parts = [
        found.reconciliation.assign(exported_on=day.day) for day, _, found in assembled if len(found.reconciliation)
    ]
    columns = ["file", "exported_on", "outcome", "rows_read", "rows_used", "amount_read", "amount_used"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
