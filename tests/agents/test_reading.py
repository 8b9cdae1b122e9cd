"""Reading logs of our own: whoever has read what they wanted goes on, whatever becomes of the connection."""

import asyncio
import gc

import pytest
from aiokafka.errors import KafkaConnectionError

from agents import reading
from streams.configuration import configure

NOBODY = "127.0.0.1:9"  # a port on which nobody listens


class Consumer:
    """A consumer that is always connected, until it is told how to stop."""

    def __init__(self, **_settings):
        pass

    async def start(self):
        """Connect."""


async def raise_cancelled(_consumer):
    """What aiokafka lets escape while brokers are away."""
    raise asyncio.CancelledError


async def raise_error(_consumer):
    """Any other failure."""
    raise OSError


async def never_end(_consumer):
    """Wait for brokers, whoever asks for the end."""
    for _ in range(2):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


@pytest.mark.parametrize("stop", [raise_cancelled, raise_error, never_end])
async def test_a_reader_that_ends_goes_on(monkeypatch, stop):
    """Whatever happens as its consumer stops."""
    monkeypatch.setattr(Consumer, "stop", stop, raising=False)
    monkeypatch.setattr(reading, "AIOKafkaConsumer", Consumer)
    monkeypatch.setattr(reading, "DISCONNECT_S", 0.05)

    async def read():
        async with reading.reader(configure()):
            return "what was read"

    assert await asyncio.wait_for(read(), 5) == "what was read"


async def test_a_reader_that_cannot_connect_leaves_nothing_behind():
    """Where a failed attempt stays open, asyncio says so in the worker's log, again at each attempt."""
    said = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: said.append(context["message"]))
    with pytest.raises(KafkaConnectionError):
        async with reading.reader(configure(("the test", {"kafka": {"bootstrap": NOBODY}}))):
            pass
    gc.collect()
    assert said == []
