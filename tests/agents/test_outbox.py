"""What waits to be published goes out in order; what it stands for is done when the broker has it, and not before."""

import asyncio
import itertools

import pytest

from agents import outbox as product
from agents.outbox import OBJECT_BYTES, Outbox
from agents.outputs import NotAMemberError
from agents.sending import Bundle, Message
from tests.agents.members import until


def message(name, size=0):
    """Return a message with a name, and a value so large."""
    return Message("topic", 0, name.encode(), bytes(size) if size else None)


class Broker:
    """What was delivered; it can be away, and it can refuse."""

    def __init__(self):
        self.taken = []
        self.rounds = []
        self.here = asyncio.Event()
        self.here.set()
        self.asked = 0
        self.error = None

    async def deliver(self, messages):
        """Take messages."""
        self.asked += 1
        await self.here.wait()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.rounds.append(len(messages))
        self.taken += [each.key.decode() if isinstance(each, Message) else each.size for each in messages]


@pytest.fixture
async def broker():
    """Return a broker."""
    return Broker()


@pytest.fixture
async def outbox(broker):
    """Return an outbox for it."""
    return Outbox(broker.deliver)


@pytest.fixture
async def running(outbox):
    """Return the task that publishes what is added."""
    task = asyncio.create_task(outbox.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_in_order(outbox, broker, running):
    """Messages and bundles of many entries come out as they were put in, whoever publishes them."""
    for number in range(1000):
        outbox.add(0, [message(f"{number} {each}") for each in range(number % 3)] + [Bundle("topic", 0, b"", number)])
        if number % 100 == 0:
            await outbox.make_room()
            await asyncio.sleep(0)
    await asyncio.gather(outbox.flush(), outbox.flush())
    expected = [[f"{number} {each}" for each in range(number % 3)] + [number] for number in range(1000)]
    assert broker.taken == list(itertools.chain.from_iterable(expected))
    assert not running.done()


async def test_done_when_the_broker_has_it(outbox, broker, running):
    """An entry is done when it and all before it are with the broker; one without messages, too."""
    broker.here.clear()
    done = []
    outbox.add(0, [message("a")], lambda: done.append(("first", list(broker.taken))))
    outbox.add(0, [], lambda: done.append(("empty", list(broker.taken))))
    await until(lambda: broker.asked)
    outbox.add(0, [], lambda: done.append(("later", list(broker.taken))))
    outbox.add(0, [message("b")], lambda: done.append(("last", list(broker.taken))))
    assert done == []
    broker.here.set()
    await outbox.flush()
    names, taken = zip(*done, strict=True)
    assert names == ("first", "empty", "later", "last")
    assert all("a" in each for each in taken)
    assert "b" in taken[-1]


async def test_done_at_once_where_nothing_waits(outbox):
    """Without messages, and with nothing before it, an entry is done."""
    done = []
    outbox.add(0, [], lambda: done.append(1))
    assert done == [1]


async def test_nothing_is_left_of_nothing(outbox, broker):
    """What has neither messages nor consequences takes no room, however long the broker is away."""
    outbox.add(0, [message("a")])
    before = len(outbox._entries)
    for _ in range(1000):
        outbox.add(0, [])
    assert len(outbox._entries) == before
    await outbox.flush()
    assert broker.taken == ["a"]


async def test_the_work_waits_when_too_much_does(outbox, broker, monkeypatch):
    """Room is made until no more waits than may; who adds little meanwhile is not held up by that."""
    monkeypatch.setattr(product, "MOST_BYTES", 100_000)
    monkeypatch.setattr(product, "BYTES_AT_ONCE", 20_000)
    broker.here.clear()
    for number in range(4):
        outbox.add(0, [message(str(number), 20_000)])
        await outbox.make_room()
    outbox.add(0, [message("4", 20_000)])
    waiting = asyncio.create_task(outbox.make_room())
    await until(lambda: broker.asked)
    assert not waiting.done()
    broker.here.set()
    await waiting
    assert broker.taken == ["0"]
    assert outbox._size <= 100_000


@pytest.mark.parametrize("messages", [[Message("topic", 0, None, None)], []], ids=["tombstones", "none"])
async def test_messages_without_a_value_take_room_too(outbox, broker, messages):
    """Neither tombstones nor entries without any message pile up without end while the broker is away."""
    broker.here.clear()
    outbox.add(0, [message("first")])
    added = 0

    async def work():
        nonlocal added
        for added in range(100_000):  # noqa: B007 - seen from outside
            outbox.add(0, messages, list)
            await outbox.make_room()

    working = asyncio.create_task(work())
    await until(lambda: broker.asked or working.done())
    assert added <= product.MOST_BYTES / OBJECT_BYTES
    working.cancel()


async def test_nobody_waits_for_what_others_add(outbox, broker):
    """Whoever flushes waits for what was there, though others go on adding more."""
    busy = True

    async def work():
        number = 0
        while busy:
            outbox.add(0, [message(str(number := number + 1))])
            await asyncio.sleep(0)

    outbox.add(0, [message("mine")])
    working = asyncio.create_task(work())
    async with asyncio.timeout(5):
        await outbox.flush()
    assert "mine" in broker.taken
    busy = False
    await working


async def test_rounds_are_small(outbox, broker, monkeypatch):
    """So many messages and bytes at once; an entry that is larger goes alone."""
    monkeypatch.setattr(product, "MESSAGES_AT_ONCE", 4)
    for count in (1, 2, 1, 1, 9, 1):
        outbox.add(0, [message("x")] * count)
    await outbox.flush()
    assert broker.rounds == [4, 1, 9, 1]
    monkeypatch.setattr(product, "BYTES_AT_ONCE", 50_000)
    broker.rounds.clear()
    for size in (20_000, 20_000, 20_000, 90_000, 1):
        outbox.add(0, [message("x", size)])
    await outbox.flush()
    assert broker.rounds == [2, 1, 1, 1]


async def test_a_cancelled_delivery_is_made_again(outbox, broker, running):
    """Who is cancelled in the middle neither loses what he was at nor marks it, nor holds up the next."""
    broker.here.clear()
    done = []
    outbox.add(0, [message("a")], lambda: done.append(1))
    await until(lambda: broker.asked)
    flushing = asyncio.create_task(outbox.flush())
    running.cancel()
    await until(lambda: broker.asked == 2)
    flushing.cancel()
    await asyncio.gather(flushing, return_exceptions=True)
    assert done == []
    broker.here.set()
    await outbox.flush()
    assert broker.taken == ["a"]
    assert done == [1]


async def test_a_failure_is_raised_and_nothing_is_done(outbox, broker, running):
    """A fault ends the publishing with its reason; what was not published is not done, and can still be."""
    broker.error = ValueError("no way")
    done = []
    outbox.add(0, [message("a")], lambda: done.append(1))
    with pytest.raises(ValueError, match="no way"):
        await running
    with pytest.raises(ValueError, match="no way"):
        await outbox.flush()
    assert done == []
    broker.error = None
    await outbox.flush()
    assert (broker.taken, done) == (["a"], [1])


async def test_in_haste_nobody_waits_for_room(outbox, broker, running, monkeypatch):
    """Who waits for room while the broker is away goes on at once; nothing is lost, and later there is time again."""
    monkeypatch.setattr(product, "MOST_BYTES", 10_000)
    broker.here.clear()
    outbox.add(0, [message("a", 20_000)])
    waiting = asyncio.create_task(outbox.make_room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    outbox.make_haste()
    await asyncio.wait_for(waiting, 5)
    outbox.add(0, [message("b", 20_000)])
    await asyncio.wait_for(outbox.make_room(), 5)
    outbox.make_haste(wanted=False)
    waiting = asyncio.create_task(outbox.make_room())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    broker.here.set()
    await asyncio.wait_for(waiting, 5)
    await outbox.flush()
    assert broker.taken == ["a", "b"]


async def test_nothing_goes_out_while_others_may_have_taken_over(outbox, broker, running, monkeypatch):
    """What waits is held as long as this is no member of its group, and goes out in order when it is again."""
    monkeypatch.setattr(product, "HELD_S", 0.001)
    done = []
    broker.error = NotAMemberError()
    outbox.add(0, [message("a")], lambda: done.append(1))
    outbox.add(1, [message("b")])
    asked = broker.asked
    await until(lambda: broker.asked > asked + 5)
    assert (broker.taken, done, outbox.waiting) == ([], [], 2)
    broker.error = None
    await outbox.flush()
    assert (broker.taken, done) == (["a", "b"], [1])
    assert not running.done()


async def test_what_others_tell_is_dropped(outbox, broker, monkeypatch):
    """What follows from partitions of others is not told and not done; who waits for the rest waits until it is told."""
    monkeypatch.setattr(product, "HELD_S", 0.001)
    done = []
    broker.error = NotAMemberError()
    for number, name in enumerate("abcd"):
        outbox.add(number, [message(name)], lambda name=name: done.append(name))
    waiting = asyncio.create_task(outbox.flush())
    await until(lambda: broker.asked)
    await outbox.keep([1, 3])
    assert not waiting.done()
    broker.error = None
    await waiting
    assert (broker.taken, done, outbox.waiting) == (["b", "d"], ["b", "d"], 0)
    assert outbox._size == 0
