"""The engine under inputs at the extremes of what kernels have room for, held against the reference and against itself.

Kernels check no bounds: with `NUMBA_BOUNDSCHECK=1` (and a `NUMBA_CACHE_DIR` of their own) these tests do.
"""

import random

import numpy as np
import pytest

from streams import names
from streams.clock import EventClock
from streams.decode import decode
from streams.messages import Messages
from streams.partition import Events
from tests.reference import cases, contract, method
from tests.reference.companies import START_MS, company
from tests.reference.contract import normalise
from tests.streams.feeding import (
    ALL,
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Feed,
    by_name,
    encoded,
    shuffled,
)
from tests.streams.happenings import answer, call, long_press, press, rating, sale, shift, verdict, visit

T = START_MS
LAST_MS = 2**53 - 1


def check(feed, events, at_ms=None, config=None):
    """Hold indices, surveys and roles against the reference."""
    at_ms = feed.partition.now.now_ms if at_ms is None else at_ms
    assert cases.differences(feed.rows, method.indices(events, at_ms, config)) == []
    assert feed.surveys == by_name(method.surveys(events, at_ms, config))
    roles = list(method.roles(events, at_ms, config).values())
    assert feed.partition.diagnostics == {role: roles.count(role) for role in ("bounce", "answer", "extra", "orphan")}


@pytest.mark.parametrize("size", [1, 1000, ALL])
def test_a_flood_of_names(size):
    """More offices, panels, employees and queues than any room, of the longest names, some of them in one batch."""
    wide = "\U0001f600" * 120
    events = []
    for number in range(1300):
        office = {"office_id": f"{wide}{number % 400}"}
        events += [
            press(T + number, panel_id=f"{wide}{number}", employee_id=f"{wide}e{number}", **office),
            answer(T + number, panel_id=f"{wide}{number}", **office),
            call(T + number, queue=f"{wide}q{number}", employee_id=f"{wide}c{number}", **office),
        ]
    feed = Feed({"windows": ["1h"]}).feed([normalise(event) for event in events], size)
    check(feed, events, config={"windows": ["1h"]})
    assert feed.partition.names.counts == (400 + 3 * 1300, 1300)


@pytest.mark.parametrize("sweeps", [False, True])
def test_a_panel_filled_backwards(sweeps):
    """Many presses of one panel, the latest first, in batches of every size."""
    chance = random.Random(1)
    config = {"windows": ["1h"]}
    events = [
        (press if chance.random() < 0.5 else answer)(T - number * chance.choice((0, 1, 400, 999, 1001)))
        for number in range(2000)
    ]
    events.sort(key=lambda event: -event["ts"])
    feed = Feed(config, T, sweeps=sweeps)
    start = 0
    while start < len(events):
        size = chance.choice((1, 2, 3, 50, 300))
        feed.step(events[start : start + size])
        start += size
    check(feed, events, T, config)


def test_hashes_that_collide(monkeypatch):
    """Ids, targets and names are told apart when what indices hold of their hashes is the same."""
    events = [normalise(event) for event in company(3, mess=0, offices=1, panels=2, steps=25)]
    number = names.Names.number

    def colliding(names, rows, buffer, most):
        number(names, rows, buffer, most)
        for column in ("hash_low", "target_low"):
            rows[column] &= np.uint64(0x000000FF00000000)  # of 256 places, all at the beginning of the index
            rows[column] |= rows[column.replace("low", "high")] & np.uint64(0xFFFFFFFF)

    monkeypatch.setattr(names.Names, "number", colliding)
    for seed, size in enumerate((1, 7, ALL)):
        feed = Feed(sweeps=True).feed(shuffled(events, seed), size)
        check(feed, events)
        assert feed.partition.duplicates == int(0.3 * len(events))


def test_hashes_at_the_end_of_the_index(monkeypatch):
    """Ids whose places all lie at the end of the index are found again around it."""
    events = [normalise(event) for event in company(4, mess=0, offices=1, panels=2, steps=25)]
    number = names.Names.number

    def at_the_end(names, rows, buffer, most):
        number(names, rows, buffer, most)
        for column in ("hash_low", "target_low"):
            rows[column] |= np.where(rows[column] > 0, np.uint64(0xFFFFFFFF00000000), np.uint64(0))

    monkeypatch.setattr(names.Names, "number", at_the_end)
    for seed, size in enumerate((1, 7, ALL)):
        feed = Feed(sweeps=True).feed(shuffled(events, seed), size)
        check(feed, events)
        assert feed.partition.duplicates == int(0.3 * len(events))


@pytest.mark.parametrize("instant_ms", [0, 1, T, LAST_MS])
@pytest.mark.parametrize("size", [1, 13, ALL])
def test_all_at_one_instant(instant_ms, size):
    """The order of ids decides where instants do not."""
    events = [normalise(event | {"ts": instant_ms}) for event in company(5, mess=0, offices=2, panels=2, steps=20)]
    for event in events:
        for end in ("from", "to"):
            if end in event:
                event[end] = instant_ms
    feed = Feed(sweeps=True).feed(shuffled(events, 5), size)
    check(feed, events)


@pytest.mark.parametrize("size", [1, 29, ALL])
def test_amounts_at_the_edges_of_64_bits(size):
    """Sums of the greatest and least amounts are exact, and leave nothing behind."""
    edges = [2**63 - 1, -(2**63), 2**63 - 2, -(2**63) + 1, 2**32, -(2**32), 2**32 - 1, -(2**32) + 1, 0, 1, -1]
    chance = random.Random(2)
    events = []
    for _ in range(400):
        events.append(sale(T + chance.randrange(2 * HOUR_MS), amount_minor=chance.choice(edges), employee_id="ann"))
        events.append(visit(T + chance.randrange(2 * HOUR_MS), count=chance.choice(edges)))
    feed = Feed(sweeps=True).feed(events, size)
    check(feed, events)
    feed.clock = EventClock(T + 60 * DAY_MS)
    feed.step()
    assert feed.totals == {}


@pytest.mark.parametrize("seed", range(4))
def test_what_lies_ahead_is_released_in_parts(seed):
    """Events held over many batches, repeated while they are held, take effect when their time comes, once."""
    chance = random.Random(seed)
    events = [normalise(event) for event in company(seed, mess=0, offices=2, panels=2, steps=25)]
    mixed = shuffled(events, seed)
    instants = sorted(event["ts"] for event in events)
    feed = Feed(clock=EventClock(instants[0] - 1), sweeps=True)
    while mixed:
        size = chance.choice((1, 5, 60))
        feed.step(mixed[:size])
        del mixed[:size]
    assert feed.rows == []
    for at_ms in [*sorted(chance.sample(instants, 12)), instants[-1] + DAY_MS]:
        feed.clock = EventClock(at_ms)
        feed.step()
        check(feed, events, at_ms)


def test_time_leaps_and_comes_to_rest():
    """Leaps of a bucket, of windows and of years between events, swept all the way."""
    chance = random.Random(3)
    config = {"windows": ["1m", "59m", "3h", "25h"], "answer_window_s": 7.5}
    now_ms = T
    events = []
    for _ in range(150):
        now_ms += chance.choice((0, 1, 999, 1000, 59_000, 61_000, HOUR_MS, 26 * HOUR_MS, 40 * DAY_MS, 4000 * DAY_MS))
        instants = [max(0, now_ms - chance.choice((0, 0, 1, 1000, 7500, 7501, HOUR_MS))) for _ in range(5)]
        events += [make(ts_ms) for make, ts_ms in zip((press, answer, call, sale, visit), instants, strict=True)]
    feed = Feed(config, sweeps=True)
    for start in range(0, len(events), 5):
        feed.step(events[start : start + 5])
        if start % 50 == 0:
            given = events[: start + 5]
            assert cases.differences(feed.rows, method.indices(given, feed.partition.now.now_ms, config)) == []


@pytest.mark.parametrize("seed", range(3))
def test_force_majeures_of_offices_with_many_panels(seed):
    """Verdicts that widen, move and lower force majeures over forty panels find every survey, swept or not."""
    chance = random.Random(seed)
    config = {"windows": ["8h"], "force_majeure_pending": chance.choice(("include", "exclude"))}
    events = []
    for _ in range(400):
        panel = {"panel_id": f"p{chance.randrange(40)}", "office_id": f"o{chance.randrange(2)}"}
        ts_ms = T + chance.randrange(2 * HOUR_MS)
        events.append(chance.choice((press, press, answer, long_press))(ts_ms, **panel))
    for declared in [event for event in events if event.get("hold_ms", 0) >= 3000]:
        for _ in range(chance.randrange(4)):
            from_ms = T + chance.randrange(2 * HOUR_MS)
            ends = {"from": from_ms, "to": from_ms + chance.choice((0, 1, MINUTE_MS, HOUR_MS))}
            events.append(
                verdict(
                    T + chance.randrange(2 * HOUR_MS),
                    declared,
                    chance.random() < 0.7,
                    scope=chance.choice(("panel", "office")),
                    **chance.choice(({}, ends, {"from": from_ms}, {"to": from_ms})),
                )
            )
    events = [normalise(event) for event in events]
    for size in (1, 17, ALL):
        feed = Feed(config, sweeps=size == 17).feed(shuffled(events, seed), size)
        check(feed, events, config=config)


@pytest.mark.parametrize("seed", range(3))
def test_one_id_for_events_of_all_kinds(seed):
    """Of events that share an id the first counts, whatever the others are."""
    chance = random.Random(seed)
    events = []
    for _ in range(600):
        make = chance.choice((press, press, answer, long_press, call, sale, visit, rating, shift))
        events.append(make(T + chance.randrange(HOUR_MS), event_id=f"same-{chance.randrange(200)}"))
    targets = [press(T, event_id=f"same-{chance.randrange(200)}", hold_ms=chance.choice((1, 3000))) for _ in range(100)]
    events += [verdict(T, target, 0) for target in targets]
    chance.shuffle(events)
    events = [normalise(event) for event in events]
    at_ms = T + 2 * HOUR_MS
    for size in (1, 30, ALL):
        feed = Feed({}, at_ms).feed(events, size)
        check(feed, events, at_ms)


def test_messages_of_a_larger_buffer():
    """Messages that touch the beginning and the end of a buffer of megabytes, with what is no message around them."""
    chance = random.Random(4)
    events = [normalise(event) for event in company(6, mess=0, steps=30)]
    parts, starts, lengths = [], [], []
    at = 0
    for message in encoded(events):
        starts.append(at)
        lengths.append(len(message))
        gap = chance.choice((b"", b"", b'{"', b"\xff" * 9, b'"' * 3, b"x" * 40_000))
        parts += [message, gap]
        at += len(message) + len(gap)
    parts.pop()
    buffer = np.frombuffer(b"".join(parts), np.uint8)
    assert buffer.size > 2 * 2**20
    messages = Messages(buffer, np.array(starts), np.array(lengths))
    feed = Feed()
    for begin in range(0, messages.size, 100):
        rows, data, rejects = decode(messages.cut(begin, min(begin + 100, messages.size)))
        assert rejects == []
        feed.apply(Events(rows, data))
    check(feed, events)


def test_messages_cut_short_read_nothing_behind_them():
    """Whatever a message is cut to, what the decoder makes of it is what it makes of it alone."""
    events = [normalise(event) for event in company(6, mess=0, steps=3)][:60]
    for message in encoded(events):
        buffer = np.frombuffer(message + message, np.uint8)
        ends = np.arange(len(message) + 1)
        for start in (0, 1):
            lengths = np.maximum(ends - start, 0)
            _, _, rejects = decode(Messages(buffer, np.full(ends.size, start), lengths))
            refused = {reject.position: reject.reason for reject in rejects}
            for end in ends.tolist():
                _, reason = contract.judge(message[start : max(start, end)])
                assert refused.get(end) == reason
