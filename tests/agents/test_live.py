"""The worker by the wall clock: what happens now shows now, in /metrics and on the output topics."""

import json
import time
import uuid
from itertools import count

import pytest

from tests.metrics import sample_of
from tests.service import Service, until
from tests.topics import Reader, Writer, partition_of

ANSWER_WINDOW_MS = 500
ALLOWANCE_MS = 2000  # a live answer may be on its way
WINDOWS = ["15m", "1h", "30d"]
SETTINGS = {"answer_window_s": ANSWER_WINDOW_MS / 1000, "windows": WINDOWS, "indices_interval_s": 0.1}
HOUR_MS = 3_600_000

numbers = count()


@pytest.fixture(scope="module")
def service(kafka):
    """Return a service with its topics."""
    return Service(kafka, **SETTINGS).create_topics()


@pytest.fixture(scope="module")
def worker(service):
    """Return a worker by the wall clock that is ready."""
    with service.worker() as worker:
        yield worker.wait_until_ready()


@pytest.fixture
def office(service, worker):
    """Return an office of its own."""
    with Writer(service) as writer:
        yield Office(writer, worker)


class Office:
    """An office that nobody else has: its events, published at once, and what the service says of it."""

    def __init__(self, writer, worker=None):
        self.office_id = f"office-{uuid.uuid4().hex[:8]}"
        self._worker = worker
        self._writer = writer

    def publish(self, topic, kind, ts_ms=None, **fields):
        """Publish an event of now, or of another time; return it."""
        event = {
            "type": kind,
            "event_id": f"event-{next(numbers)}",
            "ts": ts_ms or now_ms(),
            "office_id": self.office_id,
        }
        event |= {name.rstrip("_"): value for name, value in fields.items()}
        self._writer.publish(topic, event)
        return event

    def seller(self, ts_ms=None, hold_ms=200, panel="p1", **fields):
        """Publish a seller press."""
        return self.publish(
            "presses", "seller_press", ts_ms, panel_id=panel, employee_id="anna", hold_ms=hold_ms, **fields
        )

    def customer(self, ts_ms=None, answer="yes", panel="p1"):
        """Publish a customer press."""
        return self.publish("presses", "customer_press", ts_ms, panel_id=panel, answer=answer)

    def survey(self, answer="no", panel="p1", age_ms=10_000):
        """Publish a seller press of a while ago, and its answer; return the press."""
        ts_ms = now_ms() - age_ms
        press = self.seller(ts_ms, panel=panel)
        self.customer(ts_ms + 100, answer, panel)
        return press

    def verdict(self, press, reliable, target="survey", **fields):
        """Publish a verdict."""
        self.publish("verdicts", "verdict", target=target, target_id=press["event_id"], reliable=reliable, **fields)

    def values(self, index, scope="office"):
        """Return what one scrape shows of an index in every window."""
        seen = self._worker.scrape(f"kqi_{scope}_")
        labels = {"office": self.office_id} | ({"employee": "anna"} if scope == "employee" else {})
        return [seen(f"kqi_{scope}_{index}", **labels, window=window) for window in WINDOWS]

    def until(self, index, *wanted, scope="office"):
        """Wait until an index is one of the wanted values in every window; at no moment may windows differ."""

        def look():
            values = self.values(index, scope)
            assert len(set(values)) == 1, values
            return values[0] in wanted

        until(look, lambda: f"{index} of {wanted}: {self.values(index, scope)}\n{self._worker.output}")

    def records(self, messages):
        """Return the values of those messages that are about this office."""
        values = [json.loads(each.value()) for each in messages]
        return [each for each in values if each["office_id"] == self.office_id]


def now_ms():
    """Return the time."""
    return time.time_ns() // 1_000_000


def test_silence_shows_by_itself(office):
    """A press without an answer becomes silent after its window and the allowance, although nothing else arrives."""
    press = office.seller()
    office.until("silent_share_ratio", None, 1)
    while office.values("silent_share_ratio") == [None] * 3:
        pass
    late_ms = now_ms() - press["ts"] - ANSWER_WINDOW_MS - ALLOWANCE_MS
    assert 0 < late_ms < 2000
    assert office.values("silent_share_ratio", "employee") == [1] * 3


def test_a_verdict_changes_every_window_at_the_next_scrape(office):
    """An unreliable survey leaves all windows at once, and comes back with a later, reliable verdict."""
    press = office.survey("no")
    office.until("ink_personnel_ratio", 1)
    office.verdict(press, reliable=False)
    office.until("ink_personnel_ratio", None)
    assert office.values("response_share_ratio") == [None] * 3
    office.verdict(press, reliable=True)
    office.until("ink_personnel_ratio", 1)


def test_a_force_majeure_confirmed_for_the_office(office):
    """One that an expert widens to the office covers the other panel, from when it says; rejected, it does not stand."""
    office.survey("no", panel="p2", age_ms=60_000)
    office.until("force_majeure_level_ratio", 0)
    press = office.seller(hold_ms=3000, panel="p1")
    confirmed = {"target": "force_majeure", "scope": "office", "from_": press["ts"] - 70_000}
    office.verdict(press, reliable=True, **confirmed)
    office.until("force_majeure_level_ratio", 1)
    assert office.values("ink_personnel_ratio") == [None] * 3
    office.verdict(press, reliable=False, target="force_majeure")
    office.until("force_majeure_level_ratio", 0)
    assert office.values("ink_personnel_ratio") == [1] * 3


def test_what_lies_ahead_waits_for_its_time(office):
    """An event ahead of now, by 5 min at most, is taken, and counts from its own time on."""
    soon = office.publish("sales", "sale", now_ms() + 1500, amount_minor=100, currency="EUR")
    office.publish("sales", "sale", now_ms() + 290_000, amount_minor=7, currency="EUR")
    office.publish("sales", "sale", amount_minor=20, currency="EUR")
    office.until("revenue", 20)
    office.until("revenue", 120, 20)
    while office.values("revenue")[0] == 20:
        assert now_ms() < soon["ts"] + 2000
    assert now_ms() >= soon["ts"]
    assert office.values("revenue") == [120] * 3


def test_a_late_answer(office):
    """A silent survey whose answer turns up late becomes answered."""
    press = office.seller(now_ms() - 10_000)
    office.until("silent_share_ratio", 1)
    office.customer(press["ts"] + ANSWER_WINDOW_MS)
    office.until("silent_share_ratio", 0)
    assert office.values("response_share_ratio") == [1] * 3


def test_surveys(service, office):
    """Every decided survey is published, and again with a higher revision at every change; withdrawn when it is a bounce."""
    with Reader(service, "surveys") as reader:
        before_ms = now_ms()
        press = office.seller(before_ms - 10_000, question="office")
        told = {
            "survey_id": press["event_id"],
            "office_id": office.office_id,
            "panel_id": "p1",
            "employee_id": "anna",
            "ts": press["ts"],
            "question": "office",
            "outcome": "silent",
            "valid": True,
            "force_majeure": False,
        }

        def last(survey=press):
            found = [each for each in office.records(reader.messages) if each["survey_id"] == survey["event_id"]]
            return {name: value for name, value in found[-1].items() if name != "revision"} if found else None

        until(lambda: last() == told, lambda: f"{told}: {last()}")
        office.customer(press["ts"] + 100, "hard_to_say")
        until(lambda: last() == told | {"outcome": "hard_to_say"}, last)
        office.verdict(press, reliable=False)
        until(lambda: last() == told | {"outcome": "hard_to_say", "valid": False}, last)
        earlier = office.seller(press["ts"] - 1000)
        until(lambda: last() == told | {"outcome": "withdrawn", "valid": False}, last)
        until(lambda: last(earlier) is not None and last(earlier)["outcome"] == "silent", lambda: last(earlier))
        of_it = [each for each in office.records(reader.messages) if each["survey_id"] == press["event_id"]]
        revisions = [each["revision"] for each in of_it]
        assert len(of_it) == 4
        assert revisions == sorted(set(revisions))
        assert before_ms <= revisions[0] <= revisions[-1] <= now_ms()
        messages = [each for each in reader.messages if each.key() == office.office_id.encode()]
        assert {each.partition() for each in messages} == {partition_of(office.office_id)}


def test_indices(service, worker, office):
    """The last message of each key of the topic of indices has what /metrics shows, and lies with its office."""
    office.survey("no")
    office.survey("yes", panel="p2")
    office.publish("sales", "sale", amount_minor=300, currency="EUR", employee_id="anna")
    call = {"direction": "inbound", "disposition": "answered", "wait_s": 3, "queue": "q", "employee_id": "anna"}
    office.publish("calls", "call", **call)

    def shown():
        samples = worker.scrape("kqi_").indices
        return {each: value for each, value in samples.items() if ("office", office.office_id) in each[1]}

    with Reader(service, "indices") as reader:

        def published():
            last = {each.key(): each for each in reader.messages}
            return [each for each in last.values() if json.loads(each.value())["office_id"] == office.office_id]

        until(lambda: len(published()) == 3 and samples_of(published()) == shown())
        messages = published()
    values = {each["scope"]: each for each in map(json.loads, (each.value() for each in messages))}
    assert values.keys() == {"office", "employee", "queue"}
    assert values["office"]["windows"]["1h"]["ink_personnel"] == {"value": 0.5, "base": 2}
    assert all(abs(each["at"] - now_ms()) < 60_000 for each in values.values())
    assert {each.partition() for each in messages} == {partition_of(office.office_id)}


def samples_of(messages):
    """Return the samples that show what messages of the topic of indices say."""
    return {
        sample_of(indices | {"window": window, "index": index}): row["value"]
        for indices in map(json.loads, (each.value() for each in messages))
        for window, rows in indices["windows"].items()
        for index, row in rows.items()
        if row["value"] is not None
    }


def test_a_restart_publishes_what_is_new_and_nothing_else(kafka):
    """What came while no worker ran is published, however old; nothing that was is repeated, but for the last hour's."""
    service = Service(kafka, **SETTINGS).create_topics()
    with Writer(service) as writer, Reader(service, "surveys") as surveys, Reader(service, "dead-letters") as letters:
        office = Office(writer)
        old = [office.survey(age_ms=8 * HOUR_MS, panel=f"p{number}") for number in range(3)]
        office.verdict(old[0], reliable=False)
        recent = office.survey(age_ms=6 * HOUR_MS)
        writer.send("visits", b"not json", key=b"k", partition=0)
        with service.worker() as worker:
            worker.wait_until_ready()
            assert worker.stop() == 0
        before = len(surveys.all_messages())
        assert set(published(office, surveys)) >= {
            (old[0]["event_id"], "no", False),
            (old[1]["event_id"], "no", True),
            (old[2]["event_id"], "no", True),
            (recent["event_id"], "no", True),
        }

        new = office.survey(age_ms=4 * HOUR_MS)
        silent = office.seller(now_ms() - 3 * HOUR_MS)
        late = office.seller(old[0]["ts"] - HOUR_MS)
        office.verdict(old[1], reliable=False)
        writer.send("visits", b"nor this", key=b"k", partition=0)
        with service.worker() as worker:
            worker.wait_until_ready()
            assert worker.scrape().total("kqi_worker_dead_letters_total") == 2
            assert worker.stop() == 0
        assert set(published(office, surveys, before)) == {
            (old[1]["event_id"], "no", False),
            (recent["event_id"], "no", True),
            (new["event_id"], "no", True),
            (silent["event_id"], "silent", True),
            (late["event_id"], "silent", True),
        }
        assert [each.value() for each in letters.all_messages()] == [b"not json", b"nor this"]


def published(office, surveys, start=0):
    """Return what was published of the surveys of an office, from a place on: id, outcome and whether it is valid."""
    records = office.records(surveys.all_messages()[start:])
    return [(each["survey_id"], each["outcome"], each["valid"]) for each in records]
