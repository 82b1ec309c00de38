"""Companies for tests, made straight from small frames instead of from exports."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.company import INPUT_COLUMNS, MAPPING_COLUMNS, TARGET_COLUMNS, Company
from helpers.ingest.schema import CANONICAL_PARTITIONS, field_type, read_schema
from helpers.ingest.settings import CompanySettings
from helpers.issues import IssueLog
from helpers.model.catalog import load_catalog
from helpers.model.dimension import Partition

NOT_PARTITIONS = {"source_file", "outcome", "stage_id", "field", "old", "new", "name"}
EVENT_DATES = {
    "session": ["date"],
    "contact": ["created_at", "mql_at", "sql_at", "opportunity_at", "won_at", "meeting_held_at", "first_touch_at"],
    "deal": ["created_at"],
    "deal_history": ["changed_at"],
    "customer": ["live_at", "ended_at"],
    "subscription": ["start_at", "end_at"],
    "activity": ["at"],
    "cost": ["date"],
}


def make_company(
    tables: Mapping[str, Any],
    *,
    partitions: Mapping[str, Any] | None = None,
    name: str = "Test company",
    folder: Path | str = "test_company",
    currency: str = "USD",
    fiscal_year_start: int = 1,
    time_zone: str = "UTC",
    answers: Any = None,
    targets: pd.DataFrame | None = None,
    issues: pd.DataFrame | None = None,
    snapshots: tuple = (),
    latest_event: Any = None,
    settings: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Company:
    """Build a company from frames.

    Args:
        tables: Object → frame (or what ``pd.DataFrame`` takes) with canonical columns. Dates may be text; ids become
            text; a deal's outcome, stage_id and is_new_business are filled in from stage and type where missing.
        partitions: Id → "entry", "during" or "outcome", or a dict of ``Partition``'s attributes, or a ``Partition``.
            Every text column that is no id, name, date or outcome becomes one anyway, known at entry unless the
            definitions say otherwise.
        settings: Further settings of ``company.toml``.
        overrides: ``rules``, ``stages``, ``kpis``, ``dimensions``, ``funnel`` as in ``company.toml``.
    """
    catalog = load_catalog(overrides)
    built = {object_id: _build_table(object_id, frame, catalog) for object_id, frame in tables.items()}
    resolved = CompanySettings(
        name=name,
        currency=currency,
        fiscal_year_start=fiscal_year_start,
        time_zone=time_zone,
        **{key: value for key, value in overrides.items()},
        **(settings or {}),
    )
    return Company(
        folder=Path(folder),
        id=Path(folder).name,
        name=name,
        currency=currency,
        fiscal_year_start=fiscal_year_start,
        time_zone=time_zone,
        locale="en",
        settings=resolved,
        catalog=catalog,
        tables=built,
        partitions=_build_partitions(built, catalog, partitions or {}),
        issues=IssueLog().to_frame() if issues is None else issues,
        inputs=pd.DataFrame(columns=INPUT_COLUMNS),
        mapping=pd.DataFrame(columns=MAPPING_COLUMNS),
        answers=answers,
        targets=pd.DataFrame(columns=TARGET_COLUMNS) if targets is None else targets,
        latest_event=pd.Timestamp(latest_event).date() if latest_event else _find_latest(built),
        snapshots=tuple(pd.Timestamp(day).date() for day in snapshots),
    )


def _build_table(object_id: str, data: Any, catalog: Any) -> pd.DataFrame:
    frame = pd.DataFrame(data).copy()
    for column in frame.columns:
        frame[column] = _cast(frame[column], field_type(object_id, column))
    if "source_row" not in frame:
        frame["source_row"] = pd.array(range(2, len(frame) + 2), dtype="Int64")
    if "source_file" not in frame:
        frame["source_file"] = pd.Series([f"{object_id}.csv"] * len(frame), index=frame.index, dtype="str")
    if object_id == "deal":
        _fill_deal(frame, catalog)
    return frame


def _cast(column: pd.Series, kind: str) -> pd.Series:
    if kind == "date":
        return pd.to_datetime(column, format="ISO8601").astype("datetime64[us]")
    if kind in {"amount", "number"}:
        return pd.to_numeric(column).astype("float64")
    if kind == "boolean":
        return column.astype("boolean")
    known_types = (
        pd.api.types.is_datetime64_any_dtype(column)
        or pd.api.types.is_bool_dtype(column)
        or pd.api.types.is_numeric_dtype(column)
    )
    if kind == "id" and pd.api.types.is_numeric_dtype(column):
        return column.astype("Int64").astype("str")
    return column if known_types else column.astype("str")


def _fill_deal(frame: pd.DataFrame, catalog: Any) -> None:
    if "outcome" not in frame:
        stages = frame["stage"].str.casefold() if "stage" in frame else pd.Series("", index=frame.index)
        won, lost = stages.str.contains("won", na=False), stages.str.contains("lost", na=False)
        frame["outcome"] = pd.Series("open", index=frame.index).mask(won, "won").mask(lost, "lost").astype("str")
    if "stage_id" not in frame:
        closed = frame["outcome"].isin(["won", "lost"])
        frame["stage_id"] = frame["outcome"].where(closed, "opportunity").astype("str")
    if "is_new_business" not in frame:
        types = frame["type"].str.casefold() if "type" in frame else pd.Series("", index=frame.index)
        frame["is_new_business"] = ~types.isin(catalog.existing_business)


def _build_partitions(
    built: Mapping[str, pd.DataFrame], catalog: Any, given: Mapping[str, Any]
) -> dict[str, Partition]:
    carried: dict[str, dict[str, str]] = {}
    for object_id, frame in built.items():
        if object_id in {"deal_history", "deal_contact"}:
            continue
        for column in frame.columns:
            if _is_partition(object_id, column, frame[column]):
                carried.setdefault(column, {})[object_id] = column
    for id in given:
        carried.setdefault(id, {})
    return {id: _build_partition(id, objects, built, catalog, given.get(id)) for id, objects in carried.items()}


def _is_partition(object_id: str, column: str, values: pd.Series) -> bool:
    kind = read_schema()[object_id].fields.get(column)
    if column in NOT_PARTITIONS or column == "id" or column.endswith("_id") or kind not in {None, "text", "person"}:
        return False
    return column in CANONICAL_PARTITIONS or pd.api.types.is_string_dtype(values.dtype)


def _build_partition(
    id: str, objects: dict[str, str], built: Mapping[str, pd.DataFrame], catalog: Any, given: Any
) -> Partition:
    if isinstance(given, Partition):
        return given
    said = catalog.dimensions.get(id)
    values = pd.concat(
        [built[name][column].dropna().astype("str") for name, column in objects.items()] or [pd.Series()]
    )
    attributes: dict[str, Any] = {
        "id": id,
        "label": said.label if said else id.replace("_", " ").capitalize(),
        "question": said.question if said else "what",
        "objects": objects,
        "known": (said.known if said else None) or "entry",
        "n_values": int(values.nunique()),
        "is_current_value": bool(said and said.is_current_value),
        "is_person": id in {"owner", "manager"},
        "unknown": said.unknown if said else ("other", "unknown"),
    }
    extra = {"known": given} if isinstance(given, str) else dict(given or {})
    return Partition(**{**attributes, **extra})


def _find_latest(built: Mapping[str, pd.DataFrame]) -> Any:
    latest = [
        built[object_id][column].max()
        for object_id, columns in EVENT_DATES.items()
        for column in columns
        if object_id in built and column in built[object_id]
    ]
    if "deal" in built and "closed_at" in built["deal"]:
        closed = built["deal"]["outcome"].isin(["won", "lost"])
        latest.append(built["deal"].loc[closed, "closed_at"].max())
    latest = [moment for moment in latest if not pd.isna(moment)]
    return max(latest).date() if latest else None
