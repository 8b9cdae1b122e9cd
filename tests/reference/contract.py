"""The contract's judge of one message, in plain Python: the event that it is, or the first reason why it is none.

Shares nothing with the product. `judge` returns the event as `tests.reference.method` takes it: only the fields that
its type has, fields that are null left out, every instant in whole epoch milliseconds, `reliable` as a boolean.

Readings where the contract says less than a program must know:

* JSON is RFC 8259 to the letter: no byte order mark, no NaN, broken UTF-8 nowhere, and no lone surrogate in any
  string, extra fields included (such a text has no UTF-8 form); nesting too deep for the parser is `not_json` as well;
* of equal keys in one object the last one counts, as if the others were not there;
* a number too great for a float (1e400) is JSON: it may stand in an extra field, elsewhere it is a `bad_value`;
* a `type` that is no string is an `unknown_type`; a missing type is reported before its topic can be looked at;
* an integer is written as one: 1.0 and 1e3 are `bad_value` where an integer belongs; scores are integers;
* every known field of a type is checked wherever it stands: `from` and `to` of a verdict about a survey, too;
* null is absent as a member of any object (`scores` included), but no element of a list; `scores` may be empty;
* RFC 3339 as `tests.reference.rfc3339` reads it; before 1970 is a `bad_value`.
"""

import json
import math

from tests.reference import rfc3339

MAX_BYTES = 64 * 1024
MAX_TS_MS = 2**53 - 1
MAX_DURATION_S = 10_000_000
LONGEST_WINDOW_MS = 30 * 24 * 3600 * 1000
MAX_VOTES = 5
SCORES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
TOPICS = {
    "seller_press": "presses",
    "customer_press": "presses",
    "verdict": "verdicts",
    "call": "calls",
    "sale": "sales",
    "visit": "visits",
    "rating": "ratings",
    "request": "requests",
    "shift": "shifts",
    "peer_rating": "peer-ratings",
}


class RejectedError(Exception):
    """The message cannot be used; the argument is the contract's reason."""


def judge(value, topic=None, longest_window_ms=LONGEST_WINDOW_MS):
    """Return (event, None) for a message that can be used, else (None, reason).

    `topic` is the topic's name without prefix; None takes events of every type.
    """
    try:
        event = read(value, topic, longest_window_ms)
    except RejectedError as rejected:
        return None, str(rejected)
    return event, None


def normalise(event):
    """Return an event written as a dictionary the way `judge` would read it from a message."""
    event, reason = judge(json.dumps(event).encode())
    assert reason is None, reason
    return event


def read(value, topic, longest_window_ms):
    """Return the event of a message; raise with the first reason, in the contract's order, why there is none."""
    message = parse(value)
    if not isinstance(message, dict):
        raise RejectedError("not_an_object")
    message = present(message)
    kind = message.get("type")
    if kind is not None:
        if not isinstance(kind, str) or kind not in FIELDS:
            raise RejectedError("unknown_type")
        if topic is not None and TOPICS[kind] != topic:
            raise RejectedError("wrong_topic")
    if kind is None or not REQUIRED[kind] <= message.keys():
        raise RejectedError("missing_field")
    event = {"type": kind} | {name: check(message[name]) for name, check in FIELDS[kind].items() if name in message}
    if kind == "verdict" and "from" in event and "to" in event:
        require(0 <= event["to"] - event["from"] <= longest_window_ms)
    if kind == "rating":
        low, high = SCORES[event["metric"]]
        require(low <= event["score"] <= high)
    if len(value) > MAX_BYTES:
        raise RejectedError("too_large")
    return event


def parse(value):
    """Return the value of a JSON text."""
    try:
        parsed = json.loads(
            value.decode("utf-8", "strict"),
            object_pairs_hook=unique,
            parse_int=number,
            parse_constant=refuse,
        )
        require_utf8(parsed)
    except (ValueError, RecursionError):
        raise RejectedError("not_json") from None
    return parsed


def refuse(text):
    """Refuse NaN and the infinities, which Python's parser would take."""
    raise ValueError(text)


def number(text):
    """Return an integer; one too long to matter becomes an infinity, which is in no range."""
    return int(text) if len(text) < 40 else math.inf


def unique(pairs):
    """Return an object of its members, of equal keys the last; all of them must have a UTF-8 form."""
    for key, value in pairs:
        require_utf8(key)
        require_utf8(value)
    return dict(pairs)


def require_utf8(value):
    """Refuse strings, alone or in lists, that have no UTF-8 form; the members of an object were seen before."""
    if isinstance(value, str):
        value.encode("utf-8", "strict")
    elif isinstance(value, list):
        for element in value:
            require_utf8(element)


def present(members):
    """Return the members of an object that are there: null is the same as absent."""
    return {key: value for key, value in members.items() if value is not None}


def require(condition):
    """Refuse a field that is there but is not what it should be."""
    if not condition:
        raise RejectedError("bad_value")


def is_integer(value):
    """Say whether a value is an integer; a boolean is none."""
    return isinstance(value, int) and not isinstance(value, bool)


def integer(value):
    """Check a 64-bit integer."""
    require(is_integer(value) and -(2**63) <= value < 2**63)
    return value


def natural(value):
    """Check a 64-bit integer that is not negative."""
    require(integer(value) >= 0)
    return value


def duration(value):
    """Check a duration in seconds."""
    require(is_integer(value) or isinstance(value, float))
    require(0 <= value <= MAX_DURATION_S)
    return value


def free_text(value):
    """Check a string of any content."""
    require(isinstance(value, str))
    return value


def identifier(value):
    """Check a string of 1-128 code points without control characters (Cc: U+0000-001F and U+007F-009F)."""
    require(isinstance(value, str) and 1 <= len(value) <= 128)
    require(not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in value))
    return value


def identifiers(value):
    """Check a list of ids."""
    require(isinstance(value, list))
    return [identifier(element) for element in value]


def votes(value):
    """Check the list of employees voted for."""
    require(len(identifiers(value)) <= MAX_VOTES)
    return value


def one_of(*words):
    """Return the check of an enumeration."""

    def check(value):
        require(isinstance(value, str) and value in words)
        return value

    return check


def flag(value):
    """Check a boolean that may also be written 1 or 0."""
    require(isinstance(value, int) and value in {0, 1})
    return bool(value)


def scores(value):
    """Check the scores of a peer rating: criterion to 1-10."""
    require(isinstance(value, dict))
    given = present(value)
    require(all(is_integer(score) and 1 <= score <= 10 for score in given.values()))
    return {identifier(criterion): score for criterion, score in given.items()}


def instant(value):
    """Check an instant: epoch milliseconds, or RFC 3339 text, which is turned into them."""
    if isinstance(value, str):
        try:
            value = rfc3339.epoch_ms(value)
        except ValueError:
            raise RejectedError("bad_value") from None
    require(is_integer(value) and 0 <= value <= MAX_TS_MS)
    return value


def fields(**named):
    """Return the checks of a type by field, those that every type has included."""
    return {"event_id": identifier, "ts": instant, "office_id": identifier} | named


FIELDS = {
    "seller_press": fields(
        panel_id=identifier,
        employee_id=identifier,
        hold_ms=natural,
        question=one_of("personnel", "office", "loyalty"),
    ),
    "customer_press": fields(panel_id=identifier, answer=one_of("yes", "no", "hard_to_say")),
    "verdict": fields(
        **{"from": instant},
        to=instant,
        target=one_of("survey", "force_majeure"),
        target_id=identifier,
        reliable=flag,
        expert_id=identifier,
        scope=one_of("panel", "office"),
        note=free_text,
    ),
    "call": fields(
        direction=one_of("inbound", "outbound", "internal"),
        disposition=one_of("answered", "abandoned", "no_answer", "busy", "failed"),
        wait_s=duration,
        talk_s=duration,
        hold_s=duration,
        wrap_s=duration,
        queue=identifier,
        employee_id=identifier,
        client_id=identifier,
        recording_url=free_text,
    ),
    "sale": fields(
        amount_minor=integer,
        currency=identifier,
        employee_id=identifier,
        client_id=identifier,
        margin_minor=integer,
        positions=integer,
        category=identifier,
    ),
    "visit": fields(count=integer, counter_id=identifier),
    "rating": fields(
        metric=one_of(*SCORES),
        score=integer,
        client_id=identifier,
        employee_ids=identifiers,
        occasion=one_of("regular", "leaving"),
        comment=free_text,
    ),
    "request": fields(
        request_id=identifier,
        priority=identifier,
        stage=one_of("opened", "first_response", "on_site", "resolved", "cancelled"),
        employee_id=identifier,
        client_id=identifier,
    ),
    "shift": fields(employee_id=identifier, kind=one_of("work", "break", "training", "leave"), end_ts=instant),
    "peer_rating": fields(
        from_department=identifier,
        to_department=identifier,
        scores=scores,
        comment=free_text,
        vote_employee_ids=votes,
    ),
}
OPTIONAL = {
    "seller_press": {"question"},
    "verdict": {"expert_id", "from", "to", "scope", "note"},
    "call": {"talk_s", "hold_s", "wrap_s", "queue", "employee_id", "client_id", "recording_url"},
    "sale": {"employee_id", "client_id", "margin_minor", "positions", "category"},
    "visit": {"count", "counter_id"},
    "rating": {"client_id", "employee_ids", "occasion", "comment"},
    "request": {"employee_id", "client_id"},
    "peer_rating": {"comment", "vote_employee_ids"},
}
REQUIRED = {kind: checks.keys() - OPTIONAL.get(kind, set()) for kind, checks in FIELDS.items()}
