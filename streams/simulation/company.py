"""The company that is simulated: its offices, panels and people, and what is true about them.

Everything here is drawn once from the seed and never changes; what happens on a day is drawn in `plan` and `floor`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

Event = dict[str, Any]
"""An event or a record of truth, ready for JSON."""

Question = Literal["personnel", "office", "loyalty"]
QUESTIONS: Final[tuple[Question, ...]] = ("personnel", "office", "loyalty")

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
DAY_BEGINS_MS: Final = 4 * HOUR_MS
"""A simulated day runs from 04:00 to 04:00 local time; everyone has gone by then, so that no day leans on another."""

GREATEST_SKEW_MS: Final = 2_000
"""No panel's clock is further off than this: `ts` may exceed the arrival by so much."""

TOWNS: Final = (
    "riga",
    "tallinn",
    "vilnius",
    "turku",
    "gdansk",
    "lund",
    "bergen",
    "odense",
    "kaunas",
    "tartu",
    "liepaja",
    "vaasa",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What the offices of one kind have in common; minutes count from local midnight and may pass 24 h."""

    name: str
    opens_minute: int
    closes_minute: int
    shifts: int
    weekend: bool
    service_s: float
    load: float
    busy: tuple[float, ...]
    """How busy the hours are, beginning with the first open one, on any scale."""
    patience_s: float
    phone_share: float
    sale_share: float
    ticket_minor: int
    panels_per_seller: float


# fmt: off
KINDS: Final = (
    Kind("shop", 10 * 60, 20 * 60, 2, weekend=True, service_s=150, load=0.72, patience_s=600, phone_share=0.03,
         busy=(5, 6, 9, 10, 7, 6, 8, 12, 11, 6), sale_share=0.55, ticket_minor=3_900, panels_per_seller=0.7),
    Kind("branch", 9 * 60, 18 * 60, 1, weekend=False, service_s=330, load=0.66, patience_s=1_200, phone_share=0.08,
         busy=(8, 9, 8, 12, 13, 8, 7, 9, 10), sale_share=0.18, ticket_minor=24_000, panels_per_seller=1.0),
    Kind("contact_centre", 8 * 60, 20 * 60, 2, weekend=True, service_s=170, load=0.44, patience_s=180, phone_share=1.0,
         busy=(8, 13, 14, 11, 9, 10, 9, 8, 9, 10, 8, 5), sale_share=0.12, ticket_minor=7_500, panels_per_seller=1.0),
    Kind("station", 4 * 60, 27 * 60 + 30, 3, weekend=True, service_s=95, load=0.45, patience_s=420, phone_share=0.01,
         busy=(2, 4, 9, 13, 11, 7, 7, 8, 8, 7, 7, 9, 12, 13, 10, 7, 5, 4, 3, 2, 2, 1, 1, 1), sale_share=0.8,
         ticket_minor=5_200, panels_per_seller=0.5),
)
# fmt: on

PRESENT_SHARE: Final = 0.75
"""The others have a day off."""
SILENT_SHARE: Final = (0.2, 0.3)


def stream(*names: object) -> random.Random:
    """Return an own source of chance for these names: the same names, the same numbers, whatever else was drawn."""
    return random.Random("/".join(map(str, names)))  # noqa: S311 - a simulation, no secret


@dataclass(frozen=True, slots=True)
class Leaning:
    """How a survey turns out, as probabilities; the rest says yes."""

    no: float
    hard_to_say: float
    silent: float

    def outcome(self, chance: float, worse: float) -> str:
        """Return the outcome for a `chance` in [0, 1), with dissatisfaction `worse` times as likely as usual."""
        if chance < self.silent:
            return "silent"
        if chance >= 1 - self.hard_to_say:
            return "hard_to_say"
        return "no" if chance < self.silent + self.no * worse else "yes"

    def record(self) -> dict[str, float]:
        """Return the four probabilities by outcome."""
        yes = 1 - self.no - self.hard_to_say - self.silent
        shares = {"yes": yes, "no": self.no, "hard_to_say": self.hard_to_say, "silent": self.silent}
        return {outcome: round(share, 6) for outcome, share in shares.items()}


@dataclass(frozen=True, slots=True)
class Seller:
    """An employee as one office knows them; a floater stands in two offices, on alternating days."""

    employee_id: str
    leanings: dict[Question, Leaning]
    pace: float
    """Service time relative to the office's."""
    forgets: float
    """Share of customers for whom the seller does not press."""
    sells: float
    """Share of sales relative to the office's."""
    floats_on: int | None = None
    """A floater is here on days of this parity; others always."""


@dataclass(frozen=True, slots=True)
class Office:
    """One office and what is true about it."""

    office_id: str
    kind: Kind
    sellers: tuple[Seller, ...]
    panels: tuple[str, ...]
    skews_ms: dict[str, int]
    """By panel: how far its clock is ahead of the true time."""
    asks: Literal["rotation", "calendar", "default"]
    """Presses name one question or another; or that of the day of the month (1-10, 11-20, 21-); or none, the default."""
    process: Leaning
    counts_each_visitor: bool
    """Whether the counter reports every visitor, or sums of some minutes."""
    trouble: float
    """How often force majeures happen here, relative to others."""

    def customers_per_ms(self, minute: float) -> float:
        """Return the rate of customers at a minute of the local day, open or not."""
        kind = self.kind
        if not kind.opens_minute <= minute < kind.closes_minute:
            return 0.0
        on_duty = len(self.sellers) * PRESENT_SHARE / kind.shifts
        usual = kind.load * max(1.0, on_duty) / (kind.service_s * 1000)
        hour = int(minute - kind.opens_minute) // 60
        return usual * kind.busy[hour] * len(kind.busy) / sum(kind.busy)

    def question(self, day_of_month: int) -> Question:
        """Return what an office without rotation asks on a day of the month."""
        if self.asks != "calendar":
            return "personnel"
        return QUESTIONS[min(day_of_month - 1, 20) // 10]


@dataclass(frozen=True)
class Company:
    """A company drawn from a seed.

    `employees_per_office` is the mean; sizes differ. `utc_offset_ms` is the local time of all offices.
    """

    seed: int = 1
    office_count: int = 6
    employees_per_office: int = 8
    utc_offset_ms: int = 0
    offices: tuple[Office, ...] = field(init=False)

    def __post_init__(self) -> None:
        if self.office_count < 1 or self.employees_per_office < 1:
            raise ValueError("a company has at least one office, and an office one employee")
        if self.utc_offset_ms % QUARTER_MS:
            raise ValueError("a time zone is whole quarters of an hour away from UTC")
        offices = [_office(self.seed, number, self.employees_per_office) for number in range(self.office_count)]
        for home, other in zip(offices[::2], offices[1::2], strict=False):
            floater = _seller(stream(self.seed, home.office_id, "floater"), f"{home.office_id}-floater", home.process)
            _add_floater(offices, home, floater, 0)
            _add_floater(offices, other, floater, 1)
        object.__setattr__(self, "offices", tuple(offices))

    def truth(self) -> list[Event]:
        """Return one record per office and per employee of an office, with the true probabilities."""
        records: list[Event] = []
        for office in self.offices:
            head = {"truth": "office", "office_id": office.office_id, "kind": office.kind.name, "asks": office.asks}
            records.append(head | {"panels": list(office.panels), "office": office.process.record()})
            records.extend(
                {"truth": "employee", "office_id": office.office_id, "employee_id": seller.employee_id}
                | {question: leaning.record() for question, leaning in seller.leanings.items()}
                for seller in office.sellers
            )
        return records


def morning_offset_ms(now_ms: int) -> int:
    """Return the `utc_offset_ms` of a company for which it is about 10:30 now, so that something can be seen at once."""
    return (10 * HOUR_MS + 30 * MINUTE_MS - now_ms) % DAY_MS // QUARTER_MS * QUARTER_MS


def _add_floater(offices: list[Office], office: Office, floater: Seller, parity: int) -> None:
    """Let a floater stand in an office on days of one parity."""
    of_office = _leaning(office.process.no, floater.leanings["office"].silent)
    here = replace(floater, leanings=floater.leanings | {"office": of_office}, floats_on=parity)
    offices[offices.index(office)] = replace(office, sellers=(*office.sellers, here))


def _office(seed: int, number: int, employees: int) -> Office:
    """Draw one office."""
    chance = stream(seed, "office", number)
    kind = KINDS[number % len(KINDS)]
    office_id = f"{TOWNS[number % len(TOWNS)]}-{number // len(TOWNS) + 1}"
    process = Leaning(min(0.45, 0.04 + chance.betavariate(1.5, 10)), 0.04, sum(SILENT_SHARE) / 2)
    size = max(1, round(employees * chance.uniform(0.6, 1.4)))
    sellers = tuple(_seller(chance, f"{office_id}-e{n:02d}", process) for n in range(1, size + 1))
    prefix = "line" if kind.phone_share == 1 else "panel"
    panels = tuple(f"{prefix}-{n}" for n in range(1, max(1, round(size * kind.panels_per_seller)) + 1))
    return Office(
        office_id,
        kind,
        sellers,
        panels,
        skews_ms={panel: round(chance.triangular(-GREATEST_SKEW_MS, GREATEST_SKEW_MS, 0)) for panel in panels},
        # The first offices ask all three questions in turn, so that even a small company shows every index.
        asks=("rotation", "rotation", "rotation", "default", "calendar")[number % 5],
        process=process,
        counts_each_visitor=chance.random() < 2 / 3,
        trouble=chance.uniform(0.3, 2.0),
    )


def _seller(chance: random.Random, employee_id: str, process: Leaning) -> Seller:
    """Draw one seller: most are good, a few are not."""
    silent = chance.uniform(*SILENT_SHARE)
    own = 0.02 + 0.55 * chance.betavariate(1.0, 7)
    return Seller(
        employee_id,
        {
            "personnel": _leaning(own, silent),
            "office": _leaning(process.no, silent),
            "loyalty": _leaning(0.5 * own + 0.6 * process.no + 0.04, silent),
        },
        pace=chance.uniform(0.8, 1.25),
        forgets=chance.uniform(0.01, 0.09),
        sells=chance.uniform(0.7, 1.2),
    )


def _leaning(no: float, silent: float) -> Leaning:
    return Leaning(no, 0.05, silent)
