"""What one scrape shows of how employees do beside their peers; made some windows at a time, so that others get their turn."""

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kernels.trust import Grounds
from streams.comparison import Comparing, Elsewhere, Peers
from streams.partition import Partition

EMPLOYEES_AT_ONCE = 1000  # times windows: as long as a turn may take


class BesidePeers:
    """The deviations of the employees of some partitions.

    ``labels`` and ``values`` hold what is shown, a row for each employee and window and a column for each deviation, NaN for
    none; ``series`` and ``left_out`` how many there are. All are known when :meth:`fit` has been called.
    """

    def __init__(self, comparing: Comparing, windows: int, elsewhere: Elsewhere | None) -> None:
        self.labels: list[bytes] = []
        self.values: NDArray[np.float64] = np.empty((0, len(comparing.indices)))
        self.series = 0
        self.left_out = 0
        self._comparing = comparing
        self._windows = windows
        self._elsewhere = elsewhere
        self._peers: list[Peers] = []
        self._deviations: list[NDArray[np.float64]] = []  # (employees, windows, deviations)

    def take(self, partition: Partition, totals: NDArray[np.int64], grounds: Grounds) -> None:
        """Take who takes part of one more partition, by its counters."""
        self._peers.append(self._comparing.peers_of(totals, grounds, partition.names.offices))

    def compare(self) -> Iterator[None]:
        """Compare them all; they may be shown then."""
        employees = sum(peers.entities.size for peers in self._peers)
        at_once = max(1, EMPLOYEES_AT_ONCE // max(1, employees))
        made: list[list[NDArray[np.float64]]] = [[] for _ in self._peers]
        for first in range(0, self._windows, at_once):
            windows = range(first, min(first + at_once, self._windows))
            told = self._comparing.deviations(windows, self._peers, self._elsewhere)
            for parts, deviations in zip(made, told, strict=True):
                parts.append(deviations.values)
            yield
        self._deviations = [np.concatenate(parts, axis=1) for parts in made]

    def fit(self, shown: Sequence[tuple["array[int]", list[bytes]]], room: int) -> None:
        """Leave out all from the first employee who is not shown, or whose series do not fit.

        Parameters
        ----------
        shown
            Of each partition the employees whose other series are shown, ascending, and their labels: one by one, all
            windows of each.
        room
            For so many series.
        """
        values = [self.values]
        for peers, deviations, (entities, labels) in zip(self._peers, self._deviations, shown, strict=True):
            counts = np.count_nonzero(~np.isnan(deviations), axis=(1, 2))
            rows = np.searchsorted(np.array(entities, np.int64), peers.entities)
            fitting = int(np.count_nonzero((rows < len(entities)) & (np.cumsum(counts) <= room)))
            series = int(counts[:fitting].sum())
            self.series += series
            self.left_out += int(counts[fitting:].sum())
            room = room - series if fitting == rows.size else 0
            for row in rows[:fitting].tolist():
                self.labels += labels[row * self._windows : (row + 1) * self._windows]
            values.append(deviations[:fitting].reshape(fitting * self._windows, deviations.shape[2]))
        self.values = np.concatenate(values)
