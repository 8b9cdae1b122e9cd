"""Room for the tables: made empty, made larger, and swept of what can never matter again.

Kernels never allocate. Before a batch :func:`reserve` makes sure that its rows fit. Where they do not, what can never
matter again is swept out if it is a quarter of all; otherwise what is too short is made half as long again. Both
cost in proportion to the state, but come only after it has grown in proportion, so each event pays a bounded share.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.identity import find
from kernels.layout import (
    CHANGE_ROW,
    COUNTERS,
    FACT_ROW,
    FACTS,
    FORCE_MAJEURE_ROW,
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
    PRESS_ROW,
    PRESSES,
    SEQUENCE,
    SIZES,
    VERDICT_INDEX,
    VERDICT_ROW,
    VERDICTS,
    Rules,
    Tables,
)
from kernels.sweeping import Retention, count_kept, sweep_into
from kernels.windows import BUCKETS

SAMPLE_ROWS = 16_384
MAXIMUM_SLOTS = 65_536  # of a calendar: 256 KiB, 40 s a slot for a window of 30 days


class Needs(NamedTuple):
    """Rows that a batch may add."""

    presses: int = 0
    force_majeures: int = 0
    verdicts: int = 0
    facts: int = 0
    ids: int = 0
    id_bytes: int = 0


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


def sweep(tables: Tables, rules: Rules, retention: Retention, needs: Needs) -> Tables:
    """The tables without what can never matter again, with room for ``needs``; between batches only.

    Rows move down within their own arrays, so a sweep takes little memory of its own.
    """
    sizes = tables.sizes.copy()
    for size in (PRESSES, SEQUENCE, FORCE_MAJEURES, VERDICTS, INDEX, VERDICT_INDEX, FACTS, ID_BYTES, OPEN):
        sizes[size] = 0
    swept = tables._replace(
        verdict_index=np.zeros_like(tables.verdict_index),
        sequence=np.zeros(2 * int(tables.sizes[PRESSES]) + 8 * tables.panels.shape[0], np.int32),
        id_bytes=np.zeros_like(tables.id_bytes),
        press_calendar=np.full_like(tables.press_calendar, NONE),
        fact_calendar=np.full_like(tables.fact_calendar, NONE),
        sizes=sizes,
    )
    sweep_into(tables, swept, rules, retention)
    return _grown(swept, needs)


# Growth ------------------------------------------------------------------------------------------------------------


def _with_room(used: int, needed: int) -> int:
    return (used + needed) * 3 // 2 + 64


def _index_capacity(entries: int) -> int:
    """Places of an index that is at most two thirds full."""
    return entries * 3 // 2 + 16


def _is_worth_sweeping(tables: Tables, retention: Retention) -> bool:
    """Whether a quarter of all rows can go: any less, and sweeps would follow each other for a few rows each."""
    used = int(tables.sizes[PRESSES] + tables.sizes[FACTS] + tables.sizes[INDEX])
    # Of many rows some thousands tell enough: looking at all of them would cost as much as the sweep.
    kept, looked_at = count_kept(tables, retention, 1 + used // SAMPLE_ROWS)
    return looked_at > 0 and kept * 4 <= looked_at * 3


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
