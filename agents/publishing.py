"""What a worker tells the world of what it applies: surveys, indices, dead letters, and messages moved to where they belong.

All of it goes to the outbox, in order.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.gate import PartitionBatch
from agents.outbox import Outbox
from agents.outputs import Outputs
from agents.owned import Owned
from agents.sending import Message
from agents.sorted_out import say_sorted_out
from agents.telemetry import Telemetry
from streams.engine import Engine
from streams.intake import Intake
from streams.outputs import Indices, Survey
from streams.published import PublishedIndices
from streams.structs import Reject
from streams.surveys import records, revise, surveys
from streams.told import wrong

INDICES_AT_ONCE = 50  # messages of all indices of an entity; others get their turn between
CONSEQUENCES_AT_ONCE = 4000  # dead letters and messages to be moved: a batch may consist of them

encode = msgspec.json.Encoder().encode


class Watcher(Protocol):
    """Someone who looks on (the page of the demo); must be quick."""

    def survey(self, survey: Survey) -> None:
        """A survey changed."""

    def reject(self, reject: Reject, batch: PartitionBatch) -> None:
        """A message became a dead letter."""


class Publishing:
    """What one worker tells."""

    def __init__(self, engine: Engine, outputs: Outputs, telemetry: Telemetry, watcher: Watcher | None = None) -> None:
        self.outbox = Outbox(outputs.deliver)
        self._engine = engine
        self._outputs = outputs
        self._telemetry = telemetry
        self._watcher = watcher
        self._indices_due_s = 0.0

    # Surveys -------------------------------------------------------------------------------------------------------

    def surveys(self, owned: Owned, rows: NDArray[np.int32]) -> None:
        """Tell of changed surveys, unless that was done before."""
        if owned.is_quiet:
            return
        if owned.was_quiet:
            owned.was_quiet = False
            rows = np.union1d(rows, owned.recently_decided()).astype(np.int32)
        revise(owned.state, rows, time.time_ns() // 1_000_000)
        self._telemetry.survey_changes.inc(rows.size)
        self.outbox.add(
            owned.number, (self._outputs.survey_records(owned.number, some) for some in records(owned.state, rows))
        )
        if self._watcher is not None:
            for survey in surveys(owned.state, rows):
                self._watcher.survey(survey)

    def correct(self, owned: Owned) -> None:
        """Tell again what others told of surveys and is not so."""
        found = wrong(owned.state, owned.told, self._engine.surveys_since_ms(owned.state))
        self.surveys(owned, found.rows)
        self.outbox.add(
            owned.number, (self._outputs.to_office("surveys", each.office_id, encode(each)) for each in found.gone)
        )
        owned.told, owned.told_from = {}, None

    # Indices -------------------------------------------------------------------------------------------------------

    async def indices(self, complete: Collection[Owned], may_go_on: Callable[[], bool]) -> None:
        """Tell of the indices that changed, when it is time again; stop when somebody else has to."""
        if time.monotonic() < self._indices_due_s:
            return
        self._indices_due_s = time.monotonic() + self._engine.configuration.indices_interval_s
        for owned in complete:
            changes = owned.published.changes(self._engine, owned.state)
            while some := list(islice(changes, INDICES_AT_ONCE)):
                self.outbox.add(owned.number, map(self._index_message, some))
                await self.outbox.make_room()
                await asyncio.sleep(0)
                if not may_go_on():  # from now on others tell; if the partition comes back, all of it is told again
                    owned.published = PublishedIndices()
                    return

    def _index_message(self, indices: Indices) -> Message:
        name = indices.employee_id or indices.queue or indices.priority or indices.category
        key = encode((indices.office_id, indices.scope, name))
        return self._outputs.to_office("indices", indices.office_id, encode(indices), key)

    # Messages that are not applied ---------------------------------------------------------------------------------

    async def rest(self, batch: PartitionBatch, intake: Intake, mark: int) -> None:
        """Publish dead letters and messages to be moved, of those that lie at or after the mark."""
        say_sorted_out(batch, intake, mark)
        messages = self._rest(batch, intake, mark)
        while some := list(islice(messages, CONSEQUENCES_AT_ONCE)):
            self.outbox.add(batch.partition, some)
            await self.outbox.make_room()

    def _rest(self, batch: PartitionBatch, intake: Intake, mark: int) -> Iterator[Message]:
        for reject in intake.rejects:
            self._telemetry.dead_letters.labels(reject.reason).inc()
            if self._watcher is not None:
                self._watcher.reject(reject, batch)
            if batch.offsets[reject.position] >= mark:
                yield self._dead_letter(batch, reject)
        for position, office in intake.misrouted:
            self._telemetry.misrouted.inc()
            offset = int(batch.offsets[position])
            if offset >= mark:
                origin = f"{batch.topic}/{batch.partition}/{offset}".encode()
                yield Message(
                    batch.topic,
                    self._outputs.office_partitions[office],
                    office.encode(),
                    batch.values.at(position),
                    (("moved-from", origin),),
                )

    def _dead_letter(self, batch: PartitionBatch, reject: Reject) -> Message:
        headers = (
            ("reason", reject.reason.encode()),
            ("topic", batch.topic.encode()),
            ("partition", str(batch.partition).encode()),
            ("offset", str(batch.offsets[reject.position]).encode()),
        )
        topic = self._outputs.prefix + "dead-letters"
        position = reject.position
        return Message(topic, batch.partition, batch.keys.at(position), batch.values.at(position), headers)
