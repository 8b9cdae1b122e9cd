"""An hour at half of what a worker can do: afterwards it takes the memory that it took before, and every count is right.

Part of `make faults` alone; KQI_TEST_SOAK_MINUTES makes it shorter or longer.

Time goes so fast in it that everything a worker keeps has been replaced by other things every ten seconds.
"""

import os
import time
from collections import deque
from statistics import linear_regression, median
from typing import NamedTuple

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from benchmarks.cluster import fill, filled_service
from benchmarks.contenders import check_metrics
from benchmarks.processes import cpu_seconds, resident_bytes
from benchmarks.workload import MINUTE_MS, START_MS, generate
from streams.configuration import configure

pytestmark = pytest.mark.kafka

MINUTES = float(os.environ.get("KQI_TEST_SOAK_MINUTES") or 60)
WARM_UP_SHARE = 0.25
EVENTS_PER_S = 200_000  # half of what a worker reads and publishes (docs/performance.md)
ROUND_S = 2.0
ROUND_DAYS = 2 / 24  # that pass in a round
EMPLOYEES = 2_000
EVENTS_PER_SURVEY = 1.75
CONFIG = {"windows": ["15m", "1h", "8h"], "correction_horizon_s": {"presses": 3600}}
KEPT_ROUNDS = 8  # that windows can reach, and more
LOG_BYTES = {"presses": 2**29, "surveys": 2**29}  # of a partition: the log must not fill the disk
SLOPE_MIB_PER_H = 1.0


class Reading(NamedTuple):
    """How much memory the worker took."""

    at_s: float
    resident_bytes: int


def test_memory_does_not_grow(apache_kafka):
    """After a while, the memory of a worker at work stays what it is."""
    service = filled_service(apache_kafka, **CONFIG)
    keep_the_log_short(service)
    readings = []
    recent = deque(maxlen=KEPT_ROUNDS)
    with service.worker("--clock", "event") as worker:
        worker.wait_until_ready()
        began_s = time.monotonic()
        cpu_began_s = cpu_seconds(worker.pid)
        start_ms, events, rounds = START_MS, 0, 0
        while (now_s := time.monotonic() - began_s) < MINUTES * 60:
            made = generate(
                round(EVENTS_PER_S * ROUND_S / EVENTS_PER_SURVEY),
                employees=EMPLOYEES,
                days=ROUND_DAYS,
                start_ms=start_ms,
                first_event=events,
                seed=rounds,
            )
            fill(service, made, behind=events)
            recent.append(made)
            start_ms, events, rounds = made.now_ms + 2 * MINUTE_MS, events + made.messages.size, rounds + 1
            readings.append(Reading(now_s, resident_bytes(worker.pid)))
            time.sleep(max(0.0, rounds * ROUND_S - (time.monotonic() - began_s)))
        seconds = time.monotonic() - began_s
        busy = (cpu_seconds(worker.pid) - cpu_began_s) / seconds
        scrape = worker.until(lambda seen: seen.total("kqi_worker_events_total") == events, f"{events} events read")
        assert scrape is not None
        check_metrics(worker.get("/metrics")[2], *recent, configuration=configure(("the test", CONFIG)))
        assert worker.stop() == 0
    steady = [each for each in readings if each.at_s > WARM_UP_SHARE * MINUTES * 60]
    slope = slope_mib_per_h(steady)
    sizes = [each.resident_bytes / 2**20 for each in steady]
    print(  # noqa: T201 - what it is for
        f"{events:,} events in {seconds / 60:.0f} min, {events / seconds:,.0f} a second, the worker busy for {busy:.0%}; "
        f"memory {min(sizes):.0f} to {max(sizes):.0f} MiB, {slope:+.2f} MiB/h"
    )
    assert slope < SLOPE_MIB_PER_H


def slope_mib_per_h(readings):
    """Return how memory grew, by the medians of minutes."""
    minutes = {}
    for each in readings:
        minutes.setdefault(each.at_s // 60, []).append(each.resident_bytes)
    sizes = [median(each) / 2**20 for each in minutes.values()]
    return linear_regression([minute / 60 for minute in minutes], sizes).slope


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
