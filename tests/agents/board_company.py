"""A company of which every panel of every board has something to show: a simulated one, and two offices by hand beside it.

In `riga-1` too few customers were asked about loyalty, so its diagnosis is open and `iel` is not representative; its force majeure is
confirmed. In `oslo-1` the personnel is the cause. Each has five employees who press, answer calls, sell, are rated and planned for.
"""

import io
import itertools
import json

from agents import simulate
from streams.times import instant_ms

START = "2026-03-02T00:00:00Z"  # a Monday
END_MS = instant_ms(START) + int(14.5 * 3_600_000)
OFFICES = ("riga-1", "oslo-1")
EMPLOYEES = ("anna", "boris", "carl", "dora", "emil")
BEAT_MS = 40_000  # more than an answer window
PRESSES = 12
MINUTE_MS = 60_000

SETTINGS = {
    "windows": ["15m", "24h"],
    "min_surveys": 3,
    "comparison_min_employees": 2,
    "comparison_critical_points": {"ink_personnel": 0.35},
    "checkpoint_interval_s": 0.5,
    "request_targets": [
        {"priority": "critical", "stage": stage, "within": "5m", "objective": 0.8}
        for stage in ("first_response", "on_site", "resolved")
    ],
}

DIRECTORY = """
[defaults]
matrix = "sellers"

[[offices]]
id = "riga-1"
region = "Latvia"

[[offices]]
id = "oslo-1"
region = "Norway"

{employees}

{plans}

[[matrices]]
id = "sellers"
lines = [ {{ index = "ink_personnel", weight = 1.0, base = 1, goal = 0 }} ]
""".format(
    employees="\n".join(
        f'[[employees]]\nid = "{each}"\noffice = "{office}"\n' + ('leader = "carl"\n' if each != "carl" else "")
        for office in OFFICES
        for each in EMPLOYEES
    ),
    plans="\n".join(
        f'[[plans]]\noffice = "{office}"\n{of}period = "2026-03"\nrevenue_minor = 1_000_000\nmargin_minor = 200_000\n'
        for office in OFFICES
        for of in ("", *(f'employee = "{each}"\n' for each in EMPLOYEES))
    ),
)


def events():
    """All events, in order of time; the last one ends at END_MS."""
    simulated = io.BytesIO()
    simulate.run(simulated, offices=4, employees=6, start=START, days=0.6)
    found = [json.loads(line) for line in simulated.getvalue().splitlines()]
    found = [each for each in found if each["office_id"] not in OFFICES and each["ts"] <= END_MS]
    found += itertools.chain.from_iterable(_office(office) for office in OFFICES)
    return sorted(found, key=lambda each: each["ts"])


def _office(office):
    numbers = itertools.count()

    def event(kind, before_ms, /, **fields):
        head = {"type": kind, "event_id": f"made-{next(numbers)}", "office_id": office, "ts": END_MS - before_ms}
        return head | fields

    for place, employee in enumerate(EMPLOYEES):
        yield from _surveys(event, office, place, employee)
        yield from _work(event, place, employee)
    yield event("visit", 2 * MINUTE_MS, count=100)
    for request, stages in (("done", ("opened", "first_response", "on_site", "resolved")), ("late", ("opened",))):
        for stage in stages:
            before_ms = 12 * MINUTE_MS - 1000 * len(stage)
            yield event("request", before_ms, request_id=request, priority="critical", stage=stage)
    yield event("visit", 0)  # the instant that all windows end at


def _surveys(event, office, place, employee):
    """Twelve surveys each, half a minute and more apart; the last ones of anna lie in a confirmed force majeure."""
    panel = f"desk-{place}"
    questions = ["personnel"] * 7 + ["office"] * 3
    questions += ["loyalty"] * 2 if employee == "anna" or office == "oslo-1" else ["office"] * 2
    for number, question in enumerate(questions):
        before_ms = (PRESSES - number) * BEAT_MS
        pressed = {"panel_id": panel, "employee_id": employee, "hold_ms": 200, "question": question}
        yield event("seller_press", before_ms, **pressed)
        unhappy = number <= place + (2 if office == "oslo-1" else -1) and question == "personnel"
        if number % 5 != 4:
            answer = "no" if unhappy else "hard_to_say" if number % 5 == 3 else "yes"
            yield event("customer_press", before_ms - 5000, panel_id=panel, answer=answer)
    if employee == "anna":
        declared = event("seller_press", 2 * BEAT_MS + 1000, panel_id=panel, employee_id=employee, hold_ms=4000)
        yield declared
        target = {"target": "force_majeure", "target_id": declared["event_id"], "reliable": True}
        yield event("verdict", BEAT_MS // 2, **target)


def _work(event, place, employee):
    about = {"employee_id": employee}
    yield event("shift", 60 * MINUTE_MS, kind="work", end_ts=END_MS, **about)
    for number in range(5):
        call = {"direction": "inbound", "queue": "main", "talk_s": 40 + 5 * place, **about}
        yield event("call", (13 - number) * MINUTE_MS, disposition="answered", wait_s=9 * number + place, **call)
        sold = {"amount_minor": 5000 + 700 * place, "margin_minor": 900, "currency": "EUR", "category": "phones"}
        yield event("sale", (13 - number) * MINUTE_MS, **sold, **about)
        for metric, score in (("nps", 10 - (number * place) % 7), ("csat", 5 - (number * place) % 4), ("ces", 3)):
            yield event("rating", (13 - number) * MINUTE_MS, metric=metric, score=score, employee_ids=[employee])
    yield event("call", 3 * MINUTE_MS, direction="inbound", queue="main", disposition="abandoned", wait_s=31, **about)
