"""What a full refresh of each Grafana board costs Prometheus, on a month of data of 10,000 employees.

    python -m benchmarks.boards [--days 30] [--offices 500]

Makes a month of series as workers show them, asks a Prometheus for every query of every board at once, as a browser does, and prints a
table. Most of the time goes into the data, which Prometheus takes by remote write from the beginning to the end of the month: the courses that
boards show over time, and every other series that they ask for as of now. Needs `prometheus`.
"""

import argparse
import json
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import cramjam
import numpy as np
from numpy.typing import NDArray

from agents.boards import boards
from agents.embedded import end_with_parent
from benchmarks.processes import cpu_seconds, resident_bytes
from benchmarks.report import table
from streams.configuration import Configuration
from streams.trust import DIAGNOSES
from tests.apache_kafka import free_ports

SCRAPE_S: Final = 60
REGIONS: Final = 10
EMPLOYEES_AN_OFFICE: Final = 20
AT_ONCE: Final = 6  # requests of a browser to one host
ROUNDS: Final = 3
POINTS: Final = 1000  # of a line where the panel does not say: its width
HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
STRETCH_S: Final = HOUR_S
SERIES_AT_ONCE: Final = 2000
SAMPLE: Final = np.dtype([("head", "u1", 3), ("value", "<f8"), ("tag", "u1"), ("time", "u1", 6)])  # packed
PATIENCE_S: Final = 600
PICKED: Final = {
    "job": ".+",
    "instance": ".+",
    "region": ".*",
    "search": "",
    "top": "20",
    "believed": "1",
    "objective": "0.8",
    "window": "7d",
    "employee": "employee-0",
    "level": "region",
    "__rate_interval": "4m",
}
METRIC: Final = r"([\w:$]+)\{"
RECORDED: Final = "$level:kqi_"  # what recording rules keep, here of regions
IN_TWO_WINDOWS: Final = (
    "service_level_ratio",
    "service_level_base",
    "force_majeure_level_ratio",
)  # that boards ask for
FURTHER: Final = {  # labels of some metrics beside those of their scope
    "surveys": [
        {"question": question, "outcome": outcome}
        for question in ("personnel", "office", "loyalty")
        for outcome in ("yes", "no", "hard_to_say", "silent")
    ],
    "unrepresentative": [{"index": "iel", "reason": "too_few_surveys"}],
    "diagnosis": [{"diagnosis": "personnel"}],
    "question_last_asked_timestamp_seconds": [{"question": "personnel"}],
}


class Query(NamedTuple):
    """A query of a board, and whether it asks for a course over time."""

    expr: str
    over_time: bool
    points: int = POINTS


class Board(NamedTuple):
    """What of a board matters here."""

    title: str
    since_s: int
    queries: list[Query]

    @property
    def metrics(self) -> set[str]:
        """The metrics that it asks for."""
        return {name for query in self.queries for name in re.findall(METRIC, query.expr)}

    @property
    def courses(self) -> set[str]:
        """Those of them that it asks for over time."""
        return {name for query in self.queries if query.over_time for name in re.findall(METRIC, query.expr)}


def read_boards() -> dict[str, Board]:
    """Return the boards of the default configuration but the service's, which does not grow with the company."""
    found = {}
    for text in boards(Configuration()).values():
        made = json.loads(text)
        queries = [
            Query(each["expr"], not each.get("instant"), panel.get("maxDataPoints", POINTS))
            for panel in made["panels"]
            for each in panel.get("targets", [])
        ]
        queries += [Query(each["expr"], over_time=True) for each in made["annotations"].get("list", [])]
        amount, unit = re.fullmatch(r"now-(\d+)([hd])", made["time"]["from"]).groups()
        found[made["uid"]] = Board(made["title"], int(amount) * {"h": HOUR_S, "d": DAY_S}[unit], queries)
    del found["kqi-service"]
    return found


# Data --------------------------------------------------------------------------------------------------------------


class Company(NamedTuple):
    """Sizes, and the instant that the data ends at."""

    offices: int
    days: int
    end_s: int

    @property
    def begin_s(self) -> int:
        """The instant that the data begins at."""
        return self.end_s - self.days * DAY_S


def labels_of(metric: str, office: str, employee: str = "employee-0") -> Iterator[dict[str, str]]:
    """The labels of all series of a metric in an office, as a worker has them."""
    scope, name = metric.removeprefix("kqi_").split("_", 1)
    own = {
        "employee": {"employee": employee},
        "queue": {"queue": "main"},
        "priority": {"priority": "critical"},
        "leader": {"leader_office": office, "leader": "employee-0"},
    }.get(scope, {})
    without_window = name.endswith(("_open", "_overdue", "_timestamp_seconds"))
    windows = [{"window": window} for window in (("15m", "7d") if name in IN_TWO_WINDOWS else ("7d",))]
    windows = [{}] if without_window else windows
    for further in FURTHER.get(name, [{}]):
        for window in windows:
            yield {"office": office} | own | further | window


def recorded_labels(name: str, number: int) -> Iterator[dict[str, str]]:
    """The labels of all series that recording rules keep of a region under a name."""
    window = {} if name.startswith("requests") else {"window": "7d"}
    priority = {"priority": "critical"} if name.startswith(("requests", "sla")) else {}
    for diagnosis in ({"diagnosis": each} for each in DIAGNOSES) if name.startswith("offices") else ({},):
        yield {"region": f"region-{number}"} | window | priority | diagnosis


class Series(NamedTuple):
    """A series, and a number that its values follow from."""

    labels: dict[str, str]
    seed: int

    def values(self, times_s: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values that move a little with every scrape, which is harder on storage than most real ones."""
        if self.labels["__name__"].endswith(("_representative", "_diagnosis", "_info", "_unrepresentative")):
            return np.ones(times_s.size)
        size = 1 if self.labels["__name__"].endswith("_ratio") else 1000
        return size * (0.05 + (self.seed * 7919) % 1009 / 3000) * (1 + 0.01 * np.sin(times_s / 977))


def office_name(number: int) -> str:
    """Return the id of an office."""
    return f"office-{number:04}"


def over_time(company: Company, found: dict[str, Board]) -> list[Series]:
    """Series of which boards show the course: for boards of the company in all offices, for the others in one."""
    everywhere = found["kqi-company"].courses | found["kqi-calls"].courses
    alone = (found["kqi-office"].courses | found["kqi-employee"].courses) - everywhere
    numbers = {metric: range(company.offices) for metric in everywhere} | dict.fromkeys(alone, range(1))
    return [each for metric in sorted(numbers) for number in numbers[metric] for each in series_of(metric, number)]


def now(company: Company, found: dict[str, Board]) -> list[Series]:
    """Every series of every office and employee that any board asks for."""
    metrics = sorted(set().union(*(board.metrics for board in found.values())))
    return [each for metric in metrics for number in range(company.offices) for each in series_of(metric, number)]


def series_of(metric: str, number: int) -> Iterator[Series]:
    """The series of a metric in an office; of employees all."""
    scraped = {"__name__": metric, "job": "kqi", "instance": "worker:9464"}
    if metric.startswith(RECORDED):
        for labels in recorded_labels(metric.removeprefix(RECORDED), number) if number < REGIONS else ():
            yield Series(scraped | {"__name__": f"region:kqi_{metric.removeprefix(RECORDED)}"} | labels, number * 31)
    elif metric == "kqi_silent_weight":
        yield from [Series(scraped, 1)] if number == 0 else []
    elif metric == "kqi_request_objective_ratio":
        for stage in ("first_response", "on_site", "resolved") if number == 0 else ():
            yield Series(scraped | {"priority": "critical", "stage": stage}, 1)
    elif metric == "kqi_office_info":
        yield Series(scraped | {"office": office_name(number), "region": f"region-{number % REGIONS}"}, 1)
    else:
        for employee in range(EMPLOYEES_AN_OFFICE if metric.startswith("kqi_employee") else 1):
            for labels in labels_of(metric, office_name(number), f"employee-{employee}"):
                yield Series(scraped | labels, number * 31 + employee * 17 + 1)


def feed(server: "Server", series: list[Series], begin_s: int, end_s: int) -> int:
    """Have Prometheus take the values of some time, as if it had scraped them; return how many."""
    heads = [_labels(each.labels) for each in series]
    count = 0
    for start_s in range(begin_s, end_s, STRETCH_S):
        times_s = np.arange(start_s, min(end_s, start_s + STRETCH_S), SCRAPE_S)
        for first in range(0, len(series), SERIES_AT_ONCE):
            some = slice(first, first + SERIES_AT_ONCE)
            samples = [_samples(times_s, each.values(times_s)) for each in series[some]]
            body = b"".join(_field(0x0A, head + each) for head, each in zip(heads[some], samples, strict=True))
            server.write(body)
            count += times_s.size * len(samples)
    return count


def _labels(labels: dict[str, str]) -> bytes:
    """The labels of a series as Prometheus' remote write has them: protocol buffers, in order."""
    pairs = sorted(labels.items())
    return b"".join(_field(0x0A, _field(0x0A, name.encode()) + _field(0x12, value.encode())) for name, value in pairs)


def _samples(times_s: NDArray[np.int64], values: NDArray[np.float64]) -> bytes:
    """Samples the same way; times of this century in ms take six bytes."""
    rows = np.zeros(values.size, SAMPLE)
    rows["head"], rows["tag"], rows["value"] = [0x12, 16, 0x09], 0x10, values
    for place in range(6):
        rows["time"][:, place] = (times_s * 1000 >> 7 * place & 0x7F) | (0x80 if place < 5 else 0)
    return rows.tobytes()


def _field(tag: int, content: bytes) -> bytes:
    size, length = len(content), b""
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([tag]) + length + bytes([size]) + content


# Asking ------------------------------------------------------------------------------------------------------------


class Server(NamedTuple):
    """A Prometheus at work."""

    address: str
    pid: int

    def ask(self, page: str, **arguments: Any) -> Any:
        """Return the data of an answer."""
        given = urllib.parse.urlencode(arguments).encode()
        with urllib.request.urlopen(f"{self.address}/api/v1/{page}", given, timeout=PATIENCE_S) as answer:
            return json.load(answer)["data"]["result"]

    def write(self, series: bytes) -> None:
        """Hand it series by remote write."""
        headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
        body = bytes(cramjam.snappy.compress_raw(series))
        request = urllib.request.Request(f"{self.address}/api/v1/write", body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_S):
            pass


@contextmanager
def prometheus(data: Path) -> Iterator[Server]:
    """Run a Prometheus on a folder of data."""
    (port,) = free_ports(1)
    settings = data.parent / "prometheus.yml"
    settings.write_text("{}")
    command = [
        "prometheus",
        f"--config.file={settings}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.retention.time=10y",
        "--web.enable-remote-write-receiver",
        f"--query.timeout={PATIENCE_S}s",
        "--log.level=error",
    ]
    process = subprocess.Popen(command, preexec_fn=end_with_parent())  # noqa: PLW1509 - calls one C function that is already loaded
    try:
        server = Server(f"http://127.0.0.1:{port}", process.pid)
        deadline = time.monotonic() + PATIENCE_S
        while not _is_ready(server):
            assert process.poll() is None, "Prometheus has ended"
            assert time.monotonic() < deadline, "Prometheus is not ready"
            time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait()


def _is_ready(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.address}/-/ready", timeout=PATIENCE_S) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_until_idle(server: Server) -> None:
    """Wait until blocks are put together, as they are where a month came day by day."""
    while True:
        before_s = cpu_seconds(server.pid)
        time.sleep(15)
        if cpu_seconds(server.pid) - before_s < 0.5:
            return


def refresh(server: Server, board: Board, end_s: int, range_s: int) -> dict[str, float]:
    """Ask all queries of a board; return what it took, and for how many of them there was no answer."""
    values = PICKED | {"office": ".*" if "Calls" in board.title else office_name(0)}

    def ask(query: Query) -> int:
        expr = re.sub(r"\$(\w+)|\$\{(\w+)\}", lambda found: values[found[1] or found[2]], query.expr)
        if not query.over_time:
            return len(server.ask("query", query=expr, time=end_s))
        step_s = max(15, range_s // query.points)
        return len(server.ask("query_range", query=expr, start=end_s - range_s, end=end_s, step=step_s))

    began_s, cpu_began_s = time.perf_counter(), cpu_seconds(server.pid)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(ask, board.queries))
    empty = [query.expr for query, count in zip(board.queries, answers, strict=True) if not count]
    assert not empty, "\n".join(empty)
    return {"elapsed_s": time.perf_counter() - began_s, "cpu_s": cpu_seconds(server.pid) - cpu_began_s}


def main() -> None:
    """Make the data, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boards", description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--offices", type=int, default=500)
    arguments = parser.parse_args()
    found = read_boards()
    company = Company(arguments.offices, arguments.days, int(time.time()) // HOUR_S * HOUR_S)
    with tempfile.TemporaryDirectory() as temporary, prometheus(Path(temporary) / "data") as server:
        began_s = time.monotonic()
        count = feed(server, over_time(company, found), company.begin_s, company.end_s)
        state = now(company, found)
        feed(server, state, company.end_s, company.end_s + 2 * SCRAPE_S)
        print(
            f"{count:,} samples of courses, {len(state):,} series now, in {time.monotonic() - began_s:.0f} s",
            flush=True,
        )
        wait_until_idle(server)
        rows = [row for board in found.values() for row in measure(server, board, company)]
        print(f"{company}, {resident_bytes(server.pid) / 1e9:.1f} GB of memory")
    print(table(("board", "shown", "queries", "elapsed, s", "CPU of Prometheus, s"), rows))


def measure(server: Server, board: Board, company: Company) -> Iterator[tuple[object, ...]]:
    """Yield a row for the time that a board opens with, and one for all of it."""
    for range_s in (board.since_s, company.days * DAY_S):
        rounds = [refresh(server, board, company.end_s + SCRAPE_S, range_s) for _ in range(ROUNDS)]
        elapsed_s, cpu_s = (median(each[name] for each in rounds) for name in ("elapsed_s", "cpu_s"))
        shown = f"{range_s // DAY_S} d" if range_s >= DAY_S else f"{range_s // HOUR_S} h"
        yield board.title, shown, len(board.queries), f"{elapsed_s:.2f}", f"{cpu_s:.2f}"


if __name__ == "__main__":
    main()
