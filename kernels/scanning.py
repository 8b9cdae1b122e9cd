r"""Messages to rows: flat JSON objects of the six kinds of event that come in great numbers.

A message of which it is certain that the library decoder takes it, and with which values, becomes a row. Any other is *odd*: good
or bad, the library decoder judges it. Odd are other kinds, nested values, a known key that stands twice, escapes in ids, words
and keys, `\u` anywhere, exponents, numbers of more than 18 digits, null where a value is required, leap seconds, and all
that is refused.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.events import EVENT_ROW
from kernels.json_text import ODD, WORD_BYTES, Bytes
from kernels.layout import NONE, NOT_GIVEN
from kernels.members import BEGINNING, NO_KIND, holds, read, word
from kernels.signatures import BYTES, EVENTS, INT, INTS, NUMBERS, array_of, reading
from kernels.time_text import time_ms
from kernels.vocabulary import (
    AMOUNT_MINOR,
    ANSWER,
    ANSWERS,
    CALL,
    CATEGORY,
    CLIENT_ID,
    COUNT,
    CUSTOMER_PRESS,
    DIRECTION,
    DIRECTION_CODES,
    DIRECTIONS,
    DISPOSITION,
    DISPOSITION_CODES,
    DISPOSITIONS,
    EMPLOYEE_ID,
    EVENT_ID,
    FROM,
    HOLD_MS,
    HOLD_S,
    MARGIN_MINOR,
    OFFICE_ID,
    PANEL_ID,
    QUESTION,
    QUESTIONS,
    QUEUE,
    RELIABLE,
    SALE,
    SCOPE,
    SCOPES,
    SELLER_PRESS,
    TALK_S,
    TARGET,
    TARGET_ID,
    TARGETS,
    TO,
    TS,
    UNKNOWN,
    VISIT,
    WAIT_S,
    WRAP_S,
)

LARGEST_MESSAGE_BYTES = 64 * 1024
LATEST_TIME_MS = 2**53 - 1
LONGEST_DURATION_S = 1e7
_POWERS = np.array([float(10**exponent) for exponent in range(19)])


@kernel
def _instant(buffer: Bytes, field: int, values: NDArray[np.int64], extents: NDArray[np.int64]) -> int:
    """A time in either form, negative if it is none."""
    if extents[field] > 0:
        return time_ms(buffer, values[field], extents[field])
    return values[field] if values[field] <= LATEST_TIME_MS else -1


@kernel
def _duration_ms(fit: np.uint64, field: int, values: NDArray[np.int64], extents: NDArray[np.int64]) -> int:
    """Seconds as whole milliseconds, half to even, 0 if they are not given; negative if they are too many."""
    if not holds(fit, field):
        return 0
    seconds = values[field] / _POWERS[np.uint64(extents[field])]
    if seconds > LONGEST_DURATION_S:
        return -1
    duration_ms: Any = np.int64(np.rint(seconds * 1000))
    return duration_ms


@kernel
def _fill(
    buffer: Bytes,
    kind: int,
    fit: np.uint64,
    values: NDArray[np.int64],
    extents: NDArray[np.int64],
    longest_window_ms: int,
    row: np.void,
) -> bool:
    """Fill the row of an event; false if a value is not one that its field takes."""
    ts_ms = _instant(buffer, TS, values, extents)
    valid = ts_ms >= 0
    amount = first_ms = second_ms = 0
    code = flag = scope = 0
    place = employee = client = UNKNOWN  # fields
    if kind == SELLER_PRESS:
        place = PANEL_ID
        employee = EMPLOYEE_ID
        amount = values[HOLD_MS]
        valid &= amount >= 0
        code = -1
        if holds(fit, QUESTION):
            code = word(buffer, values[QUESTION], QUESTIONS)
            valid &= code >= 0
    elif kind == CUSTOMER_PRESS:
        place = PANEL_ID
        code = word(buffer, values[ANSWER], ANSWERS)
        valid &= code >= 0
    elif kind == VISIT:
        amount = values[COUNT] if holds(fit, COUNT) else 1
    elif kind == SALE:
        place = CATEGORY
        employee = EMPLOYEE_ID
        client = CLIENT_ID
        amount = values[AMOUNT_MINOR]
        if holds(fit, MARGIN_MINOR):
            code = 1
            first_ms = values[MARGIN_MINOR]
    elif kind == CALL:
        place = QUEUE
        employee = EMPLOYEE_ID
        client = CLIENT_ID
        amount = _duration_ms(fit, WAIT_S, values, extents)
        second_ms = _duration_ms(fit, TALK_S, values, extents)
        hold_ms = _duration_ms(fit, HOLD_S, values, extents)
        wrap_ms = _duration_ms(fit, WRAP_S, values, extents)
        first_ms = second_ms + hold_ms + wrap_ms
        direction = word(buffer, values[DIRECTION], DIRECTIONS)
        disposition = word(buffer, values[DISPOSITION], DISPOSITIONS)
        if min(amount, second_ms, hold_ms, wrap_ms, direction, disposition) < 0:
            return False
        flag = DIRECTION_CODES[direction]
        code = DISPOSITION_CODES[disposition]
    else:
        place = TARGET_ID
        code = word(buffer, values[TARGET], TARGETS)
        flag = values[RELIABLE]
        valid &= code >= 0 and 0 <= flag <= 1
        if holds(fit, SCOPE):
            scope = word(buffer, values[SCOPE], SCOPES)
            valid &= scope >= 0
        first_ms = second_ms = NOT_GIVEN
        if holds(fit, FROM):
            first_ms = _instant(buffer, FROM, values, extents)
            valid &= first_ms >= 0
        if holds(fit, TO):
            second_ms = _instant(buffer, TO, values, extents)
            valid &= second_ms >= 0
        if NOT_GIVEN not in (first_ms, second_ms):
            valid &= 0 <= second_ms - first_ms <= longest_window_ms

    row["ts_ms"] = ts_ms
    row["amount"] = amount
    row["first_ms"] = first_ms
    row["second_ms"] = second_ms
    row["hash_high"] = row["hash_low"] = 0
    given = holds(fit, client)
    row["target_high"] = values[client] if given else 0
    row["target_low"] = extents[client] if given else 0
    row["office"] = row["place"] = row["employee"] = NONE
    row["id_start"] = values[EVENT_ID]
    row["id_length"] = extents[EVENT_ID]
    row["office_start"] = values[OFFICE_ID]
    row["office_length"] = extents[OFFICE_ID]
    given = holds(fit, place)
    row["place_start"] = values[place] if given else 0
    row["place_length"] = extents[place] if given else 0
    given = holds(fit, employee)
    row["employee_start"] = values[employee] if given else 0
    row["employee_length"] = extents[employee] if given else 0
    row["kind"] = kind
    row["code"] = code
    row["flag"] = flag & 1  # what is more is not valid
    row["scope"] = scope
    return valid


@entry(
    BYTES,
    reading(np.int64),
    reading(np.int64),
    INT,
    INT,
    EVENTS,
    NUMBERS,
    array_of(np.uint8, 2),
    INTS,
    INTS,
)
def _scan(
    buffer: Bytes,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    allowed_kinds: int,
    longest_window_ms: int,
    rows: NDArray[np.void],
    odd: NDArray[np.int32],
    followers: NDArray[np.uint8],
    values: NDArray[np.int64],
    extents: NDArray[np.int64],
) -> int:
    """Fill in the rows, and the positions of odd messages from the beginning of `odd` on: how many these are."""
    count = 0
    for position in range(starts.shape[0]):
        start = starts[position]
        length = lengths[position]
        taken = False
        if length <= LARGEST_MESSAGE_BYTES:
            kind, fit = read(buffer, start, start + length, allowed_kinds, followers, values, extents)
            if kind != ODD:
                row = rows[position]
                row["position"] = position
                taken = _fill(buffer, kind, fit, values, extents, longest_window_ms, row)
        if not taken:
            odd[count] = position
            count += 1
    return count


def scan(
    buffer: Bytes,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    allowed_kinds: int,
    longest_window_ms: int,
) -> tuple[NDArray[np.void], NDArray[np.int32]]:
    """Make rows of messages.

    Parameters
    ----------
    buffer, starts, lengths
        The messages, as :class:`streams.messages.Messages` has them; below 2 GiB.
    allowed_kinds
        Which kinds of event may come here, as bits by their codes.
    longest_window_ms
        How far apart the ends of a force majeure may be.

    Returns
    -------
    rows
        (n,) EVENT_ROW: row ``i`` is of message ``i``, without numbers of names; those of odd messages hold nothing of use.
    odd
        Positions of the odd messages, ascending.
    """
    count = starts.shape[0]
    rows = np.empty(count, EVENT_ROW)
    odd = np.empty(count, np.int32)
    if buffer.shape[0] < WORD_BYTES or not allowed_kinds:
        odd[:] = np.arange(count)
        return rows, odd
    followers = np.zeros((NO_KIND + 1, BEGINNING + 1), np.uint8)
    values = np.zeros(UNKNOWN + 1, np.int64)
    extents = np.zeros(UNKNOWN + 1, np.int64)
    found = _scan(buffer, starts, lengths, allowed_kinds, longest_window_ms, rows, odd, followers, values, extents)
    return rows, odd[:found]
