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


# Kernels allocate nothing, so nothing needs to be counted: with numba's reference counts (`_nrt`) every look at an array of a
# tuple would be two atomic operations.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}


def kernel(function: Function) -> Function:
    """Make ``function`` part of the kernels that call it.

    Always inlined: a call hands over a partition's tables array by array, which takes longer than most of what is called.
    """
    compiled: Any = numba.njit(forceinline=True, **_OPTIONS)(function)
    return compiled


def rare_kernel(function: Function) -> Function:
    """Make ``function`` a kernel of its own that others call: for what is large and happens seldom."""
    compiled: Any = numba.njit(**_OPTIONS)(function)
    return compiled


def entry(*types: Any) -> Callable[[Function], Function]:
    """Compile a kernel that Python calls, for arguments of these types only; later processes load it from the cache."""

    def compile_now(function: Function) -> Function:
        compiled: Any = numba.njit(types, **_OPTIONS)(function)
        return compiled

    return compile_now
