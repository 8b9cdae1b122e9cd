"""Rolling windows: counters per entity and window, kept right by adding and taking away.

A window of length W has 60 buckets of g = W / 60. At instant T it holds the buckets after ``floor(T / g) - 60``: that
number is its *low*, the last bucket that has left. Whatever is counted at ``ts`` is added to exactly the windows whose
low it lies above, and taken from them when the low passes it. To find what leaves, rows are threaded through a
calendar, a ring of slots of time; a slot may be wider than a bucket, so the instant of each row decides.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.layout import (
    ABANDONED_LATE,
    ABANDONED_SHORT,
    ANSWERED,
    ANSWERED_IN_TIME,
    ANSWERED_INBOUND,
    CALL,
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
    REVENUE_HIGH,
    REVENUE_LOW,
    SALE,
    SALE_EVENTS,
    SALES,
    TALK_MS,
    TICKETS_HIGH,
    TICKETS_LOW,
    VISITORS_HIGH,
    VISITORS_LOW,
    VISITS,
    WAIT_MS,
    Rules,
    Tables,
)

BUCKETS = 60
_LOW_HALF = 0xFFFFFFFF


@kernel
def count_survey(tables: Tables, rules: Rules, row: int, code: int, sign: int) -> None:
    """Add (or take away) a survey to its employee and its office in every window that holds its instant."""
    press = tables.presses[row]
    office = tables.offices[tables.panels[press["panel"]]["office"]]["entity"]
    for window in range(rules.bucket_ms.shape[0]):
        if press["ts_ms"] // rules.bucket_ms[window] > tables.window_low[window]:
            tables.totals[office, window, code] += sign
            tables.totals[press["employee"], window, code] += sign


@kernel
def _count_call(counters: NDArray[np.int64], fact: np.void, sign: int) -> None:
    flags = fact["flags"]
    counters[CALLS] += sign
    counters[TALK_MS] += sign * fact["talk_ms"]
    counters[HANDLE_MS] += sign * fact["handle_ms"]
    if flags & CALL_ANSWERED:
        counters[ANSWERED] += sign
    if flags & CALL_OFFERED:
        counters[OFFERED] += sign
        if flags & CALL_ANSWERED:
            counters[ANSWERED_INBOUND] += sign
            counters[WAIT_MS] += sign * fact["amount"]
        if flags & CALL_IN_TIME:
            counters[ANSWERED_IN_TIME] += sign
        if flags & CALL_ABANDONED_LATE:
            counters[ABANDONED_LATE] += sign
        if flags & CALL_ABANDONED_SHORT:
            counters[ABANDONED_SHORT] += sign


@kernel
def _add(counters: NDArray[np.int64], low: int, high: int, amount: int, sign: int) -> None:
    """Add (or take away) a 64-bit amount to the halves of a sum; the low one stays below 2**32."""
    half = counters[low] + sign * (amount & _LOW_HALF)
    counters[low] = half & _LOW_HALF
    counters[high] += sign * (amount >> 32) + (half >> 32)


@kernel
def _count_sale(counters: NDArray[np.int64], amount: int, sign: int) -> None:
    counters[SALE_EVENTS] += sign
    _add(counters, REVENUE_LOW, REVENUE_HIGH, amount, sign)
    if amount > 0:
        counters[SALES] += sign
        _add(counters, TICKETS_LOW, TICKETS_HIGH, amount, sign)


@kernel
def _count(counters: NDArray[np.int64], fact: np.void, sign: int) -> None:
    kind = fact["kind"]
    if kind == CALL:
        _count_call(counters, fact, sign)
    elif kind == SALE:
        _count_sale(counters, fact["amount"], sign)
    else:
        counters[VISITS] += sign
        _add(counters, VISITORS_LOW, VISITORS_HIGH, fact["amount"], sign)


@kernel
def count_fact_in(tables: Tables, fact: np.void, window: int, sign: int) -> None:
    """Add (or take away) a call, sale or visit to its office, employee and queue in one window."""
    _count(tables.totals[fact["office"], window], fact, sign)
    if fact["employee"] >= 0:
        _count(tables.totals[fact["employee"], window], fact, sign)
    if fact["queue"] >= 0:
        _count(tables.totals[fact["queue"], window], fact, sign)


@kernel
def in_reach(tables: Tables, rules: Rules, ts_ms: int) -> bool:
    """Whether an instant lies in any window: what does not can never count again.

    The longest window need not be the one that reaches back farthest: 100m may hold a bucket that 101m has left.
    """
    for window in range(rules.bucket_ms.shape[0]):
        if ts_ms // rules.bucket_ms[window] > tables.window_low[window]:
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
def _expire(tables: Tables, window: int, slot: int, begin_ms: int, end_ms: int) -> None:
    """Take from a window what lies in one slot of the calendar and in [begin_ms, end_ms)."""
    row = tables.press_calendar[slot]
    while row != NONE:
        press = tables.presses[row]
        if press["code"] != NONE and begin_ms <= press["ts_ms"] < end_ms:
            office = tables.offices[tables.panels[press["panel"]]["office"]]["entity"]
            tables.totals[office, window, press["code"]] -= 1
            tables.totals[press["employee"], window, press["code"]] -= 1
        row = press["next"]
    row = tables.fact_calendar[slot]
    while row != NONE:
        fact = tables.facts[row]
        if begin_ms <= fact["ts_ms"] < end_ms:
            count_fact_in(tables, fact, window, -1)
        row = fact["next"]


@kernel
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
        low = now_ms // bucket_ms - BUCKETS
        begin_ms = (tables.window_low[window] + 1) * bucket_ms
        end_ms = (low + 1) * bucket_ms
        last = min(end_ms - 1, before_ms) // rules.slot_ms
        for slot in range(begin_ms // rules.slot_ms, last + 1):
            _expire(tables, window, slot % slots, begin_ms, end_ms)
        tables.window_low[window] = low
        reach_ms = min(reach_ms, end_ms)
    _clear_calendars(tables, reach_ms // rules.slot_ms)
    tables.sizes[NOW_MS] = now_ms


@kernel
def _clear_calendars(tables: Tables, until: int) -> None:
    """Empty the slots before ``until``, which every window has left, for the ring's next round."""
    slots = tables.press_calendar.shape[0]
    for slot in range(max(tables.sizes[CLEARED_SLOT], until - slots), until):
        tables.press_calendar[slot % slots] = NONE
        tables.fact_calendar[slot % slots] = NONE
    tables.sizes[CLEARED_SLOT] = max(tables.sizes[CLEARED_SLOT], until)
