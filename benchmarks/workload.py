"""Presses by the million, and what they must come to: the same seed gives the same bytes.

Every panel has one employee, an employee one panel or more. Surveys follow each other on it at known instants, with answers, bounces, second answers and
answers that nobody asked for, so that what each survey ends in is known by construction, without pairing anything.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.messages import Messages

Integers = NDArray[np.int64]
Numbers = NDArray[np.int32]

START_MS: Final = 1_767_571_200_000  # a Monday, 2026-01-05
MINUTE_MS: Final = 60_000
DAY_MS: Final = 24 * 60 * MINUTE_MS
BUCKET_MS: Final = DAY_MS  # of the counts that peers keep
BUCKETS: Final = 60  # of a window of ours
ANSWER_WINDOW_MS: Final = 30_000
LEAST_GAP_MS: Final = 1_100  # above the 1000 ms of a bounce
NEVER_MS: Final = 2**62
GREATEST_DELAY_MS: Final = 6 * 60 * MINUTE_MS  # of a late event, far inside the horizon of 24 h

QUESTIONS: Final = ("personnel", "office", "loyalty")
OUTCOMES: Final = ("yes", "no", "hard_to_say", "silent")
SILENT: Final = 3
QUESTION_SHARES: Final = (0.6, 0.2, 0.2)
OUTCOME_SHARES: Final = (0.5, 0.12, 0.08, 0.3)
SHORT_GAP_SHARE, BOUNCE_SHARE, EXTRA_SHARE, ORPHAN_SHARE = 0.08, 0.02, 0.02, 0.01
CHUNK_ROWS: Final = 65_536

# What varies stands as digits between braces, each field as wide as its name says.
_SELLER: Final = (
    '{"type":"seller_press","event_id":"ev<event:10>","ts":<ts:13>,"office_id":"office-<office:5>",'
    '"panel_id":"p<panel:7>","employee_id":"e<employee:7>","hold_ms":<hold:3>,"question":"%s"}'
)
_CUSTOMER: Final = (
    '{"type":"customer_press","event_id":"ev<event:10>","ts":<ts:13>,"office_id":"office-<office:5>",'
    '"panel_id":"p<panel:7>","answer":"%s"}'
)
TEMPLATES: Final = tuple(_SELLER % question for question in QUESTIONS) + tuple(_CUSTOMER % o for o in OUTCOMES[:3])


class Surveys(NamedTuple):
    """Every press that opens a survey, and what becomes of it; arrays of one length."""

    ts_ms: Integers
    next_ms: Integers  # the next survey of the panel, NEVER_MS where there is none
    panel: Numbers
    employee: Numbers
    question: Numbers
    outcome: Numbers  # SILENT where nobody answers
    answer_ms: Integers  # NEVER_MS where nobody answers


class Workload(NamedTuple):
    """Messages in the order of their arrival; the arrays are parallel to them."""

    messages: Messages
    ts_ms: Integers
    office: Numbers
    surveys: Surveys
    offices: int
    employees: int

    @property
    def now_ms(self) -> int:
        """The greatest instant of all events."""
        return int(self.ts_ms.max())

    def until(self, end_ms: int) -> "Workload":
        """Return what happens before an instant, of a workload in which nothing is late."""
        count = int(np.searchsorted(self.ts_ms, end_ms))
        surveys = self.surveys
        begun = surveys.ts_ms < end_ms
        kept = Surveys(*(column[begun] for column in surveys))
        unanswered = kept.answer_ms >= end_ms
        kept.outcome[unanswered], kept.answer_ms[unanswered] = SILENT, NEVER_MS
        kept.next_ms[kept.next_ms >= end_ms] = NEVER_MS
        return self._replace(
            messages=self.messages.cut(0, count), ts_ms=self.ts_ms[:count], office=self.office[:count], surveys=kept
        )

    def keys(self, begin: int = 0, end: int | None = None) -> list[bytes]:
        """Keys of messages ``begin`` to ``end``: the ids of their offices."""
        ids = [office_id(number).encode() for number in range(self.offices)]
        return [ids[number] for number in self.office[begin:end].tolist()]

    def values(self, begin: int = 0, end: int | None = None) -> list[bytes]:
        """Messages ``begin`` to ``end`` as bytes."""
        end = self.messages.size if end is None else min(end, self.messages.size)
        if begin >= end:
            return []
        starts, lengths = self.messages.starts[begin:end], self.messages.lengths[begin:end]
        first = int(starts[0])
        data = self.messages.buffer[first : int(starts[-1] + lengths[-1])].tobytes()
        places = map(slice, (starts - first).tolist(), (starts - first + lengths).tolist())
        return list(map(data.__getitem__, places))


def office_id(number: int) -> str:
    """Return the id of an office."""
    return f"office-{number:05d}"


def employee_id(number: int) -> str:
    """Return the id of an employee, and of nobody else in any office."""
    return f"e{number:07d}"


def generate(
    surveys: int,
    *,
    employees: int = 1_000,
    panels: int | None = None,
    offices: int = 40,
    days: float = 40.0,
    late_share: float = 0.0,
    start_ms: int = START_MS,
    first_event: int = 0,
    seed: int = 1,
) -> Workload:
    """Make the presses of about so many surveys, spread evenly over the employees and the days.

    Parameters
    ----------
    surveys
        How many, rounded up to the same number for each panel; each makes 1.75 messages.
    employees, panels, offices
        Panel n is used by employee n mod employees, who works in office n mod offices. Default: a panel an employee.
    days
        The time that all of it takes.
    late_share
        The share of messages that arrive up to 6 h after later ones.
    start_ms, first_event, seed
        When it begins, the number in the first event's id, and where chance comes from.
    """
    chance = np.random.default_rng(seed)
    panels = panels or employees
    found = _surveys(chance, -(-surveys // panels), panels, employees, days * DAY_MS, start_ms)
    kinds, ts_ms, panel = _presses(chance, found)
    arrival_ms = ts_ms.copy()
    late = chance.random(ts_ms.size) < late_share
    arrival_ms[late] += chance.integers(MINUTE_MS, GREATEST_DELAY_MS, np.count_nonzero(late))
    order = np.argsort(arrival_ms, kind="stable")
    kinds, ts_ms, panel = kinds[order], ts_ms[order], panel[order]
    employee = panel % employees
    fields = {
        "event": first_event + np.arange(ts_ms.size),
        "ts": ts_ms,
        "office": employee % offices,
        "panel": panel,
        "employee": employee,
        "hold": chance.integers(100, 1000, ts_ms.size),
    }
    return Workload(_encode(kinds, fields), ts_ms, employee % offices, found, offices, employees)


def _surveys(
    chance: np.random.Generator, each: int, panels: int, employees: int, span_ms: float, start_ms: int
) -> Surveys:
    """Return `each` surveys for every panel, evenly spaced but for chance; those of a panel follow each other."""
    mean_ms = span_ms / each
    gaps_ms = chance.uniform(0.5, 1.5, (panels, each)) * mean_ms
    short = chance.random(gaps_ms.shape) < SHORT_GAP_SHARE
    gaps_ms[short] = np.minimum(chance.uniform(2_000, 29_000, np.count_nonzero(short)), gaps_ms[short])
    gaps_ms = np.maximum(gaps_ms, LEAST_GAP_MS).astype(np.int64)
    gaps_ms[:, 0] = chance.integers(0, max(1, int(mean_ms)), panels)
    ts_ms = start_ms + np.cumsum(gaps_ms, axis=1)
    next_ms = np.full_like(ts_ms, NEVER_MS)
    next_ms[:, :-1] = ts_ms[:, 1:]
    count = ts_ms.size
    outcome = chance.choice(len(OUTCOMES), count, p=OUTCOME_SHARES).astype(np.int32)
    # Nobody takes longer than until the next press, or the window's end.
    patience_ms = np.minimum(next_ms - ts_ms, min(ANSWER_WINDOW_MS, max(LEAST_GAP_MS, int(mean_ms)))).ravel()
    answer_ms = ts_ms.ravel() + (chance.uniform(0.1, 0.9, count) * patience_ms).astype(np.int64)
    panel = np.repeat(np.arange(panels, dtype=np.int32), each)
    return Surveys(
        ts_ms.ravel(),
        next_ms.ravel(),
        panel,
        panel % employees,
        chance.choice(len(QUESTIONS), count, p=QUESTION_SHARES).astype(np.int32),
        outcome,
        np.where(outcome == SILENT, NEVER_MS, answer_ms),
    )


def _presses(chance: np.random.Generator, surveys: Surveys) -> tuple[Numbers, Integers, Numbers]:
    """Return the template, the time and the panel of every press that these surveys consist of."""
    count = surveys.ts_ms.size
    followed = surveys.next_ms != NEVER_MS
    gap_ms = np.where(followed, np.minimum(surveys.next_ms - surveys.ts_ms, 10 * ANSWER_WINDOW_MS), 0)
    answered = surveys.outcome != SILENT
    bounced = chance.random(count) < BOUNCE_SHARE
    delay_ms = np.where(answered, surveys.answer_ms - surveys.ts_ms, 0)
    extra = answered & followed & (chance.random(count) < EXTRA_SHARE)
    orphan = (gap_ms > 2 * ANSWER_WINDOW_MS) & (chance.random(count) < ORPHAN_SHARE)
    customer = len(QUESTIONS) + np.where(answered, surveys.outcome, 0)
    parts = (  # which surveys have such a press, its template, how long after the survey's own
        (np.ones(count, np.bool_), surveys.question, np.zeros(count, np.int64)),
        (bounced, surveys.question, chance.integers(50, 1001, count)),
        (answered, customer, delay_ms),
        (extra, len(QUESTIONS) + chance.integers(0, 3, count), (delay_ms + gap_ms) // 2),
        (orphan, customer, ANSWER_WINDOW_MS + chance.integers(1, ANSWER_WINDOW_MS, count)),
    )
    return (
        np.concatenate([templates[where] for where, templates, _ in parts]).astype(np.int32),
        np.concatenate([(surveys.ts_ms + after_ms)[where] for where, _, after_ms in parts]),
        np.concatenate([surveys.panel[where] for where, _, _ in parts]),
    )


# What it must come to ----------------------------------------------------------------------------------------------


def decided(surveys: Surveys, now_ms: int) -> NDArray[np.bool_]:
    """Which surveys are decided at an instant: answered, overtaken by the panel's next one, or silent for too long."""
    over = (surveys.ts_ms + ANSWER_WINDOW_MS < now_ms) | (surveys.next_ms <= now_ms)
    return (surveys.outcome != SILENT) | over


def window_counts(workloads: Sequence[Workload], windows_minutes: tuple[int, ...]) -> Integers:
    """Count decided surveys at the end of the last workload: (employees, windows, questions, outcomes)."""
    now_ms = max(workload.now_ms for workload in workloads)
    employees = max(workload.employees for workload in workloads)
    counts = np.zeros((employees, len(windows_minutes), len(QUESTIONS), len(OUTCOMES)), np.int64)
    for surveys in (workload.surveys for workload in workloads):
        valid = decided(surveys, now_ms)
        for window, minutes in enumerate(windows_minutes):
            bucket_ms = minutes * MINUTE_MS // BUCKETS
            inside = valid & (surveys.ts_ms // bucket_ms > now_ms // bucket_ms - BUCKETS)
            place = surveys.employee[inside], window, surveys.question[inside], surveys.outcome[inside]
            np.add.at(counts, place, 1)
    return counts


def bucket_counts(workload: Workload) -> dict[str, int]:
    """Count surveys as peers do, by ``employee|outcome|day``; the last of a panel only if answered."""
    surveys = workload.surveys
    counted = (surveys.outcome != SILENT) | (surveys.next_ms != NEVER_MS)
    rows = np.stack([surveys.employee, surveys.outcome, surveys.ts_ms // BUCKET_MS], axis=1)[counted]
    found, counts = np.unique(rows, axis=0, return_counts=True)
    return {
        f"{employee_id(employee)}|{OUTCOMES[outcome]}|{bucket}": count
        for (employee, outcome, bucket), count in zip(found.tolist(), counts.tolist(), strict=True)
    }


# Bytes -------------------------------------------------------------------------------------------------------------


class _Template(NamedTuple):
    text: NDArray[np.uint8]
    fields: list[tuple[str, int, int]]  # name, place, width


def _template(pattern: str) -> _Template:
    text = ""
    fields = []
    for part in pattern.replace(">", "<").split("<"):
        name, _, width = part.partition(":")
        if width.isdecimal() and name.isalpha():
            fields.append((name, len(text), int(width)))
            text += "0" * int(width)
        else:
            text += part
    return _Template(np.frombuffer(text.encode(), np.uint8), fields)


def _encode(kinds: Numbers, fields: dict[str, NDArray[np.integer]]) -> Messages:
    """Write the messages one behind the other."""
    templates = [_template(pattern) for pattern in TEMPLATES]
    lengths = np.array([template.text.size for template in templates], np.int64)[kinds]
    starts = np.cumsum(lengths) - lengths
    buffer = np.empty(int(lengths.sum()), np.uint8)
    for kind, template in enumerate(templates):
        for rows in _chunks(np.flatnonzero(kinds == kind)):
            texts = np.tile(template.text, (rows.size, 1))
            for name, place, width in template.fields:
                _write_digits(texts[:, place : place + width], fields[name][rows])
            buffer[starts[rows, None] + np.arange(template.text.size)] = texts
    return Messages(buffer, starts, lengths)


def _chunks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for begin in range(0, rows.size, CHUNK_ROWS):
        yield rows[begin : begin + CHUNK_ROWS]


def _write_digits(cells: NDArray[np.uint8], numbers: NDArray[np.integer]) -> None:
    rest = numbers.astype(np.int64)
    for column in range(cells.shape[1] - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        cells[:, column] = digit + ord("0")
    assert not rest.any(), "a number is wider than its field"
