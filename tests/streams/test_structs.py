"""Batches of messages: groups, times, independence of the cuts, and messages that conspire."""

import json
import random

import numpy as np
import pytest

from streams import structs as module
from streams.events import EVENT_NAMES, EVENT_TYPES
from streams.fields import FIELDS
from streams.structs import decode_structs as decode
from streams.times import epoch_ms
from tests.reference import contract
from tests.reference.companies import company
from tests.reference.messages import mutate, spell
from tests.streams.specimens import COMMON, OPTIONAL, event, every_message, message, verdicts


def test_empty_batch():
    """No messages give no groups and no rejects."""
    assert decode([]) == ({}, [])


def test_groups():
    """Events come grouped by type, in the order of the kind codes, with their places and times."""
    batch = [*every_message(), b"{}", *reversed(every_message())]
    groups, rejects = decode(batch)
    assert list(groups) == list(range(10))
    for kind, group in groups.items():
        assert group.positions.tolist() == [kind, 20 - kind]
        assert group.ts_ms.tolist() == [COMMON["ts"]] * 2
        assert list(map(type, group.events)) == [EVENT_TYPES[kind]] * 2
        assert group.positions.dtype == group.ts_ms.dtype == np.int64
    assert [reject.position for reject in rejects] == [10]


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_values(name):
    """Every field arrives in the struct as it was sent."""
    ((_, struct, _),) = verdicts([message(name)])
    assert as_dictionary(struct) == event(name)


def test_times_in_either_form():
    """`ts` may be an integer or an RFC 3339 text, side by side."""
    texts = ["2020-09-13T12:26:40.123456Z", "2020-09-13T14:26:40.123+02:00", "2020-09-13T12:26:40Z"]
    (group,) = decode([message("visit", ts=ts) for ts in (5, *texts, 6)]).groups.values()
    assert group.ts_ms.tolist() == [5, 1_600_000_000_123, 1_600_000_000_123, 1_600_000_000_000, 6]


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_null_is_absent(name):
    """A null gives the default that the absence of the field gives, beside neighbours that have the field."""
    nulls = message(name, **dict.fromkeys(OPTIONAL[name]))
    absent = json.dumps({key: value for key, value in event(name).items() if key not in OPTIONAL[name]}).encode()
    first, second, third = (struct for _, struct, _ in verdicts([message(name), nulls, absent]))
    assert second == third
    assert as_dictionary(first) == event(name)


def test_null_scores_are_absent():
    """A criterion whose score is null was not scored."""
    ((_, struct, _),) = verdicts([message("peer_rating", scores={"a": None, "b": 3})])
    assert struct.scores == {"b": 3}


@pytest.mark.parametrize(
    "conspiracy",
    [
        [b'{"x":[1', b"2]}", b"%b,%b"],
        [b'{"x":"', b'"}', b"%b,%b"],
        [b'{"type":"visit","x":[', b'],"event_id":"e","ts":1,"office_id":"o"}', b"%b,%b"],
        [b'{"type":"visit","event_id":"e","ts":1,"office_id":"o","x":[1', b"2]}", b"%b,7,%b"],
        [b"%b,%b", b"%b"],
        [b"%b", b"%b,%b"],
        [b"%b,1", b"%b"],
        [b"%b,1,%b", b"%b"],
        [b"%b],[%b", b"%b"],
        [b"%b]", b"[%b"],
        [b"", b"%b,%b"],
        [b"%b,", b"%b"],
        [b",%b", b"%b"],
        [b"1", b"%b"],
        [b"\xd0", b"\x90%b"],
    ],
    ids=lambda parts: " | ".join(part.decode("latin-1") for part in parts),
)
def test_messages_cannot_conspire(conspiracy):
    """Messages that would make good ones together are judged one by one."""
    visit = message("visit")
    parts = [part.replace(b"%b", visit) for part in conspiracy]
    found = verdicts(parts * 3)
    assert found == [verdicts([part])[0] for part in parts] * 3
    for part, verdict in zip(parts, found, strict=False):
        assert (verdict[0] in {"not_json", "not_an_object"}) is (part != visit)


def test_the_separator_cannot_be_guessed():
    """What stands between the messages is drawn anew by every process, out of very many numbers."""
    assert module._SEPARATOR != 0
    assert module._SEPARATOR.bit_length() <= 63
    assert b"%d" % module._SEPARATOR in module._JOINT


def test_one_bad_message_spoils_nothing():
    """A bad message anywhere in a batch leaves its neighbours as they are."""
    good = [message("visit", event_id=str(place)) for place in range(100)]
    for place in (0, 1, 50, 99, 100):
        groups, rejects = decode([*good[:place], b"{", *good[place:]])
        assert [reject.position for reject in rejects] == [place]
        (group,) = groups.values()
        assert [struct.event_id for struct in group.events] == [
            struct.event_id for struct in decode(good).groups[5].events
        ]
        assert group.positions.tolist() == [*range(place), *range(place + 1, 101)]


def test_records_without_value():
    """A record without a value, or with an empty one, is refused beside its neighbours."""
    found = verdicts([None, message("visit"), b"", None])
    assert [verdict[0] for verdict in found] == ["not_json", 5, "not_json", "not_json"]


@pytest.mark.parametrize("neighbour", ["plain", "é\u00a0", 'with "escapes"\n', "\x7f", "\u0085"])
def test_control_characters_beside_others(neighbour):
    """A control character in an id is found, and one in a free text does no harm, whatever the neighbours hold."""
    batch = [
        message("rating", comment=neighbour),
        message("rating", client_id="a\u0085"),
        message("call", queue="a\x7f"),
    ]
    batch += [message("rating", employee_ids=["a", "b\n"]), message("peer_rating", scores={"a": 1, "b\x00": 2})]
    assert [verdict[0] for verdict in verdicts(batch)] == [6, *["bad_value"] * 4]


def as_dictionary(struct):
    """Return a decoded event as the reference has it: by the names in JSON, times in milliseconds, nothing absent."""
    kind = EVENT_TYPES.index(type(struct))
    found = {"type": EVENT_NAMES[kind]}
    for field in FIELDS[kind]:
        value = getattr(struct, field.attribute)
        if field.holds_time and isinstance(value, str):
            value = epoch_ms(value)
        if value is not None:
            found[field.name] = value
    return found


def of_reference(value, topic):
    """Return what the reference says of a message: a reason, or the event with every default."""
    found, reason = contract.judge(value, topic)
    if found is None:
        return reason
    return {name: value for name, value in OPTIONAL[found["type"]].items() if value is not None} | found


@pytest.mark.parametrize("topic", [None, "presses", "ratings"])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_the_reference(seed, topic):
    """Of broken messages, and of good ones in every spelling, the batch gives what the reference gives one by one."""
    chance = random.Random(seed)
    batch = mutate(seed, 4000) + [spell(found, chance) for found in company(seed, mess=0, steps=200)]
    chance.shuffle(batch)
    start = 0
    while start < len(batch):
        part = batch[start : start + chance.choice((1, 2, 10, 1000))]
        for value, found in zip(part, verdicts(part, topic=topic), strict=True):
            assert (found[0] if isinstance(found[0], str) else as_dictionary(found[1])) == of_reference(value, topic), (
                value
            )
            assert isinstance(found[0], str) or found[2] == as_dictionary(found[1])["ts"]
        start += len(part)


@pytest.mark.parametrize("seed", range(3))
def test_cuts_do_not_matter(seed):
    """What becomes of a message, its sentence included, is the same alone, in any batch, and among any neighbours."""
    chance = random.Random(seed)
    batch = mutate(seed + 100, 1500) + every_message() * 30
    alone = [verdicts([value])[0] for value in batch]
    for size in (2, 3, 64, 700, len(batch)):
        places = chance.sample(range(len(batch)), len(batch))
        for start in range(0, len(places), size):
            part = places[start : start + size]
            assert verdicts([batch[place] for place in part]) == [alone[place] for place in part]
