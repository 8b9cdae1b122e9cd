"""The worker by the wall clock: what happens now shows now, in /metrics and on the output topics."""

import json

import pytest

from tests.metrics import samples_of as samples_of_row
from tests.offices import WINDOWS, Office, now_ms
from tests.service import Service, until
from tests.topics import Reader, Writer, partition_of

ANSWER_WINDOW_MS = 500
ALLOWANCE_MS = 2000  # a live answer may be on its way
LATEST_MS = 5000  # what a busy machine may add to what should show at once
PRIORITIES = ("first", "second")
TARGETS = [{"priority": each, "stage": "resolved", "within": "1m", "objective": 0.8} for each in PRIORITIES]
SETTINGS = {"answer_window_s": ANSWER_WINDOW_MS / 1000, "windows": WINDOWS, "indices_interval_s": 0.1}
SETTINGS |= {"request_targets": TARGETS}


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


def test_silence_shows_by_itself(service, office):
    """A press without an answer becomes silent after its window and the allowance, although nothing else arrives."""
    press = office.seller()
    while office.values("silent_share_ratio") == [None] * 3:
        assert now_ms() - press["ts"] < ANSWER_WINDOW_MS + ALLOWANCE_MS + LATEST_MS
    assert now_ms() - press["ts"] > ANSWER_WINDOW_MS + ALLOWANCE_MS
    assert office.values("silent_share_ratio", "employee") == [1] * 3
    with Reader(service, "surveys") as reader:
        until(lambda: [each["outcome"] for each in office.records(reader.messages)] == ["silent"])


def test_a_target_is_breached_by_time_alone(office):
    """A minute after its opening a request is late, although nothing else arrives; an event of before heals it."""
    about = {"request_id": "r", "priority": "first"}
    opened = office.publish("requests", "request", now_ms() - 60_000, stage="opened", **about)
    office.until("requests_opened", 1)
    office.until("sla_resolved_ratio", 0)
    assert now_ms() - opened["ts"] > 60_000 + ALLOWANCE_MS
    office.publish("requests", "request", opened["ts"] + 60_000, stage="resolved", **about)
    office.until("sla_resolved_ratio", 1)


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
    while (values := office.values("revenue")) != [120] * 3:
        assert values in ([None] * 3, [20] * 3)
        assert now_ms() < soon["ts"] + LATEST_MS
    assert now_ms() >= soon["ts"]


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
    for priority in PRIORITIES:
        for stage in ("opened", "resolved"):
            office.publish("requests", "request", request_id=priority, priority=priority, stage=stage)

    def shown():
        samples = worker.scrape("kqi_").indices
        return {each: value for each, value in samples.items() if ("office", office.office_id) in each[1]}

    with Reader(service, "indices") as reader:

        def published():
            last = {each.key(): each for each in reader.messages}
            return [each for each in last.values() if json.loads(each.value())["office_id"] == office.office_id]

        until(lambda: len(published()) == 5 and samples_of(published()) == shown())
        messages = published()
    values = {each["scope"]: each for each in map(json.loads, (each.value() for each in messages))}
    assert values.keys() == {"office", "employee", "queue", "priority"}
    assert values["office"]["windows"]["1h"]["ink_personnel"] == {"value": 0.5, "base": 2}
    assert all(abs(each["at"] - now_ms()) < 60_000 for each in values.values())
    assert {each.partition() for each in messages} == {partition_of(office.office_id)}


def test_sums_beyond_64_bits(service, office):
    """Amounts that no 64 bits hold together stop nothing: they are shown, published and taken in again."""
    for _ in range(3):
        office.publish("sales", "sale", amount_minor=2**63 - 1, currency="EUR")
    office.until("revenue", 3 * (2.0**63 - 1))
    with Reader(service, "indices") as reader:

        def revenues():
            return [each["windows"]["1h"]["revenue"]["value"] for each in office.records(reader.messages)]

        until(lambda: revenues()[-1:] == [3 * (2**63 - 1)], revenues)


def samples_of(messages):
    """Return the samples that show what messages of the topic of indices say."""
    return {
        name: value
        for indices in map(json.loads, (each.value() for each in messages))
        for window, rows in indices["windows"].items()
        for index, row in rows.items()
        for name, value in samples_of_row(indices | {"window": window, "index": index} | row).items()
    }
