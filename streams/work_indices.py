"""The indices of time at work."""

from kernels import layout as c
from streams.index import STAFF, Index


def work_indices() -> list[Index]:
    """Indices of time at work, in the order of publication.

    Both are shares of measured time, milliseconds over milliseconds. `occupancy` lies in 0..1. `utilisation` is not negative, and
    exceeds 1 where more was worked than planned, or several calls at a time. There is no interval: nothing was sampled.
    """
    productive = {c.PRODUCTIVE_MS: 1.0}
    return [
        Index(
            "utilisation",
            "ratio",
            STAFF,
            "Talk, hold and wrap of calls / planned work less breaks, training and leave.",
            productive,
            {c.AVAILABLE_MS: 1},
        ),
        Index(
            "occupancy",
            "ratio",
            STAFF,
            "Talk, hold and wrap of calls / (the same + time on duty without a call).",
            productive,
            {c.PRODUCTIVE_MS: 1, c.IDLE_MS: 1},
        ),
    ]
