"""The job that every peer does, as the peers in Python do it: presses of a panel become surveys, surveys are counted.

A survey counts under its employee, its outcome and the day of its press, so that any window of whole days is a sum. Force majeures, verdicts, late events, duplicates and refused messages are no part of it.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

LONG_PRESS_MS = 3000
DEBOUNCE_MS = 1000
ANSWER_WINDOW_MS = 30_000
BUCKET_MS = 24 * 60 * 60_000


class Survey(NamedTuple):
    """The survey that a panel's last accepted press opened."""

    ts_ms: int
    employee: str
    answered: bool


def take(survey: Survey | None, event: dict[str, Any]) -> tuple[Survey | None, str | None]:
    """Return a panel's survey after a press, and the counter of the survey that it decided, if any."""
    ts_ms = event["ts"]
    if event["type"] == "seller_press":
        if event["hold_ms"] >= LONG_PRESS_MS or (survey and ts_ms - survey.ts_ms <= DEBOUNCE_MS):
            return survey, None
        decided = counter(survey, "silent") if survey and not survey.answered else None
        return Survey(ts_ms, event["employee_id"], answered=False), decided
    if survey is None or survey.answered or ts_ms > survey.ts_ms + ANSWER_WINDOW_MS:
        return survey, None
    return survey._replace(answered=True), counter(survey, event["answer"])


def counter(survey: Survey, outcome: str) -> str:
    """Return the name of the counter that a survey belongs to."""
    return f"{survey.employee}|{outcome}|{survey.ts_ms // BUCKET_MS}"


class Stopwatch:
    """Times a peer from its first event to its last."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._seen = 0

    def note(self, count: int = 1) -> bool:
        """Take note of events; return whether these were the last."""
        if not self._seen:
            self._began_s, self._cpu_began_s = time.perf_counter(), time.process_time()
        self._seen += count
        return self._seen >= self._events

    def report(self) -> None:
        """Print what was measured, as the one line that the harness reads."""
        seconds, cpu_s = time.perf_counter() - self._began_s, time.process_time() - self._cpu_began_s
        measured = {"events": self._seen, "seconds": seconds, "cpu_seconds": cpu_s}
        print(json.dumps(measured), file=sys.__stdout__, flush=True)  # Faust puts its log in the place of the other


def write_counts(path: str, counts: dict[str, int]) -> None:
    """Write the counters, for the harness to compare."""
    Path(path).write_text("".join(f"{name} {count}\n" for name, count in counts.items()))


class Arguments(NamedTuple):
    """What every peer is told on its command line."""

    bootstrap: str
    topic: str
    group: str
    events: int  # how many messages the topic holds
    partitions: int
    folder: str  # for what it keeps, and for its counts

    @classmethod
    def read(cls) -> "Arguments":
        """Return the arguments of this process."""
        bootstrap, topic, group, events, partitions, folder = sys.argv[1:7]
        return cls(bootstrap, topic, group, int(events), int(partitions), folder)

    @property
    def output(self) -> str:
        """The file of the counts."""
        return f"{self.folder}/counts"
