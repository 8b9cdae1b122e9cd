"""Service requests: their stages, their targets, and what of them counts when.

Of each stage the earliest event, by (ts, id), is known; they may come in any order. All that counts follows from these and from
when its targets are due, by the rules below, and is worked out anew at every change. Nothing counts without ``opened``.

1. A stage before the opening counts as of the opening.
2. ``cancelled`` and ``resolved`` end a request, whichever is first (resolved, if both are at once). A stage after the end did not happen.
3. What was resolved without a first response before was responded to as it was resolved.
4. A target is met when its stage comes by its due instant, and decided at the stage's.
5. It is breached, as of its due instant, once time has passed that instant without the stage, unless the request was cancelled
   before. Nobody need come on site any more where it was resolved by then.
6. A request is open from its opening to its end, and overdue while it is open and misses the stage of a target that was breached.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.calendar import thread, unthread
from kernels.compile import entry, kernel, rare_kernel
from kernels.identity import find, ids_ordered, place_for, row_at
from kernels.layout import (
    ASKING,
    CANCELLED,
    CLEARED_SLOT,
    FAR_MS,
    FIRST_RESPONSE,
    ID_BYTES,
    MARK_ROWS,
    MARKS,
    NEXT_DUE_MS,
    NONE,
    NOT_GIVEN,
    ON_SITE,
    OPEN_NOW,
    OPENED,
    OPENED_MARK,
    OVERDUE_NOW,
    REQUEST_ROWS,
    REQUESTS,
    RESOLUTION_MARK,
    RESOLVED,
    RESPONSE_MARK,
    SILENT_MS,
    STAGE_ROWS,
    STAGES,
    TARGET_MARKS,
    TARGETS,
    Rules,
    Tables,
)
from kernels.signatures import INT, NUMBERS, RULES, TABLES


@kernel
def request_row(tables: Tables, entity: int) -> Any:
    """Row of an entity's counters of requests and margins; it gets one if it has none."""
    if tables.request_rows[entity] == 0:
        tables.request_rows[entity] = tables.sizes[REQUEST_ROWS]
        tables.sizes[REQUEST_ROWS] += 1
    return tables.request_rows[entity]


@kernel
def _add(tables: Tables, entity: int, mark: int, amount: int, window: int, sign: int) -> None:
    if entity == NONE:
        return
    row = tables.request_rows[entity]
    tables.request_sums[row, window, 2 * mark] += sign
    if mark != OPENED_MARK:
        tables.request_sums[row, window, 2 * mark + 1] += sign * amount


@kernel
def _count_mark(tables: Tables, at: int, begin: int, end: int, sign: int) -> None:
    """Add (or take away) a mark to its office, priority and employee, in those of the windows that hold its instant."""
    mark = tables.marks[at]
    request = tables.requests[at // MARKS]
    for window in range(begin, end):
        if mark["ts_ms"] >= tables.window_begin_ms[window]:
            _add(tables, request["office"], at % MARKS, mark["amount"], window, sign)
            _add(tables, request["priority"], at % MARKS, mark["amount"], window, sign)
            _add(tables, mark["employee"], at % MARKS, mark["amount"], window, sign)


@kernel
def _count_now(tables: Tables, row: int, sign: int) -> None:
    """Add (or take away) a request to those that are open, and to those that are overdue."""
    request = tables.requests[row]
    office = tables.request_rows[request["office"]]
    tables.request_now[office, OPEN_NOW] += sign * request["open"]
    tables.request_now[office, OVERDUE_NOW] += sign * request["overdue"]
    if request["priority"] != NONE:
        priority = tables.request_rows[request["priority"]]
        tables.request_now[priority, OPEN_NOW] += sign * request["open"]
        tables.request_now[priority, OVERDUE_NOW] += sign * request["overdue"]


@kernel
def is_threaded(tables: Tables, rules: Rules, at: int) -> bool:
    """Whether a mark counts, and lies where some window may hold it."""
    ts_ms = tables.marks[at]["ts_ms"]
    return ts_ms != NOT_GIVEN and ts_ms // rules.slot_ms >= tables.sizes[CLEARED_SLOT]


@kernel
def _take_back(tables: Tables, rules: Rules, row: int) -> None:
    """Take away everything that a request counts for."""
    windows = tables.window_begin_ms.shape[0]
    for at in range(MARKS * row, MARKS * (row + 1)):
        if is_threaded(tables, rules, at):
            _count_mark(tables, at, 0, windows, -1)
            unthread(tables.marks, tables.mark_calendar, rules.slot_ms, tables.sizes[CLEARED_SLOT], at)
        tables.marks[at]["ts_ms"] = NOT_GIVEN
    _count_now(tables, row, -1)
    tables.requests[row]["open"] = 0
    tables.requests[row]["overdue"] = 0
    tables.requests[row]["next_due_ms"] = FAR_MS


@kernel
def _instant(tables: Tables, row: int, stage: int) -> Any:
    """When a stage was reached, not before the opening; FAR_MS for never."""
    ts_ms = tables.stages[STAGES * row + stage]["ts_ms"]
    return FAR_MS if ts_ms == NOT_GIVEN else max(ts_ms, tables.stages[STAGES * row + OPENED]["ts_ms"])


@kernel
def _set_mark(tables: Tables, row: int, mark: int, ts_ms: int, amount: int, stage: int) -> None:
    """Let something count at an instant, for the employee of a stage or else of the opening."""
    employee = tables.stages[STAGES * row + stage]["employee"]
    if employee == NONE:
        employee = tables.stages[STAGES * row + OPENED]["employee"]
    to = tables.marks[MARKS * row + mark]
    to["ts_ms"] = ts_ms
    to["amount"] = amount
    to["employee"] = employee


@kernel
def _work_out(tables: Tables, row: int) -> None:
    """Set the marks of a request that is opened, and whether it is open and overdue, as of now."""
    request = tables.requests[row]
    opened_ms = tables.stages[STAGES * row + OPENED]["ts_ms"]
    cancelled_ms = _instant(tables, row, CANCELLED)
    resolved_ms = _instant(tables, row, RESOLVED)
    if resolved_ms > cancelled_ms:
        resolved_ms = FAR_MS
    response_ms = _instant(tables, row, FIRST_RESPONSE)
    response_stage = FIRST_RESPONSE
    if response_ms > resolved_ms:
        response_ms = resolved_ms
        response_stage = RESOLVED
    if response_ms > cancelled_ms:
        response_ms = FAR_MS
    on_site_ms = _instant(tables, row, ON_SITE)
    if on_site_ms > min(cancelled_ms, resolved_ms):
        on_site_ms = FAR_MS

    _set_mark(tables, row, OPENED_MARK, opened_ms, 0, OPENED)
    if response_ms != FAR_MS:
        _set_mark(tables, row, RESPONSE_MARK, response_ms, response_ms - opened_ms, response_stage)
    if resolved_ms != FAR_MS:
        _set_mark(tables, row, RESOLUTION_MARK, resolved_ms, resolved_ms - opened_ms, RESOLVED)
    request["open"] = min(resolved_ms, cancelled_ms) == FAR_MS
    for target in range(TARGETS):
        mark = TARGET_MARKS + target
        due_ms = tables.marks[MARKS * row + mark]["due_ms"]
        reached_ms = response_ms if target == 0 else on_site_ms if target == 1 else resolved_ms
        stage = response_stage if target == 0 else ON_SITE if target == 1 else RESOLVED
        if due_ms == FAR_MS:
            continue
        if reached_ms <= due_ms:
            _set_mark(tables, row, mark, reached_ms, 1, stage)
        elif cancelled_ms < due_ms or (target == 1 and resolved_ms <= due_ms):
            continue
        elif due_ms < tables.sizes[SILENT_MS]:
            _set_mark(tables, row, mark, due_ms, 0, stage if reached_ms != FAR_MS else OPENED)
            if request["open"] and reached_ms == FAR_MS:
                request["overdue"] = 1
        else:
            request["next_due_ms"] = min(request["next_due_ms"], due_ms)


@kernel
def _count(tables: Tables, rules: Rules, row: int) -> None:
    """Count what was taken back anew, as of now."""
    if tables.stages[STAGES * row + OPENED]["ts_ms"] == NOT_GIVEN:
        return
    _work_out(tables, row)
    for at in range(MARKS * row, MARKS * (row + 1)):
        if is_threaded(tables, rules, at):
            _count_mark(tables, at, 0, tables.window_begin_ms.shape[0], 1)
            thread(tables.marks, tables.mark_calendar, rules.slot_ms, at)
    _count_now(tables, row, 1)
    tables.sizes[NEXT_DUE_MS] = min(tables.sizes[NEXT_DUE_MS], tables.requests[row]["next_due_ms"])


@rare_kernel
def _settle(tables: Tables, rules: Rules, row: int) -> None:
    _take_back(tables, rules, row)
    _count(tables, rules, row)


@kernel
def _row_of(tables: Tables, event: np.void) -> Any:
    """Row of the request that an event is of; a new one has reached no stage."""
    high = np.uint64(event["first_ms"]) << np.uint64(1)
    low = np.uint64(event["second_ms"]) << np.uint64(1)
    place = find(tables.request_index, tables.request_hashes, high, low)
    row = row_at(tables.request_index[place])
    if row != NONE:
        return row
    row = tables.sizes[REQUESTS]
    tables.sizes[REQUESTS] += 1
    tables.sizes[STAGE_ROWS] += STAGES
    tables.sizes[MARK_ROWS] += MARKS
    tables.request_index[place] = place_for(low, row)
    tables.request_hashes[row, 0] = high
    tables.request_hashes[row, 1] = low
    request = tables.requests[row]
    request["next_due_ms"] = FAR_MS
    request["office"] = event["office"]
    request["priority"] = NONE
    request["target"] = NONE
    request["asks"] = 0
    request["open"] = 0
    request["overdue"] = 0
    for stage in range(STAGES):
        tables.stages[STAGES * row + stage]["ts_ms"] = NOT_GIVEN
        tables.stages[STAGES * row + stage]["employee"] = NONE
        tables.stages[STAGES * row + stage]["id_length"] = 0
        tables.stages[STAGES * row + stage]["id_start"] = 0
    for mark in range(MARKS):
        tables.marks[MARKS * row + mark]["ts_ms"] = NOT_GIVEN
        tables.marks[MARKS * row + mark]["due_ms"] = FAR_MS
        tables.marks[MARKS * row + mark]["employee"] = NONE
    return row


@kernel
def _is_earlier(tables: Tables, event: np.void, data: NDArray[np.uint8], stage: np.void) -> bool:
    """Whether an event stands before the one that a stage is known by."""
    if stage["ts_ms"] == NOT_GIVEN or event["ts_ms"] != stage["ts_ms"]:
        return stage["ts_ms"] == NOT_GIVEN or event["ts_ms"] < stage["ts_ms"]
    # Both ids end up in one buffer to be compared.
    kept = tables.sizes[ID_BYTES]
    for i in range(event["id_length"]):
        tables.id_bytes[kept + i] = data[event["id_start"] + i]
    return ids_ordered(tables.id_bytes, kept, event["id_length"], stage["id_start"], stage["id_length"])


@rare_kernel
def apply_request(tables: Tables, rules: Rules, event: np.void, data: NDArray[np.uint8]) -> None:
    """Let a request reach a stage. One that is opened asks when its targets are due."""
    request_row(tables, event["office"])
    if event["place"] != NONE:
        request_row(tables, event["place"])
    if event["employee"] != NONE:
        request_row(tables, event["employee"])
    row = _row_of(tables, event)
    stage = tables.stages[STAGES * row + event["code"]]
    if not _is_earlier(tables, event, data, stage):
        return
    _take_back(tables, rules, row)
    kept = tables.sizes[ID_BYTES]
    for i in range(event["id_length"]):
        tables.id_bytes[kept + i] = data[event["id_start"] + i]
    tables.sizes[ID_BYTES] += event["id_length"]
    stage["ts_ms"] = event["ts_ms"]
    stage["id_start"] = kept
    stage["id_length"] = event["id_length"]
    stage["employee"] = event["employee"]
    if event["code"] == OPENED:
        request = tables.requests[row]
        request["priority"] = event["place"]
        request["target"] = event["flag"]
        tables.sizes[ASKING] += 1 - request["asks"]
        request["asks"] = 1
        for target in range(TARGETS):
            tables.marks[MARKS * row + TARGET_MARKS + target]["due_ms"] = FAR_MS
    _count(tables, rules, row)


@entry(TABLES, RULES, NUMBERS)
def settle_requests(tables: Tables, rules: Rules, rows: NDArray[np.int32]) -> None:
    """Count requests anew, after it was set when their targets are due."""
    for row in rows:
        tables.sizes[ASKING] -= tables.requests[row]["asks"]
        tables.requests[row]["asks"] = 0
        _settle(tables, rules, row)


@entry(TABLES, RULES, INT)
def decide_requests(tables: Tables, rules: Rules, silent_ms: int) -> None:
    """Decide the targets that were due before an instant.

    Requests are looked at only when a target of one of them is due, but then all of them.
    """
    if tables.sizes[NEXT_DUE_MS] >= silent_ms:
        return
    tables.sizes[NEXT_DUE_MS] = FAR_MS
    for row in range(tables.sizes[REQUESTS]):
        next_due_ms = tables.requests[row]["next_due_ms"]
        if next_due_ms < silent_ms:
            _settle(tables, rules, row)
        else:
            tables.sizes[NEXT_DUE_MS] = min(tables.sizes[NEXT_DUE_MS], next_due_ms)


@kernel
def expire_marks(tables: Tables, window: int, slot: int, begin_ms: int, end_ms: int) -> None:
    """Take from a window the marks of one slot of the calendar that lie in [begin_ms, end_ms)."""
    at = tables.mark_calendar[slot]
    while at != NONE:
        if begin_ms <= tables.marks[at]["ts_ms"] < end_ms:
            _count_mark(tables, at, window, window + 1, -1)
        at = tables.marks[at]["next"]


@kernel
def keeps_request(tables: Tables, row: int, since_ms: int) -> bool:
    """Whether a request may still matter: it is open, or ended (or, if it was never opened, reached its last stage) since then."""
    if tables.requests[row]["open"]:
        return True
    last_ms: Any = np.int64(NOT_GIVEN)
    for stage in range(STAGES):
        last_ms = max(last_ms, tables.stages[STAGES * row + stage]["ts_ms"])
    return last_ms >= since_ms
