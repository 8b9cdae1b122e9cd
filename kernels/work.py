"""Time at work: how long employees were available, on calls, and idle on duty, in every window as of now.

Of each employee there is one list of spans of time, in the order of their beginnings: work, time off (breaks, training, leave)
and calls. It is walked once. Time is cut wherever something begins or ends; how long work, time off and calls last at most
says what each piece is. So spans that overlap count once, except that two calls at a time are twice the work.

Windows end now. What a span has in one of them follows from where the window begins, and no bucket needs to be kept.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.layout import AVAILABLE_MS, CALL, IDLE_MS, PRODUCTIVE_MS, WORK_BEGIN, WORK_CODES
from kernels.signatures import INT, INTS, NUMBERS, array_of

AT_WORK, OFF, ON_CALL = 0, 1, 2  # kinds of a span
AVAILABLE, PRODUCTIVE, IDLE = AVAILABLE_MS - WORK_BEGIN, PRODUCTIVE_MS - WORK_BEGIN, IDLE_MS - WORK_BEGIN

SPAN_ROW = np.dtype(
    [
        ("start_ms", np.int64),
        ("end_ms", np.int64),  # exclusive, after its start
        ("employee", np.int32),  # entity
        ("kind", np.int8),
    ],
    align=True,
)
SPANS = array_of(SPAN_ROW)


@kernel
def work_ended_ms(fact: np.void) -> Any:
    """When the work on a call ended; of other facts, and calls without work, when they happened."""
    worked = fact["kind"] == CALL and fact["handle_ms"] > 0
    return fact["ts_ms"] + fact["amount"] + fact["handle_ms"] if worked else fact["ts_ms"]


@kernel
def _is_before(one: np.void, other: np.void) -> bool:
    if one["employee"] != other["employee"]:
        return one["employee"] < other["employee"]
    return one["start_ms"] <= other["start_ms"]


@entry(SPANS, SPANS, SPANS, INT)
def merge_spans(some: NDArray[np.void], others: NDArray[np.void], merged: NDArray[np.void], since_ms: int) -> int:
    """Merge spans that stand in order, by employee and beginning, but for those that ended before; returns how many there are.

    Parameters
    ----------
    merged
        Output, with room for all of them.
    """
    count = 0
    at = 0
    other_at = 0
    while at < some.shape[0] or other_at < others.shape[0]:
        if other_at == others.shape[0] or (at < some.shape[0] and _is_before(some[at], others[other_at])):
            merged[count] = some[at]
            at += 1
        else:
            merged[count] = others[other_at]
            other_at += 1
        count += merged[count]["end_ms"] >= since_ms
    return count


@kernel
def _add(
    sums: NDArray[np.int64],
    row: int,
    code: int,
    start_ms: int,
    end_ms: int,
    window_begin_ms: NDArray[np.int64],
) -> None:
    """Add what each window holds of a piece of time."""
    for window in range(window_begin_ms.shape[0]):
        inside_ms = end_ms - max(start_ms, window_begin_ms[window])
        if inside_ms > 0:
            sums[row, window, code] += inside_ms


@kernel
def _walk(
    spans: NDArray[np.void],
    begin: int,
    row: int,
    window_begin_ms: NDArray[np.int64],
    now_ms: int,
    sums: NDArray[np.int64],
) -> Any:
    """Add up the time of the employee whose spans begin at a place; returns where those of the next one begin."""
    employee = spans[begin]["employee"]
    work_until_ms: Any = np.int64(0)
    off_until_ms: Any = np.int64(0)
    call_until_ms: Any = np.int64(0)
    from_ms: Any = np.int64(spans[begin]["start_ms"])
    at = begin
    goes_on = True
    while goes_on:
        goes_on = at < spans.shape[0] and spans[at]["employee"] == employee
        until_ms: Any = min(np.int64(spans[at]["start_ms"]), now_ms) if goes_on else now_ms
        while from_ms < until_ms:
            piece_end_ms: Any = until_ms
            for end_ms in (work_until_ms, off_until_ms, call_until_ms):
                if from_ms < end_ms < piece_end_ms:
                    piece_end_ms = end_ms
            if from_ms < work_until_ms and from_ms >= off_until_ms:
                _add(sums, row, AVAILABLE, from_ms, piece_end_ms, window_begin_ms)
                if from_ms >= call_until_ms:
                    _add(sums, row, IDLE, from_ms, piece_end_ms, window_begin_ms)
            from_ms = piece_end_ms
        if goes_on:
            span = spans[at]
            if span["kind"] == AT_WORK:
                work_until_ms = max(work_until_ms, span["end_ms"])
            elif span["kind"] == OFF:
                off_until_ms = max(off_until_ms, span["end_ms"])
            else:
                call_until_ms = max(call_until_ms, span["end_ms"])
                worked_until_ms: Any = min(np.int64(span["end_ms"]), now_ms)
                _add(sums, row, PRODUCTIVE, span["start_ms"], worked_until_ms, window_begin_ms)
            at += 1
    return at


@entry(SPANS, NUMBERS, NUMBERS, INTS, INT, array_of(np.int64, 3))
def measure_work(
    spans: NDArray[np.void],
    rows: NDArray[np.int32],
    office_rows: NDArray[np.int32],
    window_begin_ms: NDArray[np.int64],
    now_ms: int,
    sums: NDArray[np.int64],
) -> None:
    """Work out the time at work of employees, and of offices as the sums of their employees.

    Who has no available time in a window has no other time there either.

    Parameters
    ----------
    spans
        By employee and beginning.
    rows, office_rows
        Of `sums`: each employee's, and that of their office, (entities,).
    sums
        Output, (rows, windows, WORK_CODES), milliseconds.
    """
    sums[:] = 0
    at: Any = np.int64(0)
    while at < spans.shape[0]:
        row = rows[spans[at]["employee"]]
        office_row = office_rows[spans[at]["employee"]]
        at = _walk(spans, at, row, window_begin_ms, now_ms, sums)
        for window in range(window_begin_ms.shape[0]):
            for code in range(WORK_CODES):
                if sums[row, window, AVAILABLE] == 0:
                    sums[row, window, code] = 0
                sums[office_row, window, code] += sums[row, window, code]
