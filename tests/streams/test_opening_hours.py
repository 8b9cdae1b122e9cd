from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.opening_hours import OpeningHours, overlapping, parse_span
from streams.time_zones import time_zone
from tests.reference import opening

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OFFICE = [[(540, 780), (840, 1080)]] * 5 + [[(600, 900)], []]
BAR = [[(1080, 1560)]] * 7  # 18:00-02:00
NIGHT = [[(60, 240)]] * 7  # 01:00-04:00, over both changes of daylight saving
NEVER = [[]] * 7
# An instant in the middle of each change (Europe: 2026-03-29 and 2026-10-25; America: 2026-03-08 and 2026-11-01).
CHANGES_MS = [1_774_746_000_000, 1_792_890_000_000, 1_772_953_200_000, 1_793_512_800_000]


def at_ms(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


spans = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).map(lambda pair: (pair[0], sum(pair)))
hours = st.lists(spans, max_size=2)
weeks = st.lists(hours, min_size=7, max_size=7) | st.sampled_from([OFFICE, BAR, NIGHT])
instants = st.builds(
    lambda middle, apart: middle + apart, st.sampled_from(CHANGES_MS), st.integers(-3 * DAY_MS, 3 * DAY_MS)
)
exceptions = st.dictionaries(instants.map(lambda ts: datetime.fromtimestamp(ts / 1000, UTC).date()), hours, max_size=3)
zones = st.sampled_from(["Europe/Riga", "America/New_York", "America/St_Johns", "Asia/Kathmandu", "Pacific/Auckland"])


@settings(max_examples=60, deadline=None)
@given(zones, weeks, exceptions, instants, st.integers(0, 4 * DAY_MS))
def test_open_time_is_that_of_the_minutes(zone, week, dates, begin_ms, length_ms):
    """Open time between two instants is the sum of its open minutes, across every change of the clocks."""
    office = OpeningHours(time_zone(zone), week, dates)
    expected = opening.open_ms(begin_ms, begin_ms + length_ms, zone, week, dates)
    assert office.open_ms(begin_ms, begin_ms + length_ms) == expected


@settings(max_examples=60, deadline=None)
@given(
    zones,
    weeks.filter(lambda week: sum(end - begin for day in week for begin, end in day) > 600),
    exceptions,
    instants,
    st.integers(-1, 10 * HOUR_MS),
)
def test_due_is_when_the_minutes_have_passed(zone, week, dates, opened_ms, duration_ms):
    """The instant that so much open time has passed at is that of counting minutes."""
    office = OpeningHours(time_zone(zone), week, dates)
    assert office.due_ms(opened_ms, duration_ms) == opening.due_ms(opened_ms, duration_ms, zone, week, dates)


@settings(deadline=None)
@given(weeks, instants, st.integers(1, 400 * DAY_MS))
def test_due_is_the_first_instant_with_so_much_open_time(week, opened_ms, duration_ms):
    """As much open time lies before the due instant as was asked for, and less before the millisecond before it."""
    office = OpeningHours(time_zone("Europe/Riga"), week)
    due_ms = office.due_ms(opened_ms, duration_ms)
    if due_ms is None:
        assert not any(week)
        return
    assert office.open_ms(opened_ms, due_ms) == duration_ms
    assert office.open_ms(opened_ms, due_ms - 1) == duration_ms - 1


@pytest.mark.parametrize(
    ("opened", "hours_", "due"),
    [
        ("2026-11-20T16:00+02:00", 4, "2026-11-21T12:00+02:00"),  # Friday: two hours, Saturday two more
        ("2026-11-20T13:30+02:00", 1, "2026-11-20T15:00+02:00"),  # in the midday break
        ("2026-11-20T17:00+02:00", 1, "2026-11-20T18:00+02:00"),  # due when it closes, not when it opens again
        ("2026-11-21T16:00+02:00", 0, "2026-11-21T16:00+02:00"),  # nothing to wait for, closed as it is
        ("2026-11-22T12:00+02:00", 1, "2026-11-23T10:00+02:00"),  # Sunday: from Monday 9
        ("2026-12-24T16:00+02:00", 3, "2026-12-28T10:00+02:00"),  # two hours, then two holidays and a weekend
    ],
)
def test_hours_worked_out_by_hand(opened, hours_, due):
    """A week of an office with a midday break, short Saturdays and Christmas."""
    christmas = {date(2026, 12, day): [] for day in (25, 26)}
    office = OpeningHours(time_zone("Europe/Riga"), OFFICE, christmas)
    assert office.due_ms(at_ms(opened), hours_ * HOUR_MS) == at_ms(due)


@pytest.mark.parametrize(
    ("begin", "end", "hours_"),
    [
        ("2026-03-28T12:00+02:00", "2026-03-29T12:00+03:00", 2),  # 03:00 was left out: 01-03 and 04-04
        ("2026-10-24T12:00+03:00", "2026-10-25T12:00+02:00", 4),  # 03:00 came twice: 01-03, 03-04, 03-04
        ("2026-06-01T12:00+03:00", "2026-06-02T12:00+03:00", 3),
    ],
)
def test_daylight_saving(begin, end, hours_):
    """Open from 1 to 4 in the night: an hour that does not exist is not open, one that comes twice is open twice."""
    office = OpeningHours(time_zone("Europe/Riga"), NIGHT)
    assert office.open_ms(at_ms(begin), at_ms(end)) == hours_ * HOUR_MS


@settings(deadline=None)
@given(instants, st.integers(0, 2000 * DAY_MS))
def test_an_office_that_never_closes(begin_ms, length_ms):
    """All time is open time."""
    office = OpeningHours(time_zone("America/New_York"))
    assert office.open_ms(begin_ms, begin_ms + length_ms) == length_ms
    assert office.due_ms(begin_ms, length_ms) == begin_ms + length_ms


def test_an_office_that_never_opens():
    """What waits for it is never due, but for what waits for nothing."""
    office = OpeningHours(time_zone("Europe/Riga"), NEVER)
    assert office.due_ms(at_ms("2026-11-20T12:00+02:00"), 1) is None
    assert office.due_ms(5, 0) == 5
    assert office.open_ms(0, 10**13) == 0


def test_an_office_that_opens_on_single_dates_alone():
    """Its exceptions count, and nothing after them."""
    office = OpeningHours(time_zone("Europe/Riga"), NEVER, {date(2027, 5, 1): [(600, 660)]})
    assert office.due_ms(at_ms("2026-11-20T12:00+02:00"), HOUR_MS) == at_ms("2027-05-01T11:00+03:00")
    assert office.due_ms(at_ms("2026-11-20T12:00+02:00"), HOUR_MS + 1) is None


def test_the_night_before_a_holiday_goes_on_past_midnight():
    """Hours belong to the day that they begin on."""
    office = OpeningHours(time_zone("Europe/Riga"), BAR, {date(2026, 12, 25): []})
    begin, end = at_ms("2026-12-24T12:00+02:00"), at_ms("2026-12-26T12:00+02:00")
    assert office.open_ms(begin, end) == 8 * HOUR_MS


def test_far_instants():
    """Instants that no calendar of the standard library knows have opening hours, too."""
    office = OpeningHours(time_zone("Europe/Riga"), OFFICE)
    far_ms = 2**53 - 30 * DAY_MS
    due_ms = office.due_ms(far_ms, 8 * HOUR_MS)
    assert office.open_ms(far_ms, due_ms) == 8 * HOUR_MS


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("09:00-18:00", (540, 1080)),
        ("22:00-06:30", (1320, 1830)),
        ("00:00-24:00", (0, 1440)),
        ("18:00-00:00", (1080, 1440)),
    ],
)
def test_hours_are_read(text, span):
    """An end at or before the begin lies on the following day."""
    assert parse_span(text) == span


@pytest.mark.parametrize(
    "text", ["", "9:00-18:00", "09:00", "09:00-25:00", "09:00-24:30", "09:60-10:00", "09:00-09:00", "09:00-18:00\n"]
)
def test_hours_that_are_none_are_refused(text):
    """Anything else than two times is a fault."""
    with pytest.raises(ValueError, match="`"):
        parse_span(text)


@pytest.mark.parametrize(
    ("week", "days"),
    [
        (OFFICE, []),
        ([[(540, 780), (720, 1080)], *NEVER[1:]], [0]),
        ([[(1200, 1500)], [(30, 90)], *NEVER[2:]], [1]),  # past midnight into the morning
        ([[(30, 90)], *NEVER[1:6], [(1200, 1500)]], [0]),  # Sunday into Monday
        ([[(0, 1440)]] * 7, []),
    ],
)
def test_overlapping_hours_are_found(week, days):
    """Hours may touch, not overlap, from one day into the next and from Sunday into Monday."""
    assert overlapping(week) == days
