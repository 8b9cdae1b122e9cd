"""RFC 3339 texts as epoch milliseconds: one by one, and many at once.

The letter of RFC 3339 holds: `T` and `Z` in either case, no space for the `T`, decimals after a full stop, finer ones than
milliseconds floored. Epoch milliseconds have no leap seconds: `:60`, taken only as the last second of a month in UTC, is the
second that follows.
"""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_TIME_MS: Final = -2  # stands for a text that is no time, or one before 1970

# Means the same to Python and to ECMAScript (JSON Schema): to Python alone, `$` would also stand before a final line feed.
TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$(?!\n)"
)
_is_time = re.compile(TIME_PATTERN).match
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY_S: Final = 86_400

_FEWEST_AT_ONCE: Final = 16  # texts of one length that are worth the set-up
_LONGEST_AT_ONCE: Final = 35  # nanoseconds and an offset
_PUNCTUATION: Final = {4: "-", 7: "-", 10: "Tt", 13: ":", 16: ":"}
_DAYS_OF_MONTH: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def epoch_ms(text: str) -> int | None:
    """Return the epoch milliseconds of an RFC 3339 text; None when it is none."""
    if not _is_time(text):
        return None
    leap = text[17:19] == "60"
    if leap:
        text = f"{text[:17]}59{text[19:]}"
    try:
        time_ms = (datetime.fromisoformat(text.upper()) - _EPOCH) // _MILLISECOND
        if leap and not _ends_a_month(time_ms // 1000 + 1):
            return None
    except ValueError:  # a day that no calendar has
        return None
    return time_ms + 1000 * leap


def _ends_a_month(time_s: int) -> bool:
    """Tell whether an instant is the end of a month in UTC."""
    day = date.fromordinal(_EPOCH.toordinal() + time_s // _DAY_S - 1)
    return time_s % _DAY_S == 0 and day.day == monthrange(day.year, day.month)[1]


def epochs_ms(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the epoch milliseconds of each text, (n,); `NO_TIME_MS` where it is none, or before 1970."""
    times_ms = np.full(len(texts), NO_TIME_MS)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for length, count in zip(*np.unique(lengths, return_counts=True), strict=True):
        if count >= _FEWEST_AT_ONCE and length <= _LONGEST_AT_ONCE:
            places = np.flatnonzero(lengths == length)
            data = "".join(map(texts.__getitem__, places.tolist())).encode("ascii", "replace")
            times_ms[places] = _of_one_length(np.frombuffer(data, np.uint8).reshape(count, length))
    for place in np.flatnonzero(times_ms < 0).tolist():
        time_ms = epoch_ms(texts[place])
        times_ms[place] = NO_TIME_MS if time_ms is None or time_ms < 0 else time_ms
    return times_ms


def _of_one_length(characters: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the epoch milliseconds of texts of one length, (n, length); `NO_TIME_MS` where it is none, or odd."""
    times_ms = np.full(len(characters), NO_TIME_MS)
    zulu = (characters[:, -1] | 0x20) == ord("z")
    for rows, tail in ((zulu, 1), (~zulu, 6)):
        if rows.any():
            times_ms[rows] = _of_one_layout(np.ascontiguousarray(characters[rows].T), tail)
    return times_ms


def _of_one_layout(columns: NDArray[np.uint8], tail: int) -> NDArray[np.int64]:
    """Return the epoch milliseconds of texts whose columns are given, (length, n), and whose offset takes `tail` characters."""
    none = np.full(columns.shape[1], NO_TIME_MS)
    decimals = len(columns) - tail - 20
    if decimals == 0 or decimals < -1:
        return none
    digits = (columns - ord("0")).astype(np.int64)  # others than digits become greater than 9
    good = np.all([np.isin(columns[place], list(map(ord, marks))) for place, marks in _PUNCTUATION.items()], axis=0)
    number_places = [place for place in range(19) if place not in _PUNCTUATION]

    milliseconds = np.zeros_like(none)
    if decimals > 0:
        good &= columns[19] == ord(".")
        number_places += range(20, 20 + decimals)
        for place, worth in zip(range(20, 20 + decimals), (100, 10, 1), strict=False):
            milliseconds += worth * digits[place]
    offset_minutes = np.zeros_like(none)
    if tail > 1:
        sign, hour, colon, minute = (len(columns) + place for place in (-6, -5, -3, -2))
        good &= np.isin(columns[sign], (ord("+"), ord("-"))) & (columns[colon] == ord(":"))
        number_places += (hour, hour + 1, minute, minute + 1)
        offset_hours = digits[hour] * 10 + digits[hour + 1]
        offset_rest = digits[minute] * 10 + digits[minute + 1]
        good &= (offset_hours < 24) & (offset_rest < 60)
        offset_minutes = (offset_hours * 60 + offset_rest) * np.where(columns[sign] == ord("+"), 1, -1)
    good &= (digits[number_places] <= 9).all(axis=0)
    return np.where(good, _of_numbers(digits, offset_minutes) + milliseconds, NO_TIME_MS)


def instant_ms(text: str) -> int:
    """Return the epoch milliseconds of a time as a person gives it: RFC 3339 or epoch milliseconds.

    Raises
    ------
    ValueError
        When it is neither.
    """
    at_ms = int(text) if text.isascii() and text.isdigit() else epoch_ms(text)
    if at_ms is None or not 0 <= at_ms < 2**53:
        raise ValueError(f"`{text}` is no time: expected RFC 3339 such as 2026-01-05T09:00:00Z, or epoch milliseconds")
    return at_ms
