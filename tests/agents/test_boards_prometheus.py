"""Boards on a real Prometheus that scrapes a real worker: every query of every panel gives data."""

import json
import re
import time

import pytest

from agents.boards import boards
from streams.configuration import Configuration, configure, from_environment
from streams.rule_files import RECORDING, rule_files
from tests.agents.board_company import DIRECTORY, EMPLOYEES, SETTINGS, events
from tests.agents.drawn_boards import FOR_ALL, Drawn, filled
from tests.agents.real_prometheus import Prometheus
from tests.service import Service, environment, until
from tests.topics import PARTITIONS

TOP = 2
JOB = "kqi"
TWICE = "twice"  # the same worker under two names: as when an office has just moved, and both workers are asked
PICKED = {"office": "riga-1", "employee": "anna", "search": "", "top": str(TOP), "__rate_interval": "1m"}
OF_PROMETHEUS = {"up", "scrape_duration_seconds", "scrape_samples_scraped"}
RULES = rule_files(Configuration())[RECORDING]
LATE_S = 40  # what a busy machine takes for a scrape, a checkpoint and another scrape
COMPANY_WIDE = ("KQI / Company", "KQI / Calls and SLA")


@pytest.fixture(scope="module")
def drawn():
    """Return the boards of the company's configuration."""
    configuration = configure(from_environment(environment(**SETTINGS)))
    return [Drawn(text) for text in boards(configuration).values()]


@pytest.fixture(scope="module")
def worker(embedded_kafka, tmp_path_factory):
    """Return a worker that has read nothing yet, and a Prometheus that scrapes it."""
    folder = tmp_path_factory.mktemp("boards")
    directory = folder / "directory.toml"
    directory.write_text(DIRECTORY)
    service = Service(embedded_kafka, directory=str(directory), **SETTINGS).create_topics()
    with service.worker("--clock", "event") as worker:
        worker.wait_until_ready()
        worker.service = service
        yield worker


def hurried_rules(folder):
    """Write a file of the recording rules, which are evaluated as often as Prometheus scrapes."""
    file = folder / RECORDING
    file.write_text(re.sub(r"(?m)^  interval: .*\n", "", RULES))
    return file


@pytest.fixture(scope="module")
def prometheus(worker, tmp_path_factory):
    """Return a Prometheus that has seen the worker before and after the whole company happened."""
    lines = b"".join(json.dumps(each).encode() + b"\n" for each in events())
    target = worker.address.removeprefix("http://")
    jobs = {JOB: [target], TWICE: [target, target.replace("127.0.0.1", "localhost")]}
    folder = tmp_path_factory.mktemp("prometheus")
    with Prometheus(folder, [hurried_rules(folder)], **jobs) as prometheus:
        until(lambda: len(prometheus.now("kqi_worker_ready == 1")) == 3, "a first scrape of each")
        published = worker.service.kqi_inside("publish", "--strict", "-", stdin=lines)
        assert published.exit_code == 0, published.output
        done = "sum by (job, instance) (kqi_worker_lag) == 0 and sum by (job, instance) (kqi_worker_events_total) > 0"
        until(lambda: len(prometheus.now(done)) == 3, "no lag")
        checkpoints = f"count(kqi_worker_checkpoint_timestamp_seconds) == {3 * PARTITIONS}"
        shown = "count(count by (job, instance) (kqi_office_ink_personnel_ratio)) == 3"
        kept = "count(count by (job) (region:kqi_service_level:ratio)) == 2"
        complete = f"{checkpoints} and on () sum(up) == 3 and on () {shown} and on () {kept}"

        def is_complete():
            prometheus.at_s = time.time()  # tests ask as of then: on a busy machine a later scrape may come too late
            return prometheus.now(complete, prometheus.at_s)

        until(is_complete, "a scrape of everything")
        yield prometheus


def picked(board, prometheus):
    """Return values for all variables of a board, as somebody would pick them who takes all there is."""
    values = dict(PICKED)
    for name, variable in board.variables.items():
        if variable["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((?:(.*), )?(\w+)\)", variable["query"]).groups()
            found = prometheus.label_values(filled(selector, values), label)
            assert found, f"{board.title}: nothing to pick for {name}"
            if variable.get("multi"):
                assert variable["current"]["value"] == [FOR_ALL]
                assert all(re.fullmatch(variable["allValue"], each) for each in found)
                values[name] = JOB if name == "job" else variable["allValue"]
            else:
                assert values[name] in found, f"{board.title}: {values[name]} is no {name}"
        elif variable["type"] == "custom" and name not in values:
            values[name] = variable["current"]["value"]
    return values


def answer(prometheus, query, values):
    """Return what a query gives: now, or over the last minute."""
    expr = filled(query.expr, values)
    if query.is_instant:
        return prometheus.now(expr, prometheus.at_s)
    return prometheus.course(expr, prometheus.at_s - 60, prometheus.at_s, 5)


def test_every_query_gives_data(drawn, prometheus):
    """With the variables filled in, every query of every panel and mark gives numbers."""
    asked = [(query, picked(board, prometheus)) for board in drawn for query in board.queries]
    assert len(asked) > 150
    deadline = time.monotonic() + LATE_S
    while empty := [(query, values) for query, values in asked if not answer(prometheus, query, values)]:
        assert time.monotonic() < deadline, "\n".join(
            f"{query.board}, {query.panel}, {query.letter}: {filled(query.expr, values)}" for query, values in empty
        )
        asked = empty
        prometheus.at_s = time.time()


def test_every_metric_is_shown_by_a_worker(drawn, worker, prometheus):
    """What a board asks for is on /metrics, is recorded of the company and of regions, or is what Prometheus adds to each scrape."""
    shown = {re.split(r"[ {]", line)[0] for line in worker.get("/metrics")[2].splitlines() if not line.startswith("#")}
    asked = {name for board in drawn for query in board.queries for name in re.findall(r"([\w$:]+)\{", query.expr)}
    recorded = {name.removeprefix("$level:") for name in asked if name.startswith("$level:")}
    for level in ("company", "region"):
        assert recorded <= set(re.findall(rf"record: {level}:(\S+)", RULES))
    assert {name for name in asked - shown if not name.startswith("$level:")} == OF_PROMETHEUS
    assert "kqi_worker_batch_seconds_bucket" in asked


def test_the_size_of_an_answer_does_not_follow_the_number_of_offices(drawn, prometheus):
    """Whoever takes two rows gets two offices, or two employees, from any query, though there are more of them."""
    assert len(prometheus.label_values("kqi_office_surveys", "office")) > TOP
    for board in drawn:
        values = picked(board, prometheus)
        for query in board.queries:
            found = answer(prometheus, query, values)
            for label in ("office", "employee"):
                names = {labels[label] for labels, _ in found if label in labels}
                assert len(names) <= TOP, f"{query.board}, {query.panel}: {query.expr}"


def test_a_region_leaves_out_the_offices_of_others(drawn, prometheus):
    """Riga's region has Riga and those that the directory does not know, not Oslo; all regions have both."""
    (company,) = [board for board in drawn if board.uid == "kqi-company"]
    (query,) = [query for query in company.queries if query.panel == "By INK@Personnel" and query.letter == "A"]
    values = picked(company, prometheus) | {"top": "100", "believed": "0"}
    offices = {
        region: {labels["office"] for labels, _ in answer(prometheus, query, values | {"region": region})}
        for region in (values["region"], "Latvia")
    }
    assert {"riga-1", "oslo-1"} < offices[values["region"]]
    assert offices["Latvia"] == offices[values["region"]] - {"oslo-1"}


def test_the_company_is_the_mean_of_its_surveys(drawn, prometheus):
    """INK@Office of the company is what adding up all surveys gives."""
    (company,) = [board for board in drawn if board.uid == "kqi-company"]
    (query,) = [query for query in company.queries if query.panel == "INK@Office of the company"]
    [(_, [shown])] = answer(prometheus, query, picked(company, prometheus))
    counts = {
        labels["outcome"]: value
        for labels, [value] in prometheus.now(
            f'sum by (outcome) (kqi_office_surveys{{job="{JOB}",window="24h",question="office"}})', prometheus.at_s
        )
    }
    assert shown == pytest.approx((counts["no"] + 0.8 * counts["silent"]) / sum(counts.values()))


def test_lines_are_of_the_company_or_of_regions(drawn, prometheus):
    """Of the company one, the same as its number of now; of regions one each, or those that are picked."""
    (company,) = [board for board in drawn if board.uid == "kqi-company"]
    panels = {query.panel: query for query in company.queries}
    values = picked(company, prometheus)
    [(_, course)] = answer(prometheus, panels["INK@Personnel over time"], values)
    [(_, [now])] = answer(prometheus, panels["INK@Personnel of the company"], values)
    assert course[-1] == pytest.approx(now)
    for region, wanted in ((values["region"], {"Latvia", "Norway"}), ("Latvia", {"Latvia"})):
        found = answer(prometheus, panels["INK@Personnel over time"], values | {"level": "region", "region": region})
        assert {labels["region"] for labels, _ in found} == wanted


def test_employees_are_told_apart_from_namesakes(drawn, prometheus):
    """Anna of Riga and Anna of Oslo are two: a board shows the one of its office."""
    (employee,) = [board for board in drawn if board.uid == "kqi-employee"]
    (query,) = [query for query in employee.queries if query.panel == "INK@Personnel" and query.letter == "A"]
    values = picked(employee, prometheus)
    for office in ("riga-1", "oslo-1"):
        [(_, [shown])] = answer(prometheus, query, values | {"office": office})
        [(_, [own])] = prometheus.now(
            f'kqi_employee_ink_personnel_ratio{{office="{office}",employee="{EMPLOYEES[0]}",window="24h",job="{JOB}"}}',
            prometheus.at_s,
        )
        assert shown == own


def test_an_office_that_two_workers_show_counts_once(drawn, prometheus):
    """While it moves no query fails, no row comes twice, and no index changes; only sums of the whole company are greater for that moment."""
    summed = {"Offices", "Valid surveys", "Offices by diagnosis", "Why not"}
    summed |= {"Offered", "Missed", "Requests due", "Overdue now"}
    for board in drawn:
        if board.uid == "kqi-service":
            continue
        values = picked(board, prometheus)
        for query in board.queries:
            once, twice = (answer(prometheus, query, values | {"job": job}) for job in (JOB, TWICE))
            assert len(twice) == len(once), query
            if query.panel not in summed:
                latest = [
                    sorted((*(labels | {"job": ""}).items(), each[-1]) for labels, each in found)
                    for found in (once, twice)
                ]
                assert [each[:-1] for each in latest[0]] == [each[:-1] for each in latest[1]], query
                assert [each[-1] for each in latest[0]] == pytest.approx([each[-1] for each in latest[1]]), query
