"""Whose series a scrape shows: the entities of a partition with their labels, and what it has to show of one scope."""

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agents.text_format import escaped
from kernels.trust import Grounds
from streams.index import Scope
from streams.partition import Partition

ENTITIES_AT_ONCE = 1000  # of which a piece makes the labels, or counts the series
SCOPES: tuple[Scope, ...] = ("office", "priority", "category", "queue", "employee")  # the most important first


class Names:
    """The entities of one partition by scope, and their labels, as far as they were needed yet."""

    def __init__(self, partition: Partition, windows: tuple[str, ...]) -> None:
        self.partition = partition
        self._windows = windows
        self._known = 0
        self.entities = {scope: array("q") for scope in SCOPES}  # in order of first sight
        self.labels: dict[Scope, list[bytes]] = {scope: [] for scope in SCOPES}  # entity by entity, all windows of each
        self.offices: list[bytes] = []  # labels of offices without a window

    def sort(self) -> bool:
        """Sort some more entities by scope; False when there are none."""
        new = self.partition.names.entities[self._known : self._known + ENTITIES_AT_ONCE]
        for number, (scope, _, _) in enumerate(new, self._known):
            if scope != "nameless":
                self.entities[scope].append(number)
        self._known += len(new)
        return bool(new)

    def label(self, scope: Scope, count: int) -> bool:
        """Make some more labels of the first ``count`` entities of a scope; False when there are none to make."""
        labels = self.labels[scope]
        known = len(labels) // len(self._windows)
        new = self.entities[scope][known : min(count, known + ENTITIES_AT_ONCE)]
        for number in new:
            _, office, name = self.partition.names.entities[number]
            own = "" if scope == "office" else f'{scope}="{escaped(name)}",'
            if scope == "office":
                self.offices.append(f'office="{escaped(office)}"}} '.encode())
            start = f'office="{escaped(office)}",{own}window="'
            labels += [f'{start}{window}"}} '.encode() for window in self._windows]
        return bool(new)


class Part:
    """What one partition has to show of one scope."""

    def __init__(
        self,
        names: Names,
        values: NDArray[np.float64],
        counts: NDArray[np.int64],
        further: NDArray[np.int64],
        grounds: Grounds,
        asked_s: NDArray[np.float64],
        now: NDArray[np.int32],
        besides: NDArray[np.int64],
    ) -> None:
        self.names = names
        self.grounds = grounds
        self.asked_s = asked_s  # (entities, questions) when each was last asked, NaN for never; of offices alone
        self.values = values  # (entities, windows, metrics), NaN for none
        self.counts = counts  # (entities,) of values
        self.now = now  # (entities and those further, 2) requests open and overdue
        self.besides = besides  # (entities and those further,) of series that are not computed of counters alone
        self.further = further  # entities whose values were not taken, for want of room; they stand behind the others
        self.shown = counts.size  # of the entities

    def names_of(self, scope: Scope) -> tuple[Sequence[int], int, list[bytes]]:
        """The entities that there were, how many of them are shown, and the labels of these at least."""
        entities = self.names.entities[scope][: self.counts.size + self.further.size]
        return entities, self.shown, self.names.labels[scope]
