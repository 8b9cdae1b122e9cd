"""From the records of one topic partition to events that count, and everything else with its reason.

Nothing vanishes here: every message is an event, is a reject for ``dead-letters``, or is misrouted, to be published
once more where it belongs.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import NONE
from streams.decode import decode, office_names
from streams.lateness import timely
from streams.messages import Messages
from streams.names import Names
from streams.partition import Events
from streams.structs import Reject


class Intake(NamedTuple):
    """What a batch brought."""

    events: Events  # those that count
    rejects: list[Reject]
    misrouted: list[tuple[int, str]]  # position and office of events that lie under another key or partition
    clock_ms: int  # of the topic partition, after the batch
    late: int  # how many events that count lie behind one before them


def take_in(
    values: Messages,
    keys: Messages,
    append_ms: NDArray[np.int64],
    names: Names,
    *,
    topic: str,
    partition: int,
    partition_of: Callable[[str], int],
    clock_ms: int,
    horizon_ms: int,
    longest_window_ms: int,
) -> Intake:
    """Decode, route and time the records of one batch.

    Parameters
    ----------
    values, keys, append_ms
        The records, parallel; ``append_ms`` is the broker's time.
    names
        Of the partition, whose offices belong here.
    topic, partition
        Where the records lie; the topic without its prefix.
    partition_of
        The partition that an office's events belong in.
    clock_ms, horizon_ms, longest_window_ms
        See :func:`streams.lateness.timely` and :func:`streams.decode.decode`.
    """
    rows, buffer, rejects = decode(values, topic=topic, longest_window_ms=longest_window_ms)
    astray = names.find_offices(rows, buffer, keys)
    _look_up_new_offices(rows, buffer, astray, lambda office: partition_of(office) != partition)
    misrouted = []
    if astray.any():
        offices = zip(rows["position"][astray].tolist(), office_names(rows[astray], buffer), strict=True)
        misrouted = list(offices)
        rows = rows.compress(~astray)
    in_time = timely(rows, append_ms, clock_ms, horizon_ms)
    if in_time.rejects:
        rejects = sorted(rejects + in_time.rejects)
    return Intake(Events(in_time.rows, buffer), rejects, misrouted, in_time.clock_ms, in_time.late)


def _look_up_new_offices(
    rows: NDArray[np.void], buffer: NDArray[np.uint8], astray: NDArray[np.bool_], is_elsewhere: Callable[[str], bool]
) -> None:
    """Mark the events of offices that are not known yet and belong elsewhere."""
    new = np.flatnonzero(rows["office"] == NONE)
    if not new.size:
        return
    offices = office_names(rows[new], buffer)
    elsewhere = {office: is_elsewhere(office) for office in set(offices)}
    astray[new] |= np.array([elsewhere[office] for office in offices], np.bool_)
