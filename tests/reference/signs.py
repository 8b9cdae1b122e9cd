"""Signs of gaming by brute force: every pair of things is looked at, nothing is sorted or remembered.

Shares nothing with the product but `tests.reference.method`, which says what surveys there are.
"""

from itertools import groupby

from tests.reference.method import begin_of, in_window, known, latest_verdicts, milliseconds, order, roles, surveys

LIMITS = {"quick_answer_s": 1, "yes_run": 10, "context_s": 600, "force_majeure_after_no_s": 120}
WINDOWS = ["15m", "1h", "8h", "24h", "7d", "30d"]


def entries(events, at_ms, config=None):
    """Return what signs are made of at an instant: (sign, office, employee, ts, event_id, whether it is odd)."""
    settings = config or {}
    seen = known(events, at_ms)
    accepted = surveys(events, at_ms, config)
    answers = answer_of(seen, accepted, roles(events, at_ms, config))
    windows = settings.get("windows", WINDOWS)

    def inside(things):
        return [each for each in things if any(in_window(each["ts"], at_ms, window) for window in windows)]

    counted = inside(each for each in accepted if each["valid"] and each["outcome"] != "undecided")
    long_ms = settings.get("long_press_ms", 3000)
    declared = inside(each for each in seen if each["type"] == "seller_press" and each["hold_ms"] >= long_ms)
    sold = inside(each for each in seen if is_sale(each))
    limits = LIMITS | settings.get("signs", {})
    near_ms = milliseconds(limits["context_s"])
    since_ms = min(begin_of(at_ms, window) for window in windows) - near_ms
    lately = [each for each in seen if each["ts"] >= since_ms]
    pressed = [each for each in accepted if each["ts"] >= since_ms]
    found = [
        *quick_answers(counted, answers, milliseconds(limits["quick_answer_s"])),
        *yes_runs(counted, limits["yes_run"]),
        *presses_without_context(counted, lately, near_ms),
        *sales_without_press(sold, pressed, near_ms),
        *force_majeures(declared, answers, latest_verdicts(seen), milliseconds(limits["force_majeure_after_no_s"])),
    ]
    return [
        (sign, each["office_id"], each["employee_id"], each["ts"], each["event_id"], odd) for sign, each, odd in found
    ]


def quick_answers(counted, answers, limit_ms):
    """Yield answered surveys, and whether the answer came at once."""
    for survey in counted:
        given = answers.get((survey["office_id"], survey["event_id"]))
        if given:
            yield "quick_answers", survey, given["ts"] - survey["ts"] <= limit_ms


def yes_runs(counted, length):
    """Yield surveys answered with yes, and whether so many of them followed each other."""
    for who in {(each["office_id"], each["employee_id"]) for each in counted}:
        own = sorted((each for each in counted if (each["office_id"], each["employee_id"]) == who), key=order)
        for outcome, run in groupby(own, key=lambda each: each["outcome"]):
            members = list(run)
            if outcome == "yes":
                yield from (("yes_runs", each, len(members) >= length) for each in members)


def presses_without_context(counted, seen, near_ms):
    """Yield surveys of offices that tell of contacts, and whether none is near."""
    contacts = [each for each in seen if each["type"] in {"call", "sale"} or is_visit(each)]
    for survey in counted:
        own = [each for each in contacts if each["office_id"] == survey["office_id"]]
        if own:
            near = any(goes_with(each, survey, near_ms) for each in own)
            yield "presses_without_context", survey, not near


def sales_without_press(sold, accepted, near_ms):
    """Yield sales of employees in offices with panels, and whether none of their presses is near."""
    for sale in sold:
        presses = [each for each in accepted if each["office_id"] == sale["office_id"]]
        mine = [each for each in presses if each["employee_id"] == sale["employee_id"]]
        if presses:
            yield "sales_without_press", sale, not any(abs(each["ts"] - sale["ts"]) <= near_ms for each in mine)


def force_majeures(declared, answers, verdicts, after_ms):
    """Yield force majeures under each of their signs."""
    for press in declared:
        place = press["office_id"], press["panel_id"]
        noes = [each for each in answers.values() if each["answer"] == "no"]
        here = [each["ts"] for each in noes if (each["office_id"], each["panel_id"]) == place]
        verdict = verdicts.get((press["office_id"], "force_majeure", press["event_id"]))
        yield "force_majeure_after_no", press, any(press["ts"] - after_ms <= ts_ms <= press["ts"] for ts_ms in here)
        yield "force_majeures_declared", press, True
        yield "force_majeures_confirmed", press, verdict is not None and bool(verdict["reliable"])


def answer_of(seen, accepted, role):
    """Return the customer press that answered each survey, by the survey's office and id."""
    found = {}
    for press in seen:
        if role.get((press["office_id"], press["event_id"])) == "answer":
            before = [
                each
                for each in accepted
                if each["office_id"] == press["office_id"]
                and each["panel_id"] == press["panel_id"]
                and each["ts"] <= press["ts"]
            ]
            survey = max(before, key=order)
            found[survey["office_id"], survey["event_id"]] = press
    return found


def is_visit(event):
    """Say whether somebody came in."""
    return event["type"] == "visit" and event.get("count", 1) > 0


def is_sale(event):
    """Say whether an employee sold something."""
    return event["type"] == "sale" and event["amount_minor"] > 0 and "employee_id" in event


def goes_with(contact, survey, near_ms):
    """Say whether a contact may be what a survey was about."""
    who = contact.get("employee_id")
    return who in {None, survey["employee_id"]} and abs(contact["ts"] - survey["ts"]) <= near_ms


def rows(events, at_ms, config=None):
    """Return counts and bases: {(scope, office, employee, window, sign): (count, base)}."""
    result = {}
    for sign, office, employee, ts_ms, _, odd in entries(events, at_ms, config):
        for window in (config or {}).get("windows", WINDOWS):
            if in_window(ts_ms, at_ms, window):
                for scope, name in (("office", None), ("employee", employee)):
                    count, base = result.get((scope, office, name, window, sign), (0, 0))
                    result[scope, office, name, window, sign] = (count + odd, base + 1)
    return result
