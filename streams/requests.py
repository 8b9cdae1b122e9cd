"""Service requests: their priorities as the configuration numbers them, and when their targets are due.

What becomes of a request is decided by :mod:`kernels.requests`; here is what needs names and calendars. There are few requests, so each
is looked at by itself, once when its opening is known.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kernels.layout import FAR_MS, MARKS, NONE, OPENED, REQUEST, REQUESTS, STAGES, TARGET_MARKS, Tables
from streams import request_targets
from streams.request_targets import RequestTarget, priorities

LATEST_DUE_MS = 2**61  # later never comes


class Hours(Protocol):
    """Opening hours of an office."""

    def due_ms(self, opened_ms: int, duration_ms: int) -> int | None:
        """When so much opening time has passed since an instant; None for never."""
        ...


class Targets:
    """The targets of a configuration."""

    def __init__(self, targets: Sequence[RequestTarget]) -> None:
        self._numbers = {name.encode(): number for number, name in enumerate(priorities(targets))}
        self._of: dict[int, list[tuple[int, RequestTarget]]] = {number: [] for number in self._numbers.values()}
        for target in targets:
            at = request_targets.STAGES.index(target.stage)
            self._of[self._numbers[target.priority.encode()]].append((at, target))
        self.follow_hours = any(target.hours == "opening" for target in targets)

    def number_priorities(self, rows: NDArray[np.void], buffer: NDArray[np.uint8]) -> NDArray[np.void]:
        """The rows, requests with the numbers of their priorities; those that have none lose its name."""
        requests = np.flatnonzero(rows["kind"] == REQUEST)
        if not requests.size:
            return rows
        rows = rows.copy()
        for at in requests:
            row = rows[at]
            start, length = int(row["place_start"]), int(row["place_length"])
            number = self._numbers.get(buffer[start : start + length].tobytes(), NONE)
            row["flag"] = number
            if number == NONE:
                row["place_length"] = 0
        return rows

    def set_dues(self, tables: Tables, hours_of: Callable[[int], Hours], *, every: bool) -> NDArray[np.int32]:
        """Set when the targets of requests are due.

        Parameters
        ----------
        hours_of
            The opening hours of an office, given by its entity.
        every
            Whether of every request, or only of those that ask.

        Returns
        -------
        Rows of the requests, which are to be settled.
        """
        used = tables.requests[: tables.sizes[REQUESTS]]
        rows = np.flatnonzero((used["target"] != NONE) | (used["asks"] == 1) if every else used["asks"] == 1)
        for row in rows.tolist():
            request = tables.requests[row]
            opened_ms = int(tables.stages[STAGES * row + OPENED]["ts_ms"])
            for at, target in self._of.get(int(request["target"]), []):
                due_ms: int | None = opened_ms + target.within_ms
                if target.hours == "opening":
                    due_ms = hours_of(int(request["office"])).due_ms(opened_ms, target.within_ms)
                if due_ms is None or due_ms > LATEST_DUE_MS:
                    due_ms = FAR_MS
                tables.marks[MARKS * row + TARGET_MARKS + at]["due_ms"] = due_ms
        return rows.astype(np.int32)
