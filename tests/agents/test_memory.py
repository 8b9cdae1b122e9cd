"""How memory is given back: to whoever needs it next, and to the system."""

import subprocess
import sys

import pytest

from agents.memory import MAPPED_BYTES
from kernels import storage

FREED_BUT_FOR_THE_LAST = """
import ctypes
import os
from agents.memory import give_back, leave_no_holes
from benchmarks.processes import resident_bytes

leave_no_holes()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
blocks = [libc.malloc(65_536) for _ in range(1000)]
for block in blocks:
    ctypes.memset(block, 1, 65_536)
for block in blocks[:-1]:
    libc.free(block)
before = resident_bytes(os.getpid())
give_back()
print(before - resident_bytes(os.getpid()))
"""


def test_long_arrays_are_those_that_the_system_maps_by_themselves():
    """Tables that become long are copied to where they can grow."""
    assert storage.MAPPED_BYTES == MAPPED_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have it their way")
def test_what_is_freed_goes_back_although_something_lies_behind_it():
    """A heap whose end is in use would keep all that was ever needed before it."""
    done = subprocess.run([sys.executable, "-c", FREED_BUT_FOR_THE_LAST], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 60_000_000
