"""How a worker ends: told to by a signal it has `END_S`, whatever brokers do, and nobody has to lose patience with it.

Where these seconds go at most, one after the other:

====  ============================================================================================================
 s    what
====  ============================================================================================================
7.5   letting go (`agents.app.LET_GO_TIMEOUT_S`): the batches at work; what waits to be published
      (`agents.worker.LAST_OUTPUTS_S`, 2); what is kept of the state (4 for the last checkpoint); the last commit
      (`agents.fetching.LAST_COMMIT_TIMEOUT_S`, 1)
1.5   leaving the group (`agents.fetching.LEAVE_TIMEOUT_S`), and disconnecting
0.5   all else
====  ============================================================================================================

Brokers that answer need a fraction of it. What has not ended by then is ended by force: what was not published or
committed will be by whoever reads it next.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

END_S = 9.5
SIGNALS = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger("kqi.worker")


class Ending:
    """The end of a process, and the force that it ends by if it takes too long."""

    def __init__(self) -> None:
        self.told = asyncio.Event()  # set when a signal has come
        self._loop = asyncio.get_running_loop()
        self._force: threading.Timer | None = None
        self._signals = 0

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Begin the end at the first signal, and make it now at the second."""
        self._signals += 1
        if self._signals > 1:
            _end_now(128 + number)
        self._loop.call_soon_threadsafe(self.told.set)
        self._end_within(END_S, 0)

    def begin(self) -> None:
        """Begin the end without a signal, if none has come."""
        if self._force is None:
            self._end_within(END_S, 1)

    def _end_within(self, seconds: float, status: int) -> None:
        if self._force is not None:
            self._force.cancel()

        def end() -> None:
            log.warning("not everything could be brought to an end within %g s", seconds)
            _end_now(status)

        self._force = threading.Timer(seconds, end)
        self._force.daemon = True
        self._force.start()


def _end_now(status: int) -> None:
    sys.stderr.flush()
    os._exit(status)


@contextlib.contextmanager
def until_signal() -> Iterator[Ending]:
    """Have SIGINT and SIGTERM begin the end; a second one ends at once."""
    ending = Ending()
    with _handled(ending.handle):
        yield ending
        ending.begin()


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Have SIGINT and SIGTERM end the process at once and in peace, while it has not begun with anything."""
    with _handled(lambda _number, _frame: _end_now(0)):
        yield


@contextlib.contextmanager
def _handled(handle: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Have signals handled by a function, in the main thread."""
    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
