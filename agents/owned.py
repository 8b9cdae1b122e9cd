"""A partition that a worker owns: its state, its clock, and how far each topic has been applied and published.

After a start the log is read again from where the last checkpoint was taken, or from its beginning, but what was published
then is not published again. What was committed marks the end of that, topic by topic. Surveys follow from two topics, which
are read side by side: while one of them is still before its mark, what lies behind the mark of the other waits. So
everything before the marks is applied, quietly, before anything behind them.

Behind the marks somebody may have told more of surveys than was committed, by the same events in other steps, or by the time
of then. It is read back, and corrected when all has been read that there is (`told`).
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from agents.gate import PartitionBatch
from kernels.layout import PRESSES, SELLER, UNDECIDED
from streams.clock import Clock, Now
from streams.messages import detached
from streams.partition import Partition
from streams.published import PublishedIndices
from streams.told import Told

SURVEY_TOPICS = ("presses", "verdicts")  # what surveys follow from
REPUBLISHED_MS = 3_600_000  # time may have decided these before the marks, and in the life before only behind them
MOST_WAITING_BYTES = 8 * 2**20  # of a partition: behind its mark, a topic may have come days further than the other


class Owned:
    """A partition that this worker owns; topics are named without their prefix."""

    def __init__(
        self, number: int, state: Partition, clock: Clock, next_offsets: Mapping[str, int] | None = None
    ) -> None:
        self.number = number
        self.state = state
        self.clock = clock
        self.next_offsets: dict[str, int] = dict(next_offsets or {})
        self.marks: dict[str, int] = {}  # what lies before was published already
        self.complete = False
        self.was_quiet = False  # then what was decided before the marks, but not told in time, is to be told
        self.told: Told = {}  # what others may have told of surveys, to be corrected
        self.told_from: int | None = None  # where that begins, until it is corrected
        self.then: Now | None = None  # the time of the state that was at the marks before, until they are reached
        self.waiting: deque[PartitionBatch] = deque()  # until surveys are no longer read quietly
        self.turn = asyncio.Lock()  # its topics take turns, and what looks at all of it
        self.duplicates_told = 0
        self.nameless_told = state.names.nameless_events
        self.said_nameless = False
        self.published = PublishedIndices()

    def start(self, topic: str, log_begin: int, mark: int) -> int:
        """Return where reading begins, at the log's begin or where the state has got to."""
        self.marks[topic] = mark
        self.complete = False
        self.waiting.clear()
        if topic not in self.next_offsets:
            self.next_offsets[topic] = log_begin
            self.state.gaps += log_begin  # what the log no longer has
        self.was_quiet |= self.next_offsets[topic] < mark
        return self.next_offsets[topic]

    def caught_up(self) -> None:
        """Take note that everything has been read; what comes now is new, even if the marks lie beyond the log's end."""
        self.complete = True
        self.marks.clear()

    @property
    def is_quiet(self) -> bool:
        """Whether the surveys that change by what is being read were published before."""
        return any(self.next_offsets.get(topic, 0) < self.marks.get(topic, 0) for topic in SURVEY_TOPICS)

    def has_room(self, batch: PartitionBatch, topic: str) -> bool:
        """Whether a batch can be taken: not if it would have to wait, and enough does."""
        must_wait = self.is_quiet and batch.base_offset >= self.marks.get(topic, 0)
        return not must_wait or sum(map(_size, self.waiting)) < MOST_WAITING_BYTES

    def parts(self, batch: PartitionBatch, topic: str) -> Iterator[PartitionBatch]:
        """Cut a batch at the mark of its topic; parts behind it are kept back, in `waiting`, while it is quiet."""
        yield from self.released()  # they come first: what waits has the earlier offsets
        mark = self.marks.get(topic, 0)
        for part in cut(batch, mark):
            if part.base_offset >= mark and self.is_quiet:
                self.waiting.append(kept(part))
            else:
                yield part
        yield from self.released()

    def released(self) -> Iterator[PartitionBatch]:
        """Give out the parts that no longer have to wait."""
        while self.waiting and not self.is_quiet:
            yield self.waiting.popleft()

    def recently_decided(self) -> NDArray[np.int64]:
        """Rows of the decided surveys of the last hour of the presses read, (n,)."""
        presses = self.state.tables.presses[: self.state.tables.sizes[PRESSES]]
        recent = presses["ts_ms"] >= self.state.topic_clock_ms.get("presses", 0) - REPUBLISHED_MS
        decided = (presses["kind"] == SELLER) & (presses["accepted"] == 1) & (presses["outcome"] != UNDECIDED)
        return np.flatnonzero(recent & decided)


def _size(batch: PartitionBatch) -> int:
    """About the bytes that a batch holds on to."""
    return sum(each.nbytes for each in (batch.offsets, batch.append_ms, batch.keys.buffer, batch.values.buffer))


def cut(batch: PartitionBatch, offset: int) -> list[PartitionBatch]:
    """Cut a batch in two where an offset lies inside of it."""
    if not batch.base_offset < offset < batch.next_offset:
        return [batch]
    at = int(np.searchsorted(batch.offsets, offset))
    before = batch._replace(
        next_offset=offset,
        offsets=batch.offsets[:at],
        append_ms=batch.append_ms[:at],
        keys=batch.keys.cut(0, at),
        values=batch.values.cut(0, at),
    )
    behind = batch._replace(
        base_offset=offset,
        offsets=batch.offsets[at:],
        append_ms=batch.append_ms[at:],
        keys=batch.keys.cut(at, batch.keys.size),
        values=batch.values.cut(at, batch.values.size),
    )
    return [before, behind]


def kept(batch: PartitionBatch) -> PartitionBatch:
    """Return a batch that may be kept for long: it does not hold on to the whole answer that it came in."""
    if batch.keys.buffer is batch.values.buffer:
        keys, values = detached(batch.keys, batch.values)
    else:
        (keys,), (values,) = detached(batch.keys), detached(batch.values)
    return batch._replace(offsets=batch.offsets.copy(), append_ms=batch.append_ms.copy(), keys=keys, values=values)
