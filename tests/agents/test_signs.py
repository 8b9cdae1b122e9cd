"""`kqi signs`: the report, from files and from topics."""

import json

from tests.agents.test_explain import AT_MS, moved, sent
from tests.reference import signs as reference
from tests.reference.contract import judge
from tests.service import Service, kqi_inside
from tests.topics import Writer

LIMITS = {"yes_run": 2, "context_s": 20}
SETTINGS = {"windows": ["15m", "1h"], "signs_yes_run": 2, "signs_context_s": 20}


def report(*arguments, **settings):
    """Run `kqi signs --format json`, which must go well."""
    done = kqi_inside("signs", *arguments, "--format", "json", **settings)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout_bytes)


def counts(document):
    """Return count and base of each row."""
    names = ("scope", "office_id", "employee_id", "window", "sign")
    return {tuple(row[name] for name in names): (row["count"], row["base"]) for row in document["signs"]}


def test_files_and_topics_say_the_same(embedded_kafka, tmp_path):
    """Counts are those of brute force, by files of many offices and by the topics of one."""
    events = [event for event in moved(5) if event["ts"] <= AT_MS]
    right = reference.rows(
        [judge(json.dumps(event).encode())[0] for event in events], AT_MS, {"windows": ["15m", "1h"], "signs": LIMITS}
    )
    file = tmp_path / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert counts(report(file, "--at", AT_MS, **SETTINGS)) == right
    service = Service(embedded_kafka, **SETTINGS, correction_horizon_s_verdicts=86_400).create_topics()
    with Writer(service) as writer:
        sent(writer, events)
    for office in {event["office_id"] for event in events}:
        settings = ("--bootstrap", service.bootstrap, "--office", office, "--at", AT_MS)
        document = report(*settings, **service.settings)
        assert counts(document) == {row: count for row, count in right.items() if row[1] == office}
        assert all(entry["place"]["topic"].startswith(service.prefix) for entry in document["entries"])
        assert report(file, "--office", office, "--at", AT_MS, **SETTINGS)["signs"] == document["signs"]
        compared = what_if(service, *settings)
        assert compared["rows"] == what_if(file, "--office", office, "--at", AT_MS, **SETTINGS)["rows"]


def what_if(source, *arguments, **settings):
    """Compare two weights."""
    given = [source] if not isinstance(source, Service) else []
    settings = settings or source.settings
    done = kqi_inside("what-if", *given, "--vary", "silent_weight=0.5", "--format", "json", *arguments, **settings)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout_bytes)


def test_windows_stand_in_their_order(tmp_path):
    """The shorter window is the first column, also where the first sign has nothing in it."""
    press = {"type": "seller_press", "office_id": "o", "panel_id": "p", "employee_id": "e", "hold_ms": 1}
    answer = {"type": "customer_press", "office_id": "o", "panel_id": "p", "answer": "yes"}
    hour_ms = 3_600_000
    events = [press | {"event_id": "a", "ts": AT_MS - hour_ms}, answer | {"event_id": "b", "ts": AT_MS - hour_ms}]
    events.append(press | {"event_id": "f", "ts": AT_MS, "hold_ms": 5000})
    file = tmp_path / "events.ndjson"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    done = kqi_inside("signs", file, windows=["15m", "8h"])
    assert done.stdout.splitlines()[1].split() == ["office", "employee", "sign", "15m", "8h"]
    assert "quick_answers" in done.stdout


def test_topics_need_an_office():
    """Topics are read office by office."""
    for command in ("signs", "what-if"):
        done = kqi_inside(command, "--bootstrap", "127.0.0.1:1")
        assert done.exit_code == 2
        assert "give --office" in done.stderr
