"""What was published of the indices, to tell what has changed since."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from streams.engine import Engine, Partition, Values
from streams.outputs import IndexValue, Indices
from streams.results import value_of, whole


class PublishedIndices:
    """The values of one partition as they were last published."""

    def __init__(self) -> None:
        self._values: NDArray[np.float64] | None = None
        self._bases: NDArray[np.float64] | None = None

    def changes(self, engine: Engine, partition: Partition) -> Iterator[Indices]:
        """One message for each entity of which anything changed, with all that it has now."""
        held = engine.values(partition)
        values = np.where(held.seen[..., None], held.values, np.nan)
        bases = np.where(held.seen[..., None], held.bases, -1.0)
        known = 0 if self._values is None else self._values.shape[0]
        changed: NDArray[np.bool_] = np.any(held.seen, axis=1)  # what is new has changed when there is anything to tell
        if self._values is not None and self._bases is not None:
            old, new = self._values, values[:known]
            differs = ~((old == new) | (np.isnan(old) & np.isnan(new))) | (self._bases != bases[:known])
            changed[:known] = differs.any(axis=(1, 2))
        self._values, self._bases = values, bases
        for number in np.flatnonzero(changed).tolist():
            yield _message(engine, partition, held, number)


def _message(engine: Engine, partition: Partition, held: Values, number: int) -> Indices:
    scope, office, name = partition.names.entities.order[number]
    windows = {
        label: {
            index.name: IndexValue(
                value_of(float(held.values[number, window, at]), index, held.totals[number, window]),
                whole(float(held.bases[number, window, at]), index.base, held.totals[number, window]),
            )
            for at, index in enumerate(engine.indices)
            if scope in index.scopes
        }
        for window, label in enumerate(engine.configuration.windows)
        if held.seen[number, window]
    }
    return Indices(
        scope=scope,
        office_id=office,
        employee_id=name if scope == "employee" else None,
        queue=name if scope == "queue" else None,
        at=partition.now.now_ms,
        windows=windows,
    )
