"""`kqi demo`: the main job with nothing else installed."""

import json
import signal
from pathlib import Path

import pytest

from tests.service import KQI, Worker, compile_kernels, environment, until


@pytest.fixture(scope="module")
def demo():
    """Return a demo that is ready."""
    compile_kernels()
    with Worker([KQI, "demo", "--port", "0"], environment()) as demo:
        yield demo.wait_until_ready()


def test_indices_of_a_company(demo):
    """There are offices and employees with indices from the first moment, and rejects to be seen."""
    seen = demo.until(lambda seen: seen.total("kqi_worker_dead_letters_total") and seen.total("kqi_office_surveys"))
    names = {name for name, _ in seen.indices}
    assert {"kqi_office_ink_personnel_ratio", "kqi_employee_silent_share_ratio", "kqi_queue_calls_offered"} <= names
    assert len({dict(labels)["office"] for _, labels in seen.indices}) > 3


def test_indices_move(demo):
    """More events come as time goes by, and change the indices."""
    before = demo.scrape()
    events = before.total("kqi_worker_events_total")
    demo.until(lambda seen: seen.total("kqi_worker_events_total") > events and seen.indices != before.indices)


def test_the_page(demo):
    """The board stands at the same address."""
    status, kind, text = demo.get("/")
    assert (status, kind.split(";")[0]) == (200, "text/html")
    assert "<title>" in text


def test_the_board_follows(demo):
    """It shows what the worker says, and goes on showing it."""

    def shown():
        status, _, text = demo.get("/board/view/company")
        return json.loads(text) if status == 200 else None

    first = until(lambda: (seen := shown()) and seen["view"]["offices"] > 3 and seen, "offices on the board")
    until(lambda: shown()["round"] > first["round"], "another round")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see the broker's process")
def test_ctrl_c_leaves_nothing_behind(demo):
    """Ctrl-C ends the demo with status 0, and its broker with it."""
    (broker,) = children_of(demo.pid)
    assert demo.stop(signal.SIGINT) == 0
    assert "Traceback" not in demo.output
    until(lambda: not Path(f"/proc/{broker}").exists(), "the end of the broker")


def children_of(pid):
    """Return the processes that a process has started."""
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
