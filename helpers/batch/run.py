"""A run: reports for many companies, each whole or not at all, and none of them able to spoil another."""

import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import helpers
from helpers.batch.jobs import JobResult, run_notebook
from helpers.batch.parameters import NOTEBOOKS, RunParameters, check_parameters, parameters_for
from helpers.batch.publish import publish, staged
from helpers.errors import DiagnosticError, ParameterError
from helpers.present.outputs import merge_findings, to_json
from helpers.writing import write_text

FAILED = "failed"
"""Folder beside a company's reports that holds what is left of its last run, if that one failed."""

VERSIONS_OF = ("pandas", "duckdb", "altair", "papermill", "nbconvert", "jupyterlab")


@dataclass(frozen=True)
class Prepared:
    """A company, opened once before its notebooks are.

    Attributes:
        manifest: name, as_of (ISO), inputs, issues and whatever else the manifest should hold.
        complete: Given the folder of the report, adds what is made of the tables: glossary and spreadsheet.
    """

    manifest: Mapping[str, Any]
    complete: Callable[[Path], None]


Prepare = Callable[[Path, RunParameters], Prepared]


@dataclass(frozen=True)
class CompanyResult:
    """How one company went.

    Attributes:
        company: The folder's name.
        status: ``whole`` or ``failed``.
        error: Why it failed, for a person.
        report: The folder of the new report, or None.
        seconds: How long it took.
    """

    company: str
    status: str
    error: str
    report: Path | None
    seconds: float


def run_report(
    folders: Sequence[Path],
    parameters: RunParameters,
    *,
    out: Path,
    prepare: Prepare,
    workers: int = 0,
    progress: Callable[[str], None] = lambda message: None,
) -> list[CompanyResult]:
    """Make a report for every company.

    Args:
        folders: The companies' folders.
        parameters: What was asked.
        out: Where the reports go.
        prepare: Opens one company; what it raises fails that company only.
        workers: How many notebooks at once, of as many companies; 0 takes one per core.
        progress: Told after every step, with the step in words.

    Returns:
        One result per company, in the order given.

    Raises:
        ParameterError: Two folders bear one name, or a parameter isn't allowed.
    """
    check_parameters(parameters)
    check_names(folders)
    out.mkdir(parents=True, exist_ok=True)
    results: dict[Path, CompanyResult] = {}
    workers = workers or os.cpu_count() or 1
    asked = {"out": out, "prepare": prepare, "progress": progress, "at_once": max(workers // max(len(folders), 1), 1)}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        pending = {pool.submit(report_company, folder, parameters, **asked): folder for folder in folders}
        for done in as_completed(pending):
            results[pending[done]] = done.result()
    write_index(out)
    return [results[folder] for folder in folders]


def check_names(folders: Sequence[Path]) -> None:
    """Check that every company has a folder name of its own, since its report lies under it.

    Raises:
        ParameterError: Two have the same, or one has none.
    """
    seen: dict[str, Path] = {}
    for folder in folders:
        name = folder.resolve().name
        if not name:
            raise ParameterError(f"'{folder}' is no company folder: it has no name. Name the folder of one company.")
        other = seen.setdefault(name.casefold(), folder)
        if other is not folder:
            raise ParameterError(
                f"two folders are called '{name}': {other} and {folder}. Rename one, or report them in two calls."
            )


def report_company(
    folder: Path,
    parameters: RunParameters,
    *,
    out: Path,
    prepare: Prepare,
    progress: Callable[[str], None],
    at_once: int = 1,
) -> CompanyResult:
    """Make the report of one company, so many notebooks at once; nothing it does can raise."""
    started = time.monotonic()
    name = folder.resolve().name
    home = out / name
    manifest: dict[str, Any] = {"company": name, "parameters": asdict(parameters), "versions": _versions()}
    try:
        prepared = prepare(folder, parameters)
        manifest.update(prepared.manifest)
        target = home / f"{manifest['as_of']}-{parameters.period}"
        with staged(target) as stage:
            error = _fill(stage, folder, parameters, manifest, prepared.complete, progress, at_once)
            _seal(stage, manifest, error, started)
            publish(stage, home / FAILED if error else target)
        if not error:
            shutil.rmtree(home / FAILED, ignore_errors=True)
        report = None if error else target
    except Exception as failure:  # one company's failure is told and never stops the others
        error, report = _in_words(failure), None
        _leave_failure(home, manifest, error, started)
    progress(f"{name}: {'failed' if error else 'whole'}")
    return CompanyResult(name, "failed" if error else "whole", error, report, round(time.monotonic() - started, 1))


def write_index(out: Path) -> None:
    """Write ``index.html`` over every company that has a report, or a failed run, in a folder."""
    from helpers.present.index import write_index_page

    entries = [entry for home in sorted(out.iterdir()) if home.is_dir() for entry in _entries(home, out)]
    write_index_page(entries, out / "index.html")


def _fill(
    stage: Path,
    folder: Path,
    parameters: RunParameters,
    manifest: dict[str, Any],
    complete: Callable[[Path], None],
    progress: Callable[[str], None],
    at_once: int,
) -> str:
    """Run the notebooks and write the pages; returns why it failed, or an empty text."""
    from helpers.present.report import write_report_pages

    def run(name: str) -> JobResult:
        source = NOTEBOOKS / f"{name}.ipynb"
        values = parameters_for(
            source, parameters, company=folder.resolve(), as_of=manifest["as_of"], output_dir=stage.resolve()
        )
        result = run_notebook(source, stage / f"{name}.ipynb", values)
        progress(f"{manifest['company']}: {name}")
        return result

    with ThreadPoolExecutor(max_workers=at_once) as pool:
        results = list(pool.map(run, parameters.notebooks))
    manifest["notebooks"] = [asdict(result) for result in results]
    failed = [result for result in results if result.status == "failed"]
    if failed:
        return "; ".join(f"{result.notebook}: {result.error}" for result in failed)
    manifest["findings"] = merge_findings(stage / "findings")
    write_text(stage / "findings.json", to_json(manifest["findings"]))
    shutil.rmtree(stage / "findings", ignore_errors=True)
    complete(stage)
    write_report_pages(stage, manifest=manifest)
    return ""


def _seal(stage: Path, manifest: dict[str, Any], error: str, started: float) -> None:
    findings = manifest.pop("findings", [])
    manifest["top_finding"] = findings[0]["headline"] if findings else ""
    manifest["status"] = "failed" if error else "whole"
    manifest["error"] = error
    manifest["seconds"] = round(time.monotonic() - started, 1)
    write_text(stage / "manifest.json", to_json(manifest))


def _leave_failure(home: Path, manifest: dict[str, Any], error: str, started: float) -> None:
    try:
        with staged(home / FAILED) as stage:
            _seal(stage, manifest, error, started)
            publish(stage, home / FAILED)
    except OSError:  # the disk that refused the report refuses its obituary too; the caller still tells
        return


def _entries(home: Path, out: Path) -> list[dict[str, Any]]:
    """Tell what the index says of one company: its newest reports, and its failed run."""
    entries = []
    for manifest in sorted(home.glob("*/manifest.json")):
        if manifest.parent.name.startswith("."):
            continue
        try:
            told = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError) as failure:
            told = {"company": home.name, "status": "failed", "error": f"its manifest can't be read: {failure}"}
        page = manifest.parent / "index.html"
        entries.append({**told, "link": page.relative_to(out).as_posix() if page.exists() else ""})
    return entries


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in VERSIONS_OF:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found | {"revenue-engine-diagnostic": helpers.__version__}


def _in_words(failure: Exception) -> str:
    if isinstance(failure, DiagnosticError):
        return str(failure)
    return f"{type(failure).__name__}: {failure}"
