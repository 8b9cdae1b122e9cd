"""The engine: one step from accepted events and a clock to a changed state, and the values that the state holds.

A step, in order:

1. names become numbers; the clock says what time it is now;
2. windows and silence move to now; events that lie ahead of now are held until it comes;
3. ids seen before are dropped, the rest goes through the kernels: presses, force majeures, verdicts, facts;
4. panels with late presses are paired again, open surveys whose time has passed become silent.

The state that results is a function of the set of events and of now, whatever their order, batching and repetition.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import ledger
from kernels.events import EVENT_ROW
from kernels.indices import Formulas, evaluate, formulas
from kernels.layout import (
    ANSWERS,
    BOUNCES,
    CHANGED,
    EXTRAS,
    NAMELESS,
    ORPHANS,
    SILENT_MS,
    Rules,
    Tables,
)
from kernels.nameless import LENGTH_BYTES
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
from streams.catalogue import catalogue, weight_matrix
from streams.clock import Clock, Now, Progress
from streams.configuration import Configuration
from streams.index import Index
from streams.names import Names

DAY_MS = 86_400_000
LONGEST_CHAIN = 1000  # presses that bounce off each other without a pause
FAR_AHEAD_MS = 2**62
_NO_BYTES = np.zeros(0, np.uint8)


class Events(NamedTuple):
    """Accepted events."""

    rows: NDArray[np.void]  # EVENT_ROW
    buffer: NDArray[np.uint8]  # that they point into

    def where(self, mask: NDArray[np.bool_]) -> "Events":
        """The events that ``mask`` names."""
        return self._replace(rows=self.rows.compress(mask))  # `rows[mask]` would copy field by field


NO_EVENTS = Events(np.zeros(0, EVENT_ROW), _NO_BYTES)


class Partition:
    """The state of one partition of the input: everything that its offices' indices follow from."""

    def __init__(self, rules: Rules) -> None:
        self.tables: Tables = empty_tables(rules)
        self.names = Names()
        self.known_offices = 0  # names that have their rows
        self.known_panels = 0
        self.office_numbers: dict[int, int] = {}  # by entity
        self.topic_clock_ms: dict[str, int] = {}  # greatest min(ts, append time) of each topic
        self.applied_clock_ms: dict[str, int] = {}  # the same, before the batch that is being applied
        self.greatest_ts_ms = 0  # of every accepted event but shifts
        self.held: list[Events] = []  # events that lie ahead of now
        # What became of its logs' offsets so far; see streams.fates.
        self.applied = self.duplicates = self.too_late = self.rejected = self.moved = self.gaps = 0
        self.left_out = 0  # events after the end of a replay
        self.now = Now(0, 0)

    def know_names(self) -> None:
        """Take note that every name has its rows."""
        for number in range(self.known_offices, len(self.names.offices)):
            self.office_numbers[self.names.offices[number]] = number
        self.known_offices = len(self.names.offices)
        self.known_panels = len(self.names.panels)

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


def _needs(batches: list[Events], long_press_ms: int, names: Names) -> Needs:
    """Rows that batches may add; long presses are counted as presses, too."""
    counts = dict.fromkeys(Needs._fields, 0)
    for rows, _ in batches:
        kinds = np.bincount(rows["kind"], minlength=len(events.EVENT_TYPES))
        with_ids = rows["kind"] <= events.VERDICT
        long = (rows["kind"] == events.SELLER_PRESS) & (rows["amount"] >= long_press_ms)
        counts["ids"] += rows.size
        counts["id_bytes"] += int(rows["id_length"].sum(where=with_ids))
        if names.nameless:  # their names are kept with their presses
            nameless = (rows["kind"] == events.SELLER_PRESS) & (rows["employee"] == names.nameless)
            counts["id_bytes"] += int((rows["employee_length"] + LENGTH_BYTES).sum(where=nameless))
        counts["force_majeures"] += int(np.count_nonzero(long))
        counts["presses"] += int(kinds[events.SELLER_PRESS] + kinds[events.CUSTOMER_PRESS])
        counts["verdicts"] += int(kinds[events.VERDICT])
        counts["facts"] += int(kinds[events.CALL : events.VISIT + 1].sum())
    return Needs(**counts)


def _kept(some: Events) -> Events:
    """Events that are to be kept, with no more bytes than their ids and employees."""
    rows = some.rows.copy()
    texts = []
    kept = 0
    for row in rows:
        for text in ("id", "employee"):
            start, length = int(row[f"{text}_start"]), int(row[f"{text}_length"])
            texts.append(some.buffer[start : start + length])
            row[f"{text}_start"] = kept
            kept += length
    return Events(rows, np.concatenate(texts))


class Values(NamedTuple):
    """Indices of a partition's entities at its now."""

    values: NDArray[np.float64]  # (entities, windows, indices), NaN for no value
    bases: NDArray[np.float64]  # the same shape
    seen: NDArray[np.bool_]  # (entities, windows): whether anything was counted; there is no value where nothing was
    totals: NDArray[np.int64]  # (entities, windows, COUNTERS)


def formulas_of(indices: Iterable[Index]) -> Formulas:
    """Indices as the kernels see them."""
    rows = list(indices)
    divides = np.array([index.divides for index in rows])
    return formulas(
        weight_matrix(index.numerator for index in rows),
        weight_matrix(index.base for index in rows),
        divides=divides,
        has_base=divides.copy(),
        scales=np.array([index.scale for index in rows], np.float64),
    )


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
            long_press_ms=configuration.long_press_ms,
            force_majeure_duration_ms=round(configuration.force_majeure_duration_s * 1000),
            pending_stands=int(configuration.force_majeure_pending == "exclude"),
            service_level_ms=round(configuration.service_level_s * 1000),
            short_abandon_ms=round(configuration.short_abandon_s * 1000),
            bucket_ms=bucket_ms,
            slot_ms=slot_width_ms(bucket_ms),
        )
        self.formulas = formulas_of(self.indices)

    def new_partition(self) -> Partition:
        """A state that has seen nothing."""
        return Partition(self.rules)

    # One step ------------------------------------------------------------------------------------------------------

    def step(self, partition: Partition, accepted: Events, clock: Clock) -> NDArray[np.int32]:
        """Apply the accepted events of a batch (or none, to let time pass).

        Returns
        -------
        Rows of the surveys whose published state changed, (n,) int32; see :mod:`streams.surveys`.
        """
        if accepted.rows.size:
            accepted = self._numbered(partition, accepted)
        rows = self._advance(partition, accepted, clock.now(partition.progress))
        partition.applied_clock_ms = dict(partition.topic_clock_ms)
        return rows

    def move_to(self, partition: Partition, now: Now) -> None:
        """Let it be an instant that somebody else had come to with the same events, who told of all that follows."""
        self._advance(partition, NO_EVENTS, now)

    def _numbered(self, partition: Partition, accepted: Events) -> Events:
        """The events that count, with the numbers of their names."""
        if self.until_ms is not None:
            inside = accepted.rows["ts_ms"] <= self.until_ms
            if not inside.all():
                partition.left_out += int(np.count_nonzero(~inside))
                accepted = accepted.where(inside)
        partition.names.number(*accepted, self.configuration.names_max)
        ts_ms = accepted.rows["ts_ms"]
        latest_ms = ts_ms.max(initial=0, where=accepted.rows["kind"] != events.SHIFT)
        partition.greatest_ts_ms = max(partition.greatest_ts_ms, int(latest_ms))
        self._enter_names(partition)
        return accepted

    def _advance(self, partition: Partition, accepted: Events, told: Now) -> NDArray[np.int32]:
        now = Now(max(told.now_ms, partition.now.now_ms), max(told.silent_ms, partition.now.silent_ms))
        partition.now = now
        advance_windows(partition.tables, self.rules, now.now_ms)
        partition.tables.sizes[SILENT_MS] = now.silent_ms
        due = self._due(partition, accepted)
        if due:
            needs = _needs(due, self.configuration.long_press_ms, partition.names)
            partition.tables = reserve(partition.tables, self.rules, self._retention(partition), needs)
            for batch in due:
                self._apply(partition, batch)
            pair_dirty(partition.tables, self.rules)
        decide_silents(partition.tables, self.rules, now.silent_ms)
        rows = np.empty(partition.tables.sizes[CHANGED], np.int32)
        return rows[: ledger.take_changes(partition.tables, rows)]

    def _due(self, partition: Partition, accepted: Events) -> list[Events]:
        """The events that now has come for, of a batch and of those held; the others are held."""
        now_ms = partition.now.now_ms
        due = []
        held = []
        for batch in [*partition.held, accepted] if accepted.rows.size else partition.held:
            # Events that count nowhere yet need not wait; of shifts most are plans.
            ahead = (batch.rows["ts_ms"] > now_ms) & (batch.rows["kind"] <= events.VISIT)
            if not ahead.any():
                due.append(batch)
            elif ahead.all() and batch is not accepted:
                held.append(batch)
            else:
                held.append(_kept(batch.where(ahead)))
                due.append(batch.where(~ahead))
        partition.held = held
        return [batch for batch in due if batch.rows.size]

    def _apply(self, partition: Partition, batch: Events) -> None:
        seen_rows = np.empty(batch.rows.size, np.int32)
        duplicates = ledger.admit(partition.tables, batch.rows, seen_rows)
        partition.duplicates += duplicates
        done = 0
        while True:
            done = ledger.apply_events(partition.tables, self.rules, batch.rows, seen_rows, batch.buffer, done)
            if done == batch.rows.size:
                partition.applied += done - duplicates
                return
            partition.tables = with_longer_sequence(partition.tables)

    # Room ----------------------------------------------------------------------------------------------------------

    def _enter_names(self, partition: Partition) -> None:
        """Give offices, panels and entities that were named for the first time their rows."""
        names = partition.names
        known_offices = partition.known_offices
        known_panels = partition.known_panels
        if (
            len(names.entities) > partition.tables.survey_counts.shape[0]
            or len(names.panels) > known_panels
            or len(names.offices) > known_offices
        ):
            partition.tables = with_names(partition.tables, len(names.offices), len(names.panels), len(names.entities))
        for number in range(known_offices, len(names.offices)):
            add_office(partition.tables, number)
        partition.know_names()
        for number in range(known_panels, len(names.panels)):
            entity = names.panel_offices[number]
            add_panel(partition.tables, number, partition.office_numbers[entity], entity)
        partition.tables.sizes[NAMELESS] = names.nameless

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

    def surveys_since_ms(self, partition: Partition) -> int:
        """Surveys of this instant and later are never forgotten, as of now."""
        return self._retention(partition).survey_ms

    def _horizon_start_ms(self, partition: Partition, topic: str) -> int:
        # An event early in a batch may be as late as the clock before the batch allows.
        return partition.applied_clock_ms.get(topic, 0) - self.configuration.horizon_ms(topic)

    # Values --------------------------------------------------------------------------------------------------------

    def totals(self, partition: Partition) -> NDArray[np.int64]:
        """Counters of every entity as they are now, (entities, windows, COUNTERS)."""
        count = len(partition.names.entities)
        tables = partition.tables
        parts = (tables.survey_counts[:count].swapaxes(1, 2), tables.fact_sums[:count])
        return np.concatenate(parts, axis=2, dtype=np.int64)

    def values(self, partition: Partition) -> Values:
        """Every index of every entity in every window."""
        return self.values_of(self.totals(partition))

    def values_of(self, totals: NDArray[np.int64]) -> Values:
        """Every index for counters of (entities, windows, COUNTERS)."""
        return Values(*evaluate(totals, self.formulas), totals)
