"""The Faust application that carries partition batches: one group, one agent per batch topic.

    app = create_app("kqi", "127.0.0.1:9092", ["kqi.presses", "kqi.calls"], handle, Hooks(on_assigned=..., ...))
    await app.start()               # inside a running loop; returns when the first assignment is taken over
    await app.wait_until_stopped()  # returns when it failed: app.crash_reason says why
    await app.stop()

`handle` gets every batch of every topic: of each partition in order and once while it is assigned, and one batch of
a topic at a time. If it returns False, the batch comes again after a while. If it raises, nothing is delivered any more and the app crashes, because the batch must not be lost.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import faust
from faust.app.base import BootStrategy

from agents.gate import Handle
from agents.reach import require_broker
from agents.security import Security
from agents.transport import BatchConsumer, BatchSchema, BatchTransport, Hooks, PartitionBatch

REQUEST_TIMEOUT_S = 30.0  # as Kafka's own clients; Faust would wait 90 s for an answer, and 20 min for one to a send
LET_GO_TIMEOUT_S = (
    7.5  # what the batch at work and the application's last words may take when the app stops: see agents.ending
)
# Few batches wait at once, because each may hold megabytes: this many come out of one poll, and this many per topic.
BATCHES_PER_POLL = 8
BATCHES_WAITING = 2


class GroupTimes(NamedTuple):
    """How patient the group is with its members."""

    session_s: float  # silent for so long, a member is taken for dead
    heartbeat_s: float
    rebalance_s: float  # so long the group waits for a member that has to let go of its partitions


APACHE_KAFKA = GroupTimes(session_s=15, heartbeat_s=3, rebalance_s=30)
EMBEDDED = GroupTimes(
    session_s=6, heartbeat_s=1, rebalance_s=4
)  # every join takes half of session_s and a second there


class _BootStrategy(BootStrategy):
    enable_kafka_producer = False  # nothing is published through Faust


class BatchApp(faust.App):
    """A Faust app whose batch topics come as `PartitionBatch`es."""

    BootStrategy = _BootStrategy

    def __init__(
        self,
        name: str,
        bootstrap: str,
        *,
        batch_topics: Iterable[str],
        hooks: Hooks,
        security: Security,
        **options: Any,
    ) -> None:
        self.batch_topics = frozenset(batch_topics)
        self.hooks = hooks
        self._bootstrap = bootstrap
        self._security = security
        super().__init__(
            name,
            broker=[f"kafka://{address.strip()}" for address in bootstrap.split(",")],
            broker_credentials=security.for_faust(),
            **options,
        )

    async def start(self) -> None:
        """Join the group; return when the first assignment is taken over.

        Raises
        ------
        BrokerUnreachableError
            No broker answers within 10 s.
        """
        await require_broker(self._bootstrap, self._security)  # Faust itself would say it with several tracebacks
        await super().start()
        if self.crash_reason is not None:  # a hook raised: Faust takes that for the end of its start
            raise self.crash_reason

    @property
    def batches(self) -> BatchConsumer:
        """The consumer, for `mark_done` and `progress`."""
        return cast("BatchConsumer", self.consumer)

    async def deliver(self, batch: PartitionBatch, handle: Handle) -> None:
        """Pass a batch through the gate to `handle`; crash if that raises, since Faust's agents would go on."""
        try:
            await self.batches.gate.pass_on(batch, handle)
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch is not handled
            await self.crash(error)

    async def on_stop(self) -> None:
        """Let go of the partitions before Faust ends the agents in the middle of their batches."""
        if self._consumer is not None:
            self.batches.hurry()
            try:
                async with asyncio.timeout(LET_GO_TIMEOUT_S):
                    await self.batches.let_go()
            except TimeoutError:
                self.log.warning("The last batch was not finished within %g s", LET_GO_TIMEOUT_S)
            except Exception as error:  # noqa: BLE001 - the rest must still stop
                self.log.warning("The application could not let go: %r", error)
        await super().on_stop()

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """Create none: Faust's are for tables."""


def create_app(
    name: str,
    bootstrap: str,
    batch_topics: Iterable[str],
    handle: Handle,
    hooks: Hooks | None = None,
    *,
    group_times: GroupTimes = APACHE_KAFKA,
    security: Security | None = None,
) -> BatchApp:
    """Return an app of the consumer group `name`, not yet started; call it inside the loop that runs it.

    Parameters
    ----------
    bootstrap:
        Addresses of brokers, `host:port`, separated by commas.
    batch_topics:
        Topics that come as batches, with equal numbers of partitions: one worker gets partition n of all of them.
    """
    app = BatchApp(
        name,
        bootstrap,
        batch_topics=batch_topics,
        hooks=hooks or Hooks(),
        security=security or Security(),
        broker_session_timeout=group_times.session_s,
        broker_heartbeat_interval=group_times.heartbeat_s,
        broker_rebalance_timeout=group_times.rebalance_s,
        broker_request_timeout=REQUEST_TIMEOUT_S,
        producer_request_timeout=REQUEST_TIMEOUT_S,
        broker_max_poll_records=BATCHES_PER_POLL,
        stream_buffer_maxsize=BATCHES_WAITING,
        stream_wait_empty=False,  # the gate waits for the batch at work; Faust would wait for dropped ones, too
        topic_allow_declare=False,  # topics are made by `kqi topics` alone
        topic_disable_leader=True,  # one more topic, for a leader that nobody needs
        web_enabled=False,
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",  # never what Faust would guess from a type
    )
    for topic in sorted(app.batch_topics):
        _add_agent(app, topic, handle)
    return app


def _add_agent(app: BatchApp, topic: str, handle: Handle) -> None:
    async def take_batches(stream: Any) -> None:
        async for batch in stream:
            await app.deliver(batch, handle)

    channel = app.topic(topic, schema=BatchSchema(), acks=False)
    app.agent(channel, name=f"batches of {topic}", concurrency=1)(take_batches)
