"""Random small companies whose events crowd at the edges of the method's rules.

Presses come in bursts at the distances where something changes (debounce, answer window), panels are shared, floaters
go from panel to panel, many events happen at the same millisecond, verdicts contradict each other or miss their
target, force majeures are moved and widened. Everything follows from the seed.
"""

import random
from itertools import count

START_MS = 1_800_000_000_000
STEPS_MS = (0, 1, 499, 500, 501, 999, 1000, 1001, 2000, 5000, 15_000, 29_999, 30_000, 30_001, 31_000, 60_000, 300_000)
WAITS_S = (0, 3, 4.999, 4.9995, 4.9996, 5, 12.5, 19.9994, 20, 20.0004, 20.0005, 20.001, 109)
TALKS_S = (0, 0.0005, 0.0015, 60, 61.25, 95.5, 180.3333)
PREFIXES = ("a", "s", "z", "~", "\u00e9", "\ufb01", "\uffee", "\U0001f600")
QUESTIONS = (None, "personnel", "office", "loyalty")


def company(seed, mess=0.5, offices=2, panels=3, steps=60):
    """Return the events of a random company, as the contract writes them.

    Parameters
    ----------
    seed : int
        The same seed gives the same events.
    mess : float
        0: by time, each event once. Else that share of the events is repeated, and all are shuffled.
    offices, panels, steps : int
        How many offices, panels in each (one more is shared by all sellers) and happenings on each panel.
    """
    chance = random.Random(seed)
    events = []
    for office in range(offices):
        events += Office(chance, f"office-{office}").work(
            [f"p{panel}" for panel in range(panels)] + ["p-shared"], steps
        )
    events.sort(key=lambda event: event["ts"])
    if mess:
        events += [dict(event) for event in chance.choices(events, k=int(mess * len(events)))]
        chance.shuffle(events)
    return events


class Office:
    """What happens in one office."""

    def __init__(self, chance, office_id):
        self.chance = chance
        self.office_id = office_id
        self.numbers = count()
        self.events = []

    def work(self, panels, steps):
        """Return all events of the office."""
        for panel in panels:
            self.presses(panel, steps)
        for press in [event for event in self.events if event["type"] == "seller_press"]:
            self.verdicts(press)
        instants = [event["ts"] for event in self.events]
        for _ in range(steps):
            for make in (self.call, self.sale, self.visit, self.rating, self.request, self.other):
                make(self.chance.choice(instants) + self.chance.choice((-1, 0, 1, 40_000)))
        return self.events

    def add(self, kind, ts_ms, /, **fields):
        """Add an event with an id of its own; fields that are None are left out."""
        given = {name: value for name, value in fields.items() if value is not None}
        event_id = f"{self.chance.choice(PREFIXES)}-{next(self.numbers)}"
        self.events.append({"type": kind, "event_id": event_id, "ts": ts_ms, "office_id": self.office_id} | given)

    def presses(self, panel, steps):
        """Let sellers and customers press on one panel, in bursts."""
        chance = self.chance
        ts_ms = START_MS - chance.randrange(3_600_000)
        people = ["floater", *(f"emp-{panel if panel != 'p-shared' else who}-{who}" for who in "ab")]
        for _ in range(steps):
            ts_ms += chance.choice(STEPS_MS)
            if chance.random() < 0.55:
                hold_ms = chance.choice((0, 200, 200, 200, 2999, 2999, 3000, 8000))
                question = chance.choice(QUESTIONS)
                self.add(
                    "seller_press",
                    ts_ms,
                    panel_id=panel,
                    employee_id=chance.choice(people),
                    hold_ms=hold_ms,
                    question=question,
                )
            else:
                answer = chance.choice(("yes", "yes", "no", "hard_to_say"))
                self.add("customer_press", ts_ms, panel_id=panel, answer=answer)

    def verdicts(self, press):
        """Let the expert judge a press: often not at all, sometimes several times, sometimes as what it is not."""
        chance = self.chance
        long = press["hold_ms"] >= 3000
        for _ in range(chance.choice((0, 1, 1, 2, 3) if long else (0, 0, 0, 1, 2))):
            right = chance.random() < 0.85
            target = "force_majeure" if long is right else "survey"
            moved = {}
            if target == "force_majeure":
                start_ms = press["ts"] + chance.choice((-600_000, -30_000, -1, 0, 1, 60_000))
                moved = {
                    "from": chance.choice((None, start_ms)),
                    "to": chance.choice((None, start_ms, start_ms + 1, start_ms + 90_000, start_ms + 1_800_000)),
                    "scope": chance.choice((None, None, "panel", "office")),
                }
            self.add(
                "verdict",
                press["ts"] + chance.choice((-60_000, 0, 1, 1, 600_000)),
                target=target,
                target_id=press["event_id"] if chance.random() < 0.95 else "nothing",
                reliable=chance.choice((True, False, 1, 0)),
                **moved,
            )

    def call(self, ts_ms):
        """Add a call."""
        chance = self.chance
        disposition = chance.choice(("answered", "answered", "abandoned", "abandoned", "no_answer", "busy", "failed"))
        worked = disposition == "answered" or chance.random() < 0.2
        self.add(
            "call",
            ts_ms,
            direction=chance.choice(("inbound", "inbound", "inbound", "outbound", "internal")),
            disposition=disposition,
            wait_s=chance.choice(WAITS_S),
            talk_s=chance.choice(TALKS_S) if worked else None,
            hold_s=chance.choice((None, *TALKS_S)) if worked else None,
            wrap_s=chance.choice((None, *TALKS_S)) if worked else None,
            queue=chance.choice((None, "help", "sales")),
            employee_id=chance.choice((None, "floater", "emp-p0-a", "agent")),
            client_id=self.client(),
        )

    def sale(self, ts_ms):
        """Add a sale or a refund."""
        self.add(
            "sale",
            ts_ms,
            amount_minor=self.chance.choice((-2500, -1, 0, 1, 999, 10**12)),
            currency="EUR",
            employee_id=self.chance.choice((None, "floater", "emp-p0-b", "cashier")),
            client_id=self.client(),
        )

    def visit(self, ts_ms):
        """Add visitors."""
        self.add("visit", ts_ms, count=self.chance.choice((None, None, 0, 1, 3, -1)))

    def client(self):
        """Return a client who comes again and again, or a new one, or nobody."""
        number = next(self.numbers)
        return self.chance.choice((None, "anna", "boris", "c\u00e9line", f"client-{number}"))

    def rating(self, ts_ms):
        """Add a score."""
        chance = self.chance
        metric, lowest, highest = chance.choice((("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)))
        people = ["floater", "emp-p0-a", "agent", "cashier", "nobody-else"]
        self.add(
            "rating",
            ts_ms,
            metric=metric,
            score=chance.randint(lowest, highest),
            client_id=self.client(),
            employee_ids=chance.choice((None, [], chance.choices(people, k=chance.randint(1, 6)))),
            occasion=chance.choice((None, "regular", "leaving")),
        )

    def request(self, ts_ms):
        """Let a request reach a stage, whichever."""
        chance = self.chance
        stages = ("opened", "opened", "first_response", "on_site", "resolved", "cancelled")
        self.add(
            "request",
            ts_ms + chance.choice((0, 0, 60_000, 600_000, -600_000)),
            request_id=f"r{chance.randrange(12)}",
            priority=chance.choice(("critical", "normal", "other")),
            stage=chance.choice(stages),
            employee_id=chance.choice((None, "agent", "engineer")),
            client_id=self.client(),
        )

    def other(self, ts_ms):
        """Add a piece of somebody's planned time, or a rating between departments."""
        if self.chance.choice(("shift", "peer_rating", "peer_rating")) == "peer_rating":
            self.add("peer_rating", ts_ms, **self.opinion())
            return
        chance = random.Random(ts_ms)  # what is planned changes nothing of what happens
        self.add(
            "shift",
            ts_ms,
            employee_id=chance.choice(("floater", "emp-p0-a", "agent", "planned")),
            kind=chance.choice(("work", "work", "work", "break", "training", "leave")),
            end_ts=ts_ms + chance.choice((-1, 1, 45_000, 900_000, 8 * 3_600_000)),
        )

    def opinion(self):
        """Return what a department thinks of another one, or of itself; as often as not with nothing extreme in it, or nothing at all."""
        chance = self.chance
        departments = ("sales", "sales", "sales", "help", "d\u00e9p\u00f4t")
        criteria = chance.sample(("speed", "tone", "co\u00fbt", "sales"), chance.randrange(5))
        lowest, highest = chance.choice(((1, 10), (2, 9), (2, 9)))
        return {
            "from_department": chance.choice(departments),
            "to_department": chance.choice(departments),
            "scores": {criterion: chance.randint(lowest, highest) for criterion in criteria},
            "comment": chance.choice((None, "", " ", "because")),
            "vote_employee_ids": chance.choice(
                (None, [], chance.choices(("floater", "agent", "nobody-else"), k=chance.randint(1, 5)))
            ),
        }
