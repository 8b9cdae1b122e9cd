"""Lines of the log: JSON with fields or text, one each, and nothing of people or of what messages contain."""

import json
import logging
import re
import sys
import threading
import time

import pytest
from aiokafka.errors import KafkaConnectionError

from agents import logs
from agents.directory import without_people
from tests.service import Service
from tests.topics import Reader, Writer, office_in, partition_of

PRIVATE = ("+371 29 123 456", "Anna Berzina", "call me under 555-0199", "https://records.example/4711", "poisoned-key")


@pytest.fixture
def log(capsys):
    """Return a function that sets the log up and returns what is written; all is as before afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    levels = {name: logging.getLogger(name).level for name in ("kqi", "mode.timers")}

    def set_up(form, level="info"):
        logs.set_up(form, level)

        def lines():
            return capsys.readouterr().err.splitlines()

        return lines

    yield set_up
    root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook = before
    logging.captureWarnings(capture=False)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def failing(error):
    """Log an error that was raised."""
    try:
        fail_with(error)
    except Exception:
        logging.getLogger(f"faust.{type(error).__name__}").exception("crashed: %r", error)


def fail_with(error):
    """Raise it."""
    raise error


def test_a_line_is_an_object(log):
    """It has the time in UTC, level, logger and message, and the fields that are known of it; others are left out."""
    lines = log("json")
    fields = {"topic": "kqi.presses", "partition": 3, "offset": 7, "office": "r\u012bga", "employee": "anna"}
    logging.getLogger("kqi.worker").warning("two\nlines of %s", "it", extra=fields)
    (line,) = map(json.loads, lines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    assert line == {
        "level": "warning",
        "logger": "kqi.worker",
        "message": "two",
        "topic": "kqi.presses",
        "partition": 3,
        "offset": 7,
        "office": "r\u012bga",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_errors_take_one_line(log, form):
    """Of a library's error the type is told, and what it says only where that cannot be a part of an event."""
    lines = log(form)
    failing(KafkaConnectionError("no broker at b1:9092"))
    failing(KeyError(PRIVATE[1]))
    known, other = lines()
    assert known.count("KafkaConnectionError: no broker at b1:9092") == 2
    assert "KeyError in test_logs.py, line " in other
    assert PRIVATE[1] not in other


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_shown_when_all_is_wanted(log, form):
    """At `debug`, as places in the code; what the error says stays out of it."""
    lines = log(form, "debug")
    failing(KeyError(PRIVATE[1]))
    said = "\n".join(lines())
    assert 'test_logs.py\\"' in said if form == "json" else 'test_logs.py"' in said
    assert PRIVATE[1] not in said


def test_libraries_tell_no_more_when_all_is_wanted(log):
    """They would write down what messages contain."""
    lines = log("json", "debug")
    logging.getLogger("aiokafka.consumer").debug("records: %s", PRIVATE)
    logging.getLogger("kqi.checkpoints").debug("stored")
    assert [json.loads(line)["message"] for line in lines()] == ["stored"]


def test_levels(log):
    """From the level on that is configured."""
    lines = log("json", "warning")
    logging.getLogger("kqi.worker").info("not this")
    logging.getLogger("kqi.worker").warning("this")
    assert [json.loads(line)["message"] for line in lines()] == ["this"]


def test_a_terminal_is_not_driven_by_a_message(log):
    """Characters that are not printable are shown by their numbers."""
    lines = log("text")
    logging.getLogger("kqi.worker").warning("office %s", "\x1b[2Jriga\u202e")
    assert lines()[0].endswith("kqi.worker office \\x1b[2Jriga\\u202e")


def test_what_repeats_keeps_its_form(log):
    """What stood behind a message that is let through again is told of errors, too, without what they quote."""
    lines = log("text")
    (handler,) = logging.getLogger().handlers
    (said_once,) = (each for each in handler.filters if isinstance(each, logs.SaidOnce))
    logger = logging.getLogger("faust.app")
    for _ in range(3):
        logger.error("odd: %r", KeyError(PRIVATE[0]))
    said_once._said = {key: (said_s - 61, hidden) for key, (said_s, hidden) in said_once._said.items()}
    logger.error("odd: %r", KeyError(PRIVATE[0]))
    first, second = lines()
    assert first.endswith("odd: KeyError")
    assert second.endswith("odd: KeyError (2 more like this in the last 61 s)")


def test_what_nobody_expected_is_a_line(log):
    """An error that ends everything, or a thread, is a line like all others."""
    lines = log("json")
    error = ValueError(PRIVATE[2])
    sys.excepthook(ValueError, error, None)
    thread = threading.Thread(target=failing_thread)
    thread.start()
    thread.join()
    first, second = map(json.loads, lines())
    assert (first["level"], first["error"]) == ("critical", "ValueError")
    assert second["error"].startswith("KeyError in test_logs.py")


class Failing:
    """Something whose end fails."""

    def __del__(self):
        raise ValueError(PRIVATE[2])


@pytest.mark.parametrize("form", ["text", "json"])
def test_mistakes_of_others_quote_nothing(log, form):
    """Neither arguments that do not fit their message, nor an error where nobody can catch it; several at once are told each."""
    lines = log(form)
    logger = logging.getLogger("faust.app")
    logger.error("odd %d", PRIVATE[1])
    Failing()
    logger.error("odd: %s", ExceptionGroup("all", [KeyError(PRIVATE[0]), OSError("no room")]), extra={"count": {1}})
    told = lines()
    assert len(told) == 3
    assert not [name for name in PRIVATE for line in told if name in line]
    assert "odd %d" in told[0]
    assert "ValueError in test_logs.py" in told[1]
    assert "odd: KeyError; OSError: no room" in told[2]


def failing_thread():
    """Raise."""
    raise KeyError(PRIVATE[2])


def test_nobody_is_named_of_a_directory():
    """Faults of employees and plans are counted; those of offices are told."""
    faults = ["office `o` in a.toml: wrong", "employee `anna` in a.toml: wrong", "plan `anna-1` in a.toml: wrong"]
    told = without_people(faults)
    assert told[0] == faults[0]
    assert told[1].startswith("2 faults of employees and plans: ")
    assert len(told) == 2


# A worker ----------------------------------------------------------------------------------------------------------


def office_of(name, partition):
    """Return the id of an office in a partition."""
    return office_in(partition, name)


def events(office, now_ms):
    """Return events full of what is nobody's business, and messages that cannot be used."""
    phone, name, comment, record, key = PRIVATE
    common = {"ts": now_ms, "office_id": office}
    press = {"type": "seller_press", "event_id": "s1", "panel_id": "p1", "employee_id": name, "hold_ms": 200}
    call = {"type": "call", "event_id": phone, "direction": "inbound", "disposition": "answered", "wait_s": 1}
    rating = {"type": "rating", "event_id": "r1", "metric": "nps", "score": 11, "comment": comment}
    good = [("presses", press | common), ("presses", press | common | {"event_id": "s2", "ts": now_ms - 90_000_000})]
    good += [("calls", call | common | {"client_id": phone, "recording_url": record, "employee_id": name})]
    bad = [("ratings", json.dumps(rating | common | {"client_id": phone})), ("presses", f'{{"type": "{comment}"}}')]
    bad += [("presses", f"{name} {phone}"), ("presses", b"\xff\xfe" + name.encode())]
    bad += [("presses", json.dumps(press | common | {"event_id": "s3", "hold_ms": name}))]
    bad += [("shifts", json.dumps(press | common)), ("presses", json.dumps({"employee_id": name, "type": [phone]}))]
    return good, bad, key


def test_the_log_of_a_worker_names_nobody(embedded_kafka):
    """Every line is an object; dead letters and moved messages tell the place and no more; it begins and ends as it should."""
    office = office_of("logs", 1)
    service = Service(embedded_kafka, log_format="json", log_level="debug", metrics_port=0).create_topics()
    good, bad, key = events(office, time.time_ns() // 1_000_000)
    with service.worker() as worker, Writer(service) as writer, Reader(service, "dead-letters") as reader:
        worker.wait_until_ready()
        for topic, event in good:
            writer.publish(topic, event)
        for topic, value in bad:
            writer.send(topic, value, key=key)
        astray = (partition_of(office) + 1) % 4
        moved = json.dumps(good[0][1] | {"event_id": "s4"})
        (place,) = writer.send("presses", moved, key=office, partition=astray)
        letters = reader.until(lambda found: len(found) == len(bad) + 1, "dead letters")
        worker.until(lambda seen: seen("kqi_worker_misrouted_events_total") == 1)
        assert worker.stop() == 0
        lines = [json.loads(line) for line in worker.output.splitlines()]
    assert all({"ts", "level", "logger", "message"} <= line.keys() for line in lines)
    said = "\n".join(map(str, lines))
    assert [each for each in PRIVATE if each in said] == []
    assert "Anna" not in said
    right = {dict(letter.headers())["reason"].decode() for letter in letters}
    refused = [line for line in lines if "reason" in line]
    assert {line["reason"] for line in refused} == right
    assert len(right) >= 5
    assert {"topic", "partition", "offset", "count"} <= refused[0].keys()
    (shifted,) = [line for line in lines if line["logger"] == "kqi.messages" and "office" in line]
    assert (shifted["office"], shifted["partition"], shifted["offset"]) == (office, *place)
    (owns,) = [line for line in lines if line["message"].startswith("owns")]
    assert owns["partitions"] == [0, 1, 2, 3]
    assert lines[0]["message"].startswith("metrics on http")
    assert any("checkpoint" in line["message"] and "partition" in line for line in lines)


def test_faults_are_lines_too():
    """A worker that cannot start says so in the form of its log, with status 1."""
    done = Service("127.0.0.1:9", log_format="json").kqi("worker", "--metrics-port", "0")
    assert done.returncode == 1
    (line,) = map(json.loads, done.stderr.splitlines())
    assert line["level"] == "critical"
    assert line["message"] == "No Kafka broker can be reached at 127.0.0.1:9: connection refused."
