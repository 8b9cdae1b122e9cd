"""The judge of messages against the contract's sentences."""

import json
import random

import pytest

from tests.reference.companies import company
from tests.reference.contract import FIELDS, MAX_BYTES, OPTIONAL, REQUIRED, judge, normalise
from tests.reference.messages import mutate, spell
from tests.reference.rfc3339 import epoch_ms

VISIT = {"type": "visit", "event_id": "v", "ts": 0, "office_id": "o"}
VERDICT = VISIT | {"type": "verdict", "target": "survey", "target_id": "s", "reliable": 1}
RATING = VISIT | {"type": "rating", "metric": "nps", "score": 0}
CALL = VISIT | {"type": "call", "direction": "inbound", "disposition": "busy", "wait_s": 0}
PEER = VISIT | {"type": "peer_rating", "from_department": "a", "to_department": "b", "scores": {"pace": 1}}
DAY_MS = 86_400_000


def message(event):
    return event if isinstance(event, bytes) else json.dumps(event).encode()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (b"", "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b'{"type":"visit"', "not_json"),
        (b'{"type":"visit","extra":NaN}', "not_json"),
        (b'{"extra":"\xed\xa0\x80"}', "not_json"),
        (b'{"extra":"\\ud800"}', "not_json"),
        (b'{"extra":"\\ud800","extra":1}', "not_json"),
        (b'{"extra":["\\ud800"]}', "not_json"),
        (b"[" * 60_000 + b"]" * 60_000, "not_json"),
        (b"[]", "not_an_object"),
        (b"null", "not_an_object"),
        ({}, "missing_field"),
        (VISIT | {"type": None}, "missing_field"),
        (VISIT | {"type": "Visit"}, "unknown_type"),
        (VISIT | {"type": ["visit"]}, "unknown_type"),
        (VISIT | {"ts": None, "office_id": 1}, "missing_field"),
        (VISIT | {"ts": True}, "bad_value"),
        (VISIT | {"ts": 1.0}, "bad_value"),
        (VISIT | {"ts": -1}, "bad_value"),
        (VISIT | {"ts": 2**53}, "bad_value"),
        (VISIT | {"ts": "0"}, "bad_value"),
        (VISIT | {"event_id": ""}, "bad_value"),
        (VISIT | {"event_id": "x" * 129}, "bad_value"),
        (VISIT | {"event_id": "a\x7fb"}, "bad_value"),
        (VISIT | {"event_id": "a\x85b"}, "bad_value"),
        (VISIT | {"event_id": 7}, "bad_value"),
        (VISIT | {"count": 2**63}, "bad_value"),
        (VISIT | {"count": "1"}, "bad_value"),
        (CALL | {"wait_s": -0.001}, "bad_value"),
        (CALL | {"wait_s": 10_000_000.001}, "bad_value"),
        (CALL | {"wait_s": True}, "bad_value"),
        (CALL | {"talk_s": "1"}, "bad_value"),
        (RATING | {"score": 11}, "bad_value"),
        (RATING | {"metric": "ces"}, "bad_value"),
        (RATING | {"employee_ids": ["a", None]}, "bad_value"),
        (VERDICT | {"reliable": 2}, "bad_value"),
        (VERDICT | {"reliable": 1.0}, "bad_value"),
        (VERDICT | {"from": 2, "to": 1}, "bad_value"),
        (VERDICT | {"from": 0, "to": 30 * DAY_MS + 1}, "bad_value"),
        (PEER | {"scores": {"pace": 0}}, "bad_value"),
        (PEER | {"scores": {"": 5}}, "bad_value"),
        (PEER | {"vote_employee_ids": list("abcdef")}, "bad_value"),
        (message(VISIT).ljust(MAX_BYTES + 1), "too_large"),
        (message(VISIT | {"ts": -1}).ljust(MAX_BYTES + 1), "bad_value"),
        (message(VISIT).ljust(MAX_BYTES), None),
        (VISIT | {"ts": 2**53 - 1, "count": -(2**63), "extra": {"type": "x"}}, None),
        (b'{"type":"visit","event_id":"v","ts":9,"office_id":"o","ts":0,"extra":1e400}', None),
        (b'{"t\\u0079pe":"visit","event_id":"v","ts":-0,"office_id":"o","x":-1' + b"0" * 5000 + b"}", None),
        (VISIT | {"event_id": "\U0001f600" * 128}, None),
        (CALL | {"wait_s": 10_000_000, "talk_s": 0.5, "recording_url": "\n", "queue": None}, None),
        (RATING | {"metric": "ces", "score": 7, "employee_ids": []}, None),
        (VERDICT | {"from": 0, "to": 30 * DAY_MS, "note": ""}, None),
        (VERDICT | {"from": 2, "to": None}, None),
        (PEER | {"vote_employee_ids": list("abcde")}, None),
    ],
)
def test_first_reason_in_the_contracts_order(event, reason):
    """Each message is refused for its first reason, or taken."""
    assert judge(message(event))[1] == reason


def test_topics_take_their_own_types_only():
    """A known type on another topic is `wrong_topic`, before anything about its fields; a missing type comes after."""
    assert judge(message(VISIT), "visits")[1] is None
    assert judge(b'{"type":"visit","ts":-1}', "calls")[1] == "wrong_topic"
    assert judge(b'{"type":"visits"}', "calls")[1] == "unknown_type"
    assert judge(b'{"ts":-1}', "calls")[1] == "missing_field"


def test_events_are_read_as_the_method_takes_them():
    """Null and unknown fields are left out, instants are milliseconds, `reliable` is a boolean."""
    written = VERDICT | {"from": "1970-01-01T02:00:00.0019+02:00", "scope": None, "office": "x", "reliable": 0}
    assert judge(message(written))[0] == VERDICT | {"from": 1, "reliable": False}


@pytest.mark.parametrize(
    ("text", "ts_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00.9999999999z", 999),
        ("1970-01-01T00:00:00.1+00:00", 100),
        ("1969-12-31T18:59:59-05:00", -1000),
        ("2024-02-29T00:00:00-00:00", 1_709_164_800_000),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2017-01-01T01:59:60.25+02:00", 1_483_228_800_250),
    ],
)
def test_rfc_3339_text_is_read(text, ts_ms):
    """Date-times of the grammar are instants, finer fractions floored."""
    assert epoch_ms(text) == ts_ms


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T24:00:00Z",
        "2026-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-15T23:59:60Z",
        "2026-06-30T23:59:61Z",
        "0001-01-01T00:00:60+23:59",
        "2026-01-01T00:00:00Z\n",
        "\u0662026-01-01T00:00:00Z",
        "20260101T000000Z",
    ],
)
def test_other_forms_of_time_are_refused(text):
    """What RFC 3339 does not know is no time."""
    assert judge(message(VISIT | {"ts": text}))[1] == "bad_value"


def test_every_type_has_its_required_and_optional_fields():
    """The table of optional fields names fields that exist, and every type needs the four that all have."""
    for kind, checks in FIELDS.items():
        assert OPTIONAL.get(kind, set()) <= checks.keys()
        assert {"event_id", "ts", "office_id"} <= REQUIRED[kind]


def test_spelling_changes_no_meaning():
    """An event is read the same in every spelling."""
    chance = random.Random(0)
    for event in company(5, steps=20):
        assert judge(spell(event, chance)) == (normalise(event), None)


def test_mutations_meet_every_reason():
    """The broken messages are broken in all ways that one message can be, and some still are events."""
    reasons = {judge(value)[1] for value in mutate(1, 3000)}
    assert reasons == {None, "not_json", "not_an_object", "unknown_type", "missing_field", "bad_value", "too_large"}
