"""The names of employees who have no number of their own: each lies with its press, and goes with it.

Behind the press's id in `Tables.id_bytes` come the length of the name, two bytes with the lower one first, and its text.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.layout import ID_BYTES, NAMELESS, Tables

LENGTH_BYTES = 2


@kernel
def keep_name(tables: Tables, data: NDArray[np.uint8], start: int, length: int) -> None:
    """Put a name behind what was kept last."""
    at = tables.sizes[ID_BYTES]
    tables.id_bytes[at] = length & 255
    tables.id_bytes[at + 1] = length >> 8
    for i in range(length):
        tables.id_bytes[at + LENGTH_BYTES + i] = data[start + i]
    tables.sizes[ID_BYTES] += LENGTH_BYTES + length


@kernel
def is_nameless(tables: Tables, employee: int) -> bool:
    """Whether an employee's entity is the one of all without names; 0 is an office."""
    return employee > 0 and employee == tables.sizes[NAMELESS]


@kernel
def kept_name(tables: Tables, press: np.void) -> tuple[Any, Any]:
    """Where in `Tables.id_bytes` the name of a press's nameless employee begins, and its length."""
    at = press["id_start"] + press["id_length"]
    length = np.int64(tables.id_bytes[at]) + 256 * np.int64(tables.id_bytes[at + 1])
    return at + LENGTH_BYTES, length


@kernel
def kept_bytes(tables: Tables, press: np.void) -> Any:
    """How many bytes are kept of a press: its id's, and those of a nameless employee."""
    if not is_nameless(tables, press["employee"]):
        return np.int64(press["id_length"])
    start, length = kept_name(tables, press)
    return start + length - press["id_start"]
