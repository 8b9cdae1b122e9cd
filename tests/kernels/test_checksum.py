"""The checksum, by the processor's instruction and by tables, against its definition bit by bit."""

import random
import types

import numba
import numpy as np
import pytest

from kernels import checksum
from tests.stored import crc32c

BYTES = random.Random(1).randbytes(300)


@pytest.fixture(scope="module", params=["as it is", "tables"])
def kernel(request):
    """Return the kernel as it is on this machine, and as it is elsewhere."""
    if not hasattr(checksum.checksum, "py_func"):  # nothing is compiled
        return checksum.checksum
    step = checksum._after_word if request.param == "as it is" else checksum._by_tables
    return numba.njit(types.FunctionType(checksum.checksum.py_func.__code__, vars(checksum) | {"_after_word": step}))


def test_the_known_value(kernel):
    """The value that every description of the algorithm gives for nine digits."""
    assert kernel(np.frombuffer(b"123456789", np.uint8), 0, 9) == crc32c(b"123456789") == 0xE3069283


def test_any_part_of_a_buffer(kernel):
    """Every length, from every place, with bytes of all kinds."""
    buffer = np.frombuffer(BYTES, np.uint8)
    for begin in range(9):
        for end in range(begin, begin + 60):
            assert kernel(buffer, begin, end) == crc32c(BYTES[begin:end])
    assert kernel(buffer, 0, len(BYTES)) == crc32c(BYTES)
    assert kernel(np.full(100, 255, np.uint8), 0, 100) == crc32c(b"\xff" * 100)
