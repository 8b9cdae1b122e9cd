"""Scores that clients gave: what a rating counts as, for its office or for one of those who took part.

Their counters lie apart from the others: an entity gets a row of them with its first rating or client, so that the
many without any pay for none.
"""

from typing import Any

import numpy as np

from kernels.compile import kernel, rare_kernel
from kernels.layout import (
    CES,
    CES_ANSWERS,
    CSAT_ANSWERS,
    DETRACTORS,
    EFFORT,
    NPS,
    NPS_ANSWERS,
    PROMOTERS,
    SATISFIED,
    SCORE_BEGIN,
    SCORE_ROWS,
    TAKING_PART,
    Tables,
)

LEAST_OF_PROMOTERS, MOST_OF_DETRACTORS = 9, 6  # nps
LEAST_OF_SATISFIED = 4  # csat


@kernel
def score_row(tables: Tables, entity: int) -> Any:
    """Row of an entity's counters of scores; it gets one if it has none."""
    if tables.score_rows[entity] == 0:
        tables.score_rows[entity] = tables.sizes[SCORE_ROWS]
        tables.sizes[SCORE_ROWS] += 1
    return tables.score_rows[entity]


@kernel
def _add(tables: Tables, row: int, window: int, code: int, amount: int) -> None:
    tables.score_counts[row, window, code - SCORE_BEGIN] += amount


@rare_kernel
def count_rating(tables: Tables, fact: np.void, begin: int, end: int, ts_ms: int, sign: int) -> None:
    """Add (or take away) a rating to its office, or to the one employee whom its row stands for.

    In those of the windows ``begin`` to ``end``, exclusive, that begin at ``ts_ms`` or before.
    """
    row = score_row(tables, fact["employee"] if fact["kind"] == TAKING_PART else fact["office"])
    score = fact["amount"]
    metric = fact["flags"]
    for window in range(begin, end):
        if ts_ms < tables.window_begin_ms[window]:
            continue
        if metric == NPS:
            _add(tables, row, window, NPS_ANSWERS, sign)
            if score >= LEAST_OF_PROMOTERS:
                _add(tables, row, window, PROMOTERS, sign)
            elif score <= MOST_OF_DETRACTORS:
                _add(tables, row, window, DETRACTORS, sign)
        elif metric == CES:
            _add(tables, row, window, CES_ANSWERS, sign)
            _add(tables, row, window, EFFORT, sign * score)
        else:
            _add(tables, row, window, CSAT_ANSWERS, sign)
            if score >= LEAST_OF_SATISFIED:
                _add(tables, row, window, SATISFIED, sign)
