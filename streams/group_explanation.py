"""Why a leader's people or a department have their values: each of the people with their score; how many scores there are, and their sum.

Of ratings between departments nothing but the sums is told that the value shown tells anyway: single ones would tell who said what.
Where a value is hidden, so are they.
"""

from collections.abc import Mapping
from typing import Any, Final

from streams.departments import LEAST_RATERS, PARTICIPATION, SCORE, Told, told
from streams.evidence import Evidence
from streams.goal_indices import SCORE as KPI_SCORE
from streams.index import Index
from streams.numbers import number, shown

Listed = dict[str, Any]

_NO_VALUE: Final = {"value": None, "base": 0}


def of_leader(evidence: Evidence, office: str, leader: tuple[str, str], index: Index, window: int) -> Listed:
    """The mean score of a leader's people in an office, and the score of each.

    Parameters
    ----------
    leader
        Office and id.
    window
        Its place among the evidence's.
    """
    engine, partition = evidence.engine, evidence.partition
    values = engine.evaluation.values(partition)
    led = [
        each
        for each in engine.evaluation.leaders(partition, values.reached)
        if (each.office, each.leader) == (office, leader)
    ]
    if not led:
        return _NO_VALUE | {"formula": _formula(index, "nobody is known who reports to them"), "people": []}
    entities = partition.names.entities
    scores = values.reached.values[KPI_SCORE]
    people = [
        {"employee_id": name, "kpi_score": _known(float(scores[entity, window]))}
        for entity, (scope, where, name) in enumerate(entities)
        if scope == "employee" and where == office and leader in engine.directory.leaders_of(office, name)
    ]
    people.sort(key=lambda each: str(each["employee_id"]))
    found: Listed = {"value": _known(float(led[0].scores[window])), "base": int(led[0].people[window])}
    terms = " + ".join(shown(each["kpi_score"]) for each in people if each["kpi_score"] is not None)
    text = f"({terms or '0'}) / {found['base']} = {shown(found['value'])}"
    return found | {"formula": _formula(index, text), "people": people}


def _known(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - NaN: there is none


def of_department(
    evidence: Evidence, office: str, scope: str, labels: Mapping[str, str], index: Index, window: str
) -> Listed:
    """What a department, or one that rates another, is told of, as a sum and a number; nothing where that is hidden.

    Parameters
    ----------
    labels
        What names it beside its office, as in a row of a replay.
    """
    found = [each for each in _all(evidence) if (each.scope, each.office, each.measure) == (scope, office, index)]
    own = next((each for each in found if each.labels == labels and each.window == window), None)
    if own is None:
        text = f"no value: not rated, or hidden, as by fewer than {LEAST_RATERS} or since the difference to what is shown would be"
        return _NO_VALUE | {"formula": _formula(index, text)}
    return {"value": own.value, "base": own.base, "formula": _formula(index, _in_words(own))}


def _all(evidence: Evidence) -> list[Told]:
    engine, partition = evidence.engine, evidence.partition
    return told(
        engine.configuration,
        engine.directory,
        partition.names.groups,
        partition.peer_sums,
        partition.tables.window_begin_ms,
        partition.now.now_ms,
    )


def _in_words(own: Told) -> str:
    if own.measure is SCORE:
        return f"sum of scores {round(own.value * own.base):,} / {own.base:,} = {number(own.value)}"
    if own.measure is PARTICIPATION:
        return f"ratings given {round(own.value * own.base):,} / employees {own.base:,} = {number(own.value)}"
    return f"{number(own.value)} of {own.base:,} ratings"


def _formula(index: Index, text: str) -> Listed:
    return {"words": index.help, "text": text, "numerator": [], "denominator": None, "scale": 1}
