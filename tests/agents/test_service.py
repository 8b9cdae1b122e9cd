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


class Shown(NamedTuple):
    """What workers show that have read everything."""

    configured: dict  # a scrape for each configuration
    both: list  # scrapes of two workers of one group
    formats: list  # status, content type and text of one page in both formats
    early: list  # status and text of /healthz, /readyz and /metrics of a worker at its very start
    late: list  # the same of that worker when it is ready
    again: Scrape  # of that worker, which is of a group that has read everything before


@pytest.fixture(scope="module")
def shown(service, log):
    """Return what workers show, all but one of them started at once."""
    with ExitStack() as stack:

        def start(group, **config):
            group = f"{service.name}-{group}"
            return stack.enter_context(service.worker("--clock", "event", **config, kafka_group=group))

        running = {name: start(name, **config) for name, config in CONFIGURATIONS.items()}
        both = [start("shared") for _ in range(2)]
        for worker in running.values():
            wait_until_read(worker, log)
        configured = {name: worker.scrape() for name, worker in running.items()}
        assert running["default"].stop() == 0
        again = start("default").wait_until_listening()
        early = pages(again)
        again.wait_until_ready()
        accepted = ("application/openmetrics-text; version=1.0.0,text/plain;q=0.5", "text/plain")
        return Shown(
            configured,
            shared_out(both),
            [running["other"].get("/metrics", accept) for accept in accepted],
            early,
            pages(again),
            again.scrape(),
        )


def wait_until_read(worker, log):
    """Wait until a worker has read everything."""
    worker.wait_until_ready()
    worker.until(lambda seen: has_read(seen, log), "the end of the log", only="kqi_worker_")


def has_read(seen, log):
    """Say whether all events have been read."""
    return seen.total("kqi_worker_events_total") == len(log.events)


def shared_out(both):
    """Wait until two workers own half of the partitions each; return what they show."""
    for worker in both:
        worker.wait_until_listening()

    def share():
        scrapes = [worker.scrape("kqi_worker_") for worker in both]
        return all(seen("kqi_worker_partitions") == PARTITIONS / 2 and seen("kqi_worker_ready") for seen in scrapes)

    until(share, lambda: "half of the partitions for each:\n" + "\n".join(worker.output for worker in both))
    return [worker.scrape() for worker in both]


def pages(worker):
    """Return status and text of what a worker says of itself."""
    return [worker.get(path)[::2] for path in ("/healthz", "/readyz", "/metrics")]


@pytest.fixture(params=CONFIGURATIONS)
def configured(request, shown):
    """Return each configuration with what its worker shows."""
    return CONFIGURATIONS[request.param], shown.configured[request.param]


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


def test_every_event_is_counted_by_type(shown, log):
    """kqi_worker_events_total has every event under its type, those whose indices come later, too."""
    seen = shown.configured["default"]
    types = Counter(each["type"] for each in log.events)
    assert len(types) == 10
    assert {kind: seen("kqi_worker_events_total", type=kind) for kind in types} == types
    assert seen("kqi_worker_clock_timestamp_seconds") == seen("kqi_worker_last_event_timestamp_seconds") == AT_MS / 1000
    distinct = {(each["office_id"], each["event_id"]) for each in log.events}
    assert seen("kqi_worker_duplicate_events_total") == len(log.events) - len(distinct)
    assert seen.total("kqi_worker_lag") == seen.total("kqi_worker_dead_letters_total") == 0


def test_no_client_in_any_label(configured, log):
    """No label carries a client."""
    _, seen = configured
    clients = {each["client_id"] for each in log.events if "client_id" in each}
    assert clients
    assert not clients & {value for _, labels in seen.samples for _, value in labels}


def test_openmetrics(shown):
    """Who asks for OpenMetrics gets it, with the same samples; everyone else gets the text format."""
    (status, kind, text), (plain_status, plain_kind, plain_text) = shown.formats
    assert (status, kind) == (200, "application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert (plain_status, plain_kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    open_metrics, plain = Scrape(text, openmetrics_families), Scrape(plain_text)
    assert open_metrics.indices == plain.indices
    assert open_metrics.samples.keys() == plain.samples.keys()


def test_health_and_readiness(shown):
    """A worker lives from the first moment; it is ready, and shows indices, when it has read everything."""
    (health, ready, metrics) = shown.early
    assert (health, ready) == ((200, "ok\n"), (503, "no partitions assigned yet\n"))
    assert not Scrape(metrics[1]).indices
    (health, ready, metrics) = shown.late
    assert (health, ready) == ((200, "ok\n"), (200, "ready\n"))
    assert Scrape(metrics[1])("kqi_worker_ready") == 1


def test_restart(shown, expected):
    """A worker that is started anew in its group shows the same values."""
    assert shown.again.indices == expected({})


def test_two_workers(shown, expected):
    """Two workers of one group share the partitions; together they show the values of one, each value once."""
    mine, yours = (seen.indices for seen in shown.both)
    assert not mine.keys() & yours.keys()
    assert mine | yours == expected({})
