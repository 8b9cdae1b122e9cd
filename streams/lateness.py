"""What comes too late or from the future, decided from the log alone.

An event is measured against the greatest min(ts, append time) of the accepted events before it on its topic
partition. Arrival times do not enter, so reading the log again decides the same. What is refused moves no clock.
"""

from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.decode import Group, Reject
from streams.events import SHIFT

LEAD_MS = 5 * 60_000  # how far ahead of the broker's append time an event may lie

_IN_THE_FUTURE = "`ts` is more than 5 min ahead of the broker's append time"
_TOO_LATE = "`ts` is further behind the latest event before it than the correction horizon"


class Timely(NamedTuple):
    """What of a batch came in time."""

    groups: dict[int, Group]
    rejects: list[Reject]
    clock_ms: int  # the topic partition's, after the batch
    late: int = 0  # how many of the good events lie behind one before them


def timely(groups: dict[int, Group], append_ms: NDArray[np.int64], clock_ms: int, horizon_ms: int) -> Timely:
    """Part the events of one batch of a topic partition into those in time and those not.

    Parameters
    ----------
    groups
        Decoded events of the batch.
    append_ms
        The broker's append time of every message of the batch, (n,) epoch milliseconds.
    clock_ms
        Greatest min(ts, append time) before the batch.
    horizon_ms
        Correction horizon of the topic.
    """
    if not groups:
        return Timely({}, [], clock_ms)
    positions = np.concatenate([group.positions for group in groups.values()])
    ts_ms = np.concatenate([group.ts_ms for group in groups.values()])
    plans = np.concatenate([np.full(group.positions.size, kind == SHIFT) for kind, group in groups.items()])
    appended = append_ms[positions]
    future = (ts_ms > appended + LEAD_MS) & ~plans
    # In the order of the log: the clock that each event finds.
    order = np.argsort(positions)
    reached = np.where(future, clock_ms, np.minimum(ts_ms, appended))[order]
    after = np.maximum.accumulate(np.maximum(reached, clock_ms))
    found = np.empty_like(after)
    found[order] = np.concatenate(([clock_ms], after[:-1]))
    late = ~future & (ts_ms < found - horizon_ms)
    if not (future.any() or late.any()):
        return Timely(groups, [], int(after[-1]), int(np.count_nonzero(ts_ms < found)))
    rejects = [Reject(position, "in_the_future", _IN_THE_FUTURE) for position in positions[future].tolist()]
    rejects += [Reject(position, "too_late", _TOO_LATE) for position in positions[late].tolist()]
    kept = without(groups, np.concatenate((positions[future], positions[late])))
    behind = int(np.count_nonzero((ts_ms < found) & ~future & ~late))
    return Timely(kept, sorted(rejects), int(after[-1]), behind)


def without(groups: dict[int, Group], positions: NDArray[np.int64]) -> dict[int, Group]:
    """Groups without the events at some positions of the batch."""
    if not positions.size:
        return groups
    left = {}
    for kind, group in groups.items():
        good = ~np.isin(group.positions, positions)
        if good.all():
            left[kind] = group
        elif good.any():
            left[kind] = Group(group.positions[good], list(compress(group.events, good)), group.ts_ms[good])
    return left
