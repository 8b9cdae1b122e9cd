"""Employees beside their peers, by brute force: everyone is compared with everyone, one by one.

A part of `tests.reference.method`: it sees the rows of all employees in one window, and nothing else.
"""

import math
from statistics import mean, pstdev

LOWER = [
    "ink_personnel",
    "ink_office",
    "silent_share",
    "abandonment",
    "average_speed_of_answer_s",
    "calls_missed",
    "ces",
    "churn",
    "first_response_s",
    "resolution_s",
]
HIGHER = [
    "iel",
    "precise_conversion",
    "response_share",
    "service_level",
    "calls_answered",
    "sales",
    "revenue",
    "average_ticket",
    "nps",
    "csat",
    "sla_first_response",
    "sla_on_site",
    "sla_resolved",
]
MAIN = ("ink_personnel", "ink_office", "iel")
DEFAULTS = {
    "indices": ["ink_personnel", "service_level", "nps", "csat"],
    "min_employees": 5,
    "critical_points": {},
}
SAME = 1e-9


def compare(employees, settings):
    """Return what there is to tell of employees: {(office, employee): {index: row}}, of their rows in one window."""
    rules = DEFAULTS | settings.get("comparison", {})
    told = {person: {} for person in employees}
    for index in rules["indices"]:
        standings = {
            person: standing(index, rows) for person, rows in employees.items() if believed(index, rows, settings)
        }
        stem, unit = (index[:-2], "_s") if index.endswith("_s") else (index, "")
        for person, own in standings.items():
            colleagues = [other for (office, _), other in standings.items() if office == person[0]]
            for group, peers in (("office", colleagues), ("company", list(standings.values()))):
                known = len(peers) >= rules["min_employees"]
                for name, value in (
                    (f"{stem}_{group}_z", z(own, peers)),
                    (f"{stem}_{group}_rank", 1 + sum(better(other, own) for other in peers)),
                    (f"{stem}_from_{group}_leader{unit}", own["badness"] - min(other["badness"] for other in peers)),
                ):
                    told[person][name] = {"value": value if known else None, "base": len(peers)}
            if index in rules["critical_points"]:
                point = rules["critical_points"][index] * own["sign"]
                told[person][f"{stem}_past_critical"] = {
                    "value": int(own["best"] > point + SAME),
                    "base": employees[person][index]["base"],
                }
    return told


def believed(index, rows, settings):
    """Say whether an employee takes part in the comparison by an index."""
    if index not in rows or rows[index]["value"] is None:
        return False
    if index in MAIN:
        return bool(rows[f"{index}_representative"]["value"])
    return rows[index]["base"] >= settings["min_surveys"]


def standing(index, rows):
    """Return the value of an employee, and both ends of its interval, as numbers of which less is better."""
    sign = 1 if index in LOWER else -1
    assert (index in LOWER) != (index in HIGHER)
    value = rows[index]["value"]
    ends = [
        sign * rows[name]["value"] if name in rows else sign * value for name in (f"{index}_lower", f"{index}_upper")
    ]
    return {"sign": sign, "value": value, "badness": sign * value, "best": min(ends), "worst": max(ends)}


def better(one, other):
    """Say whether one is better than another for certain."""
    return one["worst"] < other["best"] - SAME


def z(own, peers):
    """Return by how many standard deviations a value lies above the mean; none where all are the same."""
    values = [peer["value"] for peer in peers]
    if max(values) - min(values) <= SAME:
        return None
    assert math.isfinite(own["value"])
    return (own["value"] - mean(values)) / pstdev(values)
