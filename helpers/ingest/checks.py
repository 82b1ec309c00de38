"""Look over canonical tables for what is wrong or suspicious; nothing is changed here, every finding is an issue."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import pandas as pd

from helpers.issues import IssueLog

MONTH_END_SHARE = 0.25
"""Share of open deals due on a month's last day above which close dates look like defaults; 1 in 30 is chance."""

FEWEST = 20
"""Under so many records a share says nothing."""

BULK_SHARE = 0.2
CONTACT_STEPS = ("created_at", "mql_at", "sql_at", "opportunity_at", "won_at")
UNKNOWN = {"other", "unknown", "n/a", "none", "-", "not set"}


def check_tables(
    tables: Mapping[str, pd.DataFrame], log: IssueLog, *, known_on: date | None, columns: Mapping[tuple[str, str], str]
) -> None:
    """Run every check that the tables allow.

    Args:
        tables: Object → canonical table.
        log: Takes the findings.
        known_on: The day the exports were made: what lies after it is in the future.
        columns: (object, field) → the column as the export writes it, for issues.
    """
    checker = Checker(log, columns)
    if "deal" in tables:
        _check_deal_dates(tables["deal"], checker, known_on)
        _check_deal_content(tables["deal"], checker)
        _check_deal_habits(tables["deal"], checker)
    if "deal_history" in tables and "deal" in tables:
        _check_history(tables, checker)
    if "contact" in tables:
        _check_contacts(tables["contact"], checker, known_on)
    for object_id, start, end in (("customer", "live_at", "ended_at"), ("subscription", "start_at", "end_at")):
        if object_id in tables and {start, end} <= set(tables[object_id].columns):
            table = tables[object_id]
            checker.rows(object_id, table[_day(table[end]) < _day(table[start])], end, "end_before_start",
                         "It ends before it starts", "Correct one of the dates in the CRM")  # fmt: skip


class Checker:
    """Write findings on rows and on whole columns, under the export's own names."""

    def __init__(self, log: IssueLog, columns: Mapping[tuple[str, str], str]) -> None:
        self.log, self.columns = log, columns

    def rows(
        self,
        object_id: str,
        rows: pd.DataFrame,
        field: str,
        code: str,
        message: str,
        cure: str,
        *,
        severity: str = "warning",
    ) -> None:
        """Note one finding for each row."""
        if not len(rows):
            return
        for file, there in rows.groupby("source_file", sort=False):
            values = there[field] if field in there else pd.Series("", index=there.index)
            if pd.api.types.is_datetime64_any_dtype(values):
                values = values.dt.strftime("%Y-%m-%d")
            self.log.add_rows(
                file=str(file),
                rows=there["source_row"].tolist(),
                column=self.columns.get((object_id, field), field),
                values=values.tolist(),
                code=code,
                severity=severity,
                message=message,
                cure=cure,
            )

    def share(self, object_id: str, table: pd.DataFrame, field: str, code: str, message: str, cure: str) -> None:
        """Note one finding about a whole column."""
        self.log.add(
            file=str(table["source_file"].iloc[0]) if len(table) else "",
            column=self.columns.get((object_id, field), field),
            code=code,
            severity="note",
            message=message,
            cure=cure,
        )


def _day(values: pd.Series) -> pd.Series:
    return values.dt.normalize()


def _check_deal_dates(deals: pd.DataFrame, checker: Checker, known_on: date | None) -> None:
    outcome, won = deals["outcome"], deals["outcome"].eq("won")
    closed = outcome.isin(["won", "lost"])
    if {"created_at", "closed_at"} <= set(deals.columns):
        early = closed & (_day(deals["closed_at"]) < _day(deals["created_at"]))
        checker.rows("deal", deals[early], "closed_at", "closed_before_created",
                     "The deal closed before it was created; it does not count for the step between",
                     "Correct the create or close date in the CRM")  # fmt: skip
    if "closed_at" in deals:
        checker.rows("deal", deals[closed & deals["closed_at"].isna()], "closed_at", "closed_without_date",
                     "The deal is closed and has no close date; it counts in no period",
                     "Fill in the close date in the CRM")  # fmt: skip
        if known_on is not None:
            today = pd.Timestamp(known_on)
            checker.rows("deal", deals[closed & (_day(deals["closed_at"]) > today)], "closed_at", "closed_in_future",
                         f"The deal is closed, yet its close date lies after the export of {known_on}",
                         "Set the close date to the day it was closed")  # fmt: skip
            overdue = outcome.eq("open") & (_day(deals["closed_at"]) < today)
            checker.rows("deal", deals[overdue], "closed_at", "open_past_close_date",
                         f"The deal is open, yet it was to close before the export of {known_on}",
                         "Close it or give it a new close date")  # fmt: skip
    if "created_at" in deals:
        checker.rows("deal", deals[won & deals["created_at"].isna()], "created_at", "won_without_created_date",
                     "The deal is won and has no create date; it counts for no cohort",
                     "Fill in the create date in the CRM")  # fmt: skip


def _check_deal_content(deals: pd.DataFrame, checker: Checker) -> None:
    outcome = deals["outcome"]
    if "amount" in deals:
        empty = deals["amount"].isna() | deals["amount"].eq(0)
        checker.rows("deal", deals[outcome.eq("won") & empty], "amount", "won_without_amount",
                     "The deal is won without an amount; it counts as won and adds nothing to revenue",
                     "Fill in the amount in the CRM")  # fmt: skip
        checker.rows("deal", deals[deals["amount"].lt(0).fillna(False)], "amount", "negative_amount",
                     "The amount is negative", "Check whether this is a credit note rather than a deal")  # fmt: skip
    if "lost_reason" in deals:
        lost = outcome.eq("lost")
        checker.rows("deal", deals[lost & deals["lost_reason"].isna()], "lost_reason", "lost_without_reason",
                     "The deal is lost and nobody said why", "Make the reason a required field")  # fmt: skip
        told = deals.loc[lost, "lost_reason"].dropna()
        vague = float(told.str.casefold().isin(UNKNOWN).mean()) if len(told) else 0.0
        if len(told) >= FEWEST and vague > 0.2:
            checker.share("deal", deals, "lost_reason", "vague_lost_reasons",
                          f"{vague:.0%} of the lost reasons say 'other' or nothing",
                          "Offer reasons that people recognise, and drop 'other'")  # fmt: skip
    if "company_id" in deals:
        checker.rows("deal", deals[outcome.eq("won") & deals["company_id"].isna()], "company_id", "won_without_company",
                     "The deal is won and belongs to no company", "Link it to its company in the CRM")  # fmt: skip


def _check_deal_habits(deals: pd.DataFrame, checker: Checker) -> None:
    if "closed_at" in deals:
        due = deals.loc[deals["outcome"].eq("open"), "closed_at"].dropna()
        share = float(due.dt.is_month_end.mean()) if len(due) else 0.0
        if len(due) >= FEWEST and share > MONTH_END_SHARE:
            checker.share("deal", deals, "closed_at", "month_end_close_dates",
                          f"{share:.0%} of the open deals are due on a month's last day, which CRMs fill in themselves",
                          "Ask for close dates agreed with the buyer; take coverage by month with care")  # fmt: skip
    if {"created_at", "closed_at"} <= set(deals.columns):
        won = deals[deals["outcome"].eq("won") & deals["created_at"].notna() & deals["closed_at"].notna()]
        share = float((_day(won["closed_at"]) == _day(won["created_at"])).mean()) if len(won) else 0.0
        if len(won) >= FEWEST and share > 0.1:
            checker.share("deal", deals, "created_at", "won_on_day_created",
                          f"{share:.0%} of the won deals were created on the day they closed, so logged late",
                          "Log deals when they start; cycle times are too short until then")  # fmt: skip
    if "source" in deals:
        _check_vague(deals, checker, "deal")


def _check_vague(table: pd.DataFrame, checker: Checker, object_id: str) -> None:
    told = table["source"].dropna()
    vague = float(told.str.casefold().isin({*UNKNOWN, "offline sources", "offline"}).mean()) if len(told) else 0.0
    if len(told) >= FEWEST and vague > 0.2:
        checker.share(object_id, table, "source", "vague_sources",
                      f"{vague:.0%} of the sources say 'other' or 'offline'",
                      "Fill in where records that were imported or typed in came from")  # fmt: skip


def _check_history(tables: Mapping[str, pd.DataFrame], checker: Checker) -> None:
    history = tables["deal_history"]
    entered = history[history["field"].eq("stage")]
    if len(entered) >= FEWEST:
        moments = entered["changed_at"].value_counts()
        busiest, count = moments.index[0], int(moments.iloc[0])
        if count > BULK_SHARE * len(entered) and count >= FEWEST and busiest != busiest.normalize():
            checker.share("deal_history", history, "changed_at", "bulk_stage_dates",
                          f"{count:,} stage changes bear the same moment, {busiest:%Y-%m-%d %H:%M}: filled in at once",
                          "Take stage dates of these deals with care")  # fmt: skip


def _check_contacts(contacts: pd.DataFrame, checker: Checker, known_on: date | None) -> None:
    there = [name for name in CONTACT_STEPS if name in contacts and contacts[name].notna().any()]
    for earlier, later in pairwise(there):
        backwards = _day(contacts[later]) < _day(contacts[earlier])
        checker.rows("contact", contacts[backwards], later, "step_before_its_predecessor",
                     f"'{later}' lies before '{earlier}'; the record does not count for the step between",
                     "Correct one of the dates in the CRM")  # fmt: skip
    if known_on is not None:
        for name in there:
            ahead = _day(contacts[name]) > pd.Timestamp(known_on)
            checker.rows("contact", contacts[ahead], name, "date_in_future",
                         f"The date lies after the export of {known_on}", "Correct the date in the CRM")  # fmt: skip
    if "source" in contacts:
        _check_vague(contacts, checker, "contact")
