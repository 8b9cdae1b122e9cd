"""The main job, end to end: events in by `kqi publish`, through a broker and `kqi worker`, and out at /metrics.

All cases are published at once. So that all of them lie in the windows, each is moved in time: it ends, together with all
the others, at AT_MS, and its offices get names of their own. What follows from the moved events is told by `kqi replay`
and, for counts of surveys, by the reference.
"""

import gzip
import json
import re
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families

from tests.metrics import SURVEY_FAMILIES, Scrape, sample_of
from tests.reference import cases
from tests.reference.contract import judge
from tests.reference.method import DEFAULTS, in_window, surveys
from tests.service import Service, until
from tests.streams.specimens import event
from tests.topics import PARTITIONS, office_in

GRID_MS = 302_400_000  # 3.5 days, a multiple of the buckets of all windows here: runs at any time give the same values
AT_MS = (time.time_ns() // 1_000_000 // GRID_MS - 1) * GRID_MS + 7_000  # all windows have just begun a new bucket
CONFIGURATIONS = {
    "default": {},
    "other": {
        "windows": ["5m", "1h", "24h"],
        "silent_weight": 0.5,
        "answer_window_s": 20,
        "debounce_ms": 400,
        "force_majeure_duration_s": 300,
        "force_majeure_excludes": "unfavourable",
        "force_majeure_pending": "exclude",
        "service_level_s": 12,
        "short_abandon_s": 4,
    },
}


class Log(NamedTuple):
    """What is published."""

    files: list  # one for each case, compressed
    events: list  # all of them


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Return the events of all cases, moved, and an event of each other type at AT_MS in every partition."""
    folder = tmp_path_factory.mktemp("cases")
    events = {name: list(moved(name)) for name in cases.names() if "events" not in case_of(name)}
    others = [event(kind, event_id=kind) for kind in ("rating", "request", "shift", "peer_rating")]
    clocks = [each | {"office_id": office_in(n, "clock"), "ts": AT_MS} for n in range(PARTITIONS) for each in others]
    events["clocks"] = [each | {"end_ts": AT_MS + 1} if "end_ts" in each else each for each in clocks]
    files = []
    for name, members in events.items():
        files.append(folder / f"{name}.ndjson.gz")
        files[-1].write_bytes(gzip.compress(b"".join(json.dumps(each).encode() + b"\n" for each in members)))
    return Log(files, [each for members in events.values() for each in members])


def case_of(name):
    """Return what `case.json` of a case says."""
    return json.loads((cases.FOLDER / name / "case.json").read_text())


def moved(name):
    """Yield the events of a case up to its instant, in their order, in offices of their own and ending at AT_MS."""
    case = cases.load(name)
    for line in case.lines:
        each = judge(line)[0]
        if each["ts"] <= case.at_ms:
            times = {
                field: each[field] - case.at_ms + AT_MS for field in ("ts", "from", "to", "end_ts") if field in each
            }
            yield each | times | {"office_id": f"{name}/{each['office_id']}"}


@pytest.fixture(scope="module")
def service(kafka, log):
    """Return a service with topics made by `kqi topics`, to which `kqi publish` has published the log."""
    service = Service(kafka).create_topics()
    done = service.kqi("publish", *log.files)
    assert done.returncode == 0, done.stderr.decode()
    count = sum(int(each.replace(",", "")) for each in re.findall(r"kqi: ([\d,]+) to ", done.stderr.decode()))
    assert count == len(log.events)
    return service


@pytest.fixture(scope="module")
def workers(service, log):
    """Return workers that have read everything, started all at once.

    One for each configuration, each a group of its own; `first` and `second` are of one group, and `again` is of a group
    one of whose workers has read everything before.
    """
    groups = dict.fromkeys(("first", "second"), "shared") | {"before": "again"}
    with ExitStack() as stack:

        def start(name, **config):
            group = f"{service.name}-{groups.get(name, name)}"
            return stack.enter_context(service.worker("--clock", "event", **config, kafka_group=group))

        running = {name: start(name, **config) for name, config in CONFIGURATIONS.items()}
        running |= {name: start(name) for name in groups}
        for name in (*CONFIGURATIONS, "before"):
            wait_until_read(running[name], log)
        assert running["before"].stop() == 0
        running["again"] = start("again")
        wait_until_read(running["again"], log)
        yield running


def wait_until_read(worker, log):
    """Wait until a worker has read everything."""
    worker.wait_until_ready()
    worker.until(lambda seen: has_read(seen, log), "the end of the log", only="kqi_worker_")


def has_read(seen, log):
    """Say whether all events have been read."""
    return seen.total("kqi_worker_events_total") == len(log.events)


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def configured(request, workers):
    """Return each configuration with what its worker shows."""
    return CONFIGURATIONS[request.param], workers[request.param].scrape()


@pytest.fixture(scope="module")
def expected(service, log):
    """Return a function from a configuration to the samples that a replay says must be shown."""
    known = {}

    def samples(config):
        if str(config) not in known:
            done = service.kqi("replay", *log.files, "--format", "json", **config)
            assert done.returncode == 0, done.stderr.decode()
            replayed = json.loads(done.stdout)
            assert replayed["at"] == AT_MS
            known[str(config)] = {
                sample_of(row): row["value"] for row in replayed["indices"] if row["value"] is not None
            }
        return known[str(config)]

    return samples


def test_metrics_are_what_a_replay_says(configured, expected):
    """Every index of every scope and window has the value of `kqi replay`, to the last bit, and none is shown besides."""
    config, seen = configured
    right = expected(config)
    windows = DEFAULTS["windows"] if "windows" not in config else config["windows"]
    assert len({(name, dict(labels)["window"]) for name, labels in right}) == len(windows) * (
        19 + 18 + 8
    )  # office, employee, queue
    assert seen.indices == right


def test_surveys_are_what_the_reference_counts(configured, log):
    """kqi_office_surveys and kqi_employee_surveys hold the valid surveys by question and outcome."""
    config, seen = configured
    settings = DEFAULTS | config
    by_office = defaultdict(list)
    for each in log.events:
        by_office[each["office_id"]].append(each)
    right = Counter()
    for events in by_office.values():
        for survey in surveys(events, AT_MS, config):
            for window in settings["windows"]:
                if survey["valid"] and survey["outcome"] != "undecided" and in_window(survey["ts"], AT_MS, window):
                    labels = {"office": survey["office_id"], "window": window}
                    labels |= {"question": survey["question"], "outcome": survey["outcome"]}
                    right["kqi_office_surveys", frozenset(labels.items())] += 1
                    right[
                        "kqi_employee_surveys", frozenset((labels | {"employee": survey["employee_id"]}).items())
                    ] += 1
    shown = {each: value for each, value in seen.samples.items() if each[0] in SURVEY_FAMILIES}
    assert {each: value for each, value in shown.items() if value} == right


def test_silent_weight_is_shown(configured):
    """kqi_silent_weight tells the weight in force."""
    config, seen = configured
    assert seen("kqi_silent_weight") == config.get("silent_weight", 0.8)


def test_every_event_is_counted_by_type(workers, log):
    """kqi_worker_events_total has every event under its type, those whose indices come later, too."""
    seen = workers["default"].scrape("kqi_worker_")
    types = Counter(each["type"] for each in log.events)
    assert len(types) == 10
    assert {kind: seen("kqi_worker_events_total", type=kind) for kind in types} == types
    assert seen("kqi_worker_clock_timestamp_seconds") == seen("kqi_worker_last_event_timestamp_seconds") == AT_MS / 1000
    distinct = {(each["office_id"], each["event_id"]) for each in log.events}
    assert seen("kqi_worker_duplicate_events_total") == len(log.events) - len(distinct)
    assert seen.total("kqi_worker_lag") == seen.total("kqi_worker_dead_letters_total") == 0


def test_openmetrics(workers):
    """Who asks for OpenMetrics gets it, with the same samples; everyone else gets the text format."""
    accept = "application/openmetrics-text; version=1.0.0,text/plain;q=0.5"
    status, kind, text = workers["other"].get("/metrics", accept)
    assert (status, kind) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    open_metrics = Scrape(text, openmetrics_families)
    status, kind, text = workers["other"].get("/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    plain = Scrape(text)
    assert open_metrics.indices == plain.indices
    assert open_metrics.samples.keys() == plain.samples.keys()


def test_no_client_in_any_label(configured, log):
    """No label carries a client."""
    _, seen = configured
    clients = {each["client_id"] for each in log.events if "client_id" in each}
    assert clients
    assert not clients & {value for _, labels in seen.samples for _, value in labels}


def test_health_and_readiness(service, log):
    """A worker lives from the first moment; it is ready, and shows indices, when it has read everything."""
    with service.worker("--clock", "event", kafka_group=f"{service.name}-ready") as worker:
        worker.wait_until_listening()
        assert worker.get("/healthz")[0] == 200
        assert worker.get("/readyz")[::2] == (503, "no partitions assigned yet\n")
        assert not worker.scrape().indices
        worker.wait_until_ready()
        seen = worker.scrape()
        assert has_read(seen, log)
        assert seen.indices
        assert seen("kqi_worker_ready") == 1
        assert worker.get("/healthz")[0] == 200


def test_restart(workers, expected):
    """A worker that is started anew in its group shows the same values."""
    assert workers["again"].scrape().indices == expected({})


def test_two_workers(workers, expected):
    """Two workers of one group share the partitions; together they show the values of one, each value once."""
    both = [workers[name].wait_until_listening() for name in ("first", "second")]

    def share():
        scrapes = [worker.scrape("kqi_worker_") for worker in both]
        return all(seen("kqi_worker_partitions") == PARTITIONS / 2 and seen("kqi_worker_ready") for seen in scrapes)

    until(share, "half of the partitions for each")
    mine, yours = (worker.scrape().indices for worker in both)
    assert not mine.keys() & yours.keys()
    assert mine | yours == expected({})
