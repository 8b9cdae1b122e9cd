"""Why somebody reached so much of a plan or a matrix: the plans with their working time, the lines with their facts."""

from typing import Any

from streams.directory import Directory, Line, Plan
from streams.formula import sum_in_words, terms
from streams.goal_indices import ATTAINMENTS, PLANNED, SCORE
from streams.index import Index
from streams.judgement import Values, Whose
from streams.numbers import number, shown
from streams.outputs import IndexValue
from streams.periods import parse_period

Listed = dict[str, Any]

_HOUR_MS = 3_600_000


def goal(values: Values, whose: Whose, index: Index) -> Listed:
    """The formula of an index of goals with its numbers, and what it rests on."""
    found = values.told(whose)
    if index.name == SCORE:
        parts, text = _score(values, whose, found)
        numerator = []
    else:
        numerator = terms(index.numerator, values.totals(whose))
        parts, text = _attainment(values, whose, index, sum_in_words(numerator))
    value = _value(found, index, parts)
    return {
        "formula": {
            "words": index.help,
            "text": f"{text} = {value}" if text else value,
            "numerator": numerator,
            "denominator": None,
            "scale": 1,
        },
        **parts,
    }


def _value(found: dict[str, IndexValue], index: Index, parts: Listed) -> str:
    """The value in words; why there is none, where plans are the reason."""
    if index.name not in found:
        return "no value: nothing was counted"
    value = found[index.name].value
    if value is not None or index.name == SCORE:
        return shown(value)
    if found[index.name].base:  # what is planned is known
        return "no value: no margin was stated"
    if not any(plan["inside_ms"] for plan in parts["plans"]):
        return "no value: no working time of the window lies in a plan"
    return "no value: some working time of the window lies in no plan"


def _attainment(values: Values, whose: Whose, index: Index, sold: str) -> tuple[Listed, str]:
    evidence = values.evidence
    begin_ms = int(evidence.partition.tables.window_begin_ms[whose.window])
    entity = evidence.partition.names.entities[whose.entity]
    amount = f"{PLANNED[ATTAINMENTS.index(index.name)]}_minor"
    plans = [each for each in evidence.engine.directory.plans.get(entity, ()) if getattr(each, amount) is not None]
    listed = [_plan(evidence.engine.directory, plan, amount, begin_ms, evidence.now.now_ms) for plan in plans]
    bearing = [each for each in listed if each["inside_ms"]]
    planned = " + ".join(
        f"{each['amount']:,} x {number(each['inside_ms'] / _HOUR_MS)} h / {number(each['working_ms'] / _HOUR_MS)} h"
        for each in bearing
    )
    return {"plans": listed}, f"({sold}) / ({planned or '0'})"


def _plan(directory: Directory, plan: Plan, amount: str, begin_ms: int, now_ms: int) -> Listed:
    """A plan, its working time, and how much of that lies in the window."""
    period = parse_period(plan.period)
    first, following = period.first, period.following
    own = directory.employees.get((plan.office, plan.employee)) if plan.employee is not None else None
    if own is not None:
        first = max(first, own.from_ or first)
        following = min(following, own.following or following)
    zone, hours = directory.zone_of(plan.office), directory.hours_of(plan.office)
    from_ms, to_ms = zone.day_begin_ms(first), zone.day_begin_ms(following)
    return {
        "period": plan.period,
        "from": from_ms,
        "to": to_ms,
        "amount": getattr(plan, amount),
        "working_ms": hours.open_ms(from_ms, to_ms),
        "inside_ms": hours.open_ms(max(from_ms, begin_ms), min(to_ms, now_ms)),
    }


def _score(values: Values, whose: Whose, found: dict[str, IndexValue]) -> tuple[Listed, str]:
    evidence = values.evidence
    _, office, employee = evidence.partition.names.entities[whose.entity]
    matrix = evidence.engine.directory.matrix_of(office, employee)
    window = evidence.engine.configuration.windows[whose.window]
    if matrix is None or matrix.window not in (None, window):
        return {"matrix": None if matrix is None else matrix.id, "lines": []}, ""
    lines = [_line(line, found) for line in matrix.lines]
    text = " + ".join(f"{number(each['weight'])} x {shown(each['share'])}" for each in lines)
    return {"matrix": matrix.id, "lines": lines}, text


def _line(line: Line, found: dict[str, IndexValue]) -> Listed:
    fact: Any = found[line.index].value if line.index in found else None
    share = None
    if fact is not None:
        share = min(max((fact - line.base) / (line.goal - line.base), line.clip[0]), line.clip[1])
    return {
        "index": line.index,
        "fact": fact,
        "base": line.base,
        "goal": line.goal,
        "clip": line.clip,
        "weight": line.weight,
        "share": share,
    }
