"""The same company a second time, its exports loaded into a database and named there instead of as files."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

KEYS = {"deal_history": ["deal_id", "field", "changed_at", "new"], "deal_contact": ["deal_id", "contact_id"]}


def name_table(file: str, schema: str = "crm") -> str:
    """Return the table that a file is loaded into."""
    return f"{schema}." + re.sub(r"\W+", "_", Path(file).stem).strip("_").lower()


def copy_company(folder: Path, target: Path, *, schema: str = "crm") -> dict[str, Path]:
    """Copy a company without its exports and let its ``company.toml`` name tables.

    Returns:
        Table → the file that belongs into it.
    """
    target.mkdir(parents=True)
    if (folder / "answers").is_dir():
        shutil.copytree(folder / "answers", target / "answers")
    text = (folder / "company.toml").read_text(encoding="utf-8")
    tables = {}
    for path in sorted(max((folder / "crm").iterdir()).iterdir()):
        table = name_table(path.name, schema)
        tables[table] = path
        text = text.replace(f'file = "{path.name}"', f'table = "{table}"')
        text = text.replace(f'"{path.name}.', f'"{table}.').replace(f'[files."{path.name}"]', f'[files."{table}"]')
    (target / "company.toml").write_text(text, encoding="utf-8")
    return tables


def load_into_duckdb(folder: Path, target: Path, *, as_text: bool = False) -> str:
    """Make the company whose tables lie in a DuckDB file; return its address."""
    import duckdb

    tables = copy_company(folder, target)
    database = target / "data.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema crm")
        option = ", all_varchar=true" if as_text else ""
        for table, path in tables.items():
            source = f"read_csv('{path}', header=true, sample_size=-1{option})"
            connection.execute(f"create table {table} as select * from {source}")
    return f"duckdb:///{database}"


def list_differences(expected, found) -> list[str]:
    """List what differs between two companies' canonical tables and partitions, rows in whatever order."""
    differences = []
    if set(expected.tables) != set(found.tables):
        differences.append(f"tables: {sorted(set(expected.tables) ^ set(found.tables))}")
    for name in sorted(set(expected.tables) & set(found.tables)):
        one, other = expected.tables[name], found.tables[name]
        if set(one) != set(other):
            differences.append(f"{name}: columns {sorted(set(one) ^ set(other))}")
        columns = sorted((set(one) & set(other)) - {"source_file", "source_row"})
        if len(one) != len(other):
            differences.append(f"{name}: {len(one)} and {len(other)} rows")
            continue
        by = ["id"] if "id" in columns else KEYS.get(name, columns)
        one, other = (frame[columns].sort_values(by, kind="stable", ignore_index=True) for frame in (one, other))
        for column in columns:
            if one[column].dtype != other[column].dtype:
                differences.append(f"{name}.{column}: {one[column].dtype} and {other[column].dtype}")
                continue
            same = (one[column].eq(other[column]) | (one[column].isna() & other[column].isna())).fillna(False)
            if not same.all():
                pair = (one[column][~same].iloc[0], other[column][~same].iloc[0])
                differences.append(f"{name}.{column}: {int((~same).sum())} rows differ, such as {pair}")
    for id in sorted(set(expected.partitions) | set(found.partitions)):
        if expected.partitions.get(id) != found.partitions.get(id):
            differences.append(f"partition {id}: {expected.partitions.get(id)} and {found.partitions.get(id)}")
    if expected.latest_event != found.latest_event:
        differences.append(f"latest event: {expected.latest_event} and {found.latest_event}")
    return differences


def same_cells(expected: pd.DataFrame, found: pd.DataFrame) -> None:
    """Compare two frames of cells row by row, whatever their order: counts to the last digit, money within 1e-9."""
    keys = ["kpi", "basis", "grain", "period_start", "dimension", "slice"]
    one, other = (frame.sort_values(keys, kind="stable", ignore_index=True) for frame in (expected, found))
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-9, atol=1e-9)


def shrink_company(folder: Path, target: Path, *, n_deals: int = 150, n_contacts: int = 150) -> Path:
    """Copy the sample with some of its deals, their contacts and history, some other contacts, and the people."""
    text = (folder / "company.toml").read_text(encoding="utf-8")
    unused = "company|customer|subscription|session|cost"
    text = re.sub(rf"^\[objects\.({unused})(\.fields)?\]\n(?:(?!\[).*\n)*", "", text, flags=re.MULTILINE)
    export = max((folder / "crm").iterdir())
    target = target / "crm" / export.name
    target.mkdir(parents=True)
    (target.parents[1] / "company.toml").write_text(text, encoding="utf-8")
    names = ("hubspot-deals", "hubspot-contacts", "hubspot-deal-history", "owners")
    tables = {name: pd.read_csv(export / f"{name}.csv", dtype="str", keep_default_na=False) for name in names}
    for name, size in (("hubspot-deals", n_deals), ("hubspot-contacts", n_contacts)):
        tables[name] = tables[name].assign(is_kept=np.arange(len(tables[name])) % (len(tables[name]) // size) == 0)
    deals = tables["hubspot-deals"]
    linked = set(deals.loc[deals["is_kept"], "Associated Contact IDs"].str.split(";").explode())
    tables["hubspot-contacts"]["is_kept"] |= tables["hubspot-contacts"]["Record ID"].isin(linked)
    for name in ("hubspot-deals", "hubspot-contacts"):
        tables[name] = tables[name][tables[name]["is_kept"]].drop(columns="is_kept")
    history = tables["hubspot-deal-history"]
    tables["hubspot-deal-history"] = history[history["Record ID"].isin(set(tables["hubspot-deals"]["Record ID"]))]
    for name, table in tables.items():
        table.to_csv(target / f"{name}.csv", index=False)
    return target.parents[1]


def load_into_postgres(folder: Path, target: Path, writer, *, schema: str) -> None:
    """Make the company whose tables lie in PostgreSQL, with the types that DuckDB reads out of the files."""
    import duckdb

    tables = copy_company(folder, target, schema=schema)
    with writer.cursor() as cursor, duckdb.connect() as connection:
        cursor.execute(f"create schema {schema}")
        for table, path in tables.items():
            rows = connection.execute(f"select * from read_csv('{path}', header=true, sample_size=-1)").arrow()
            rows = rows.read_all() if hasattr(rows, "read_all") else rows
            cursor.adbc_ingest(table.split(".")[1], rows, mode="create", db_schema_name=schema)
