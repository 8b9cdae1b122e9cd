"""Those whose throughput is compared: each reads a filled topic to its end and shows what it counted.

A contender returns what it measured, after its result was compared with what the workload must come to.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from benchmarks.cluster import PARTITIONS, filled_service
from benchmarks.processes import MEASURED, ROOT, cpu_seconds, pinned, run_json, wait_for
from benchmarks.workload import OUTCOMES, QUESTIONS, Workload, bucket_counts, employee_id, window_counts
from streams.configuration import Configuration, configure
from tests.apache_kafka import Address, Unavailable, fetch_jars
from tests.service import KQI, Service, Worker, compile_kernels, environment

PEERS: Final = Path(__file__).parent / "peers"
OWN_PYTHON: Final = Path(__file__).parent / ".venv" / "bin" / "python"  # the environment of benchmarks/requirements.txt
JAVA: Final = ("java", "-Xms1g", "-Xmx1g", "-XX:+UseSerialGC", "-XX:+UseStringDeduplication")
BUILD_TIMEOUT_S: Final = 300.0
_SURVEYS = re.compile(
    r'^kqi_employee_surveys\{question="([^"]*)",outcome="([^"]*)",office="[^"]*",employee="([^"]*)",window="([^"]*)"\} (.*)$',
    re.MULTILINE,
)

Measured = dict[str, Any]  # events, seconds, cpu_seconds


class Filled(NamedTuple):
    """A service whose topic of presses holds a workload, and what peers must count of it."""

    service: Service
    workload: Workload
    buckets: dict[str, int]

    @classmethod
    def of(cls, bootstrap: Address, workload: Workload) -> "Filled":
        """Publish the workload to topics of its own."""
        return cls(filled_service(bootstrap, workload), workload, bucket_counts(workload))


# The worker ----------------------------------------------------------------------------------------------------------


def reading(
    filled: Filled,
    group: str,
    *,
    cores: frozenset[int] = MEASURED,
    checkpoint_interval_s: float = 0,
    before_end: Callable[[], None] = lambda: None,
) -> Measured:
    """Measure a worker from the assignment of the partitions to their being complete, as /readyz tells.

    The first one of a group publishes every survey. Later ones build the same indices from the log, but publish nothing
    that was published before; with checkpoints they would restore them. ``before_end`` is called when all is measured, and the
    worker still runs.
    """
    workload = filled.workload
    settings = {"kafka_group": group, "checkpoint_interval_s": checkpoint_interval_s}
    with worker(filled.service, cores, "--clock", "event", **settings) as running:
        wait_for(lambda: "no partitions" not in running.get("/readyz")[2], "an assignment", pause_s=0.01)
        began_s, cpu_began_s = time.perf_counter(), cpu_seconds(running.pid)
        wait_for(lambda: running.get("/readyz")[0] == 200, "a complete worker")
        seconds, cpu_s = time.perf_counter() - began_s, cpu_seconds(running.pid) - cpu_began_s
        text = running.get("/metrics")[2]
        before_end()
    check_metrics(text, workload)
    events = sum(map(float, re.findall(r"^kqi_worker_events_total.* (.*)$", text, re.MULTILINE)))
    assert events == workload.messages.size, f"the worker read {events:.0f} of {workload.messages.size} events"
    return {"events": workload.messages.size, "seconds": seconds, "cpu_seconds": cpu_s}


@contextmanager
def worker(service: Service, cores: frozenset[int], *options: str, **settings: Any) -> Iterator[Worker]:
    """Start `kqi worker` on these cores."""
    compile_kernels()
    command = pinned(cores, [str(KQI), "worker", "--metrics-port", "0", *options])
    everything = {"metrics_max_series": 10**8}  # what is compared must be shown
    with Worker(command, environment(**(service.settings | everything | settings))) as running:
        yield running.wait_until_listening()


def check_metrics(text: str, *workloads: Workload, configuration: Configuration | None = None) -> None:
    """Compare every count of surveys in /metrics with what the workloads must come to."""
    configuration = configuration or configure()
    expected = window_counts(workloads, configuration.window_minutes)
    found = np.zeros_like(expected)
    employees = {employee_id(number): number for number in range(expected.shape[0])}
    windows = {name: number for number, name in enumerate(configuration.windows)}
    for question, outcome, employee, window, value in _SURVEYS.findall(text):
        place = employees[employee], windows[window], QUESTIONS.index(question), OUTCOMES.index(outcome)
        found[place] = float(value)
    assert expected.any(), "a workload without surveys shows nothing"
    assert np.array_equal(found, expected), "the worker's counts of surveys are wrong"


# Peers ---------------------------------------------------------------------------------------------------------------


def vanilla_faust(filled: Filled, group: str, *, tables: bool = True) -> Measured:
    """Measure Faust as its manual shows it, or with plain dicts in place of its tables."""
    command = [sys.executable, str(PEERS / "vanilla_faust.py")]
    return _counting_peer(command, filled, group, "tables" if tables else "plain")


def quixstreams(filled: Filled, group: str) -> Measured:
    """Measure quixstreams."""
    return _counting_peer([str(OWN_PYTHON), str(PEERS / "quix.py")], filled, group)


def kafka_streams(filled: Filled, group: str, *, changelog: bool = True) -> Measured:
    """Measure Kafka Streams."""
    classes = build_kafka_streams()
    command = [*JAVA, "-cp", f"{classes}/peer.jar:{classes}/jars/*", "kqi.Peer"]
    last = "changelog" if changelog else "no-changelog"
    return _counting_peer(command, filled, group, last)


def bare_loop(filled: Filled, group: str, *, cores: frozenset[int] = MEASURED) -> Measured:
    """Measure a loop that only decodes."""
    command = [sys.executable, str(PEERS / "bare_loop.py")]
    with tempfile.TemporaryDirectory() as folder:
        measured = _run(command, filled, group, folder, cores=cores)
        total_ms = int((Path(folder) / "counts").read_text())
    assert total_ms == int(filled.workload.ts_ms.sum()), "the loop decoded something else"
    return measured


def _counting_peer(command: list[str], filled: Filled, group: str, *more: str) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        measured = _run(command, filled, group, folder, *more)
        lines = (Path(folder) / "counts").read_text().splitlines()
    counts = {name: int(count) for name, _, count in (line.rpartition(" ") for line in lines)}
    assert counts == filled.buckets, f"the counts of {group} are wrong"
    return measured


def _run(
    command: list[str],
    filled: Filled,
    group: str,
    folder: str,
    *more: str,
    cores: frozenset[int] = MEASURED,
) -> Measured:
    service, events = filled.service, filled.workload.messages.size
    what = [str(service.bootstrap), service.prefix + "presses", group, str(events), str(PARTITIONS)]
    measured = run_json(
        pinned(cores, [*command, *what, folder, *more]), dict(os.environ) | {"PYTHONWARNINGS": "ignore"}
    )
    assert measured["events"] == events, f"{group} read another number of events"
    return measured


def build_kafka_streams() -> Path:
    """Return the folder with the program and its jars, built by Maven if it is not there yet.

    Raises
    ------
    tests.apache_kafka.Unavailable
        When Maven is missing or fails.
    """
    source = PEERS / "kafka-streams"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]
    built = fetch_jars().parent / f"kafka-streams-peer-{digest}"
    if built.exists():
        return built
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        copy = Path(folder) / "source"
        shutil.copytree(source, copy)
        command = ["mvn", "--batch-mode", "--quiet", f"--file={copy / 'pom.xml'}", "package"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False, cwd=ROOT)
        if done.returncode:
            raise Unavailable(f"Maven could not build the peer on Kafka Streams: {done.stdout}{done.stderr}")
        (copy / "target").rename(built)
    return built
