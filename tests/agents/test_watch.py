"""A worker that watches itself: what stands still ends it, what moves does not, and what brokers cause has more time."""

import subprocess
import sys
import textwrap

import pytest
from faust.types import TP

from agents.transport import Progress
from agents.watch import AWAY_FACTOR, Seen, StalledError, Watch

PRESSES = TP("kqi.presses", 3)
LIMIT_S = 10


def seen(**changes):
    """What is seen of a worker that has nothing to do."""
    nothing = Seen(
        assigned=True,
        partitions={PRESSES: Progress(100, 100, 50)},
        confirmed=True,
        waiting=0,
        published=0,
        refused=False,
        uncommitted=0,
        commits=0,
    )
    return nothing._replace(**changes)


def checks_until_it_ends(*looks, most=AWAY_FACTOR * LIMIT_S + 2):
    """Look at the same things again and again; return at which check it ended, and how it said so."""
    watch = Watch(LIMIT_S)
    for number in range(1, most + 1):
        try:
            watch.check(looks[number % len(looks)])
        except StalledError as stalled:
            return number, str(stalled)
    return None, None


BEHIND = {PRESSES: Progress(100, 140, 50)}
SILENT = {PRESSES: Progress(100, 140, 60_000)}
STANDING = {
    "applying": (
        {"partitions": BEHIND},
        "kqi.presses, partition 3, has messages up to offset 140, but none from 100 on has been applied for 10 s",
    ),
    "publishing": ({"waiting": 7, "published": 5}, "nothing of 7 entries that wait has been published for 10 s"),
    "committing": ({"uncommitted": 2, "commits": 5}, "the offsets of 2 partitions have not been committed for 10 s"),
}
AWAY = {
    "no partitions": ({"assigned": False, "partitions": {}}, "the group has given it no partitions for 50 s"),
    "no heartbeats": ({"confirmed": False}, "the brokers have not answered to its heartbeats for 50 s"),
    "no answer": ({"partitions": SILENT}, "the broker of kqi.presses, partition 3, has not answered for 50 s"),
    "not taken": (
        {"waiting": 7, "published": 5, "refused": True},
        "nothing of 7 entries that wait has been published for 50 s",
    ),
    "no room": (
        {"partitions": BEHIND, "refused": True},
        "kqi.presses, partition 3, has messages up to offset 140, but none from 100 on has been applied for 50 s",
    ),
}


@pytest.mark.parametrize("name", STANDING)
def test_what_stands_still_ends_the_worker(name):
    """After the time that is given, and not before, with one sentence that names it."""
    changes, sentence = STANDING[name]
    assert checks_until_it_ends(seen(**changes)) == (LIMIT_S + 1, sentence)


@pytest.mark.parametrize("name", AWAY)
def test_brokers_that_are_away_have_more_time(name):
    """They are waited for several times as long; then a fresh process may find them."""
    changes, sentence = AWAY[name]
    assert checks_until_it_ends(seen(**changes)) == (AWAY_FACTOR * LIMIT_S + 1, sentence)


MOVING = {
    "nothing to do": [seen()],
    "applying": [seen(partitions={PRESSES: Progress(offset, 140, 50)}) for offset in (100, 101)],
    "publishing": [seen(waiting=7, published=count) for count in (5, 6)],
    "committing": [seen(uncommitted=2, commits=count) for count in (5, 6)],
    "at the end every other time": [seen(partitions=BEHIND), seen()],
}


@pytest.mark.parametrize("name", MOVING)
def test_what_moves_goes_on(name):
    """A worker with nothing to do, or that comes forward, however slowly."""
    assert checks_until_it_ends(*MOVING[name]) == (None, None)


def test_time_without_brokers_does_not_count_as_standing_still():
    """When they are back, the worker has its whole time to come forward."""
    watch = Watch(LIMIT_S)
    for _ in range(AWAY_FACTOR * LIMIT_S):
        watch.check(seen(partitions=SILENT, confirmed=False, refused=True, waiting=1, uncommitted=1))
    for _ in range(LIMIT_S):
        watch.check(seen(partitions=BEHIND, waiting=1, uncommitted=1))
    with pytest.raises(StalledError):
        watch.check(seen(partitions=BEHIND, waiting=1, uncommitted=1))


def test_one_of_many_is_found():
    """A partition that stands still ends the worker although all the others come forward."""
    others = [TP("kqi.presses", number) for number in range(3)]
    looks = [seen(partitions=BEHIND | dict.fromkeys(others, Progress(number, 1000, 50))) for number in (1, 2)]
    number, sentence = checks_until_it_ends(*looks)
    assert number == LIMIT_S + 1
    assert sentence.startswith("kqi.presses, partition 3,")


def test_a_loop_that_hangs_ends_the_process():
    """The event loop cannot tell itself; the sentence names the place."""
    program = """
        import asyncio, time
        from agents import watch
        watch.CHECK_S = 0.05
        async def hang():
            with watch.guarded_loop(0.3):
                await asyncio.sleep(1)
                print("alive", flush=True)
                time.sleep(60)
        asyncio.run(hang())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (1, "alive\n")
    assert done.stderr == "the worker cannot go on: it has hung for 0.3 s in <string>, line 9\n"
