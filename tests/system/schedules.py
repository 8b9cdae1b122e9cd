"""Seeded schedules: what happens to a small company, its broker and its workers, step by step, as plain data.

A schedule is a list of actions that know nothing of each other: any of them can be left out and the rest still makes sense.
So a schedule that fails can be made small. Times crowd where the method decides something.
"""

import json
import random
from itertools import count
from typing import NamedTuple

START_MS = 1_800_000_000_000
ALL = 10**9
MINUTE_MS = 60_000
LEAD_MS = 5 * MINUTE_MS
TAKEOVER_MS = 100  # so long nobody works on a partition that changes hands
TOPICS = ("presses", "verdicts", "calls", "sales", "visits", "ratings", "requests", "shifts", "peer-ratings")
SURVEY_TOPICS = ("presses", "presses", "presses", "verdicts")
TOPIC_OF = dict(
    zip(
        (
            "seller_press",
            "customer_press",
            "verdict",
            "call",
            "sale",
            "visit",
            "rating",
            "request",
            "shift",
            "peer_rating",
        ),
        ("presses", *TOPICS),
        strict=True,
    )
)
# From one press to what follows it: the edges of bounces, answer windows and force majeures.
DISTANCES_MS = (0, 1, 500, 999, 1000, 1000, 1001, 2000, 30_000, 30_001, 31_000, -1, -500, -999, -1000, -1001, -30_000)
ANSWERED_MS = (0, 0, 1, 500, 2000, 29_999, 30_000, 30_000, 30_000, 30_001, -1)
PAUSES_MS = (1, 300, 300, 1000, 2000, 2001, 5000, 20_000, 32_001, 35_000, 90_000, 400_000)
PANEL_EVENTS = ("seller_press", "customer_press", "verdict")
TARGETS = tuple(
    {"priority": priority, "stage": stage, "within": within, "objective": 0.8}
    for priority, stage, within in (
        ("critical", "first_response", "1m"),
        ("critical", "on_site", "2m"),
        ("critical", "resolved", "5m"),
        ("normal", "resolved", "1m"),
    )
)
CLIENTS = (None, "x", "y")
# It is midnight in Los Angeles when schedules begin.
DIRECTORIES = (
    {},
    {
        "defaults": {"questions": "office"},
        "offices": [
            {"id": "oslo", "questions": "personnel", "representative_by": "coverage"},
            {"id": "riga", "representative_by": "conversion", "conversion_limits": [0, 0.5]},
        ],
    },
    {
        "defaults": {
            "time_zone": "America/Los_Angeles",
            "questions": [{"days": "1-14", "question": "loyalty"}, {"days": "15-31", "question": "office"}],
        },
    },
)
PREFIXES = ("a", "z", "\u00e9", "\uffee", "\U0001f600")
POISON = (
    None,
    b"",
    b"{",
    b"[1]",
    b"\xff\xfe",
    b'{"type":"press"}',
    b'{"type":"visit","event_id":"x","ts":-1,"office_id":"riga"}',
    b'{"type":"visit","ts":1,"office_id":"riga"}',
    b'{"type":"visit","event_id":"x","ts":1800000000000,"office_id":"riga","count":1e400}',
    b'{"type":"visit","event_id":"x","ts":NaN,"office_id":"riga"}',
    b'{"type":"visit","event_id":"x","ts":1800000000000,"office_id":"riga"}'.ljust(65_537),
)


class Schedule(NamedTuple):
    """What is to happen, and to whom."""

    seed: int
    config: dict
    homes: dict  # the partition of each office
    partitions: int
    workers: int
    skew_ms: int  # of the broker's clock
    actions: list


def schedule(seed, faults=True):
    """The schedule of a seed, with or without faults of the cluster."""
    return _Writer(seed, faults).write()


def told(some):
    """A schedule as one reads it."""
    head = f"seed {some.seed}: config {some.config}, homes {some.homes}, {some.workers} workers, skew {some.skew_ms} ms"
    return "\n".join([head, *(f"  {' '.join(map(str, action))}" for action in some.actions)])


# What is asked of an index before it is believed.
TRUST = (
    {},
    {"min_surveys": 1, "asked_within_s": 60, "force_majeure_level_max": 1, "reference": {"ink_personnel": 0.5}},
    {"min_surveys": 2, "representative_by": "conversion", "conversion_limits": [0.25, 2]},
    {"min_surveys": 1, "representative_by": "coverage", "coverage_limits": [0.5, 3]},
)
# From where on something is a sign of gaming: limits at which much happens.
SIGNS = (
    {"yes_run": 2, "context_s": 1, "quick_answer_s": 0.5, "force_majeure_after_no_s": 0.5},
    {"yes_run": 2, "context_s": 30, "quick_answer_s": 2, "force_majeure_after_no_s": 30},
    {"yes_run": 3, "context_s": 0.999, "quick_answer_s": 30, "force_majeure_after_no_s": 0},
    {},
)


class _Writer:
    """Makes up one schedule."""

    def __init__(self, seed, faults):
        chance = self.chance = random.Random(seed)
        self.directing = random.Random(-1 - seed)
        self.changes_directory = self.directing.random() < 0.5
        self.hurrying = random.Random(-1_000_000_000 - seed)
        self.is_slow = self.hurrying.random() < 0.2
        self.seed = seed
        self.faults = faults
        self.config = {
            "windows": ["1m", "15m", "1h"],
            "checkpoint_interval_s": chance.choice((0, 30, 30)),
            "force_majeure_pending": chance.choice(("include", "exclude")),
            "force_majeure_excludes": chance.choice(("all", "unfavourable", "numerator")),
            "correction_horizon_s": {"presses": chance.choice((300, 1800)), "sales": 300, "visits": 3600},
            "comparison": {"indices": ["ink_personnel", "service_level", "nps", "sales"], "min_employees": 2},
            "request_targets": chance.choice(((), TARGETS, TARGETS)),
            "signs": SIGNS[seed // len(TRUST) % len(SIGNS)],
        } | TRUST[seed % len(TRUST)]
        self.is_dense = chance.random() < 0.5  # one panel, whose presses crowd
        self.partitions = 1 if self.is_dense else chance.choice((1, 2))
        self.workers = chance.choice((1, 2, 3))
        offices = ("riga", "oslo", "\u014dsaka")[: 1 if self.is_dense else chance.choice((1, 2, 3))]
        self.homes = {name: chance.randrange(self.partitions) for name in offices}
        self.now_ms = START_MS + chance.choice((0, 1, 59_999))
        self.skew_ms = chance.choice((0, 0, -700, 40))
        self.actions = []
        self.numbers = count()
        self.sent = []  # (topic, partition, key, value), to be repeated
        self.kept_back = []  # events whose senders are offline
        self.pressed = []  # seller presses
        self.instants = []  # of facts and presses
        self.clocks_ms = {}  # by topic and partition: what decides what is too late

    def write(self):
        chance = self.chance
        self._assign()
        for _ in range(chance.choice((1, 1, 2))):
            for _ in range(chance.randint(8, 45)):
                self._step()
                if self.changes_directory:
                    self._direct()
            self.act("judge", self._instant_to_judge())
            for _ in range(chance.choice((0, 0, 1, 2))):
                self.now_ms += chance.choice((1, 1, 1000, 15_000))
                self.act("judge", self.now_ms)
        return Schedule(
            self.seed,
            self.config,
            self.homes,
            self.partitions,
            self.workers,
            self.skew_ms,
            self.actions,
        )

    def act(self, *action):
        self.actions.append(action)

    def _step(self):
        """Something happens: in the offices, to time, in a worker, or to one."""
        chance = self.chance
        worker = chance.randrange(self.workers)
        partition = chance.randrange(self.partitions)
        kind = chance.choices(
            ("send", "time", "fetch", "tick", "deliver", "commit", "checkpoint", "sweep", "fault"),
            (30, 12, 26, 12, 16, 6, 6, 5, 9 if self.faults else 0),
        )[0]
        if kind == "send":
            for _ in range(chance.choice((1, 1, 2, 4))):
                self._send()
        elif kind == "time":
            self._wait(chance.choice(PAUSES_MS))
        elif kind == "fetch":
            topic = chance.choice(SURVEY_TOPICS if chance.random() < 0.7 else TOPICS)
            self.act("fetch", worker, topic, partition, chance.choice((1, 2, 3, 100)))
        elif kind == "sweep":
            self.act("sweep", worker, partition)
        elif kind == "checkpoint":
            self.act("checkpoint", worker, partition)
        elif kind == "deliver":
            place = chance.choice((None, None, None, "checkpoints", "surveys", "dead-letters"))
            self.act("deliver", worker, chance.choice((1, 2, 10, 100, 100)), place)
        elif kind == "fault":
            self._fault(worker, partition)
        elif kind == "tick":
            self._tick(worker)
        else:
            self.act(kind, worker)

    def _direct(self):
        """Another directory, perhaps, and perhaps a worker takes note of it."""
        if self.directing.random() < 0.08:
            self.act("direct", self.directing.randrange(len(DIRECTORIES)))
        if self.directing.random() < 0.15:
            self.act("follow", self.directing.randrange(self.workers))

    def _tick(self, worker):
        if self.chance.random() < 0.7:  # otherwise it goes by what it heard before, if that is not too long ago
            self.act("hear", worker)
        self.act("tick", worker)

    def _wait(self, pause_ms):
        self.now_ms += pause_ms
        self.act("time", pause_ms)

    def _fault(self, worker, partition):
        kind = self.chance.choice(("crash", "crash", "crash", "assign", "lose", "rejoin", "damage"))
        if kind == "damage":
            what = self.chance.choice((b"/manifest/", b"/chunk/"))
            how = self.chance.choice(("lost", "flipped", "cut"))
            self.act("damage", partition, what, how, self.chance.randrange(10_000))
            if self.chance.random() < 0.3:
                return
            kind = "crash"
        elif kind == "crash" and self.chance.random() < 0.7:
            self.chance.choice((self._publish_shortly_before, self._store_shortly_before))(worker, partition)
        if kind != "assign":
            self.act(kind, worker)
        self._assign()
        if self.chance.random() < 0.5:
            for _ in range(self.chance.randint(1, 4)):
                self._send()

    def _publish_shortly_before(self, worker, partition):
        """What the log holds, or some of it, is applied and published, and perhaps time passes; none of it is committed."""
        for topic in self.chance.sample(("presses", "verdicts"), 2):
            self.act("fetch", worker, topic, partition, self.chance.choice((1, 2, 100)))
        if self.chance.random() < 0.5:
            self._wait(self.chance.choice((2001, 32_001)))
            self._tick(worker)
        self.act("deliver", worker, ALL, self.chance.choice((None, None, "surveys")))

    def _store_shortly_before(self, worker, partition):
        """A checkpoint is stored, or most of it, and nothing else reaches the broker, but perhaps the offsets in it."""
        for topic in ("presses", *self.chance.sample(TOPICS[1:], 2)):
            self.act("fetch", worker, topic, partition, ALL)
        self.act("checkpoint", worker, partition)
        for _ in range(self.chance.randint(1, 4)):
            self.act(
                "deliver",
                worker,
                self.chance.choice((1, 5, ALL, ALL)),
                self.chance.choice((None, "checkpoints", "checkpoints")),
            )
        if self.chance.random() < 0.5:
            self.act("commit", worker)

    def _assign(self):
        if self.is_slow and self.hurrying.random() < 0.5:
            self.act("hurry", self.hurrying.randrange(self.workers))
        self.now_ms += TAKEOVER_MS
        self.act("assign", *(self.chance.randrange(self.workers) for _ in range(self.partitions)))

    # What happens in the offices -----------------------------------------------------------------------------------

    def _send(self):
        chance = self.chance
        what = chance.random()
        if what < 0.04:
            self._append(chance.choice(TOPICS), chance.randrange(self.partitions), b"riga", chance.choice(POISON))
        elif what < 0.12 and self.sent:
            self._append(*chance.choice(self.sent))
        elif what < 0.3 and self.kept_back:
            self._publish(self.kept_back.pop(chance.randrange(len(self.kept_back))))
        else:
            event = self._event()
            if chance.random() < 0.15:
                self.kept_back.append(event)
                if event["type"] == "seller_press":
                    self._publish(self._verdict(event))
            else:
                self._publish(event)

    def _publish(self, event):
        chance = self.chance
        topic = TOPIC_OF[event["type"]]
        partition = self.homes[event["office_id"]]
        key = event["office_id"].encode()
        if chance.random() < 0.02:
            key = chance.choice((None, b"", b"riga", b"elsewhere"))
        if chance.random() < 0.02:
            partition = chance.randrange(self.partitions)
        if chance.random() < 0.01:
            topic = chance.choice(TOPICS)
        self._append(topic, partition, key, json.dumps(event, ensure_ascii=chance.random() < 0.3).encode())
        clock_ms = self.clocks_ms.get((topic, partition), 0)
        self.clocks_ms[topic, partition] = max(clock_ms, min(event["ts"], self.now_ms + self.skew_ms))

    def _append(self, topic, partition, key, value):
        gap = self.chance.choice((0,) * 15 + (1, 3))
        self.act("send", topic, partition, key, value, gap)
        self.sent.append((topic, partition, key, value))

    def _event(self):
        makers = {  # with how often: where presses crowd, elsewhere
            self._press: (45, 40),
            self._answer: (20, 25),
            self._verdict: (30, 15),
            self._call: (1, 7),
            self._sale: (1, 7),
            self._visit: (1, 7),
            self._rating: (1, 6),
            self._request: (2, 14),
            self._shift: (1, 12),
            self._peer_rating: (1, 8),
        }
        shares = [dense if self.is_dense else sparse for dense, sparse in makers.values()]
        return self.chance.choices(list(makers), shares)[0]()

    def _make(self, kind, ts_ms, office, /, **fields):
        event_id = f"{self.chance.choice(PREFIXES)}{next(self.numbers)}"
        given = {name: value for name, value in fields.items() if value is not None}
        event = {"type": kind, "event_id": event_id, "ts": max(ts_ms, 0), "office_id": office} | given
        self.instants.append(event["ts"])
        return event

    def _instant(self, kind, office):
        """About now, shortly after a press, or as late or as early as may be."""
        chance = self.chance
        what = chance.random()
        if what < (0.45 if kind in PANEL_EVENTS else 0.15) and self.pressed:
            after_ms = chance.choice(self.pressed[-3:])["ts"]
            if kind == "customer_press":
                return after_ms + chance.choice(ANSWERED_MS)
            if self.is_dense and chance.random() < 0.5:
                return after_ms + chance.choice((-2, -1, -1, 1)) * chance.choice((1, 10, 700, 1000, 1500))
            return after_ms + chance.choice(DISTANCES_MS)
        if what < 0.53:
            topic = TOPIC_OF[kind]
            horizon_ms = 1000 * self.config["correction_horizon_s"].get(topic, 3600)
            clock_ms = self.clocks_ms.get((topic, self.homes[office]), self.now_ms)
            return clock_ms - chance.choice((horizon_ms - 1, horizon_ms, horizon_ms + 1, 60_000, 200_000))
        if what < 0.6:
            ahead_ms = chance.choice((1, 1000, 40_000, LEAD_MS, LEAD_MS, LEAD_MS + 1, 10 * LEAD_MS, 10**11))
            return self.now_ms + self.skew_ms + ahead_ms
        return self.now_ms - chance.choice((0, 0, 100, 3000, self.now_ms % 1000, self.now_ms % 15_000))

    def _place(self):
        office = self.chance.choice(list(self.homes))
        return office, {"panel_id": "p1" if self.is_dense else self.chance.choice(("p1", "p2"))}

    def _press(self):
        chance = self.chance
        office, fields = self._place()
        press = self._make(
            "seller_press",
            self._instant("seller_press", office),
            office,
            **fields,
            employee_id=chance.choice(("ann", "ben")),
            hold_ms=chance.choice((0, 200, 200, 2999, 3000, 3000)),
            question=chance.choice((None, None, "office", "loyalty")),
        )
        self.pressed.append(press)
        return press

    def _answer(self):
        office, fields = self._place()
        ts_ms = self._instant("customer_press", office)
        return self._make(
            "customer_press", ts_ms, office, **fields, answer=self.chance.choice(("yes", "no", "hard_to_say"))
        )

    def _verdict(self, press=None):
        chance = self.chance
        press = press or (
            chance.choice(self.pressed[-4:])
            if self.pressed
            else {"event_id": "x", "ts": self.now_ms, "office_id": "riga", "hold_ms": 0}
        )
        is_long = press["hold_ms"] >= 3000
        ends_ms = sorted(
            other["ts"] + chance.choice((-1, 0, 0, 1)) for other in chance.choices(self.pressed[-5:] or [press], k=2)
        )
        moved = {
            "from": chance.choice((None, ends_ms[0])),
            "to": chance.choice((None, ends_ms[1], ends_ms[1])),
            "scope": chance.choice((None, "panel", "office")),
        }
        right = chance.random() < 0.93
        return self._make(
            "verdict",
            press["ts"] + chance.choice((0, 1, 1, 1000, -1000))
            if chance.random() < 0.5
            else self._instant("verdict", press["office_id"]),
            press["office_id"],
            target="force_majeure" if is_long is right else "survey",
            target_id=press["event_id"],
            reliable=chance.random() < (0.7 if is_long else 0.5),
            **(moved if is_long else {}),
        )

    def _call(self):
        chance = self.chance
        office, _ = self._place()
        return self._make(
            "call",
            self._instant("call", office),
            office,
            direction=chance.choice(("inbound", "inbound", "outbound")),
            disposition=chance.choice(("answered", "abandoned", "busy")),
            wait_s=chance.choice((4.9994, 5, 20, 20.0006)),
            talk_s=chance.choice((None, 61.25, 900)),
            queue=chance.choice((None, "help")),
            employee_id=chance.choice((None, "ann")),
            client_id=chance.choice(CLIENTS),
        )

    def _sale(self):
        office, _ = self._place()
        amount = self.chance.choice((-2500, 0, 999, 2**40))
        return self._make(
            "sale",
            self._instant("sale", office),
            office,
            amount_minor=amount,
            currency="EUR",
            employee_id=self.chance.choice((None, "ann")),
            margin_minor=self.chance.choice((None, -700, 2**33)),
            category=self.chance.choice((None, "plans")),
        )

    def _visit(self):
        office, _ = self._place()
        return self._make("visit", self._instant("visit", office), office, count=self.chance.choice((None, 0, 3)))

    def _rating(self):
        chance = self.chance
        office, _ = self._place()
        return self._make(
            "rating",
            self._instant("rating", office),
            office,
            metric=chance.choice(("nps", "csat", "ces")),
            score=chance.choice((1, 3, 4, 5)),
            employee_ids=chance.choice((None, ["ann"], ["ann", "ben", "ann"])),
            client_id=chance.choice(CLIENTS),
            occasion=chance.choice((None, "leaving")),
        )

    def _request(self):
        chance = self.chance
        office, _ = self._place()
        return self._make(
            "request",
            self._instant("request", office),
            office,
            request_id=chance.choice("qrs"),
            priority=chance.choice(("critical", "critical", "normal", "odd")),
            stage=chance.choice(("opened", "opened", "opened", "first_response", "on_site", "resolved", "cancelled")),
            employee_id=chance.choice((None, "ann", "ben")),
            client_id=chance.choice(CLIENTS),
        )

    def _shift(self):
        office, _ = self._place()
        ts_ms = self._instant("shift", office)
        return self._make(
            "shift",
            ts_ms,
            office,
            employee_id=self.chance.choice(("ann", "ben")),
            kind=self.chance.choice(("work", "work", "work", "break", "training", "leave")),
            end_ts=ts_ms + self.chance.choice((-1, 0, 45_000, 900_000, 3_600_000)),
        )

    def _peer_rating(self):
        """One rating, perhaps behind some others: fewer than five are not shown."""
        chance = self.chance
        office, _ = self._place()

        def rating():
            return self._make(
                "peer_rating",
                self._instant("peer_rating", office),
                office,
                from_department=chance.choice(("shop", "shop", "office")),
                to_department=chance.choice(("stock", "stock", "office")),
                scores={"pace": chance.choice((1, 6, 9))},
                comment=chance.choice((None, " ", "late")),
                vote_employee_ids=chance.choice((None, ["ann"], ["ann", "ben"])),
            )

        for _ in range(chance.choice((0, 0, 6))):
            self._publish(rating())
        return rating()

    def _instant_to_judge(self):
        """An instant not before now; if there is one nearby, one at which something has just left a window, or is about to."""
        chance = self.chance
        if self.instants and chance.random() < 0.6:
            bucket_ms = chance.choice((1000, 15_000, 60_000))
            left_ms = (chance.choice(self.instants) // bucket_ms + 60) * bucket_ms - chance.choice((0, 1))
            if 0 <= left_ms - self.now_ms <= 60 * MINUTE_MS:
                self.now_ms = left_ms
                return left_ms
        self.now_ms += chance.choice((0, 1, 5000, 40_000))
        return self.now_ms
