"""What a worker says of being behind: that it is, once a minute how far, and that it has caught up."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from faust.types import TP

from agents.transport import Progress

WORTH_SAYING: Final = (
    20_000  # messages, about as many as come out of one fetch: live, a worker is never so far behind for long
)
AFTER_S: Final = 10.0
SAID_AGAIN_S: Final = 60.0


class News(NamedTuple):
    """A sentence for the log, with its fields."""

    sentence: str
    fields: Mapping[str, object]


class Behind:
    """How far a worker is behind, check by check; the time is handed in."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._said_s: float | None = None

    def update(self, partitions: Mapping[TP, Progress], now_s: float) -> News | None:
        """Return what is to be said now."""
        lags = {each: max(0, reached.end_offset - reached.next_offset) for each, reached in partitions.items()}
        total = sum(lags.values())
        if total < WORTH_SAYING:
            return self._caught_up(now_s) if partitions else None
        if self._since_s is None:
            self._since_s = now_s
        if now_s - (self._since_s if self._said_s is None else self._said_s) < (
            AFTER_S if self._said_s is None else SAID_AGAIN_S
        ):
            return None
        self._said_s = now_s
        worst = max(lags, key=lambda each: lags[each])
        sentence = f"{total:,} messages are not read yet, {lags[worst]:,} of them of {worst.topic}, partition {worst.partition}"
        place = {"topic": worst.topic, "partition": worst.partition, "offset": partitions[worst].next_offset}
        return News(sentence, place | {"count": total})

    def _caught_up(self, now_s: float) -> News | None:
        since_s, said_s = self._since_s, self._said_s
        self._since_s = self._said_s = None
        if since_s is None or said_s is None:
            return None
        return News(f"caught up, after {now_s - since_s:.0f} s", {"seconds": round(now_s - since_s)})
