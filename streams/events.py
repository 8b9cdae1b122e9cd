"""What may flow in: the ten event types, their fields and limits, and the topics that carry them.

These definitions are the only ones. The decoder (`streams.decode`) reads bytes into them, and the JSON Schemas and the
AsyncAPI document (`streams.schema`) are generated from them, descriptions included.

What a type annotation cannot say is checked by the decoder after the structs are made: no control characters in ids, valid
RFC 3339 texts, the range of a score by its metric, `from` <= `to`.

A struct holds what the message said: a time may be an integer or an RFC 3339 text (`streams.times.times_ms` resolves a
column of them), and an optional field that was absent or null holds its default.
"""

from typing import Annotated, Final, Literal, NamedTuple

from msgspec import Meta, Struct, field

from streams.times import LATEST_TIME_MS, TIME_PATTERN

LARGEST_INTEGER: Final = 2**63 - 1
LARGEST_DURATION_S: Final = 1e7
LARGEST_MESSAGE_BYTES: Final = 64 * 1024
LONGEST_WINDOW_MS: Final = 30 * 86_400_000  # of the default windows

ID_PATTERN: Final = (
    r"^[^\u0000-\u001f\u007f-\u009f]*$(?!\n)"  # nothing of Unicode's Cc; as to `(?!\n)`, see TIME_PATTERN
)

Id = Annotated[str, Meta(min_length=1, max_length=128, extra_json_schema={"pattern": ID_PATTERN})]
EpochMs = Annotated[int, Meta(ge=0, le=LATEST_TIME_MS)]
TimeText = Annotated[str, Meta(extra_json_schema={"pattern": TIME_PATTERN, "format": "date-time"})]
Time = EpochMs | TimeText
Integer = Annotated[int, Meta(ge=-LARGEST_INTEGER - 1, le=LARGEST_INTEGER)]
Seconds = Annotated[float, Meta(ge=0, le=LARGEST_DURATION_S)]

LOWEST_SCORE: Final = {"nps": 0, "csat": 1, "ces": 1}
HIGHEST_SCORE: Final = {"nps": 10, "csat": 5, "ces": 7}


class EventBase(Struct, tag_field="type", kw_only=True, gc=False):
    """What every event has."""

    event_id: Annotated[Id, Meta(description="Unique per office; a repeat is a duplicate and changes nothing")]
    ts: Annotated[Time, Meta(description="When it happened: epoch milliseconds UTC, or RFC 3339 text with an offset")]
    office_id: Annotated[Id, Meta(description="The office where it happened; the key of the message")]


class SellerPress(EventBase, tag="seller_press"):
    """A seller pushed the seller button of a panel: short opens a survey, long declares a force majeure."""

    panel_id: Annotated[Id, Meta(description="The panel whose button was pushed")]
    employee_id: Annotated[Id, Meta(description="Who pushed it")]
    hold_ms: Annotated[int, Meta(ge=0, le=LARGEST_INTEGER, description="How long it was held, in milliseconds")]
    question: Annotated[
        Literal["personnel", "office", "loyalty"] | None,
        Meta(description="The main question that was asked; without it the office's schedule says which"),
    ] = None


class CustomerPress(EventBase, tag="customer_press"):
    """A customer pushed a button of an answer panel."""

    panel_id: Annotated[Id, Meta(description="The panel whose button was pushed")]
    answer: Annotated[Literal["yes", "no", "hard_to_say"], Meta(description="Which button it was")]


class Verdict(EventBase, tag="verdict"):
    """An expert reviewed a survey or a force majeure."""

    target: Annotated[Literal["survey", "force_majeure"], Meta(description="What was reviewed")]
    target_id: Annotated[Id, Meta(description="The event_id of the seller press that began it")]
    reliable: Annotated[
        bool | Annotated[int, Meta(ge=0, le=1)],
        Meta(description="Whether it counts: an unreliable survey leaves every index, a reliable force majeure stands"),
    ]
    expert_id: Annotated[Id | None, Meta(description="Who reviewed it")] = None
    from_: Annotated[
        Time | None,
        Meta(description="When the force majeure began, if not with the press; at most the longest window before `to`"),
    ] = field(default=None, name="from")
    to: Annotated[
        Time | None,
        Meta(description="When the force majeure ended, if not after its usual duration; not before `from`"),
    ] = None
    scope: Annotated[
        Literal["panel", "office"] | None, Meta(description="How far the force majeure reached; without it the panel")
    ] = "panel"
    note: Annotated[str | None, Meta(description="Free text")] = None


class Call(EventBase, tag="call"):
    """A phone call, once its record is known; `ts` is when it began."""

    direction: Annotated[Literal["inbound", "outbound", "internal"], Meta(description="Who called whom")]
    disposition: Annotated[
        Literal["answered", "abandoned", "no_answer", "busy", "failed"], Meta(description="What became of it")
    ]
    wait_s: Annotated[Seconds, Meta(description="Seconds until it was answered or given up")]
    talk_s: Annotated[Seconds | None, Meta(description="Seconds of conversation; without it 0")] = 0.0
    hold_s: Annotated[Seconds | None, Meta(description="Seconds on hold; without it 0")] = 0.0
    wrap_s: Annotated[Seconds | None, Meta(description="Seconds of work after the call; without it 0")] = 0.0
    queue: Annotated[Id | None, Meta(description="The queue that it came through")] = None
    employee_id: Annotated[Id | None, Meta(description="Who took or made it")] = None
    client_id: Annotated[Id | None, Meta(description="The client at the other end")] = None
    recording_url: Annotated[str | None, Meta(description="Where the recording is kept")] = None


class Sale(EventBase, tag="sale"):
    """A sale or a refund, out of the CRM."""

    amount_minor: Annotated[Integer, Meta(description="Money in minor units (cents); negative for a refund")]
    currency: Annotated[Id, Meta(description="The currency, such as EUR; one per office")]
    employee_id: Annotated[Id | None, Meta(description="Who sold")] = None
    client_id: Annotated[Id | None, Meta(description="Who bought")] = None
    margin_minor: Annotated[Integer | None, Meta(description="The margin in it, in minor units")] = None
    positions: Annotated[Integer | None, Meta(description="How many positions were on the bill")] = None
    category: Annotated[Id | None, Meta(description="What kind of goods or services")] = None


class Visit(EventBase, tag="visit"):
    """Visitors came in, as a counter at the door saw them."""

    count: Annotated[Integer | None, Meta(description="How many; without it 1")] = 1
    counter_id: Annotated[Id | None, Meta(description="The counter that saw them")] = None


class Rating(EventBase, tag="rating"):
    """A client gave a score."""

    metric: Annotated[
        Literal["nps", "csat", "ces"], Meta(description="Its scale: nps is 0 to 10, csat 1 to 5, ces 1 to 7")
    ]
    score: Annotated[int, Meta(ge=0, le=10, description="The score on that scale")]
    client_id: Annotated[Id | None, Meta(description="Who gave it")] = None
    employee_ids: Annotated[list[Id] | None, Meta(description="Everyone who took part in the service")] = None
    occasion: Annotated[
        Literal["regular", "leaving"] | None, Meta(description="`leaving` when the client is lost; without it regular")
    ] = "regular"
    comment: Annotated[str | None, Meta(description="Free text")] = None


class Request(EventBase, tag="request"):
    """A service request reached a stage."""

    request_id: Annotated[Id, Meta(description="The request")]
    priority: Annotated[Id, Meta(description="Its priority, as the service levels name it")]
    stage: Annotated[
        Literal["opened", "first_response", "on_site", "resolved", "cancelled"], Meta(description="The stage reached")
    ]
    employee_id: Annotated[Id | None, Meta(description="Who works on it")] = None
    client_id: Annotated[Id | None, Meta(description="Whose request it is")] = None


class Shift(EventBase, tag="shift"):
    """A planned piece of an employee's time; `ts` is its start, and may lie ahead."""

    employee_id: Annotated[Id, Meta(description="Whose time")]
    kind: Annotated[Literal["work", "break", "training", "leave"], Meta(description="What it is for")]
    end_ts: Annotated[Time, Meta(description="When it ends")]


class PeerRating(EventBase, tag="peer_rating"):
    """A department rated another one, anonymously: no rater is named."""

    from_department: Annotated[Id, Meta(description="The department that rates")]
    to_department: Annotated[Id, Meta(description="The department that is rated")]
    scores: Annotated[
        dict[Id, Annotated[int, Meta(ge=1, le=10)] | None], Meta(description="Criterion to score, 1 to 10")
    ]
    comment: Annotated[str | None, Meta(description="Free text")] = None
    vote_employee_ids: Annotated[
        Annotated[list[Id], Meta(max_length=5)] | None, Meta(description="The colleagues voted for, at most five")
    ] = None


Event = SellerPress | CustomerPress | Verdict | Call | Sale | Visit | Rating | Request | Shift | PeerRating

# An event type's place in this tuple is its kind code.
EVENT_TYPES: Final[tuple[type[Event], ...]] = (
    SellerPress,
    CustomerPress,
    Verdict,
    Call,
    Sale,
    Visit,
    Rating,
    Request,
    Shift,
    PeerRating,
)
EVENT_NAMES: Final[tuple[str, ...]] = tuple(str(event_type.__struct_config__.tag) for event_type in EVENT_TYPES)
SELLER_PRESS, CUSTOMER_PRESS, VERDICT, CALL, SALE, VISIT, RATING, REQUEST, SHIFT, PEER_RATING = range(len(EVENT_TYPES))


class Topic(NamedTuple):
    """An input topic, named without the prefix."""

    name: str
    kinds: tuple[int, ...]  # the kind codes of the events that it carries
    correction_horizon_s: int | None  # how late its events may come by default; None: the longest window


TOPICS: Final[dict[str, Topic]] = {
    topic.name: topic
    for topic in (
        Topic("presses", (SELLER_PRESS, CUSTOMER_PRESS), 86_400),
        Topic("verdicts", (VERDICT,), None),
        Topic("calls", (CALL,), 604_800),
        Topic("sales", (SALE,), 604_800),
        Topic("visits", (VISIT,), 604_800),
        Topic("ratings", (RATING,), 604_800),
        Topic("requests", (REQUEST,), 604_800),
        Topic("shifts", (SHIFT,), 604_800),
        Topic("peer-ratings", (PEER_RATING,), 604_800),
    )
}
# The topic of each kind, by kind code.
TOPIC_OF_KIND: Final[tuple[str, ...]] = tuple(
    next(topic.name for topic in TOPICS.values() if kind in topic.kinds) for kind in range(len(EVENT_TYPES))
)
