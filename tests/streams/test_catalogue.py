"""The catalogue: every index worked out by hand, and its names.

The day of `EVENTS` at the office `riga-1`, an hour of it, as of its end:

* ann asked about personnel 10 times: 4 yes, 2 no, 1 hard to say, 3 silent; one more no was rejected; of them 1 yes, 1 no
  and 1 silent lie in a standing force majeure;
* ben asked about the office 5 times (1 yes, 3 no, 1 silent) and for a recommendation 4 times (2 yes, 1 no, 1 silent);
* calls, all of the queue `help`, seconds: ann answered after 5, 20 and 29, with talk, hold and wrap of 60 + 0 + 10,
  30 + 15 + 5 and 90 + 0 + 0; missed: nobody's abandoned after 2, 5 and 40, one busy after 0; ann called out: answered
  after 3, talk 45, wrap 3; and no answer after 30, wrap 6;
* ben sold for 1000, 2500 and 0, and gave back 500; nobody's sale of 300;
* visitors: 20, one, and 4.
"""

import pytest

from kernels import layout
from streams.catalogue import catalogue, metric_name, weight_matrix
from streams.configuration import METHOD_KEYS, Configuration, configure
from streams.index import OUTCOMES, QUESTIONS
from tests.reference.companies import START_MS
from tests.streams.feeding import HOUR_MS, MINUTE_MS, Feed
from tests.streams.happenings import answer, call, long_press, press, sale, verdict, visit

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
        *(sale(T, amount_minor=amount, **ben) for amount in (1000, 2500, 0, -500)),
        sale(T, amount_minor=300),
        visit(T, count=20),
        visit(T),
        visit(T, count=4),
    ]


EVENTS = _day()
# Value and base: of the office, of ann, of ben, of the queue; a dash: the scope has no such index.
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
    "sales": ((3, 5), (0, 0), (2, 4), "-"),
    "revenue": ((3300, 5), (0, 0), (3000, 4), "-"),
    "average_ticket": ((3800 / 3, 3), NO, (3500 / 2, 2), "-"),
}


@pytest.fixture(scope="module")
def worked_out():
    """Value and base of every index of the day, by scope, name and index."""
    feed = Feed({}, AT_MS).feed(EVENTS)
    return {
        (row["scope"], row["employee_id"] or row.get("queue"), row["index"]): (row["value"], row["base"])
        for row in feed.rows
        if row["window"] == "1h"
    }


@pytest.mark.parametrize("index", EXPECTED)
def test_an_index_is_what_it_is_by_hand(worked_out, index):
    """Value and base for the office, both employees and the queue."""
    scopes = (("office", None), ("employee", "ann"), ("employee", "ben"), ("queue", "help"))
    for scope, expected in zip(scopes, EXPECTED[index], strict=True):
        if expected == "-":
            assert (*scope, index) not in worked_out
        else:
            assert worked_out[*scope, index] == pytest.approx(expected, abs=1e-12)


def test_every_index_is_worked_out():
    """None is missing above, and they stand in the order of publication."""
    assert list(EXPECTED) == [index.name for index in catalogue(Configuration())]


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
    assert layout.VISITORS_HIGH == layout.COUNTERS - 1


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
