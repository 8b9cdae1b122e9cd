"""How long it takes from the broker's append of an answer to a changed value in /metrics, idle and at half load.

Probes are surveys of an office of their own, one every 25 ms: a press and at once its answer. The broker tells when it
appended the answer. Somebody reads /metrics over and over; the first reading that counts a probe's survey ends its time.
So a latency is too long by up to one reading and the pause before it, which stand beside the result.
"""

import json
import re
import subprocess
import sys
import threading
import time
import urllib.request
from typing import Any, Final

import numpy as np
from confluent_kafka import Message, Producer

from benchmarks import load
from benchmarks.cluster import fill, filled_service
from benchmarks.contenders import worker
from benchmarks.processes import ASIDE, MEASURED, PATIENCE_S, ROOT, cpu_seconds, pinned, wait_for
from benchmarks.settings import Settings
from benchmarks.workload import DAY_MS, MINUTE_MS, generate
from tests.apache_kafka import Address
from tests.service import Service, Worker

PROBE_EVERY_S: Final = 0.025
MOST_SERIES: Final = 12_000
PROBE_PANELS: Final = 80  # each is pressed every 2 s: no bounces
POLL_PAUSE_S: Final = 0.005
SETTLE_S: Final = 1.0  # before the first probe that counts
HOUR_MS: Final = 60 * MINUTE_MS
_PROBED = re.compile(
    rb'kqi_employee_surveys\{question="personnel",outcome="yes",office="probe",employee="probe",window="24h"\} ([0-9.]+)'
)
_ANSWERS = re.compile(
    r'kqi_office_surveys\{question="[^"]*",outcome="([^"]*)",office="office-[^"]*",window="24h"\} (.*)'
)


def run(settings: Settings, bootstrap: Address, worker_events_per_s: float) -> dict[str, Any]:
    """Measure without load, and at half of the rate that the worker was measured at."""
    events_per_s = settings.choose(worker_events_per_s / 2, 10_000)
    seconds = settings.choose(12.0, 4.0)
    service = filled_service(bootstrap)
    # Every panel has been pressed before: names are known, as they would be.
    before = generate(
        load.panels_for(events_per_s),
        employees=load.EMPLOYEES,
        panels=load.panels_for(events_per_s),
        offices=load.OFFICES,
        days=HOUR_MS / DAY_MS,
        start_ms=time.time_ns() // 1_000_000 - 2 * HOUR_MS,
        seed=4,
    )
    fill(service, before)
    # Some hundred thousand panels would make a long page; in life they are some thousands.
    with worker(service, MEASURED, metrics_max_series=MOST_SERIES) as running:
        running.wait_until_ready()
        prober = Prober(service, running)
        prober.measure(SETTLE_S)
        idle = prober.measure(settings.choose(4.0, 1.0))
        settings.say(f"latency: idle, p99 {idle['p99_ms']:.0f} ms")
        start_ms = time.time_ns() // 1_000_000 + 5_000 + round(events_per_s * seconds / 100)
        loading = _start_load(service, events_per_s, seconds, start_ms, before.messages.size)
        wait_for(lambda: time.time() * 1000 > start_ms + SETTLE_S * 1000, "the load")
        cpu_began_s, began_s = cpu_seconds(running.pid), time.perf_counter()
        loaded = prober.measure(seconds - 2 * SETTLE_S)
        busy = (cpu_seconds(running.pid) - cpu_began_s) / (time.perf_counter() - began_s)
        sent = _end_load(loading)
        _check(running, prober, before, load.load(events_per_s, seconds, start_ms, before.messages.size))
    settings.say(f"latency: at {events_per_s:,.0f} events/s, p99 {loaded['p99_ms']:.0f} ms")
    return {
        "idle": idle,
        "loaded": loaded | {"worker_cpu_share": busy},
        "events_per_s": sent["events"] / sent["seconds"],
        "sent_late_by_at_most_ms": sent["latest_s"] * 1000,
    }


def _start_load(service: Service, events_per_s: float, seconds: float, start_ms: int, first: int) -> Any:
    what = [service.bootstrap, service.prefix + "presses", events_per_s, seconds, start_ms, first]
    command = pinned(ASIDE, [sys.executable, "-m", "benchmarks.load", *map(str, what)])
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", "the load could not be prepared"
    return process


def _end_load(process: Any) -> dict[str, float]:
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, "the load failed"
    return dict(json.loads(said))


def _check(running: Worker, prober: "Prober", *workloads: Any) -> None:
    """Wait until all was read; every answer must have been counted, and every probe once."""
    wanted = dict.fromkeys(load.answered(workloads[0]), 0)
    for workload in workloads:
        wanted = {outcome: wanted[outcome] + count for outcome, count in load.answered(workload).items()}

    def found() -> dict[str, int]:
        counts = dict.fromkeys(wanted, 0)
        for outcome, value in _ANSWERS.findall(running.get("/metrics")[2]):
            if outcome in counts:
                counts[outcome] += int(float(value))
        return counts

    try:
        wait_for(lambda: found() == wanted, "every answer to be counted", patience_s=30.0, pause_s=0.2)
    except TimeoutError as error:
        raise AssertionError(f"the answers counted are {found()}, not {wanted}") from error
    assert prober.look() == prober.sent, "a probe was lost or counted twice"


class Prober:
    """Sends probes and watches for them."""

    def __init__(self, service: Service, running: Worker) -> None:
        self.sent = 0
        self._topic = service.prefix + "presses"
        self._producer = Producer(
            {"bootstrap.servers": str(service.bootstrap), "partitioner": "murmur2_random", "linger.ms": 0}
        )
        self._address = running.address
        self._appended_ms: list[int] = []
        self._looks: list[tuple[float, float, int]] = []  # begin and end of a reading, ms, and what it counted
        self._ended = threading.Event()

    def look(self) -> int:
        """Return how many probes /metrics counts."""
        with urllib.request.urlopen(f"{self._address}/metrics", timeout=PATIENCE_S) as answer:
            found = _PROBED.search(answer.read())
        return int(float(found[1])) if found else 0

    def measure(self, seconds: float) -> dict[str, float]:
        """Send probes for so long; return what is known of their latencies, milliseconds."""
        first = self.sent
        self._looks = []
        self._ended.clear()
        looking = threading.Thread(target=self._keep_looking)
        looking.start()
        try:
            began_s = time.perf_counter()
            while (now_s := time.perf_counter() - began_s) < seconds:
                self._send()
                self._producer.poll(max(0.0, PROBE_EVERY_S - (time.perf_counter() - began_s - now_s)))
                time.sleep(max(0.0, (self.sent - first) * PROBE_EVERY_S - (time.perf_counter() - began_s)))
            assert self._producer.flush(PATIENCE_S) == 0, "the broker did not take a probe"
            wait_for(lambda: self._looks and self._looks[-1][2] >= self.sent, "the last probe", patience_s=60.0)
        finally:
            self._ended.set()
            looking.join()
        return self._summary(first)

    def _send(self) -> None:
        number, self.sent = self.sent, self.sent + 1
        common = {
            "ts": time.time_ns() // 1_000_000,
            "office_id": "probe",
            "panel_id": f"p{number % PROBE_PANELS}",
        }
        press = {"type": "seller_press", "event_id": f"s{number}", "employee_id": "probe", "hold_ms": 200} | common
        answer = {"type": "customer_press", "event_id": f"c{number}", "answer": "yes"} | common
        self._producer.produce(self._topic, json.dumps(press), "probe")
        self._producer.produce(self._topic, json.dumps(answer), "probe", on_delivery=self._note)

    def _note(self, error: object, message: Message) -> None:
        assert error is None, error
        self._appended_ms.append(message.timestamp()[1])

    def _keep_looking(self) -> None:
        while not self._ended.is_set():
            began_ms = time.time() * 1000
            count = self.look()
            self._looks.append((began_ms, time.time() * 1000, count))
            time.sleep(POLL_PAUSE_S)

    def _summary(self, first: int) -> dict[str, float]:
        began_ms, ended_ms, counts = map(np.array, zip(*self._looks, strict=True))
        seen = np.searchsorted(counts, np.arange(first + 1, self.sent + 1))
        latency_ms = ended_ms[seen] - np.array(self._appended_ms[first:])
        quantiles = {f"p{share}_ms": float(np.percentile(latency_ms, share)) for share in (50, 90, 99)}
        return quantiles | {
            "most_ms": float(latency_ms.max()),
            "probes": len(latency_ms),
            "reading_ms": float(np.median(ended_ms - began_ms)),
            "between_readings_ms": float(np.median(np.diff(ended_ms))),
            "latencies_ms": sorted(np.round(latency_ms, 1).tolist()),
        }
