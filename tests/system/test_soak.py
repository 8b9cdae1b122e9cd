"""An hour at half of what a worker can do: afterwards it takes the memory that it took before, and every count is right.

Part of `make faults` alone; KQI_TEST_SOAK_MINUTES makes it shorter or longer. The hour is measured after a warm-up at the same
load: what is free in the heap lies between what is not, in ever more pages, until every kind of buffer has once been as large as it gets.
That takes work, not time, so the warm-up is so many rounds; half an hour of them where a worker reads 200,000 events a second.

Time goes so fast in it that everything a worker keeps has been replaced by other things every ten seconds. It keeps little,
then: as arrays fill and are swept, its memory goes up and down with their sizes, and a leak must be seen beside that.
"""

import math
import os
import time
from collections import deque
from statistics import linear_regression, variance
from typing import NamedTuple

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from benchmarks.cluster import fill, filled_service
from benchmarks.contenders import check_metrics
from benchmarks.processes import cpu_seconds, resident_bytes, wait_for
from benchmarks.workload import DAY_MS, MINUTE_MS, START_MS, generate
from streams.configuration import configure

pytestmark = pytest.mark.kafka

MINUTES = float(os.environ.get("KQI_TEST_SOAK_MINUTES") or 60)
WARM_UP_ROUNDS = round(1000 * MINUTES / 60)
FULL_LOAD_ROUNDS = 30  # that are published as soon as those before are read, to find out what half load is
ROUND_EVENTS = 200_000
ROUND_DAYS = 1  # that pass in a round
FIRST_MS = START_MS - 3000 * DAY_MS  # years pass in an hour, and nothing may lie in the future
EMPLOYEES = 2_000
EVENTS_PER_SURVEY = 1.75
CONFIG = {"windows": ["15m", "1h", "8h"], "correction_horizon_s": {"presses": 3600}, "checkpoint_interval_s": 4}
READING_S = 60.0  # between two readings of the memory
IDLE_S = 8.0  # time for all that was read to be published, and to be in checkpoints
KEPT_ROUNDS = 2  # that windows can reach, and more
LOG_BYTES = {"presses": 2**26, "surveys": 2**26}  # of a partition: the log must not fill the disk
SLOPE_MIB_PER_H = 1.0


class Reading(NamedTuple):
    """How much memory the worker took."""

    at_s: float
    resident_bytes: int


class Load:
    """Publishes rounds of presses, one after the other, to a worker that reads them."""

    def __init__(self, service, worker):
        self.events = self.rounds = 0
        self.recent = deque(maxlen=KEPT_ROUNDS)
        self._service = service
        self._worker = worker
        self._next_ms = FIRST_MS

    def publish(self):
        """Publish a round."""
        made = generate(
            round(ROUND_EVENTS / EVENTS_PER_SURVEY),
            employees=EMPLOYEES,
            days=ROUND_DAYS,
            start_ms=self._next_ms,
            first_event=self.events,
            seed=self.rounds,
        )
        fill(self._service, made, behind=self.events)
        self.recent.append(made)
        self._next_ms = made.now_ms + 2 * MINUTE_MS
        self.events += made.messages.size
        self.rounds += 1

    def wait_until_read(self):
        """Wait until the worker has read everything."""

        def is_read():
            return self._worker.scrape("kqi_worker_events_total").total("kqi_worker_events_total") == self.events

        wait_for(is_read, f"{self.events} events to be read", pause_s=0.2)  # a scrape of all indices costs something


def test_memory_does_not_grow(apache_kafka):
    """After a while, the memory of a worker at work stays what it is."""
    service = filled_service(apache_kafka, **CONFIG)
    keep_the_log_short(service)
    with service.worker("--clock", "event") as worker:
        worker.wait_until_ready()
        load = Load(service, worker)
        load.publish()
        load.wait_until_read()
        full_events_per_s = publish_for(load, rounds=FULL_LOAD_ROUNDS)
        cpu_began_s = cpu_seconds(worker.pid)
        began_s, events = time.monotonic(), load.events
        warm_up, steady = keep_publishing(load, worker, full_events_per_s / 2)
        seconds = time.monotonic() - began_s
        busy = (cpu_seconds(worker.pid) - cpu_began_s) / seconds
        load.wait_until_read()
        check_metrics(worker.get("/metrics")[2], *load.recent, configuration=configure(("the test", CONFIG)))
        assert worker.stop() == 0
    slope, error = slope_mib_per_h(steady)
    sizes = [each.resident_bytes / 2**20 for each in steady]
    print(  # noqa: T201 - what it is for
        f"{full_events_per_s:,.0f} events a second at full load, then {(load.events - events) / seconds:,.0f} for "
        f"{seconds / 60:.0f} min, {load.events:,} in all, the worker busy for {busy:.0%}; "
        f"memory {min(sizes):.0f} to {max(sizes):.0f} MiB, {slope:+.2f} MiB/h (standard error {error:.2f}): "
        + " ".join(f"{each.resident_bytes / 2**20:.1f}" for each in warm_up + steady)
    )
    assert slope < SLOPE_MIB_PER_H


def publish_for(load, rounds):
    """Publish as fast as load, broker and worker can together; return how many events a second that is."""
    began_s, events = time.monotonic(), load.events
    for _ in range(rounds):
        load.publish()
        load.wait_until_read()
    return (load.events - events) / (time.monotonic() - began_s)


def keep_publishing(load, worker, events_per_s):
    """Publish at a rate; return readings of the worker's memory while it warmed up, and of the time after that.

    One a minute, when it has had nothing to do for a while.
    """
    warm_up, steady = [], []
    began_s, events = time.monotonic(), load.events
    steady_until_s = math.inf
    while (now_s := time.monotonic() - began_s) < steady_until_s:
        load.publish()
        load.wait_until_read()
        if steady_until_s == math.inf and load.rounds >= WARM_UP_ROUNDS:
            steady_until_s = now_s + MINUTES * 60
        if now_s >= (len(warm_up) + len(steady)) * READING_S:
            readings = warm_up if steady_until_s == math.inf else steady
            readings.append(Reading(now_s, idle_bytes(worker)))
        time.sleep(max(0.0, (load.events - events) / events_per_s - (time.monotonic() - began_s)))
    return warm_up, steady


def idle_bytes(worker):
    """Return the least memory that a worker takes while it has nothing left to do: what it keeps, and no more."""
    end_s = time.monotonic() + IDLE_S
    least = resident_bytes(worker.pid)
    while time.monotonic() < end_s:
        time.sleep(0.2)
        least = min(least, resident_bytes(worker.pid))
    return least


def slope_mib_per_h(readings):
    """Return how memory grew, and the standard error of that."""
    hours = [each.at_s / 3600 for each in readings]
    sizes = [each.resident_bytes / 2**20 for each in readings]
    slope, intercept = linear_regression(hours, sizes)
    rests = [size - intercept - slope * hour for hour, size in zip(hours, sizes, strict=True)]
    spread = math.sqrt((len(hours) - 1) * variance(hours))
    return slope, math.sqrt(sum(rest**2 for rest in rests) / (len(hours) - 2)) / spread


def keep_the_log_short(service):
    """Have the broker delete what was read long ago."""
    admin = AdminClient({"bootstrap.servers": str(service.bootstrap), "log_level": 0})
    for topic, size in LOG_BYTES.items():
        entries = {"retention.bytes": size, "segment.bytes": size // 8}
        changes = [
            ConfigEntry(name, str(value), incremental_operation=AlterConfigOpType.SET)
            for name, value in entries.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, service.prefix + topic, incremental_configs=changes)
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(30)
