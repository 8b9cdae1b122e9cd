"""Finding a press by its id."""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry
from kernels.identity import find, hash_bytes, row_at
from kernels.layout import NONE, PRESS, Tables
from kernels.signatures import BYTES, INT, TABLES


@entry(TABLES, INT, BYTES)
def find_press(tables: Tables, office: int, event_id: NDArray[np.uint8]) -> int:
    """Row of the press that has an id in an office, given by its entity; -1 where there is none."""
    high, low = hash_bytes(event_id, 0, event_id.shape[0], office)
    row = row_at(tables.seen_index[find(tables.seen_index, tables.seen_hashes, high, low)])
    if row == NONE or tables.seen[row]["kind"] != PRESS:
        return NONE
    found: int = tables.seen[row]["row"]
    return found
