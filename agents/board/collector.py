"""Asks workers for /metrics, again and again, and keeps what they said last.

A worker that does not answer shows nothing: another may have its offices by now, and old values must not pass for new
ones. Rounds follow each other so slowly that the board takes a tenth of a core at most, however much there is to read.
"""

import asyncio
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import aiohttp

from agents.board import operations, views
from agents.board.history import History
from agents.board.reading import Labels, Reader
from agents.board.rounds import Round, WorkerAnswer, shown

ANSWER_S: Final = 30.0
LARGEST_BYTES: Final = 512 << 20
REST: Final = 9  # times as long as a round took, at least, is nothing asked
COUNTERS: Final = ("kqi_worker_events_total", "kqi_worker_dead_letters_total")
LONGEST_REASON: Final = 200


class _Fetched(NamedTuple):
    """A worker's answer as bytes, or a sentence why there is none; and when it was all there."""

    answer: bytes | str
    at_s: float


class Collector:
    """What workers say."""

    def __init__(self, every_s: float) -> None:
        self.history = History()
        self.last: Round | None = None
        self.every_s = every_s
        self._reader = Reader()
        self._soon = asyncio.Event()
        self._counted: dict[str, tuple[float, dict[str, float]]] = {}  # when, and the counters, of each worker

    async def run(self, addresses: Sequence[str]) -> None:
        """Ask for ever; addresses are such as ``http://127.0.0.1:9464``."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                self._soon.clear()
                took_s = await self.ask(session, addresses)
                try:
                    async with asyncio.timeout(max(self.every_s, REST * took_s)):
                        await self._soon.wait()
                except TimeoutError:
                    pass

    def hurry(self) -> None:
        """Ask now: something has happened."""
        self._soon.set()

    async def ask(self, session: aiohttp.ClientSession, addresses: Sequence[str]) -> float:
        """Ask all workers once; return the seconds that reading took."""
        fetched = await asyncio.gather(*(_fetch_timed(session, address) for address in addresses))
        begin_s = time.perf_counter()
        texts = [answer for answer, _ in fetched if isinstance(answer, bytes)]
        read = await asyncio.to_thread(self._reader.read, texts)
        series = iter(read.others)
        workers = tuple(
            WorkerAnswer(shown(address), answer, None, {})
            if isinstance(answer, str)
            else self._answered(address, next(series), at_s)
            for address, (answer, at_s) in zip(addresses, fetched, strict=True)
        )
        took_s = time.perf_counter() - begin_s
        number = self.last.number + 1 if self.last else 1
        self.last = Round(number, time.time_ns() // 1_000_000, took_s, read, workers)
        sums = views.figures(read) | operations.call_figures(read)
        if not all(worker.is_ready for worker in workers):
            sums = dict.fromkeys(sums)  # a part of the company is not the company
        self.history.add(self.last.at_ms, read, sums | operations.health_figures(self.last))
        return took_s

    def _answered(self, address: str, series: Mapping[tuple[str, Labels], float], now_s: float) -> WorkerAnswer:
        counted = {name: sum(value for (each, _), value in series.items() if each == name) for name in COUNTERS}
        before_s, before = self._counted.get(address, (now_s, {}))
        self._counted[address] = now_s, counted
        rates = {
            name: (counted[name] - value) / (now_s - before_s)
            for name, value in before.items()
            if now_s > before_s and counted[name] >= value  # less: the worker has begun anew
        }
        return WorkerAnswer(shown(address), "", series, rates)


async def _fetch_timed(session: aiohttp.ClientSession, address: str) -> _Fetched:
    answer = await _fetch(session, address)
    return _Fetched(answer, time.monotonic())


async def _fetch(session: aiohttp.ClientSession, address: str) -> bytes | str:
    """A worker's answer as bytes, or a sentence why there is none."""
    try:
        async with session.get(f"{address}/metrics", allow_redirects=False) as response:
            if response.status != 200:  # noqa: PLR2004
                return f"answered with status {response.status}"
            pieces, size = [], 0
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > LARGEST_BYTES:
                    return f"its answer is larger than {LARGEST_BYTES >> 20} MiB"
                pieces.append(piece)
            text = b"".join(pieces)
    except TimeoutError:
        return f"no answer within {ANSWER_S:.0f} s"
    except aiohttp.ClientConnectorError as error:
        return _unreachable(error.os_error)
    except (aiohttp.ClientError, UnicodeError) as error:  # the latter of a name that no name server could know
        return (str(error).replace(address, shown(address)) or type(error).__name__)[:LONGEST_REASON]
    return text if b"kqi_worker_ready" in text else "this is no worker: its answer has no kqi_worker_ready"


def _unreachable(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):  # its number is none of the system's
        return f"TLS: {(error.reason or 'failed').replace('_', ' ').lower()}"
    number, reason = error.errno, error.strerror  # those of name servers are below 0
    return (os.strerror(number) if number and number > 0 else reason or "cannot be reached").lower()
