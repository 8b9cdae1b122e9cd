"""What one round of asking all workers gave."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from agents.board.reading import Labels, Read

_SECRET: Final = re.compile(r"^(https?://)?.*@", re.IGNORECASE | re.DOTALL)


def shown(address: str) -> str:
    """An address without the name and the password before its host."""
    return _SECRET.sub(r"\1", address)


class WorkerAnswer(NamedTuple):
    """What one worker answered, or why it did not."""

    address: str  # as it is shown
    problem: str  # a sentence, "" for none
    series: Mapping[tuple[str, Labels], float] | None  # of the worker's own health; None without an answer
    rates: Mapping[str, float]  # per second, of counters, since the answer before

    @property
    def is_ready(self) -> bool:
        """Whether it shows all that it has."""
        return self.series is not None and bool(self.series.get(("kqi_worker_ready", frozenset())))


class Round(NamedTuple):
    """What all workers answered."""

    number: int
    at_ms: int  # wall clock
    took_s: float
    read: Read
    workers: tuple[WorkerAnswer, ...]
