"""A load of presses at an even pace, as a process of its own: prepared first, sent when their time has come.

    python -m benchmarks.load BOOTSTRAP TOPIC EVENTS_PER_S SECONDS START_MS FIRST_EVENT

Prints a line when it begins to send, and at its end how many messages were sent, and how late the latest was.
"""

import asyncio
import json
import sys
import time
from typing import Any, Final

import numpy as np
from aiokafka import AIOKafkaProducer

from benchmarks.cluster import PARTITIONS, partitions_of
from benchmarks.workload import DAY_MS, OUTCOMES, Workload, generate

EMPLOYEES: Final = 20  # few series; but a panel bears one survey a second, so panels are many
OFFICES: Final = 4
EVENTS_EACH: Final = 1.75  # of a survey
GAP_S: Final = 2.0  # between surveys of a panel
SLOT_S: Final = 0.01  # what happens within it is sent together
BATCH_BYTES: Final = 2**20


def panels_for(events_per_s: float) -> int:
    """Return how many panels a load needs."""
    return max(EMPLOYEES, round(events_per_s / EVENTS_EACH * GAP_S))


def load(events_per_s: float, seconds: float, start_ms: int, first_event: int) -> Workload:
    """Return the presses of a load."""
    panels = panels_for(events_per_s)
    each = round(seconds / GAP_S) + 3  # the pace drops before the last ones, which are cut off
    workload = generate(
        panels * each,
        employees=EMPLOYEES,
        panels=panels,
        offices=OFFICES,
        days=each * GAP_S * 1000 / DAY_MS,
        start_ms=start_ms,
        first_event=first_event,
        seed=3,
    )
    return workload.until(start_ms + round(seconds * 1000))


def answered(workload: Workload) -> dict[str, int]:
    """Return how many surveys have each of the three answers."""
    counts = np.bincount(workload.surveys.outcome, minlength=len(OUTCOMES)).tolist()
    return dict(zip(OUTCOMES[:3], counts, strict=False))


async def send(bootstrap: str, topic: str, workload: Workload, start_ms: int, seconds: float) -> dict[str, Any]:
    """Send the messages, those of a slot when it is over."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES, linger_ms=0)
    await producer.start()
    slots = _slots(producer, workload, start_ms, seconds)
    print("ready", flush=True)
    await asyncio.sleep(max(0.0, start_ms / 1000 - time.time()))
    began_s = time.perf_counter()
    latest_s = 0.0
    under_way = []
    for number, batches in enumerate(slots, start=1):
        late_s = time.perf_counter() - began_s - number * SLOT_S
        latest_s = max(latest_s, late_s)
        await asyncio.sleep(max(0.0, -late_s))
        under_way += [await producer.send_batch(batch, topic, partition=each) for each, batch in batches]
    await asyncio.gather(*under_way)
    took_s = time.perf_counter() - began_s
    await producer.stop()
    return {"events": workload.messages.size, "seconds": took_s, "latest_s": latest_s}


def _slots(
    producer: AIOKafkaProducer, workload: Workload, start_ms: int, seconds: float
) -> list[list[tuple[int, Any]]]:
    """Return the record batches of each slot, with their partitions."""
    partitions = partitions_of(workload)
    ends = np.searchsorted(workload.ts_ms, start_ms + np.arange(1, round(seconds / SLOT_S) + 1) * SLOT_S * 1000)
    slots = []
    begin = 0
    for end in ends.tolist():
        values, keys = workload.values(begin, end), workload.keys(begin, end)
        slot = []
        for partition in range(PARTITIONS):
            places = np.flatnonzero(partitions[begin:end] == partition).tolist()
            slot += [(partition, batch) for batch in _batches(producer, keys, values, places)]
        slots.append(slot)
        begin = end
    return slots


def _batches(producer: AIOKafkaProducer, keys: list[bytes], values: list[bytes], places: list[int]) -> list[Any]:
    batches: list[Any] = []
    for place in places:
        if not batches or batches[-1].append(key=keys[place], value=values[place], timestamp=None) is None:
            batches.append(producer.create_batch())
            batches[-1].append(key=keys[place], value=values[place], timestamp=None)
    return batches


def main() -> None:
    """Send the load that the arguments describe."""
    bootstrap, topic, events_per_s, seconds, start_ms, first_event = sys.argv[1:]
    workload = load(float(events_per_s), float(seconds), int(start_ms), int(first_event))
    print(json.dumps(asyncio.run(send(bootstrap, topic, workload, int(start_ms), float(seconds)))), flush=True)


if __name__ == "__main__":
    main()
