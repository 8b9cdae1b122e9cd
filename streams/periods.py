"""Calendar periods as people write them: `2026-11`, `2026-Q4`, `2026`, or two days such as `2026-11-02/2026-11-15`."""

import re
from datetime import date, timedelta
from typing import NamedTuple

FIRST_YEAR, LAST_YEAR = 1970, 2099
_PERIOD = re.compile(r"(\d{4})(?:-(?:(\d{2})|Q([1-4])))?\Z", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


class Period(NamedTuple):
    """Some days on the calendar."""

    first: date
    last: date  # the last of them

    @property
    def following(self) -> date:
        """The day after the last."""
        return self.last + timedelta(days=1)


def parse_period(text: str) -> Period:
    """Read a period: a month, a quarter, a year, or its first and last day.

    Raises
    ------
    ValueError
        When the text is none, or not between 1970 and 2099.
    """
    found = _read(text)
    if found is None:
        raise ValueError(f"`{text}` is no period; expected one such as 2026-11, 2026-Q4, 2026 or 2026-11-02/2026-11-15")
    if found.last < found.first:
        raise ValueError(f"`{text}` ends before it begins")
    if found.first.year < FIRST_YEAR or found.last.year > LAST_YEAR:
        raise ValueError(f"`{text}` does not lie between {FIRST_YEAR} and {LAST_YEAR}")
    return found


def _read(text: str) -> Period | None:
    first, slash, last = text.partition("/")
    try:
        if slash:
            return Period(_day(first), _day(last))
        match = _PERIOD.match(text)
        if match is None:
            return None
        year, month, quarter = (int(part or 0) for part in match.groups())
        if quarter:
            begin, months = 3 * quarter - 2, 3
        else:
            begin, months = (month, 1) if match[2] else (1, 12)
        following = 12 * year + begin - 1 + months
        last_day = date(following // 12, following % 12 + 1, 1) - timedelta(days=1)
        return Period(date(year, begin, 1), last_day)
    except (ValueError, OverflowError):
        return None


def _day(text: str) -> date:
    if not _DAY.match(text):
        raise ValueError(text)
    return date.fromisoformat(text)
