"""Room: tables grow and are swept without changing any result, and hold no more than may still matter."""

import random

import pytest

from kernels import layout
from streams.clock import EventClock
from tests.reference import cases, method
from tests.reference.companies import START_MS, company
from tests.reference.contract import normalise
from tests.streams.feeding import DAY_MS, HOUR_MS, MINUTE_MS, Feed, by_topic, caught_up_clock, shuffled, topic_of
from tests.streams.happenings import answer, call, long_press, press, rating, request, sale, verdict, visit

T = START_MS
HORIZON_S = {"presses": 3600, "verdicts": 7200, "calls": 7200, "sales": 7200, "visits": 7200, "requests": 7200}
TARGETS = [
    {"priority": "critical", "stage": stage, "within": within, "objective": 0.8}
    for stage, within in (("first_response", "3m"), ("on_site", "2h"), ("resolved", "3d"))
]
LIFE = {"windows": ["1h", "25h"], "correction_horizon_s": HORIZON_S, "force_majeure_pending": "exclude"}
LIFE |= {"request_targets": TARGETS}


def life(seed, days=8):
    """A company that has an hour of crowded presses every day, its ids unique over all days."""
    events = []
    for day in range(days):
        for event in company(seed * 100 + day, mess=0, offices=1, panels=2, steps=12):
            moved = {name: event[name] + day * DAY_MS for name in ("ts", "from", "to", "end_ts") if name in event}
            named = {name: f"{event[name]}-{day}" for name in ("event_id", "target_id", "request_id") if name in event}
            events.append(normalise(event | moved | named))
    return sorted(events, key=lambda event: event["ts"])


def deliveries(events, seed):
    """When each event reaches its log: mostly at once, now and then as late as its horizon allows, some twice."""
    chance = random.Random(seed)
    arrivals = []
    for event in events:
        latest_ms = 1000 * HORIZON_S.get(topic_of(event), 0)
        delays_ms = [chance.choice((0, 0, 1000, chance.randint(0, latest_ms))) for _ in range(chance.choice((1, 1, 2)))]
        arrivals += [(event["ts"] + delay_ms, event) for delay_ms in delays_ms]
    return sorted(arrivals, key=lambda arrival: arrival[0])


@pytest.mark.parametrize("seed", range(3))
def test_a_worker_that_forgets_gives_what_the_reference_gives(seed):
    """A live partition, swept into the least room after every step, holds every day the indices of all it was given."""
    feed = Feed(LIFE, horizons=True, clock=caught_up_clock(), sweeps=True)
    given = []
    arrivals = deliveries(life(seed), seed)
    for day in range(8):
        evening_ms = T + day * DAY_MS + 12 * HOUR_MS
        today = [arrival for arrival in arrivals if evening_ms - DAY_MS <= arrival[0] < evening_ms]
        for start in range(0, len(today), 23):
            chunk = today[start : start + 23]
            given += [event for _, event in chunk]
            feed.tick(chunk[0][0])
            for events in by_topic([event for _, event in chunk]).values():
                assert feed.arrive(events, chunk[-1][0]).rejects == []
        feed.tick(evening_ms)
        assert cases.differences(feed.rows, method.indices(given, evening_ms, LIFE)) == []
    assert feed.partition.tables.sizes[layout.PRESSES] < 0.6 * len([e for e in given if e["type"].endswith("press")])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("in_order", [True, False])
def test_a_replay_that_forgets_gives_what_the_reference_gives(seed, in_order):
    """A replay may drop what lies a day before every window, whatever the order in which it reads."""
    events = life(seed) if in_order else shuffled(life(seed), seed)
    feed = Feed(LIFE, sweeps=True).feed(events, 50)
    assert cases.differences(feed.rows, method.indices(events, feed.partition.now.now_ms, LIFE)) == []


def test_bounces_chain_over_what_was_swept():
    """With a debounce of an hour and a press every half hour, who counts now follows from the first press of the week."""
    config = {"debounce_ms": 3_600_000, "windows": ["1h"]}
    presses = [press(T + number * 1_800_000, employee_id=f"e{number}") for number in range(300)]
    now_ms = presses[-1]["ts"]
    expected = method.indices(presses, now_ms, config)
    for order in (presses, presses[150:] + presses[:150], presses[::-1]):
        feed = Feed(config, now_ms, sweeps=True).feed(order, 20)
        assert cases.differences(feed.rows, expected) == []


def test_a_leap_within_a_batch_forgets_nothing_that_the_batch_needs():
    """Events that were in time by the clock before them find all they correct, though the same batch moves the clock on."""
    feed = Feed({}, horizons=True, clock=caught_up_clock(), sweeps=False)
    old = [press(T - 40 * DAY_MS + number, panel_id=f"old-{number}") for number in range(400)]
    old += [sale(T - 40 * DAY_MS + number) for number in range(400)]
    first, second, third = press(T), press(T + 500), press(T + 1200)
    sold = [sale(T + number) for number in range(100)]
    for events in by_topic([*old, first, second, third, *sold]).values():
        feed.arrive(events)
    feed.arrive([press(T + 23 * HOUR_MS, panel_id="p2")])
    earlier = press(T - 600)
    feed.arrive([earlier] + [press(T + 47 * HOUR_MS + number, panel_id=f"new-{number}") for number in range(3000)])
    feed.arrive(sold + [sale(T + 8 * DAY_MS + number) for number in range(3000)])
    feed.sweep()
    accepted = {event_id for (_, event_id), survey in feed.surveys.items() if abs(survey["ts"] - T) < 5000}
    assert accepted == {earlier["event_id"], second["event_id"]}
    assert feed.partition.duplicates == len(sold)


TABLES = ("presses", "force_majeures", "verdicts", "verdict_hashes", "verdict_index", "facts", "id_bytes", "sequence")
TABLES += ("seen", "seen_hashes", "seen_index", "open_surveys", "late_surveys", "changed")
TABLES += ("requests", "request_hashes", "request_index", "stages", "marks")


@pytest.mark.parametrize("happening", ["press", "answer", "long_press", "verdict", "sale", "rating", "request"])
def test_tables_do_not_grow_with_the_years(happening):
    """Of a steady flow of one kind of event the tables hold what its horizon and windows span, not all there ever was."""
    config = {"windows": ["1h"], "correction_horizon_s": dict.fromkeys([*HORIZON_S, "ratings"], 3600)}
    config["request_targets"] = TARGETS
    feed = Feed(config, horizons=True, clock=EventClock())
    lengths = []
    for hour in range(0, 24 * 40, 6):
        feed.arrive([press(T + hour * HOUR_MS)])
        feed.arrive([one(happening, T + hour * HOUR_MS + minute * MINUTE_MS) for minute in range(0, 360, 2)])
        lengths.append([getattr(feed.partition.tables, table).shape[0] for table in TABLES])
    half = len(lengths) // 2
    early, late = ([max(column) for column in zip(*part, strict=True)] for part in (lengths[:half], lengths[half:]))
    assert all(after <= 1.01 * before for before, after in zip(early, late, strict=True)), (early, late)


def test_sweeps_are_rare():
    """Though some rows are always too old, they are swept out when they are a quarter of all, not a few at every step."""
    config = {"windows": ["1h"], "correction_horizon_s": HORIZON_S}
    feed = Feed(config, horizons=True, clock=EventClock())
    changed = 0
    for number in range(6000):
        before = feed.partition.tables
        feed.arrive([(answer if number % 3 else press)(T + number * 5 * MINUTE_MS)])
        changed += before is not feed.partition.tables
    assert 20 < changed < 200


def one(happening, ts_ms):
    """An event of a kind; a verdict has a target that never comes."""
    if happening == "verdict":
        return verdict(ts_ms, press(ts_ms), True)
    if happening == "request":  # ended as soon as opened
        return request(ts_ms, f"r{ts_ms // HOUR_MS}", "opened" if ts_ms % HOUR_MS < 30 * MINUTE_MS else "resolved")
    make = {"press": press, "answer": answer, "long_press": long_press, "sale": sale, "rating": rating}
    return make[happening](ts_ms)


def test_many_names():
    """Offices, panels, employees and queues that come one after another each have their own indices."""
    events = []
    for number in range(600):
        office = {"office_id": f"office-{number % 50}"}
        events += [
            press(T + number * 7, panel_id=f"p{number % 300}", employee_id=f"e{number}", **office),
            answer(T + number * 7 + 1, panel_id=f"p{number % 300}", answer="no" if number % 3 else "yes", **office),
            call(T + number * 7, queue=f"q{number % 100}", employee_id=f"c{number}", **office),
            visit(T + number * 7, **office),
        ]
    random.Random(1).shuffle(events)
    at_ms = T + HOUR_MS
    feed = Feed({}, at_ms).feed(events, 50)
    assert cases.differences(feed.rows, method.indices(events, at_ms)) == []


def test_a_panel_of_a_hundred_thousand_presses():
    """Two thirds of the presses of one panel bounce or are extra, in whatever order they come."""
    count = 100_000
    events = []
    for number in range(count // 4):
        ts_ms = T + number * 2000
        events += [press(ts_ms), press(ts_ms + 900), answer(ts_ms + 1000, answer="no"), answer(ts_ms + 1100)]
    random.Random(1).shuffle(events)
    feed = Feed({"windows": ["30d"]}).feed(events, 20_000)
    assert feed.partition.diagnostics == {
        "bounce": count // 4,
        "answer": count // 4,
        "extra": count // 4,
        "orphan": 0,
    }
    (ink,) = [row for row in feed.rows if row["index"] == "ink_personnel" and row["scope"] == "office"]
    assert (ink["value"], ink["base"]) == (1.0, count // 4)
