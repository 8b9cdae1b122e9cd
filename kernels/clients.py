"""Distinct clients by entity and window: who was served, and who was lost.

Every window ends now. So a client is in it exactly if the last time that they were served is, and that time is all that is kept of a
client and an entity, whatever the order in which events come. Rows are threaded through a calendar by that time. Who is meant is
known by a hash alone.
"""

from typing import Any

import numpy as np

from kernels.calendar import thread, unthread
from kernels.compile import kernel, rare_kernel
from kernels.identity import find, place_for, row_at
from kernels.layout import (
    CLEARED_SLOT,
    CLIENTS,
    CLIENTS_LOST,
    CLIENTS_SERVED,
    NONE,
    NOT_GIVEN,
    SCORE_BEGIN,
    TAKING_PART,
    Rules,
    Tables,
)
from kernels.nameless import is_nameless
from kernels.scores import score_row

_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@kernel
def _key(event: np.void, entity: int, code: int) -> tuple[np.uint64, np.uint64]:
    """Key of what is known of a client for an entity and a counter."""
    turned = np.uint64(2 * entity + (code - CLIENTS_SERVED) + 1) * _SPREAD
    return event["target_high"] ^ turned, event["target_low"] ^ turned


@kernel
def _row_of(tables: Tables, event: np.void, entity: int, code: int) -> Any:
    """Row of a client for an entity and a counter; a new one has not been there yet."""
    high, low = _key(event, entity, code)
    place = find(tables.client_index, tables.client_hashes, high, low)
    row = row_at(tables.client_index[place])
    if row == NONE:
        row = tables.sizes[CLIENTS]
        tables.sizes[CLIENTS] += 1
        tables.client_index[place] = place_for(low, row)
        tables.client_hashes[row, 0] = high
        tables.client_hashes[row, 1] = low
        tables.clients[row]["ts_ms"] = NOT_GIVEN
        tables.clients[row]["entity"] = entity
        tables.clients[row]["code"] = code
    return row


@rare_kernel
def _serve(tables: Tables, rules: Rules, event: np.void, entity: int, is_leaving: bool) -> None:
    ts_ms = event["ts_ms"]
    counts = score_row(tables, entity)
    for code in range(CLIENTS_SERVED, CLIENTS_LOST + 1 if is_leaving else CLIENTS_LOST):
        row = _row_of(tables, event, entity, code)
        before_ms = tables.clients[row]["ts_ms"]
        if ts_ms <= before_ms:
            continue
        unthread(tables.clients, tables.client_calendar, rules.slot_ms, tables.sizes[CLEARED_SLOT], row)
        tables.clients[row]["ts_ms"] = ts_ms
        thread(tables.clients, tables.client_calendar, rules.slot_ms, row)
        for window in range(tables.window_begin_ms.shape[0]):
            if before_ms < tables.window_begin_ms[window] <= ts_ms:
                tables.score_counts[counts, window, code - SCORE_BEGIN] += 1


@kernel
def serve_client(tables: Tables, rules: Rules, event: np.void, is_leaving: bool) -> None:
    """Take note of a client who was served, and of one who is lost, by an event that lies in some window."""
    if event["kind"] != TAKING_PART:
        _serve(tables, rules, event, event["office"], is_leaving)
    employee = event["employee"]
    if employee != NONE and not is_nameless(tables, employee):
        _serve(tables, rules, event, employee, is_leaving)


@kernel
def expire_clients(tables: Tables, window: int, slot: int, begin_ms: int, end_ms: int) -> None:
    """Take from a window the clients of one slot of the calendar who were served last in [begin_ms, end_ms)."""
    row = tables.client_calendar[slot]
    while row != NONE:
        client = tables.clients[row]
        if begin_ms <= client["ts_ms"] < end_ms:
            counts = tables.score_rows[client["entity"]]
            tables.score_counts[counts, window, client["code"] - SCORE_BEGIN] -= 1
        row = client["next"]
