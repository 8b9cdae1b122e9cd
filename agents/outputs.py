"""What a worker publishes: surveys, indices, dead letters, and messages moved to where they belong.

Every message is acknowledged by the broker before the input that caused it is marked as done, so each is published at
least once. What the broker cannot take for now is sent again, ever more slowly; what it will never take (too large for
it) is logged and counted, because nothing may stop the worker.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from agents.cluster import CHECKPOINTS, LARGEST_DEAD_LETTER_BYTES, OfficePartitions, security_of
from agents.sending import Bundle, Failure, Message, send
from streams.configuration import Configuration
from streams.surveys import Records

log = logging.getLogger("kqi.outputs")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
AT_ONCE = 4000  # messages under way; bounds the memory of a burst of dead letters
HEADER_BYTES = 64 * 1024
BATCH_BYTES = 256 * 1024
PATIENCE_S = 7.5
DISCONNECT_S = 0.4  # brokers that answer need a few milliseconds


class TooLittleTakenError(Exception):
    """A topic is set up so that it does not take what belongs there; the message is one sentence."""


class NotAMemberError(Exception):
    """Messages were not sent, or not all of them, because others may have taken over meanwhile."""


def _always() -> bool:
    return True


class Outputs:
    """The producer of one worker.

    Parameters
    ----------
    is_member
        Tells whether the group surely has this worker as its member: without that nothing is sent.
    patience_s
        For so long a message may be on its way, and no longer: then it is given up, or sent anew.
    """

    def __init__(
        self,
        configuration: Configuration,
        partitions: int,
        is_member: Callable[[], bool] = _always,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.prefix = configuration.topic_prefix
        self.office_partitions = OfficePartitions(partitions)
        self.undeliverable = 0
        self.told_until: dict[int, int] = {}  # by partition, an offset of its surveys: what lies before is known to us
        self.refused = False  # whether the brokers do not take messages for now
        self._configuration = configuration
        self._is_member = is_member
        self._patience_s = patience_s
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._configuration.kafka.bootstrap,
            acks="all",
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=round(self._patience_s * 1000),
            max_request_size=LARGEST_DEAD_LETTER_BYTES + HEADER_BYTES,
            **security_of(self._configuration).for_aiokafka(),
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect; what is still under way is given up: who wants it published has waited for it."""
        if self._producer is None:
            return
        sending = self._producer._sender.sender_task  # noqa: SLF001 - it would try for half a minute
        if sending is not None:
            sending.cancel()
        for stop in (self._producer.stop, self._producer.client.close):  # the second, where the first takes too long
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DISCONNECT_S):
                    await stop()

    def to_office(self, topic: str, office: str, value: bytes, key: bytes | None = None) -> Message:
        """A message that lies with its office; ``key`` where the office's id alone would not do."""
        return Message(self.prefix + topic, self.office_partitions[office], key or office.encode(), value)

    def survey_records(self, partition: int, records: Records) -> Bundle:
        """Surveys of the offices of an input partition, which lie in the same one of their topic."""
        return Bundle(self.prefix + "surveys", partition, *records)

    async def deliver(self, messages: Iterable[Message | Bundle]) -> None:
        """Publish messages; returns when the broker has every one of them.

        Raises
        ------
        NotAMemberError
            The group may have given this worker up. Some of the messages may have been published.
        """
        waiting = list(messages)
        for start in range(0, len(waiting), AT_ONCE):
            await self._deliver_all(waiting[start : start + AT_ONCE])

    async def _deliver_all(self, messages: list[Message | Bundle]) -> None:
        pause_s = FIRST_PAUSE_S
        began_s = time.monotonic()
        while failures := await self._send(messages):
            messages = []
            for failure in failures:
                if failure.is_too_large and len(failure.messages) > 1:
                    for message in failure.messages:  # one by one, the batch was too large, or one of them is
                        await self._deliver_all([message])
                else:
                    messages += self._worth_sending_again(failure)
            if messages:
                if pause_s == FIRST_PAUSE_S:  # said once
                    log.warning(
                        "%d messages not taken by the broker, sending again: %s", len(messages), failures[0].error
                    )
                self.refused = True
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        if pause_s > FIRST_PAUSE_S:
            log.info("the brokers take messages again, after %.0f s", time.monotonic() - began_s)
        self.refused = False

    async def _send(self, messages: list[Message | Bundle]) -> list[Failure]:
        assert self._producer is not None, "not started"
        if not self._is_member():
            raise NotAMemberError
        return await send(self._producer, messages, self._note_place)

    def _note_place(self, topic: str, partition: int, offset: int, count: int) -> None:
        # Behind a gap lies what somebody else told: that is not known to us until it is read back.
        if topic == self.prefix + "surveys" and offset == self.told_until.get(partition, 0):
            self.told_until[partition] = offset + count

    def _worth_sending_again(self, failure: Failure) -> list[Message | Bundle]:
        if failure.is_too_large:
            (message,) = failure.messages
            if isinstance(message, Bundle) or message.topic == self.prefix + CHECKPOINTS:
                size = len(message.records if isinstance(message, Bundle) else message.value or b"")
                raise TooLittleTakenError(
                    f"topic {message.topic} takes no batch of {size} bytes: "
                    "its max.message.bytes must be 1048588, Kafka's own default, or more"
                )
            self.undeliverable += 1
            origin = ", ".join(f"{name} {value.decode(errors='replace')}" for name, value in message.headers)
            place = {"topic": message.topic, "partition": message.partition}
            log.error(
                "a message for %s is too large for the broker (%s)", message.topic, origin or "no headers", extra=place
            )
            return []
        if isinstance(failure.error, KafkaError | OSError | TimeoutError):
            return failure.messages
        raise failure.error
