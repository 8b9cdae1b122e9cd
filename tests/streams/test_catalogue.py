"""The catalogue: every index worked out by hand, and its names.

The day of `EVENTS` at the office `riga-1`, an hour of it, as of its end:

* ann asked about personnel 10 times: 4 yes, 2 no, 1 hard to say, 3 silent; one more no was rejected; of them 1 yes, 1 no
  and 1 silent lie in a standing force majeure;
* ben asked about the office 5 times (1 yes, 3 no, 1 silent) and for a recommendation 4 times (2 yes, 1 no, 1 silent);
* calls, all of the queue `help`, seconds: ann answered after 5, 20 and 29, with talk, hold and wrap of 60 + 0 + 10,
  30 + 15 + 5 and 90 + 0 + 0; missed: nobody's abandoned after 2, 5 and 40, one busy after 0; ann called out: answered
  after 3, talk 45, wrap 3; and no answer after 30, wrap 6;
* ben sold for 1000 (tea, with a margin of 400), 2500 and 0, and gave back 500 (tea, with a margin of -150); nobody's sale of 300;
* visitors: 20, one, and 4;
* nps: 9 and 3 to ann, 10 to both; csat: 4 and 2 to ben; ces: 3 to nobody. Of the clients x, y and z ann served x and y, ben y and z;
  z left; two colleagues voted for ann;
* requests, critical ones to be responded to within 10 minutes, visited within 20 and resolved within 30: one was responded to by ann after 5, visited
  by ben after 15 and resolved by him after 40; one was opened by ann and resolved by nobody after 20; one opened by ben waits for an hour less a
  millisecond. Another, of a priority without targets, was responded to by ben after 8 minutes;
* ann was to work for the first 50 minutes, with a break for the last 10 of them, ben for the whole hour.
"""

from itertools import zip_longest

import pytest

from kernels import layout
from kernels.formulas import VALUE
from streams.catalogue import catalogue, metric_name, weight_matrix
from streams.configuration import METHOD_KEYS, Configuration, configure
from streams.index import OUTCOMES, QUESTIONS
from tests.reference.companies import START_MS
from tests.streams.feeding import HOUR_MS, MINUTE_MS, Feed
from tests.streams.happenings import (
    answer,
    call,
    long_press,
    peer_rating,
    press,
    rating,
    request,
    sale,
    shift,
    verdict,
    visit,
)

T = START_MS
AT_MS = T + HOUR_MS - 1


def surveys(start_ms, counts, **fields):
    """Surveys on a panel of their own, a minute apart: so many of each outcome."""
    events = []
    for outcome, count in counts.items():
        for _ in range(count):
            ts_ms = start_ms + len(events) * 1000  # at least a second and an outcome's window apart
            events.append(press(ts_ms, panel_id=f"{fields['employee_id']}-{ts_ms}", **fields))
            if outcome != "silent":
                events.append(answer(ts_ms + 1, panel_id=events[-1]["panel_id"], answer=outcome))
    return events


def _day():
    ann = {"employee_id": "ann"}
    ben = {"employee_id": "ben"}
    declared = long_press(T + 30 * MINUTE_MS, **ann)
    rejected = press(T + 50 * MINUTE_MS, panel_id="rejected", **ann)
    return [
        *surveys(T, {"yes": 3, "no": 1, "hard_to_say": 1, "silent": 2}, **ann),
        *surveys(T + 20 * MINUTE_MS, {"yes": 1, "no": 1, "silent": 1}, question="personnel", **ann),
        declared,
        # Over the whole office, but only while ann asked.
        verdict(
            T + 40 * MINUTE_MS, declared, 1, scope="office", **{"from": T + 20 * MINUTE_MS, "to": T + 25 * MINUTE_MS}
        ),
        rejected,
        answer(T + 50 * MINUTE_MS + 1, panel_id="rejected", answer="no"),
        verdict(T + 51 * MINUTE_MS, rejected, 0),
        *surveys(T, {"yes": 1, "no": 3, "silent": 1}, question="office", **ben),
        *surveys(T + 10 * MINUTE_MS, {"yes": 2, "no": 1, "silent": 1}, question="loyalty", **ben),
        call(T, wait_s=5, talk_s=60, wrap_s=10, queue="help", **ann),
        call(T, wait_s=20, talk_s=30, hold_s=15, wrap_s=5, queue="help", **ann),
        call(T, wait_s=29, talk_s=90, queue="help", **ann),
        *(call(T, disposition="abandoned", wait_s=wait_s, queue="help") for wait_s in (2, 5, 40)),
        call(T, disposition="busy", wait_s=0, queue="help"),
        call(T, direction="outbound", wait_s=3, talk_s=45, wrap_s=3, queue="help", **ann),
        call(T, direction="outbound", disposition="no_answer", wait_s=30, wrap_s=6, queue="help", **ann),
        *(sale(T, amount_minor=amount, **ben) for amount in (2500, 0)),
        sale(T, amount_minor=1000, margin_minor=400, category="tea", **ben),
        sale(T, amount_minor=-500, margin_minor=-150, category="tea", **ben),
        sale(T, amount_minor=300),
        visit(T, count=20),
        visit(T),
        visit(T, count=4),
        rating(T, score=9, employee_ids=["ann"], client_id="x"),
        rating(T, score=3, employee_ids=["ann"], client_id="x"),
        rating(T, score=10, employee_ids=["ann", "ben", "ann"], client_id="y"),
        rating(T, metric="csat", score=4, employee_ids=["ben"], client_id="z", occasion="leaving"),
        rating(T, metric="csat", score=2, employee_ids=["ben"]),
        rating(T, metric="ces", score=3),
        request(T, "q1", "opened"),
        request(T + 5 * MINUTE_MS, "q1", "first_response", **ann),
        request(T + 15 * MINUTE_MS, "q1", "on_site", **ben),
        request(T + 40 * MINUTE_MS, "q1", "resolved", **ben),
        request(T, "q2", "opened", **ann),
        request(T + 20 * MINUTE_MS, "q2", "resolved"),
        request(T, "q3", "opened", **ben),
        request(T, "q4", "opened", priority="odd"),
        request(T + 8 * MINUTE_MS, "q4", "first_response", priority="odd", **ben),
        shift(T, end_ts=T + 50 * MINUTE_MS, **ann),
        shift(T + 40 * MINUTE_MS, kind="break", end_ts=T + 50 * MINUTE_MS, **ann),
        shift(T, **ben),
        peer_rating(T, vote_employee_ids=["ann", "ann"]),
        peer_rating(T, vote_employee_ids=["ann"]),
    ]


EVENTS = _day()
TARGETS = [
    {"priority": "critical", "stage": stage, "within": within, "objective": 0.8}
    for stage, within in (("first_response", "10m"), ("on_site", "20m"), ("resolved", "30m"))
]
# Value and base: of the office, of ann, of ben, of the queue, of the priority, of the category; a dash: the scope has no such index.
NO = (None, 0)
EXPECTED = {
    # Outside force majeure: no 1, silent 2 of 7.
    "ink_personnel": (((1 + 0.8 * 2) / 7, 7), ((1 + 0.8 * 2) / 7, 7), NO, "-"),
    "ink_office": (((3 + 0.8) / 5, 5), NO, ((3 + 0.8) / 5, 5), "-"),
    "iel": ((2 / 4 - (1 + 0.8) / 4, 4), NO, (2 / 4 - (1 + 0.8) / 4, 4), "-"),
    "precise_conversion": ((3 / 19, 19), (0 / 10, 10), (2 / 9, 9), "-"),
    "visitor_coverage": ((19 / 25, 25), "-", "-", "-"),
    "force_majeure_level": ((3 / 19, 19), (3 / 10, 10), (0.0, 9), "-"),
    "silent_share": ((5 / 19, 19), (3 / 10, 10), (2 / 9, 9), "-"),
    "response_share": ((14 / 19, 19), (7 / 10, 10), (7 / 9, 9), "-"),
    # Inbound 7, of which one was abandoned before 5 s; in time: 5 and 20 s.
    "service_level": ((2 / 6, 6), (2 / 3, 3), NO, (2 / 6, 6)),
    "abandonment": ((2 / 6, 6), (0 / 3, 3), NO, (2 / 6, 6)),
    "average_speed_of_answer_s": ((54 / 3, 3), (54 / 3, 3), NO, (54 / 3, 3)),
    # 70 + 50 + 90 + 48 and the 6 of the call that nobody took, over 4 answered ones.
    "average_handle_time_s": ((264 / 4, 4), (264 / 4, 4), NO, (264 / 4, 4)),
    "calls_offered": ((7, 7), (3, 3), (0, 0), (7, 7)),
    "calls_answered": ((3, 7), (3, 3), (0, 0), (3, 7)),
    "calls_missed": ((4, 7), (0, 3), (0, 0), (4, 7)),
    "talk_s": ((225.0, 9), (225.0, 5), (0.0, 0), (225.0, 9)),
    "sales": ((3, 5), (0, 0), (2, 4), "-", "-", (1, 2)),
    "revenue": ((3300, 5), (0, 0), (3000, 4), "-", "-", (500, 2)),
    "margin": ((250, 2), NO, (250, 2), "-", "-", (250, 2)),
    "average_ticket": ((3800 / 3, 3), NO, (3500 / 2, 2), "-", "-", (1000.0, 1)),
    "nps": ((1 / 3, 3), (1 / 3, 3), (1.0, 1), "-"),
    "csat": ((1 / 2, 2), NO, (1 / 2, 2), "-"),
    "ces": ((3.0, 1), NO, NO, "-"),
    "churn": ((1 / 3, 3), (0.0, 2), (1 / 2, 2), "-"),
    "nps_answers": ((3, 3), (3, 3), (1, 1), "-"),
    "csat_answers": ((2, 2), NO, (2, 2), "-"),
    "ces_answers": ((1, 1), NO, NO, "-"),
    "peer_votes": ("-", (2, 2), NO, "-"),
    # q1 by ann in time; q2, which ann opened, as it was resolved, and q3 of ben: too late. On site: ben in q1; q2 needed it no more.
    "sla_first_response": ((1 / 3, 3), (1 / 2, 2), (0.0, 1), "-", (1 / 3, 3)),
    "sla_on_site": ((1 / 2, 2), NO, (1 / 2, 2), "-", (1 / 2, 2)),
    "sla_resolved": ((1 / 3, 3), (1.0, 1), (0.0, 2), "-", (1 / 3, 3)),
    "sla_first_response_due": ((3, 3), (2, 2), (1, 1), "-", (3, 3)),
    "sla_on_site_due": ((2, 2), NO, (2, 2), "-", (2, 2)),
    "sla_resolved_due": ((3, 3), (1, 1), (2, 2), "-", (3, 3)),
    "first_response_s": ((660.0, 3), (750.0, 2), (480.0, 1), "-", (750.0, 2)),
    "resolution_s": ((1800.0, 2), (1200.0, 1), (2400.0, 1), "-", (1800.0, 2)),
    "requests_opened": ((4, 4), (1, 1), (1, 1), "-", (3, 3)),
    # ann was on calls 3 to 51, 5 to 75, 20 to 70, 29 to 119 and 30 to 36 seconds after the hour: 264 s, and 116 of the clock.
    "utilisation": ((264 / 5999.999, 5_999_999), (264 / 2400, 2_400_000), (0.0, 3_599_999), "-"),
    "occupancy": (
        (264 / (264 + 5883.999), 264_000 + 5_883_999),
        (264 / (264 + 2284), 2_548_000),
        (0.0, 3_599_999),
        "-",
    ),
}


@pytest.fixture(scope="module")
def worked_out():
    """Value and base of every index of the day, by scope, name and index."""
    feed = Feed({"request_targets": TARGETS}, AT_MS).feed(EVENTS)
    return {
        (
            row["scope"],
            row["employee_id"] or row.get("queue") or row.get("priority") or row.get("category"),
            row["index"],
        ): (
            row["value"],
            row["base"],
        )
        for row in feed.rows
        if row["window"] == "1h"
    }


@pytest.mark.parametrize("index", EXPECTED)
def test_an_index_is_what_it_is_by_hand(worked_out, index):
    """Value and base for the office, both employees, the queue, the priority and the category."""
    scopes = (
        ("office", None),
        ("employee", "ann"),
        ("employee", "ben"),
        ("queue", "help"),
        ("priority", "critical"),
        ("category", "tea"),
    )
    for scope, expected in zip_longest(scopes, EXPECTED[index], fillvalue="-"):
        if expected == "-":
            assert (*scope, index) not in worked_out
        else:
            assert worked_out[*scope, index] == pytest.approx(expected, abs=1e-12)


def test_every_index_is_worked_out():
    """None is missing above, and they stand in the order of publication; what is said of them besides comes below."""
    assert list(EXPECTED) == [index.name for index in catalogue(Configuration()) if index.kind == VALUE]


# Office, ann, ben, queue, by hand:
# * ink_personnel, 7 surveys outside: yes 3, no 1, hard 1, silent 2. m = (2.6 + 0.9) / 9 = 0.38889; sum of squares
#   (1 + 2 x 0.64 + 0.82) / 9 = 0.34444; variance (0.34444 - 0.15123) / 10 = 0.019321, deviation 0.13900.
# * iel, 4 surveys: yes 2, no 1, silent 1. m = (0.2 - 0.4) / 6 = -0.03333; (3.64 + 1.32) / 6 = 0.82667;
#   variance (0.82667 - 0.00111) / 7 = 0.117937, deviation 0.34342.
# * silent_share 3 / 10 (ann): (0.3 + 0.19208 -+ 1.96 sqrt(0.021 + 0.009604)) / 1.38416
# * precise_conversion 3 / 19: (3 + 1.9208 -+ 1.96 sqrt(3.9604)) / 19
ENDS = {
    "ink_personnel": ((0.1164, 0.6613), (0.1164, 0.6613), None, "-"),
    "iel": ((-0.7064, 0.6398), None, (-0.7064, 0.6398), "-"),
    "silent_share": ((0.1181, 0.4879), (0.1078, 0.6032), (0.0632, 0.5474), "-"),
    "precise_conversion": ((0.0537, 0.4643), (0.0, 0.3842), (0.0609, 0.8103), "-"),
    "service_level": ((0.0968, 0.7000), (0.2077, 0.9385), None, (0.0968, 0.7000)),
}


@pytest.mark.parametrize("index", ENDS)
def test_an_interval_is_what_it_is_by_hand(worked_out, index):
    """Both ends for the office, both employees and the queue, over the base of the ratio; none where it has no value."""
    scopes = (("office", None), ("employee", "ann"), ("employee", "ben"), ("queue", "help"))
    for scope, expected in zip(scopes, ENDS[index], strict=True):
        if expected == "-":
            assert (*scope, f"{index}_lower") not in worked_out
            continue
        found = [worked_out[*scope, f"{index}_{end}"] for end in ("lower", "upper")]
        assert {base for _, base in found} == {worked_out[*scope, index][1]}
        assert [value for value, _ in found] == ([None] * 2 if expected is None else pytest.approx(expected, abs=1e-4))


def test_every_ratio_has_its_interval():
    """Right behind it, in the same scopes and of the same base; nothing else has one, nor has what was not sampled: time, shares of plans."""
    indices = {index.name: index for index in catalogue(Configuration())}
    ends = {name for name in indices if name.endswith(("_lower", "_upper"))}
    ratios = [
        index for index in indices.values() if index.unit == "ratio" and index.name not in ends and index.kind == VALUE
    ]
    ratios = [index for index in ratios if not any(counter >= layout.WORK_BEGIN for counter in index.base)]
    assert ends == {f"{index.name}_{end}" for index in ratios for end in ("lower", "upper")}
    names = list(indices)
    for index in ratios:
        for at, end in enumerate(("lower", "upper"), names.index(index.name) + 1):
            bound = indices[f"{index.name}_{end}"]
            assert names[at] == bound.name
            assert (bound.unit, bound.scopes, bound.base) == ("ratio", index.scopes, index.base)


@pytest.mark.parametrize(
    ("excludes", "expected", "base"), [("all", 0.2200, 80), ("unfavourable", 0.2071, 85), ("numerator", 0.1760, 100)]
)
def test_the_methods_own_example(excludes, expected, base):
    """58 yes, 8 no, 2 hard, 12 silent outside and 4, 10, 1, 5 inside a standing force majeure."""
    declared = long_press(T + 40 * MINUTE_MS)
    events = [
        *surveys(T, {"yes": 58, "no": 8, "hard_to_say": 2, "silent": 12}, employee_id="ann"),
        *surveys(T + 40 * MINUTE_MS, {"yes": 4, "no": 10, "hard_to_say": 1, "silent": 5}, employee_id="ann"),
        declared,
        verdict(T + 45 * MINUTE_MS, declared, 1, scope="office"),
    ]
    feed = Feed({"force_majeure_excludes": excludes}, AT_MS).feed(events)
    (row,) = [
        row for row in feed.rows if (row["scope"], row["window"], row["index"]) == ("employee", "1h", "ink_personnel")
    ]
    assert (round(row["value"], 4), row["base"]) == (expected, base)


@pytest.mark.parametrize("weight", [0, 0.5, 1])
def test_the_weight_of_silence(weight):
    """A silent survey counts as much of a no as the configuration says."""
    feed = Feed({"silent_weight": weight}, AT_MS).feed(EVENTS)
    values = {row["index"]: row["value"] for row in feed.rows if (row["scope"], row["window"]) == ("office", "1h")}
    assert values["ink_personnel"] == pytest.approx((1 + weight * 2) / 7)
    assert values["ink_office"] == pytest.approx((3 + weight) / 5)
    assert values["iel"] == pytest.approx((2 - 1 - weight) / 4)


@pytest.mark.parametrize(
    ("scope", "index", "name"),
    [
        ("employee", "ink_personnel", "kqi_employee_ink_personnel_ratio"),
        ("office", "service_level", "kqi_office_service_level_ratio"),
        ("office", "average_speed_of_answer_s", "kqi_office_average_speed_of_answer_seconds"),
        ("queue", "average_handle_time_s", "kqi_queue_average_handle_time_seconds"),
        ("queue", "calls_missed", "kqi_queue_calls_missed"),
        ("employee", "talk_s", "kqi_employee_talk_seconds"),
        ("office", "iel", "kqi_office_iel_ratio"),
        ("office", "revenue", "kqi_office_revenue"),
        ("employee", "average_ticket", "kqi_employee_average_ticket"),
        ("priority", "sla_on_site", "kqi_priority_sla_on_site_ratio"),
        ("priority", "first_response_s", "kqi_priority_first_response_seconds"),
        ("office", "requests_opened", "kqi_office_requests_opened"),
        ("employee", "utilisation", "kqi_employee_utilisation_ratio"),
        ("employee", "plan_attainment", "kqi_employee_plan_attainment_ratio"),
        ("category", "margin", "kqi_category_margin"),
        ("employee", "kpi_score", "kqi_employee_kpi_score"),
        ("leader", "kpi_score", "kqi_leader_kpi_score"),
    ],
)
def test_metric_names_end_with_their_unit(scope, index, name):
    """As the contract has it: ratios, seconds, nothing for counts and money."""
    (row,) = [row for row in catalogue(Configuration()) if row.name == index]
    assert scope in row.scopes
    assert metric_name(scope, row) == name


def test_names_are_unique_and_explained():
    """No two indices share a name, and each has a sentence."""
    indices = catalogue(Configuration())
    assert len({index.name for index in indices}) == len(indices)
    assert all(index.help.endswith(".") and len(index.help) < 130 for index in indices)


def test_seconds_are_scaled_and_named():
    """An index in seconds counts milliseconds, and says so in its name."""
    for index in catalogue(Configuration()):
        assert (index.unit == "seconds") == index.name.endswith("_s") == (index.scale == 1000)


def test_questions_and_outcomes_stand_in_the_order_of_their_codes():
    """The names of the codes that kernels count by."""
    assert [QUESTIONS[code] for code in (layout.PERSONNEL, layout.OFFICE, layout.LOYALTY)] == list(QUESTIONS)
    codes = (layout.YES, layout.NO, layout.HARD_TO_SAY, layout.SILENT)
    assert [OUTCOMES[code] for code in codes] == ["yes", "no", "hard_to_say", "silent"]


def test_counters_do_not_overlap():
    """Every survey has a counter of its own, below those of calls, sales and visits."""
    codes = {layout.survey_code(q, o, f) for q in range(3) for o in range(4) for f in range(2)}
    assert codes == set(range(layout.SURVEY_CODES))
    assert layout.CALLS == layout.SURVEY_CODES
    assert layout.VISITORS_HIGH == layout.SCORE_BEGIN - 1
    assert layout.PEER_VOTES == layout.REQUEST_BEGIN - 1
    assert layout.MARGIN_HIGH == layout.WORK_BEGIN - 1
    assert layout.IDLE_MS == layout.COUNTERS - 1


def test_a_weight_stands_in_its_counters_row():
    """A column of the matrix is an index, a row a counter."""
    matrix = weight_matrix([{0: 1.0}, {layout.CALLS: -2.0, 3: 0.5}])
    assert matrix.shape == (layout.COUNTERS, 2)
    assert matrix[0].tolist() == [1, 0]
    assert matrix[layout.CALLS].tolist() == [0, -2]
    assert matrix[3].tolist() == [0, 0.5]
    assert matrix.sum() == -0.5


def test_what_decides_values_is_shown_with_them():
    """Every key that the catalogue or the engine reads is among those that a replay prints."""
    assert set(METHOD_KEYS) <= set(Configuration.__struct_fields__)
    assert configure().windows == Configuration().windows
