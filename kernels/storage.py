"""Room for the tables: made empty, made larger, and swept of what can never matter again.

Kernels never allocate. Before a batch :func:`reserve` makes sure that its rows fit. Where they do not, what can never
matter again is swept out if it is a quarter of anything; otherwise what is too short is made half as long again. Both
cost in proportion to the state, but come only after it has grown in proportion, so each event pays a bounded share.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.force_majeure import raise_standing
from kernels.identity import find, target_key
from kernels.layout import (
    CHANGE_ROW,
    COUNTERS,
    FACT_ROW,
    FACTS,
    FORCE_MAJEURE,
    FORCE_MAJEURE_ROW,
    FORCE_MAJEURE_TARGET,
    FORCE_MAJEURES,
    FREE,
    ID_BYTES,
    INDEX,
    INDEX_ROW,
    NONE,
    OFFICE_ROW,
    OPEN,
    PANEL_ROW,
    PANELS,
    PRESS,
    PRESS_ROW,
    PRESSES,
    SELLER,
    SEQUENCE,
    SIZES,
    VERDICT_INDEX,
    VERDICT_ROW,
    VERDICTS,
    Rules,
    Tables,
)
from kernels.windows import BUCKETS, in_reach, thread_fact, thread_press

MAXIMUM_SLOTS = 65_536  # of a calendar: 256 KiB, 40 s a slot for a window of 30 days


class Needs(NamedTuple):
    """Rows that a batch may add."""

    presses: int = 0
    force_majeures: int = 0
    verdicts: int = 0
    facts: int = 0
    ids: int = 0
    id_bytes: int = 0


class Retention(NamedTuple):
    """What a sweep keeps: rows at or after these instants."""

    press_ms: int  # customer presses and bounces
    survey_ms: int  # accepted presses; not after press_ms
    fact_ms: int
    verdict_ms: int  # a verdict whose target is kept stays, too
    force_majeure_ms: int
    seen_ms: NDArray[np.int64]  # ids, by event type


def slot_width_ms(bucket_ms: NDArray[np.int64]) -> int:
    """Width of a calendar's slots: the finest bucket, unless that would take too many slots."""
    reach_ms = int(bucket_ms.max()) * (BUCKETS + 2)
    return max(int(bucket_ms.min()), -(-reach_ms // MAXIMUM_SLOTS))


def _rows(dtype: np.dtype[np.void], count: int) -> NDArray[np.void]:
    return np.zeros(count, dtype)


def empty_tables(rules: Rules) -> Tables:
    """The state of a partition that has seen nothing, at instant 0."""
    slots = int(rules.bucket_ms.max()) * (BUCKETS + 2) // rules.slot_ms + 2
    return Tables(
        presses=_rows(PRESS_ROW, 0),
        panels=_rows(PANEL_ROW, 0),
        offices=_rows(OFFICE_ROW, 0),
        force_majeures=_rows(FORCE_MAJEURE_ROW, 0),
        verdicts=_rows(VERDICT_ROW, 0),
        facts=_rows(FACT_ROW, 0),
        ids=_rows(INDEX_ROW, 16),
        verdict_index=_rows(INDEX_ROW, 16),
        sequence=np.zeros(0, np.int32),
        id_bytes=np.zeros(0, np.uint8),
        open_surveys=np.zeros(0, np.int32),
        changed=_rows(CHANGE_ROW, 0),
        dirty=np.zeros(0, np.int32),
        press_calendar=np.full(slots, NONE, np.int32),
        fact_calendar=np.full(slots, NONE, np.int32),
        totals=np.zeros((0, rules.bucket_ms.shape[0], COUNTERS), np.int64),
        window_low=np.full(rules.bucket_ms.shape[0], -BUCKETS, np.int64),
        sizes=np.zeros(SIZES, np.int64),
    )


# The sweep ---------------------------------------------------------------------------------------------------------


@kernel
def _keeps_press(press: np.void, retention: Retention) -> bool:
    if press["kind"] == SELLER and press["accepted"]:
        return press["ts_ms"] >= retention.survey_ms
    return press["ts_ms"] >= retention.press_ms


@kernel
def _keeps_force_majeure(row: np.void, retention: Retention) -> bool:
    return row["ts_ms"] >= retention.force_majeure_ms or (row["standing"] == 1 and row["to_ms"] >= retention.survey_ms)


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
            press["queued"] = 0
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
            new.presses[row]["queued"] = 1
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
    for at in range(old.ids.shape[0]):
        entry = old.ids[at]
        if entry["kind"] == FREE:
            continue
        row = NONE
        if entry["kind"] == PRESS:
            row = moved_presses[entry["row"]]
        elif entry["kind"] == FORCE_MAJEURE:
            row = moved_force_majeures[entry["row"]]
        if row == NONE and entry["ts_ms"] < retention.seen_ms[entry["event_type"]]:
            continue
        place = find(new.ids, entry["hash_high"], entry["hash_low"])
        new.ids[place] = entry
        new.ids[place]["row"] = row
        if row == NONE:
            new.ids[place]["kind"] = 1  # seen
        new.sizes[INDEX] += 1


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
def _sweep(old: Tables, new: Tables, rules: Rules, retention: Retention) -> None:
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


def sweep(tables: Tables, rules: Rules, retention: Retention, needs: Needs) -> Tables:
    """New tables that hold what is kept, with room for ``needs``; between batches only."""
    sizes = tables.sizes.copy()
    kept_presses, kept_facts, kept_ids = (int(np.count_nonzero(kept)) for kept in _kept(tables, retention))
    for size in (PRESSES, SEQUENCE, FORCE_MAJEURES, VERDICTS, INDEX, VERDICT_INDEX, FACTS, ID_BYTES, OPEN):
        sizes[size] = 0
    press_room = _with_room(kept_presses, needs.presses)
    # Ids are kept for the rows that they refer to, too.
    index_room = _with_room(kept_ids + kept_presses + int(tables.sizes[FORCE_MAJEURES]), needs.ids)
    verdict_room = _with_room(int(tables.sizes[VERDICTS]), needs.verdicts)
    new = tables._replace(
        presses=_rows(PRESS_ROW, press_room),
        force_majeures=_rows(FORCE_MAJEURE_ROW, _with_room(int(tables.sizes[FORCE_MAJEURES]), needs.force_majeures)),
        verdicts=_rows(VERDICT_ROW, verdict_room),
        facts=_rows(FACT_ROW, _with_room(kept_facts, needs.facts)),
        ids=_rows(INDEX_ROW, _index_capacity(index_room)),
        verdict_index=_rows(INDEX_ROW, _index_capacity(verdict_room)),
        sequence=np.zeros(2 * press_room + 8 * tables.panels.shape[0], np.int32),
        id_bytes=np.zeros(_with_room(int(tables.sizes[ID_BYTES]), needs.id_bytes), np.uint8),
        open_surveys=np.zeros(press_room, np.int32),
        changed=_rows(CHANGE_ROW, press_room),
        press_calendar=np.full_like(tables.press_calendar, NONE),
        fact_calendar=np.full_like(tables.fact_calendar, NONE),
        sizes=sizes,
    )
    _sweep(tables, new, rules, retention)
    return new


# Growth ------------------------------------------------------------------------------------------------------------


def _with_room(used: int, needed: int) -> int:
    return (used + needed) * 3 // 2 + 64


def _index_capacity(entries: int) -> int:
    """Places of an index that is at most five eighths full, a power of two."""
    return 1 << max(4, (entries * 8 // 5).bit_length())


def _kept(tables: Tables, retention: Retention) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which presses, facts and ids a sweep would keep, by their instants."""
    presses = tables.presses[: tables.sizes[PRESSES]]
    is_survey = (presses["kind"] == SELLER) & (presses["accepted"] == 1)
    ids = tables.ids[tables.ids["kind"] != FREE]
    return (
        presses["ts_ms"] >= np.where(is_survey, retention.survey_ms, retention.press_ms),
        tables.facts["ts_ms"][: tables.sizes[FACTS]] >= retention.fact_ms,
        ids["ts_ms"] >= retention.seen_ms[ids["event_type"]],
    )


def _is_worth_sweeping(tables: Tables, retention: Retention) -> bool:
    return any(np.count_nonzero(kept) * 4 <= kept.size * 3 for kept in _kept(tables, retention) if kept.size)


def _longer(array: NDArray[Any], count: int) -> NDArray[Any]:
    """The array with room for ``count`` rows: itself, or a copy half as long again."""
    if count <= array.shape[0]:
        return array
    grown = np.zeros((_with_room(array.shape[0], count - array.shape[0]), *array.shape[1:]), array.dtype)
    grown[: array.shape[0]] = array
    return grown


@kernel
def _rehash(old: NDArray[np.void], new: NDArray[np.void]) -> None:
    for at in range(old.shape[0]):
        if old[at]["kind"] != FREE:
            new[find(new, old[at]["hash_high"], old[at]["hash_low"])] = old[at]


def _sparser(index: NDArray[np.void], entries: int) -> NDArray[np.void]:
    """The index with places for ``entries``: itself, or a larger one."""
    if _index_capacity(entries) <= index.shape[0]:
        return index
    grown = _rows(INDEX_ROW, _index_capacity(_with_room(entries, 0)))
    _rehash(index, grown)
    return grown


def _grown(tables: Tables, needs: Needs) -> Tables:
    sizes = tables.sizes
    presses = _longer(tables.presses, int(sizes[PRESSES]) + needs.presses)
    room = presses.shape[0]
    return tables._replace(
        presses=presses,
        open_surveys=_longer(tables.open_surveys, room),
        changed=_longer(tables.changed, room),
        force_majeures=_longer(tables.force_majeures, int(sizes[FORCE_MAJEURES]) + needs.force_majeures),
        verdicts=_longer(tables.verdicts, int(sizes[VERDICTS]) + needs.verdicts),
        facts=_longer(tables.facts, int(sizes[FACTS]) + needs.facts),
        id_bytes=_longer(tables.id_bytes, int(sizes[ID_BYTES]) + needs.id_bytes),
        ids=_sparser(tables.ids, int(sizes[INDEX]) + needs.ids),
        verdict_index=_sparser(tables.verdict_index, int(sizes[VERDICT_INDEX]) + needs.verdicts),
    )


def _has_room(tables: Tables, needs: Needs) -> bool:
    sizes = tables.sizes
    return bool(
        sizes[PRESSES] + needs.presses <= tables.presses.shape[0]
        and sizes[FORCE_MAJEURES] + needs.force_majeures <= tables.force_majeures.shape[0]
        and sizes[VERDICTS] + needs.verdicts <= tables.verdicts.shape[0]
        and sizes[FACTS] + needs.facts <= tables.facts.shape[0]
        and sizes[ID_BYTES] + needs.id_bytes <= tables.id_bytes.shape[0]
        and _index_capacity(int(sizes[INDEX]) + needs.ids) <= tables.ids.shape[0]
        and _index_capacity(int(sizes[VERDICT_INDEX]) + needs.verdicts) <= tables.verdict_index.shape[0]
    )


def reserve(tables: Tables, rules: Rules, retention: Retention, needs: Needs) -> Tables:
    """Tables with room for a batch: the same where it fits; else swept, or grown where there is little to sweep."""
    if _has_room(tables, needs):
        return tables
    if _is_worth_sweeping(tables, retention):
        return sweep(tables, rules, retention, needs)
    return _grown(tables, needs)


def with_longer_sequence(tables: Tables) -> Tables:
    """Tables with more room to move panels to."""
    return tables._replace(sequence=_longer(tables.sequence, 2 * tables.sequence.shape[0] + 4096))


def with_names(tables: Tables, offices: int, panels: int, entities: int) -> Tables:
    """Tables with rows for so many offices, panels and entities in all; none of them is ever dropped."""
    grown = _longer(tables.panels, panels)
    return tables._replace(
        panels=grown,
        dirty=tables.dirty if tables.dirty.shape[0] == grown.shape[0] else np.zeros(grown.shape[0], np.int32),
        offices=_longer(tables.offices, offices),
        totals=_longer(tables.totals, entities),
    )


@kernel
def add_office(tables: Tables, number: int, entity: int) -> None:
    """Enter an office; its row exists."""
    office = tables.offices[number]
    office["entity"] = entity
    office["first_panel"] = NONE
    office["first_standing"] = NONE


@kernel
def add_panel(tables: Tables, number: int, office_number: int) -> None:
    """Enter a panel of an office; its row exists."""
    panel = tables.panels[number]
    office = tables.offices[office_number]
    panel["start"] = 0
    panel["length"] = 0
    panel["capacity"] = 0
    panel["dirty_from"] = NONE
    panel["office"] = office_number
    panel["next_in_office"] = office["first_panel"]
    panel["first_standing"] = NONE
    office["first_panel"] = number
    tables.sizes[PANELS] = max(tables.sizes[PANELS], number + 1)
