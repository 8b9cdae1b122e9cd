"""The keys and words of the six kinds of event that come in great numbers, as tables for :mod:`kernels.scanning`.

The definitions are those of `streams.events`; a test holds these tables against them.
"""

import numpy as np

from kernels.events import ABANDONED_CALL, ANSWERED_CALL, INBOUND, OTHER_DIRECTION, OTHER_DISPOSITION

# Kinds by code; fields by number, shorter names first.
KINDS = ("seller_press", "customer_press", "verdict", "call", "sale", "visit")
SELLER_PRESS, CUSTOMER_PRESS, VERDICT, CALL, SALE, VISIT = range(6)

FIELDS = (
    "to", "ts", "from", "note", "type", "count", "queue", "scope", "answer", "hold_s", "talk_s", "target", "wait_s", "wrap_s",
    "hold_ms", "category", "currency", "event_id", "panel_id", "question", "reliable", "client_id", "direction", "expert_id",
    "office_id", "positions", "target_id", "counter_id", "disposition", "employee_id", "amount_minor", "margin_minor",
    "recording_url",
)  # fmt: skip
(
    TO, TS, FROM, NOTE, TYPE, COUNT, QUEUE, SCOPE, ANSWER, HOLD_S, TALK_S, TARGET, WAIT_S, WRAP_S,
    HOLD_MS, CATEGORY, CURRENCY, EVENT_ID, PANEL_ID, QUESTION, RELIABLE, CLIENT_ID, DIRECTION, EXPERT_ID,
    OFFICE_ID, POSITIONS, TARGET_ID, COUNTER_ID, DISPOSITION, EMPLOYEE_ID, AMOUNT_MINOR, MARGIN_MINOR,
    RECORDING_URL,
) = range(33)  # fmt: skip
UNKNOWN = len(FIELDS)  # any other field

# What every kind has, what each has beside it, and what of that may be absent.
COMMON = (TYPE, EVENT_ID, TS, OFFICE_ID)
OWN = (
    (PANEL_ID, EMPLOYEE_ID, HOLD_MS, QUESTION),
    (PANEL_ID, ANSWER),
    (TARGET, TARGET_ID, RELIABLE, EXPERT_ID, FROM, TO, SCOPE, NOTE),
    (DIRECTION, DISPOSITION, WAIT_S, TALK_S, HOLD_S, WRAP_S, QUEUE, EMPLOYEE_ID, CLIENT_ID, RECORDING_URL),
    (AMOUNT_MINOR, CURRENCY, EMPLOYEE_ID, CLIENT_ID, MARGIN_MINOR, POSITIONS, CATEGORY),
    (COUNT, COUNTER_ID),
)
OPTIONAL = (
    (QUESTION,),
    (),
    (EXPERT_ID, FROM, TO, SCOPE, NOTE),
    (TALK_S, HOLD_S, WRAP_S, QUEUE, EMPLOYEE_ID, CLIENT_ID, RECORDING_URL),
    (EMPLOYEE_ID, CLIENT_ID, MARGIN_MINOR, POSITIONS, CATEGORY),
    (COUNT, COUNTER_ID),
)

# Forms of a value; null has none. A name may be an id or a word, and is a text, too; a number may be none of what a field takes.
NAME, TEXT, INTEGER, DURATION, NUMBER, TRUTH = 1, 2, 4, 8, 16, 32
FORMS = {
    NAME: (
        TYPE, EVENT_ID, OFFICE_ID, PANEL_ID, EMPLOYEE_ID, QUESTION, ANSWER, TARGET, TARGET_ID, EXPERT_ID, SCOPE, DIRECTION,
        DISPOSITION, QUEUE, CLIENT_ID, CURRENCY, CATEGORY, COUNTER_ID,
    ),
    TEXT: (NOTE, RECORDING_URL),
    INTEGER: (HOLD_MS, AMOUNT_MINOR, MARGIN_MINOR, POSITIONS, COUNT),
    DURATION: (WAIT_S, TALK_S, HOLD_S, WRAP_S),
    NAME | INTEGER: (TS, FROM, TO),
    TRUTH | INTEGER: (RELIABLE,),
}  # fmt: skip

# What is compared as a whole, its closing quote included: keys, then the words of each field.
_tokens = [*FIELDS]


def _words(*words: str) -> tuple[int, int]:
    """Enter the words of a field: the number of the first one's token, and how many they are."""
    _tokens.extend(words)
    return len(_tokens) - len(words), len(words)


TYPES = _words(*KINDS)
QUESTIONS = _words("personnel", "office", "loyalty")
ANSWERS = _words("yes", "no", "hard_to_say")
TARGETS = _words("survey", "force_majeure")
SCOPES = _words("panel", "office")
DIRECTIONS = _words("inbound", "outbound", "internal")
DISPOSITIONS = _words("answered", "abandoned", "no_answer", "busy", "failed")
DIRECTION_CODES = np.array([INBOUND, OTHER_DIRECTION, OTHER_DIRECTION], np.int64)
DISPOSITION_CODES = np.array([ANSWERED_CALL, ABANDONED_CALL] + 3 * [OTHER_DISPOSITION], np.int64)

_bytes = np.array([list((token + '"').encode().ljust(16, b"\0")) for token in _tokens], np.uint8)
TOKEN = _bytes.view(np.uint64)  # (tokens, 2)
TOKEN_MASK = np.where(_bytes > 0, np.uint8(255), np.uint8(0)).view(np.uint64)
TOKEN_SIZE = np.array([len(token) + 1 for token in _tokens], np.int64)

LONGEST_KEY = max(map(len, FIELDS))
FIRST_OF_LENGTH = np.array([sum(len(name) < size for name in FIELDS) for size in range(LONGEST_KEY + 2)], np.int64)


def set_of(fields: tuple[int, ...]) -> int:
    """Fields as the bits of a number."""
    return sum(1 << field for field in fields)


KIND_HAS = np.array([set_of(COMMON + own) for own in OWN], np.uint64)
KIND_NEEDS = KIND_HAS & ~np.array([set_of(optional) for optional in OPTIONAL], np.uint64)
FIELD_TAKES = np.array(  # forms; an unknown field takes none, but nobody asks
    [sum(form for form, fields in FORMS.items() if field in fields) for field in range(UNKNOWN + 1)], np.int64
)
