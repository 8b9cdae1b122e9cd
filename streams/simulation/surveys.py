"""Presses of sellers and customers at the panels of one office on one day, and what the expert says of them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from streams.simulation.company import DAY_MS, MINUTE_MS, QUESTIONS, Event, Office, Question
from streams.simulation.plan import Duty, Majeure, Plan, review_delay_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.simulation.post import Outbox

QUIET_MS: Final = MINUTE_MS
"""No survey opens so shortly before the end: its answer would be cut off."""
ANSWER_WINDOW_MS: Final = 30_000

ROTATION: Final = tuple(itertools.accumulate((0.5, 0.25, 0.25)))
"""Cumulative shares of the questions where panels ask all three."""

BOUNCES: Final = 0.03
EXTRAS: Final = 0.04
LATE_ANSWERS: Final = 0.015
"""Share of answers that come when the window is over."""
ORPHANS: Final = 0.3
"""Share of customers who press although the seller forgot to."""
REVIEWS: Final = {"yes": 0.01, "no": 0.12, "hard_to_say": 0.02, "silent": 0.02}
"""Share of surveys that the expert looks at."""
UNRELIABLE: Final = 0.35
OVERTURNED: Final = 0.1

TROUBLE_IS_WORSE: Final = 3.0
LONG_WAIT_S: Final = 300.0
LONG_WAIT_IS_WORSE: Final = 2.0
"""For the question about the office; a seller suffers from it half as much."""


@dataclass(slots=True)
class Panel:
    """What the people at a panel know of it."""

    pressed_ms: int = 0
    taken_until_ms: int = 0
    """When its last customer was through; colleagues wait so long."""


class Surveys:
    """The panels of an office on one day; presses come in order of time."""

    def __init__(
        self, outbox: Outbox, office: Office, plan: Plan, end_ms: int, truth: Callable[[Event], None] | None
    ) -> None:
        self.outbox = outbox
        self.office = office
        self.plan = plan
        self.end_ms = end_ms
        self.truth = truth
        self.panels: defaultdict[str, Panel] = defaultdict(Panel)
        self.declared: list[Majeure] = []
        # A station's day passes midnight, and with it perhaps the first of a month.
        dates = (datetime.fromtimestamp((outbox.day + later) * DAY_MS / 1000, UTC).day for later in (0, 1))
        self.scheduled = [office.question(date) for date in dates]
        for majeure in plan.majeures:
            self._declare(majeure)

    def part(self, ends_ms: int, duty: Duty, waited_s: float) -> str | None:
        """Let a seller part from a customer; return what the customer felt, None if nobody asked."""
        chance = self.outbox.chance
        panel = self.panels[duty.panel_id]
        at_ms = max(ends_ms, panel.taken_until_ms)
        if chance.random() >= duty.seller.forgets:
            return self._survey(at_ms, duty, panel, waited_s)
        if at_ms > panel.pressed_ms + ANSWER_WINDOW_MS and chance.random() < ORPHANS:
            self._answer(at_ms, duty, "yes" if chance.random() < 1 / 2 else "no")
            panel.taken_until_ms = at_ms + 500
        return None

    def _survey(self, at_ms: int, duty: Duty, panel: Panel, waited_s: float) -> str:
        """Open a survey and let the customer answer it, or not; return what the customer felt."""
        chance = self.outbox.chance
        question = self._question(at_ms)
        worse = self._worse(at_ms, duty, question, waited_s)
        felt = outcome = duty.seller.leanings[question].outcome(chance.random(), worse)
        press, arrival_ms = self._press(at_ms, duty, question)
        bounces = int(chance.random() < BOUNCES)
        if bounces:
            self._press(at_ms + round(chance.uniform(60, 900)), duty, question)
        panel.pressed_ms, panel.taken_until_ms = at_ms, at_ms + 2_000
        if felt != "silent":
            after_ms = min(ANSWER_WINDOW_MS - 1, 1_500 + round(chance.expovariate(1 / 5_000)))
            if chance.random() < LATE_ANSWERS:
                outcome = "silent"
                after_ms += ANSWER_WINDOW_MS
            panel.taken_until_ms = self._answers(at_ms + after_ms, duty, felt)
        reliable = self._review(press, outcome)
        if self.truth and not self.outbox.muted:
            made = {"question": question, "felt": felt, "outcome": outcome, "bounces": bounces, "reliable": reliable}
            self.truth(self._record(press, made | {"delay_ms": arrival_ms - at_ms}))
        return felt

    def _question(self, at_ms: int) -> Question:
        if self.office.asks == "rotation":
            drawn = self.outbox.chance.random()
            return next(question for question, until in zip(QUESTIONS, ROTATION, strict=True) if drawn < until)
        return self.scheduled[at_ms - self.plan.midnight_ms >= DAY_MS]

    def _worse(self, at_ms: int, duty: Duty, question: Question, waited_s: float) -> float:
        """Return how many times likelier than usual this customer is dissatisfied."""
        of_seller = question == "personnel"
        worse = 1 + (self.plan.worse - 1) / (4 if of_seller else 1)
        if waited_s > LONG_WAIT_S:
            worse *= 1 + (LONG_WAIT_IS_WORSE - 1) / (2 if of_seller else 1)
        for period, panel_id in self.plan.troubles:
            if period.holds(at_ms) and panel_id in {None, duty.panel_id}:
                worse *= TROUBLE_IS_WORSE
        return worse

    def _press(self, at_ms: int, duty: Duty, question: Question) -> tuple[Event, int]:
        """Push the seller button shortly; return the event and its arrival."""
        hold_ms = round(self.outbox.chance.uniform(60, 900))
        press = self.outbox.event("seller_press", self._clock(at_ms, duty), **_who(duty), hold_ms=hold_ms)
        if self.office.asks != "default":
            press["question"] = question
        return press, self._from_panel(press, at_ms)

    def _answers(self, at_ms: int, duty: Duty, answer: str) -> int:
        """Press the answer, now and then again or another one; return when the panel is free."""
        self._answer(at_ms, duty, answer)
        if self.outbox.chance.random() < EXTRAS:
            at_ms += round(self.outbox.chance.uniform(200, 3_000))
            self._answer(at_ms, duty, answer if self.outbox.chance.random() < 1 / 2 else "hard_to_say")
        return at_ms + 500

    def _answer(self, at_ms: int, duty: Duty, answer: str) -> None:
        ts_ms = self._clock(at_ms, duty)
        self._from_panel(self.outbox.event("customer_press", ts_ms, panel_id=duty.panel_id, answer=answer), at_ms)

    def _clock(self, at_ms: int, duty: Duty) -> int:
        """Return what the panel's clock shows at a true time."""
        return at_ms + self.office.skews_ms[duty.panel_id]

    def _from_panel(self, event: Event, at_ms: int) -> int:
        return self.outbox.from_panel(event, at_ms, self.plan.outages.get(event["panel_id"]))

    def _declare(self, majeure: Majeure) -> None:
        """Send a long press and what the expert says of it, and record the truth."""
        duty = majeure.duty
        at_ms = majeure.press_ms - self.office.skews_ms[duty.panel_id]
        self.outbox.mute_outside(at_ms, QUIET_MS)
        press = self.outbox.event("seller_press", majeure.press_ms, **_who(duty), hold_ms=majeure.hold_ms)
        self._from_panel(press, at_ms)
        for verdict in majeure.verdicts:
            moved = {"from": verdict.from_ms, "to": verdict.to_ms, "scope": verdict.scope}
            given = {name: value for name, value in moved.items() if value is not None}
            self._verdict("force_majeure", press, verdict.ts_ms, reliable=verdict.reliable, **given)
        if self.outbox.muted:
            return
        self.declared.append(majeure)
        if self.truth:
            latest = majeure.latest(self.end_ms)
            made = {"real": majeure.real, "stands": None if latest is None else latest.reliable}
            self.truth(_head("force_majeure", press) | made)

    def _review(self, press: Event, outcome: str) -> bool:
        """Let the expert look at some surveys; return whether this one counts in the end."""
        chance = self.outbox.chance
        if chance.random() >= REVIEWS[outcome]:
            return True
        counts = True
        reliable = chance.random() >= UNRELIABLE
        ts_ms = press["ts"]
        for _ in range(2 if chance.random() < OVERTURNED else 1):
            ts_ms += review_delay_ms(chance)
            self._verdict("survey", press, ts_ms, reliable=reliable)
            counts = reliable if ts_ms < self.end_ms else counts
            reliable = not reliable
        return counts

    def _verdict(self, target: str, press: Event, ts_ms: int, *, reliable: bool, **fields: object) -> None:
        expert_id = f"expert-{1 + self.outbox.day % 3}"
        what = {"target": target, "target_id": press["event_id"], "reliable": reliable, "expert_id": expert_id}
        self.outbox.upstream(self.outbox.event("verdict", ts_ms, **what, **fields))

    def _record(self, press: Event, made: Event) -> Event:
        """Return the truth about a survey: how it was made, and the force majeures that it lies in."""
        panel_id, ts_ms = press["panel_id"], press["ts"]
        return (
            _head("survey", press)
            | made
            | {
                "declared_force_majeure": any(each.declares(panel_id, ts_ms) for each in self.declared),
                "standing_force_majeure": any(each.stands_over(panel_id, ts_ms, self.end_ms) for each in self.declared),
            }
        )


def _who(duty: Duty) -> Event:
    return {"panel_id": duty.panel_id, "employee_id": duty.seller.employee_id}


def _head(kind: str, press: Event) -> Event:
    """Return what a record of truth begins with."""
    names = ("office_id", "ts", "panel_id", "employee_id")
    return {"truth": kind, "press_id": press["event_id"]} | {name: press[name] for name in names}
