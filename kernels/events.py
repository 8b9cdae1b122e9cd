"""An event as numbers: the row that decoding makes of a message, and that the ledger takes.

Text stays where it is: a row points into the buffer of its batch. What a kind of event does not have is 0, a name that is
not given has the length 0.
"""

import numpy as np

EVENT_ROW = np.dtype(
    [
        ("ts_ms", np.int64),
        ("amount", np.int64),  # hold_ms; wait_ms of a call; minor units of a sale; visitors
        ("first_ms", np.int64),  # verdict: from, or NOT_GIVEN; call: talk, hold and wrap together
        ("second_ms", np.int64),  # verdict: to, or NOT_GIVEN; call: talk
        ("hash_high", np.uint64),  # of the event's id; filled in with the numbers of names
        ("hash_low", np.uint64),
        ("target_high", np.uint64),  # of a verdict's target
        ("target_low", np.uint64),
        ("position", np.int32),  # of the message in its batch
        ("id_start", np.int32),  # in the batch's buffer, UTF-8 bytes, like those that follow
        ("office_start", np.int32),
        ("place_start", np.int32),  # panel of a press, queue of a call, target of a verdict
        ("employee_start", np.int32),
        ("office", np.int32),  # numbers of names, filled in later, -1 for none: the entity of the office
        ("place", np.int32),  # panel, or the queue's entity
        ("employee", np.int32),  # entity
        ("id_length", np.int16),
        ("office_length", np.int16),
        ("place_length", np.int16),
        ("employee_length", np.int16),
        ("kind", np.int8),  # of event: its place in streams.events.EVENT_TYPES
        ("code", np.int8),  # question (-1: not named), answer, target of a verdict, disposition of a call
        ("flag", np.int8),  # verdict: 1 reliable, 0 not; call: direction
        ("scope", np.int8),  # of a verdict
    ],
    align=True,
)

# Directions and dispositions of a call; those that no index tells apart share a code.
INBOUND, OTHER_DIRECTION = 1, 0
ANSWERED_CALL, ABANDONED_CALL, OTHER_DISPOSITION = 1, 2, 0
