"""What stands behind the page of `kqi demo`: the interface that whoever runs a worker implements, and the snapshot it gives.

The page shows one window at a time. For it, `BoardSource.snapshot` returns

    {"at_ms": 1789980000000,            # what the windows stand at: the worker's clock
     "window": "1h",                    # the one asked for
     "windows": ["15m", "1h", "8h"],    # all that may be asked for
     "silent_weight": 0.8, "min_surveys": 30, "answer_window_s": 30, "force_majeure_duration_s": 900,
     "indices": [                       # the columns of the table, in their order
       {"name": "ink_personnel", "unit": "ratio", "better": "lower", "help": "Dissatisfaction with ..."}, ...],
     "offices": [
       {"office_id": "riga-1", "values": [[0.2118, 1249], [null, 0], ...],      # [value, base], one per index, in that order
        "employees": [{"employee_id": "riga-1-e01", "values": [...]}, ...]}, ...],
     "surveys": [                       # the last decided ones, latest first, 30 at most
       {"event_id": "...", "office_id": "...", "panel_id": "...", "employee_id": "...", "ts_ms": 1789979990000,
        "question": "personnel", "outcome": "no", "valid": true, "force_majeure": false}, ...],
     "force_majeures": [                # the last long presses, latest first, 30 at most; reliable: the latest verdict, if any
       {"event_id": "...", "office_id": "...", "panel_id": "...", "employee_id": "...", "ts_ms": 1789979990000,
        "reliable": null}, ...],
     "rejects": [                       # the last dead letters, latest first, 30 at most; the excerpt as text, 120 characters
       {"at_ms": 1789979990000, "reason": "bad_value", "topic": "kqi.presses", "partition": 3, "offset": 17,
        "excerpt": "[1, 2"}, ...],
     "worker": {"events": 123456, "events_per_s": 17.5, "dead_letters": 3, "lag": 0}}

Amounts of money are in minor units, as the indices have them. Presses of visitors come from a panel of their own, so that
the company's own customers do not answer for them.
"""

from typing import Literal, Protocol, TypedDict

Question = Literal["personnel", "office", "loyalty"]
Reading = tuple[float | None, float]
"""A value, None if there is none, and its base."""


class Column(TypedDict):
    """An index as a column of the table."""

    name: str
    unit: Literal["ratio", "seconds", "count", "money"]
    better: Literal["lower", "higher"] | None
    help: str


class EmployeeRow(TypedDict):
    """An employee's values, one per column."""

    employee_id: str
    values: list[Reading]


class OfficeRow(TypedDict):
    """An office's values, one per column, and its employees."""

    office_id: str
    values: list[Reading]
    employees: list[EmployeeRow]


class SurveyRow(TypedDict):
    """A decided survey; `event_id` is its seller press's."""

    event_id: str
    office_id: str
    panel_id: str
    employee_id: str
    ts_ms: int
    question: Question
    outcome: Literal["yes", "no", "hard_to_say", "silent"]
    valid: bool
    force_majeure: bool


class ForceMajeureRow(TypedDict):
    """A long press, and whether its latest verdict confirms it; None without a verdict."""

    event_id: str
    office_id: str
    panel_id: str
    employee_id: str
    ts_ms: int
    reliable: bool | None


class RejectRow(TypedDict):
    """A dead letter."""

    at_ms: int
    reason: str
    topic: str
    partition: int
    offset: int
    excerpt: str


class WorkerRow(TypedDict):
    """How the worker is doing; `lag` counts events."""

    events: int
    events_per_s: float
    dead_letters: int
    lag: int


class Snapshot(TypedDict):
    """What the page shows; see the module's beginning."""

    at_ms: int
    window: str
    windows: list[str]
    silent_weight: float
    min_surveys: int
    answer_window_s: float
    force_majeure_duration_s: float
    indices: list[Column]
    offices: list[OfficeRow]
    surveys: list[SurveyRow]
    force_majeures: list[ForceMajeureRow]
    rejects: list[RejectRow]
    worker: WorkerRow


class NotNowError(Exception):
    """The source cannot answer; the argument is a sentence for the visitor."""


class BoardSource(Protocol):
    """What stands behind the page. Every method may raise `NotNowError` with a sentence for the visitor."""

    windows: tuple[str, ...]
    """The windows that may be asked for, the first one first."""

    def snapshot(self, window: str) -> Snapshot:
        """Return what is to be shown, for one of `windows`; must not block."""
        ...

    async def press(
        self, office_id: str, panel_id: str, employee_id: str, *, long: bool, question: Question | None
    ) -> str:
        """Publish a seller press as of now, and return its event_id."""
        ...

    async def answer(self, office_id: str, panel_id: str, answer: str) -> str:
        """Publish a customer press as of now, and return its event_id."""
        ...

    async def review(self, office_id: str, target: str, target_id: str, *, reliable: bool) -> str:
        """Publish an expert's verdict as of now, and return its event_id."""
        ...
