"""RFC 3339 text to epoch milliseconds, by the letter of the grammar and by hand: datetime reads other forms, too.

`T` and `Z` in either case, no space for the `T`, an offset with a colon (-00:00 included), any number of decimals after
a full stop. Second 60 is taken only as the last second of a month in UTC; epoch milliseconds have no leap seconds, so
it is the instant that follows.
"""

import calendar
import datetime as dt
import re

GRAMMAR = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))",
)
EPOCH = dt.date(1970, 1, 1)


def epoch_ms(text):
    """Return the epoch milliseconds of a date-time, finer fractions floored; ValueError if it is none."""
    match = GRAMMAR.fullmatch(text)
    if not match:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part) for part in match.group(1, 2, 3, 4, 5, 6))
    fraction, sign, offset_hour, offset_minute = match.group(7, 8, 9, 10)
    offset_min = int(offset_hour or 0) * 60 + int(offset_minute or 0)
    if hour > 23 or minute > 59 or second > 60 or int(offset_hour or 0) > 23 or int(offset_minute or 0) > 59:
        raise ValueError(text)
    days = dt.date(year, month, day).toordinal() - EPOCH.toordinal()
    epoch_s = days * 86_400 + hour * 3600 + minute * 60 + second - offset_min * (-60 if sign == "-" else 60)
    if second == 60 and not ends_a_month(epoch_s):
        raise ValueError(text)
    return epoch_s * 1000 + int((fraction or "0")[:3].ljust(3, "0"))


def ends_a_month(epoch_s):
    """Say whether an instant after 1970 is the end of a month in UTC, where a leap second may have come before it."""
    if epoch_s <= 0 or epoch_s % 86_400:
        return False
    last = EPOCH + dt.timedelta(epoch_s // 86_400 - 1)
    return last.day == calendar.monthrange(last.year, last.month)[1]
