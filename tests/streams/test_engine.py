"""The engine against the reference: whatever the order, the batching and the repetition, the same result."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.layout import COUNTERS, SEEN_IDS, VISITORS_LOW, VISITS, survey_code
from streams.partition import Events
from tests.reference import cases, method
from tests.reference.companies import START_MS, company
from tests.reference.contract import judge, normalise
from tests.reference.messages import mutate
from tests.reference.strategies import configurations, event_sets
from tests.streams.feeding import ALL, HOUR_MS, SIZES, Feed, by_name, by_topic, caught_up_clock, decoded, shuffled
from tests.streams.happenings import answer, press, sale, visit

ODD_WINDOWS = ["1m", "7m", "3h", "25h", "30d"]
TARGETS = [
    {"priority": "critical", "stage": "first_response", "within": "1m", "objective": 0.8},
    {"priority": "critical", "stage": "on_site", "within": "10m", "objective": 0.7},
    {"priority": "critical", "stage": "resolved", "within": "30m", "objective": 0.8},
    {"priority": "normal", "stage": "on_site", "within": "5m", "objective": 0.7},
]
COMPANIES = [[normalise(event) for event in company(seed, mess=0, steps=40)] for seed in range(4)]
# Before, amid and after what happens; the last ones leave the small windows behind.
AFTER_MS = (-3_000_000, 0, 29_777, 600_000, 3_600_000, 10_000_000)
CONFIGS = (
    {},
    {"windows": ODD_WINDOWS, "min_surveys": 1, "force_majeure_level_max": 0.5, "reference": {"ink_office": 0.5}}
    | {"request_targets": TARGETS},
    {
        "force_majeure_pending": "exclude",
        "force_majeure_excludes": "unfavourable",
        "answer_window_s": 1,
        "min_surveys": 2,
        "representative_by": "coverage",
        "coverage_limits": [0.5, 4],
        "asked_within_s": 600,
        "request_targets": TARGETS,
    },
    {
        "debounce_ms": 5000,
        "answer_window_s": 29.9995,
        "force_majeure_excludes": "numerator",
        "min_surveys": 3,
        "representative_by": "conversion",
        "conversion_limits": [0.25, 4],
        "force_majeure_level_max": 1,
        "diagnosis_margin": 0.25,
    },
)


instants = st.sampled_from((-1, 0, 1, 1000, 30_000, 30_001, 31_000, 62_001, 931_000)).map(START_MS.__add__)


def reordered(draw, events):
    """The events in some order, some of them several times."""
    repeats = draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    return draw(st.permutations(events + repeats))


@st.composite
def feeds(draw):
    """A feed that some events were given to, the events, the instant that it stands at, and its configuration."""
    # The ends of a force majeure lie at most the longest window apart.
    events = [event for event in draw(event_sets()) if event.get("to", 0) - event.get("from", event["ts"]) <= HOUR_MS]
    at_ms = draw(instants)
    config = draw(configurations)
    given_at = at_ms if draw(st.booleans()) else None
    feed = Feed(config, given_at, sweeps=draw(st.booleans()))
    happened = events if given_at is not None else [event for event in events if event["ts"] <= at_ms]
    feed.feed(reordered(draw, happened), draw(st.sampled_from(SIZES)))
    feed.clock.now_ms = at_ms
    feed.step()
    return feed, events, at_ms, config


@pytest.mark.parametrize("name", cases.names())
@pytest.mark.parametrize("size", [97, ALL])
def test_a_case_gives_what_is_expected(name, size):
    """Every expected value and base is found, and none besides."""
    case = cases.load(name)
    feed = Feed(case.config, case.at_ms)
    feed.feed(case.lines, size)
    assert cases.differences(feed.rows, case.expected) == []


@given(feeds())
@settings(max_examples=200, deadline=None)
def test_indices_are_the_references(fed):
    """The indices follow from the set of events and the instant alone."""
    feed, events, at_ms, config = fed
    assert cases.differences(feed.rows, method.indices(events, at_ms, config)) == []


@given(feeds())
@settings(max_examples=200, deadline=None)
def test_surveys_and_roles_are_the_references(fed):
    """So do the state of every survey and the role of every press."""
    feed, events, at_ms, config = fed
    assert feed.surveys == by_name(method.surveys(events, at_ms, config))
    roles = Counter(method.roles(events, at_ms, config).values())
    assert feed.partition.diagnostics == {role: roles[role] for role in feed.partition.diagnostics}


@given(feeds())
@settings(max_examples=100, deadline=None)
def test_the_last_records_are_the_surveys(fed):
    """The last record of each survey tells its state; one that is not decided has none, or was withdrawn."""
    feed, events, at_ms, config = fed
    decided = {
        name: (survey["outcome"], survey["valid"], survey["in_force_majeure"])
        for name, survey in by_name(method.surveys(events, at_ms, config)).items()
        if survey["outcome"] != "undecided"
    }
    told = {
        name: (record.outcome, record.valid, record.force_majeure)
        for name, record in feed.records.items()
        if record.outcome != "withdrawn"
    }
    assert told == decided


@pytest.mark.parametrize("number", range(len(COMPANIES)))
@pytest.mark.parametrize("after_ms", AFTER_MS)
def test_a_company_in_any_order(number, after_ms):
    """A crowded company, shuffled and repeated, in batches of every size, swept or not, gives the reference's indices."""
    events = COMPANIES[number]
    at_ms = START_MS + after_ms
    config = CONFIGS[(number + AFTER_MS.index(after_ms)) % len(CONFIGS)]
    expected = method.indices(events, at_ms, config)
    surveys = by_name(method.surveys(events, at_ms, config))
    for size in SIZES[1:]:
        feed = Feed(config, at_ms, sweeps=size % 2 == 1).feed(shuffled(events, size), size)
        assert cases.differences(feed.rows, expected) == []
        assert feed.surveys == surveys


@pytest.mark.parametrize("seed", range(4))
def test_totals_are_the_same_to_the_last_byte(seed):
    """Counters are integers: two orders, one of them an event at a time, leave the very same bytes."""
    at_ms = START_MS + 600_000
    feeds = [Feed(CONFIGS[seed], at_ms).feed(shuffled(COMPANIES[seed], seed + size), size) for size in (1, ALL)]
    assert feeds[0].totals == feeds[1].totals
    assert feeds[0].totals


@pytest.mark.parametrize("seed", range(3))
def test_topics_may_come_hours_apart(seed):
    """A worker that gets one topic hours after another, in any order, ends in the reference's indices."""
    events = COMPANIES[seed]
    topics = list(by_topic(events).values())
    random.Random(seed).shuffle(topics)
    feed = Feed(CONFIGS[seed], horizons=True, clock=caught_up_clock())
    wall_ms = START_MS + 4 * HOUR_MS  # every event has happened
    for topic in topics:
        wall_ms += HOUR_MS
        feed.tick(wall_ms)
        for start in range(0, len(topic), 97):
            feed.arrive(topic[start : start + 97], wall_ms)
    assert cases.differences(feed.rows, method.indices(events, wall_ms, CONFIGS[seed])) == []
    assert feed.surveys == by_name(method.surveys(events, wall_ms, CONFIGS[seed]))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_accepted_is_applied(seed):
    """Messages broken in every way: what decoding lets through never raises, and counts as the reference has it."""
    lines, events = [], {}
    for line in mutate(seed, 400):
        event, _ = judge(line)
        name = event and (event["office_id"], event["event_id"])
        if event and name not in events:  # two events of one id break the contract
            events[name] = event
            lines.append(line)
    feed = Feed({"windows": ODD_WINDOWS}).feed(lines, 50)
    now_ms = feed.partition.now.now_ms
    for at_ms in (now_ms, START_MS + HOUR_MS):
        feed = Feed({"windows": ODD_WINDOWS}, at_ms, sweeps=True).feed(lines, 50)
        expected = method.indices(list(events.values()), at_ms, {"windows": ODD_WINDOWS})
        assert cases.differences(feed.rows, expected) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_buffer_is_needed_for_one_step_only(seed):
    """What the engine keeps it has copied: a buffer that is used again for the next batch spoils nothing."""
    at_ms = START_MS + 600_000
    feed = Feed(CONFIGS[seed], at_ms)
    memory = np.zeros(2**20, np.uint8)
    events = shuffled(COMPANIES[seed], seed)
    for start in range(0, len(events), 50):
        rows, buffer = decoded(events[start : start + 50])
        memory[:] = 0xFF
        memory[: buffer.size] = buffer
        feed.apply(Events(rows, memory))
    expected = Feed(CONFIGS[seed], at_ms).feed(COMPANIES[seed])
    assert feed.surveys == expected.surveys
    assert sorted(feed.rows, key=str) == sorted(expected.rows, key=str)


def test_events_after_the_end_of_a_replay_are_left_out():
    """They are counted, and nothing is remembered of them: no name, no id, no instant."""
    feed = Feed({}, START_MS)
    feed.step([sale(START_MS), sale(START_MS + 1, office_id="later"), press(START_MS + 1), visit(START_MS)])
    assert feed.partition.left_out == 2
    assert feed.partition.greatest_ts_ms == START_MS
    assert [name for _, name, _ in feed.partition.names.entities] == ["riga-1"]
    assert feed.partition.tables.sizes[SEEN_IDS] == 2


def test_values_of_all_entities_stand_by_their_numbers():
    """Counters of surveys before those of facts, windows in the order of the configuration."""
    feed = Feed({"windows": ["1m", "1h"]}, START_MS)
    feed.step([
        press(START_MS - 120_000, office_id="a", employee_id="ann"),
        answer(START_MS - 119_000, office_id="a"),
        visit(START_MS, office_id="b", count=5),
    ])  # fmt: skip
    held = feed.engine.evaluation.values(feed.partition)
    assert feed.partition.names.entities == [("office", "a", ""), ("employee", "a", "ann"), ("office", "b", "")]
    assert held.totals.shape == (3, 2, COUNTERS)
    assert np.argwhere(held.totals).tolist() == [
        *([0, 1, survey_code(0, 0, 0)], [1, 1, survey_code(0, 0, 0)]),
        *([2, window, counter] for window in (0, 1) for counter in (VISITS, VISITORS_LOW)),
    ]
    assert held.seen.tolist() == [[False, True], [False, True], [True, True]]
    assert held.values.shape == held.bases.shape == (3, 2, len(feed.engine.evaluation.indices))
