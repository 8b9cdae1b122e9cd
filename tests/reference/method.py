"""The measuring method by brute force: what every index is, said as plainly as it can be.

This is what the product is held against, so it shares nothing with it: plain Python, lists and dictionaries, no
state. Every function looks at the whole set of events and works its answer out anew for one instant.

Events are dictionaries as `tests.reference.contract.judge` returns them: instants in whole epoch milliseconds,
durations in seconds, money in minor units, absent fields left out.

Readings where the method says less than a program must know:

* durations become whole milliseconds by `round(seconds * 1000)` (half to even); limits are rounded and compared so;
* handle time is summed over all calls, whatever became of them, as `talk_s` is; only its divisor is the answered ones;
* `average_ticket` is the mean of the positive amounts: a refund lowers revenue (and margin) only;
* a ratio whose denominator is 0 or less (visits may carry any `count`) has no value;
* a verdict whose `target` is not what the press is neither takes effect nor competes with verdicts that match;
* a scope has rows in a window when a valid survey, a call, a sale, a visit, a rating, a client, a vote of colleagues, what counts of a
  request or available time lies there;
* what is compared with a limit is compared as a fraction: a value of exactly 0.2 is at a reference of 0.2.
"""

from collections import defaultdict
from itertools import pairwise

from tests.reference.comparison import compare
from tests.reference.departments import department_rows
from tests.reference.goals import attainments, leaders, score
from tests.reference.questions import office_of, question_of
from tests.reference.requests import open_now, request_values, requests
from tests.reference.scores import score_values
from tests.reference.trust import diagnosis, intervals, last_asked, representative
from tests.reference.work import time_at_work, work_values

DEFAULTS = {
    "silent_weight": 0.8,
    "answer_window_s": 30,
    "debounce_ms": 1000,
    "long_press_ms": 3000,
    "force_majeure_duration_s": 900,
    "force_majeure_excludes": "all",
    "force_majeure_pending": "include",
    "windows": ["15m", "1h", "8h", "24h", "7d", "30d"],
    "service_level_s": 20,
    "short_abandon_s": 5,
    "min_surveys": 30,
    "representative_by": "none",
    "coverage_limits": [0, 1],
    "conversion_limits": [0, 1],
    "force_majeure_level_max": 0.2,
    "asked_within_s": 2_678_400,
    "diagnosis_margin": 0.05,
}
BUCKETS = 60
SELLING = {"office", "employee", "category"}
OTHER_NAMES = (  # of scopes
    *("queue", "priority", "category", "leader_office"),
    *("from_department", "to_department", "department", "criterion"),
)
KEYS = ("scope", "office_id", "employee_id", *OTHER_NAMES, "window", "index")
MINUTES = {"m": 1, "h": 60, "d": 24 * 60}


def indices(events, at_ms, config=None):
    """Return the rows that a replay of `events` at `at_ms` prints, ordered by scope, window and index."""
    settings = DEFAULTS | (config or {})
    counted = [
        survey | {"type": "survey"}
        for survey in surveys(events, at_ms, config)
        if survey["valid"] and survey["outcome"] != "undecided"
    ]
    others = [event for event in known(events, at_ms) if counts(event)]
    worked_on = requests(known(events, at_ms), at_ms, settings)
    others += [mark for each in worked_on for mark in each["marks"]]
    asked = last_asked(counted)
    rows = open_now(worked_on)
    ratings = [event for event in known(events, at_ms) if event["type"] == "peer_rating"]
    starts = {window: begin_of(at_ms, window) for window in settings["windows"]}
    rows += department_rows(ratings, at_ms, starts, settings)
    for window in settings["windows"]:
        scopes = by_scope([event for event in counted + others if in_window(event["ts"], at_ms, window)])
        times = time_at_work(known(events, at_ms), begin_of(at_ms, window), at_ms)
        for scope in [scope for who in times for scope in scopes_of(*who)]:
            scopes[scope]  # that there is one
        by_person = {}
        for scope, things in scopes.items():
            fields = dict(scope)
            told = {
                index: {"value": value, "base": base}
                for index, (value, base) in values(fields["scope"], things, settings).items()
            }
            told |= intervals(told, things, settings)
            if fields["scope"] in SELLING:
                values_told = {index: (row["value"], row["base"]) for index, row in told.items()}
                begin_ms = begin_of(at_ms, window)
                reached = attainments(fields, values_told, begin_ms, at_ms, settings.get("directory"))
                told |= {index: {"value": value, "base": base} for index, (value, base) in reached.items()}
            if fields["scope"] in {"office", "employee"}:
                told |= {
                    index: {"value": value, "base": base}
                    for index, (value, base) in work_values(
                        [times[who] for who in times if scope in scopes_of(*who)]
                    ).items()
                }
                name = tuple((fields | {"scope": "office", "employee_id": None}).items())
                office = scopes.get(name, defaultdict(list))  # where there are votes and nothing else
                office_asked = asked.get(fields["office_id"], {})
                says = office_of(fields["office_id"], settings.get("directory"))
                told |= representative(told, things, office, office_asked, at_ms, settings, says)
            if fields["scope"] == "employee":
                value, base = score(fields, told, window, settings.get("directory"))
                told["kpi_score"] = {"value": value, "base": base}
            if fields["scope"] == "office":
                told["diagnosis"] = diagnosis(told, things, office_asked, settings)
            if fields["scope"] == "employee":
                by_person[fields["office_id"], fields["employee_id"]] = told
            rows += [fields | {"window": window, "index": index} | row for index, row in told.items()]
        for (office, person), told in compare(by_person, settings).items():
            fields = {"scope": "employee", "office_id": office, "employee_id": person, "window": window}
            rows += [fields | {"index": index} | row for index, row in told.items()]
    rows += leaders(rows, settings.get("directory"))
    return sorted(
        rows,
        key=lambda row: [str(row.get(part)) for part in KEYS],
    )


def counts(event):
    """Say whether an event by itself gives its scopes rows."""
    return event["type"] in {"call", "sale", "visit", "rating", "peer_rating"} or (
        event["type"] == "request" and "client_id" in event
    )


def surveys(events, at_ms, config=None):
    """Return every accepted short press with its state at `at_ms`, ordered by office, panel and time.

    A survey has `event_id`, `office_id`, `panel_id`, `employee_id`, `ts`, `question`, `outcome` (yes, no, hard_to_say,
    silent or undecided), `valid` (not rejected) and `in_force_majeure`.
    """
    settings = DEFAULTS | (config or {})
    seen = known(events, at_ms)
    verdicts = latest_verdicts(seen)
    standing = standing_force_majeures(seen, verdicts, settings)
    answer_window_ms = milliseconds(settings["answer_window_s"])
    result = []
    for panel in panels(seen):
        opened, answers, _ = pair(panel, settings)
        for press, following in pairwise([*opened, None]):
            end_ms = press["ts"] + answer_window_ms
            if press["event_id"] in answers:
                outcome = answers[press["event_id"]]["answer"]
            elif at_ms > end_ms or (following is not None and following["ts"] <= end_ms):
                outcome = "silent"
            else:
                outcome = "undecided"
            verdict = verdicts.get((press["office_id"], "survey", press["event_id"]))
            result.append(
                {key: press[key] for key in ("event_id", "office_id", "panel_id", "employee_id", "ts")}
                | {
                    "question": question_of(press, settings.get("directory")),
                    "outcome": outcome,
                    "valid": verdict is None or verdict["reliable"],
                    "in_force_majeure": any(covers(span, press) for span in standing),
                },
            )
    return result


def roles(events, at_ms, config=None):
    """Return what became of every press with `ts` <= `at_ms`: {(office_id, event_id): role}.

    A seller press is a `survey`, a `bounce` or `long`; a customer press an `answer`, `extra` or an `orphan`.
    """
    settings = DEFAULTS | (config or {})
    result = {}
    for panel in panels(known(events, at_ms)):
        result |= pair(panel, settings)[2]
    return result


def known(events, at_ms):
    """Return the events that happened up to `at_ms`, each once: a repeated id changes nothing."""
    first = {}
    for event in events:
        if event["ts"] <= at_ms:
            first.setdefault((event["office_id"], event["event_id"]), event)
    return list(first.values())


def order(event):
    """Return what events are ordered by: time, then the bytes of their ids."""
    return event["ts"], event["event_id"].encode()


def milliseconds(seconds):
    """Return a duration in whole milliseconds."""
    return round(seconds * 1000)


def panels(seen):
    """Return the presses of each panel, in order, panels by office and name."""
    groups = defaultdict(list)
    for event in sorted(seen, key=order):
        if event["type"] in {"seller_press", "customer_press"}:
            groups[event["office_id"], event["panel_id"]].append(event)
    return [groups[panel] for panel in sorted(groups)]


def pair(panel, settings):
    """Pair the presses of one panel: return the accepted presses, the answers by survey and the role of each press."""
    opened, answers, role = [], {}, {}
    for press in (press for press in panel if press["type"] == "seller_press"):
        key = press["office_id"], press["event_id"]
        if press["hold_ms"] >= settings["long_press_ms"]:
            role[key] = "long"
        elif opened and press["ts"] - opened[-1]["ts"] <= settings["debounce_ms"]:
            role[key] = "bounce"
        else:
            role[key] = "survey"
            opened.append(press)
    for press in (press for press in panel if press["type"] == "customer_press"):
        key = press["office_id"], press["event_id"]
        survey = next((survey for survey in reversed(opened) if survey["ts"] <= press["ts"]), None)
        if survey is None or press["ts"] > survey["ts"] + milliseconds(settings["answer_window_s"]):
            role[key] = "orphan"
        elif survey["event_id"] in answers:
            role[key] = "extra"
        else:
            role[key] = "answer"
            answers[survey["event_id"]] = press
    return opened, answers, role


def latest_verdicts(seen):
    """Return the verdict that holds for each target: {(office_id, target, target_id): verdict}."""
    verdicts = (event for event in seen if event["type"] == "verdict")
    return {(v["office_id"], v["target"], v["target_id"]): v for v in sorted(verdicts, key=order)}


def standing_force_majeures(seen, verdicts, settings):
    """Return the force majeures that stand: `office_id`, `panel_id` (None: the whole office), `from` and `to`."""
    standing = []
    for press in seen:
        if press["type"] != "seller_press" or press["hold_ms"] < settings["long_press_ms"]:
            continue
        verdict = verdicts.get((press["office_id"], "force_majeure", press["event_id"]))
        if verdict is None:
            if settings["force_majeure_pending"] == "include":
                continue
            verdict = {"reliable": True}
        if verdict["reliable"]:
            standing.append(
                {
                    "office_id": press["office_id"],
                    "panel_id": None if verdict.get("scope") == "office" else press["panel_id"],
                    "from": verdict.get("from", press["ts"]),
                    "to": verdict.get("to", press["ts"] + milliseconds(settings["force_majeure_duration_s"])),
                },
            )
    return standing


def covers(span, press):
    """Say whether a seller press lies in a standing force majeure, both ends included."""
    return (
        span["office_id"] == press["office_id"]
        and span["panel_id"] in {None, press["panel_id"]}
        and span["from"] <= press["ts"] <= span["to"]
    )


def in_window(ts_ms, at_ms, window):
    """Say whether an instant lies in the window's current, partial bucket or in the 59 before it."""
    bucket_ms = int(window[:-1]) * MINUTES[window[-1]] * 60_000 // BUCKETS
    return at_ms // bucket_ms - BUCKETS < ts_ms // bucket_ms <= at_ms // bucket_ms


def begin_of(at_ms, window):
    """Return the first instant of a window."""
    bucket_ms = int(window[:-1]) * MINUTES[window[-1]] * 60_000 // BUCKETS
    return (at_ms // bucket_ms - BUCKETS + 1) * bucket_ms


def scopes_of(office, employee):
    """Return the scopes of an employee's time."""
    scope = {"scope": "office", "office_id": office, "employee_id": None}
    return [tuple(scope.items()), tuple((scope | {"scope": "employee", "employee_id": employee}).items())]


def by_scope(things):
    """Return the surveys, calls, sales, visits, ratings, requests of clients and marks of each scope: {scope's fields: {type: things}}."""
    groups = defaultdict(lambda: defaultdict(list))
    for thing in things:
        scope = {"scope": "office", "office_id": thing["office_id"], "employee_id": None}
        if thing["type"] == "peer_rating":  # of which nothing but votes is anybody's
            for person in set(thing.get("vote_employee_ids", ())):
                groups[tuple((scope | {"scope": "employee", "employee_id": person}).items())]["vote"].append(thing)
            continue
        scopes = [scope]
        people = {thing["employee_id"]} if "employee_id" in thing else set(thing.get("employee_ids", ()))
        scopes += [scope | {"scope": "employee", "employee_id": person} for person in people]
        if "queue" in thing:
            scopes.append(scope | {"scope": "queue", "queue": thing["queue"]})
        if thing["type"] == "sale" and "category" in thing:
            scopes.append(scope | {"scope": "category", "category": thing["category"]})
        if thing["type"] == "mark" and "priority" in thing:
            scopes.append(scope | {"scope": "priority", "priority": thing["priority"]})
        for fields in scopes:
            groups[tuple(fields.items())][thing["type"]].append(thing)
    return groups


def values(scope, things, settings):
    """Return all indices of one scope: {index: (value, base)}."""
    if scope == "priority":
        return request_values(things["mark"])
    if scope == "category":
        return sale_values(things["sale"])
    result = call_values(things["call"], settings)
    if scope != "queue":
        result |= request_values(things["mark"])
        result |= score_values(things)
        result |= survey_values(things["survey"], settings) | sale_values(things["sale"])
        result["precise_conversion"] = ratio(result["sales"][0], len(things["survey"]))
    if scope == "employee":
        result["peer_votes"] = (len(things["vote"]) or None, len(things["vote"]))
    if scope == "office":
        visitors = sum(visit.get("count", 1) for visit in things["visit"])
        result["visitor_coverage"] = ratio(len(things["survey"]), visitors)
    return result


def ratio(numerator, denominator):
    """Return (value, base); without a positive denominator there is no value."""
    return (numerator / denominator if denominator > 0 else None), denominator


def survey_values(counted, settings):
    """Return the main indices and the shares of the valid surveys of a scope."""
    weight = settings["silent_weight"]
    by_question = {
        question: [survey for survey in counted if survey["question"] == question]
        for question in ("personnel", "office", "loyalty")
    }
    office, loyalty = by_question["office"], by_question["loyalty"]
    silent = count(counted, "silent")
    return {
        "ink_personnel": ink_personnel(by_question["personnel"], settings),
        "ink_office": ratio(count(office, "no") + weight * count(office, "silent"), len(office)),
        "iel": ratio(
            count(loyalty, "yes") - count(loyalty, "no") - weight * count(loyalty, "silent"),
            len(loyalty),
        ),
        "force_majeure_level": ratio(sum(survey["in_force_majeure"] for survey in counted), len(counted)),
        "silent_share": ratio(silent, len(counted)),
        "response_share": ratio(len(counted) - silent, len(counted)),
    }


def ink_personnel(counted, settings):
    """Return INK@Personnel: unfavourable surveys never count in a standing force majeure; what else leaves is set."""
    outside = [survey for survey in counted if not survey["in_force_majeure"]]
    unfavourable = count(outside, "no") + settings["silent_weight"] * count(outside, "silent")
    base = {
        "all": len(outside),
        "unfavourable": len(outside) + sum(count(counted, o) - count(outside, o) for o in ("yes", "hard_to_say")),
        "numerator": len(counted),
    }
    return ratio(unfavourable, base[settings["force_majeure_excludes"]])


def count(counted, outcome):
    """Return how many of the surveys ended so."""
    return sum(survey["outcome"] == outcome for survey in counted)


def sale_values(sales):
    """Return the indices of the sales; amounts in minor units."""
    amounts = [sale["amount_minor"] for sale in sales]
    positive = [amount for amount in amounts if amount > 0]
    margins = [sale["margin_minor"] for sale in sales if "margin_minor" in sale]
    return {
        "sales": (len(positive), len(sales)),
        "revenue": (sum(amounts), len(sales)),
        "margin": (sum(margins) if margins else None, len(margins)),
        "average_ticket": ratio(sum(positive), len(positive)),
    }


def call_values(calls, settings):
    """Return the indices of the calls."""
    waits_ms = [(call["disposition"], milliseconds(call["wait_s"])) for call in calls if call["direction"] == "inbound"]
    service_level_ms = milliseconds(settings["service_level_s"])
    short_ms = milliseconds(settings["short_abandon_s"])
    offered = len(waits_ms)
    answered_ms = [wait_ms for disposition, wait_ms in waits_ms if disposition == "answered"]
    abandoned_ms = [wait_ms for disposition, wait_ms in waits_ms if disposition == "abandoned"]
    patient = offered - sum(wait_ms < short_ms for wait_ms in abandoned_ms)
    talk_ms = sum(milliseconds(call.get("talk_s", 0)) for call in calls)
    after_ms = sum(milliseconds(call.get(part, 0)) for call in calls for part in ("hold_s", "wrap_s"))
    return {
        "calls_offered": (offered, offered),
        "calls_answered": (len(answered_ms), offered),
        "calls_missed": (offered - len(answered_ms), offered),
        "talk_s": (talk_ms / 1000, len(calls)),
        "service_level": ratio(sum(wait_ms <= service_level_ms for wait_ms in answered_ms), patient),
        "abandonment": ratio(sum(wait_ms >= short_ms for wait_ms in abandoned_ms), patient),
        "average_speed_of_answer_s": ratio(sum(answered_ms) / 1000, len(answered_ms)),
        "average_handle_time_s": ratio(
            (talk_ms + after_ms) / 1000,
            sum(call["disposition"] == "answered" for call in calls),
        ),
    }
