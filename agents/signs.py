"""``kqi signs``: signs of gaming, from files or from the topics of a cluster."""

import time
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from agents.explain_table import instant, plain_table, show_list, where
from agents.gathering import Wanted, gather_files, gather_topics
from streams.clock import Now
from streams.configuration import Configuration, window_minutes
from streams.evidence import Evidence, Log, begin_of
from streams.signs import Signs

TOPICS = ("presses", "verdicts", "visits", "calls", "sales")
_ENTRY = {
    "sign": lambda each: each["sign"],
    "office": lambda each: each["office_id"],
    "employee": lambda each: each["employee_id"],
    "ts": lambda each: instant(each["ts"]),
    "id": lambda each: each["event_id"],
    "because": lambda each: ", ".join(
        f"{key.replace('_', ' ')} {each[key]}" for key in ("after_ms", "run", "amount_minor", "state") if key in each
    ),
    "event": lambda each: where(each["place"]),
}


def from_files(paths: list[str], configuration: Configuration, office: str | None, at_ms: int | None) -> dict[str, Any]:
    """Signs by files; without an instant, as of the greatest ``ts`` in them."""
    log = gather_files(paths, configuration, office)
    return told(log, configuration, log.greatest_ts_ms if at_ms is None else at_ms)


async def from_topics(configuration: Configuration, office: str, at_ms: int | None) -> dict[str, Any]:
    """Signs by the topics of a cluster; without an instant, as of the wall's clock."""
    if at_ms is None:
        at_ms = time.time_ns() // 1_000_000
    begin_ms = min(begin_of(at_ms, minutes * 60_000) for minutes in configuration.window_minutes)
    context_ms = round(configuration.signs.context_s * 1000)
    log = await gather_topics(configuration, Wanted(office, TOPICS, begin_ms - context_ms, at_ms))
    return told(log, configuration, at_ms)


def told(log: Log, configuration: Configuration, at_ms: int) -> dict[str, Any]:
    """The report, as JSON has it."""
    signs = Signs(Evidence(configuration, log, Now(at_ms, at_ms)), configuration)
    return {
        "at": at_ms,
        "limits": msgspec.structs.asdict(configuration.signs),
        "rejected": dict(log.rejected),
        "signs": signs.rows(),
        "entries": signs.listed(),
    }


def show(report: dict[str, Any], console: Console) -> None:
    """Print the report for a person."""
    windows = sorted({row["window"] for row in report["signs"]}, key=window_minutes)
    cells: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = {}
    for row in report["signs"]:
        cells.setdefault((row["office_id"], row["employee_id"] or "", row["sign"]), {})[row["window"]] = row
    table = plain_table(f"as of {instant(report['at'])}", "office", "employee", "sign", *windows)
    for who, by_window in cells.items():
        if who[2] == "force_majeures_confirmed" or any(
            row["count"] for row in by_window.values()
        ):  # none is news there
            shown = (by_window.get(window) for window in windows)
            table.add_row(
                *map(Text, who), *("" if row is None else f"{row['count']} of {row['base']}" for row in shown)
            )
    console.print(table)
    console.print(Text("Signs, not proof: each has innocent reasons, which docs/explain.md names."))
    if report["entries"]:
        console.print()
        show_list(f"what they are made of: {len(report['entries']):,}", _ENTRY, report["entries"], console)
