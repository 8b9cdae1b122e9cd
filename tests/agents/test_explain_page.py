"""The page /explain: one question at a time, and what it says when it cannot answer."""

import asyncio
import threading

import pytest

from agents import explain_page
from agents.cluster import ClusterError
from agents.gathering import TooMuchError
from agents.reach import BrokerUnreachableError
from tests.agents.test_web import OFFICES, assign, client, page, worker

__all__ = ["client", "worker"]  # fixtures

ASK = f"/explain?office={OFFICES[0]}&index=sales&window=1h"


@pytest.fixture
def ours(worker):
    """Have the worker own the offices, wherever they belong, with all read."""
    assign(worker)
    for number, office in enumerate(OFFICES):
        worker.outputs.office_partitions[office] = number
        worker.owned[number].complete = True
    return worker


async def test_one_question_at_a_time(ours, client, monkeypatch):
    """A second question meanwhile is told to come again; the worker answers everything else; then there is room again."""
    asked, go_on = threading.Event(), threading.Event()

    def slow(_asked, _now, _directory):
        asked.set()
        assert go_on.wait(10)
        return b"{}"

    monkeypatch.setattr(explain_page, "_explained", slow)
    first = asyncio.create_task(page(client, ASK))
    assert await asyncio.to_thread(asked.wait, 10)
    assert (await page(client, ASK))[0] == 429
    assert (await page(client, "/healthz"))[0] == 200
    go_on.set()
    assert await first == (200, "{}")
    assert await page(client, ASK) == (200, "{}")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TooMuchError("more than 1 messages would have to be read"), "ask `kqi explain`"),
        (ClusterError("the log cannot be read: no way"), "the log cannot be read: no way"),
        (BrokerUnreachableError("No Kafka broker"), "No Kafka broker"),
        (TimeoutError(), "could not be read in time"),
    ],
)
async def test_what_keeps_from_answering(ours, client, monkeypatch, error, said):
    """The worker goes on, and a sentence says what is the matter."""

    def fail(_asked, _now, _directory):
        raise error

    monkeypatch.setattr(explain_page, "_explained", fail)
    status, text = await page(client, ASK)
    assert (status, text.count("\n")) == (503, 1)
    assert said in text
    assert (await page(client, ASK))[0] == 503


async def test_what_is_not_ours(worker, client, ours):
    """Before it is complete, and when it is not ours any more, nothing is said of an office."""
    ours.owned[0].complete = False
    assert (await page(client, ASK))[0] == 503
    ours.assigned = False
    assert (await page(client, ASK))[0] == 404
    ours.owned.clear()
    assert (await page(client, ASK))[0] == 404
