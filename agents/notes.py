"""What is committed with an offset, for whoever begins there without a checkpoint: what was told of surveys by then, and as of when."""

from collections.abc import Iterable
from typing import NamedTuple

from streams.clock import Now


class Note(NamedTuple):
    """A state that had all before an offset."""

    told_until: int  # in the partition's surveys: whatever was told before follows from the state
    now: Now  # the time that it stood at
    asked_by: str  # fingerprint of the schedules that its questions followed; see `Partition.asked_by`

    def text(self) -> str:
        """Write it as metadata of a committed offset."""
        return f"{self.told_until} {self.now.now_ms} {self.now.silent_ms} {self.asked_by}"

    def under(self, asked_by: str) -> "Note":
        """The same for a state whose questions follow these schedules: if others were followed then, whatever was told may differ."""
        return self if self.asked_by == asked_by else self._replace(told_until=0)


def latest(texts: Iterable[str]) -> Note | None:
    """The latest of the notes of a partition's topics; others may have committed for the group, with anything or nothing."""
    notes = [_read(text) for text in texts]
    return max((note for note in notes if note is not None), default=None)


def _read(text: str) -> Note | None:
    *numbers, asked_by = text.split() or [""]
    if len(numbers) != len(("told_until", *Now._fields)) or not all(
        each.removeprefix("-").isdecimal() for each in numbers
    ):
        return None
    told_until, now_ms, silent_ms = map(int, numbers)
    return Note(told_until, Now(now_ms, silent_ms), asked_by)
