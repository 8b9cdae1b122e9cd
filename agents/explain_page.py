"""The page /explain of a worker: why an index that it shows has its value.

The log is read again, by a consumer of its own in a thread of its own, so that the worker's loop goes on; one question at a time,
and no more of the log than a bounded time and memory allow.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, get_args

import msgspec
from aiohttp import web

from agents.explain import from_topics
from agents.gathering import Limits, TooMuchError
from agents.owned import Owned
from agents.worker import Worker
from streams.clock import Now
from streams.directory import Directory
from streams.faults import Fault
from streams.index import EntityScope
from streams.inquiry import WHOSE, Asked, Question, understand

# Reading takes memory (1.7 KB a message), and a core that the worker needs, too; whoever needs more of the log has the command.
LIMITS: Final = Limits(messages=200_000, wait_s=20.0)
CONNECT_S: Final = 10.0
REQUIRED: Final = ("office", "index")
OPTIONAL: Final = ("window", *WHOSE, "at")


class ExplainPage:
    """Answers one question at a time."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._busy = False

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a question, or say in a sentence why not."""
        try:
            asked = self._understood(request.query)
        except ValueError as error:
            return _sentence(400, str(error))
        office = asked.office
        worker = self._worker
        owned = worker.owned.get(worker.outputs.office_partitions[office])
        if not (worker.assigned and worker.confirmed) or owned is None:
            return _sentence(404, f"office {office} is not with this worker")
        if not owned.complete:
            return _sentence(503, f"partition {owned.number} is still being read")
        named = asked.entity if asked.scope in get_args(EntityScope) else ("office", office, "")
        if named not in owned.state.names.entities:
            return _sentence(404, f"nothing is known of {named[2] or 'it'} in office {office}")
        if self._busy:
            return web.Response(status=429, text="another question is being answered\n", headers={"Retry-After": "1"})
        return await self._answer(asked, owned)

    def _understood(self, query: Mapping[str, str]) -> Asked:
        unknown = sorted(set(query) - {*REQUIRED, *OPTIONAL})
        if unknown:
            raise ValueError(f"`{unknown[0]}` is no argument: expected {', '.join((*REQUIRED, *OPTIONAL))}")
        missing = [name for name in REQUIRED if not query.get(name)]
        if missing:
            raise ValueError(f"`{missing[0]}` is missing")
        whose = {name: query[name] for name in WHOSE if query.get(name)}
        question = Question(query["office"], query["index"], query.get("window"), query.get("at"), whose)
        configuration = self._worker.configuration
        if question.window is not None and question.window not in configuration.windows:
            raise ValueError(
                f"`{question.window}` is no window here: expected one of {', '.join(configuration.windows)}"
            )
        return understand(question, configuration)

    async def _answer(self, asked: Asked, owned: Owned) -> web.Response:
        now = owned.state.now  # as it is shown
        directory = self._worker.engine.directory
        self._busy = True
        try:
            content = await in_a_thread(lambda: _explained(asked, now, directory), self._is_done)
        except TooMuchError as error:
            return _sentence(503, f"{error} here: ask `kqi explain`, which has no limits")
        except Fault as error:
            return _sentence(503, str(error))
        except TimeoutError:
            return _sentence(503, "the log could not be read in time: ask `kqi explain`, which has no limits")
        return web.Response(body=content, content_type="application/json")

    def _is_done(self) -> None:
        self._busy = False


def _explained(asked: Asked, now: Now, directory: Directory) -> bytes:
    async def answer() -> bytes:
        async with asyncio.timeout(LIMITS.wait_s + CONNECT_S):
            return msgspec.json.encode(await from_topics(asked, now, LIMITS, directory))

    return asyncio.run(answer())


async def in_a_thread(work: Callable[[], bytes], done: Callable[[], None]) -> bytes:
    """Have a thread do some work; ``done`` is called in this loop when it is over.

    No executor's: the end of a loop waits for those.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[bytes] = loop.create_future()

    def settle(content: bytes | None, error: Exception | None) -> None:
        done()
        if result.done():  # nobody waits any more
            return
        if error is None:
            result.set_result(content or b"")
        else:
            result.set_exception(error)

    def run() -> None:
        content, error = None, None
        try:
            content = work()
        except Exception as caught:  # noqa: BLE001 - it is raised where it is waited for
            error = caught
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, content, error)

    threading.Thread(target=run, name="explain", daemon=True).start()
    return await result


def _sentence(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
