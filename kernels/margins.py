"""Margins of sales, where they are told: their counters lie with those of requests, for the many without any pay for none."""

from kernels.compile import rare_kernel
from kernels.layout import MARGIN_EVENTS, MARGIN_HIGH, MARGIN_LOW, REQUEST_BEGIN, Tables
from kernels.requests import request_row

_LOW_HALF = 0xFFFFFFFF


@rare_kernel
def count_margin(tables: Tables, entity: int, margin: int, begin: int, end: int, ts_ms: int, sign: int) -> None:
    """Add (or take away) the margin of a sale, minor units, to an entity.

    In those of the windows ``begin`` to ``end``, exclusive, that begin at ``ts_ms`` or before.
    """
    row = request_row(tables, entity)
    for window in range(begin, end):
        if ts_ms < tables.window_begin_ms[window]:
            continue
        tables.request_sums[row, window, MARGIN_EVENTS - REQUEST_BEGIN] += sign
        half = tables.request_sums[row, window, MARGIN_LOW - REQUEST_BEGIN] + sign * (margin & _LOW_HALF)
        tables.request_sums[row, window, MARGIN_LOW - REQUEST_BEGIN] = half & _LOW_HALF
        tables.request_sums[row, window, MARGIN_HIGH - REQUEST_BEGIN] += sign * (margin >> 32) + (half >> 32)
