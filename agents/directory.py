"""Where the directory comes from: files, or a topic of its own; read at the start, and again whenever it changes."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agents.directory_files import read_files
from agents.following import everything, followed
from streams.configuration import Configuration
from streams.directory import TOPIC
from streams.directory_check import DirectoryError
from streams.directory_log import Change, DirectoryLog

if TYPE_CHECKING:
    from streams.engine import Engine

LOOK_S: Final = 2.0  # between two looks at files
FAULTS_SAID: Final = 20
OF_PEOPLE: Final = ("employee ", "plan ")  # how faults begin that name somebody

log = logging.getLogger("kqi.directory")


def changes(configuration: Configuration) -> AsyncGenerator[Change, None]:
    """What is there now, and then every change, for ever."""
    return _of_files(configuration.directory) if configuration.directory else _of_topic(configuration)


# Files -------------------------------------------------------------------------------------------------------------


def _stamps(paths: Iterable[str]) -> list[tuple[int, ...]]:
    """What changes with the files."""
    found: list[tuple[int, ...]] = []
    for path in paths:
        try:
            status = Path(path).stat()
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append(())
    return found


async def _of_files(paths: tuple[str, ...]) -> AsyncGenerator[Change, None]:
    time_s = 0.0
    stamps = _stamps(paths)  # taken first: what is written meanwhile is read again
    while True:
        directory, faults = await asyncio.to_thread(read_files, paths)
        if directory is not None:
            time_s = max((stamp[0] / 1e9 for stamp in stamps if stamp), default=time.time())
        yield Change(directory, faults, time_s)
        # What is being written is not read: half a file may be right, too, and would change every number for a moment.
        seen, is_still = stamps, False
        while seen == stamps or not is_still:
            await asyncio.sleep(LOOK_S)
            now = _stamps(paths)
            seen, is_still = now, now == seen
        stamps = seen


# The topic ---------------------------------------------------------------------------------------------------------


async def read_topic(configuration: Configuration) -> tuple[Change, DirectoryLog]:
    """What the topic has now."""
    topic = configuration.topic_prefix + TOPIC
    known = DirectoryLog(topic)
    return await asyncio.to_thread(known.take, await everything(configuration, topic)), known


async def _of_topic(configuration: Configuration) -> AsyncGenerator[Change, None]:
    topic = configuration.topic_prefix + TOPIC
    known = DirectoryLog(topic)
    async with aclosing(followed(configuration, topic)) as changes_of_topic:
        async for records in changes_of_topic:
            yield await asyncio.to_thread(known.take, records)


def without_people(faults: list[str]) -> list[str]:
    """Faults for a log, in which nobody is named: those of employees and of plans are counted."""
    found = [fault for fault in faults if not fault.startswith(OF_PEOPLE)]
    if len(found) < len(faults):
        found.append(
            f"{len(faults) - len(found)} faults of employees and plans: `kqi check` and `kqi directory` show them"
        )
    return found


# In force ----------------------------------------------------------------------------------------------------------


class Directing:
    """Puts the directory of an engine in force, and every change of it."""

    def __init__(self, configuration: Configuration, engine: "Engine") -> None:
        self.is_right = True  # whether what is there now is in force
        self.time_s = 0.0  # when the one in force was made, epoch seconds
        self._engine = engine
        self._changes = changes(configuration)
        self._said: list[str] = []

    async def start(self) -> None:
        """Read it.

        Raises
        ------
        DirectoryError
            There is none that is right.
        """
        change = await anext(self._changes)
        if change.directory is None:
            raise DirectoryError(*without_people(change.faults))
        self._take(change)

    async def forever(self) -> None:
        """Follow its changes."""
        async for change in self._changes:
            self._take(change)

    async def stop(self) -> None:
        """Let go of where it comes from."""
        await self._changes.aclose()

    def _take(self, change: Change) -> None:
        self.is_right = not change.faults
        self.time_s = change.time_s
        if change.directory is not None and change.directory != self._engine.directory:
            self._engine.direct(change.directory)
            offices, employees = len(change.directory.offices), len(change.directory.employees)
            log.info("a directory of %d offices and %d employees is in force", offices, employees)
        if change.faults and change.faults != self._said:
            log.warning("what the directory says now is not in force, since it is not right")
            faults = without_people(change.faults)
            for fault in faults[:FAULTS_SAID]:
                log.warning("%s", fault)
            if len(faults) > FAULTS_SAID:
                log.warning("and %d faults more: `kqi check` and `kqi directory` show them", len(faults) - FAULTS_SAID)
        self._said = change.faults
