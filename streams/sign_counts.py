"""Signs of gaming, counted when they are read: from the presses, facts and force majeures in a partition's tables, as of now.

The same numbers as :mod:`streams.signs` works out of events, by other means: kernels over rows, in pieces, with nothing kept beside the
tables. Only of employees without a name of their own less is told, since nobody knows which of them did what.
"""

from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import FACTS, FORCE_MAJEURES, PRESSES, SWEEPS, Tables
from kernels.moments import MOMENT_ROW, count_facts, count_presses, order_moments, place_facts, place_presses
from kernels.signs import BASE, ODD, SIGN_CODES, judge_force_majeures, judge_people, sum_up
from streams.engine import Engine
from streams.partition import Partition

ROWS_AT_ONCE = 100_000  # of presses or facts, some milliseconds
DECLARED_AT_ONCE = 10_000  # force majeures: each looks for the presses before it


class SignCounts(NamedTuple):
    """What was counted of each entity in each window."""

    odd: NDArray[np.int32]  # (entities, windows, SIGN_CODES) how many are a sign
    bases: NDArray[np.int32]  # the same shape: of how many that might be one


class _SweptError(Exception):
    """Rows have other numbers now."""


def count_signs(engine: Engine, partition: Partition) -> Generator[None, None, SignCounts]:
    """Count the signs of a partition as it is now, in pieces: what was counted is the generator's value.

    Batches may be applied between two pieces. What they add is not counted, what they change may be or not; a sweep makes
    the counting begin anew.
    """
    while True:
        try:
            return (yield from _Reading(engine, partition).pieces())
        except _SweptError:
            continue


class _Moments(NamedTuple):
    """What happened, entity by entity."""

    ends: NDArray[np.int64]  # (1 + entities,) where those of each end, with those of none before the first
    rows: NDArray[np.void]  # MOMENT_ROW
    have: NDArray[np.bool_]  # (entities,) offices that have any that counts


class _Reading:
    """One reading of a partition's tables."""

    def __init__(self, engine: Engine, partition: Partition) -> None:
        tables = partition.tables
        self._partition = partition
        self._rules = engine.rules
        self._limits = engine.configuration.signs
        self._sizes = tables.sizes.copy()
        self._order = np.argsort(-tables.window_begin_ms, kind="stable")  # those that begin last first
        self._begin_ms = tables.window_begin_ms[self._order]
        self._since_ms = int(self._begin_ms[-1]) - self._rules.context_ms
        self._office_of = partition.office_of

    def pieces(self) -> Generator[None, None, SignCounts]:
        """Count; see :func:`count_signs`."""
        counts = np.zeros((self._office_of.size, self._begin_ms.size, SIGN_CODES, 2), np.int32)
        presses = yield from self._placed(PRESSES, count_presses, place_presses)
        facts = yield from self._placed(FACTS, count_facts, place_facts)
        yield from self._judge(presses, facts, counts)
        after_ms = round(self._limits.force_majeure_after_no_s * 1000)
        for begin, end in _ranges(int(self._sizes[FORCE_MAJEURES]), DECLARED_AT_ONCE):
            judge_force_majeures(
                self._tables(), self._rules, begin, end, after_ms, self._office_of, self._begin_ms, counts
            )
            yield
        sum_up(self._office_of, counts)
        by_window = np.empty_like(counts)
        by_window[:, self._order] = counts
        return SignCounts(by_window[..., ODD], by_window[..., BASE])

    def _tables(self) -> Tables:
        """The tables as they are now; as they grow they move, so that none may be kept from piece to piece."""
        tables = self._partition.tables
        if tables.sizes[SWEEPS] != self._sizes[SWEEPS]:
            raise _SweptError
        return tables

    def _placed(
        self, size: int, count: Callable[..., None], place: Callable[..., None]
    ) -> Generator[None, None, _Moments]:
        """Gather the moments of one table."""
        entities = self._office_of.size
        ends = np.zeros(1 + entities, np.int64)
        for begin, end in _ranges(int(self._sizes[size]), ROWS_AT_ONCE):
            count(self._tables(), begin, end, self._since_ms, ends[1:])
            yield
        np.cumsum(ends, out=ends)
        moments = _Moments(ends, np.empty(ends[-1], MOMENT_ROW), np.zeros(entities, np.bool_))
        places = ends[:-1].copy()
        for begin, end in _ranges(int(self._sizes[size]), ROWS_AT_ONCE):
            place(self._tables(), begin, end, self._since_ms, places, moments.rows, moments.have)
            yield
        return moments

    def _judge(self, presses: _Moments, facts: _Moments, counts: NDArray[np.int32]) -> Iterator[None]:
        """Put moments in order, office-wide ones too, and then see what those of each employee have near them."""
        longest = max(int(np.diff(each.ends).max(initial=1)) for each in (presses, facts))
        spare = np.empty(longest, MOMENT_ROW)
        shares = list(_shares(presses.ends + facts.ends))
        for begin, end in shares:
            order_moments(self._tables(), begin, end, presses.ends, presses.rows, facts.ends, facts.rows, spare)
            yield
        quick_ms, near_ms = round(self._limits.quick_answer_s * 1000), self._rules.context_ms
        for begin, end in shares:
            judge_people(
                begin,
                end,
                self._office_of,
                *presses,
                *facts,
                quick_ms,
                self._limits.yes_run,
                near_ms,
                self._begin_ms,
                counts,
            )
            yield


def _ranges(count: int, at_once: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, at_once):
        yield begin, min(begin + at_once, count)


def _shares(ends: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of entities that have some moments each."""
    begin = 0
    entities = ends.size - 1
    while begin < entities:
        end = max(begin + 1, int(np.searchsorted(ends, ends[begin] + ROWS_AT_ONCE, side="right")) - 1)
        yield begin, min(end, entities)
        begin = end
