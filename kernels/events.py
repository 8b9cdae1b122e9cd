"""An event as numbers: the row that decoding makes of a message, and that the ledger takes.

Text stays where it is: a row points into the buffer of its batch. What a kind of event does not have is 0, a name that is
not given has the length 0.
"""

import numpy as np

EVENT_ROW = np.dtype(
    [
        ("ts_ms", np.int64),
        # hold_ms; wait_ms of a call; minor units of a sale; visitors; score of a rating; whether one between departments is flagged
        ("amount", np.int64),
        (
            "first_ms",
            np.int64,
        ),  # verdict: from, or NOT_GIVEN; call: talk, hold and wrap together; shift: its end; sale: margin; rating: see MEMBERS; request: see below
        ("second_ms", np.int64),  # verdict: to, or NOT_GIVEN; call: talk
        ("hash_high", np.uint64),  # of the event's id; filled in with the numbers of names
        ("hash_low", np.uint64),
        (
            "target_high",
            np.uint64,
        ),  # of a verdict's target, or of a client; before that, where the client's name begins
        ("target_low", np.uint64),  # before that, the length of the client's name, 0 for none
        ("position", np.int32),  # of the message in its batch
        ("id_start", np.int32),  # in the batch's buffer, UTF-8 bytes, like those that follow
        ("office_start", np.int32),
        (
            "place_start",
            np.int32,
        ),  # panel of a press, queue of a call, category of a sale, target of a verdict, priority of a request, two departments
        ("employee_start", np.int32),
        ("office", np.int32),  # numbers of names, filled in later, -1 for none: the entity of the office
        (
            "place",
            np.int32,
        ),  # panel, or the entity of the queue, category or priority, or the group of a rating between departments
        ("employee", np.int32),  # entity
        ("id_length", np.int16),
        ("office_length", np.int16),
        ("place_length", np.int16),
        ("employee_length", np.int16),
        ("kind", np.int8),  # of event: its place in streams.events.EVENT_TYPES
        # question (-1: not named), answer, target of a verdict, disposition of a call, 1 of a sale that states its margin, metric of a
        # rating, stage of a request, kind of a shift
        ("code", np.int8),
        # verdict: 1 reliable, 0 not; call: direction; rating: 1 of a client who leaves; request: its priority in the configuration
        ("flag", np.int8),
        ("scope", np.int8),  # of a verdict; of a press that names no question, the one in force, filled in later
    ],
    align=True,
)

# MEMBERS: who took part in what a rating is about stands in the buffer, the names one after the other with line feeds between;
# `first_ms` is where they begin, `second_ms` their length in bytes. So do those of a rating between departments (streams.peer_ratings). Those
# of a request are where its `request_id` is, and later the halves of its hash, 63 bits each.

# Directions and dispositions of a call; those that no index tells apart share a code.
INBOUND, OTHER_DIRECTION = 1, 0
ANSWERED_CALL, ABANDONED_CALL, OTHER_DISPOSITION = 1, 2, 0
