"""The engine as tests feed it: events as dictionaries go through the decoder, in any batches, by any clock.

`surveys` and `rows` of a `Feed` are what `tests.reference.method` gives for the same events. Every change that a step
reports is kept as the last record of its survey, and has to come with a higher revision than the one before.
"""

import json
import random
from pathlib import Path

import numpy as np

from kernels import storage
from kernels.layout import PRESSES, SELLER, UNDECIDED
from streams.clock import EventClock, WallClock
from streams.configuration import configure
from streams.decode import decode
from streams.directory_check import Given, from_toml, read
from streams.engine import Engine
from streams.events import EVENT_NAMES, LONGEST_WINDOW_MS, TOPIC_OF_KIND
from streams.index import OUTCOMES, QUESTIONS
from streams.intake import take_in
from streams.messages import Messages
from streams.partition import NO_EVENTS, Events
from streams.results import rows
from streams.sign_counts import count_signs
from streams.signs import SIGNS
from streams.surveys import employee_of, revise, surveys

ALL = 10**9
SIZES = (1, 2, 7, 97, ALL)
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Feed:
    """One partition under one configuration."""

    def __init__(self, config=None, at_ms=None, *, horizons=False, clock=None, sweeps=False):
        config = dict(config or {})
        directory = directory_of(config.pop("directory", None))
        self.configuration = configure(("the test", config))
        self.engine = Engine(self.configuration, directory, horizons=horizons, until_ms=at_ms)
        self.partition = self.engine.new_partition()
        self.clock = clock or EventClock(at_ms)
        self.sweeps = sweeps  # after every step
        self.forgets = sweeps and not horizons  # and then takes a repeat of long ago, which no horizon refuses, for new
        self.records = {}  # the last one of each survey, by office and id
        self.outcomes = {}  # all of them, in order

    def feed(self, events, size=ALL):
        """Apply events in batches of a size."""
        for start in range(0, len(events), size):
            self.step(events[start : start + size])
        return self

    def step(self, events=()):
        """Apply events, or let time pass; returns the records of the surveys that changed."""
        return self.apply(decoded(events, self.configuration.longest_window_ms))

    def direct(self, directory):
        """Put another directory in force."""
        self.engine.direct(directory_of(directory))
        return self

    def tick(self, wall_ms):
        """Let the wall clock show an instant."""
        self.clock.wall_ms = wall_ms
        return self.apply(NO_EVENTS)

    def arrive(self, events, append_ms=None):
        """Take in events of one topic as a worker does, appended to its log when they happened or at an instant."""
        topic = topic_of(events[0])
        appended = [event["ts"] for event in events] if append_ms is None else [append_ms] * len(events)
        intake = take_in(
            Messages.of(encoded(events)),
            Messages.of([event["office_id"].encode() for event in events]),
            np.array(appended, np.int64),
            self.partition.names,
            topic=topic,
            partition=0,
            partition_of=lambda _: 0,
            clock_ms=self.partition.topic_clock_ms.get(topic, 0),
            horizon_ms=self.configuration.horizon_ms(topic),
            longest_window_ms=self.configuration.longest_window_ms,
        )
        self.partition.topic_clock_ms[topic] = intake.clock_ms
        self.apply(intake.events)
        return intake

    def apply(self, events):
        """Apply decoded events."""
        changed = self.engine.step(self.partition, events, self.clock)
        revise(self.partition, changed, 0)
        told = list(surveys(self.partition, changed))
        for record in told:
            name = record.office_id, record.survey_id
            if not self.forgets and name in self.records:
                assert record.revision > self.records[name].revision
            self.records[name] = record
            self.outcomes.setdefault(name, []).append(record.outcome)
        if self.sweeps:
            self.sweep()
        return told

    def sweep(self):
        """Sweep the tables into the least room there is."""
        sweep(self.engine, self.partition)

    @property
    def rows(self):
        """The indices, as a replay prints them."""
        return list(rows(self.engine, self.partition))

    @property
    def signs(self):
        """Count and base of each sign that has a base; see `signs_of`."""
        return signs_of(self.engine, self.partition)

    @property
    def surveys(self):
        """Every accepted short press, by office and id, as `tests.reference.method.surveys` has it."""
        return surveys_of(self.partition)

    @property
    def totals(self):
        """The counters of every entity that has any, as bytes."""
        tables = self.partition.tables
        counters = self.partition.counters()
        held = {
            entity: (
                tables.survey_counts[number].tobytes(),
                tables.fact_sums[number].tobytes(),
                tables.score_counts[tables.score_rows[number]].tobytes(),
                tables.request_sums[tables.request_rows[number]].tobytes(),
                counters.work_sums[counters.work_rows[number]].tobytes(),
            )
            for number, entity in enumerate(self.partition.names.entities)
        }
        return {entity: counted for entity, counted in held.items() if any(map(any, counted))}


def directory_of(document):
    """The directory that a TOML file has at a path, or that stands in one; it is right."""
    if isinstance(document, str):
        found = read(from_toml(Path(document).read_text(encoding="utf-8"), document))
    else:
        document = document or {}
        tables = {"office": "offices", "employee": "employees", "plan": "plans", "matrix": "matrices"}
        given = [Given(kind, each, "the test") for kind, table in tables.items() for each in document.get(table, [])]
        given += [Given("defaults", document["defaults"], "the test")] if "defaults" in document else []
        found = read(given)
    assert found.faults == []
    return found.directory


def whole(pieces):
    """Return what a generator comes to."""
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            return end.value


def signs_of(engine, partition):
    """Count and base of each sign that has a base, by scope, office, employee, window and sign, as the report has them."""
    odd, bases = whole(count_signs(engine, partition))
    found = {}
    for entity, (scope, office, name) in enumerate(partition.names.entities):
        for at, window in enumerate(engine.configuration.windows):
            for code, sign in enumerate(SIGNS):
                if bases[entity, at, code]:
                    key = (scope, office, None if scope == "office" else name, window, sign)
                    found[key] = (int(odd[entity, at, code]), int(bases[entity, at, code]))
    return found


def surveys_of(partition):
    """Every accepted short press of a partition, by office and id, as `tests.reference.method.surveys` has it."""
    tables = partition.tables
    names = partition.names
    found = {}
    for press in tables.presses[: tables.sizes[PRESSES]]:
        if press["kind"] == SELLER and press["accepted"]:
            start = int(press["id_start"])
            end = start + int(press["id_length"])
            event_id = tables.id_bytes[start:end].tobytes().decode()
            office, panel = names.panels[press["panel"]]
            found[office, event_id] = {
                "event_id": event_id,
                "office_id": office,
                "panel_id": panel,
                "employee_id": employee_of(partition, int(press["employee"]), end),
                "ts": int(press["ts_ms"]),
                "question": QUESTIONS[press["choice"]],
                "outcome": "undecided" if press["outcome"] == UNDECIDED else OUTCOMES[press["outcome"]],
                "valid": not press["rejected"],
                "in_force_majeure": bool(press["in_force_majeure"]),
            }
    return found


def sweep(engine, partition):
    """Sweep the tables of a partition into the least room there is."""
    retention = engine._retention(partition)
    partition.tables = storage.sweep(partition.tables, engine.rules, retention, storage.Needs())


def caught_up_clock(wall_ms=0):
    """A wall clock at an instant, of a worker that has read all there is."""
    clock = WallClock()
    clock.wall_ms = wall_ms
    clock.caught_up = clock.presses_caught_up = True
    return clock


def encoded(events):
    """Events as messages; those that are messages stay what they are."""
    return [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]


def decoded(events, longest_window_ms=LONGEST_WINDOW_MS):
    """Events as decoding leaves them; every one of them is good."""
    rows, buffer, rejects = decode(Messages.of(encoded(events)), longest_window_ms=longest_window_ms)
    assert rejects == []
    return Events(rows, buffer)


def topic_of(event):
    """The topic of an event."""
    return TOPIC_OF_KIND[EVENT_NAMES.index(event["type"])]


def by_name(surveys):
    """The reference's surveys by office and id."""
    return {(survey["office_id"], survey["event_id"]): survey for survey in surveys}


def by_topic(events):
    """The events of each topic."""
    topics = {}
    for event in events:
        topics.setdefault(topic_of(event), []).append(event)
    return topics


def shuffled(events, seed, repeats=0.3):
    """The events in another order, a share of them twice."""
    chance = random.Random(seed)
    mixed = events + chance.sample(events, int(repeats * len(events)))
    chance.shuffle(mixed)
    return mixed
