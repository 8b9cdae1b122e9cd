"""The workload of the benchmarks: what it says its presses come to is what the method makes of them."""

from collections import Counter

import numpy as np
import orjson
import pytest

from benchmarks.peers.job import take
from benchmarks.workload import (
    NEVER_MS,
    OUTCOMES,
    QUESTIONS,
    START_MS,
    bucket_counts,
    decided,
    employee_id,
    generate,
    window_counts,
)
from streams.configuration import configure
from streams.decode import decode
from streams.messages import Messages
from tests.reference import method

WORKLOADS = {
    "days": {"days": 3.0},
    "dense": {"days": 0.02},
    "late": {"days": 3.0, "late_share": 0.3},
    "several panels": {"days": 0.2, "panels": 30},
}


@pytest.fixture(params=WORKLOADS.values(), ids=WORKLOADS)
def workload(request):
    """Return some hundred surveys."""
    return generate(400, employees=10, offices=3, **request.param)


def _events(workload):
    return [orjson.loads(value) for value in workload.values()]


def test_every_survey_ends_as_the_reference_says(workload):
    """Each survey is there, with its time, employee, question and outcome; undecided ones are told apart."""
    surveys = workload.surveys
    outcomes = np.where(decided(surveys, workload.now_ms), surveys.outcome, len(OUTCOMES)).tolist()
    names = (*OUTCOMES, "undecided")
    said = zip(surveys.ts_ms.tolist(), surveys.employee.tolist(), surveys.question.tolist(), outcomes, strict=True)
    found = method.surveys(_events(workload), workload.now_ms)
    assert Counter(
        (ts, employee_id(who), QUESTIONS[question], names[how]) for ts, who, question, how in said
    ) == Counter((each["ts"], each["employee_id"], each["question"], each["outcome"]) for each in found)


def test_all_roles_of_presses_occur():
    """Bounces, second answers and answers to nothing are part of it."""
    workload = generate(3_000, employees=10, offices=3, days=3.0)
    assert set(method.roles(_events(workload), workload.now_ms).values()) == {
        *("survey", "bounce", "answer", "extra", "orphan")
    }


def test_counts_of_windows_are_those_of_the_reference(workload):
    """The employees' response shares in every window, which rest on all counters, come out alike."""
    counts = window_counts([workload], configure().window_minutes).sum(axis=2)
    expected = {}
    for employee, windows in enumerate(counts):
        for window, outcomes in zip(configure().windows, windows.tolist(), strict=True):
            if sum(outcomes):
                expected[employee_id(employee), window] = (sum(outcomes[:3]) / sum(outcomes), sum(outcomes))
    found = method.indices(_events(workload), workload.now_ms)
    assert expected == {
        (row["employee_id"], row["window"]): (row["value"], row["base"])
        for row in found
        if row["scope"] == "employee" and row["index"] == "response_share" and row["base"]
    }


def test_peers_count_what_the_workload_says():
    """The job of the peers, panel by panel, ends in the counters that are expected of them."""
    workload = generate(2_000, employees=10, offices=3, days=2.0)
    panels, counts = {}, Counter()
    for event in _events(workload):
        panels[event["panel_id"]], counter = take(panels.get(event["panel_id"]), event)
        counts[counter] += 1
    del counts[None]
    assert counts == bucket_counts(workload)


def test_messages_are_good_events():
    """Nothing is refused, ids are unique, and times stand beside the messages."""
    workload = generate(500, employees=10, offices=3)
    decoded = decode(Messages.of(workload.values()), topic="presses")
    assert decoded.rejects == []
    events = _events(workload)
    assert len({event["event_id"] for event in events}) == len(events) == workload.messages.size
    assert [event["ts"] for event in events] == workload.ts_ms.tolist()
    assert [event["office_id"].encode() for event in events] == workload.keys()


def test_the_same_seed_gives_the_same_bytes():
    """And another one gives others."""
    first, again, other = (generate(100, employees=10, seed=seed).values() for seed in (1, 1, 2))
    assert first == again != other


def test_late_events_come_behind_later_ones():
    """About as many as were asked for; without any the order is that of time."""
    early = generate(2_000, employees=10)
    late = generate(2_000, employees=10, late_share=0.2)
    assert (np.diff(early.ts_ms) >= 0).all()
    behind = late.ts_ms < np.maximum.accumulate(late.ts_ms)
    assert behind.mean() == pytest.approx(0.2, abs=0.03)


def test_a_part_of_the_messages_is_that_part():
    """Values and keys of a range are those of the whole, also beyond the end."""
    workload = generate(100, employees=10)
    assert workload.values(20, 40) == workload.values()[20:40]
    assert workload.values(workload.messages.size - 3, workload.messages.size + 5) == workload.values()[-3:]
    assert workload.values(7, 7) == []


def test_cut_short_it_is_what_happened_until_then():
    """No message is later, and answers that come later leave their surveys unanswered."""
    end_ms = START_MS + 1_000_000
    workload = generate(400, employees=10, offices=3, days=0.02).until(end_ms)
    assert workload.now_ms < end_ms
    assert (workload.surveys.answer_ms[workload.surveys.outcome == OUTCOMES.index("silent")] == NEVER_MS).all()
    found = method.surveys(_events(workload), workload.now_ms)
    answered = Counter(each["outcome"] for each in found) - Counter({"silent": 400, "undecided": 400})
    said = np.bincount(workload.surveys.outcome, minlength=len(OUTCOMES)).tolist()
    assert answered == Counter(dict(zip(OUTCOMES[:3], said, strict=False)))
