"""``kqi demo``: the main job with nothing else installed, at one address.

An embedded broker, a worker, a simulated company whose events arrive as time goes by (beginning with the last hours, so
that there is something to see), and the page. What a visitor presses takes the same way as everything else: to the
broker, through the worker, to the indices.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from agents.app import EMBEDDED
from agents.board.collector import Collector
from agents.board.site import Board
from agents.cluster import ClusterError, create_topics
from agents.demo_source import DemoSource
from agents.embedded import EmbeddedBroker
from agents.ending import Ending, until_signal
from agents.listening import Site
from agents.publish import Publisher
from agents.run import run_until
from agents.web import worker_routes
from agents.worker import Worker
from streams.configuration import Configuration, configure
from streams.events import EVENT_NAMES, TOPIC_OF_KIND
from streams.simulation import Company, morning_offset_ms, simulate
from streams.simulation.spoilt import spoil

OFFICES = 10  # large enough that something moves every second
EMPLOYEES = 12
PARTITIONS = 4
BACKLOG_MS = 3 * 3_600_000
SPOILT_EVERY = 60  # one message in so many is bad, so that there are rejects to see
PAUSE_S = 0.1
ROUND_S = 1.0  # a visitor who has pressed wants to see what it did
AT_ONCE = 500

Message = tuple[str, str, bytes, dict[str, Any] | None]  # topic, office, bytes, and the event (None: a bad one)

_TOPIC_OF_TYPE = dict(zip(EVENT_NAMES, TOPIC_OF_KIND, strict=True))


def demo_configuration(given: Configuration, bootstrap: str) -> Configuration:
    """The configuration of a demo: as given, on the embedded broker, with a few partitions."""
    import msgspec  # noqa: PLC0415

    values: dict[str, Any] = msgspec.to_builtins(given)
    values["kafka"] = {"bootstrap": bootstrap, "group": given.kafka.group}
    values["partitions"] = PARTITIONS
    values["checkpoint_interval_s"] = 0  # its broker ends with it
    values["indices_interval_s"] = given.indices_interval_s
    values["correction_horizon_s"] = {k: v for k, v in values["correction_horizon_s"].items() if v is not None}
    return configure(("the demo", values))


async def run_demo(given: Configuration, port: int, seed: int, say: Callable[[str], None]) -> None:
    """Run the demo until SIGINT or SIGTERM.

    Raises
    ------
    agents.listening.PortTakenError, agents.embedded.EmbeddedBrokerError
        When it cannot start.
    """
    logging.getLogger("kqi.messages").setLevel(logging.ERROR)  # bad ones are part of it, and the page shows them
    with until_signal() as ending, EmbeddedBroker() as broker:
        configuration = demo_configuration(given, broker.bootstrap)
        source = DemoSource(configuration)
        worker = Worker(configuration, PARTITIONS, group_times=EMBEDDED, watcher=source)
        collector = Collector(ROUND_S)
        board = Board(collector, configuration, trial=source)
        site = Site([*board.routes(), *worker_routes(worker)], configuration.metrics_host, port)
        await site.start()
        collecting = asyncio.create_task(collector.run([site.nearby_address]))
        try:
            say(f"the board is at {site.address} (metrics at {site.address}/metrics); Ctrl-C ends it")
            await create_topics(configuration)
            await _run_company(worker, source, ending, seed)
        finally:
            collecting.cancel()
            await asyncio.gather(collecting, return_exceptions=True)
            await site.stop()


async def _run_company(worker: Worker, source: DemoSource, ending: Ending, seed: int) -> None:
    publisher = Publisher(worker.configuration)
    await publisher.start()
    source.open(publisher)
    company = asyncio.create_task(_live_company(source, seed))
    try:
        await run_until(worker, ending.told, ending.begin)
    finally:
        company.cancel()
        await asyncio.gather(company, return_exceptions=True)
        await publisher.stop()


async def _live_company(source: DemoSource, seed: int) -> None:
    """Publish what happens in the company when its time has come."""
    begins_ms = _now_ms() - BACKLOG_MS
    company = Company(seed, OFFICES, EMPLOYEES, morning_offset_ms(_now_ms()))
    messages = _messages(simulate(company, begins_ms), seed)
    upcoming = next(messages)
    while True:
        waiting: list[Message] = []
        while upcoming[0] <= _now_ms() and len(waiting) < AT_ONCE:
            waiting.append(upcoming[1])
            upcoming = next(messages)
        try:
            await source.publish_all(waiting)
        except ClusterError:
            return  # the broker is going down with us
        await asyncio.sleep(0 if len(waiting) == AT_ONCE else PAUSE_S)


def _messages(events: Iterator[tuple[int, dict[str, Any]]], seed: int) -> Iterator[tuple[int, Message]]:
    """Messages and when they arrive."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    for number, (arrival_ms, event) in enumerate(events):
        topic = _TOPIC_OF_TYPE[event["type"]]
        office = event["office_id"]
        if number % SPOILT_EVERY == 0:
            line, _ = spoil(event, number, chance)
            yield arrival_ms, (topic, office, line, None)
        yield arrival_ms, (topic, office, orjson.dumps(event), event)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
