"""A worker without checkpoints that is started anew: what came meanwhile is published, what was published before is not published again."""

import json
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.offices import WINDOWS, Office, now_ms
from tests.service import Service
from tests.topics import PARTITIONS, Reader, Writer, partition_of

HOUR_MS = 3_600_000


class History(NamedTuple):
    """Two lives of a worker: what it showed at the end of each, and what it published."""

    lives: list  # two scrapes
    surveys: list  # of each life: id, outcome and whether it is valid, of every message
    letters: list  # values of both lives
    strays: list  # messages that hold the misrouted event
    presses: dict  # ids of seller presses by what became of them


@pytest.fixture(scope="module")
def history(kafka):
    """Return what a worker did that was stopped, and started again when more had come."""
    service = Service(kafka, windows=WINDOWS, answer_window_s=0.5, checkpoint_interval_s=0).create_topics()
    with ExitStack() as stack:
        writer = stack.enter_context(Writer(service))
        surveys, letters, visits = (
            stack.enter_context(Reader(service, topic)) for topic in ("surveys", "dead-letters", "visits")
        )
        office = Office(writer)
        presses = {
            "rejected": office.survey(age_ms=30 * HOUR_MS),
            "rejected later": office.survey(age_ms=29 * HOUR_MS),
            "untouched": office.survey(age_ms=8 * HOUR_MS),
            "of the last hour": office.survey(age_ms=6 * HOUR_MS),
            "too late": office.seller(now_ms() - 31 * HOUR_MS),
        }
        office.verdict(presses["rejected"], reliable=False)
        writer.send("visits", b"not json", key="k", partition=0)
        stray = json.dumps(office.event("visit")).encode()
        elsewhere = (partition_of(office.office_id) + 1) % PARTITIONS
        writer.send("visits", stray, key=office.office_id, partition=elsewhere)
        lives = [live(service)]
        published = [surveys.all_messages()]

        presses |= {
            "new": office.survey(age_ms=4 * HOUR_MS),
            "silent": office.seller(now_ms() - 3 * HOUR_MS),
            "late": office.seller(presses["untouched"]["ts"] - HOUR_MS),
        }
        office.verdict(presses["rejected later"], reliable=False)
        writer.send("visits", b"nor this", key="k", partition=0)
        lives.append(live(service))
        published.append(surveys.all_messages()[len(published[0]) :])
        return History(
            lives,
            [list(map(told, messages)) for messages in published],
            [each.value() for each in letters.all_messages()],
            [each for each in visits.all_messages() if each.value() == stray],
            {name: press["event_id"] for name, press in presses.items()},
        )


def live(service):
    """Run a worker until it has read everything, and everything that it moved; return what it showed."""
    with service.worker() as worker:
        worker.wait_until_ready()
        seen = worker.until(lambda seen: seen("kqi_worker_events_total", type="visit") == 1)
        assert worker.stop() == 0
    return seen


def told(message):
    """Return what a message says of a survey."""
    survey = json.loads(message.value())
    return survey["survey_id"], survey["outcome"], survey["valid"]


def test_surveys_are_published(history):
    """The first life publishes every decided survey as it ends up."""
    presses = history.presses
    assert set(history.surveys[0]) >= {
        (presses["rejected"], "no", False),
        (presses["rejected later"], "no", True),
        (presses["untouched"], "no", True),
        (presses["of the last hour"], "no", True),
    }


def test_what_came_meanwhile_is_published(history):
    """Surveys that changed while no worker ran are published at the next start, however old they are."""
    presses = history.presses
    assert set(history.surveys[1]) >= {
        (presses["rejected later"], "no", False),
        (presses["new"], "no", True),
        (presses["silent"], "silent", True),
        (presses["late"], "silent", True),
    }


def test_surveys_are_not_repeated(history):
    """No survey is published again without a change, but for those of the last hour of the first life."""
    presses = history.presses
    again = {survey for survey, _, _ in history.surveys[1]} - {presses[each] for each in ("new", "silent", "late")}
    assert again <= {presses["rejected later"], presses["of the last hour"]}


def test_dead_letters_are_not_repeated(history):
    """Every unfit message becomes a dead letter once, in the life that read it first."""
    (late,) = [each for each in history.letters if history.presses["too late"].encode() in each]
    assert sorted(history.letters) == sorted([b"not json", b"nor this", late])


def test_strays_are_not_moved_again(history):
    """A misrouted event is published once more, not once more in every life; both lives count it."""
    assert len(history.strays) == 2
    assert [seen("kqi_worker_misrouted_events_total") for seen in history.lives] == [1, 1]


def test_too_late_is_decided_by_the_log(history):
    """What was too late is so again, and what came in time does so again, though by now it is older."""
    late = [seen("kqi_worker_dead_letters_total", reason="too_late") for seen in history.lives]
    pressed = [seen("kqi_worker_events_total", type="seller_press") for seen in history.lives]
    assert (late, pressed) == ([1, 1], [4, 7])


def test_a_mark_beyond_the_end_holds_nothing_back(kafka):
    """A topic that was made anew is shorter than what a group committed; what waits for that mark comes all the same."""
    service = Service(kafka, windows=WINDOWS, answer_window_s=0.5).create_topics()
    group = Consumer({"bootstrap.servers": str(kafka), "group.id": service.name})
    marks = [TopicPartition(f"{service.prefix}presses", each, 1000) for each in range(PARTITIONS)]
    group.commit(offsets=marks, asynchronous=False)
    group.close()
    with Writer(service) as writer, Reader(service, "surveys") as surveys:
        office = Office(writer)
        press = office.survey(age_ms=HOUR_MS)
        office.verdict(press, reliable=False)
        with service.worker() as worker:
            surveys.until(lambda found: (press["event_id"], "no", False) in map(told, found))
            assert worker.stop() == 0
