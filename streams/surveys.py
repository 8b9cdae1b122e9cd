"""Surveys as the world sees them: one record for each change of a decided survey."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import UNDECIDED
from kernels.nameless import LENGTH_BYTES
from kernels.survey_records import LONGEST_RECORD_BYTES, LONGEST_VALUE_BYTES, write_surveys
from streams.index import OUTCOMES, QUESTIONS
from streams.outputs import Survey
from streams.partition import Partition

WITHDRAWN = "withdrawn"
BATCH_BYTES = 512 * 1024  # brokers take batches of a MiB


class Records(NamedTuple):
    """Records of a Kafka record batch, end to end."""

    data: bytes
    size: int  # how many


class _Press(NamedTuple):
    """What a survey is told by, of a row of `Tables.presses`, as Python's own numbers: they are looked at far faster."""

    ts_ms: int
    id_start: int
    id_length: int
    panel: int
    employee: int
    choice: int
    accepted: int
    outcome: int
    rejected: int
    in_force_majeure: int
    revision: int


def revise(partition: Partition, rows: NDArray[np.int32], time_ms: int) -> None:
    """Give changed surveys their next revision: the greater of the last one + 1 and ``time_ms``."""
    revisions = partition.tables.presses["revision"]
    revisions[rows] = np.maximum(revisions[rows] + 1, time_ms)


def records(partition: Partition, rows: NDArray[np.int32]) -> Iterator[Records]:
    """Surveys as messages for their offices, some thousands at a time."""
    out = np.empty(BATCH_BYTES + LONGEST_RECORD_BYTES, np.uint8)
    value = np.empty(LONGEST_VALUE_BYTES, np.uint8)
    written = np.zeros(1, np.int64)
    done = 0
    while done < rows.size:
        begin = done
        done = write_surveys(partition.tables, partition.names.tables, rows, begin, value, out, written)
        yield Records(out[: written[0]].tobytes(), done - begin)


def surveys(partition: Partition, rows: NDArray[np.int32]) -> Iterator[Survey]:
    """Surveys one by one.

    One that is no longer decided (a late press made it a bounce, or opened it again) is withdrawn.
    """
    tables = partition.tables
    names = partition.names
    for press in map(_Press._make, tables.presses[rows][list(_Press._fields)].tolist()):
        office, panel = names.panels[press.panel]
        id_end = press.id_start + press.id_length
        decided = bool(press.accepted) and press.outcome != UNDECIDED
        yield Survey(
            survey_id=tables.id_bytes[press.id_start : id_end].tobytes().decode(),
            office_id=office,
            panel_id=panel,
            employee_id=employee_of(partition, press.employee, id_end),
            ts=press.ts_ms,
            question=QUESTIONS[press.choice],
            outcome=OUTCOMES[press.outcome] if decided else WITHDRAWN,
            valid=decided and not press.rejected,
            force_majeure=bool(press.in_force_majeure),
            revision=press.revision,
        )


def employee_of(partition: Partition, employee: int, id_end: int) -> str:
    """The name of who pressed; of a press's `employee` and the end of its id."""
    if not partition.names.is_nameless(employee):
        return partition.names.entities[employee][2]
    start = id_end + LENGTH_BYTES
    length = int.from_bytes(partition.tables.id_bytes[id_end:start].tobytes(), "little")
    return partition.tables.id_bytes[start : start + length].tobytes().decode()
