"""The way of a batch inside one process, from the bytes of a fetch to the state: what a worker does, without a broker.

This is the one place that knows how the parts are called. `STAGES` says which functions a stage consists of.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import numpy as np
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

import streams.engine
import streams.intake
from agents.exposition import Exposition
from agents.gate import PartitionBatch
from agents.listening import Site
from agents.memory import leave_no_holes
from agents.owned import Owned
from agents.records import Fetched, FetchedEnd
from agents.web import worker_routes
from agents.worker import Worker
from benchmarks.workload import OUTCOMES, QUESTIONS, Workload, employee_id, office_id, window_counts
from kernels import ledger
from kernels.layout import survey_code
from streams.clock import EventClock
from streams.configuration import Configuration, configure
from streams.engine import Engine
from streams.intake import take_in
from streams.names import Names

RECORDS: Final = 16_384  # of a batch
APPENDED_MS: Final = 4_000_000_000_000  # behind every event
_BUILDER_BYTES: Final = 2**30
_LOG_APPEND_TIME: Final = 0x08

leave_no_holes()  # as every command does


class Stored(NamedTuple):
    """Records as a broker stores them together, and as a fetch brings them."""

    topic: str  # without prefix
    base_offset: int
    count: int
    data: bytes


def stored(topic: str, base_offset: int, keys: Sequence[bytes], values: Sequence[bytes]) -> Stored:
    """Put records together as a broker with LogAppendTime does."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, 0, 0, _BUILDER_BYTES)
    for place, (key, value) in enumerate(zip(keys, values, strict=True)):
        builder.append(place, APPENDED_MS, key, value, [])
    data = builder.build()
    data[0:8] = base_offset.to_bytes(8, "big")
    data[22] |= _LOG_APPEND_TIME
    data[17:21] = calc_crc32c(memoryview(data)[21:]).to_bytes(4, "big")
    return Stored(topic, base_offset, len(values), bytes(data))


def stored_presses(workload: Workload, begin: int = 0, end: int | None = None) -> list[Stored]:
    """Return messages ``begin`` to ``end`` of a workload as batches of the topic of presses."""
    end = workload.messages.size if end is None else end
    return [
        stored("presses", first, workload.keys(first, last), workload.values(first, last))
        for first in range(begin, end, RECORDS)
        for last in [min(first + RECORDS, end)]
    ]


def fetch(batch: Stored) -> PartitionBatch:
    """Turn what a fetch brought into what the application gets."""
    partition = TopicPartition(batch.topic, 0)
    records = PartitionRecords(
        partition, MemoryRecords(batch.data), None, batch.base_offset, None, None, True, READ_COMMITTED
    )
    fetched = Fetched({batch.topic})
    assignment = _Assignment(FetchedEnd.of(APPENDED_MS, batch.data))
    fetched[partition] = FetchResult(partition, assignment=assignment, partition_records=records, backoff=0)
    (found,) = fetched[partition]._partition_records  # noqa: SLF001 - as aiokafka's fetcher does
    return found  # type: ignore[no-any-return]


class _Assignment:
    """As much of aiokafka's as is asked for."""

    def __init__(self, end: int) -> None:
        self.highwater = self.lso = end

    def state_value(self, _partition: TopicPartition) -> "_Assignment":
        return self


class Pipeline:
    """One partition of a worker that reads its log by the event clock."""

    def __init__(self, configuration: Configuration | None = None) -> None:
        self.configuration = configuration or configure()
        self.engine = Engine(self.configuration)
        self.partition = self.engine.new_partition()
        self.clock = EventClock()

    def feed(self, batch: Stored) -> None:
        """Take a batch from its bytes to the state."""
        self.apply(fetch(batch))

    def feed_all(self, batches: Iterable[Stored]) -> None:
        """Take batch after batch."""
        for batch in batches:
            self.feed(batch)

    def apply(self, batch: PartitionBatch) -> None:
        """Do with a batch what a worker does, but publish nothing."""
        topic = batch.topic
        intake = take_in(
            batch.values,
            batch.keys,
            batch.append_ms,
            self.partition.names,
            topic=topic,
            partition=0,
            partition_of=lambda _office: 0,
            clock_ms=self.partition.topic_clock_ms.get(topic, 0),
            horizon_ms=self.configuration.horizon_ms(topic),
            longest_window_ms=self.configuration.longest_window_ms,
        )
        assert not intake.rejects, intake.rejects[0]
        assert not intake.misrouted
        self.partition.topic_clock_ms[topic] = intake.clock_ms
        self.engine.step(self.partition, intake.events, self.clock)

    def check_surveys(self, *workloads: Workload) -> None:
        """Compare every count of surveys of every employee and window with what the workloads must come to."""
        expected = window_counts(workloads, self.configuration.window_minutes)
        numbers = {entity: number for number, entity in enumerate(self.partition.names.entities)}
        offices = max(workload.offices for workload in workloads)
        rows = [
            numbers["employee", office_id(employee % offices), employee_id(employee)]
            for employee in range(expected.shape[0])
        ]
        codes = [
            [[survey_code(question, outcome, inside) for inside in (0, 1)] for outcome in range(len(OUTCOMES))]
            for question in range(len(QUESTIONS))
        ]
        found = self.engine.evaluation.totals(self.partition)[np.array(rows)][:, :, np.array(codes)].sum(axis=-1)
        assert expected.any(), "a workload without surveys shows nothing"
        assert np.array_equal(found, expected), "the counts of surveys are wrong"


# Exposition ----------------------------------------------------------------------------------------------------------


def serve(pipeline: Pipeline) -> Site:
    """Return the pages of a worker that owns the pipeline's partition, and has never heard of a broker."""
    worker = Worker(pipeline.configuration, 1, event_clock=True)
    owned = Owned(0, pipeline.partition, pipeline.clock)
    owned.complete, owned.was_quiet = True, False
    worker.holdings.owned, worker.assigned = {0: owned}, True
    return Site(worker_routes(worker), "127.0.0.1", 0)


class Renderer:
    """Renders the indices of a pipeline, as for a scrape, again and again."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._exposition = Exposition(pipeline.engine)
        self._partition = pipeline.partition

    def __call__(self) -> bytes:
        """Return the text."""
        return b"".join(self._exposition.scrape([self._partition]).pieces())


# Stages --------------------------------------------------------------------------------------------------------------


class Stage(NamedTuple):
    """A part of the way: the functions that it consists of, by the modules or classes that they are called on."""

    name: str
    does: str
    functions: tuple[tuple[Any, str], ...]


_HERE: Final = sys.modules[__name__]
STAGES: Final = (
    Stage("fetch", "bytes of record batches to messages", ((_HERE, "fetch"),)),
    Stage("decode", "JSON to events, every field validated", ((streams.intake, "decode"),)),
    Stage(
        "route",
        "keys, partitions and lateness",
        ((Names, "find_offices"), (streams.intake, "_look_up_new_offices"), (streams.intake, "timely")),
    ),
    Stage("names", "names to numbers, ids hashed", ((Names, "number"),)),
    Stage("room", "tables grow, what can never matter again is swept", ((streams.engine, "reserve"),)),
    Stage("ledger", "ids seen before", ((ledger, "admit"),)),
    Stage(
        "pair",
        "presses to surveys, verdicts, calls, sales, visits, counted in every window",
        (
            (ledger, "apply_events"),
            (streams.engine, "pair_dirty"),
            (streams.engine, "decide_silents"),
            (ledger, "take_changes"),
        ),
    ),
    Stage("windows", "what leaves the windows as time passes", ((streams.engine, "advance_windows"),)),
)
KERNELS: Final = ("ledger", "pair", "windows")  # what the target for pairing, ledger and windows covers


class StageTimer:
    """Adds up the time that each stage takes, without that of the stages that it calls."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inner_s = [0.0]

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time is added to a stage."""

        def call(*arguments: Any, **named: Any) -> Any:
            self._inner_s.append(0.0)
            began_s = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                took_s = time.perf_counter() - began_s
                self.seconds[stage] += took_s - self._inner_s.pop()
                self._inner_s[-1] += took_s

        return call

    @contextmanager
    def watching(self, stages: Sequence[Stage] = STAGES) -> Iterator[None]:
        """Time the stages while this lasts."""
        with ExitStack() as stack:
            for stage in stages:
                for module, name in stage.functions:
                    wrapped = self.timed(stage.name, getattr(module, name))
                    stack.enter_context(patch.object(module, name, wrapped))
            yield
