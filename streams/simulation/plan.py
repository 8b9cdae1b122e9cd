"""What is settled before an office's day begins: who stands where and when, what goes wrong, what the expert will say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from streams.simulation.company import DAY_BEGINS_MS, DAY_MS, HOUR_MS, MINUTE_MS, PRESENT_SHARE, Office, Seller, stream

if TYPE_CHECKING:
    import random

FORCE_MAJEURE_MS: Final = 15 * MINUTE_MS
LONGEST_OUTAGE_MS: Final = 20 * HOUR_MS
"""Panels deliver within the correction horizon of 24 h."""
WEEKEND_BEGINS: Final = 5
THURSDAY: Final = 3
"""Day 0 of the epoch was a Thursday (Monday is 0)."""

BAD_DAYS: Final = 0.06
OUTAGES: Final = 0.08
"""Share of panels and days."""
TROUBLES_A_DAY: Final = 1.5
OFFICE_WIDE: Final = 0.3
FALSE_ALARMS: Final = 0.2
NEVER_REVIEWED: Final = 0.2
MISJUDGED: Final = 0.08
OVERTURNED: Final = 0.12


class Period(NamedTuple):
    """A stretch of true time, the end not in it."""

    from_ms: int
    to_ms: int

    def holds(self, at_ms: float) -> bool:
        """Tell whether an instant lies inside."""
        return self.from_ms <= at_ms < self.to_ms


class Shift(NamedTuple):
    """An entry of the shift plan."""

    seller: Seller
    kind: str
    period: Period


@dataclass(slots=True)
class Duty:
    """A seller at a panel, with the stretches at work between the breaks."""

    seller: Seller
    panel_id: str
    stretches: list[Period]
    free_ms: float = 0.0
    """When the seller is through with the customers so far."""

    def at_work(self, at_ms: float) -> bool:
        """Tell whether the seller takes customers at an instant."""
        return any(stretch.holds(at_ms) for stretch in self.stretches)


class Verdict(NamedTuple):
    """What an expert says; for a force majeure, perhaps with ends and the whole office."""

    ts_ms: int
    reliable: bool
    from_ms: int | None = None
    to_ms: int | None = None
    scope: str | None = None


@dataclass(slots=True)
class Majeure:
    """A force majeure as declared by a long press, and what the expert will make of it."""

    press_ms: int
    """Of the panel's clock."""
    duty: Duty
    hold_ms: int
    real: bool
    verdicts: list[Verdict]
    """In order of time."""

    def latest(self, end_ms: int) -> Verdict | None:
        """Return the verdict in force when the simulation ends."""
        given = [verdict for verdict in self.verdicts if verdict.ts_ms < end_ms]
        return given[-1] if given else None

    def declares(self, panel_id: str, ts_ms: int) -> bool:
        """Tell whether a seller press lies in what the long press itself declared."""
        return panel_id == self.duty.panel_id and self.press_ms <= ts_ms <= self.press_ms + FORCE_MAJEURE_MS

    def stands_over(self, panel_id: str, ts_ms: int, end_ms: int) -> bool:
        """Tell whether a seller press lies in what was confirmed at the end."""
        verdict = self.latest(end_ms)
        if verdict is None or not verdict.reliable or (verdict.scope != "office" and panel_id != self.duty.panel_id):
            return False
        from_ms = self.press_ms if verdict.from_ms is None else verdict.from_ms
        to_ms = self.press_ms + FORCE_MAJEURE_MS if verdict.to_ms is None else verdict.to_ms
        return from_ms <= ts_ms <= to_ms


@dataclass(slots=True)
class Plan:
    """One office's day."""

    midnight_ms: int
    """The local midnight before the day begins."""
    open: bool
    shifts: list[Shift] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    worse: float = 1.0
    """How much likelier dissatisfaction is on this day, in the whole office."""
    troubles: list[tuple[Period, str | None]] = field(default_factory=list)
    """What really went wrong, and at which panel (None: everywhere)."""
    majeures: list[Majeure] = field(default_factory=list)
    outages: dict[str, Period] = field(default_factory=dict)
    """By panel: when it could not deliver."""


def make_plan(seed: int, office: Office, day: int, utc_offset_ms: int) -> Plan:
    """Draw an office's day; `day` counts local days from the epoch."""
    chance = stream(seed, office.office_id, day, "plan")
    midnight_ms = day * DAY_MS - utc_offset_ms
    plan = Plan(midnight_ms, open=office.kind.weekend or (day + THURSDAY) % 7 < WEEKEND_BEGINS)
    if not plan.open:
        return plan
    if chance.random() < BAD_DAYS:
        plan.worse = chance.uniform(1.5, 2.5)
    _staff(plan, office, day, chance)
    for panel_id in office.panels:
        if chance.random() < OUTAGES:
            begins_ms = midnight_ms + DAY_BEGINS_MS + round(chance.uniform(0, DAY_MS))
            lasts_ms = min(LONGEST_OUTAGE_MS, round(chance.lognormvariate(0, 1.3) * HOUR_MS))
            plan.outages[panel_id] = Period(begins_ms, begins_ms + lasts_ms)
    _troubles(plan, office, chance)
    return plan


def _staff(plan: Plan, office: Office, day: int, chance: random.Random) -> None:
    """Fill the shifts: who is present, at which panel, with which breaks."""
    kind = office.kind
    here = [seller for seller in office.sellers if seller.floats_on in {None, day % 2}]
    present = [seller for seller in here if chance.random() < PRESENT_SHARE]
    while len(present) < min(len(here), kind.shifts):
        present.append(next(seller for seller in here if seller not in present))
    chance.shuffle(present)
    opens, closes = (plan.midnight_ms + minute * MINUTE_MS for minute in (kind.opens_minute, kind.closes_minute))
    # Shifts of one day overlap a little, so that no customer stands before an empty office.
    length = closes - opens if kind.shifts == 1 else round((closes - opens) * 1.2 / kind.shifts)
    for place, seller in enumerate(present):
        shift = place % kind.shifts
        begins = opens + (0 if shift == 0 else round((closes - opens - length) * shift / (kind.shifts - 1)))
        work = Period(begins, begins + length)
        plan.shifts.append(Shift(seller, "work", work))
        breaks = _breaks(seller, work, chance)
        plan.shifts.extend(breaks)
        edges = [work.from_ms, *(edge for pause in breaks for edge in pause.period), work.to_ms]
        stretches = [Period(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
        panel_id = office.panels[place // kind.shifts % len(office.panels)]
        plan.duties.append(Duty(seller, panel_id, stretches))
    plan.shifts.extend(
        Shift(seller, "leave", Period(opens, closes))
        for seller in here
        if seller not in present and chance.random() < 1 / 3
    )


def _breaks(seller: Seller, work: Period, chance: random.Random) -> list[Shift]:
    """Return a seller's pauses in order: a meal in the middle, a rest later, now and then a training."""
    length = work.to_ms - work.from_ms
    meal = work.from_ms + round(length * chance.uniform(0.35, 0.55))
    rest = work.from_ms + round(length * chance.uniform(0.7, 0.85))
    pauses = [
        Shift(seller, "break", Period(meal, meal + 35 * MINUTE_MS)),
        Shift(seller, "break", Period(rest, rest + 12 * MINUTE_MS)),
    ]
    if chance.random() < 1 / 20:
        pauses[1] = Shift(seller, "training", Period(rest, min(work.to_ms, rest + 60 * MINUTE_MS)))
    return pauses


def _troubles(plan: Plan, office: Office, chance: random.Random) -> None:
    """Draw what goes wrong and who declares it, rightly or not."""
    begins_ms = plan.midnight_ms + office.kind.opens_minute * MINUTE_MS
    ends_ms = plan.midnight_ms + office.kind.closes_minute * MINUTE_MS
    while (begins_ms := begins_ms + round(chance.expovariate(TROUBLES_A_DAY * office.trouble / DAY_MS))) < ends_ms:
        at_work = [duty for duty in plan.duties if duty.at_work(begins_ms)]
        if not at_work:
            continue
        duty = chance.choice(at_work)
        real = chance.random() >= FALSE_ALARMS
        everywhere = chance.random() < OFFICE_WIDE
        period = Period(begins_ms, begins_ms + round(chance.uniform(5, 60) * MINUTE_MS))
        if real:
            plan.troubles.append((period, None if everywhere else duty.panel_id))
        press_ms = begins_ms + round(chance.uniform(0.2, 6) * MINUTE_MS) + office.skews_ms[duty.panel_id]
        verdicts = _verdicts(press_ms, period, real=real, everywhere=real and everywhere, chance=chance)
        plan.majeures.append(Majeure(press_ms, duty, round(chance.uniform(3_000, 7_000)), real, verdicts))


def _verdicts(press_ms: int, period: Period, *, real: bool, everywhere: bool, chance: random.Random) -> list[Verdict]:
    """Draw the expert's verdicts on a force majeure; a verdict against the truth may be overturned."""
    if chance.random() < NEVER_REVIEWED:
        return []
    confirm = real != (chance.random() < MISJUDGED)
    ts_ms = press_ms + review_delay_ms(chance)
    verdicts = [_verdict(ts_ms, period, confirm=confirm, everywhere=everywhere, chance=chance)]
    if confirm != real or chance.random() < OVERTURNED:
        ts_ms += review_delay_ms(chance)
        verdicts.append(_verdict(ts_ms, period, confirm=not confirm, everywhere=everywhere, chance=chance))
    return verdicts


def _verdict(ts_ms: int, period: Period, *, confirm: bool, everywhere: bool, chance: random.Random) -> Verdict:
    if not confirm:
        return Verdict(ts_ms, reliable=False)
    scope = "office" if everywhere else None
    # The expert sees on video when it began and ended, and moves both ends about half the time.
    from_ms, to_ms = period if chance.random() < 1 / 2 else (None, None)
    return Verdict(ts_ms, reliable=True, from_ms=from_ms, to_ms=to_ms, scope=scope)


def review_delay_ms(chance: random.Random) -> int:
    """Draw how long after a press the expert looks at it: mostly within hours, two days at most."""
    return round(min(48 * HOUR_MS, 90_000 + chance.lognormvariate(0, 1.4) * 45 * MINUTE_MS))
