"""The events that an index counts beside surveys: calls, sales, visits, scores and shifts, each with what it adds, and service requests."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kernels import layout as c
from kernels.events import ABANDONED_CALL, ANSWERED_CALL, INBOUND
from streams import events
from streams.configuration import Configuration
from streams.evidence import Evidence, Fact
from streams.formula import counters_of
from streams.index import HALF, Index
from streams.judgement import Whose
from streams.request_evidence import REQUEST_COUNTERS, requests
from streams.score_evidence import CLIENT_COUNTERS, SCORE_COUNTERS, VOTE_COUNTERS, clients, ratings, votes
from streams.work_evidence import WORK_COUNTERS, work_evidence

Listed = dict[str, Any]

_CALLS: Final = frozenset(range(c.CALLS, c.TALK_MS + 1))
_SALES: Final = frozenset((*range(c.SALE_EVENTS, c.TICKETS_HIGH + 1), c.MARGIN_EVENTS, c.MARGIN_LOW, c.MARGIN_HIGH))
_VISITS: Final = frozenset(range(c.VISITS, c.VISITORS_HIGH + 1))
FACTS: Final[Mapping[int, tuple[str, frozenset[int]]]] = {
    events.CALL: ("calls", _CALLS),
    events.SALE: ("sales", _SALES),
    events.VISIT: ("visits", _VISITS),
}
# The topics whose events decide counters, without the prefix.
TOPICS_OF: Final[tuple[tuple[frozenset[int], frozenset[str]], ...]] = (
    (_CALLS, frozenset({"calls"})),
    (_SALES, frozenset({"sales"})),
    (_VISITS, frozenset({"visits"})),
    (SCORE_COUNTERS, frozenset({"ratings"})),
    (CLIENT_COUNTERS, frozenset({"calls", "sales", "ratings", "requests"})),
    (VOTE_COUNTERS, frozenset({"peer-ratings"})),
    (REQUEST_COUNTERS, frozenset({"requests"})),
    (WORK_COUNTERS, frozenset({"calls", "shifts"})),
)


def counted_facts(
    evidence: Evidence, asked: Configuration, index: Index, whose: Whose | None
) -> dict[str, list[Listed]]:
    """What an index counts beside surveys, list by list; empty ones of whom nothing was heard.

    Parameters
    ----------
    asked
        The configuration in force.
    """
    counters = counters_of(index)
    if counters & WORK_COUNTERS:
        if whose is None:
            return {"time_at_work": [], "shifts": [], "calls": []}
        return work_evidence(
            evidence, index, whose.office, whose.entity if whose.scope == "employee" else None, whose.window
        )
    told: dict[str, list[Listed]] = {}
    for kind, (name, own) in FACTS.items():
        if counters & own:
            told[name] = [] if whose is None else list(_facts_of(kind, evidence, asked, index, whose))
    begin_ms = 0 if whose is None else int(evidence.partition.tables.window_begin_ms[whose.window])
    employee = whose.name if whose is not None and whose.scope == "employee" else None
    if counters & SCORE_COUNTERS:
        told["ratings"] = [] if whose is None else ratings(evidence, index, whose.office, employee, begin_ms)
    if counters & CLIENT_COUNTERS:
        told["clients"] = [] if whose is None else clients(evidence, whose.office, employee, begin_ms)
    if counters & VOTE_COUNTERS:
        told["votes"] = (
            [] if employee is None or whose is None else list(votes(evidence, whose.office, employee, begin_ms))
        )
    if counters & REQUEST_COUNTERS:
        told |= (
            {"requests": [], "requests_left_out": []}
            if whose is None
            else requests(evidence, index, whose.scope, whose.entity, whose.office, begin_ms)
        )
    return told


def _facts_of(kind: int, evidence: Evidence, asked: Configuration, index: Index, whose: Whose) -> Iterator[Listed]:
    begin_ms = int(evidence.partition.tables.window_begin_ms[whose.window])
    for fact in evidence.facts(kind, whose.office, begin_ms):
        if _is_of(fact, whose):
            adds = contributions(fact, asked)
            yield {
                "event_id": fact.event_id,
                "ts": fact.ts_ms,
                **({} if kind == events.VISIT else {"employee_id": fact.employee_id}),
                **({"queue": fact.queue} if kind == events.CALL else {}),
                **({"category": fact.category} if kind == events.SALE else {}),
                **_figures(fact),
                "counts": {"numerator": _weighted(index.numerator, adds), "base": _weighted(index.base, adds)},
                "place": fact.place,
            }


def _is_of(fact: Fact, whose: Whose) -> bool:
    if whose.scope == "employee":
        return fact.employee == whose.entity
    if whose.scope == "category":
        return fact.category == whose.name
    return whose.scope == "office" or fact.queue == whose.name


def contributions(fact: Fact, configuration: Configuration) -> dict[int, int]:
    """What a call, sale or visit adds to which counters; a sum in two halves is given by its lower one."""
    row = fact.row
    kind, amount = int(row["kind"]), int(row["amount"])
    if kind == events.VISIT:
        return {c.VISITS: 1, c.VISITORS_LOW: amount}
    if kind == events.SALE:
        adds = {c.SALE_EVENTS: 1, c.REVENUE_LOW: amount}
        adds |= {c.MARGIN_EVENTS: 1, c.MARGIN_LOW: int(row["first_ms"])} if row["code"] else {}
        return adds | ({c.SALES: 1, c.TICKETS_LOW: amount} if amount > 0 else {})
    adds = {c.CALLS: 1, c.HANDLE_MS: int(row["first_ms"]), c.TALK_MS: int(row["second_ms"])}
    inbound = row["flag"] == INBOUND
    if inbound:
        adds[c.OFFERED] = 1
    if row["code"] == ANSWERED_CALL:
        adds[c.ANSWERED] = 1
        if inbound:
            in_time = amount <= round(configuration.service_level_s * 1000)
            adds |= {c.ANSWERED_INBOUND: 1, c.WAIT_MS: amount} | ({c.ANSWERED_IN_TIME: 1} if in_time else {})
    elif row["code"] == ABANDONED_CALL and inbound:
        short = amount < round(configuration.short_abandon_s * 1000)
        adds[c.ABANDONED_SHORT if short else c.ABANDONED_LATE] = 1
    return adds


def _weighted(weights: Mapping[int, float], adds: Mapping[int, int]) -> float:
    # The upper half of a sum has its own weight: what an event adds is given whole, by the lower one.
    total = sum(weights.get(counter, 0) * amount for counter, amount in adds.items())
    return int(total) if float(total).is_integer() and abs(total) < HALF * HALF else total


def _figures(fact: Fact) -> Listed:
    row = fact.row
    if row["kind"] == events.VISIT:
        return {"count": int(row["amount"])}
    if row["kind"] == events.SALE:
        return {"amount_minor": int(row["amount"])} | ({"margin_minor": int(row["first_ms"])} if row["code"] else {})
    dispositions = {ANSWERED_CALL: "answered", ABANDONED_CALL: "abandoned"}
    return {
        "inbound": bool(row["flag"] == INBOUND),
        "disposition": dispositions.get(int(row["code"]), "other"),
        "wait_ms": int(row["amount"]),
        "handle_ms": int(row["first_ms"]),
        "talk_ms": int(row["second_ms"]),
    }
