"""What comes before the work: kernels compiled, and a log that says things once."""

import logging
import sys
import threading
import time
from collections.abc import Callable

from streams.clock import EventClock
from streams.configuration import Configuration
from streams.decode import decode
from streams.engine import Engine

WORTH_SAYING_S = 2.0  # loading compiled kernels takes less, compiling them far more
SAID_AGAIN_S = 60.0

_EXAMPLES = (
    b'{"type":"seller_press","event_id":"1","ts":1,"office_id":"o","panel_id":"p","employee_id":"e","hold_ms":1}',
    b'{"type":"seller_press","event_id":"2","ts":1,"office_id":"o","panel_id":"p","employee_id":"e","hold_ms":3000}',
    b'{"type":"customer_press","event_id":"3","ts":2,"office_id":"o","panel_id":"p","answer":"yes"}',
    b'{"type":"verdict","event_id":"4","ts":3,"office_id":"o","target":"survey","target_id":"1","reliable":true}',
    b'{"type":"visit","event_id":"5","ts":3,"office_id":"o"}',
    b'{"type":"rating","event_id":"6","ts":3,"office_id":"o","metric":"nps","score":9}',
)


def prepare_kernels(configuration: Configuration, say: Callable[[str], None]) -> None:
    """Compile the kernels, or load them from the cache, before anything waits for them."""
    message = "compiling the kernels: only at the first start, and it takes about half a minute"
    notice = threading.Timer(WORTH_SAYING_S, say, (message,))
    notice.daemon = True
    notice.start()
    try:
        engine = Engine(configuration)
        partition = engine.new_partition()
        engine.step(partition, decode(_EXAMPLES).groups, EventClock())
        engine.values(partition)
    finally:
        notice.cancel()


class SaidOnce(logging.Filter):
    """Lets a message through once a minute, however often a library repeats it while a broker is away."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a message; the next one shown tells how many were not."""
        key = (record.name, str(record.msg))
        said_s, hidden = self._said.get(key, (-SAID_AGAIN_S, 0))
        now_s = time.monotonic()
        if now_s - said_s < SAID_AGAIN_S:
            self._said[key] = said_s, hidden + 1
            return False
        self._said[key] = now_s, 0
        if hidden:
            record.msg = f"{record.getMessage()} ({hidden} more like this in the last {now_s - said_s:.0f} s)"
            record.args = ()
        return True


def set_up_logging() -> None:
    """Log to standard error, a line a message; of the libraries only what is wrong, and not again and again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(SaidOnce())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("kqi").setLevel(logging.INFO)
