"""The checksum of Kafka's record batches: CRC-32C (Castagnoli), eight bytes at a time.

Processors of x86 have an instruction for it, which takes a quarter of the time of the tables that serve elsewhere.
"""

from typing import Any

import numba
import numpy as np
from numba.core import config
from numba.core.codegen import get_host_cpu_features
from numpy.typing import NDArray

from kernels.compile import kernel

_POLYNOMIAL = 0x82F63B78  # its bits reversed


def _tables() -> NDArray[np.uint64]:
    """Return what a byte does to the checksum when so many bytes follow it, (8, 256)."""
    tables = np.zeros((8, 256), np.uint64)
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = rest >> 1 ^ (_POLYNOMIAL if rest & 1 else 0)
        tables[0, byte] = rest
    for following in range(1, 8):
        before = tables[following - 1]
        tables[following] = before >> np.uint64(8) ^ tables[0][(before & np.uint64(255)).astype(np.int64)]
    return tables


_TABLES = _tables()
_ONE, _EIGHT = np.uint64(1), np.uint64(8)


@kernel
def _by_tables(register: np.uint64, word: np.uint64) -> np.uint64:
    """Return the register after eight more bytes, the first one lowest in the word."""
    rest = register ^ word
    out = np.uint64(0)
    for at in range(8):
        out ^= _TABLES[7 - at, rest & np.uint64(255)]
        rest >>= np.uint64(8)
    return out


_by_instruction = numba.types.ExternalFunction("llvm.x86.sse42.crc32.64.64", numba.uint64(numba.uint64, numba.uint64))


def _has_instruction() -> bool:
    """Whether kernels are compiled, and for a processor with the instruction; images may ask for an older one."""
    settings: Any = config
    chosen = settings.CPU_FEATURES
    features = get_host_cpu_features() if chosen is None else chosen  # type: ignore[no-untyped-call]
    return not settings.DISABLE_JIT and "+sse4.2" in features.split(",")


_after_word: Any = _by_instruction if _has_instruction() else _by_tables


@kernel
def checksum(buffer: NDArray[np.uint8], begin: int, end: int) -> np.uint64:
    """Return the checksum of ``buffer[begin:end]``."""
    register = np.uint64(0xFFFFFFFF)
    at = np.uint64(begin)  # unsigned: a place that may be negative costs more to look up than to use
    last = np.uint64(end)
    while at + _EIGHT <= last:
        word = np.uint64(0)
        for following in range(8):
            word |= np.uint64(buffer[at + np.uint64(following)]) << np.uint64(8 * following)
        register = _after_word(register, word)
        at += _EIGHT
    while at < last:
        register = register >> np.uint64(8) ^ _TABLES[0, (register ^ np.uint64(buffer[at])) & np.uint64(255)]
        at += _ONE
    return register ^ np.uint64(0xFFFFFFFF)
