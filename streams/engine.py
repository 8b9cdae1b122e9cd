"""The engine: one step from accepted events and a clock to a changed state (streams.partition).

A step, in order:

1. members of ratings get rows behind them; names become numbers; the clock says what time it is now;
2. windows and silence move to now; events that lie ahead of now are held until it comes;
3. presses that name no question get the one in force; ids seen before are dropped, the rest goes through the kernels: presses,
   force majeures, verdicts, facts, requests;
4. panels with late presses are paired again, open surveys whose time has passed become silent, targets of requests that were not
   met in time are breached; where the schedules of questions have changed, presses that name none are asked anew.

The state that results is a function of the set of events, of now and of the schedules in force, whatever the order of events,
their batching and repetition, and whatever was in force before.
"""

import numpy as np
from numpy.typing import NDArray

from kernels import ledger
from kernels.asked import find_asked
from kernels.layout import (
    ASKING,
    CHANGED,
    NAMELESS,
    NEXT_DUE_MS,
    NONE,
    PEER_GROUPS,
    PRESSES,
    SELLER,
    SILENT_MS,
    STALE,
    TAKING_PART,
    Rules,
)
from kernels.pairing import ask_anew, decide_silents, pair_dirty
from kernels.requests import decide_requests, settle_requests
from kernels.storage import (
    add_office,
    add_panel,
    reserve,
    slot_width_ms,
    with_longer_sequence,
    with_names,
    with_peer_groups,
)
from kernels.sweeping import Retention
from kernels.windows import advance_windows
from streams import events
from streams.clock import Clock, Now
from streams.configuration import Configuration
from streams.directory import EMPTY, Directory
from streams.evaluation import Evaluation
from streams.members import with_members
from streams.partition import NO_EVENTS, Events, Partition
from streams.requests import Targets
from streams.room import needs, retention


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


class Engine:
    """The method under one configuration; the states are handed in."""

    def __init__(
        self,
        configuration: Configuration,
        directory: Directory = EMPTY,
        *,
        horizons: bool = True,
        until_ms: int | None = None,
    ) -> None:
        """Set up the rules.

        Parameters
        ----------
        configuration
            The configuration.
        directory
            The offices; another one may take its place later.
        horizons
            Whether what lies behind the correction horizons may be forgotten; a replay knows none.
        until_ms
            Events after this instant are left out.
        """
        self.configuration = configuration
        self.directory = directory
        self.schedules = directory.schedules
        self.horizons = horizons
        self.until_ms = until_ms
        self.evaluation = Evaluation(configuration, directory)
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
            context_ms=round(configuration.signs.context_s * 1000),
        )
        self.targets = Targets(configuration.request_targets)

    def direct(self, directory: Directory) -> None:
        """Put another directory in force; from its next step on that may ask anew, a partition follows it, and all of it."""
        self.directory = directory
        if directory.schedules != self.schedules:
            self.schedules = directory.schedules
        self.evaluation.direct(directory)

    def new_partition(self) -> Partition:
        """A state that has seen nothing."""
        return Partition(self.rules, self.schedules)

    # One step ------------------------------------------------------------------------------------------------------

    def step(self, partition: Partition, accepted: Events, clock: Clock, *, anew: bool = True) -> NDArray[np.int32]:
        """Apply the accepted events of a batch (or none, to let time pass).

        Parameters
        ----------
        anew
            Whether presses of before may be asked anew, if the schedules of questions have changed; the changes must then
            be told. Until it is so, new presses follow the schedules that were in force before.

        Returns
        -------
        Rows of the surveys whose published state changed, (n,) int32; see :mod:`streams.surveys`.
        """
        if anew and partition.schedules is not self.schedules:
            partition.follow(self.schedules)
        if accepted.rows.size:
            accepted = self._numbered(partition, accepted)
        rows = self._advance(partition, accepted, clock.now(partition.progress), anew=anew)
        partition.applied_clock_ms = dict(partition.topic_clock_ms)
        return rows

    def move_to(self, partition: Partition, now: Now) -> None:
        """Let it be an instant that somebody else had come to with the same events, who told of all that follows."""
        self._advance(partition, NO_EVENTS, now, anew=False)

    def _numbered(self, partition: Partition, accepted: Events) -> Events:
        """The events that count, with the numbers of their names."""
        if self.until_ms is not None:
            inside = accepted.rows["ts_ms"] <= self.until_ms
            if not inside.all():
                partition.left_out += int(np.count_nonzero(~inside))
                accepted = accepted.where(inside)
        accepted = accepted._replace(rows=self.targets.number_priorities(with_members(*accepted), accepted.buffer))
        partition.names.number(*accepted, self.configuration.names_max)
        ts_ms = accepted.rows["ts_ms"]
        latest_ms = ts_ms.max(initial=0, where=accepted.rows["kind"] != events.SHIFT)
        partition.greatest_ts_ms = max(partition.greatest_ts_ms, int(latest_ms))
        self._enter_names(partition)
        return accepted

    def _advance(self, partition: Partition, accepted: Events, told: Now, *, anew: bool) -> NDArray[np.int32]:
        now = Now(max(told.now_ms, partition.now.now_ms), max(told.silent_ms, partition.now.silent_ms))
        partition.now = now
        advance_windows(partition.tables, self.rules, now.now_ms)
        partition.tables.sizes[SILENT_MS] = now.silent_ms
        due = self._due(partition, accepted)
        if due:
            room = needs(due, self.configuration.long_press_ms, partition)
            partition.tables = reserve(partition.tables, self.rules, self._retention(partition), room)
            for batch in due:
                self._apply(partition, batch)
            pair_dirty(partition.tables, self.rules)
        if anew and not partition.is_asked:  # not before room was made: rows that are noted as changed must not move
            self._ask_anew(partition)
        self._set_dues(partition)
        decide_silents(partition.tables, self.rules, now.silent_ms)
        # Seldom, and to call a kernel costs as much as a hundred presses.
        if partition.tables.sizes[NEXT_DUE_MS] < now.silent_ms:
            decide_requests(partition.tables, self.rules, now.silent_ms)
        if partition.tables.sizes[STALE]:
            find_asked(partition.tables)
        rows = np.empty(partition.tables.sizes[CHANGED], np.int32)
        return rows[: ledger.take_changes(partition.tables, rows)]

    # Requests ------------------------------------------------------------------------------------------------------

    def _set_dues(self, partition: Partition) -> None:
        """Set when the targets of requests are due: of those that were opened since, or of all when opening hours may differ."""
        every = self.targets.follow_hours and partition.directory is not self.directory
        partition.directory = self.directory
        if every or partition.tables.sizes[ASKING]:
            entities = partition.names.entities
            tables = partition.tables
            rows = self.targets.set_dues(
                tables, lambda office: self.directory.hours_of(entities[office][1]), every=every
            )
            settle_requests(tables, self.rules, rows)

    # Questions -----------------------------------------------------------------------------------------------------

    def _ask(self, partition: Partition, rows: NDArray[np.void]) -> None:
        """Fill in the questions in force for presses that name none."""
        if partition.schedules.are_plain:
            return
        unnamed = np.flatnonzero((rows["kind"] == events.SELLER_PRESS) & (rows["code"] == NONE))
        if unnamed.size:
            numbers = partition.schedule_numbers[rows["office"][unnamed]]
            rows["scope"][unnamed] = partition.schedules.asked(numbers, rows["ts_ms"][unnamed])

    def _ask_anew(self, partition: Partition) -> None:
        """Let every press that names no question follow the schedules of the partition."""
        partition.is_asked = True
        tables = partition.tables
        presses = tables.presses[: tables.sizes[PRESSES]]
        rows = np.flatnonzero((presses["kind"] == SELLER) & (presses["named"] == 0)).astype(np.int32)
        numbers = partition.schedule_numbers[tables.panels["entity"][presses["panel"][rows]]]
        questions = partition.schedules.asked(numbers, presses["ts_ms"][rows])
        differ = questions != presses["choice"][rows]
        ask_anew(tables, rows[differ], questions[differ])

    # Events ahead of now -------------------------------------------------------------------------------------------

    def _due(self, partition: Partition, accepted: Events) -> list[Events]:
        """The events that now has come for, of a batch and of those held; the others are held."""
        now_ms = partition.now.now_ms
        due = []
        held = []
        for batch in [*partition.held, accepted] if accepted.rows.size else partition.held:
            ahead = batch.rows["ts_ms"] > now_ms
            if ahead.any():
                # Shifts are told ahead, and count up to now whenever they begin.
                ahead &= batch.rows["kind"] != events.SHIFT
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
        self._ask(partition, batch.rows)
        seen_rows = np.empty(batch.rows.size, np.int32)
        duplicates = ledger.admit(partition.tables, batch.rows, seen_rows)
        partition.duplicates += duplicates
        done = 0
        while True:
            done = ledger.apply_events(partition.tables, self.rules, batch.rows, seen_rows, batch.buffer, done)
            if done == batch.rows.size:
                members = int(np.count_nonzero(batch.rows["kind"] >= TAKING_PART))
                partition.applied += done - members - duplicates
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
        if len(names.groups) > partition.tables.sizes[PEER_GROUPS]:
            partition.tables = with_peer_groups(partition.tables, len(names.groups))
        for number in range(known_offices, len(names.offices)):
            add_office(partition.tables, number)
        partition.know_names()
        for number in range(known_panels, len(names.panels)):
            entity = names.panel_offices[number]
            add_panel(partition.tables, number, partition.office_numbers[entity], entity)
        partition.tables.sizes[NAMELESS] = names.nameless

    def _retention(self, partition: Partition) -> Retention:
        return retention(partition, self.rules, self.configuration, horizons=self.horizons)

    def surveys_since_ms(self, partition: Partition) -> int:
        """Surveys of this instant and later are never forgotten, as of now."""
        return self._retention(partition).survey_ms
