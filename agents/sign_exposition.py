"""Series of signs of gaming, behind all others in a scrape and the first to be left out.

What is counted of a partition is kept for a minute: nobody is alerted by a single sign, and counting takes as long as all else does.
"""

import time
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.engine import Engine
from streams.index import STAFF, Scope
from streams.partition import Partition
from streams.sign_counts import SignCounts, count_signs

ANEW_S: Final = 60
ENTITIES_AT_ONCE: Final = 1000
SIGN_FAMILIES: Final = (
    ("signs", "Signs of gaming: signs, not proof."),
    ("signs_base", "Of how many surveys, sales or force majeures a sign of gaming is."),
)


class _Known(NamedTuple):
    partition: Partition
    taken_s: float
    counts: SignCounts


class KeptSigns:
    """What was counted last of the partitions of a worker."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, _Known] = {}

    def keep(self, partitions: Collection[Partition]) -> None:
        """Forget what is known of others than these."""
        numbers = set(map(id, partitions))
        self._known = {number: known for number, known in self._known.items() if number in numbers}

    def counts(self, partition: Partition) -> Generator[None, None, SignCounts]:
        """What is known of a partition, counted anew, in pieces, when it is a minute old: the generator's value."""
        known = self._known.get(id(partition))  # holds its partition, so that no other can have its id
        now_s = time.monotonic()
        if known is None or now_s - known.taken_s >= ANEW_S:
            known = _Known(partition, now_s, (yield from count_signs(self._engine, partition)))
            self._known[id(partition)] = known
        return known.counts


class SignSeries:
    """The signs that one scrape shows.

    ``labels`` and ``values`` hold, of each scope, a row for each entity and window, and of each family a column for each
    sign, NaN for none; ``series`` and ``left_out`` how many there are.
    """

    def __init__(self, kept: KeptSigns, windows: int) -> None:
        self.labels: dict[Scope, list[bytes]] = {scope: [] for scope in STAFF}
        self.values: dict[Scope, list[NDArray[np.float64]]] = {scope: [] for scope in STAFF}  # (rows, families, signs)
        self.series = 0
        self.left_out = 0
        self._kept = kept
        self._windows = windows
        self._counts: list[SignCounts] = []

    def take(self, partition: Partition) -> Iterator[None]:
        """Take what is counted of one more partition."""
        self._counts.append((yield from self._kept.counts(partition)))

    def fit(
        self, scope: Scope, parts: Sequence[tuple[Sequence[int], int, list[bytes]]], room: int
    ) -> Generator[bytes, None, int]:
        """Take over what fits of a scope, none from the first that does not: how much room is left is the generator's value.

        Parameters
        ----------
        parts
            Of each partition its entities, of how many of them the other series are shown, and the labels of these: one by
            one, all windows of each.
        room
            For so many series.
        """
        for counted, (entities, shown, labels) in zip(self._counts, parts, strict=True):
            bases = counted.bases
            numbers = np.array(entities, np.int64)
            numbers = numbers[: np.searchsorted(numbers, bases.shape[0])]  # those who came since are not counted yet
            counts = 2 * np.count_nonzero(bases[numbers], axis=(1, 2))
            fitting = int(np.count_nonzero(np.cumsum(counts[:shown]) <= room))
            series = int(counts[:fitting].sum())
            self.series += series
            self.left_out += int(counts.sum()) - series
            room = room - series if fitting == counts.size else 0
            yield b""
            rows = np.flatnonzero(counts[:fitting])
            for start in range(0, rows.size, ENTITIES_AT_ONCE):
                self._show(scope, rows[start : start + ENTITIES_AT_ONCE], labels, numbers, counted)
                yield b""
        return room

    def _show(
        self,
        scope: Scope,
        rows: NDArray[np.int64],
        labels: list[bytes],
        numbers: NDArray[np.int64],
        counted: SignCounts,
    ) -> None:
        """Take over the series of some entities of a partition, by their places among those of the scope."""
        odd, bases = (each[numbers[rows]] for each in counted)
        for row in rows.tolist():
            self.labels[scope] += labels[row * self._windows : (row + 1) * self._windows]
        values = np.stack([odd, bases], axis=2, dtype=np.float64)  # (rows, windows, families, signs)
        values[np.broadcast_to(bases[:, :, None] == 0, values.shape)] = np.nan
        self.values[scope].append(values.reshape(-1, *values.shape[2:]))
