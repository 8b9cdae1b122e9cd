"""Which partitions have to be read again, because their next batch got lost between the broker and the gate.

The reader stands where the batches end that it gave out; the gate waits for the batch at its next offset. Between the
two lie batches on their way, a few at most. Where the two differ and the gate sees no progress for some checks, the
batch is taken for lost. If it was only slow, reading it twice costs time and nothing else: the gate drops the second.

Where the reader, sent to that offset, stands before it afterwards, aiokafka found no such offset and began anew at the
beginning of the log: the log was cut off or made anew.
"""

from collections.abc import Mapping
from typing import NamedTuple

from faust.types import TP

CHECKS_UNTIL_LOST = 3
FUTILE_UNTIL_HOPELESS = 3


class LogLostError(Exception):
    """A log does not have the records that come next; the message is one sentence for the user."""


class _Watched(NamedTuple):
    """A partition that was behind at this offset."""

    offset: int
    checks: int = 0  # how often it was found so
    futile: int = 0  # how often the reader stood before it although it had been sent there


class Losses:
    """Watches the partitions from check to check."""

    def __init__(self) -> None:
        self._watched: dict[TP, _Watched] = {}

    def check(self, awaited: Mapping[TP, int], positions: Mapping[TP, int]) -> list[TP]:
        """Return the partitions to be read again.

        Parameters
        ----------
        awaited, positions:
            By partition the offset that the gate waits for, and the one that the reader stands at.

        Raises
        ------
        LogLostError
            Reading again was futile three times.
        """
        watched = {each: before for each, before in self._watched.items() if awaited.get(each) == before.offset}
        lost = []
        for each, position in positions.items():
            offset = awaited.get(each, position)
            if position == offset:
                continue  # all right, or just sought: what was watched stays so
            before = watched.get(each, _Watched(offset))
            now = before._replace(checks=before.checks + 1)
            if now.checks % CHECKS_UNTIL_LOST == 0:
                lost.append(each)
                was_sent_there = before.checks > CHECKS_UNTIL_LOST
                now = now._replace(futile=before.futile + (was_sent_there and position < offset))
                if now.futile == FUTILE_UNTIL_HOPELESS:
                    raise LogLostError(
                        f"The log of {each.topic}, partition {each.partition}, does not have the offset {offset} that "
                        f"comes next: was it cut off, or the topic made anew?"
                    )
            watched[each] = now
        self._watched = watched
        return lost
