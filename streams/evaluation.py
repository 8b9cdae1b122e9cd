"""The values of the indices: what the counters of a partition make of them, under one configuration and directory."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.formulas import PARAMETERS, Formulas, formulas
from kernels.indices import evaluate
from kernels.layout import NONE, QUESTIONS
from kernels.trust import Grounds, Standards, judge_offices
from streams.catalogue import catalogue, weight_matrix
from streams.configuration import Configuration
from streams.directory import Directory
from streams.goals import NOTHING_REACHED, GoalBook, Goals, Led, Reached
from streams.index import Index
from streams.partition import Partition
from streams.totals import EVERY
from streams.trust import LEVEL, MAIN, office_standards, standards


class Values(NamedTuple):
    """Indices of a partition's entities at its now."""

    values: NDArray[np.float64]  # (entities, windows, indices), NaN for no value
    bases: NDArray[np.float64]  # the same shape
    seen: NDArray[np.bool_]  # (entities, windows): whether anything was counted; there is no value where nothing was
    reasons: NDArray[np.uint8]  # (entities, windows, QUESTIONS) against main indices, as flags
    totals: NDArray[np.int64]  # (entities, windows, COUNTERS)
    reached: Reached  # of plans and matrices; stands among the values, too


def formulas_of(indices: Iterable[Index], asked: Standards) -> Formulas:
    """Indices as the kernels see them; where the main ones are among them, they are held against what is asked."""
    rows = list(indices)
    divides = np.array([index.divides for index in rows])
    places = {index.name: at for at, index in enumerate(rows)}
    is_judged = places.keys() >= {*MAIN, LEVEL}
    parameters = np.zeros((len(rows), PARAMETERS))
    for row, index in zip(parameters, rows, strict=True):
        row[: len(index.parameters)] = index.parameters
    return formulas(
        weight_matrix(index.numerator for index in rows),
        weight_matrix(index.base for index in rows),
        divides=divides,
        has_base=np.array([index.divides or index.needs_base for index in rows]),
        scales=np.array([index.scale for index in rows], np.float64),
        kinds=np.array([index.kind for index in rows], np.int64),
        seconds=weight_matrix(index.second or index.numerator for index in rows),
        parameters=parameters,
        main=np.array([places[name] for name in MAIN] if is_judged else [], np.int64),
        level=places[LEVEL] if is_judged else NONE,
        standards=asked,
    )


class Evaluation:
    """The indices under one configuration, and the directory in force."""

    def __init__(self, configuration: Configuration, directory: Directory) -> None:
        self.configuration = configuration
        self.indices: list[Index] = catalogue(configuration)
        self.formulas = formulas_of(self.indices, standards(configuration))
        self.direct(directory)

    def direct(self, directory: Directory) -> None:
        """Put another directory in force."""
        self.directory = directory
        self.goals = Goals(directory, self.indices, self.configuration.windows)
        self._goal_formulas = formulas_of(self.goals.needed, standards(self.configuration))

    def totals(self, partition: Partition, entities: NDArray[np.int64] | slice = EVERY) -> NDArray[np.int64]:
        """Counters of entities as they are now, (entities, windows, COUNTERS)."""
        return partition.counters().totals(entities)

    def grounds(self, partition: Partition) -> Grounds:
        """What offices give for reasons to their indices and their employees', by the partition's counters."""
        offices = np.array(partition.names.offices, np.int64)
        totals = self.totals(partition, offices)
        flags = np.empty((offices.size, totals.shape[1], QUESTIONS), np.uint8)
        judge_offices(
            totals,
            np.arange(offices.size),
            *office_standards(self.configuration, self.directory, partition.office_ids),
            partition.asked_ms,
            partition.now.now_ms,
            round(self.configuration.asked_within_s * 1000),
            flags,
        )
        return Grounds(np.array(partition.offices_of, np.int32), flags)

    def values(self, partition: Partition) -> Values:
        """Every index of every entity in every window."""
        entities = np.arange(len(partition.names.entities))
        return self.values_of(partition, entities, self.totals(partition), self.grounds(partition))

    def values_of(
        self, partition: Partition, entities: NDArray[np.int64], totals: NDArray[np.int64], grounds: Grounds
    ) -> Values:
        """Every index of some entities for counters of (entities, windows, COUNTERS), and what their offices give for reasons."""
        evaluated = evaluate(totals, self.formulas, grounds)
        reached = self.reached(partition, entities, totals, grounds)
        for at, index in enumerate(self.indices):
            if index.name in reached.values:
                evaluated.values[:, :, at] = reached.values[index.name]
                evaluated.bases[:, :, at] = reached.bases[index.name]
        return Values(*evaluated, totals, reached)

    def reached(
        self, partition: Partition, entities: NDArray[np.int64], totals: NDArray[np.int64], grounds: Grounds
    ) -> Reached:
        """What entities reached of plans and matrices, as of now."""
        if not self.goals.are_any:
            return NOTHING_REACHED
        book = self._book(partition)
        now_ms, begins_ms = partition.now.now_ms, partition.tables.window_begin_ms
        return self.goals.reached(book, self._goal_formulas, entities, totals, grounds, now_ms, begins_ms)

    def asked(self, partition: Partition) -> NDArray[np.int64]:
        """Of whom plans or matrices ask something, (n,) entities."""
        return np.array(self._book(partition).asked if self.goals.are_any else [], np.int64)

    def _book(self, partition: Partition) -> GoalBook:
        partition.goal_book = self.goals.book(partition.goal_book, partition.names.entities)
        return partition.goal_book

    def leaders(self, partition: Partition, reached: Reached) -> list[Led]:
        """The scores of leaders' people, of what all entities of a partition reached."""
        if partition.goal_book is None or not reached.values:
            return []
        return self.goals.leaders(partition.goal_book, reached)
