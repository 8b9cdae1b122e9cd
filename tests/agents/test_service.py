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

from streams.signs import SIGNS
from tests.metrics import (
    ASKED_FAMILY,
    SIGN_FAMILIES,
    SURVEY_FAMILIES,
    Scrape,
    samples_of,
    samples_of_asked,
    samples_of_signs,
)
from tests.reference import cases, signs
from tests.reference.contract import judge
from tests.reference.method import DEFAULTS, in_window, surveys
from tests.reference.trust import last_asked
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
        "request_targets": [
            {"priority": "critical", "stage": stage, "within": "1m", "objective": 0.8}
            for stage in ("first_response", "on_site", "resolved")
        ],
        "min_surveys": 2,
        "representative_by": "coverage",
        "coverage_limits": [0.1, 9],
        "asked_within_s": 20_000,
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
    events = {name: list(moved(name)) for name in cases.names() if is_for_all(name)}
    others = [event(kind, event_id=kind) for kind in ("rating", "request", "shift", "peer_rating")]
    clocks = [each | {"office_id": office_in(n, "clock"), "ts": AT_MS} for n in range(PARTITIONS) for each in others]
    events["requests"] = list(requests())
    events["clocks"] = [each | {"end_ts": AT_MS + 1} if "end_ts" in each else each for each in clocks]
    files = []
    for name, members in events.items():
        files.append(folder / f"{name}.ndjson.gz")
        files[-1].write_bytes(gzip.compress(b"".join(json.dumps(each).encode() + b"\n" for each in members)))
    return Log(files, [each for members in events.values() for each in members])


def is_for_all(name):
    """Say whether a case has a log of its own and no directory: those are of days that must not be moved."""
    return "events" not in case_of(name) and "directory" not in cases.load(name).config


def requests():
    """Yield one request that went well, and one that nobody cares for, both in every window."""
    for number, (request_id, stage, ago_s) in enumerate(
        (
            ("done", "opened", 200),
            ("done", "first_response", 170),
            ("done", "on_site", 160),
            ("done", "resolved", 150),
            ("waits", "opened", 100),
        )
    ):
        fields = {"request_id": request_id, "stage": stage, "ts": AT_MS - ago_s * 1000, "office_id": "requests"}
        yield event("request", event_id=f"request-{number}", **fields)


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
        both = [start("shared", indices_interval_s=0.5) for _ in range(2)]
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
        know = all(seen("kqi_worker_ready") and seen("kqi_worker_company_known") for seen in scrapes)
        return know and all(seen("kqi_worker_partitions") == PARTITIONS / 2 for seen in scrapes)

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
            known[str(config)] = {name: value for row in replayed["indices"] for name, value in samples_of(row).items()}
        return known[str(config)]

    return samples


def test_metrics_are_what_a_replay_says(configured, expected):
    """Every index of every scope and window has the value of `kqi replay`, to the last bit, and none is shown besides."""
    config, seen = configured
    right = expected(config)
    windows = DEFAULTS["windows"] if "windows" not in config else config["windows"]
    # Indices, and of offices and employees ends of intervals, marks of being representative, reasons against it, diagnosis;
    # what tells of requests now; time at work, of which there is none in the last five minutes, and votes.
    has_targets = "request_targets" in config
    families = (
        (19 + 20 + 3 + 1 + 1) + (18 + 18 + 3 + 1) + (8 + 4) + 2 * (7 + 6 + 3) + (3 * 12 + 3 if has_targets else 0) + 1
    )
    at_work = 4 * sum(window != "5m" for window in windows)
    shown = {(name, dict(labels).get("window")) for name, labels in right}
    beside_peers = {each for each in shown if re.search("_z$|_rank$|_leader_ratio$", each[0])}
    assert beside_peers
    shown -= beside_peers
    assert len(shown) == len(windows) * families + at_work + (4 if has_targets else 2)
    assert seen.indices == right


def test_surveys_are_what_the_reference_counts(configured, log):
    """kqi_office_surveys and kqi_employee_surveys hold the valid surveys by question and outcome; it shows when they were last asked."""
    config, seen = configured
    settings = DEFAULTS | config
    by_office = defaultdict(list)
    for each in log.events:
        by_office[each["office_id"]].append(each)
    right = Counter()
    counted = []
    for events in by_office.values():
        for survey in surveys(events, AT_MS, config):
            if survey["valid"] and survey["outcome"] != "undecided":
                counted.append(survey)
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
    asked = {each: value for each, value in seen.samples.items() if each[0] == ASKED_FAMILY}
    assert asked == samples_of_asked(last_asked(counted))


def test_signs_are_what_the_reference_counts(shown, log):
    """kqi_office_signs and kqi_employee_signs and their bases, of a worker that was not asked before it had read everything."""
    by_office = defaultdict(list)
    for each in log.events:
        by_office[each["office_id"]].append(each)
    right = {}
    for events in by_office.values():
        right |= signs.rows(events, AT_MS)
    seen = {each: value for each, value in shown.again.samples.items() if each[0] in SIGN_FAMILIES}
    assert {dict(labels)["sign"] for _, labels in seen} == set(SIGNS)
    assert seen == samples_of_signs(right)


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
