"""Why messages are refused: every reason, the order of reasons, and the sentences."""

import json

import pytest

from streams.events import EVENT_NAMES, TOPIC_OF_KIND
from streams.refusals import REASONS
from streams.structs import decode_structs as decode
from tests.streams.specimens import COMMON, OPTIONAL, SPECIMENS, alone, event, message

LARGEST = 65_536
VISIT = message("visit")


def test_reasons():
    """The reasons are the contract's, in its order."""
    assert REASONS == (
        "not_json",
        "not_an_object",
        "unknown_type",
        "wrong_topic",
        "missing_field",
        "bad_value",
        "too_large",
        "in_the_future",
        "too_late",
    )


def extra(value):
    """Return a good message with a field that no type has."""
    return VISIT[:-1] + b',"extra":' + value + b"}"


NOT_JSON = {
    "nothing": None,
    "empty": b"",
    "blank": b" ",
    "cut": VISIT[:-1],
    "two": VISIT + VISIT,
    "two, parted by a comma": VISIT + b"," + VISIT,
    "a comma behind it": VISIT + b",",
    "a comma before it": b"," + VISIT,
    "byte order mark": b"\xef\xbb\xbf" + VISIT,
    "UTF-16": VISIT.decode().encode("utf-16"),
    "form feed": VISIT + b"\x0c",
    "comment": VISIT + b"//",
    "single quotes": VISIT.replace(b'"', b"'"),
    "trailing comma": VISIT[:-1] + b",}",
    "NaN": extra(b"NaN"),
    "Infinity": extra(b"-Infinity"),
    "leading zero": extra(b"01"),
    "no fraction": extra(b"1."),
    "raw line feed": extra(b'"a\nb"'),
    "unknown escape": extra(b'"\\x41"'),
    "high surrogate": extra(b'"\\ud83d"'),
    "low surrogate": extra(b'"\\ude00"'),
    "surrogate in a key": extra(b'{"\\ud83d":1}'),
    "surrogate, repeated": extra(b'"\\ud83d","extra":1'),
    "broken UTF-8": extra(b'"\xff"'),
    "surrogate in UTF-8": extra(b'"\xed\xa0\x80"'),
    "overlong UTF-8": extra(b'"\xc0\xaf"'),
    "broken UTF-8 in a field": message("visit", counter_id="é").replace("é".encode(), b"\xc3"),
    "deep": extra(b"[" * 500 + b"]" * 500),
    "deeper than any parser": extra(b"[" * 30_000 + b"]" * 30_000),
    "deep and open": b"[" * 60_000,
    "deep and open, with strings": b'[{"a":"\\"' * 6_000,
    "large and broken": b"{" + b" " * LARGEST,
}
NOT_AN_OBJECT = (b"[]", b"null", b"1", b'"x"', b"true", b" [" + VISIT + b"] ", b"1e400", b'"' + b"x" * LARGEST + b'"')


@pytest.mark.parametrize("value", NOT_JSON.values(), ids=NOT_JSON)
def test_not_json(value):
    """What is no JSON text by the letter of RFC 8259 and UTF-8 is not_json."""
    assert alone(value) == ("not_json", None)


@pytest.mark.parametrize(
    "value",
    [
        b" \t\r\n" + VISIT + b"\n",
        extra(b"1e400"),
        extra(b"9" * 5000),
        extra(b'"\\ud83d\\ude00"'),
        extra(b"[" * 499 + b"]" * 499),
    ],
    ids=["blanks", "no double", "long integer", "surrogate pair", "not too deep"],
)
def test_json(value):
    """Blanks around a message, and any JSON in a field that its type does not have, do no harm."""
    assert alone(value)[1] == COMMON["ts"]


def test_brackets_in_strings_are_not_nested():
    """Brackets inside strings are text."""
    assert alone(message("rating", comment='["{' * 2000 + "\\"))[1] == COMMON["ts"]


@pytest.mark.parametrize("value", NOT_AN_OBJECT, ids=lambda value: value[:9].decode())
def test_not_an_object(value):
    """JSON that is no object is not_an_object."""
    assert alone(value) == ("not_an_object", None)


@pytest.mark.parametrize("value", ["press", "Visit", "", 5, 1.5, True, ["visit"], {"visit": 1}], ids=str)
def test_unknown_type(value):
    """A type that is no string, or none of the contract's, is unknown_type."""
    assert alone(message("visit", type=value)) == ("unknown_type", None)
    assert alone(message("visit", type=value, ts=None), topic="visits") == ("unknown_type", None)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_wrong_topic(name):
    """An event is taken from the topic of its type, and refused from every other one, good or not."""
    for topic in set(TOPIC_OF_KIND):
        right = topic == TOPIC_OF_KIND[EVENT_NAMES.index(name)]
        assert alone(message(name), topic=topic)[0] == "wrong_topic" or right
        assert alone(message(name, ts=None), topic=topic)[0] == ("missing_field" if right else "wrong_topic")
        assert alone(message(name, ts="x"), topic=topic)[0] == ("bad_value" if right else "wrong_topic")


def test_no_type():
    """A message without a type has a missing field, whatever its topic."""
    assert alone(message("visit", type=None), topic="presses") == ("missing_field", None)
    assert alone(b"{}") == ("missing_field", None)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_missing_field(name):
    """Every required field must be there and not null; every optional one may be absent or null, which is the same."""
    for field in COMMON.keys() | SPECIMENS[name].keys():
        without = event(name)
        del without[field]
        for value in (without, event(name) | {field: None}):
            found, ts_ms = alone(json.dumps(value).encode())
            if field in OPTIONAL[name]:
                attribute = "from_" if field == "from" else field
                assert getattr(found, attribute) == OPTIONAL[name][field]
                assert ts_ms == COMMON["ts"]
            else:
                assert found == "missing_field"


def test_too_large():
    """A message has at most 65,536 bytes, blanks included; larger ones are too_large if nothing else is wrong."""
    padded = VISIT.ljust(LARGEST)
    assert alone(padded)[1] == COMMON["ts"]
    assert alone(padded + b" ") == ("too_large", None)
    assert alone(padded + b" ", topic="visits") == ("too_large", None)
    assert alone(message("visit", extra="é" * LARGEST)) == ("too_large", None)
    for reason, change in (("unknown_type", {"type": "x"}), ("missing_field", {"ts": None}), ("bad_value", {"ts": -1})):
        assert alone(message("visit", **change).ljust(LARGEST + 1)) == (reason, None)
    assert alone(padded + b" ", topic="calls") == ("wrong_topic", None)
    assert alone(message("visit", counter_id="\x07").ljust(LARGEST + 1)) == ("bad_value", None)


def test_order_of_reasons():
    """Where several reasons apply, the first in the contract's order is given: mended one by one, a message gets the next."""
    steps = [
        b'{"type":"x","ts":[],"padding":"' + b"x" * LARGEST,
        b'[{"type":"x","ts":[],"padding":"' + b"x" * LARGEST + b'"}]',
        message("visit", type="x", ts=[], office_id=None).ljust(LARGEST + 1),
        message("call", ts=[], office_id=None).ljust(LARGEST + 1),
        message("visit", ts=[], office_id=None).ljust(LARGEST + 1),
        message("visit", ts=[]).ljust(LARGEST + 1),
        message("visit").ljust(LARGEST + 1),
    ]
    assert [alone(value, topic="visits")[0] for value in steps] == list(REASONS[:7])


@pytest.mark.parametrize(
    ("first", "then", "good"),
    [
        ('"ts":"x"', '"ts":1', True),
        ('"ts":1', '"ts":"x"', False),
        ('"ts":null', '"ts":1', True),
        ('"ts":1', '"ts":null', False),
        ('"type":"nothing"', '"type":"visit"', True),
        ('"type":"call"', '"type":"visit"', True),
        ('"type":"visit"', '"type":"call"', False),
        ('"type":7', '"type":"visit"', True),
        ('"count":"x"', '"count":1', True),
        ('"count":"x"', '"count":null', True),
        ('"count":1', '"\\u0063ount":"x"', False),
        ('"count":"x"', '"\\u0063ount":1', True),
        ('"counter_id":"\\n"', '"counter_id":"x"', True),
        ('"count":"x"', '"count":1,"counter_id":"\\n"', False),
        ('"counter_id":"x"', '"counter_id":"\\n"', False),
    ],
)
def test_repeated_keys(first, then, good):
    """Of equal keys the last one counts, as if the others were not there."""
    value = f'{{{first},"type":"visit","event_id":"e","ts":1,"office_id":"o",{then}}}'
    if "type" in first:
        value = f'{{{first},"event_id":"e","ts":1,"office_id":"o",{then}}}'
    for batch in ([value.encode()], [VISIT, value.encode(), VISIT]):
        assert bool(decode(batch).rejects) is not good


DETAILS = {
    "the message is empty": b"",
    "not UTF-8 at byte 9": b'{"name":"\xffAnna"}',
    "nested deeper than 500 levels": b"[" * 501,
    "JSON is malformed: trailing characters (byte 3)": b"{}Anna",
    "expected an object, got a string": b' "Anna"',
    "expected an object, got a number": b"1.5",
    "expected an object, got an integer": b"-1",
    "`type` is missing": b'{"name":"Anna"}',
    "`type`: expected one of " + ", ".join(EVENT_NAMES) + ", got another string": b'{"type":"Anna"}',
    "`type`: expected one of " + ", ".join(EVENT_NAMES) + ", got an integer": b'{"type":5}',
    "visit belongs on topic visits": (message("visit"), "calls"),
    "`hold_ms` is missing": message("seller_press", hold_ms=None),
    "`hold_ms`: expected an integer from 0 to 9223372036854775807, got a string": message("seller_press", hold_ms="Anna"),
    "`hold_ms`: expected an integer from 0 to 9223372036854775807, got a number": message("seller_press", hold_ms=1.0),
    "`hold_ms`: expected an integer from 0 to 9223372036854775807, got another integer": message("seller_press", hold_ms=-1),
    "`question`: expected one of loyalty, office, personnel, got another string": message("seller_press", question="Anna"),
    "`reliable`: expected true or false or an integer from 0 to 1, got another integer": message("verdict", reliable=2),
    "`wait_s`: expected a number from 0 to 10000000, got another number": message("call", wait_s=-0.5),
    "`note`: expected a string, got an object": message("verdict", note={"name": "Anna"}),
    "`client_id`: expected a string of 1 to 128 characters without control characters, got another string": message(
        "call", client_id="Anna\n"
    ),
    "`ts`: expected an integer from 0 to 9007199254740991 or an RFC 3339 text with an offset, got another string": message(
        "visit", ts="Anna"
    ),
    "`ts`: expected an integer from 0 to 9007199254740991 or an RFC 3339 text with an offset, got a boolean": message(
        "visit", ts=True
    ),
    "`to`: expected a time not before `from`": message("verdict", to=0),
    "`to`: expected at most the longest window after `from`": message("verdict", from_=0),
    "`score`: expected an integer from 0 to 10 for nps, from 1 to 5 for csat, from 1 to 7 for ces": message("rating", score=7),
    "`employee_ids`: expected a list of ids, got another list": message("rating", employee_ids=["Anna", ""]),
    "`vote_employee_ids`: expected a list of at most 5 ids, got another list": message(
        "peer_rating", vote_employee_ids=["Anna"] * 6
    ),
    "`scores`: expected an object of ids, each with an integer from 1 to 10, got another object": message(
        "peer_rating", scores={"Anna": 11}
    ),
    "the message is larger than 65536 bytes": message("rating", comment="Anna" * LARGEST),
}  # fmt: skip


@pytest.mark.parametrize("detail", DETAILS)
def test_details(detail):
    """A sentence says where and why, and never what the message said."""
    value, topic = DETAILS[detail] if isinstance(DETAILS[detail], tuple) else (DETAILS[detail], None)
    (reject,) = decode([value], topic=topic).rejects
    assert reject.detail == detail
