"""Finding presses, a force majeure, or the verdict that holds, by an id."""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry
from kernels.identity import find, hash_bytes, row_at, target_key
from kernels.layout import FORCE_MAJEURES, NONE, PRESS, Tables
from kernels.signatures import BYTES, INT, INTS, NUMBERS, TABLES


@entry(TABLES, NUMBERS, BYTES, INTS, NUMBERS)
def find_presses(
    tables: Tables,
    offices: NDArray[np.int32],
    texts: NDArray[np.uint8],
    ends: NDArray[np.int64],
    rows: NDArray[np.int32],
) -> None:
    """Find the presses that have ids in offices.

    Parameters
    ----------
    offices
        By their entities, (n,); NONE where there is no such office.
    texts, ends
        The ids end to end, and where each of them ends, (n,).
    rows
        Filled with the rows of the presses, (n,); NONE where there is none.
    """
    begin = 0
    for place in range(offices.shape[0]):
        high, low = hash_bytes(texts, begin, ends[place] - begin, offices[place])
        row = row_at(tables.seen_index[find(tables.seen_index, tables.seen_hashes, high, low)])
        is_press = offices[place] != NONE and row != NONE and tables.seen[row]["kind"] == PRESS
        rows[place] = tables.seen[row]["row"] if is_press else NONE
        begin = ends[place]


@entry(TABLES, INT, BYTES)
def find_force_majeure(tables: Tables, office: int, event_id: NDArray[np.uint8]) -> int:
    """Row of the force majeure that a long press with an id declared in an office; -1 where there is none.

    It outlives its id among those seen, so it is looked for among the force majeures, of which there are few.
    """
    high, low = hash_bytes(event_id, 0, event_id.shape[0], office)
    for row in range(tables.sizes[FORCE_MAJEURES]):
        declared = tables.force_majeures[row]
        if declared["hash_high"] == high and declared["hash_low"] == low:
            return row
    return NONE


@entry(TABLES, INT, BYTES, INT)
def find_verdict(tables: Tables, office: int, target_id: NDArray[np.uint8], target: int) -> int:
    """Row of the latest verdict on a target of an office, a survey or a force majeure; -1 where there is none."""
    high, low = hash_bytes(target_id, 0, target_id.shape[0], office)
    key_high, key_low = target_key(high, low, target)
    row: int = row_at(tables.verdict_index[find(tables.verdict_index, tables.verdict_hashes, key_high, key_low)])
    return row
