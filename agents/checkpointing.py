"""When checkpoints are taken: one partition after the other while the worker works, and all of them before it lets go.

A checkpoint counts once everything that the events in it caused has been published, and it is stored; only then are the
offsets in it committed. So nothing that is committed can be lost, and nothing that was not published is committed.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Final

from agents import tracing
from agents.checkpoints import Checkpoints
from agents.memory import give_back
from agents.notes import Note
from agents.outbox import Outbox
from agents.outputs import NotAMemberError
from agents.owned import Owned

LAST_ONES_S: Final = 4.0  # a worker that lets go takes so long for its last checkpoints; what is not done is read again
AT_ONCE: Final = 4
# To hash, copy, compress and send a gigabyte takes three to four seconds of a core: so that is less than a tenth of it,
# also while all of a large state is new, as when it is built from the log.
MOST_BYTES_PER_S: Final = 25e6

log = logging.getLogger("kqi.checkpoints")


class Checkpointing:
    """The checkpoints of a worker that holds partitions."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        outbox: Outbox,
        mark_done: Callable[[int, str, int, Note], None],
        told_until: Callable[[int], int],
        interval_s: float,
    ) -> None:
        """Set up.

        Parameters
        ----------
        mark_done
            Called with a partition, a topic without its prefix, an offset that may be committed, and a note of the
            state that had all before it.
        told_until
            Tells of a partition up to which offset what was told of surveys follows from its state.
        interval_s
            About how often each partition gets a checkpoint, if anything was applied; less often while more of the
            states is new than ``MOST_BYTES_PER_S``.
        """
        self.checkpoints = checkpoints
        self._outbox = outbox
        self._mark_done = mark_done
        self._told_until = told_until
        self._interval_s = interval_s
        self._at_work: asyncio.Task[int] | None = None

    async def run(self, held: Callable[[], Collection[Owned]]) -> None:
        """Take checkpoints of the partitions that are held, for ever."""
        new_bytes = 0
        while True:
            partitions = list(held())
            for owned in partitions:
                await asyncio.sleep(max(self._interval_s / len(partitions), new_bytes / MOST_BYTES_PER_S))
                new_bytes = await self._checkpoint_unless_abandoned(owned) if owned in held() else 0
            await asyncio.to_thread(give_back)  # copies of arrays and messages came and went
            if not partitions:
                await asyncio.sleep(min(1.0, self._interval_s))

    async def _checkpoint_unless_abandoned(self, owned: Owned) -> int:
        self._at_work = asyncio.create_task(self.checkpoint(owned))
        try:
            await asyncio.wait({self._at_work})
        finally:
            self.abandon()
        return 0 if self._at_work.cancelled() else self._at_work.result()

    def abandon(self) -> None:
        """Let the checkpoint at work, if any, not come to its end, because others take over."""
        if self._at_work is not None:
            self._at_work.cancel()

    async def checkpoint(self, owned: Owned) -> int:
        """Take and store a checkpoint, if anything was applied since the last one; return how many bytes of it were new.

        None is stored while others may have taken over, whose chunks it might delete.
        """
        async with self.checkpoints.turn(owned.number):
            if self.checkpoints.is_due(owned.number, owned.next_offsets):
                with tracing.whole("checkpoint", partition=owned.number) as span:
                    return await self._checkpoint(owned, span)
        return 0

    async def _checkpoint(self, owned: Owned, span: tracing.Span) -> int:
        async with owned.turn:  # between two batches, when all that they caused is on its way
            told_until = self._told_until(owned.number)
            note = Note(told_until, owned.state.now, owned.state.asked_by)
            with tracing.part("snapshot"):
                snapshot = self.checkpoints.take(owned.number, owned.state, owned.next_offsets, told_until)
        span.note(number=snapshot.manifest.number, bytes=snapshot.manifest.size, chunks=len(snapshot.chunks))
        with tracing.part("flush"):
            await self._outbox.flush()
        try:
            with tracing.part("store"):
                await self.checkpoints.save(snapshot)
        except NotAMemberError:
            return 0
        for topic, offset in snapshot.manifest.offsets.items():
            if offset > owned.marks.get(topic, 0):
                self._mark_done(owned.number, topic, offset, note)
        return sum(chunk.nbytes for chunk in snapshot.chunks.values())

    async def last_ones(self, held: Collection[Owned]) -> None:
        """Take checkpoints of all before letting go, as many as there is time for."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def take_one(owned: Owned) -> None:
            async with turns:
                await self.checkpoint(owned)

        try:
            async with asyncio.timeout(LAST_ONES_S):
                await asyncio.gather(*map(take_one, held))
        except TimeoutError:
            log.warning("not every partition got a last checkpoint: what came since the one before is read again")
        self.abandon()
