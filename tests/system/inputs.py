"""What may come in: each a function that publishes so many messages in a quiet company of one worker, and lets it read them.

Each returns what it is about: how many duplicates, rejects by reason and misrouted messages there are by it at least. Whether
anything was lost or counted twice is asked afterwards, by who called.
"""

from collections import Counter
from itertools import count
from typing import NamedTuple

from tests.offices import now_ms
from tests.reference.companies import START_MS
from tests.reference.companies import company as company_of
from tests.reference.contract import TOPICS, judge
from tests.streams.specimens import SPECIMENS
from tests.system.life import HOUR_MS, MINUTE_MS, TIMES
from tests.system.poison import ITS_OFFICE, LARGE_TOPIC, poison
from tests.topics import PARTITIONS, office_in, partition_of

STEPS = 150  # happenings on each panel of an office: some 1,300 events
AHEAD_MS = 6 * HOUR_MS
DAY_MS = 24 * HOUR_MS
HORIZONS_MS = {"presses": DAY_MS, "verdicts": 30 * DAY_MS}  # others have 7 days
FUTURES_MS = (10 * MINUTE_MS, 3650 * DAY_MS)
FLOODED_PANEL = 400  # of so many events of a flood the presses are on one panel
TAKEN_BYTES = 12 * 2**20
LARGE_AT_MOST = 20  # messages of 10 MB, which lie on three disks, twice


class Effect(NamedTuple):
    """What an input leads to, at least."""

    duplicates: int
    rejects: Counter
    misrouted: int


NO_EFFECT = Effect(0, Counter(), 0)


def events_of(company, name, number):
    """Return so many events or some more, of offices of a name, each once, in order, some hours after the company's now."""
    events = []
    moved_ms = company.now_ms + 2 * HOUR_MS - START_MS
    chapters = count()
    while len(events) < number:
        chapter = next(chapters)
        for event in company_of(company.chance.randrange(2**32), mess=0, offices=1, panels=2, steps=STEPS):
            times = {time: event[time] + moved_ms for time in TIMES if time in event}
            events.append(event | times | {"office_id": f"{name}-{chapter}"})
    return sorted(events, key=lambda event: event["ts"])


def duplicates(company, number):
    """One event of ten comes two to five times, and then the whole topic of presses once more."""
    events = events_of(company, "twice", number)
    repeats = [each for each in events if company.chance.random() < 0.1 for _ in range(company.chance.randint(1, 4))]
    behind = [(company.chance.randrange(len(events)), event) for event in repeats]
    presses = [event for event in events if TOPICS[event["type"]] == "presses"]
    for _, event in sorted([*enumerate(events), *behind], key=lambda each: each[0]):
        company.publish(event)
    for event in presses:
        company.publish(event)
    company.wait_until_read()
    return Effect(len(repeats) + len(presses), Counter(), 0)


def disorder(company, number):
    """A third in no order at all; of a third the verdicts before their targets; of a third one topic after another, hours apart."""
    shuffled, judged, apart = (events_of(company, name, number // 3) for name in ("shuffled", "judged", "apart"))
    company.chance.shuffle(shuffled)
    verdicts = [event for event in judged if event["type"] == "verdict"]
    for event in [*shuffled, *verdicts]:
        company.publish(event)
    company.wait_until_read()
    for event in judged:
        if event["type"] != "verdict":
            company.publish(event)
    for partition in range(PARTITIONS):
        office = office_in(partition, "ahead")
        company.publish({"type": "visit", "event_id": "ahead", "ts": apart[-1]["ts"] + AHEAD_MS, "office_id": office})
    for topic in sorted(set(TOPICS.values())):  # presses come late, but for visits and verdicts all is there before
        for event in apart:
            if TOPICS[event["type"]] == topic:
                company.publish(event)
        company.wait_until_read()
    return NO_EFFECT


def out_of_time(company, number):
    """On every topic events as late as they may be, a little later, and much later; others ten minutes and years ahead."""
    chance = company.chance
    clock_ms = company.now_ms + 2 * HOUR_MS
    rejects = Counter()
    made = count()

    def publish(kind, office, ts_ms):
        fields = SPECIMENS[kind] | (dict.fromkeys(("from", "to"), ts_ms) if kind == "verdict" else {})
        event = {"type": kind, "event_id": f"{clock_ms}-{next(made)}", "ts": ts_ms, "office_id": office}
        company.publish(event | fields)

    for kind, topic in TOPICS.items():
        horizon_ms = HORIZONS_MS.get(topic, 7 * DAY_MS)
        for partition in range(PARTITIONS):
            office = office_in(partition, "untimely")
            publish(kind, office, clock_ms)
            publish(kind, office, clock_ms - horizon_ms)
            for _ in range(-(-number // len(TOPICS) // PARTITIONS)):
                publish(kind, office, clock_ms - horizon_ms - chance.choice((1, 1000, DAY_MS, 3650 * DAY_MS)))
                rejects["too_late"] += 1
                if kind != "shift":  # they may be planned ahead
                    publish(kind, office, now_ms() + chance.choice(FUTURES_MS))
                    rejects["in_the_future"] += 1
    company.wait_until_read()
    return Effect(0, rejects, 0)


def all_poison(company, number):
    """Every kind of message that nobody can use, so many times, and good ones between them."""
    company.take_large(LARGE_TOPIC, TAKEN_BYTES)
    ts_ms = company.now_ms
    rejects = Counter()
    misrouted = 0
    for turn in range(number):
        office = office_in(turn % PARTITIONS, "poisoned")
        for name, each in poison(f"{ts_ms}-{turn}", office, ts_ms).items():
            if name == "10 MB" and turn >= LARGE_AT_MOST:
                continue
            reason = judge(each.value or b"", each.topic)[1]
            assert (reason is None) == each.is_moved, f"{name} is {reason}"
            rejects[reason] += 1
            misrouted += each.is_moved
            key = office.encode() if each.key == ITS_OFFICE else each.key
            company.send(each.topic, key, each.value, partition_of(office))
        for kind in TOPICS:
            fields = SPECIMENS[kind] | (dict.fromkeys(("from", "to"), ts_ms) if kind == "verdict" else {})
            event = {"type": kind, "event_id": f"good-{ts_ms}-{turn}-{kind}", "ts": ts_ms, "office_id": office}
            company.publish(event | fields)
    del rejects[None]
    company.wait_until_read()
    return Effect(0, rejects, misrouted)


def flood(company, number):
    """So many new employees, and queues with them: each presses a button, takes a call or sells something once."""
    began_ms = company.now_ms
    panels = max(1, number // FLOODED_PANEL)
    for made in range(number):
        office = office_in(made % PARTITIONS, "flooded")
        company.truth.flooded.add(office)
        event = {"event_id": f"flood-{made}", "ts": began_ms + made // panels * 40_000, "office_id": office}
        event["employee_id"] = f"made-up-{made}-{company.chance.randrange(2**64):x}"
        match made % 4:
            case 0:
                event |= {"type": "call", "queue": f"call-{made}", "direction": "inbound", "disposition": "answered"}
                event["wait_s"] = made % 30
            case 1:
                event |= {"type": "sale", "amount_minor": made, "currency": "EUR"}
            case _:
                event |= {"type": "seller_press", "panel_id": f"panel-{made % panels}", "hold_ms": 200}
        company.publish(event)
        if made % 8 == 2:
            answer = {"event_id": f"flood-answer-{made}", "answer": "no", "type": "customer_press"}
            company.publish(answer | {name: event[name] for name in ("ts", "office_id", "panel_id")})
    company.wait_until_read()
