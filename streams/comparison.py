"""How employees do beside their peers, of the same office and of the company: the deviations of an index from others and from a point.

Of an index by which employees are compared (:mod:`streams.comparable`), in a window, those take part of whom it may be
believed: a main index must be representative, of any other the base must be at least ``min_surveys``. Of the values that they have
now, and of nothing else, follow ``z``, ``rank`` and ``from_leader`` of each group (:mod:`streams.standing`) that is large
enough, and ``past_critical``: 1 where the whole interval lies beyond the critical point of the index, else 0.

Inside, values are turned so that less is better.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.indices import evaluate_some
from kernels.trust import SAME, Grounds
from streams.catalogue import catalogue
from streams.comparable import BETTER
from streams.configuration import Configuration
from streams.engine import Engine
from streams.evaluation import formulas_of
from streams.index import Index, Unit
from streams.partition import Partition
from streams.standing import Standing, standing
from streams.trust import LEVEL, MAIN, standards

GROUPS: Final = ("office", "company")
_MEASURES: Final = 3  # of each group: z, rank, from_leader
_ROWS: Final = 5  # of each index: value, lower and upper end, base, and what says whether it may be believed
_EVERY: Final = 2**62


class Peers(NamedTuple):
    """Employees of one partition who take part in anything, and with what; NaN where they do not."""

    entities: NDArray[np.int64]  # (employees,)
    offices: NDArray[np.int64]  # (employees,) numbers of their offices
    values: NDArray[np.float64]  # (employees, windows, compared), turned
    near: NDArray[np.float64]  # the same shape: the better end of the interval, turned
    far: NDArray[np.float64]  # the worse end
    bases: NDArray[np.float64]  # what the values rest on


class Others(NamedTuple):
    """Employees elsewhere, with one index in one window."""

    values: NDArray[np.float64]  # (employees,), turned
    far: NDArray[np.float64]


Elsewhere = Mapping[tuple[int, int], Others]  # by numbers of window and compared index
NOWHERE: Final[Elsewhere] = {}


class Deviations(NamedTuple):
    """How employees do in some windows."""

    values: NDArray[np.float64]  # (employees, windows, deviations), NaN for no value
    bases: NDArray[np.int64]  # the same shape: how many are compared, or the index's base; 0 where one takes no part


class Comparing:
    """The comparison under one configuration.

    ``indices`` are the deviations, as rows of the catalogue that have no counters of their own; ``compared`` are the indices that they are
    of, ``signs`` turn these so that less is better, ``critical`` are their critical points, turned, NaN for none; groups of fewer than
    ``least`` have no values.
    """

    def __init__(self, configuration: Configuration) -> None:
        rules = configuration.comparison
        known = {index.name: index for index in catalogue(configuration)}
        self.compared = [known[name] for name in rules.indices]
        self.signs = np.array([1.0 if BETTER[name] == "lower" else -1.0 for name in rules.indices])
        self.indices: list[Index] = []
        self.least = rules.min_employees
        self.critical = self.signs * [rules.critical_points.get(name, np.nan) for name in rules.indices]
        firsts, needed = [], []
        rows = [known[name] for name in (*MAIN, LEVEL)]  # by which others are judged
        for index in self.compared:
            firsts.append(len(self.indices))
            self.indices += _deviations(index, has_critical_point=index.name in rules.critical_points)
            base = Index(f"{index.name}_base", "count", index.scopes, "", index.base, {}, divides=False)
            rows += [index, known.get(f"{index.name}_lower", index), known.get(f"{index.name}_upper", index), base]
            rows.append(known.get(f"{index.name}_representative", base))
            needed.append(1 if index.name in MAIN else configuration.min_surveys)
        self._firsts = np.array(firsts, np.int64)  # of each compared index, the place of its deviations
        self._needed = np.array(needed)
        self._formulas = formulas_of(rows, standards(configuration))

    # Who takes part -----------------------------------------------------------------------------------------------

    def peers(self, engine: Engine, partition: Partition) -> Peers:
        """Who of a partition takes part, as of now; nothing of it is a view."""
        return self.peers_of(
            engine.evaluation.totals(partition), engine.evaluation.grounds(partition), partition.names.offices
        )

    def peers_of(self, totals: NDArray[np.int64], grounds: Grounds, offices: Sequence[int]) -> Peers:
        """The same, of all entities' counters and of what offices give for reasons.

        Parameters
        ----------
        totals
            (entities, windows, COUNTERS).
        offices
            Which of the entities are offices.
        """
        is_employee = grounds.office_of >= 0
        is_employee[list(offices)] = False
        employees = np.flatnonzero(is_employee) if self.compared else np.zeros(0, np.int64)
        held, _ = evaluate_some(totals, employees, self._formulas, _EVERY, grounds)
        shape = (employees.size, totals.shape[1], len(self.compared), _ROWS)
        value, lower, upper, base, judged = np.moveaxis(held[:, :, len(MAIN) + 1 :].reshape(shape), -1, 0)
        takes_part = ~np.isnan(value) & (judged >= self._needed)
        some = takes_part.any(axis=(1, 2))

        def kept(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(takes_part, numbers, np.nan)[some]

        less_is_better = self.signs > 0
        return Peers(
            employees[some],
            grounds.office_of[employees[some]].astype(np.int64),
            kept(value * self.signs),
            kept(np.where(less_is_better, lower, -upper)),
            kept(np.where(less_is_better, upper, -lower)),
            kept(base),
        )

    # How they do --------------------------------------------------------------------------------------------------

    def deviations(self, windows: Sequence[int], own: Sequence[Peers], elsewhere: Elsewhere | None) -> list[Deviations]:
        """How those of some partitions do in some windows.

        Parameters
        ----------
        elsewhere
            The rest of the company; None where it is not known, so that nothing can be told of the company.
        """
        parts = [_cells(peers, windows) for peers in own]
        told = []
        for peers in own:
            shape = peers.entities.size, len(windows), len(self.indices)
            told.append(Deviations(np.full(shape, np.nan), np.zeros(shape, np.int64)))
        if not own:
            return told
        cells = _joined(parts)
        offices = np.concatenate([peers.offices[part.rows] for peers, part in zip(own, parts, strict=True)])
        places = np.repeat(np.arange(len(own)), [part.rows.size for part in parts])
        in_offices = self._groups(cells, places * (1 + offices.max(initial=0)) + offices, len(windows))
        self._enter(told, parts, 0, standing(cells.values, cells.near, cells.far, in_offices, self.least))
        for found, part in zip(told, parts, strict=True):
            self._enter_critical(found, part)
        if elsewhere is not None:
            others = [
                _cells_of_others(at, column, elsewhere[window, column])
                for at, window in enumerate(windows)
                for column in range(len(self.compared))
                if (window, column) in elsewhere
            ]
            company = _joined([cells, *others])
            groups = self._groups(company, 0, len(windows))
            self._enter(told, parts, _MEASURES, standing(company.values, company.near, company.far, groups, self.least))
        return told

    def _groups(self, cells: "_Cells", teams: NDArray[np.int64] | int, windows: int) -> NDArray[np.int64]:
        """Numbers of the groups that are compared: of one team, in one window, by one index."""
        groups: NDArray[np.int64] = (teams * windows + cells.windows) * len(self.compared) + cells.columns
        return groups

    def _enter(self, told: list[Deviations], parts: "list[_Cells]", place: int, found: Standing) -> None:
        start = 0
        for deviations, cells in zip(told, parts, strict=True):
            some = found.of(slice(start, start + cells.rows.size))
            start += cells.rows.size
            columns = self._firsts[cells.columns] + place
            deviations.values[cells.rows, cells.windows, columns] = some.z * self.signs[cells.columns]
            deviations.values[cells.rows, cells.windows, columns + 1] = some.rank
            deviations.values[cells.rows, cells.windows, columns + 2] = some.from_leader
            for measure in range(_MEASURES):
                deviations.bases[cells.rows, cells.windows, columns + measure] = some.counts

    def _enter_critical(self, told: Deviations, cells: "_Cells") -> None:
        critical = self.critical[cells.columns]
        known = ~np.isnan(critical)
        columns = self._firsts[cells.columns[known]] + _MEASURES * len(GROUPS)
        places = cells.rows[known], cells.windows[known], columns
        told.values[places] = cells.near[known] > critical[known] + SAME
        told.bases[places] = cells.bases[known]


class _Cells(NamedTuple):
    """Those who take part, each in each window with each index, one after the other, (n,)."""

    rows: NDArray[np.int64]  # of the employees
    windows: NDArray[np.int64]  # their places among those asked for
    columns: NDArray[np.int64]  # of the compared indices
    values: NDArray[np.float64]
    near: NDArray[np.float64]
    far: NDArray[np.float64]
    bases: NDArray[np.float64]


def _cells(peers: Peers, windows: Sequence[int]) -> _Cells:
    chosen = np.array(windows, np.int64)
    rows, at, columns = np.nonzero(~np.isnan(peers.values[:, chosen]))
    places = rows, chosen[at], columns
    return _Cells(rows, at, columns, *(each[places] for each in (peers.values, peers.near, peers.far, peers.bases)))


def _cells_of_others(at: int, column: int, others: Others) -> _Cells:
    nobody, nothing = np.full(others.values.size, -1), np.full(others.values.size, np.nan)
    window, number = np.full(others.values.size, at), np.full(others.values.size, column)
    return _Cells(nobody, window, number, others.values, nothing, others.far, nothing)


def _joined(parts: "Sequence[_Cells]") -> _Cells:
    return _Cells(*(np.concatenate(each) for each in zip(*parts, strict=True)))


# Rows of the catalogue ---------------------------------------------------------------------------------------------


def _deviations(index: Index, *, has_critical_point: bool) -> list[Index]:
    """What is told of one compared index, in its order."""
    stem = index.name.removesuffix("_s")
    unit_suffix = index.name.removeprefix(stem)
    rows = []
    for group in GROUPS:
        rows += [
            _row(f"{stem}_{group}_z", "score", f"Standard deviations of {index.name} from the mean of the {group}."),
            _row(
                f"{stem}_{group}_rank",
                "count",
                f"Rank by {index.name} in the {group}: 1, and 1 more for each who is better for certain.",
            ),
            _row(
                f"{stem}_from_{group}_leader{unit_suffix}",
                index.unit,
                f"How much worse than the best {index.name} of the {group}.",
            )._replace(divides=True),  # a difference of doubles, also where they count
        ]
    if has_critical_point:
        rows.append(_row(f"{stem}_past_critical", "count", f"1 where {index.name} is past its critical point, else 0."))
    return rows


def _row(name: str, unit: Unit, text: str) -> Index:
    return Index(name, unit, ("employee",), text, {}, {}, divides=False)
