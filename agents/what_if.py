"""``kqi what-if``: one period under several settings, side by side.

Events are read and decoded once. Settings that differ in formulas alone share one replay; every other one has its own.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

import msgspec
from rich.console import Console
from rich.text import Text

from agents.explain_table import instant, plain_table
from agents.gathering import Wanted, directory_in_force, gather_topics
from agents.lines import read_lines, size_of
from agents.progress import progress
from agents.replay import EVERYONE
from streams.clock import EventClock
from streams.configuration import METHOD_KEYS, Configuration
from streams.decode import decode
from streams.directory import Directory
from streams.engine import Engine
from streams.events import TOPICS
from streams.evidence import begin_of
from streams.numbers import number, shown
from streams.partition import NO_EVENTS, Events, Partition
from streams.results import Row, rows
from streams.trust import MAIN

AS_IT_IS: Final = "as it is"
MOST_SETTINGS: Final = 32
LINES_SHOWN: Final = 200
_REFERENCES: Final = tuple(f"reference.{index}" for index in MAIN)
WINDOWS: Final = "windows="
# A replay knows no horizon.
VARIED_KEYS: Final = (
    *(key for key in METHOD_KEYS if key not in ("reference", "correction_horizon_s")),
    *_REFERENCES,
)
FORMULA_KEYS: Final = (
    "silent_weight",
    "force_majeure_excludes",
    "min_surveys",
    "representative_by",
    "coverage_limits",
    "conversion_limits",
    "force_majeure_level_max",
    "asked_within_s",
    "diagnosis_margin",
    "reference",
)
_COMMAS: Final = re.compile(r",(?![^\[]*\])")  # those of a list, such as [0.5,1.0], divide no values


class Setting(NamedTuple):
    """One column."""

    name: str
    configuration: Configuration


def combinations(varied: Iterable[str]) -> list[tuple[str, ...]]:
    """Every combination of values such as ``silent_weight=0.5,0.8``, as settings ``key=value``.

    Raises
    ------
    ValueError
        With a sentence on what cannot be varied.
    """
    choices = []
    for text in varied:
        key, equals, values = text.partition("=")
        key = key.strip()
        if not equals or not values.strip():
            raise ValueError(f"--vary {text}: expected key=value,value,...")
        if key not in VARIED_KEYS:
            raise ValueError(f"--vary {text}: expected one of the keys {', '.join(VARIED_KEYS)}")
        choices.append([f"{key}={value.strip()}" for value in _COMMAS.split(values)])
    if len({choice[0].partition("=")[0] for choice in choices}) < len(choices):
        raise ValueError("--vary gives a key twice: put its values into one list")
    found = list(product(*choices)) if choices else []
    if len(found) >= MOST_SETTINGS:
        raise ValueError(f"{len(found)} combinations are too many: at most {MOST_SETTINGS - 1}")
    return found


def columns(tried: Sequence[tuple[str, ...]], load: Callable[[Sequence[str]], Configuration]) -> list[Setting]:
    """The columns: the configuration as it is, and every combination that changes it.

    Where windows are varied, each column has one of them, the first column the first one.

    Parameters
    ----------
    load
        Returns the configuration with settings ``key=value`` in force.
    """
    first = [one for one in next(iter(tried), ()) if one.startswith(WINDOWS)]
    as_it_is = load(first)
    found = [Setting(", ".join([AS_IT_IS, *first]), as_it_is)]
    for each in tried:
        changes = [one for one in each if load([*first, one]) != as_it_is]
        if changes:
            name = ", ".join(one for one in each if one in changes or one.startswith(WINDOWS))
            found.append(Setting(name, load([*first, *changes])))
    return found


class _Replays:
    """The replays that settings need, fed with the same events."""

    def __init__(self, settings: Sequence[Setting], at_ms: int | None, directory: Directory) -> None:
        self._settings = settings
        self._directory = directory
        self._clock = EventClock(at_ms)
        self.rejected: Counter[str] = Counter()
        self._replays: dict[str, tuple[Engine, Partition]] = {}
        for setting in settings:
            if self._key(setting) not in self._replays:
                everyone = msgspec.structs.replace(setting.configuration, names_max=EVERYONE)
                engine = Engine(everyone, directory, horizons=False, until_ms=at_ms)
                self._replays[self._key(setting)] = engine, engine.new_partition()

    def _key(self, setting: Setting) -> str:
        """What settings that differ in formulas alone have in common."""
        default = Configuration()
        alike = msgspec.structs.replace(setting.configuration, **{key: getattr(default, key) for key in FORMULA_KEYS})
        return repr(alike)

    def feed(self, accepted: Events) -> None:
        """Apply events everywhere."""
        for engine, partition in self._replays.values():
            # Each writes its own numbers of names into the rows.
            engine.step(partition, accepted._replace(rows=accepted.rows.copy()), self._clock)

    def results(self) -> Iterator[list[Row]]:
        """The rows under each setting."""
        self.feed(NO_EVENTS)
        for setting in self._settings:
            _, partition = self._replays[self._key(setting)]
            everyone = msgspec.structs.replace(setting.configuration, names_max=EVERYONE)
            yield list(rows(Engine(everyone, self._directory, horizons=False), partition))

    @property
    def at_ms(self) -> int:
        """As of when."""
        return self._clock.now_ms


def from_files(
    paths: list[str], settings: Sequence[Setting], at_ms: int | None, wanted: "Rows", directory: Directory
) -> dict[str, Any]:
    """Compare settings on files.

    Raises
    ------
    agents.lines.FileError
        When a file cannot be read.
    """
    replays = _Replays(settings, at_ms, directory)
    longest_ms = max(setting.configuration.longest_window_ms for setting in settings)
    with progress("what-if", size_of(paths)) as advance:
        for path in paths:
            for batch in read_lines(path):
                accepted, buffer, rejects = decode(batch.values, longest_window_ms=longest_ms)
                replays.rejected.update(reject.reason for reject in rejects)
                replays.feed(Events(accepted, buffer))
                advance(batch.bytes_read, batch.values.size)
    return told(replays, settings, wanted)


async def from_topics(settings: Sequence[Setting], at_ms: int | None, wanted: "Rows", office: str) -> dict[str, Any]:
    """Compare settings on an office's messages in the topics of a cluster; without an instant, as of the wall's clock."""
    if at_ms is None:
        at_ms = time.time_ns() // 1_000_000
    configuration = settings[0].configuration
    begin_ms = min(
        begin_of(at_ms, minutes * 60_000) for setting in settings for minutes in setting.configuration.window_minutes
    )
    asked_within_s = max(setting.configuration.asked_within_s for setting in settings)
    directory = await directory_in_force(configuration)
    log = await gather_topics(
        configuration, Wanted(office, TOPICS, begin_ms, at_ms, at_ms - round(asked_within_s * 1000))
    )
    replays = _Replays(settings, at_ms, directory)
    replays.rejected = log.rejected
    for kept in log.kept:
        replays.feed(kept.events)
    return told(replays, settings, wanted)


class Rows(NamedTuple):
    """Which rows are wanted."""

    employees: bool
    office: str | None

    def have(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is among them."""
        scopes = ("office", "employee") if self.employees else ("office",)
        return row["scope"] in scopes and self.office in (None, row["office_id"])


def told(replays: _Replays, settings: Sequence[Setting], wanted: Rows) -> dict[str, Any]:
    """The comparison, as JSON has it: values, bases and differences stand in the order of the settings.

    Where columns differ in their windows, rows are of none.
    """
    across_windows = len({setting.configuration.windows for setting in settings}) > 1
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for column, found in enumerate(replays.results()):
        for row in found:
            if wanted.have(row):
                names = {key: row[key] for key in ("scope", "office_id", "employee_id", "window", "index")}
                if across_windows:
                    names["window"] = None
                empty = {"values": [None] * len(settings), "bases": [0] * len(settings)}
                held = merged.setdefault(tuple(names.values()), names | empty)
                held["values"][column], held["bases"][column] = row["value"], row["base"]
    for held in merged.values():
        first = held["values"][0]
        held["differences"] = [_difference(first, each) for each in held["values"]]
    return {
        "at": replays.at_ms,
        "rejected": dict(replays.rejected),
        "settings": [
            {"name": setting.name, "config": {key: getattr(setting.configuration, key) for key in METHOD_KEYS}}
            for setting in settings
        ],
        "rows": list(merged.values()),
    }


def _difference(first: Any, each: Any) -> float | None:
    """By how much a value differs from the first one; none where there is no number."""
    return None if None in (first, each) or isinstance(each, str) else each - first


def show(compared: dict[str, Any], console: Console) -> None:
    """Print the rows that differ anywhere."""
    names = [setting["name"] for setting in compared["settings"]]
    table = plain_table(f"as of {instant(compared['at'])}", "office", "employee", "window", "index", *names)
    differing = [row for row in compared["rows"] if any(value != row["values"][0] for value in row["values"])]
    for row in differing[:LINES_SHOWN]:
        first = row["values"][0]
        cells = zip(row["values"], row["differences"], strict=True)
        who = (row["office_id"], row["employee_id"] or "", row["window"] or "", row["index"])
        table.add_row(*map(Text, who), *(_cell(first, *cell) for cell in cells))
    console.print(table)
    if len(differing) > LINES_SHOWN:
        console.print(Text(f"... {len(differing) - LINES_SHOWN:,} more: --format json has all"))
    console.print(Text(f"{len(compared['rows']) - len(differing):,} rows are the same under all settings"))
    if compared["rejected"]:
        console.print(Text(", ".join(f"{count:,} rejected: {why}" for why, count in compared["rejected"].items())))


def _cell(first: float | str | None, value: float | str | None, difference: float | None) -> str:
    if isinstance(value, str) and first != value:
        return f"{shown(first)} -> {value}"
    return shown(value) if not difference else f"{shown(value)} ({'+' * (difference > 0)}{number(difference)})"
