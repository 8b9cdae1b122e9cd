"""The directory as its topic has it: what each entry was last set to, and the last whole that was right.

Messages are taken in the order of their offsets. After each of them the entries hold together or not; in force is the
directory after the last one where they did. So everybody who reads the same log comes to the same.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streams.directory import Directory
from streams.directory_check import from_message, read

LOOKED_BACK = 100  # messages; each may cost a look at the whole directory


class Record(NamedTuple):
    """A message of the topic."""

    offset: int
    time_ms: int
    key: bytes | None
    value: bytes | None  # None: the entry is taken out


class Change(NamedTuple):
    """What came of new messages, or of files that were read again."""

    directory: Directory | None  # to be in force now, None for the one that was before
    faults: list[str]  # of what is there now; none where that is in force
    time_s: float  # when the one in force was made, epoch seconds


class DirectoryLog:
    """What a reader of the topic knows."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self.held: dict[bytes, Record] = {}  # by key
        self._time_s = 0.0
        self._next_offset = 0

    def take(self, records: Sequence[Record]) -> Change:
        """Take the next messages."""
        if records and records[0].offset < self._next_offset:
            self.held.clear()  # the topic was made anew
        self._next_offset = records[-1].offset + 1 if records else self._next_offset
        before = dict(self.held)
        _enter(self.held, records)
        directory, faults = self._read(self.held)
        taken = len(records)
        while directory is None and taken > 1 and len(records) - taken < LOOKED_BACK:
            taken -= 1
            held = dict(before)
            _enter(held, records[:taken])
            directory, _ = self._read(held)
        if directory is not None and taken:
            self._time_s = records[taken - 1].time_ms / 1000
        return Change(directory, faults, self._time_s)

    def _read(self, held: dict[bytes, Record]) -> tuple[Directory | None, list[str]]:
        return read(
            from_message(key, record.value or b"", f"topic {self._topic}, offset {record.offset}")
            for key, record in held.items()
        )


def _enter(held: dict[bytes, Record], records: Sequence[Record]) -> None:
    for record in records:
        if record.value is None:
            held.pop(record.key or b"", None)
        else:
            held[record.key or b""] = record
