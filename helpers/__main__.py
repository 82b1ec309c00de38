"""The command line: ``python -m helpers COMMAND``; a thin wrapper, each command in a few lines."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.errors import DiagnosticError, ParameterError

WRONG_USAGE = 2


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of every command and option."""
    parser = argparse.ArgumentParser(prog="python -m helpers", description=__doc__.split(";")[0])
    commands = parser.add_subparsers(dest="command", required=True)

    new = commands.add_parser("new", help="start a company folder from exports")
    new.add_argument("folder", type=Path, metavar="FOLDER")
    new.add_argument("files", type=Path, nargs="+", metavar="FILE")
    new.add_argument("--name", help="the company's name; the folder's name unless said")
    new.add_argument("--currency", default="USD", help="ISO code, USD unless said")
    new.add_argument("--fiscal-year-start", type=int, default=1, metavar="MONTH", help="1 to 12, January unless said")
    new.add_argument("--time-zone", default="UTC", help="such as Europe/Amsterdam, UTC unless said")
    new.add_argument("--map", action="append", default=[], metavar="OBJECT.FIELD=COLUMN", dest="maps")
    new.add_argument("--stage", action="append", default=[], metavar='"CRM LABEL=STAGE"', dest="stages")
    new.add_argument("--lookup", action="append", default=[], metavar="FILE.COLUMN=OBJECT.FIELD", dest="lookups")
    new.add_argument("--exported-on", metavar="DATE", help="the day of the export, as 2026-09-30")

    add = commands.add_parser("add", help="add the next exports of a company, or workbooks that people filled in")
    add.add_argument("folder", type=Path, metavar="FOLDER")
    add.add_argument("files", type=Path, nargs="+", metavar="FILE")
    add.add_argument("--exported-on", metavar="DATE", help="the day of the export, as 2026-09-30")
    add.add_argument(
        "--keep",
        choices=("mine", "theirs"),
        default="",
        help="where a filled-in workbook contradicts newer answers: take the workbook's (mine) or leave them (theirs)",
    )

    check = commands.add_parser("check", help="tell the health of a company's data")
    check.add_argument("folder", type=Path, metavar="FOLDER")
    check.add_argument("--connection", metavar="URL", help="where the company's tables lie in a warehouse")

    report = commands.add_parser("report", help="make the report of one or many companies")
    report.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    report.add_argument("--as-of", default="", metavar="DATE")
    report.add_argument("--period", default="quarter", metavar="month|quarter|year")
    report.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR")
    report.add_argument("--notebooks", default="", metavar="03,05")
    report.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="notebooks at once, of as many companies; one per core unless said",
    )
    report.add_argument("--connection", metavar="URL", help="where the tables that company.toml names lie, such as "
                        "postgresql://user@host/database or duckdb:; that one reads files in place")  # fmt: skip
    report.add_argument("--people", default="shown", metavar="shown|hidden")

    opened = commands.add_parser("open", help="open the workbook in JupyterLab, or as an app without code")
    opened.add_argument("folder", type=Path, nargs="?", metavar="FOLDER")
    opened.add_argument("--app", action="store_true", help="without code, for participants")
    opened.add_argument("--host", metavar="ADDRESS", help="listen on this address instead of loopback")
    opened.add_argument("--connection", metavar="URL", help="where the company's tables lie in a warehouse")
    opened.add_argument("--invite", action="append", default=[], metavar="NAME", help="with --app, a link for somebody")

    glossary = commands.add_parser("glossary", help="write the glossary of every KPI as a page")
    glossary.add_argument("folder", type=Path, nargs="?", metavar="FOLDER")
    glossary.add_argument("--out", type=Path, default=Path("glossary.html"), metavar="FILE")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 all good, 1 something failed or isn't usable, 2 wrong usage.
    """
    options = build_parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except ParameterError as error:
        print(f"{error}", file=sys.stderr)
        return WRONG_USAGE
    except DiagnosticError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def start(options: argparse.Namespace) -> int:
    """Start a company folder from exports."""
    from helpers.ingest.intake import start_company

    told = start_company(
        options.folder,
        options.files,
        name=options.name,
        currency=options.currency,
        fiscal_year_start=options.fiscal_year_start,
        time_zone=options.time_zone,
        maps=options.maps,
        stages=options.stages,
        lookups=options.lookups,
        exported_on=options.exported_on,
    )
    print(told.describe())
    return 0


def add(options: argparse.Namespace) -> int:
    """Add the next exports of a company, and take over the workbooks that people filled in."""
    from helpers.answers.spreadsheet_import import is_answers_workbook
    from helpers.ingest.intake import add_exports

    filled = [file for file in options.files if is_answers_workbook(file)]
    exports = [file for file in options.files if file not in filled]
    results = [take_answers(options.folder, file, options.keep) for file in filled]
    if exports:
        print(add_exports(options.folder, exports, exported_on=options.exported_on).describe())
    return 0 if all(results) else 1


def take_answers(folder: Path, file: Path, keep: str) -> bool:
    """Take over one filled-in workbook and say what came of it; returns whether nothing was refused or contradicts."""
    from helpers.answers.spreadsheet_import import import_answers
    from helpers.answers.survey import read_round
    from helpers.model.survey import load_survey

    if not (folder / "company.toml").is_file():
        raise ParameterError(f"[{folder}] holds no company.toml. Start it with: python -m helpers new {folder} FILE…")
    try:
        imported = import_answers(folder, file, load_survey(), keep=keep)
    except DiagnosticError as error:
        print(f"{file}: not taken. {error}", file=sys.stderr)
        return False
    may_be_seen = imported.kind != "survey" or read_round(folder)[0].is_closed
    print(f"{file}: {imported.describe(shows_values=may_be_seen)}")
    return imported.is_whole


def check(options: argparse.Namespace) -> int:
    """Tell the health of a company's data."""
    from helpers.company import check_company

    usable, _, summary = check_company(options.folder, connection=options.connection)
    print(summary)
    return 0 if usable else 1


def report(options: argparse.Namespace) -> int:
    """Make the reports and say where they lie."""
    from tqdm import tqdm

    from helpers.batch.parameters import RunParameters, choose_notebooks
    from helpers.batch.run import run_report

    if options.workers < 0:
        raise ParameterError(f"--workers {options.workers} is below 0. Give the number of notebooks at once.")
    notebooks = choose_notebooks(options.notebooks)
    where = name_connection(options.connection)
    asked = RunParameters(options.as_of, options.period, options.people, notebooks, connection=where)
    steps = len(options.folders) * (len(notebooks) + 1)
    with tqdm(total=steps, unit="step", file=sys.stderr, dynamic_ncols=True) as bar:

        def step(message: str) -> None:
            bar.set_description_str(message)
            bar.update()

        with handing_over(options.connection):
            results = run_report(
                options.folders, asked, out=options.out, prepare=prepare, workers=options.workers, progress=step
            )
    for result in results:
        where = str(result.report / "index.html") if result.report else f"failed: {result.error}"
        print(f"{result.company} ({result.seconds:.0f} s): {where}")
    print(f"Open {options.out / 'index.html'}")
    return 0 if all(result.status == "whole" for result in results) else 1


def name_connection(url: str | None) -> str:
    """Check a warehouse's address before anything starts, and return it without its password."""
    if not url:
        return ""
    from helpers.warehouse.connection import mask_password, read_scheme

    read_scheme(url)
    return mask_password(url)


@contextmanager
def handing_over(url: str | None) -> Iterator[None]:
    """Let everything that is started meanwhile know a warehouse's address, by the environment and nowhere else."""
    from helpers.warehouse.connection import CONNECTION_VARIABLE

    before = os.environ.get(CONNECTION_VARIABLE)
    if url:
        os.environ[CONNECTION_VARIABLE] = url
    try:
        yield
    finally:
        os.environ.pop(CONNECTION_VARIABLE, None)
        if before is not None:
            os.environ[CONNECTION_VARIABLE] = before


def prepare(folder: Path, asked: Any) -> Any:
    """Open a company once before its notebooks do, and tell what the manifest holds of it."""
    from helpers.batch.run import Prepared
    from helpers.present.glossary import write_glossary_page
    from helpers.present.outputs import write_spreadsheet
    from helpers.workbook import describe_workbook, open_workbook

    book = open_workbook(company=str(folder), as_of=asked.as_of, period=asked.period, people=asked.people)

    def complete(report: Path) -> None:
        write_glossary_page(book.company.catalog, report / "glossary.html")
        units = {kpi.id: kpi.unit for kpi in book.company.catalog.kpis.values()}
        write_spreadsheet(report, name=book.company.name, currency=book.currency, units=units)

    return Prepared(describe_workbook(book), complete)


def open_workbook(options: argparse.Namespace) -> int:
    """Open the workbook in JupyterLab, or without code as an app, and print where."""
    name_connection(options.connection)
    if options.app:
        from helpers.workshop.server import serve_app

        with handing_over(options.connection):
            return serve_app(options.folder, host=options.host, invite=tuple(options.invite))
    if options.invite:
        raise ParameterError("--invite: links belong to the workbook without code. Add --app, or leave --invite out.")
    from helpers.batch.lab import serve_lab

    with handing_over(options.connection):
        return serve_lab(options.folder, host=options.host)


def write_glossary(options: argparse.Namespace) -> int:
    """Write the glossary page."""
    from helpers.company import open_company
    from helpers.model.catalog import load_catalog
    from helpers.present.glossary import write_glossary_page

    catalog = open_company(options.folder).catalog if options.folder else load_catalog()
    write_glossary_page(catalog, options.out)
    print(f"Open {options.out}")
    return 0


COMMANDS = {
    "new": start,
    "add": add,
    "check": check,
    "report": report,
    "open": open_workbook,
    "glossary": write_glossary,
}

if __name__ == "__main__":
    sys.exit(main())
