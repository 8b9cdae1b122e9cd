"""The indices of calls."""

from kernels import layout as c
from streams.index import EVERYWHERE, Index
from streams.interval import with_wilson


def call_indices() -> list[Index]:
    """Indices of calls, in the order of publication."""
    serviceable = {c.OFFERED: 1.0, c.ABANDONED_SHORT: -1.0}
    offered = {c.OFFERED: 1.0}
    return [
        *with_wilson(
            Index(
                "service_level",
                "ratio",
                EVERYWHERE,
                "Inbound calls answered in time / (offered - abandoned shortly).",
                {c.ANSWERED_IN_TIME: 1},
                serviceable,
            )
        ),
        *with_wilson(
            Index(
                "abandonment",
                "ratio",
                EVERYWHERE,
                "Inbound calls abandoned, but not shortly / (offered - abandoned shortly).",
                {c.ABANDONED_LATE: 1},
                serviceable,
            )
        ),
        Index(
            "average_speed_of_answer_s",
            "seconds",
            EVERYWHERE,
            "Mean wait of answered inbound calls.",
            {c.WAIT_MS: 1},
            {c.ANSWERED_INBOUND: 1},
            scale=1000,
        ),
        Index(
            "average_handle_time_s",
            "seconds",
            EVERYWHERE,
            "Talk, hold and wrap of calls per answered call, every direction.",
            {c.HANDLE_MS: 1},
            {c.ANSWERED: 1},
            scale=1000,
        ),
        Index("calls_offered", "count", EVERYWHERE, "Inbound calls.", offered, offered, divides=False),
        Index(
            "calls_answered",
            "count",
            EVERYWHERE,
            "Inbound calls answered.",
            {c.ANSWERED_INBOUND: 1},
            offered,
            divides=False,
        ),
        Index(
            "calls_missed",
            "count",
            EVERYWHERE,
            "Inbound calls offered and not answered.",
            {c.OFFERED: 1, c.ANSWERED_INBOUND: -1},
            offered,
            divides=False,
        ),
        Index(
            "talk_s",
            "seconds",
            EVERYWHERE,
            "Talk time of calls, every direction.",
            {c.TALK_MS: 1},
            {c.CALLS: 1},
            divides=False,
            scale=1000,
        ),
    ]
