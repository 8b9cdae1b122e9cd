"""Hypothesis strategies: few events, all of them near an edge, so that what fails shrinks to a page of a log.

`event_sets` gives events as `tests.reference.method` takes them; `json.dumps` of each is a message of the contract.
"""

from hypothesis import strategies as st

# A whole quarter of an hour, so that the edges of every window's buckets lie among the instants.
START_MS = 1_800_000_000_000
# Debounce, answer window, force majeure, the oldest bucket of 15m and of 1h: the edges are one millisecond either side.
DISTANCES_MS = (0, 1000, 2000, 3000, 30_000, 31_000, 60_000, 900_000, -885_000, -3_540_000)
ids = st.sampled_from(("a", "z", "\u00e9", "\ufb01", "\U0001f600"))
instants = st.builds(
    lambda distance_ms, step_ms: START_MS + distance_ms + step_ms,
    st.sampled_from(DISTANCES_MS),
    st.integers(-1, 1),
)
panels = st.sampled_from(("p1", "p2"))
employees = st.sampled_from(("ann", "ben"))


def fields(kind, /, **named):
    """Return the strategy of a type's fields; a field whose strategy gives None is left out."""
    return st.fixed_dictionaries({"type": st.just(kind), "ts": instants} | named).map(
        lambda event: {name: value for name, value in event.items() if value is not None},
    )


seller_presses = fields(
    "seller_press",
    panel_id=panels,
    employee_id=employees,
    hold_ms=st.sampled_from((0, 0, 0, 2999, 3000)),
    question=st.sampled_from((None, "personnel", "office", "loyalty")),
)
customer_presses = fields("customer_press", panel_id=panels, answer=st.sampled_from(("yes", "no", "hard_to_say")))
calls = fields(
    "call",
    direction=st.sampled_from(("inbound", "outbound", "internal")),
    disposition=st.sampled_from(("answered", "abandoned", "busy")),
    wait_s=st.sampled_from((0, 4.9994, 4.9995, 5, 20, 20.0005, 20.0006)),
    talk_s=st.sampled_from((None, 0.0005, 0.0015, 61.25)),
    wrap_s=st.sampled_from((None, 0.0025, 3)),
    queue=st.sampled_from((None, "help")),
    employee_id=st.none() | employees,
)
sales = fields(
    "sale",
    amount_minor=st.sampled_from((-2, 0, 1, 2**40)),
    currency=st.just("EUR"),
    employee_id=st.none() | employees,
)
visits = fields("visit", count=st.sampled_from((None, -1, 0, 2)))
requests = fields(
    "request",
    request_id=st.sampled_from(("q", "r")),
    priority=st.sampled_from(("critical", "normal", "other")),
    stage=st.sampled_from(("opened", "opened", "first_response", "on_site", "resolved", "cancelled")),
    employee_id=st.none() | employees,
)
shifts = fields(
    "shift",
    employee_id=employees,
    kind=st.sampled_from(("work", "work", "break", "training", "leave")),
    end_ts=instants,
)
targets = [  # due at edges of the instants
    {"priority": "critical", "stage": "first_response", "within": "1m", "objective": 0.8},
    {"priority": "critical", "stage": "on_site", "within": "15m", "objective": 0.7},
    {"priority": "critical", "stage": "resolved", "within": "1m", "objective": 0.8},
    {"priority": "normal", "stage": "resolved", "within": "15m", "objective": 0.8},
]
comparisons = [
    {"indices": ["ink_personnel", "revenue"], "min_employees": 2, "critical_points": {"ink_personnel": 0.1}},
    {"indices": ["service_level", "average_ticket"], "min_employees": 2},
]
configurations = st.fixed_dictionaries(
    {"windows": st.just(["15m", "1h"])},
    optional={
        "force_majeure_excludes": st.sampled_from(("all", "unfavourable", "numerator")),
        "force_majeure_pending": st.sampled_from(("include", "exclude")),
        "silent_weight": st.sampled_from((0, 0.5, 1)),
        "debounce_ms": st.sampled_from((0, 999, 2000)),
        "answer_window_s": st.sampled_from((1, 29.9995, 60)),
        "min_surveys": st.sampled_from((1, 2)),
        "representative_by": st.sampled_from(("coverage", "conversion")),
        "coverage_limits": st.sampled_from(([0.5, 1], [1, 1])),
        "conversion_limits": st.sampled_from(([0.5, 2], [0, 0])),
        "force_majeure_level_max": st.sampled_from((0, 0.5, 1)),
        "asked_within_s": st.sampled_from((0, 30, 60)),
        "diagnosis_margin": st.sampled_from((0, 0.5)),
        "reference": st.sampled_from(({"ink_personnel": 0.5, "ink_office": 0.4}, {"iel": -1})),
        "force_majeure_duration_s": st.sampled_from((1, 30)),
        "long_press_ms": st.just(2999),
        "service_level_s": st.just(5),
        "short_abandon_s": st.just(20),
        "request_targets": st.just(targets),
        "comparison": st.sampled_from(comparisons),
    },
)


@st.composite
def event_sets(draw, most=14):
    """Return the events of one office, each with an id of its own, and verdicts on some of its presses."""
    kinds = seller_presses | seller_presses | customer_presses | calls | sales | visits | requests | shifts
    drawn = draw(st.lists(kinds, max_size=most))
    events = [identified(draw, event, number) for number, event in enumerate(drawn)]
    targets = [event["event_id"] for event in events if event["type"] == "seller_press"] or ["nothing"]
    verdicts = fields(
        "verdict",
        target=st.sampled_from(("survey", "force_majeure")),
        target_id=st.sampled_from(targets),
        reliable=st.booleans(),
        scope=st.sampled_from((None, "panel", "office")),
        **{"from": st.none() | instants, "to": st.none() | instants},
    ).filter(lambda verdict: verdict.get("from", 0) <= verdict.get("to", 2**53))
    for number, event in enumerate(draw(st.lists(verdicts, max_size=5)), start=len(events)):
        events.append(identified(draw, event, number))
    return events


def identified(draw, event, number):
    """Return the event with an office and an id that is its own, and ordered neither by number nor by UTF-16."""
    return event | {"event_id": f"{draw(ids)}{number}", "office_id": "riga-1"}
