"""Room for the tables: made empty, made larger, and swept of what can never matter again.

Kernels never allocate. Before a batch :func:`reserve` makes sure that its rows fit. Where they do not, what can never
matter again is swept out if it is a quarter of all; otherwise what is too short is made longer by a quarter.
Both come only after the state has grown in proportion, so each event pays a bounded share.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry
from kernels.identity import refill
from kernels.layout import (
    ASKED_ROW,
    CHANGE_ROW,
    CHANGED,
    CLIENT_ROW,
    CLIENTS,
    FACT_ROW,
    FACTS,
    FORCE_MAJEURE_ROW,
    FORCE_MAJEURES,
    ID_BYTES,
    MARK_ROW,
    MARK_ROWS,
    MARKS,
    NONE,
    OFFICE_ROW,
    OPEN_BEGIN,
    OPEN_END,
    OPEN_LATE,
    OPEN_ROW,
    PANEL_ROW,
    PANELS,
    PEER_GROUPS,
    PRESS_ROW,
    PRESSES,
    QUESTIONS,
    REQUEST_CODES,
    REQUEST_ROW,
    REQUEST_ROWS,
    REQUESTS,
    SCORE_BEGIN,
    SCORE_CODES,
    SCORE_ROWS,
    SEEN_IDS,
    SEEN_ROW,
    SEQUENCE,
    SHIFT_ROW,
    SHIFTS,
    SIZES,
    STAGE_ROW,
    STAGE_ROWS,
    STAGES,
    SURVEY_CODES,
    SWEEPS,
    VERDICT_ROW,
    VERDICTS,
    Rules,
    Tables,
)
from kernels.signatures import INT, TABLES
from kernels.sweeping import Moved, Retention, count_kept, sweep_into
from kernels.windows import BUCKETS

SAMPLE_ROWS = 2048
MAPPED_BYTES = 2**20  # arrays from here on lie apart from each other: see agents.memory
MAXIMUM_SLOTS = 65_536  # of a calendar: 256 KiB, 40 s a slot for a window of 30 days


class Needs(NamedTuple):
    """Rows that a batch may add."""

    presses: int = 0
    force_majeures: int = 0
    verdicts: int = 0
    facts: int = 0
    ids: int = 0
    id_bytes: int = 0
    clients: int = 0
    score_rows: int = 0
    requests: int = 0
    request_rows: int = 0
    shifts: int = 0


def slot_width_ms(bucket_ms: NDArray[np.int64]) -> int:
    """Width of a calendar's slots: the finest bucket, unless that would take too many slots."""
    reach_ms = int(bucket_ms.max()) * (BUCKETS + 2)
    return max(int(bucket_ms.min()), -(-reach_ms // MAXIMUM_SLOTS))


def _rows(dtype: np.dtype[np.void], count: int) -> NDArray[np.void]:
    return np.zeros(count, dtype)


def empty_tables(rules: Rules) -> Tables:
    """The state of a partition that has seen nothing, at instant 0."""
    windows = rules.bucket_ms.shape[0]
    sizes = np.zeros(SIZES, np.int64)
    sizes[SCORE_ROWS] = sizes[REQUEST_ROWS] = 1
    slots = int(rules.bucket_ms.max()) * (BUCKETS + 2) // rules.slot_ms + 2
    return Tables(
        presses=_rows(PRESS_ROW, 0),
        panels=_rows(PANEL_ROW, 0),
        offices=_rows(OFFICE_ROW, 0),
        asked=_rows(ASKED_ROW, 0),
        force_majeures=_rows(FORCE_MAJEURE_ROW, 0),
        verdicts=_rows(VERDICT_ROW, 0),
        verdict_hashes=np.zeros((0, 2), np.uint64),
        verdict_index=np.zeros(16, np.uint64),
        facts=_rows(FACT_ROW, 0),
        shifts=_rows(SHIFT_ROW, 0),
        seen=_rows(SEEN_ROW, 0),
        seen_hashes=np.zeros((0, 2), np.uint64),
        seen_index=np.zeros(16, np.uint64),
        clients=_rows(CLIENT_ROW, 0),
        client_hashes=np.zeros((0, 2), np.uint64),
        client_index=np.zeros(16, np.uint64),
        requests=_rows(REQUEST_ROW, 0),
        request_hashes=np.zeros((0, 2), np.uint64),
        request_index=np.zeros(16, np.uint64),
        stages=_rows(STAGE_ROW, 0),
        marks=_rows(MARK_ROW, 0),
        sequence=np.zeros(0, np.int32),
        id_bytes=np.zeros(0, np.uint8),
        open_surveys=_rows(OPEN_ROW, 0),
        late_surveys=_rows(OPEN_ROW, 0),
        changed=_rows(CHANGE_ROW, 0),
        dirty=np.zeros(0, np.int32),
        press_calendar=np.full(slots, NONE, np.int32),
        fact_calendar=np.full(slots, NONE, np.int32),
        client_calendar=np.full(slots, NONE, np.int32),
        mark_calendar=np.full(slots, NONE, np.int32),
        survey_counts=np.zeros((0, SURVEY_CODES, windows), np.int32),
        fact_sums=np.zeros((0, windows, SCORE_BEGIN - SURVEY_CODES), np.int64),
        score_rows=np.zeros(0, np.int32),
        score_counts=np.zeros((1, windows, SCORE_CODES), np.int32),
        request_rows=np.zeros(0, np.int32),
        request_sums=np.zeros((1, windows, REQUEST_CODES), np.int64),
        request_now=np.zeros((1, 2), np.int32),
        peer_sums=np.zeros((0, windows, 2), np.int32),
        window_begin_ms=rules.bucket_ms * (1 - BUCKETS),
        sizes=sizes,
    )


# The sweep ---------------------------------------------------------------------------------------------------------


def sweep(tables: Tables, rules: Rules, retention: Retention, needs: Needs) -> Tables:
    """The tables without what can never matter again, with room for ``needs``; between batches only.

    Rows move down within their own arrays, so a sweep takes little memory of its own.
    """
    sizes = tables.sizes.copy()
    for size in (
        PRESSES,
        SEQUENCE,
        FORCE_MAJEURES,
        VERDICTS,
        SEEN_IDS,
        FACTS,
        SHIFTS,
        CLIENTS,
        REQUESTS,
        STAGE_ROWS,
        MARK_ROWS,
        ID_BYTES,
        OPEN_BEGIN,
        OPEN_END,
        OPEN_LATE,
    ):
        sizes[size] = 0
    sizes[SWEEPS] += 1
    swept = tables._replace(
        seen_index=np.zeros_like(tables.seen_index),
        verdict_index=np.zeros_like(tables.verdict_index),
        client_index=np.zeros_like(tables.client_index),
        request_index=np.zeros_like(tables.request_index),
        sequence=np.zeros(2 * int(tables.sizes[PRESSES]) + 8 * tables.panels.shape[0], np.int32),
        id_bytes=np.zeros_like(tables.id_bytes),
        press_calendar=np.full_like(tables.press_calendar, NONE),
        fact_calendar=np.full_like(tables.fact_calendar, NONE),
        client_calendar=np.full_like(tables.client_calendar, NONE),
        mark_calendar=np.full_like(tables.mark_calendar, NONE),
        sizes=sizes,
    )
    rows = (PRESSES, FORCE_MAJEURES, SEEN_IDS, VERDICTS, CLIENTS, REQUESTS)
    sweep_into(tables, swept, rules, retention, Moved(*(np.empty(tables.sizes[each], np.int32) for each in rows)))
    return with_room(swept, needs)


# Growth ------------------------------------------------------------------------------------------------------------


def index_capacity(entries: int) -> int:
    """Places of an index that is at most two thirds full."""
    return entries * 3 // 2 + 16


def sparser(index: NDArray[np.uint64], entries: int) -> NDArray[np.uint64]:
    """The index with places for ``entries``: itself, or a larger one."""
    if index_capacity(entries) <= index.shape[0]:
        return index
    grown = np.zeros(index_capacity(entries * 3 // 2), np.uint64)
    refill(index, grown)
    return grown


def longer(array: NDArray[Any], count: int) -> NDArray[Any]:
    """The array with room for ``count`` rows, lengthened in place: the system moves long ones without copying them.

    One that becomes long is copied, once: lengthened where it lies, among small things, it would stay there and leave
    holes behind. No view of it may be alive.
    """
    if count <= array.shape[0]:
        return array
    shape = (count + count // 4 + 64, *array.shape[1:])
    if array.nbytes < MAPPED_BYTES:
        grown = np.zeros(shape, array.dtype)
        grown[: array.shape[0]] = array
        return grown
    array.resize(shape, refcheck=False)
    return array


def _with_rows_in_use(array: NDArray[Any], count: int, used: int) -> NDArray[Any]:
    """The array with room for ``count`` rows: itself, or a copy of those in use. The others take no memory until then."""
    if count <= array.shape[0]:
        return array
    grown = np.zeros((2 * count + 64, *array.shape[1:]), array.dtype)
    grown[:used] = array[:used]
    return grown


def _is_worth_sweeping(tables: Tables, retention: Retention) -> bool:
    """Whether a quarter of all rows can go: any less, and sweeps would follow each other for a few rows each."""
    used = int(tables.sizes[[PRESSES, FACTS, SEEN_IDS, CLIENTS, REQUESTS]].sum())
    # Of many rows some thousands tell enough: looking at all of them would cost as much as the sweep.
    kept, looked_at = count_kept(tables, retention, 1 + used // SAMPLE_ROWS)
    return looked_at > 0 and kept * 4 <= looked_at * 3


def with_room(tables: Tables, needs: Needs) -> Tables:
    """The tables, those that are too short for ``needs`` made longer."""
    sizes = tables.sizes
    rows = {
        "presses": int(sizes[PRESSES]) + needs.presses,
        "force_majeures": int(sizes[FORCE_MAJEURES]) + needs.force_majeures,
        "verdicts": int(sizes[VERDICTS]) + needs.verdicts,
        "verdict_hashes": int(sizes[VERDICTS]) + needs.verdicts,
        "facts": int(sizes[FACTS]) + needs.facts,
        "shifts": int(sizes[SHIFTS]) + needs.shifts,
        "seen": int(sizes[SEEN_IDS]) + needs.ids,
        "seen_hashes": int(sizes[SEEN_IDS]) + needs.ids,
        "id_bytes": int(sizes[ID_BYTES]) + needs.id_bytes,
        "clients": int(sizes[CLIENTS]) + needs.clients,
        "client_hashes": int(sizes[CLIENTS]) + needs.clients,
        "score_counts": int(sizes[SCORE_ROWS]) + needs.score_rows,
        "requests": int(sizes[REQUESTS]) + needs.requests,
        "request_hashes": int(sizes[REQUESTS]) + needs.requests,
        "stages": int(sizes[STAGE_ROWS]) + STAGES * needs.requests,
        "marks": int(sizes[MARK_ROWS]) + MARKS * needs.requests,
        "request_sums": int(sizes[REQUEST_ROWS]) + needs.request_rows,
        "request_now": int(sizes[REQUEST_ROWS]) + needs.request_rows,
    }
    tables = tables._replace(**{name: longer(getattr(tables, name), count) for name, count in rows.items()})
    room = tables.presses.shape[0]
    return tables._replace(
        open_surveys=_with_rows_in_use(tables.open_surveys, room, int(sizes[OPEN_END])),
        late_surveys=_with_rows_in_use(tables.late_surveys, room, int(sizes[OPEN_LATE])),
        changed=_with_rows_in_use(tables.changed, room, int(sizes[CHANGED])),
        seen_index=sparser(tables.seen_index, int(sizes[SEEN_IDS]) + needs.ids),
        verdict_index=sparser(tables.verdict_index, int(sizes[VERDICTS]) + needs.verdicts),
        client_index=sparser(tables.client_index, int(sizes[CLIENTS]) + needs.clients),
        request_index=sparser(tables.request_index, int(sizes[REQUESTS]) + needs.requests),
    )


def _has_room(tables: Tables, needs: Needs) -> bool:
    sizes = tables.sizes
    return bool(
        sizes[PRESSES] + needs.presses <= tables.presses.shape[0]
        and sizes[FORCE_MAJEURES] + needs.force_majeures <= tables.force_majeures.shape[0]
        and sizes[VERDICTS] + needs.verdicts <= tables.verdicts.shape[0]
        and sizes[FACTS] + needs.facts <= tables.facts.shape[0]
        and sizes[SHIFTS] + needs.shifts <= tables.shifts.shape[0]
        and sizes[SEEN_IDS] + needs.ids <= tables.seen.shape[0]
        and sizes[ID_BYTES] + needs.id_bytes <= tables.id_bytes.shape[0]
        and sizes[CLIENTS] + needs.clients <= tables.clients.shape[0]
        and sizes[SCORE_ROWS] + needs.score_rows <= tables.score_counts.shape[0]
        and sizes[REQUESTS] + needs.requests <= tables.requests.shape[0]
        and sizes[STAGE_ROWS] + STAGES * needs.requests <= tables.stages.shape[0]
        and sizes[MARK_ROWS] + MARKS * needs.requests <= tables.marks.shape[0]
        and sizes[REQUEST_ROWS] + needs.request_rows <= tables.request_sums.shape[0]
        and index_capacity(int(sizes[SEEN_IDS]) + needs.ids) <= tables.seen_index.shape[0]
        and index_capacity(int(sizes[VERDICTS]) + needs.verdicts) <= tables.verdict_index.shape[0]
        and index_capacity(int(sizes[CLIENTS]) + needs.clients) <= tables.client_index.shape[0]
        and index_capacity(int(sizes[REQUESTS]) + needs.requests) <= tables.request_index.shape[0]
    )


def reserve(tables: Tables, rules: Rules, retention: Retention, needs: Needs) -> Tables:
    """Tables with room for a batch: the same where it fits; else swept, or grown where there is little to sweep."""
    if _has_room(tables, needs):
        return tables
    if _is_worth_sweeping(tables, retention):
        return sweep(tables, rules, retention, needs)
    return with_room(tables, needs)


def with_longer_sequence(tables: Tables) -> Tables:
    """Tables with more room to move panels to."""
    return tables._replace(sequence=longer(tables.sequence, 2 * tables.sequence.shape[0] + 4096))


def with_names(tables: Tables, offices: int, panels: int, entities: int) -> Tables:
    """Tables with rows for so many offices, panels and entities in all; none of them is ever dropped."""
    grown = longer(tables.panels, panels)
    return tables._replace(
        panels=grown,
        dirty=tables.dirty if tables.dirty.shape[0] == grown.shape[0] else np.zeros(grown.shape[0], np.int32),
        offices=longer(tables.offices, offices),
        asked=longer(tables.asked, QUESTIONS * offices),
        survey_counts=longer(tables.survey_counts, entities),
        fact_sums=longer(tables.fact_sums, entities),
        score_rows=longer(tables.score_rows, entities),
        request_rows=longer(tables.request_rows, entities),
    )


def with_peer_groups(tables: Tables, groups: int) -> Tables:
    """Tables with rows for so many groups of ratings between departments in all; none of them is ever dropped."""
    tables.sizes[PEER_GROUPS] = groups
    return tables._replace(peer_sums=longer(tables.peer_sums, groups))


@entry(TABLES, INT)
def add_office(tables: Tables, number: int) -> None:
    """Enter an office; its row exists."""
    office = tables.offices[number]
    office["first_panel"] = NONE
    office["first_standing"] = NONE
    for row in range(QUESTIONS * number, QUESTIONS * (number + 1)):
        asked = tables.asked[row]
        asked["latest_ms"] = NONE
        asked["settled_ms"] = NONE
        asked["stale"] = 0


@entry(TABLES, INT, INT, INT)
def add_panel(tables: Tables, number: int, office_number: int, entity: int) -> None:
    """Enter a panel of an office, given by its number and its entity; its row exists."""
    panel = tables.panels[number]
    office = tables.offices[office_number]
    panel["start"] = 0
    panel["length"] = 0
    panel["capacity"] = 0
    panel["dirty_from"] = NONE
    panel["last_ms"] = -1
    panel["current"] = NONE
    panel["current_ms"] = 0
    panel["answered"] = 0
    panel["office"] = office_number
    panel["entity"] = entity
    panel["next_in_office"] = office["first_panel"]
    panel["first_standing"] = NONE
    office["first_panel"] = number
    tables.sizes[PANELS] = max(tables.sizes[PANELS], number + 1)
