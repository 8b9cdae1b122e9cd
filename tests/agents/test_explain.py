"""`kqi explain`: from files, from topics, and asked of a worker."""

import json
import random
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from confluent_kafka import Consumer, TopicPartition

from agents import gathering
from agents.explain_page import in_a_thread
from streams.configuration import configure
from streams.events import TOPICS
from streams.inquiry import WHOSE
from tests import by_hand
from tests.metrics import samples_of
from tests.reference.companies import START_MS, company
from tests.service import PARTITIONS, Service, kqi_inside
from tests.topics import Writer, office_in

GRID_MS = 302_400_000
AT_MS = (time.time_ns() // 1_000_000 // GRID_MS - 1) * GRID_MS + 7_000
COUNTER = "docs/examples/counter.ndjson"
FORCE_MAJEURE = "docs/examples/force-majeure.ndjson"
TOPIC = {"seller_press": "presses", "customer_press": "presses", "peer_rating": "peer-ratings"}
LATE_MS = 26 * 3_600_000
TARGETS = [{"priority": "critical", "stage": "resolved", "within": "10m", "objective": 0.8}]


def explain(*arguments, **settings):
    """Run `kqi explain --format json`, which must go well; return the document."""
    done = kqi_inside("explain", *arguments, "--format", "json", **settings)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout_bytes)


def options(row):
    """Return the options that ask for a row of a replay."""
    return [part for name, value in query(row).items() for part in (f"--{name.replace('_', '-')}", value)]


# Files -------------------------------------------------------------------------------------------------------------


def test_files_are_explained_with_lines():
    """The value is that of a replay of the same files; each press and verdict has its file and line."""
    told = explain(COUNTER, FORCE_MAJEURE, "--office", "riga-1", "--index", "ink_personnel", "--window", "24h")
    assert (told["value"], told["base"]) == (0.45, 4) == by_hand.value(told)
    assert told["formula"]["text"] == "(no 1 + 0.8 x silent 1) / 4 = 0.45"
    lines = {file: Path(file).read_text().splitlines() for file in (COUNTER, FORCE_MAJEURE)}
    for survey in told["surveys"] + told["left_out"]:
        assert (
            json.loads(lines[survey["press"]["file"]][survey["press"]["line"] - 1])["event_id"] == survey["survey_id"]
        )
    [rejected] = [each for each in told["left_out"] if each["reason"] == "rejected"]
    assert (rejected["survey_id"], rejected["by"]) == ("s5", ["v4"])
    assert told["config"]["silent_weight"] == 0.8


def test_a_window_of_ones_own_and_an_instant():
    """Any window may be asked for, and any instant; later events are left out."""
    told = explain(
        COUNTER, "--office", "riga-1", "--index", "silent_share", "--window", "2h", "--at", "2026-03-02T10:02:00Z"
    )
    assert (told["value"], told["base"]) == (1 / 3, 3)
    assert told["read"]["after_at"] > 0


def test_the_table_is_bounded(tmp_path):
    """A long list ends with a line that says how many more there are; the numbers are all counted."""
    press = {"type": "seller_press", "office_id": "o", "panel_id": "p", "employee_id": "e", "hold_ms": 1}
    file = tmp_path / "events.ndjson"
    file.write_text(
        "".join(json.dumps(press | {"event_id": f"{n}", "ts": 1000 + 60_000 * n}) + "\n" for n in range(30))
    )
    done = kqi_inside("explain", file, "--office", "o", "--index", "silent_share", "--window", "1h")
    assert done.exit_code == 0, done.stderr
    assert "silent_share of office o: 1 (base 29)" in done.stdout
    assert "surveys counted: 29" in done.stdout
    assert "... 9 more: --format json has all" in done.stdout
    assert "undecided" in done.stdout


def test_refused_lines_are_told(tmp_path):
    """What cannot be used is named with its line and reason."""
    file = tmp_path / "events.ndjson"
    file.write_text("{}\n")
    told = explain(file, "--office", "o", "--index", "sales", "--window", "1h")
    assert told["read"]["rejected"] == {"missing_field": 1}
    assert told["read"]["refused"] == [{"reason": "missing_field", "place": {"file": str(file), "line": 1}}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--index", "ink", "--window", "1h"], "`ink` is no index"),
        (["--index", "iel", "--window", "1x"], "`1x` is no window"),
        (["--index", "iel", "--window", "1h", "--at", "noon"], "is no time"),
        (["--index", "iel", "--window", "1h", "--queue", "q"], "is no index of a queue"),
        (
            ["--index", "iel", "--window", "1h", "--queue", "q", "--employee", "e"],
            "an employee and a queue at once: ask for one of them",
        ),
        (["--index", "iel"], "the window is missing"),
        (
            ["--index", "peer_raters", "--window", "24h", "--from-department", "a"],
            "both from_department and to_department",
        ),
        (["--index", "peer_score", "--window", "24h", "--department", "a"], "`peer_score` needs a criterion"),
        (["--index", "peer_raters", "--window", "24h", "--department", "a", "--criterion", "b"], "has no criterion"),
        (["--index", "peer_raters", "--window", "23h", "--department", "a"], "`23h` is no window of departments"),
        (["--index", "iel", "--window", "1h", "--criterion", "b"], "`criterion` goes with a department or a pair"),
        (["--index", "iel", "--window", "1h", "--bootstrap", "localhost:1"], "files and a cluster at once"),
    ],
)
def test_wrong_questions(arguments, said):
    """A question that cannot be answered ends with one sentence and status 2."""
    done = kqi_inside("explain", COUNTER, "--office", "riga-1", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_no_broker():
    """Without files the cluster of the configuration is asked; where there is none, a sentence says so."""
    done = kqi_inside("explain", *("--office", "o", "--index", "iel", "--window", "1h"), kafka_bootstrap="127.0.0.1:1")
    assert done.exit_code == 1
    assert "No Kafka broker can be reached at 127.0.0.1:1" in done.stderr


# Topics ------------------------------------------------------------------------------------------------------------


DIRECTORY = """
[defaults]
questions = "loyalty"

[[offices]]
id = "{}"
questions = [{{ days = "1-30", question = "office" }}, {{ days = "31", question = "personnel" }}]
representative_by = "coverage"
coverage_limits = [0.0, 0.5]

# Sells nothing, and stays for ever.
[[employees]]
id = "emp-p0-a"
office = "{}"
to = 9999-12-31

[[plans]]
office = "{}"
employee = "emp-p0-a"
period = "{}"
revenue_minor = 1_000_000_000
"""


class Told(NamedTuple):
    """What a worker shows, and what is told of it."""

    service: Service
    rows: list  # of a replay
    shown: dict  # samples
    answers: list  # (row, document) by HTTP
    printed: list  # the same by `kqi explain`
    odd: dict  # path: (status, text)


def moved(seed):
    """Return a company's events in the past, in offices of their own."""
    names = {f"office-{n}": office_in(n, f"company-{seed}") for n in range(2)}
    shift_ms = AT_MS - START_MS - 900_000
    for event in company(seed, steps=30):
        times = {field: event[field] + shift_ms for field in ("ts", "from", "to", "end_ts") if field in event}
        yield event | times | {"office_id": names[event["office_id"]]}


def sent(writer, events):
    """Publish events in order."""
    for event in events:
        topic = TOPIC.get(event["type"], event["type"] + "s")
        writer.send(topic, json.dumps(event), key=event["office_id"])


@pytest.fixture(scope="module")
def told(embedded_kafka, tmp_path_factory):
    """Return what a worker shows of two companies, and explanations of some of it.

    After the companies come, in the first office, a press of long ago that is too late, and one under a wrong key.
    """
    service = Service(embedded_kafka, windows=["15m", "1h"], min_surveys=2, request_targets=TARGETS).create_topics()
    offices = tmp_path_factory.mktemp("directory") / "offices.toml"
    offices.write_text(
        DIRECTORY.format(*[office_in(0, "company-3")] * 3, datetime.fromtimestamp(AT_MS / 1000, UTC).year)
    )
    published = service.kqi_inside("directory", "publish", offices)
    assert published.exit_code == 0, published.stderr
    events = [event for seed in (3, 4) for event in moved(seed)]
    office = office_in(0, "company-3")
    press = {"type": "seller_press", "office_id": office, "panel_id": "p0", "employee_id": "floater", "hold_ms": 1}
    late = press | {"event_id": "late", "ts": AT_MS - LATE_MS}
    now = {"type": "visit", "event_id": "now", "ts": AT_MS, "office_id": office}
    file = tmp_path_factory.mktemp("companies") / "events.ndjson"
    inside = [event for event in events if event["ts"] <= AT_MS]
    file.write_text("".join(json.dumps(event) + "\n" for event in [*inside, now]))
    with Writer(service) as writer:
        sent(writer, inside)
        clock = press | {"event_id": "clock", "ts": AT_MS, "hold_ms": 5000, "panel_id": "other"}
        sent(writer, [clock, late, now])
        writer.send(
            "presses", json.dumps(press | {"event_id": "astray", "ts": AT_MS - 5}), key=office_in(1), partition=1
        )
    file.write_text(
        file.read_text() + json.dumps(clock) + "\n" + json.dumps(press | {"event_id": "astray", "ts": AT_MS - 5})
    )
    replayed = json.loads(service.kqi_inside("replay", file, "--format", "json", directory=str(offices)).stdout_bytes)
    assert replayed["at"] == AT_MS
    rows = [row for row in replayed["indices"] if row["value"] is not None]
    right = {sample: value for row in replayed["indices"] for sample, value in samples_of(row).items()}
    some = list({(row["scope"], row["index"]): row for row in random.Random(1).sample(rows, len(rows))}.values())
    with ExitStack() as stack:
        worker = stack.enter_context(service.worker("--clock", "event"))
        worker.wait_until_ready()
        shown = worker.until(lambda seen: seen.indices.keys() >= right.keys() and seen.indices == right, "all").indices
        answers = [(row, json.loads(worker.get("/explain?" + urlencode(query(row)))[2])) for row in some]
        paths = {
            "elsewhere": query(rows[0]) | {"office": "nowhere"},
            "nobody": query(rows[0]) | {"employee": "nobody"},
            "missing": {"office": office, "window": "1h"},
            "index": query(rows[0]) | {"index": "ink"},
            "window": query(rows[0]) | {"window": "2h"},
            "unknown": query(rows[0]) | {"who": "me"},
            "at": query(rows[0]) | {"at": "noon"},
        }
        odd = {name: worker.get("/explain?" + urlencode(each))[::2] for name, each in paths.items()}
        past = query(rows[0]) | {"office": office, "index": "silent_share", "at": AT_MS - 60_000}
        odd["past"] = worker.get("/explain?" + urlencode({k: v for k, v in past.items() if k in PLAIN}))[::2]
    of_company = [row for row in some if "company_" in row["index"]]
    printed = [(row, from_cluster(service, *options(row), "--at", AT_MS)) for row in [*some[:8], *of_company[:2]]]
    return Told(service, rows, shown, answers, printed, odd)


PLAIN = ("office", "index", "window", "at")


def from_cluster(service, *arguments):
    """Explain by the topics of a service."""
    return explain(*arguments, "--bootstrap", service.bootstrap, **service.settings)


def query(row):
    """Return the arguments of the page that ask for a row."""
    given = {"office": row["office_id"], "index": row["index"]}
    given |= {name: row[name] for name in ("window", *WHOSE[1:]) if row.get(name) is not None}
    return given | ({row["scope"]: row["employee_id"]} if row["employee_id"] is not None else {})


def test_what_a_worker_shows_is_explained(told):
    """Values of /metrics are explained by the page and by the command, and come out when one counts by hand."""
    for row, document in told.answers + told.printed:
        assert samples_of(document).items() <= told.shown.items()
        assert (document["value"], document["base"]) == (row["value"], row["base"])
        if row["scope"] not in {"department", "pair"}:  # of which nothing single is told
            assert by_hand.value(document) == (pytest.approx(row["value"]), row["base"])
        assert [document.get(part) for part in ("reasons", "numbers")] == [row.get("reasons"), row.get("numbers")]
        assert document["at"] == AT_MS
    wanted = {(row["scope"], row["index"]) for row in told.rows}
    assert {(row["scope"], row["index"]) for row, _ in told.answers} == wanted
    assert {"office", "employee", "queue", "priority", "department"} <= {scope for scope, _ in wanted}
    assert {row["value"] for row, _ in told.answers if row["index"] == "plan_attainment"} == {0}


def test_what_the_directory_says_is_explained(told):
    """The office's questions and what is asked of it are shown, with a mark of the whole; page and command have the same."""
    documents = [document for _, document in told.answers + told.printed]
    assert len({document["directory"]["hash"] for document in documents}) == 1
    own = office_in(0, "company-3")
    by_office = {document["office_id"]: document["directory"] for document in documents}
    assert by_office[own]["questions"][1] == {"days": "31", "question": "personnel"}
    assert (by_office[own]["representative_by"], by_office[own]["limits"]) == ("coverage", [0, 0.5])
    other = by_office[office_in(0, "company-4")]
    assert (other["questions_by"], other["questions"], other["limits"]) == ("defaults", "loyalty", None)
    rules = {
        (document["office_id"] == own, survey["asked"]["by"], survey["asked"]["days"])
        for document in documents
        for survey in document.get("surveys", ())
    }
    assert {(True, "office", "1-30"), (False, "defaults", None), (True, "press", None)} <= rules | AT_END_OF_MONTH


# What it asked about on the 31st is not known, so on such days this is.
AT_END_OF_MONTH = {(True, "office", "1-30")} if datetime.fromtimestamp(AT_MS / 1000, UTC).day in {1, 31} else set()


def test_topics_are_compared_by_the_directory_in_force(told):
    """What-if of an office in the topics gives what a replay of its events by the same directory gives, texts among it."""
    office = office_in(0, "company-3")
    given = ("--office", office, "--at", AT_MS, "--bootstrap", told.service.bootstrap, "--format", "json")
    done = told.service.kqi_inside("what-if", *given, "--vary", "min_surveys=1000")
    assert done.exit_code == 0, done.stderr
    compared = json.loads(done.stdout_bytes)
    right = {
        (row["window"], row["index"]): row["value"]
        for row in told.rows
        if (row["scope"], row["office_id"]) == ("office", office)
    }
    found = {(row["window"], row["index"]): row["values"] for row in compared["rows"]}
    assert {name: values[0] for name, values in found.items() if values[0] is not None} == right
    assert found["1h", "diagnosis"][1] == "not_enough_data"
    assert found["1h", "ink_office_representative"][1] == 0


def test_page_and_command_say_the_same(told):
    """Whoever asks, the answer is the same to the last coordinate."""
    by_row = {json.dumps(row): document for row, document in told.answers}
    for row, document in told.printed:
        assert by_row[json.dumps(row)] == document


def test_coordinates_lead_to_the_messages(told):
    """Topic, partition and offset of each press, answer, verdict and event are those of the very message."""
    wanted = {}
    for _, document in told.answers:
        for part in ("surveys", "left_out"):
            for entry in document.get(part, ()):
                wanted[place(entry["press"])] = entry["survey_id"]
                if entry["answer"]:
                    wanted[place(entry["answer"]["place"])] = entry["answer"]["event_id"]
        for part in ("force_majeures", "verdicts", "calls", "sales", "visits", "ratings", "clients", "votes", "shifts"):
            wanted |= {place(entry["place"]): entry["event_id"] for entry in document.get(part, ())}
        stages = [stage for request in document.get("requests", ()) for stage in request["stages"]]
        wanted |= {place(stage["place"]): stage["event_id"] for stage in stages}
    assert len(wanted) > 300
    topics = {topic.removeprefix(told.service.prefix) for topic, _, _ in wanted}
    assert topics == {*TOPICS}
    assert {where: event_id for where, event_id in messages(told.service).items() if where in wanted} == wanted


def place(coordinates):
    """Return coordinates as a key."""
    return coordinates["topic"], coordinates["partition"], coordinates["offset"]


def messages(service):
    """Return the id of every message of the inputs, by its coordinates, fetched by another client."""
    topics = [service.prefix + name for name in TOPICS]
    consumer = Consumer({"bootstrap.servers": str(service.bootstrap), "group.id": "g", "enable.partition.eof": True})
    places = [TopicPartition(topic, number, 0) for topic in topics for number in range(PARTITIONS)]
    consumer.assign(places)
    found, ended = {}, 0
    while ended < len(places):
        for message in consumer.consume(1000, 5):
            if message.error() is not None:
                ended += 1
                continue
            event_id = json.loads(message.value())["event_id"]
            found[message.topic(), message.partition(), message.offset()] = event_id
    consumer.close()
    return found


def test_what_a_worker_refuses_is_refused(told):
    """A press that came too late is told as such, with its coordinates; one under a wrong key counts where it was moved to."""
    office = office_in(0, "company-3")
    document = from_cluster(
        told.service, "--office", office, "--index", "silent_share", "--window", "1h", "--at", AT_MS
    )
    [refused] = document["read"]["refused"]
    assert (refused["reason"], refused["place"]["topic"]) == ("too_late", told.service.prefix + "presses")
    assert messages(told.service)[place(refused["place"])] == "late"
    [astray] = [each for each in document["surveys"] + document["left_out"] if each["survey_id"] == "astray"]
    assert astray["press"]["partition"] == 0


def test_the_page_says_what_is_wrong(told):
    """404 for an office elsewhere and for who is not known, 400 for wrong arguments, each with one sentence."""
    assert {name: status for name, (status, _) in told.odd.items()} == {
        "elsewhere": 404,
        "nobody": 404,
        "missing": 400,
        "index": 400,
        "window": 400,
        "unknown": 400,
        "at": 400,
        "past": 200,
    }
    assert all(text.count("\n") == 1 for name, (_, text) in told.odd.items() if name != "past")
    assert told.odd["missing"][1] == "`index` is missing\n"


def test_the_past_may_be_asked_for(told):
    """An instant of before gives the value of then, by all that is known now."""
    document = json.loads(told.odd["past"][1])
    assert document["at"] == AT_MS - 60_000
    assert document["value"] == pytest.approx(by_hand.value(document)[0])


def test_no_topics(embedded_kafka):
    """Where there are no topics, a sentence says so."""
    service = Service(embedded_kafka)
    done = service.kqi_inside(
        *("explain", "--bootstrap", service.bootstrap, "--office", "o", "--index", "iel", "--window", "1h")
    )
    assert done.exit_code == 1
    assert "run `kqi topics`" in done.stderr


async def test_limits(told):
    """Where more would have to be read than is allowed, nothing is answered."""
    given = {"topic_prefix": told.service.prefix, "kafka": {"bootstrap": str(told.service.bootstrap)}}
    configuration = configure(("the test", given))
    wanted = gathering.Wanted(office_in(0, "company-3"), {"presses"}, AT_MS - 3_600_000, AT_MS)
    with pytest.raises(gathering.TooMuchError, match="more than 10 messages"):
        await gathering.gather_topics(configuration, wanted, gathering.Limits(10, 60))


def _name_of_thread():
    return threading.current_thread().name.encode()


async def test_work_in_a_thread_leaves_the_loop_alone():
    """What a thread does is waited for without holding up the loop; what it raises is raised."""
    done = []
    assert await in_a_thread(_name_of_thread, lambda: done.append(1)) == b"explain"
    with pytest.raises(ZeroDivisionError):
        await in_a_thread(lambda: bytes(1 // 0), lambda: done.append(2))
    assert done == [1, 2]
