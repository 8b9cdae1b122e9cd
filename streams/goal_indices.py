"""The indices that hold people to what the directory asks of them: plans and matrices (:mod:`streams.goals`)."""

from typing import Final

from kernels import layout as c
from kernels.formulas import ELSEWHERE
from streams.index import HALF, SELLING, Index

# What is planned, in the order of the columns of amounts, and the index that tells how much of it was reached.
PLANNED: Final = ("revenue", "margin")
ATTAINMENTS: Final = ("plan_attainment", "margin_plan_attainment")
SCORE: Final = "kpi_score"


def goal_indices() -> list[Index]:
    """Indices of plans and matrices, in the order of publication."""
    return [
        Index(
            "plan_attainment",
            "ratio",
            SELLING,
            "Revenue / what was planned of it for the window.",
            {c.REVENUE_LOW: 1, c.REVENUE_HIGH: HALF},
            {},
            kind=ELSEWHERE,
        ),
        Index(
            "margin_plan_attainment",
            "ratio",
            SELLING,
            "Margin / what was planned of it for the window.",
            {c.MARGIN_LOW: 1, c.MARGIN_HIGH: HALF},
            {},
            kind=ELSEWHERE,
        ),
        Index(
            "kpi_score",
            "score",
            ("employee", "leader"),
            "Weighted shares of the way from base to goal, by the matrix of the employee; of a leader the mean of their people.",
            {},
            {},
            divides=False,
            kind=ELSEWHERE,
        ),
    ]
