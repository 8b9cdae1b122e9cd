"""From columns of accepted events to a changed state: one kernel for each kind of event.

Each takes the events of one type in one batch. Storage must have been made sure of (:mod:`kernels.storage`); the one
thing that cannot be foreseen, room to move a panel to, makes :func:`apply_presses` stop early and say how far it came.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.force_majeure import apply_verdict, is_covered, is_rejected, judge_force_majeure
from kernels.identity import find
from kernels.layout import (
    BOUNCES,
    CHANGED,
    CUSTOMER,
    FACTS,
    FORCE_MAJEURE,
    FORCE_MAJEURES,
    FREE,
    ID_BYTES,
    INDEX,
    NONE,
    PRESS,
    PRESSES,
    SEEN,
    SELLER,
    UNDECIDED,
    Rules,
    Tables,
)
from kernels.pairing import insert_press, survey_state
from kernels.windows import count_fact_in, in_reach, thread_fact, thread_press

SELLER_PRESS = 0  # event type of both short and long seller presses


@kernel
def _remember(
    tables: Tables, high: np.uint64, low: np.uint64, ts_ms: int, event_type: int, kind: int, row: int
) -> bool:
    """Enter an id in the index, or say what it refers to; True when it was not there."""
    entry = tables.ids[find(tables.ids, high, low)]
    is_new = entry["kind"] == FREE
    if is_new:
        entry["hash_high"] = high
        entry["hash_low"] = low
        entry["ts_ms"] = ts_ms
        entry["event_type"] = event_type
        entry["row"] = NONE
        tables.sizes[INDEX] += 1
    if is_new or row != NONE:
        entry["kind"] = kind
        entry["row"] = row
    return is_new


@kernel
def admit(tables: Tables, hashes: NDArray[np.uint64], ts_ms: NDArray[np.int64], event_type: int) -> NDArray[np.bool_]:
    """Which events of a batch are new, by their ids; those are remembered. Shape (n,)."""
    fresh = np.empty(ts_ms.shape[0], np.bool_)
    for i in range(ts_ms.shape[0]):
        fresh[i] = _remember(tables, hashes[i, 0], hashes[i, 1], ts_ms[i], event_type, SEEN, NONE)
    return fresh


@kernel
def _keep_id(tables: Tables, data: NDArray[np.uint8], start: int, length: int) -> int:
    kept = tables.sizes[ID_BYTES]
    for i in range(length):
        tables.id_bytes[kept + i] = data[start + i]
    tables.sizes[ID_BYTES] += length
    return kept


@kernel
def apply_presses(
    tables: Tables,
    rules: Rules,
    begin: int,
    kind: int,
    hashes: NDArray[np.uint64],
    ts_ms: NDArray[np.int64],
    id_data: NDArray[np.uint8],
    id_starts: NDArray[np.int64],
    id_lengths: NDArray[np.int64],
    panels: NDArray[np.int32],
    employees: NDArray[np.int32],
    choices: NDArray[np.int8],
) -> int:
    """Insert short seller presses or customer presses from ``begin`` on; returns how far it came.

    The panels are marked and paired afterwards, once for the whole batch.
    """
    for i in range(begin, ts_ms.shape[0]):
        row = tables.sizes[PRESSES]
        press = tables.presses[row]
        press["ts_ms"] = ts_ms[i]
        press["hash_high"] = hashes[i, 0]
        press["hash_low"] = hashes[i, 1]
        press["id_start"] = _keep_id(tables, id_data, id_starts[i], id_lengths[i])
        press["id_length"] = id_lengths[i]
        press["revision"] = 0
        press["panel"] = panels[i]
        press["employee"] = NONE
        press["next"] = NONE
        press["kind"] = kind
        press["choice"] = choices[i]
        press["accepted"] = 0
        press["outcome"] = NONE if kind == CUSTOMER else UNDECIDED
        press["rejected"] = 0
        press["in_force_majeure"] = 0
        press["code"] = NONE
        press["queued"] = 0
        press["noted"] = 0
        if not insert_press(tables, row):
            tables.sizes[ID_BYTES] -= id_lengths[i]
            return i
        tables.sizes[PRESSES] += 1
        if kind == SELLER:
            press["employee"] = employees[i]
            press["rejected"] = is_rejected(tables, hashes[i, 0], hashes[i, 1])
            press["in_force_majeure"] = is_covered(tables, panels[i], ts_ms[i])
            tables.sizes[BOUNCES] += 1
            _remember(tables, hashes[i, 0], hashes[i, 1], ts_ms[i], SELLER_PRESS, PRESS, row)
            if in_reach(tables, rules, ts_ms[i]):
                thread_press(tables, rules, row)
    return ts_ms.shape[0]


@kernel
def apply_long_presses(
    tables: Tables,
    rules: Rules,
    hashes: NDArray[np.uint64],
    ts_ms: NDArray[np.int64],
    panels: NDArray[np.int32],
) -> None:
    """Declare force majeures."""
    for i in range(ts_ms.shape[0]):
        row = tables.sizes[FORCE_MAJEURES]
        tables.sizes[FORCE_MAJEURES] += 1
        declared = tables.force_majeures[row]
        declared["ts_ms"] = ts_ms[i]
        declared["hash_high"] = hashes[i, 0]
        declared["hash_low"] = hashes[i, 1]
        declared["panel"] = panels[i]
        declared["next_standing"] = NONE
        declared["standing"] = 0
        _remember(tables, hashes[i, 0], hashes[i, 1], ts_ms[i], SELLER_PRESS, FORCE_MAJEURE, row)
        judge_force_majeure(tables, rules, row)


@kernel
def apply_verdicts(
    tables: Tables,
    rules: Rules,
    ts_ms: NDArray[np.int64],
    id_data: NDArray[np.uint8],
    id_starts: NDArray[np.int64],
    id_lengths: NDArray[np.int64],
    targets: NDArray[np.int8],
    target_hashes: NDArray[np.uint64],
    reliable: NDArray[np.int8],
    from_ms: NDArray[np.int64],
    to_ms: NDArray[np.int64],
    scopes: NDArray[np.int8],
) -> None:
    """Let verdicts take effect."""
    for i in range(ts_ms.shape[0]):
        kept = _keep_id(tables, id_data, id_starts[i], id_lengths[i])
        apply_verdict(
            tables,
            rules,
            ts_ms[i],
            kept,
            id_lengths[i],
            targets[i],
            target_hashes[i, 0],
            target_hashes[i, 1],
            reliable[i],
            from_ms[i],
            to_ms[i],
            scopes[i],
        )


@kernel
def apply_facts(
    tables: Tables,
    rules: Rules,
    kind: int,
    ts_ms: NDArray[np.int64],
    offices: NDArray[np.int32],
    employees: NDArray[np.int32],
    queues: NDArray[np.int32],
    amounts: NDArray[np.int64],
    handle_ms: NDArray[np.int64],
    talk_ms: NDArray[np.int64],
    flags: NDArray[np.int8],
) -> None:
    """Count calls, sales or visits; columns that a kind does not have are zeros (-1 for entities)."""
    for i in range(ts_ms.shape[0]):
        if not in_reach(tables, rules, ts_ms[i]):
            continue
        row = tables.sizes[FACTS]
        tables.sizes[FACTS] += 1
        fact = tables.facts[row]
        fact["ts_ms"] = ts_ms[i]
        fact["amount"] = amounts[i]
        fact["handle_ms"] = handle_ms[i]
        fact["talk_ms"] = talk_ms[i]
        fact["office"] = offices[i]
        fact["employee"] = employees[i]
        fact["queue"] = queues[i]
        fact["kind"] = kind
        fact["flags"] = flags[i]
        thread_fact(tables, rules, row)
        for window in range(rules.bucket_ms.shape[0]):
            if ts_ms[i] // rules.bucket_ms[window] > tables.window_low[window]:
                count_fact_in(tables, fact, window, 1)


@kernel
def take_changes(tables: Tables) -> NDArray[np.int32]:
    """Rows of the surveys whose published state changed since the last call, (n,) int32; the notes are cleared."""
    rows = np.empty(tables.sizes[CHANGED], np.int32)
    count = 0
    for i in range(tables.sizes[CHANGED]):
        change = tables.changed[i]
        press = tables.presses[change["row"]]
        press["noted"] = 0
        state = survey_state(press["accepted"], press["outcome"], press["rejected"], press["in_force_majeure"])
        if state != change["before"]:
            rows[count] = change["row"]
            count += 1
    tables.sizes[CHANGED] = 0
    return rows[:count]
