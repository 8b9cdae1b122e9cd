"""The indices of sales."""

from kernels import layout as c
from streams.index import HALF, SELLING, Index


def sale_indices() -> list[Index]:
    """Indices of sales, in the order of publication."""
    events = {c.SALE_EVENTS: 1.0}
    return [
        Index("sales", "count", SELLING, "Sales of a positive amount.", {c.SALES: 1}, events, divides=False),
        Index(
            "revenue",
            "money",
            SELLING,
            "Sales less refunds, in minor units of the office's currency.",
            {c.REVENUE_LOW: 1, c.REVENUE_HIGH: HALF},
            events,
            divides=False,
        ),
        Index(
            "margin",
            "money",
            SELLING,
            "Margins that sales and refunds state, in minor units of the office's currency.",
            {c.MARGIN_LOW: 1, c.MARGIN_HIGH: HALF},
            {c.MARGIN_EVENTS: 1},
            divides=False,
            needs_base=True,
        ),
        Index(
            "average_ticket",
            "money",
            SELLING,
            "Mean amount of a sale, refunds aside, in minor units of the office's currency.",
            {c.TICKETS_LOW: 1, c.TICKETS_HIGH: HALF},
            {c.SALES: 1},
        ),
    ]
