"""What was published of the indices, to tell what has changed since."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.layout import QUESTIONS
from kernels.trust import Grounds
from streams.directory import Directory
from streams.engine import Engine
from streams.evaluation import Values
from streams.names import Entity
from streams.outputs import Indices
from streams.partition import Partition
from streams.results import told_of
from streams.totals import KeptCounters, with_room

WORK_EVERY_MS = 60_000  # whose time at work alone has changed is told of no more often: it changes all the time


class PublishedIndices:
    """What the indices of one partition rested on when they were last published; 0 where they were not yet.

    All but the counters is kept by office: little, and it decides over all of an office's employees.
    """

    def __init__(self) -> None:
        self._kept = KeptCounters()
        self._flags: NDArray[np.uint8] = np.zeros((0, 0, QUESTIONS), np.uint8)  # as of kernels.trust.Grounds
        self._asked_ms: NDArray[np.int64] = np.zeros((0, QUESTIONS), np.int64)
        self._minute = -1
        self._directory: Directory | None = None
        self._with_goals: NDArray[np.int64] = np.zeros(0, np.int64)  # entities of whom it asks something

    def changes(self, engine: Engine, partition: Partition) -> Iterator[Indices]:
        """One message for each entity of which anything changed, with all that it has now; made one by one, later."""
        counters = partition.counters()
        minute = partition.now.now_ms // WORK_EVERY_MS
        work_counts, self._minute = minute != self._minute, minute
        grounds = engine.evaluation.grounds(partition)
        asked_ms = partition.asked_ms
        self._flags = with_room(self._flags, grounds.flags)
        self._asked_ms = with_room(self._asked_ms, asked_ms)
        flags = self._flags[: len(grounds.flags)]
        offices = np.array(partition.names.offices, np.int64)

        asked = np.zeros(grounds.office_of.size, np.bool_)  # what is told of an office says when
        asked[offices] = np.any(self._asked_ms[: len(asked_ms)] != asked_ms, axis=1)
        judged = np.any(flags != grounds.flags, axis=(1, 2))[grounds.office_of]
        told_anew = self._with_other_goals(engine, partition)
        moved, totals_before, totals_now = self._kept.take(
            counters, asked | judged | told_anew, work_counts=work_counts
        )
        told_anew |= asked
        office_of = grounds.office_of[moved]
        before = engine.evaluation.values_of(partition, moved, totals_before, Grounds(office_of, flags))
        now = engine.evaluation.values_of(partition, moved, totals_now, grounds._replace(office_of=office_of))
        flags[...] = grounds.flags
        self._asked_ms[: len(asked_ms)] = asked_ms

        at_ms = partition.now.now_ms
        changed = _changed(before, now) | (told_anew[moved] & now.seen.any(axis=1))
        entities = partition.names.entities
        return (
            _message(engine, entities[moved[row]], now, row, at_ms, asked_ms[office_of[row]])
            for row in np.flatnonzero(changed).tolist()
            if entities[moved[row]][0] != "nameless"
        )

    def _with_other_goals(self, engine: Engine, partition: Partition) -> NDArray[np.bool_]:
        """Of whom plans or matrices may ask something else than before, (entities,); as time passes alone, nobody is told anew."""
        others = np.zeros(len(partition.names.entities), np.bool_)
        with_goals = engine.evaluation.asked(partition)
        if self._directory is not engine.directory:
            others[self._with_goals] = True
            others[with_goals] = True
        self._directory, self._with_goals = engine.directory, with_goals
        return others


def _changed(before: Values, now: Values) -> NDArray[np.bool_]:
    """Whose indices differ, (entities,); counters may move without."""
    same = (before.values == now.values) | (np.isnan(before.values) & np.isnan(now.values))
    differs = ~same | (before.bases != now.bases) | (before.seen != now.seen)[..., None]
    changed: NDArray[np.bool_] = np.any(differs, axis=(1, 2)) | np.any(before.reasons != now.reasons, axis=(1, 2))
    return changed


def _message(
    engine: Engine, entity: Entity, held: Values, row: int, at_ms: int, asked_ms: NDArray[np.int64]
) -> Indices:
    scope, office, name = entity
    assert scope != "nameless"
    windows = {
        engine.configuration.windows[window]: {
            index.name: told for index, told in told_of(engine, held, row, window, scope, asked_ms)
        }
        for window in np.flatnonzero(held.seen[row]).tolist()
    }
    return Indices(
        scope=scope,
        office_id=office,
        employee_id=name if scope == "employee" else None,
        queue=name if scope == "queue" else None,
        priority=name if scope == "priority" else None,
        category=name if scope == "category" else None,
        at=at_ms,
        windows=windows,
    )
