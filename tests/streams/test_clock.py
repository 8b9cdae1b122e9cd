"""Clocks: what time it is for a partition, and until when silence is decided."""

from streams.clock import SILENCE_ALLOWANCE_MS, EventClock, Now, Progress, WallClock


def wall(wall_ms, *, caught_up, presses_caught_up):
    """A wall clock."""
    clock = WallClock()
    clock.wall_ms = wall_ms
    clock.caught_up = caught_up
    clock.presses_caught_up = presses_caught_up
    return clock


def test_an_event_clock_shows_the_greatest_instant_of_all_partitions():
    """It never runs backwards, and silence is decided without an allowance."""
    clock = EventClock()
    assert clock.now(Progress(1, 1, 500)) == Now(500, 500)
    assert clock.now(Progress(900, 900, 300)) == Now(500, 500)
    assert clock.now(Progress(0, 0, 501)) == Now(501, 501)


def test_a_fixed_event_clock_stands():
    """At an instant that was asked for, what comes later moves nothing."""
    clock = EventClock(1000)
    assert clock.now(Progress(5000, 5000, 5000)) == Now(1000, 1000)


def test_caught_up_it_is_what_the_wall_shows():
    """And silence is decided 2 s behind it."""
    clock = wall(10_000, caught_up=True, presses_caught_up=True)
    assert SILENCE_ALLOWANCE_MS == 2000
    assert clock.now(Progress(4000, 3000, 99_000)) == Now(10_000, 8000)


def test_a_broker_ahead_of_the_wall_is_believed():
    """An append time later than the wall's time moves on a partition that is caught up, too."""
    clock = wall(10_000, caught_up=True, presses_caught_up=True)
    assert clock.now(Progress(12_000, 3000, 0)) == Now(12_000, 10_000)


def test_behind_it_is_what_the_log_shows():
    """A partition with a backlog stands at the greatest instant of its log; silence follows its presses."""
    clock = wall(10_000, caught_up=False, presses_caught_up=False)
    assert clock.now(Progress(7000, 5000, 99_000)) == Now(7000, 3000)


def test_presses_that_are_caught_up_follow_the_time():
    """While only another topic has a backlog, silence is decided behind now."""
    clock = wall(10_000, caught_up=False, presses_caught_up=True)
    assert clock.now(Progress(7000, 5000, 0)) == Now(7000, 5000)


def test_silence_is_never_decided_ahead_of_now():
    """Presses may not run ahead of the partition."""
    clock = wall(0, caught_up=False, presses_caught_up=False)
    assert clock.now(Progress(7000, 7000, 0)) == Now(7000, 5000)
