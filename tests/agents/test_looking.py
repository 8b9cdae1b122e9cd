"""`kqi top` and `kqi tap` beside a worker at work, and how they end."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time

import pytest

from tests.offices import Office, now_ms
from tests.service import END_S, KQI, Service, environment, kqi_inside, until
from tests.topics import Writer

CLIENT = "+371 29 123 456"


@pytest.fixture(scope="module")
def service(kafka):
    """Return a service with its topics."""
    return Service(kafka, answer_window_s=0.5, windows=["1h", "24h"]).create_topics()


@pytest.fixture(scope="module")
def worker(service):
    """Return a worker that is ready."""
    with service.worker() as worker:
        yield worker.wait_until_ready()


@pytest.fixture
def office(service, worker):
    """Return an office of its own."""
    with Writer(service) as writer:
        yield Office(writer, worker)


class Tap:
    """`kqi tap` as a child process, and what it has written so far."""

    def __init__(self, service, *arguments):
        self.out, self.said = [], []
        self.process = subprocess.Popen(
            [KQI, "tap", *arguments],
            env=environment(**service.settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for pipe, lines in ((self.process.stdout, self.out), (self.process.stderr, self.said)):
            threading.Thread(target=lines.extend, args=(pipe,), daemon=True).start()

    def __enter__(self):
        until(lambda: any(b"watching" in line for line in self.said), lambda: f"a start: {self.said}")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def interrupt(self):
        """Press Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(END_S)


@pytest.fixture(autouse=True)
def interrupts():
    """Have children hear interrupts: those that a shell runs in the background ignore them, and so would what they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_tap_from_now_on(service, office):
    """It shows what comes, the survey that follows and the dead letter; nothing of before, of others, or of clients; Ctrl-C ends it with 0."""
    office.publish("visits", "visit", counter_id="before")
    other = Office(office._writer)
    with Tap(service, "--office", office.office_id) as tap:
        other.publish("visits", "visit", counter_id="of-others")
        press = office.survey("yes")
        office.publish("calls", "call", direction="inbound", disposition="busy", wait_s=1, client_id=CLIENT)
        office._writer.send("sales", f"no sale of {CLIENT}", key=office.office_id)
        wanted = (b"seller_press", b"customer_press", b"outcome=yes", b"not_json", b"client_id=~")
        until(lambda: all(any(each in line for line in tap.out) for each in wanted), lambda: tap.out)
        assert tap.interrupt() == 0
    shown = b"".join(tap.out).decode()
    assert f"panel_id=p1 employee_id=anna hold_ms=200 event_id={press['event_id']}" in shown
    for hidden in ("before", "of-others", CLIENT, "Traceback"):
        assert hidden not in shown
    assert len(tap.said) == 1


def test_tap_byte_for_byte(service, office):
    """Since an instant, of one topic, as it was published."""
    office.publish("visits", "visit", counter_id="long-ago")
    time.sleep(0.01)  # messages of one millisecond cannot be told apart
    since_ms = now_ms()
    value = json.dumps(office.event("visit", counter_id="Rīga", unknown=CLIENT), indent=None).encode()
    office._writer.send("visits", value, key=office.office_id)
    office.seller()
    with Tap(
        service, "--office", office.office_id, "--topics", "visits", "--from", str(since_ms), "--format", "json"
    ) as tap:
        until(lambda: tap.out, "a visit")
        assert tap.interrupt() == 0
    assert tap.out == [value + b"\n"]


def test_tap_into_a_pipe_that_ends(service, office):
    """Who has seen enough, as `head` has, ends it with 0 and without a word."""
    office.publish("visits", "visit")
    command = [KQI, "tap", "--office", office.office_id, "--from", "0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=environment(**service.settings), **pipes) as tap:
        try:
            assert b"visit" in tap.stdout.readline()
            tap.stdout.close()
            office.publish("visits", "visit")
            assert tap.wait(END_S) == 0
            assert len(tap.stderr.readlines()) == 1
        finally:
            tap.kill()


def test_top_prints_what_the_worker_shows(service, worker, office):
    """A table of workers, and the office with the value and the interval of /metrics."""
    for panel, answer in enumerate(("yes", "no", "no")):
        office.survey(answer, panel=f"p-{panel}")

    def is_complete(seen):
        counted = {"office": office.office_id, "window": "1h"}
        return [seen.total("kqi_office_surveys", **counted, outcome=each) for each in ("yes", "no")] == [1, 2]

    seen = worker.until(is_complete)
    done = service.kqi_inside("top", "--once", "--url", worker.address, "--window", "1h")
    assert done.exit_code == 0, done.stderr
    (row,) = [line.split() for line in done.stdout.splitlines() if office.office_id in line]
    labels = {"office": office.office_id, "window": "1h"}
    value, lower, upper = (
        f"{seen(f'kqi_office_ink_personnel{end}_ratio', **labels):.4f}" for end in ("", "_lower", "_upper")
    )
    assert row[1:] == [office.office_id, value, lower, "-", upper, "3", "too_few_surveys"]
    assert re.search(rf"^ {worker.address} +ready +4 ", done.stdout, re.MULTILINE)


def test_top_goes_on_until_it_is_interrupted(service, worker, office):
    """On a terminal it shows what changes; Ctrl-C ends it with 0, and gives the terminal back."""
    office.survey("no")
    primary, secondary = pty.openpty()
    command = [KQI, "top", "--url", worker.address, "--window", "1h", "--interval", "0.2", "--limit", "1000"]
    variables = environment(**service.settings) | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(command, env=variables, stdin=subprocess.DEVNULL, stdout=secondary, stderr=secondary)
    os.close(secondary)
    seen = bytearray()

    def shows(*texts):
        if select.select([primary], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):  # nobody has it open any more
                seen.extend(os.read(primary, 65536))
        return all(text in seen for text in texts)

    try:
        until(lambda: shows(office.office_id.encode()), lambda: seen)
        later = Office(office._writer, worker)
        later.survey("yes")
        until(lambda: shows(later.office_id.encode(), b"events/s"), lambda: seen)
        process.send_signal(signal.SIGINT)
        assert process.wait(END_S) == 0
        until(lambda: shows(b"\x1b[?1049l"), lambda: seen)
        assert b"Traceback" not in seen
    finally:
        process.kill()
        process.wait()
        os.close(primary)


def test_wrong_arguments():
    """Are said in a sentence, with status 2; a cluster or worker that is not there with 1."""
    for arguments, status, sentence in (
        (
            ["tap", "--office", "o", "--topics", "presses,sails"],
            2,
            "`sails` is no topic of an office: expected some of",
        ),
        (["tap", "--office", "o", "--from", "yesterday"], 2, "'yesterday' is no time: expected RFC 3339"),
        (["tap", "--office", "a\nb"], 2, "'a\\nb' is no id of an office"),
        (["tap", "--office", "o", "--bootstrap", "127.0.0.1:9"], 1, "No Kafka broker can be reached at 127.0.0.1:9"),
        (["top", "--url", "ftp://x"], 2, "`ftp://x` is no address"),
        (["top", "--once", "--url", "127.0.0.1:9"], 1, "No worker answers at http://127.0.0.1:9/metrics: connection"),
    ):
        done = kqi_inside(*arguments)
        assert (done.exit_code, done.stdout) == (status, "")
        assert done.stderr.startswith(f"kqi: {sentence}")


def test_topics_that_are_not_there(embedded_kafka):
    """Are said, too."""
    done = Service(embedded_kafka).kqi_inside("tap", "--office", "o")
    assert done.exit_code == 1
    assert re.fullmatch(r"kqi: there is no topic \S+presses: run `kqi topics`\n", done.stderr)
