"""Calendars whose rows may move: a ring of slots of time, each the first of a list of rows, linked both ways.

A row has ``ts_ms``, ``next`` and ``previous``. Slots that every window has left are emptied as a whole; what stood in them is not
in the calendar any more, whatever its links say.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.layout import NONE


@kernel
def thread(rows: NDArray[np.void], calendar: NDArray[np.int32], slot_ms: int, row: Any) -> None:
    """Enter a row in its slot; it lies in none."""
    slot = (rows[row]["ts_ms"] // slot_ms) % calendar.shape[0]
    first = calendar[slot]
    rows[row]["next"] = first
    rows[row]["previous"] = NONE
    if first != NONE:
        rows[first]["previous"] = row
    calendar[slot] = row


@kernel
def unthread(rows: NDArray[np.void], calendar: NDArray[np.int32], slot_ms: int, cleared_slot: int, row: Any) -> None:
    """Take a row out of its slot, unless that was emptied: all before ``cleared_slot`` were."""
    slot = rows[row]["ts_ms"] // slot_ms
    if slot < cleared_slot:
        return
    following = rows[row]["next"]
    previous = rows[row]["previous"]
    if previous == NONE:
        calendar[slot % calendar.shape[0]] = following
    else:
        rows[previous]["next"] = following
    if following != NONE:
        rows[following]["previous"] = previous
