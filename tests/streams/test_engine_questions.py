"""The question in force, in the engine: by the schedules of offices, whatever the order, and whatever was in force before."""

import random

import pytest

from kernels.layout import PERSONNEL
from tests.reference import method
from tests.reference.companies import START_MS, company
from tests.reference.contract import normalise
from tests.streams.feeding import SIZES, Feed, by_name, decoded, directory_of, shuffled
from tests.streams.happenings import answer, press, verdict
from tests.streams.test_checkpoint import Store

# It is midnight in Los Angeles, the 15th, when the companies are at work.
TEN_DAYS = [
    {"days": "1-10", "question": "personnel"},
    {"days": "11-14", "question": "office"},
    {"days": "15-31", "question": "loyalty"},
]
EVERY_OTHER = [{"days": f"{day}", "question": ("loyalty", "personnel", "office")[day % 3]} for day in range(1, 32)]
ANGELES = {
    "id": "office-0",
    "time_zone": "America/Los_Angeles",
    "questions": TEN_DAYS,
    "representative_by": "conversion",
    "conversion_limits": [0.2, 0.3],
}
DIRECTORIES = [
    {},
    {"defaults": {"questions": "office"}},
    {"offices": [ANGELES]},
    {"offices": [ANGELES, {"id": "office-1", "questions": "loyalty", "representative_by": "coverage"}]},
    {"defaults": {"time_zone": "America/Los_Angeles", "questions": EVERY_OTHER}, "offices": [{"id": "office-1"}]},
    {"defaults": {"time_zone": "Pacific/Auckland", "questions": EVERY_OTHER}, "offices": [ANGELES]},
]
CONFIG = {"windows": ["15m", "3h"], "force_majeure_pending": "exclude", "min_surveys": 1, "coverage_limits": [0.1, 3]}
AT_MS = START_MS + 3_600_000
PRESS = press(START_MS, office_id="office-0")


def happened(seed, **options):
    """What a company did up to AT_MS."""
    events = [normalise(event) for event in company(seed, mess=0, steps=40, **options)]
    return [event for event in events if event["ts"] <= AT_MS]


def expected(events, directory):
    """What the reference makes of events: surveys by name, and rows."""
    config = CONFIG | {"directory": directory}
    return by_name(method.surveys(events, AT_MS, config)), method.indices(events, AT_MS, config)


def found(feed):
    """The same of a feed."""
    return feed.surveys, sorted(feed.rows, key=_order)


def _order(row):
    return [str(row.get(part)) for part in ("scope", "office_id", "employee_id", "queue", "window", "index")]


def assert_is(feed, events, directory):
    """Every survey and row is that of the reference."""
    feed.clock.now_ms = max(feed.clock.now_ms, AT_MS)
    feed.step()
    surveys, rows = found(feed)
    right_surveys, right_rows = expected(events, directory)
    assert surveys == right_surveys
    right = {tuple(_order(row)): (row["value"], row["base"]) for row in right_rows}
    assert {tuple(_order(row)): (row["value"], row["base"]) for row in rows if row["base"] or row["value"]} == {
        name: pytest.approx(value) for name, value in right.items() if value[0] or value[1]
    }
    reasons = [
        {tuple(_order(row)): row["reasons"] for row in some if row.get("reasons")} for some in (rows, right_rows)
    ]
    assert reasons[0] == reasons[1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("directory", DIRECTORIES)
def test_any_order_and_batching(seed, directory):
    """Shuffled, repeated, in batches of any size, swept or not, presses ask what the reference says."""
    events = happened(seed)
    feed = Feed(CONFIG | {"directory": directory}, AT_MS, sweeps=bool(seed % 2))
    feed.feed(shuffled(events, seed), SIZES[seed % len(SIZES)])
    assert_is(feed, events, directory)


@pytest.mark.parametrize("seed", range(6))
def test_changes_of_the_directory(seed):
    """Whatever was in force in between, the result is that of the directory in force at the end."""
    chance = random.Random(seed)
    events = happened(seed)
    feed = Feed(CONFIG | {"directory": chance.choice(DIRECTORIES)}, AT_MS, sweeps=bool(seed % 2))
    mixed = shuffled(events, seed)
    for start in range(0, len(mixed), 61):
        feed.step(mixed[start : start + 61])
        if chance.random() < 0.3:
            feed.direct(chance.choice(DIRECTORIES))
    last = chance.choice(DIRECTORIES)
    feed.direct(last)
    assert_is(feed, events, last)
    for record in feed.records.values():
        survey = feed.surveys.get((record.office_id, record.survey_id))
        if survey is not None and survey["outcome"] != "undecided":
            assert record.question == survey["question"]


@pytest.mark.parametrize("seed", range(4))
def test_a_checkpoint_under_another_directory(seed):
    """A state restored under another directory is the one that the log gives."""
    events = happened(seed)
    mixed = shuffled(events, seed)
    before, after = random.Random(seed).sample(DIRECTORIES, 2)
    feed = Feed(CONFIG | {"directory": before}, AT_MS).feed(mixed[: len(mixed) // 2], 97)
    store = Store(feed)
    store.take()
    other = Feed(CONFIG | {"directory": after}, AT_MS)
    other.partition = store.restored(other.engine)
    other.feed(mixed[len(mixed) // 2 :], 97)
    assert_is(other, events, after)


def test_what_changed_is_told_with_a_new_revision():
    """Surveys that ask another question now are told again; those that name theirs, or are undecided, are not."""
    named = press(START_MS + 40_000, office_id="office-0", question="office")
    waiting = press(START_MS + 80_000, office_id="office-0")
    feed = Feed(CONFIG, START_MS + 80_000).feed([PRESS, answer(START_MS + 1, office_id="office-0"), named, waiting])
    (first,) = [each for each in feed.records.values() if each.survey_id == PRESS["event_id"]]
    told = feed.direct({"defaults": {"questions": "loyalty"}}).step()
    assert [(each.survey_id, each.question, each.outcome) for each in told] == [(PRESS["event_id"], "loyalty", "yes")]
    assert told[0].revision > first.revision
    assert feed.step() == []
    assert feed.direct({"defaults": {"questions": "loyalty"}, "offices": [{"id": "x"}]}).step() == []
    assert feed.surveys["office-0", waiting["event_id"]]["question"] == "loyalty"


def test_a_rejected_survey_is_told_too():
    """It counts nowhere, before and after, but what it asked is part of what is told of it."""
    no = verdict(START_MS + 5, PRESS, False)
    feed = Feed(CONFIG, AT_MS).feed([PRESS, answer(START_MS + 1, office_id="office-0"), no])
    (told,) = feed.direct({"defaults": {"questions": "office"}}).step()
    assert (told.question, told.valid) == ("office", False)
    assert all(row["value"] is None for row in feed.rows if row["index"].startswith(("ink", "iel")))


def test_what_must_not_be_told_yet_waits():
    """While changes would be lost, another directory asks nothing else, of presses of before and of new ones."""
    feed = Feed(CONFIG, AT_MS).feed([PRESS])
    feed.direct({"defaults": {"questions": "loyalty"}})
    new = press(START_MS + 40_000, office_id="office-0")
    assert feed.engine.step(feed.partition, decoded([new]), feed.clock, anew=False).size == 1
    questions = {name[1]: survey["question"] for name, survey in feed.surveys.items()}
    assert questions == {PRESS["event_id"]: "personnel", new["event_id"]: "personnel"}
    told = {record.survey_id: record.question for record in feed.step()}
    assert told == {PRESS["event_id"]: "loyalty", new["event_id"]: "loyalty"}


def test_a_press_that_waits_for_its_time_asks_by_what_is_in_force_then():
    """What is held ahead of now is asked when it counts."""
    feed = Feed(CONFIG)
    feed.clock.fixed = True
    feed.clock.now_ms = START_MS - 1000
    feed.feed([PRESS])
    feed.direct({"defaults": {"questions": "office"}})
    feed.clock.now_ms = START_MS
    feed.step()
    assert feed.surveys["office-0", PRESS["event_id"]]["question"] == "office"


def test_the_same_schedules_ask_nothing_anew():
    """A directory in which only other things changed leaves presses alone."""
    feed = Feed(CONFIG | {"directory": DIRECTORIES[3]}, AT_MS).feed(happened(1))
    schedules = feed.engine.schedules
    offices = [office | {"name": "new"} for office in DIRECTORIES[3]["offices"]]
    feed.direct({"offices": offices})
    assert feed.engine.schedules is schedules
    assert feed.engine.directory == directory_of({"offices": offices})


def test_without_a_schedule_it_is_the_personnel():
    """The plain case looks at no calendar."""
    feed = Feed(CONFIG, AT_MS).feed([PRESS])
    assert feed.engine.schedules.are_plain
    assert feed.partition.tables.presses["choice"][0] == PERSONNEL
