"""Load: publishes the messages of a life as its clock goes, and notes every one that the brokers acknowledged.

A message that was not acknowledged in time may lie in the log or not; only reading the log tells. So what is noted here
is a floor: the log must hold at least that.
"""

import threading
import time
from typing import NamedTuple

from confluent_kafka import Producer

LARGEST_MESSAGE_BYTES = 16 * 2**20  # what a topic takes it says itself
DELIVERY_S = 120.0  # longer than any fault lasts
STEP_S = 0.01


class Acknowledged(NamedTuple):
    """A message that the brokers said they have."""

    topic: str  # without prefix
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    append_ms: int


class Load:
    """A thread that publishes while it is asked to, to be used in a `with` statement.

    The clock of the life stands still meanwhile, and runs `pace` times as fast as the wall's otherwise.
    """

    def __init__(self, service, life, start_ms, pace):
        self.acknowledged = []
        self.unknown = 0  # messages of which nobody knows
        self.now_ms = start_ms  # on the life's clock
        self._life = life
        self._pace = pace
        self._prefix = service.prefix
        self._next = next(life)
        self._turn = threading.Lock()
        self._paused = True
        self._ended = False
        self._failure = None
        self._producer = Producer(
            {
                "bootstrap.servers": str(service.bootstrap),
                "acks": "all",
                "linger.ms": 5,
                "request.timeout.ms": 5000,
                "delivery.timeout.ms": int(DELIVERY_S * 1000),
                "message.max.bytes": LARGEST_MESSAGE_BYTES,
                "log_level": 0,
            }
        )
        self._thread = threading.Thread(target=self._publish_forever, name="load", daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended = True
        self._thread.join()
        self._producer.purge()
        self._producer.flush(1)

    def go_on(self, now_ms=None):
        """Let time pass, from another instant if one is given, and publish what happens."""
        with self._turn:
            self.now_ms = self.now_ms if now_ms is None else now_ms
            self._paused = False

    def pause(self):
        """Let time stand still; returns when the brokers have answered for everything."""
        with self._turn:
            self._paused = True
        self._check()
        assert self._producer.flush(DELIVERY_S) == 0, "messages under way"

    def send(self, topic, key, value, partition=-1):
        """Publish one more message; raises BufferError where too many are under way."""
        self._producer.produce(self._prefix + topic, value, key, partition, on_delivery=self._note)
        self._producer.poll(0)

    def make_room(self):
        """Wait for the brokers to answer for some of what is under way."""
        self._producer.poll(STEP_S)

    def wait_for(self, count):
        """Return when the brokers have acknowledged so many messages more; whether they did before long."""
        wanted = len(self.acknowledged) + count
        deadline_s = time.monotonic() + DELIVERY_S
        while len(self.acknowledged) < wanted:
            self._check()
            assert time.monotonic() < deadline_s, "the brokers acknowledge nothing"
            self._producer.poll(STEP_S)

    def _check(self):
        if self._failure is not None:
            raise self._failure

    def _publish_forever(self):
        last_s = time.monotonic()
        try:
            while not self._ended:
                now_s = time.monotonic()
                with self._turn:
                    if not self._paused:
                        self.now_ms += (now_s - last_s) * 1000 * self._pace
                        self._publish_due()
                last_s = now_s
                self._producer.poll(STEP_S)
                time.sleep(STEP_S)
        except BaseException as failure:  # noqa: BLE001 - told by who waits
            self._failure = failure

    def _publish_due(self):
        while self._next.due_ms <= self.now_ms and not self._ended:
            planned = self._next
            try:
                self.send(planned.topic, planned.key, planned.value, planned.partition)
            except BufferError:  # the brokers are away: what is due waits
                return
            self._next = next(self._life)

    def _note(self, error, message):
        if error is not None:
            self.unknown += 1
            return
        self.acknowledged.append(
            Acknowledged(
                message.topic().removeprefix(self._prefix),
                message.partition(),
                message.offset(),
                message.key(),
                message.value(),
                message.timestamp()[1],
            )
        )
