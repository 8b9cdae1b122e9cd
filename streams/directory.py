"""The directory: offices, employees, panels, plans and matrices, and what follows from them.

It is taken as a whole or not at all; :mod:`streams.directory_check` finds its faults.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Final, Literal, cast, get_args

import msgspec
from msgspec import Meta

from kernels.layout import LOYALTY, OFFICE, PERSONNEL
from streams.events import Id
from streams.opening_hours import WEEKDAYS, OpeningHours, parse_span
from streams.periods import parse_period
from streams.questions import LONGEST_MONTH, Schedule, Schedules, schedule
from streams.time_zones import TimeZone, time_zone

Question = Literal["personnel", "office", "loyalty"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Text = Annotated[str, Meta(min_length=1, max_length=200)]
Limits = Annotated[tuple[float, float], Meta(description="Least and most")]
Money = Annotated[int, Meta(ge=1, le=2**63 - 1)]
TOPIC: Final = (
    "directory"  # that it may come from, without the prefix; of one partition: the order of its messages decides
)
QUESTION_CODES: Final[dict[str, int]] = {"personnel": PERSONNEL, "office": OFFICE, "loyalty": LOYALTY}
assert get_args(Weekday) == WEEKDAYS


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What all kinds of entries share."""


class Days(_Entry, frozen=True):
    """Days of the month, and the question that is asked on them."""

    days: str  # such as "11-20", or "31"
    question: Question


Questions = Question | tuple[Days, ...]  # one for good, or by days of the month


class Defaults(_Entry, frozen=True):
    """What holds for offices that say nothing else, and for those that the directory does not name."""

    time_zone: str = "UTC"
    questions: Questions = "personnel"
    matrix: Id | None = None


class Office(_Entry, frozen=True):
    """An office."""

    id: Id
    name: Text | None = None
    region: Text | None = None
    time_zone: str | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")] | None = None
    opening_hours: dict[Weekday, tuple[str, ...]] | None = None  # a day left out is closed; without all it never closes
    exceptions: dict[date, tuple[str, ...]] = msgspec.field(default_factory=dict)
    questions: Questions | None = None
    representative_by: Literal["coverage", "conversion", "none"] | None = None
    coverage_limits: Limits | None = None
    conversion_limits: Limits | None = None
    matrix: Id | None = None  # of its employees who have none of their own


class Employee(_Entry, frozen=True):
    """An employee of an office; who works in two stands in both."""

    id: Id
    office: Id
    name: Text | None = None
    department: Id | None = None  # as in ratings between departments
    leader: Id | None = None
    leader_office: Id | None = None  # the leader's, where it is another one
    from_: date | None = msgspec.field(default=None, name="from")  # the first day
    to: date | None = None  # the last one
    matrix: Id | None = None

    @property
    def following(self) -> date | None:
        """The day after the last one; None where there is none, or none to speak of: many write 9999-12-31 for that."""
        return None if self.to is None or self.to == date.max else self.to + timedelta(days=1)

    @property
    def leader_key(self) -> tuple[str, str] | None:
        """Office and id of the leader."""
        return None if self.leader is None else (self.leader_office or self.office, self.leader)


class Panel(_Entry, frozen=True):
    """A workplace."""

    id: Id
    office: Id
    name: Text | None = None


class Plan(_Entry, frozen=True, kw_only=True):
    """How much an office, one of its employees or one of its categories of goods is to sell in a calendar period."""

    office: Id
    employee: Id | None = None
    category: Id | None = None
    period: str  # as of streams.periods
    revenue_minor: Money | None = None
    margin_minor: Money | None = None

    @property
    def whose(self) -> "Whose":
        """The entity that it is for."""
        if self.category is not None:
            return ("category", self.office, self.category)
        return ("office", self.office, "") if self.employee is None else ("employee", self.office, self.employee)


class Line(_Entry, frozen=True):
    """A line of a matrix: from base to goal an index goes all the way."""

    index: str
    weight: Annotated[float, Meta(gt=0, le=1)]
    base: float
    goal: float
    clip: Limits = (0.0, 1.0)


class Matrix(_Entry, frozen=True, kw_only=True):
    """What an employee's score is made of."""

    id: Id
    window: str | None = None  # the one that it is for; without, all of them
    lines: Annotated[tuple[Line, ...], Meta(min_length=1, max_length=100)]


Entry = Defaults | Office | Employee | Panel | Plan | Matrix
KINDS: Final[dict[str, type[Entry]]] = {
    "defaults": Defaults,
    "office": Office,
    "employee": Employee,
    "panel": Panel,
    "plan": Plan,
    "matrix": Matrix,
}
Key = tuple[str, ...]  # kind, office unless it is one or of none, id
Whose = tuple[str, str, str]  # as of streams.names: scope, office, name


def key_of(entry: Entry) -> Key:
    """What no other entry has."""
    kind = next(kind for kind, struct in KINDS.items() if isinstance(entry, struct))
    if isinstance(entry, Defaults):
        return (kind,)
    if isinstance(entry, Plan):
        return (kind, entry.office, entry.employee or "", entry.category or "", entry.period)
    return (kind, entry.id) if isinstance(entry, Office | Matrix) else (kind, entry.office, entry.id)


class Directory:
    """Entries that hold together; looked up by what events name."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries: dict[Key, Entry] = {key_of(entry): entry for entry in entries}
        self._hours: dict[str, OpeningHours] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Directory) and self.entries == other.entries

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def defaults(self) -> Defaults:
        """What holds where nothing else is said."""
        return cast("Defaults", self.entries.get(("defaults",), Defaults()))

    @cached_property
    def offices(self) -> dict[str, Office]:
        """Offices by id."""
        return {each.id: each for each in self.entries.values() if isinstance(each, Office)}

    @cached_property
    def employees(self) -> dict[tuple[str, str], Employee]:
        """Employees by office and id."""
        return {(each.office, each.id): each for each in self.entries.values() if isinstance(each, Employee)}

    @cached_property
    def panels(self) -> dict[tuple[str, str], Panel]:
        """Panels by office and id."""
        return {(each.office, each.id): each for each in self.entries.values() if isinstance(each, Panel)}

    @cached_property
    def plans(self) -> dict[Whose, list[Plan]]:
        """Plans by whose they are, in the order of their periods."""
        found: dict[Whose, list[Plan]] = {}
        for each in self.entries.values():
            if isinstance(each, Plan):
                found.setdefault(each.whose, []).append(each)
        return {whose: sorted(plans, key=lambda plan: parse_period(plan.period)) for whose, plans in found.items()}

    @cached_property
    def matrices(self) -> dict[str, Matrix]:
        """Matrices by id."""
        return {each.id: each for each in self.entries.values() if isinstance(each, Matrix)}

    @cached_property
    def leaders(self) -> set[tuple[str, str]]:
        """Office and id of everyone who leads somebody."""
        return {each.leader_key for each in self.employees.values() if each.leader_key is not None}

    def matrix_of(self, office: str, employee: str) -> Matrix | None:
        """The matrix of an employee, known or not: their own, or else their office's or the default one, which leaders do not take."""
        own = self.employees.get((office, employee))
        found = own.matrix if own is not None else None
        if found is None and (office, employee) not in self.leaders:
            known = self.offices.get(office)
            found = (known.matrix if known is not None else None) or self.defaults.matrix
        return None if found is None else self.matrices[found]

    def leaders_of(self, office: str, employee: str) -> Iterator[tuple[str, str]]:
        """Whom an employee reports to, and whom those report to, and so on."""
        own = self.employees.get((office, employee))
        while own is not None and own.leader_key is not None:
            yield own.leader_key
            own = self.employees.get(own.leader_key)

    def zone_of(self, office: str) -> TimeZone:
        """Time zone of an office, known or not."""
        return time_zone(self._zone_name(office))

    def hours_of(self, office: str) -> OpeningHours:
        """Opening hours of an office; one that is not known never closes."""
        if office not in self._hours:
            self._hours[office] = self._opening_hours(office)
        return self._hours[office]

    @cached_property
    def schedules(self) -> Schedules:
        """Schedules of questions."""
        zone, questions = self.defaults.time_zone, self.defaults.questions
        return Schedules(
            _schedule(zone, questions),
            {
                office.id: _schedule(office.time_zone or zone, office.questions or questions)
                for office in self.offices.values()
            },
        )

    def _zone_name(self, office: str) -> str:
        known = self.offices.get(office)
        return known.time_zone if known is not None and known.time_zone else self.defaults.time_zone

    def _opening_hours(self, office: str) -> OpeningHours:
        known = self.offices.get(office)
        if known is None:
            return OpeningHours(self.zone_of(office))
        week = None
        if known.opening_hours is not None:
            week = [[parse_span(text) for text in known.opening_hours.get(day, ())] for day in get_args(Weekday)]
        exceptions = {day: [parse_span(text) for text in texts] for day, texts in known.exceptions.items()}
        return OpeningHours(self.zone_of(office), week, exceptions)


def days_of(text: str) -> range:
    """Days of the month such as ``11-20`` or ``31``.

    Raises
    ------
    ValueError
        When the text is no such days.
    """
    first, dash, last = text.partition("-")
    if not (first.isdecimal() and first.isascii() and (not dash or (last.isdecimal() and last.isascii()))):
        raise ValueError(f"`{text}` are no days; expected days of the month such as 11-20")
    days = range(int(first), int(last if dash else first) + 1)
    if not 1 <= days.start < days.stop <= LONGEST_MONTH + 1:
        raise ValueError(f"`{text}` are no days from 1 to {LONGEST_MONTH}, in order")
    return days


def _schedule(zone: str, questions: Questions) -> Schedule:
    if isinstance(questions, str):
        return schedule("", [QUESTION_CODES[questions]] * LONGEST_MONTH)
    by_day = {day: QUESTION_CODES[each.question] for each in questions for day in days_of(each.days)}
    return schedule(zone, [by_day[day] for day in range(1, LONGEST_MONTH + 1)])


EMPTY: Final = Directory()
