"""Plans pro-rated to windows: how much of what is planned for calendar periods falls to the part of a window that lies in them.

A plan counts by working time, the opening hours of the office on its own clocks: what a month plans is spread evenly over the time
in which the office is open in it. Of an employee only the days count on which they are employed.

    planned of a window = sum over plans of amount x working time of plan and window, up to now / working time of the plan

A window of which some working time lies in no plan has no planned amount: what was sold then would count against a plan for
something else. Nor has one without any working time.
"""

from datetime import date, timedelta
from itertools import count
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.directory import Directory, Employee, Plan
from streams.goal_indices import PLANNED
from streams.names import Entity
from streams.opening_hours import OpeningHours
from streams.periods import parse_period
from streams.time_zones import TimeZone

_FARTHEST: Final = timedelta(days=400)  # no window is longer
_FIRST_DAY: Final = date(1970, 1, 1)
_REMEMBERED: Final = 64  # instants of an office: the begins of windows stay for a while


_Arrays = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class Planned(NamedTuple):
    """What is planned for windows that end now."""

    entities: NDArray[np.int64]  # (n,) who has plans, ascending
    amounts: NDArray[np.float64]  # (n, windows, PLANNED) minor units, NaN for none


class _Clock:
    """Working time of an office, counted from an instant near to its plans."""

    def __init__(self, hours: OpeningHours, zone: TimeZone, origin: date) -> None:
        self._hours = hours
        self._zone = zone
        self._origin_ms = zone.day_begin_ms(origin)
        self._days: dict[date, int] = {}
        self._instants: dict[int, int] = {}

    def worked_ms(self, at_ms: int) -> int:
        """Working time before an instant, milliseconds; less than nothing before the origin."""
        if at_ms not in self._instants:
            if len(self._instants) >= _REMEMBERED:
                self._instants.clear()
            self._instants[at_ms] = self._counted_ms(max(at_ms, 0))
        return self._instants[at_ms]

    def _counted_ms(self, at_ms: int) -> int:
        if at_ms < self._origin_ms:
            return -self._hours.open_ms(at_ms, self._origin_ms)
        return self._hours.open_ms(self._origin_ms, at_ms)

    def worked_until(self, day: date) -> int:
        """The same before a local day."""
        if day not in self._days:
            self._days[day] = self._counted_ms(self._zone.day_begin_ms(max(day, _FIRST_DAY)))
        return self._days[day]


class PlanBook:
    """The plans of the entities of a partition, under one directory."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._clocks: dict[str, tuple[int, _Clock]] = {}  # by office, with its number
        self._entities: list[int] = []
        # Of each entity its clock, and the working time before its first day and until its last.
        self._employed: list[tuple[int, int, int]] = []
        # Of each plan the row of its entity, the working time before it begins and until it ends, and the amounts.
        self._plans: list[tuple[int, int, int, int, int]] = []
        self._entered: _Arrays | None = None

    def enter(self, number: int, entity: Entity) -> None:
        """Enter an entity that was named, by its number, greater than those before."""
        plans = self._directory.plans.get(entity)
        if not plans:
            return
        _, office, name = entity
        clock_number, clock = self._clock_of(office, plans)
        own = self._directory.employees.get((office, name)) if entity[0] == "employee" else None
        first, following = _employed(own, plans)
        for plan in plans:
            period = parse_period(plan.period)
            begin, end = max(period.first, first), min(period.following, following)
            if begin < end:
                worked = clock.worked_until(begin), clock.worked_until(end)
                self._plans.append((len(self._entities), *worked, plan.revenue_minor or 0, plan.margin_minor or 0))
        self._employed.append((clock_number, clock.worked_until(first), clock.worked_until(following)))
        self._entities.append(number)
        self._entered = None

    def _clock_of(self, office: str, plans: list[Plan]) -> tuple[int, _Clock]:
        if office not in self._clocks:
            origin = parse_period(plans[0].period).first
            clock = _Clock(self._directory.hours_of(office), self._directory.zone_of(office), origin)
            self._clocks[office] = (len(self._clocks), clock)
        return self._clocks[office]

    def planned(self, now_ms: int, begins_ms: NDArray[np.int64]) -> Planned:
        """What is planned of everyone for windows.

        Parameters
        ----------
        now_ms
            Where the windows end, epoch milliseconds.
        begins_ms
            Where each begins, (windows,).
        """
        clocks = [clock for _, clock in self._clocks.values()]
        worked_now = np.array([clock.worked_ms(now_ms) for clock in clocks], np.int64)
        worked_before = np.array([[clock.worked_ms(at) for at in begins_ms.tolist()] for clock in clocks], np.int64)
        worked_before = worked_before.reshape(-1, begins_ms.size)
        entities, employed, plans = self._arrays()
        clock_of, first, following = employed.T
        window_ends = worked_now[clock_of][:, None]
        window_begins = worked_before[clock_of]
        asked_ms = _overlap(first, following, window_begins, window_ends)

        rows, begins, ends, *amounts = plans.T
        inside_ms = _overlap(begins, ends, window_begins[rows], window_ends[rows])
        worked_ms = (ends - begins)[:, None]
        found = np.full((entities.size, begins_ms.size, len(PLANNED)), np.nan)
        for column, amount in zip(count(), amounts):
            given = (amount > 0) & (ends > begins)
            covered_ms = np.zeros_like(asked_ms)
            planned = np.zeros(asked_ms.shape)
            np.add.at(covered_ms, rows[given], inside_ms[given])
            np.add.at(
                planned, rows[given], amount[given, None] * inside_ms[given].astype(np.float64) / worked_ms[given]
            )
            found[:, :, column] = np.where((covered_ms == asked_ms) & (planned > 0), planned, np.nan)
        return Planned(entities, found)

    def _arrays(self) -> _Arrays:
        """What was entered, as arrays: entities (n,), employed (n, 3), plans (plans, 3 + PLANNED)."""
        if self._entered is None:
            self._entered = (
                np.array(self._entities, np.int64),
                np.array(self._employed, np.int64).reshape(-1, 3),
                np.array(self._plans, np.int64).reshape(-1, 3 + len(PLANNED)),
            )
        return self._entered


def _employed(own: Employee | None, plans: list[Plan]) -> tuple[date, date]:
    """The first day of an entity and the one after its last; farther from its plans than any window reaches, no more matters."""
    first = max(parse_period(plans[0].period).first, _FIRST_DAY + _FARTHEST) - _FARTHEST
    following = max(parse_period(plan.period).following for plan in plans) + _FARTHEST
    if own is not None and own.from_ is not None:
        first = max(first, own.from_)
    if own is not None and own.following is not None:
        following = min(following, max(own.following, first))
    return first, following


def _overlap(
    begins: NDArray[np.int64], ends: NDArray[np.int64], window_begins: NDArray[np.int64], window_ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How much of spans, (n,), lies in windows, (n, windows)."""
    common = np.minimum(ends[:, None], window_ends) - np.maximum(begins[:, None], window_begins)
    overlap: NDArray[np.int64] = np.maximum(common, 0)
    return overlap
