"""What comes too late or from the future, in the order of the log."""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry
from kernels.signatures import EVENTS, INT, array_of, reading

IN_TIME, IN_THE_FUTURE, TOO_LATE = 0, 1, 2
SHIFT = 8  # the kind of event that may be planned ahead
LEAD_MS = 5 * 60_000  # how far ahead of the broker's append time an event may lie


@entry(EVENTS, reading(np.int64), INT, INT, array_of(np.int8))
def judge_times(
    events: NDArray[np.void],
    append_ms: NDArray[np.int64],
    clock_ms: int,
    horizon_ms: int,
    judged: NDArray[np.int8],
) -> tuple[int, int]:
    """Judge each event by the greatest min(ts, append time) of those before it that are in time.

    Parameters
    ----------
    append_ms
        Of every message of the batch, (messages,).
    clock_ms
        The greatest before the batch.
    judged
        Output, (events,): IN_TIME, IN_THE_FUTURE or TOO_LATE.

    Returns
    -------
    The greatest after the batch, and how many events in time lie behind it as they come.
    """
    behind = 0
    for i in range(events.shape[0]):
        event = events[i]
        ts_ms = event["ts_ms"]
        appended_ms = append_ms[event["position"]]
        # No sum: an append time may be whatever a sender gives.
        if ts_ms - LEAD_MS > appended_ms and event["kind"] != SHIFT:
            judged[i] = IN_THE_FUTURE
        elif ts_ms < clock_ms - horizon_ms:
            judged[i] = TOO_LATE
        else:
            judged[i] = IN_TIME
            behind += ts_ms < clock_ms
            clock_ms = max(clock_ms, min(ts_ms, appended_ms))
    return clock_ms, behind
