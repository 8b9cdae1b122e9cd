"""The indices of sales."""

from kernels import layout as c
from streams.index import HALF, STAFF, Index


def sale_indices() -> list[Index]:
    """Indices of sales, in the order of publication."""
    events = {c.SALE_EVENTS: 1.0}
    return [
        Index("sales", "count", STAFF, "Sales of a positive amount.", {c.SALES: 1}, events, divides=False),
        Index(
            "revenue",
            "money",
            STAFF,
            "Sales less refunds, in minor units of the office's currency.",
            {c.REVENUE_LOW: 1, c.REVENUE_HIGH: HALF},
            events,
            divides=False,
        ),
        Index(
            "average_ticket",
            "money",
            STAFF,
            "Mean amount of a sale, refunds aside, in minor units of the office's currency.",
            {c.TICKETS_LOW: 1, c.TICKETS_HIGH: HALF},
            {c.SALES: 1},
        ),
    ]
