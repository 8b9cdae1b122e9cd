"""Kernels also run uncompiled (`NUMBA_DISABLE_JIT=1`), so that their lines count in coverage."""

import pytest


def pytest_collection_modifyitems(items):
    """Without the compiler, numpy warns of the overflows that a hash is made of."""
    for item in items:
        item.add_marker(pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"))
