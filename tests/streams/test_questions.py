"""Schedules of questions against the reference: a calendar of the standard library, press by press."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.layout import LOYALTY, PERSONNEL
from streams.directory import QUESTION_CODES
from streams.questions import PERSONNEL_ALWAYS, Schedule, Schedules, schedule
from tests.reference.questions import question_of
from tests.streams.feeding import directory_of

ZONES = ("UTC", "Europe/Riga", "America/New_York", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "Asia/Beirut")
MONTH_MS = 2_629_746_000
# Ends of months and days of change, in UTC: 1 March, 29 March, 25 October and 1 November 2026, and the day that Apia left out.
EDGES_MS = (1_772_323_200_000, 1_774_742_400_000, 1_792_886_400_000, 1_793_491_200_000, 1_325_239_200_000)

words = st.sampled_from(sorted(QUESTION_CODES))


@st.composite
def by_days(draw):
    """Questions of days of the month, in one to five parts."""
    ends = sorted(draw(st.sets(st.integers(1, 30), max_size=4)) | {31})
    begins = [1, *(end + 1 for end in ends[:-1])]
    return [
        {"days": f"{begin}-{end}" if begin < end or draw(st.booleans()) else f"{begin}", "question": draw(words)}
        for begin, end in zip(begins, ends, strict=True)
    ]


offices = st.fixed_dictionaries({}, optional={"time_zone": st.sampled_from(ZONES), "questions": words | by_days()})
edges = st.builds(int.__add__, st.sampled_from(EDGES_MS), st.integers(-50_000_000, 50_000_000))
instants = st.one_of(edges, st.integers(0, 800 * MONTH_MS))


@settings(deadline=None)
@given(offices, st.lists(offices, max_size=3), st.lists(st.tuples(st.integers(0, 3), instants), max_size=30))
def test_questions_are_those_of_the_calendar(defaults, known, presses):
    """Every press asks what the schedule of its office, or the default one, has for its local day."""
    document = {"defaults": defaults, "offices": [office | {"id": f"{n}"} for n, office in enumerate(known)]}
    schedules = directory_of(document).schedules
    numbers = np.array([schedules.number_of(f"{office}") for office, _ in presses], np.int32)
    asked = schedules.asked(numbers, np.array([ts_ms for _, ts_ms in presses], np.int64))
    assert asked.tolist() == [
        QUESTION_CODES[question_of({"office_id": f"{office}", "ts": ts_ms}, document)] for office, ts_ms in presses
    ]


def test_offices_with_the_same_schedule_share_it():
    """As many schedules are looked at as there are, not as there are offices."""
    same = schedule("Europe/Riga", [PERSONNEL] * 20 + [LOYALTY] * 11)
    schedules = Schedules(PERSONNEL_ALWAYS, {f"{n}": same for n in range(100)})
    assert {schedules.number_of(f"{n}") for n in range(101)} == {0, 1}
    assert not schedules.are_plain


def test_one_question_for_good_needs_no_calendar():
    """A fixed question is the same in every time zone."""
    assert schedule("Europe/Riga", [LOYALTY] * 31) == schedule("UTC", [LOYALTY] * 31) == Schedule("", (LOYALTY,) * 31)
    assert Schedules().are_plain
    assert not Schedules(schedule("", [LOYALTY] * 31)).are_plain


def test_schedules_that_mean_the_same_are_the_same():
    """Whatever the order of the offices, and whether one says what holds for all: nobody is asked anew, nothing told again."""
    days = schedule("Europe/Riga", [PERSONNEL] * 20 + [LOYALTY] * 11)
    always = schedule("", [LOYALTY] * 31)
    one = Schedules(PERSONNEL_ALWAYS, {"a": days, "b": always})
    other = Schedules(PERSONNEL_ALWAYS, {"b": always, "c": PERSONNEL_ALWAYS, "a": days})
    assert one == other
    assert one.fingerprint == other.fingerprint
    swapped = Schedules(PERSONNEL_ALWAYS, {"a": always, "b": days})
    assert swapped != one
    assert swapped.fingerprint != one.fingerprint
