"""Which partitions have to be read again, because their next batch got lost between the broker and the gate.

The reader stands where the batches end that it gave out; the gate waits for the batch at its next offset. Between the
two lie batches on their way, a few at most. Where the two differ and the gate sees no progress for some checks, the
batch is taken for lost. If it was only slow, reading it twice costs time and nothing else: the gate drops the second.

Where reading again brings something else every time, the log does not have that offset: it was cut off or made anew.
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
    futile: int = 0  # how often reading again brought something else
    dropped: int = -1  # how much the gate had dropped when it was last read again; -1: it was not yet


class Losses:
    """Watches the partitions from check to check."""

    def __init__(self) -> None:
        self._watched: dict[TP, _Watched] = {}

    def check(self, awaited: Mapping[TP, int], positions: Mapping[TP, int], dropped: Mapping[TP, int]) -> list[TP]:
        """Return the partitions to be read again.

        Parameters
        ----------
        awaited, positions:
            By partition the offset that the gate waits for, and the one that the reader stands at.
        dropped:
            By partition how many batches the gate has dropped so far.

        Raises
        ------
        LogLostError
            Reading again brought something else three times.
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
                brought_other = 0 <= before.dropped < dropped.get(each, 0)
                now = now._replace(futile=before.futile + brought_other, dropped=dropped.get(each, 0))
                if now.futile == FUTILE_UNTIL_HOPELESS:
                    raise LogLostError(
                        f"The log of {each.topic}, partition {each.partition}, does not have the offset {offset} that "
                        f"comes next: was it cut off, or the topic made anew?"
                    )
            watched[each] = now
        self._watched = watched
        return lost
