"""What is scanned and what is odd, and the rows of what is scanned; `tests/streams/test_differential.py` tries very many."""

import numpy as np
import pytest

from kernels import scanning
from kernels.events import EVENT_ROW
from kernels.layout import NOT_GIVEN
from kernels.scanning import scan

DAY_MS = 86_400_000
VISIT = b'{"type":"visit","event_id":"v","ts":5,"office_id":"o"}'
SELLER = b'{"type":"seller_press","event_id":"s","ts":5,"office_id":"o","panel_id":"p","employee_id":"e","hold_ms":70}'
VERDICT = b'{"type":"verdict","event_id":"s","ts":5,"office_id":"o","target":"survey","target_id":"s","reliable":true}'
CALL = (
    b'{"type":"call","event_id":"c","ts":5,"office_id":"o","direction":"inbound","disposition":"answered","wait_s":1}'
)
SALE = b'{"type":"sale","event_id":"a","ts":5,"office_id":"o","amount_minor":-7,"currency":"EUR"}'


def scanned(*messages, kinds=63, longest_window_ms=30 * DAY_MS, after=b""):
    """Rows of messages that lie end to end, with something after them; None for odd ones."""
    lengths = np.array([len(message) for message in messages], np.int64)
    buffer = np.frombuffer(b"".join(messages) + after, np.uint8)
    rows, odd = scan(buffer, np.cumsum(lengths) - lengths, lengths, kinds, longest_window_ms)
    odd = set(odd.tolist())
    return [None if position in odd else row for position, row in enumerate(rows)]


def with_field(message, field):
    """A message with one more field at its end."""
    return message[:-1] + b"," + field + b"}"


def test_a_row_points_to_its_texts():
    """From the beginning of the buffer, in bytes."""
    first, second = scanned(VISIT.replace(b'"v"', '"\u012bd"'.encode()), SELLER)
    data = VISIT.replace(b'"v"', '"\u012bd"'.encode()) + SELLER
    for row, names in (
        (first, {"id": "\u012bd", "office": "o"}),
        (second, {"id": "s", "office": "o", "place": "p", "employee": "e"}),
    ):
        for name in ("id", "office", "place", "employee"):
            start, length = row[f"{name}_start"], row[f"{name}_length"]
            assert data[start : start + length].decode() == names.get(name, "")
    assert (first["position"], second["position"]) == (0, 1)
    assert (first["kind"], first["amount"], second["kind"], second["amount"], second["code"]) == (5, 1, 0, 70, -1)
    assert first["employee_start"] == first["place_start"] == 0


@pytest.mark.parametrize(
    ("message", "column", "value"),
    [
        (with_field(VISIT, b'"count":-12'), "amount", -12),
        (with_field(VISIT, b'"count":999999999999999999'), "amount", 999_999_999_999_999_999),
        (VISIT.replace(b"5", b"9007199254740991"), "ts_ms", 2**53 - 1),
        (VISIT.replace(b"5", b'"1970-01-01T00:00:02.0039-00:01"'), "ts_ms", 62_003),
        (with_field(SELLER, b'"question":"loyalty"'), "code", 2),
        (SALE, "amount", -7),
        (SALE, "code", 0),
        (with_field(SALE, b'"margin_minor":0'), "code", 1),
        (with_field(SALE, b'"margin_minor":-12'), "first_ms", -12),
        (with_field(SALE, b'"category":"tea"'), "place_length", 3),
        (with_field(VERDICT, b'"from":6'), "first_ms", 6),
        (with_field(VERDICT, b'"from":6'), "second_ms", NOT_GIVEN),
        (with_field(VERDICT, b'"to":"1970-01-01T00:00:07Z"'), "second_ms", 7000),
        (with_field(VERDICT, b'"scope":"office"'), "scope", 1),
        (VERDICT.replace(b"true", b"0"), "flag", 0),
        (VERDICT.replace(b"survey", b"force_majeure"), "code", 1),
        (CALL, "amount", 1000),
        (CALL.replace(b":1}", b":0.0005}"), "amount", 0),
        (CALL.replace(b":1}", b":0.0015}"), "amount", 2),
        (CALL.replace(b":1}", b":0.0025}"), "amount", 2),
        (CALL.replace(b":1}", b":4.9995}"), "amount", 5000),
        (CALL.replace(b":1}", b":10000000.000}"), "amount", 10**10),
        (CALL.replace(b":1}", b':1,"talk_s":0.25,"hold_s":2,"wrap_s":0.75}'), "first_ms", 3000),
        (CALL.replace(b":1}", b':1,"talk_s":0.25,"hold_s":2,"wrap_s":0.75}'), "second_ms", 250),
        (CALL.replace(b"answered", b"abandoned"), "code", 2),
        (CALL.replace(b"answered", b"busy"), "code", 0),
        (CALL.replace(b"inbound", b"internal"), "flag", 0),
    ],
)
def test_values(message, column, value):
    """Numbers as they are written."""
    (row,) = scanned(message)
    assert row[column] == value


@pytest.mark.parametrize(
    "message",
    [
        b" \t\r\n" + VISIT.replace(b":", b" : ").replace(b",", b"\n,\t") + b"  ",
        b'{"office_id":"o","ts":5,"event_id":"v","type":"visit"}',
        with_field(VISIT, b'"count":null,"counter_id":null'),
        with_field(VISIT, b'"x":1,"x":"\\"\\n",  "hold_ms":"what","panel_id":-0.5,"seller_press":true,"reliable":null'),
        with_field(VERDICT, '"note":"\\\\ \\/ \u0085 \x7f \U0001f600"'.encode()),
        VISIT.replace(b'"v"', b'"' + "\U0001f600".encode() * 128 + b'"'),
        VISIT.ljust(65_536),
    ],
)
def test_scanned(message):
    """What good senders may write is not left to the library."""
    assert scanned(message)[0] is not None


@pytest.mark.parametrize(
    "message",
    [
        b"", b" ", b"{}", b"null", b"[]", b"{", VISIT[:-1], VISIT + b"}", VISIT + b"\x00", VISIT + VISIT, b"\xef\xbb\xbf" + VISIT,
        VISIT[:-1] + b",}", VISIT.replace(b"visit", b"shift"), VISIT.replace(b"visit", b"Visit"), VISIT.replace(b'"visit"', b"1"),
        VISIT.replace(b'"type":"visit",', b""), VISIT.replace(b'"visit"', b"null"), VISIT.replace(b"event_id", b"Event_id"),
        VISIT.replace(b'"v"', b"null"), VISIT.replace(b'"v"', b'""'), VISIT.replace(b'"v"', b"7"), VISIT.replace(b'"v"', b'"\\n"'),
        VISIT.replace(b'"v"', b'"\x7f"'), VISIT.replace(b'"v"', b'"\xc2\x85"'), VISIT.replace(b'"v"', b'"\xff"'),
        VISIT.replace(b'"v"', b'"\x01"'), VISIT.replace(b'"v"', b'"' + b"x" * 129 + b'"'), VISIT.replace(b'"v"', b'"\\u0041"'),
        with_field(VISIT, b'"x":[]'), with_field(VISIT, b'"x":{}'), with_field(VISIT, b'"x":"\\u0041"'), with_field(VISIT, b'"x":1e3'),
        with_field(VISIT, b'"x":1234567890123456789'), with_field(VISIT, b'"x":01'), with_field(VISIT, b'"x":nul'), with_field(VISIT, b'"x"'),
        with_field(VISIT, b'"ts":5'), with_field(VISIT, b'"count":1.0'), with_field(VISIT, b'"count":"1"'), with_field(VISIT, b'"count":-0'),
        with_field(VISIT, b'"counter_id":3.13191589725569029'), with_field(VISIT, b'"count":null,"count":1'), with_field(VISIT, b'"\xc3\xa9":1'),
        VISIT.replace(b"5", b"9007199254740992"), VISIT.replace(b"5", b"-5"), VISIT.replace(b"5", b"5.0"), VISIT.replace(b"5", b"true"),
        VISIT.replace(b"5", b'"2016-12-31T23:59:60Z"'), VISIT.replace(b"5", b'"1969-12-31T23:59:59.9Z"'), VISIT.replace(b"5", b'"2021-02-29T00:00:00Z"'),
        VISIT.ljust(65_537), SELLER.replace(b"70", b"-1"), SELLER.replace(b"70", b"70.5"), with_field(SELLER, b'"question":"other"'),
        VERDICT.replace(b"true", b"2"), VERDICT.replace(b"true", b"1.0"), VERDICT.replace(b"true", b'"true"'), with_field(VERDICT, b'"note":1'),
        with_field(VERDICT, b'"from":9,"to":8'), with_field(VERDICT, b'"from":0,"to":2592000001'), with_field(VERDICT, b'"scope":"x"'),
        CALL.replace(b":1}", b":-1}"), CALL.replace(b":1}", b":10000000.1}"), CALL.replace(b":1}", b":9007199254740992}"), CALL.replace(b":1}", b":true}"),
        CALL.replace(b"inbound", b"inbounds"), with_field(CALL, b'"recording_url":false'), with_field(CALL, b'"queue":""'),
        SALE.replace(b"-7", b"null"), with_field(SALE, b'"margin_minor":0.5'), with_field(SALE, b'"category":"\\t"'),
    ],
)  # fmt: skip
def test_odd(message):
    """What is refused, and what is not certain; beside neighbours that are not."""
    assert [row is None for row in scanned(VISIT, message, VISIT)] == [False, True, False]


def test_a_message_ends_where_it_ends():
    """What follows in the buffer is never part of it, whether it would make it good or bad."""
    for end in range(1, len(SELLER)):
        lengths = np.array([end, len(SELLER) - end], np.int64)
        _, odd = scan(np.frombuffer(SELLER + VISIT, np.uint8), np.array([0, end]), lengths, 63, DAY_MS)
        assert odd.tolist() == [0, 1]
    for after in (b"", b"0", b"}", b",", b" ", b'"', b"\x00", b"\xff", VISIT):
        for message in (SELLER, VISIT, CALL, with_field(VISIT, b'"count":12')):
            for size in range(len(after) + 1):
                assert scanned(message, after=after[:size])[0] is not None


def test_null_messages_are_odd():
    """Which have the length -1, whatever lies where they begin."""
    _, odd = scan(np.frombuffer(VISIT * 2, np.uint8), np.zeros(2, np.int64), np.array([-1, len(VISIT)]), 63, DAY_MS)
    assert odd.tolist() == [0]


def test_kinds_that_may_not_come_are_odd():
    """By their bits."""
    messages = (SELLER, VERDICT, CALL, SALE, VISIT)
    for kinds, expected in ((63, 5), (1, 1), (0, 0), (62, 4), (1 << 5 | 1 << 2, 2)):
        assert sum(row is not None for row in scanned(*messages, kinds=kinds)) == expected


def test_the_longest_window_is_handed_in():
    """Its end included."""
    verdict = with_field(VERDICT, b'"from":1,"to":1001')
    assert scanned(verdict, longest_window_ms=1000)[0] is not None
    assert scanned(verdict, longest_window_ms=999)[0] is None


def test_orders_of_fields_take_turns():
    """A guess that is wrong costs time and nothing else."""
    pieces = SALE[1:-1].split(b",")
    messages = [b"{" + b",".join(pieces[turn:] + pieces[:turn]) + b"}" for turn in range(len(pieces))] * 2 + [
        VISIT,
        SELLER,
        CALL,
    ] * 2
    rows = scanned(*messages)
    assert [row["kind"] for row in rows] == [4] * 2 * len(pieces) + [5, 0, 3] * 2
    assert {row["amount"] for row in rows[: 2 * len(pieces)]} == {-7}


def test_small_buffers():
    """Of less than a word, or none."""
    assert scanned(b"{}", b"1") == [None, None]
    assert scanned() == []


def test_one_compilation_for_all():
    """Buffers that may be written to and those that may not are the same to the scanner."""
    for buffer in (np.frombuffer(VISIT, np.uint8), np.frombuffer(VISIT, np.uint8).copy()):
        rows, odd = scan(buffer, np.zeros(1, np.int64), np.array([len(VISIT)]), 63, DAY_MS)
        assert rows.dtype == EVENT_ROW
        assert odd.dtype == np.int32
        assert odd.size == 0
    assert len(getattr(scanning._scan, "signatures", ["uncompiled"])) == 1
