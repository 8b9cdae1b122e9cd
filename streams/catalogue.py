"""The catalogue of indices: each a formula over additive counters, nothing else.

A new index is a row here. Its value is ``numerator / denominator / scale``, both weighted sums of the counters of one
entity in one window (:mod:`kernels.layout`); an index without a denominator is its numerator. ``base`` is what the
value rests on: the denominator, or for plain sums what they were summed over.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import layout as c
from streams.configuration import Configuration

Scope = Literal["office", "employee", "queue"]
Unit = Literal["ratio", "seconds", "count", "money"]
Weights = Mapping[int, float]

QUESTIONS = ("personnel", "office", "loyalty")
OUTCOMES = ("yes", "no", "hard_to_say", "silent")
STAFF: tuple[Scope, ...] = ("office", "employee")
EVERYWHERE: tuple[Scope, ...] = ("office", "employee", "queue")
HALF = float(2**32)


class Index(NamedTuple):
    """One row of the catalogue."""

    name: str
    unit: Unit
    scopes: tuple[Scope, ...]
    help: str
    numerator: Weights
    base: Weights  # the denominator of a ratio
    divides: bool = True
    scale: int = 1


def _surveys(
    weights: Mapping[int, float] | None = None,
    questions: Iterable[int] = (c.PERSONNEL, c.OFFICE, c.LOYALTY),
    inside: Iterable[int] = (0, 1),
) -> dict[int, float]:
    """Weights of survey counters by outcome (all 1 by default), questions, and inside or outside a force majeure."""
    by_outcome = dict.fromkeys((c.YES, c.NO, c.HARD_TO_SAY, c.SILENT), 1.0) if weights is None else weights
    return {
        c.survey_code(question, outcome, in_force_majeure): weight
        for question in questions
        for outcome, weight in by_outcome.items()
        for in_force_majeure in inside
    }


def _ink_personnel_base(configuration: Configuration) -> dict[int, float]:
    base = _surveys(questions=[c.PERSONNEL], inside=[0])
    if configuration.force_majeure_excludes == "unfavourable":
        base |= _surveys({c.YES: 1.0, c.HARD_TO_SAY: 1.0}, [c.PERSONNEL], [1])
    elif configuration.force_majeure_excludes == "numerator":
        base |= _surveys(questions=[c.PERSONNEL], inside=[1])
    return base


def _survey_indices(configuration: Configuration) -> list[Index]:
    k = configuration.silent_weight
    unhappy = {c.NO: 1.0, c.SILENT: k}
    every = _surveys()
    return [
        Index(
            "ink_personnel",
            "ratio",
            STAFF,
            "Dissatisfaction with front-line staff: (no + weight x silent) / surveys, standing force majeures excluded.",
            _surveys(unhappy, [c.PERSONNEL], [0]),
            _ink_personnel_base(configuration),
        ),
        Index(
            "ink_office",
            "ratio",
            STAFF,
            "Dissatisfaction with the office and its processes: (no + weight x silent) / surveys.",
            _surveys(unhappy, [c.OFFICE]),
            _surveys(questions=[c.OFFICE]),
        ),
        Index(
            "iel",
            "ratio",
            STAFF,
            "Emotional loyalty, -1 to 1: yes / surveys - (no + weight x silent) / surveys.",
            _surveys({c.YES: 1.0, c.NO: -1.0, c.SILENT: -k}, [c.LOYALTY]),
            _surveys(questions=[c.LOYALTY]),
        ),
        Index(
            "precise_conversion",
            "ratio",
            STAFF,
            "Sales of a positive amount per survey.",
            {c.SALES: 1},
            every,
        ),
        Index(
            "visitor_coverage",
            "ratio",
            ("office",),
            "Surveys per visitor counted.",
            every,
            {c.VISITORS_LOW: 1, c.VISITORS_HIGH: HALF},
        ),
        Index(
            "force_majeure_level",
            "ratio",
            STAFF,
            "Share of surveys in a standing force majeure.",
            _surveys(inside=[1]),
            every,
        ),
        Index("silent_share", "ratio", STAFF, "Share of surveys left unanswered.", _surveys({c.SILENT: 1.0}), every),
        Index(
            "response_share",
            "ratio",
            STAFF,
            "Share of surveys answered.",
            _surveys({c.YES: 1.0, c.NO: 1.0, c.HARD_TO_SAY: 1.0}),
            every,
        ),
    ]


def _call_indices() -> list[Index]:
    serviceable = {c.OFFERED: 1.0, c.ABANDONED_SHORT: -1.0}
    offered = {c.OFFERED: 1.0}
    return [
        Index(
            "service_level",
            "ratio",
            EVERYWHERE,
            "Inbound calls answered in time / (offered - abandoned shortly).",
            {c.ANSWERED_IN_TIME: 1},
            serviceable,
        ),
        Index(
            "abandonment",
            "ratio",
            EVERYWHERE,
            "Inbound calls abandoned, but not shortly / (offered - abandoned shortly).",
            {c.ABANDONED_LATE: 1},
            serviceable,
        ),
        Index(
            "average_speed_of_answer_s",
            "seconds",
            EVERYWHERE,
            "Mean wait of answered inbound calls.",
            {c.WAIT_MS: 1},
            {c.ANSWERED_INBOUND: 1},
            scale=1000,
        ),
        Index(
            "average_handle_time_s",
            "seconds",
            EVERYWHERE,
            "Talk, hold and wrap of calls per answered call, every direction.",
            {c.HANDLE_MS: 1},
            {c.ANSWERED: 1},
            scale=1000,
        ),
        Index("calls_offered", "count", EVERYWHERE, "Inbound calls.", offered, offered, divides=False),
        Index(
            "calls_answered",
            "count",
            EVERYWHERE,
            "Inbound calls answered.",
            {c.ANSWERED_INBOUND: 1},
            offered,
            divides=False,
        ),
        Index(
            "calls_missed",
            "count",
            EVERYWHERE,
            "Inbound calls offered and not answered.",
            {c.OFFERED: 1, c.ANSWERED_INBOUND: -1},
            offered,
            divides=False,
        ),
        Index(
            "talk_s",
            "seconds",
            EVERYWHERE,
            "Talk time of calls, every direction.",
            {c.TALK_MS: 1},
            {c.CALLS: 1},
            divides=False,
            scale=1000,
        ),
    ]


def _sale_indices() -> list[Index]:
    events = {c.SALE_EVENTS: 1.0}
    return [
        Index("sales", "count", STAFF, "Sales of a positive amount.", {c.SALES: 1}, events, divides=False),
        Index(
            "revenue",
            "money",
            STAFF,
            "Sales less refunds, in minor units of the office's currency.",
            {c.REVENUE_LOW: 1, c.REVENUE_HIGH: HALF},
            events,
            divides=False,
        ),
        Index(
            "average_ticket",
            "money",
            STAFF,
            "Mean amount of a sale, refunds aside, in minor units of the office's currency.",
            {c.TICKETS_LOW: 1, c.TICKETS_HIGH: HALF},
            {c.SALES: 1},
        ),
    ]


def catalogue(configuration: Configuration) -> list[Index]:
    """Every index, in the order of publication."""
    return _survey_indices(configuration) + _call_indices() + _sale_indices()


def weight_matrix(rows: Iterable[Weights]) -> NDArray[np.float64]:
    """Weights as a matrix of shape (COUNTERS, indices), to be multiplied with counters from the left."""
    weights = list(rows)
    matrix = np.zeros((c.COUNTERS, len(weights)), np.float64)
    for column, row in enumerate(weights):
        for counter, weight in row.items():
            matrix[counter, column] = weight
    return matrix


def metric_name(scope: Scope, index: Index) -> str:
    """Name of an index in Prometheus, with the suffix of its unit."""
    suffix = {"ratio": "_ratio", "seconds": "_seconds", "count": "", "money": ""}[index.unit]
    return f"kqi_{scope}_{index.name.removesuffix('_s')}{suffix}"
