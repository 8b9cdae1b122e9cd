"""Metrics of the moment: offices that are open, and how panels do. What alerts of silence and of orphans rest on."""

import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from agents.text_format import Columns, escaped, head
from streams.directory import Directory
from streams.partition import Partition
from streams.presence import ROLES, is_open, panels_in_service, panels_now

OFFICES_AT_ONCE = 20  # between which others get their turn
PANELS_AT_ONCE = 200
SERIES_OF_A_PANEL = 1 + len(ROLES)
KEPT_S: Final = 5.0
MOST_KEPT_BYTES: Final = 4 * 2**20


class KeptPresence:
    """The text, made anew every few seconds: panels are quiet for hours before somebody is told, and there may be thousands.

    ``left_out`` is how many series had no room in what was told last.
    """

    def __init__(self, most: int) -> None:
        self.left_out = 0
        self._most = most
        self._text = b""
        self._of: list[weakref.ref[object]] = []  # who lets go of a partition must not find it kept here
        self._made_s = float("-inf")

    def pieces(self, partitions: Sequence[Partition], directory: Directory) -> Iterator[bytes]:
        """The text of some partitions, each of which is told of at once as it comes and goes; pieces may be empty."""
        of, began_s = (directory, *partitions), time.monotonic()
        if [kept() for kept in self._of] == list(of) and began_s < self._made_s + KEPT_S:
            yield self._text
            return
        presence, made = Presence(partitions, directory, self._most), bytearray()
        for piece in presence.pieces():
            if len(made) <= MOST_KEPT_BYTES:
                made += piece
            yield piece
        self.left_out = presence.left_out
        is_kept = len(made) <= MOST_KEPT_BYTES
        self._text, self._of = (bytes(made), [weakref.ref(each) for each in of]) if is_kept else (b"", [])
        self._made_s = began_s


class Presence:
    """The text of one scrape; ``left_out`` is how many series had no room in it, known when the pieces have come."""

    def __init__(self, partitions: Sequence[Partition], directory: Directory, room: int) -> None:
        self.left_out = 0
        self._partitions = partitions
        self._directory = directory
        self._room = room

    def pieces(self) -> Iterator[bytes]:
        """The text; pieces may be empty."""
        yield from self._offices()
        yield from self._panels()

    def _offices(self) -> Iterator[bytes]:
        yield head(
            "kqi_office_open",
            "1 while an office is open, 0 while it is closed; of those with opening hours in the directory.",
        )
        for partition in self._partitions:
            offices = list(partition.names.offices)
            for start in range(0, len(offices), OFFICES_AT_ONCE):
                lines = []
                for entity in offices[start : start + OFFICES_AT_ONCE]:
                    office = partition.names.entities[entity][1]
                    opened = is_open(self._directory, office, partition.now.now_ms)
                    if opened is None:
                        continue
                    if self._room:
                        lines.append(f'kqi_office_open{{office="{escaped(office)}"}} {float(opened)!r}\n')
                    self._take_room(1, min(1, self._room))
                yield "".join(lines).encode()

    def _panels(self) -> Iterator[bytes]:
        labels, values = [], [np.empty((0, SERIES_OF_A_PANEL))]
        for partition in self._partitions:
            numbers = panels_in_service(partition)
            fitting = numbers[: self._room // SERIES_OF_A_PANEL]
            self._take_room(SERIES_OF_A_PANEL * numbers.size, SERIES_OF_A_PANEL * fitting.size)
            for start in range(0, fitting.size, PANELS_AT_ONCE):
                some = fitting[start : start + PANELS_AT_ONCE]
                found = panels_now(partition, self._directory, some)  # of now: others had a turn
                values.append(np.column_stack([found.quiet_ms / 1000, found.customer_presses]))
                names = [partition.names.panels[number] for number in some.tolist()]
                labels += [f'office="{escaped(of)}",panel="{escaped(panel)}"}} '.encode() for of, panel in names]
                yield b""
        columns = Columns(labels, np.concatenate(values))
        yield from columns.look()
        yield head("kqi_panel_quiet_seconds", "Opening time since the last press on a panel.")
        yield from columns.lines(b"kqi_panel_quiet_seconds{", 0)
        yield head("kqi_panel_customer_presses", "Customer presses of the last hour, by what became of them.")
        for column, role in enumerate(ROLES, 1):
            yield from columns.lines(f'kqi_panel_customer_presses{{role="{role}",'.encode(), column)

    def _take_room(self, series: int, fitting: int) -> None:
        """Take room for those of some series that fit; where not all do, there is none for whatever comes behind."""
        self.left_out += series - fitting
        self._room = self._room - fitting if fitting == series else 0
