"""What indices rest on: the events that were read, where each lies, and what the engine made of it.

The engine decides; nothing is decided here a second time. Its tables say which press opened a survey, which answer is whose,
what stands and what was rejected; here the ids in the tables are put together with the events that have them, and so with the
places where these lie.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from kernels.layout import (
    ANSWER,
    FORCE_MAJEURE_TARGET,
    NONE,
    NOT_GIVEN,
    OFFICE_SCOPE,
    PANEL_SCOPE,
    SELLER,
    SURVEY_TARGET,
)
from kernels.lookup import find_force_majeure, find_verdict
from kernels.windows import BUCKETS
from streams import events
from streams.clock import Now, StoppedClock
from streams.configuration import Configuration
from streams.decode import decode
from streams.directory import EMPTY, Directory
from streams.engine import Engine
from streams.index import QUESTIONS
from streams.members import SEPARATOR
from streams.messages import Messages
from streams.names import Entity
from streams.partition import NO_EVENTS, Events, Partition

EVERYONE: Final = 2**31 - 1  # what is read ends, so its names need no ceiling
OUTCOMES: Final = ("yes", "no", "hard_to_say", "silent", "undecided")
ANSWERS: Final = OUTCOMES[:3]

RATINGS: Final = (events.RATING, events.PEER_RATING)
MOST_REFUSED: Final = 1000  # refusals that are kept one by one

Place = dict[str, Any]  # {"file", "line"} or {"topic", "partition", "offset"}


class Kept(NamedTuple):
    """Events of one batch, in the order in which they were read."""

    events: Events
    source: Mapping[str, Any]  # where all of them lie: {"file": ...} or {"topic": ..., "partition": ...}
    positions: NDArray[np.int64]  # of each message: its line or its offset, by the `position` of its row


def begin_of(at_ms: int, window_ms: int) -> int:
    """Where a window that stands at an instant begins: 59 buckets before the one that the instant lies in."""
    bucket_ms = window_ms // BUCKETS
    return (at_ms // bucket_ms - BUCKETS + 1) * bucket_ms


def place_at(source: Mapping[str, Any], position: int) -> Place:
    """Where a message lies: a line of a file, or an offset of a topic partition."""
    return {**source, "line" if "file" in source else "offset": position}


class Log:
    """Events that were read."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.messages = 0  # that were read, those of other offices among them
        self.bytes = 0
        self.greatest_ts_ms = 0  # of every accepted event but shifts
        self.rejected: Counter[str] = Counter()  # by reason, of all offices
        self.refused: list[dict[str, Any]] = []  # the first of them that may be of the office asked for

    def refuse(self, reason: str, place: Place, *, may_matter: bool = True) -> None:
        """Note a message that cannot be used."""
        self.rejected[reason] += 1
        if may_matter and len(self.refused) < MOST_REFUSED:
            self.refused.append({"reason": reason, "place": place})

    def add(
        self,
        accepted: Events,
        values: Messages,
        source: Mapping[str, Any],
        positions: NDArray[np.int64],
        office: str | None,
        longest_window_ms: int,
    ) -> None:
        """Keep the accepted events of a batch, or those of one office alone, with no more bytes than they have."""
        rows = accepted.rows
        latest_ms = rows["ts_ms"].max(initial=0, where=rows["kind"] != events.SHIFT)
        self.greatest_ts_ms = max(self.greatest_ts_ms, int(latest_ms))
        if office is not None:
            own = rows["position"][_of_office(accepted, office.encode())]
            if not own.size:
                return
            again = decode(Messages.of(values.some(own)), longest_window_ms=longest_window_ms)
            accepted, positions = Events(again.rows, again.buffer), positions[own]
        if accepted.rows.size:
            self.kept.append(Kept(accepted, source, positions))


def _of_office(accepted: Events, office: bytes) -> NDArray[np.bool_]:
    """Which events are those of an office."""
    rows, buffer = accepted
    mask = rows["office_length"] == len(office)
    found = np.flatnonzero(mask)
    spans = rows["office_start"][found][:, None] + np.arange(len(office))
    mask[found] = (buffer[spans] == np.frombuffer(office, np.uint8)).all(axis=1)
    result: NDArray[np.bool_] = mask
    return result


class Answer(NamedTuple):
    """The customer press that answered a survey."""

    event_id: str
    ts_ms: int
    answer: str
    place: Place


class Pressed(NamedTuple):
    """A short seller press, and what became of it."""

    event_id: str
    ts_ms: int
    office_id: str
    panel_id: str
    panel: int
    employee: int  # entity
    employee_id: str
    question: str
    is_named: bool  # whether the press names its question; else the schedule of the office does
    outcome: str  # undecided for a bounce
    bounced_off: str | None  # the id of the accepted press before it
    rejected: bool
    in_force_majeure: bool
    code: int  # the counter that it is counted under, -1 for none
    answer: Answer | None
    place: Place


class Declared(NamedTuple):
    """A force majeure, as its latest verdict has it."""

    event_id: str
    ts_ms: int
    office_id: str
    panel_id: str
    panel: int
    employee: int
    employee_id: str
    from_ms: int
    to_ms: int
    over_office: bool
    stands: bool
    verdict_id: str | None
    confirmed: bool | None  # None while there is no verdict
    place: Place

    def covers(self, press: Pressed) -> bool:
        """Whether it lies over a press, if it stands."""
        return (
            self.office_id == press.office_id
            and (self.over_office or self.panel == press.panel)
            and self.from_ms <= press.ts_ms <= self.to_ms
        )


class Judged(NamedTuple):
    """A verdict."""

    event_id: str
    ts_ms: int
    office_id: str
    target: str
    target_id: str
    reliable: bool
    from_ms: int | None
    to_ms: int | None
    scope: str
    holds: bool  # no later one on its target does
    place: Place


class Fact(NamedTuple):
    """A call, a sale, a visit or a shift, or a client's score."""

    event_id: str
    ts_ms: int
    office: int
    employee: int  # entity, -1 for none
    employee_id: str | None
    queue: str | None  # of a call
    category: str | None  # of a sale
    members: tuple[str, ...]  # of a rating: who took part; of one between departments as streams.peer_ratings has them
    row: np.void  # EVENT_ROW
    place: Place


class Evidence:
    """A log as the engine sees it at an instant."""

    def __init__(self, configuration: Configuration, log: Log, now: Now, directory: Directory = EMPTY) -> None:
        everyone = msgspec.structs.replace(configuration, names_max=EVERYONE)
        self.engine = Engine(everyone, directory, horizons=False)
        self.partition: Partition = self.engine.new_partition()
        self.now = now
        self.left_out = 0  # events after now
        self.request_ids: dict[tuple[int, int], str] = {}  # by the halves of their hashes
        self.kept: list[Kept] = []
        clock = StoppedClock(now)
        for kept in log.kept:
            inside = kept.events.rows["ts_ms"] <= now.now_ms
            some = kept.events.where(inside)
            self.left_out += inside.size - some.rows.size
            if some.rows.size:
                self.engine.step(self.partition, some._replace(rows=some.rows.copy()), clock)
                self.kept.append(kept._replace(events=self._numbered(some)))
        self.engine.step(self.partition, NO_EVENTS, clock)
        self._first = self._index()

    def _numbered(self, some: Events) -> Events:
        """Events of our own with the numbers that the engine has given to their names."""
        rows = self.engine.targets.number_priorities(some.rows, some.buffer)
        requests = np.flatnonzero(rows["kind"] == events.REQUEST).tolist()
        spans = rows[["first_ms", "second_ms"]][requests].tolist()  # before they are the halves of a hash
        self.partition.names.number(rows, some.buffer, EVERYONE)
        for at, (start, length) in zip(requests, spans, strict=True):
            halves = int(rows["first_ms"][at]), int(rows["second_ms"][at])
            self.request_ids[halves] = some.buffer[start : start + length].tobytes().decode()
        return some._replace(rows=rows)

    def _index(self) -> dict[tuple[int, bytes], tuple[int, int]]:
        """The first event that has an id in an office: batch and row. It is the one that counts."""
        first: dict[tuple[int, bytes], tuple[int, int]] = {}
        for batch, kept in enumerate(self.kept):
            rows, buffer = kept.events
            data = buffer.tobytes()
            columns = (rows["office"], rows["id_start"], rows["id_length"])
            for row, (office, start, length) in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
                first.setdefault((office, data[start : start + length]), (batch, row))
        return first

    # Names and places ------------------------------------------------------------------------------------------------

    def entity(self, wanted: Entity) -> int | None:
        """Number of an office, employee or queue; None when nothing was heard of it."""
        entities = self.partition.names.entities
        return entities.index(wanted) if wanted in entities else None

    def place(self, kept: Kept, row: np.void) -> Place:
        """Where the message of an event lies."""
        return place_at(kept.source, int(kept.positions[row["position"]]))

    def event_of(self, office: int, event_id: bytes) -> tuple[Kept, np.void]:
        """The event that an office knows by an id, with the batch that holds it."""
        batch, row = self._first[office, event_id]
        return self.kept[batch], self.kept[batch].events.rows[row]

    def place_of(self, office: int, event_id: bytes) -> Place:
        """Where it lies."""
        return self.place(*self.event_of(office, event_id))

    def firsts(self, mask_of: Any) -> Iterator[tuple[Kept, np.void, bytes]]:
        """The events that count of those that ``mask_of`` finds among the rows of a batch."""
        for batch, kept in enumerate(self.kept):
            rows, buffer = kept.events
            for at in np.flatnonzero(mask_of(rows)).tolist():
                row = rows[at]
                event_id = _text(buffer, row, "id")
                if self._first[int(row["office"]), event_id] == (batch, at):
                    yield kept, row, event_id

    def _name(self, entity: int) -> str:
        return self.partition.names.entities[entity][2]

    # Presses ---------------------------------------------------------------------------------------------------------

    def presses(self, office: int | None = None) -> Iterator[Pressed]:
        """Every short seller press that is known, of all offices or one, panel by panel in order."""
        for panel, entity in enumerate(self.partition.names.panel_offices):
            if office in (None, entity):
                yield from self._presses_of(panel, entity)

    def _presses_of(self, panel: int, office: int) -> Iterator[Pressed]:
        tables = self.partition.tables
        held = tables.panels[panel]
        rows = tables.presses[tables.sequence[held["start"] : held["start"] + held["length"]]]
        office_id, panel_id = self.partition.names.panels[panel]
        opened: Pressed | None = None
        for press in rows:
            start = int(press["id_start"])
            event_id = tables.id_bytes[start : start + int(press["id_length"])].tobytes()
            ts_ms = int(press["ts_ms"])
            if press["kind"] != SELLER:
                if press["outcome"] == ANSWER and opened is not None:
                    place = self.place_of(office, event_id)
                    opened = opened._replace(answer=Answer(event_id.decode(), ts_ms, ANSWERS[press["choice"]], place))
                continue
            pressed = Pressed(
                event_id.decode(),
                ts_ms,
                office_id,
                panel_id,
                panel,
                int(press["employee"]),
                self._name(int(press["employee"])),
                QUESTIONS[press["choice"]],
                bool(press["named"]),
                OUTCOMES[press["outcome"]],
                bounced_off=None,
                rejected=bool(press["rejected"]),
                in_force_majeure=bool(press["in_force_majeure"]),
                code=int(press["code"]),
                answer=None,
                place=self.place_of(office, event_id),
            )
            if not press["accepted"]:
                yield pressed._replace(bounced_off=opened.event_id if opened is not None else None)
                continue
            if opened is not None:
                yield opened
            opened = pressed
        if opened is not None:
            yield opened

    # Force majeures and verdicts -------------------------------------------------------------------------------------

    def verdicts(self, office: int | None = None) -> list[Judged]:
        """Every verdict, of all offices or one."""
        found = []
        for kept, row, event_id in self.firsts(lambda rows: _are(rows, events.VERDICT, office)):
            target_id = _text(kept.events.buffer, row, "place")
            held = find_verdict(self.partition.tables, int(row["office"]), _bytes(target_id), int(row["code"]))
            found.append(
                Judged(
                    event_id.decode(),
                    int(row["ts_ms"]),
                    self.partition.names.entities[row["office"]][1],
                    {SURVEY_TARGET: "survey", FORCE_MAJEURE_TARGET: "force_majeure"}[int(row["code"])],
                    target_id.decode(),
                    bool(row["flag"]),
                    _given(row["first_ms"]),
                    _given(row["second_ms"]),
                    {PANEL_SCOPE: "panel", OFFICE_SCOPE: "office"}[int(row["scope"])],
                    holds=held != NONE and self._verdict_id(held) == event_id,
                    place=self.place(kept, row),
                )
            )
        return found

    def _verdict_id(self, row: int) -> bytes:
        verdict = self.partition.tables.verdicts[row]
        start = int(verdict["id_start"])
        return self.partition.tables.id_bytes[start : start + int(verdict["id_length"])].tobytes()

    def force_majeures(self, office: int | None = None) -> list[Declared]:
        """Every force majeure that was declared, in all offices or one."""
        tables, names = self.partition.tables, self.partition.names
        long_press_ms = self.engine.configuration.long_press_ms
        found = []
        for kept, row, event_id in self.firsts(
            lambda rows: _are(rows, events.SELLER_PRESS, office) & (rows["amount"] >= long_press_ms)
        ):
            number = find_force_majeure(tables, int(row["office"]), _bytes(event_id))
            if number == NONE:
                continue
            declared = tables.force_majeures[number]
            held = find_verdict(tables, int(row["office"]), _bytes(event_id), FORCE_MAJEURE_TARGET)
            panel = int(declared["panel"])
            found.append(
                Declared(
                    event_id.decode(),
                    int(row["ts_ms"]),
                    *names.panels[panel],
                    panel,
                    int(row["employee"]),
                    self._name(int(row["employee"])),
                    int(declared["from_ms"]),
                    int(declared["to_ms"]),
                    over_office=declared["scope"] == OFFICE_SCOPE,
                    stands=bool(declared["standing"]),
                    verdict_id=None if held == NONE else self._verdict_id(held).decode(),
                    confirmed=None if held == NONE else bool(tables.verdicts[held]["reliable"]),
                    place=self.place(kept, row),
                )
            )
        return found

    # Facts -----------------------------------------------------------------------------------------------------------

    def facts(self, kind: int, office: int | None = None, begin_ms: int = 0) -> list[Fact]:
        """Events of a kind from an instant on, of all offices or one."""
        entities = self.partition.names.entities
        found = []
        for kept, row, event_id in self.firsts(lambda rows: _are(rows, kind, office) & (rows["ts_ms"] >= begin_ms)):
            employee, named = int(row["employee"]), int(row["place"])
            found.append(
                Fact(
                    event_id.decode(),
                    int(row["ts_ms"]),
                    int(row["office"]),
                    employee,
                    None if employee == NONE else entities[employee][2],
                    None if kind != events.CALL or named == NONE else entities[named][2],
                    None if kind != events.SALE or named == NONE else entities[named][2],
                    _members(kept.events.buffer, row) if kind in RATINGS else (),
                    row,
                    self.place(kept, row),
                )
            )
        return found


def _are(rows: NDArray[np.void], kind: int, office: int | None) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = rows["kind"] == kind
    return mask if office is None else mask & (rows["office"] == office)


def _members(buffer: NDArray[np.uint8], row: np.void) -> tuple[str, ...]:
    start = int(row["first_ms"])
    text = buffer[start : start + int(row["second_ms"])].tobytes().decode()
    return tuple(text.split(SEPARATOR)) if text else ()


def _text(buffer: NDArray[np.uint8], row: np.void, name: str) -> bytes:
    start = int(row[f"{name}_start"])
    return buffer[start : start + int(row[f"{name}_length"])].tobytes()


def _bytes(text: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(text, np.uint8)


def _given(time_ms: int) -> int | None:
    return None if time_ms == NOT_GIVEN else int(time_ms)
