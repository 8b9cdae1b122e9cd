"""Open surveys, by instant, so that silence is decided without looking at anything else.

Most come in order and wait in line; one that is not the latest goes to a heap beside it.
"""

from kernels.compile import kernel
from kernels.layout import NONE, OPEN_BEGIN, OPEN_END, OPEN_LATE, Tables

MOST_LEFT_BEHIND = 8192  # places of surveys that were taken out of the line


@kernel
def push_open(tables: Tables, row: int) -> None:
    """Enter an undecided survey.

    None is entered twice: what was taken out is decided for good, as time has passed. So no more wait than there are presses.
    """
    ts_ms = tables.presses[row]["ts_ms"]
    tables.presses[row]["queued"] = 1
    begin = tables.sizes[OPEN_BEGIN]
    end = tables.sizes[OPEN_END]
    if begin < end and ts_ms < tables.open_surveys[end - 1]["ts_ms"]:
        _push_late(tables, row, ts_ms)
        return
    if begin > MOST_LEFT_BEHIND and begin > 2 * (end - begin):
        end = _move_up(tables)
    tables.open_surveys[end]["ts_ms"] = ts_ms
    tables.open_surveys[end]["row"] = row
    tables.sizes[OPEN_END] = end + 1


@kernel
def _move_up(tables: Tables) -> int:
    """Move the line to the beginning of its table, lest it wander through memory that is used for nothing else."""
    begin = tables.sizes[OPEN_BEGIN]
    count = tables.sizes[OPEN_END] - begin
    for at in range(count):
        tables.open_surveys[at] = tables.open_surveys[begin + at]
    tables.sizes[OPEN_BEGIN] = 0
    tables.sizes[OPEN_END] = count
    return count


@kernel
def _push_late(tables: Tables, row: int, ts_ms: int) -> None:
    heap = tables.late_surveys
    at = tables.sizes[OPEN_LATE]
    tables.sizes[OPEN_LATE] += 1
    while at > 0:
        parent = (at - 1) // 2
        if heap[parent]["ts_ms"] <= ts_ms:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at]["ts_ms"] = ts_ms
    heap[at]["row"] = row


@kernel
def _drop_first_late(tables: Tables) -> None:
    heap = tables.late_surveys
    tables.sizes[OPEN_LATE] -= 1
    count = tables.sizes[OPEN_LATE]
    last_ms = heap[count]["ts_ms"]
    last = heap[count]["row"]
    at = 0
    while 2 * at + 1 < count:
        child = 2 * at + 1
        if child + 1 < count and heap[child + 1]["ts_ms"] < heap[child]["ts_ms"]:
            child += 1
        if heap[child]["ts_ms"] >= last_ms:
            break
        heap[at] = heap[child]
        at = child
    heap[at]["ts_ms"] = last_ms
    heap[at]["row"] = last


@kernel
def pop_open(tables: Tables, before_ms: int) -> int:
    """Take out the earliest open survey, if it is one from before an instant; -1 otherwise."""
    begin = tables.sizes[OPEN_BEGIN]
    waits = begin < tables.sizes[OPEN_END]
    first_ms = tables.open_surveys[begin]["ts_ms"] if waits else before_ms
    if tables.sizes[OPEN_LATE] > 0 and tables.late_surveys[0]["ts_ms"] < first_ms:
        first_ms = tables.late_surveys[0]["ts_ms"]
        waits = False
        row = tables.late_surveys[0]["row"]
    elif waits:
        row = tables.open_surveys[begin]["row"]
    if first_ms >= before_ms:
        return NONE
    if waits:
        tables.sizes[OPEN_BEGIN] = begin + 1
    else:
        _drop_first_late(tables)
    tables.presses[row]["queued"] = 0
    return row
