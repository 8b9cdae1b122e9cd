"""Presses become surveys: who bounces, who opens a survey, which answer is its own, who stayed silent.

The presses of a panel lie in order of (instant, seller before customer, id bytes). The next one in order is paired as it
comes, with what the panel knows of its last accepted press. Late ones are inserted where they belong, and the panel is
paired again from the last accepted seller press before the first of them up to the first accepted one after the last of
them that was accepted before: from there on nothing can differ.
The rules, with t the instant of an accepted short press:

==================================  ============================================================================
press                               becomes
==================================  ============================================================================
seller, at most debounce after t    a bounce; nothing else changes
seller, later                       a survey; the one before it ends just before this press
customer in [t, t + answer window]  the answer of the open survey, or extra when it has one
customer elsewhere                  an orphan
(end) no answer, next in window     silent
(end) no answer, time has passed    silent
(end) no answer otherwise           undecided: counts nowhere, waits among the open surveys
==================================  ============================================================================
"""

import numpy as np
from numpy.typing import NDArray

from kernels.asked import lower_asked, raise_asked
from kernels.compile import entry, kernel
from kernels.identity import ids_ordered
from kernels.layout import (
    ANSWER,
    ANSWERS,
    BOUNCES,
    CHANGED,
    CUSTOMER,
    DIRTY,
    EXTRA,
    NONE,
    ORPHAN,
    SELLER,
    SEQUENCE,
    SILENT,
    SILENT_MS,
    UNDECIDED,
    Rules,
    Tables,
    survey_code,
)
from kernels.open_surveys import pop_open, push_open
from kernels.signatures import INT, NUMBERS, RULES, TABLES, reading
from kernels.windows import count_survey

_survey_code = kernel(survey_code)
CODES = reading(np.int8)


# The ledger of surveys ---------------------------------------------------------------------------------------------


@kernel
def survey_state(question: int, accepted: int, outcome: int, rejected: int, in_force_majeure: int) -> int:
    """What the world may know of a survey, in one number; -1 while it is undecided or a bounce."""
    if not accepted or outcome == UNDECIDED:
        return NONE
    return question * 16 + outcome * 4 + rejected * 2 + in_force_majeure


@kernel
def settle(tables: Tables, row: int, accepted: int, outcome: int, rejected: int, in_fm: int) -> None:
    """Give a seller press its state; count it anew where that changes its counter, note it where it changes."""
    press = tables.presses[row]
    question = press["choice"]
    before = survey_state(question, press["accepted"], press["outcome"], press["rejected"], press["in_force_majeure"])
    press["accepted"] = accepted
    press["outcome"] = outcome
    press["rejected"] = rejected
    press["in_force_majeure"] = in_fm
    state = survey_state(question, accepted, outcome, rejected, in_fm)
    if state == before:
        return
    if not press["noted"]:
        press["noted"] = 1
        change = tables.changed[tables.sizes[CHANGED]]
        change["row"] = row
        change["before"] = before
        tables.sizes[CHANGED] += 1
    code = _survey_code(question, outcome, in_fm) if state != NONE and not rejected else NONE
    if code == press["code"]:
        return
    if press["code"] != NONE:
        count_survey(tables, row, press["code"], -1)
    if code != NONE:
        count_survey(tables, row, code, 1)
        if press["code"] == NONE:
            raise_asked(tables, row)
    else:
        lower_asked(tables, row)
    press["code"] = code


@kernel
def _decide(tables: Tables, row: int, accepted: int, outcome: int) -> None:
    press = tables.presses[row]
    if press["accepted"] != accepted:
        tables.sizes[BOUNCES] += press["accepted"] - accepted
    press["answer_ms"] = NONE  # whoever answered it says so
    settle(tables, row, accepted, outcome, press["rejected"], press["in_force_majeure"])
    if accepted and outcome == UNDECIDED and not press["queued"]:
        push_open(tables, row)


@kernel
def _close(tables: Tables, rules: Rules, row: int, next_ts_ms: int) -> None:
    """Decide a survey without an answer, given the panel's next accepted press (or -1)."""
    end_ms = tables.presses[row]["ts_ms"] + rules.answer_window_ms
    ended = 0 <= next_ts_ms <= end_ms or tables.sizes[SILENT_MS] > end_ms
    _decide(tables, row, 1, SILENT if ended else UNDECIDED)


@kernel
def _set_role(tables: Tables, row: int, role: int) -> None:
    press = tables.presses[row]
    if press["outcome"] != role:
        if press["outcome"] != NONE:
            tables.sizes[ANSWERS + press["outcome"]] -= 1
        tables.sizes[ANSWERS + role] += 1
        press["outcome"] = role


@entry(TABLES, NUMBERS, CODES)
def ask_anew(tables: Tables, rows: NDArray[np.int32], questions: NDArray[np.int8]) -> None:
    """Let seller presses have asked other questions: what was counted is taken back, and counted under the other one.

    Parameters
    ----------
    rows
        Of the presses, (n,).
    questions
        What each of them asked, (n,).
    """
    for i in range(rows.shape[0]):
        row = rows[i]
        press = tables.presses[row]
        accepted = press["accepted"]
        settle(tables, row, 0, press["outcome"], press["rejected"], press["in_force_majeure"])
        press["choice"] = questions[i]
        settle(tables, row, accepted, press["outcome"], press["rejected"], press["in_force_majeure"])


@entry(TABLES, RULES, INT)
def decide_silents(tables: Tables, rules: Rules, silent_ms: int) -> None:
    """Decide every open survey whose answer window ended before ``silent_ms``."""
    tables.sizes[SILENT_MS] = max(tables.sizes[SILENT_MS], silent_ms)
    before_ms = tables.sizes[SILENT_MS] - rules.answer_window_ms
    while True:
        row = pop_open(tables, before_ms)
        if row == NONE:
            return
        if tables.presses[row]["accepted"] and tables.presses[row]["outcome"] == UNDECIDED:
            _decide(tables, row, 1, SILENT)


# The presses of a panel in order -----------------------------------------------------------------------------------


@kernel
def stands_before(tables: Tables, a: int, b: int) -> bool:
    """Whether press row ``a`` comes before press row ``b`` on their panel."""
    first = tables.presses[a]
    second = tables.presses[b]
    if first["ts_ms"] != second["ts_ms"]:
        return first["ts_ms"] < second["ts_ms"]
    if first["kind"] != second["kind"]:
        return first["kind"] < second["kind"]
    return ids_ordered(tables.id_bytes, first["id_start"], first["id_length"], second["id_start"], second["id_length"])


@kernel
def _make_room(tables: Tables, panel_number: int) -> bool:
    """Move a full panel to the end of the pool with twice the room; False when the pool is too small."""
    panel = tables.panels[panel_number]
    capacity = max(8, 2 * panel["capacity"])
    start = tables.sizes[SEQUENCE]
    if start + capacity > tables.sequence.shape[0]:
        return False
    for i in range(panel["length"]):
        tables.sequence[start + i] = tables.sequence[panel["start"] + i]
    panel["start"] = start
    panel["capacity"] = capacity
    tables.sizes[SEQUENCE] += capacity
    return True


@kernel
def has_room(tables: Tables, panel_number: int) -> bool:
    """Whether a panel has room for one press more; False when the pool must grow first."""
    panel = tables.panels[panel_number]
    return panel["length"] < panel["capacity"] or _make_room(tables, panel_number)


@kernel
def insert_press(tables: Tables, rules: Rules, row: int) -> None:
    """Put a press in its place on its panel, which has room.

    The next one in order is paired at once; one that comes late marks the panel, to be paired again.
    """
    press = tables.presses[row]
    panel_number = press["panel"]
    panel = tables.panels[panel_number]
    ts_ms = press["ts_ms"]
    if ts_ms > panel["last_ms"] and panel["dirty_from"] == NONE:
        tables.sequence[panel["start"] + panel["length"]] = row
        panel["length"] += 1
        panel["last_ms"] = ts_ms
        _pair_next(tables, rules, panel_number, row)
        return
    panel["last_ms"] = max(panel["last_ms"], ts_ms)
    at = _insert(tables, panel_number, row)
    if panel["dirty_from"] == NONE:
        panel["dirty_from"] = at
        panel["dirty_until_ms"] = ts_ms
        tables.dirty[tables.sizes[DIRTY]] = panel_number
        tables.sizes[DIRTY] += 1
    else:
        panel["dirty_from"] = min(panel["dirty_from"], at)
        panel["dirty_until_ms"] = max(panel["dirty_until_ms"], ts_ms)


@kernel
def _insert(tables: Tables, panel_number: int, row: int) -> int:
    """Put a press among those of its panel; returns its position."""
    panel = tables.panels[panel_number]
    start = panel["start"]
    count = panel["length"]
    low = 0
    at = count
    while low < at:
        middle = (low + at) // 2
        if stands_before(tables, row, tables.sequence[start + middle]):
            at = middle
        else:
            low = middle + 1
    for i in range(start + count, start + at, -1):
        tables.sequence[i] = tables.sequence[i - 1]
    tables.sequence[start + at] = row
    panel["length"] += 1
    return at


# Pairing -----------------------------------------------------------------------------------------------------------


@kernel
def _pair_next(tables: Tables, rules: Rules, panel_number: int, row: int) -> None:
    """Pair the press that is now the last of its panel, by the table at the head of this module."""
    panel = tables.panels[panel_number]
    press = tables.presses[row]
    ts_ms = press["ts_ms"]
    current = panel["current"]
    since_ms = ts_ms - panel["current_ms"]
    decided = NONE  # the survey that this press decides, and how
    outcome = SILENT
    if press["kind"] == CUSTOMER:
        if current == NONE or since_ms > rules.answer_window_ms:
            _set_role(tables, row, ORPHAN)
        elif panel["answered"]:
            _set_role(tables, row, EXTRA)
        else:
            panel["answered"] = 1
            _set_role(tables, row, ANSWER)
            decided = current
            outcome = press["choice"]
            tables.presses[current]["answer_ms"] = ts_ms
    elif current == NONE or since_ms > rules.debounce_ms:
        if current != NONE and not panel["answered"] and since_ms <= rules.answer_window_ms:
            decided = current
        panel["current"] = row
        panel["current_ms"] = ts_ms
        panel["answered"] = 0
        press["accepted"] = 1
        tables.sizes[BOUNCES] -= 1
        push_open(tables, row)
    if decided != NONE:
        press = tables.presses[decided]
        settle(tables, decided, 1, outcome, press["rejected"], press["in_force_majeure"])


@kernel
def _last_accepted_before(tables: Tables, rules: Rules, panel_number: int) -> int:
    """Position of the last accepted press before the panel's first new one, -1 when none is near enough to matter."""
    panel = tables.panels[panel_number]
    at = panel["dirty_from"]
    first = tables.presses[tables.sequence[panel["start"] + at]]
    earliest_ms = first["ts_ms"] - max(rules.answer_window_ms, rules.debounce_ms)
    while at > 0:
        at -= 1
        press = tables.presses[tables.sequence[panel["start"] + at]]
        if press["ts_ms"] < earliest_ms:
            return NONE
        if press["kind"] == SELLER and press["accepted"]:
            return at
    return NONE


@kernel
def pair_panel(tables: Tables, rules: Rules, panel_number: int) -> None:
    """Pair a panel again around its new presses, by the table at the head of this module."""
    panel = tables.panels[panel_number]
    sequence = tables.sequence[panel["start"] : panel["start"] + panel["length"]]
    at = _last_accepted_before(tables, rules, panel_number)
    current = NONE  # the accepted press whose survey is open
    current_ms = 0
    answered = False
    if at == NONE:
        at = panel["dirty_from"]
    else:
        current = sequence[at]
        current_ms = tables.presses[current]["ts_ms"]
        at += 1
    settled = False
    while at < panel["length"] and not settled:
        row = sequence[at]
        press = tables.presses[row]
        at += 1
        if press["kind"] == CUSTOMER:
            if current == NONE or press["ts_ms"] > current_ms + rules.answer_window_ms:
                _set_role(tables, row, ORPHAN)
            elif answered:
                _set_role(tables, row, EXTRA)
            else:
                answered = True
                _set_role(tables, row, ANSWER)
                _decide(tables, current, 1, press["choice"])
                tables.presses[current]["answer_ms"] = press["ts_ms"]
        elif current != NONE and press["ts_ms"] - current_ms <= rules.debounce_ms:
            _decide(tables, row, 0, UNDECIDED)
        else:
            if current != NONE and not answered:
                _close(tables, rules, current, press["ts_ms"])
            settled = press["accepted"] and press["ts_ms"] > panel["dirty_until_ms"]
            current = row
            current_ms = press["ts_ms"]
            answered = False
    panel["dirty_from"] = NONE
    if settled:
        return
    panel["current"] = current
    panel["current_ms"] = current_ms
    panel["answered"] = answered
    if current != NONE and not answered:
        _close(tables, rules, current, NONE)


@entry(TABLES, RULES)
def pair_dirty(tables: Tables, rules: Rules) -> None:
    """Pair every panel that presses were inserted into."""
    for i in range(tables.sizes[DIRTY]):
        pair_panel(tables, rules, tables.dirty[i])
    tables.sizes[DIRTY] = 0
