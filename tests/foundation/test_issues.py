"""Issues: nothing noted is lost, and long lists end in a count."""

import pytest

from helpers.issues import ISSUE_COLUMNS, ROWS_PER_CODE, IssueLog, count_issues


def test_an_empty_log_gives_an_empty_frame_with_all_columns():
    frame = IssueLog().to_frame()
    assert list(frame.columns) == ISSUE_COLUMNS and frame.empty


def test_rows_beyond_the_limit_are_told_as_a_count():
    log = IssueLog()
    n = ROWS_PER_CODE + 7
    log.add_rows(file="a.csv", rows=range(n), values=["x"] * n, code="bad", message="bad value", cure="mend it")
    frame = log.to_frame()
    assert len(frame) == ROWS_PER_CODE + 1
    assert "7 more rows" in frame["message"].iloc[-1]
    assert frame["row"].isna().sum() == 1


def test_another_column_has_its_own_room():
    log = IssueLog()
    for column in ("a", "b"):
        log.add_rows(
            file="a.csv",
            rows=range(ROWS_PER_CODE),
            values=range(ROWS_PER_CODE),
            column=column,
            code="bad",
            message="m",
            cure="c",
        )
    assert len(log) == 2 * ROWS_PER_CODE


def test_logs_merge_in_order_and_count_by_severity():
    first, second = IssueLog(), IssueLog()
    first.add(file="a", code="x", message="m", cure="c", severity="error", row=3, value=None)
    second.add(file="b", code="y", message="m", cure="c", severity="note")
    first.extend(second.to_frame())
    frame = first.to_frame()
    assert frame["file"].tolist() == ["a", "b"]
    assert frame["value"].tolist() == ["", ""]
    assert count_issues(frame) == {"error": 1, "warning": 0, "note": 1}


def test_unknown_severity__error():
    with pytest.raises(ValueError, match="fatal"):
        IssueLog().add(file="a", code="x", message="m", cure="c", severity="fatal")
