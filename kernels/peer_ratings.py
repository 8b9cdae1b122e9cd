"""What departments think of each other: scores by group, and votes for colleagues.

A group is an office, the department that rates, the one that is rated, and a criterion; one more, without a criterion, stands for the
ratings themselves, and sums those that are flagged. A group's counters lie under its own number, apart from those of entities.
"""

import numpy as np

from kernels.compile import rare_kernel
from kernels.layout import NONE, PEER_VOTES, SCORE_BEGIN, VOTED, Tables
from kernels.scores import score_row

GIVEN, SUM = 0, 1  # of a group in a window: how many scores or ratings, and their sum


@rare_kernel
def count_peer_rating(tables: Tables, fact: np.void, begin: int, end: int, ts_ms: int, sign: int) -> None:
    """Add (or take away) a rating or a score to its group, or a vote to the employee whom its row stands for.

    In those of the windows ``begin`` to ``end``, exclusive, that begin at ``ts_ms`` or before. Groups beyond the ceiling count nowhere.
    """
    if fact["kind"] == VOTED:
        row = score_row(tables, fact["employee"])
        for window in range(begin, end):
            if ts_ms >= tables.window_begin_ms[window]:
                tables.score_counts[row, window, PEER_VOTES - SCORE_BEGIN] += sign
        return
    group = fact["queue"]
    if group == NONE:
        return
    for window in range(begin, end):
        if ts_ms >= tables.window_begin_ms[window]:
            tables.peer_sums[group, window, GIVEN] += sign
            tables.peer_sums[group, window, SUM] += sign * fact["amount"]
