"""What the batch transport withstands: members that come and go, failures, losses, brokers that are away."""

import asyncio
import itertools
import sys

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import UnknownError
from faust.types import TP

from agents import fetching, transport
from agents.app import create_app
from agents.embedded import EmbeddedBroker, end_with_parent
from agents.reach import BrokerUnreachableError
from tests.agents.members import PATIENCE_S, Member, make_topics, publish, stop, until
from tests.apache_kafka import Address


async def load(bootstrap, topic, partitions, enough):
    """Publish numbers to every partition until it is enough; return how many."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5) as producer:
        for number in itertools.count():
            for partition in range(partitions):
                await producer.send(topic, b"%d" % number, partition=partition)
            await asyncio.sleep(0.001)
            if enough.is_set():
                return number + 1
    return None


async def test_members_join_and_leave_under_load(kafka):
    """While members come and go, each gets of its partitions all from its chosen start, and none has another's."""
    (topic,) = await make_topics(kafka, 4, "load")
    all_partitions = {TP(topic, each) for each in range(4)}
    enough = asyncio.Event()

    def somewhere(logs):
        return {each: 13 * each.partition for each in logs}

    def holds_all(*members):
        held = [each for member in members for each in member.assigned or ()]
        return len(held) == 4 and set(held) == all_partitions and all(member.assigned for member in members)

    def has_read_to(member, end):
        return all(member.ends.get(each, 0) >= end for each in member.assigned or ())

    def check(member, end):
        for each in member.assigned:
            assert member.values(each) == [b"%d" % number for number in range(13 * each.partition, end)]

    loading = asyncio.create_task(load(kafka, topic, 4, enough))
    async with Member(kafka, topic, [topic], starts=somewhere) as first:
        await until(lambda: holds_all(first) and has_read_to(first, 100))
        async with Member(kafka, topic, [topic], starts=somewhere) as second:
            await until(lambda: holds_all(first, second) and has_read_to(first, 100) and has_read_to(second, 100))
            async with Member(kafka, topic, [topic], starts=somewhere) as third:
                await until(lambda: holds_all(first, second, third) and has_read_to(third, 100))
            await until(lambda: holds_all(first, second))
            enough.set()
            end = await loading
            await until(lambda: has_read_to(first, end) and has_read_to(second, end))
            check(first, end)
            check(second, end)
        await until(lambda: holds_all(first) and has_read_to(first, end))
        check(first, end)
    assert first.let_go == first.taken >= 5


async def test_members_are_killed_under_load(kafka):
    """What a killed member held goes to another, which gets all of it from its chosen start."""
    (topic,) = await make_topics(kafka, 4, "killed")
    enough = asyncio.Event()
    loading = asyncio.create_task(load(kafka, topic, 4, enough))
    kind = "embedded" if kafka.is_embedded else "apache"
    async with Member(kafka, topic, [topic]) as member:
        await until(lambda: len(member.assigned or ()) == 4)
        for _ in range(2):
            mortal = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.agents.mortal_member",
                kafka,
                kind,
                topic,
                stdout=asyncio.subprocess.PIPE,
                preexec_fn=end_with_parent(),
            )
            try:
                held = await asyncio.wait_for(mortal.stdout.readline(), 2 * PATIENCE_S)
                assert len(held.split()) == 2
                await until(lambda: len(member.assigned or ()) == 2)
            finally:
                mortal.kill()
                await mortal.wait()
            await until(lambda: len(member.assigned or ()) == 4)
        enough.set()
        end = await loading
        await until(lambda: all(member.ends.get(TP(topic, each)) == end for each in range(4)))
        for each in range(4):
            assert member.values(TP(topic, each)) == [b"%d" % number for number in range(end)]
    assert member.taken >= 5


@pytest.mark.kafka
async def test_a_slow_start_does_not_hold_up_the_group(apache_kafka):
    """A member that still looks for its starts lets go at once when the next rebalance comes, and starts anew."""
    (topic,) = await make_topics(apache_kafka, 2, "slow")
    await publish(apache_kafka, topic, 10)
    forever = asyncio.Event()

    class Slow(Member):
        asked = 0

        async def start_offsets(self, logs):
            self.asked += 1
            if self.asked == 1:
                await forever.wait()
            return await super().start_offsets(logs)

    slow = Slow(apache_kafka, topic, [topic])
    starting = asyncio.create_task(slow.app.start())
    await until(lambda: slow.asked == 1)
    async with Member(apache_kafka, topic, [topic]) as other:
        await until(lambda: slow.asked == 2 and slow.let_go == 1 and len(other.assigned or ()) == 1)
        await until(lambda: slow.caught_up and other.caught_up)
        assert slow.ends.keys() | other.ends.keys() == {TP(topic, 0), TP(topic, 1)}
    await starting
    await stop(slow.app)


@pytest.mark.kafka
async def test_a_failed_batch_is_not_lost(apache_kafka):
    """When the handler raises, the app crashes with that reason, delivers nothing more and commits nothing."""
    (topic,) = await make_topics(apache_kafka, 1, "failing")
    await publish(apache_kafka, topic, 10)

    class Failing(Member):
        async def handle(self, batch):
            self.app.batches.mark_done(TP(topic, 0), batch.next_offset)
            raise ValueError("no more")

    async with Failing(apache_kafka, topic, [topic]) as failing:
        await asyncio.wait_for(failing.app.wait_until_stopped(), PATIENCE_S)
        assert str(failing.app.crash_reason) == "no more"
    assert failing.let_go == 0
    async with Member(apache_kafka, topic, [topic]) as member:
        await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == 10)
        assert member.logs[TP(topic, 0)].committed is None


async def test_a_failed_hook_fails_the_start(embedded_kafka):
    """What a hook raises at the first assignment, the start raises."""
    (topic,) = await make_topics(embedded_kafka, 1, "hooked")

    class Failing(Member):
        async def start_offsets(self, logs):
            raise ValueError("no starts")

    failing = Failing(embedded_kafka, topic, [topic])
    with pytest.raises(ValueError, match="no starts"):
        await failing.app.start()
    await stop(failing.app)


@pytest.mark.kafka
async def test_a_failed_farewell_is_an_error_and_frees_the_partitions(apache_kafka):
    """What a hook raises when partitions are to be let go crashes the app; it stops at once and others take over."""
    (topic,) = await make_topics(apache_kafka, 2, "farewell")

    class Failing(Member):
        async def on_revoked(self, partitions):
            raise ValueError("no farewell")

    failing = Failing(apache_kafka, topic, [topic])
    await failing.app.start()
    other = Member(apache_kafka, topic, [topic])
    starting = asyncio.create_task(other.app.start())
    await asyncio.wait_for(failing.app.wait_until_stopped(), PATIENCE_S)
    assert str(failing.app.crash_reason) == "no farewell"
    await stop(failing.app, within_s=3)
    await starting
    await until(lambda: len(other.assigned or ()) == 2)
    await stop(other.app)


async def test_reads_again_what_was_lost_below_the_gate(embedded_kafka, monkeypatch):
    """A batch lost between the broker and the gate costs time, not records."""
    monkeypatch.setattr(transport, "CHECK_LOST_S", 0.1)
    (topic,) = await make_topics(embedded_kafka, 1, "lossy")
    async with Member(embedded_kafka, topic, [topic]) as member:
        consumer = member.app.batches
        to_message = consumer._to_message

        def lose_one(tp, record):
            consumer._to_message = to_message
            return to_message(tp, record._replace(base_offset=record.base_offset + 1))

        consumer._to_message = lose_one
        await publish(embedded_kafka, topic, 100)
        await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == 100)
        assert member.values(TP(topic, 0)) == [b"value %d" % number for number in range(100)]


async def test_says_that_no_broker_answers():
    """An unreachable broker is one sentence within seconds."""
    app = create_app("nobody", "127.0.0.1:9", ["topic"], None)
    with pytest.raises(
        BrokerUnreachableError, match=r"No Kafka broker can be reached at 127\.0\.0\.1:9: connection refused\."
    ):
        await asyncio.wait_for(app.start(), 15)


@pytest.mark.kafka
async def test_stops_in_the_middle_of_its_start(apache_kafka):
    """A start can be cancelled at any moment, also while the group takes the member in; then it stops within seconds."""
    (topic,) = await make_topics(apache_kafka, 1, "cancelled")
    for wait_s in (0, 0.02, 0.1, 0.3, 0.4):
        member = Member(apache_kafka, f"{topic}-{wait_s}", [topic])
        starting = asyncio.create_task(member.app.start())
        await asyncio.wait({starting}, timeout=wait_s)
        starting.cancel()
        await asyncio.wait({starting})
        await stop(member.app, within_s=3)


@pytest.mark.kafka
async def test_stops_while_the_group_waits_for_another(apache_kafka):
    """A member that is being taken in stops at once, however long another takes to let go."""
    (topic,) = await make_topics(apache_kafka, 1, "clinging")
    asked, may_let_go = asyncio.Event(), asyncio.Event()

    class Clinging(Member):
        async def on_revoked(self, partitions):
            asked.set()
            await may_let_go.wait()
            await super().on_revoked(partitions)

    async with Clinging(apache_kafka, topic, [topic]) as first:
        await until(lambda: first.caught_up)
        second = Member(apache_kafka, topic, [topic])
        starting = asyncio.create_task(second.app.start())
        await asyncio.wait_for(asked.wait(), PATIENCE_S)
        starting.cancel()
        await asyncio.wait({starting})
        await stop(second.app, within_s=3)
        may_let_go.set()


async def test_stops_while_the_broker_is_away(monkeypatch):
    """Nobody knows what is new while the broker is away; and what can no longer be committed delays the stop little."""
    monkeypatch.setattr(fetching, "COMMIT_TIMEOUT_S", 0.2)
    with EmbeddedBroker() as broker:
        (topic,) = await make_topics(broker.bootstrap, 1, "left")
        member = Member(Address(broker.bootstrap, is_embedded=True), topic, [topic])
        await member.app.start()
        await until(lambda: member.caught_up)
    member.app.batches.mark_done(TP(topic, 0), 0)
    await until(lambda: not member.caught_up)
    await stop(member.app, within_s=3)
    assert member.let_go == 1


@pytest.mark.kafka
async def test_a_log_that_cannot_be_read_on_is_an_error(apache_kafka, monkeypatch):
    """A start beyond the end of the log, as of a topic that was made anew, is said and not waited for."""
    monkeypatch.setattr(transport, "CHECK_LOST_S", 0.1)
    (topic,) = await make_topics(apache_kafka, 1, "anew")
    await publish(apache_kafka, topic, 10)
    async with Member(apache_kafka, topic, [topic], starts=lambda logs: dict.fromkeys(logs, 500)) as member:
        await asyncio.wait_for(member.app.wait_until_stopped(), PATIENCE_S)
        assert f"The log of {topic}, partition 0, does not have the offset 500" in str(member.app.crash_reason)


async def test_a_hook_that_is_cut_short_is_an_error(embedded_kafka):
    """What cancels itself while partitions are taken over crashes the app: nobody would ever take them over otherwise."""
    (topic,) = await make_topics(embedded_kafka, 1, "short")

    class Short(Member):
        async def on_assigned(self, partitions):
            raise asyncio.CancelledError

    short = Short(embedded_kafka, topic, [topic])
    with pytest.raises(RuntimeError, match="taking over the partitions was cut short"):
        await asyncio.wait_for(short.app.start(), PATIENCE_S)
    await stop(short.app)


@pytest.mark.kafka
async def test_what_stops_the_coordination_is_mended(apache_kafka):
    """An error that aiokafka waits for somebody to ask for makes the member join again, and go on."""
    (topic,) = await make_topics(apache_kafka, 1, "mended")
    async with Member(apache_kafka, topic, [topic]) as member:
        await until(lambda: member.caught_up)
        coordinator = member.app.batches._thread._consumer._coordinator

        async def fail():
            raise UnknownError("once")

        coordinator._do_heartbeat = fail
        await until(lambda: coordinator._pending_exception is not None or member.taken == 2)
        del coordinator._do_heartbeat
        await until(lambda: member.taken == 2 and member.caught_up)
        await publish(apache_kafka, topic, 5)
        await until(lambda: member.ends.get(TP(topic, 0)) == 5)


async def test_a_batch_without_room_comes_again(embedded_kafka, monkeypatch):
    """What the application has no room for is read again, in order, and nothing is left out."""
    monkeypatch.setattr(transport, "CHECK_LOST_S", 0.1)
    (topic,) = await make_topics(embedded_kafka, 1, "full")

    class Full(Member):
        refusals = 0

        async def handle(self, batch):
            if self.refusals < 3:
                self.refusals += 1
                return False
            return await super().handle(batch)

    async with Full(embedded_kafka, topic, [topic]) as member:
        await publish(embedded_kafka, topic, 100)
        await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == 100)
        assert member.values(TP(topic, 0)) == [b"value %d" % number for number in range(100)]
        assert member.refusals == 3
