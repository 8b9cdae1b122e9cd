"""Messages to structs by the library decoder: a batch of bytes becomes groups of events by type, and rejects.

What it says of a message is the law; `streams.decode` hands it the messages that are not plain enough to be scanned.

Numbered, in the order of the code:

1. The messages are joined into one JSON list and decoded at once by a typed decoder. Between any two of them stands a number
   that was drawn at random when the process began: only a list in which every second element is that number came from
   messages each of which is one whole JSON value. Otherwise `{"x":[1` and `2]}` would make one good message of two bad ones.
2. The decoder skips fields that it does not know without looking at their UTF-8, so the whole is checked for that.
3. A batch that fails is halved until the messages that fail alone are found; `streams.refusals` says why each one failed.
4. What a type annotation cannot state is checked a column at a time, per type of event.

What becomes of a message depends on nothing but the message: not on its neighbours, nor on how the batches were cut.
Nothing that a message can contain raises here.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from operator import attrgetter
from types import NoneType
from typing import Any, Final, NamedTuple, cast

import msgspec
import numpy as np
from msgspec import json
from numpy.typing import NDArray

from streams.events import (
    EVENT_TYPES,
    HIGHEST_SCORE,
    LARGEST_MESSAGE_BYTES,
    LONGEST_WINDOW_MS,
    LOWEST_SCORE,
    PEER_RATING,
    RATING,
    TOPIC_OF_KIND,
    VERDICT,
    Event,
)
from streams.fields import FIELDS, Field
from streams.refusals import DEEPEST_NESTING, NESTED_TOO_DEEPLY, Refusal, judge, nesting, wrong_topic
from streams.times import NO_TIME_MS, times_ms

_SEPARATOR: Final = secrets.randbits(62)
_JOINT: Final = b",%d," % _SEPARATOR
_decode_list: Final = json.Decoder(list[Event | int]).decode
# Every message fails in one of these ways, all of which end in `judge`. (A parser at the end of its stack is the last one.)
_FAILURES: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_KIND_OF_TYPE: Final[dict[type, int]] = {event_type: kind for kind, event_type in enumerate(EVENT_TYPES)} | {
    NoneType: -1
}

# JSON text cannot hold a raw control character. Where there is no escape, no DEL and no first byte of U+0080 to U+00BF in
# UTF-8, there is no control character in any string.
_MARKS_OF_CONTROL_CHARACTERS: Final = (b"\\", b"\x7f", b"\xc2")
_find_control_character = re.compile("[\x00-\x1f\x7f-\x9f]").search  # Unicode's Cc
_SCORE_OFF_ITS_SCALE: Final = Refusal(
    "bad_value", "`score`: expected an integer from 0 to 10 for nps, from 1 to 5 for csat, from 1 to 7 for ces"
)
_TOO_LARGE: Final = Refusal("too_large", f"the message is larger than {LARGEST_MESSAGE_BYTES} bytes")

Mask = NDArray[np.bool_]


class Group(NamedTuple):
    """The good events of one type in a batch."""

    positions: NDArray[np.int64]  # (n,) the place of each in the batch, ascending
    events: list[Event]  # n structs of one type
    ts_ms: NDArray[np.int64]  # (n,) epoch milliseconds


class Reject(NamedTuple):
    """A message that cannot be used."""

    position: int  # its place in the batch
    reason: str  # of `streams.refusals.REASONS`
    detail: str  # where and why, in a sentence without personal data


class DecodedStructs(NamedTuple):
    """What a batch held: every position is in one group or among the rejects, once."""

    groups: dict[int, Group]  # by kind code, ascending; those that hold something
    rejects: list[Reject]  # by position


def decode_structs(
    values: Sequence[bytes | None], *, topic: str | None = None, longest_window_ms: int = LONGEST_WINDOW_MS
) -> DecodedStructs:
    """Decode a batch of messages.

    Parameters
    ----------
    values
        The messages; None (a record without a value) is refused.
    topic
        The topic that they come from, without its prefix; None if any type of event may come.
    longest_window_ms
        How far apart the ends of a force majeure may be.
    """
    messages = [value or b"" for value in values] if None in values else cast("Sequence[bytes]", values)
    rejects: list[Reject] = []
    events, plain = _decode_structs(messages, 0, topic, rejects) if messages else ([], True)
    sizes = np.fromiter(map(len, messages), np.int64, len(messages))
    _refuse_deeply_nested(messages, sizes, events, rejects)

    groups = {}
    kinds = np.fromiter(map(_KIND_OF_TYPE.__getitem__, map(type, events)), np.int8, len(events))
    for kind in range(len(EVENT_TYPES)):
        positions = np.flatnonzero(kinds == kind)
        if not positions.size:
            continue
        if topic is not None and TOPIC_OF_KIND[kind] != topic:
            rejects += [Reject(position, *wrong_topic(kind)) for position in positions.tolist()]
            continue
        members = cast("list[Event]", list(map(events.__getitem__, positions.tolist())))
        _fill_in_defaults(kind, members)
        times = {
            field.attribute: times_ms(list(map(attrgetter(field.attribute), members)))
            for field in FIELDS[kind]
            if field.holds_time
        }
        faults = list(_faults(kind, members, times, longest_window_ms, plain))
        faults.append((sizes[positions] > LARGEST_MESSAGE_BYTES, _TOO_LARGE))
        group = _without_faulty(Group(positions, members, times["ts"]), faults, rejects)
        if group.events:
            groups[kind] = group
    rejects.sort()
    return DecodedStructs(groups, rejects)


def _decode_structs(
    messages: Sequence[bytes], start: int, topic: str | None, rejects: list[Reject]
) -> tuple[list[Event | None], bool]:
    """Decode messages, of which the first has the position `start`; halve them where that fails.

    Returns a struct for each, or None where `rejects` has got the message; and whether they certainly hold no control characters.
    """
    try:
        return _decode_joined(messages)
    except _FAILURES:
        pass
    if len(messages) > 1:
        middle = len(messages) // 2
        first, first_plain = _decode_structs(messages[:middle], start, topic, rejects)
        second, second_plain = _decode_structs(messages[middle:], start + middle, topic, rejects)
        return first + second, first_plain and second_plain
    judged = judge(messages[0], topic)
    if isinstance(judged, Refusal):
        rejects.append(Reject(start, *judged))
        return [None], True
    return [judged], False


def _decode_joined(messages: Sequence[bytes]) -> tuple[list[Event | None], bool]:
    """Decode messages in one go, or raise one of `_FAILURES` if any of them is unfit."""
    joined = b"[%b]" % _JOINT.join(messages)
    if not joined.isascii():
        joined.decode()
    elements = _decode_list(joined)
    events = elements[::2]
    separators = len(messages) - 1
    if (
        len(elements) != len(messages) + separators
        or elements[1::2].count(_SEPARATOR) != separators
        or int in set(map(type, events))
    ):
        raise msgspec.DecodeError("not one value a message")
    return cast("list[Event | None]", events), not any(mark in joined for mark in _MARKS_OF_CONTROL_CHARACTERS)


def _refuse_deeply_nested(
    messages: Sequence[bytes], sizes: NDArray[np.int64], events: list[Event | None], rejects: list[Reject]
) -> None:
    """Refuse what the parser took although it is nested too deeply, which only a long message can be."""
    for position in np.flatnonzero(sizes > 2 * DEEPEST_NESTING).tolist():
        if events[position] is not None and nesting(messages[position]) > DEEPEST_NESTING:
            events[position] = None
            rejects.append(Reject(position, *NESTED_TOO_DEEPLY))


def _fill_in_defaults(kind: int, events: list[Event]) -> None:
    """Put the defaults in place of nulls."""
    for field in FIELDS[kind]:
        if field.default is not None and None in map(attrgetter(field.attribute), events):
            for event in events:
                if getattr(event, field.attribute) is None:
                    setattr(event, field.attribute, field.default)
    if kind == PEER_RATING:
        for scores in map(attrgetter("scores"), events):
            for criterion in [criterion for criterion, score in scores.items() if score is None]:
                del scores[criterion]


def _faults(
    kind: int, events: list[Any], times: dict[str, NDArray[np.int64]], longest_window_ms: int, plain: bool
) -> Iterator[tuple[Mask, Refusal]]:
    """Yield what may be wrong with events of a kind beyond their annotations: where it is, and what to say."""
    for field in FIELDS[kind]:
        if field.holds_time:
            yield times[field.attribute] == NO_TIME_MS, _expected(field)
        elif field.holds_ids and not plain:
            yield _has_control_characters(field, events), _expected(field)
    if kind == VERDICT:
        both = (times["from_"] >= 0) & (times["to"] >= 0)
        length_ms = np.where(both, times["to"] - times["from_"], 0)
        yield length_ms < 0, Refusal("bad_value", "`to`: expected a time not before `from`")
        yield (
            length_ms > longest_window_ms,
            Refusal("bad_value", "`to`: expected at most the longest window after `from`"),
        )
    elif kind == RATING:
        scores = np.fromiter(map(attrgetter("score"), events), np.int64, len(events))
        metrics = list(map(attrgetter("metric"), events))
        lowest = np.fromiter(map(LOWEST_SCORE.__getitem__, metrics), np.int64, len(events))
        highest = np.fromiter(map(HIGHEST_SCORE.__getitem__, metrics), np.int64, len(events))
        yield (scores < lowest) | (scores > highest), _SCORE_OFF_ITS_SCALE


def _expected(field: Field) -> Refusal:
    return Refusal("bad_value", f"`{field.name}`: expected {field.expected}, got another string")


def _has_control_characters(field: Field, events: list[Any]) -> Mask:
    """Tell in which events an id-like field holds a control character."""
    column = list(map(attrgetter(field.attribute), events))
    present = filter(None, column)
    ids = present if field.holds_ids == "one" else chain.from_iterable(present)
    if not _find_control_character("".join(ids)):
        return np.zeros(len(events), np.bool_)
    return np.array([bool(_find_control_character("".join(value or ()))) for value in column])


def _without_faulty(group: Group, faults: Iterable[tuple[Mask, Refusal]], rejects: list[Reject]) -> Group:
    """Move the faulty events of a group to the rejects, each with the first of its faults."""
    refusals: dict[int, Refusal] = {}
    for where, refusal in faults:
        for index in np.flatnonzero(where).tolist():
            refusals.setdefault(index, refusal)
    if not refusals:
        return group
    rejects += [Reject(int(group.positions[index]), *refusal) for index, refusal in refusals.items()]
    good = np.ones(len(group.events), np.bool_)
    good[list(refusals)] = False
    return Group(group.positions[good], list(compress(group.events, good.tolist())), group.ts_ms[good])
