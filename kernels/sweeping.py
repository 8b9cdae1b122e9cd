"""The sweep: what may still matter moves into new tables, the rest is forgotten.

Rows keep their order and change their numbers, so everything that refers to a row is written anew: panels, calendars,
the open surveys, the lists of standing force majeures, both indices.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.asked import settle_asked
from kernels.calendar import thread
from kernels.compile import entry, kernel
from kernels.force_majeure import raise_standing
from kernels.identity import enter, find, place_for, row_at, target_key
from kernels.layout import (
    CLEARED_SLOT,
    CLIENTS,
    FACTS,
    FORCE_MAJEURE,
    FORCE_MAJEURE_TARGET,
    FORCE_MAJEURES,
    ID_BYTES,
    MARK_ROWS,
    MARKS,
    NONE,
    OPEN_BEGIN,
    OPEN_END,
    OPEN_LATE,
    PANELS,
    PRESS,
    PRESSES,
    REQUESTS,
    SEEN,
    SEEN_IDS,
    SELLER,
    SEQUENCE,
    SHIFTS,
    STAGE_ROWS,
    STAGES,
    VERDICTS,
    Rules,
    Tables,
)
from kernels.ledger import LATEST_S
from kernels.nameless import kept_bytes
from kernels.open_surveys import push_open
from kernels.requests import is_threaded, keeps_request
from kernels.signatures import INT, INTS, NUMBERS, RULES, TABLES
from kernels.windows import in_reach, thread_fact, thread_press
from kernels.work import work_ended_ms


class Retention(NamedTuple):
    """What a sweep keeps: rows at or after these instants."""

    press_ms: int  # customer presses and bounces
    survey_ms: int  # accepted presses; not after press_ms
    fact_ms: int  # calls by when their work ended; clients and shifts that ended then, too
    request_ms: int  # requests that ended since then, and all that are open
    verdict_ms: int  # a verdict whose target is kept stays, too
    force_majeure_ms: int
    seen_ms: NDArray[np.int64]  # ids, by event type


_RETENTION_TYPES = [INTS if name == "seen_ms" else INT for name in Retention._fields]
_RETENTION: Any = types.NamedTuple(_RETENTION_TYPES, Retention)  # type: ignore[no-untyped-call]


@kernel
def _keeps_press(press: np.void, retention: Retention) -> bool:
    if press["kind"] == SELLER and press["accepted"]:
        return press["ts_ms"] >= retention.survey_ms
    return press["ts_ms"] >= retention.press_ms


@kernel
def _keeps_force_majeure(row: np.void, retention: Retention) -> bool:
    return row["ts_ms"] >= retention.force_majeure_ms or (row["standing"] == 1 and row["to_ms"] >= retention.survey_ms)


@kernel
def _keeps_id(tables: Tables, seen: np.void, retention: Retention) -> bool:
    """An id stays as long as its horizon, or as what it refers to."""
    if seen["ts_s"] >= min(retention.seen_ms[seen["event_type"]] // 1000, LATEST_S):
        return True
    if seen["kind"] == PRESS:
        return _keeps_press(tables.presses[seen["row"]], retention)
    return seen["kind"] == FORCE_MAJEURE and _keeps_force_majeure(tables.force_majeures[seen["row"]], retention)


@entry(TABLES, _RETENTION, INT)
def count_kept(tables: Tables, retention: Retention, step: int) -> tuple[int, int]:
    """How many rows a sweep would keep, of how many, in a sample: every ``step``-th press, fact, client, request and id."""
    kept = 0
    looked_at = 0
    for row in range(0, tables.sizes[PRESSES], step):
        kept += _keeps_press(tables.presses[row], retention)
        looked_at += 1
    for row in range(0, tables.sizes[FACTS], step):
        kept += work_ended_ms(tables.facts[row]) >= retention.fact_ms
        looked_at += 1
    for row in range(0, tables.sizes[CLIENTS], step):
        kept += tables.clients[row]["ts_ms"] >= retention.fact_ms
        looked_at += 1
    for row in range(0, tables.sizes[REQUESTS], step):
        kept += keeps_request(tables, row, retention.request_ms)
        looked_at += 1
    for row in range(0, tables.sizes[SEEN_IDS], step):
        kept += _keeps_id(tables, tables.seen[row], retention)
        looked_at += 1
    return kept, looked_at


@kernel
def _copy_bytes(old: Tables, new: Tables, start: int, length: int) -> int:
    kept = new.sizes[ID_BYTES]
    for i in range(length):
        new.id_bytes[kept + i] = old.id_bytes[start + i]
    new.sizes[ID_BYTES] += length
    return kept


@kernel
def _sweep_presses(old: Tables, new: Tables, rules: Rules, retention: Retention, moved: NDArray[np.int32]) -> None:
    for row in range(old.sizes[PRESSES]):
        moved[row] = NONE
        if _keeps_press(old.presses[row], retention):
            kept = new.sizes[PRESSES]
            new.sizes[PRESSES] += 1
            moved[row] = kept
            new.presses[kept] = old.presses[row]
            press = new.presses[kept]
            press["id_start"] = _copy_bytes(old, new, press["id_start"], kept_bytes(old, press))
            if press["kind"] == SELLER and in_reach(new, press["ts_ms"]):
                thread_press(new, rules, kept)
        elif old.presses[row]["code"] != NONE:
            settle_asked(old, row)  # whose instants the new tables share


@kernel
def _sweep_panels(old: Tables, new: Tables, moved: NDArray[np.int32]) -> None:
    for number in range(old.sizes[PANELS]):
        panel = new.panels[number]
        start = new.sizes[SEQUENCE]
        count = 0
        for at in range(panel["start"], panel["start"] + panel["length"]):
            row = moved[old.sequence[at]]
            if row != NONE:
                new.sequence[start + count] = row
                count += 1
        panel["start"] = start
        panel["length"] = count
        panel["capacity"] = count + count // 4 + 4
        if panel["current"] != NONE:
            panel["current"] = moved[panel["current"]]
        new.sizes[SEQUENCE] += panel["capacity"]


@kernel
def _sweep_open(old: Tables, new: Tables, moved: NDArray[np.int32]) -> None:
    """Enter what is kept anew, never beyond what has been looked at."""
    for at in range(old.sizes[OPEN_BEGIN], old.sizes[OPEN_END]):
        row = moved[old.open_surveys[at]["row"]]
        if row != NONE:
            push_open(new, row)
    for at in range(old.sizes[OPEN_LATE]):
        row = moved[old.late_surveys[at]["row"]]
        if row != NONE:
            push_open(new, row)


@kernel
def _sweep_force_majeures(old: Tables, new: Tables, retention: Retention, moved: NDArray[np.int32]) -> None:
    for row in range(old.sizes[FORCE_MAJEURES]):
        moved[row] = NONE
        if _keeps_force_majeure(old.force_majeures[row], retention):
            kept = new.sizes[FORCE_MAJEURES]
            new.sizes[FORCE_MAJEURES] += 1
            moved[row] = kept
            new.force_majeures[kept] = old.force_majeures[row]
            if old.force_majeures[row]["standing"]:
                raise_standing(new, kept)


@kernel
def _sweep_ids(
    old: Tables,
    new: Tables,
    retention: Retention,
    moved_presses: NDArray[np.int32],
    moved_force_majeures: NDArray[np.int32],
    moved: NDArray[np.int32],
) -> None:
    for row in range(old.sizes[SEEN_IDS]):
        moved[row] = NONE
        seen = old.seen[row]
        refers_to = NONE
        if seen["kind"] == PRESS:
            refers_to = moved_presses[seen["row"]]
        elif seen["kind"] == FORCE_MAJEURE:
            refers_to = moved_force_majeures[seen["row"]]
        if refers_to == NONE and seen["ts_s"] < min(retention.seen_ms[seen["event_type"]] // 1000, LATEST_S):
            continue
        kept = new.sizes[SEEN_IDS]
        new.sizes[SEEN_IDS] += 1
        moved[row] = kept
        new.seen[kept] = seen
        new.seen[kept]["row"] = refers_to
        if refers_to == NONE:
            new.seen[kept]["kind"] = SEEN
        new.seen_hashes[kept, 0] = old.seen_hashes[row, 0]
        new.seen_hashes[kept, 1] = old.seen_hashes[row, 1]
    _renumber(old.seen_index, new.seen_index, moved)


@kernel
def _renumber(index: NDArray[np.uint64], renumbered: NDArray[np.uint64], moved: NDArray[np.int32]) -> None:
    """Fill an empty index with what another one holds of the rows that were kept."""
    for at in range(index.shape[0]):
        if index[at] != 0 and moved[row_at(index[at])] != NONE:
            enter(renumbered, place_for(index[at], moved[row_at(index[at])]))


@kernel
def _sweep_verdicts(old: Tables, new: Tables, retention: Retention, moved: NDArray[np.int32]) -> None:
    """Keep verdicts as long as they may be corrected, and as long as their targets are there."""
    for row in range(old.sizes[VERDICTS]):
        moved[row] = NONE
        if old.verdicts[row]["ts_ms"] < retention.verdict_ms and not _has_target(old, new, row):
            continue
        kept = new.sizes[VERDICTS]
        new.sizes[VERDICTS] += 1
        moved[row] = kept
        new.verdicts[kept] = old.verdicts[row]
        new.verdict_hashes[kept, 0] = old.verdict_hashes[row, 0]
        new.verdict_hashes[kept, 1] = old.verdict_hashes[row, 1]
        verdict = new.verdicts[kept]
        verdict["id_start"] = _copy_bytes(old, new, verdict["id_start"], verdict["id_length"])
    _renumber(old.verdict_index, new.verdict_index, moved)


@kernel
def _has_target(old: Tables, new: Tables, row: int) -> bool:
    """Whether the target of a verdict was kept."""
    target = old.verdicts[row]["target"]
    high, low = target_key(old.verdict_hashes[row, 0], old.verdict_hashes[row, 1], target)  # its own inverse
    at = row_at(new.seen_index[find(new.seen_index, new.seen_hashes, high, low)])
    return at != NONE and new.seen[at]["kind"] == (FORCE_MAJEURE if target == FORCE_MAJEURE_TARGET else PRESS)


@kernel
def _sweep_facts(old: Tables, new: Tables, rules: Rules, retention: Retention) -> None:
    for row in range(old.sizes[FACTS]):
        if work_ended_ms(old.facts[row]) >= retention.fact_ms:
            kept = new.sizes[FACTS]
            new.sizes[FACTS] += 1
            new.facts[kept] = old.facts[row]
            if in_reach(new, new.facts[kept]["ts_ms"]):
                thread_fact(new, rules, kept)


@kernel
def _sweep_shifts(old: Tables, new: Tables, retention: Retention) -> None:
    for row in range(old.sizes[SHIFTS]):
        if old.shifts[row]["end_ms"] >= retention.fact_ms:
            new.shifts[new.sizes[SHIFTS]] = old.shifts[row]
            new.sizes[SHIFTS] += 1


@kernel
def _sweep_clients(old: Tables, new: Tables, rules: Rules, retention: Retention, moved: NDArray[np.int32]) -> None:
    for row in range(old.sizes[CLIENTS]):
        moved[row] = NONE
        if old.clients[row]["ts_ms"] >= retention.fact_ms:
            kept = new.sizes[CLIENTS]
            new.sizes[CLIENTS] += 1
            moved[row] = kept
            new.clients[kept] = old.clients[row]
            new.client_hashes[kept, 0] = old.client_hashes[row, 0]
            new.client_hashes[kept, 1] = old.client_hashes[row, 1]
    _renumber(old.client_index, new.client_index, moved)
    # Rows that are threaded change those before them, which must not be looked at again.
    for row in range(new.sizes[CLIENTS]):
        if new.clients[row]["ts_ms"] // rules.slot_ms >= new.sizes[CLEARED_SLOT]:
            thread(new.clients, new.client_calendar, rules.slot_ms, row)


@kernel
def _sweep_requests(old: Tables, new: Tables, rules: Rules, retention: Retention, moved: NDArray[np.int32]) -> None:
    for row in range(old.sizes[REQUESTS]):
        moved[row] = NONE
        if not keeps_request(old, row, retention.request_ms):
            continue
        kept = new.sizes[REQUESTS]
        new.sizes[REQUESTS] += 1
        new.sizes[STAGE_ROWS] += STAGES
        new.sizes[MARK_ROWS] += MARKS
        moved[row] = kept
        new.requests[kept] = old.requests[row]
        new.request_hashes[kept, 0] = old.request_hashes[row, 0]
        new.request_hashes[kept, 1] = old.request_hashes[row, 1]
        for stage in range(STAGES):
            to = new.stages[STAGES * kept + stage]
            to["ts_ms"] = old.stages[STAGES * row + stage]["ts_ms"]
            to["employee"] = old.stages[STAGES * row + stage]["employee"]
            to["id_length"] = old.stages[STAGES * row + stage]["id_length"]
            to["id_start"] = _copy_bytes(old, new, old.stages[STAGES * row + stage]["id_start"], to["id_length"])
        for mark in range(MARKS):
            new.marks[MARKS * kept + mark] = old.marks[MARKS * row + mark]
    _renumber(old.request_index, new.request_index, moved)
    for at in range(new.sizes[MARK_ROWS]):
        if is_threaded(new, rules, at):
            thread(new.marks, new.mark_calendar, rules.slot_ms, at)


class Moved(NamedTuple):
    """Room for the new number of every row, -1 for those that are dropped; all (rows,)."""

    presses: NDArray[np.int32]
    force_majeures: NDArray[np.int32]
    seen: NDArray[np.int32]
    verdicts: NDArray[np.int32]
    clients: NDArray[np.int32]
    requests: NDArray[np.int32]


_MOVED: Any = types.NamedUniTuple(NUMBERS, 6, Moved)  # type: ignore[no-untyped-call]


@entry(TABLES, TABLES, RULES, _RETENTION, _MOVED)
def sweep_into(old: Tables, new: Tables, rules: Rules, retention: Retention, moved: Moved) -> None:
    """Move what is kept into new tables, which share with the old ones all arrays whose rows keep their order.

    In those, rows only ever move down, over rows that were looked at before. The ids' bytes, the panels' runs, the
    calendars and both indices are new and empty.
    """
    for number in range(new.panels.shape[0]):
        new.panels[number]["first_standing"] = NONE
    for number in range(new.offices.shape[0]):
        new.offices[number]["first_standing"] = NONE
    _sweep_presses(old, new, rules, retention, moved.presses)
    _sweep_panels(old, new, moved.presses)
    _sweep_open(old, new, moved.presses)
    _sweep_force_majeures(old, new, retention, moved.force_majeures)
    _sweep_ids(old, new, retention, moved.presses, moved.force_majeures, moved.seen)
    _sweep_verdicts(old, new, retention, moved.verdicts)
    _sweep_facts(old, new, rules, retention)
    _sweep_shifts(old, new, retention)
    _sweep_clients(old, new, rules, retention, moved.clients)
    _sweep_requests(old, new, rules, retention, moved.requests)
