"""``kqi tap``: the messages of one office as they go by, read beside all workers and as no member of any group.

As lines they are for people: the time, the topic, and the fields that an event of its type has. Who looks on over somebody's shoulder
is to see no clients: their ids become marks that differ from run to run, and free text is left out, unless that is asked for.
"""

import asyncio
import hashlib
import json
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from agents.cluster import ClusterError, OfficePartitions, security_of
from agents.reach import require_broker
from agents.reading import POLL_MS, partitions_of, reader
from streams.configuration import Configuration
from streams.events import EVENT_NAMES, EVENT_TYPES, TOPICS
from streams.outputs import OUTPUT_TOPICS, Indices, Survey

DEFAULT_TOPICS: Final = (*TOPICS, "surveys", "dead-letters")
ALL_TOPICS: Final = (*TOPICS, *OUTPUT_TOPICS)
CLIENTS: Final = ("client_id",)
FREE_TEXT: Final = ("comment", "note", "recording_url")
HEADINGS: Final = ("type", "ts", "office_id")  # which a line has by itself, or that all have alike
LONGEST: Final = 200  # characters of a value
HIDDEN: Final = object()
_plain = re.compile(r"[\w.:@/+~-]+").fullmatch
_is_time = re.compile(r"[0-9TtZz:.+ -]{10,40}").fullmatch
_FIELDS: Final[Mapping[str, Collection[str]]] = {
    name: tuple(field.encode_name for field in msgspec.structs.fields(kind))
    for name, kind in zip(EVENT_NAMES, EVENT_TYPES, strict=True)
}


class Message(NamedTuple):
    """A message that went by."""

    topic: str  # without the prefix
    partition: int
    offset: int
    time_ms: int  # at the broker
    key: bytes
    value: bytes
    headers: Mapping[str, bytes]


Show = Callable[[Sequence[Message]], None]


# Reading -----------------------------------------------------------------------------------------------------------


async def tap(
    configuration: Configuration,
    office: str,
    topics: Collection[str],
    since_ms: int | None,
    begun: Callable[[int], None],
) -> AsyncGenerator[list[Message], None]:
    """What goes by of an office, for ever: some messages at a time, in the order of their times.

    Parameters
    ----------
    topics
        Without their prefix.
    since_ms
        An instant of appending, epoch milliseconds; None for what is appended from now on.
    begun
        Called with the office's partition when everything that is appended from then on will come.

    Raises
    ------
    agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
        When the topics cannot be read.
    """
    await require_broker(configuration.kafka.bootstrap, security_of(configuration))
    try:
        async with reader(configuration, isolation_level="read_committed") as consumer:
            prefix = configuration.topic_prefix
            number = OfficePartitions(await partitions_of(consumer, prefix + "presses"))[office]
            places = {TopicPartition(prefix + topic, number): topic for topic in topics}
            await _go_to(consumer, places, since_ms)
            begun(number)
            while True:
                fetched = await consumer.getmany(*places, timeout_ms=POLL_MS)
                found = [
                    _message(places[place], each)
                    for place, records in fetched.items()
                    for each in records
                    if each.timestamp >= (since_ms or 0)  # some brokers find no offsets by time
                ]
                yield sorted(of_office(found, office), key=lambda each: each.time_ms)
    except (KafkaError, OSError) as error:
        raise ClusterError(f"the topics cannot be read: {error}") from error


async def _go_to(consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, str], since_ms: int | None) -> None:
    for place, topic in places.items():
        if place.partition not in (consumer.partitions_for_topic(place.topic) or ()):
            raise ClusterError(f"there is no topic {place.topic} with a partition {place.partition}: is {topic} right?")
    consumer.assign(list(places))
    starts = await consumer.end_offsets(list(places))
    if since_ms is not None:
        found = await consumer.offsets_for_times(dict.fromkeys(places, since_ms))
        starts |= {place: each.offset for place, each in found.items() if each is not None}
    for place, start in starts.items():
        consumer.seek(place, start)


def _message(topic: str, record: "ConsumerRecord[bytes, bytes]") -> Message:
    key, value = record.key or b"", record.value or b""
    return Message(topic, record.partition, record.offset, record.timestamp, key, value, dict(record.headers))


def of_office(messages: Iterable[Message], office: str) -> Iterator[Message]:
    """Those that name an office, or of which nothing can be told but that they lie under its key."""
    for message in messages:
        content = _content(message.value)
        named = content.get("office_id")
        if named == office or (not isinstance(named, str) and message.key == office.encode()):
            yield message


def _content(value: bytes) -> dict[str, Any]:
    """The object that a message is; empty for none."""
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


# Lines -------------------------------------------------------------------------------------------------------------


class Lines:
    """Writes messages as lines for people."""

    def __init__(self, *, unmask: bool = False) -> None:
        self._unmask = unmask
        self._key = secrets.token_bytes(16)  # the same client has the same mark, in this run alone

    def line(self, message: Message) -> str:
        """A message as a line."""
        head = f"{_time(message.time_ms)}  {message.topic:<12}  "
        place = f"[{message.partition}:{message.offset}]"
        if message.topic == "dead-letters":
            return f"{head}{self._dead_letter(message)}  {place}"
        content = _content(message.value)
        kind, fields = _known(message.topic, content)
        if not kind:
            return f"{head}not one of its types, {len(message.value)} bytes  {place}"
        shown = content if self._unmask else {name: content[name] for name in fields if name in content}
        if not self._unmask and message.topic in TOPICS:
            shown = {name: value if _is_flat(name, value) else HIDDEN for name, value in shown.items()}
        words = [
            f"{_printable(name)}={self._value(name, value)}"
            for name, value in shown.items()
            if name not in HEADINGS and value is not None
        ]
        head = f"{_time_of(content, message)}  {message.topic:<12}  "
        return f"{head}{kind:<14}  {' '.join(words)}  {place}"

    def _dead_letter(self, message: Message) -> str:
        reason, topic, offset = (
            _printable(message.headers.get(name, b"?").decode(errors="replace"))
            for name in ("reason", "topic", "offset")
        )
        text = f"{reason:<14}  {len(message.value)} bytes of {topic}, offset {offset}"
        return f"{text}: {_printable(message.value.decode(errors='replace'))}" if self._unmask else text

    def _value(self, name: str, value: Any) -> str:
        if not self._unmask and name in CLIENTS:
            digest = hashlib.blake2b(str(value).encode(errors="replace"), key=self._key, digest_size=3)
            return f"~{digest.hexdigest()}"
        if value is HIDDEN or (not self._unmask and name in FREE_TEXT):
            return "..."
        if isinstance(value, str) and _plain(value):
            return _printable(value)
        return _printable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _known(topic: str, content: Mapping[str, Any]) -> tuple[str, Collection[str]]:
    """What kind of message it is, and its fields; of others than these nothing is known."""
    if topic == "surveys":
        return "survey", Survey.__struct_fields__
    if topic == "indices":
        return "indices", Indices.__struct_fields__
    kind = content.get("type")
    return (kind, _FIELDS[kind]) if isinstance(kind, str) and kind in _FIELDS else ("", ())


def _is_flat(name: str, value: Any) -> bool:
    """Whether an event's value is of a shape that the field may have: in what is nested otherwise may stand anything."""
    if isinstance(value, list):
        return not any(isinstance(each, list | dict) for each in value)
    return name == "scores" or not isinstance(value, dict)


def _time_of(content: Mapping[str, Any], message: Message) -> str:
    """When it happened, as the message says; what is no time at all is the broker's."""
    told = content.get("ts", content.get("at"))
    if isinstance(told, str) and _is_time(told):
        return told
    return _time(told if isinstance(told, int) and abs(told) < 2**63 else message.time_ms)


def _time(time_ms: int) -> str:
    try:
        text = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):  # beyond the years that have four digits
        return str(time_ms)
    return text.replace("+00:00", "Z")


def whole_line(value: bytes, *, for_terminal: bool) -> bytes:
    """A message as it is, but in one line: between the parts of JSON a break is a space; for terminals without what changes them."""
    line = value.replace(b"\r", b" ").replace(b"\n", b" ")
    return _escaped(line.decode(errors="replace")).encode(errors="replace") if for_terminal else line


def _printable(text: str) -> str:
    """A text that changes nothing on a terminal, and is not longer than a line should be."""
    return _escaped(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def run(
    configuration: Configuration,
    office: str,
    topics: Collection[str],
    since_ms: int | None,
    begun: Callable[[int], None],
    show: Show,
) -> None:
    """Show what goes by until it is interrupted: see `tap`."""

    async def show_all() -> None:
        async with aclosing(tap(configuration, office, topics, since_ms, begun)) as going_by:
            async for messages in going_by:
                show(messages)

    with suppress(KeyboardInterrupt):
        asyncio.run(show_all())
