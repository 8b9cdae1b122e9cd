"""Service requests by brute force: each looked at as a whole, as of one instant.

A *mark* is something that counts at an instant of its own: {type, office_id, priority, employee_id, ts, what, amount}, where `what` is
`opened`, `response`, `resolution`, or the stage of a target.
"""

from collections import defaultdict
from datetime import date

from tests.reference.opening import due_ms as opening_due_ms
from tests.reference.questions import read

UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NEVER = float("inf")


def requests(seen, at_ms, settings):
    """Return every opened request: its `marks`, whether it is `open` and `overdue`, its `office_id` and configured `priority`."""
    events = defaultdict(list)
    for event in seen:
        if event["type"] == "request":
            events[event["office_id"], event["request_id"]].append(event)
    found = []
    for (office, _), of_request in events.items():
        stages = {}
        for event in sorted(of_request, key=lambda event: (event["ts"], event["event_id"].encode())):
            stages.setdefault(event["stage"], event)
        if "opened" in stages:
            found.append(request(office, stages, at_ms, settings))
    return found


def request(office, stages, at_ms, settings):
    """Return what one request counts for."""
    opened_ms = stages["opened"]["ts"]
    targets = {
        target["stage"]: target
        for target in settings.get("request_targets", ())
        if target["priority"] == stages["opened"]["priority"]
    }
    known = {target["priority"] for target in settings.get("request_targets", ())}
    priority = stages["opened"]["priority"] if stages["opened"]["priority"] in known else None
    reached = {stage: max(event["ts"], opened_ms) for stage, event in stages.items()}
    cancelled_ms = reached.pop("cancelled", NEVER)
    reached = {stage: ts_ms for stage, ts_ms in reached.items() if ts_ms <= cancelled_ms}
    resolved_ms = reached.get("resolved", NEVER)
    reached = {stage: ts_ms for stage, ts_ms in reached.items() if ts_ms <= resolved_ms}
    workers = {stage: stages[stage].get("employee_id") for stage in reached}
    if "resolved" in reached and "first_response" not in reached:
        reached["first_response"], workers["first_response"] = resolved_ms, workers["resolved"]

    marks = []

    def mark(what, ts_ms, amount, stage):
        who = workers.get(stage) or stages["opened"].get("employee_id")
        fields = {"employee_id": who, "priority": priority}
        given = {name: value for name, value in fields.items() if value is not None}
        marks.append({"type": "mark", "office_id": office, "ts": ts_ms, "what": what, "amount": amount} | given)

    mark("opened", opened_ms, 0, "opened")
    for what, stage in (("response", "first_response"), ("resolution", "resolved")):
        if stage in reached:
            mark(what, reached[stage], reached[stage] - opened_ms, stage)
    is_open = min(resolved_ms, cancelled_ms) == NEVER
    overdue = False
    for stage, target in targets.items():
        due_ms = due(office, opened_ms, target, settings)
        if reached.get(stage, NEVER) <= due_ms < NEVER:
            mark(stage, reached[stage], 1, stage)
        elif at_ms > due_ms and cancelled_ms >= due_ms and not (stage == "on_site" and resolved_ms <= due_ms):
            mark(stage, due_ms, 0, stage)
            overdue |= is_open and stage not in reached
    return {"office_id": office, "priority": priority, "marks": marks, "open": is_open, "overdue": overdue}


def due(office, opened_ms, target, settings):
    """Return by when a stage must be reached."""
    within_ms = int(target["within"][:-1]) * UNITS_MS[target["within"][-1]]
    directory = settings.get("directory")
    document = read(directory) if isinstance(directory, str) else directory or {}
    known = next((each for each in document.get("offices", []) if each["id"] == office), {})
    if target.get("hours") != "opening" or "opening_hours" not in known:
        return opened_ms + within_ms
    zone = known.get("time_zone", document.get("defaults", {}).get("time_zone", "UTC"))
    week = [spans(known["opening_hours"].get(day, ())) for day in WEEKDAYS]
    exceptions = {as_date(day): spans(hours) for day, hours in known.get("exceptions", {}).items()}
    return opening_due_ms(opened_ms, within_ms, zone, week, exceptions)


def as_date(day):
    """Return a date, of a date or a text."""
    return day if isinstance(day, date) else date.fromisoformat(day)


def spans(hours):
    """Return hours such as 09:00-18:00 as minutes of the day."""
    found = []
    for text in hours:
        begin, end = (int(time[:2]) * 60 + int(time[3:]) for time in text.split("-"))
        found.append((begin, end if end > begin else end + 1440))
    return found


def request_values(marks):
    """Return the indices of the marks of a scope: {index: (value, base)}."""
    of = defaultdict(list)
    for each in marks:
        of[each["what"]].append(each["amount"])
    result = {}
    for stage in ("first_response", "on_site", "resolved"):
        result[f"sla_{stage}"] = mean(of[stage])
        result[f"sla_{stage}_due"] = (len(of[stage]) or None, len(of[stage]))
    result["first_response_s"] = mean(of["response"], 1000)
    result["resolution_s"] = mean(of["resolution"], 1000)
    result["requests_opened"] = (len(of["opened"]) or None, len(of["opened"]))
    return result


def mean(amounts, scale=1):
    """Return (value, base)."""
    return (sum(amounts) / len(amounts) / scale if amounts else None), len(amounts)


def open_now(found):
    """Return the rows of the requests that are open now, where there are any."""
    groups = defaultdict(list)
    for each in found:
        if each["open"]:
            scope = {"scope": "office", "office_id": each["office_id"], "employee_id": None}
            groups[tuple(scope.items())].append(each)
            if each["priority"] is not None:
                groups[tuple((scope | {"scope": "priority", "priority": each["priority"]}).items())].append(each)
    return [
        dict(scope) | {"window": None, "index": index, "value": value, "base": len(members)}
        for scope, members in groups.items()
        for index, value in (
            ("requests_open", len(members)),
            ("requests_overdue", sum(each["overdue"] for each in members)),
        )
    ]
