"""Values as the page shows them: each with what tells how far it can be believed."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.board.reading import Frame, Key, Read

MAIN: Final = ("ink_personnel", "ink_office", "iel")
QUESTIONS: Final = {"ink_personnel": "personnel", "ink_office": "office", "iel": "loyalty"}
OUTCOMES: Final = ("yes", "no", "hard_to_say", "silent")
REASONS: Final = ("too_few_surveys", "coverage", "conversion", "force_majeure", "not_asked_lately")
DIAGNOSES: Final = ("not_enough_data", "product_or_price", "well", "office_and_processes", "personnel", "unclear")
_EVERY_SURVEY: Final = tuple(f"surveys|{question}|{each}" for question in QUESTIONS.values() for each in OUTCOMES)
_BASES: Final[dict[str, tuple[str, ...]]] = {
    **{index: tuple(f"surveys|{question}|{each}" for each in OUTCOMES) for index, question in QUESTIONS.items()},
    **dict.fromkeys(("silent_share", "response_share", "force_majeure_level", "precise_conversion"), _EVERY_SURVEY),
    **dict.fromkeys(("service_level", "abandonment"), ("calls_offered",)),
    "average_speed_of_answer": ("calls_answered",),
    **{f"sla_{stage}": (f"sla_{stage}_due",) for stage in ("first_response", "on_site", "resolved")},
    **{score: (f"{score}_answers",) for score in ("nps", "csat", "ces")},
    "average_ticket": ("sales",),
}
"""What each index rests on, as columns to be added up."""
_LESS_SHORT_CALLS: Final = ("service_level", "abandonment")


class View(NamedTuple):
    """One window of a frame; ``now`` is what has no window."""

    frame: Frame
    values: NDArray[np.float64]  # (rows, columns)
    now: NDArray[np.float64]  # (rows, columns)

    @classmethod
    def of(cls, read: Read, scope: str, window: str) -> "View":
        """The window of a scope; empty where there is no such window yet."""
        frame = read.frames[scope]
        if window not in read.windows:
            nothing = np.full((frame.values.shape[0], frame.values.shape[2]), np.nan)
            return cls(frame, nothing, nothing)
        return cls(frame, frame.values[:, read.windows.index(window)], frame.values[:, -1])

    def column(self, name: str, *, now: bool = False) -> NDArray[np.float64]:
        """A column of all rows; not a number where there is no value."""
        column = self.frame.columns.get(name)
        values = self.now if now else self.values
        return np.full(values.shape[0], np.nan) if column is None else values[:, column]

    def total(self, names: Iterable[str]) -> NDArray[np.float64]:
        """The sum of columns, what is missing counting as nothing, (rows,)."""
        columns = [self.frame.columns[name] for name in names if name in self.frame.columns]
        total: NDArray[np.float64] = np.nansum(self.values[:, columns], axis=1)
        return total

    def seen(self) -> NDArray[np.bool_]:
        """Which rows have any value at all now, (rows,)."""
        nothing = np.isnan(self.values).all(axis=1) & np.isnan(self.now).all(axis=1)
        return np.logical_not(nothing, dtype=np.bool_)

    def at(self, row: int | None, name: str, *, now: bool = False) -> float | None:
        """One value, None where there is none."""
        column = self.frame.columns.get(name)
        if row is None or column is None:
            return None
        value = float((self.now if now else self.values)[row, column])
        return None if np.isnan(value) else value

    def row(self, key: Key) -> int | None:
        """Where an entity is; None where it is unknown or has nothing to show any more."""
        row = self.frame.rows.get(key)
        return row if row is not None and row < self.values.shape[0] and self.seen()[row] else None


def reading(view: View, row: int | None, index: str) -> dict[str, Any]:
    """An index with its interval, its base, and whether to believe it."""
    found: dict[str, Any] = {"index": index, "value": view.at(row, index)}
    for end in ("lower", "upper"):
        bound = view.at(row, f"{index}_{end}")
        if bound is not None:
            found[end] = bound
    if index in _BASES:
        parts = [view.at(row, name) for name in _BASES[index]]
        found["base"] = sum(part for part in parts if part is not None)
        found["at_most"] = _rests_on_less(view, row, index)
    representative = view.at(row, f"{index}_representative")
    if representative is not None:
        found["representative"] = representative == 1
        found["reasons"] = [reason for reason in REASONS if view.at(row, f"unrepresentative|{index}|{reason}")]
    return found


def _rests_on_less(view: View, row: int | None, index: str) -> bool:
    """Whether the counts include some that the index leaves out: of force majeures, and calls abandoned at once."""
    if index == "ink_personnel":
        return bool(view.at(row, "force_majeure_level"))
    return index in _LESS_SHORT_CALLS and bool(view.at(row, "calls_missed"))


def diagnosis(view: View, row: int | None) -> str | None:
    """The word that holds, None where there is none."""
    return next((word for word in DIAGNOSES if view.at(row, f"diagnosis|{word}")), None)


def verdicts(view: View, index: str, reference: float) -> dict[str, int]:
    """How many offices are on which side of the reference for certain: with the whole interval, and representative."""
    lower, upper = view.column(f"{index}_lower"), view.column(f"{index}_upper")
    believed = view.column(f"{index}_representative") == 1
    worse, fine = (lower > reference, upper <= reference)
    if index == "iel":  # the higher the better
        worse, fine = upper < reference, lower >= reference
    counted = {
        "worse": int(np.count_nonzero(believed & worse)),
        "fine": int(np.count_nonzero(believed & fine)),
        "not_representative": int(np.count_nonzero(~believed & view.seen())),
    }
    return counted | {"open": int(np.count_nonzero(believed)) - counted["worse"] - counted["fine"]}


def ordered(view: View, rows: NDArray[np.int64], by: str, *, descending: bool) -> NDArray[np.int64]:
    """Rows in the order of a column: first those that are representative, where that is said, last those without a value."""
    values = view.column(by)[rows]
    believed = view.column(f"{by}_representative")[rows]
    doubtful = np.where(believed == 0, 1, 0) + 2 * np.isnan(values)
    turned = np.where(np.isnan(values), 0, -values if descending else values)
    return rows[np.lexsort((turned, doubtful))]
