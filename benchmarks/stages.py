"""Nanoseconds an event in each stage, from the bytes of a fetch to the state, and whether their sum is the whole."""

import gc
import io
import time
from collections import defaultdict
from statistics import median
from typing import Any, Final

import orjson

from agents import simulate
from benchmarks.pipeline import KERNELS, RECORDS, STAGES, Pipeline, StageTimer, Stored, stored, stored_presses
from benchmarks.settings import Settings
from benchmarks.workload import BUCKETS, MINUTE_MS, generate
from kernels.layout import REVENUE_HIGH, REVENUE_LOW
from streams.events import EVENT_NAMES, SHIFT, TOPIC_OF_KIND

SLICE: Final = 4 * RECORDS  # of a company's events, that are stored at one time
_TOPIC: Final = dict(zip(EVENT_NAMES, TOPIC_OF_KIND, strict=True))


def run(settings: Settings) -> dict[str, Any]:
    """Measure presses alone, and all events of a simulated company."""
    presses = generate(settings.events(1_000_000), employees=settings.employees(1_000))
    events = company(settings.choose(400_000, 10_000))
    inputs = {"presses": stored_presses(presses), "company": stored_company(events)}
    rounds: dict[str, list[dict[str, float]]] = defaultdict(list)
    for number in range(settings.rounds + 1):
        for name, batches in inputs.items():
            pipeline, measured = _measure(batches)
            if name == "presses":
                pipeline.check_surveys(presses)
            else:
                check_revenue(pipeline, events)
            if number:  # the first one warms caches
                rounds[name].append(measured)
        settings.say(f"stages: round {number} of {settings.rounds}")
    return {name: {"events": _count(inputs[name]), **_medians(each)} for name, each in rounds.items()}


def _measure(batches: list[Stored]) -> tuple[Pipeline, dict[str, float]]:
    """Return the pipeline after all batches, and nanoseconds an event by stage, `whole` and `rest`."""
    gc.collect()
    pipeline, timer = Pipeline(), StageTimer()
    with timer.watching():
        began_s = time.perf_counter()
        pipeline.feed_all(batches)
        whole_s = time.perf_counter() - began_s
    seconds = {stage.name: timer.seconds[stage.name] for stage in STAGES}
    seconds |= {
        "rest": whole_s - sum(seconds.values()),
        "whole": whole_s,
        "kernels": sum(seconds[name] for name in KERNELS),
    }
    return pipeline, {name: each / _count(batches) * 1e9 for name, each in seconds.items()}


def _count(batches: list[Stored]) -> int:
    return sum(batch.count for batch in batches)


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(each[name] for each in rounds) for name in rounds[0]}


# A company -----------------------------------------------------------------------------------------------------------


def company(events: int) -> list[bytes]:
    """Return the events of a simulated company, in order of arrival."""
    out = io.BytesIO()
    simulate.run(out, seed=1, offices=40, employees=20, days=60, events=events)
    return out.getvalue().splitlines()


def stored_company(lines: list[bytes]) -> list[Stored]:
    """Return events as batches of their topics, in slices, as a worker finds them."""
    batches = []
    offsets: dict[str, int] = defaultdict(int)
    for begin in range(0, len(lines), SLICE):
        topics: dict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
        for line in lines[begin : begin + SLICE]:
            event = orjson.loads(line)
            topics[_TOPIC[event["type"]]].append((event["office_id"].encode(), line))
        for topic, rows in topics.items():
            for first in range(0, len(rows), RECORDS):
                keys, values = zip(*rows[first : first + RECORDS], strict=True)
                batches.append(stored(topic, offsets[topic], keys, values))
                offsets[topic] += len(values)
    return batches


def check_revenue(pipeline: Pipeline, lines: list[bytes]) -> None:
    """Compare the revenue of every office in every window with a plain sum over the events."""
    events = [orjson.loads(line) for line in lines]
    now_ms = max(event["ts"] for event in events if event["type"] != EVENT_NAMES[SHIFT])
    assert pipeline.partition.now.now_ms == now_ms, "not all events were taken in"
    sales = {(event["office_id"], event["event_id"]): event for event in events if event["type"] == "sale"}.values()
    totals = pipeline.engine.evaluation.totals(pipeline.partition)
    numbers = {entity: number for number, entity in enumerate(pipeline.partition.names.entities)}
    for office in {event["office_id"] for event in events}:
        row = numbers["office", office, ""]
        for window, minutes in enumerate(pipeline.configuration.window_minutes):
            bucket_ms = minutes * MINUTE_MS // BUCKETS
            expected = sum(
                sale["amount_minor"]
                for sale in sales
                if sale["office_id"] == office and now_ms // bucket_ms - BUCKETS < sale["ts"] // bucket_ms
            )
            counters = totals[row, window]
            assert int(counters[REVENUE_HIGH]) * 2**32 + int(counters[REVENUE_LOW]) == expected, "revenue is wrong"
