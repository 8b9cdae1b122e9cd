"""What comes too late or from the future, decided from the log alone.

An event is measured against the greatest min(ts, append time) of the accepted events before it on its topic
partition. Arrival times do not enter, so reading the log again decides the same. What is refused moves no clock.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.timeliness import IN_THE_FUTURE, IN_TIME, LEAD_MS, TOO_LATE, judge_times
from streams.structs import Reject

__all__ = ["LEAD_MS", "Timely", "timely"]

_REJECTS = {
    IN_THE_FUTURE: ("in_the_future", "`ts` is more than 5 min ahead of the broker's append time"),
    TOO_LATE: ("too_late", "`ts` is further behind the latest event before it than the correction horizon"),
}


class Timely(NamedTuple):
    """What of a batch came in time."""

    rows: NDArray[np.void]  # EVENT_ROW
    rejects: list[Reject]
    clock_ms: int  # the topic partition's, after the batch
    late: int  # how many of the good events lie behind one before them


def timely(rows: NDArray[np.void], append_ms: NDArray[np.int64], clock_ms: int, horizon_ms: int) -> Timely:
    """Part the events of one batch of a topic partition into those in time and those not.

    Parameters
    ----------
    rows
        Decoded events of the batch, in its order.
    append_ms
        The broker's append time of every message of the batch, (n,) epoch milliseconds.
    clock_ms
        Greatest min(ts, append time) before the batch.
    horizon_ms
        Correction horizon of the topic.
    """
    judged = np.empty(rows.size, np.int8)
    clock_ms, late = map(int, judge_times(rows, append_ms, clock_ms, horizon_ms, judged))  # uncompiled, numpy's own
    if not judged.any():
        return Timely(rows, [], clock_ms, late)
    refused = np.flatnonzero(judged)
    positions = rows["position"][refused].tolist()
    rejects = [Reject(at, *_REJECTS[why]) for at, why in zip(positions, judged[refused].tolist(), strict=True)]
    return Timely(rows.compress(judged == IN_TIME), rejects, clock_ms, late)
