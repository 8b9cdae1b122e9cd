"""What an index is: a formula over additive counters, with its unit and who has it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

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
