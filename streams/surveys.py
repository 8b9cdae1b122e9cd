"""Surveys as the world sees them: one record for each change of a decided survey."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.layout import UNDECIDED
from streams.catalogue import OUTCOMES, QUESTIONS
from streams.engine import Partition
from streams.outputs import Survey

WITHDRAWN = "withdrawn"


def records(partition: Partition, rows: NDArray[np.int32], time_ms: int) -> Iterator[Survey]:
    """Records of changed surveys, each with its next revision: the greater of the last one + 1 and ``time_ms``.

    A survey that is no longer decided (a late press made it a bounce, or opened it again) is withdrawn.
    """
    tables = partition.tables
    names = partition.names
    presses = tables.presses
    presses["revision"][rows] = np.maximum(presses["revision"][rows] + 1, time_ms)
    for press in presses[rows]:
        office, panel = names.panels.order[press["panel"]]
        start = int(press["id_start"])
        survey_id = tables.id_bytes[start : start + int(press["id_length"])].tobytes().decode()
        decided = bool(press["accepted"]) and press["outcome"] != UNDECIDED
        yield Survey(
            survey_id=survey_id,
            office_id=office,
            panel_id=panel,
            employee_id=names.entities.order[press["employee"]][2] or "",
            ts=int(press["ts_ms"]),
            question=QUESTIONS[press["choice"]],
            outcome=OUTCOMES[press["outcome"]] if decided else WITHDRAWN,
            valid=decided and not press["rejected"],
            force_majeure=bool(press["in_force_majeure"]),
            revision=int(press["revision"]),
        )
