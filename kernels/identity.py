"""Ids by their 128-bit hashes, and the index of ids seen.

The hash is MurmurHash3 x64 128 (Austin Appleby, public domain): at 64 bits a billion ids would lose one silently
with 3 %, at 128 the chance is below 1e-20. The seed is the office, because an id is unique within its office only.
"""

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.layout import FORCE_MAJEURE_TARGET

_INDEX: Any = types.Array(types.uint64, 1, "C")
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
def eight_bytes(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Eight bytes as a little-endian number; spelt out, because the compiler makes one load of it."""
    return (
        np.uint64(data[at])
        | np.uint64(data[at + 1]) << np.uint64(8)
        | np.uint64(data[at + 2]) << np.uint64(16)
        | np.uint64(data[at + 3]) << np.uint64(24)
        | np.uint64(data[at + 4]) << np.uint64(32)
        | np.uint64(data[at + 5]) << np.uint64(40)
        | np.uint64(data[at + 6]) << np.uint64(48)
        | np.uint64(data[at + 7]) << np.uint64(56)
    )


@kernel
def up_to_eight_bytes(data: NDArray[np.uint8], at: int, length: int) -> np.uint64:
    """The same of fewer bytes, zeros above them."""
    if length == 8:
        return eight_bytes(data, at)
    if at >= 8:  # one load that begins earlier, and away with what came before
        return eight_bytes(data, at + length - 8) >> np.uint64(64 - 8 * length) if length else np.uint64(0)
    word = np.uint64(0)
    for i in range(length):
        word |= np.uint64(data[at + i]) << np.uint64(8 * i)
    return word


@kernel
def hash_bytes(data: NDArray[np.uint8], start: int, length: int, seed: int) -> tuple[np.uint64, np.uint64]:
    """MurmurHash3 x64 128 of ``data[start:start + length]``."""
    high = np.uint64(seed)
    low = np.uint64(seed)
    at = start
    for _ in range(length // 16):
        k1 = eight_bytes(data, at)
        k2 = eight_bytes(data, at + 8)
        at += 16
        high ^= _rotate(k1 * _C1, 31) * _C2
        high = (_rotate(high, 27) + low) * np.uint64(5) + np.uint64(0x52DCE729)
        low ^= _rotate(k2 * _C2, 33) * _C1
        low = (_rotate(low, 31) + high) * np.uint64(5) + np.uint64(0x38495AB5)
    rest = start + length - at
    if rest > 8:
        low ^= _rotate(up_to_eight_bytes(data, at + 8, rest - 8) * _C2, 33) * _C1
    if rest > 0:
        high ^= _rotate(up_to_eight_bytes(data, at, min(rest, 8)) * _C1, 31) * _C2
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
def target_key(high: np.uint64, low: np.uint64, target: int) -> tuple[np.uint64, np.uint64]:
    """Key of the verdicts on a target: its id's hash, apart for surveys and force majeures."""
    if target == FORCE_MAJEURE_TARGET:
        return high ^ np.uint64(0x9E3779B97F4A7C15), low
    return high, low


# Indices by hash: open addressing over places of eight bytes, in the order of the hashes -------------------------------
# A place holds the upper half of the hash's low word, and below it the number of a row, from 1 on; 0 is a free place. The row
# has the whole hash. As places ascend with hashes, a larger index is filled by one pass over a smaller one.


@kernel
def first_place(index: NDArray[np.uint64], low: np.uint64) -> Any:
    """Where the search for a hash begins."""
    return np.int64(((low >> np.uint64(32)) * np.uint64(index.shape[0])) >> np.uint64(32))


@kernel
def find(index: NDArray[np.uint64], hashes: NDArray[np.uint64], high: np.uint64, low: np.uint64) -> int:
    """Place of a hash, or the free place where it belongs; one place of the index, below 2**32 of them, is always free.

    ``hashes`` has the whole hash of each row, (rows, 2).
    """
    at = first_place(index, low)
    while True:
        held = index[at]
        if held == 0:
            return at
        if held >> np.uint64(32) == low >> np.uint64(32):
            row = row_at(held)
            if hashes[row, 1] == low and hashes[row, 0] == high:
                return at
        at += 1
        if at == index.shape[0]:
            at = 0


@kernel
def row_at(held: np.uint64) -> Any:
    """The row that a place refers to, -1 when it is free."""
    return np.int64(held & np.uint64(0xFFFFFFFF)) - 1


@kernel
def place_for(low: np.uint64, row: int) -> np.uint64:
    """What a place holds for a row."""
    return (low & np.uint64(0xFFFFFFFF00000000)) | np.uint64(row + 1)


@kernel
def enter(index: NDArray[np.uint64], held: np.uint64) -> None:
    """Put what a place of another index held into this one, which does not have it."""
    at = first_place(index, held)
    while index[at] != 0:
        at += 1
        if at == index.shape[0]:
            at = 0
    index[at] = held


@entry(_INDEX, _INDEX)
def refill(index: NDArray[np.uint64], larger: NDArray[np.uint64]) -> None:
    """Put what an index holds into an empty larger one."""
    for at in range(index.shape[0]):
        if index[at] != 0:
            enter(larger, index[at])


@kernel
def ids_ordered(data: NDArray[np.uint8], start_a: int, length_a: int, start_b: int, length_b: int) -> bool:
    """Whether id a stands before id b as UTF-8 bytes."""
    for i in range(min(length_a, length_b)):
        if data[start_a + i] != data[start_b + i]:
            return data[start_a + i] < data[start_b + i]
    return length_a < length_b
