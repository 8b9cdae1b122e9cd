"""``kqi directory``: what is in force, and publishing files to the topic."""

import time
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np
from aiokafka import AIOKafkaProducer

from agents.cluster import ClusterError, administration, faults, plan, security_of, topic_states
from agents.directory import read_topic
from agents.directory_files import read_files
from agents.sending import Message, send
from streams.configuration import Configuration
from streams.directory import EMPTY, KINDS, TOPIC, Directory, Employee, Entry
from streams.directory_check import DirectoryError, to_message
from streams.outputs import QUESTIONS

HEADINGS = ("office", "name", "region", "time zone", "question now", "open now", "employees", "panels")


class Published(NamedTuple):
    """How many entries the topic has got, lost and kept."""

    changed: int
    removed: int
    unchanged: int


async def find(configuration: Configuration) -> tuple[Directory, list[str]]:
    """The directory in force, as far as there is one, and what is wrong with what is there now.

    Raises
    ------
    agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
        When the topic cannot be read.
    """
    if configuration.directory:
        directory, wrong = read_files(configuration.directory)
    else:
        await _check_topic(configuration)
        (directory, wrong, _), _ = await read_topic(configuration)
    return directory or EMPTY, wrong


async def publish(configuration: Configuration, paths: Iterable[str]) -> Published:
    """Make the topic say what files say.

    Raises
    ------
    DirectoryError
        When the files are not right; nothing is published then.
    agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
        When there is no topic, or it does not take what is sent.
    """
    directory, wrong = read_files(paths)
    if directory is None:
        raise DirectoryError(*wrong)
    await _check_topic(configuration)
    _, known = await read_topic(configuration)
    wanted = dict(map(to_message, _in_order(directory)))
    changed = {key: value for key, value in wanted.items() if key not in known.held or known.held[key].value != value}
    removed = sorted((key for key in known.held if key not in wanted), key=_is_an_office)
    topic = configuration.topic_prefix + TOPIC
    await _send(configuration, [Message(topic, 0, key, value) for key, value in changed.items()])
    await _send(configuration, [Message(topic, 0, key, None) for key in removed])
    return Published(len(changed), len(removed), len(wanted) - len(changed))


def _in_order(directory: Directory) -> list[Entry]:
    """Entries so that each stands behind those that it names: so the directory holds together all the way."""
    kinds = list(KINDS.values())

    def place(entry: Entry) -> tuple[int, int]:
        above = 0
        leader = entry.leader_key if isinstance(entry, Employee) else None
        while leader is not None:
            above += 1
            leader = directory.employees[leader].leader_key
        return kinds.index(type(entry)), above

    return sorted(directory.entries.values(), key=place)


def _is_an_office(key: bytes) -> bool:
    """Whether a key is that of an office, which goes after those who are in it."""
    return key.startswith(b'["office"')


async def _check_topic(configuration: Configuration) -> None:
    plans = [topic for topic in plan(configuration) if topic.name == configuration.topic_prefix + TOPIC]
    async with administration(configuration) as client:
        states = await topic_states(client, [topic.name for topic in plans])
    if problems := faults(plans, states):
        raise ClusterError(*problems)


async def _send(configuration: Configuration, messages: list[Message]) -> None:
    if not messages:
        return
    producer = AIOKafkaProducer(
        bootstrap_servers=configuration.kafka.bootstrap, acks="all", **security_of(configuration).for_aiokafka()
    )
    await producer.start()
    try:
        if failures := await send(producer, messages):
            raise ClusterError(f"the broker did not take the directory: {failures[0].error}")
    finally:
        await producer.stop()


def as_rows(directory: Directory) -> list[tuple[str, ...]]:
    """Rows of a table under `HEADINGS`."""
    now_ms = time.time_ns() // 1_000_000
    rows: list[tuple[str, ...]] = []
    employees = Counter(office for office, _ in directory.employees)
    panels = Counter(office for office, _ in directory.panels)
    for office in directory.offices.values():
        number = np.array([directory.schedules.number_of(office.id)], np.int32)
        question = QUESTIONS[directory.schedules.asked(number, np.array([now_ms]))[0]]
        is_open = directory.hours_of(office.id).open_ms(now_ms, now_ms + 1) > 0
        rows.append(
            (
                office.id,
                office.name or "",
                office.region or "",
                directory.zone_of(office.id).name,
                question,
                "yes" if is_open else "no",
                str(employees[office.id]),
                str(panels[office.id]),
            )
        )
    return rows


def as_json(directory: Directory) -> str:
    """The same for programs: every entry as its message has it, by kind."""
    found: dict[str, list[object]] = {kind: [] for kind in KINDS}
    for key, entry in directory.entries.items():
        found[key[0]].append(msgspec.to_builtins(entry))
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
