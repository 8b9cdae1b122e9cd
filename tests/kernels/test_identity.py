"""Ids: their hashes, their order, and the index of those seen."""

import random

import numpy as np
import pytest

from kernels.identity import find, hash_bytes, hash_ids, ids_ordered, target_key
from kernels.layout import FORCE_MAJEURE_TARGET, FREE, INDEX_ROW, SURVEY_TARGET

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


def test_ids_end_to_end_are_hashed_apart():
    """Each with its office for the seed."""
    texts = [data for data, *_ in VECTORS if data]
    seeds = [seed for data, seed, *_ in VECTORS if data]
    ends = np.cumsum([len(text) for text in texts])
    hashes = hash_ids(np.frombuffer(b"".join(texts), np.uint8), ends, np.array(seeds, np.int32))
    assert hashes.tolist() == [[high, low] for data, _, high, low in VECTORS if data]


def test_a_verdict_on_a_survey_is_not_one_on_a_force_majeure():
    """The same id makes two keys."""
    high, low = np.uint64(2**63 + 5), np.uint64(7)
    assert target_key(high, low, SURVEY_TARGET) == (high, low)
    assert target_key(high, low, FORCE_MAJEURE_TARGET) != (high, low)


@pytest.mark.parametrize("seed", range(3))
def test_an_index_finds_what_was_entered(seed):
    """All but one of its places taken, hashes that collide and wrap around its end among them."""
    chance = random.Random(seed)
    places = 61
    index = np.zeros(places, INDEX_ROW)
    known = {}
    for number in range(places - 1):
        # Few distinct low halves, near either end: long runs of collisions.
        high, low = (
            chance.getrandbits(64),
            chance.choice((0, 1, 2**63, 2**64 - 1, 2**64 - 2**32, chance.getrandbits(64))),
        )
        at = find(index, np.uint64(high), np.uint64(low))
        assert index[at]["kind"] == FREE
        index[at]["kind"], index[at]["hash_high"], index[at]["hash_low"], index[at]["row"] = 1, high, low, number
        known[high, low] = number
    for (high, low), number in known.items():
        assert index[find(index, np.uint64(high), np.uint64(low))]["row"] == number
    absent = find(index, np.uint64(12345), np.uint64(2**64 - 1))
    assert index[absent]["kind"] == FREE


def test_hashes_that_share_a_half_are_different():
    """Both halves count."""
    index = np.zeros(16, INDEX_ROW)
    for high, low in ((1, 1), (1, 2), (2, 1), (2, 2)):
        at = find(index, np.uint64(high), np.uint64(low))
        assert index[at]["kind"] == FREE
        index[at]["kind"], index[at]["hash_high"], index[at]["hash_low"] = 1, high, low


def test_ids_are_ordered_as_bytes():
    """As UTF-8, not as UTF-16: every pair of a few awkward ones, neither before itself."""
    texts = ["a", "ab", "abc", "b", "", "\u00e9", "\ufb01", "\uffee", "\U0001f600", "aa", "\x7f"]
    encoded = [text.encode() for text in texts]
    data = np.frombuffer(b"".join(encoded), np.uint8)
    starts = np.cumsum([0, *map(len, encoded)])
    for i, first in enumerate(encoded):
        for j, second in enumerate(encoded):
            assert ids_ordered(data, starts[i], len(first), starts[j], len(second)) == (first < second)
