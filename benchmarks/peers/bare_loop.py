"""The most that a Python client can do: confluent-kafka hands out ten thousand messages, msgspec decodes them at once.

Nothing is paired, counted, checked beyond the types, or committed.
"""

from operator import attrgetter
from pathlib import Path
from typing import Literal

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from job import Arguments, Stopwatch

AT_ONCE = 10_000


class SellerPress(msgspec.Struct, tag_field="type", tag="seller_press", gc=False):
    """As the contract has it."""

    event_id: str
    ts: int
    office_id: str
    panel_id: str
    employee_id: str
    hold_ms: int
    question: Literal["personnel", "office", "loyalty"] | None = None


class CustomerPress(msgspec.Struct, tag_field="type", tag="customer_press", gc=False):
    """As the contract has it."""

    event_id: str
    ts: int
    office_id: str
    panel_id: str
    answer: Literal["yes", "no", "hard_to_say"]


def main() -> None:
    """Read the topic to its end; the sum of all times tells that all of it was decoded."""
    arguments = Arguments.read()
    decode = msgspec.json.Decoder(list[SellerPress | CustomerPress]).decode
    consumer = Consumer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "group.id": arguments.group,
            "enable.auto.commit": False,
            "queued.min.messages": 1_000_000,
            "queued.max.messages.kbytes": 2**20,
            "fetch.message.max.bytes": 4 * 2**20,
        }
    )
    consumer.assign([TopicPartition(arguments.topic, each, OFFSET_BEGINNING) for each in range(arguments.partitions)])
    stopwatch = Stopwatch(arguments.events)
    total_ms = 0
    ended = False
    while not ended:
        messages = consumer.consume(AT_ONCE, 0.05)
        if not messages:
            continue
        ended = stopwatch.note(len(messages))
        events = decode(b"[%b]" % b",".join(map(Message.value, messages)))
        total_ms += sum(map(attrgetter("ts"), events))
    stopwatch.report()
    Path(arguments.output).write_text(str(total_ms))
    consumer.close()


if __name__ == "__main__":
    main()
