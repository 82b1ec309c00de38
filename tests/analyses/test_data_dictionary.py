"""The dictionary against the exports by hand, and what it says of use against blanking each field in turn."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.analyses.data_dictionary import DICTIONARY_COLUMNS, build_data_dictionary, headline_dictionary
from helpers.analyses.field_uses import find_uses
from helpers.answers.discovery import Activation, DiscoveryAnswers, Judgement
from helpers.company import MAPPING_COLUMNS
from helpers.engine import build_cells
from tests.companies import make_company

AS_OF = date(2026, 6, 30)


def map_all(company, **how):
    """A mapping as ingest would make it: every column of every table from a file of the object's name."""
    rows = []
    for object, table in company.tables.items():
        for column in table.columns:
            if column in ("source_file", "source_row", "outcome", "stage_id", "is_new_business"):
                continue
            said = how.get(f"{object}__{column}", "name")
            file = "" if said.startswith(("rolled", "inherited")) else f"{object}s.csv"
            rows.append((object, column, file, column.upper() if file else "", said, 1.0, "", ""))
    return replace(company, mapping=pd.DataFrame(rows, columns=MAPPING_COLUMNS))


def make_tables():
    """Two years of a small recurring business, every object of it."""
    months = pd.date_range("2025-01-05", "2026-06-05", freq="MS") + pd.Timedelta(days=4)
    n = 60
    created = [months[i % len(months)] for i in range(n)]
    won = [i % 3 == 0 for i in range(n)]
    contacts = pd.DataFrame(
        {
            "id": [f"k{i}" for i in range(n)],
            "created_at": created,
            "mql_at": [day + pd.Timedelta(days=2) if i % 2 == 0 else None for i, day in enumerate(created)],
            "sql_at": [day + pd.Timedelta(days=4) if i % 4 == 0 else None for i, day in enumerate(created)],
            "source": ["Web" if i % 2 else "Mail" for i in range(n)],
            "shoe_size": [f"{30 + i % 3}" for i in range(n)],
        }
    )
    deals = pd.DataFrame(
        {
            "id": [f"d{i}" for i in range(n)],
            "contact_id": contacts["id"],
            "created_at": [day + pd.Timedelta(days=5) for day in created],
            "closed_at": [day + pd.Timedelta(days=40 + i % 9) for i, day in enumerate(created)],
            "stage": ["Won" if yes else "Lost" if i % 3 == 1 else "Talks" for i, yes in enumerate(won)],
            "amount": [1000.0 + 10 * i for i in range(n)],
            "type": ["Renewal" if i % 7 == 0 else "New" for i in range(n)],
        }
    )
    winners = [i for i in range(n) if won[i]]
    customers = pd.DataFrame(
        {
            "id": [f"c{i}" for i in winners],
            "deal_id": [f"d{i}" for i in winners],
            "live_at": [deals["closed_at"][i] + pd.Timedelta(days=9) for i in winners],
            "ended_at": [deals["closed_at"][i] + pd.Timedelta(days=200) if i % 9 == 0 else None for i in winners],
        }
    )
    subscriptions = pd.DataFrame(
        {
            "id": [f"s{i}" for i in winners],
            "customer_id": [f"c{i}" for i in winners],
            "start_at": customers["live_at"],
            "end_at": customers["ended_at"],
            "renewal_at": customers["live_at"] + pd.Timedelta(days=120),
            "mrr": [100.0 + i for i in winners],
            "seats": [5.0 + i for i in winners],
        }
    )
    sessions = pd.DataFrame({"date": months, "sessions": range(10, 10 + len(months))})
    return {
        "session": sessions,
        "contact": contacts,
        "deal": deals,
        "customer": customers,
        "subscription": subscriptions,
    }


def dictionary_of(tables, *, answers=None, how=None, **more):
    company = map_all(make_company(tables, answers=answers, **more), **(how or {}))
    frame = build_data_dictionary(company, as_of=AS_OF)
    assert list(frame.columns) == DICTIONARY_COLUMNS
    return frame.set_index(["object", "field"])


def test_one_row_per_field_with_its_evidence_by_hand():
    """Four contacts: three before the last day, of which two have a source; one of them in the last 90 days."""
    contacts = pd.DataFrame(
        {
            "id": list("abcd"),
            "created_at": ["2026-01-10", "2026-02-10", "2026-06-10", "2026-07-01"],
            "source": [None, "Web", "Web", "Mail"],
        }
    )
    row = dictionary_of({"contact": contacts}).loc[("contact", "source")]
    assert (row["file"], row["column"], row["label"], row["type"], row["known"]) == (
        "contacts.csv",
        "SOURCE",
        "Source",
        "text",
        "entry",
    )
    assert (row["n"], row["fill_rate"], row["n_90d"], row["fill_rate_90d"]) == (3, 2 / 3, 1, 1.0)
    assert (row["n_values"], row["filled_since"]) == (1, "2026-02")
    assert "How the record came in" in row["meaning"]


KEYS = {"id", "customer_id", "deal_id", "contact_id"}
NOT_COUNTED = {"source_file", "source_row", "source", "shoe_size", "stage_id", "is_new_business", "outcome", *KEYS}


def blank(object, table, field):
    """The table with two of every five values of a field lost, so that its stage is still one that the data have."""
    lost = table.index % 5 < 2
    blanked = table.assign(**{field: table[field].mask(lost)})
    if object == "deal" and field == "stage":
        told = {"outcome": table["outcome"].mask(lost, "open"), "stage_id": table["stage_id"].mask(lost, "opportunity")}
        return blanked.assign(**told)
    is_type = object == "deal" and field == "type"
    return blanked.assign(is_new_business=table["is_new_business"].mask(lost, True)) if is_type else blanked


def count_all(company):
    cells = build_cells(company, grain="quarter", as_of=AS_OF)
    return cells.set_index(["kpi", "basis", "period_start"])[["value", "n"]].sort_index()


def test_every_kpi_that_a_field_moves_is_named_beside_it():
    """Lose part of each field in turn and count every KPI again: whichever changes must be listed as its use."""
    company = make_company(make_tables())
    uses, before, missed, n_moving = find_uses(company), count_all(company), {}, 0
    for object, table in company.tables.items():
        for field in sorted(set(table.columns) - NOT_COUNTED):
            after = count_all(replace(company, tables={**company.tables, object: blank(object, table, field)}))
            joined = before.add_suffix("_was").join(after, how="outer").fillna(-1)
            moved = (joined["value"] != joined["value_was"]) | (joined["n"] != joined["n_was"])
            changed = set(joined.index[moved].get_level_values("kpi"))
            n_moving += bool(changed)
            if unsaid := changed - set(uses.get((object, field), ())):
                missed[f"{object}.{field}"] = sorted(unsaid)
    assert not missed, f"these fields move KPIs that the dictionary does not name beside them: {missed}"
    assert n_moving >= 14


def test_a_field_that_nothing_reads_is_flagged_and_a_cut_is_not():
    tables = make_tables()
    tables["contact"]["notes_length"] = 7.0
    found = dictionary_of(tables)
    assert not found.loc[("contact", "notes_length"), "is_used"]
    assert found.loc[("contact", "shoe_size"), "cuts"] > 5
    assert found.loc[("contact", "mql_at"), "n_kpis"] >= 4
    assert "Leads" in found.loc[("contact", "created_at"), "kpis"]
    assert found.loc[("contact", "id"), "is_used"], "a key joins records"


def test_a_field_taken_over_names_its_heirs_and_counts_their_kpis():
    """The deal takes its source from the contact, the customer from the deal."""
    tables = make_tables()
    partition = {"inherited_from": {"deal": "contact", "customer": "deal"}}
    for object in ("deal", "customer"):
        tables[object]["source"] = "Web"
    how = {"deal__source": "inherited from contact", "customer__source": "inherited from deal"}
    found = dictionary_of(tables, partitions={"source": partition}, how=how)
    row = found.loc[("contact", "source")]
    assert row["also_on"] == "deal, customer"
    assert row["cuts"] > dictionary_of(make_tables()).loc[("contact", "source"), "cuts"]
    assert ("deal", "source") not in found.index, "the deal's own export has no such column"


def test_a_roll_up_stands_under_company_toml():
    tables = make_tables()
    tables["contact"]["channel"] = "Inbound"
    rollups = {"channel": {"of": "source", "values": {"Web": "Inbound", "Mail": "Inbound"}}}
    row = dictionary_of(tables, how={"contact__channel": "rolled up"}, settings={"rollups": rollups})
    row = row.loc[("contact", "channel")]
    assert (row["file"], row["column"], row["how"]) == ("company.toml", "rollups.channel", "rolled up")


def test_one_column_that_serves_two_objects_is_one_field():
    company = make_company({"contact": {"id": ["1"], "created_at": ["2026-01-01"]}, "deal": {"id": ["1"]}})
    rows = [
        ("contact", "id", "all.csv", "Key", "name", 1.0, "", ""),
        ("deal", "id", "all.csv", "Key", "lookup", 1.0, "", ""),
    ]
    company = replace(company, mapping=pd.DataFrame(rows, columns=MAPPING_COLUMNS))
    frame = build_data_dictionary(company, as_of=AS_OF)
    assert frame[["object", "field", "also_on"]].values.tolist() == [["contact", "id", "deal"]]


def test_who_decides_is_whoever_activates_it_else_whoever_judged_it_last():
    decided = DiscoveryAnswers(
        (
            Judgement("source", "contact", light="available", by="Ana", quarter="Q1 2026"),
            Judgement("source", "contact", light="available", by="Ben", quarter="Q2 2026"),
            Judgement("shoe_size", "", light="unavailable", by="Eve"),
        ),
        (),
        (Activation("leads", "shoe_size", owner="Max"),),
    )
    found = dictionary_of(make_tables(), answers=SimpleNamespace(discovery=decided))
    assert found.loc[("contact", "source"), ["owner", "owner_because"]].tolist() == ["Ben", "judged it"]
    assert found.loc[("contact", "shoe_size"), ["owner", "owner_because"]].tolist() == ["Max", "activates it"]
    assert found.loc[("contact", "mql_at"), "owner"] == ""


def test_a_column_dropped_to_hide_people_keeps_its_row_without_numbers():
    company = map_all(make_company(make_tables()))
    hidden = replace(company, tables={**company.tables, "contact": company.tables["contact"].drop(columns="shoe_size")})
    row = build_data_dictionary(hidden, as_of=AS_OF).set_index("column").loc["SHOE_SIZE"]
    assert row["n"] == 0 and pd.isna(row["fill_rate"])


@pytest.mark.parametrize("tables", [{}, {"contact": {"id": [], "created_at": [], "source": []}}])
def test_no_exports_and_empty_ones_make_no_trouble(tables):
    company = map_all(make_company(tables))
    frame = build_data_dictionary(company, as_of=AS_OF)
    assert len(frame) == (3 if tables else 0)
    assert headline_dictionary(frame)
