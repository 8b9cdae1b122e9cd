"""From accepted events to a changed state: who is new, and what each kind of event does.

Storage must have been made sure of (:mod:`kernels.storage`); the one thing that cannot be foreseen, room to move a panel
to, makes :func:`apply_events` stop early and say how far it came.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.clients import serve_client
from kernels.compile import entry, kernel, rare_kernel
from kernels.events import ABANDONED_CALL, ANSWERED_CALL, INBOUND
from kernels.force_majeure import apply_verdict, is_covered, is_rejected, judge_force_majeure
from kernels.identity import find, first_place, place_for
from kernels.layout import (
    BOUNCES,
    CALL,
    CALL_ABANDONED_LATE,
    CALL_ABANDONED_SHORT,
    CALL_ANSWERED,
    CALL_IN_TIME,
    CALL_OFFERED,
    CHANGED,
    CUSTOMER,
    FACTS,
    FORCE_MAJEURE,
    FORCE_MAJEURES,
    ID_BYTES,
    NONE,
    PEER_RATING,
    PRESS,
    PRESSES,
    RATING,
    REQUEST,
    SEEN,
    SEEN_IDS,
    SELLER,
    SHIFT,
    SHIFTS,
    TAKING_PART,
    TOUCHED,
    UNDECIDED,
    Rules,
    Tables,
)
from kernels.nameless import is_nameless, keep_name
from kernels.pairing import has_room, insert_press, survey_state
from kernels.requests import apply_request
from kernels.signatures import BYTES, EVENTS, INT, NUMBERS, RULES, TABLES
from kernels.windows import count_fact, in_reach, thread_fact, thread_press

SELLER_PRESS, CUSTOMER_PRESS, VERDICT = 0, 1, 2  # kinds of events
LATEST_S = 2**32 - 1
AHEAD = 32  # events


@kernel
def _look_ahead(tables: Tables, events: NDArray[np.void], begin: int) -> None:
    """Touch the places of the next ids: memory that is fetched together comes sooner than one place after the other."""
    touched = np.uint64(0)
    for i in range(begin, min(begin + AHEAD, events.shape[0])):
        touched ^= tables.seen_index[first_place(tables.seen_index, events[i]["hash_low"])]
    tables.sizes[TOUCHED] = np.int64(touched)


@kernel
def _look_ahead_at_panels(tables: Tables, events: NDArray[np.void], begin: int) -> None:
    """The same of the panels of the next presses, and of their last accepted ones."""
    touched = 0
    end = min(begin + AHEAD, events.shape[0])
    for i in range(begin, end):
        if events[i]["kind"] <= CUSTOMER_PRESS:
            touched += tables.panels[events[i]["place"]]["length"]
    for i in range(begin, end):
        if events[i]["kind"] <= CUSTOMER_PRESS:
            panel = tables.panels[events[i]["place"]]
            if panel["current"] != NONE:
                touched += tables.presses[panel["current"]]["kind"]
            if panel["length"] > 0:
                touched += tables.sequence[panel["start"] + panel["length"] - 1]
    tables.sizes[TOUCHED] = touched


@kernel
def _last_ms(event: np.void) -> Any:
    """When an event is over: a call when its work ended, which a window may still hold when it has left the call itself."""
    ts_ms = np.int64(event["ts_ms"])
    worked = event["kind"] == CALL and event["first_ms"] > 0
    return ts_ms + event["amount"] + event["first_ms"] if worked else ts_ms


@entry(TABLES, EVENTS, NUMBERS)
def admit(tables: Tables, events: NDArray[np.void], seen_rows: NDArray[np.int32]) -> int:
    """Remember the ids of events; returns how many were known.

    Parameters
    ----------
    seen_rows
        Output, (events,): the row of `Tables.seen` of each event, -1 for one whose id was known. What stands behind a
        rating has that of the rating, which stands before it, and is not counted.
    """
    known = 0
    for i in range(events.shape[0]):
        if i % AHEAD == 0:
            _look_ahead(tables, events, i)
        event = events[i]
        if event["kind"] >= TAKING_PART:
            seen_rows[i] = seen_rows[i - 1]
            continue
        high = event["hash_high"]
        low = event["hash_low"]
        place = find(tables.seen_index, tables.seen_hashes, high, low)
        if tables.seen_index[place] != 0:
            seen_rows[i] = NONE
            known += 1
            continue
        row = tables.sizes[SEEN_IDS]
        tables.sizes[SEEN_IDS] += 1
        tables.seen_index[place] = place_for(low, row)
        tables.seen_hashes[row, 0] = high
        tables.seen_hashes[row, 1] = low
        seen = tables.seen[row]
        seen["ts_s"] = min(_last_ms(event) // 1000, LATEST_S)
        seen["row"] = NONE
        seen["kind"] = SEEN
        seen["event_type"] = event["kind"]
        seen_rows[i] = row
    return known


@kernel
def _keep_id(tables: Tables, data: NDArray[np.uint8], start: int, length: int) -> int:
    kept = tables.sizes[ID_BYTES]
    for i in range(length):
        tables.id_bytes[kept + i] = data[start + i]
    tables.sizes[ID_BYTES] += length
    return kept


@kernel
def _refer(tables: Tables, seen_row: int, kind: int, row: int) -> None:
    tables.seen[seen_row]["kind"] = kind
    tables.seen[seen_row]["row"] = row


@kernel
def _apply_press(tables: Tables, rules: Rules, event: np.void, seen_row: int, data: NDArray[np.uint8]) -> None:
    row = tables.sizes[PRESSES]
    tables.sizes[PRESSES] += 1
    press = tables.presses[row]
    press["ts_ms"] = event["ts_ms"]
    press["id_start"] = _keep_id(tables, data, event["id_start"], event["id_length"])
    press["id_length"] = event["id_length"]
    if event["kind"] == SELLER_PRESS and is_nameless(tables, event["employee"]):
        keep_name(tables, data, event["employee_start"], event["employee_length"])
    press["revision"] = 0
    press["answer_ms"] = NONE
    press["panel"] = event["place"]
    press["next"] = NONE
    press["accepted"] = 0
    press["code"] = NONE
    press["queued"] = 0
    press["noted"] = 0
    if event["kind"] == CUSTOMER_PRESS:
        press["employee"] = NONE
        press["kind"] = CUSTOMER
        press["choice"] = event["code"]
        press["outcome"] = NONE
        press["rejected"] = 0
        press["in_force_majeure"] = 0
        press["named"] = 0
        insert_press(tables, rules, row)
        return
    press["employee"] = event["employee"]
    press["kind"] = SELLER
    press["named"] = event["code"] != NONE
    press["choice"] = event["code"] if press["named"] else event["scope"]
    press["outcome"] = UNDECIDED
    press["rejected"] = is_rejected(tables, event["hash_high"], event["hash_low"])
    press["in_force_majeure"] = is_covered(tables, event["place"], event["ts_ms"])
    tables.sizes[BOUNCES] += 1
    _refer(tables, seen_row, PRESS, row)
    if in_reach(tables, event["ts_ms"]):
        thread_press(tables, rules, row)
    insert_press(tables, rules, row)


@kernel
def _apply_long_press(tables: Tables, rules: Rules, event: np.void, seen_row: int) -> None:
    row = tables.sizes[FORCE_MAJEURES]
    tables.sizes[FORCE_MAJEURES] += 1
    declared = tables.force_majeures[row]
    declared["ts_ms"] = event["ts_ms"]
    declared["hash_high"] = event["hash_high"]
    declared["hash_low"] = event["hash_low"]
    declared["panel"] = event["place"]
    declared["employee"] = event["employee"]
    declared["next_standing"] = NONE
    declared["standing"] = 0
    _refer(tables, seen_row, FORCE_MAJEURE, row)
    judge_force_majeure(tables, rules, row)


@kernel
def _apply_verdict(tables: Tables, rules: Rules, event: np.void, data: NDArray[np.uint8]) -> None:
    apply_verdict(
        tables,
        rules,
        event["ts_ms"],
        _keep_id(tables, data, event["id_start"], event["id_length"]),
        event["id_length"],
        event["code"],
        event["target_high"],
        event["target_low"],
        event["flag"],
        event["first_ms"],
        event["second_ms"],
        event["scope"],
    )


@kernel
def _call_flags(rules: Rules, event: np.void) -> int:
    """What a call counts as; fixed when it arrives."""
    flags = CALL_OFFERED if event["flag"] == INBOUND else 0
    wait_ms = event["amount"]
    if event["code"] == ANSWERED_CALL:
        flags |= CALL_ANSWERED
        if wait_ms <= rules.service_level_ms:
            flags |= CALL_IN_TIME
    elif event["code"] == ABANDONED_CALL:
        flags |= CALL_ABANDONED_SHORT if wait_ms < rules.short_abandon_ms else CALL_ABANDONED_LATE
    return flags


@kernel
def _note_client(tables: Tables, rules: Rules, event: np.void) -> None:
    if event["target_low"] != 0 or event["target_high"] != 0:
        serve_client(tables, rules, event, event["kind"] in (RATING, TAKING_PART) and event["flag"] != 0)


@kernel
def _apply_fact(tables: Tables, rules: Rules, event: np.void) -> None:
    ts_ms = event["ts_ms"]
    if not in_reach(tables, _last_ms(event) + rules.context_ms):
        return
    row = tables.sizes[FACTS]
    tables.sizes[FACTS] += 1
    fact = tables.facts[row]
    fact["ts_ms"] = ts_ms
    fact["amount"] = event["amount"]
    fact["handle_ms"] = event["first_ms"]
    fact["talk_ms"] = event["second_ms"]
    fact["office"] = event["office"]
    fact["employee"] = event["employee"]
    fact["queue"] = event["place"]
    fact["kind"] = event["kind"]
    fact["flags"] = _call_flags(rules, event) if event["kind"] == CALL else event["code"]
    if in_reach(tables, ts_ms):
        thread_fact(tables, rules, row)
        count_fact(tables, fact, 0, tables.window_begin_ms.shape[0], ts_ms, 1)
        _note_client(tables, rules, event)


@rare_kernel
def _apply_shift(tables: Tables, event: np.void) -> None:
    """Keep a shift, unless nobody knows whose it is, or it is over for every window."""
    if event["first_ms"] <= event["ts_ms"] or not in_reach(tables, event["first_ms"]):
        return
    if is_nameless(tables, event["employee"]):
        return
    shift = tables.shifts[tables.sizes[SHIFTS]]
    tables.sizes[SHIFTS] += 1
    shift["start_ms"] = event["ts_ms"]
    shift["end_ms"] = event["first_ms"]
    shift["employee"] = event["employee"]
    shift["kind"] = event["code"]


@entry(TABLES, RULES, EVENTS, NUMBERS, BYTES, INT)
def apply_events(
    tables: Tables,
    rules: Rules,
    events: NDArray[np.void],
    seen_rows: NDArray[np.int32],
    data: NDArray[np.uint8],
    begin: int,
) -> int:
    """Let events take effect from ``begin`` on, but those known before; returns how far it came.

    Panels that late presses were inserted into are marked, to be paired once for the whole batch.
    """
    for i in range(begin, events.shape[0]):
        if i % AHEAD == 0:
            _look_ahead_at_panels(tables, events, i)
        if seen_rows[i] == NONE:
            continue
        event = events[i]
        kind = event["kind"]
        if kind == SELLER_PRESS and event["amount"] >= rules.long_press_ms:
            _apply_long_press(tables, rules, event, seen_rows[i])
        elif kind <= CUSTOMER_PRESS:
            if not has_room(tables, event["place"]):
                return i
            _apply_press(tables, rules, event, seen_rows[i], data)
        elif kind == VERDICT:
            _apply_verdict(tables, rules, event, data)
        elif kind <= RATING or kind >= PEER_RATING:
            _apply_fact(tables, rules, event)
        elif kind == REQUEST:
            apply_request(tables, rules, event, data)
            if in_reach(tables, event["ts_ms"]):
                _note_client(tables, rules, event)
        elif kind == SHIFT:
            _apply_shift(tables, event)
    return events.shape[0]


@entry(TABLES, NUMBERS)
def take_changes(tables: Tables, rows: NDArray[np.int32]) -> int:
    """Write the rows of the surveys whose published state changed since the last call to ``rows``, and forget them.

    Returns how many there are, at most `sizes[CHANGED]`.
    """
    count = 0
    for i in range(tables.sizes[CHANGED]):
        change = tables.changed[i]
        press = tables.presses[change["row"]]
        press["noted"] = 0
        state = survey_state(
            press["choice"], press["accepted"], press["outcome"], press["rejected"], press["in_force_majeure"]
        )
        if state != change["before"]:
            rows[count] = change["row"]
            count += 1
    tables.sizes[CHANGED] = 0
    return count
