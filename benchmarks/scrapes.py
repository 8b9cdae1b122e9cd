"""What a scrape costs, by the number of series: a worker's page over HTTP, with states made by hand in place of Kafka."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final, Self

import numpy as np

from benchmarks.contenders import check_metrics
from benchmarks.pipeline import Pipeline, Renderer, serve, stored_presses
from benchmarks.processes import ASIDE, MEASURED, on_cores, pinned
from benchmarks.settings import Settings
from benchmarks.workload import DAY_MS, MINUTE_MS, generate
from streams.configuration import configure

SERIES: Final = (10_000, 100_000, 500_000)
QUICK_SERIES: Final = (2_000, 10_000)
SCRAPES: Final = 7
SURVEYS_EACH: Final = 8  # of an employee, all within the shortest window
MINUTES: Final = 13
CHANGED_SHARE: Final = 0.02  # of the events come between one scrape and the next
TICK_S: Final = 0.0005
SCRAPE_EVERY_S: Final = 15.0  # as Prometheus is set up
PATH_SURVEYS: Final = 1_000_000  # while which pass by, the path of events is timed with scrapes and without
PATH_DAYS: Final = 5
TURNS: Final = 20
_READER = """
import sys, time, urllib.request
for address in sys.stdin:
    began_s = time.perf_counter()
    with urllib.request.urlopen(address.strip()) as answer:
        body = answer.read()
    took_s = time.perf_counter() - began_s
    with open(sys.argv[1], "wb") as out:
        out.write(body)
    print(took_s, flush=True)
"""


def run(settings: Settings) -> list[dict[str, float]]:
    """Measure scrapes of each size."""
    per_employee = _series(asyncio.run(_measure(20, 1))[1]) / 20
    results = []
    for wanted in settings.choose(SERIES, QUICK_SERIES):
        with on_cores(MEASURED):
            employees = round(wanted / per_employee)
            measured, text = asyncio.run(_measure(employees, settings.choose(SCRAPES, 2)))
            share = asyncio.run(_share_of_the_path(employees, settings.choose(PATH_SURVEYS, PATH_SURVEYS // 20)))
        results.append(measured | {"series": _series(text), "bytes": len(text), "share_of_the_path": share})
        settings.say(f"scrapes: {_series(text):,} series rendered in {measured['render_ms']:.1f} ms")
    return results


def _series(text: bytes) -> int:
    return sum(line.startswith(b"kqi_") and not line.startswith(b"kqi_worker_") for line in text.splitlines())


async def _measure(employees: int, scrapes: int) -> tuple[dict[str, float], bytes]:
    """Return what scrapes take, between which values change, and the last text."""
    workload = generate(
        employees * SURVEYS_EACH,
        employees=employees,
        days=MINUTES * MINUTE_MS / DAY_MS,
        offices=max(1, employees // 25),
    )
    step = max(1, int(workload.messages.size * CHANGED_SHARE))
    first = workload.messages.size - scrapes * step
    pipeline = Pipeline(configure(("the benchmark", {"metrics_max_series": 10**6})))
    site, render = serve(pipeline), Renderer(pipeline)
    await site.start()
    try:
        async with Reader(f"{site.address}/metrics") as reader:
            pipeline.feed_all(stored_presses(workload, 0, first))
            await reader.scrape()  # templates are made once
            render()
            measured = []
            for begin in range(first, workload.messages.size, step):
                pipeline.feed_all(stored_presses(workload, begin, min(begin + step, workload.messages.size)))
                began_s = time.perf_counter()
                render()
                render_ms = (time.perf_counter() - began_s) * 1000
                measured.append(await reader.scrape() | {"render_ms": render_ms})
            text = reader.text
    finally:
        await site.stop()
    pipeline.check_surveys(workload)
    check_metrics(text.decode(), workload)
    found = {name: median(each[name] for each in measured) for name in measured[0]}
    return found | {"longest_hold_ms": max(each["longest_hold_ms"] for each in measured)}, text


async def _share_of_the_path(employees: int, surveys: int) -> float:
    """Return what share of the time of events is taken by a scrape every 15 s.

    Presses are taken in as fast as they can be, by turns with one scrape after the other beside them and with none: what the turns
    with scrapes take longer is divided by their number.
    """
    workload = generate(surveys, employees=employees, offices=max(1, employees // 25), days=PATH_DAYS)
    pipeline = Pipeline(configure(("the benchmark", {"metrics_max_series": 10**6})))
    site = serve(pipeline)
    await site.start()
    batches = stored_presses(workload)
    first = len(batches) // 5  # until all employees are known
    pipeline.feed_all(batches[:first])
    turns = np.array_split(np.arange(first, len(batches)), TURNS)
    seconds, read = [0.0, 0.0], 0
    try:
        async with Reader(f"{site.address}/metrics") as reader:
            await reader.scrape()
            for number, turn in enumerate(turns):
                began_s, enough = time.perf_counter(), asyncio.Event()
                reading = asyncio.create_task(_read_on(reader, enough)) if number % 2 else None
                for place in turn:
                    pipeline.feed(batches[place])
                    await asyncio.sleep(0)
                enough.set()
                read += await reading if reading else 0
                seconds[number % 2] += time.perf_counter() - began_s
    finally:
        await site.stop()
    pipeline.check_surveys(workload)
    assert read, "no scrape came to its end"
    return (seconds[1] - seconds[0]) / read / SCRAPE_EVERY_S


async def _read_on(reader: "Reader", enough: asyncio.Event) -> int:
    """Read the page again and again; return how often."""
    count = 0
    while not enough.is_set():
        await reader.scrape()
        count += 1
    return count


class Reader:
    """Another process that reads a page when it is told to."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name) / "page"
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start the process."""
        command = pinned(ASIDE, [sys.executable, "-c", _READER, str(self._file)])
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()  # that is its end
        await self._process.wait()
        self._folder.cleanup()

    @property
    def text(self) -> bytes:
        """The page as last read."""
        return self._file.read_bytes()

    async def scrape(self) -> dict[str, float]:
        """Read the page; return how long that took, the work that it made here, and how long the loop was held."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        held_s: list[float] = [0.0]
        watching = asyncio.create_task(_watch(held_s))
        await asyncio.sleep(10 * TICK_S)
        cpu_began_s = time.process_time()
        self._process.stdin.write(f"{self._address}\n".encode())
        seconds = float(await self._process.stdout.readline())
        cpu_s = time.process_time() - cpu_began_s
        watching.cancel()
        return {"elapsed_ms": seconds * 1000, "cpu_ms": cpu_s * 1000, "longest_hold_ms": max(held_s) * 1000}


async def _watch(held_s: list[float]) -> None:
    """Note for how long the event loop did not come back to this."""
    while True:
        began_s = time.perf_counter()
        await asyncio.sleep(TICK_S)
        held_s.append(time.perf_counter() - began_s - TICK_S)
