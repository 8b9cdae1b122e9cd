"""A random course of events: values appear, change and vanish, offices and employees come, tables are swept."""

import random

from tests.streams.feeding import HOUR_MS, MINUTE_MS
from tests.streams.happenings import answer, call, long_press, press, rating, request, sale, verdict, visit

START_MS = 1_800_000_000_000


def story(feed, seed, steps):
    """Let a feed live through random steps; yields after each."""
    chance = random.Random(seed)
    now_ms = START_MS
    pressed = []
    for step in range(steps):
        now_ms += chance.choice([0, 5_000, MINUTE_MS, 20 * MINUTE_MS, 2 * HOUR_MS])
        events = [_event(chance, now_ms, step, pressed) for _ in range(chance.choice([0, 1, 1, 3, 10]))]
        pressed += [event for event in events if event["type"] == "seller_press"]
        feed.step(events)
        if chance.random() < 0.3:
            feed.sweep()
        yield


def _event(chance, now_ms, step, pressed):
    ts_ms = now_ms - chance.randrange(20 * MINUTE_MS)
    office = {"office_id": f"office-{chance.randrange(1 + step // 4)}"}
    staff = office | {"employee_id": f"employee-{chance.randrange(2 + step // 3)}"}
    panel = {"panel_id": f"panel-{chance.randrange(2)}"}
    client = chance.choice([None, f"client-{chance.randrange(6)}"])
    amount_minor = chance.choice([1, 250, 10**6 + 1, 2**53 + 1, 10**17]) * chance.choice([1, 1, -1])
    kind = chance.choice(["press", "long", "answer", "call", "sale", "visit", "verdict", "rating", "request"])
    if kind == "press":
        return press(ts_ms, **staff, **panel, question=chance.choice(["personnel", "office", "loyalty"]))
    if kind == "long":
        return long_press(ts_ms, **staff, **panel)
    if kind == "answer":
        return answer(ts_ms, **office, **panel, answer=chance.choice(["yes", "no", "hard_to_say"]))
    if kind == "call":
        return call(ts_ms, **staff, queue=chance.choice(["main", "second"]), client_id=client)
    if kind == "rating":
        people = [f"employee-{chance.randrange(2 + step // 3)}" for _ in range(chance.randrange(4))]
        metric = chance.choice(["nps", "csat", "ces"])
        occasion = chance.choice(["regular", "leaving"])
        given = {"metric": metric, "score": chance.randint(1, 5), "occasion": occasion, "client_id": client}
        return rating(ts_ms, **office, employee_ids=people, **given)
    if kind == "request":
        stage = chance.choice(["opened", "opened", "first_response", "on_site", "resolved", "cancelled"])
        priority = chance.choice(["critical", "normal"])
        return request(ts_ms, f"r{step // 5}", stage, **staff, priority=priority, client_id=client)
    if kind == "sale":
        return sale(ts_ms, **staff, amount_minor=amount_minor)
    if kind == "verdict" and pressed:
        return verdict(ts_ms, chance.choice(pressed), reliable=chance.random() < 0.5)
    return visit(ts_ms, **office, count=chance.randrange(9))
