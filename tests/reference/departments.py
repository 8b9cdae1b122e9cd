"""What departments think of each other, by brute force: scores of each group, and what of them may be shown.

Ratings name nobody, so each is a rater. Groups of fewer than five are not shown, and nothing that is shown may be taken from
something else that is so that fewer than five are left:

* what all others together gave a department, less the departments that are shown;
* what lies in a window, less what lies in a shorter one.

Who rated whom is shown in the window alone that reaches back farthest. A department that rates itself counts nowhere.
"""

from datetime import datetime

from tests.reference.questions import document_of, office_of
from tests.reference.zones import zone_of

LEAST = 5


def department_rows(ratings, at_ms, starts, settings):
    """Return the rows of departments and of pairs of them.

    Parameters
    ----------
    ratings : list
        Ratings between departments, each once, none after the instant.
    starts : dict
        The first instant of each window.
    """
    between = [rating for rating in ratings if rating["from_department"] != rating["to_department"]]
    rows = []
    for office, rated, criterion in sorted({about for rating in between for about in abouts(rating)}):
        given = [(rating["ts"], rating["from_department"], score) for rating in between
                 for about, score in abouts(rating).items() if about == (office, rated, criterion)]  # fmt: skip
        rows += matrix_rows(office, rated, criterion, given, starts)
        rows += total_rows(office, rated, criterion, given, starts)
    return rows + participation_rows(between, at_ms, starts, settings)


def abouts(rating):
    """Return what a rating says: {(office, rated, criterion): score}; of no criterion, "", 1 where it is extreme without a comment."""
    place = rating["office_id"], rating["to_department"]
    extreme = any(score in {1, 10} for score in rating["scores"].values())
    silent = rating.get("comment", "").strip() == ""
    return {(*place, criterion): score for criterion, score in rating["scores"].items()} | {
        (*place, ""): int(extreme and silent)
    }


def matrix_rows(office, rated, criterion, given, starts):
    """Return the rows of those who rated one department, in the window that reaches back farthest."""
    window = min(starts, key=starts.get)
    by_rater = {}
    for ts, rater, score in given:
        if ts >= starts[window]:
            by_rater.setdefault(rater, []).append(score)
    shown = sorted((rater for rater in by_rater if len(by_rater[rater]) >= LEAST), key=lambda r: (len(by_rater[r]), r))
    if 0 < sum(len(scores) for rater, scores in by_rater.items() if rater not in shown) < LEAST:
        shown = shown[1:]
    scope = {"scope": "pair", "office_id": office, "employee_id": None}
    return [
        scope | {"from_department": rater, "to_department": rated} | row
        for rater in shown
        for row in values(criterion, window, by_rater[rater])
    ]


def total_rows(office, rated, criterion, given, starts):
    """Return the rows of one department, rated by all others together."""
    rows = []
    before = None
    for window in sorted(starts, key=starts.get):
        scores = [score for ts, _, score in given if ts >= starts[window]]
        if len(scores) >= LEAST and (before is None or not 0 < before - len(scores) < LEAST):
            scope = {"scope": "department", "office_id": office, "employee_id": None, "department": rated}
            rows += [scope | row for row in values(criterion, window, scores)]
            before = len(scores)
    return rows


def values(criterion, window, scores):
    """Return the parts of rows that some scores give, or that ratings give."""
    total, count = sum(scores), len(scores)
    if criterion:
        row = {"criterion": criterion, "window": window, "index": "peer_score"}
        return [row | {"value": total / count, "base": count}]
    return [
        {"window": window, "index": "peer_raters", "value": count, "base": count},
        {"window": window, "index": "peer_extremes_uncommented", "value": total, "base": count},
    ]


def participation_rows(between, at_ms, starts, settings):
    """Return the rows of departments that rated others, for each employee whom they have today."""
    people = document_of(settings.get("directory")).get("employees", [])
    rows = []
    for office, department in sorted({(rating["office_id"], rating["from_department"]) for rating in between}):
        staff = sum(
            (each["office"], each.get("department")) == (office, department) and is_employed(each, at_ms, settings)
            for each in people
        )
        for window, start in starts.items():
            given = sum(
                (rating["office_id"], rating["from_department"]) == (office, department) and rating["ts"] >= start
                for rating in between
            )
            if given and staff:
                scope = {"scope": "department", "office_id": office, "employee_id": None, "department": department}
                row = {"window": window, "index": "peer_participation", "value": given / staff, "base": staff}
                rows.append(scope | row)
    return rows


def is_employed(person, at_ms, settings):
    """Say whether an instant lies in somebody's days, by the clocks of the office; days as dates or texts."""
    defaults = document_of(settings.get("directory")).get("defaults", {})
    office = office_of(person["office"], settings.get("directory"))
    zone = zone_of(office.get("time_zone", defaults.get("time_zone", "UTC")))
    today = datetime.fromtimestamp(at_ms // 1000, zone).date().isoformat()
    return str(person.get("from", today)) <= today <= str(person.get("to", today))
