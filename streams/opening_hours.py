"""Opening hours of an office: how much of the time between two instants it was open, and when so much will have passed.

An office is open at an instant when the clock on its wall shows a time inside its hours. So an hour that a change of
daylight saving leaves out is never open, and one that comes twice is open twice.

Hours are *spans* of minutes from a day's midnight: (540, 1080) is 09:00-18:00; an end beyond 1440 lies on the following
day, and the span belongs to the day that it begins on. A date with an exception has its exception's spans in place of
its weekday's.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.time_zones import CYCLE_MS, CYCLE_YEARS, DAY_MS, LAST_YEAR, TimeZone, folded_ms, year_start_ms, years_of

MINUTE_MS = 60_000
DAY_MINUTES = 1440
WEEK_MINUTES = 7 * DAY_MINUTES
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LAST_EXCEPTION = date(2099, 12, 31)  # later years repeat after 400
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)\Z|([01]\d|2[0-3]):([0-5]\d)-24:00\Z")
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday

Span = tuple[int, int]  # minutes since the day's midnight, end exclusive


def parse_span(text: str) -> Span:
    """Read hours such as ``09:00-18:00``; an end at or before the begin lies on the following day, 24:00 ends the day.

    Raises
    ------
    ValueError
        When the text is no such hours.
    """
    match = _SPAN.match(text)
    if match is None:
        raise ValueError(f"`{text}` are no hours; expected two times such as 09:00-18:00")
    if match[5]:
        return int(match[5]) * 60 + int(match[6]), DAY_MINUTES
    begin = int(match[1]) * 60 + int(match[2])
    end = int(match[3]) * 60 + int(match[4])
    if begin == end:
        raise ValueError(f"`{text}` begin when they end; a whole day is 00:00-24:00")
    return begin, end if end > begin else end + DAY_MINUTES


def overlapping(week: Sequence[Sequence[Span]]) -> list[int]:
    """Days of a week (or of any row of days that ends in itself) with hours that lie in those of a day before or of their own."""
    minutes = len(week) * DAY_MINUTES
    spans = sorted(
        (day * DAY_MINUTES + begin, day * DAY_MINUTES + end) for day, hours in enumerate(week) for begin, end in hours
    )
    if not spans:
        return []
    following = [*spans[1:], (spans[0][0] + minutes, spans[0][1] + minutes)]
    return sorted(
        {
            after[0] % minutes // DAY_MINUTES
            for before, after in zip(spans, following, strict=True)
            if after[0] < before[1]
        }
    )


class _Year(NamedTuple):
    """Open time of one year in UTC: disjoint intervals in order, milliseconds since the year's begin."""

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    before: NDArray[np.int64]  # open time of the intervals before each; one more than there are, the last is the total

    @property
    def total_ms(self) -> int:
        return int(self.before[-1])

    def until_ms(self, at_ms: int) -> int:
        """Open time before an instant of the year."""
        row = int(np.searchsorted(self.begins, at_ms, side="right")) - 1
        if row < 0:
            return 0
        return int(self.before[row]) + min(at_ms, int(self.ends[row])) - int(self.begins[row])

    def when_ms(self, open_ms: int) -> int:
        """First instant before which there was so much open time, of 1..total."""
        row = int(np.searchsorted(self.before, open_ms, side="left")) - 1
        return int(self.begins[row]) + open_ms - int(self.before[row])


class OpeningHours:
    """The opening hours of one office."""

    def __init__(
        self,
        zone: TimeZone,
        week: Sequence[Sequence[Span]] | None = None,
        exceptions: Mapping[date, Sequence[Span]] | None = None,
    ) -> None:
        """Take the hours.

        Parameters
        ----------
        zone
            Where the clock on the wall hangs.
        week
            Spans of Monday to Sunday; None for an office that never closes but by exceptions.
        exceptions
            Spans of single dates from 1970 to 2099 in place of their weekday's; none of them for closed.
        """
        self._zone = zone
        self._week = [list(spans) for spans in week] if week is not None else [[(0, DAY_MINUTES)]] * 7
        assert len(self._week) == len(WEEKDAYS)
        epoch = date(1970, 1, 1)
        self._exceptions = {(day - epoch).days: list(spans) for day, spans in (exceptions or {}).items()}
        self._years: dict[int, _Year] = {}

    def open_ms(self, begin_ms: int, end_ms: int) -> int:
        """How long the office was open from one instant to another; 0 when the second is not later.

        Parameters
        ----------
        begin_ms, end_ms
            Epoch milliseconds from 1970 on.
        """
        if end_ms <= begin_ms:
            return 0
        year, into_ms = _place(begin_ms)
        last_year, last_into_ms = _place(end_ms)
        whole_ms = sum(self._year(between).total_ms for between in range(year, last_year))
        return whole_ms - self._year(year).until_ms(into_ms) + self._year(last_year).until_ms(last_into_ms)

    def due_ms(self, opened_ms: int, duration_ms: int) -> int | None:
        """First instant before which the office was open for so long since another; None when it is never open so long again.

        Parameters
        ----------
        opened_ms
            Epoch milliseconds from 1970 on.
        duration_ms
            Open time, milliseconds; at 0 it has passed at once, open or not.
        """
        if duration_ms <= 0:
            return opened_ms
        year, into_ms = _place(opened_ms)
        left_ms = duration_ms + self._year(year).until_ms(into_ms)
        while left_ms > self._year(year).total_ms:
            left_ms -= self._year(year).total_ms
            year += 1
            if year > LAST_EXCEPTION.year and not any(self._week):
                return None
        return _year_begin_ms(year) + self._year(year).when_ms(left_ms)

    def _year(self, year: int) -> _Year:
        if year >= LAST_YEAR:
            year -= ((year - LAST_YEAR) // CYCLE_YEARS + 1) * CYCLE_YEARS
        if year not in self._years:
            self._years[year] = self._worked_out(year)
        return self._years[year]

    def _worked_out(self, year: int) -> _Year:
        year_ms, next_year_ms = year_start_ms(year), year_start_ms(year + 1)
        # Local days that may touch the year, and the one before the first, whose hours may go past midnight.
        days = range(year_ms // DAY_MS - 2, next_year_ms // DAY_MS + 2)
        local = _merged(
            [
                (day * DAY_MINUTES + begin, day * DAY_MINUTES + end)
                for day in days
                for begin, end in self._exceptions.get(day, self._week[(day + _FIRST_WEEKDAY) % len(WEEKDAYS)])
            ]
        )
        changes = [*self._zone.changes(year), (next_year_ms, 0)]
        parts = []
        for (since_ms, offset_ms), (until_ms, _) in pairwise(changes):
            inside = np.clip(local * MINUTE_MS - offset_ms, since_ms, until_ms)
            parts.append(inside[inside[:, 0] < inside[:, 1]])
        spans = np.concatenate(parts) - year_ms
        before = np.concatenate(([0], np.cumsum(spans[:, 1] - spans[:, 0])))
        return _Year(spans[:, 0].copy(), spans[:, 1].copy(), before)


def _place(ts_ms: int) -> tuple[int, int]:
    """Year of an instant in UTC, and milliseconds since its begin."""
    folded = folded_ms(np.array([ts_ms], np.int64))
    year = int(years_of(folded)[0])
    return year + (ts_ms - int(folded[0])) // CYCLE_MS * CYCLE_YEARS, int(folded[0]) - year_start_ms(year)


def _year_begin_ms(year: int) -> int:
    cycles = max((year - LAST_YEAR) // CYCLE_YEARS + 1, 0)
    return year_start_ms(year - cycles * CYCLE_YEARS) + cycles * CYCLE_MS


def _merged(spans: list[Span]) -> NDArray[np.int64]:
    """Spans in order, those that touch or overlap made one, (n, 2) int64."""
    merged: list[list[int]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([begin, end])
    return np.array(merged, np.int64).reshape(-1, 2)
