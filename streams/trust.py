"""May an index be believed, and where does the cause lie: what is asked, and the words for what kernels find."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels import trust
from kernels.formulas import CAUSE, DIAGNOSIS, REASON, REPRESENTATIVE
from streams.configuration import Configuration
from streams.directory import Directory, Office
from streams.index import QUESTIONS, STAFF, Index
from streams.outputs import UNREPRESENTATIVE

MAIN: Final = ("ink_personnel", "ink_office", "iel")  # the main index of each question, in their order
LEVEL: Final = "force_majeure_level"
_FLAGS: Final = (
    trust.TOO_FEW_SURVEYS,
    trust.COVERAGE,
    trust.CONVERSION,
    trust.FORCE_MAJEURE_LEVEL,
    trust.NOT_ASKED_LATELY,
)
REASONS: Final = dict(zip(UNREPRESENTATIVE, _FLAGS, strict=True))
DIAGNOSES: Final = ("not_enough_data", "product_or_price", "well", "office_and_processes", "personnel", "unclear")
_NOTHING_SAID: Final = Office(id="-")
_CONTROLS: Final = {"none": 0, "coverage": trust.COVERAGE, "conversion": trust.CONVERSION}


class OfficeStandards(NamedTuple):
    """What tells of each office whether it asked its customers."""

    controls: NDArray[np.int64]  # (offices,) COVERAGE, CONVERSION or 0 for neither
    limits: NDArray[np.float64]  # (offices, 2) of that


def standards(configuration: Configuration) -> trust.Standards:
    """What is asked of everyone alike."""
    return trust.Standards(
        min_surveys=float(configuration.min_surveys),
        force_majeure_level_max=configuration.force_majeure_level_max,
        ink_personnel=configuration.reference.ink_personnel,
        ink_office=configuration.reference.ink_office,
        iel=configuration.reference.iel,
        margin=configuration.diagnosis_margin,
    )


def office_standards(configuration: Configuration, directory: Directory, offices: Sequence[str]) -> OfficeStandards:
    """What is asked of each office, given by their ids: what the directory says of it, or else the configuration."""
    controls = np.empty(len(offices), np.int64)
    limits = np.empty((len(offices), 2), np.float64)
    known = directory.offices
    for number, office in enumerate(offices):
        by, limits[number] = office_standard(configuration, known.get(office, _NOTHING_SAID))
        controls[number] = _CONTROLS[by]
    return OfficeStandards(controls, limits)


def office_standard(configuration: Configuration, says: Office | None) -> tuple[str, tuple[float, float]]:
    """What tells whether an office asked its customers, by what the directory says of it, and the limits of that."""
    own = says or _NOTHING_SAID
    by = own.representative_by or configuration.representative_by
    if by == "conversion":
        return by, own.conversion_limits or configuration.conversion_limits
    return by, own.coverage_limits or configuration.coverage_limits


def reasons_of(flags: int) -> list[str]:
    """Reasons in words, in their order."""
    return [reason for reason, flag in REASONS.items() if flags & flag]


# Rows of the catalogue ---------------------------------------------------------------------------------------------


def representative(index: Index) -> Index:
    """Whether a main index may be believed."""
    return Index(
        f"{index.name}_representative",
        "count",
        STAFF,
        f"1 when {index.name} may be believed, 0 when there is a reason against it.",
        index.base,
        index.base,
        divides=False,
        kind=REPRESENTATIVE,
        parameters=(MAIN.index(index.name),),
    )


def diagnosis(main: list[Index]) -> Index:
    """Where the cause lies, by the main indices together."""
    base = {counter: weight for index in main for counter, weight in index.base.items()}
    return Index(
        "diagnosis",
        "text",
        ("office",),
        "Where the cause of dissatisfaction lies.",
        base,
        base,
        divides=False,
        kind=DIAGNOSIS,
        words=DIAGNOSES,
    )


def each_diagnosis(index: Index) -> list[Index]:
    """The diagnosis as a value for each of its words: 1 for the one that holds, none for the others."""
    return [index._replace(kind=CAUSE, parameters=(number,), words=()) for number in range(len(index.words))]


def each_reason() -> dict[tuple[str, str], Index]:
    """Of each main index and reason a value, 1 where the reason applies."""
    return {
        (name, reason): Index("", "count", STAFF, "", {}, {}, divides=False, kind=REASON, parameters=(question, flag))
        for question, name in enumerate(MAIN)
        for reason, flag in REASONS.items()
    }


# The numbers behind a diagnosis ------------------------------------------------------------------------------------


def last_asked(asked_ms: list[int]) -> dict[str, int | None]:
    """When each question was last asked, of instants that are -1 for never."""
    return {question: None if ts_ms < 0 else ts_ms for question, ts_ms in zip(QUESTIONS, asked_ms, strict=True)}
