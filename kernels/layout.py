"""The tables of one partition's state: their columns, their codes, and what a row of each means.

Everything that the rules of the method need lies in these arrays and nowhere else. A kernel takes the whole
:class:`Tables` and changes it in place; only :mod:`kernels.storage` replaces arrays, between batches.

Rows refer to each other by their number, -1 for none. Times are epoch milliseconds, durations milliseconds, money
minor units: integers all, so that what is taken back leaves nothing behind.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Codes -------------------------------------------------------------------------------------------------------------

PERSONNEL, OFFICE, LOYALTY = 0, 1, 2  # questions
QUESTIONS = 3
YES, NO, HARD_TO_SAY, SILENT, UNDECIDED = 0, 1, 2, 3, 4  # outcomes of a survey; the first three are answers
ANSWER, EXTRA, ORPHAN = 0, 1, 2  # roles of a customer press
SELLER, CUSTOMER = 0, 1  # kinds of a press row; at one instant a seller press stands before customer presses
SURVEY_TARGET, FORCE_MAJEURE_TARGET = 0, 1  # what a verdict is about
PANEL_SCOPE, OFFICE_SCOPE = 0, 1  # how wide a force majeure reaches
NO_VERDICT, UNRELIABLE, RELIABLE = -1, 0, 1
NOT_GIVEN = -(2**62)  # an end that a verdict does not give
CALL, SALE, VISIT, RATING, REQUEST, SHIFT, PEER_RATING = 3, 4, 5, 6, 7, 8, 9  # kinds of a fact, as of events
# Kinds of rows that stand behind another: behind a rating one for each employee who took part, behind a rating between departments one
# for each criterion and one for each employee voted for.
TAKING_PART, SCORED, VOTED = 10, 11, 12
NONE = -1

# What an id that was seen belongs to.
SEEN, PRESS, FORCE_MAJEURE = 0, 1, 2

# Counters of one entity in one window ------------------------------------------------------------------------------
# The first 24 count surveys by question, outcome and whether they lie in a standing force majeure.

SURVEY_CODES = 24


def survey_code(question: int, outcome: int, in_force_majeure: int) -> int:
    """Counter of a counted survey; the one formula, for kernels and for the catalogue."""
    return question * 8 + outcome * 2 + in_force_majeure


(
    CALLS,  # of every direction and disposition
    OFFERED,  # inbound
    ANSWERED_INBOUND,
    ANSWERED,  # every direction
    ANSWERED_IN_TIME,  # inbound, within the service level
    ABANDONED_LATE,  # inbound, not short
    ABANDONED_SHORT,  # inbound
    WAIT_MS,  # of answered inbound calls
    HANDLE_MS,  # talk, hold and wrap of every call
    TALK_MS,  # of every call
    SALE_EVENTS,  # of any sign
    SALES,  # of positive amount
    # Sums of 64-bit amounts do not fit 64 bits: they lie in two (high * 2**32 + low, 0 <= low < 2**32).
    REVENUE_LOW,
    REVENUE_HIGH,
    TICKETS_LOW,  # revenue without refunds
    TICKETS_HIGH,
    VISITS,
    VISITORS_LOW,
    VISITORS_HIGH,
) = range(SURVEY_CODES, SURVEY_CODES + 19)
SCORE_BEGIN = SURVEY_CODES + 19
# Most entities never have any of these, so they lie apart (Tables.score_counts). None of them is ever negative.
(
    NPS_ANSWERS,
    PROMOTERS,
    DETRACTORS,
    CSAT_ANSWERS,
    SATISFIED,
    CES_ANSWERS,
    EFFORT,  # sum of the scores
    CLIENTS_SERVED,  # distinct
    CLIENTS_LOST,  # distinct
    PEER_VOTES,  # of colleagues, for an employee
) = range(SCORE_BEGIN, SCORE_BEGIN + 10)
SCORE_CODES = 10
REQUEST_BEGIN = SCORE_BEGIN + SCORE_CODES
# So do these of service requests (Tables.request_sums): of each mark how many, and the sum of its amounts; and behind them those of
# margins, which few senders tell.
(
    RESPONSES,
    RESPONSE_MS,
    RESOLUTIONS,
    RESOLUTION_MS,
    RESPONSES_DUE,
    RESPONSES_MET,
    ON_SITES_DUE,
    ON_SITES_MET,
    RESOLUTIONS_DUE,
    RESOLUTIONS_MET,
    REQUESTS_OPENED,
    MARGIN_EVENTS,  # sales of any sign that state their margin
    MARGIN_LOW,  # in two halves, as amounts
    MARGIN_HIGH,
) = range(REQUEST_BEGIN, REQUEST_BEGIN + 14)
REQUEST_CODES = 14
WORK_BEGIN = REQUEST_BEGIN + REQUEST_CODES
# Time at work changes by the millisecond: it is in no table, but worked out when it is read (kernels.work).
(
    AVAILABLE_MS,  # planned work without breaks, training and leave
    PRODUCTIVE_MS,  # talk, hold and wrap of calls, of whoever has available time
    IDLE_MS,  # available, and not on a call
) = range(WORK_BEGIN, WORK_BEGIN + 3)
WORK_CODES = 3
COUNTERS = WORK_BEGIN + WORK_CODES

NPS, CSAT, CES = 0, 1, 2  # metrics of a rating
OPENED, FIRST_RESPONSE, ON_SITE, RESOLVED, CANCELLED = 0, 1, 2, 3, 4  # stages of a request
STAGES = 5
WORK, BREAK, TRAINING, LEAVE = 0, 1, 2, 3  # kinds of a shift
# What of a request counts at an instant of its own, in the order of the counters; the first target's mark, and how many there are.
RESPONSE_MARK, RESOLUTION_MARK, TARGET_MARKS, OPENED_MARK = 0, 1, 2, 5
MARKS = 6
TARGETS = 3  # first response, on site, resolved
OPEN_NOW, OVERDUE_NOW = 0, 1  # columns of Tables.request_now
FAR_MS = 2**62  # an instant that never comes

# Flags of a call, fixed when it arrives. Those of a rating are its metric, those of a sale whether it states its margin.
CALL_OFFERED, CALL_ANSWERED, CALL_IN_TIME, CALL_ABANDONED_LATE, CALL_ABANDONED_SHORT = 1, 2, 4, 8, 16

# Rows --------------------------------------------------------------------------------------------------------------

PRESS_ROW = np.dtype(
    [
        ("ts_ms", np.int64),
        ("id_start", np.int64),  # in Tables.id_bytes
        ("revision", np.int64),  # of the survey as last published
        (
            "answer_ms",
            np.int64,
        ),  # seller: when its survey was answered, -1 for not; the answer itself may be swept before
        ("panel", np.int32),
        ("employee", np.int32),  # entity; -1 for a customer press. Behind the id of a nameless one's lies their name
        ("next", np.int32),  # in the same slot of the calendar
        ("id_length", np.int16),
        ("kind", np.int8),
        ("choice", np.int8),  # question of a seller press, answer of a customer press
        ("accepted", np.int8),  # seller: it is not a bounce
        ("outcome", np.int8),  # seller: of its survey; customer: its role
        ("rejected", np.int8),  # its latest verdict is unreliable
        ("in_force_majeure", np.int8),
        ("code", np.int8),  # the counter it is counted under now, -1 for none
        ("queued", np.int8),  # stands in Tables.open_surveys or late_surveys
        ("noted", np.int8),  # stands in Tables.changed
        ("named", np.int8),  # seller: the press itself says which question it is
    ],
    align=True,
)

PANEL_ROW = np.dtype(
    [
        ("start", np.int64),  # of its presses in Tables.sequence, ordered by (ts_ms, kind, id)
        ("dirty_until_ms", np.int64),  # greatest instant of the presses inserted since the last pairing
        ("last_ms", np.int64),  # no press of it is later; -1 before the first
        ("current_ms", np.int64),  # instant of `current`
        ("length", np.int32),
        ("capacity", np.int32),
        ("dirty_from", np.int32),  # position of the first press inserted since, -1 when the panel is paired
        ("current", np.int32),  # row of its last accepted press, -1 for none
        ("office", np.int32),
        ("entity", np.int32),  # the office's
        ("next_in_office", np.int32),
        ("first_standing", np.int32),  # force majeure over this panel
        ("answered", np.int8),  # whether `current` has its answer
    ],
    align=True,
)

OFFICE_ROW = np.dtype(
    [("first_panel", np.int32), ("first_standing", np.int32)],
    align=True,
)

ASKED_ROW = np.dtype(  # of an office and a question, row 3 * office + question
    [
        ("latest_ms", np.int64),  # no counted survey of it is later; the instant of one unless `stale`; -1 for none
        ("settled_ms", np.int64),  # the latest one among those that were swept; -1 for none
        ("stale", np.int8),  # the latest one was taken back, who is it now has to be found
    ],
    align=True,
)

FORCE_MAJEURE_ROW = np.dtype(
    [
        ("ts_ms", np.int64),
        ("hash_high", np.uint64),
        ("hash_low", np.uint64),
        ("from_ms", np.int64),
        ("to_ms", np.int64),
        ("panel", np.int32),
        ("employee", np.int32),  # entity
        ("next_standing", np.int32),
        ("scope", np.int8),
        ("standing", np.int8),
    ],
    align=True,
)

VERDICT_ROW = np.dtype(
    [
        ("ts_ms", np.int64),
        ("from_ms", np.int64),
        ("to_ms", np.int64),
        ("id_start", np.int64),
        ("id_length", np.int16),
        ("target", np.int8),
        ("reliable", np.int8),
        ("scope", np.int8),
    ],
    align=True,
)

FACT_ROW = np.dtype(
    [
        ("ts_ms", np.int64),
        # sale: minor units; visit: visitors; call: wait_ms; rating, or one of its criteria: score; rating between departments: flagged
        ("amount", np.int64),
        ("handle_ms", np.int64),  # sale: its margin, minor units
        ("talk_ms", np.int64),
        ("office", np.int32),  # entity
        ("employee", np.int32),  # entity or -1
        ("queue", np.int32),  # entity or -1; of a sale its category's; group of a rating between departments
        ("next", np.int32),
        ("kind", np.int8),
        ("flags", np.int8),
    ],
    align=True,
)

SHIFT_ROW = np.dtype(
    [
        ("start_ms", np.int64),
        ("end_ms", np.int64),
        ("employee", np.int32),  # entity
        ("kind", np.int8),
    ],
    align=True,
)

SEEN_ROW = np.dtype(
    [
        ("ts_s", np.uint32),  # seconds, of a call those when its work ended; beyond 32 bits their end
        ("row", np.int32),  # of presses or force_majeures, -1 for none
        ("kind", np.int8),
        ("event_type", np.int8),
    ],
    align=True,
)

CLIENT_ROW = np.dtype(
    [
        ("ts_ms", np.int64),  # when they were served last, or when they last rated as leaving
        ("entity", np.int32),  # by or for whom
        ("next", np.int32),  # in the same slot of the calendar
        ("previous", np.int32),
        ("code", np.int8),  # the counter: CLIENTS_SERVED or CLIENTS_LOST
    ],
    align=True,
)

REQUEST_ROW = np.dtype(
    [
        ("next_due_ms", np.int64),  # the first of its targets that is not decided, FAR_MS for none
        ("office", np.int32),  # entity
        ("priority", np.int32),  # entity or -1
        ("target", np.int8),  # its priority in the configuration, -1 for one that is not there
        ("asks", np.int8),  # when its targets are due is not known yet
        ("open", np.int8),
        ("overdue", np.int8),
    ],
    align=True,
)

STAGE_ROW = np.dtype(
    [
        ("ts_ms", np.int64),  # of the earliest event of this stage, NOT_GIVEN for none
        ("id_start", np.int64),
        ("employee", np.int32),  # entity or -1
        ("id_length", np.int16),
    ],
    align=True,
)

MARK_ROW = np.dtype(
    [
        ("ts_ms", np.int64),  # when it counts, NOT_GIVEN for not at all
        ("due_ms", np.int64),  # of a target's mark, FAR_MS for none
        ("amount", np.int64),  # milliseconds since the opening; of a target's mark 1 if it was met
        ("employee", np.int32),  # entity or -1
        ("next", np.int32),  # in the same slot of the calendar
        ("previous", np.int32),
    ],
    align=True,
)

OPEN_ROW = np.dtype([("ts_ms", np.int64), ("row", np.int32)], align=True)

CHANGE_ROW = np.dtype([("row", np.int32), ("before", np.int8)], align=True)

# Numbers that kernels read and write, in Tables.sizes.
(
    PRESSES,  # rows in use, and so on
    PANELS,
    SEQUENCE,
    FORCE_MAJEURES,
    VERDICTS,
    SEEN_IDS,
    FACTS,
    ID_BYTES,
    OPEN_BEGIN,  # open surveys in order stand from here
    OPEN_END,  # to here, exclusive
    OPEN_LATE,  # those that came out of order
    CHANGED,
    DIRTY,
    NOW_MS,  # the instant that the windows stand at
    SILENT_MS,  # the instant up to which silence is decided
    CLEARED_SLOT,  # calendar slots before this one are empty
    BOUNCES,
    ANSWERS,
    EXTRAS,
    ORPHANS,
    TOUCHED,  # of no meaning
    NAMELESS,  # the entity of employees without a name of their own, 0 for none (which is an office)
    CLIENTS,
    SCORE_ROWS,
    REQUESTS,
    STAGE_ROWS,
    MARK_ROWS,
    REQUEST_ROWS,
    NEXT_DUE_MS,  # no target of any request is due earlier, of those not decided
    ASKING,  # how many requests ask when their targets are due
    STALE,  # rows of Tables.asked that are
    SHIFTS,
    SWEEPS,  # so far: each gives rows other numbers
    PEER_GROUPS,
) = range(34)
SIZES = 34


class Rules(NamedTuple):
    """The configuration as kernels see it."""

    answer_window_ms: int
    debounce_ms: int
    long_press_ms: int
    force_majeure_duration_ms: int
    pending_stands: int
    service_level_ms: int
    short_abandon_ms: int
    bucket_ms: NDArray[np.int64]  # (windows,)
    slot_ms: int  # of the calendars
    context_ms: (
        int  # facts are kept for so much longer than the windows hold them: they may be near a press that these hold
    )


class Tables(NamedTuple):
    """The state of one partition. What rows mean stands at their dtypes above."""

    presses: NDArray[np.void]  # PRESS_ROW
    panels: NDArray[np.void]  # PANEL_ROW
    offices: NDArray[np.void]  # OFFICE_ROW
    asked: NDArray[np.void]  # ASKED_ROW
    force_majeures: NDArray[np.void]  # FORCE_MAJEURE_ROW
    verdicts: NDArray[np.void]  # VERDICT_ROW, the latest of each target
    verdict_hashes: NDArray[np.uint64]  # (verdicts, 2) of the target, mixed with its kind
    verdict_index: NDArray[np.uint64]  # places of an index by hash (kernels.identity)
    facts: NDArray[np.void]  # FACT_ROW
    shifts: NDArray[np.void]  # SHIFT_ROW
    seen: NDArray[np.void]  # SEEN_ROW, every id seen
    seen_hashes: NDArray[np.uint64]  # (seen, 2)
    seen_index: NDArray[np.uint64]
    clients: NDArray[np.void]  # CLIENT_ROW
    client_hashes: NDArray[np.uint64]  # (clients, 2)
    client_index: NDArray[np.uint64]
    requests: NDArray[np.void]  # REQUEST_ROW
    request_hashes: NDArray[np.uint64]  # (requests, 2)
    request_index: NDArray[np.uint64]
    stages: NDArray[np.void]  # STAGE_ROW, STAGES a request
    marks: NDArray[np.void]  # MARK_ROW, MARKS a request
    sequence: NDArray[np.int32]  # rows of presses, panel by panel
    id_bytes: NDArray[np.uint8]
    open_surveys: NDArray[np.void]  # OPEN_ROW, undecided surveys in order of ts_ms
    late_surveys: NDArray[np.void]  # OPEN_ROW, a heap by ts_ms of those that were not the latest when they came
    changed: NDArray[np.void]  # CHANGE_ROW
    dirty: NDArray[np.int32]  # panels to be paired
    press_calendar: NDArray[np.int32]  # (slots,) first seller press of each slot of time
    fact_calendar: NDArray[np.int32]  # (slots,)
    client_calendar: NDArray[np.int32]  # (slots,)
    mark_calendar: NDArray[np.int32]  # (slots,)
    # Of the counters, those of surveys and the others: what an event changes together lies together.
    survey_counts: NDArray[np.int32]  # (entities, SURVEY_CODES, windows)
    fact_sums: NDArray[np.int64]  # (entities, windows, SCORE_BEGIN - SURVEY_CODES)
    score_rows: NDArray[np.int32]  # (entities,) row of score_counts, 0 for none
    score_counts: NDArray[np.int32]  # (rows, windows, SCORE_CODES); row 0 is nobody's and stays 0
    request_rows: NDArray[
        np.int32
    ]  # (entities,) row of request_sums and request_now, 0 for none; also where there are margins
    request_sums: NDArray[np.int64]  # (rows, windows, REQUEST_CODES); row 0 as above
    request_now: NDArray[np.int32]  # (rows, 2): requests open, and of these overdue
    peer_sums: NDArray[np.int32]  # (groups, windows, 2) of ratings between departments: kernels.peer_ratings
    window_begin_ms: NDArray[np.int64]  # (windows,) what is earlier has left the window
    sizes: NDArray[np.int64]  # (SIZES,)
