"""What the pages Company, Office and Employee show, as of the last round."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.board.history import History
from agents.board.reading import Read
from agents.board.regions import MOST_REGIONS, totals
from agents.board.values import (
    DIAGNOSES,
    MAIN,
    OUTCOMES,
    QUESTIONS,
    View,
    diagnosis,
    ordered,
    reading,
    verdicts,
)
from streams.configuration import Configuration

PAGE_ROWS: Final = 50

_OFFICE_SHARES: Final = (
    *("response_share", "silent_share", "visitor_coverage", "precise_conversion"),
    *("force_majeure_level", "service_level", "nps", "csat", "utilisation", "plan_attainment"),
)
_EMPLOYEE_FACTS: Final = (
    *("response_share", "silent_share", "force_majeure_level", "precise_conversion"),
    *("service_level", "abandonment", "average_speed_of_answer", "average_handle_time"),
    *("calls_offered", "calls_answered", "calls_missed"),
    *("sales", "revenue", "margin", "average_ticket", "plan_attainment"),
    *("nps", "csat", "ces", "utilisation", "occupancy", "kpi_score"),
)
_STANDINGS: Final = ("office_z", "office_rank", "from_office_leader", "company_z", "company_rank", "past_critical")
OFFICE_SORTS: Final = (*MAIN, "response_share", "force_majeure_level", "surveys", "office")
EMPLOYEE_SORTS: Final = (*MAIN, "silent_share", "calls_answered", "service_level", "sales", "surveys", "employee")
DESCENDING: Final = (
    "ink_personnel",
    "ink_office",
    "silent_share",
    "force_majeure_level",
    "surveys",
    "sales",
    "calls_answered",
    "calls_missed",
    "abandonment",
    "average_speed_of_answer",
)
"""What is sorted from the greatest on, so that what needs attention comes first."""


def company(read: Read, history: History, rules: Configuration, window: str, asked: dict[str, str]) -> dict[str, Any]:
    """The company: how many offices are where, and a page of them."""
    view = View.of(read, "office", window)
    references = references_of(rules)
    counts = {word: int(np.nansum(view.column(f"diagnosis|{word}"))) for word in DIAGNOSES}
    rows = np.flatnonzero(view.seen())
    found = _searched(read, view, rows, asked)
    shown = page_of(view, found, asked, OFFICE_SORTS, "office")
    return {
        "offices": rows.size,
        "employees": int(np.count_nonzero(View.of(read, "employee", window).seen())),
        "references": references,
        "verdicts": {index: verdicts(view, index, references[index]) for index in MAIN},
        "medians": {index: median(view, index) for index in MAIN},
        "diagnoses": counts,
        "shares": _shares(view),
        "regions": sorted({office.get("region", "") for office in read.offices.values()} - {""})[:MOST_REGIONS],
        "totals": totals(read, view, view.total(surveyed())),
        "history": {
            "times_s": history.times_s(),
            **history.figures([f"{index}/{window}" for index in (*MAIN, "response_share")]),
        },
        "page": page_numbers(shown, found.size),
        "rows": [_office_row(read, view, row) for row in shown["rows"]],
    }


def figures(read: Read) -> dict[str, float | None]:
    """What of the company is remembered of each round: the middle office by each main index, and how many answer."""
    found: dict[str, float | None] = {}
    for window in read.windows:
        view = View.of(read, "office", window)
        found |= {f"{index}/{window}": median(view, index) for index in MAIN}
        found[f"response_share/{window}"] = _shares(view)["response_share"]
    return found


def office(
    read: Read, history: History, rules: Configuration, window: str, asked: dict[str, str]
) -> dict[str, Any] | None:
    """One office with its employees; None where there is none of this name."""
    view = View.of(read, "office", window)
    key = asked.get("office", ""), ""
    row = view.row(key)
    if row is None:
        return None
    people = View.of(read, "employee", window)
    mine = _of_office(people, key[0], asked.get("q", ""))
    shown = page_of(people, mine, asked, EMPLOYEE_SORTS, "employee")
    return {
        **_named(read, key[0]),
        "references": references_of(rules),
        "main": [reading(view, row, index) for index in MAIN],
        "outcomes": outcomes(view, row),
        "asked_s": {q: view.at(row, f"question_last_asked_timestamp|{q}", now=True) for q in QUESTIONS.values()},
        "diagnosis": diagnosis(view, row),
        "facts": facts(view, row, _OFFICE_SHARES),
        "limits": {"force_majeure_level": rules.force_majeure_level_max},
        "history": _history(history, "office", row, window, ("silent_share", "visitor_coverage", "force_majeure_level"))
        | {"in_force_majeure": _in_force_majeure(read, history, row)},
        "page": page_numbers(shown, mine.size),
        "rows": [_employee_row(people, row) for row in shown["rows"]],
    }


def employee(
    read: Read, history: History, rules: Configuration, window: str, asked: dict[str, str]
) -> dict[str, Any] | None:
    """One employee beside the office; None where there is none of this name."""
    view, offices = View.of(read, "employee", window), View.of(read, "office", window)
    key = asked.get("office", ""), asked.get("employee", "")
    row, home = view.row(key), offices.row((key[0], ""))
    if row is None:
        return None
    indices = [index.removesuffix("_s") for index in rules.comparison.indices]  # metrics end in _seconds instead
    compared = [index for index in indices if f"{index}_office_rank" in view.frame.columns]
    return {
        **_named(read, key[0]),
        "employee": key[1],
        "references": references_of(rules),
        "main": [reading(view, row, index) for index in MAIN],
        "office_main": [reading(offices, home, index) for index in MAIN],
        "outcomes": outcomes(view, row),
        "facts": facts(view, row, _EMPLOYEE_FACTS),
        "standings": [
            {"index": index, **{each: view.at(row, f"{index}_{each}") for each in _STANDINGS}} for index in compared
        ],
        "history": _history(history, "employee", row, window, ("silent_share", "service_level", "sales"))
        | {"office": history.series("office", home, window, MAIN) if history.keeps("office") else None},
    }


# Parts -------------------------------------------------------------------------------------------------------------


def references_of(rules: Configuration) -> dict[str, float]:
    """What the company holds for good."""
    return {index: float(getattr(rules.reference, index)) for index in MAIN}


def median(view: View, index: str) -> float | None:
    """The value that half of the representative offices are at or below, None where there is no such office."""
    values = view.column(index)[view.column(f"{index}_representative") == 1]
    values = values[~np.isnan(values)]
    return float(np.median(values)) if values.size else None


def outcomes(view: View, row: int | None) -> dict[str, dict[str, float | None]]:
    """How many surveys of each question came out how."""
    return {q: {each: view.at(row, f"surveys|{q}|{each}") for each in OUTCOMES} for q in QUESTIONS.values()}


def facts(view: View, row: int | None, names: Iterable[str]) -> list[dict[str, Any]]:
    """Readings of those indices that have a value."""
    found = (reading(view, row, name) for name in names)
    return [each for each in found if each["value"] is not None]


def page_of(
    view: View, rows: NDArray[np.int64], asked: dict[str, str], sorts: tuple[str, ...], name: str
) -> dict[str, Any]:
    """A page of rows, in the order that is asked for."""
    by = asked.get("sort", sorts[0])
    if by not in sorts:
        by = sorts[0]
    turned = asked.get("turned") == "1"
    descending = (by in DESCENDING) != turned
    if by == name:
        arranged = np.array(sorted(rows.tolist(), key=view.frame.keys.__getitem__, reverse=descending), np.int64)
    elif by == "surveys":
        totals = view.total(surveyed())[rows]
        arranged = rows[np.argsort(-totals if descending else totals, kind="stable")]
    else:
        arranged = ordered(view, rows, by, descending=descending)
    last = max(0, (rows.size - 1) // PAGE_ROWS)
    wanted = asked.get("page", "0")
    number = min(last, int(wanted) if wanted.isdecimal() and len(wanted) < 7 else 0)  # noqa: PLR2004 - digits
    some = arranged[number * PAGE_ROWS : (number + 1) * PAGE_ROWS].tolist()
    return {"rows": some, "number": number, "last": last, "sort": by, "descending": descending}


def surveyed() -> list[str]:
    """The columns of all surveys."""
    return [f"surveys|{question}|{each}" for question in QUESTIONS.values() for each in OUTCOMES]


def matches(read: Read, office_id: str, wanted: str) -> bool:
    """Whether what is searched for, in small letters, is in an office's id, name or region."""
    says = read.offices.get(office_id, {})
    return wanted in " ".join((office_id, says.get("name", ""), says.get("region", ""))).casefold()


def page_numbers(shown: dict[str, Any], found: int) -> dict[str, Any]:
    """A page without its rows, and of how many rows it is one."""
    return {name: value for name, value in shown.items() if name != "rows"} | {"found": found, "size": PAGE_ROWS}


def _searched(read: Read, view: View, rows: NDArray[np.int64], asked: dict[str, str]) -> NDArray[np.int64]:
    """The rows that are searched for: by a text, a diagnosis, a region."""
    wanted, region, cause = asked.get("q", "").casefold().strip(), asked.get("region", ""), asked.get("diagnosis", "")
    if cause in DIAGNOSES:
        rows = rows[view.column(f"diagnosis|{cause}")[rows] == 1]
    if not (wanted or region):
        return rows
    ids = [office_id for office_id, _ in view.frame.keys]
    return np.array(
        [
            row
            for row in rows.tolist()
            if matches(read, ids[row], wanted) and region in ("", read.offices.get(ids[row], {}).get("region", ""))
        ],
        np.int64,
    )


def _of_office(people: View, office_id: str, wanted: str) -> NDArray[np.int64]:
    seen = people.seen()
    wanted = wanted.casefold().strip()
    rows = (row for (home, name), row in people.frame.rows.items() if home == office_id and wanted in name.casefold())
    return np.array([row for row in rows if row < seen.size and seen[row]], np.int64)


def _shares(view: View) -> dict[str, float | None]:
    """What can be added up over offices: surveys, and how many of them were answered."""
    counts = {each: float(view.total([f"surveys|{q}|{each}" for q in QUESTIONS.values()]).sum()) for each in OUTCOMES}
    total = sum(counts.values())
    return {"surveys": total, "response_share": (total - counts["silent"]) / total if total else None}


def _named(read: Read, office_id: str) -> dict[str, str]:
    says = read.offices.get(office_id, {})
    return {"office": office_id, "name": says.get("name", ""), "region": says.get("region", "")}


def _office_row(read: Read, view: View, row: int) -> dict[str, Any]:
    office_id, _ = view.frame.keys[row]
    return {
        **_named(read, office_id),
        "main": [reading(view, row, index) for index in MAIN],
        "diagnosis": diagnosis(view, row),
        "response_share": reading(view, row, "response_share"),
        "force_majeure_level": reading(view, row, "force_majeure_level"),
    }


def _employee_row(view: View, row: int) -> dict[str, Any]:
    _, name = view.frame.keys[row]
    return {
        "employee": name,
        "main": [reading(view, row, index) for index in MAIN],
        "rank": view.at(row, "ink_personnel_office_rank"),
        "facts": {each: reading(view, row, each) for each in ("silent_share", "service_level")},
        "counts": {each: view.at(row, each) for each in ("calls_answered", "sales")},
    }


def _in_force_majeure(read: Read, history: History, row: int) -> list[bool]:
    """At which points surveys of the shortest window lay in a standing force majeure."""
    if not read.windows or not history.keeps("office"):
        return []
    levels = history.series("office", row, read.windows[0], ("force_majeure_level",))["force_majeure_level"]
    return [bool(level) for level in levels]


def _history(history: History, scope: str, row: int, window: str, more: tuple[str, ...]) -> dict[str, Any]:
    if not history.keeps(scope):
        return {"times_s": None}
    names = [f"{index}{end}" for index in MAIN for end in ("", "_lower", "_upper")]
    return {"times_s": history.times_s(), **history.series(scope, row, window, [*names, *more])}
