"""Pieces of Prometheus' text format, and metrics that follow from no array of counters."""

from collections.abc import Iterator, Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from streams.directory import Directory, Office
from streams.goals import Led

LINES_AT_ONCE = 1024
BYTES_AT_ONCE = 100_000  # a socket takes its time for more
TEXTS_AT_ONCE = 64  # also where they are empty, since it takes a while to find that out


def escaped(text: str) -> str:
    """A label value as the text format wants it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def head(metric: str, text: str) -> bytes:
    """The lines before those of a metric."""
    return f"# HELP {metric} {text}\n# TYPE {metric} gauge\n".encode()


def leader_lines(leaders: Sequence[Led], windows: Sequence[str]) -> Iterator[bytes]:
    """The scores of leaders' people in each office, and how many of them have one."""
    scores, people = [], []
    for led in leaders:
        office, leader = led.leader
        labels = f'office="{escaped(led.office)}",leader_office="{escaped(office)}",leader="{escaped(leader)}",window='
        for window, score, count in zip(windows, led.scores.tolist(), led.people.tolist(), strict=True):
            if count:
                scores.append(f'kqi_leader_kpi_score{{{labels}"{window}"}} {score!r}\n')
                people.append(f'kqi_leader_kpi_people{{{labels}"{window}"}} {float(count)!r}\n')
    yield (
        head("kqi_leader_kpi_score", "Mean of kpi_score of a leader's people in an office.") + "".join(scores).encode()
    )
    yield (
        head("kqi_leader_kpi_people", "A leader's people in an office who have a kpi_score.") + "".join(people).encode()
    )


def office_info(directory: Directory, offices: Sequence[Office]) -> bytes:
    """What the directory says of offices, for boards to join to their indices; nothing where there are none."""
    if not offices:
        return b""
    lines = [
        f'kqi_office_info{{office="{escaped(each.id)}",name="{escaped(each.name or "")}",'
        f'region="{escaped(each.region or "")}",time_zone="{escaped(directory.zone_of(each.id).name)}"}} 1.0\n'
        for each in offices
    ]
    return head("kqi_office_info", "What the directory says of an office.") + "".join(lines).encode()


class Columns:
    """Labels, and the values of metrics, a column each."""

    def __init__(self, labels: list[bytes], values: NDArray[np.float64]) -> None:
        self._labels = np.array(labels, np.object_)
        self._values = values  # (labels, metrics), NaN for none
        self._starts = range(0, len(labels), LINES_AT_ONCE)
        self._empty: list[list[bool]] = []  # from each start on: which metrics have no values

    def look(self) -> Iterator[bytes]:
        """Find out where there are values, before any lines; in pieces. Most metrics have none in most companies."""
        for start in self._starts:
            absent = np.isnan(self._values[start : start + LINES_AT_ONCE])
            self._empty.append(np.logical_and.reduce(absent, axis=0).tolist())
            yield b""

    def lines(self, beginning: bytes, metric: int) -> Iterator[bytes]:
        """The lines of one metric, some thousands at once."""
        for start, empty in zip(self._starts, self._empty, strict=True):
            if empty[metric]:
                continue
            values = self._values[start : start + LINES_AT_ONCE, metric]
            present = ~np.isnan(values)
            labels = self._labels[start : start + LINES_AT_ONCE][present].tolist()
            # The shortest digits that read back as the same number, "[0.25,7.0]": a tenth of the time of `repr`.
            numbers = orjson.dumps(values[present], option=orjson.OPT_SERIALIZE_NUMPY)
            words = [b"\n" + beginning] * (3 * len(labels) + 1)
            words[0] = beginning
            words[1::3] = labels
            words[2::3] = numbers[1:-1].split(b",")
            words[-1] = b"\n"
            yield b"".join(words)


def in_pieces(texts: Iterator[bytes]) -> Iterator[bytes]:
    """Join texts to pieces worth handing out."""
    held: list[bytes] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= BYTES_AT_ONCE or len(held) == TEXTS_AT_ONCE:
            yield b"".join(held)
            held.clear()
            size = 0
    yield b"".join(held)
