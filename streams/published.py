"""What was published of the indices, to tell what has changed since."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.indices import differing
from streams.engine import Engine, Partition, Values
from streams.names import Entity
from streams.outputs import IndexValue, Indices
from streams.results import value_of, whole


class PublishedIndices:
    """The counters of one partition as they were when its indices were last published."""

    def __init__(self) -> None:
        self._totals: NDArray[np.int64] | None = (
            None  # (entities and room for more, windows, COUNTERS), 0 where not yet
        )

    def changes(self, engine: Engine, partition: Partition) -> Iterator[Indices]:
        """One message for each entity of which anything changed, with all that it has now; made one by one, later."""
        totals = engine.totals(partition)
        published = self._published(totals.shape)
        moved = np.flatnonzero(differing(totals, published))
        before = engine.values_of(published[moved])
        now = engine.values_of(totals[moved])
        published[moved] = now.totals
        at_ms = partition.now.now_ms
        rows = np.flatnonzero(_changed(before, now)).tolist()
        entities = partition.names.entities
        named = [row for row in rows if entities[moved[row]][0] != "nameless"]
        return (_message(engine, entities[moved[row]], now, row, at_ms) for row in named)

    def _published(self, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """The published counters of all entities, none of those that are new."""
        entities = shape[0]
        if self._totals is None:
            self._totals = np.zeros(shape, np.int64)
        elif len(self._totals) < entities:
            longer = np.zeros((2 * entities, *shape[1:]), np.int64)
            longer[: len(self._totals)] = self._totals
            self._totals = longer
        return self._totals[:entities]


def _changed(before: Values, now: Values) -> NDArray[np.bool_]:
    """Whose indices differ, (entities,); counters may move without."""
    same = (before.values == now.values) | (np.isnan(before.values) & np.isnan(now.values))
    differs = ~same | (before.bases != now.bases) | (before.seen != now.seen)[..., None]
    changed: NDArray[np.bool_] = np.any(differs, axis=(1, 2))
    return changed


def _message(engine: Engine, entity: Entity, held: Values, row: int, at_ms: int) -> Indices:
    scope, office, name = entity
    assert scope != "nameless"
    indices = [(at, index) for at, index in enumerate(engine.indices) if scope in index.scopes]
    windows = {}
    for window in np.flatnonzero(held.seen[row]).tolist():
        values, bases = held.values[row, window].tolist(), held.bases[row, window].tolist()
        counters = held.totals[row, window]
        windows[engine.configuration.windows[window]] = {
            index.name: IndexValue(
                value_of(values[at], index, counters),
                whole(bases[at], index.base, counters),
            )
            for at, index in indices
        }
    return Indices(
        scope=scope,
        office_id=office,
        employee_id=name if scope == "employee" else None,
        queue=name if scope == "queue" else None,
        at=at_ms,
        windows=windows,
    )
