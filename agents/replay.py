"""``kqi replay``: indices of files of events, by the engine that runs online; no broker, no horizon."""

import gc
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import typer

from agents.lines import read_lines, size_of
from agents.progress import progress
from streams.clock import EventClock
from streams.configuration import METHOD_KEYS, Configuration
from streams.decode import decode
from streams.directory import EMPTY, Directory
from streams.engine import Engine
from streams.partition import NO_EVENTS, Events, Partition
from streams.results import NAMED_SCOPES, Row, rows

REJECTS_SHOWN = 20
EVERYONE = 2**31 - 1  # a file ends, so its names need no ceiling

encode = msgspec.json.encode  # integers of any size: a sum of 64-bit amounts may exceed 64 bits


class Replayed(NamedTuple):
    """What a replay found."""

    at_ms: int
    events: int
    rejected: Counter[str]
    engine: Engine
    partition: Partition


def replay(paths: list[str], configuration: Configuration, at_ms: int | None, directory: Directory = EMPTY) -> Replayed:
    """Read files of events, in any order, into the state as of ``at_ms`` (default: the greatest ``ts``).

    Raises
    ------
    agents.lines.FileError
        When a file cannot be read.
    """
    everyone = msgspec.structs.replace(configuration, names_max=EVERYONE)
    engine = Engine(everyone, directory, horizons=False, until_ms=at_ms)
    partition = engine.new_partition()
    clock = EventClock(at_ms)
    rejected: Counter[str] = Counter()
    events = 0
    gc.set_threshold(200_000, 50, 1000)  # millions of short-lived structs that hold no cycles
    with progress("replay", size_of(paths)) as advance:
        for path in paths:
            for batch in read_lines(path):
                accepted, buffer, rejects = decode(batch.values, longest_window_ms=configuration.longest_window_ms)
                for reject in rejects:
                    if rejected.total() < REJECTS_SHOWN:
                        typer.echo(
                            f"{path}:{batch.numbers[reject.position]}: {reject.reason}: {reject.detail}",
                            err=True,
                        )
                    rejected[reject.reason] += 1
                engine.step(partition, Events(accepted, buffer), clock)
                events += batch.values.size
                advance(batch.bytes_read, batch.values.size)
    if rejected.total() > REJECTS_SHOWN:
        typer.echo(f"... {rejected.total() - REJECTS_SHOWN} more rejected", err=True)
    engine.step(partition, NO_EVENTS, clock)
    return Replayed(partition.now.now_ms, events, rejected, engine, partition)


def as_json(replayed: Replayed) -> Iterator[bytes]:
    """The result as CONTRACT's JSON document, in pieces."""
    settings = {key: getattr(replayed.engine.configuration, key) for key in METHOD_KEYS}
    head = {"at": replayed.at_ms, "config": settings, "rejected": dict(replayed.rejected)}
    yield encode(head)[:-1] + b',"indices":['
    separator = b"\n"
    for row in rows(replayed.engine, replayed.partition):
        yield separator + encode(row)
        separator = b",\n"
    yield b"\n]}\n"


def as_table(replayed: Replayed) -> Any:
    """The result as a table for the terminal: a line for each index of each scope, a column for each window."""
    from rich.table import Table  # noqa: PLC0415 - slow to import

    windows: list[str | None] = [*replayed.engine.configuration.windows]
    order = {index.name: at for at, index in enumerate(replayed.engine.evaluation.indices)}
    told: dict[tuple[str, str], dict[str, dict[str | None, str]]] = {}
    for row in rows(replayed.engine, replayed.partition):
        if row["value"] is not None and (row["value"] or row["base"]):
            index = f"{row['index']} {row.get('criterion', '')}".rstrip()
            whose = told.setdefault((row["office_id"], _who(row)), {})
            whose.setdefault(index, {})[row["window"]] = _cell(row)
    if any(None in cells for indices in told.values() for cells in indices.values()):
        windows.append(None)  # what tells of now
    columns = [window or "now" for window in windows]
    table = Table("office", "who", "index", *columns, title=f"as of {_instant(replayed.at_ms)}", title_justify="left")
    for column in table.columns[3:]:
        column.justify = "right"
    table.columns[2].min_width = max((len(index) for indices in told.values() for index in indices), default=0)
    for names, indices in told.items():
        table.add_section()
        for index in sorted(indices, key=lambda index: order.get(index, len(order))):
            cells = (indices[index].get(window, "") for window in windows)
            table.add_row(*names, index, *cells)
            names = "", ""  # noqa: PLW2901 - they stand before the first index alone
    return table


def _who(row: Row) -> str:
    if row["scope"] == "leader":
        return f"people of {row['employee_id']}"
    if row["scope"] == "pair":
        return f"{row['from_department']} of {row['to_department']}"
    return row["employee_id"] or next(
        (f"{scope} {row[scope]}" for scope in (*NAMED_SCOPES, "department") if scope in row), ""
    )


def _cell(row: Row) -> str:
    value = row["value"]
    text = f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return f"{text} ({row['base']:,})"


def _instant(at_ms: int) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415

    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"
