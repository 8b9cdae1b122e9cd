"""Why a message is refused: one message at a time, for those that the typed decoder of a batch did not take.

`judge` is slow and exact. It agrees with the typed decoder on every message that this one takes; of the rest it saves the few
that are good after all (of a key that stands twice the last one counts, and the first one was unusable), and gives every
other one the first reason that applies. Its sentences name fields and what was expected, never what a message said.
"""

import re
from typing import Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Raw, json

from streams.events import EVENT_NAMES, EVENT_TYPES, TOPIC_OF_KIND, Event
from streams.fields import FIELDS

# In the order in which they are given. The last two are given by the engine, which knows the time.
REASONS: Final = (
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

# Objects and lists in one another. The parser counts them against Python's own recursion limit (1000), of which the callers
# have used some: a limit of ours, well below, makes every worker judge alike.
DEEPEST_NESTING: Final = 500


class Refusal(NamedTuple):
    """Why a message is refused: a reason of `REASONS`, and a sentence on where and why, without personal data."""

    reason: str
    detail: str


NESTED_TOO_DEEPLY: Final = Refusal("not_json", f"nested deeper than {DEEPEST_NESTING} levels")
_KIND_OF_NAME: Final = {name: kind for kind, name in enumerate(EVENT_NAMES)}
_anything = json.Decoder(Raw)
_members = json.Decoder(dict[str, Raw])
_string = json.Decoder(str)
_JSON_KIND: Final = {'"': "a string", "{": "an object", "[": "a list", "t": "a boolean", "f": "a boolean", "n": "null"}

# Strings (one that does not end reaches to the end), and all that is no bracket.
_no_brackets = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[^\[\]{}"]+', re.DOTALL)


def judge(value: bytes, topic: str | None) -> Event | Refusal:
    """Decode one message, or say why not.

    The ranges that no annotation can state, and the size, are for the caller to check: the reasons that they give come last.
    """
    members = _members_of(value)
    if isinstance(members, Refusal):
        return members
    kind = _kind_of(members, topic)
    if isinstance(kind, Refusal):
        return kind
    for field in FIELDS[kind]:
        if field.required and _is_absent(members, field.name):
            return Refusal("missing_field", f"`{field.name}` is missing")
    values = {}
    for field in FIELDS[kind]:
        if not _is_absent(members, field.name):
            raw = bytes(members[field.name])
            try:
                values[field.attribute] = field.decoder.decode(_settled(raw))
            except msgspec.DecodeError:
                return Refusal(
                    "bad_value", f"`{field.name}`: expected {field.expected}, got {_got(raw, field.expected)}"
                )
    return EVENT_TYPES[kind](**values)


def _members_of(value: bytes) -> dict[str, Raw] | Refusal:
    """Split an object into its members, the last of each name; or say why the message is no object."""
    fault = _fault_of_json(value)
    if fault:
        return Refusal("not_json", fault)
    try:
        return _members.decode(value)
    except msgspec.ValidationError:
        return Refusal("not_an_object", f"expected an object, got {_got(value.lstrip(), '')}")


def _fault_of_json(value: bytes) -> str:
    """Say why a message is no JSON text, or nothing."""
    if not value:
        return "the message is empty"
    try:
        value.decode()
        if nesting(value) > DEEPEST_NESTING:
            return NESTED_TOO_DEEPLY.detail
        _anything.decode(value)
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    except msgspec.DecodeError as error:
        return str(error)
    except RecursionError:  # the callers have used up what the limit leaves them
        return NESTED_TOO_DEEPLY.detail
    return ""


def _kind_of(members: dict[str, Raw], topic: str | None) -> int | Refusal:
    """Return the kind code of a message, or why it has none here."""
    if _is_absent(members, "type"):
        return Refusal("missing_field", "`type` is missing")
    try:
        kind = _KIND_OF_NAME.get(_string.decode(members["type"]))
    except msgspec.DecodeError:
        kind = None
    if kind is None:
        expected = f"one of {', '.join(EVENT_NAMES)}"
        return Refusal("unknown_type", f"`type`: expected {expected}, got {_got(bytes(members['type']), expected)}")
    if topic is not None and TOPIC_OF_KIND[kind] != topic:
        return wrong_topic(kind)
    return kind


def wrong_topic(kind: int) -> Refusal:
    """Say where events of a kind belong."""
    return Refusal("wrong_topic", f"{EVENT_NAMES[kind]} belongs on topic {TOPIC_OF_KIND[kind]}")


def _is_absent(members: dict[str, Raw], name: str) -> bool:
    return name not in members or bytes(members[name]) == b"null"


def _settled(raw: bytes) -> bytes:
    """Keep the last of each key in an object, and of those the ones that are not null; other values stay as they are."""
    if not raw.startswith(b"{"):
        return raw
    members = _members.decode(raw)
    return json.encode({name: members[name] for name in members if not _is_absent(members, name)})


def _got(raw: bytes, expected: str) -> str:
    """Say what kind of value a JSON text holds."""
    kind = _JSON_KIND.get(chr(raw[0])) or ("a number" if any(mark in raw for mark in b".eE") else "an integer")
    alike = kind in expected or (kind == "a string" and "one of" in expected)
    return f"another {kind.split()[1]}" if alike else kind


def nesting(message: bytes) -> int:
    """Return how deep objects and lists stand in one another in a message, if that may be too deep, else 0."""
    if message.count(b"[") + message.count(b"{") <= DEEPEST_NESTING:
        return 0
    brackets = np.frombuffer(_no_brackets.sub(b"", message), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    return int(np.cumsum(np.where(opening, 1, -1)).max(initial=0))
