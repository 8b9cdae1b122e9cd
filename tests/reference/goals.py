"""Plans and matrices, minute by minute: how much of what the directory asks of somebody was reached."""

from calendar import monthrange
from datetime import UTC, date, datetime
from fractions import Fraction

from tests.reference.opening import is_open
from tests.reference.questions import document_of, office_of
from tests.reference.requests import WEEKDAYS, as_date, spans
from tests.reference.zones import zone_of

MINUTE_MS = 60_000
ALWAYS = [[(0, 1440)]] * 7


def attainments(fields, told, begin_ms, at_ms, directory):
    """Return the attainment of the plans of a scope in a window, of its indices: {index: (value, base)}."""
    found = {}
    for index, fact, amount in (
        ("plan_attainment", "revenue", "revenue_minor"),
        ("margin_plan_attainment", "margin", "margin_minor"),
    ):
        value = told[fact][0]
        planned = planned_of(fields, amount, begin_ms, at_ms, directory)
        reached = None if value is None or planned is None else float(value / planned)
        found[index] = (reached, 0 if planned is None else round(planned))
    return found


def planned_of(fields, amount, begin_ms, at_ms, directory):
    """Return how much is planned for a window, as a fraction; None where part of its working time lies in no plan."""
    office, employee, category = (fields.get(name) for name in ("office_id", "employee_id", "category"))
    document = document_of(directory)
    plans = [
        plan
        for plan in document.get("plans", [])
        if (plan["office"], plan.get("employee"), plan.get("category")) == (office, employee, category)
        and amount in plan
    ]
    if not plans:
        return None
    own = next(
        (each for each in document.get("employees", []) if (each["office"], each["id"]) == (office, employee)), {}
    )
    zone, week, exceptions = hours_of(office, directory)

    def days_worked(first, last):
        first = max(first, as_date(own.get("from", first)))
        last = min(last, as_date(own.get("to", last)))
        return first, last

    def worked_ms(first, last, since_ms=None, until_ms=None):
        """Return the working time of local days, the part of it that lies between two instants where they are given."""
        first, last = days_worked(first, last)
        total = 0
        minute = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) // 60 - 1440
        end = int(datetime(last.year, last.month, last.day, tzinfo=UTC).timestamp()) // 60 + 2 * 1440
        if since_ms is not None:
            minute, end = max(minute, since_ms // MINUTE_MS), min(end, until_ms // MINUTE_MS + 1)
        for each in range(minute, end):
            local = datetime.fromtimestamp(each * 60, zone_of(zone)).date()
            if first <= local <= last and is_open(each, zone, week, exceptions):
                begin, finish = each * MINUTE_MS, (each + 1) * MINUTE_MS
                if since_ms is not None:
                    begin, finish = max(begin, since_ms), min(finish, until_ms)
                total += max(finish - begin, 0)
        return total

    to_be_covered = worked_ms(date(1970, 1, 3), date(2099, 12, 31), begin_ms, at_ms)
    covered, planned = 0, Fraction(0)
    for plan in plans:
        period = days_of(plan["period"])
        inside = worked_ms(*period, begin_ms, at_ms)
        covered += inside
        if inside:
            planned += Fraction(plan[amount] * inside, worked_ms(*period))
    return planned if covered == to_be_covered and planned > 0 else None


def hours_of(office_id, directory):
    """Return the time zone of an office and its opening hours: of Monday to Sunday, and of single dates."""
    defaults = document_of(directory).get("defaults", {})
    office = office_of(office_id, directory)
    zone = office.get("time_zone", defaults.get("time_zone", "UTC"))
    week = ALWAYS
    if "opening_hours" in office:
        week = [spans(office["opening_hours"].get(day, ())) for day in WEEKDAYS]
    return zone, week, {as_date(day): spans(hours) for day, hours in office.get("exceptions", {}).items()}


def days_of(period):
    """Return the first and the last day of a period such as 2026-11, 2026-Q4, 2026, 2026-11-02/2026-11-15."""
    if "/" in period:
        first, last = map(date.fromisoformat, period.split("/"))
        return first, last
    year, _, part = period.partition("-")
    year = int(year)
    if not part:
        months = (1, 12)
    elif part.startswith("Q"):
        months = (3 * int(part[1]) - 2, 3 * int(part[1]))
    else:
        months = (int(part), int(part))
    return date(year, months[0], 1), date(year, months[1], monthrange(year, months[1])[1])


def score(fields, told, window, directory):
    """Return the score of an employee by their matrix: (value, base)."""
    matrix = matrix_of(fields["office_id"], fields["employee_id"], directory)
    if matrix is None or matrix.get("window", window) != window:
        return None, 0
    facts = [(line, told[line["index"]]["value"]) for line in matrix["lines"]]
    known = sum(fact is not None for _, fact in facts)
    if known < len(facts):
        return None, known
    total = 0.0
    for line, fact in facts:
        share = (fact - line["base"]) / (line["goal"] - line["base"])
        least, most = line.get("clip", (0, 1))
        total += line["weight"] * min(max(share, least), most)
    return total, known


def matrix_of(office, employee, directory):
    """Return the matrix of an employee, if there is one."""
    document = document_of(directory)
    people = document.get("employees", [])
    own = next((each for each in people if (each["office"], each["id"]) == (office, employee)), {})
    name = own.get("matrix")
    if name is None and (office, employee) not in {leader_of(each) for each in people}:
        name = office_of(office, directory).get("matrix", document.get("defaults", {}).get("matrix"))
    return next((each for each in document.get("matrices", []) if each["id"] == name), None)


def leader_of(person):
    """Return the office and id of a person's leader, if there is one."""
    return (person.get("leader_office", person["office"]), person["leader"]) if "leader" in person else None


def leaders(rows, directory):
    """Return the rows of leaders, of those of their people's scores."""
    people = {(each["office"], each["id"]): each for each in document_of(directory).get("employees", [])}
    groups = {}
    for row in rows:
        if row["index"] == "kpi_score" and row["scope"] == "employee" and row["value"] is not None:
            above = leader_of(people.get((row["office_id"], row["employee_id"]), {"office": None}))
            while above is not None:
                groups.setdefault((row["office_id"], above, row["window"]), []).append(row["value"])
                above = leader_of(people[above])
    return [
        {
            "scope": "leader",
            "office_id": office,
            "employee_id": leader,
            "leader_office": leader_office,
            "window": window,
            "index": "kpi_score",
            "value": sum(scores) / len(scores),
            "base": len(scores),
        }
        for (office, (leader_office, leader), window), scores in groups.items()
    ]
