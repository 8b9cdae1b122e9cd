"""RFC 3339 texts as epoch milliseconds."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

# The date and the time are parted by `T`, `t` or a space (as `date --rfc-3339` prints it). A leap second (`:60`) has no epoch
# millisecond of its own and is none. The expression means the same to Python and to ECMAScript (JSON Schema): to Python
# alone, `$` would also stand before a line feed at the end.
TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$(?!\n)"
)
_is_time = re.compile(TIME_PATTERN).match
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def epoch_ms(text: str) -> int | None:
    """Return the epoch milliseconds of an RFC 3339 text, finer fractions floored; None when it is none."""
    if not _is_time(text):
        return None
    try:
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // _MILLISECOND
    except ValueError:  # a day that no calendar has
        return None
