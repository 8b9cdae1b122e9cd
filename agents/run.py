"""Running a worker until it is told to stop or cannot go on."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from agents.app import APACHE_KAFKA, GroupTimes
from agents.web import Site, worker_routes
from agents.worker import Worker
from streams.configuration import Configuration


class WorkerCrashedError(Exception):
    """A worker could not go on; the message is one sentence."""


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
    partitions: int,
    say: Callable[[str], None],
    *,
    event_clock: bool,
    group_times: GroupTimes = APACHE_KAFKA,
) -> None:
    """Run a worker on topics of so many partitions until SIGINT or SIGTERM.

    Raises
    ------
    agents.app.BrokerUnreachableError, agents.web.PortTakenError
        When it cannot start.
    WorkerCrashedError
        When it cannot go on.
    """
    with until_signal() as stop:
        worker = Worker(configuration, partitions, event_clock=event_clock, group_times=group_times)
        site = Site(worker_routes(worker), configuration.metrics_host, configuration.metrics_port)
        await site.start()
        try:
            say(f"metrics on {site.address}/metrics")
            await run_until(worker, stop)
        finally:
            await site.stop()


async def run_until(worker: Worker, stop: asyncio.Event) -> None:
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
        assert worker.app is not None, "started"
        tasks = [
            asyncio.create_task(worker.tick_forever()),
            asyncio.create_task(worker.publish_forever()),
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
