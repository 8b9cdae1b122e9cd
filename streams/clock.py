"""Time is handed in: what a partition takes for now, and until when silence is decided.

Nothing below the agents reads a clock. A clock here answers two questions about a partition after each batch and at
each tick: ``now_ms``, the instant that its windows stand at, and ``silent_ms``: surveys whose answer window ended
before it are decided. Both never run backwards.
"""

from typing import NamedTuple, Protocol

SILENCE_ALLOWANCE_MS = 2000  # a live answer may be on its way while its window ends


class Now(NamedTuple):
    """An instant, epoch milliseconds."""

    now_ms: int
    silent_ms: int


class Progress(NamedTuple):
    """What a clock is told of a partition."""

    seen_ms: int  # greatest min(ts, append time) of all its topics
    presses_ms: int  # the same of its presses
    greatest_ts_ms: int  # greatest ts accepted, shifts apart


class Clock(Protocol):
    """How time passes."""

    def now(self, progress: Progress) -> Now:
        """Tell the time of a partition."""
        ...


class EventClock:
    """The greatest ``ts`` seen on any partition: for replays, backfills and tests."""

    def __init__(self, at_ms: int | None = None) -> None:
        self.now_ms = 0 if at_ms is None else at_ms
        self.fixed = at_ms is not None

    def now(self, progress: Progress) -> Now:
        """Tell the time; silence is decided up to it."""
        if not self.fixed:
            self.now_ms = max(self.now_ms, progress.greatest_ts_ms)
        return Now(self.now_ms, self.now_ms)


class WallClock:
    """The wall's time while a partition is caught up; what its log shows while it is not."""

    def __init__(self) -> None:
        self.wall_ms = 0  # set by the agent that reads the clock
        self.caught_up = False  # on every topic of the partition
        self.presses_caught_up = False

    def now(self, progress: Progress) -> Now:
        """Tell the time; silence is not decided by a backlog."""
        now_ms = max(progress.seen_ms, self.wall_ms) if self.caught_up else progress.seen_ms
        silent_ms = now_ms if self.presses_caught_up else min(now_ms, progress.presses_ms)
        return Now(now_ms, silent_ms - SILENCE_ALLOWANCE_MS)


class StoppedClock:
    """An instant and no other: for looking back."""

    def __init__(self, now: Now) -> None:
        self._now = now

    def now(self, _progress: Progress) -> Now:
        """Tell the instant."""
        return self._now
