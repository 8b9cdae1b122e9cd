"""The sweep: what may still matter moves into new tables, the rest is forgotten.

Rows keep their order and change their numbers, so everything that refers to a row is written anew: panels, calendars,
the heap of open surveys, the lists of standing force majeures, both indices.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.force_majeure import raise_standing
from kernels.identity import find, target_key
from kernels.layout import (
    FACTS,
    FORCE_MAJEURE,
    FORCE_MAJEURE_TARGET,
    FORCE_MAJEURES,
    FREE,
    ID_BYTES,
    INDEX,
    NONE,
    OPEN,
    PANELS,
    PRESS,
    PRESSES,
    SEEN,
    SELLER,
    SEQUENCE,
    VERDICT_INDEX,
    VERDICTS,
    Rules,
    Tables,
)
from kernels.windows import in_reach, thread_fact, thread_press


class Retention(NamedTuple):
    """What a sweep keeps: rows at or after these instants."""

    press_ms: int  # customer presses and bounces
    survey_ms: int  # accepted presses; not after press_ms
    fact_ms: int
    verdict_ms: int  # a verdict whose target is kept stays, too
    force_majeure_ms: int
    seen_ms: NDArray[np.int64]  # ids, by event type


@kernel
def _keeps_press(press: np.void, retention: Retention) -> bool:
    if press["kind"] == SELLER and press["accepted"]:
        return press["ts_ms"] >= retention.survey_ms
    return press["ts_ms"] >= retention.press_ms


@kernel
def _keeps_force_majeure(row: np.void, retention: Retention) -> bool:
    return row["ts_ms"] >= retention.force_majeure_ms or (row["standing"] == 1 and row["to_ms"] >= retention.survey_ms)


@kernel
def _keeps_id(tables: Tables, entry: np.void, retention: Retention) -> bool:
    """An id stays as long as its horizon, or as what it refers to."""
    if entry["ts_ms"] >= retention.seen_ms[entry["event_type"]]:
        return True
    if entry["kind"] == PRESS:
        return _keeps_press(tables.presses[entry["row"]], retention)
    return entry["kind"] == FORCE_MAJEURE and _keeps_force_majeure(tables.force_majeures[entry["row"]], retention)


@kernel
def count_kept(tables: Tables, retention: Retention, step: int) -> tuple[int, int]:
    """How many rows a sweep would keep, of how many, in a sample: every ``step``-th press, fact and id."""
    kept = 0
    looked_at = 0
    for row in range(0, tables.sizes[PRESSES], step):
        kept += _keeps_press(tables.presses[row], retention)
        looked_at += 1
    for row in range(0, tables.sizes[FACTS], step):
        kept += tables.facts[row]["ts_ms"] >= retention.fact_ms
        looked_at += 1
    for at in range(0, tables.ids.shape[0], step):
        if tables.ids[at]["kind"] != FREE:
            kept += _keeps_id(tables, tables.ids[at], retention)
            looked_at += 1
    return kept, looked_at


@kernel
def _copy_id(old: Tables, new: Tables, id_start: int, id_length: int) -> int:
    start = new.sizes[ID_BYTES]
    for i in range(id_length):
        new.id_bytes[start + i] = old.id_bytes[id_start + i]
    new.sizes[ID_BYTES] += id_length
    return start


@kernel
def _sweep_presses(old: Tables, new: Tables, rules: Rules, retention: Retention) -> NDArray[np.int32]:
    moved = np.full(old.sizes[PRESSES], NONE, np.int32)
    for row in range(old.sizes[PRESSES]):
        if _keeps_press(old.presses[row], retention):
            kept = new.sizes[PRESSES]
            new.sizes[PRESSES] += 1
            moved[row] = kept
            new.presses[kept] = old.presses[row]
            press = new.presses[kept]
            press["id_start"] = _copy_id(old, new, press["id_start"], press["id_length"])
            if press["kind"] == SELLER and in_reach(new, rules, press["ts_ms"]):
                thread_press(new, rules, kept)
    return moved


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
        new.sizes[SEQUENCE] += panel["capacity"]


@kernel
def _sweep_open(old: Tables, new: Tables, moved: NDArray[np.int32]) -> None:
    count = 0
    for at in range(old.sizes[OPEN]):
        row = moved[old.open_surveys[at]]
        if row != NONE:
            new.open_surveys[count] = row
            count += 1
    new.sizes[OPEN] = count
    rows = new.open_surveys[:count].copy()
    order = np.argsort(new.presses["ts_ms"][rows])  # what is sorted is a heap
    for at in range(count):
        new.open_surveys[at] = rows[order[at]]


@kernel
def _sweep_force_majeures(old: Tables, new: Tables, retention: Retention) -> NDArray[np.int32]:
    moved = np.full(old.sizes[FORCE_MAJEURES], NONE, np.int32)
    for row in range(old.sizes[FORCE_MAJEURES]):
        if _keeps_force_majeure(old.force_majeures[row], retention):
            kept = new.sizes[FORCE_MAJEURES]
            new.sizes[FORCE_MAJEURES] += 1
            moved[row] = kept
            new.force_majeures[kept] = old.force_majeures[row]
            if old.force_majeures[row]["standing"]:
                raise_standing(new, kept)
    return moved


@kernel
def _sweep_index(
    old: Tables,
    new: Tables,
    retention: Retention,
    moved_presses: NDArray[np.int32],
    moved_force_majeures: NDArray[np.int32],
) -> None:
    """Take the entries that are kept out of the index, empty it, and enter them anew."""
    index = new.ids
    kept = np.empty_like(index[: old.sizes[INDEX]])
    count = 0
    for at in range(index.shape[0]):
        entry = index[at]
        row = NONE
        if entry["kind"] == PRESS:
            row = moved_presses[entry["row"]]
        elif entry["kind"] == FORCE_MAJEURE:
            row = moved_force_majeures[entry["row"]]
        is_kept = row != NONE or entry["ts_ms"] >= retention.seen_ms[entry["event_type"]]
        if entry["kind"] != FREE and is_kept:
            kept[count] = entry
            kept[count]["row"] = row
            if row == NONE:
                kept[count]["kind"] = SEEN
            count += 1
        index[at]["kind"] = FREE
    for at in range(count):
        index[find(index, kept[at]["hash_high"], kept[at]["hash_low"])] = kept[at]
    new.sizes[INDEX] = count


@kernel
def _sweep_verdicts(old: Tables, new: Tables, retention: Retention, targets: NDArray[np.bool_]) -> None:
    for row in range(old.sizes[VERDICTS]):
        if old.verdicts[row]["ts_ms"] < retention.verdict_ms and not targets[row]:
            continue
        kept = new.sizes[VERDICTS]
        new.sizes[VERDICTS] += 1
        new.verdicts[kept] = old.verdicts[row]
        verdict = new.verdicts[kept]
        verdict["id_start"] = _copy_id(old, new, verdict["id_start"], verdict["id_length"])
        entry = new.verdict_index[find(new.verdict_index, verdict["hash_high"], verdict["hash_low"])]
        entry["hash_high"] = verdict["hash_high"]
        entry["hash_low"] = verdict["hash_low"]
        entry["kind"] = 1
        entry["row"] = kept
        new.sizes[VERDICT_INDEX] += 1


@kernel
def _verdicts_with_targets(old: Tables, new: Tables) -> NDArray[np.bool_]:
    """Which verdicts have a target that was kept: presses and force majeures look for theirs."""
    kept = np.zeros(old.sizes[VERDICTS], np.bool_)
    for row in range(new.sizes[PRESSES]):
        press = new.presses[row]
        if press["kind"] == SELLER:
            entry = old.verdict_index[find(old.verdict_index, press["hash_high"], press["hash_low"])]
            if entry["kind"] != FREE:
                kept[entry["row"]] = True
    for row in range(new.sizes[FORCE_MAJEURES]):
        declared = new.force_majeures[row]
        high, low = target_key(declared["hash_high"], declared["hash_low"], FORCE_MAJEURE_TARGET)
        entry = old.verdict_index[find(old.verdict_index, high, low)]
        if entry["kind"] != FREE:
            kept[entry["row"]] = True
    return kept


@kernel
def _sweep_facts(old: Tables, new: Tables, rules: Rules, retention: Retention) -> None:
    for row in range(old.sizes[FACTS]):
        if old.facts[row]["ts_ms"] >= retention.fact_ms:
            kept = new.sizes[FACTS]
            new.sizes[FACTS] += 1
            new.facts[kept] = old.facts[row]
            thread_fact(new, rules, kept)


@kernel
def sweep_into(old: Tables, new: Tables, rules: Rules, retention: Retention) -> None:
    """Move what is kept into new tables, which share with the old ones all arrays whose rows keep their order.

    In those, rows only ever move down, over rows that were looked at before. The ids' bytes, the panels' runs, the
    calendars and the index of verdicts are new and empty.
    """
    for number in range(new.panels.shape[0]):
        new.panels[number]["first_standing"] = NONE
    for number in range(new.offices.shape[0]):
        new.offices[number]["first_standing"] = NONE
    moved_presses = _sweep_presses(old, new, rules, retention)
    _sweep_panels(old, new, moved_presses)
    _sweep_open(old, new, moved_presses)
    moved_force_majeures = _sweep_force_majeures(old, new, retention)
    _sweep_index(old, new, retention, moved_presses, moved_force_majeures)
    _sweep_verdicts(old, new, retention, _verdicts_with_targets(old, new))
    _sweep_facts(old, new, rules, retention)
