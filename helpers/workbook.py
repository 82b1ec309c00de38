"""What every notebook opens: one company, one day up to which events count, one period and what it is compared with."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.analyses.derived_partitions import derive_partitions
from helpers.analyses.finding import Finding
from helpers.analyses.overview import find_goal
from helpers.company import Company, open_company
from helpers.engine.cells import build_cells
from helpers.errors import ParameterError, suggest
from helpers.issues import IssueLog, count_issues
from helpers.periods import (
    CUSTOM,
    Period,
    build_periods,
    custom_period,
    parse_day,
    period_of,
    require_grain,
    require_slicing_grain,
    resolve_as_of,
)
from helpers.present.display import Display, show_message
from helpers.present.outputs import write_findings, write_table
from helpers.units import format_value
from helpers.writing import write_text

SAMPLE = "data/samples/brightwater"
COMPANY_VARIABLE = "REVENUE_ENGINE_COMPANY"
"""Environment variable by which ``python -m helpers open FOLDER`` tells the notebooks their company."""

COMPARISONS = ("previous", "year_ago", "plan", CUSTOM)
PEOPLE = ("shown", "hidden")


@dataclass(frozen=True)
class Workbook:
    """One company at one day, as a notebook asks about it.

    Attributes:
        company: The folder, opened.
        as_of: The last day that counts; events after it are invisible.
        period: The latest period that is whole on that day (or the one it stands in where none is whole yet).
        compared: The period it is compared with; None where it is compared with the plan.
        compare_to: previous, year_ago, plan or custom.
        output_dir: Where tables and findings go; None where nothing is written.
    """

    company: Company
    as_of: date
    period: Period
    compared: Period | None
    compare_to: str
    output_dir: Path | None

    @property
    def currency(self) -> str:
        """The company's currency as an ISO code."""
        return self.company.currency

    @property
    def is_whole(self) -> bool:
        """Whether the period has ended by the day that counts."""
        return self.period.end <= self.as_of

    @property
    def compared_label(self) -> str:
        """What the period is compared with, as a reader says it."""
        return self.compared.label if self.compared else "plan"

    @property
    def goals(self) -> pd.DataFrame | None:
        """The goals that the period is compared with; None where it is compared with another period."""
        return self.company.targets if self.compare_to == "plan" else None

    @cached_property
    def history(self) -> list[Period]:
        """Every period from the first event up to the one in question, oldest first; named days stand alone."""
        if self.period.grain == CUSTOM:
            return [self.period]
        first = find_earliest_event(self.company)
        start = min(first or self.period.start, self.period.start)
        return build_periods(start, self.period.end, self.period.grain, self.company.fiscal_year_start)

    @cached_property
    def cells(self) -> pd.DataFrame:
        """Every available KPI, for the company and every single partition, per period and over the whole history.

        Returns:
            One row per KPI, basis, period and slice: the columns of ``kpis.csv``.
        """
        by = [(), *((partition,) for partition in sorted(self.company.partitions))]
        grain = self.period.grain
        days = {"start": self.period.start} if grain == CUSTOM else {}
        days |= {"end": self.period.end} if grain in (CUSTOM, "rolling_90") else {}
        per_period = build_cells(self.company, by=by, grain=grain, as_of=self.as_of, **days)
        ever = build_cells(self.company, by=by, grain="all", as_of=self.as_of)
        parts = [part for part in (per_period, ever) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else per_period

    @cached_property
    def kpi_table(self) -> pd.DataFrame:
        """The cells as ``kpis.csv`` holds them: a partition with a second name of its own stands under both.

        Returns:
            One row per KPI, basis, period, slice and name of the partition.
        """
        names = {name: id for id, partition in self.company.partitions.items() for name in partition.aliases}
        copies = [self.cells[self.cells["dimension"] == id].assign(dimension=name) for name, id in names.items()]
        return pd.concat([self.cells, *copies], ignore_index=True)

    def history_from(self, start: str = "") -> list[Period]:
        """Return the periods of the history that end on or after a day; an empty text takes them all.

        Raises:
            ParameterError: The text is no day, or no period is left.
        """
        if not start:
            return self.history
        first = parse_day(start, name="start")
        kept = [period for period in self.history if period.end >= first]
        if not kept:
            raise ParameterError(
                f"start {start} lies after {self.period.label}, the latest period. Name an earlier day."
            )
        return kept

    def subtitle(self, text: str = "") -> str:
        """Say in one line what a picture rests on: the text given, the company, the period and the last day."""
        day = format_value(self.as_of, "date")
        whole = "" if self.is_whole else ", not over yet"
        parts = [text, self.company.name, f"{self.period.label}{whole}", f"as of {day}"]
        return " · ".join(part for part in parts if part)

    def record(
        self,
        notebook: str,
        *,
        tables: Mapping[str, pd.DataFrame] | None = None,
        findings: Iterable[Finding] = (),
        pages: Mapping[str, str] | None = None,
    ) -> Display:
        """Leave the notebook's tables, findings and pages behind, each file whole or not at all.

        Args:
            notebook: The notebook's name without its ending.
            tables: File name without ending → table.
            findings: What the notebook found.
            pages: File name without ending → a whole HTML page.

        Returns:
            One line that says what was written, or that nothing was asked for.
        """
        findings = list(findings)
        names = sorted(tables or {})
        what = f"{len(names)} tables ({', '.join(names)})" if len(names) != 1 else f"1 table ({names[0]})"
        what = f"{what} and {len(findings)} findings"
        if self.output_dir is None:
            return show_message("empty", f"Not written: {what}", "Give output_dir to keep them as files.")
        for name, frame in (tables or {}).items():
            write_table(frame, self.output_dir / "tables" / f"{name}.csv")
        write_findings(findings, self.output_dir / "findings" / f"{notebook}.json")
        for name, page in (pages or {}).items():
            write_text(self.output_dir / f"{name}.html", page)
        return show_message("good", f"Written: {what}", "They lie in the folder of this report.")


def open_workbook(
    *,
    company: str = "",
    as_of: str = "",
    period: str = "quarter",
    compare_to: str = "previous",
    output_dir: str = "",
    people: str = "shown",
    connection: str | None = None,
    grain: str = "",
    start: str = "",
    end: str = "",
    compare_start: str = "",
    compare_end: str = "",
    partitions: Iterable[str] = (),
) -> Workbook:
    """Open a company for a notebook.

    Args:
        company: The company's folder; empty takes the one the workbook was opened on, else the sample.
        as_of: The last day that counts as 2026-09-30; empty takes the end of the latest whole period in the exports.
        period: month, quarter or year.
        compare_to: previous, year_ago, plan, or custom for two days of one's own.
        output_dir: Where tables and findings go; empty writes nothing.
        people: shown, or hidden for stable pseudonyms.
        connection: A warehouse's address where the company's tables live there.
        grain: One of ``SLICING_GRAINS`` where it should differ from ``period``.
        start: First day of the period where the grain is custom.
        end: The period is the latest whole one up to this day; the last day of the period where the grain is custom.
        compare_start: First day to compare with where ``compare_to`` is custom.
        compare_end: Last day to compare with where ``compare_to`` is custom.
        partitions: Cuts that will be asked for: those that can be computed (bands, months …) are added.

    Raises:
        ParameterError: A parameter isn't allowed; the text names it and what is.
        DataError: The company's exports can't be used.
    """
    require_grain(period)
    length = require_slicing_grain(grain or period)
    for name, value, allowed in (("compare_to", compare_to, COMPARISONS), ("people", people, PEOPLE)):
        if value not in allowed:
            raise ParameterError(
                f"{name} '{value}' is unknown. Allowed: {', '.join(allowed)}.{suggest(value, allowed)}"
            )
    opened = open_company(company or os.environ.get(COMPANY_VARIABLE, SAMPLE), people=people, connection=connection)
    day = parse_day(as_of) if as_of else latest_day(opened, length)
    if length == CUSTOM:
        current = _named_days(start, end, "start and end", "grain", opened.fiscal_year_start)
    else:
        current = _latest_period(opened, length, min(day, parse_day(end, name="end")) if end else day)
    compared = None
    if compare_to == CUSTOM:
        compared = _named_days(
            compare_start, compare_end, "compare_start and compare_end", "compare_to", opened.fiscal_year_start
        )
    elif compare_to != "plan":
        compared = current.previous() if compare_to == "previous" else current.year_ago()
    folder = Path(output_dir) if output_dir else None
    opened = derive_partitions(_warn_of_day(opened, day), partitions, as_of=day)
    return Workbook(opened, day, current, compared, compare_to, folder)


def _latest_period(company: Company, grain: str, day: date) -> Period:
    """Return the latest period that is whole on a day, or the one that the day stands in where none is yet."""
    current = period_of(day, grain, company.fiscal_year_start)
    if current.end > day:
        earliest = find_earliest_event(company)
        earlier = current.previous()
        current = earlier if earliest is None or earlier.end >= earliest else current
    return current


def _named_days(first: str, last: str, names: str, parameter: str, fiscal_year_start: int) -> Period:
    if not (first and last):
        raise ParameterError(f"{parameter} 'custom' needs {names}. Write both as days, such as 2026-07-01.")
    one, _, other = names.partition(" and ")
    return custom_period(parse_day(first, name=one), parse_day(last, name=other), fiscal_year_start)


def _warn_of_day(company: Company, day: date) -> Company:
    """Add an issue where the last day that counts lies before every event or after the exports end."""
    earliest = find_earliest_event(company)
    newest = max((known for known in (company.latest_event, *company.snapshots) if known), default=None)
    say = {"file": "", "value": day.isoformat(), "severity": "warning"}
    log = IssueLog()
    log.extend(company.issues)
    if earliest is not None and day < earliest:
        log.add(
            **say,
            code="day_before_every_event",
            message=f"No event lies up to {day}; the first one is of {earliest}, so there is nothing to tell",
            cure="Name a later last day that counts, or leave it out",
        )
    elif newest is not None and day > newest:
        log.add(
            **say,
            code="day_after_the_exports",
            message=f"The exports end on {newest}, before {day}; what happened since is missing and looks like zero",
            cure="Add newer exports with: python -m helpers add, or leave the last day that counts out",
        )
    else:
        return company
    return replace(company, issues=log.to_frame())


def describe_workbook(book: Workbook) -> dict[str, Any]:
    """Tell what a report's manifest holds of its company.

    Returns:
        name, currency, as_of (ISO), period (label), inputs (one record per file), issues (count by severity), and
        attainment (closed revenue per unit of its goal, None where there is none).
    """
    company = book.company
    cells = (
        build_cells(
            company,
            kpis=["revenue_won"],
            grain=book.period.grain,
            start=book.period.start,
            end=book.period.end,
            as_of=book.as_of,
        )
        if "revenue_won" in company.catalog.kpis
        else None
    )
    goal = find_goal(company.targets, "revenue_won", book.period)
    known = cells is not None and len(cells) and goal > 0
    return {
        "name": company.name,
        "currency": company.currency,
        "as_of": book.as_of.isoformat(),
        "period": book.period.label,
        "inputs": company.inputs.to_dict("records"),
        "issues": count_issues(company.issues),
        "attainment": float(cells["value"].iloc[0]) / goal if known else None,
    }


def latest_day(company: Company, grain: str) -> date:
    """Return the last day that counts when nobody named one.

    Raises:
        ParameterError: The exports hold no event at all, so that a day has to be named.
    """
    latest, earliest = company.latest_event, find_earliest_event(company)
    if latest is None or earliest is None:
        newest = max(company.snapshots, default=None)
        if newest is not None:
            return newest
        return _day_of_answers(company)
    return resolve_as_of(latest, min(earliest, latest), grain, company.fiscal_year_start)


def find_earliest_event(company: Company) -> date | None:
    """Return the first day on which a record entered a stage; None where no export has such a date."""
    if company.warehouse is not None:
        return _find_earliest_there(company)
    days = []
    for stage in company.catalog.stages.values():
        table = company.tables.get(stage.object)
        if table is not None and stage.date_field in table.columns and stage.closes != "won":
            days.append(table[stage.date_field].min())
    contacts = company.tables.get("contact")
    if contacts is not None:
        dated = [column for column in ("created_at", "mql_at", "sql_at", "opportunity_at") if column in contacts]
        days.extend(contacts[column].min() for column in dated)
    subscriptions = company.tables.get("subscription")
    if subscriptions is not None and "start_at" in subscriptions:
        days.append(subscriptions["start_at"].min())
    known = [day for day in days if not pd.isna(day)]
    return min(known).date() if known else None


def _find_earliest_there(company: Company) -> date | None:
    """Tell the same by what is known of a warehouse's dates, no record fetched."""
    where = company.warehouse
    dates = {(stage.object, stage.date_field) for stage in company.catalog.stages.values() if stage.closes != "won"}
    dates |= {("contact", name) for name in ("created_at", "mql_at", "sql_at", "opportunity_at")}
    dates.add(("subscription", "start_at"))
    spans = [where.span(object_id, name) for object_id, name in dates if object_id in where.objects]
    return min((span[0] for span in spans if span), default=None)


def _day_of_answers(company: Company) -> date:
    """Take the day on which people last saved an answer, since nothing else here has a date."""
    if company.answers is not None and company.answers.saved_on:
        return company.answers.saved_on
    answers = company.folder / "answers"
    saved = [path.stat().st_mtime for path in (*answers.glob("*.toml"), *answers.glob("[!.]*/*.toml"))]
    if saved:
        return datetime.fromtimestamp(max(saved), tz=UTC).date()
    raise ParameterError(
        f"{company.folder.name} holds neither dated records nor answers, so there is nothing to report. "
        "Start it with `python -m helpers new`, or name the last day that counts with --as-of."
    )
