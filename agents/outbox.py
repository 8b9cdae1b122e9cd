"""What waits to be published, in order, while the work goes on.

Whatever caused a message counts as done only when the broker has it: `done` is called then, and not before. When the broker
is slower than the work, the work waits.

While others may have taken over, everything waits. What then turns out to be theirs is dropped: they tell it themselves,
and it would arrive behind what they have told.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, NamedTuple

from agents import tracing
from agents.outputs import NotAMemberError
from agents.sending import Bundle, Message

Deliver = Callable[[list[Message | Bundle]], Awaitable[None]]

MOST_BYTES = 16 * 2**20  # that may wait before the work does
BYTES_AT_ONCE = 4 * 2**20
OBJECT_BYTES = 1024  # about what a message or an entry takes besides its key and value: many may have none
MESSAGES_AT_ONCE = 4000
HELD_S = 0.1  # until it is looked again whether this is a member of its group


class _Entry(NamedTuple):
    partition: int  # of the input that it follows from
    messages: list[Message | Bundle]
    size: int  # bytes
    done: Callable[[], None] | None
    cause: Any = None  # what it is traced as: see agents.tracing


def _size(message: Message | Bundle) -> int:
    if isinstance(message, Bundle):
        return OBJECT_BYTES + len(message.records)
    return OBJECT_BYTES + len(message.key or b"") + len(message.value or b"")


class Outbox:
    """Messages on their way to a function that returns when the broker has them."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._entries: deque[_Entry] = deque()
        self._size = 0
        self._added = self._published = 0  # entries
        self._news = asyncio.Event()
        self._sending = asyncio.Lock()
        self._haste = asyncio.Event()

    def add(self, partition: int, messages: Iterable[Message | Bundle], done: Callable[[], None] | None = None) -> None:
        """Have messages that follow from a partition of the input published, and `done` called when they and all before them are."""
        entry = list(messages)
        if not entry and (done is None or not self._entries):
            if done is not None:
                done()
            return
        size = OBJECT_BYTES + sum(map(_size, entry))
        self._entries.append(_Entry(partition, entry, size, done, tracing.cause()))
        self._size += size
        self._added += 1
        self._news.set()

    @property
    def waiting(self) -> int:
        """How many entries wait."""
        return len(self._entries)

    @property
    def published(self) -> int:
        """How many entries have been published so far."""
        return self._published

    async def make_room(self) -> None:
        """Return when no more waits than may, or when there is no time for that."""
        while self._size > MOST_BYTES and not self._haste.is_set():
            publishing = asyncio.create_task(self._publish_some())
            haste = asyncio.create_task(self._haste.wait())
            try:
                await asyncio.wait({publishing, haste}, return_when=asyncio.FIRST_COMPLETED)
                if publishing.done():
                    publishing.result()
            finally:
                publishing.cancel()
                haste.cancel()
                await asyncio.gather(publishing, haste, return_exceptions=True)

    def make_haste(self, wanted: bool = True) -> None:
        """Let nobody wait for room, or have them wait again: what is at work now may come to its end."""
        if wanted:
            self._haste.set()
        else:
            self._haste.clear()

    async def flush(self) -> None:
        """Return when all that was added before is published; what others add meanwhile is not waited for."""
        end = self._added
        while self._published < end:
            await self._publish_some()

    async def keep(self, partitions: Collection[int]) -> None:
        """Drop what follows from other partitions than these: nobody is told of it, and it is not done."""
        async with self._sending:
            self._entries = deque(
                # Who waits for its turn to come must not be told too early: the places stay.
                entry if entry.partition in partitions else entry._replace(messages=[], size=0, done=None)
                for entry in self._entries
            )
            self._size = sum(entry.size for entry in self._entries)

    async def _publish_some(self) -> None:
        """Publish the first entries, as soon as that is allowed; they leave when the broker has them."""
        while True:
            async with self._sending:
                with contextlib.suppress(NotAMemberError):
                    entries = self._next()
                    if entries:  # nobody else was quicker
                        messages = [message for entry in entries for message in entry.messages]
                        with tracing.after([entry.cause for entry in entries], "publish", records=len(messages)):
                            await self._deliver(messages)
                    self._take_out(entries)
                    return
            await asyncio.sleep(HELD_S)

    def _take_out(self, published: Iterable[_Entry]) -> None:
        for entry in published:
            self._entries.popleft()
            self._size -= entry.size
            self._published += 1
            if entry.done is not None:
                entry.done()

    def _next(self) -> list[_Entry]:
        """Some of the first entries, one at least if there is any."""
        taken: list[_Entry] = []
        size = count = 0
        for entry in self._entries:
            if taken and (size + entry.size > BYTES_AT_ONCE or count + len(entry.messages) > MESSAGES_AT_ONCE):
                break
            taken.append(entry)
            size += entry.size
            count += len(entry.messages)
        return taken

    async def run(self) -> None:
        """Publish what is added, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self.flush()
