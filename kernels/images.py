"""Tables as plain bytes and back: the parts of a state that follow from nothing else, each as long as it is in use.

What follows from the rest is left out: the indices by hash are filled anew, and there is room again by the next batch.
Between batches no survey is noted as changed and no panel waits to be paired.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry
from kernels.identity import enter, place_for
from kernels.layout import (
    CHANGE_ROW,
    CHANGED,
    CLIENTS,
    DIRTY,
    FACTS,
    FORCE_MAJEURES,
    ID_BYTES,
    MARK_ROWS,
    OPEN_END,
    OPEN_LATE,
    PANELS,
    PEER_GROUPS,
    PRESSES,
    QUESTIONS,
    REQUEST_ROWS,
    REQUESTS,
    SCORE_ROWS,
    SEEN_IDS,
    SEQUENCE,
    SHIFTS,
    STAGE_ROWS,
    VERDICTS,
    Rules,
    Tables,
)
from kernels.signatures import INT, array_of
from kernels.storage import Needs, empty_tables, index_capacity, with_room

# Tables of which so many rows are in use, in Tables.sizes.
_COUNTED = {
    "presses": PRESSES,
    "panels": PANELS,
    "force_majeures": FORCE_MAJEURES,
    "verdicts": VERDICTS,
    "verdict_hashes": VERDICTS,
    "facts": FACTS,
    "shifts": SHIFTS,
    "seen": SEEN_IDS,
    "seen_hashes": SEEN_IDS,
    "clients": CLIENTS,
    "client_hashes": CLIENTS,
    "score_counts": SCORE_ROWS,
    "requests": REQUESTS,
    "request_hashes": REQUESTS,
    "stages": STAGE_ROWS,
    "marks": MARK_ROWS,
    "request_sums": REQUEST_ROWS,
    "request_now": REQUEST_ROWS,
    "peer_sums": PEER_GROUPS,
    "sequence": SEQUENCE,
    "id_bytes": ID_BYTES,
    "open_surveys": OPEN_END,
    "late_surveys": OPEN_LATE,
}
_WHOLE = ("press_calendar", "fact_calendar", "client_calendar", "mark_calendar", "window_begin_ms", "sizes")
_OF_ENTITIES = ("survey_counts", "fact_sums", "score_rows", "request_rows")


def parts_of(tables: Tables, offices: int, entities: int) -> dict[str, NDArray[Any]]:
    """The parts in use, by the name of their table: views, to be let go of before the next batch.

    Parameters
    ----------
    offices, entities
        How many there are.
    """
    assert not tables.sizes[CHANGED], "between batches all changes were taken"
    assert not tables.sizes[DIRTY], "between batches all panels are paired"
    rows = {name: int(tables.sizes[size]) for name, size in _COUNTED.items()}
    rows |= {"offices": offices, "asked": QUESTIONS * offices} | dict.fromkeys(_OF_ENTITIES, entities)
    parts = {name: getattr(tables, name)[:count] for name, count in rows.items()}
    return parts | {name: getattr(tables, name) for name in _WHOLE}


def tables_of(parts: Mapping[str, NDArray[Any]], rules: Rules) -> Tables:
    """The tables that parts were taken of, which they become; with indices and room for a first batch.

    Raises
    ------
    ValueError
        A part is missing, or its shape is not what the rules and the other parts ask for.
    """
    empty = empty_tables(rules)
    _check_shapes(parts, empty)
    tables = empty._replace(
        **parts,
        changed=np.zeros(0, CHANGE_ROW),
        dirty=np.zeros(parts["panels"].shape[0], np.int32),
        seen_index=_index_for(parts["seen"].shape[0]),
        verdict_index=_index_for(parts["verdicts"].shape[0]),
        client_index=_index_for(parts["clients"].shape[0]),
        request_index=_index_for(parts["requests"].shape[0]),
    )
    fill(tables.seen_index, tables.seen_hashes, tables.seen.shape[0])
    fill(tables.verdict_index, tables.verdict_hashes, tables.verdicts.shape[0])
    fill(tables.client_index, tables.client_hashes, tables.clients.shape[0])
    fill(tables.request_index, tables.request_hashes, tables.requests.shape[0])
    return with_room(tables, Needs())


def _index_for(entries: int) -> NDArray[np.uint64]:
    """An empty index, with room for half as many again."""
    return np.zeros(index_capacity(entries * 3 // 2), np.uint64)


def _check_shapes(parts: Mapping[str, NDArray[Any]], empty: Tables) -> None:
    names = {*_COUNTED, *_WHOLE, *_OF_ENTITIES, "offices", "asked"}
    if parts.keys() != names:
        raise ValueError(f"its parts are not those of a state: {', '.join(sorted(parts.keys() ^ names))}")
    for name, part in parts.items():
        pattern = getattr(empty, name)
        rows = pattern.shape[0] if name in _WHOLE else part.shape[0]
        if part.shape != (rows, *pattern.shape[1:]) or part.dtype != pattern.dtype:
            raise ValueError(f"its {name} have the shape {part.shape}")
    for name, size in _COUNTED.items():
        if parts[name].shape[0] != parts["sizes"][size]:
            raise ValueError(f"it has {parts[name].shape[0]} {name} where it counts {parts['sizes'][size]}")


@entry(array_of(np.uint64), array_of(np.uint64, 2), INT)
def fill(index: NDArray[np.uint64], hashes: NDArray[np.uint64], rows: int) -> None:
    """Enter the first ``rows`` hashes into an empty index that has places enough."""
    for row in range(rows):
        enter(index, place_for(hashes[row, 1], row))
