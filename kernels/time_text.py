"""Instants written as RFC 3339 texts."""

import numpy as np

from kernels.compile import kernel, rare_kernel
from kernels.json_text import MINUS, NINE, POINT, ZERO, Bytes, byte_at

NO_TIME_MS = -1  # for the library decoder to judge

_SHORTEST, _FRACTION = 20, 19  # bytes of a text without a fraction; where that begins
_HYPHEN, _PLUS, _COLON = 0x2D, 0x2B, 0x3A
_DAYS_IN_MONTH = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)
_DAYS_BEFORE_MONTH = np.cumsum(_DAYS_IN_MONTH) - _DAYS_IN_MONTH


@kernel
def _two_digits(buffer: Bytes, at: int) -> int:
    """The number that two digits make; far below 0 if they are none."""
    tens = byte_at(buffer, at) - ZERO
    ones = byte_at(buffer, at + 1) - ZERO
    return tens * 10 + ones if 0 <= tens <= 9 and 0 <= ones <= 9 else -1_000_000


@kernel
def _letter(buffer: Bytes, at: int) -> int:
    """The byte at a place, an ASCII letter as a capital."""
    return byte_at(buffer, at) & 0xDF


@kernel
def _days(year: int, month: int, day: int) -> int:
    """Days from 1970 to a day; negative if no calendar has it, or it is before."""
    if not (year >= 1970 and 1 <= month <= 12):
        return -1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS_IN_MONTH[month - 1] + (leap and month == 2):
        return -1
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400 - 477  # 477 of them before 1970
    return (year - 1970) * 365 + leap_days + _DAYS_BEFORE_MONTH[month - 1] + (leap and month > 2) + day - 1


@rare_kernel
def time_ms(buffer: Bytes, start: int, length: int) -> int:
    """Epoch milliseconds of a text, finer fractions floored; negative if it is odd.

    That is: no RFC 3339, before 1970 in UTC, or in a leap second.
    """
    end = start + length
    if (
        length < _SHORTEST
        or byte_at(buffer, start + 4) != _HYPHEN
        or byte_at(buffer, start + 7) != _HYPHEN
        or _letter(buffer, start + 10) != 0x54  # T
        or byte_at(buffer, start + 13) != _COLON
        or byte_at(buffer, start + 16) != _COLON
    ):
        return NO_TIME_MS
    year = _two_digits(buffer, start) * 100 + _two_digits(buffer, start + 2)
    days = _days(year, _two_digits(buffer, start + 5), _two_digits(buffer, start + 8))
    hour = _two_digits(buffer, start + 11)
    minute = _two_digits(buffer, start + 14)
    second = _two_digits(buffer, start + 17)
    if days < 0 or not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return NO_TIME_MS

    at = start + _FRACTION
    fraction_ms = 0
    if byte_at(buffer, at) == POINT:
        at += 1
        weight = 100
        while ZERO <= byte_at(buffer, at) <= NINE:
            fraction_ms += (byte_at(buffer, at) - ZERO) * weight
            weight //= 10
            at += 1
        if at == start + _FRACTION + 1:
            return NO_TIME_MS

    offset_min = 0
    sign = byte_at(buffer, at)
    if sign in (_PLUS, MINUS):
        hours = _two_digits(buffer, at + 1)
        minutes = _two_digits(buffer, at + 4)
        if byte_at(buffer, at + 3) != _COLON or not (0 <= hours <= 23 and 0 <= minutes <= 59):
            return NO_TIME_MS
        offset_min = hours * 60 + minutes if sign == _PLUS else -hours * 60 - minutes
        at += 6
    elif _letter(buffer, at) == 0x5A:  # Z
        at += 1
    else:
        return NO_TIME_MS
    if at != end:
        return NO_TIME_MS
    return (((days * 24 + hour) * 60 + minute - offset_min) * 60 + second) * 1000 + fraction_ms
