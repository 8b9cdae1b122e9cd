"""Index values as rows of a replay: one for every index of every scope that saw anything in a window, and what comparisons tell."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
from msgspec import UNSET, to_builtins
from numpy.typing import NDArray

from kernels.formulas import DIAGNOSIS, REPRESENTATIVE
from kernels.layout import OPEN_NOW, OVERDUE_NOW
from streams.comparison import NOWHERE, Comparing
from streams.departments import told as told_of_departments
from streams.engine import Engine
from streams.evaluation import Values
from streams.goal_indices import SCORE
from streams.goals import Led
from streams.index import Index, Scope, Weights
from streams.names import Entity
from streams.outputs import Behind, IndexValue
from streams.partition import Partition
from streams.trust import MAIN, last_asked, reasons_of

Row = dict[str, Any]
NAMED_SCOPES: tuple[Scope, ...] = ("queue", "priority", "category")  # whose name stands under theirs in a row
REQUESTED_NOW: tuple[Scope, ...] = ("office", "priority")  # scopes that have requests open now
_EXACT = 2.0**53  # up to here a double holds every integer


def rows(engine: Engine, partition: Partition) -> Iterator[Row]:
    """Rows as ``kqi replay --format json`` prints them, offices first, by name."""
    held = engine.evaluation.values(partition)
    beside_peers = _beside_peers(engine, partition)
    asked_ms = partition.asked_ms
    for entity, number in sorted(zip(partition.names.entities, count()), key=_place):
        scope, office, name = entity
        if scope == "nameless":
            continue
        asked = asked_ms[partition.offices_of[number]]
        for window, label in enumerate(engine.configuration.windows):
            for index, told in told_of(engine, held, number, window, scope, asked):
                row: Row = {"scope": scope, "office_id": office, "employee_id": name if scope == "employee" else None}
                if scope in NAMED_SCOPES:
                    row[scope] = name
                row |= {"window": label, "index": index.name, "value": told.value, "base": told.base}
                if told.reasons is not UNSET:
                    row["reasons"] = told.reasons
                if told.numbers is not UNSET:
                    row["numbers"] = to_builtins(told.numbers)
                yield row
            yield from beside_peers.get((number, label), ())
        yield from _requests_now(partition, entity, number)
    for led in engine.evaluation.leaders(partition, held.reached):
        yield from _of_leader(led, engine.configuration.windows)
    yield from _of_departments(engine, partition)


def _of_leader(led: Led, windows: tuple[str, ...]) -> Iterator[Row]:
    """Rows of a leader's people in one office."""
    office, leader = led.leader
    for window, score, people in zip(windows, led.scores.tolist(), led.people.tolist(), strict=True):
        if people:
            row = {"scope": "leader", "office_id": led.office, "employee_id": leader, "leader_office": office}
            yield row | {"window": window, "index": SCORE, "value": score, "base": people}


def _of_departments(engine: Engine, partition: Partition) -> Iterator[Row]:
    """Rows of what departments think of each other, as far as it may be shown."""
    for each in told_of_departments(
        engine.configuration,
        engine.directory,
        partition.names.groups,
        partition.peer_sums,
        partition.tables.window_begin_ms,
        partition.now.now_ms,
    ):
        row = {"scope": each.scope, "office_id": each.office, "employee_id": None, **each.labels}
        yield row | {"window": each.window, "index": each.measure.name, "value": each.value, "base": each.base}


def _beside_peers(engine: Engine, partition: Partition) -> dict[tuple[int, str], list[Row]]:
    """Rows of how employees do beside their peers, by entity and window; the partition is the whole company."""
    comparing = Comparing(engine.configuration)
    peers = comparing.peers(engine, partition)
    found = {}
    for window, label in enumerate(engine.configuration.windows):
        (told,) = comparing.deviations([window], [peers], NOWHERE)
        for number, values, bases in zip(
            peers.entities.tolist(), told.values[:, 0], told.bases[:, 0].tolist(), strict=True
        ):
            _, office, name = partition.names.entities[number]
            scope = {"scope": "employee", "office_id": office, "employee_id": name, "window": label}
            found[number, label] = [
                scope | {"index": index.name, "value": value_of(value, index, ()), "base": base}
                for index, value, base in zip(comparing.indices, values.tolist(), bases, strict=True)
                if base
            ]
    return found


def _requests_now(partition: Partition, entity: Entity, number: int) -> Iterator[Row]:
    """Rows of the requests that are open now, where any is; they are of no window."""
    scope, office, name = entity
    tables = partition.tables
    now = tables.request_now[tables.request_rows[number]].tolist()
    if scope not in REQUESTED_NOW or not now[OPEN_NOW]:
        return
    priority = {"priority": name} if scope == "priority" else {}
    for index, value in (("requests_open", now[OPEN_NOW]), ("requests_overdue", now[OVERDUE_NOW])):
        row = {"scope": scope, "office_id": office, "employee_id": None, **priority}
        yield row | {"window": None, "index": index, "value": value, "base": now[OPEN_NOW]}


def told_of(
    engine: Engine, held: Values, row: int, window: int, scope: str, asked_ms: NDArray[np.int64]
) -> Iterator[tuple[Index, IndexValue]]:
    """What is told of one entity in one window: of each index its value, its base and what there is to say of it.

    Parameters
    ----------
    held, row
        Values, and the entity's row in them; nothing is told where nothing was counted.
    asked_ms
        When each question was last asked in the entity's office, (questions,).
    """
    if not held.seen[row, window]:
        return
    values, bases = held.values[row, window].tolist(), held.bases[row, window].tolist()
    counters = held.totals[row, window]
    for at, index in enumerate(engine.evaluation.indices):
        if scope not in index.scopes:
            continue
        told = IndexValue(value_of(values[at], index, counters), whole(bases[at], index.base, counters))
        if index.kind == REPRESENTATIVE:
            told.reasons = reasons_of(int(held.reasons[row, window, int(index.parameters[0])]))
        elif index.kind == DIAGNOSIS:
            told.numbers = _behind(engine, values, asked_ms.tolist())
        yield index, told


def _behind(engine: Engine, values: list[float], asked_ms: list[int]) -> Behind:
    """What a diagnosis rests on."""
    known = {
        index.name: None if np.isnan(value) else value
        for index, value in zip(engine.evaluation.indices, values, strict=True)
    }
    configuration = engine.configuration
    return Behind(
        ink_personnel=known["ink_personnel"],
        ink_office=known["ink_office"],
        iel=known["iel"],
        reference={name: getattr(configuration.reference, name) for name in MAIN},
        margin=configuration.diagnosis_margin,
        last_asked=last_asked(asked_ms),
    )


def _place(item: tuple[tuple[str, str, str], int]) -> tuple[str, int, str]:
    (scope, office, name), _ = item
    return office, ("office", "employee", "queue", "priority", "category", "nameless").index(scope), name


def value_of(value: float, index: Index, counters: Any) -> float | int | str | None:
    """A value as it is given out: an integer where it counts, a word where it is a text, None for NaN."""
    if value != value:  # noqa: PLR0124 - NaN: the index has no value
        return None
    if index.words:
        return index.words[int(value)]
    if index.unit in ("count", "money") and not index.divides:
        return whole(value, index.numerator, counters)
    return value


def whole(value: float, weights: Weights, counters: Any) -> int:
    """A sum of counters as an integer, exact even where a double is not."""
    if abs(value) < _EXACT:
        return int(value)
    return sum(int(weight) * int(counters[counter]) for counter, weight in weights.items())
