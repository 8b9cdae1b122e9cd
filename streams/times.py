"""Times: RFC 3339 texts as epoch milliseconds.

The letter of RFC 3339 holds: `T` and `Z` in either case, no space for the `T`, decimals after a full stop. Finer fractions than
milliseconds are floored. Epoch milliseconds have no leap seconds: `:60`, taken only as the last second of a month in UTC, is
the second that follows.
"""

import re
from array import array
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import compress, repeat
from operator import floordiv, is_, sub
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

LATEST_TIME_MS: Final = 2**53 - 1
ABSENT_MS: Final = -1
NO_TIME_MS: Final = -2  # a text that is no time, or one before 1970

_TEMPLATE: Final = (
    r"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:{second}(?:[.][0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
# What is no time in ways that an expression can tell; it means the same to Python and to ECMAScript (JSON Schema).
TIME_PATTERN: Final = f"^{_TEMPLATE.format(second='(?:[0-5][0-9]|60)')}$(?!\\n)"
_is_time: Final = re.compile(TIME_PATTERN).match
_are_lines_of_times: Final = re.compile(f"(?:{_TEMPLATE.format(second='[0-5][0-9]')}\\n)*+").fullmatch

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY_S: Final = 86_400
_MANY_DIGITS: Final = 20


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


def instant_ms(text: str) -> int:
    """Return the epoch milliseconds of a text that is either those or RFC 3339; raise ValueError, with a sentence, else."""
    time_ms = int(text) if text.isascii() and text.isdigit() and len(text) < _MANY_DIGITS else epoch_ms(text)
    if time_ms is None or not 0 <= time_ms <= LATEST_TIME_MS:
        raise ValueError(f"{text!r} is no time: expected RFC 3339 with an offset, or epoch milliseconds")
    return time_ms


def _ends_a_month(time_s: int) -> bool:
    """Tell whether an instant after 1970 began is the end of a month in UTC."""
    if time_s <= 0 or time_s % _DAY_S:
        return False
    day = date.fromordinal(_EPOCH.toordinal() + time_s // _DAY_S - 1)
    return day.day == monthrange(day.year, day.month)[1]


def times_ms(values: Sequence[int | str | None]) -> NDArray[np.int64]:
    """Return times as events hold them in epoch milliseconds, (n,).

    `ABSENT_MS` stands for None, `NO_TIME_MS` for a text that is no time since 1970 (no event that was decoded holds one).
    """
    try:
        return np.frombuffer(array("q", cast("Sequence[int]", values)), np.int64)
    except TypeError:  # texts or None among them
        pass
    result = np.full(len(values), ABSENT_MS, np.int64)
    types = list(map(type, values))
    are_integers, are_texts = (np.fromiter(map(is_, types, repeat(kind)), np.bool_, len(types)) for kind in (int, str))
    result[are_integers] = np.array(list(compress(cast("Any", values), are_integers.tolist())), np.int64)
    result[are_texts] = _texts_ms(cast("list[str]", list(compress(cast("Any", values), are_texts.tolist()))))
    return result


def _texts_ms(texts: list[str]) -> NDArray[np.int64]:
    """Return the epoch milliseconds of texts, all of them at once if they are usual ones."""
    try:
        if _are_lines_of_times("\n".join([*texts, ""])):
            moments = map(datetime.fromisoformat, map(str.upper, texts))
            milliseconds = map(floordiv, map(sub, moments, repeat(_EPOCH)), repeat(_MILLISECOND))
            result = np.fromiter(milliseconds, np.int64, len(texts))
            return np.where(result < 0, NO_TIME_MS, result)
    except ValueError:
        pass
    singly = (epoch_ms(text) for text in texts)
    return np.fromiter((NO_TIME_MS if time is None or time < 0 else time for time in singly), np.int64, len(texts))
