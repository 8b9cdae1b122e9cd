"""How each of a group does beside the others: arithmetic on arrays, many groups at once.

Values are turned so that less is better. Nothing depends on the order of those compared: sums are taken in the order of values.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.trust import SAME


class Standing(NamedTuple):
    """How some do within their groups, (n,) each; not a number where there is no value."""

    z: NDArray[np.float64]
    rank: NDArray[np.float64]
    from_leader: NDArray[np.float64]
    counts: NDArray[np.int64]  # of the group

    def of(self, some: slice) -> "Standing":
        """The standing of some of them."""
        return Standing(self.z[some], self.rank[some], self.from_leader[some], self.counts[some])


def standing(
    values: NDArray[np.float64],
    near: NDArray[np.float64],
    far: NDArray[np.float64],
    groups: NDArray[np.int64],
    least: int,
) -> Standing:
    """Compare within groups.

    * ``z``: (value - mean) / standard deviation, both of the whole group, oneself among it (so the deviation is that of a
      population); no value where all are the same.
    * ``rank``: 1, and one more for each who is better for certain: whose interval lies wholly on the better side of one's
      own. It is the best rank that the intervals leave open, so who cannot be told apart shares it (H. Goldstein,
      D. J. Spiegelhalter, League tables and their limitations, 1996: overlapping intervals give no order; M. Mogstad,
      J. P. Romano, A. M. Shaikh, D. Wilhelm, Inference for ranks, 2024: ranks from the differences that are certain).
    * ``from_leader``: value - best value, 0 or more.

    Parameters
    ----------
    values, near, far
        Of each the value and the better and the worse end of its interval, turned, (n,); where there is no interval all
        three are the same. ``near`` may be NaN where the rank is of no interest.
    groups
        Number of the group of each, 0 or more, (n,).
    least
        Groups of fewer have no values.
    """
    count = values.size
    order = np.lexsort((values, groups))
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    sizes = np.diff(starts, append=count)
    group_of = np.repeat(np.arange(sizes.size), sizes)

    behind = values[order] - values[order[starts]][group_of]
    deviation = behind - (_sums(behind, starts) / sizes)[group_of]
    spread = np.sqrt(_sums(deviation**2, starts) / sizes)
    spread[behind[starts + sizes - 1] <= SAME] = np.nan  # all have the same value
    enough = np.where(sizes >= least, 1.0, np.nan)[group_of]

    found = Standing(np.empty(count), np.empty(count), np.empty(count), np.empty(count, np.int64))
    found.z[order] = enough * deviation / spread[group_of]
    found.rank[order] = enough * (1 + _ends_before(near, far, groups)[order] - starts[group_of])
    found.from_leader[order] = enough * behind
    found.counts[order] = sizes[group_of]
    return found


def _sums(numbers: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sums of stretches that begin at these places."""
    return np.add.reduceat(numbers, starts) if starts.size else np.empty(0)


def _ends_before(near: NDArray[np.float64], far: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many intervals, of one's own group and those of lower numbers, end before one's own begins, (n,)."""
    count = near.size
    points = np.concatenate([near - SAME, far])  # beginnings, then ends
    is_end = np.arange(2 * count) >= count
    sequence = np.lexsort((is_end, points, np.tile(groups, 2)))  # a beginning comes before an end at the same place
    before = np.empty(2 * count, np.int64)
    before[sequence] = np.cumsum(is_end[sequence])
    return before[:count]
