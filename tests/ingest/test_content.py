"""What a column of texts holds, as far as telling objects and partitions needs it."""

import pandas as pd
import pytest

from helpers.ingest.content import describe_column
from helpers.ingest.date_shapes import MONTHS


def kind_of(texts):
    return describe_column(pd.Series(texts, dtype="str")).kind


@pytest.mark.parametrize("name", sorted(MONTHS))
def test_a_month_of_any_language_that_is_read_makes_a_date(name):
    assert kind_of([f"{day} {name} 2026" for day in range(1, 20)]) == "date"
    assert kind_of([f"{name.title()} {day}, 2026" for day in range(1, 20)]) == "date"


@pytest.mark.parametrize(
    "pattern",
    [
        "2026-03-{:02d}",
        "2026-03-{:02d}T10:00:00Z",
        "2026-03-{:02d} 10:00 UTC",
        "{:02d}/03/2026 10:00 AM",
        "Monday, {:02d} March 2026 10:00:00 GMT+0200 (Central European Summer Time)",
        "{}st Mar. 2026",
    ],
)
def test_words_beside_a_date_leave_it_one(pattern):
    assert kind_of([pattern.format(day) for day in range(1, 20)]) == "date"


@pytest.mark.parametrize("pattern", ["owner {:02d}", "Q{} 2026 webinar", "{:02d}-03-2026 draft", "team 2026-03-{:02d}"])
def test_words_that_are_no_months_make_no_date(pattern):
    assert kind_of([pattern.format(day) for day in range(1, 20)]) == "text"
