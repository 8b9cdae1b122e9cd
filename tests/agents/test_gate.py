"""The gate: what passes is the log, in order and once."""

import asyncio

import numpy as np
import pytest
from faust.types import TP

from agents.gate import Gate, PartitionBatch
from streams.messages import Messages

NO_MESSAGES = Messages.of([])


def batch(base: int, following: int, partition: int = 0, topic: str = "presses") -> PartitionBatch:
    """Return a batch without records between two offsets."""
    nothing = np.empty(0, np.int64)
    return PartitionBatch(topic, partition, base, following, following, nothing, nothing, NO_MESSAGES, NO_MESSAGES)


@pytest.fixture
def passed():
    return []


@pytest.fixture
def gate():
    return Gate()


async def test_passes_what_follows_and_nothing_else(gate, passed):
    """Batches before the start, repeated ones and ones after a gap are dropped; the next one passes."""

    async def handle(each):
        passed.append((each.base_offset, each.next_offset))

    gate.open({TP("presses", 0): 10})
    for each in (batch(0, 10), batch(5, 15), batch(10, 20), batch(10, 20), batch(30, 40), batch(20, 30), batch(30, 40)):
        await gate.pass_on(each, handle)
    assert passed == [(10, 20), (20, 30), (30, 40)]
    assert gate.next_offsets == {TP("presses", 0): 40}


async def test_drops_partitions_that_are_not_open(gate, passed):
    """Only the partitions given to `open` pass, and only until `close`."""

    async def handle(each):
        passed.append(each.partition)

    assert not await gate.pass_on(batch(0, 1), handle)
    gate.open({TP("presses", 0): 0})
    assert not await gate.pass_on(batch(0, 1, partition=1), handle)
    assert await gate.pass_on(batch(0, 1), handle)
    await gate.close()
    assert not await gate.pass_on(batch(1, 2), handle)
    assert passed == [0]
    assert gate.next_offsets == {}


async def test_close_waits_for_the_handler_at_work(gate, passed):
    """Whoever closed the gate may touch the state: no handler works on it any more, not even one that stood in line."""
    go_on = asyncio.Event()

    async def handle(each):
        await go_on.wait()
        passed.append(each.base_offset)

    gate.open({TP("presses", 0): 0})
    at_work = asyncio.create_task(gate.pass_on(batch(0, 1), handle))
    in_line = asyncio.create_task(gate.pass_on(batch(1, 2), handle))
    await asyncio.sleep(0)
    closing = asyncio.create_task(gate.close())
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    assert passed == [0]
    assert await at_work
    assert not await in_line


async def test_topics_do_not_wait_for_each_other(gate, passed):
    """A slow topic holds up its own batches only."""
    go_on = asyncio.Event()

    async def handle(each):
        if each.topic == "slow":
            await go_on.wait()
        passed.append(each.topic)

    gate.open({TP("slow", 0): 0, TP("quick", 0): 0})
    slow = asyncio.create_task(gate.pass_on(batch(0, 1, topic="slow"), handle))
    await asyncio.sleep(0)
    await gate.pass_on(batch(0, 1, topic="quick"), handle)
    go_on.set()
    await slow
    assert passed == ["quick", "slow"]


async def test_a_failed_handler_stops_everything(gate, passed):
    """A batch whose handler raised does not count, and no later one passes, of no partition, not even after an `open`."""

    async def handle(each):
        if each.base_offset == 0:
            raise ValueError("broken")
        passed.append(each.base_offset)

    gate.open({TP("presses", 0): 0, TP("presses", 1): 5})
    with pytest.raises(ValueError, match="broken"):
        await gate.pass_on(batch(0, 5), handle)
    assert not await gate.pass_on(batch(5, 6, partition=1), handle)
    gate.open({TP("presses", 0): 5})
    assert not await gate.pass_on(batch(5, 6), handle)
    assert gate.failed
    assert passed == []


async def test_skips_what_expired(gate, passed):
    """After `skip` the partition goes on at the later offset, never at an earlier one."""

    async def handle(each):
        passed.append(each.base_offset)

    gate.open({TP("presses", 0): 5})
    gate.skip(TP("presses", 0), 50)
    gate.skip(TP("presses", 0), 20)
    gate.skip(TP("presses", 1), 20)
    assert gate.next_offsets == {TP("presses", 0): 50}
    await gate.pass_on(batch(50, 60), handle)
    assert passed == [50]


async def test_a_late_end_moves_nothing_that_was_opened_anew(gate):
    """A handler that ends after its partition was closed and opened again does not say where that stands."""
    go_on = asyncio.Event()

    async def handle(_each):
        await go_on.wait()

    gate.open({TP("presses", 0): 100})
    late = asyncio.create_task(gate.pass_on(batch(100, 200), handle))
    await asyncio.sleep(0)
    closing = asyncio.create_task(gate.close())
    await asyncio.sleep(0)
    gate.open({TP("presses", 0): 0})
    go_on.set()
    await asyncio.gather(late, closing)
    assert gate.next_offsets == {TP("presses", 0): 0}


async def test_what_there_is_no_room_for_does_not_count(gate, passed):
    """A batch that the handler did not take passes when it comes again."""

    async def handle(each):
        passed.append(each.base_offset)
        return len(passed) > 1

    gate.open({TP("presses", 0): 0})
    assert not await gate.pass_on(batch(0, 10), handle)
    assert gate.next_offsets == {TP("presses", 0): 0}
    assert await gate.pass_on(batch(0, 10), handle)
    assert passed == [0, 0]
