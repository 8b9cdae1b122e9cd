"""Ids: their hashes, their order, and the index of those seen."""

import itertools
import random

import numpy as np
import pytest

from kernels.identity import find, first_place, hash_bytes, ids_ordered, place_for, refill, row_at, target_key
from kernels.layout import FORCE_MAJEURE_TARGET, NONE, SURVEY_TARGET

# MurmurHash3 x64 128 by the package mmh3 (5.2): bytes, seed, and both halves.
VECTORS = [
    (b"", 0, 0x0, 0x0),
    (b"", 1, 0x4610ABE56EFF5CB5, 0x51622DAA78F83583),
    (b"a", 0, 0x85555565F6597889, 0xE6B53A48510E895A),
    (b"abcdefg", 7, 0xAE9BD04E530D60EE, 0x5E9B8757C941165),
    (b"abcdefgh", 0, 0xCC8A0AB037EF8C02, 0x48890D60EB6940A1),
    (b"abcdefghi", 0, 0x547C0CFF13C7964, 0x79B53DF5B741E033),
    (b"0123456789abcdef", 0, 0x4BE06D94CF4AD1A7, 0x87C35B5C63A708DA),
    (b"0123456789abcdefg", 5, 0x2A3005BA4FD376F5, 0x80F884CEED3A627),
    (b"The quick brown fox jumps over the lazy dog", 0, 0xE34BBC7BBC071B6C, 0x7A433CA9C49A9347),
    ("\u00e9\U0001f600".encode() * 9, 2**31 - 1, 0x2EF1899D04CB05AE, 0xC4BE7F56B7CDAE47),
    (bytes(range(256)), 42, 0x34D6851647FAD219, 0x72AA37066B7B77AF),
    (b"x" * 512, 3, 0x9A719FC8189DA3DD, 0x3F4B69109BF6315),
]


@pytest.mark.parametrize(("data", "seed", "high", "low"), VECTORS)
def test_hashes_are_murmurs(data, seed, high, low):
    """Wherever in a buffer the bytes lie."""
    for before, after in ((b"", b""), (b"before", b"after")):
        buffer = np.frombuffer(before + data + after, np.uint8)
        assert hash_bytes(buffer, len(before), len(data), seed) == (high, low)


@pytest.mark.parametrize("length", range(34))
def test_a_hash_is_of_its_bytes_alone(length):
    """Not of where they lie, nor of what lies before and behind them: at the very beginning and end of a buffer, too."""
    text = bytes(range(200, 200 + length))
    alone = hash_bytes(np.frombuffer(text, np.uint8), 0, length, 5)
    for before in range(18):
        for around in (b"\x00", b"\xff"):
            buffer = np.frombuffer(around * before + text + around * (before % 3), np.uint8)
            assert hash_bytes(buffer, before, length, 5) == alone


def test_a_verdict_on_a_survey_is_not_one_on_a_force_majeure():
    """The same id makes two keys."""
    high, low = np.uint64(2**63 + 5), np.uint64(7)
    assert target_key(high, low, SURVEY_TARGET) == (high, low)
    assert target_key(high, low, FORCE_MAJEURE_TARGET) != (high, low)


class Index:
    """An index of hashes, which stand in rows in the order in which they were entered."""

    def __init__(self, places, rows):
        self.places = np.zeros(places, np.uint64)
        self.hashes = np.zeros((rows, 2), np.uint64)
        self.count = 0

    def row(self, high, low):
        """The row of a hash, -1 where it is not known."""
        return row_at(self.places[find(self.places, self.hashes, np.uint64(high), np.uint64(low))])

    def enter(self, high, low):
        """Enter a hash that is not known."""
        at = find(self.places, self.hashes, np.uint64(high), np.uint64(low))
        self.places[at] = place_for(np.uint64(low), self.count)
        self.hashes[self.count] = high, low
        self.count += 1


def awkward(chance):
    """A hash with one of few low halves, near either end: long runs of collisions, some over the end of the index."""
    few = (0, 1, 2**32 - 1, 2**63, 2**63 + 1, 2**64 - 1, 2**64 - 2**32, chance.getrandbits(64))
    return chance.getrandbits(64), chance.choice(few)


@pytest.mark.parametrize("seed", range(3))
def test_an_index_finds_what_was_entered(seed):
    """All but one of its places taken, hashes that collide and wrap around its end among them."""
    chance = random.Random(seed)
    index = Index(61, 60)
    known = [awkward(chance) for _ in range(60)]
    for each in known:
        assert index.row(*each) == NONE
        index.enter(*each)
    assert [index.row(*each) for each in known] == list(range(60))
    assert index.row(12345, 2**64 - 1) == NONE


def test_hashes_that_share_a_half_are_different():
    """Both halves count, and each in whole: a place holds but a quarter of a hash."""
    index = Index(16, 8)
    hashes = [(1, 1), (1, 2), (2, 1), (2, 2), (1, 2**32 + 1), (2**32 + 1, 1)]
    for each in hashes:
        assert index.row(*each) == NONE
        index.enter(*each)
    assert [index.row(*each) for each in hashes] == list(range(6))


def test_a_place_tells_its_row():
    """From the first to the last of 2**32 - 1, beside the hash; a free one none."""
    assert row_at(np.uint64(0)) == NONE
    for row in (0, 1, 2**31, 2**32 - 2):
        held = place_for(np.uint64(0xFEDCBA9876543210), row)
        assert row_at(held) == row
        assert int(held) >> 32 == 0xFEDCBA98


def test_places_ascend_with_hashes():
    """The search for a hash begins in the first place for the least of them, in the last one for the greatest."""
    index = np.zeros(100, np.uint64)
    chance = random.Random(1)
    lows = sorted([0, 2**64 - 1, *(chance.getrandbits(64) for _ in range(1000))])
    places = [first_place(index, np.uint64(low)) for low in lows]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 99)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("larger", [61, 62, 100, 1000])
def test_a_larger_index_holds_what_the_smaller_did(seed, larger):
    """Whatever collided or wrapped around the end is found in it, and nothing besides."""
    chance = random.Random(seed)
    index = Index(61, 60)
    known = [awkward(chance) for _ in range(60)]
    for each in known:
        index.enter(*each)
    grown = np.zeros(larger, np.uint64)
    refill(index.places, grown)
    assert sorted(grown[grown > 0].tolist()) == sorted(index.places[index.places > 0].tolist())
    index.places = grown
    assert [index.row(*each) for each in known] == list(range(60))
    assert index.row(12345, 2**64 - 1) == NONE


def test_growth_keeps_places_in_the_order_of_hashes():
    """What is refilled stands as if it had come in the order of the hashes: that makes growth one pass over memory."""
    chance = random.Random(2)
    index = Index(100, 60)
    for _ in range(60):
        index.enter(chance.getrandbits(64), chance.getrandbits(64))
    grown = np.zeros(1000, np.uint64)
    refill(index.places, grown)
    halves = (grown[grown > 0] >> np.uint64(32)).tolist()
    descents = sum(second < first for first, second in itertools.pairwise(halves))
    assert descents <= 2  # those that collide, or wrap around the end


def test_ids_are_ordered_as_bytes():
    """As UTF-8, not as UTF-16: every pair of a few awkward ones, neither before itself."""
    texts = ["a", "ab", "abc", "b", "", "\u00e9", "\ufb01", "\uffee", "\U0001f600", "aa", "\x7f"]
    encoded = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    starts = np.cumsum([0, *map(len, encoded)])
    for i, first in enumerate(encoded):
        for j, second in enumerate(encoded):
            assert ids_ordered(data, starts[i], len(first), starts[j], len(second)) == (first < second)
