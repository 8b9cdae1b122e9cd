"""What flows out: the messages of the output topics, which the worker encodes from these types and `streams.schema` describes."""

from typing import Annotated, Final, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType

from streams.events import EpochMs, Id
from streams.refusals import REASONS

QUESTIONS: Final = ["personnel", "office", "loyalty"]
OUTCOMES: Final = ["yes", "no", "hard_to_say", "silent", "withdrawn"]
UNREPRESENTATIVE: Final = ["too_few_surveys", "coverage", "conversion", "force_majeure", "not_asked_lately"]

Revision = Annotated[
    int,
    Meta(ge=0, description="Greater at every change of this survey; of two messages the one with the greater counts"),
]


class Survey(Struct):
    """A decided survey, as it is now; again, with a higher revision, whenever something of it changes."""

    survey_id: Annotated[Id, Meta(description="The event_id of the seller press that opened it")]
    office_id: Annotated[Id, Meta(description="The office; the key of the message")]
    panel_id: Annotated[Id, Meta(description="The panel")]
    employee_id: Annotated[Id, Meta(description="Who pressed")]
    ts: Annotated[EpochMs, Meta(description="The instant of the seller press, to which the survey belongs")]
    question: Annotated[str, Meta(description="The main question in force", extra_json_schema={"enum": QUESTIONS})]
    outcome: Annotated[
        str,
        Meta(
            description="The answer; `withdrawn` when a late press made it a bounce, or undecided again",
            extra_json_schema={"enum": OUTCOMES},
        ),
    ]
    valid: Annotated[bool, Meta(description="Whether it counts: decided, and not found unreliable by an expert")]
    force_majeure: Annotated[bool, Meta(description="Whether it lies in a standing force majeure")]
    revision: Revision


class Behind(Struct):
    """The numbers behind a diagnosis."""

    ink_personnel: float | None
    ink_office: float | None
    iel: float | None
    reference: Annotated[dict[str, float], Meta(description="What the company holds for good, by main index")]
    margin: Annotated[float, Meta(description="By how much two indices must differ")]
    last_asked: Annotated[
        dict[str, EpochMs | None], Meta(description="When each question was last asked in the office; null for never")
    ]


class IndexValue(Struct):
    """The value of an index, and what it rests on."""

    value: Annotated[
        int | float | str | None, Meta(description="Null where the index has no value; a text for a diagnosis")
    ]
    base: Annotated[int, Meta(description="Its denominator, or the number of things that were summed up")]
    reasons: Annotated[
        list[Annotated[str, Meta(extra_json_schema={"enum": UNREPRESENTATIVE})]] | UnsetType,
        Meta(description="Why a main index is not representative; only with what says whether it is"),
    ] = UNSET
    numbers: Annotated[Behind | UnsetType, Meta(description="What a diagnosis rests on; only there")] = UNSET


class Indices(Struct):
    """All indices of an office, an employee, a queue, a priority or a category that changed since they were last published."""

    scope: Annotated[
        Literal["office", "employee", "queue", "priority", "category"], Meta(description="Whose indices these are")
    ]
    office_id: Annotated[Id, Meta(description="The office")]
    employee_id: Annotated[Id | None, Meta(description="The employee, in that scope")]
    queue: Annotated[Id | None, Meta(description="The queue, in that scope")]
    priority: Annotated[Id | None, Meta(description="The priority of service requests, in that scope")]
    category: Annotated[Id | None, Meta(description="The category of sales, in that scope")]
    at: Annotated[EpochMs, Meta(description="As of when")]
    windows: Annotated[
        dict[str, dict[str, IndexValue]],
        Meta(description="Values by window (such as 15m), then by index (such as iel)"),
    ]


class DeadLetterHeaders(Struct):
    """Why a message could not be used, and where it lies; its value follows byte for byte."""

    reason: Annotated[
        str,
        Meta(
            description="Of several that apply, the first in the order of the contract",
            extra_json_schema={"enum": list(REASONS)},
        ),
    ]
    topic: Annotated[str, Meta(description="The topic that it came from, prefix included")]
    partition: Annotated[str, Meta(pattern="^[0-9]+$", description="Its partition, in decimal digits")]
    offset: Annotated[str, Meta(pattern="^[0-9]+$", description="Its offset, in decimal digits")]


class OutputTopic(NamedTuple):
    """An output topic, named without the prefix."""

    name: str
    payload: type[Struct] | None  # None: any bytes
    headers: type[Struct] | None
    compacted: bool
    key: str = "office_id"


OUTPUT_TOPICS: Final[dict[str, OutputTopic]] = {
    topic.name: topic
    for topic in (
        OutputTopic("surveys", Survey, None, compacted=False),
        OutputTopic(
            "indices",
            Indices,
            None,
            compacted=True,
            key="JSON array of office_id, scope, and employee, queue, priority or category (null for an office), so that compaction"
            " keeps the last message of each; the partition is the office's all the same",
        ),
        OutputTopic("dead-letters", None, DeadLetterHeaders, compacted=False),
    )
}
