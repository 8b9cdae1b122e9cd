"""A worker watches itself: what should move and does not ends it, so that a supervisor starts it afresh.

`Watch` decides; the numbers are handed in, check by check. `LoopGuard` is the one thing outside the event loop, which
sees that the loop itself goes on.

What brokers cause is no fault of the worker's: while they do not answer or take nothing it waits `AWAY_FACTOR` times as
long. Then it ends all the same, because a fresh process asks for new addresses and connections.
"""

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from faust.types import TP

from agents.transport import Progress

CHECK_S = 1.0
AWAY_FACTOR = 5
ANSWERED_MS = 5000  # brokers answer several times a second
FORCED_STATUS = 1

log = logging.getLogger("kqi.worker")


class StalledError(Exception):
    """Something does not move that should; the message is one sentence.

    ``fields`` tell logs where it is: topic, partition, offset.
    """

    def __init__(self, sentence: str, fields: Mapping[str, object] | None = None) -> None:
        super().__init__(sentence)
        self.fields = fields or {}


class Seen(NamedTuple):
    """What is to be seen of a worker at a check."""

    assigned: bool  # whether it knows which partitions it owns
    partitions: Mapping[TP, Progress]
    confirmed: bool  # whether the group knows it as its member, as far as can be told
    waiting: int  # entries that wait to be published
    published: int  # entries published so far
    refused: bool  # whether the brokers said that they do not take what is to be published
    uncommitted: int  # partitions with marks that have not been committed
    commits: int  # so far


class _Thing(NamedTuple):
    """Something that should move."""

    key: tuple[object, ...]
    value: object  # it moves when this changes
    is_away: bool  # whether brokers are the reason
    sentence: str
    fields: Mapping[str, object] = MappingProxyType({})


class Watch:
    """Counts for how many checks things have stood still: a process that was stopped itself does not see the time."""

    def __init__(self, stall_exit_s: float) -> None:
        self._patience_s = {False: stall_exit_s, True: AWAY_FACTOR * stall_exit_s}
        self._standing: dict[tuple[object, ...], tuple[object, int]] = {}

    def check(self, seen: Seen) -> None:
        """Take a look, every `CHECK_S`.

        Raises
        ------
        StalledError
            Something has stood still for too long.
        """
        standing = {}
        for thing in _things(seen):
            key = thing.is_away, *thing.key
            value, checks = self._standing.get(key, (thing.value, 0))
            checks = checks + 1 if value == thing.value else 1
            if checks * CHECK_S > self._patience_s[thing.is_away]:
                raise StalledError(f"{thing.sentence} for {self._patience_s[thing.is_away]:g} s", thing.fields)
            standing[key] = thing.value, checks
        self._standing = standing


def _things(seen: Seen) -> Iterator[_Thing]:
    """What should move at the moment."""
    if not seen.assigned:
        yield _Thing(("assigned",), None, is_away=True, sentence="the group has given it no partitions")
    elif not seen.confirmed:
        yield _Thing(("member",), None, is_away=True, sentence="the brokers have not answered to its heartbeats")
    for partition, reached in seen.partitions.items():
        fields = {"topic": partition.topic, "partition": partition.partition, "offset": reached.next_offset}
        if reached.answer_age_ms > ANSWERED_MS:
            sentence = f"the broker of {partition.topic}, partition {partition.partition}, has not answered"
            yield _Thing(("answer", partition), None, is_away=True, sentence=sentence, fields=fields)
        elif reached.next_offset < reached.end_offset:
            sentence = (
                f"{partition.topic}, partition {partition.partition}, has messages up to offset {reached.end_offset}, "
                f"but none from {reached.next_offset} on has been applied"
            )
            yield _Thing(
                ("applied", partition), reached.next_offset, is_away=seen.refused, sentence=sentence, fields=fields
            )
    if seen.waiting:
        sentence = f"nothing of {seen.waiting} entries that wait has been published"
        yield _Thing(("published",), seen.published, is_away=seen.refused, sentence=sentence)
    if seen.uncommitted:
        sentence = f"the offsets of {seen.uncommitted} partitions have not been committed"
        yield _Thing(("committed",), seen.commits, is_away=not seen.confirmed, sentence=sentence)


@contextlib.contextmanager
def guarded_loop(stall_exit_s: float) -> Iterator[None]:
    """End the process if the event loop hangs for so long while this context lasts."""
    guard = LoopGuard(stall_exit_s)
    guard.start()
    beating = asyncio.create_task(guard.beat_forever())
    try:
        yield
    finally:
        beating.cancel()
        guard.stop()


class LoopGuard:
    """Ends the process when its event loop hangs for so long that nothing in it can tell any more."""

    def __init__(self, stall_exit_s: float) -> None:
        self._limit_s = stall_exit_s
        self._watched = threading.get_ident()
        self._beaten = threading.Event()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Begin to watch the thread that this guard was made in."""
        threading.Thread(target=self._watch, name="guard of the event loop", daemon=True).start()

    async def beat_forever(self) -> None:
        """Tell that the loop goes on."""
        while True:
            self._beaten.set()
            await asyncio.sleep(CHECK_S / 2)

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _watch(self) -> None:
        checks = 0
        while not self._stopped.wait(CHECK_S):
            checks = 0 if self._beaten.is_set() else checks + 1
            self._beaten.clear()
            if checks * CHECK_S > self._limit_s:
                log.critical("the worker cannot go on: it has hung for %g s in %s", self._limit_s, self._place())
                sys.stderr.flush()
                os._exit(FORCED_STATUS)

    def _place(self) -> str:
        """Where the watched thread is."""
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001 - it is there for this
        return "an unknown place" if frame is None else f"{frame.f_code.co_filename}, line {frame.f_lineno}"
