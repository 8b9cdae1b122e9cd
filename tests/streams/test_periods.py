"""Calendar periods: which days are meant, and what is none."""

from datetime import date

import pytest

from streams.periods import parse_period


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2099", date(2099, 1, 1), date(2099, 12, 31)),
        ("2026-11-02/2026-11-15", date(2026, 11, 2), date(2026, 11, 15)),
        ("2026-11-02/2026-11-02", date(2026, 11, 2), date(2026, 11, 2)),
    ],
)
def test_days_of_a_period(text, first, last):
    """Months, quarters, years, and any two days, both in."""
    assert parse_period(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-13", "2026-00", "2026-Q0", "2026-Q5", "26-11", "2026-1", "2026-11-02", "November", "2026-11\n", "0000", "2026/2027"),
        *("2026-02-01/2026-02-30", "2026-11-02/", "2026-11-02/2026-11-15/", "20261102/20261115", "2026-W05-1/2026-W06-1"),
    ],
)  # fmt: skip
def test_what_is_no_period(text):
    """Anything else."""
    with pytest.raises(ValueError, match="is no period; expected one such as 2026-11"):
        parse_period(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-11-15/2026-11-14", "`2026-11-15/2026-11-14` ends before it begins"),
        ("1969", "`1969` does not lie between 1970 and 2099"),
        ("2099-12-31/2100-01-01", "`2099-12-31/2100-01-01` does not lie between 1970 and 2099"),
    ],
)
def test_periods_that_cannot_be(text, sentence):
    """Backwards, or beyond the years of the calendar."""
    with pytest.raises(ValueError, match=sentence):
        parse_period(text)
