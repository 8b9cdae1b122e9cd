"""How a kernel is compiled: once, cached on disk, without the interpreter's lock.

numba takes a cached function for good while the file that it stands in is unchanged, and does not look at the files of
the functions that were compiled into it. Kernels call each other across files, so here all of them count as one source.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import caching, config

Function = TypeVar("Function", bound=Callable[..., object])

_SOURCES = sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()


class _OneSource:
    """A place of the cache whose functions are renewed when any kernel's source changes."""

    def get_source_stamp(self) -> str:
        return _SOURCES


class Chosen(_OneSource, caching.UserProvidedCacheLocator):
    """The folder that ``NUMBA_CACHE_DIR`` names."""


class InTree(_OneSource, caching.InTreeCacheLocator):
    """Beside the kernels, where that can be written to."""


class UserWide(_OneSource, caching.UserWideCacheLocator):
    """The user's cache, where it cannot."""


_PLACES = (Chosen, InTree, UserWide)  # the first that can be written to
config.CACHE_LOCATOR_CLASSES = ",".join(  # type: ignore[attr-defined]
    f"{place.__module__}.{place.__name__}" for place in _PLACES
)


def kernel(function: Function) -> Function:
    """Compile ``function`` with numba on its first call; later processes load it from the cache."""
    compiled: Any = numba.njit(cache=True, nogil=True)(function)
    return compiled
