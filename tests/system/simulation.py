"""Runs schedules: a broker and some workers in memory, and a judge who compares them with the reference, at quiet moments.

Nothing that the judge expects comes from the product: it follows from the set of events in the log, by
`tests.reference`, and from the log itself.
"""

import asyncio
from collections import Counter
from unittest.mock import patch

from agents import outbox
from streams.configuration import configure
from streams.fates import fates
from streams.manifest import read_manifest
from streams.results import rows
from tests.reference import contract, method, signs
from tests.reference.requests import requests
from tests.streams.feeding import directory_of, signs_of, surveys_of, sweep
from tests.system.schedules import ALL, DIRECTORIES, LEAD_MS, START_MS, TAKEOVER_MS, TOPICS
from tests.system.simulated_broker import Broker
from tests.system.simulated_worker import Worker, told_the_time

SILENCE_ALLOWANCE_MS = 2000
STAGES = ("first_response", "on_site", "resolved")  # what has targets
HUGE_FRAME = b"\x28\xb5\x2f\xfd\xe0" + (2**60).to_bytes(8, "little") + b"\x01\x00\x00"  # zstd, says that it holds 1 EiB
WAITING = {
    "seller_press",
    "customer_press",
    "verdict",
    "call",
    "sale",
    "visit",
    "rating",
    "request",
    "peer_rating",
}  # while they lie ahead of now


def run(schedule):
    """Let everything happen; returns what differs from what should be, at the first judgement where anything does."""
    return asyncio.run(Simulation(schedule).run())


class Homes(dict):
    """The partition of each office."""

    def __missing__(self, office):
        return 0


class Simulation:
    """A small world that a schedule happens to."""

    def __init__(self, schedule):
        self.schedule = schedule
        self.configuration = configure(("the schedule", schedule.config))
        self.homes = Homes(schedule.homes)
        self.broker = Broker(START_MS, schedule.skew_ms)
        self.owners = (0,) * schedule.partitions
        self.directory = DIRECTORIES[0]
        self.checkpoints_are_whole = True  # as long as nobody else spoils them
        self.differences = []

    async def run(self):
        """Let everything happen."""
        is_slow = any(
            kind == "hurry" for kind, *_ in self.schedule.actions
        )  # so that some may wait while others are under way
        with (
            told_the_time(self.broker),
            patch.object(outbox, "MESSAGES_AT_ONCE", 1 if is_slow else outbox.MESSAGES_AT_ONCE),
        ):
            self.workers = [self._worker() for _ in range(self.schedule.workers)]
            for kind, *details in self.schedule.actions:
                await getattr(self, f"_{kind}")(*details)
                if self.differences:
                    break
                await self._come_to_rest()
            for worker in self.workers:
                worker.kill()
        return self.differences

    def _worker(self):
        worker = Worker(self.broker, self.configuration, self.homes, self.schedule.partitions)
        worker.product.engine.direct(directory_of(self.directory))  # as every worker begins
        return worker

    async def _come_to_rest(self):
        """Let every worker go on until it waits for the world."""
        loop = asyncio.get_running_loop()
        while loop._ready:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)

    # What happens --------------------------------------------------------------------------------------------------

    async def _send(self, topic, partition, key, value, gap):
        self.broker.append(topic, partition, key, value, gap=gap)

    async def _time(self, pause_ms):
        self.broker.now_ms += pause_ms

    async def _fetch(self, worker, topic, partition, count):
        if self.workers[worker].is_member:
            await self.workers[worker].fetch(topic, partition, count)

    async def _hear(self, worker):
        if self.workers[worker].is_member:
            self.workers[worker].hear()

    async def _tick(self, worker):
        if self.workers[worker].is_member:
            await self.workers[worker].tick()

    async def _direct(self, number):
        self.directory = DIRECTORIES[number]

    async def _follow(self, worker):
        """A worker takes note of the directory that there is now."""
        self.workers[worker].product.engine.direct(directory_of(self.directory))

    async def _deliver(self, worker, count, place):
        self.workers[worker].deliver(count, place)

    async def _commit(self, worker):
        self.workers[worker].commit()

    async def _checkpoint(self, worker, partition):
        self.workers[worker].checkpoint(partition)

    async def _sweep(self, worker, partition):
        product = self.workers[worker].product
        if partition in product.owned:
            sweep(product.engine, product.owned[partition].state)

    async def _crash(self, worker):
        self.workers[worker].kill()
        await self._look_for_whole_checkpoints()
        self.workers[worker] = self._worker()

    async def _lose(self, worker):
        """The group loses sight of a worker, which has heard nothing from it for as long, and has messages under way."""
        self.workers[worker].is_member = False

    async def _hurry(self, worker):
        """What waits to be published does not get through in time when partitions are shared out the next time."""
        self.workers[worker].is_hurried = True

    async def _rejoin(self, worker):
        """A worker finds out that the group has lost sight of it, and joins again."""
        if not self.workers[worker].is_member:
            await self.workers[worker].revoke()
            self.workers[worker].is_member = True

    async def _damage(self, partition, what, how, where):
        """Something happens to a manifest or to a chunk."""
        self.checkpoints_are_whole = False
        stored = self.broker.stored[partition]
        keys = sorted(key for key in stored if what in key)
        if keys:
            key = keys[where % len(keys)]
            stored[key] = damaged(stored[key], how, where)
            if stored[key] is None:
                del stored[key]

    async def _assign(self, *owners):
        """Partitions are shared out anew among the members."""
        self.broker.now_ms += TAKEOVER_MS
        self.owners = owners
        for worker in self.workers:
            if not worker.is_member:  # what was under way has arrived by now
                worker.deliver(ALL)
        members = [worker for worker in self.workers if worker.is_member]
        for worker in members:
            await worker.revoke()
        for number, worker in enumerate(members):
            await worker.assign([partition for partition, owner in enumerate(owners) if owner % len(members) == number])

    async def _look_for_whole_checkpoints(self):
        """A manifest that is stored stands for a checkpoint that can be used, at every moment."""
        if not self.checkpoints_are_whole:
            return
        latest = {
            number: max(read_manifest(value).number for key, value in stored.items() if b"/manifest/" in key)
            for number, stored in self.broker.stored.items()
            if any(b"/manifest/" in key for key in stored)
        }
        found = await self._worker().restorable(latest.keys()) if latest else {}
        self.differences += unlike("the latest checkpoint of partition", found, latest)

    # Judgement -----------------------------------------------------------------------------------------------------

    async def _judge(self, at_ms):
        """Let everyone catch up at an instant, and compare."""
        # What a fast broker has appended is as late as that; what it appends from now on must not be later than now.
        self.broker.now_ms = max(at_ms, self.broker.now_ms + max(self.broker.skew_ms, 0))
        self.broker.skew_ms = min(self.broker.skew_ms, 0)
        for number in range(len(self.workers)):
            await self._rejoin(number)
            await self._follow(number)
        if len(self._owned()) < self.schedule.partitions:
            await self._assign(*self.owners)
        await self._settle()
        expected = Expected(self.schedule, self.broker, self.configuration.topic_prefix, self.directory)
        while expected.is_twilight(self.broker.now_ms):
            self.broker.now_ms += SILENCE_ALLOWANCE_MS + 1
            await self._settle()
        self.differences += expected.differences(self.broker, self._owned())
        await self._look_for_whole_checkpoints()

    async def _settle(self):
        """Have everything read and published, what is moved included."""
        for _ in range(100):
            for worker in self.workers:
                for number in worker.owned:
                    for topic in TOPICS:
                        await worker.fetch(topic, number, ALL)
                worker.hear()
                await worker.tick()
            await self._come_to_rest()
            for worker in self.workers:
                worker.deliver(ALL)
            await self._come_to_rest()
            if all(worker.has_caught_up for worker in self.workers):
                return
        raise AssertionError("the workers never catch up")

    @property
    def states(self):
        """The states of all partitions."""
        return [state for _, state in self._owned().values()]

    def _owned(self):
        """Engine and state of every partition, by its number."""
        return {
            number: (worker.product.engine, owned.state)
            for worker in self.workers
            for number, owned in worker.owned.items()
            if worker.positions
        }


class Expected:
    """What follows from the log."""

    def __init__(self, schedule, broker, prefix, directory):
        self.config = schedule.config | {"directory": directory}
        self.prefix = prefix
        self.dead_letters = {}  # reason and value by topic, partition and offset
        self.moved = set()  # topic, partition and offset
        self.events = {number: [] for number in range(schedule.partitions)}
        self.fates = {number: Counter() for number in range(schedule.partitions)}
        for (topic, number), log in sorted(broker.logs.items()):
            self._read(schedule, topic, number, log)

    def _read(self, schedule, topic, number, log):
        horizon_ms = 1000 * self.config["correction_horizon_s"].get(topic, 3600 if topic == "verdicts" else 604_800)
        clock_ms = 0
        self.fates[number]["gap"] += log.end - len(log.records)
        for record in log.records:
            place = self.prefix + topic, number, record.offset
            event, reason = judged(record.value, topic)
            if event is not None and (
                record.key != event["office_id"].encode() or schedule.homes.get(event["office_id"], 0) != number
            ):
                self.moved.add(place)
                self.fates[number]["moved"] += 1
                continue
            if event is not None and event["type"] != "shift" and event["ts"] > record.append_ms + LEAD_MS:
                reason = "in_the_future"
            elif event is not None and event["ts"] < clock_ms - horizon_ms:
                reason = "too_late"
            if reason is not None:
                self.dead_letters[place] = reason, record.value
                self.fates[number]["too_late" if reason == "too_late" else "rejected"] += 1
                continue
            clock_ms = max(clock_ms, min(event["ts"], record.append_ms))
            self.events[number].append(event)

    def is_twilight(self, now_ms):
        """Whether a survey has just ended, or a target was due, and the product still waits for what may be on its way."""
        since_ms = now_ms - SILENCE_ALLOWANCE_MS
        return any(
            any(
                survey["outcome"] == "silent" and since_ms <= survey["ts"] + 30_000
                for survey in method.surveys(events, now_ms, self.config)
            )
            or any(
                mark["what"] in STAGES and not mark["amount"] and since_ms <= mark["ts"]
                for each in requests(method.known(events, now_ms), now_ms, self.config)
                for mark in each["marks"]
            )
            for events in self.events.values()
        )

    def fates_of(self, number, now_ms):
        """What should have become of the offsets of a partition."""
        held = [event for event in self.events[number] if event["ts"] > now_ms and event["type"] in WAITING]
        due = [event for event in self.events[number] if event["ts"] <= now_ms or event["type"] not in WAITING]
        applied = len({(event["office_id"], event["event_id"]) for event in due})
        counted = {"applied": applied, "duplicate": len(due) - applied, "held": len(held)}
        return counted | {fate: self.fates[number][fate] for fate in ("too_late", "rejected", "moved", "gap")}

    def differences(self, broker, owned):
        """Tell what differs, in words."""
        yield from self._published_differences(broker)
        for number, (engine, state) in owned.items():
            events = self.events[number]
            now_ms = broker.now_ms
            expected = {
                (survey["office_id"], survey["event_id"]): survey
                for survey in method.surveys(events, now_ms, self.config)
            }
            yield from unlike(f"survey of partition {number}", surveys_of(state), expected)
            yield from unlike(
                f"index of partition {number}",
                named(rows(engine, state)),
                named(method.indices(events, now_ms, self.config)),
            )
            yield from unlike(
                f"sign in partition {number}", signs_of(engine, state), signs.rows(events, now_ms, self.config)
            )
            yield from unlike(f"fate in partition {number}", fates(state), self.fates_of(number, now_ms))
            roles = Counter(method.roles(events, now_ms, self.config).values())
            yield from unlike(
                f"diagnostics of partition {number}",
                state.diagnostics,
                {role: roles[role] for role in state.diagnostics},
            )

    def _published_differences(self, broker):
        expected = {
            (survey["office_id"], survey["event_id"]): published(survey)
            for events in self.events.values()
            for survey in method.surveys(events, broker.now_ms, self.config)
            if survey["outcome"] != "undecided"
        }
        last = {name: told(survey) for name, survey in broker.surveys.items() if survey["outcome"] != "withdrawn"}
        yield from unlike("published survey", last, expected)
        yield from unlike("dead letter", broker.dead_letters, self.dead_letters)
        origins = {record.origin for log in broker.logs.values() for record in log.records} - {None}
        yield from unlike(
            "moved message", dict.fromkeys(origins), {"/".join(map(str, place)): None for place in self.moved}
        )


def damaged(value, how, where):
    """What is left of a stored value; None where nothing is."""
    at = where % len(value)
    flipped = value[:at] + bytes([value[at] ^ 1 << where % 8]) + value[at + 1 :]
    return {"lost": None, "cut": value[:at], "flipped": flipped, "huge": HUGE_FRAME}[how]


_judgements = {}


def judged(value, topic):
    """What the contract says of a message; the same ones come again and again."""
    if (value, topic) not in _judgements:
        if len(_judgements) > 100_000:
            _judgements.clear()
        _judgements[value, topic] = (None, "not_json") if value is None else contract.judge(value, topic, 3_600_000)
    return _judgements[value, topic]


def published(survey):
    """A survey of the reference as it should stand on the topic."""
    names = (
        "office_id",
        "event_id",
        "panel_id",
        "employee_id",
        "ts",
        "question",
        "outcome",
        "valid",
        "in_force_majeure",
    )
    return tuple(survey[name] for name in names)


def told(survey):
    """The same of a message."""
    names = ("office_id", "survey_id", "panel_id", "employee_id", "ts", "question", "outcome", "valid", "force_majeure")
    return tuple(survey[name] for name in names)


def named(found):
    """Rows of a replay by what they are about."""
    return {
        tuple(
            row.get(name) for name in ("scope", "office_id", "employee_id", *method.OTHER_NAMES, "window", "index")
        ): (
            round(row["value"], 9) if isinstance(row["value"], float) else row["value"],
            row["base"],
            row.get("reasons"),
            row.get("numbers", {}).get("last_asked"),
        )
        for row in found
    }


def unlike(what, found, expected):
    """Tell where two dictionaries differ: what is missing, extra or other than it should be."""
    for name in sorted(found.keys() | expected.keys(), key=str):
        if found.get(name, "nothing") != expected.get(name, "nothing"):
            yield f"{what} {name}: {found.get(name, 'nothing')}, expected {expected.get(name, 'nothing')}"


def shrunk(some, fails):
    """The schedule without what can be left out of it while it still fails."""
    size = max(len(some.actions) // 2, 1)
    while True:
        at = 0
        while at < len(some.actions):
            less = some._replace(actions=some.actions[:at] + some.actions[at + size :])
            if fails(less):
                some = less
            else:
                at += size
        if size == 1:
            return some
        size //= 2
