"""Time at work, worked out when it is read: from the shifts and calls in a partition's tables, as of now.

Every millisecond moves it, so it is kept in no table. What is kept here follows from the tables: the spans of time of the employees
who have planned work, in order. What came since the last reading is merged into them; after a sweep, or when somebody
has planned work for the first time, all are gathered anew. Who has no shifts costs nothing.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.layout import CALL, FACTS, NOW_MS, SHIFTS, SWEEPS, WORK, WORK_CODES, Tables
from kernels.storage import longer
from kernels.work import AT_WORK, OFF, ON_CALL, SPAN_ROW, measure_work, merge_spans

Sums = tuple[NDArray[np.int32], NDArray[np.int64]]  # rows (entities,), 0 for none, and (rows, windows, WORK_CODES)


class TimeAtWork:
    """What one partition's employees and offices have of it."""

    def __init__(self) -> None:
        self._spans = np.zeros(0, SPAN_ROW)
        self._rows = np.zeros(0, np.int32)  # of the sums, by entity; once given they stay
        self._rows_used = 1  # row 0 is nobody's
        self._sums = np.zeros((1, 0, WORK_CODES), np.int64)
        self._taken = (0, 0, 0)  # sweeps, shifts and facts that the spans are of
        self._now_ms = -1

    def sums(self, tables: Tables, office_of: NDArray[np.int64]) -> Sums:
        """Available, productive and idle time in every window, in milliseconds; not to be kept, nor written to.

        Parameters
        ----------
        office_of
            The entity of each entity's office, (entities,); of no meaning where it is no employee's.
        """
        self._rows = longer(self._rows, office_of.size)
        windows = tables.window_begin_ms.shape[0]
        there = (int(tables.sizes[SWEEPS]), int(tables.sizes[SHIFTS]), int(tables.sizes[FACTS]))
        now_ms = int(tables.sizes[NOW_MS])
        if self._sums.shape != (self._rows_used, windows, WORK_CODES) or (there, now_ms) != (self._taken, self._now_ms):
            self._gather(tables, office_of, there)
            self._sums = np.zeros((self._rows_used, windows, WORK_CODES), np.int64)
            office_rows = self._rows[office_of]
            measure_work(self._spans, self._rows, office_rows, tables.window_begin_ms, now_ms, self._sums)
            self._now_ms = now_ms
        return self._rows[: office_of.size], self._sums

    def _gather(self, tables: Tables, office_of: NDArray[np.int64], there: tuple[int, int, int]) -> None:
        """Take over what is there since the last time."""
        sweeps, shifts, facts = self._taken
        if sweeps != there[0]:
            shifts = facts = 0
        new = tables.shifts[shifts : there[1]]
        planned = new["employee"][new["kind"] == WORK]
        if np.any(self._rows[planned] == 0):
            for entity in np.unique((planned, office_of[planned])).tolist():
                if self._rows[entity] == 0:
                    self._rows[entity] = self._rows_used
                    self._rows_used += 1
            shifts = facts = 0
        if shifts == facts == 0:
            self._spans = np.zeros(0, SPAN_ROW)
        found = np.concatenate([self._of_shifts(tables, shifts), self._of_calls(tables, facts)])
        if found.size:
            found = found[np.lexsort((found["start_ms"], found["employee"]))]
            merged = np.empty(self._spans.size + found.size, SPAN_ROW)
            self._spans = merged[: merge_spans(self._spans, found, merged, int(tables.window_begin_ms.min()))]
        self._taken = there

    def _of_shifts(self, tables: Tables, since: int) -> NDArray[np.void]:
        shifts = tables.shifts[since : tables.sizes[SHIFTS]]
        shifts = shifts[self._rows[shifts["employee"]] > 0]
        kinds = np.where(shifts["kind"] == WORK, AT_WORK, OFF)
        return _spans(shifts["start_ms"], shifts["end_ms"], shifts["employee"], kinds)

    def _of_calls(self, tables: Tables, since: int) -> NDArray[np.void]:
        if self._rows_used == 1:
            return np.zeros(0, SPAN_ROW)
        calls = tables.facts[since : tables.sizes[FACTS]]
        worked = (calls["kind"] == CALL) & (calls["employee"] >= 0) & (calls["handle_ms"] > 0)
        calls = calls[worked & (self._rows[calls["employee"]] > 0)]
        starts_ms = calls["ts_ms"] + calls["amount"]  # when it was answered, or given up
        return _spans(starts_ms, starts_ms + calls["handle_ms"], calls["employee"], np.full(calls.size, ON_CALL))


def _spans(
    starts_ms: NDArray[np.int64], ends_ms: NDArray[np.int64], employees: NDArray[np.int32], kinds: NDArray[np.int64]
) -> NDArray[np.void]:
    spans = np.empty(starts_ms.size, SPAN_ROW)
    spans["start_ms"], spans["end_ms"], spans["employee"], spans["kind"] = starts_ms, ends_ms, employees, kinds
    return spans
