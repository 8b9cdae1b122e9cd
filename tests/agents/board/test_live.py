"""`kqi board` beside real workers: what a browser shows is what their /metrics say."""

import json
import re
import socket
import subprocess
import sys

import pytest

from tests.agents.board.browser import find, resize, text_of, until
from tests.service import KQI, Service, Worker, environment, kqi, kqi_inside
from tests.service import until as wait_until

pytestmark = pytest.mark.browser

SIMULATED = ("simulate", "--offices", "4", "--employees", "5", "--days", "0.5", "--start", "2026-01-05T04:00:00Z")
DASH = "\N{EN DASH}"
MAIN = ("ink_personnel", "ink_office", "iel")


@pytest.fixture(scope="module")
def events():
    """Return half a day of a small company."""
    return kqi(*SIMULATED).stdout


@pytest.fixture(scope="module")
def worker(embedded_kafka, events):
    """Return a worker that has read it all, and stands still at its end."""
    service = Service(embedded_kafka, windows=["1h", "24h"], min_surveys=10).create_topics()
    assert service.kqi("publish", "-", stdin=events).returncode == 0
    with service.worker("--clock", "event") as worker:
        worker.wait_until_ready()
        yield worker


@pytest.fixture
def board(worker):
    """Return `kqi board` beside the worker, and beside one that is not there."""
    command = [KQI, "board", worker.address, "127.0.0.1:9", "--port", "0"]
    with Worker(command, environment(min_surveys="10")) as process:
        wait_until(lambda: re.search(r"board is at (http://[^\s,]+)", process.output), lambda: process.output)
        yield re.search(r"board is at (http://[^\s,]+)", process.output)[1]


def number(text):
    """Return what a page's number says, to the digit that it shows; a share in percent as a share."""
    digits = text.replace(",", "").replace("\N{MINUS SIGN}", "-")
    return float(digits.removesuffix(" %")) / 100 if digits.endswith("%") else float(digits)


def same(shown, value):
    """Return whether a text of the page is a value of /metrics, rounded to three digits behind the point."""
    return shown == DASH if value is None else abs(number(shown) - value) <= 0.0005 + 1e-9


def test_numbers_are_those_of_the_worker(driver, board, worker):
    """Of every office the main indices with interval, base and reasons, and of every employee."""
    seen = worker.scrape()
    offices = sorted({dict(labels)["office"] for (name, labels) in seen.samples if name == "kqi_office_surveys"})
    assert len(offices) == 4
    resize(driver, 1300, 900)
    compared = 0
    for office in offices:
        driver.get("about:blank")
        driver.get(f"{board}/#/office?office={office}&window=24h")
        until(driver, lambda office=office: text_of(driver, ".crumbs").endswith(office))
        for index in MAIN:
            labels = {"office": office, "window": "24h"}
            tile = f".tile[data-index={index}]"
            assert same(text_of(driver, f"{tile} .value"), seen(f"kqi_office_{index}_ratio", **labels))
            ends = re.findall("[\N{MINUS SIGN}0-9][0-9.]*", text_of(driver, f"{tile} .ends").removeprefix("95 %"))
            bounds = [seen(f"kqi_office_{index}_{end}_ratio", **labels) for end in ("lower", "upper")]
            assert len(ends) == 2 - bounds.count(None)
            assert all(map(same, ends, bounds))
            believed = seen(f"kqi_office_{index}_representative", **labels)
            assert text_of(driver, f"{tile} .trust").startswith("representative") == (believed == 1)
            compared += 1
        script = """return [...document.querySelectorAll("tbody tr[data-key]")].filter((row) => row.querySelector("th a"))
            .map((row) => [row.dataset.key, ...[...row.querySelectorAll(".reading")].slice(0, 3)
              .map((cell) => cell.querySelector(".value").firstChild.data)])"""
        for name, *shown in driver.execute_script(script):
            labels = {"office": office, "employee": name, "window": "24h"}
            expected = [seen(f"kqi_employee_{index}_ratio", **labels) for index in MAIN]
            assert all(map(same, shown, expected)), (name, shown, expected)
            compared += 1
    assert compared > 4 * 3 + 10


def test_the_other_views(driver, board, worker):
    """Counts of the company and of the worker; the worker that is not there is named."""
    seen = worker.scrape()
    driver.get(f"{board}/#/calls?window=24h")
    until(driver, lambda: text_of(driver, "[data-index=calls_offered] .value"))
    for name in ("calls_offered", "calls_answered", "calls_missed"):
        assert number(text_of(driver, f"[data-index={name}] .value")) == seen.total(f"kqi_office_{name}", window="24h")
    find(driver, "#views [data-key=health]").click()
    until(driver, lambda: text_of(driver, f"tr[data-key='{worker.address}'] td"))
    cells = [cell.text for cell in find(driver, f"tr[data-key='{worker.address}']").find_elements("css selector", "td")]
    assert cells[0] == "ready"
    assert number(cells[3]) == seen.total("kqi_worker_events_total")
    assert "no answer" in text_of(driver, "tr[data-key='http://127.0.0.1:9']")
    assert "http://127.0.0.1:9: " in text_of(driver, "#trouble")
    assert not text_of(driver, "#views [data-key=try]")
    driver.get("about:blank")


def test_without_any_worker():
    """It starts, says who does not answer, without the password, and ends in peace when it is told to."""
    with Worker([KQI, "board", "http://anna:secret@127.0.0.1:9", "--port", "0"], environment()) as process:
        found = wait_until(lambda: re.search(r"board is at (http://[^\s,]+)", process.output), lambda: process.output)
        process.address = found[1]
        wait_until(lambda: process.get("/board/view/company")[0] == 200, "the first round")
        (trouble,) = json.loads(process.get("/board/view/company")[2])["troubles"]
        assert trouble == "http://127.0.0.1:9: connection refused"
        assert process.stop() == 0
        assert "Traceback" not in process.output
        assert "secret" not in process.output


@pytest.mark.parametrize(
    "address", ["http://", "ftp://127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:1/elsewhere", "http://127.0.0.1?x=1"]
)
def test_no_address(address):
    """What is no address is refused with a sentence."""
    done = kqi_inside("board", address)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"kqi: `{address}` is no address of a worker")


def test_no_address_with_a_password():
    """The sentence does not repeat the password."""
    done = kqi_inside("board", "http://anna:secret@127.0.0.1:1/elsewhere")
    assert done.stderr.startswith("kqi: `http://127.0.0.1:1/elsewhere` is no address of a worker")


def test_port_taken():
    """A port that somebody has is said, with status 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = kqi_inside("board", "--port", port)
    assert (done.exit_code, done.stderr) == (
        1,
        f"kqi: cannot listen on 127.0.0.1 port {port}: Address already in use\n",
    )


def test_needs_no_kernels():
    """It starts at once: it computes nothing."""
    program = "import sys, agents.board.site, agents.listening, agents.board_cli; print('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout.strip() == b"False"
