"""Members of a rating: the employees who took part in what a client rated, what departments rated and whom they voted for.

A row of an event has room for one employee or group. So behind a rating's own row, which counts for its office, comes a row for each
of its members. They are known by their rating: they come and are refused with it.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.layout import PEER_RATING, RATING, TAKING_PART
from streams.peer_ratings import stand_behind

SEPARATOR = "\n"  # no id holds one
_SEPARATOR = ord(SEPARATOR)


def with_members(rows: NDArray[np.void], buffer: NDArray[np.uint8]) -> NDArray[np.void]:
    """Rows of decoded events, with one behind each rating for every member of it."""
    ratings = np.flatnonzero((rows["kind"] == RATING) | (rows["kind"] == PEER_RATING))
    spans = {int(at): _names(buffer, int(rows[at]["first_ms"]), int(rows[at]["second_ms"])) for at in ratings}
    if not any(spans.values()):
        return rows
    copies = np.ones(rows.size, np.int64)
    copies[list(spans)] += list(map(len, spans.values()))
    expanded = rows.repeat(copies)
    firsts = np.cumsum(copies) - copies
    for at, names in spans.items():
        for number, (start, length) in enumerate(names, int(firsts[at]) + 1):
            row = expanded[number]
            if row["kind"] == PEER_RATING:
                stand_behind(row, buffer, start, length)
                continue
            row["kind"] = TAKING_PART
            row["employee_start"] = start
            row["employee_length"] = length
    return expanded


def _names(buffer: NDArray[np.uint8], start: int, length: int) -> list[tuple[int, int]]:
    """Where each of the names in a part of the buffer begins, and its length in bytes."""
    if length == 0:
        return []
    ends = [*(start + np.flatnonzero(buffer[start : start + length] == _SEPARATOR)).tolist(), start + length]
    begins = [start, *(end + 1 for end in ends[:-1])]
    return [(begin, end - begin) for begin, end in zip(begins, ends, strict=True)]
