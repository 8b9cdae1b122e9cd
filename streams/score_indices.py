"""The indices of scores: what clients said of the service, who of them left, and for whom colleagues voted."""

from kernels import layout as c
from streams.index import STAFF, Index
from streams.interval import with_dirichlet, with_wilson


def score_indices() -> list[Index]:
    """Indices of customer scores, in the order of publication."""
    return [
        *with_dirichlet(
            Index(
                "nps",
                "ratio",
                STAFF,
                "Net promoter score, -1 to 1: promoters (9 or 10) less detractors (0 to 6), over all answers.",
                {c.PROMOTERS: 1, c.DETRACTORS: -1},
                {c.NPS_ANSWERS: 1},
            ),
            (1.0, 0.0, -1.0),
            -1.0,
            1.0,
        ),
        *with_wilson(
            Index("csat", "ratio", STAFF, "Share of satisfied answers (4 or 5).", {c.SATISFIED: 1}, {c.CSAT_ANSWERS: 1})
        ),
        Index("ces", "score", STAFF, "Mean effort that clients had, 1 to 7.", {c.EFFORT: 1}, {c.CES_ANSWERS: 1}),
        *with_wilson(
            Index(
                "churn",
                "ratio",
                STAFF,
                "Distinct clients who left / distinct clients served.",
                {c.CLIENTS_LOST: 1},
                {c.CLIENTS_SERVED: 1},
            )
        ),
        *(
            Index(
                f"{metric}_answers",
                "count",
                STAFF,
                f"Answers that {metric} rests on.",
                {counter: 1},
                {counter: 1},
                divides=False,
                needs_base=True,
            )
            for metric, counter in (("nps", c.NPS_ANSWERS), ("csat", c.CSAT_ANSWERS), ("ces", c.CES_ANSWERS))
        ),
        Index(
            "peer_votes",
            "count",
            ("employee",),
            "Votes of colleagues.",
            {c.PEER_VOTES: 1},
            {c.PEER_VOTES: 1},
            divides=False,
            needs_base=True,
        ),
    ]
