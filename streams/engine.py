"""The engine: one step from a decoded batch and a clock to a changed state, and the values that the state holds.

A step, in order:

1. events too far ahead of, or too far behind, their topic partition are refused (:mod:`streams.lateness`, live only);
2. names become numbers, fields become columns; the clock says what time it is now;
3. windows and silence move to now; events that lie ahead of now are held until it comes;
4. ids seen before are dropped, the rest goes through the kernels: presses, force majeures, verdicts, facts;
5. panels with new presses are paired again, open surveys whose time has passed become silent.

The state that results is a function of the set of events and of now, whatever their order, batching and repetition.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import ledger
from kernels.indices import Formulas, evaluate, saw_something
from kernels.layout import (
    ANSWERS,
    BOUNCES,
    CALL,
    CUSTOMER,
    EXTRAS,
    NONE,
    ORPHANS,
    SALE,
    SELLER,
    SILENT_MS,
    VISIT,
    Rules,
    Tables,
)
from kernels.pairing import decide_silents, pair_dirty
from kernels.storage import (
    Needs,
    add_office,
    add_panel,
    empty_tables,
    reserve,
    slot_width_ms,
    with_longer_sequence,
    with_names,
)
from kernels.sweeping import Retention
from kernels.windows import BUCKETS, advance_windows
from streams import events
from streams.catalogue import Index, catalogue, weight_matrix
from streams.clock import Clock, Now, Progress
from streams.columns import (
    Batch,
    CustomerColumns,
    FactColumns,
    Limits,
    OtherColumns,
    SellerColumns,
    VerdictColumns,
    cut,
    to_columns,
)
from streams.configuration import Configuration
from streams.decode import Group
from streams.names import Names

DAY_MS = 86_400_000
LONGEST_CHAIN = 1000  # presses that bounce off each other without a pause
FAR_AHEAD_MS = 2**62
_FACT_KIND = {events.CALL: CALL, events.SALE: SALE, events.VISIT: VISIT}


class Partition:
    """The state of one partition of the input: everything that its offices' indices follow from."""

    def __init__(self, rules: Rules) -> None:
        self.tables: Tables = empty_tables(rules)
        self.names = Names()
        self.known_offices = 0  # names that have their rows
        self.known_panels = 0
        self.topic_clock_ms: dict[str, int] = {}  # greatest min(ts, append time) of each topic
        self.applied_clock_ms: dict[str, int] = {}  # the same, before the batch that is being applied
        self.greatest_ts_ms = 0  # of every accepted event but shifts
        self.held: list[Batch] = []  # events that lie ahead of now
        self.duplicates = 0
        self.left_out = 0  # events after the end of a replay
        self.now = Now(0, 0)

    @property
    def progress(self) -> Progress:
        """What a clock wants to know."""
        return Progress(
            max(self.topic_clock_ms.values(), default=0), self.topic_clock_ms.get("presses", 0), self.greatest_ts_ms
        )

    @property
    def diagnostics(self) -> dict[str, int]:
        """Presses as paired now: bounces, answers, extras and orphans."""
        sizes = self.tables.sizes
        return {
            "bounce": int(sizes[BOUNCES]),
            "answer": int(sizes[ANSWERS]),
            "extra": int(sizes[EXTRAS]),
            "orphan": int(sizes[ORPHANS]),
        }


def _needs(batches: list[Batch], long_press_ms: int) -> Needs:
    """Rows that batches may add; long presses are counted as presses, too."""
    counts = dict.fromkeys(Needs._fields, 0)
    for batch in batches:
        columns = batch.columns
        count = columns.ts_ms.size
        counts["ids"] += count
        if isinstance(columns, SellerColumns | CustomerColumns | VerdictColumns):
            counts["id_bytes"] += int(columns.id_lengths.sum())
        if isinstance(columns, SellerColumns):
            counts["force_majeures"] += int(np.count_nonzero(columns.hold_ms >= long_press_ms))
        if isinstance(columns, SellerColumns | CustomerColumns):
            counts["presses"] += count
        elif isinstance(columns, VerdictColumns):
            counts["verdicts"] += count
        elif isinstance(columns, FactColumns):
            counts["facts"] += count
    return Needs(**counts)


def _parted(held: list[Batch], now_ms: int) -> tuple[list[Batch], list[Batch]]:
    """Part batches into those of which something is due and the others."""
    due: list[Batch] = []
    rest: list[Batch] = []
    for batch in held:
        (due if batch.columns.ts_ms.min() <= now_ms else rest).append(batch)
    return due, rest


class Values(NamedTuple):
    """Indices of a partition's entities at its now."""

    values: NDArray[np.float64]  # (entities, windows, indices), NaN for no value
    bases: NDArray[np.float64]  # the same shape
    seen: NDArray[np.bool_]  # (entities, windows): whether anything was counted
    totals: NDArray[np.int64]  # (entities, windows, COUNTERS), the live array: read only


class Engine:
    """The method under one configuration; the states are handed in."""

    def __init__(self, configuration: Configuration, *, horizons: bool = True, until_ms: int | None = None) -> None:
        """Set up the rules.

        Parameters
        ----------
        configuration
            The configuration.
        horizons
            Whether what lies behind the correction horizons may be forgotten; a replay knows none.
        until_ms
            Events after this instant are left out.
        """
        self.configuration = configuration
        self.horizons = horizons
        self.until_ms = until_ms
        self.indices: list[Index] = catalogue(configuration)
        bucket_ms = np.array([minutes * 1000 for minutes in configuration.window_minutes], np.int64)
        self.rules = Rules(
            answer_window_ms=round(configuration.answer_window_s * 1000),
            debounce_ms=configuration.debounce_ms,
            force_majeure_duration_ms=round(configuration.force_majeure_duration_s * 1000),
            pending_stands=int(configuration.force_majeure_pending == "exclude"),
            bucket_ms=bucket_ms,
            slot_ms=slot_width_ms(bucket_ms),
        )
        self.limits = Limits(round(configuration.service_level_s * 1000), round(configuration.short_abandon_s * 1000))
        self.formulas = Formulas(
            weight_matrix(index.numerator for index in self.indices),
            weight_matrix(index.base for index in self.indices),
            np.array([index.divides for index in self.indices]),
            np.array([index.scale for index in self.indices], np.float64),
        )

    def new_partition(self) -> Partition:
        """A state that has seen nothing."""
        return Partition(self.rules)

    # One step ------------------------------------------------------------------------------------------------------

    def step(self, partition: Partition, groups: dict[int, Group], clock: Clock) -> NDArray[np.int32]:
        """Apply the accepted events of a batch (or none, to let time pass).

        Returns
        -------
        Rows of the surveys whose published state changed, (n,) int32; see :mod:`streams.surveys`.
        """
        batches = []
        for kind, group in groups.items():
            batch = to_columns(kind, group, partition.names, self.limits)
            if self.until_ms is not None:
                inside = group.ts_ms <= self.until_ms
                partition.left_out += int(np.count_nonzero(~inside))
                batch = batch.cut(inside)
            if kind != events.SHIFT and batch.columns.ts_ms.size:
                partition.greatest_ts_ms = max(partition.greatest_ts_ms, int(batch.columns.ts_ms.max()))
            batches.append(batch)
        self._enter_names(partition)
        rows = self._advance(partition, batches, clock.now(partition.progress))
        partition.applied_clock_ms = dict(partition.topic_clock_ms)
        return rows

    def _advance(self, partition: Partition, batches: list[Batch], told: Now) -> NDArray[np.int32]:
        now = Now(max(told.now_ms, partition.now.now_ms), max(told.silent_ms, partition.now.silent_ms))
        partition.now = now
        advance_windows(partition.tables, self.rules, now.now_ms)
        partition.tables.sizes[SILENT_MS] = now.silent_ms
        due = [ready for batch in self._release(partition) + batches if (ready := self._hold(partition, batch))]
        if due:
            needs = _needs(due, self.configuration.long_press_ms)
            partition.tables = reserve(partition.tables, self.rules, self._retention(partition), needs)
            self._apply(partition, [self._admit(partition, batch) for batch in due])
        decide_silents(partition.tables, self.rules, now.silent_ms)
        return ledger.take_changes(partition.tables)

    def _hold(self, partition: Partition, batch: Batch) -> Batch | None:
        """Keep back the events that lie ahead of now; returns the others. Plans that count nowhere need not wait."""
        ahead = batch.columns.ts_ms > partition.now.now_ms
        if ahead.any() and not isinstance(batch.columns, OtherColumns):
            partition.held.append(batch.cut(ahead))
            batch = batch.cut(~ahead)
        return batch if batch.columns.ts_ms.size else None

    def _release(self, partition: Partition) -> list[Batch]:
        """Take out the batches of which something is due; what is not goes back through :meth:`_hold`."""
        due, partition.held = _parted(partition.held, partition.now.now_ms)
        return due

    def _admit(self, partition: Partition, batch: Batch) -> Batch:
        """Drop the events whose ids were seen before."""
        fresh = ledger.admit(partition.tables, batch.columns.hashes, batch.columns.ts_ms, batch.kind)
        if fresh.all():
            return batch
        partition.duplicates += int(np.count_nonzero(~fresh))
        return batch.cut(fresh)

    def _apply(self, partition: Partition, batches: list[Batch]) -> None:
        for batch in batches:
            columns = batch.columns
            if isinstance(columns, SellerColumns):
                long = columns.hold_ms >= self.configuration.long_press_ms
                if long.any():
                    held = cut(columns, long)
                    ledger.apply_long_presses(partition.tables, self.rules, held.hashes, held.ts_ms, held.panels)
                    columns = cut(columns, ~long)
                presses = (columns.employees, columns.questions)
                self._apply_presses(partition, SELLER, columns, batch.id_data, presses)
            elif isinstance(columns, CustomerColumns):
                presses = (np.full(columns.ts_ms.size, NONE, np.int32), columns.answers)
                self._apply_presses(partition, CUSTOMER, columns, batch.id_data, presses)
        pair_dirty(partition.tables, self.rules)
        rest: Any
        for batch in batches:
            columns = batch.columns
            if isinstance(columns, VerdictColumns):
                ts_ms, _, *rest = columns
                ledger.apply_verdicts(partition.tables, self.rules, ts_ms, batch.id_data, *rest)
            elif isinstance(columns, FactColumns):
                ts_ms, _, *rest = columns
                ledger.apply_facts(partition.tables, self.rules, _FACT_KIND[batch.kind], ts_ms, *rest)

    def _apply_presses(
        self,
        partition: Partition,
        kind: int,
        columns: SellerColumns | CustomerColumns,
        id_data: NDArray[np.uint8],
        employees_and_choices: tuple[NDArray[np.int32], NDArray[np.int8]],
    ) -> None:
        done = 0
        while True:
            done = ledger.apply_presses(
                partition.tables,
                self.rules,
                done,
                kind,
                columns.hashes,
                columns.ts_ms,
                id_data,
                columns.id_starts,
                columns.id_lengths,
                columns.panels,
                *employees_and_choices,
            )
            if done == columns.ts_ms.size:
                return
            partition.tables = with_longer_sequence(partition.tables)

    # Room ----------------------------------------------------------------------------------------------------------

    def _enter_names(self, partition: Partition) -> None:
        """Give offices and panels that were named for the first time their rows."""
        names = partition.names
        tables = partition.tables
        known_offices = partition.known_offices
        known_panels = partition.known_panels
        if (
            len(names.offices) == known_offices
            and len(names.panels) == known_panels
            and (len(names.entities) <= tables.totals.shape[0])
        ):
            return
        partition.tables = with_names(tables, len(names.offices), len(names.panels), len(names.entities))
        for name in names.offices.order[known_offices:]:
            add_office(partition.tables, names.offices[name], names.entities["office", name, ""])
        for office, panel in names.panels.order[known_panels:]:
            add_panel(partition.tables, names.panels[office, panel], names.offices[office])
        partition.known_offices = len(names.offices)
        partition.known_panels = len(names.panels)

    def _retention(self, partition: Partition) -> Retention:
        """What may still matter: what any window holds, and what a correction within the horizons may touch."""
        now_ms = partition.now.now_ms
        reach_ms = int(((now_ms // self.rules.bucket_ms - BUCKETS + 1) * self.rules.bucket_ms).min())
        # A press may bounce off one before the windows, that one off another, and so on.
        survey_ms = reach_ms - max(DAY_MS, LONGEST_CHAIN * self.rules.debounce_ms)
        press_ms = survey_ms
        seen_ms = np.full(len(events.EVENT_TYPES), survey_ms, np.int64)
        if self.horizons:
            margin_ms = 2 * self.rules.answer_window_ms + self.rules.debounce_ms
            press_ms = self._horizon_start_ms(partition, "presses") - margin_ms
            survey_ms = min(survey_ms, press_ms)
            for kind, topic in enumerate(events.TOPIC_OF_KIND):
                seen_ms[kind] = self._horizon_start_ms(partition, topic)
        return Retention(
            press_ms=press_ms,
            survey_ms=survey_ms,
            fact_ms=reach_ms,
            verdict_ms=survey_ms if self.horizons else -FAR_AHEAD_MS,
            force_majeure_ms=survey_ms if self.horizons else -FAR_AHEAD_MS,
            seen_ms=seen_ms,
        )

    def _horizon_start_ms(self, partition: Partition, topic: str) -> int:
        # An event early in a batch may be as late as the clock before the batch allows.
        return partition.applied_clock_ms.get(topic, 0) - self.configuration.horizon_ms(topic)

    # Values --------------------------------------------------------------------------------------------------------

    def values(self, partition: Partition) -> Values:
        """Every index of every entity in every window."""
        totals = partition.tables.totals[: len(partition.names.entities)]
        values, bases = evaluate(totals, self.formulas)
        return Values(values, bases, saw_something(totals), totals)
