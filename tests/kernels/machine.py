"""The kernels as tests drive them: one partition's tables, filled by numbers where a batch would bring names.

Panels `0 .. panels - 1` belong in turn to the offices, employees follow the offices among the entities. Ids are texts.
"""

import numpy as np

from kernels import layout, ledger
from kernels.events import EVENT_ROW
from kernels.identity import find, hash_bytes, row_at
from kernels.layout import NONE, Rules
from kernels.pairing import decide_silents, pair_dirty
from kernels.requests import decide_requests, settle_requests
from kernels.storage import (
    Needs,
    add_office,
    add_panel,
    empty_tables,
    reserve,
    slot_width_ms,
    sweep,
    with_longer_sequence,
    with_names,
)
from kernels.sweeping import Retention
from kernels.windows import advance_windows

FOREVER_MS = -(2**62)
EVENT_TYPES = 10
SELLER_PRESS, CUSTOMER_PRESS, VERDICT, SHIFT = 0, 1, 2, 8
LONG_PRESS_MS = 3000


def rules(*minutes, **others):
    """Rules with windows of so many minutes."""
    bucket_ms = np.array([each * 1000 for each in minutes or (15, 60)], np.int64)
    given = {
        "answer_window_ms": 30_000,
        "debounce_ms": 1000,
        "long_press_ms": LONG_PRESS_MS,
        "force_majeure_duration_ms": 900_000,
        "pending_stands": 0,
        "service_level_ms": 20_000,
        "short_abandon_ms": 5000,
        "context_ms": 0,
    }
    return Rules(**(given | others), bucket_ms=bucket_ms, slot_ms=slot_width_ms(bucket_ms))


def retention(press_ms=FOREVER_MS, survey_ms=None, **others):
    """What a sweep keeps: everything, unless told."""
    kept = dict.fromkeys(("fact_ms", "request_ms", "verdict_ms", "force_majeure_ms"), FOREVER_MS)
    seen_ms = np.full(EVENT_TYPES, others.pop("seen_ms", FOREVER_MS), np.int64)
    survey_ms = press_ms if survey_ms is None else survey_ms
    return Retention(press_ms=press_ms, survey_ms=survey_ms, seen_ms=seen_ms, **(kept | others))


# Events: fields of a row by name, with the id as `text` ---------------------------------------------------------------


def seller(ts_ms, text, panel=0, employee=0, question=layout.PERSONNEL):
    """A short seller press."""
    return {"kind": SELLER_PRESS, "ts_ms": ts_ms, "text": text, "place": panel, "employee": employee, "code": question}


def customer(ts_ms, text, panel=0, answer=layout.YES):
    """A customer press."""
    return {"kind": CUSTOMER_PRESS, "ts_ms": ts_ms, "text": text, "place": panel, "code": answer}


def long_press(ts_ms, text, panel):
    """A seller press that declares a force majeure."""
    return seller(ts_ms, text, panel) | {"amount": LONG_PRESS_MS}


def verdict(ts_ms, text, target, target_id, reliable, **moved):
    """A verdict on a survey or a force majeure of office 0."""
    return {
        "kind": VERDICT,
        "ts_ms": ts_ms,
        "text": text,
        "code": target,
        "target_id": target_id,
        "flag": reliable,
        "first_ms": moved.get("from_ms", layout.NOT_GIVEN),
        "second_ms": moved.get("to_ms", layout.NOT_GIVEN),
        "scope": moved.get("scope", layout.PANEL_SCOPE),
    }


def fact(kind, ts_ms, amount, text, office=0, employee=NONE, queue=NONE, **call):
    """A call, sale or visit; entities as they are numbered."""
    happened = {"kind": kind, "ts_ms": ts_ms, "amount": amount, "text": text, "office": office, "place": queue}
    return happened | {"employee_entity": employee} | call


def stage(ts_ms, text, request, code, *, office=0, employee=NONE, priority=NONE):
    """A request reaches a stage; entities as they are numbered, a priority is the first of those with targets."""
    high, low = hashed(f"request-{request}", office)
    event = {"kind": layout.REQUEST, "ts_ms": ts_ms, "text": text, "office": office, "employee_entity": employee}
    halves = {"first_ms": np.int64(high >> np.uint64(1)), "second_ms": np.int64(low >> np.uint64(1))}
    return event | halves | {"code": code, "place": priority, "flag": NONE if priority == NONE else 0}


def other(ts_ms, text, kind=SHIFT):
    """An event that only its id is known of."""
    return {"kind": kind, "ts_ms": ts_ms, "text": text}


class Machine:
    """The tables of one partition."""

    def __init__(self, given=None, *, panels=1, offices=1, employees=1):
        self.rules = given or rules()
        self.tables = with_names(empty_tables(self.rules), offices, panels, offices + employees)
        self.offices = offices
        self.entities = offices + employees
        self.facts_so_far = 0
        for office in range(offices):
            add_office(self.tables, office)
        for panel in range(panels):
            add_panel(self.tables, panel, panel % offices, panel % offices)

    # Events ------------------------------------------------------------------------------------------------------------

    def apply(self, *events):
        """Let a batch of events take effect, all at once; returns how many were known."""
        rows, data = self.rows(events)
        long = (rows["kind"] == SELLER_PRESS) & (rows["amount"] >= self.rules.long_press_ms)
        presses = rows["kind"] <= CUSTOMER_PRESS
        self.reserve(
            ids=rows.size,
            id_bytes=data.size,
            presses=int((presses & ~long).sum()),
            force_majeures=int(long.sum()),
            verdicts=int((rows["kind"] == VERDICT).sum()),
            facts=int((rows["kind"] >= layout.CALL).sum()),
            clients=4 * rows.size,
            score_rows=2 * rows.size,
            requests=int((rows["kind"] == layout.REQUEST).sum()),
            request_rows=3 * rows.size,
        )
        seen_rows = np.empty(rows.size, np.int32)
        known = ledger.admit(self.tables, rows, seen_rows)
        done = 0
        while (done := ledger.apply_events(self.tables, self.rules, rows, seen_rows, data, done)) < rows.size:
            self.tables = with_longer_sequence(self.tables)
        pair_dirty(self.tables, self.rules)
        self.decide(self.size("SILENT_MS"))
        return known

    def sellers(self, *presses):
        """Short presses (ts_ms, id, panel = 0, employee = 0, question = PERSONNEL) in one batch."""
        self.apply(*(seller(*press) for press in presses))

    def customers(self, *presses):
        """Answers (ts_ms, id, panel = 0, answer = YES) in one batch."""
        self.apply(*(customer(*press) for press in presses))

    def long(self, *presses):
        """Declare force majeures (ts_ms, id, panel)."""
        self.apply(*(long_press(*press) for press in presses))

    def verdict(self, *about, **moved):
        """Give a verdict (ts_ms, id, target, target's id, reliable) on a survey or a force majeure of office 0."""
        self.apply(verdict(*about, **moved))

    def facts(self, kind, *facts):
        """Count facts (ts_ms, amount, office = 0, employee = queue = NONE)."""
        self.apply(*(fact(kind, *each[:2], self.new_id(), *each[2:]) for each in facts))

    def calls(self, *calls):
        """Count calls (ts_ms, wait_ms, employee, queue, handle_ms, talk_ms, direction, disposition) of office 0."""
        names = ("first_ms", "second_ms", "flag", "code")
        self.apply(
            *(fact(layout.CALL, *each[:2], self.new_id(), 0, *each[2:4], **dict(zip(names, each[4:], strict=True)))
              for each in calls)
        )  # fmt: skip

    def new_id(self):
        """An id of a fact that no other has."""
        self.facts_so_far += 1
        return f"fact-{self.facts_so_far}"

    def rows(self, events):
        """Rows of events as the numbering of names leaves them, and the bytes that their ids lie in."""
        rows = np.zeros(len(events), EVENT_ROW)
        encoded = [event["text"].encode() for event in events]
        data = np.frombuffer(b"".join(encoded), np.uint8)
        start = 0
        for position, (event, text) in enumerate(zip(events, encoded, strict=True)):
            office = event.get("office", max(event.get("place", 0), 0) % self.offices)
            high, low = hash_bytes(data, start, len(text), office)
            employee = self.offices + event["employee"] if "employee" in event else event.get("employee_entity", NONE)
            fields = {"place": NONE} | event | {"office": office, "employee": employee, "position": position}
            fields |= {"hash_high": high, "hash_low": low, "id_start": start, "id_length": len(text)}
            if "target_id" in event:
                fields["target_high"], fields["target_low"] = hashed(event["target_id"], office)
            row = rows[position]
            for name in fields.keys() - {"text", "target_id", "employee_entity"}:
                row[name] = fields[name]
            start += len(text)
        return rows, data

    def set_dues(self, *within_ms):
        """Set when the targets of requests that ask are due, and count these anew."""
        used = self.tables.requests[: self.size("REQUESTS")]
        asking = np.flatnonzero(used["asks"])
        assert asking.size == self.size("ASKING")
        for row in asking:
            opened_ms = self.tables.stages[layout.STAGES * row + layout.OPENED]["ts_ms"]
            for target, each_ms in enumerate(within_ms):
                due_ms = opened_ms + each_ms if used[row]["target"] == 0 else layout.FAR_MS
                self.tables.marks[layout.MARKS * row + layout.TARGET_MARKS + target]["due_ms"] = due_ms
        settle_requests(self.tables, self.rules, asking.astype(np.int32))
        assert self.size("ASKING") == 0

    # Time and room -----------------------------------------------------------------------------------------------------

    def advance(self, now_ms, silent_ms=None):
        """Let time pass."""
        advance_windows(self.tables, self.rules, now_ms)
        self.decide(now_ms if silent_ms is None else silent_ms)

    def decide(self, silent_ms):
        """Decide what only time decides."""
        decide_silents(self.tables, self.rules, silent_ms)
        decide_requests(self.tables, self.rules, silent_ms)

    def reserve(self, **needs):
        """Make sure of room."""
        self.tables = reserve(self.tables, self.rules, retention(), Needs(**needs))

    def sweep(self, kept=None, **needs):
        """Sweep."""
        self.tables = sweep(self.tables, self.rules, kept or retention(), Needs(**needs))

    # What the tables hold: copies, because tables grow in place ----------------------------------------------------------

    def entry(self, text, office=0):
        """What is known of an id that was seen, None for any other."""
        tables = self.tables
        high, low = hashed(text, office)
        row = row_at(tables.seen_index[find(tables.seen_index, tables.seen_hashes, high, low)])
        return None if row == NONE else tables.seen[[row]][0]

    def presses(self, panel=0):
        """The presses of a panel in their order, each with its id."""
        held = self.tables.panels[panel]
        rows = self.tables.sequence[held["start"] : held["start"] + held["length"]]
        return [(self.text(press), press) for press in self.tables.presses[rows]]

    def panel(self, number=0):
        """One of the panels."""
        return self.tables.panels[[number]][0]

    def text(self, row):
        """The id of a press or verdict."""
        start = row["id_start"]
        return self.tables.id_bytes[start : start + row["id_length"]].tobytes().decode()

    def roles(self, panel=0):
        """What became of every press of a panel: bounce, or a survey's outcome, or a customer press's role."""
        outcomes = ("yes", "no", "hard_to_say", "silent", "undecided")
        customer_roles = {layout.ANSWER: "answer", layout.EXTRA: "extra", layout.ORPHAN: "orphan"}
        found = {}
        for text, press in self.presses(panel):
            if press["kind"] == layout.CUSTOMER:
                found[text] = customer_roles[int(press["outcome"])]
            else:
                found[text] = outcomes[press["outcome"]] if press["accepted"] else "bounce"
        return found

    def changes(self):
        """The ids of the surveys that changed since this was asked last."""
        rows = np.empty(self.size("CHANGED"), np.int32)
        count = ledger.take_changes(self.tables, rows)
        return [self.text(press) for press in self.tables.presses[rows[:count]]]

    @property
    def totals(self):
        """All counters, (entities, windows, COUNTERS)."""
        tables = self.tables
        surveys = tables.survey_counts[: self.entities].swapaxes(1, 2)
        scores = tables.score_counts[tables.score_rows[: self.entities]]
        requests = tables.request_sums[tables.request_rows[: self.entities]]
        return np.concatenate((surveys, tables.fact_sums[: self.entities], scores, requests), axis=2)

    def waiting(self):
        """The open surveys: rows of those that came in order, then of the others, each with its instant; sound or an error."""
        begin, end, late = (self.size(name) for name in ("OPEN_BEGIN", "OPEN_END", "OPEN_LATE"))
        line, heap = self.tables.open_surveys[begin:end], self.tables.late_surveys[:late]
        assert (np.diff(line["ts_ms"]) >= 0).all()
        assert all(heap["ts_ms"][(at - 1) // 2] <= heap["ts_ms"][at] for at in range(1, late))
        found = np.concatenate((line, heap))
        assert found["ts_ms"].tolist() == self.tables.presses["ts_ms"][found["row"]].tolist()
        assert self.tables.presses["queued"][found["row"]].all()
        assert self.tables.presses["queued"][: self.size("PRESSES")].sum() == found.size
        return found

    @property
    def requests_now(self):
        """How many requests are open now, and how many of them overdue, (entities, 2)."""
        return self.tables.request_now[self.tables.request_rows[: self.entities]]

    def size(self, name):
        """One of the sizes."""
        return int(self.tables.sizes[getattr(layout, name)])


def hashed(text, office=0):
    """Both halves of an id's hash."""
    encoded = np.frombuffer(text.encode(), np.uint8)
    high, low = hash_bytes(encoded, 0, encoded.size, office)
    return np.uint64(high), np.uint64(low)
