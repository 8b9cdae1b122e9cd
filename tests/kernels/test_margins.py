"""Margins of sales: counted where they are stated, and nowhere else."""

import random

import pytest

from kernels import layout
from kernels.layout import NONE, SALE
from tests.kernels.machine import Machine, fact, rules

T = 10**12


def margins(machine, entity, window=0):
    """How many sales of an entity state a margin, and their sum."""
    held = machine.totals[entity, window]
    low, high = int(held[layout.MARGIN_LOW]), int(held[layout.MARGIN_HIGH])
    assert 0 <= low < 2**32
    return int(held[layout.MARGIN_EVENTS]), high * 2**32 + low


def test_margins_count_for_office_employee_and_category():
    """Of sales and refunds; who had none stated has no row."""
    machine = Machine(rules(15), employees=3)
    machine.advance(T)
    machine.apply(
        fact(SALE, T, 500, "a", 0, 1, 2, first_ms=100, code=1),
        fact(SALE, T, -200, "b", 0, 1, first_ms=-130, code=1),
        fact(SALE, T, 900, "c", 0, NONE, 2, first_ms=0, code=1),
        fact(SALE, T, 700, "d", 0, 3, first_ms=77),
    )
    assert [margins(machine, entity) for entity in range(4)] == [(3, -30), (2, -30), (2, 100), (0, 0)]
    assert machine.tables.request_rows[:4].tolist()[3] == 0
    assert machine.totals[2, 0, layout.REVENUE_LOW] == 1400


@pytest.mark.parametrize("seed", range(3))
def test_margins_of_any_size_leave_as_they_came(seed):
    """Exact across both halves in every window while sales come and leave."""
    chance = random.Random(seed)
    machine = Machine(rules(1, 7))
    edges = (2**32 - 1, 2**32, 2**31, 2**63 - 1, 1, -1, -(2**63), -(2**32) - 1)
    now_ms = T
    for step in range(40):
        now_ms += chance.randrange(20_000)
        machine.advance(now_ms)
        machine.apply(
            *(
                fact(
                    SALE,
                    now_ms - chance.randrange(5000),
                    1,
                    f"{step} {each}",
                    0,
                    1,
                    first_ms=chance.choice(edges),
                    code=1,
                )
                for each in range(3)
            )
        )
        facts = machine.tables.facts[: machine.size("FACTS")]
        for window, bucket_ms in enumerate(machine.rules.bucket_ms.tolist()):
            held = facts[facts["ts_ms"] // bucket_ms > now_ms // bucket_ms - 60]
            expected = held.size, sum(held["handle_ms"].tolist())
            assert margins(machine, 0, window) == margins(machine, 1, window) == expected
    machine.advance(T + 10**9)
    assert not machine.totals.any()
