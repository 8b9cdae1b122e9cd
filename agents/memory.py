"""What is freed is of use to whoever needs memory next, or goes back to the system. For glibc; others have it their way."""

import ctypes
import sys
from typing import Final

MAPPED_BYTES: Final = 2**20
_MMAP_THRESHOLD: Final = -3  # M_MMAP_THRESHOLD and M_ARENA_MAX of malloc.h
_ARENA_MAX: Final = -8

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def leave_no_holes() -> None:
    """Have arrays of a MiB and more mapped by themselves, and all else taken from one heap.

    glibc would give larger and larger arrays a place among small things, where those that grow leave holes behind. And it
    would keep a heap for each thread, as large as the most that it ever needed.
    """
    mallopt = getattr(_libc, "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, MAPPED_BYTES)
        mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Give pages on which nothing lies back to the system; takes milliseconds, other threads go on unless they allocate.

    What lies at the end of a heap keeps all of it: it would stay as large as the most that was ever needed at one time.
    """
    malloc_trim = getattr(_libc, "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
