"""One row per record: ids required, deleted and merged records taken out, duplicates settled, links resolved."""

from collections.abc import Mapping

import pandas as pd

from helpers.ingest.keys import is_among
from helpers.ingest.values import normalise_key
from helpers.issues import IssueLog

LINKS: Mapping[str, Mapping[str, str]] = {
    "contact": {"company_id": "company"},
    "deal": {"company_id": "company", "contact_id": "contact"},
    "deal_contact": {"deal_id": "deal", "contact_id": "contact"},
    "deal_history": {"deal_id": "deal"},
    "customer": {"company_id": "company", "deal_id": "deal"},
    "subscription": {"customer_id": "customer"},
    "activity": {"contact_id": "contact", "deal_id": "deal"},
}
"""Object → its foreign keys and whose ids they hold."""

SEPARATORS = r"\s*[;|]\s*"
"""What stands between several ids in one cell."""


def settle_records(object_id: str, table: pd.DataFrame, log: IssueLog) -> tuple[pd.DataFrame, dict[str, str]]:
    """Keep one usable row per record.

    Args:
        object_id: The object.
        table: Its rows as exported.
        log: Takes every row that is left out.

    Returns:
        The rows that count, and merged id → the id it was merged into.
    """
    if "is_deleted" in table:
        deleted = table["is_deleted"].eq(True).fillna(False)
        _log_rows(table[deleted], object_id, log, "deleted_record", "warning", "is_deleted",
                  "The CRM marks this record as deleted; it is not used",
                  "Nothing to do, or restore it in the CRM")  # fmt: skip
        table = table[~deleted]
    if "id" not in table:
        return table.reset_index(drop=True), {}
    without = table["id"].isna()
    _log_rows(table[without], object_id, log, "missing_id", "error", "id",
              f"This {object_id} has no id; the row is not used", "Export it again with its id")  # fmt: skip
    table = _settle_duplicates(object_id, table[~without], log)
    merged = _find_merged(table)
    gone = is_among(table["id"], pd.Series(list(merged), dtype="str"))
    _log_rows(table[gone], object_id, log, "merged_record", "warning", "id",
              "The CRM has merged this record into another one; it is not used and its links lead there",
              "Nothing to do, or export again after the merge")  # fmt: skip
    return table[~gone].reset_index(drop=True), merged


def _settle_duplicates(object_id: str, table: pd.DataFrame, log: IssueLog) -> pd.DataFrame:
    if not table["id"].duplicated().any():
        return table
    twice = table[table["id"].duplicated(keep=False)]
    content = [name for name in table.columns if name not in {"source_row", "source_file"}]
    identical = twice.duplicated(content)
    _log_rows(twice[identical], object_id, log, "duplicate_row", "warning", "id",
              "The row is the same as an earlier one; it counts once", "Nothing to do")  # fmt: skip
    rest = table.drop(index=twice.index[identical])
    again = rest["id"].duplicated(keep=False)
    if not again.any():
        return rest
    order = rest[again]
    if "modified_at" in order and order["modified_at"].notna().any():
        order = order.sort_values("modified_at", kind="stable", na_position="first")
        why = "the one changed last is used"
    else:
        why = "the last one is used"
    older = order[order["id"].duplicated(keep="last")].sort_index()
    _log_rows(older, object_id, log, "duplicate_id", "warning", "id",
              f"Several rows that differ have this id; {why}", "Find out in the CRM which row is right")  # fmt: skip
    return rest.drop(index=older.index)


def _find_merged(table: pd.DataFrame) -> dict[str, str]:
    if "merged_ids" not in table:
        return {}
    told = table.loc[table["merged_ids"].notna(), ["id", "merged_ids"]]
    pairs = told.assign(merged_ids=told["merged_ids"].str.split(r"[;,|\s]+", regex=True)).explode("merged_ids")
    pairs = pairs[pairs["merged_ids"].fillna("").ne("") & pairs["merged_ids"].ne(pairs["id"])]
    merged = dict(zip(pairs["merged_ids"], pairs["id"], strict=True))
    for old in merged:
        seen = {old}
        while merged[old] in merged and merged[old] not in seen:
            seen.add(merged[old])
            merged[old] = merged[merged[old]]
    return {old: new for old, new in merged.items() if old != new}


def _log_rows(
    rows: pd.DataFrame, object_id: str, log: IssueLog, code: str, severity: str, column: str, message: str, cure: str
) -> None:
    for file, there in rows.groupby("source_file", sort=False):
        values = there[column] if column in there else pd.Series(object_id, index=there.index)
        log.add_rows(
            file=str(file),
            rows=there["source_row"].tolist(),
            column=column,
            values=values.tolist(),
            code=code,
            severity=severity,
            message=message,
            cure=cure,
        )


def split_links(deals: pd.DataFrame, contacts: pd.DataFrame | None, links: pd.DataFrame | None) -> pd.DataFrame | None:
    """Build the links between deals and contacts from whatever says them.

    Args:
        deals: Deals, perhaps with one or several contact ids in ``contact_id``.
        contacts: Contacts, perhaps with ``converted_deal_id`` (a lead that became a deal).
        links: A file of links, whose cells may hold several ids too.

    Returns:
        One row per deal and contact: deal_id, contact_id, source_file, source_row; None where nothing says any.
    """
    parts = []
    if links is not None and {"deal_id", "contact_id"} <= set(links.columns):
        parts.append(_explode(links, "contact_id"))
    if "contact_id" in deals:
        parts.append(_explode(deals.assign(deal_id=deals["id"]), "contact_id"))
    if contacts is not None and "converted_deal_id" in contacts:
        parts.append(contacts.assign(deal_id=contacts["converted_deal_id"], contact_id=contacts["id"]))
    columns = ["deal_id", "contact_id", "source_file", "source_row"]
    parts = [part[columns].dropna(subset=["deal_id", "contact_id"]) for part in parts]
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    return pd.concat(parts, ignore_index=True).drop_duplicates(["deal_id", "contact_id"], ignore_index=True)


def _explode(table: pd.DataFrame, column: str) -> pd.DataFrame:
    if not holds_several(table[column]):
        return table[table[column].notna()]
    cells = table[column].str.split(SEPARATORS, regex=True)
    exploded = table.assign(**{column: cells}).explode(column)
    exploded[column] = exploded[column].astype("str").str.strip()
    return exploded[exploded[column].fillna("").ne("")]


def first_of_several(values: pd.Series) -> pd.Series:
    """Return the first id where a cell holds several."""
    if not holds_several(values):
        return values
    return values.str.split(SEPARATORS, regex=True).str[0].str.strip().astype("str")


def holds_several(values: pd.Series) -> bool:
    """Tell whether any cell holds several ids."""
    return bool(values.str.contains(r"[;|]", regex=True, na=False).any())


def resolve_links(
    tables: dict[str, pd.DataFrame], merged: Mapping[str, Mapping[str, str]], log: IssueLog
) -> dict[str, pd.DataFrame]:
    """Let every foreign key hold the id of a record: merged ids lead to the record kept, names to the record so named.

    Args:
        tables: Object → table.
        merged: Object → merged id → id kept.
        log: Takes names that were matched by spelling and one count of links that lead nowhere.

    Returns:
        The tables, with links resolved; a link that leads nowhere is kept as it is.
    """
    resolved = dict(tables)
    for object_id, links in LINKS.items():
        for column, target in links.items():
            if object_id not in resolved or column not in resolved[object_id] or target not in tables:
                continue
            table = resolved[object_id]
            values = table[column]
            if merged.get(target):
                values = values.map(merged[target]).astype("str").fillna(values)
            if column in {"company_id"}:
                values = first_of_several(values)
            values = _resolve_names(values, tables[target], table, object_id, column, log)
            resolved[object_id] = table.assign(**{column: values})
    return resolved


def _resolve_names(
    values: pd.Series, target: pd.DataFrame, table: pd.DataFrame, object_id: str, column: str, log: IssueLog
) -> pd.Series:
    strange = values.notna() & ~is_among(values, target["id"])
    if not strange.any():
        return values
    names = [name for name in ("name", "email", "converted_contact_id") if name in target]
    found: dict[str, str] = {}
    for name in names:
        known = target[target[name].notna() & ~target[name].duplicated(keep=False)]
        exact = dict(zip(known[name], known["id"], strict=True))
        folded: dict[str, set[str]] = {}
        for label, id in exact.items():
            folded.setdefault(normalise_key(label), set()).add(id)
        for value in values[strange].unique():
            if value in found:
                continue
            near = folded.get(normalise_key(value), set())
            if value in exact:
                found[value] = exact[value]
            elif len(near) == 1 and normalise_key(value):
                found[value] = next(iter(near))
                _log_spelling(value, table, values, column, log)
    matched = values.map(found).astype("str")
    lost = strange & matched.isna()
    if lost.any():
        first = table[lost].iloc[0]
        log.add(
            file=str(first["source_file"]),
            row=None if pd.isna(first["source_row"]) else int(first["source_row"]),
            column=column,
            code="link_leads_nowhere",
            severity="note",
            value=values[lost].iloc[0],
            message=f"{int(lost.sum()):,} of {int(values.notna().sum()):,} {object_id} rows point to a record that "
            "is not in the exports, first here",
            cure="Export all objects on the same day and without filters",
        )
    return matched.fillna(values)


def _log_spelling(value: str, table: pd.DataFrame, values: pd.Series, column: str, log: IssueLog) -> None:
    there = table[values.eq(value).fillna(False)]
    log.add(
        file=str(there["source_file"].iloc[0]),
        row=int(there["source_row"].iloc[0]),
        column=column,
        code="key_spelled_differently",
        severity="warning",
        value=value,
        message=f"{len(there):,} rows spell this name differently from the record it means; taken as the same",
        cure="Write it the same way in both files, or link by id",
    )
