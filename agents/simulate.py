"""`kqi simulate`: a plausible company as events on standard output."""

from __future__ import annotations

import itertools
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, Final

import orjson

from streams.simulation import Company, simulate
from streams.simulation.company import DAY_MS, Event, stream
from streams.simulation.spoilt import spoil
from streams.times import instant_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

DEFAULT_START: Final = "2026-01-05T00:00:00Z"
"""A Monday, and not today: the same seed gives the same bytes tomorrow."""

BATCH_LINES: Final = 4_096


def run(
    out: BinaryIO,
    *,
    seed: int = 1,
    offices: int = 6,
    employees: int = 8,
    start: str = DEFAULT_START,
    days: float = 7,
    events: int | None = None,
    truth: Path | None = None,
    invalid: float = 0.0,
) -> int:
    """Write a simulated company to `out`, one event a line in order of arrival; return the number of lines.

    Parameters
    ----------
    seed, offices, employees
        Which company, how many offices it has, and how many employees an office has on average.
    start, days
        When it begins, and how long it is watched.
    events
        Stop after so many good events.
    truth
        A file for what the simulation knows to be true, as `streams.simulation.simulate` describes it; for every bad line
        it says why that is bad.
    invalid
        The share of bad lines, of all lines.

    A reader that closes its end (`kqi simulate | head`) ends it quietly.

    Raises
    ------
    ValueError
        With a sentence on which of the parameters cannot be used.
    """
    if days <= 0:
        raise ValueError("the days must be more than 0")
    if not 0 <= invalid < 1:
        raise ValueError("the share of invalid lines must be at least 0 and less than 1")
    company = Company(seed, offices, employees)
    with ExitStack() as stack:
        records: list[Event] = []
        stream_of_events = simulate(company, instant_ms(start), round(days * DAY_MS), records.append if truth else None)
        good = (event for _, event in itertools.islice(stream_of_events, events))
        lines = _lines(good, seed, invalid, records)
        sink = stack.enter_context(truth.open("wb")) if truth else None
        try:
            return _write(lines, out, records, sink)
        except BrokenPipeError:
            _forget(out)
            return 0


def _lines(events: Iterable[Event], seed: int, invalid: float, records: list[Event]) -> Iterator[bytes]:
    """Encode the events, with bad lines in between."""
    if not invalid:
        yield from map(orjson.dumps, events)
        return
    chance = stream(seed, "invalid")
    bad, line = itertools.count(1), itertools.count(1)
    for event in events:
        while chance.random() < invalid:
            spoilt, reason = spoil(event, next(bad), chance)
            records.append({"truth": "bad_line", "line": next(line), "reason": reason})
            yield spoilt
        next(line)
        yield orjson.dumps(event)


def _write(lines: Iterator[bytes], out: BinaryIO, records: list[Event], truth: BinaryIO | None) -> int:
    """Write lines in batches, and the records that came up with them."""
    count = 0
    while batch := list(itertools.islice(lines, BATCH_LINES)):
        out.write(b"\n".join(batch) + b"\n")
        count += len(batch)
        if truth:
            truth.writelines(orjson.dumps(record) + b"\n" for record in records)
        records.clear()
    out.flush()
    return count


def _forget(out: BinaryIO) -> None:
    """Lead a pipe that nobody reads to nowhere, so that the interpreter's own flush at exit finds no error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, out.fileno())
    os.close(nowhere)
