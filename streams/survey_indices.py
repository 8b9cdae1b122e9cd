"""The indices of surveys: the main ones, and what is counted of all surveys."""

from collections.abc import Iterable, Mapping

from kernels import layout as c
from streams.configuration import Configuration
from streams.index import HALF, STAFF, Index
from streams.interval import with_dirichlet, with_rate, with_wilson
from streams.trust import diagnosis, representative


def _surveys(
    weights: Mapping[int, float] | None = None,
    questions: Iterable[int] = (c.PERSONNEL, c.OFFICE, c.LOYALTY),
    inside: Iterable[int] = (0, 1),
) -> dict[int, float]:
    """Weights of survey counters by outcome (all 1 by default), questions, and inside or outside a force majeure."""
    by_outcome = dict.fromkeys((c.YES, c.NO, c.HARD_TO_SAY, c.SILENT), 1.0) if weights is None else weights
    return {
        c.survey_code(question, outcome, in_force_majeure): weight
        for question in questions
        for outcome, weight in by_outcome.items()
        for in_force_majeure in inside
    }


def _ink_personnel_base(configuration: Configuration) -> dict[int, float]:
    base = _surveys(questions=[c.PERSONNEL], inside=[0])
    if configuration.force_majeure_excludes == "unfavourable":
        base |= _surveys({c.YES: 1.0, c.HARD_TO_SAY: 1.0}, [c.PERSONNEL], [1])
    elif configuration.force_majeure_excludes == "numerator":
        base |= _surveys(questions=[c.PERSONNEL], inside=[1])
    return base


def _main_indices(configuration: Configuration) -> list[Index]:
    """The main index of each question, in their order."""
    k = configuration.silent_weight
    unhappy = {c.NO: 1.0, c.SILENT: k}
    return [
        Index(
            "ink_personnel",
            "ratio",
            STAFF,
            "Dissatisfaction with front-line staff: (no + weight x silent) / surveys, standing force majeures excluded.",
            _surveys(unhappy, [c.PERSONNEL], [0]),
            _ink_personnel_base(configuration),
        ),
        Index(
            "ink_office",
            "ratio",
            STAFF,
            "Dissatisfaction with the office and its processes: (no + weight x silent) / surveys.",
            _surveys(unhappy, [c.OFFICE]),
            _surveys(questions=[c.OFFICE]),
        ),
        Index(
            "iel",
            "ratio",
            STAFF,
            "Emotional loyalty, -1 to 1: yes / surveys - (no + weight x silent) / surveys.",
            _surveys({c.YES: 1.0, c.NO: -1.0, c.SILENT: -k}, [c.LOYALTY]),
            _surveys(questions=[c.LOYALTY]),
        ),
    ]


def survey_indices(configuration: Configuration) -> list[Index]:
    """Indices of surveys, in the order of publication."""
    k = configuration.silent_weight
    main = _main_indices(configuration)
    worths = ((0.0, 1.0, 0.0, k), (0.0, 1.0, 0.0, k), (1.0, -1.0, 0.0, -k))
    every = _surveys()
    return [
        *(
            row
            for index, worth in zip(main, worths, strict=True)
            for row in (*with_dirichlet(index, worth, min(worth), 1.0), representative(index))
        ),
        diagnosis(main),
        *with_rate(
            Index("precise_conversion", "ratio", STAFF, "Sales of a positive amount per survey.", {c.SALES: 1}, every)
        ),
        *with_rate(
            Index(
                "visitor_coverage",
                "ratio",
                ("office",),
                "Surveys per visitor counted.",
                every,
                {c.VISITORS_LOW: 1, c.VISITORS_HIGH: HALF},
            )
        ),
        *with_wilson(
            Index(
                "force_majeure_level",
                "ratio",
                STAFF,
                "Share of surveys in a standing force majeure.",
                _surveys(inside=[1]),
                every,
            )
        ),
        *with_wilson(
            Index("silent_share", "ratio", STAFF, "Share of surveys left unanswered.", _surveys({c.SILENT: 1.0}), every)
        ),
        *with_wilson(
            Index(
                "response_share",
                "ratio",
                STAFF,
                "Share of surveys answered.",
                _surveys({c.YES: 1.0, c.NO: 1.0, c.HARD_TO_SAY: 1.0}),
                every,
            )
        ),
    ]
