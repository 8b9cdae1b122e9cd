"""The company and its regions as one: means over offices, each weighted by what its value rests on.

The same as if everything had happened in one office, and the same as the recording rules of `streams.recording_rules` give.
There is no interval: that of the whole does not follow from those of offices.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.board.reading import Read
from agents.board.values import MAIN, View

MOST_REGIONS: Final = 200


def totals(read: Read, view: View, surveys: NDArray[np.float64]) -> list[dict[str, Any]]:
    """The whole company, whose region is empty, and then each region by name.

    Parameters
    ----------
    view
        A window of the offices.
    surveys
        How many surveys each office has in it, (rows,).
    """
    seen = view.seen()
    of_offices = np.array([read.offices.get(office, {}).get("region", "") for office, _ in view.frame.keys], object)
    of_offices = of_offices[: seen.size]
    regions = sorted({*of_offices[seen].tolist()} - {""})[:MOST_REGIONS]
    return [
        {
            "region": region,
            "offices": int(np.count_nonzero(rows)),
            "surveys": float(surveys[rows].sum()),
            "main": {index: _mean(view, rows, index) for index in MAIN},
        }
        for region, rows in [("", seen), *((region, seen & (of_offices == region)) for region in regions)]
    ]


def _mean(view: View, rows: NDArray[np.bool_], index: str) -> float | None:
    values, bases = view.column(index)[rows], view.column(f"{index}_base")[rows]
    known = ~np.isnan(values) & (bases > 0)
    return float(np.average(values[known], weights=bases[known])) if known.any() else None
