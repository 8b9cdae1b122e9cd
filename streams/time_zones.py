"""Local time: what clocks on the wall show in a time zone, for whole arrays of instants.

The rules are those of the package `tzdata`, never the machine's, so that every worker and every replay agrees. They are
asked a day at a time, once for each year that is met; the rest is arithmetic.
"""

import functools
import zoneinfo
from datetime import date, datetime, tzinfo
from importlib import resources

import numpy as np
from numpy.typing import NDArray

DAY_MS = 86_400_000
# The calendar repeats after 400 years, and from here on so do the rules: years from LAST_YEAR on are told by those before.
CYCLE_YEARS = 400
CYCLE_MS = 146_097 * DAY_MS
LAST_YEAR = 2500
_EPOCH_YEAR = 1970
_EPOCH_DAY = date(_EPOCH_YEAR, 1, 1)
_NEAR_MS = 3 * 3_600_000  # no clock is put on or back by more
FIRST_DAY = -1  # 1969-12-31, where 1970 has begun in UTC alone


def year_start_ms(year: int) -> int:
    """First instant of a year in UTC, epoch milliseconds."""
    return int(np.datetime64(f"{year:04}", "ms").astype(np.int64))


LAST_MS = year_start_ms(LAST_YEAR)


def years_of(ts_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Years in UTC of instants, (n,) int64."""
    years: NDArray[np.int64] = ts_ms.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64)
    years += _EPOCH_YEAR
    return years


def folded_ms(ts_ms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Instants with whole cycles of 400 years taken away until they lie before LAST_YEAR."""
    if not ts_ms.size or ts_ms.max() < LAST_MS:
        return ts_ms
    cycles = np.maximum((ts_ms - LAST_MS) // CYCLE_MS + 1, 0)
    folded: NDArray[np.int64] = ts_ms - cycles * CYCLE_MS
    return folded


class TimeZone:
    """The local time of one zone."""

    def __init__(self, name: str, rules: tzinfo) -> None:
        self.name = name
        self._rules = rules
        self._changes: dict[int, list[tuple[int, int]]] = {}  # by year, a row of years without a gap
        self._known_ms = (0, 0)  # instants that follow from them
        self._starts_ms = np.zeros(0, np.int64)  # when an offset begins to hold, in order
        self._offsets_ms = np.zeros(0, np.int64)

    def offsets_ms(self, ts_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """How far local time lies ahead of UTC at instants, (n,) int64 milliseconds.

        Parameters
        ----------
        ts_ms
            Instants from 1970 on, (n,) int64 epoch milliseconds.
        """
        return self._offsets_of(folded_ms(ts_ms))

    def days_of_month(self, ts_ms: NDArray[np.int64]) -> NDArray[np.int8]:
        """Local calendar days of instants, (n,) int8 in 1..31."""
        folded = folded_ms(ts_ms)
        local_days = (folded + self._offsets_of(folded)) // DAY_MS
        days: NDArray[np.int8] = _days_of_month()[local_days - FIRST_DAY]
        return days

    def day_begin_ms(self, day: date) -> int:
        """First instant of a local calendar day from 1970 on, epoch milliseconds."""
        midnight_ms = (day - _EPOCH_DAY).days * DAY_MS
        near_ms = midnight_ms - self._offset_at_ms(midnight_ms)
        before_ms = midnight_ms - self._offset_at_ms(near_ms - _NEAR_MS)
        if before_ms + self._offset_at_ms(before_ms) == midnight_ms:
            return before_ms
        # The clocks are put on or back just then.
        return max(before_ms, midnight_ms - self._offset_at_ms(near_ms + _NEAR_MS))

    def _offset_at_ms(self, ts_ms: int) -> int:
        return int(self.offsets_ms(np.array([max(ts_ms, 0)], np.int64))[0])

    def changes(self, year: int) -> list[tuple[int, int]]:
        """Offsets of a year in UTC before LAST_YEAR: since when each holds (the first from the year's begin) and how much."""
        self._know(year, year)
        return self._changes[year]

    def _offsets_of(self, folded_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        if not folded_ms.size:
            return folded_ms
        ends_ms = np.array([folded_ms.min(), folded_ms.max()])
        if ends_ms[0] < self._known_ms[0] or ends_ms[1] >= self._known_ms[1]:
            self._know(*years_of(ends_ms).tolist())
        return self._offsets_ms[np.searchsorted(self._starts_ms, folded_ms, side="right") - 1]

    def _know(self, first: int, last: int) -> None:
        """Make sure of the years from the first to the last, and of those between them and the ones that are known."""
        if self._changes:
            first, last = min(first, *self._changes), max(last, *self._changes)
        missing = [year for year in range(first, last + 1) if year not in self._changes]
        if not missing:
            return
        self._changes |= {year: self._probed(year) for year in missing}
        rows = np.array([row for year in range(first, last + 1) for row in self._changes[year]], np.int64)
        self._starts_ms, self._offsets_ms = rows[:, 0].copy(), rows[:, 1].copy()
        self._known_ms = year_start_ms(first), year_start_ms(last + 1)

    def _probed(self, year: int) -> list[tuple[int, int]]:
        begin_s, end_s = year_start_ms(year) // 1000, year_start_ms(year + 1) // 1000
        found = [(begin_s * 1000, self._offset_ms(begin_s))]
        for day_s in range(begin_s, end_s, 86_400):
            low_s, high_s = day_s, min(day_s + 86_400, end_s - 1)
            before, after = self._offset_ms(low_s), self._offset_ms(high_s)
            if before == after:
                continue
            while high_s - low_s > 1:
                middle_s = (low_s + high_s) // 2
                if self._offset_ms(middle_s) == before:
                    low_s = middle_s
                else:
                    high_s = middle_s
            found.append((high_s * 1000, after))
        return found

    def _offset_ms(self, at_s: int) -> int:
        offset = datetime.fromtimestamp(at_s, self._rules).utcoffset()
        assert offset is not None
        return round(offset.total_seconds() * 1000)


@functools.cache
def _days_of_month() -> NDArray[np.int8]:
    """The day of the month of every day from 1969-12-31 to the begin of LAST_YEAR, and some days more."""
    days = np.arange(FIRST_DAY, LAST_MS // DAY_MS + 3).astype("datetime64[D]")
    return np.array((days - days.astype("datetime64[M]")).astype(np.int64) + 1, np.int8)


@functools.cache
def time_zone(name: str) -> TimeZone:
    """The time zone of a name such as ``Europe/Riga``.

    Raises
    ------
    ValueError
        When there is none of this name.
    """
    parts = name.split("/")
    if name not in _names():
        raise ValueError(f"`{name}` is no time zone; expected a name such as Europe/Riga")
    with resources.files("tzdata").joinpath("zoneinfo", *parts).open("rb") as file:
        return TimeZone(name, zoneinfo.ZoneInfo.from_file(file, key=name))


@functools.cache
def _names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split("\n")) - {""}
