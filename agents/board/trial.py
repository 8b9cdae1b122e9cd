"""What a visitor of the demo may do, and see happen: the interface that whoever publishes for the visitor implements.

Presses of visitors come from a panel of their own, so that the company's own customers do not answer for them.
"""

from typing import Literal, Protocol, TypedDict

Question = Literal["personnel", "office", "loyalty"]


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
    """A dead letter; the excerpt is text of 120 characters at most."""

    at_ms: int
    reason: str
    topic: str
    partition: int
    offset: int
    excerpt: str


class Happenings(TypedDict):
    """What happened last: the latest first, 30 of each at most."""

    answer_window_s: float
    surveys: list[SurveyRow]
    force_majeures: list[ForceMajeureRow]
    rejects: list[RejectRow]


class NotNowError(Exception):
    """It cannot be done now; the argument is a sentence for the visitor."""


class Trial(Protocol):
    """Buttons to press. Every method may raise `NotNowError` with a sentence for the visitor."""

    def happenings(self) -> Happenings:
        """Return what happened last; must not block."""
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
