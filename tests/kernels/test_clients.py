"""Distinct clients, against sets of them."""

import random

import numpy as np
import pytest

from kernels import layout
from kernels.layout import CLIENTS_LOST, CLIENTS_SERVED, NONE
from kernels.windows import BUCKETS
from tests.kernels.machine import Machine, hashed, retention, rules

T = 1_800_000_000_000
MINUTE_MS = 60_000


def served(ts_ms, text, client, *, office=0, employee=NONE, kind=layout.SALE, flag=0):
    """An event that tells of a client."""
    high, low = hashed(f"client-{client}", office)
    event = {"kind": kind, "ts_ms": ts_ms, "text": text, "office": office, "employee_entity": employee, "place": NONE}
    return event | {"target_high": high, "target_low": low, "flag": flag}


def counts(machine):
    """Clients served and lost, {entity: {window: (served, lost)}}, where there are any."""
    found = machine.totals[:, :, [CLIENTS_SERVED, CLIENTS_LOST]].tolist()
    return {
        entity: {window: tuple(pair) for window, pair in enumerate(of) if any(pair)}
        for entity, of in enumerate(found)
        if any(map(any, of))
    }


def sets(happened, bucket_ms, now_ms):
    """The same from sets of (ts_ms, entity, client, is lost)."""
    right = {}
    for window, width_ms in enumerate(bucket_ms):
        begin_ms = (now_ms // width_ms - BUCKETS + 1) * width_ms
        inside = [each[1:] for each in happened if each[0] >= begin_ms]
        for entity in {entity for entity, *_ in inside}:
            clients = {(client, lost) for of, client, lost in inside if of == entity}
            lost = {client for client, is_lost in clients if is_lost}
            right.setdefault(entity, {})[window] = len({client for client, _ in clients}), len(lost)
    return right


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_sets(seed):
    """In any order, as time passes and tables are swept, over leaps and round the ring of the calendar."""
    chance = random.Random(seed)
    machine = Machine(rules(15, 60, 480), offices=2, employees=3)
    happened = []
    now_ms = T
    for step in range(250):
        now_ms += chance.choice((0, 1, 900, MINUTE_MS, 7 * MINUTE_MS, 61 * MINUTE_MS if step % 20 == 0 else 0))
        machine.advance(now_ms)
        events = []
        for number in range(chance.randrange(6)):
            ts_ms = now_ms - int(chance.choice((0, 0, 5, 3_000, 70_000, 4e6, 2e7)) * chance.random())
            office = chance.randrange(2)
            employee = chance.choice((NONE, 2, 3, 4))
            client = chance.randrange(7)
            kind = chance.choice((layout.SALE, layout.CALL, layout.RATING, layout.REQUEST))
            lost = kind == layout.RATING and chance.random() < 0.6
            events.append(
                served(ts_ms, f"{step}-{number}", client, office=office, employee=employee, kind=kind, flag=int(lost))
            )
            # A client is known within an office; an employee may have those of both.
            happened += [(ts_ms, entity, (office, client), lost) for entity in (office, employee) if entity != NONE]
        machine.apply(*events)
        if step % 7 == 0:
            reach_ms = int(((now_ms // machine.rules.bucket_ms - BUCKETS + 1) * machine.rules.bucket_ms).min())
            machine.sweep(retention(fact_ms=reach_ms))
        assert counts(machine) == sets(happened, machine.rules.bucket_ms.tolist(), now_ms)
    machine.advance(now_ms + 10**8)
    assert not counts(machine)
    machine.sweep(retention(fact_ms=now_ms + 10**7))
    assert machine.size("CLIENTS") == 0


def test_who_has_no_client_takes_nothing():
    """Neither a row nor counters."""
    machine = Machine()
    machine.facts(layout.SALE, (T, 100), (T, 200))
    assert (machine.size("CLIENTS"), machine.size("SCORE_ROWS")) == (0, 1)
    machine.apply(served(T, "x", 1))
    assert (machine.size("CLIENTS"), machine.size("SCORE_ROWS")) == (1, 2)
    assert not machine.tables.score_counts[0].any()


def test_a_client_is_counted_once_however_often_served():
    """By one entity; the row is one."""
    machine = Machine()
    machine.apply(*(served(T + n, f"s{n}", 1) for n in range(5)))
    machine.apply(*(served(T - n, f"t{n}", 1) for n in range(5)))
    assert counts(machine) == {0: {0: (1, 0), 1: (1, 0)}}
    assert machine.size("CLIENTS") == 1
    assert machine.tables.clients[0]["ts_ms"] == T + 4
    assert layout.CLIENT_ROW.itemsize == 24
    assert np.all(machine.tables.client_calendar[machine.tables.client_calendar != NONE] == 0)
