"""When a worker tells of those whom it compares, and that it hears what others tell."""

import asyncio
import json

import pytest

from agents import company as product
from agents.cluster import create_topics
from agents.company import Peerage
from agents.outbox import Outbox
from agents.outputs import Outputs
from agents.owned import Owned
from streams.clock import WallClock
from streams.configuration import configure
from streams.engine import Engine
from tests.streams.feeding import Feed
from tests.streams.happenings import sale

AT_MS = 1_800_000_000_000
RULES = {"windows": ["1h"], "min_surveys": 1, "comparison": {"indices": ["revenue"], "min_employees": 2}}


def sold(*amounts):
    """Return a state of which each of some employees sold something."""
    sales = [sale(AT_MS, employee_id=f"employee-{n}", amount_minor=amount) for n, amount in enumerate(amounts)]
    return Feed(RULES, AT_MS).feed(sales).partition


class Kept:
    """What an outbox was given."""

    def __init__(self):
        self.messages = []
        self.outbox = Outbox(self.deliver)

    async def deliver(self, messages):
        """Keep them."""
        self.messages += messages

    async def told(self):
        """Return what was told since: partition and values."""
        await self.outbox.flush()
        told = [(json.loads(each.key)[1], json.loads(each.value)["values"]) for each in self.messages]
        self.messages.clear()
        return told


def worker(settings=RULES, partitions=2):
    """Return a worker's part in the company, which has heard all that there was, and what it tells."""
    kept = Kept()
    configuration = configure(("the test", settings))
    peerage = Peerage(configuration, Engine(configuration), partitions, kept.outbox)
    return peerage, kept


async def test_what_is_new_is_told_at_once_and_the_rest_in_its_time(monkeypatch):
    """A partition that has just become complete, every partition when it is due, and none before all was heard that there was."""
    now_s = 1000.0
    monkeypatch.setattr(product.time, "monotonic", lambda: now_s)
    peerage, kept = worker()
    first, second = (Owned(number, sold(1 + number, 5), WallClock()) for number in range(2))
    await peerage.tell([first], lambda: True)
    assert await kept.told() == []
    peerage._has_heard = True
    await peerage.tell([first], lambda: True)
    assert await kept.told() == [(0, [5, 1])]
    await peerage.tell([first], lambda: True)
    assert await kept.told() == []
    await peerage.tell([first, second], lambda: True)
    assert await kept.told() == [(1, [5, 2])]
    now_s += 29.9
    await peerage.tell([first, second], lambda: True)
    assert await kept.told() == []
    now_s += 0.1
    await peerage.tell([first, second], lambda: True)
    assert await kept.told() == [(0, [5, 1]), (1, [5, 2])]  # nobody has heard it yet
    await peerage.tell([second], lambda: True)
    await peerage.tell([first, second], lambda: True)  # it was away meanwhile
    assert await kept.told() == [(0, [5, 1])]


async def test_others_tell_the_rest():
    """Who may not go on stops after the partition at hand."""
    peerage, kept = worker()
    peerage._has_heard = True
    await peerage.tell([Owned(number, sold(7), WallClock()) for number in range(2)], lambda: False)
    assert await kept.told() == [(0, [7])]


@pytest.mark.parametrize(
    "settings", [RULES, RULES | {"comparison": {"indices": []}}], ids=["compared", "nothing compared"]
)
async def test_what_is_told_is_heard_by_all(embedded_kafka, settings):
    """Through the topic: two workers, a partition each, know of each other, or have nothing to know."""
    own = {
        "kafka": {"bootstrap": str(embedded_kafka)},
        "topic_prefix": f"company.{len(settings['comparison'])}.",
        "partitions": 2,
    }
    configuration = configure(("the test", settings | own))
    await create_topics(configuration)
    outputs = Outputs(configuration, 2)
    await outputs.start()
    members = [Peerage(configuration, Engine(configuration), 2, Outbox(outputs.deliver)) for _ in range(2)]
    following = [asyncio.create_task(member.follow_forever()) for member in members]
    try:
        async with asyncio.timeout(30):
            while any(member.company.elsewhere([number]) is None for number, member in enumerate(members)):
                for number, member in enumerate(members):
                    await member.tell([Owned(number, sold(number + 1), WallClock())], lambda: True)
                    await member._outbox.flush()
                await asyncio.sleep(0.05)
        heard = [member.company.elsewhere([number]) for number, member in enumerate(members)]
        compared = configuration.comparison.indices
        assert [[others.values.tolist() for others in each.values()] for each in heard] == (
            [[[-2]], [[-1]]] if compared else [[], []]
        )
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await outputs.stop()
