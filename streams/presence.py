"""What is there at this moment: which offices are open, and what their panels have sent of late. Alerts ask for it.

A panel is *quiet* for as long as its office was open since the last press of anyone on it. One that sent nothing for
`IN_SERVICE_MS` is taken for out of service and is not told of, nor is one that never sent anything.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.presence import count_customer_presses
from streams.directory import Directory
from streams.partition import Partition

IN_SERVICE_MS: Final = 7 * 86_400_000
LATELY_MS: Final = 3_600_000
ROLES: Final = ("answer", "extra", "orphan")  # of a customer press, by their codes


class PanelsNow(NamedTuple):
    """Some panels at the now of their partition."""

    quiet_ms: NDArray[np.int64]  # (panels,)
    customer_presses: NDArray[np.int64]  # (panels, ROLES), those of LATELY_MS


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


def panels_now(partition: Partition, directory: Directory, numbers: NDArray[np.int64]) -> PanelsNow:
    """How some of them do, (panels,) numbers."""
    now_ms = partition.now.now_ms
    lasts_ms = partition.tables.panels["last_ms"][numbers].tolist()
    offices = [partition.names.panels[number][0] for number in numbers.tolist()]
    quiet_ms = [open_ms(directory, office, ms, now_ms) for office, ms in zip(offices, lasts_ms, strict=True)]
    counts = np.zeros((numbers.size, len(ROLES)), np.int64)
    count_customer_presses(partition.tables, numbers, now_ms - LATELY_MS, counts)
    return PanelsNow(np.array(quiet_ms, np.int64), counts)
