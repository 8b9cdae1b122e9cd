"""Rolling windows: counters per entity and window, kept right by adding and taking away.

A window of length W has 60 buckets of g = W / 60. At instant T it holds the buckets after ``floor(T / g) - 60``: it begins
where the first of them does. Whatever is counted at ``ts`` is added to exactly the windows that begin no later, and taken
from them when their beginning passes it. To find what leaves, rows are threaded through a calendar, a ring of slots of
time; a slot may be wider than a bucket, so the instant of each row decides.
"""

import numpy as np

from kernels.clients import expire_clients
from kernels.compile import entry, kernel
from kernels.layout import (
    ABANDONED_LATE,
    ABANDONED_SHORT,
    ANSWERED,
    ANSWERED_IN_TIME,
    ANSWERED_INBOUND,
    CALL_ABANDONED_LATE,
    CALL_ABANDONED_SHORT,
    CALL_ANSWERED,
    CALL_IN_TIME,
    CALL_OFFERED,
    CALLS,
    CLEARED_SLOT,
    HANDLE_MS,
    NONE,
    NOW_MS,
    OFFERED,
    PEER_RATING,
    RATING,
    REVENUE_LOW,
    SALE,
    SALE_EVENTS,
    SALES,
    SURVEY_CODES,
    TAKING_PART,
    TALK_MS,
    TICKETS_LOW,
    TOUCHED,
    VISIT,
    VISITORS_LOW,
    VISITS,
    WAIT_MS,
    Rules,
    Tables,
)
from kernels.margins import count_margin
from kernels.peer_ratings import count_peer_rating
from kernels.requests import expire_marks
from kernels.scores import count_rating
from kernels.signatures import INT, RULES, TABLES

BUCKETS = 60
_LOW_HALF = 0xFFFFFFFF
SLOTS_AHEAD = 4


@kernel
def count_survey(tables: Tables, row: int, code: int, sign: int) -> None:
    """Add (or take away) a survey to its employee and its office in every window that holds its instant."""
    press = tables.presses[row]
    ts_ms = press["ts_ms"]
    office = tables.panels[press["panel"]]["entity"]
    employee = press["employee"]
    for window in range(tables.window_begin_ms.shape[0]):
        counted = sign if ts_ms >= tables.window_begin_ms[window] else 0
        tables.survey_counts[office, code, window] += counted
        tables.survey_counts[employee, code, window] += counted


@kernel
def _add(tables: Tables, entity: int, low: int, window: int, amount: int, sign: int) -> None:
    """Add (or take away) a 64-bit amount to the halves of a sum; the low one, before the high one, stays below 2**32."""
    half = tables.fact_sums[entity, window, low - SURVEY_CODES] + sign * (amount & _LOW_HALF)
    tables.fact_sums[entity, window, low - SURVEY_CODES] = half & _LOW_HALF
    tables.fact_sums[entity, window, low + 1 - SURVEY_CODES] += sign * (amount >> 32) + (half >> 32)


@kernel
def _count_call(tables: Tables, entity: int, fact: np.void, begin: int, end: int, ts_ms: int, sign: int) -> None:
    flags = np.int64(fact["flags"])
    offered = flags & CALL_OFFERED
    answered = flags & CALL_ANSWERED
    sums = tables.fact_sums
    for window in range(begin, end):
        if ts_ms < tables.window_begin_ms[window]:
            continue
        sums[entity, window, CALLS - SURVEY_CODES] += sign
        sums[entity, window, TALK_MS - SURVEY_CODES] += sign * fact["talk_ms"]
        sums[entity, window, HANDLE_MS - SURVEY_CODES] += sign * fact["handle_ms"]
        if answered:
            sums[entity, window, ANSWERED - SURVEY_CODES] += sign
        if offered:
            sums[entity, window, OFFERED - SURVEY_CODES] += sign
            if answered:
                sums[entity, window, ANSWERED_INBOUND - SURVEY_CODES] += sign
                sums[entity, window, WAIT_MS - SURVEY_CODES] += sign * fact["amount"]
            if flags & CALL_IN_TIME:
                sums[entity, window, ANSWERED_IN_TIME - SURVEY_CODES] += sign
            if flags & CALL_ABANDONED_LATE:
                sums[entity, window, ABANDONED_LATE - SURVEY_CODES] += sign
            if flags & CALL_ABANDONED_SHORT:
                sums[entity, window, ABANDONED_SHORT - SURVEY_CODES] += sign


@kernel
def _count_sale(tables: Tables, entity: int, amount: int, begin: int, end: int, ts_ms: int, sign: int) -> None:
    for window in range(begin, end):
        if ts_ms < tables.window_begin_ms[window]:
            continue
        tables.fact_sums[entity, window, SALE_EVENTS - SURVEY_CODES] += sign
        _add(tables, entity, REVENUE_LOW, window, amount, sign)
        if amount > 0:
            tables.fact_sums[entity, window, SALES - SURVEY_CODES] += sign
            _add(tables, entity, TICKETS_LOW, window, amount, sign)


@kernel
def _count_visit(tables: Tables, entity: int, amount: int, begin: int, end: int, ts_ms: int, sign: int) -> None:
    for window in range(begin, end):
        if ts_ms >= tables.window_begin_ms[window]:
            tables.fact_sums[entity, window, VISITS - SURVEY_CODES] += sign
            _add(tables, entity, VISITORS_LOW, window, amount, sign)


@kernel
def count_fact(tables: Tables, fact: np.void, begin: int, end: int, ts_ms: int, sign: int) -> None:
    """Add (or take away) a call, sale, visit or rating to its office, employee and queue or category, one between departments to its group.

    In those of the windows ``begin`` to ``end``, exclusive, that begin at ``ts_ms`` or before.
    """
    kind = fact["kind"]
    if kind == VISIT:
        _count_visit(tables, fact["office"], fact["amount"], begin, end, ts_ms, sign)
    elif kind == SALE:
        for entity in (fact["office"], fact["employee"], fact["queue"]):
            if entity >= 0:
                _count_sale(tables, entity, fact["amount"], begin, end, ts_ms, sign)
                if fact["flags"]:
                    count_margin(tables, entity, fact["handle_ms"], begin, end, ts_ms, sign)
    elif kind in (RATING, TAKING_PART):
        count_rating(tables, fact, begin, end, ts_ms, sign)
    elif kind >= PEER_RATING:
        count_peer_rating(tables, fact, begin, end, ts_ms, sign)
    else:
        for entity in (fact["office"], fact["employee"], fact["queue"]):
            if entity >= 0:
                _count_call(tables, entity, fact, begin, end, ts_ms, sign)


@kernel
def in_reach(tables: Tables, ts_ms: int) -> bool:
    """Whether an instant lies in any window: what does not can never count again.

    The longest window need not be the one that reaches back farthest: 100m may hold a bucket that 101m has left.
    """
    for window in range(tables.window_begin_ms.shape[0]):  # noqa: SIM110 - compiled
        if ts_ms >= tables.window_begin_ms[window]:
            return True
    return False


@kernel
def thread_press(tables: Tables, rules: Rules, row: int) -> None:
    """Enter a seller press in the calendar."""
    slot = (tables.presses[row]["ts_ms"] // rules.slot_ms) % tables.press_calendar.shape[0]
    tables.presses[row]["next"] = tables.press_calendar[slot]
    tables.press_calendar[slot] = row


@kernel
def thread_fact(tables: Tables, rules: Rules, row: int) -> None:
    """Enter a fact in the calendar."""
    slot = (tables.facts[row]["ts_ms"] // rules.slot_ms) % tables.fact_calendar.shape[0]
    tables.facts[row]["next"] = tables.fact_calendar[slot]
    tables.fact_calendar[slot] = row


@kernel
def _look_ahead(tables: Tables, slot: int) -> None:
    """Touch the first rows of a slot: memory that is asked for early is there when it is needed."""
    touched = 0
    if tables.press_calendar[slot] != NONE:
        touched += tables.presses[tables.press_calendar[slot]]["code"]
    if tables.fact_calendar[slot] != NONE:
        touched += tables.facts[tables.fact_calendar[slot]]["kind"]
    tables.sizes[TOUCHED] = touched


@kernel
def _expire(tables: Tables, window: int, slot: int, begin_ms: int, end_ms: int) -> None:
    """Take from a window what lies in one slot of the calendar and in [begin_ms, end_ms)."""
    row = tables.press_calendar[slot]
    while row != NONE:
        press = tables.presses[row]
        code = press["code"]
        if code != NONE and begin_ms <= press["ts_ms"] < end_ms:
            tables.survey_counts[tables.panels[press["panel"]]["entity"], code, window] -= 1
            tables.survey_counts[press["employee"], code, window] -= 1
        row = press["next"]
    row = tables.fact_calendar[slot]
    while row != NONE:
        fact = tables.facts[row]
        if begin_ms <= fact["ts_ms"] < end_ms:
            count_fact(tables, fact, window, window + 1, fact["ts_ms"], -1)
        row = fact["next"]
    expire_clients(tables, window, slot, begin_ms, end_ms)
    expire_marks(tables, window, slot, begin_ms, end_ms)


@kernel
def _clear_calendars(tables: Tables, until: int) -> None:
    """Empty the slots before ``until``, which every window has left, for the ring's next round."""
    slots = tables.press_calendar.shape[0]
    for slot in range(max(tables.sizes[CLEARED_SLOT], until - slots), until):
        tables.press_calendar[slot % slots] = NONE
        tables.fact_calendar[slot % slots] = NONE
        tables.client_calendar[slot % slots] = NONE
        tables.mark_calendar[slot % slots] = NONE
    tables.sizes[CLEARED_SLOT] = max(tables.sizes[CLEARED_SLOT], until)


@entry(TABLES, RULES, INT)
def advance_windows(tables: Tables, rules: Rules, now_ms: int) -> None:
    """Move every window to instant ``now_ms``; time never runs backwards. What left is taken away.

    Nothing counted lies after the instant that the windows stood at, nor before the 60 buckets that they held then: even
    a leap of years visits a slot once.
    """
    before_ms = tables.sizes[NOW_MS]
    if now_ms <= before_ms:
        return
    slots = tables.press_calendar.shape[0]
    reach_ms = now_ms
    for window in range(rules.bucket_ms.shape[0]):
        bucket_ms = rules.bucket_ms[window]
        begin_ms = tables.window_begin_ms[window]
        end_ms = (now_ms // bucket_ms - BUCKETS + 1) * bucket_ms
        if end_ms > begin_ms:
            last = min(end_ms - 1, before_ms) // rules.slot_ms
            for slot in range(max(begin_ms, 0) // rules.slot_ms, last + 1):
                _look_ahead(tables, (slot + SLOTS_AHEAD) % slots)
                _expire(tables, window, slot % slots, begin_ms, end_ms)
            tables.window_begin_ms[window] = end_ms
        reach_ms = min(reach_ms, end_ms)
    _clear_calendars(tables, reach_ms // rules.slot_ms)
    tables.sizes[NOW_MS] = now_ms
