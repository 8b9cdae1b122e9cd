"""From records of the log to events that count: nothing vanishes."""

import json
import random

import numpy as np
import pytest

from streams.intake import take_in
from streams.messages import Messages
from streams.names import Names
from tests.reference.companies import START_MS
from tests.reference.messages import mutate
from tests.streams.happenings import answer, press, sale
from tests.streams.specimens import as_read

T = START_MS
MANY = 10**6  # names


def taken(values, keys=None, append_ms=None, *, names=None, topic="presses", clock_ms=0, partition=0):
    """What becomes of values, under the key of office-0; an office belongs in the partition of its last digit."""
    return take_in(
        Messages.of(values),
        Messages.of([b"office-0"] * len(values) if keys is None else keys),
        np.full(len(values), T, np.int64) if append_ms is None else append_ms,
        names or Names(),
        topic=topic,
        partition=partition,
        partition_of=lambda office: int(office[-1]),
        clock_ms=clock_ms,
        horizon_ms=1000,
        longest_window_ms=10**9,
    )


def message(event, **fields):
    """An event of office-0 as a message."""
    return json.dumps(event | {"office_id": "office-0"} | fields).encode()


def positions(intake):
    """The positions of the events that count."""
    return intake.events.rows["position"].tolist()


def test_good_events_count():
    """In the order of the log; the clock stands at the greatest of them."""
    intake = taken([message(press(T - 5)), message(answer(T - 3)), message(press(T - 4))])
    rows, buffer = intake.events
    assert rows[["position", "kind", "ts_ms"]].tolist() == [(0, 0, T - 5), (1, 1, T - 3), (2, 0, T - 4)]
    assert {row["office_text"] for row in as_read(rows, buffer).values()} == {"office-0"}
    assert (intake.rejects, intake.misrouted, intake.clock_ms, intake.late) == ([], [], T - 3, 1)


@pytest.mark.parametrize("key", [b"office-1", b"", None, b"office-0 ", b"\xff"])
def test_an_event_under_another_key_is_misrouted(key):
    """Whatever the key is, if it is not the office's own id."""
    intake = taken([message(press(T)), message(press(T))], [key, b"office-0"])
    assert intake.misrouted == [(0, "office-0")]
    assert positions(intake) == [1]


def test_an_event_in_another_partition_is_misrouted():
    """Though its key is right; its neighbours of other offices are not."""
    values = [message(press(T), office_id="office-1"), message(press(T)), message(answer(T), office_id="office-1")]
    intake = taken(values, [b"office-1", b"office-0", b"office-1"])
    assert intake.misrouted == [(0, "office-1"), (2, "office-1")]
    assert positions(intake) == [1]


def test_where_an_office_belongs_is_asked_once():
    """Of offices that the partition knows not at all, of those that are new once in a batch."""
    asked = []
    names = Names()

    def partition_of(office):
        asked.append(office)
        return int(office[-1])

    def taken_again(offices):
        values = [message(press(T), office_id=office) for office in offices]
        keys = Messages.of([office.encode() for office in offices])
        append_ms = np.full(len(values), T, np.int64)
        times = {"clock_ms": 0, "horizon_ms": 1000, "longest_window_ms": 10**9}
        where = {"topic": "presses", "partition": 0, "partition_of": partition_of}
        intake = take_in(Messages.of(values), keys, append_ms, names, **where, **times)
        names.number(*intake.events, MANY)
        return intake.misrouted

    assert taken_again(["a0", "b0", "a0", "c1", "c1", "a0"]) == [(3, "c1"), (4, "c1")]
    assert sorted(asked) == ["a0", "b0", "c1"]
    assert taken_again(["b0", "d0", "a0", "c1"]) == [(3, "c1")]
    assert sorted(asked[3:]) == ["c1", "d0"]  # what is misrouted is not remembered: nothing of it is kept here


def test_an_office_that_is_known_is_held_to_its_key():
    """Though nobody asks for its partition."""
    names = Names()
    names.number(*taken([message(press(T))]).events, MANY)
    intake = taken([message(press(T)), message(press(T))], [b"office-0", b"office-1"], names=names)
    assert intake.misrouted == [(1, "office-0")]
    assert intake.events.rows["office"].tolist() == [0]


def test_what_is_misrouted_moves_no_clock_and_is_not_judged():
    """It will be judged where it belongs."""
    elsewhere = {"office_id": "office-1"}
    intake = taken([message(press(T), **elsewhere), message(press(T - 9000), **elsewhere)], [b"office-1"] * 2)
    assert intake.clock_ms == 0
    assert intake.rejects == []
    assert len(intake.misrouted) == 2


def test_rejects_of_all_stages_stand_in_order():
    """Unreadable, of another topic, too late and from the future, by position."""
    values = [
        message(press(T - 1001)),
        b"{",
        message(press(T + 300_001)),
        message(sale(T)),
        message(press(T)),
    ]
    intake = taken(values, clock_ms=T)
    assert [(reject.position, reject.reason) for reject in intake.rejects] == [
        (0, "too_late"),
        (1, "not_json"),
        (2, "in_the_future"),
        (3, "wrong_topic"),
    ]
    assert positions(intake) == [4]


def test_a_bad_message_under_a_wrong_key_is_a_reject():
    """Whose it is cannot be said."""
    intake = taken([b"{}"], [b"whatever"])
    assert [reject.reason for reject in intake.rejects] == ["missing_field"]
    assert intake.misrouted == []


def test_an_empty_batch():
    """Changes nothing."""
    intake = taken([], clock_ms=5)
    assert intake.events.rows.size == 0
    assert intake[1:] == ([], [], 5, 0)


@pytest.mark.parametrize("seed", range(8))
def test_every_message_is_accounted_for_once(seed):
    """Each is an event, a reject or misrouted, under any key and whatever it holds."""
    chance = random.Random(seed)
    values = [*mutate(seed, 100), None]
    keys = [chance.choice((None, b"office-0", b"office-0", b"o")) for _ in values]
    intake = take_in(
        Messages.of(values),
        Messages.of(keys),
        np.array([T + chance.randrange(-(10**6), 10**6) for _ in values]),
        Names(),
        topic=chance.choice(("presses", "verdicts", "sales")),
        partition=0,
        partition_of=lambda office: len(office) % 2,
        clock_ms=T,
        horizon_ms=10**6,
        longest_window_ms=10**9,
    )
    found = positions(intake)
    found += [reject.position for reject in intake.rejects] + [position for position, _ in intake.misrouted]
    assert sorted(found) == list(range(len(values)))
