"""Index values as rows of a replay: one for every index of every scope that saw anything in a window."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from streams.engine import Engine, Partition
from streams.index import Index, Weights

Row = dict[str, Any]
_EXACT = 2.0**53  # up to here a double holds every integer


def rows(engine: Engine, partition: Partition) -> Iterator[Row]:
    """Rows as ``kqi replay --format json`` prints them, offices first, by name."""
    held = engine.values(partition)
    values = held.values.tolist()
    bases = held.bases.tolist()
    for entity, number in sorted(zip(partition.names.entities, count()), key=_place):
        scope, office, name = entity
        if scope == "nameless":
            continue
        for window, label in enumerate(engine.configuration.windows):
            if not held.seen[number, window]:
                continue
            counters = held.totals[number, window]
            for position, index in enumerate(engine.indices):
                if scope not in index.scopes:
                    continue
                row: Row = {"scope": scope, "office_id": office, "employee_id": name if scope == "employee" else None}
                if scope == "queue":
                    row["queue"] = name
                row["window"] = label
                row["index"] = index.name
                row["value"] = value_of(values[number][window][position], index, counters)
                row["base"] = whole(bases[number][window][position], index.base, counters)
                yield row


def _place(item: tuple[tuple[str, str, str], int]) -> tuple[str, int, str]:
    (scope, office, name), _ = item
    return office, ("office", "employee", "queue", "nameless").index(scope), name


def value_of(value: float, index: Index, counters: Any) -> float | int | None:
    """A value as it is given out: an integer where it counts, None for NaN."""
    if value != value:  # noqa: PLR0124 - NaN: the index has no value
        return None
    if index.unit in ("count", "money") and not index.divides:
        return whole(value, index.numerator, counters)
    return value


def whole(value: float, weights: Weights, counters: Any) -> int:
    """A sum of counters as an integer, exact even where a double is not."""
    if abs(value) < _EXACT:
        return int(value)
    return sum(int(weight) * int(counters[counter]) for counter, weight in weights.items())
