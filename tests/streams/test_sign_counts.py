"""Signs counted out of tables against the report, which works them out of events: whatever comes in whatever order, swept or not."""

import random

import pytest

from streams.clock import EventClock, Now
from streams.configuration import configure
from streams.evidence import Evidence
from streams.sign_counts import count_signs
from streams.signs import SIGNS, Signs
from tests.reference.companies import START_MS, company
from tests.streams.feeding import HOUR_MS, MINUTE_MS, SIZES, Feed, caught_up_clock, shuffled, whole
from tests.streams.happenings import answer, call, long_press, press, sale, verdict, visit
from tests.streams.test_explanation import gathered

T = START_MS
LIMITS = {"yes_run": 2, "context_s": 40}


def reported(events, now, config):
    """Return count and base of each row of the report."""
    configuration = configure(("the test", config))
    found = Signs(Evidence(configuration, gathered(events), now), configuration)
    names = ("scope", "office_id", "employee_id", "window", "sign")
    return {tuple(row[name] for name in names): (row["count"], row["base"]) for row in found.rows()}


def some_limits(chance):
    """Return a configuration with limits at which much happens."""
    return {
        "windows": chance.choice((["15m", "1h"], ["1h", "15m", "8h"], ["1h"])),
        "signs": {
            "yes_run": chance.choice((2, 3)),
            "context_s": chance.choice((0.001, 5, 40, 600)),
            "quick_answer_s": chance.choice((0, 0.5, 1)),
            "force_majeure_after_no_s": chance.choice((0, 30, 120)),
        },
    }


@pytest.mark.parametrize("seed", range(24))
def test_counts_are_those_of_the_report(seed):
    """Of random companies at several instants, in any order and batches, with repeats, swept after every step or never."""
    chance = random.Random(seed)
    config = some_limits(chance)
    events = company(seed, steps=25, mess=0)
    for at_ms in sorted(T + chance.randrange(-600_000, 2_500_000) for _ in range(3)):
        feed = Feed(config, at_ms, sweeps=seed % 2 == 0)
        feed.feed(shuffled(events, seed), chance.choice(SIZES))
        assert feed.signs == reported(events, Now(at_ms, at_ms), config)


@pytest.mark.parametrize("seed", range(6))
def test_readings_on_the_way_change_nothing(seed):
    """As time goes on and events come late, each reading is that of all that has come, with sweeps in between."""
    chance = random.Random(100 + seed)
    config = some_limits(chance)
    events = company(seed, steps=12, mess=0)
    events.sort(key=lambda event: event["ts"] + chance.choice((0, 0, 0, 60_000, 900_000)))
    feed = Feed(config, clock=caught_up_clock())
    now_ms, arrived = 0, []
    for number, event in enumerate(events):
        now_ms = max(now_ms, event["ts"])
        feed.clock.wall_ms = now_ms
        arrived.append(event)
        feed.step([event])
        if chance.random() < 0.1:
            feed.sweep()
        if number % 40 == 0:
            feed.tick(now_ms)
            assert feed.signs == reported(arrived, feed.partition.now, config)


@pytest.mark.parametrize("seed", range(6))
def test_answers_that_were_swept_are_known(seed):
    """What no correction can reach is forgotten, answers and bounces among it; when a survey was answered is not."""
    chance = random.Random(200 + seed)
    config = some_limits(chance) | {"windows": ["8h"], "correction_horizon_s": {"presses": 1}}
    events = company(seed, steps=25, mess=0)
    feed = Feed(config, horizons=True, clock=EventClock())
    for event in events:
        assert not feed.arrive([event]).rejects
    before = feed.partition.tables.sizes.copy()
    feed.sweep()
    assert feed.partition.tables.sizes[0] < before[0]  # presses
    found = feed.signs
    assert found == reported(events, feed.partition.now, config)
    assert any(sign in {"quick_answers", "force_majeure_after_no"} for *_, sign in found)


def test_the_companies_have_every_sign():
    """What is compared is not nothing: of every sign some are one and some are not."""
    config = {"windows": ["1h"], "signs": {"yes_run": 2, "context_s": 5}}
    totals = dict.fromkeys(SIGNS, (0, 0))
    for seed in range(8):
        for (*_, sign), (odd, base) in Feed(config, T + 900_000).feed(company(seed, steps=25)).signs.items():
            totals[sign] = totals[sign][0] + odd, totals[sign][1] + base
    for sign, (odd, base) in totals.items():
        assert 0 < odd < base or (sign == "force_majeures_declared" and odd == base > 0), sign


# By hand -----------------------------------------------------------------------------------------------------------


def of(feed, sign, who=None, window="1h"):
    """Return count and base of a sign of an employee of riga-1, or of the office."""
    return feed.signs.get(("office" if who is None else "employee", "riga-1", who, window, sign))


def test_a_story_by_hand():
    """Ann's three yes, one of them quick and one with a sale near; ben's no with a force majeure after it, confirmed later."""
    surveys = [press(T + n * MINUTE_MS, employee_id="ann") for n in range(3)]
    answers = [answer(T, answer="yes")]  # at once, and 5 s later
    answers += [answer(T + n * MINUTE_MS + 5000, answer="yes") for n in (1, 2)]
    ben = [press(T + 5 * MINUTE_MS, employee_id="ben"), answer(T + 5 * MINUTE_MS + 1001, answer="no")]
    declared = long_press(T + 7 * MINUTE_MS, employee_id="ben")
    sales = [sale(T + 2 * MINUTE_MS + 40_000, employee_id="ann"), sale(T, employee_id="cid")]
    feed = Feed({"windows": ["15m", "1h"], "signs": LIMITS | {"yes_run": 3}}, T + 20 * MINUTE_MS)
    feed.feed([*surveys, *answers, *ben, declared, *sales])
    assert of(feed, "quick_answers", "ann") == (1, 3)
    assert of(feed, "quick_answers", "ben") == (0, 1)
    assert of(feed, "quick_answers") == (1, 4)
    assert of(feed, "yes_runs", "ann") == of(feed, "yes_runs") == (3, 3)
    assert of(feed, "yes_runs", "ben") is None
    assert of(feed, "presses_without_context", "ann") == (2, 3)
    assert of(feed, "presses_without_context") == (3, 4)
    assert of(feed, "sales_without_press", "ann") == (0, 1)
    assert of(feed, "sales_without_press", "cid") == (1, 1)
    assert of(feed, "force_majeure_after_no", "ben") == of(feed, "force_majeure_after_no") == (1, 1)
    assert of(feed, "force_majeures_declared", "ben") == (1, 1)
    assert of(feed, "force_majeures_confirmed", "ben") == (0, 1)
    assert of(feed, "quick_answers", "ann", "15m") is None  # since 5:15, when ben's no was over as well
    assert of(feed, "force_majeures_declared", "ben", "15m") == (1, 1)
    assert of(feed, "yes_runs", window="15m") is None
    feed.feed([verdict(T + 8 * MINUTE_MS, declared, reliable=True), verdict(T + 1, surveys[1], reliable=False)])
    assert of(feed, "force_majeures_confirmed") == (1, 1)
    assert of(feed, "yes_runs") == (0, 2)  # the one in the middle was rejected
    assert of(feed, "presses_without_context") == (2, 3)
    feed.feed([visit(T + 30_000)])
    assert of(feed, "presses_without_context") == (1, 3)  # the first has a visit near it, the third its sale


@pytest.mark.parametrize(("yes", "no", "odd"), [("a", "b", 2), ("b", "a", 0)])
def test_presses_of_one_instant_stand_by_their_ids(yes, no, odd):
    """Ann's yes, and then a yes and a no on two panels at one instant: the yes come one after the other, or do not."""
    ids = {"p1": yes, "p2": no}
    events = [press(T), answer(T + 5000)]
    events += [press(T + MINUTE_MS, panel_id=panel, event_id=event_id) for panel, event_id in ids.items()]
    events += [answer(T + MINUTE_MS + 5000), answer(T + MINUTE_MS + 5000, panel_id="p2", answer="no")]
    for given in (events, events[::-1]):
        feed = Feed({"windows": ["1h"], "signs": LIMITS}, T + HOUR_MS - 2 * MINUTE_MS).feed(given)
        assert of(feed, "yes_runs") == (odd, 2)


def test_what_lies_before_the_window_is_near_what_it_holds():
    """A visit, a sale and a press just before the longest window begins count as near, also when they come late and after sweeps."""
    begin_ms = T - 59 * MINUTE_MS
    inside = [press(begin_ms, employee_id="ann"), sale(begin_ms, employee_id="ben")]
    for before_ms, odd in ((40_000, 0), (40_001, 1)):
        before = [visit(begin_ms - before_ms), press(begin_ms - before_ms, employee_id="ben", panel_id="p2")]
        for given in (before + inside, inside + before):
            feed = Feed({"windows": ["1h"], "signs": LIMITS}, T).feed(given[:2])
            feed.sweep()
            feed.feed(given[2:]).sweep()
            assert of(feed, "presses_without_context") == of(feed, "sales_without_press") == (odd, 1)


def test_a_run_begins_with_the_longest_window():
    """A yes just before it belongs to no run in it, though it is still known; a shorter window shows a part of a longer run."""
    begin_ms, quarter_ms = T - 59 * MINUTE_MS, T - 885_000
    for first_ms, hour, quarter in ((begin_ms - 1, (0, 1), None), (quarter_ms - MINUTE_MS, (2, 2), (1, 1))):
        events = [press(first_ms), answer(first_ms), press(first_ms + MINUTE_MS), answer(first_ms + MINUTE_MS)]
        feed = Feed({"windows": ["15m", "1h"], "signs": LIMITS}, T).feed(events)
        assert (of(feed, "yes_runs"), of(feed, "yes_runs", window="15m")) == (hour, quarter)


def test_contacts_only_before_that_are_none():
    """An office that told of visits long ago, and of none since, is not held to them."""
    begin_ms = T - 59 * MINUTE_MS
    feed = Feed({"windows": ["1h"], "signs": LIMITS}, T)
    feed.feed([visit(begin_ms - 40_001), press(T - MINUTE_MS)])
    assert of(feed, "presses_without_context") is None
    feed.feed([call(begin_ms - 40_000, employee_id="ben")])
    assert of(feed, "presses_without_context") == (1, 1)


def test_sales_where_nobody_pressed_are_none():
    """An office in which nobody pressed in the longest window or just before it may have no panels."""
    begin_ms = T - 59 * MINUTE_MS
    feed = Feed({"windows": ["1h"], "signs": LIMITS}, T)
    feed.feed([sale(T, employee_id="ann"), press(begin_ms - 40_001, employee_id="ann")])
    assert of(feed, "sales_without_press") is None
    feed.feed([press(begin_ms - 39_000, employee_id="ben")])
    assert of(feed, "sales_without_press") == (1, 1)


def test_whoever_has_no_name_counts_for_the_office():
    """Beyond the ceiling of names quick answers and force majeures are the office's; what needs to know who it was is left out."""
    events = [press(T, employee_id="ann")]
    for n in range(1, 4):
        ts_ms = T + n * MINUTE_MS
        own = {"employee_id": f"e{n}"}
        events += [press(ts_ms, **own), answer(ts_ms + 500, answer="yes"), sale(ts_ms, **own)]
    events.append(long_press(T + 4 * MINUTE_MS, employee_id="e9"))
    feed = Feed({"windows": ["1h"], "names_max": 2, "signs": LIMITS}, T + 10 * MINUTE_MS)
    feed.step(events[:1])
    feed.feed(events[1:])
    assert {who for _, _, who, *_ in feed.signs} == {None, "ann"}
    assert of(feed, "quick_answers") == (3, 3)
    assert of(feed, "force_majeures_declared") == (1, 1)
    assert of(feed, "yes_runs") is None
    assert of(feed, "presses_without_context") == of(feed, "presses_without_context", "ann") == (1, 1)
    assert of(feed, "sales_without_press") is None


@pytest.mark.parametrize("seed", range(4))
def test_a_reading_comes_in_pieces(seed, monkeypatch):
    """However small they are it says the same, and whatever is applied between them, it comes to an end."""
    config = {"windows": ["15m", "1h"], "signs": LIMITS}
    feed = Feed(config, T + HOUR_MS).feed(company(seed, steps=20, mess=0))
    right = feed.signs
    monkeypatch.setattr("streams.sign_counts.ROWS_AT_ONCE", 7)
    monkeypatch.setattr("streams.sign_counts.DECLARED_AT_ONCE", 2)
    assert feed.signs == right
    reading = count_signs(feed.engine, feed.partition)
    for event in company(seed + 1, steps=5, mess=0)[::10]:
        next(reading)
        feed.step([event])
    odd, bases = whole(reading)
    assert ((odd >= 0) & (odd <= bases)).all()


def test_a_sweep_begins_a_reading_anew(monkeypatch):
    """Rows have other numbers then: what was counted is what there is after it."""
    monkeypatch.setattr("streams.sign_counts.ROWS_AT_ONCE", 7)
    feed = Feed({"windows": ["15m", "1h"], "signs": LIMITS}, clock=caught_up_clock(T))
    feed.feed([each for each in company(3, steps=20, mess=0) if each["ts"] < T])
    reading = count_signs(feed.engine, feed.partition)
    for _ in range(60):
        next(reading)
    feed.tick(T + 20 * MINUTE_MS)
    feed.sweep()
    found, right = whole(reading), whole(count_signs(feed.engine, feed.partition))
    assert right.bases.any()
    assert all((one == other).all() for one, other in zip(found, right, strict=True))
