"""Which contacts belong to which deals, by position in their tables."""

import numpy as np
import pandas as pd
import pyarrow as pa


def find_links(company) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of deal and contact of every link, found once per company."""
    remembered = vars(company)
    if "_links" not in remembered:
        remembered["_links"] = _join_links(company.tables)
    return remembered["_links"]


def _join_links(tables) -> tuple[np.ndarray, np.ndarray]:
    links = [
        table[["deal_id", "contact_id"]]
        for table in (tables.get("deal_contact"), tables["deal"].rename(columns={"id": "deal_id"}))
        if table is not None and {"deal_id", "contact_id"} <= set(table.columns)
    ]
    links = pd.concat(links).dropna().astype("str") if links else pd.DataFrame()
    if not len(links):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    found = _query(
        "select d.position as deal, c.position as contact from links l join deals d on d.id = l.deal_id "
        "join contacts c on c.id = l.contact_id",
        links=pa.table({name: pa.array(links[name]) for name in ("deal_id", "contact_id")}),
        deals=_number_ids(tables["deal"]["id"]),
        contacts=_number_ids(tables["contact"]["id"]),
    )
    return np.asarray(found["deal"]), np.asarray(found["contact"])


def _number_ids(ids: pd.Series) -> pa.Table:
    return pa.table({"id": pa.array(ids), "position": np.arange(len(ids))})


def _query(sql: str, **tables: pa.Table) -> dict[str, np.ndarray]:
    import duckdb

    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.sql(sql).fetchnumpy()
