"""A partition that a worker owns: its state, its clock, and how far each topic has been applied and published.

The log is read again from its beginning after every start, but surveys that were published then are not published
again. What was committed marks the end of that, topic by topic. Surveys follow from two topics, which are read side by
side: while one of them is still before its mark, what lies behind the mark of the other waits. So everything before
the marks is applied, quietly, before anything behind them.
"""

import asyncio
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from agents.gate import PartitionBatch
from kernels.layout import PRESSES, SELLER, UNDECIDED
from streams.clock import Clock
from streams.engine import Partition
from streams.messages import detached
from streams.published import PublishedIndices

SURVEY_TOPICS = ("presses", "verdicts")  # what surveys follow from
REPUBLISHED_MS = 3_600_000  # a survey may have been decided between the last commit and the end of a worker


class Owned:
    """A partition that this worker owns; topics are named without their prefix."""

    def __init__(self, number: int, state: Partition, clock: Clock) -> None:
        self.number = number
        self.state = state
        self.clock = clock
        self.next_offsets: dict[str, int] = {}
        self.marks: dict[str, int] = {}  # what lies before was published already
        self.complete = False
        self.was_quiet = True
        self.waiting: deque[PartitionBatch] = deque()  # until surveys are no longer read quietly
        self.turn = asyncio.Lock()  # the topics of surveys take turns
        self.duplicates_told = 0
        self.published = PublishedIndices()

    def start(self, topic: str, log_begin: int, mark: int) -> int:
        """Return where reading begins, at the log's begin or where the state has got to."""
        self.marks[topic] = mark
        self.complete = False
        self.was_quiet = True  # someone else may have published meanwhile
        self.waiting.clear()
        return self.next_offsets.setdefault(topic, log_begin)

    def caught_up(self) -> None:
        """Take note that everything has been read; what comes now is new, even if the marks lie beyond the log's end."""
        self.complete = True
        self.marks.clear()

    @property
    def is_quiet(self) -> bool:
        """Whether the surveys that change by what is being read were published before."""
        return any(self.next_offsets.get(topic, 0) < self.marks.get(topic, 0) for topic in SURVEY_TOPICS)

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
