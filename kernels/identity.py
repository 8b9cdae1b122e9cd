"""Ids by their 128-bit hashes, and the index of ids seen.

The hash is MurmurHash3 x64 128 (Austin Appleby, public domain): at 64 bits a billion ids would lose one silently
with 3 %, at 128 the chance is below 1e-20. The seed is the office, because an id is unique within its office only.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.layout import FORCE_MAJEURE_TARGET, FREE

_C1 = np.uint64(0x87C37B91114253D5)
_C2 = np.uint64(0x4CF5AD432745937F)


@kernel
def _rotate(value: np.uint64, bits: int) -> np.uint64:
    return (value << np.uint64(bits)) | (value >> np.uint64(64 - bits))


@kernel
def _finish(value: np.uint64) -> np.uint64:
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


@kernel
def _word(data: NDArray[np.uint8], start: int, length: int) -> np.uint64:
    word = np.uint64(0)
    for i in range(length):
        word |= np.uint64(data[start + i]) << np.uint64(8 * i)
    return word


@kernel
def hash_bytes(data: NDArray[np.uint8], start: int, length: int, seed: int) -> tuple[np.uint64, np.uint64]:
    """MurmurHash3 x64 128 of ``data[start:start + length]``."""
    high = np.uint64(seed)
    low = np.uint64(seed)
    at = start
    for _ in range(length // 16):
        k1 = _word(data, at, 8)
        k2 = _word(data, at + 8, 8)
        at += 16
        high ^= _rotate(k1 * _C1, 31) * _C2
        high = (_rotate(high, 27) + low) * np.uint64(5) + np.uint64(0x52DCE729)
        low ^= _rotate(k2 * _C2, 33) * _C1
        low = (_rotate(low, 31) + high) * np.uint64(5) + np.uint64(0x38495AB5)
    rest = start + length - at
    if rest > 8:
        low ^= _rotate(_word(data, at + 8, rest - 8) * _C2, 33) * _C1
    if rest > 0:
        high ^= _rotate(_word(data, at, min(rest, 8)) * _C1, 31) * _C2
    high ^= np.uint64(length)
    low ^= np.uint64(length)
    high += low
    low += high
    high = _finish(high)
    low = _finish(low)
    high += low
    low += high
    return high, low


@kernel
def hash_ids(data: NDArray[np.uint8], ends: NDArray[np.int64], offices: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Hashes of ids that lie end to end in ``data``, id ``i`` ending at ``ends[i]``; (n, 2) uint64."""
    hashes = np.empty((ends.shape[0], 2), np.uint64)
    start = 0
    for i in range(ends.shape[0]):
        hashes[i, 0], hashes[i, 1] = hash_bytes(data, start, ends[i] - start, offices[i])
        start = ends[i]
    return hashes


@kernel
def target_key(high: np.uint64, low: np.uint64, target: int) -> tuple[np.uint64, np.uint64]:
    """Key of the verdicts on a target: its id's hash, apart for surveys and force majeures."""
    if target == FORCE_MAJEURE_TARGET:
        return high ^ np.uint64(0x9E3779B97F4A7C15), low
    return high, low


@kernel
def find(index: NDArray[np.void], high: np.uint64, low: np.uint64) -> int:
    """Position of the entry of a hash, or of the free place where it belongs; below 2**32 places, one always free."""
    places = index.shape[0]
    at: Any = np.int64(((low >> np.uint64(32)) * np.uint64(places)) >> np.uint64(32))
    while index[at]["kind"] != FREE and (index[at]["hash_high"] != high or index[at]["hash_low"] != low):
        at += 1
        if at == places:
            at = 0
    return at


@kernel
def ids_ordered(data: NDArray[np.uint8], start_a: int, length_a: int, start_b: int, length_b: int) -> bool:
    """Whether id a stands before id b as UTF-8 bytes."""
    for i in range(min(length_a, length_b)):
        if data[start_a + i] != data[start_b + i]:
            return data[start_a + i] < data[start_b + i]
    return length_a < length_b
