"""What workers say at /metrics, as arrays: a row for each entity, and for each metric and window a number.

A line of the text format is, but for its number, the same from scrape to scrape. So where its number goes is worked out once
and remembered; after that a line costs one look-up. Names and numbers of entities, metrics and windows are bounded: what is
beyond is left out, and said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.configuration import window_minutes

SCOPES: Final = ("office", "employee", "queue", "priority", "category")
MOST_ROWS: Final = {"office": 20_000, "employee": 200_000, "queue": 20_000, "priority": 20_000, "category": 20_000}
MOST_COLUMNS: Final = 400
MOST_WINDOWS: Final = 16
OTHERS: Final = (b"kqi_worker_", b"kqi_silent_weight", b"kqi_request_objective_ratio")
MOST_OTHERS: Final = 20_000  # series of those
MOST_LINES: Final = 4_000_000  # that are remembered; with more, all are learnt anew

_SLICE_BYTES: Final = 4 << 20
_FAMILY: Final = re.compile(rb"# HELP kqi_(office|employee|queue|priority|category)_(\w+) (.*)")
_LABEL: Final = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")
_NUMBER: Final = re.compile(rb"[-+]?[0-9]{1,20}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?")
_NOWHERE: Final = -1

Key = tuple[str, str]
"""Of an entity: its office, and the name of the employee, queue, priority or category; "" for an office itself."""
Labels = frozenset[tuple[str, str]]


class Frame(NamedTuple):
    """One scope as of one round; nothing of it changes once it is made."""

    keys: tuple[Key, ...]  # who the rows are
    rows: Mapping[Key, int]
    columns: Mapping[str, int]
    values: NDArray[np.float64]  # (rows, windows and one for what has no window, columns), NaN for none


class Read(NamedTuple):
    """What all workers together said."""

    windows: tuple[str, ...]  # the shortest first
    frames: Mapping[str, Frame]  # by scope
    units: Mapping[str, str]  # of columns: ratio, seconds, count or money
    helps: Mapping[str, str]  # of columns
    offices: Mapping[str, dict[str, str]]  # what the directory says of them
    others: tuple[Mapping[tuple[str, Labels], float], ...]  # of each worker, the series of no scope that are shown
    left_out: int  # series that there was no room for


class _Scope:
    """The rows and columns of one scope, as they become known."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[Key, int] = {}
        self.columns: dict[str, int] = {}

    def row(self, key: Key) -> int:
        if key not in self.rows and len(self.rows) == MOST_ROWS[self.name]:
            return _NOWHERE
        return self.rows.setdefault(key, len(self.rows))

    def column(self, name: str) -> int:
        if name not in self.columns and len(self.columns) == MOST_COLUMNS:
            return _NOWHERE
        return self.columns.setdefault(name, len(self.columns))


class _Entity(NamedTuple):
    """What the labels of a line say."""

    row: int
    window: int
    words: tuple[str, ...]  # besides: of a diagnosis, or the index and the reason


class Reader:
    """Remembers where the number of each line goes."""

    def __init__(self) -> None:
        self._scopes = {name: _Scope(name) for name in SCOPES}
        self._windows: dict[str, int] = {}
        self._slots: dict[bytes, int] = {}
        self._entities: dict[tuple[str, bytes], _Entity] = {}
        self._units: dict[str, str] = {}
        self._helps: dict[str, str] = {}

    def read(self, texts: Iterable[bytes]) -> Read:
        """Read the answers of workers; where two tell of the same, the later one counts."""
        if len(self._slots) > MOST_LINES:
            self._slots.clear()
            self._entities.clear()
        places: list[int] = []
        numbers: list[bytes] = []
        offices: dict[str, dict[str, str]] = {}
        others = tuple(self._read_one(text, places, numbers, offices) for text in texts)
        slots = np.array(places, np.int64)
        values = np.array(_numbers(numbers), np.float64)
        known = slots >= 0
        windows = tuple(sorted(self._windows, key=_length))
        return Read(
            windows,
            {name: self._frame(at, windows, slots, values) for at, name in enumerate(SCOPES)},
            dict(self._units),
            dict(self._helps),
            offices,
            others,
            int(np.count_nonzero(~known)),
        )

    def _read_one(
        self, text: bytes, places: list[int], numbers: list[bytes], offices: dict[str, dict[str, str]]
    ) -> dict[tuple[str, Labels], float]:
        others: dict[tuple[str, Labels], float] = {}
        in_scope = False
        for line in _lines(text):
            if line.startswith(b"#"):
                if line.startswith(b"# HELP"):
                    in_scope = self._begin_family(line)
                continue
            head, _, number = line.rpartition(b" ")
            if in_scope:
                slot = self._slots.get(head)
                if slot is None:
                    slot = self._slots[head] = self._find_slot(head)
                places.append(slot)
                numbers.append(number)
            elif head.startswith(b"kqi_office_info{"):
                labels = _labels(head)
                offices[labels.pop("office", "")] = labels
            elif head.startswith(OTHERS) and len(others) < MOST_OTHERS:
                name = head.partition(b"{")[0].decode(errors="replace")
                (others[name, frozenset(_labels(head).items())],) = _numbers([number])
        return others

    def _begin_family(self, line: bytes) -> bool:
        """Note what is said of a family; tell whether its lines belong to a scope."""
        found = _FAMILY.match(line)
        if found is None or found[2] == b"info":
            return False
        name, unit = _column(found[2].decode())
        if len(self._helps) < MOST_COLUMNS:
            self._helps.setdefault(name, found[3].decode(errors="replace"))
            self._units.setdefault(name, unit)
        return True

    def _find_slot(self, head: bytes) -> int:
        """Work out where the number of a line goes: scope, row, window and column in one number."""
        name, brace, inside = head.partition(b"{")
        found = _FAMILY.match(b"# HELP " + name + b" ")
        if found is None or not brace:
            return _NOWHERE
        scope = self._scopes[found[1].decode()]
        entity = self._entities.get((scope.name, inside))
        if entity is None:
            entity = self._find_entity(scope, inside)
            if entity.row != _NOWHERE and not entity.words:  # the same labels come with many metrics
                self._entities[scope.name, inside] = entity
        column, _ = _column(found[2].decode())
        place = scope.column("|".join((column, *entity.words)))
        if _NOWHERE in {entity.row, entity.window, place}:
            return _NOWHERE
        return _packed(SCOPES.index(scope.name), entity.row, entity.window, place)

    def _find_entity(self, scope: _Scope, inside: bytes) -> "_Entity":
        labels = _labels(inside)
        key = labels.pop("office", ""), "" if scope.name == "office" else labels.pop(scope.name, "")
        window = labels.pop("window", None)
        if window is not None and window not in self._windows and len(self._windows) == MOST_WINDOWS:
            return _Entity(_NOWHERE, _NOWHERE, ())
        place = MOST_WINDOWS if window is None else self._windows.setdefault(window, len(self._windows))
        first = [labels.pop(name) for name in ("index", "question") if name in labels]
        return _Entity(scope.row(key), place, (*first, *labels.values()))

    def _frame(
        self, number: int, windows: tuple[str, ...], slots: NDArray[np.int64], numbers: NDArray[np.float64]
    ) -> Frame:
        scope = self._scopes[SCOPES[number]]
        values = np.full((len(scope.rows), len(windows) + 1, len(scope.columns)), np.nan)
        arranged = np.full(MOST_WINDOWS + 1, len(windows))  # where each window stands; last what has none
        arranged[: len(windows)] = [windows.index(window) for window in self._windows]
        mine = (slots >= 0) & (slots >> 48 == number)
        place = slots[mine]
        values[(place >> 24) & 0xFFFFFF, arranged[(place >> 16) & 0xFF], place & 0xFFFF] = numbers[mine]
        return Frame(tuple(scope.rows), dict(scope.rows), dict(scope.columns), values)


def _numbers(texts: list[bytes]) -> list[float]:
    try:
        return [float(text) for text in texts]
    except ValueError:  # one of them is none: no worker of ours wrote it, but the others count
        return [float(text) if _NUMBER.fullmatch(text) else float("nan") for text in texts]


def _packed(scope: int, row: int, window: int, column: int) -> int:
    return scope << 48 | row << 24 | window << 16 | column


def _column(family: str) -> tuple[str, str]:
    """Name and unit of a family's columns."""
    for suffix, unit in (("_ratio", "ratio"), ("_seconds", "seconds")):
        if family.endswith(suffix):
            return family.removesuffix(suffix), unit
    return family, "money" if family in {"revenue", "margin", "average_ticket"} else "count"


def _length(window: str) -> tuple[float, str]:
    """What windows are sorted by."""
    try:
        return window_minutes(window), window
    except ValueError:  # no worker of ours has such a window
        return float("inf"), window


def _labels(head: bytes) -> dict[str, str]:
    return {
        name.decode(): _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], value.decode(errors="replace"))
        for name, value in _LABEL.findall(head)
    }


def _lines(text: bytes) -> Iterator[bytes]:
    """The lines, without a copy of the whole text."""
    start = 0
    while start < len(text):
        end = text.rfind(b"\n", start, start + _SLICE_BYTES) + 1 or text.find(b"\n", start) + 1 or len(text)
        yield from filter(None, text[start:end].split(b"\n"))
        start = end
