"""Why a main index may be believed or not, and why the cause lies where it does: each reason with the numbers compared.

The engine decides; here its reasons are put beside what they rest on.
"""

from typing import Any, Final, NamedTuple

from msgspec import UNSET, to_builtins

from kernels.formulas import DIAGNOSIS, REPRESENTATIVE
from streams.evidence import Evidence
from streams.formula import terms
from streams.index import QUESTIONS, Index
from streams.numbers import number, shown
from streams.outputs import Behind, IndexValue
from streams.results import told_of
from streams.trust import LEVEL, MAIN, office_standard

Listed = dict[str, Any]

JUDGED: Final = (REPRESENTATIVE, DIAGNOSIS)
_CONTROLLED: Final = {"coverage": "visitor_coverage", "conversion": "precise_conversion"}


class Whose(NamedTuple):
    """Whose values are explained, and in which window."""

    scope: str
    entity: int  # number
    name: str
    office: int  # number of the office's entity
    office_id: str
    window: int  # its place among the evidence's

    def of_office(self) -> "Whose":
        """The same of the office."""
        return self._replace(scope="office", entity=self.office, name="")


class Values:
    """What is told of an office and of who works there, as evidence has it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self._engine = evidence.engine
        self._held = evidence.engine.evaluation.values(evidence.partition)
        self._asked_ms = evidence.partition.asked_ms

    def totals(self, whose: Whose) -> Any:
        """Counters, (COUNTERS,)."""
        return self._held.totals[whose.entity, whose.window]

    def last_asked_ms(self, whose: Whose, question: int) -> int | None:
        """When a question was last asked in the office; None where nothing is known of it."""
        asked_ms = int(self._asked_ms[self.evidence.partition.offices_of[whose.office], question])
        return None if asked_ms < 0 else asked_ms

    def told(self, whose: Whose) -> dict[str, IndexValue]:
        """What is told by the names of indices; nothing where nothing was counted."""
        asked_ms = self._asked_ms[self.evidence.partition.offices_of[whose.entity]]
        found = told_of(self._engine, self._held, whose.entity, whose.window, whose.scope, asked_ms)
        return {index.name: each for index, each in found}


def judgement(values: Values, whose: Whose, index: Index) -> Listed:
    """What a judged index rests on, and its formula; nothing but that where nothing was counted."""
    found = values.told(whose)
    own = found.get(index.name)
    parts: Listed = {}
    if own is None:
        text = "no value: nothing was counted"
    elif index.kind == REPRESENTATIVE:
        parts = _representative(values, whose, found, MAIN[int(index.parameters[0])])
        text = f"{shown(own.value)}: {', '.join(parts['reasons']) or 'no reason against it'}"
    else:
        main = [{"index": name, "value": found[name].value, **_judged(values, whose, found, name)} for name in MAIN]
        assert own.numbers is not UNSET
        parts = {"main": main, "numbers": to_builtins(own.numbers)}
        text = _comparison(str(own.value), own.numbers, main)
    totals = values.totals(whose)
    return {
        "formula": {
            "words": index.help,
            "text": text,
            "numerator": terms(index.numerator, totals),
            "denominator": terms(index.base, totals),
            "scale": index.scale,
        },
        **parts,
    }


def _judged(values: Values, whose: Whose, found: dict[str, IndexValue], name: str) -> Listed:
    own = found[f"{name}_representative"]
    return {"base": own.base, "representative": own.value, **_representative(values, whose, found, name)}


def _representative(values: Values, whose: Whose, found: dict[str, IndexValue], name: str) -> Listed:
    """The reasons against a main index, and all that was compared to find them."""
    engine = values.evidence.engine
    configuration = engine.configuration
    own = found[f"{name}_representative"]
    assert own.reasons is not UNSET
    by, limits = office_standard(configuration, engine.directory.offices.get(whose.office_id))
    question = MAIN.index(name)
    asked_ms = values.last_asked_ms(whose, question)
    ago_s = None if asked_ms is None else (values.evidence.now.now_ms - asked_ms) / 1000
    at_office = f" of office {whose.office_id}"
    level_max = configuration.force_majeure_level_max
    checks: list[Listed] = [
        _check("too_few_surveys", f"base of {name}", own.base, (configuration.min_surveys, None), "min_surveys"),
        _check("force_majeure", LEVEL, found[LEVEL].value, (None, level_max), "force_majeure_level_max"),
        _check(
            "not_asked_lately",
            f"seconds since {QUESTIONS[question]} was last asked",
            ago_s,
            (None, configuration.asked_within_s),
            "asked_within_s",
        )
        | {"last_asked": asked_ms},
    ]
    if by in _CONTROLLED:
        # An employee's reason is the office's: of whom nothing but an employee is known, there is an office, too.
        office = values.told(whose.of_office())
        control = _CONTROLLED[by]
        checks.insert(1, _check(by, control + at_office, office[control].value, limits, f"{by}_limits"))
    reasons: list[str] = own.reasons
    return {"reasons": reasons, "checks": [each | {"applies": each["reason"] in reasons} for each in checks]}


def _check(reason: str, of: str, value: Any, limits: tuple[float | None, float | None], setting: str) -> Listed:
    least, greatest = limits
    wanted = [f"{word} {number(end)}" for word, end in (("at least", least), ("at most", greatest)) if end is not None]
    return {
        "reason": reason,
        "of": of,
        "value": value,
        "least": least,
        "greatest": greatest,
        "setting": setting,
        "text": f"{of}: {shown(value)}, {' and '.join(wanted)} ({setting})",
    }


def _comparison(diagnosis: str, numbers: Behind, main: list[Listed]) -> str:
    """Which line of the method holds, with the numbers put in."""
    if diagnosis == "not_enough_data":
        against = (f"{each['index']}: {', '.join(each['reasons'])}" for each in main if each["reasons"])
        return f"{diagnosis}: {'; '.join(against)}"
    p, o, iel = (shown(each["value"]) for each in main)
    limits = {name: number(value) for name, value in numbers.reference.items()}
    margin = number(numbers.margin)
    fine = f"ink_personnel {p} <= {limits['ink_personnel']} and ink_office {o} <= {limits['ink_office']}"
    above = f"ink_office {o} > ink_personnel {p} + {margin}"
    theirs = f"ink_personnel {p} >= ink_office {o} - {margin} and ink_personnel {p} > {limits['ink_personnel']}"
    lines = {
        "product_or_price": f"{fine}, and iel {iel} < {limits['iel']}",
        "well": f"{fine}, and iel {iel} >= {limits['iel']}",
        "office_and_processes": f"not ({fine}); {above}",
        "personnel": f"not ({fine}); not {above}; {theirs}",
        "unclear": f"not ({fine}); not {above}; not ({theirs})",
    }
    return f"{diagnosis}: {lines[diagnosis]}"
