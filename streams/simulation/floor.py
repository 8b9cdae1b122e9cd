"""One office on one day: customers come or call, wait or give up, are served and part."""

from __future__ import annotations

import heapq
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from streams.simulation.aftermath import Aftermath, client
from streams.simulation.company import DAY_BEGINS_MS, MINUTE_MS, Company, Event, Office
from streams.simulation.plan import Duty, make_plan
from streams.simulation.post import SLOT_MS, Outbox, Post
from streams.simulation.surveys import QUIET_MS, Surveys

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_SERVICE_S: Final = 25 * 60.0
SHORTEST_SERVICE_S: Final = 15.0
"""Longer than a survey takes a content customer; the next press of the same seller comes later."""
ON_HOLD: Final = 0.15
OUTBOUND_A_SLOT: Final = 0.12
"""Chance that an idle employee of a contact centre calls someone within a slot."""
DIALLED: Final = (("answered", 0.6), ("no_answer", 0.85), ("busy", 0.95), ("failed", 1.0))
"""Cumulative shares of how such a call ends."""
INTERNAL: Final = 0.25

_free_ms = attrgetter("free_ms")


class Customer(NamedTuple):
    """Someone who is served, in order of when that ends."""

    ends_ms: int
    number: int
    duty: Duty
    waited_s: float
    asked: bool
    """Whether a panel is at hand: not for someone who calls an office with counters."""


class Floor:
    """The running day of an office; call `run` slot by slot."""

    def __init__(
        self, company: Company, office: Office, day: int, post: Post, truth: Callable[[Event], None] | None
    ) -> None:
        self.office = office
        self.by_phone = office.kind.phone_share == 1
        self.outbox = Outbox(post, company.seed, office, day)
        self.chance = self.outbox.chance
        self.plan = make_plan(company.seed, office, day, company.utc_offset_ms)
        self._shifts(post.start_ms)
        self.surveys = Surveys(self.outbox, office, self.plan, post.end_ms, truth)
        self.aftermath = Aftermath(self.outbox, office)
        self.aftermath.colleagues(self.plan.midnight_ms + DAY_BEGINS_MS)
        self._customers: list[Customer] = []
        self._served = 0
        self._counted = 0

    def _shifts(self, start_ms: int) -> None:
        """Publish the day's shifts in advance; one that is running at the start is known as well."""
        for seller, kind, (from_ms, to_ms) in self.plan.shifts:
            self.outbox.muted = to_ms <= start_ms
            shift = self.outbox.event("shift", from_ms, employee_id=seller.employee_id, kind=kind, end_ts=to_ms)
            self.outbox.send(shift, self.plan.midnight_ms + DAY_BEGINS_MS + self.chance.uniform(0, 20_000))

    def run(self, from_ms: int, to_ms: float) -> None:
        """Let a slot pass; `to_ms` is infinite in the day's last one."""
        if not self.plan.open:
            return
        rate = self.office.customers_per_ms((from_ms - self.plan.midnight_ms) / MINUTE_MS)
        if rate:
            self._arrivals(rate, from_ms)
        while self._customers and self._customers[0].ends_ms < to_ms:
            ends_ms, _, duty, waited_s, asked = heapq.heappop(self._customers)
            self.outbox.mute_outside(ends_ms, QUIET_MS)
            felt = self.surveys.part(ends_ms, duty, waited_s) if asked else None
            self.aftermath.follow(ends_ms, duty.seller, felt)

    def _arrivals(self, rate: float, from_ms: int) -> None:
        """Let the customers of a slot come in or call, and idle employees call out."""
        at_work = [duty for duty in self.plan.duties if duty.at_work(from_ms)]
        at_ms = from_ms + self.chance.expovariate(rate)
        while at_ms < from_ms + SLOT_MS:
            self.outbox.mute_outside(at_ms)
            calls = self.by_phone or self.chance.random() < self.office.kind.phone_share
            if self.by_phone or not calls:
                self._visit(at_ms)
            (self._call if calls else self._walk_in)(at_ms, at_work)
            at_ms += self.chance.expovariate(rate)
        self.outbox.mute_outside(from_ms)
        if self._counted:
            counted, self._counted = self._counted, 0
            self.outbox.upstream(self.outbox.event("visit", from_ms + SLOT_MS - 1, count=counted, counter_id="door"))
        if self.by_phone:
            for duty in at_work:
                if duty.free_ms < from_ms and self.chance.random() < OUTBOUND_A_SLOT:
                    self._dial(from_ms, duty)

    def _visit(self, at_ms: float) -> None:
        """Count a visitor; an office served by phone publishes its calls as visits."""
        if self.office.counts_each_visitor:
            self.outbox.upstream(self.outbox.event("visit", at_ms, counter_id="calls" if self.by_phone else "door"), 1)
        else:
            self._counted += 1

    def _patience_s(self) -> float:
        return 3 + self.chance.expovariate(1 / self.office.kind.patience_s)

    def _service_s(self, duty: Duty) -> float:
        drawn_s = self.chance.lognormvariate(-0.18, 0.6) * self.office.kind.service_s * duty.seller.pace
        return min(LONGEST_SERVICE_S, SHORTEST_SERVICE_S + drawn_s)

    def _serve(self, duty: Duty, ends_ms: float, waited_s: float, *, asked: bool) -> None:
        self._served += 1
        heapq.heappush(self._customers, Customer(round(ends_ms), self._served, duty, waited_s, asked))

    def _walk_in(self, at_ms: float, at_work: list[Duty]) -> None:
        """Let a customer queue for whoever is free first, or leave: a visitor without a survey."""
        duty = min(at_work, key=_free_ms, default=None)
        waited_s = 0.0 if duty is None else max(0.0, duty.free_ms - at_ms) / 1000
        if duty is None or waited_s > self._patience_s():
            return
        ends_ms = at_ms + 1000 * (waited_s + self._service_s(duty))
        duty.free_ms = ends_ms + 8_000
        self._serve(duty, ends_ms, waited_s, asked=True)

    def _call(self, at_ms: float, at_work: list[Duty]) -> None:
        """Let a customer call and wait for whoever is free first, or hang up; the record comes when all is over."""
        chance, outbox = self.chance, self.outbox
        fields = {"direction": "inbound", "queue": "sales" if chance.random() < 1 / 3 else "service"}
        duty = min(at_work, key=_free_ms, default=None)
        wait_s = chance.uniform(1, 8) + (0.0 if duty is None else max(0.0, duty.free_ms - at_ms) / 1000)
        patience_s = self._patience_s()
        if duty is None or wait_s > patience_s:
            call = outbox.event("call", at_ms, **fields, disposition="abandoned", wait_s=round(patience_s, 1))
            outbox.send(call, at_ms + 1000 * patience_s + 500)
            return
        talk_s = self._service_s(duty)
        hold_s = chance.expovariate(1 / 40) if chance.random() < ON_HOLD else 0.0
        wrap_s = chance.expovariate(1 / 25)
        ends_ms = at_ms + 1000 * (wait_s + talk_s + hold_s)
        duty.free_ms = ends_ms + 1000 * wrap_s
        times = {"wait_s": wait_s, "talk_s": talk_s, "hold_s": hold_s, "wrap_s": wrap_s}
        who = {"employee_id": duty.seller.employee_id, "client_id": client(chance)}
        call = outbox.event("call", at_ms, **fields, disposition="answered", **_rounded(times), **who)
        outbox.send(call, duty.free_ms + 700)
        self._serve(duty, ends_ms, wait_s, asked=self.by_phone)

    def _dial(self, from_ms: int, duty: Duty) -> None:
        """Let an idle employee call a client or a colleague."""
        chance = self.chance
        at_ms = from_ms + chance.uniform(0, SLOT_MS / 2)
        drawn = chance.random()
        disposition = next(name for name, until in DIALLED if drawn < until)
        times = {"wait_s": chance.uniform(2, 25)}
        if disposition == "answered":
            times |= {"talk_s": chance.expovariate(1 / 90), "wrap_s": chance.expovariate(1 / 15)}
        duty.free_ms = at_ms + 1000 * sum(times.values())
        who = {"employee_id": duty.seller.employee_id}
        direction = "internal" if chance.random() < INTERNAL else "outbound"
        if direction == "outbound":
            who["client_id"] = client(chance)
        call = self.outbox.event("call", at_ms, direction=direction, disposition=disposition, **_rounded(times), **who)
        self.outbox.send(call, duty.free_ms + 700)


def _rounded(times: dict[str, float]) -> Event:
    return {name: round(seconds, 1) for name, seconds in times.items()}
