"""The counters that indices are made of, as one partition's tables hold them, and as rows of all counters.

Most entities have no counters of scores, of requests, or of time at work. These lie apart, and take part in a row as zeros.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import REQUEST_ROWS, SCORE_ROWS, Tables
from streams.time_at_work import Sums

EVERY = slice(None)


class Counters(NamedTuple):
    """The counters of some entities: views of tables, to be let go of before the next batch, or copies."""

    survey_counts: NDArray[np.int32]  # (entities, SURVEY_CODES, windows)
    fact_sums: NDArray[np.int64]  # (entities, windows, SCORE_BEGIN - SURVEY_CODES)
    score_rows: NDArray[np.int32]  # (entities,) row of score_counts, 0 for none
    score_counts: NDArray[np.int32]  # (rows, windows, SCORE_CODES), zeros in row 0
    request_rows: NDArray[np.int32]  # the same of requests
    request_sums: NDArray[np.int64]
    work_rows: NDArray[np.int32]  # the same of time at work
    work_sums: NDArray[np.int64]

    def totals(self, entities: NDArray[np.int64] | slice = EVERY) -> NDArray[np.int64]:
        """All counters of entities, (entities, windows, COUNTERS); a copy."""
        parts = (
            self.survey_counts[entities].swapaxes(1, 2),
            self.fact_sums[entities],
            self.score_counts[self.score_rows[entities]],
            self.request_sums[self.request_rows[entities]],
            self.work_sums[self.work_rows[entities]],
        )
        return np.concatenate(parts, axis=2, dtype=np.int64)


def counters_of(tables: Tables, entities: int, work: Sums) -> Counters:
    """The counters in a partition's tables, of which so many entities are in use, and their time at work."""
    return Counters(
        tables.survey_counts[:entities],
        tables.fact_sums[:entities],
        tables.score_rows[:entities],
        tables.score_counts[: tables.sizes[SCORE_ROWS]],
        tables.request_rows[:entities],
        tables.request_sums[: tables.sizes[REQUEST_ROWS]],
        *work,
    )


class KeptCounters:
    """Counters as they were, to tell whose have changed since."""

    def __init__(self) -> None:
        self._surveys: NDArray[np.int32] | None = None  # as of Counters, with room for more; nothing of them is a view
        self._facts: NDArray[np.int64] | None = None
        self._scores: NDArray[np.int32] | None = None
        self._requests: NDArray[np.int64] | None = None
        self._work: NDArray[np.int64] | None = None

    def take(
        self, now: Counters, others: NDArray[np.bool_], *, work_counts: bool = True
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Take over counters: whose differ, and who is among the others, (changed,), and their totals before and now.

        Parameters
        ----------
        others
            Who is wanted in any case, (entities,).
        work_counts
            Whether those differ of whom nothing but time at work does.
        """
        self._surveys = with_room(self._surveys, now.survey_counts)
        self._facts = with_room(self._facts, now.fact_sums)
        self._scores = with_room(self._scores, now.score_counts)
        self._requests = with_room(self._requests, now.request_sums)
        self._work = with_room(self._work, now.work_sums)
        entities = now.score_rows.size
        kept = Counters(
            self._surveys[:entities],
            self._facts[:entities],
            now.score_rows,  # who had no row had zeros, as new rows have
            self._scores[: now.score_counts.shape[0]],
            now.request_rows,
            self._requests[: now.request_sums.shape[0]],
            now.work_rows,
            self._work[: now.work_sums.shape[0]],
        )
        differs = _differ(kept.survey_counts, now.survey_counts) | _differ(kept.fact_sums, now.fact_sums)
        differs |= _differ(kept.score_counts, now.score_counts)[now.score_rows]
        differs |= _differ(kept.request_sums, now.request_sums)[now.request_rows]
        if work_counts:
            differs |= _differ(kept.work_sums, now.work_sums)[now.work_rows]
        changed = np.flatnonzero(differs | others)
        totals_before, totals_now = kept.totals(changed), now.totals(changed)
        kept.survey_counts[changed] = now.survey_counts[changed]
        kept.fact_sums[changed] = now.fact_sums[changed]
        kept.score_counts[...] = now.score_counts
        kept.request_sums[...] = now.request_sums
        kept.work_sums[now.work_rows[changed]] = now.work_sums[now.work_rows[changed]]
        return changed, totals_before, totals_now


def with_room(kept: NDArray[Any] | None, now: NDArray[Any]) -> NDArray[Any]:
    """What is kept with room for the rows that there are now, those that are new zeros."""
    if kept is not None and kept.shape[1:] == now.shape[1:] and kept.shape[0] >= now.shape[0]:
        return kept
    longer = np.zeros((2 * now.shape[0], *now.shape[1:]), now.dtype)
    if kept is not None and kept.size:
        longer[: kept.shape[0]] = kept
    return longer


def _differ(some: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows of two arrays differ, (rows,)."""
    different: NDArray[np.bool_] = (some != others).any(axis=(1, 2))
    return different
