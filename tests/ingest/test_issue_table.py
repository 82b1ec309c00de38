"""Issues in a terminal: a table with a line each, worst first, and a count of what is left out."""

from helpers.ingest.issue_table import describe_issues
from helpers.issues import IssueLog


def log_of(n_warnings, *, value="x"):
    log = IssueLog()
    log.add_rows(
        file="deals.csv", rows=range(2, 2 + n_warnings), column="Amount", values=[value] * n_warnings,
        code="odd_amount", severity="warning", message="The amount is odd", cure="Look at it",
    )  # fmt: skip
    log.add(file="b.csv", code="no_header", severity="error", message="There is\nno header", cure="Add one")
    return log.to_frame()


def test_every_issue_has_a_line_with_file_row_column_value_message_and_cure():
    header, first, second, third = describe_issues(log_of(2))
    assert header.split() == ["severity", "file", "row", "column", "value", "message", "cure"]
    assert first.split() == ["error", "b.csv", "There", "is", "no", "header", "Add", "one"]
    assert second.split()[:5] == ["warning", "deals.csv", "2", "Amount", "x"]
    assert third.endswith("Look at it") and "The amount is odd" in third


def test_a_flood_of_one_kind_is_cut_and_counted():
    lines = describe_issues(log_of(50), most_of_a_kind=3)
    assert len(lines) == 1 + 1 + 3 + 1
    assert lines[-1] == "… and 47 more; all 51 stand in tables/issues.csv of the report"


def test_the_whole_table_is_cut_and_counted():
    lines = describe_issues(log_of(5), most_rows=2)
    assert len(lines) == 1 + 2 + 1
    assert "4 more" in lines[-1]


def test_a_long_value_is_shortened_and_no_issues_are_no_lines():
    assert "y" * 39 + "…" in describe_issues(log_of(1, value="y" * 300))[2]
    assert describe_issues(IssueLog().to_frame()) == []
