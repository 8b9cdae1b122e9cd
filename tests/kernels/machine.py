"""The kernels as tests drive them: one partition's tables, filled by names and numbers instead of events.

Panels `0 .. panels - 1` belong in turn to the offices, employees follow the offices among the entities. Ids are texts.
"""

import numpy as np

from kernels import layout, ledger
from kernels.identity import find, hash_ids
from kernels.layout import NONE, Rules
from kernels.pairing import decide_silents, pair_dirty
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


def rules(*minutes, answer_window_ms=30_000, debounce_ms=1000, force_majeure_duration_ms=900_000, pending_stands=0):
    """Rules with windows of so many minutes."""
    bucket_ms = np.array([each * 1000 for each in minutes or (15, 60)], np.int64)
    return Rules(
        answer_window_ms, debounce_ms, force_majeure_duration_ms, pending_stands, bucket_ms, slot_width_ms(bucket_ms)
    )


def retention(press_ms=FOREVER_MS, survey_ms=None, **others):
    """What a sweep keeps: everything, unless told."""
    kept = dict.fromkeys(("fact_ms", "verdict_ms", "force_majeure_ms"), FOREVER_MS)
    seen_ms = np.full(EVENT_TYPES, others.pop("seen_ms", FOREVER_MS), np.int64)
    survey_ms = press_ms if survey_ms is None else survey_ms
    return Retention(press_ms=press_ms, survey_ms=survey_ms, seen_ms=seen_ms, **(kept | others))


def filled(given, *defaults):
    """What was given, after two fields that must be, with the defaults of those that were not."""
    return (*given, *defaults[len(given) - 2 :])


class Machine:
    """The tables of one partition."""

    def __init__(self, given=None, *, panels=1, offices=1, employees=1):
        self.rules = given or rules()
        self.tables = with_names(empty_tables(self.rules), offices, panels, offices + employees)
        self.offices = offices
        for office in range(offices):
            add_office(self.tables, office, office)
        for panel in range(panels):
            add_panel(self.tables, panel, panel % offices)

    def sellers(self, *presses):
        """Insert short presses (ts_ms, id, panel = 0, employee = 0, question = PERSONNEL) and pair."""
        self._insert(layout.SELLER, [filled(press, 0, 0, layout.PERSONNEL) for press in presses])

    def customers(self, *presses):
        """Insert answers (ts_ms, id, panel = 0, answer = YES) and pair."""
        filled_in = [filled(press, 0, layout.YES) for press in presses]
        self._insert(layout.CUSTOMER, [(*press[:3], NONE, press[3]) for press in filled_in])

    def _insert(self, kind, presses):
        ts_ms, ids, panels, employees, choices = zip(*presses, strict=True)
        hashes, data, starts, lengths = self.named(ids, [panel % self.offices for panel in panels])
        self.reserve(presses=len(ids), ids=len(ids), id_bytes=data.size)
        columns = (
            hashes,
            np.array(ts_ms, np.int64),
            data,
            starts,
            lengths,
            np.array(panels, np.int32),
            np.array([NONE if each == NONE else self.offices + each for each in employees], np.int32),
            np.array(choices, np.int8),
        )
        done = 0
        while (done := ledger.apply_presses(self.tables, self.rules, done, kind, *columns)) < len(ids):
            self.tables = with_longer_sequence(self.tables)
        pair_dirty(self.tables, self.rules)

    def long(self, *presses):
        """Declare force majeures (ts_ms, id, panel)."""
        for ts_ms, text, panel in presses:
            self.reserve(force_majeures=1, ids=1)
            hashes, *_ = self.named([text], [panel % self.offices])
            columns = (hashes, np.array([ts_ms], np.int64), np.array([panel], np.int32))
            ledger.apply_long_presses(self.tables, self.rules, *columns)

    def verdict(self, ts_ms, text, target, target_id, reliable, **moved):
        """Give a verdict on a survey or a force majeure of office 0."""
        hashes, *_ = self.named([target_id], [0])
        _, data, starts, lengths = self.named([text], [0])
        self.reserve(verdicts=1, id_bytes=data.size)
        ledger.apply_verdicts(
            self.tables,
            self.rules,
            np.array([ts_ms], np.int64),
            data,
            starts,
            lengths,
            np.array([target], np.int8),
            hashes,
            np.array([reliable], np.int8),
            np.array([moved.get("from_ms", layout.NOT_GIVEN)], np.int64),
            np.array([moved.get("to_ms", layout.NOT_GIVEN)], np.int64),
            np.array([moved.get("scope", layout.PANEL_SCOPE)], np.int8),
        )

    def facts(self, kind, *facts):
        """Count facts (ts_ms, amount, office = 0, employee = queue = NONE, handle_ms = talk_ms = flags = 0)."""
        facts = [filled(fact, 0, NONE, NONE, 0, 0, 0) for fact in facts]
        ts_ms, amount, office, employee, queue, handle_ms, talk_ms, flags = zip(*facts, strict=True)
        self.reserve(facts=len(facts))
        ledger.apply_facts(
            self.tables,
            self.rules,
            kind,
            np.array(ts_ms, np.int64),
            np.array(office, np.int32),
            np.array(employee, np.int32),
            np.array(queue, np.int32),
            np.array(amount, np.int64),
            np.array(handle_ms, np.int64),
            np.array(talk_ms, np.int64),
            np.array(flags, np.int8),
        )

    def advance(self, now_ms, silent_ms=None):
        """Let time pass."""
        advance_windows(self.tables, self.rules, now_ms)
        decide_silents(self.tables, self.rules, now_ms if silent_ms is None else silent_ms)

    def reserve(self, **needs):
        """Make sure of room."""
        self.tables = reserve(self.tables, self.rules, retention(), Needs(**needs))

    def sweep(self, kept=None, **needs):
        """Sweep."""
        self.tables = sweep(self.tables, self.rules, kept or retention(), Needs(**needs))

    def named(self, ids, offices):
        """Hashes, bytes, starts and lengths of ids."""
        encoded = [text.encode() for text in ids]
        data = np.frombuffer(b"".join(encoded), np.uint8)
        lengths = np.array(list(map(len, encoded)), np.int64)
        ends = np.cumsum(lengths)
        return hash_ids(data, ends, np.array(offices, np.int32)), data, ends - lengths, lengths

    def entry(self, text, office=0):
        """What the index holds of an id, None where it does not know it."""
        ((high, low),), *_ = self.named([text], [office])
        entry = self.tables.ids[find(self.tables.ids, high, low)]
        return None if entry["kind"] == layout.FREE else entry

    def presses(self, panel=0):
        """The presses of a panel in their order, each with its id."""
        held = self.tables.panels[panel]
        rows = self.tables.sequence[held["start"] : held["start"] + held["length"]]
        return [(self.text(self.tables.presses[row]), self.tables.presses[row]) for row in rows]

    def text(self, row):
        """The id of a press or verdict."""
        start = row["id_start"]
        return self.tables.id_bytes[start : start + row["id_length"]].tobytes().decode()

    def roles(self, panel=0):
        """What became of every press of a panel: bounce, or a survey's outcome, or a customer press's role."""
        outcomes = ("yes", "no", "hard_to_say", "silent", "undecided")
        found = {}
        for text, press in self.presses(panel):
            if press["kind"] == layout.CUSTOMER:
                found[text] = ("answer", "extra", "orphan")[press["outcome"]]
            else:
                found[text] = outcomes[press["outcome"]] if press["accepted"] else "bounce"
        return found

    def size(self, name):
        """One of the sizes."""
        return int(self.tables.sizes[getattr(layout, name)])
