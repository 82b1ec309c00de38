"""A run on a warehouse: notebooks learn the address by the environment, and nothing left behind holds a secret."""

import json
import os
import shutil

import pandas as pd
import pytest

from helpers.__main__ import handing_over, main
from helpers.batch.jobs import hide_secrets
from helpers.warehouse.connection import CONNECTION_VARIABLE
from tests.real_data import PROJECT
from tests.warehouses import load_into_duckdb

SAMPLE = PROJECT / "data" / "samples" / "brightwater"
URL = "postgresql://kim:s3cr%C3%A9t@127.0.0.1:1/crm"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    folder = tmp_path_factory.mktemp("companies") / "brightwater"
    return folder, load_into_duckdb(SAMPLE, folder)


def test_the_address_is_known_while_the_run_lasts_only(monkeypatch):
    monkeypatch.setenv(CONNECTION_VARIABLE, "duckdb:")
    with handing_over(URL):
        assert os.environ[CONNECTION_VARIABLE] == URL
    assert os.environ[CONNECTION_VARIABLE] == "duckdb:"
    monkeypatch.delenv(CONNECTION_VARIABLE)
    with pytest.raises(RuntimeError), handing_over(URL):
        raise RuntimeError
    assert CONNECTION_VARIABLE not in os.environ


def test_a_report_on_a_database_holds_the_numbers_of_the_report_on_files(company, tmp_path):
    folder, url = company
    shutil.copytree(SAMPLE, tmp_path / "brightwater", ignore=shutil.ignore_patterns(".cache"))
    where = {"files": (tmp_path / "brightwater", []), "database": (folder, ["--connection", url])}
    for name, (company_folder, options) in where.items():
        run = ["report", str(company_folder), "--notebooks", "00", "--out", str(tmp_path / name), *options]
        assert main(run) == 0, name
    reports = {name: tmp_path / name / "brightwater" / "2026-09-30-quarter" for name in where}
    tables = {name: sorted((report / "tables").glob("*.csv")) for name, report in reports.items()}
    assert [path.name for path in tables["files"]] == [path.name for path in tables["database"]]
    for one, other in zip(*tables.values(), strict=True):
        if one.stem != "issues":
            assert one.read_text(encoding="utf-8") == other.read_text(encoding="utf-8"), one.name
    manifest = json.loads((reports["database"] / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["parameters"]["connection"] == url
    assert {entry["file"] for entry in manifest["inputs"]} >= {"crm.hubspot_deals", "crm.hubspot_contacts"}


def test_a_warehouse_that_can_t_be_reached_fails_the_company_and_shows_no_password(company, tmp_path, capsys):
    folder, _ = company
    pytest.importorskip("adbc_driver_postgresql", reason="PostgreSQL's driver is not installed")
    assert main(["report", str(folder), "--out", str(tmp_path / "out"), "--connection", URL]) == 1
    told = capsys.readouterr()
    assert "127.0.0.1" in told.out
    left = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    for secret in ("s3cr%C3%A9t", "s3crét"):
        assert secret not in told.out + told.err
        assert not [content for content in left if secret.encode() in content]


@pytest.mark.parametrize("command", ["report", "check", "open"])
def test_an_address_that_names_no_warehouse_is_wrong_usage__error(company, command, capsys):
    folder, _ = company
    assert main([command, str(folder), "--connection", "oracle://kim:s3cret@db/crm"]) == 2
    told = capsys.readouterr().err
    assert "postgresql://" in told
    assert "s3cret" not in told


def test_secrets_are_taken_out_of_an_executed_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv(CONNECTION_VARIABLE, "postgresql://kim:hunter2@db/crm")
    executed = tmp_path / "00.ipynb"
    executed.write_text('{"cells": ["password is hunter2"]}', encoding="utf-8")
    error, trace = hide_secrets(executed, "refused hunter2", "line: hunter2")
    assert "hunter2" not in executed.read_text(encoding="utf-8") + error + trace


def test_check_tells_the_health_of_a_database(company, capsys):
    folder, url = company
    assert main(["check", str(folder), "--connection", url]) == 0
    told = capsys.readouterr().out
    assert "Contacts: 12,002" in told
    assert "crm.hubspot_deals" in told


@pytest.mark.acceptance
def test_the_whole_report_is_made_where_the_contacts_are_too_many_to_fetch(tmp_path):
    """The history of deals is cut, since only contacts shall exceed what may be fetched."""
    folder = tmp_path / "brightwater"
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns(".cache"))
    for history in folder.glob("crm/*/hubspot-deal-history.csv"):
        history.write_text("".join(history.read_text(encoding="utf-8").splitlines(keepends=True)[:5000]))
    settings = folder / "company.toml"
    text = settings.read_text(encoding="utf-8")
    causes = {}
    for name, limit in (("fetched", 50_000), ("counted", 11_900)):
        settings.write_text(f"{text}\n[rules]\nfetched_rows = {limit}\n", encoding="utf-8")
        asked = ["report", str(folder), "--connection", "duckdb:", "--out", str(tmp_path / name)]
        assert main(asked) == 0, name
        [report] = (tmp_path / name / "brightwater").glob("2026-*")
        causes[name] = pd.read_csv(report / "tables" / "root_cause.csv")
    told = [column for column in causes["fetched"] if column != "m"]  # machinery asks for single contacts
    assert "creation" in set(causes["counted"]["lens"])
    pd.testing.assert_frame_equal(causes["fetched"][told], causes["counted"][told])
