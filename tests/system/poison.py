"""Fifty kinds of messages that nobody can use, and some that lie where they do not belong: each made anew by a number.

What is wrong with a message says the contract's judge; here stand only the ways in which senders go wrong.
"""

import gzip
import json
from typing import NamedTuple

from tests.reference.contract import TOPICS
from tests.streams.specimens import SPECIMENS

TOO_MANY_BYTES = 65_536
LARGE_TOPIC = "requests"  # it takes messages of 10 MB
LARGE_BYTES = 10_000_000
DEEP = 30_000
YEARS_MS = 2**53


ITS_OFFICE = b"its office"  # stands for it


class Poison(NamedTuple):
    """A message that is wrong."""

    topic: str
    value: bytes | None
    key: bytes | None = ITS_OFFICE
    is_moved: bool = False  # nothing is wrong with it but its key


def poison(number, office, ts_ms):
    """Return a message of every kind, by its name, each of its own id."""
    return {name: make(_Sender(f"{name} {number}", office, ts_ms)) for name, make in KINDS.items()}


class _Sender:
    """Writes events of one id."""

    def __init__(self, event_id, office, ts_ms):
        self._common = {"event_id": event_id, "ts": ts_ms, "office_id": office}
        self.ts_ms = ts_ms

    def event(self, kind, **changes):
        """A good event, with changes."""
        ends = dict.fromkeys(("from", "to"), self.ts_ms) if kind == "verdict" else {}
        return {"type": kind} | self._common | SPECIMENS[kind] | ends | changes

    def good(self, kind, **changes):
        """A good message, with changes."""
        return json.dumps(self.event(kind, **changes), ensure_ascii=False).encode("utf-8", "surrogatepass")

    def without(self, kind, name):
        """A message without one of its members."""
        return json.dumps({key: value for key, value in self.event(kind).items() if key != name}).encode()

    def put(self, kind, name, text):
        """A message in which a member's value is this text."""
        mark = "its value stands here"
        return self.good(kind, **{name: mark}).replace(f'"{mark}"'.encode(), text)


def _bytes(kind, change):
    """A kind that comes of a good message by a change of its bytes."""
    return lambda sender: Poison(TOPICS[kind], change(sender.good(kind)))


def _put(kind, name, text):
    """A kind with a member whose value is a text."""
    return lambda sender: Poison(TOPICS[kind], sender.put(kind, name, text))


def _raw(topic, value):
    """A kind that is always the same."""
    return lambda _: Poison(topic, value)


KINDS = {
    # No JSON
    "no value": _raw("visits", None),
    "empty": _raw("presses", b""),
    "blanks": _raw("sales", b" \r\n\t "),
    "cut at a quarter": _bytes("seller_press", lambda good: good[: len(good) // 4]),
    "cut within a text": _bytes("call", lambda good: good[: good.index(b"inbound") + 3]),
    "cut before its end": _bytes("verdict", lambda good: good[:-1]),
    "two in one": _bytes("sale", lambda good: good + good),
    "a comma at the end": _bytes("visit", lambda good: good[:-1] + b",}"),
    "more behind its end": _bytes("customer_press", lambda good: good + b"]"),
    "single quotes": _bytes("shift", lambda good: good.replace(b'"', b"'")),
    "a name without quotes": _bytes("sale", lambda good: good.replace(b'"currency"', b"currency")),
    "a comment": _bytes("call", lambda good: b"/* call */" + good),
    "NaN": _put("call", "wait_s", b"NaN"),
    "Infinity": _put("rating", "score", b"Infinity"),
    "minus Infinity": _put("sale", "amount_minor", b"-Infinity"),
    "a zero before the number": _put("visit", "count", b"007"),
    "a hexadecimal number": _put("seller_press", "hold_ms", b"0xC8"),
    "a plus before the number": _put("sale", "positions", b"+2"),
    "a stray byte": _bytes("verdict", lambda good: good.replace(b"the lift", b"the l\xefft")),
    "UTF-8 that is too long": _bytes("sale", lambda good: good.replace(b"phones", b"phon\xc0\xa5s")),
    "UTF-16": _bytes("customer_press", lambda good: good.decode().encode("utf-16")),
    "a byte order mark": _bytes("visit", lambda good: b"\xef\xbb\xbf" + good),
    "half a character": _put("rating", "comment", b'"\\ud83d"'),
    "a line end within a text": _put("request", "request_id", b'"r\n1"'),
    "an escape that is none": _put("sale", "category", b'"\\x41"'),
    "zeros": _raw("calls", b"\x00" * 300),
    "compressed": _bytes("seller_press", lambda good: gzip.compress(good, mtime=0)),
    "deep": _put("peer_rating", "extra", b"[" * DEEP + b"]" * DEEP),
    "deep and open": _raw("ratings", b'{"type":' * DEEP),
    # No object
    "a list of events": _bytes("seller_press", lambda good: b"[" + good + b"," + good + b"]"),
    "a number": _raw("shifts", b"42"),
    "a text": _bytes("call", lambda good: json.dumps(good.decode()).encode()),
    "null": _raw("verdicts", b"null"),
    # Of no type, or not of this topic
    "another type": _bytes("visit", lambda good: good.replace(b'"visit"', b'"visitor"')),
    "a number for a type": _put("sale", "type", b"4"),
    "a type in capitals": _put("call", "type", b'"CALL"'),
    "without a type": lambda sender: Poison("ratings", sender.without("rating", "type")),
    "on another topic": lambda sender: Poison("presses", sender.good("verdict")),
    # Members
    "without an id": lambda sender: Poison("presses", sender.without("customer_press", "event_id")),
    "without its employee": lambda sender: Poison("presses", sender.without("seller_press", "employee_id")),
    "a null that must not be": _put("verdict", "target_id", b"null"),
    "an empty id": _put("seller_press", "panel_id", b'""'),
    "an id too long": lambda sender: Poison("calls", sender.good("call", queue="\U0001f600" * 129)),
    "a bell in an id": _put("sale", "employee_id", b'"an\\u0007na"'),
    "a number for an id": _put("customer_press", "panel_id", b"7"),
    "a fraction of a time": _put("visit", "ts", b"1600000000000.5"),
    "a time before 1970": _put("seller_press", "ts", b"-1"),
    "a time beyond all": _put("sale", "ts", str(YEARS_MS).encode()),
    "a time without an offset": _put("call", "ts", b'"2026-03-02T10:00:00"'),
    "a day that is none": _put("shift", "ts", b'"2026-02-30T10:00:00Z"'),
    "a number of 400 digits": _put("seller_press", "hold_ms", b"9" * 400),
    "more than 64 bits": _put("sale", "amount_minor", str(2**63).encode()),
    "an exponent beyond all": _put("call", "talk_s", b"1e400"),
    "a boolean for a number": _put("call", "wait_s", b"true"),
    "a duration below zero": _put("call", "wrap_s", b"-0.5"),
    "a word that is none": _put("customer_press", "answer", b'"perhaps"'),
    "a list for a text": _put("rating", "comment", b'["too slow"]'),
    "a score off its scale": _put("rating", "score", b"6"),
    "the last of two members": _bytes("visit", lambda good: good[:-1] + b',"count":"three"}'),
    "ends the wrong way round": lambda sender: Poison("verdicts", sender.good("verdict", to=sender.ts_ms - 1)),
    # Size
    "65 KB": lambda sender: Poison("verdicts", sender.good("verdict", note="x" * TOO_MANY_BYTES)),
    "900 KB": lambda sender: Poison("ratings", sender.good("rating", comment="\u00e9" * 450_000)),
    "10 MB": lambda sender: Poison(LARGE_TOPIC, sender.good("request", extra="x" * LARGE_BYTES)),
    # Nothing wrong but their keys
    "without a key": lambda sender: Poison("sales", sender.good("sale"), None, is_moved=True),
    "a wrong key": lambda sender: Poison("calls", sender.good("call"), b"someone", is_moved=True),
}
