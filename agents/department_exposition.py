"""Series of what departments think of each other, behind all others in a scrape.

They are few and seldom change, so those of a partition are kept until its counters or the directory do.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.text_format import escaped, head
from streams.catalogue import metric_name
from streams.departments import PEER_INDICES, Told, told
from streams.directory import Directory
from streams.engine import Engine
from streams.partition import Partition

_FAMILIES: Final = [(metric_name(scope, index), index.help) for index in PEER_INDICES for scope in index.scopes]
_QUARTER_MS: Final = 900_000  # a local day begins with one


class _Known(NamedTuple):
    partition: Partition
    sums: NDArray[np.int64]
    directory: Directory
    quarter: int
    series: list[Told]


class Departments:
    """What the partitions of a worker have to show of their departments."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, _Known] = {}

    def keep(self, partitions: Collection[Partition]) -> None:
        """Forget what is known of others than these."""
        numbers = set(map(id, partitions))
        self._known = {number: known for number, known in self._known.items() if number in numbers}

    def series(self, partition: Partition) -> list[Told]:
        """The series of a partition as it is now."""
        known = self._known[id(partition)] = self._look_at(partition)
        return known.series

    def _look_at(self, partition: Partition) -> _Known:
        directory = self._engine.directory
        quarter = partition.now.now_ms // _QUARTER_MS
        sums = partition.peer_sums
        known = self._known.get(id(partition))  # holds its partition, so that no other can have its id
        if (
            known is not None
            and (known.quarter, known.directory) == (quarter, directory)
            and np.array_equal(known.sums, sums)
        ):
            return known
        begin_ms, now_ms = partition.tables.window_begin_ms, partition.now.now_ms
        series = told(self._engine.configuration, directory, partition.names.groups, sums, begin_ms, now_ms)
        return _Known(partition, sums, directory, quarter, series)


def department_families(series: list[Told]) -> Iterator[bytes]:
    """The text of all series, family by family."""
    found: dict[str, list[bytes]] = {name: [] for name, _ in _FAMILIES}
    for each in series:
        name = metric_name(each.scope, each.measure)
        labels = {"office": each.office, **each.labels, "window": each.window}
        text = ",".join(f'{label}="{escaped(value)}"' for label, value in labels.items())
        found[name].append(f"{name}{{{text}}} {float(each.value)!r}\n".encode())
    for name, text in _FAMILIES:
        yield head(name, text)
        yield from found[name]
