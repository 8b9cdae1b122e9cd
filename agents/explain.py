"""``kqi explain``: what an index value rests on, from files or from the topics of a cluster."""

import time
from typing import Any

from agents.gathering import NO_LIMITS, Limits, Wanted, directory_in_force, gather_files, gather_topics
from streams.answer import answer
from streams.clock import Now
from streams.configuration import window_minutes
from streams.directory import Directory
from streams.events import TOPICS
from streams.evidence import Evidence, Log, begin_of
from streams.goal_indices import ATTAINMENTS
from streams.inquiry import Asked

Told = dict[str, Any]


def from_files(paths: list[str], asked: Asked, directory: Directory) -> Told:
    """Explain by files; without an instant, as of the greatest ``ts`` in them."""
    log = gather_files(paths, asked.configuration, asked.read_office)
    at_ms = log.greatest_ts_ms if asked.at_ms is None else asked.at_ms
    return explained(log, asked, Now(at_ms, at_ms), directory)


async def from_topics(
    asked: Asked, now: Now | None = None, limits: Limits = NO_LIMITS, directory: Directory | None = None
) -> Told:
    """Explain by the topics of a cluster; without an instant, as of ``now``, or else of the wall's clock.

    Without a directory, by the one in force.
    """
    if directory is None:
        directory = await directory_in_force(asked.configuration)
    if now is None or asked.at_ms is not None:
        at_ms = time.time_ns() // 1_000_000 if asked.at_ms is None else asked.at_ms
        now = Now(at_ms, at_ms)
    windows_ms = [window_minutes(window) * 60_000 for window in asked.windows]
    begin_ms = min(begin_of(now.now_ms, window_ms) for window_ms in windows_ms)
    wanted = Wanted(asked.read_office, asked.topics, begin_ms, now.now_ms)
    if asked.is_judged:
        wanted = wanted._replace(asked_since_ms=now.now_ms - round(asked.configuration.asked_within_s * 1000))
    told = explained(await gather_topics(asked.configuration, wanted, limits), asked, now, directory)
    may_be_0 = not asked.index.divides or asked.index.name in ATTAINMENTS
    if told["value"] is None and may_be_0 and asked.kind == "index":
        # Sums, and what was reached of plans, are 0 where anything at all was seen, and absent elsewhere.
        everything = wanted._replace(topics=set(TOPICS))
        told = explained(await gather_topics(asked.configuration, everything, limits), asked, now, directory)
    return told


def explained(log: Log, asked: Asked, now: Now, directory: Directory) -> Told:
    """The explanation, with what was read for it."""
    evidence = Evidence(asked.narrowed, log, now, directory)
    return answer(evidence, asked) | {
        "read": {
            "messages": log.messages,
            "bytes": log.bytes,
            "after_at": evidence.left_out,
            "rejected": dict(log.rejected),
            "refused": log.refused,
        }
    }
