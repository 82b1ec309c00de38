"""Units: what a reader sees."""

from datetime import date

import pytest

from helpers.units import format_money, format_value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.31, "share", "31 %"),
        (0.0421, "share", "4.2 %"),
        (1.07, "share", "107 %"),
        (0.0, "share", "0 %"),
        (-0.07, "share", "−7.0 %"),
        (1234, "count", "1,234"),
        (61.4, "days", "61 days"),
        (1, "days", "1 day"),
        (3.1, "ratio", "3.10×"),
        (None, "share", "not available"),
        (float("nan"), "currency", "not available"),
        (date(2026, 9, 3), "date", "3 Sep 2026"),
    ],
)
def test_values_are_written_in_their_unit(value, unit, text):
    assert format_value(value, unit) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(1_240_000, "€1.24 M"), (999_600, "€1.00 M"), (12_340, "€12.3 k"), (950, "€950"), (-1.5, "−€1.50"), (0, "€0")],
)
def test_money_is_short_with_its_unit(amount, text):
    assert format_money(amount, "EUR") == text
