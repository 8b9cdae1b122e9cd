"""By which indices employees can be compared, which side of each is the better one, and what a company sets for it."""

from math import isfinite
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

# Of indices that employees have. What is neither good nor bad by itself (how long a call takes, how many were asked) is not here.
BETTER: Final[dict[str, Literal["lower", "higher"]]] = {
    "ink_personnel": "lower",
    "ink_office": "lower",
    "iel": "higher",
    "precise_conversion": "higher",
    "silent_share": "lower",
    "response_share": "higher",
    "service_level": "higher",
    "abandonment": "lower",
    "average_speed_of_answer_s": "lower",
    "calls_answered": "higher",
    "calls_missed": "lower",
    "sales": "higher",
    "revenue": "higher",
    "average_ticket": "higher",
    "nps": "higher",
    "csat": "higher",
    "ces": "lower",
    "churn": "lower",
    "sla_first_response": "higher",
    "sla_on_site": "higher",
    "sla_resolved": "higher",
    "first_response_s": "lower",
    "resolution_s": "lower",
}


class ComparisonRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How employees are compared with their peers."""

    indices: tuple[str, ...] = ("ink_personnel", "service_level", "nps", "csat")
    min_employees: Annotated[int, Meta(ge=2, le=1_000_000)] = 5  # a group of fewer is not compared
    critical_points: dict[str, float] = {}  # by index


def faults(rules: ComparisonRules) -> list[str]:
    """What is wrong with the rules beyond their types, a sentence each."""
    found = [
        f"`comparison.indices` names {name}, by which employees are not compared: one of {', '.join(BETTER)}"
        for name in rules.indices
        if name not in BETTER
    ]
    if len(set(rules.indices)) < len(rules.indices):
        found.append("`comparison.indices` names an index twice")
    for name, point in rules.critical_points.items():
        if name not in rules.indices:
            found.append(f"`comparison.critical_points` has a point of {name}, which is not in `comparison.indices`")
        if not isfinite(point):
            found.append(f"`comparison.critical_points` of {name} must be a finite number")
    return found
