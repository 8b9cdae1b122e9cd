"""A checkpoint is the state, number for number, or it is refused."""

import random

import msgspec
import numpy as np
import pytest
import zstandard

from kernels import layout
from streams import checkpoint
from streams.clock import EventClock
from streams.configuration import configure
from streams.engine import Engine
from streams.manifest import CheckpointRefusedError, read_manifest, stored_manifest
from tests.reference import cases, method
from tests.reference.companies import START_MS, company
from tests.reference.contract import normalise
from tests.streams.feeding import HOUR_MS, Feed, by_name, by_topic, caught_up_clock, shuffled
from tests.streams.happenings import press, sale

PARTITIONS = 4
OFFSETS = {"presses": 17, "calls": 3}
CONFIG = {"windows": ["15m", "3h"], "force_majeure_pending": "exclude", "min_surveys": 1, "asked_within_s": 600}


class Store:
    """Chunks and the manifest of the latest checkpoint, as stored."""

    def __init__(self, feed):
        self.feed = feed
        self.chunks = {}
        self.manifest = b""
        self.number = 0

    def take(self):
        """Take a checkpoint; return how many bytes were new."""
        self.number += 1
        snapshot = checkpoint.take(
            self.feed.partition,
            self.feed.engine,
            partitions=PARTITIONS,
            partition_number=1,
            number=self.number,
            taken_ms=START_MS,
            offsets=OFFSETS,
            known=self.chunks.keys(),
        )
        self.chunks |= {digest: checkpoint.stored_chunk(chunk) for digest, chunk in snapshot.chunks.items()}
        self.manifest = stored_manifest(snapshot.manifest)
        assert snapshot.digests <= self.chunks.keys()
        return sum(map(len, snapshot.chunks.values()))

    def restored(self, engine=None, partitions=PARTITIONS):
        """The state that is stored."""
        manifest = read_manifest(self.manifest)
        assert (manifest.partition, manifest.number, manifest.offsets) == (1, self.number, OFFSETS)
        return checkpoint.restore(manifest, self.chunks.get, engine or self.feed.engine, partitions=partitions)


def events_of(seed, **options):
    """A company's events in no order, some of them twice."""
    return shuffled([normalise(event) for event in company(seed, mess=0, **options)], seed)


def fed(seed=1, config=None, **options):
    """A feed that was given a company."""
    return Feed(config or CONFIG).feed(events_of(seed, **options), 97)


@pytest.mark.parametrize("seed", range(12))
def test_lives_that_follow_each_other_are_as_one(seed):
    """A state that is restored again and again on its way gives what the reference gives."""
    chance = random.Random(seed)
    events = events_of(seed)
    feed = Feed(CONFIG, sweeps=seed % 3 == 0)
    store = Store(feed)
    start = 0
    while start < len(events):
        size = chance.choice((1, 7, 60, 300))
        feed.step(events[start : start + size])
        start += size
        store.take()
        feed.partition = store.restored()
        assert store.take() == 0  # the same chunks: nothing is lost or added
    at_ms = feed.clock.now_ms
    assert cases.differences(feed.rows, method.indices(events, at_ms, CONFIG)) == []
    assert feed.surveys == by_name(method.surveys(events, at_ms, CONFIG))


@pytest.mark.parametrize("seed", range(3))
def test_a_restored_worker_forgets_and_holds_as_before(seed):
    """With horizons, a wall clock and events ahead of it, a life that was cut is as one that was not."""
    events = sorted((normalise(event) for event in company(seed, mess=0, steps=20)), key=lambda event: event["ts"])
    whole, cut = (Feed(CONFIG, horizons=True, clock=caught_up_clock()) for _ in range(2))
    store = Store(cut)
    held = 0
    for start in range(0, len(events), 40):
        chunk = events[start : start + 40]
        for feed in (whole, cut):
            feed.tick(chunk[0]["ts"])
            for each in by_topic(chunk).values():
                feed.arrive(each, chunk[0]["ts"])
        held += len(whole.partition.held)
        store.take()
        cut.partition = store.restored()
        assert cut.partition.applied_clock_ms == whole.partition.applied_clock_ms
        assert cut.totals == whole.totals
    assert held > 0
    for feed in (whole, cut):
        feed.tick(events[-1]["ts"] + HOUR_MS)
    assert cut.rows == whole.rows
    assert cut.partition.duplicates == whole.partition.duplicates


@pytest.mark.parametrize("seed", range(3))
def test_whoever_has_no_number_keeps_their_name(seed):
    """The names of employees beyond the ceiling come back with their presses, and with what is held."""
    events = events_of(seed)
    feed = Feed(CONFIG | {"names_max": 2}, clock=caught_up_clock(START_MS - 10 * HOUR_MS), sweeps=True)
    store = Store(feed)
    for start in range(0, len(events), 97):
        feed.step(events[start : start + 97])
        store.take()
        feed.partition = store.restored()
    assert sum(batch.rows.size for batch in feed.partition.held) > 97
    feed.tick(START_MS + HOUR_MS)
    store.take()
    feed.partition = store.restored()
    assert feed.partition.names.nameless
    at_ms = feed.partition.now.now_ms
    right = by_name(method.surveys(events, at_ms, CONFIG))
    found = feed.surveys
    assert {name: survey["employee_id"] for name, survey in found.items()} == {
        name: survey["employee_id"] for name, survey in right.items()
    }


def test_another_ceiling_of_names_asks_for_another_state():
    """Or those who get numbers only now would be counted by halves."""
    store = Store(fed())
    store.take()
    with pytest.raises(CheckpointRefusedError, match="under another configuration"):
        store.restored(Engine(configure(("the test", CONFIG | {"names_max": 5}))))


def test_an_empty_state_is_a_state():
    """What has seen nothing can be taken and restored, too."""
    store = Store(Feed(CONFIG))
    store.take()
    store.feed.partition = store.restored()
    assert store.feed.feed([sale(START_MS)]).rows == Feed(CONFIG).feed([sale(START_MS)]).rows


def test_what_has_not_changed_is_not_written_again():
    """One more press adds few chunks to a state of many."""
    feed = Feed(CONFIG)
    presses = [press(START_MS + 1500 * each, event_id=f"press-{each}", panel=f"p{each % 50}") for each in range(30_000)]
    store = Store(feed.feed(presses, 5000))
    full = store.take()
    assert store.take() == 0
    feed.step([press(START_MS + 45_000_000, event_id="another", panel="p7")])
    assert 0 < store.take() < 0.25 * full


def test_damage_is_found_wherever_it_is():
    """A changed or lost byte in any chunk or in the manifest is not taken for a state."""
    store = Store(fed())
    store.take()
    chance = random.Random(1)
    for digest, chunk in list(store.chunks.items()):
        for broken in (spoilt(chunk, chance), chunk[: len(chunk) // 2], b"", None):
            store.chunks[digest] = broken
            with pytest.raises(CheckpointRefusedError, match=r"chunk of it"):
                store.restored()
        store.chunks[digest] = chunk
    store.restored()
    whole = store.manifest
    for broken in (*(flipped(whole, chance) for _ in range(50)), whole[:-1], whole[:9], b""):
        store.manifest = broken
        with pytest.raises(CheckpointRefusedError, match="is damaged"):
            store.restored()


def spoilt(chunk, chance):
    """The chunk with one bit changed, so that it reads otherwise: a few bits of what compression writes mean nothing."""
    while reads_alike(broken := flipped(chunk, chance), chunk):
        pass
    return broken


def reads_alike(broken, chunk):
    """Whether two compressed texts are one."""
    try:
        as_long = zstandard.frame_content_size(broken) == zstandard.frame_content_size(chunk)
        return as_long and zstandard.decompress(broken) == zstandard.decompress(chunk)
    except zstandard.ZstdError:
        return False


def flipped(data, chance):
    """The data with one bit changed."""
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "has the format 2, and this version of KQI reads format 1"),
        ({"layout": "00"}, "was taken by another version of KQI"),
        ({"rules": "00"}, "was taken under another configuration"),
        ({"shapes": {}}, "does not hold together"),
        ({"shapes": {"tables.unknown": [1]}}, "does not hold together"),
        ({"state": {}}, "does not hold together"),
    ],
)
def test_another_version_is_refused(change, sentence):
    """A manifest that is whole, but not of this version, layout or configuration, is refused with the reason."""
    store = Store(fed())
    store.take()
    manifest = msgspec.structs.replace(read_manifest(store.manifest), **change)
    store.manifest = stored_manifest(manifest)
    with pytest.raises(CheckpointRefusedError, match=sentence):
        store.restored()


@pytest.mark.parametrize("name", ["presses", "seen", "names", "sizes"])
def test_parts_that_disagree_are_refused(name):
    """Arrays whose lengths do not fit each other are not taken for a state."""
    store = Store(fed())
    store.take()
    manifest = read_manifest(store.manifest)
    part = "names.rows" if name == "names" else f"tables.{name}"
    rows, *rest = manifest.shapes[part]
    shapes = manifest.shapes | {part: [rows - 1, *rest]}
    store.manifest = stored_manifest(msgspec.structs.replace(manifest, shapes=shapes))
    with pytest.raises(CheckpointRefusedError, match=r"does not hold together"):
        store.restored()


@pytest.mark.parametrize(
    "setting",
    [
        {"answer_window_s": 29},
        {"debounce_ms": 999},
        {"long_press_ms": 2999},
        {"force_majeure_duration_s": 899},
        {"force_majeure_pending": "include"},
        {"windows": ["15m", "4h"]},
        {"service_level_s": 19},
        {"short_abandon_s": 4},
        {"correction_horizon_s": {"presses": 86_399}},
    ],
)
def test_a_setting_that_makes_another_state_refuses_it(setting):
    """A state under one configuration is no state under another, where the state depends on it."""
    store = Store(fed())
    store.take()
    other = Engine(configure(("the test", CONFIG | setting)))
    with pytest.raises(CheckpointRefusedError, match="configuration"):
        store.restored(other)


def test_settings_that_only_weigh_leave_it_valid():
    """How indices are worked out of counters, and what is published how often, does not touch the state."""
    store = Store(fed())
    store.take()
    weighing = {"silent_weight": 0.5, "force_majeure_excludes": "numerator", "indices_interval_s": 1}
    store.restored(Engine(configure(("the test", CONFIG | weighing))))


def test_another_number_of_partitions_refuses_it():
    """Offices lie elsewhere then."""
    store = Store(fed())
    store.take()
    with pytest.raises(CheckpointRefusedError, match="configuration"):
        store.restored(partitions=PARTITIONS + 1)


def test_ids_seen_are_known_after_a_restore():
    """What was applied before a checkpoint is a duplicate after it."""
    events = events_of(3)
    store = Store(Feed(CONFIG, clock=EventClock()).feed(events, 50))
    store.take()
    store.feed.partition = store.restored()
    before = store.feed.totals
    known = int(store.feed.partition.tables.sizes[layout.SEEN_IDS])
    store.feed.feed(events, 50)
    assert store.feed.totals == before
    assert int(store.feed.partition.tables.sizes[layout.SEEN_IDS]) == known


def test_taking_leaves_the_state_as_it_is():
    """A checkpoint is a look: nothing of the state moves or is held on to."""
    feed = fed()
    arrays = {name: array.copy() for name, array in feed.partition.tables._asdict().items()}
    Store(feed).take()
    for name, array in feed.partition.tables._asdict().items():
        assert np.array_equal(array, arrays[name]), name
