"""Ratings between departments as texts that rows point to, and the rows that stand behind a rating.

A rating's own row has the two departments as its place, and in its amount whether it is flagged. Behind it stands a row for each
criterion with its score (the criterion is its place, the departments stand where others have an employee), and one for each employee
voted for. A department that rates itself has no place and no scores: it is not another one.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import SCORED, VOTED
from streams.events import PeerRating

LOWEST, HIGHEST = 1, 10  # scores: those that ask for a comment
BETWEEN: Final = "\t"  # two departments; no id holds one
_VOTE: Final = ord(
    "0"
)  # a member of a rating begins with it, or with the character so many behind it as its score says


class Group(NamedTuple):
    """Whose ratings are counted together."""

    office: str
    from_department: str
    to_department: str
    criterion: str  # "" for the ratings themselves


def departments_of(office: str, text: str) -> Group:
    """The group that a text of :func:`departments` stands for."""
    rating, rated = text.split(BETWEEN)
    return Group(office, rating, rated, "")


def departments(rating: PeerRating) -> str:
    """Who rates whom; "" where a department rates itself."""
    if rating.from_department == rating.to_department:
        return ""
    return rating.from_department + BETWEEN + rating.to_department


def members_of(rating: PeerRating) -> list[str]:
    """What stands behind a rating: criteria with their scores, then those voted for, each once."""
    scores = rating.scores.items() if departments(rating) else ()
    scored = [chr(_VOTE + score) + criterion for criterion, score in scores if score]
    return scored + [vote_for(employee) for employee in dict.fromkeys(rating.vote_employee_ids or ())]


def vote_for(employee: str) -> str:
    """The member of a rating that is a vote for an employee."""
    return chr(_VOTE) + employee


def is_flagged(rating: PeerRating) -> bool:
    """Whether a rating has an extreme score, and says nothing about it."""
    return not {LOWEST, HIGHEST}.isdisjoint(rating.scores.values()) and not (rating.comment or "").strip()


def stand_behind(row: np.void, buffer: NDArray[np.uint8], start: int, length: int) -> None:
    """Turn a copy of a rating's row into that of a member of it, which begins so in the buffer."""
    score = int(buffer[start]) - _VOTE
    row["amount"] = score
    row["kind"] = SCORED if score else VOTED
    own, other = ("place", "employee") if score else ("employee", "place")
    row[f"{other}_start"], row[f"{other}_length"] = (row["place_start"], row["place_length"]) if score else (0, 0)
    row[f"{own}_start"], row[f"{own}_length"] = start + 1, length - 1
