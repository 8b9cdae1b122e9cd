"""A short memory of what was read: points that grow sparser as they grow older than the memory is long.

Each round adds a point. When there are as many as there is room for, every second one is dropped and only every second
round is kept from then on: so the memory goes back to the start of the board, ever more coarsely, and never grows.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.board.reading import Frame, Read

MOST_POINTS: Final = 360
FEWEST_POINTS: Final = 60  # a scope of which not even so many have room has no history
MOST_BYTES: Final = 256 << 20

_INTERVALS: Final = ("", "_lower", "_upper")
_SURVEYED: Final = tuple(f"{index}{end}" for index in ("ink_personnel", "ink_office", "iel") for end in _INTERVALS)
_CALLED: Final = (*(f"service_level{end}" for end in _INTERVALS), "abandonment", "calls_offered", "calls_missed")
KEPT: Final = {
    "office": (
        *_SURVEYED,
        *("silent_share", "visitor_coverage", "precise_conversion", "force_majeure_level"),
        *_CALLED,
        *("requests_open", "requests_overdue"),
    ),
    "queue": _CALLED,
    "employee": (*_SURVEYED, "silent_share", *_CALLED, "sales", "revenue"),
}
"""The columns that are remembered, by scope; the more important scope first."""


class Point(NamedTuple):
    """What is remembered of one round."""

    at_ms: int
    windows: tuple[str, ...]
    kept: Mapping[str, NDArray[np.float32]]  # by scope: (rows, windows and one, KEPT), NaN for none
    figures: Mapping[str, float | None]  # of all workers together


class History:
    """The points, oldest first."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._every = 1
        self._rounds = 0
        self._last_goes = False  # the last point is always of now; it stays only where it is of a round that is kept

    def add(self, at_ms: int, read: Read, figures: Mapping[str, float | None]) -> None:
        """Remember a round."""
        kept = {scope: _picked(read.frames[scope], KEPT[scope]) for scope in _with_room(read)}
        point = Point(at_ms, read.windows, kept, figures)
        if self._last_goes:
            self.points.pop()
        size = sum(each.nbytes for each in kept.values())
        if len(self.points) >= max(FEWEST_POINTS, min(MOST_POINTS, MOST_BYTES // max(1, size))):
            self.points = self.points[::2]
            self._every *= 2
        self.points.append(point)
        self._last_goes = self._rounds % self._every != 0
        self._rounds += 1

    def keeps(self, scope: str) -> bool:
        """Whether there is room for a scope."""
        return bool(self.points) and scope in self.points[-1].kept

    def times_s(self) -> list[float]:
        """When the points are of."""
        return [point.at_ms / 1000 for point in self.points]

    def series(
        self, scope: str, row: int | None, window: str | None, names: Sequence[str]
    ) -> dict[str, list[float | None]]:
        """What an entity's columns were at each point; a window of None is for what has none."""
        columns = [KEPT[scope].index(name) for name in names]
        lines: list[list[float | None]] = [[] for _ in names]
        for point in self.points:
            values = point.kept.get(scope)
            if values is None or row is None or row >= values.shape[0] or (window and window not in point.windows):
                found: list[float] = [float("nan")] * len(names)
            else:
                at = point.windows.index(window) if window else len(point.windows)
                found = values[row, at, columns].tolist()
            for line, value in zip(lines, found, strict=True):
                line.append(None if np.isnan(value) else value)
        return dict(zip(names, lines, strict=True))

    def figures(self, names: Sequence[str]) -> dict[str, list[float | None]]:
        """What figures of all workers were at each point."""
        return {name: [point.figures.get(name) for point in self.points] for name in names}


def _with_room(read: Read) -> list[str]:
    """The scopes of which there is room for history."""
    room, found = MOST_BYTES // FEWEST_POINTS, []
    for scope, names in KEPT.items():
        room -= len(read.frames[scope].rows) * (len(read.windows) + 1) * len(names) * np.dtype(np.float32).itemsize
        if room < 0:
            break
        found.append(scope)
    return found


def _picked(frame: Frame, names: Sequence[str]) -> NDArray[np.float32]:
    picked = np.full((*frame.values.shape[:2], len(names)), np.nan, np.float32)
    for at, name in enumerate(names):
        column = frame.columns.get(name)
        if column is not None:
            picked[:, :, at] = frame.values[:, :, column]
    return picked
