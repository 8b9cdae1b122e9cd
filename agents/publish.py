"""``kqi publish``: files of events, checked and sent to their topics."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

from agents.cluster import ClusterError, OfficePartitions, administration, plan, security_of, topic_states
from agents.lines import LineBatch, read_lines, size_of
from agents.progress import progress
from agents.sending import Message, send
from streams.configuration import Configuration
from streams.decode import decode, office_names
from streams.events import TOPIC_OF_KIND

DELIVERY_TIMEOUT_MS = 60_000
BATCH_BYTES = 256 * 1024


class Published(NamedTuple):
    """What became of the lines."""

    sent: Counter[str]  # by topic
    rejected: Counter[str]  # by reason


class Publisher:
    """Sends events to the partition of their office."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._producer: AIOKafkaProducer | None = None
        self._partitions = OfficePartitions(0)

    async def start(self) -> None:
        """Connect, and look at the topics.

        Raises
        ------
        agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
            When there is no cluster, or not the topics.
        """
        configuration = self._configuration
        inputs = [topic.name for topic in plan(configuration) if topic.is_input]
        async with administration(configuration) as client:
            states = await topic_states(client, inputs)
        missing = sorted(set(inputs) - set(states))
        if missing:
            raise ClusterError(f"topic {missing[0]} does not exist: run `kqi topics`")
        counts = {state.partitions for state in states.values()}
        if len(counts) > 1:
            raise ClusterError("the topics have unequal numbers of partitions: run `kqi topics` to see which")
        self._partitions = OfficePartitions(counts.pop())
        self._producer = AIOKafkaProducer(
            bootstrap_servers=configuration.kafka.bootstrap,
            acks="all",
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=DELIVERY_TIMEOUT_MS,
            **security_of(configuration).for_aiokafka(),
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Send what waits, and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, events: Iterable[tuple[str, str, bytes]]) -> None:
        """Send events: topic (without prefix), office, bytes; returns when the broker has all of them.

        Raises
        ------
        agents.cluster.ClusterError
            When it does not take one of them.
        """
        assert self._producer is not None, "not started"
        prefix = self._configuration.topic_prefix
        messages = [
            Message(prefix + topic, self._partitions[office], office.encode(), value) for topic, office, value in events
        ]
        if failures := await send(self._producer, messages):
            raise ClusterError(f"the broker did not take the events: {failures[0].error}")


async def publish(
    paths: list[str], configuration: Configuration, report: Callable[[str, int, str, str], None]
) -> Published:
    """Publish files of events; ``report`` is told of bad lines: file, line, reason, detail.

    Raises
    ------
    agents.lines.FileError, agents.reach.BrokerUnreachableError, agents.cluster.ClusterError
        When a file cannot be read, or there is nothing to publish to.
    """
    publisher = Publisher(configuration)
    published = Published(Counter(), Counter())
    await publisher.start()
    try:
        with progress("publish", size_of(paths)) as advance:
            for path in paths:
                for batch in read_lines(path):
                    await _publish_batch(publisher, batch, configuration, published, report)
                    advance(batch.bytes_read, batch.values.size)
    finally:
        await publisher.stop()
    return published


async def _publish_batch(
    publisher: Publisher,
    batch: LineBatch,
    configuration: Configuration,
    published: Published,
    report: Callable[[str, int, str, str], None],
) -> None:
    rows, buffer, rejects = decode(batch.values, longest_window_ms=configuration.longest_window_ms)
    for reject in rejects:
        published.rejected[reject.reason] += 1
        report(batch.name, int(batch.numbers[reject.position]), reject.reason, reject.detail)
    topics = list(map(TOPIC_OF_KIND.__getitem__, rows["kind"].tolist()))
    published.sent.update(topics)
    values = batch.values.some(rows["position"])
    events = zip(topics, office_names(rows, buffer), values, strict=True)
    await publisher.send((topic, office, value or b"") for topic, office, value in events)
