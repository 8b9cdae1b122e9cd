"""What an index is: a formula over additive counters, with its unit and who has it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from kernels.formulas import VALUE

EntityScope = Literal["office", "employee", "queue", "priority", "category"]
Scope = EntityScope | Literal["leader", "department", "pair"]
Unit = Literal["ratio", "seconds", "count", "money", "score", "text"]
Weights = Mapping[int, float]

QUESTIONS = ("personnel", "office", "loyalty")
OUTCOMES = ("yes", "no", "hard_to_say", "silent")
STAFF: tuple[Scope, ...] = ("office", "employee")
EVERYWHERE: tuple[Scope, ...] = ("office", "employee", "queue")
SELLING: tuple[Scope, ...] = ("office", "employee", "category")
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
    needs_base: bool = False  # without a base there is no value, though it does not divide
    kind: int = VALUE  # what is made of the sums: a code of kernels.formulas
    parameters: tuple[float, ...] = ()  # of that
    second: Weights | None = None  # the numerator's weights squared, where that needs their sum
    words: tuple[str, ...] = ()  # of a text, by its number
