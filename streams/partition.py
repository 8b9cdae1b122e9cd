"""The state of one partition of the input, and the events that change it."""

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.events import EVENT_ROW
from kernels.layout import ANSWERS, BOUNCES, EXTRAS, NONE, ORPHANS, QUESTIONS, Rules, Tables
from kernels.storage import empty_tables, longer
from streams.clock import Now, Progress
from streams.directory import Directory
from streams.goals import GoalBook
from streams.index import STAFF
from streams.names import Names
from streams.questions import Schedules
from streams.time_at_work import TimeAtWork
from streams.totals import Counters, counters_of

_NO_BYTES = np.zeros(0, np.uint8)


class Events(NamedTuple):
    """Accepted events."""

    rows: NDArray[np.void]  # EVENT_ROW
    buffer: NDArray[np.uint8]  # that they point into

    def where(self, mask: NDArray[np.bool_]) -> "Events":
        """The events that ``mask`` names."""
        return self._replace(rows=self.rows.compress(mask))  # `rows[mask]` would copy field by field


NO_EVENTS = Events(np.zeros(0, EVENT_ROW), _NO_BYTES)


class Partition:
    """The state of one partition of the input: everything that its offices' indices follow from."""

    def __init__(self, rules: Rules, schedules: Schedules) -> None:
        self.tables: Tables = empty_tables(rules)
        self.names = Names()
        self.time_at_work = TimeAtWork()
        self.known_offices = 0  # names that have their rows
        self.known_panels = 0
        self.office_numbers: dict[int, int] = {}  # by entity
        self.schedule_numbers = np.zeros(0, np.int32)  # by entity, of offices alone
        self.schedules = schedules  # whose numbers these are
        self.directory: Directory | None = None  # by whose opening hours the targets of requests are due
        self.goal_book: GoalBook | None = None  # of whom the directory asks something
        self.is_asked = True  # whether every press that names no question follows them
        self.offices_of = array("i")  # number of the office of each entity; -1 of those that are not judged by it
        self._number_of: dict[str, int] = {}  # of an office, by name
        self.topic_clock_ms: dict[str, int] = {}  # greatest min(ts, append time) of each topic
        self.applied_clock_ms: dict[str, int] = {}  # the same, before the batch that is being applied
        self.greatest_ts_ms = 0  # of every accepted event but shifts
        self.held: list[Events] = []  # events that lie ahead of now
        # What became of its logs' offsets so far; see streams.fates.
        self.applied = self.duplicates = self.too_late = self.rejected = self.moved = self.gaps = 0
        self.left_out = 0  # events after the end of a replay
        self.now = Now(0, 0)

    def know_names(self) -> None:
        """Take note that every name has its rows."""
        for number in range(self.known_offices, len(self.names.offices)):
            entity = self.names.offices[number]
            self.office_numbers[entity] = number
            self._number_of[self.names.entities[entity][1]] = number
        for scope, office, _ in self.names.entities[len(self.offices_of) :]:
            self.offices_of.append(self._number_of[office] if scope in STAFF else NONE)
        self._number_schedules(self.known_offices)
        self.known_offices = len(self.names.offices)
        self.known_panels = len(self.names.panels)

    def follow(self, schedules: Schedules) -> None:
        """Follow other schedules of questions: new presses at once, those of before when they are asked anew."""
        self.schedules = schedules
        self.is_asked = False
        self._number_schedules(0)

    def _number_schedules(self, known_offices: int) -> None:
        new = self.names.offices[known_offices:]
        if new:
            self.schedule_numbers = longer(self.schedule_numbers, new[-1] + 1)
            self.schedule_numbers[new] = [self.schedules.number_of(self.names.entities[each][1]) for each in new]

    @property
    def asked_by(self) -> str:
        """Fingerprint of the schedules of questions that all of it follows, "-" while some presses may follow others."""
        return self.schedules.fingerprint if self.is_asked else "-"

    @property
    def office_ids(self) -> list[str]:
        """Ids of the offices, by their numbers."""
        return list(self._number_of)

    @property
    def office_of(self) -> NDArray[np.int64]:
        """The entity of each employee's office, that of an office its own, -1 for other entities, (entities,)."""
        entities = np.array([*self.names.offices, NONE], np.int64)
        return entities[np.array(self.offices_of, np.int32)]

    def counters(self) -> Counters:
        """The counters of every entity as of now."""
        work = self.time_at_work.sums(self.tables, self.office_of)
        return counters_of(self.tables, len(self.names.entities), work)

    @property
    def asked_ms(self) -> NDArray[np.int64]:
        """When each question was last asked, (offices, QUESTIONS), -1 for never: a copy."""
        asked_ms = self.tables.asked["latest_ms"][: QUESTIONS * self.known_offices]
        return np.array(asked_ms.reshape(-1, QUESTIONS), np.int64)

    @property
    def peer_sums(self) -> NDArray[np.int64]:
        """Counters of the groups of ratings between departments, (groups, windows, 2): a copy."""
        return self.tables.peer_sums[: len(self.names.groups)].astype(np.int64)

    @property
    def progress(self) -> Progress:
        """What a clock wants to know."""
        return Progress(
            max(self.topic_clock_ms.values(), default=0), self.topic_clock_ms.get("presses", 0), self.greatest_ts_ms
        )

    @property
    def diagnostics(self) -> dict[str, int]:
        """Presses as paired now: bounces, answers, extras and orphans."""
        sizes = self.tables.sizes
        return {
            "bounce": int(sizes[BOUNCES]),
            "answer": int(sizes[ANSWERS]),
            "extra": int(sizes[EXTRAS]),
            "orphan": int(sizes[ORPHANS]),
        }
