"""What panels have sent of late."""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry
from kernels.layout import CUSTOMER, Tables
from kernels.signatures import INT, INTS, TABLES, array_of


@entry(TABLES, INTS, INT, array_of(np.int64, 2))
def count_customer_presses(tables: Tables, panels: NDArray[np.int64], since_ms: int, counts: NDArray[np.int64]) -> None:
    """Count the customer presses of some panels later than an instant, by their role.

    Parameters
    ----------
    panels
        Their numbers, (n,).
    counts
        Output, (n, roles), to be added to.
    """
    for place in range(panels.shape[0]):
        panel = tables.panels[panels[place]]
        for at in range(panel["length"] - 1, -1, -1):  # in order of time
            press = tables.presses[tables.sequence[panel["start"] + at]]
            if press["ts_ms"] <= since_ms:
                break
            if press["kind"] == CUSTOMER:
                counts[place, press["outcome"]] += 1
