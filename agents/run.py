"""Running a worker until it is told to stop or cannot go on."""

import asyncio
import logging
import time
from collections.abc import Callable

from agents.app import APACHE_KAFKA, GroupTimes
from agents.behind import Behind
from agents.ending import until_signal
from agents.listening import Site
from agents.logs import described
from agents.touch import Touch, hush
from agents.tracing import traced
from agents.watch import CHECK_S, StalledError, Watch, guarded_loop
from agents.web import worker_routes
from agents.worker import Worker
from streams.configuration import Configuration
from streams.faults import Fault

log = logging.getLogger("kqi.worker")


class WorkerCrashedError(Fault):
    """A worker could not go on."""


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
    agents.reach.BrokerUnreachableError, agents.listening.PortTakenError
        When it cannot start.
    WorkerCrashedError
        When it cannot go on.
    """
    with until_signal() as ending, guarded_loop(configuration.stall_exit_s), traced(configuration):
        worker = Worker(configuration, partitions, event_clock=event_clock, group_times=group_times)
        site = Site(worker_routes(worker), configuration.metrics_host, configuration.metrics_port)
        await site.start()
        try:
            say(f"metrics on {site.address}/metrics")
            await run_until(worker, ending.told, ending.begin)
        finally:
            await site.stop()


async def run_until(worker: Worker, stop: asyncio.Event, begin_end: Callable[[], object] = lambda: None) -> None:
    """Start a worker, let it work until ``stop`` is set or it crashes, and stop it; ``begin_end`` is called before that."""
    tasks: list[asyncio.Task[object]] = []
    stopping = asyncio.create_task(stop.wait())
    watching = asyncio.create_task(watch_forever(worker))
    try:
        starting = asyncio.create_task(worker.start())
        await asyncio.wait({starting, watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            if not stopping.done():
                raise _crash(watching.exception())
            return
        await starting
        assert worker.app is not None, "started"
        tasks = [
            watching,
            asyncio.create_task(worker.tick_forever()),
            asyncio.create_task(worker.publish_forever()),
            asyncio.create_task(worker.checkpoint_forever()),
            asyncio.create_task(worker.follow_directory_forever()),
            asyncio.create_task(worker.peerage.follow_forever()),
            asyncio.create_task(worker.app.wait_until_stopped()),
        ]
        await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            errors = (task.exception() for task in tasks if task.done())
            raise _crash(next(filter(None, errors), worker.app.crash_reason))
    finally:
        begin_end()
        tasks += [watching, stopping]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await worker.stop()


def _crash(reason: BaseException | None) -> WorkerCrashedError:
    crash = WorkerCrashedError(f"the worker cannot go on: {described(reason) if reason else 'nobody knows why'}")
    crash.__cause__ = reason
    if isinstance(reason, StalledError | Fault):
        crash.fields = reason.fields
    return crash


async def watch_forever(worker: Worker) -> None:
    """Look after a worker.

    Raises
    ------
    agents.watch.StalledError
        When something does not move that should.
    """
    watch = Watch(worker.configuration.stall_exit_s)
    touch = Touch()
    behind = Behind()
    while True:
        await asyncio.sleep(CHECK_S)
        seen = worker.seen
        told = touch.update(seen, time.monotonic(), hush.latest)
        if told is not None:
            log.warning(told)  # every sentence is one of its own for who hides repetitions
        news = behind.update(seen.partitions, time.monotonic())
        if news is not None:
            log.info(news.sentence, extra=news.fields)
        watch.check(seen)
