"""What the directory asks of people, and what they reached of it: attainment of plans, scores by matrices.

The score of an employee is the sum over the lines of their matrix of

    weight x share,    share = (fact - base) / (goal - base), clipped to the line's ends (0 and 1)

so that an index of which less is better has a goal below its base. Where a fact has no value, nor has the score: nobody's pay
may hang on a question that was not asked. A leader has the mean of the scores of all who report to them, directly or through
others, each counting once; those of other offices stand apart, since each office is counted by itself.

All of it follows from the values of the moment, so that it is corrected with them.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.formulas import Formulas
from kernels.indices import evaluate
from kernels.layout import NONE
from kernels.trust import Grounds
from streams.directory import Directory, Matrix
from streams.goal_indices import ATTAINMENTS, PLANNED, SCORE
from streams.index import Index
from streams.names import Entity
from streams.plans import PlanBook

Values = NDArray[np.float64]


class Reached(NamedTuple):
    """Values and bases of the indices of goals, by name, (entities, windows), NaN for no value; of no index where there are no goals."""

    values: dict[str, Values]
    bases: dict[str, Values]


class Led(NamedTuple):
    """The score of a leader's people in one office."""

    office: str  # the people's
    leader: tuple[str, str]  # office and id
    scores: Values  # (windows,) NaN where nobody has one
    people: NDArray[np.int64]  # (windows,) how many have one


NOTHING_REACHED: Final = Reached({}, {})


class GoalBook:
    """Of whom in a partition something is asked, and what."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.known = 0  # entities that were looked at
        self.asked: list[int] = []  # those of whom something is asked, ascending
        self.plans = PlanBook(directory)
        self.members: dict[str, list[int]] = {}  # employees by matrix
        self.led: dict[tuple[str, tuple[str, str]], list[tuple[str, int]]] = {}  # by office and leader: names, numbers

    def enter(self, entities: Sequence[Entity]) -> None:
        """Take note of the entities that were named since."""
        for number, entity in enumerate(entities[self.known :], self.known):
            matrix = None
            if entity[0] == "employee":
                _, office, name = entity
                matrix = self.directory.matrix_of(office, name)
                if matrix is not None:
                    self.members.setdefault(matrix.id, []).append(number)
                    for leader in self.directory.leaders_of(office, name):
                        self.led.setdefault((office, leader), []).append((name, number))
            if matrix is not None or entity in self.directory.plans:
                self.asked.append(number)
            self.plans.enter(number, entity)
        self.known = len(entities)


class Goals:
    """What a directory asks."""

    def __init__(self, directory: Directory, indices: Iterable[Index], windows: Sequence[str]) -> None:
        self.directory = directory
        self._windows = windows
        facts = {line.index for matrix in directory.matrices.values() for line in matrix.lines}
        self.needed: list[Index] = [index for index in indices if index.name in facts.union(PLANNED) - {*ATTAINMENTS}]

    @property
    def are_any(self) -> bool:
        """Whether anything is asked of anybody."""
        return bool(self.directory.plans or self.directory.matrices)

    def book(self, before: GoalBook | None, entities: Sequence[Entity]) -> GoalBook:
        """The book of a partition's entities, the one before if it is of this directory."""
        book = before if before is not None and before.directory is self.directory else GoalBook(self.directory)
        book.enter(entities)
        return book

    def reached(
        self,
        book: GoalBook,
        formulas: Formulas,
        entities: NDArray[np.int64],
        totals: NDArray[np.int64],
        grounds: Grounds,
        now_ms: int,
        begins_ms: NDArray[np.int64],
    ) -> Reached:
        """What entities reached.

        Parameters
        ----------
        formulas
            Of the indices that are needed.
        entities
            Numbers, (n,).
        totals, grounds
            As of :func:`kernels.indices.evaluate`, of these entities.
        now_ms, begins_ms
            Where windows end and begin.
        """
        place = np.full(book.known, NONE, np.int64)  # of each entity among those given
        place[entities] = np.arange(entities.size)
        asked = np.array(book.asked, np.int64)
        asked = asked[place[asked] != NONE]
        rows = place[asked]
        found = evaluate(totals[rows], formulas, grounds._replace(office_of=grounds.office_of[rows]))
        facts = {index.name: found.values[:, :, at] for at, index in enumerate(self.needed)}

        everyone = np.full((book.known, begins_ms.size, len(PLANNED)), np.nan)
        planned = book.plans.planned(now_ms, begins_ms)
        everyone[planned.entities] = planned.amounts
        amounts = everyone[asked]
        bases = {}
        for column, (name, attainment) in enumerate(zip(PLANNED, ATTAINMENTS, strict=True)):
            facts[attainment] = facts[name] / amounts[:, :, column]
            bases[attainment] = np.rint(np.nan_to_num(amounts[:, :, column]))
        place[...] = NONE
        place[asked] = np.arange(asked.size)
        facts[SCORE], bases[SCORE] = self._scores(book, place, facts, found.seen.shape)
        names = (*ATTAINMENTS, SCORE)
        shape = (entities.size, begins_ms.size)
        return Reached(
            {name: _spread(facts[name], rows, np.full(shape, np.nan)) for name in names},
            {name: _spread(bases[name], rows, np.zeros(shape)) for name in names},
        )

    def _scores(
        self, book: GoalBook, place: NDArray[np.int64], facts: dict[str, Values], shape: tuple[int, ...]
    ) -> tuple[Values, Values]:
        """Scores of those of whom something is asked, and how many facts of each have a value."""
        scores, known = np.full(shape, np.nan), np.zeros(shape)
        for name, members in book.members.items():
            matrix = self.directory.matrices[name]
            at = place[np.array(members, np.int64)]
            at = at[at != NONE]
            total, count = np.zeros((at.size, shape[1])), np.zeros((at.size, shape[1]))
            for line in matrix.lines:
                fact = facts[line.index][at]
                total += line.weight * np.clip((fact - line.base) / (line.goal - line.base), *line.clip)
                count += ~np.isnan(fact)
            elsewhere = self._not_of(matrix)
            total[:, elsewhere], count[:, elsewhere] = np.nan, 0
            scores[at], known[at] = total, count
        return scores, known

    def _not_of(self, matrix: Matrix) -> NDArray[np.bool_]:
        """Windows that a matrix is not for, (windows,)."""
        return np.array([matrix.window not in (None, window) for window in self._windows], np.bool_)

    def leaders(self, book: GoalBook, reached: Reached) -> list[Led]:
        """The scores of leaders' people, of what all entities of a partition reached; by office and leader."""
        found = []
        for (office, leader), people in sorted(book.led.items()):
            scores = reached.values[SCORE][[number for _, number in sorted(people)]]
            counts = np.count_nonzero(~np.isnan(scores), axis=0)
            mean = np.where(counts > 0, np.nansum(scores, axis=0) / np.maximum(counts, 1), np.nan)
            found.append(Led(office, leader, mean, counts))
        return found


def _spread(some: Values, rows: NDArray[np.int64], whole: Values) -> Values:
    """Values of some rows entered in all."""
    whole[rows] = some
    return whole
