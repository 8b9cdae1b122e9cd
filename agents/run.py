"""Running a worker until it is told to stop or cannot go on."""

import asyncio
import contextlib
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator

from agents.app import APACHE_KAFKA, GroupTimes
from agents.cluster import check_topics
from agents.web import Site, worker_routes
from agents.worker import Worker
from streams.clock import EventClock
from streams.configuration import Configuration
from streams.decode import decode
from streams.engine import Engine

WORTH_SAYING_S = 2.0

_EXAMPLES = (
    b'{"type":"seller_press","event_id":"1","ts":1,"office_id":"o","panel_id":"p","employee_id":"e","hold_ms":1}',
    b'{"type":"seller_press","event_id":"2","ts":1,"office_id":"o","panel_id":"p","employee_id":"e","hold_ms":3000}',
    b'{"type":"customer_press","event_id":"3","ts":2,"office_id":"o","panel_id":"p","answer":"yes"}',
    b'{"type":"verdict","event_id":"4","ts":3,"office_id":"o","target":"survey","target_id":"1","reliable":true}',
    b'{"type":"visit","event_id":"5","ts":3,"office_id":"o"}',
    b'{"type":"rating","event_id":"6","ts":3,"office_id":"o","metric":"nps","score":9}',
)


class WorkerCrashedError(Exception):
    """A worker could not go on; the message is one sentence."""


def prepare_kernels(configuration: Configuration, say: Callable[[str], None]) -> None:
    """Compile the kernels, or load them from the cache, before any partition waits for them."""
    say("preparing the kernels (compiled at the first start, which takes about half a minute)")
    began = time.perf_counter()
    engine = Engine(configuration)
    partition = engine.new_partition()
    engine.step(partition, decode(_EXAMPLES).groups, EventClock())
    engine.values(partition)
    if (took := time.perf_counter() - began) > WORTH_SAYING_S:
        say(f"kernels ready after {took:.0f} s")


def set_up_logging() -> None:
    """Log to standard error, a line a message; of the libraries only what is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("kqi").setLevel(logging.INFO)


@contextlib.contextmanager
def until_signal() -> Iterator[asyncio.Event]:
    """Set the yielded event at SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def run_worker(
    configuration: Configuration,
    say: Callable[[str], None],
    *,
    event_clock: bool,
    group_times: GroupTimes = APACHE_KAFKA,
) -> None:
    """Run a worker until SIGINT or SIGTERM.

    Raises
    ------
    agents.app.BrokerUnreachableError, agents.cluster.ClusterError, agents.web.PortTakenError
        When it cannot start.
    WorkerCrashedError
        When it cannot go on.
    """
    with until_signal() as stop:
        partitions = await check_topics(configuration)
        prepare_kernels(configuration, say)
        worker = Worker(configuration, partitions, event_clock=event_clock, group_times=group_times)
        site = Site(worker_routes(worker), configuration.metrics_host, configuration.metrics_port)
        await site.start()
        try:
            say(f"metrics on {site.address}/metrics")
            await run_until(worker, stop, say)
        finally:
            await site.stop()


async def run_until(worker: Worker, stop: asyncio.Event, say: Callable[[str], None]) -> None:
    """Start a worker, let it work until ``stop`` is set or it crashes, and stop it."""
    tasks: list[asyncio.Task[object]] = []
    stopping = asyncio.create_task(stop.wait())
    try:
        starting = asyncio.create_task(worker.start())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            return
        await starting
        say(f"owns {len(worker.owned)} partitions")
        assert worker.app is not None, "started"
        tasks = [
            asyncio.create_task(worker.tick_forever()),
            asyncio.create_task(worker.app.wait_until_stopped()),
        ]
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            for task in tasks:
                if task.done() and (error := task.exception()) is not None:
                    raise WorkerCrashedError(f"the worker cannot go on: {error}") from error
            raise WorkerCrashedError(f"the worker cannot go on: {worker.app.crash_reason}")
    finally:
        stopping.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.stop()
