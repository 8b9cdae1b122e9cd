"""Which question is in force for presses that name none: by the schedule of their office, on their local calendar day.

A schedule gives each day of the month a question; offices with the same one in the same time zone share it. Whole batches
are asked at once.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import PERSONNEL
from streams.time_zones import time_zone

LONGEST_MONTH = 31


class Schedule(NamedTuple):
    """The questions of an office."""

    zone: str  # name of its time zone; "" where every day has the same question
    days: tuple[int, ...]  # questions of the days 1 to 31


def schedule(zone: str, days: Iterable[int]) -> Schedule:
    """The schedule of a time zone and the questions of 31 days."""
    days = tuple(days)
    assert len(days) == LONGEST_MONTH
    return Schedule(zone if len(set(days)) > 1 else "", days)


PERSONNEL_ALWAYS = schedule("", [PERSONNEL] * LONGEST_MONTH)


class Schedules:
    """The schedules of all offices."""

    def __init__(self, default: Schedule = PERSONNEL_ALWAYS, by_office: Mapping[str, Schedule] | None = None) -> None:
        """Take the schedules.

        Parameters
        ----------
        default
            Of offices that ``by_office`` does not name.
        """
        # The same for all directories that mean the same, in whatever order they name offices: else all would be asked anew.
        others = {office: each for office, each in (by_office or {}).items() if each != default}
        distinct = [default, *sorted(set(others.values()))]
        numbers = {each: number for number, each in enumerate(distinct)}
        self._schedules = distinct
        self._numbers = {office: numbers[each] for office, each in others.items()}
        self.are_plain = distinct == [PERSONNEL_ALWAYS]  # every press that names none asks about the personnel
        self.fingerprint = sha256(repr((distinct, sorted(self._numbers.items()))).encode()).hexdigest()[:16]
        self._days = [np.array(each.days, np.int8) for each in distinct]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Schedules):
            return NotImplemented
        return self._schedules == other._schedules and self._numbers == other._numbers

    __hash__ = None  # type: ignore[assignment]

    def number_of(self, office: str) -> int:
        """Number of the schedule of an office."""
        return self._numbers.get(office, 0)

    def asked(self, numbers: NDArray[np.int32], ts_ms: NDArray[np.int64]) -> NDArray[np.int8]:
        """Questions in force.

        Parameters
        ----------
        numbers
            Of the schedules of the presses' offices, (n,).
        ts_ms
            When they were made, (n,) epoch milliseconds.

        Returns
        -------
        Codes of questions, (n,) int8.
        """
        questions = np.empty(ts_ms.size, np.int8)
        for number in np.flatnonzero(np.bincount(numbers, minlength=0)).tolist():
            zone, days = self._schedules[number].zone, self._days[number]
            here = numbers == number
            questions[here] = days[time_zone(zone).days_of_month(ts_ms[here]) - 1] if zone else days[0]
        return questions
