"""From the records of one topic partition to events that count, and everything else with its reason.

Nothing vanishes here: every message is in a group, is a reject for ``dead-letters``, or is misrouted, to be published
once more where it belongs.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.decode import Group, Reject, decode
from streams.lateness import timely, without


class Intake(NamedTuple):
    """What a batch brought."""

    groups: dict[int, Group]  # events that count
    rejects: list[Reject]
    misrouted: list[tuple[int, str]]  # position and office of events that lie under another key or partition
    clock_ms: int  # of the topic partition, after the batch
    late: int  # how many events that count lie behind one before them


def take_in(
    values: Sequence[bytes | None],
    keys: Sequence[bytes | None],
    append_ms: NDArray[np.int64],
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
    topic, partition
        Where they lie; the topic without its prefix.
    partition_of
        The partition that an office's events belong in.
    clock_ms, horizon_ms, longest_window_ms
        See :func:`streams.lateness.timely` and :func:`streams.decode.decode`.
    """
    decoded = decode(values, topic=topic, longest_window_ms=longest_window_ms)
    groups = decoded.groups
    misrouted = _misrouted(groups, keys, partition, partition_of)
    if misrouted:
        groups = without(groups, np.array([position for position, _ in misrouted], np.int64))
    in_time = timely(groups, append_ms, clock_ms, horizon_ms)
    rejects = decoded.rejects
    if in_time.rejects:
        rejects = sorted(rejects + in_time.rejects)
    return Intake(in_time.groups, rejects, misrouted, in_time.clock_ms, in_time.late)


def _misrouted(
    groups: dict[int, Group], keys: Sequence[bytes | None], partition: int, partition_of: Callable[[str], int]
) -> list[tuple[int, str]]:
    astray = []
    for group in groups.values():
        offices = list(map(attrgetter("office_id"), group.events))
        belongs = {office: partition_of(office) == partition for office in set(offices)}
        encoded = {office: office.encode() for office in belongs}
        given = list(map(keys.__getitem__, group.positions.tolist()))
        if all(belongs.values()) and given == list(map(encoded.__getitem__, offices)):
            continue
        for position, office, key in zip(group.positions.tolist(), offices, given, strict=True):
            if not belongs[office] or key != encoded[office]:
                astray.append((position, office))
    return sorted(astray)
