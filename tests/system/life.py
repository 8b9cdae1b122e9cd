"""The messages of a company's life: endless, from a seed, and as a careless world sends them.

Companies of `tests.reference.companies` follow each other in the same offices. Their events come mostly in time, some
minutes and few of them hours late, a tenth of them several times. Between them lie messages that nobody can use: broken
ones, old ones of which half are too late, some from the future, and some under another office's key or in another's partition.
"""

import heapq
import json
import random
from itertools import count
from typing import NamedTuple

from tests.offices import now_ms
from tests.reference.companies import START_MS, company
from tests.reference.contract import TOPICS, judge
from tests.reference.messages import mutate, spell
from tests.topics import PARTITIONS, partition_of

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
CHAPTER_MS = 40 * MINUTE_MS  # a company's presses last for some twenty minutes, and begin within an hour
TIMES = ("ts", "from", "to", "end_ts")
IN_TIME, AGAIN, ODDLY = 0.8, 0.1, 0.05  # shares of the events: in time, sent several times, oddly written
BROKEN, OLD, FUTURE, ASTRAY = 0.02, 0.01, 0.005, 0.01  # messages besides, for each event
HORIZONS_DAYS = {"seller_press": 1, "customer_press": 1, "verdict": 30}  # others 7; half of what is old is too late
LATEST_EXPONENT = 4.8  # 10 to the power of it, in seconds: 17 hours


class Planned(NamedTuple):
    """A message that is to be sent when the company's clock says so."""

    due_ms: float
    number: int  # orders messages of one instant
    topic: str  # without prefix
    key: bytes
    value: bytes
    partition: int


NEVER = Planned(float("inf"), 0, "", b"", b"", 0)


class Life:
    """An iterator over `Planned` messages, ordered by when they are due.

    Parameters
    ----------
    seed : int
        The same seed gives the same messages but for the times that depend on the present.
    start_ms : int
        When it begins.
    offices, panels, steps : int
        The size of its companies: of each `company` that follows another.
    speed : float
        How much faster everything goes in it; durations of the configuration must be as much shorter.
    """

    def __init__(self, seed, start_ms, *, offices=6, panels=2, steps=40, speed=1):
        self._seed = seed
        self._chance = random.Random(seed)
        self._start_ms = start_ms
        self._size = {"offices": offices, "panels": panels, "steps": steps}
        self._speed = speed
        self._numbers = count()
        self._known_until_ms = start_ms
        self._chapters = count()
        self._waiting = []
        self._poison = self._make_poison()

    def __iter__(self):
        return self

    def __next__(self):
        """Return the next message."""
        while not self._waiting or self._waiting[0].due_ms > self._known_until_ms:
            self._write_chapter(next(self._chapters))
        return heapq.heappop(self._waiting)

    def _write_chapter(self, number):
        """Add the messages of one more company."""
        begin_ms = self._start_ms + number * CHAPTER_MS / self._speed
        # The next chapter has nothing before that: its verdicts may precede its first press by a minute.
        self._known_until_ms = begin_ms + (CHAPTER_MS - 2 * MINUTE_MS) / self._speed
        for each in company(self._seed * 1009 + number, mess=0, **self._size):
            self._send_event(self._moved(each, number, begin_ms))

    def _moved(self, event, chapter, begin_ms):
        """Return the event at its time in this life, under ids of its chapter."""
        moved = {
            name: int(begin_ms + (event[name] - START_MS + HOUR_MS) / self._speed) for name in TIMES if name in event
        }
        ids = {name: f"{chapter}.{event[name]}" for name in ("event_id", "target_id", "request_id") if name in event}
        return event | moved | ids

    def _send_event(self, event):
        chance = self._chance
        times = chance.randint(2, 5) if chance.random() < AGAIN else 1
        for _ in range(times):
            self._plan(event["ts"] + self._lateness_ms(), event)
        if chance.random() < BROKEN:
            topic, value = next(self._poison)
            office = event["office_id"]
            self._add(event["ts"], topic, office.encode(), value, partition_of(office))
        if chance.random() < OLD:
            horizon_ms = HORIZONS_DAYS.get(event["type"], 7) * 24 * HOUR_MS
            self._plan(event["ts"], self._another(event, event["ts"] - int(horizon_ms * chance.uniform(0.5, 1.5))))
        if chance.random() < FUTURE:
            ahead_ms = chance.choice((10 * MINUTE_MS, 3650 * 24 * HOUR_MS))
            self._plan(event["ts"], self._another(event, now_ms() + ahead_ms))
        if chance.random() < ASTRAY:
            self._send_astray(self._another(event, event["ts"]))

    def _lateness_ms(self):
        if self._chance.random() < IN_TIME:
            return 0
        return 1000 * 10 ** self._chance.uniform(0, LATEST_EXPONENT) / self._speed

    def _another(self, event, ts_ms):
        return event | {"event_id": f"{event['event_id']}+{next(self._numbers)}", "ts": ts_ms}

    def _send_astray(self, event):
        """Plan a message under a wrong key, in its own partition or not, or under the right one in a wrong one."""
        office, other = event["office_id"], f"other-{next(self._numbers)}"
        key, partition = self._chance.choice(
            (
                (other, partition_of(other)),
                (other, partition_of(office)),
                (office, (partition_of(office) + 1) % PARTITIONS),
            )
        )
        self._add(event["ts"], TOPICS[event["type"]], key.encode(), json.dumps(event).encode(), partition)

    def _plan(self, due_ms, event):
        office = event["office_id"]
        topic = TOPICS[event["type"]]
        odd = self._chance.random() < ODDLY
        value = spell(event, self._chance) if odd else json.dumps(event).encode()
        self._add(due_ms, topic, office.encode(), value, partition_of(office))

    def _add(self, due_ms, topic, key, value, partition):
        planned = Planned(due_ms, next(self._numbers), topic, key, value, partition)
        heapq.heappush(self._waiting, planned)

    def _make_poison(self):
        """Yield topic and value of messages that are broken in themselves."""
        for number in count():
            for value in mutate(self._seed + number, 500):
                topic = self._chance.choice(sorted(set(TOPICS.values())))
                if judge(value, topic)[1] is not None:
                    yield topic, value
