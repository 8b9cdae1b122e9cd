"""Whether a broker can be reached; if not, one sentence says why."""

import asyncio
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import collect_hosts
from aiokafka.errors import KafkaError

from agents.security import Security
from streams.faults import Fault

REACH_TIMEOUT_S = 10.0


class BrokerUnreachableError(Fault):
    """No broker answers."""


async def require_broker(bootstrap: str, security: Security) -> None:
    """Raise `BrokerUnreachableError` if no broker answers at one of these addresses within 10 s."""
    client = AIOKafkaClient(
        bootstrap_servers=bootstrap, request_timeout_ms=int(REACH_TIMEOUT_S * 1000), **security.for_aiokafka()
    )
    try:
        async with asyncio.timeout(REACH_TIMEOUT_S):
            with _unheard("aiokafka"):  # it would say the same before us, in its own words
                await client.bootstrap()
    except (KafkaError, OSError, TimeoutError) as error:
        reason = await _why_unreachable(bootstrap)
        raise BrokerUnreachableError(f"No Kafka broker can be reached at {bootstrap}: {reason}.") from error
    finally:
        await client.close()


@contextmanager
def _unheard(name: str) -> Iterator[None]:
    """Have a library log nothing."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


async def _why_unreachable(bootstrap: str) -> str:
    """Return what keeps from connecting; aiokafka tells only that it could not."""
    reason = "no address is given"
    for host, port, _ in collect_hosts(bootstrap, randomize=False):
        try:
            async with asyncio.timeout(REACH_TIMEOUT_S):
                _, writer = await asyncio.open_connection(host, port)
        except TimeoutError:
            reason = "nothing answers"
        except OSError as error:
            number = error.errno or 0  # negative where a name is not found
            reason = (os.strerror(number) if number > 0 else error.strerror or str(error)).lower()
        else:
            writer.close()
            return "what answers there is no Kafka broker, or asks for other security settings"
    return reason
