"""Why an employee stands beside their peers as they do: the values and intervals of those compared, without their names.

The comparison decides (:mod:`streams.comparison`); what it compared is listed, so that mean, deviation and rank can be worked out by hand.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.trust import SAME
from streams.comparable import BETTER
from streams.comparison import GROUPS, NOWHERE, Comparing, Peers
from streams.evidence import Evidence
from streams.index import Index
from streams.numbers import number, shown
from streams.results import value_of

Listed = dict[str, Any]

PAST_CRITICAL: Final = "past_critical"
_MEASURES: Final = ("z", "rank", "from_leader")


class Deviation(NamedTuple):
    """What a deviation is: of which index, in which group, and what of it."""

    row: Index
    compared: int  # its place among those compared
    group: str  # office or company
    measure: str  # z, rank, from_leader or past_critical


def deviations(comparing: Comparing) -> dict[str, Deviation]:
    """The deviations of a configuration by name."""
    rows = iter(comparing.indices)
    found = {}
    for at in range(len(comparing.compared)):
        for group in GROUPS:
            for measure in _MEASURES:
                row = next(rows)
                found[row.name] = Deviation(row, at, group, measure)
        if not np.isnan(comparing.critical[at]):
            row = next(rows)
            found[row.name] = Deviation(row, at, "office", PAST_CRITICAL)
    return found


def beside_peers(evidence: Evidence, comparing: Comparing, name: str, employee: int | None, window: int) -> Listed:
    """Value, base and formula of a deviation, and those compared; the evidence is the whole company where that is the group.

    Parameters
    ----------
    employee
        Its entity, None of whom nothing was heard.
    window
        Its place among the evidence's.
    """
    deviation = deviations(comparing)[name]
    peers = comparing.peers(evidence.engine, evidence.partition)
    own = np.flatnonzero(peers.entities == (-1 if employee is None else employee))
    takes_part = own.size > 0 and not np.isnan(peers.values[own[0], window, deviation.compared])
    if not takes_part:
        return {
            "value": None,
            "base": 0,
            "formula": _formula(deviation, "takes no part in the comparison"),
            "peers": [],
        }
    row = int(own[0])
    (told,) = comparing.deviations([window], [peers], NOWHERE)
    at = comparing.indices.index(deviation.row)
    value = value_of(float(told.values[row, 0, at]), deviation.row, ())
    listed = _listed(comparing, peers, deviation, row, window)
    text = f"{_in_words(comparing, deviation, listed, value)} = {shown(value)}"
    critical = float(comparing.critical[deviation.compared] * comparing.signs[deviation.compared])
    return {
        "value": value,
        "base": int(told.bases[row, 0, at]),
        "formula": _formula(deviation, text),
        "better": BETTER[comparing.compared[deviation.compared].name],
        "min_employees": comparing.least,
        "critical_point": critical if deviation.measure == PAST_CRITICAL else None,
        "peers": listed,
    }


def _formula(deviation: Deviation, text: str) -> Listed:
    return {"words": deviation.row.help, "text": text, "numerator": [], "denominator": None, "scale": 1}


def _listed(comparing: Comparing, peers: Peers, deviation: Deviation, own: int, window: int) -> list[Listed]:
    """Those of the group with their values, the best one first."""
    values = peers.values[:, window, deviation.compared]
    inside = ~np.isnan(values)
    if deviation.measure == PAST_CRITICAL:
        inside &= np.arange(values.size) == own
    elif deviation.group == "office":
        inside &= peers.offices == peers.offices[own]
    some = np.flatnonzero(inside)
    sign = comparing.signs[deviation.compared]
    near, far = (ends[:, window, deviation.compared] for ends in (peers.near, peers.far))

    # Names come in the order in which they were heard of, which tells nothing: equals are listed by their intervals.
    order = some[np.lexsort((far[some], near[some], some != own, values[some]))]

    def turned_back(turned: NDArray[np.float64], each: int) -> float:
        return float(turned[each] * sign)

    return [
        {
            "own": bool(each == own),
            "value": turned_back(values, each),
            "better_end": turned_back(near, each),
            "worse_end": turned_back(far, each),
        }
        for each in order.tolist()
    ]


def _in_words(comparing: Comparing, deviation: Deviation, listed: list[Listed], value: Any) -> str:
    own = next(each for each in listed if each["own"])
    if deviation.measure == PAST_CRITICAL:
        point = number(float(comparing.critical[deviation.compared] * comparing.signs[deviation.compared]))
        beyond = "above" if comparing.signs[deviation.compared] > 0 else "below"
        return f"better end {number(own['better_end'])} {'is' if value else 'is not'} {beyond} {point}"
    if len(listed) < comparing.least:
        return f"{len(listed)} of at least {comparing.least} employees"
    values = [each["value"] for each in listed]
    if deviation.measure == "from_leader":
        return f"distance of {number(own['value'])} from the best, {number(values[0])}"
    if deviation.measure == "z":
        return f"({number(own['value'])} - mean {number(float(np.mean(values)))}) / deviation {number(float(np.std(values)))}"
    sign = comparing.signs[deviation.compared]
    before = sum((own["better_end"] - each["worse_end"]) * sign > SAME for each in listed)
    return f"1 + {before} whose worse end is better than {number(own['better_end'])}"
