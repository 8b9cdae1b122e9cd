"""The indices of service requests."""

from kernels import layout as c
from streams.index import Index, Scope
from streams.interval import with_wilson

REQUESTED: tuple[Scope, ...] = ("office", "priority", "employee")
_TARGETS = (
    ("first_response", "were responded to", c.RESPONSES_MET, c.RESPONSES_DUE),
    ("on_site", "were visited", c.ON_SITES_MET, c.ON_SITES_DUE),
    ("resolved", "were resolved", c.RESOLUTIONS_MET, c.RESOLUTIONS_DUE),
)


def request_indices() -> list[Index]:
    """Indices of service requests, in the order of publication."""
    return [
        *(
            row
            for stage, what, met, due in _TARGETS
            for row in with_wilson(
                Index(
                    f"sla_{stage}",
                    "ratio",
                    REQUESTED,
                    f"Share of requests due that {what} in time.",
                    {met: 1},
                    {due: 1},
                )
            )
        ),
        *(
            _count(f"sla_{stage}_due", f"Requests that {what} in time, or should have been.", due)
            for stage, what, _, due in _TARGETS
        ),
        Index(
            "first_response_s",
            "seconds",
            REQUESTED,
            "Mean time from the opening of a request to the first response.",
            {c.RESPONSE_MS: 1},
            {c.RESPONSES: 1},
            scale=1000,
        ),
        Index(
            "resolution_s",
            "seconds",
            REQUESTED,
            "Mean time from the opening of a request to its resolution.",
            {c.RESOLUTION_MS: 1},
            {c.RESOLUTIONS: 1},
            scale=1000,
        ),
        _count("requests_opened", "Requests opened.", c.REQUESTS_OPENED),
    ]


def _count(name: str, text: str, counter: int) -> Index:
    counted = {counter: 1.0}
    return Index(name, "count", REQUESTED, text, counted, counted, divides=False, needs_base=True)
