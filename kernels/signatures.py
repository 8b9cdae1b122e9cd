"""The types of what kernels are called with, for their signatures."""

from typing import Any

import numpy as np
from numba import typeof, types

from kernels import layout
from kernels.events import EVENT_ROW


def array_of(dtype: Any, dimensions: int = 1) -> Any:
    """The type of an array that lies in one piece and may be written to."""
    return typeof(np.empty((0,) * dimensions, dtype))  # type: ignore[no-untyped-call]


def reading(dtype: Any) -> Any:
    """The type of an array that is only read; it takes those that may be written to, as well."""
    return types.Array(array_of(dtype).dtype, 1, "C", readonly=True)


INT = types.int64
BYTES = reading(np.uint8)
INTS = array_of(np.int64)
NUMBERS = array_of(np.int32)
FLAGS = array_of(np.bool_)
EVENTS = array_of(EVENT_ROW)

_DTYPES: dict[str, Any] = {
    "presses": layout.PRESS_ROW,
    "panels": layout.PANEL_ROW,
    "offices": layout.OFFICE_ROW,
    "asked": layout.ASKED_ROW,
    "force_majeures": layout.FORCE_MAJEURE_ROW,
    "verdicts": layout.VERDICT_ROW,
    "facts": layout.FACT_ROW,
    "shifts": layout.SHIFT_ROW,
    "seen": layout.SEEN_ROW,
    "clients": layout.CLIENT_ROW,
    "requests": layout.REQUEST_ROW,
    "stages": layout.STAGE_ROW,
    "marks": layout.MARK_ROW,
    "open_surveys": layout.OPEN_ROW,
    "late_surveys": layout.OPEN_ROW,
    "changed": layout.CHANGE_ROW,
    "id_bytes": np.uint8,
    "sequence": np.int32,
    "dirty": np.int32,
    "press_calendar": np.int32,
    "fact_calendar": np.int32,
    "client_calendar": np.int32,
    "mark_calendar": np.int32,
    "verdict_index": np.uint64,
    "seen_index": np.uint64,
    "client_index": np.uint64,
    "request_index": np.uint64,
    "verdict_hashes": np.uint64,
    "seen_hashes": np.uint64,
    "client_hashes": np.uint64,
    "request_hashes": np.uint64,
    "survey_counts": np.int32,
    "fact_sums": np.int64,
    "score_rows": np.int32,
    "score_counts": np.int32,
    "request_rows": np.int32,
    "request_sums": np.int64,
    "request_now": np.int32,
    "peer_sums": np.int32,
    "window_begin_ms": np.int64,
    "sizes": np.int64,
}
_DIMENSIONS = {
    "verdict_hashes": 2,
    "seen_hashes": 2,
    "client_hashes": 2,
    "request_hashes": 2,
    "request_now": 2,
    "survey_counts": 3,
    "fact_sums": 3,
    "score_counts": 3,
    "request_sums": 3,
    "peer_sums": 3,
}

_TABLE_TYPES = [array_of(_DTYPES[name], _DIMENSIONS.get(name, 1)) for name in layout.Tables._fields]
_RULE_TYPES = [INTS if name == "bucket_ms" else INT for name in layout.Rules._fields]
TABLES: Any = types.NamedTuple(_TABLE_TYPES, layout.Tables)  # type: ignore[no-untyped-call]
RULES: Any = types.NamedTuple(_RULE_TYPES, layout.Rules)  # type: ignore[no-untyped-call]
