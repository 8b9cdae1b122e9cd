"""How the engine lets time pass: windows roll, silence is decided, what lies ahead waits, a backlog invents nothing."""

import random

import pytest

from streams.clock import EventClock
from streams.partition import Events
from tests.reference import cases, method
from tests.reference.companies import START_MS, company
from tests.reference.contract import normalise
from tests.streams.feeding import ALL, DAY_MS, HOUR_MS, MINUTE_MS, Feed, caught_up_clock, decoded
from tests.streams.happenings import answer, call, long_press, press, rating, sale, shift, verdict, visit

T = START_MS
WINDOWS = ["1m", "7m", "3h", "25h"]
EVENTS = [normalise(event) for event in company(7, mess=0, steps=30)]


def value(feed, index, window="1h", scope="office"):
    """The value and the base of an index; None where there is no such row."""
    found = [row for row in feed.rows if (row["scope"], row["window"], row["index"]) == (scope, window, index)]
    return (found[0]["value"], found[0]["base"]) if found else None


def at(feed, instant_ms):
    """Move a feed by event clock to an instant."""
    feed.clock = EventClock(instant_ms)
    feed.step()
    return feed


# Windows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_many_small_steps_are_one_leap(seed):
    """Ticks in steps of any size, a millisecond either side of bucket edges among them, lead where one leap leads."""
    chance = random.Random(seed)
    stepped = Feed({"windows": WINDOWS}, horizons=False)
    stepped.feed(EVENTS)
    now_ms = stepped.partition.now.now_ms
    for number in range(150):
        bucket_ms = chance.choice([1000, 7000, 180_000, 1_500_000])
        edge_ms = (now_ms // bucket_ms + chance.randint(0, 3)) * bucket_ms
        now_ms = max(now_ms, edge_ms + chance.choice((-1, 0, 1)))
        at(stepped, now_ms)
        if number % 15 == 0:
            assert cases.differences(stepped.rows, method.indices(EVENTS, now_ms, {"windows": WINDOWS})) == []
    leapt = at(Feed({"windows": WINDOWS}).feed(EVENTS), now_ms)
    assert stepped.totals == leapt.totals


@pytest.mark.parametrize("window", [*WINDOWS, "15m", "8h", "30d"])
@pytest.mark.parametrize("happening", [press, sale, call, visit])
def test_a_bucket_leaves_with_its_last_millisecond(window, happening):
    """What happened in bucket b counts until the last millisecond of bucket b + 59, and no longer."""
    bucket_ms = method.MINUTES[window[-1]] * int(window[:-1]) * MINUTE_MS // 60
    edge_ms = T // bucket_ms * bucket_ms
    for ts_ms, leaves_ms in ((edge_ms, 60 * bucket_ms), (edge_ms - 1, 59 * bucket_ms), (edge_ms + 1, 60 * bucket_ms)):
        feed = Feed({"windows": [window, "400d"], "answer_window_s": 0.001}).feed([happening(ts_ms)])
        at(feed, edge_ms + leaves_ms - 1)
        assert {row["window"] for row in feed.rows} == {window, "400d"}
        at(feed, edge_ms + leaves_ms)
        assert {row["window"] for row in feed.rows} == {"400d"}


@pytest.mark.parametrize("windows", [["100m", "101m"], ["101m", "99m", "100m"], ["59m", "1h"]])
def test_a_shorter_window_may_reach_back_farther(windows):
    """Of windows nearly as long as each other each holds its own buckets, whichever of them reaches back farthest."""
    config = {"windows": windows, "answer_window_s": 0.001}
    for number in range(12):
        at_ms = T + number * 550_007
        events = []
        for minutes in {int(window[:-1]) for window in config["windows"] if window != "1h"} | {60}:
            for step in range(-130, 10):
                ts_ms = at_ms - minutes * MINUTE_MS + step * 1000
                events += [sale(ts_ms), press(ts_ms, panel_id=f"p{step}-{minutes}")]
        feed = Feed(config).feed(events)
        at(feed, at_ms)
        assert cases.differences(feed.rows, method.indices(events, at_ms, config)) == []
        at(feed, at_ms + 50 * MINUTE_MS)
        assert cases.differences(feed.rows, method.indices(events, at_ms + 50 * MINUTE_MS, config)) == []


@pytest.mark.parametrize("size", [7, ALL])
def test_nothing_is_left_behind(size):
    """When everything has left every window, every counter is zero."""
    feed = Feed({"windows": WINDOWS}).feed(EVENTS, size)
    assert feed.totals
    at(feed, feed.partition.now.now_ms + 50 * HOUR_MS)
    assert feed.totals == {}
    assert {row["index"] for row in feed.rows} <= {"requests_open", "requests_overdue"}  # they are of no window


def test_nothing_is_left_behind_by_corrections():
    """What was counted, rejected, put under force majeure and made a bounce in turn leaves no trace either."""
    first = press(T)
    longest = long_press(T + 10_000)
    feed = Feed()
    feed.step([first, answer(T + 5)])
    feed.step([verdict(T + 20_000, first, 0)])
    feed.step([verdict(T + 21_000, first, 1), longest])
    feed.step([verdict(T + 22_000, longest, True, scope="office", **{"from": T - 1})])
    feed.step([press(T - 500, panel_id="p1", employee_id="ben")])
    feed.step([sale(T, amount_minor=-(2**63)), visit(T, count=-5)])
    at(feed, T + 60 * DAY_MS)
    assert feed.totals == {}


def test_a_leap_of_years_is_as_good_as_a_step():
    """An event from decades later moves every window at once."""
    late_ms = 2**53 - 1
    feed = Feed().feed([press(T), sale(T), press(late_ms - 40_000), sale(late_ms)], 1)
    assert value(feed, "sales", "30d") == (1, 1)
    assert value(feed, "silent_share", "15m") == (1, 1)


def test_time_never_runs_backwards():
    """A clock that shows less than before changes nothing."""
    feed = at(Feed().feed([sale(T)]), T + 2 * HOUR_MS)
    assert value(feed, "sales") is None
    at(feed, T)
    assert feed.partition.now.now_ms == T + 2 * HOUR_MS
    assert value(feed, "sales") is None
    assert value(feed, "sales", "8h") == (1, 1)


# Live ---------------------------------------------------------------------------------------------------------------


def live(config=None):
    """A feed by wall clock that is caught up at T."""
    return Feed(config, horizons=True, clock=caught_up_clock(T))


def test_silence_is_decided_by_a_tick_alone():
    """A survey is silent 2 s after its answer window, though nothing else arrives; not a millisecond earlier."""
    feed = live()
    feed.arrive([press(T)])
    feed.tick(T + 32_000)
    assert value(feed, "silent_share") is None
    (record,) = feed.tick(T + 32_001)
    assert record.outcome == "silent"
    assert value(feed, "silent_share") == (1, 1)


def test_event_time_needs_no_allowance():
    """By event clock a survey is silent as soon as its window has passed."""
    feed = Feed().feed([press(T), rating(T + 30_000)])
    assert value(feed, "silent_share") == (None, 0)
    feed.feed([rating(T + 30_001)])
    assert value(feed, "silent_share") == (1, 1)


def test_an_answer_within_the_allowance_is_no_correction():
    """An answer that arrives 2 s after its press is in time: the survey was never called silent."""
    feed = live()
    survey = press(T)
    feed.arrive([survey])
    feed.tick(T + 31_900)
    feed.arrive([answer(T + 30_000)], T + 31_900)
    feed.tick(T + 60_000)
    assert feed.outcomes == {("riga-1", survey["event_id"]): ["yes"]}


def test_the_next_press_decides_at_once():
    """The panel's next accepted press inside the window makes the survey silent without any wait."""
    feed = live()
    feed.arrive([press(T)])
    feed.tick(T + 1001)
    feed.arrive([press(T + 1001)])
    assert value(feed, "silent_share") == (1, 1)


def test_a_backlog_invents_no_silence():
    """While presses are still to be read, silence is decided by them alone, however late it is by the wall or elsewhere."""
    feed = live()
    feed.clock.caught_up = feed.clock.presses_caught_up = False
    survey = press(T)
    feed.arrive([survey])
    feed.arrive([sale(T + 2 * HOUR_MS)])
    feed.tick(T + 3 * HOUR_MS)
    assert feed.records == {}
    feed.arrive([answer(T + 29_000)])
    feed.arrive([press(T + HOUR_MS)])
    assert feed.outcomes == {("riga-1", survey["event_id"]): ["yes"]}
    feed.clock.caught_up = feed.clock.presses_caught_up = True
    feed.tick(T + 3 * HOUR_MS)
    assert value(feed, "response_share", "8h") == (0.5, 2)


def test_the_log_moves_time_while_reading_it():
    """Not caught up, windows stand at the greatest instant read from any topic, not at the wall's."""
    feed = live({"windows": ["1h"]})
    feed.clock.caught_up = feed.clock.presses_caught_up = False
    feed.arrive([sale(T)])
    feed.tick(T + 5 * HOUR_MS)
    assert value(feed, "sales") == (1, 1)
    feed.clock.caught_up = feed.clock.presses_caught_up = True
    feed.tick(T + 5 * HOUR_MS)
    assert value(feed, "sales") is None


@pytest.mark.parametrize("happening", [press, sale, call, visit])
def test_what_lies_ahead_is_held_until_it_happens(happening):
    """An event of a clock that runs fast counts from its own instant on."""
    feed = live({"answer_window_s": 0.001})
    feed.arrive([happening(T + 60_000)], T)
    assert feed.rows == []
    feed.tick(T + 59_999)
    assert feed.rows == []
    feed.tick(T + 60_000)
    feed.tick(T + 62_002)  # silence
    assert feed.rows != []
    assert feed.partition.held == []


def test_a_fast_clock_moves_nobody():
    """A press that claims to be four minutes ahead decides nothing about the others."""
    feed = live()
    feed.arrive([press(T)], T)
    feed.arrive([press(T + 240_000, panel_id="p2")], T + 1000)
    feed.tick(T + 1000)
    assert feed.partition.now.now_ms == T + 1000
    assert feed.records == {}


def test_held_events_are_taken_once():
    """What is delivered twice while it is held counts once; what is not yet due stays held."""
    feed = live()
    sales = [sale(T + 1000), sale(T + 2000), sale(T + 3000)]
    feed.arrive(sales, T)
    feed.arrive(sales, T)
    for seconds in (1, 2, 3, 4):
        feed.tick(T + seconds * 1000)
        assert value(feed, "sales") == (min(seconds, 3), min(seconds, 3))
    assert feed.partition.duplicates == 3


def test_held_events_need_no_more_of_their_batch():
    """What is held has its ids with it and no other bytes: the batch's own buffer may go, or be written over."""
    feed = live({"windows": ["1h"]})
    surveys = [press(T + 60_000, event_id=text, panel_id=f"p-{text}") for text in ("\u00e9", "s" * 120, "\U0001f600")]
    answers = [
        answer(T + 60_500, event_id=f"a-{number}", panel_id=one["panel_id"]) for number, one in enumerate(surveys)
    ]
    rows, buffer = decoded(
        [press(T, panel_id="now", event_id="now"), *surveys, sale(T), *answers, verdict(T + 60_600, surveys[0], 0)]
    )
    buffer = buffer.copy()
    feed.apply(Events(rows, buffer))
    buffer[:] = ord("!")
    (held,) = feed.partition.held
    assert held.rows.size == 7
    assert held.buffer.size == held.rows["id_length"].sum() + held.rows["employee_length"].sum()
    told = feed.tick(T + 60_000)
    (held,) = feed.partition.held  # parted once more
    assert held.buffer.size == held.rows["id_length"].sum() < 120
    told += feed.tick(T + 70_000)
    assert {record.survey_id: (record.panel_id, record.outcome, record.valid) for record in told} == {
        "now": ("now", "silent", True),
        **{one["event_id"]: (one["panel_id"], "yes", number > 0) for number, one in enumerate(surveys)},
    }
    assert feed.partition.held == []


def test_held_presses_of_one_instant_stand_by_their_ids():
    """As they would have, had they come in time."""
    feed = live()
    presses = [press(T + 1000, event_id=text, employee_id=text) for text in ("b", "\uffee", "a", "\U0001f600")]
    feed.arrive(presses, T)
    feed.tick(T + 1000)
    assert list(feed.surveys) == [("riga-1", "a")]
    assert feed.partition.diagnostics["bounce"] == 3


def test_many_batches_are_held_and_come_due_apart():
    """Each in its time, whichever of them came first."""
    feed = live({"windows": ["1h"]})
    for number in (5, 1, 4, 2, 3):
        feed.arrive([sale(T + number * 1000), sale(T + number * 1000 + 500)], T)
    for half in range(1, 12):
        feed.tick(T + half * 500)
        due = max(0, half - 1)
        assert value(feed, "sales") == ((due, due) if due else None)
        assert sum(batch.rows.size for batch in feed.partition.held) == 10 - due


def test_plans_need_not_wait():
    """A shift of next month, on which no index rests, is known by its id at once."""
    feed = live()
    plan = shift(T + 30 * DAY_MS)
    feed.arrive([plan], T)
    feed.arrive([plan], T)
    assert feed.partition.held == []
    assert feed.partition.duplicates == 1


def test_shifts_move_no_event_clock():
    """The greatest `ts` that counts for the time is not one of a planned shift."""
    feed = Feed().feed([sale(T), rating(T + 5), shift(T + DAY_MS)])
    assert feed.partition.now.now_ms == T + 5
