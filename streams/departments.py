"""The indices of ratings between departments, and which of them may be shown: a group of few raters would tell who said what.

Ratings name nobody, so each rating is a rater. Everything rests on cells: how many gave a score of a criterion (or a rating at all), and
the sum. A cell is of a department rated by another, or rated by all others together. Hidden are

1. cells of fewer than `LEAST_RATERS`;
2. where the cells that are hidden so hold fewer than that together, the smallest other of those that rate the same department:
   they would be what all others together have more than those that are shown;
3. of a department rated by all others together, a window that holds fewer than that less than the next longer one that is shown.

Cells of two departments are shown of the longest window alone, since differences of both kinds together would tell of fewer. What
scrapes tell one after the other is not compared: who keeps them all sees what came in between.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.peer_ratings import GIVEN
from streams.configuration import Configuration
from streams.directory import Directory
from streams.index import Index, Scope
from streams.peer_ratings import Group
from streams.time_zones import DAY_MS

LEAST_RATERS: Final = 5

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
Counts = NDArray[np.int64]  # (cells, windows)
Mask = NDArray[np.bool_]


_RATED: tuple[Scope, ...] = ("department", "pair")
# They rest on cells instead of an entity's counters.
SCORE: Final = Index(
    "peer_score", "score", _RATED, "Mean score that other departments gave for a criterion, 1 to 10.", {}, {}
)
RATERS: Final = Index("peer_raters", "count", _RATED, "Ratings by other departments.", {}, {}, divides=False)
FLAGGED: Final = Index(
    "peer_extremes_uncommented",
    "count",
    _RATED,
    "Ratings by other departments that have a score of 1 or 10 and no comment.",
    {},
    {},
    divides=False,
)
PARTICIPATION: Final = Index(
    "peer_participation",
    "ratio",
    ("department",),
    "Ratings that a department gave others / its employees in the directory.",
    {},
    {},
)
PEER_INDICES: Final = (SCORE, RATERS, FLAGGED, PARTICIPATION)


class Told(NamedTuple):
    """A value that may be shown."""

    scope: Scope  # department, pair
    office: str
    labels: dict[str, str]  # what names it beside its office
    window: str
    measure: Index
    value: float | int
    base: int


def told(
    configuration: Configuration,
    directory: Directory,
    groups: list[Group],
    sums: NDArray[np.int64],
    window_begin_ms: NDArray[np.int64],
    now_ms: int,
) -> list[Told]:
    """All values of departments that may be shown, by office, scope and labels; windows as configured.

    Parameters
    ----------
    groups, sums
        A partition's groups, and their counters, (groups, windows, 2): how many scores or ratings, and their sum.
    window_begin_ms
        When each window begins, (windows,).
    """
    if not groups:
        return []
    windows = configuration.windows
    longest_first = np.argsort(window_begin_ms, kind="stable")
    found = [
        *_pairs(groups, sums, int(longest_first[0]), windows),
        *_departments(groups, sums, longest_first, windows),
        *_participation(groups, sums[..., GIVEN], windows, staff(directory, now_ms)),
    ]
    order = {window: at for at, window in enumerate(windows)}
    return sorted(found, key=lambda each: (each.office, each.scope, tuple(each.labels.values()), order[each.window]))


def _pairs(groups: list[Group], sums: NDArray[np.int64], longest: int, windows: tuple[str, ...]) -> Iterator[Told]:
    _, rated_of = _rated(groups)
    names = np.unique([group.from_department for group in groups], return_inverse=True)[1]
    for at in np.flatnonzero(pairs_shown(sums[:, longest, GIVEN], rated_of, names)).tolist():
        group = groups[at]
        labels = {"from_department": group.from_department, "to_department": group.to_department}
        yield from _values("pair", group, labels, windows[longest], *sums[at, longest].tolist())


def _departments(
    groups: list[Group], sums: NDArray[np.int64], longest_first: NDArray[np.int64], windows: tuple[str, ...]
) -> Iterator[Told]:
    rated, rated_of = _rated(groups)
    by_all = np.zeros((len(rated), *sums.shape[1:]), np.int64)
    np.add.at(by_all, rated_of, sums)
    shown = windows_shown(by_all[..., GIVEN], longest_first)
    for place, window in np.argwhere(shown).tolist():
        labels = {"department": rated[place].to_department}
        yield from _values("department", rated[place], labels, windows[window], *by_all[place, window].tolist())


def _rated(groups: list[Group]) -> tuple[list[Group], NDArray[np.int64]]:
    """The departments and criteria that are rated, as groups of nobody's, and which of them each group rates, (groups,)."""
    places: dict[Group, int] = {}
    rated_of = [places.setdefault(group._replace(from_department=""), len(places)) for group in groups]
    return list(places), np.array(rated_of, np.int64)


def pairs_shown(given: NDArray[np.int64], rated_of: NDArray[np.int64], names: NDArray[np.int64]) -> Mask:
    """Which cells of two departments may be shown in a window, (cells,).

    Parameters
    ----------
    given
        How many each rests on, (cells,).
    rated_of
        The number of the department and criterion that each rates, (cells,).
    names
        By which the first of equally small ones is hidden, (cells,): in order of the names of the departments that rate.
    """
    shown: Mask = given >= LEAST_RATERS
    hidden = np.bincount(rated_of, np.where(shown, 0, given))
    few = (hidden > 0) & (hidden < LEAST_RATERS)
    candidates = np.flatnonzero(shown & few[rated_of])
    candidates = candidates[np.lexsort((names[candidates], given[candidates], rated_of[candidates]))]
    smallest = np.unique(rated_of[candidates], return_index=True)[1]
    shown[candidates[smallest]] = False
    return shown


def windows_shown(given: Counts, longest_first: NDArray[np.int64]) -> Mask:
    """In which windows cells may be shown, each of which holds what shorter ones hold, (cells, windows)."""
    shown = np.zeros(given.shape, np.bool_)
    last = np.full(given.shape[0], -1)  # of the next longer window that is shown, -1 for none
    for window in longest_first.tolist():
        less = last - given[:, window]
        shown[:, window] = (given[:, window] >= LEAST_RATERS) & ((last < 0) | (less == 0) | (less >= LEAST_RATERS))
        last = np.where(shown[:, window], given[:, window], last)
    return shown


def _values(scope: Scope, group: Group, labels: dict[str, str], window: str, given: int, total: int) -> list[Told]:
    if group.criterion:
        labels = labels | {"criterion": group.criterion}
        return [Told(scope, group.office, labels, window, SCORE, total / given, given)]
    return [
        Told(scope, group.office, labels, window, RATERS, given, given),
        Told(scope, group.office, labels, window, FLAGGED, total, given),
    ]


# Participation -------------------------------------------------------------------------------------------------------


def _participation(
    groups: list[Group], given: Counts, windows: tuple[str, ...], employees: Counter[tuple[str, str]]
) -> Iterator[Told]:
    """How many ratings departments gave, against their employees; it tells of no score, so none is hidden."""
    by_department: dict[tuple[str, str], Any] = {}
    for group, of_windows in zip(groups, given, strict=True):
        name = group.office, group.from_department
        if not group.criterion and name in employees:
            by_department[name] = by_department.get(name, 0) + of_windows
    for (office, department), of_windows in by_department.items():
        people = employees[office, department]
        for window, ratings in zip(windows, of_windows.tolist(), strict=True):
            if people and ratings:
                labels = {"department": department}
                yield Told("department", office, labels, window, PARTICIPATION, ratings / people, people)


def staff(directory: Directory, now_ms: int) -> Counter[tuple[str, str]]:
    """How many employees each department of an office has, by its local day."""
    found: Counter[tuple[str, str]] = Counter()
    days: dict[str, date] = {}
    for each in directory.employees.values():
        if each.department is not None:
            if each.office not in days:
                days[each.office] = _local_day(directory, each.office, now_ms)
            today = days[each.office]
            found[each.office, each.department] += (each.from_ or today) <= today <= (each.to or today)
    return found


def _local_day(directory: Directory, office: str, now_ms: int) -> date:
    offset_ms = int(directory.zone_of(office).offsets_ms(np.array([now_ms]))[0])
    return date.fromordinal(min(_EPOCH_DAY + (now_ms + offset_ms) // DAY_MS, date.max.toordinal()))
