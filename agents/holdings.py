"""The partitions that a worker holds: how it takes them over.

First the states: those still at hand, those of checkpoints, else new ones. When it is known how far the logs go and what was
committed, what others told of surveys is read back, and it is clear where reading begins.
"""

import logging
import time
from collections.abc import Collection, Mapping

from faust.types import TP

from agents import tracing
from agents.checkpoints import Checkpoints, Restored
from agents.fetching import LogStart
from agents.notes import Note, latest
from agents.outputs import Outputs
from agents.owned import Owned
from agents.reading import until_done
from agents.telemetry import Telemetry
from agents.told_log import ToldLog
from streams.clock import EventClock, WallClock
from streams.engine import Engine
from streams.published import PublishedIndices

log = logging.getLogger("kqi.worker")


def _mark_of(start: LogStart) -> int:
    """Up to where what a log says was published: nothing where it ends before what was committed, since it is another log then."""
    mark = start.committed or 0
    return mark if mark <= start.end else 0


class Holdings:
    """The partitions that a worker holds, by number."""

    def __init__(
        self,
        engine: Engine,
        topics: Mapping[str, str],
        outputs: Outputs,
        told_log: ToldLog,
        checkpoints: Checkpoints | None,
        telemetry: Telemetry,
        event_clock: EventClock | None = None,
    ) -> None:
        """Set up.

        Parameters
        ----------
        topics
            The topics of events, without their prefix, by their names.
        event_clock
            In place of a clock for each partition.
        """
        self.owned: dict[int, Owned] = {}
        self.restored: Collection[int] = ()  # from checkpoints, when partitions were last assigned
        self._kept: Collection[int] = ()  # whose states were still at hand then
        self._begun: Collection[int] = ()  # whose states are whole: what others had told of them was read back
        self._told_starts: dict[int, int] = {}  # offsets in partitions' surveys, as their checkpoints tell
        self._engine = engine
        self._topics = topics
        self._outputs = outputs
        self._told_log = told_log
        self._checkpoints = checkpoints
        self._telemetry = telemetry
        self._event_clock = event_clock

    async def hold(self, numbers: Collection[int]) -> None:
        """Hold these partitions and no others; their states are kept, restored or new.

        A state that never began, because others came or went meanwhile, is not kept: nobody would know from where on what was told has
        to be read back.
        """
        self.owned = {
            number: owned for number, owned in self.owned.items() if number in numbers and number in self._begun
        }
        restored: dict[int, Restored] = {}
        if self._checkpoints is not None:
            await self._checkpoints.keep(self.owned)
            began_s = time.perf_counter()
            new = set(numbers) - self.owned.keys()
            with tracing.whole("restore", partitions=len(new)) as span:
                restored = await self._checkpoints.restore(new)
                span.note(restored=len(restored))
            if restored:
                self._telemetry.restore_seconds.set(time.perf_counter() - began_s)
        self.restored = restored.keys()
        self._kept = frozenset(self.owned)
        self._told_starts = {number: each.told_until for number, each in restored.items()}
        self.owned = {
            number: self.owned.get(number) or self._new(number, restored.get(number)) for number in sorted(numbers)
        }

    async def begin(self, logs: Mapping[TP, LogStart]) -> Mapping[TP, int]:
        """Get ready to read logs; what we had to tell has been published. Returns the offsets where reading begins."""
        self._drop_states_of_other_logs(logs)
        notes = self._notes(logs)
        await self._read_back(notes)
        starts = {
            partition: self.owned[partition.partition].start(self._topics[partition.topic], log.begin, _mark_of(log))
            for partition, log in logs.items()
        }
        for number, note in notes.items():
            self.owned[number].then = note.now
        self._begun = frozenset(self.owned)
        return starts

    def tell_all_anew(self) -> None:
        """Have every index published again, of all partitions that are held."""
        for owned in self.owned.values():
            owned.published = PublishedIndices()

    def told_until(self, number: int) -> int:
        """Offset in a partition's surveys: whatever was told before follows from the state, as far as we have one."""
        owned = self.owned.get(number)
        if owned is not None and owned.told_from is not None:
            return owned.told_from
        return self._outputs.told_until.get(number, 0) if owned is not None else 0

    def _new(self, number: int, restored: Restored | None = None) -> Owned:
        clock = self._event_clock or WallClock()
        if restored is None:
            return Owned(number, self._engine.new_partition(), clock)
        owned = Owned(number, restored.state, clock, restored.offsets)
        owned.duplicates_told = restored.state.duplicates
        return owned

    def _drop_states_of_other_logs(self, logs: Mapping[TP, LogStart]) -> None:
        """Start over where a checkpoint knows more of a log than there is of it: the topic was made anew."""
        for (topic, number), log_start in logs.items():
            offset = self.owned[number].next_offsets.get(self._topics[topic], 0)
            if number in self.restored and offset > log_start.end:
                log.warning(
                    "partition %d: its checkpoint knows %s up to %d, which ends at %d and was made anew: starting over",
                    *(number, topic, offset, log_start.end),
                    extra={"topic": topic, "partition": number, "offset": offset},
                )
                self.owned[number] = self._new(number)
                self._told_starts[number] = 0  # the note is of the other log, too
                if self._checkpoints is not None:
                    self._checkpoints.forget(number)

    def _notes(self, logs: Mapping[TP, LogStart]) -> dict[int, Note]:
        """What was noted with the committed offsets of partitions whose states were not at hand, as it holds for their states now."""
        everything_is_read_back = {number for number, start in self._told_starts.items() if start == 0}
        found = {
            number: latest(start.note for (_, partition), start in logs.items() if partition == number)
            for number in self.owned.keys() - everything_is_read_back - set(self._kept)
        }
        return {
            number: note.under(self.owned[number].state.asked_by) for number, note in found.items() if note is not None
        }

    async def _read_back(self, notes: Mapping[int, Note]) -> None:
        """Read what others told of surveys since the states that we have; without one, since what was committed last."""
        starts = dict.fromkeys(self.owned, 0) | {number: note.told_until for number, note in notes.items()}
        starts |= self._told_starts | {number: self.told_until(number) for number in self._kept}
        heard = await until_done(lambda: self._told_log.read(starts), "the topic of surveys cannot be read")
        for number, owned in self.owned.items():
            owned.told = heard[number].told
            owned.told_from = starts[number] if owned.told else None
            self._outputs.told_until[number] = heard[number].until
