"""The formula of an index with the numbers of one entity put in, so that a person can work it out by hand."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from kernels import layout as c
from streams.bounds import BOUNDS, bound_in_words
from streams.index import HALF, OUTCOMES, QUESTIONS, Index, Weights
from streams.numbers import number, shown

Term = dict[str, Any]

COUNTERS: Final[Mapping[int, str]] = {
    c.CALLS: "calls",
    c.OFFERED: "offered",
    c.ANSWERED_INBOUND: "answered_inbound",
    c.ANSWERED: "answered",
    c.ANSWERED_IN_TIME: "answered_in_time",
    c.ABANDONED_LATE: "abandoned_late",
    c.ABANDONED_SHORT: "abandoned_short",
    c.WAIT_MS: "wait_ms",
    c.HANDLE_MS: "handle_ms",
    c.TALK_MS: "talk_ms",
    c.SALE_EVENTS: "sale_events",
    c.SALES: "sales",
    c.REVENUE_LOW: "revenue",
    c.TICKETS_LOW: "tickets",
    c.MARGIN_EVENTS: "margin_events",
    c.MARGIN_LOW: "margin",
    c.VISITS: "visits",
    c.VISITORS_LOW: "visitors",
    c.NPS_ANSWERS: "nps_answers",
    c.PROMOTERS: "promoters",
    c.DETRACTORS: "detractors",
    c.CSAT_ANSWERS: "csat_answers",
    c.SATISFIED: "satisfied",
    c.CES_ANSWERS: "ces_answers",
    c.EFFORT: "effort",
    c.CLIENTS_SERVED: "clients_served",
    c.CLIENTS_LOST: "clients_lost",
    c.PEER_VOTES: "peer_votes",
    c.RESPONSES: "responses",
    c.RESPONSE_MS: "response_ms",
    c.RESOLUTIONS: "resolutions",
    c.RESOLUTION_MS: "resolution_ms",
    c.RESPONSES_DUE: "responses_due",
    c.RESPONSES_MET: "responses_met",
    c.ON_SITES_DUE: "on_sites_due",
    c.ON_SITES_MET: "on_sites_met",
    c.RESOLUTIONS_DUE: "resolutions_due",
    c.RESOLUTIONS_MET: "resolutions_met",
    c.REQUESTS_OPENED: "requests_opened",
    c.AVAILABLE_MS: "available_ms",
    c.PRODUCTIVE_MS: "productive_ms",
    c.IDLE_MS: "idle_ms",
}
# Sums in two halves are one number to a person: the upper half, and the lower one that has the name.
_LOWER_HALF: Final[Mapping[int, int]] = {
    c.REVENUE_HIGH: c.REVENUE_LOW,
    c.MARGIN_HIGH: c.MARGIN_LOW,
    c.TICKETS_HIGH: c.TICKETS_LOW,
    c.VISITORS_HIGH: c.VISITORS_LOW,
}


class Survey(NamedTuple):
    """What a counter of surveys counts."""

    question: str
    outcome: str
    in_force_majeure: bool


def survey_of(counter: int) -> Survey | None:
    """What a counter of surveys counts; None for every other counter."""
    if not 0 <= counter < c.SURVEY_CODES:
        return None
    question, rest = divmod(counter, 8)
    outcome, inside = divmod(rest, 2)
    return Survey(QUESTIONS[question], OUTCOMES[outcome], bool(inside))


def counters_of(index: Index) -> set[int]:
    """The counters that an index is made of."""
    return {counter for weights in (index.numerator, index.base) for counter, weight in weights.items() if weight}


def needs_surveys(index: Index) -> bool:
    """Whether an index counts surveys."""
    return any(counter < c.SURVEY_CODES for counter in counters_of(index))


def terms(weights: Weights, totals: Any) -> list[Term]:
    """The counters of a weighted sum that are not 0: each with what it counts, its count and its weight."""
    found: list[Term] = []
    for counter, weight in sorted(weights.items()):
        if not weight or counter in _LOWER_HALF:
            continue
        count = int(totals[counter])
        for upper, lower in _LOWER_HALF.items():
            if lower == counter and upper in weights:
                count += int(HALF) * int(totals[upper])
        if not count:
            continue
        survey = survey_of(counter)
        named = {"counter": COUNTERS.get(counter, f"counter {counter}")} if survey is None else survey._asdict()
        found.append({**named, "count": count, "weight": weight})
    return found


def formula(index: Index, totals: Any, value: float | str | None, base: int) -> dict[str, Any]:
    """The formula in words and in numbers: value = sum(count x weight) of the numerator / that of the denominator / scale.

    The end of an interval is made of the same sums, and, if it is one of a main index, of that of squared weights.
    """
    numerator = terms(index.numerator, totals)
    denominator = terms(index.base, totals) if index.divides else None
    parts = {"words": index.help, "numerator": numerator, "denominator": denominator, "scale": index.scale}
    if index.kind in BOUNDS:
        squares = terms(index.second or index.numerator, totals)
        sums = (_sum_of(numerator), float(base), _sum_of(squares))
        text = bound_in_words(index, sum_in_words(numerator), sum_in_words(squares), sums, value)
        return {"text": text, **parts, **({"squares": squares} if index.second else {})}
    text = sum_in_words(numerator)
    if denominator is not None:
        several = " + " in text or " - " in text
        text = f"({text})" if several else text
        text += f" / {base:,}"
    if index.scale != 1:
        text += f" / {index.scale}"
    return {"text": f"{text} = {shown(value)}", **parts}


def _sum_of(found: Iterable[Term]) -> float:
    return float(sum(term["count"] * term["weight"] for term in found))


def sum_in_words(numerator: Iterable[Term]) -> str:
    """A weighted sum such as ``no 8 + 0.8 x silent 12``; what differs in nothing but question or force majeure is one."""
    sums: dict[tuple[str, float], int] = {}
    for term in numerator:
        name = term.get("outcome") or term["counter"]
        sums[name, term["weight"]] = sums.get((name, term["weight"]), 0) + term["count"]
    text = ""
    for (name, weight), count in sums.items():
        factor = "" if abs(weight) == 1 else f"{number(abs(weight))} x "
        sign = "-" if weight < 0 else "+"
        text += (f" {sign} " if text else "-" * (sign == "-")) + f"{factor}{name.replace('_', ' ')} {count:,}"
    return text or "0"
