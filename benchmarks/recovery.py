"""What an end of a worker costs: a month of surveys is read, stored, restored and changed a little.

In one group, on one broker, after another: a worker without checkpoints reads and publishes everything; in turn, others rebuild
from the log without and with checkpoints; the next one restores what the last of these has stored, and sees a few employees more.
"""

import asyncio
import re
import time
from statistics import median
from typing import Any, Final

from agents.checkpoint_log import CheckpointLog
from benchmarks.cluster import PARTITIONS, end_offsets, fill, filled_service
from benchmarks.contenders import Filled, Measured, check_metrics, reading, worker
from benchmarks.processes import ALL_CORES, MEASURED, wait_for
from benchmarks.settings import Settings
from benchmarks.workload import Workload, generate
from streams.configuration import configure
from tests.apache_kafka import Address
from tests.service import Service, Worker

DAYS: Final = 30
SURVEYS_A_DAY: Final = 50
CHANGED_SHARE: Final = 100  # one in so many employees
INTERVAL_S: Final = 30  # of checkpoints, as configured by default


def run(settings: Settings, bootstrap: Address) -> dict[str, Any]:
    """Measure all of it; what is compared runs in turn, the rest once: a month of ten thousand employees takes minutes."""
    employees = settings.choose(10_000, 200)
    month = generate(employees * DAYS * SURVEYS_A_DAY, employees=employees, days=DAYS, seed=3)
    service = filled_service(bootstrap, month)
    filled = Filled(service, month, {})
    group = f"{service.name}-recovery"
    settings.say(f"{month.messages.size:,} events of {employees:,} employees are in the log")
    reading(filled, group)
    found: dict[str, Any] = {"employees": employees, "events": month.messages.size}
    rounds = [rebuilds(settings, filled, group) for _ in range(settings.rounds)]
    found["rounds"] = rounds
    found["rebuild"], found["rebuild_with_checkpoints"] = (
        median(map(_rate, each)) for each in zip(*rounds, strict=True)
    )
    found["checkpoint_cost"] = median(1 - _rate(stored) / _rate(without) for without, stored in rounds)
    found["full_bytes"], found["state_bytes"] = stored_bytes(service, group)
    found["restore"] = restore(filled, group)
    found["restore_all_cores"] = restore(filled, group, cores=ALL_CORES)
    settings.say(f"restored in {found['restore']['restore_seconds']:.1f} s, {found['full_bytes']:,} bytes stored")
    found["changed_bytes"] = changed_bytes(filled, group)
    settings.say(f"{100 / CHANGED_SHARE:g} % of the employees changed: {found['changed_bytes']:,} bytes")
    found["changed_share"] = found["changed_bytes"] / found["full_bytes"]
    return found


def rebuilds(settings: Settings, filled: Filled, group: str) -> tuple[Measured, Measured]:
    """Measure two workers that rebuild from the log, without and with checkpoints; all that there is is stored then."""
    forget(filled.service, group)
    without = reading(filled, group, checkpoint_interval_s=0)
    settings.say(f"rebuild: {_rate(without):,.0f} events/s")
    forget(filled.service, group)
    stored = reading(
        filled,
        group,
        checkpoint_interval_s=INTERVAL_S,
        # Who ends has little time for its last checkpoints, which here are of all that there is.
        before_end=lambda: wait_until_stored(filled.service, group),
    )
    settings.say(f"rebuild with checkpoints: {_rate(stored):,.0f} events/s")
    return without, stored


def forget(service: Service, group: str) -> None:
    """Delete what is stored and noted: a worker with notes reads back less of what was told than one without."""
    done = service.kqi("state", "rebuild", kafka_group=group)
    assert done.returncode == 0, done.stderr.decode()


def _rate(measured: Measured) -> float:
    return float(measured["events"] / measured["seconds"])


def _log(service: Service, group: str) -> CheckpointLog:
    kafka = {"bootstrap": str(service.bootstrap), "group": group}
    return CheckpointLog(configure(("the benchmark", {"kafka": kafka, "topic_prefix": service.prefix})))


def stored_bytes(service: Service, group: str) -> tuple[int, int]:
    """Return the bytes of the chunks that the last checkpoints consist of, as stored, and before compression."""

    async def add_up() -> tuple[int, int]:
        stored = 0
        async for _, found in _log(service, group).read(range(PARTITIONS)):
            stored += sum(map(len, found.chunks.values()))
        return stored, stored_state(service, group)

    return asyncio.run(add_up())


def stored_state(service: Service, group: str) -> int:
    """Return the size of the states in the last checkpoints."""
    done = service.kqi("state", "--format", "json", kafka_group=group)
    return sum(int(size) for size in re.findall(rb'"size": (\d+)', done.stdout))


def restore(filled: Filled, group: str, *, cores: frozenset[int] = MEASURED) -> dict[str, float]:
    """Measure a worker that restores everything: from its start until it is complete, and what of that was restoring."""
    began_s = time.perf_counter()
    with worker(filled.service, cores, "--clock", "event", kafka_group=group) as running:
        wait_for(lambda: running.get("/readyz")[0] == 200, "a complete worker", pause_s=0.01)
        seconds = time.perf_counter() - began_s
        text = running.get("/metrics")[2]
    check_metrics(text, filled.workload)
    assert _value(text, "kqi_worker_events_total") == 0, "something was read again"
    return {"start_seconds": seconds, "restore_seconds": _value(text, "kqi_worker_restore_seconds")}


def changed_bytes(filled: Filled, group: str) -> float:
    """Return what is stored when one in a hundred employees, all of them in one office after the other, had a survey more."""
    month = filled.workload
    few = generate(
        month.employees // CHANGED_SHARE,
        employees=month.employees // CHANGED_SHARE,
        offices=month.offices,
        days=0.01,
        start_ms=month.now_ms + 60_000,
        first_event=month.messages.size,
        seed=4,
    )
    with worker(filled.service, MEASURED, "--clock", "event", kafka_group=group, checkpoint_interval_s=1) as running:
        wait_for(lambda: running.get("/readyz")[0] == 200, "a complete worker")
        before = _written(running)
        publish_more(filled.service, few)
        wait_until_stored(filled.service, group)
        return _written(running) - before


def publish_more(service: Service, few: Workload) -> None:
    """Publish a workload behind what is there."""
    fill(service, few, behind=sum(end_offsets(service.bootstrap, service.prefix + "presses")))


def wait_until_stored(service: Service, group: str) -> None:
    """Wait until every event is in a checkpoint."""
    wait_for(lambda: _is_all_stored(service, group), "checkpoints", pause_s=0.5)


def _is_all_stored(service: Service, group: str) -> bool:
    done = service.kqi("state", "--format", "json", kafka_group=group)
    behind = re.findall(rb'"behind": (\d+)', done.stdout)
    return bool(behind) and not any(map(int, behind))


def _written(running: Worker) -> float:
    return _value(running.get("/metrics")[2], "kqi_worker_checkpoint_written_bytes_total")


def _value(text: str, name: str) -> float:
    """Return the sum of a metric's samples."""
    return sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (.*)$", text, re.MULTILINE)))
