"""The way of an event from the device to the log: delays, buffering panels, retries, and the order of arrival."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from streams.simulation.company import MINUTE_MS, Event, Office, stream

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from streams.simulation.plan import Period

SLOT_MS: Final = 5 * MINUTE_MS
"""The simulation proceeds by slots of this length; so far it looks ahead."""

RETRIES: Final = 0.003
"""Share of events that an upstream system sends twice."""
BURST_RETRIES: Final = 0.03
"""The same for what a panel had buffered: the batch is sent again when its acknowledgement is lost."""
BURST_SPEED: Final = 200
"""A panel that is back delivers its buffer this many times faster than it filled."""


@dataclass(slots=True)
class Post:
    """Holds what is under way, and gives it out in order of arrival.

    Only what happens before `end_ms` by its own `ts` is taken.
    """

    start_ms: int
    end_ms: int
    _earliest_ms: int = 0
    _slots: defaultdict[int, list[tuple[int, Event]]] = field(default_factory=lambda: defaultdict(list))

    def send(self, event: Event, arrival_ms: int, chance: random.Random, retries: float = RETRIES) -> None:
        """Take an event that will arrive at a time, now and then twice."""
        if event["ts"] >= self.end_ms:
            return
        arrival_ms = max(arrival_ms, self.start_ms, self._earliest_ms)
        self._slots[arrival_ms // SLOT_MS].append((arrival_ms, event))
        if chance.random() < retries:
            again_ms = arrival_ms + round(chance.expovariate(1 / 20_000)) + 1_000
            self._slots[again_ms // SLOT_MS].append((again_ms, event))

    def send_from_panel(self, event: Event, at_ms: int, outage: Period | None, chance: random.Random) -> int:
        """Take an event of a panel at its true time, held back while the panel is cut off; return its arrival."""
        arrival_ms = at_ms + 100 + round(chance.expovariate(1 / 400))
        if outage is None or not outage.holds(at_ms):
            self.send(event, arrival_ms, chance)
            return arrival_ms
        arrival_ms = outage.to_ms + (arrival_ms - outage.from_ms) // BURST_SPEED
        self.send(event, arrival_ms, chance, BURST_RETRIES)
        return arrival_ms

    def deliver(self, slot: int) -> Iterator[tuple[int, Event]]:
        """Yield what arrives in a slot, in order, and forget it; nothing arrives in it from now on."""
        self._earliest_ms = (slot + 1) * SLOT_MS
        yield from sorted(self._slots.pop(slot, ()), key=itemgetter(0))

    def deliver_rest(self) -> Iterator[tuple[int, Event]]:
        """Yield all that is still under way, in order."""
        for slot in sorted(self._slots):
            yield from self.deliver(slot)


class Outbox:
    """Where one office's events of one day get their ids and their delays."""

    def __init__(self, post: Post, seed: int, office: Office, day: int) -> None:
        self.office_id = office.office_id
        self.day = day
        self.chance = stream(seed, office.office_id, day, "events")
        # Delays have a source of their own, so that what is muted, and therefore not sent, does not change the story.
        self._delays = stream(seed, office.office_id, day, "delays")
        self.muted = False
        """Set while something is played that lies outside the simulated time: it happens, but nobody hears of it."""
        self._post = post
        self._number = 0

    def event(self, kind: str, ts_ms: float, /, **fields: object) -> Event:
        """Make an event with an id of its own."""
        self._number += 1
        event_id = f"{kind[:2]}{self.day}-{self._number}"
        return {"type": kind, "event_id": event_id, "ts": round(ts_ms), "office_id": self.office_id, **fields}

    def mute_outside(self, begins_ms: float, quiet_ms: int = 0) -> None:
        """Mute what begins before the simulated time or less than `quiet_ms` before its end."""
        self.muted = not self._post.start_ms <= begins_ms < self._post.end_ms - quiet_ms

    def send(self, event: Event, arrival_ms: float) -> None:
        """Send an event that will arrive at a time."""
        if not self.muted:
            self._post.send(event, round(arrival_ms), self._delays)

    def upstream(self, event: Event, mean_delay_s: float = 5) -> None:
        """Send an event of an upstream system, which publishes it some seconds after it happened."""
        self.send(event, event["ts"] + 200 + self._delays.expovariate(1 / (1000 * mean_delay_s)))

    def from_panel(self, event: Event, at_ms: int, outage: Period | None) -> int:
        """Send an event of a panel at its true time; return its arrival."""
        return at_ms if self.muted else self._post.send_from_panel(event, at_ms, outage, self._delays)
