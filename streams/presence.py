"""What is there at this moment: which offices are open, and what their panels have sent of late. Alerts ask for it.

A panel is *quiet* for as long as its office was open since the last press of anyone on it. One that sent nothing for
`IN_SERVICE_MS` is taken for out of service and is not told of, nor is one that never sent anything.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import CUSTOMER, Tables
from streams.directory import Directory
from streams.partition import Partition

IN_SERVICE_MS: Final = 7 * 86_400_000
LATELY_MS: Final = 3_600_000
ROLES: Final = ("answer", "extra", "orphan")  # of a customer press, by their codes
_FEW: Final = 64  # presses that a panel rarely has more of in that time


class PanelNow(NamedTuple):
    """A panel at the now of its partition."""

    office: str
    panel: str
    quiet_ms: int
    customer_presses: tuple[int, ...]  # of LATELY_MS, by role


def is_open(directory: Directory, office: str, at_ms: int) -> bool | None:
    """Whether an office is open at an instant, epoch milliseconds; None where the directory has no opening hours of it."""
    known = directory.offices.get(office)
    if known is None or known.opening_hours is None:
        return None
    return open_ms(directory, office, at_ms, at_ms + 1) > 0


def open_ms(directory: Directory, office: str, begin_ms: int, end_ms: int) -> int:
    """How long an office was open between two instants; one of which the directory says nothing never closes."""
    if office not in directory.offices:
        return max(0, end_ms - begin_ms)  # nothing is kept of names that anyone may make up
    return directory.hours_of(office).open_ms(begin_ms, end_ms)


def panels_in_service(partition: Partition) -> NDArray[np.int64]:
    """Numbers of the panels in service, in order of first sight."""
    last_ms = partition.tables.panels["last_ms"][: partition.known_panels]
    return np.flatnonzero((last_ms >= 0) & (last_ms >= partition.now.now_ms - IN_SERVICE_MS))


def panel_now(partition: Partition, directory: Directory, number: int) -> PanelNow:
    """One of them."""
    office, panel = partition.names.panels[number]
    now_ms = partition.now.now_ms
    last_ms = int(partition.tables.panels[number]["last_ms"])
    counts = _lately(partition.tables, number, now_ms - LATELY_MS) if last_ms > now_ms - LATELY_MS else (0, 0, 0)
    return PanelNow(office, panel, open_ms(directory, office, last_ms, now_ms), tuple(counts))


def _lately(tables: Tables, number: int, since_ms: int) -> list[int]:
    """How many customer presses of a panel later than an instant have each role."""
    panel = tables.panels[number]
    end = int(panel["start"] + panel["length"])
    taken = min(int(panel["length"]), _FEW)
    while True:
        rows = tables.sequence[end - taken : end]  # in order of time
        if taken == panel["length"] or tables.presses[rows[0]]["ts_ms"] <= since_ms:
            break
        taken = min(int(panel["length"]), 4 * taken)
    presses: NDArray[np.void] = tables.presses[rows]
    theirs = presses["outcome"][(presses["kind"] == CUSTOMER) & (presses["ts_ms"] > since_ms)]
    counts: list[int] = np.bincount(theirs, minlength=len(ROLES)).tolist()
    return counts
