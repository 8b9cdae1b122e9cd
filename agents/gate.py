"""The gate: what the application gets of each partition is exactly the log, in order, from where it chose to start.

Below the gate lie a broker, a fetcher that reads ahead, a thread, queues and a group that rebalances: any of them may
lose a batch, repeat one, or deliver one late. The gate makes that harmless, by five rules:

1. A partition is delivered between `open` and `close`, beginning at the offset given to `open`.
2. A batch passes only if it begins where the last one that passed ended. Every other batch is dropped; what is missing
   is read again because `next_offsets` differs from the position of the reader.
3. Batches of one topic are handled one at a time. `close` returns when no handler is running any more.
4. A batch that the handler has no room for (it returns False) does not count: it is read again.
5. When a handler raises, its batch does not count, and nothing passes any more.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from faust.types import TP
from numpy import int64
from numpy.typing import NDArray

from streams.messages import Messages


class PartitionBatch(NamedTuple):
    """The records of one partition between two offsets: `base_offset` <= offset < `next_offset`.

    Batches that follow each other have no gap between them: the next one's `base_offset` is this one's `next_offset`.
    Offsets without a record (transaction markers, aborted or compacted records) are covered too, so a batch can be empty.
    The columns are parallel, one entry for each record.
    """

    topic: str
    partition: int
    base_offset: int  # where the reader stood, not necessarily the offset of a record
    next_offset: int  # where the next batch begins
    high_watermark: int  # the end of what could be read when this was fetched: next_offset reaches it when caught up
    offsets: NDArray[int64]
    append_ms: NDArray[int64]  # the record's time at the broker, epoch milliseconds: of appending, with LogAppendTime
    keys: Messages
    values: Messages  # null: a tombstone
    cause: Any = None  # what its fetch is traced as: see agents.tracing


Handle = Callable[[PartitionBatch], Awaitable[bool | None]]


class Gate:
    """Passes batches to a handler by the rules above."""

    def __init__(self) -> None:
        self._next: dict[TP, int] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.failed = False

    @property
    def next_offsets(self) -> Mapping[TP, int]:
        """The offset that each open partition has been handled up to, exclusive."""
        return self._next

    def open(self, starts: Mapping[TP, int]) -> None:
        """Begin to deliver these partitions from these offsets, and no others."""
        self._next = {} if self.failed else dict(starts)

    async def close(self) -> None:
        """Deliver nothing any more, and wait until the handlers at work have finished."""
        self._next = {}
        for turn in list(self._turns.values()):
            async with turn:
                pass

    def fail(self) -> None:
        """Deliver nothing any more, for good."""
        self.failed = True
        self._next = {}

    def skip(self, partition: TP, offset: int) -> None:
        """Go on at a later offset, because the log no longer has what lies before it."""
        if partition in self._next:
            self._next[partition] = max(self._next[partition], offset)

    async def pass_on(self, batch: PartitionBatch, handle: Handle) -> bool:
        """Have the batch handled if it is the next of its partition; return whether it was."""
        partition = TP(batch.topic, batch.partition)
        async with self._turns[batch.topic]:
            opened = self._next
            if opened.get(partition) != batch.base_offset:
                return False
            try:
                taken = await handle(batch)
            except Exception:
                self.fail()
                raise
            if taken is False:
                return False
            # Closed meanwhile, maybe opened anew: then this is no longer the one that `next_offsets` tells of.
            opened[partition] = max(opened[partition], batch.next_offset)
            return True
