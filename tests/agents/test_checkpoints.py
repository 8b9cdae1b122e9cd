"""Checkpoints in their topic: whole at every moment, and never more than what is needed."""

import asyncio
import random

import pytest

from agents.checkpoint_log import CheckpointLog, Stored
from agents.checkpointing import Checkpointing
from agents.checkpoints import Checkpoints
from agents.outbox import Outbox
from agents.outputs import NotAMemberError
from agents.owned import Owned
from agents.sending import Message
from streams.clock import EventClock
from streams.configuration import configure
from tests.reference.companies import company
from tests.reference.contract import normalise
from tests.streams.feeding import Feed, shuffled

CONFIG = {"windows": ["15m", "3h"]}
NUMBER = 3
TOPICS = ("presses", "calls")


class CrashError(Exception):
    """A worker ends without a word."""


class Topic(CheckpointLog):
    """The topic, in memory: all that was ever written, in order."""

    def __init__(self):
        super().__init__(configure())
        self.records = []
        self.crash_after = None  # so many records more

    async def deliver(self, messages):
        """Write messages, in order; not all of them if it is to crash."""
        for message in messages:
            if self.crash_after == 0:
                raise CrashError
            if self.crash_after is not None:
                self.crash_after -= 1
            self.records.append((message.partition, message.key, message.value))

    async def read(self, partitions):
        """What is stored now."""
        for partition in partitions:
            stored = Stored({}, {})
            for at, key, value in self.records:
                if at == partition:
                    self._enter(stored, key, value)
            yield partition, stored

    async def latest_manifests(self, partitions):
        """The manifests that are stored."""
        return {partition: stored.manifests async for partition, stored in self.read(partitions)}

    def compact(self, chance):
        """Keep the last record of each key, of those before some place."""
        end = chance.randrange(len(self.records) + 1)
        last = {(at, key): number for number, (at, key, _) in enumerate(self.records)}
        self.records = [
            record for number, record in enumerate(self.records) if number >= end or last[record[:2]] == number
        ]

    @property
    def live(self):
        """Records that compaction would leave, tombstones apart."""
        last = {(at, key): value for at, key, value in self.records}
        return {key: value for key, value in last.items() if value is not None}


class Life:
    """A worker's life with one partition."""

    def __init__(self, topic, feed):
        self.feed = feed
        self.checkpoints = Checkpoints(topic, topic.deliver, feed.engine, 8)

    async def restore(self):
        """Take over what is stored; return the offsets, None where nothing can be used."""
        found = await self.checkpoints.restore([NUMBER])
        if NUMBER not in found:
            return None
        self.feed.partition = found[NUMBER].state
        return found[NUMBER].offsets

    async def checkpoint(self, offset):
        """Take one and save it."""
        await self.checkpoints.save(self.checkpoints.take(NUMBER, self.feed.partition, dict.fromkeys(TOPICS, offset)))


def batches(seed, size=25):
    """A company's events, cut."""
    events = shuffled([normalise(event) for event in company(seed, mess=0, offices=1, panels=1, steps=25)], seed)
    return [events[start : start + size] for start in range(0, len(events), size)]


async def test_what_was_saved_is_restored():
    """The next life stands where the last checkpoint was taken."""
    topic, given = Topic(), batches(1)
    first = Life(topic, Feed(CONFIG))
    for offset, batch in enumerate(given[:6], 1):
        first.feed.step(batch)
        await first.checkpoint(offset)
    second = Life(topic, Feed(CONFIG))
    assert await second.restore() == dict.fromkeys(TOPICS, 6)
    assert second.feed.totals == first.feed.totals
    assert not second.checkpoints.is_due(NUMBER, dict.fromkeys(TOPICS, 6))
    assert second.checkpoints.is_due(NUMBER, dict.fromkeys(TOPICS, 7))


@pytest.mark.parametrize("seed", range(8))
async def test_a_crash_at_any_record_leaves_a_whole_checkpoint(seed):
    """Lives end in the middle of saving, the topic is compacted at times; each next life finds the last whole one."""
    chance = random.Random(seed)
    topic, given = Topic(), batches(seed)
    totals = [{}]  # after each batch
    feed = Feed(CONFIG)
    for batch in given:
        feed.step(batch)
        totals.append(feed.totals)
    saved = at = 0
    while at < len(given):
        life = Life(topic, Feed(CONFIG))
        offsets = await life.restore()
        at = offsets["presses"] if offsets else 0
        assert at >= saved, "what was safe is lost"
        assert life.feed.totals == totals[at]
        topic.crash_after = chance.randrange(1, 120)
        try:
            while at < len(given):
                life.feed.step(given[at])
                at += 1
                await life.checkpoint(at)
                saved = at
        except CrashError:
            at = 0
        topic.crash_after = None
        if chance.random() < 0.5:
            topic.compact(chance)


async def test_nothing_is_left_behind():
    """Chunks that neither of the last two checkpoints needs are deleted, also those of lives that ended in the middle."""
    topic = Topic()
    life = Life(topic, Feed(CONFIG))
    for offset, batch in enumerate(batches(2), 1):
        life.feed.step(batch)
        if offset == 5:
            topic.crash_after = 7
            with pytest.raises(CrashError):
                await life.checkpoint(offset)
            topic.crash_after = None
            life = Life(topic, Feed(CONFIG))
            await life.restore()
        else:
            await life.checkpoint(offset)
    kept = life.checkpoints._kept[NUMBER]
    chunks = [key for _, key in topic.live if b"/chunk/" in key]
    assert len(chunks) == len(kept.known)
    assert len(chunks) <= 2 * len(kept.needed)
    assert not kept.doubtful


@pytest.mark.parametrize("what", ["manifest", "chunk"])
async def test_a_damaged_checkpoint_gives_way_to_the_one_before(what, caplog):
    """The log says why, and the state is that of the other slot; the next checkpoint takes the damaged one's place."""
    topic, given = Topic(), batches(3)
    life = Life(topic, Feed(CONFIG))
    totals = []
    for offset in (1, 2):
        before = len(topic.records)
        life.feed.step(given[offset - 1])
        totals.append(life.feed.totals)
        await life.checkpoint(offset)
    wanted = [
        number
        for number, (_, key, value) in enumerate(topic.records)
        if number >= before and value and b"/%b/" % what.encode() in key
    ]
    at, key, value = topic.records[wanted[-1]]
    topic.records.append((at, key, value[:-1] + bytes([value[-1] ^ 1])))
    life = Life(topic, Feed(CONFIG))
    assert await life.restore() == dict.fromkeys(TOPICS, 1)
    assert life.feed.totals == totals[0]
    assert "partition 3: " in caplog.text
    assert "is damaged" in caplog.text
    life.feed.step(given[1])
    await life.checkpoint(2)
    again = Life(topic, Feed(CONFIG))
    assert await again.restore() == dict.fromkeys(TOPICS, 2)
    assert again.feed.totals == totals[1]


async def test_no_usable_checkpoint_means_the_log(caplog):
    """Under other settings nothing stored is of use; it is said once, and goes with the next checkpoints."""
    topic = Topic()
    life = Life(topic, Feed(CONFIG))
    life.feed.step(batches(4)[0])
    for offset in (1, 2):
        await life.checkpoint(offset)
    other = Life(topic, Feed(CONFIG | {"answer_window_s": 7}))
    assert await other.restore() is None
    assert "was taken under another configuration" in caplog.text
    assert "partition 3: no checkpoint can be used, its log is read from the beginning" in caplog.text
    for offset in (1, 2):
        await other.checkpoint(offset)
    chunks = {bytes.fromhex(key[-32:].decode()) for _, key in topic.live if b"/chunk/" in key}
    assert chunks == other.checkpoints._kept[NUMBER].known


async def test_another_writer_is_noticed():
    """Whoever holds a partition again after someone else did writes a whole checkpoint, whose chunks are there."""
    topic, given = Topic(), batches(5)
    ours = Life(topic, Feed(CONFIG))
    ours.feed.step(given[0])
    await ours.checkpoint(1)
    theirs = Life(topic, Feed(CONFIG))
    await theirs.restore()
    for offset in (2, 3, 4):
        theirs.feed.step(given[offset - 1])
        await theirs.checkpoint(offset)
    for offset in (2, 3, 4, 5):
        ours.feed.step(given[offset - 1])
    await ours.checkpoints.keep([NUMBER])
    await ours.checkpoint(5)
    next_one = Life(topic, Feed(CONFIG))
    assert await next_one.restore() == dict.fromkeys(TOPICS, 5)
    assert next_one.feed.totals == ours.feed.totals


async def test_nobody_else_is_no_reason_to_write_anew():
    """A partition that was ours all the time goes on with the chunks that it has."""
    topic = Topic()
    life = Life(topic, Feed(CONFIG))
    life.feed.step(batches(6)[0])
    await life.checkpoint(1)
    known = set(life.checkpoints._kept[NUMBER].known)
    await life.checkpoints.keep([NUMBER])
    assert life.checkpoints._kept[NUMBER].known == known != set()


async def test_groups_share_the_topic():
    """What another group has stored is not ours, whatever its name is."""
    topic = Topic()
    life = Life(topic, Feed(CONFIG))
    life.feed.step(batches(7)[0])
    await life.checkpoint(1)
    theirs = Topic()
    theirs._group = b"kqi/chunk"
    theirs.records = topic.records
    assert await Life(theirs, Feed(CONFIG)).restore() is None


async def test_starting_over():
    """Without manifests there is nothing to restore."""
    topic = Topic()
    life = Life(topic, Feed(CONFIG))
    life.feed.step(batches(8)[0])
    await life.checkpoint(1)
    await topic.deliver(topic.no_manifests(8))
    assert await Life(topic, Feed(CONFIG)).restore() is None


async def test_a_checkpoint_is_abandoned_when_others_take_over():
    """Who has lost the partition in the middle of a checkpoint writes no more of it, and commits nothing."""
    topic, done = Topic(), []
    life = Life(topic, Feed(CONFIG))
    life.feed.step(batches(9)[0])
    owned = Owned(NUMBER, life.feed.partition, EventClock(), dict.fromkeys(TOPICS, 1))
    away = asyncio.Event()
    reached = asyncio.Event()

    async def deliver(_messages):
        reached.set()
        await away.wait()

    outbox = Outbox(deliver)
    checkpointing = Checkpointing(life.checkpoints, outbox, lambda *mark: done.append(mark), lambda _: 0, 0.001)
    outbox.add(NUMBER, [Message("surveys", NUMBER, b"", b"")])
    held = [owned]
    running = asyncio.create_task(checkpointing.run(lambda: held))
    await reached.wait()
    checkpointing.abandon()
    held.clear()
    away.set()
    await outbox.flush()
    assert (topic.records, done) == ([], [])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_large_states_that_are_new_leave_the_core_to_the_events(monkeypatch):
    """After so many new bytes the next checkpoint waits longer than its turn; where little is new it does not."""
    pauses = []
    sleep = asyncio.sleep
    often = asyncio.Event()

    async def note(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:
            often.set()
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", note)
    monkeypatch.setattr("agents.checkpointing.MOST_BYTES_PER_S", 100.0)
    topic = Topic()
    life = Life(topic, Feed(CONFIG))
    life.feed.step(batches(9)[0])
    offsets = dict.fromkeys(TOPICS, 1)
    new = Life(Topic(), Feed(CONFIG)).checkpoints.take(NUMBER, life.feed.partition, offsets).chunks
    owned = Owned(NUMBER, life.feed.partition, EventClock(), offsets)
    outbox = Outbox(topic.deliver)
    checkpointing = Checkpointing(life.checkpoints, outbox, lambda *_: None, lambda _: 0, 30)
    running = asyncio.create_task(checkpointing.run(lambda: [owned]))
    await often.wait()
    running.cancel()
    assert sum(map(len, new.values())) > 30 * 100
    assert pauses[:3] == [30, sum(map(len, new.values())) / 100, 30]


async def test_who_is_no_member_commits_nothing():
    """A checkpoint that could not be stored because others took over is none, and the work goes on."""
    topic, done = Topic(), []
    life = Life(topic, Feed(CONFIG))
    life.feed.step(batches(9)[0])

    async def refuse(_messages):
        raise NotAMemberError

    life.checkpoints._deliver = refuse
    owned = Owned(NUMBER, life.feed.partition, EventClock(), dict.fromkeys(TOPICS, 1))
    checkpointing = Checkpointing(life.checkpoints, Outbox(refuse), lambda *mark: done.append(mark), lambda _: 0, 30)
    await checkpointing.checkpoint(owned)
    assert done == []
    life.checkpoints._deliver = topic.deliver
    await checkpointing.checkpoint(owned)
    assert {mark[2] for mark in done} == {1}
    assert await Life(topic, Feed(CONFIG)).restore() == dict.fromkeys(TOPICS, 1)
