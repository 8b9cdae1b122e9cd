"""The metrics of each scope that follow from counters: their names, formulas and the beginnings of their lines."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from agents.text_format import head
from kernels.formulas import DIAGNOSIS, ELSEWHERE, Formulas
from kernels.layout import survey_code
from streams.catalogue import catalogue, metric_name
from streams.configuration import Configuration
from streams.evaluation import formulas_of
from streams.index import OUTCOMES, QUESTIONS, STAFF, Index, Scope, Weights
from streams.trust import each_diagnosis, each_reason, standards

# Of offices: means over offices are weighted by what these rest on; others have it as a metric of its own.
WITH_BASE = ("ink_personnel", "ink_office", "iel", "silent_share", "service_level", "churn")
SURVEYS, UNREPRESENTATIVE = "surveys", "unrepresentative"


class Metrics:
    """The metrics of one scope: each has a formula, and a beginning of its lines."""

    def __init__(self, configuration: Configuration, scope: Scope) -> None:
        self._scope = scope
        self._rows: list[Index] = []
        self.beginnings: list[bytes] = []
        self.places: dict[str, range] = {}  # of the metrics of each family
        self.goals: dict[str, int] = {}  # the metrics of indices that take more than counters, by name
        for index in catalogue(configuration):
            if scope in index.scopes:
                self._add_index(index)
                if scope == "office" and index.name in WITH_BASE:
                    self._add(f"{index.name}_base", [_base(index)], [""])
        if scope in STAFF:
            surveys = _survey_counts()
            labels = [f'question="{question}",outcome="{each}",' for question in QUESTIONS for each in OUTCOMES]
            self._add(SURVEYS, surveys, labels)
            reasons = each_reason()
            self._add(UNREPRESENTATIVE, reasons.values(), [f'index="{i}",reason="{each}",' for i, each in reasons])
        self.formulas: Formulas = formulas_of(self._rows, standards(configuration))
        self.formulas.has_base[self.places.get(SURVEYS, range(0))] = True

    def _add_index(self, index: Index) -> None:
        family = metric_name(self._scope, index).removeprefix(f"kqi_{self._scope}_")
        if index.kind == DIAGNOSIS:
            self._add(family, each_diagnosis(index), [f'{index.name}="{word}",' for word in index.words])
        else:
            self._add(family, [index], [""])
            if index.kind == ELSEWHERE:
                self.goals[index.name] = self.places[family].start

    def _add(self, family: str, rows: Iterable[Index], labels: list[str]) -> None:
        """Add the metrics of a family; their labels are those that they have besides those of all."""
        self.places[family] = range(len(self._rows), len(self._rows) + len(labels))
        self._rows += rows
        self.beginnings += [f"kqi_{self._scope}_{family}{{{label}".encode() for label in labels]


class Family(NamedTuple):
    """The metrics of one name in one scope."""

    scope: Scope
    head: bytes
    metrics: list[tuple[int, bytes]]  # the place of each, and the beginning of its lines


def families(indices: Iterable[Index], metrics: Mapping[Scope, Metrics]) -> list[Family]:
    """All families, in the order of the text."""
    named = [(scope, metric_name(scope, each), each.help) for each in indices for scope in each.scopes]
    named += [(scope, f"kqi_{scope}_{SURVEYS}", "Valid surveys by question and outcome.") for scope in STAFF]
    named += [
        (scope, f"kqi_{scope}_{UNREPRESENTATIVE}", "1 for each reason why an index is not representative.")
        for scope in STAFF
    ]
    named += [("office", f"kqi_office_{name}_base", f"What {name} rests on.") for name in WITH_BASE]
    return [
        Family(
            scope,
            head(name, text),
            [
                (place, metrics[scope].beginnings[place])
                for place in metrics[scope].places[name.removeprefix(f"kqi_{scope}_")]
            ],
        )
        for scope, name, text in named
        if scope in metrics
    ]


def _base(index: Index) -> Index:
    return Index(f"{index.name}_base", "count", ("office",), "", index.base, index.base, divides=False, needs_base=True)


def _survey_counts() -> list[Index]:
    """Counts of surveys by question and outcome; all of them have a value where there is any survey."""
    counts: list[Weights] = [
        {survey_code(question, outcome, 0): 1.0, survey_code(question, outcome, 1): 1.0}
        for question in range(len(QUESTIONS))
        for outcome in range(len(OUTCOMES))
    ]
    every = {counter: weight for count in counts for counter, weight in count.items()}
    return [Index("surveys", "count", STAFF, "", count, every, divides=False) for count in counts]
