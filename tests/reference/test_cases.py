"""The reference itself is held against every case: those of another program and those worked out by hand."""

import random

import pytest

from tests.reference import cases
from tests.reference.contract import judge
from tests.reference.method import indices


def accepted(lines):
    """Return the events of a log, all of which must be acceptable."""
    events = []
    for line in lines:
        event, reason = judge(line)
        assert reason is None, (reason, line)
        events.append(event)
    return events


@pytest.mark.parametrize("name", cases.names())
def test_reference_gives_the_expected_indices(name):
    """Every expected value and base is found, and none besides."""
    case = cases.load(name)
    assert cases.differences(indices(accepted(case.lines), case.at_ms, case.config), case.expected) == []


@pytest.mark.parametrize("name", [name for name in cases.names() if name.startswith("hand-") or name.endswith("-03")])
def test_order_and_repetition_change_nothing(name):
    """Shuffled and with repeats, a log gives the same rows to the last bit."""
    case = cases.load(name)
    events = accepted(case.lines)
    shuffled = events + random.Random(1).sample(events, len(events) // 3)
    random.Random(2).shuffle(shuffled)
    assert indices(shuffled, case.at_ms, case.config) == indices(events, case.at_ms, case.config)


def test_differences_are_noticed():
    """A wrong value, a wrong base and a missing row are each reported, an absent row without value is not."""
    row = {
        "scope": "office",
        "office_id": "o",
        "employee_id": None,
        "window": "1h",
        "index": "sales",
        "value": 1,
        "base": 2,
    }
    assert cases.differences([row], [row]) == []
    assert len(cases.differences([row | {"value": 1 + 1e-8}], [row])) == 1
    assert len(cases.differences([row | {"base": 3}], [row])) == 1
    assert len(cases.differences([], [row])) == 1
    assert len(cases.differences([row | {"window": "8h"}, row], [row])) == 1
    assert cases.differences([row | {"window": "8h", "value": None}, row], [row]) == []
    assert cases.differences([row | {"index": "revenue"}, row], [row]) == []
