"""How workers know of the employees whom other workers compare: a compacted topic that all of them follow, and write to."""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import aclosing
from typing import Final

from agents.cluster import PEERS
from agents.following import followed
from agents.outbox import Outbox
from agents.owned import Owned
from agents.sending import Message
from streams.company import Company
from streams.comparison import Comparing
from streams.configuration import Configuration
from streams.engine import Engine

TOLD_EVERY: Final = 6  # times `indices_interval_s`: deviations move slowly, and each message goes to every worker


class Peerage:
    """What one worker tells and hears of those who are compared."""

    def __init__(self, configuration: Configuration, engine: Engine, partitions: int, outbox: Outbox) -> None:
        self._configuration = configuration
        self._topic = configuration.topic_prefix + PEERS
        self._engine = engine
        self._outbox = outbox
        self._comparing = Comparing(configuration)
        self.company = Company(self._comparing, configuration.windows, partitions, configuration.kafka.group)
        self._has_heard = False  # all that there was
        self._told: set[Owned] = set()
        self._due_s = 0.0

    async def follow_forever(self) -> None:
        """Hear what is told."""
        if not self._comparing.compared:
            await asyncio.Event().wait()
        async with aclosing(followed(self._configuration, self._topic)) as news:
            async for records in news:
                for record in records:
                    self.company.hear(record.key, record.value)
                self._has_heard = True

    async def tell(self, complete: Collection[Owned], may_go_on: Callable[[], bool]) -> None:
        """Tell of partitions what is not so any more: those that are new at once, the others when it is time again."""
        if not self._has_heard:
            return
        self._told.intersection_update(complete)
        is_due = time.monotonic() >= self._due_s
        if is_due:
            self._due_s = time.monotonic() + TOLD_EVERY * self._configuration.indices_interval_s
        for owned in complete:
            if is_due or owned not in self._told:
                self._told.add(owned)
                peers = self._comparing.peers(self._engine, owned.state)
                news = self.company.news(owned.number, peers)
                self._outbox.add(owned.number, (Message(self._topic, 0, key, value) for key, value in news))
                await self._outbox.make_room()
                await asyncio.sleep(0)
                if not may_go_on():  # others tell
                    return
