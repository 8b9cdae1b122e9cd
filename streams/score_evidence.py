"""What scores, clients and votes rest on: each rating with what it adds, each event that names a client, each rating with a vote.

Clients are told apart by numbers that hold for one explanation and no other; who they are is not told. Nor is anything of a rating
between departments but where it lies.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kernels import layout as c
from kernels.scores import LEAST_OF_PROMOTERS, LEAST_OF_SATISFIED, MOST_OF_DETRACTORS
from streams import events
from streams.evidence import Evidence, Fact
from streams.index import Index, Weights
from streams.peer_ratings import vote_for

Listed = dict[str, Any]

METRICS: Final = ("nps", "csat", "ces")
SCORE_COUNTERS: Final = frozenset(range(c.NPS_ANSWERS, c.EFFORT + 1))
CLIENT_COUNTERS: Final = frozenset((c.CLIENTS_SERVED, c.CLIENTS_LOST))
VOTE_COUNTERS: Final = frozenset((c.PEER_VOTES,))
_METRIC_OF: Final = {c.NPS_ANSWERS: c.NPS, c.CSAT_ANSWERS: c.CSAT, c.CES_ANSWERS: c.CES}
_NAMING_CLIENTS: Final = (events.CALL, events.SALE, events.RATING, events.REQUEST)


def ratings(evidence: Evidence, index: Index, office: int, employee: str | None, begin_ms: int) -> list[Listed]:
    """The ratings of an index's metric since an instant, of an office or those in which an employee took part."""
    metric = next(_METRIC_OF[counter] for counter in index.base if counter in _METRIC_OF)
    found = []
    for fact in evidence.facts(events.RATING, office, begin_ms):
        if fact.row["code"] == metric and employee in (None, *fact.members):
            adds = contribution(metric, int(fact.row["amount"]))
            found.append(
                {
                    "event_id": fact.event_id,
                    "ts": fact.ts_ms,
                    "metric": METRICS[metric],
                    "score": int(fact.row["amount"]),
                    "employee_ids": fact.members,
                    "counts": counts(index, adds),
                    "place": fact.place,
                }
            )
    return found


def contribution(metric: int, score: int) -> dict[int, int]:
    """What a score adds to which counters."""
    if metric == c.NPS:
        adds = {c.NPS_ANSWERS: 1}
        adds |= {c.PROMOTERS: 1} if score >= LEAST_OF_PROMOTERS else {}
        return adds | ({c.DETRACTORS: 1} if score <= MOST_OF_DETRACTORS else {})
    if metric == c.CES:
        return {c.CES_ANSWERS: 1, c.EFFORT: score}
    return {c.CSAT_ANSWERS: 1} | ({c.SATISFIED: 1} if score >= LEAST_OF_SATISFIED else {})


def counts(index: Index, adds: Mapping[int, int]) -> dict[str, float]:
    """What counters that grow add to the sums of an index."""

    def weighted(weights: Weights) -> float:
        return sum(weights.get(counter, 0) * amount for counter, amount in adds.items())

    return {"numerator": weighted(index.numerator), "base": weighted(index.base)}


def clients(evidence: Evidence, office: int, employee: str | None, begin_ms: int) -> list[Listed]:
    """Every event since an instant by which an office, or an employee, served a client, in order of time."""
    named = [
        fact
        for kind in _NAMING_CLIENTS
        for fact in evidence.facts(kind, office, begin_ms)
        if (fact.row["target_high"] or fact.row["target_low"]) and _serves(fact, employee)
    ]
    numbers: dict[tuple[int, int], int] = {}
    found = []
    for fact in sorted(named, key=lambda each: (each.ts_ms, each.event_id)):
        row = fact.row
        client = numbers.setdefault((int(row["target_high"]), int(row["target_low"])), len(numbers) + 1)
        found.append(
            {
                "event_id": fact.event_id,
                "ts": fact.ts_ms,
                "type": events.EVENT_NAMES[row["kind"]],
                "client": client,
                "leaving": bool(row["kind"] == events.RATING and row["flag"]),
                "place": fact.place,
            }
        )
    return found


def _serves(fact: Fact, employee: str | None) -> bool:
    if employee is None:
        return True
    if fact.row["kind"] == events.RATING:
        return employee in fact.members
    return fact.employee_id == employee


def votes(evidence: Evidence, office: int, employee: str, begin_ms: int) -> Iterator[Listed]:
    """Where the ratings between departments lie that have a vote for an employee, and nothing else of them."""
    vote = vote_for(employee)
    for fact in evidence.facts(events.PEER_RATING, office, begin_ms):
        if vote in fact.members:
            yield {"event_id": fact.event_id, "place": fact.place}
