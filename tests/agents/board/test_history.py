"""The short memory: it has the present last, reaches back to the start, and does not grow."""

import numpy as np
import pytest

from agents.board import history
from agents.board.history import History
from agents.board.reading import Reader


def said(value, offices=1):
    lines = [f'kqi_office_ink_personnel_ratio{{office="office-{n}",window="1h"}} {value}\n' for n in range(offices)]
    return Reader().read([("# HELP kqi_office_ink_personnel_ratio Help.\n" + "".join(lines)).encode()])


def filled(rounds):
    memory = History()
    for number in range(rounds):
        memory.add(1000 * number, said(number / 1000), {"middle": number / 1000})
    return memory


def test_every_round_at_first():
    """While there is room each round is a point."""
    memory = filled(5)
    assert memory.times_s() == [0, 1, 2, 3, 4]
    assert memory.series("office", 0, "1h", ["ink_personnel"])["ink_personnel"] == pytest.approx(
        [0, 0.001, 0.002, 0.003, 0.004]
    )
    assert memory.figures(["middle"])["middle"] == [0, 0.001, 0.002, 0.003, 0.004]


@pytest.mark.parametrize("rounds", [7, 20, 21, 22, 23, 64, 200])
def test_grows_sparser(monkeypatch, rounds):
    """With more rounds than room there are fewer points, evenly apart from the start on, and the last round is the last point."""
    monkeypatch.setattr(history, "MOST_POINTS", 10)
    monkeypatch.setattr(history, "FEWEST_POINTS", 2)
    times = filled(rounds).times_s()
    assert times[0] == 0
    assert times[-1] == rounds - 1
    assert 4 <= len(times) <= 10
    assert len(set(np.diff(times[:-1]))) == 1


def test_unknown_at_first():
    """An office that came later, or a window that is not there, has no values before."""
    memory = History()
    memory.add(0, said(0.5), {})
    memory.add(1000, said(0.5, offices=2), {})
    assert memory.series("office", 1, "1h", ["ink_personnel"])["ink_personnel"] == [None, 0.5]
    assert memory.series("office", 0, "2h", ["ink_personnel"])["ink_personnel"] == [None, None]
    assert memory.series("office", None, "1h", ["ink_personnel"])["ink_personnel"] == [None, None]


def test_room(monkeypatch):
    """Where not even a few points of a scope have room it has no history; the more important scopes have theirs."""
    assert filled(1).keeps("employee")
    size = 2 * len(history.KEPT["office"]) * 4 * history.FEWEST_POINTS
    monkeypatch.setattr(history, "MOST_BYTES", size)
    memory = History()
    text = '# HELP kqi_employee_sales Help.\nkqi_employee_sales{office="office-0",employee="e",window="1h"} 1\n'
    text += '# HELP kqi_office_sales Help.\nkqi_office_sales{office="office-0",window="1h"} 1\n'
    memory.add(0, Reader().read([text.encode()]), {})
    assert (memory.keeps("office"), memory.keeps("employee")) == (True, False)
