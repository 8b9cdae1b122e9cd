"""What a worker says when it loses touch with the brokers: one sentence then, and one when it is back.

The client library tells every attempt that fails, many a second; nobody needs that. Its latest word is kept and given
as the reason.
"""

import logging
import ssl

from aiokafka.errors import KafkaError

from agents.watch import ANSWERED_MS, Seen

LOST_AFTER_CHECKS = 2  # one may lie just behind a moment in which the whole process stood still
_WITHOUT_ERROR = (  # beginnings of what aiokafka says of lost brokers and of rebalances without naming an error
    "Unable to update metadata from",
    "Marking the coordinator dead",
    "Heartbeat session expired",
    "Heartbeat failed for group",
    "Heartbeat failed: local member_id",
    "OffsetCommit failed for group",
    "No broker metadata found",
    "Topic %s is not available",
    "Topic %s not found",
)
_OF_FAUST = "Thread keepalive is not responding"  # the process was stopped, or the machine is busy


class Hush(logging.Filter):
    """Holds back what the client library says of brokers that are away, and keeps the latest of it."""

    def __init__(self) -> None:
        super().__init__()
        self.latest = ""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a message."""
        if record.name == "asyncio" and record.exc_info:  # a task of the library's that nobody waits for any more
            return not _is_of_brokers(record.exc_info[1])
        if not record.name.startswith("aiokafka"):
            return _OF_FAUST not in str(record.msg)
        arguments = record.args if isinstance(record.args, tuple) else ()
        if any(map(_is_of_brokers, arguments)):
            self.latest = record.getMessage()
            return False
        return not str(record.msg).startswith(_WITHOUT_ERROR)


def _is_of_brokers(error: object) -> bool:
    """Whether an error may pass when brokers come back."""
    if isinstance(error, KafkaError) or (isinstance(error, type) and issubclass(error, KafkaError)):
        return bool(getattr(error, "retriable", False))
    return isinstance(error, OSError | TimeoutError) and not isinstance(error, ssl.SSLError)


hush = Hush()


class Touch:
    """Whether the brokers answer, check by check."""

    def __init__(self) -> None:
        self._lost_checks = 0
        self._lost_s = 0.0

    def update(self, seen: Seen, now_s: float, reason: str) -> str | None:
        """Return what is to be said now; ``reason`` is the latest that is known of what is wrong."""
        silent = sum(reached.answer_age_ms > ANSWERED_MS for reached in seen.partitions.values())
        if silent or (seen.assigned and not seen.confirmed):
            self._lost_checks += 1
            if self._lost_checks == 1:
                self._lost_s = now_s
            if self._lost_checks != LOST_AFTER_CHECKS:
                return None
            what = f"for {silent} of {len(seen.partitions)} topic partitions" if silent else "to heartbeats"
            return f"the brokers do not answer {what}, trying again" + (f": {reason}" if reason else "")
        if not seen.assigned or not self._lost_checks:
            return None
        was_said = self._lost_checks >= LOST_AFTER_CHECKS
        self._lost_checks = 0
        return f"the brokers answer again, after {now_s - self._lost_s:.0f} s" if was_said else None
