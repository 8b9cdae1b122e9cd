"""Rules of Prometheus: those committed are those made, they are right, and alerts say the right things at the right times."""

import random
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml

from agents.exposition import Exposition
from agents.presence import Presence
from agents.telemetry import Telemetry
from streams.configuration import configure
from streams.directory import EMPTY
from streams.engine import Engine
from streams.promql import quoted, selected
from streams.recording_rules import recording_rules
from streams.rule_files import ALERTS, PROMETHEUS, RECORDING, all_rules, rule_files
from tests.deploy.alert_cases import CASES
from tests.metrics import Scrape
from tests.monitoring import tool
from tests.service import kqi_inside
from tests.streams.feeding import HOUR_MS, MINUTE_MS, Feed
from tests.streams.happenings import answer, call, long_press, press, rating, request, sale, verdict

FOLDER = Path(__file__).parents[2] / "deploy" / "prometheus"
OTHER = {
    "windows": ["5m", "2h", "12h"],
    "min_surveys": 5,
    "reference": {"ink_office": 0.25},
    "force_majeure_level_max": 0.1,
    "partitions": 8,
    "checkpoint_interval_s": 0,
    "request_targets": [
        {"priority": 'a & "b"', "stage": "first_response", "within": "4h", "objective": 0.75, "hours": "opening"},
        {"priority": "~.*", "stage": "first_response", "within": "4h", "objective": 0.75},
        {"priority": "low", "stage": "resolved", "within": "3d", "objective": 0},
    ],
    "comparison": {"critical_points": {"ink_personnel": 0.35}},
    "alerting": {
        "window": "12h",
        "thresholds": {"ink_personnel": 0.3, "abandonment": 0.1, "nps": 0.25},
        "service_level_objective": 0.95,
        "burn_rates": [{"window": "2h", "still": "5m", "burn": 3.5, "severity": "info"}],
        "min_due": 4,
        "panel_quiet_s": 600,
        "office_quiet_s": 300,
        "orphan_share_max": 0.5,
        "lag_max": 100,
        "job": "kqi-test",
        "board_url": "https://boards.example.com/",
        "runbook_url": "https://example.com/runbook",
    },
}
CONFIGURATIONS = {"default": {}, "other": OTHER}
RUNBOOKS = {"default": "docs/runbook.md", "other": "https://example.com/runbook"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a folder of rules for each configuration."""
    made = {}
    for name, config in CONFIGURATIONS.items():
        made[name] = tmp_path_factory.mktemp(name)
        for file, text in rule_files(configure(("the test", config))).items():
            (made[name] / file).write_text(text)
    return made


def promtool(*arguments):
    """Run promtool, to its end."""
    command = [tool("promtool"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def judged(folder, tests):
    """Have promtool run tests; return what it says, nothing where all is as expected."""
    document = {"rule_files": [RECORDING, ALERTS], "evaluation_interval": "1m", "tests": tests}
    file = folder / "tests.yml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True))
    done = promtool("test", "rules", file)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def seen(series, job="kqi"):
    """Return series as promtool takes them, of a job where they do not say of which."""
    named = {name if "job=" in name else name.replace("{", f'{{job="{job}",', 1): each for name, each in series.items()}
    return [{"series": name, "values": values} for name, values in named.items()]


@pytest.fixture(scope="module")
def all_right(folders):
    """Return whether all cases of a configuration pass, which one run tells."""
    return {
        name: not judged(folders[name], [as_test(case) for case in CASES if case.configuration == name])
        for name in CONFIGURATIONS
    }


def test_committed_rules_are_the_made_ones(tmp_path):
    """Of the default configuration; standard output has the groups of both files."""
    done = kqi_inside("rules", "--output", tmp_path)
    assert done.exit_code == 0, done.stderr
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in FOLDER.glob("*.yml")}, (
        "run `kqi rules --output deploy/prometheus`"
    )
    printed = yaml.safe_load(kqi_inside("rules").stdout)
    assert printed["groups"] == [*yaml.safe_load(made[RECORDING])["groups"], *yaml.safe_load(made[ALERTS])["groups"]]


def test_where_workers_are_stays_known(tmp_path):
    """Rules are made anew, and Prometheus' own configuration is left to whoever put addresses into it."""
    (tmp_path / PROMETHEUS).write_text("ours")
    (tmp_path / ALERTS).write_text("old")
    done = kqi_inside("rules", "--output", tmp_path)
    assert done.stderr == f"kqi: {RECORDING}, {ALERTS} in {tmp_path}\n"
    assert (tmp_path / PROMETHEUS).read_text() == "ours"
    assert (tmp_path / ALERTS).read_text() == (FOLDER / ALERTS).read_text()


def test_every_metric_is_shown_by_workers():
    """What rules ask for, a worker of that configuration has on /metrics, or another rule makes."""
    for name, config in CONFIGURATIONS.items():
        text = all_rules(configure(("the test", config)))
        engine = Engine(configure(("the test", config)))
        heads = Exposition(engine).text([]).encode() + b"".join(Presence([], EMPTY, 0).pieces())
        families = set(re.findall(r"# TYPE (\S+)", heads.decode())) | {"kqi_office_info"}
        for family in Telemetry().registry.collect():
            families.add(family.name + "_total" * (family.type == "counter"))
        recorded = set(re.findall(r"record: (\S+)", text))
        asked = set(re.findall(r"(?<![\w:/-])((?:\w+:)?kqi_\w+(?::\w+)?)(?=[{)\[])", text))
        assert len(asked) > 40
        assert asked <= families | recorded, name


def test_every_alert_has_its_heading():
    """In the runbook, which says what it means, how to look and what to do; and no heading is of an alert that is no more."""
    runbook = (FOLDER.parents[1] / "docs" / "runbook.md").read_text()
    names = names_of("default") | names_of("other")
    sections = dict(re.findall(r"^## (Kqi\w+)\n(.*?)(?=^## |\Z)", runbook, re.MULTILINE | re.DOTALL))
    assert sections.keys() == names
    for name, text in sections.items():
        assert [word for word in ("**Means:**", "**Look:**", "**Do:**") if word not in text] == [], name


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_rules_are_right(folders, name):
    """Prometheus takes the rules, and the example of its configuration."""
    for done in (
        promtool("check", "rules", *(folders[name] / file for file in (RECORDING, ALERTS))),
        promtool("check", "config", folders[name] / "prometheus.yml"),
    ):
        assert done.returncode == 0, done.stdout + done.stderr


def names_of(name):
    """Return the names of the alerts of a configuration."""
    rules = yaml.safe_load(all_rules(configure(("the test", CONFIGURATIONS[name]))))["groups"]
    return {rule["alert"] for group in rules for rule in group["rules"] if "alert" in rule}


def test_every_alert_has_its_cases():
    """One at least in which it fires, and one in which it must not."""
    names = names_of("default") | names_of("other")
    assert {case.alert for case in CASES if case.told} == names
    assert {case.alert for case in CASES if not case.told} == names
    assert {case.alert for case in CASES if case.told and case.configuration == "other"} > names_of("other") - names_of(
        "default"
    )


def as_test(case):
    """Return a case as promtool takes it."""
    expected = [
        {
            "exp_labels": told.labels,
            "exp_annotations": {
                "summary": told.summary,
                "description": told.description,
                "dashboard_url": told.board,
                "runbook_url": f"{RUNBOOKS[case.configuration]}#{case.alert.lower()}",
            },
        }
        for told in case.told
    ]
    asked = {"eval_time": f"{case.minute}m", "alertname": case.alert, "exp_alerts": expected}
    job = CONFIGURATIONS[case.configuration].get("alerting", {}).get("job", "kqi")
    return {"interval": "1m", "input_series": seen(case.series, job), "alert_rule_test": [asked]}


@pytest.mark.parametrize("case", CASES, ids=[f"{case.alert}: {case.name}" for case in CASES])
def test_alerts(folders, all_right, case):
    """What is told of what is seen, word for word, with where to look."""
    said = "" if all_right[case.configuration] else judged(folders[case.configuration], [as_test(case)])
    assert not said, said


# Company and regions -----------------------------------------------------------------------------------------------

REGIONS = {"riga-1": "Latvia", "riga-2": "Latvia", "ogre-1": "Latvia", "oslo-1": "Norway", "nowhere": None}
AT_MS = 1_800_000_000_000


def happenings(chance, office):
    """Yield events of the last two hours of an office, of every kind that a company's figures are made of."""
    for number in range(chance.randrange(20, 80)):
        ts_ms = AT_MS - chance.randrange(2 * HOUR_MS)
        staff = {"office_id": office, "employee_id": f"{office}/e{chance.randrange(3)}"}
        panel = {"panel_id": f"{office}/p{chance.randrange(3)}"}
        named = {"event_id": f"{office}/{number}"}
        question = {"question": chance.choice(["personnel", "personnel", "office", "loyalty"])}
        yield press(ts_ms, **panel, **staff, **named, **question)
        yield answer(
            ts_ms + 2_000, office_id=office, **panel, answer=chance.choice(["yes", "yes", "no", "hard_to_say"])
        )
        if number % 10 == 0:
            declared = long_press(ts_ms - MINUTE_MS, **panel, **staff)
            yield declared
            yield verdict(AT_MS - 1, declared, reliable=True)
        yield call(ts_ms, **staff, wait_s=chance.randrange(60))
        yield call(ts_ms, **staff, disposition="abandoned", wait_s=chance.randrange(20))
        yield sale(ts_ms, **staff, amount_minor=chance.choice([-5, 10, 20]))
        yield rating(ts_ms, **staff, metric="nps", score=chance.randrange(11))
        yield rating(ts_ms, **staff, metric="csat", score=chance.randrange(1, 6))
        wanted = {"office_id": office, "priority": chance.choice(["critical", "normal"])}
        yield request(ts_ms - HOUR_MS, f"{office}/{number}", "opened", **wanted)
        if chance.random() < 0.7:
            yield request(ts_ms - chance.randrange(HOUR_MS), f"{office}/{number}", "first_response", **wanted)


def shown(config, events):
    """Return the samples that a worker shows of events."""
    feed = Feed(config, AT_MS).feed(events)
    feed.step()
    return Scrape(Exposition(feed.engine).text([feed.partition])).samples


def recorded_as(name):
    """Return how a metric of the one office is called where it is of all."""
    if name == "kqi_office_silent_share_base":
        return "surveys:sum"
    if name == "kqi_office_surveys":  # by question and outcome
        return ""
    index = re.fullmatch(r"kqi_(?:office_(?!sla|requests)|priority_(?=sla|requests))(.*?)(?:_(ratio|seconds))?", name)
    return f"{index[1]}:{index[2] or 'sum'}" if index else ""


def test_company_and_regions(folders):
    """Their figures are those of one office in which everything had happened; an office that moves is counted once."""
    chance = random.Random(7)
    targets = [
        {"priority": priority, "stage": "first_response", "within": "30m", "objective": 0.8}
        for priority in ("critical", "normal")
    ]
    config = {"windows": ["15m", "1h", "8h", "24h", "7d"], "request_targets": targets}
    events = {office: list(happenings(chance, office)) for office in REGIONS}
    series, diagnoses = {}, Counter()
    for office, region in REGIONS.items():
        if region is not None:
            series[f'kqi_office_info{{office="{office}",region="{region}",job="kqi",instance="w1"}}'] = "1+0x9"
        for (name, labels), value in shown(config, events[office]).items():
            if name == "kqi_office_diagnosis":
                diagnoses[labels - {("office", office)}] += 1
            for instance in ("w1", "w2") if office == "ogre-1" else ("w1",):
                listed = ",".join(
                    f"{key}={quoted(each)}" for key, each in [*sorted(labels), ("job", "kqi"), ("instance", instance)]
                )
                series[f"{name}{{{listed}}}"] = f"{value!r}+0x9"
    asked = []
    for level, regions in (("company", set(REGIONS.values())), ("region", {"Latvia"}), ("region", {"Norway"})):
        merged = [
            each | {"office_id": "all"}
            for office, region in REGIONS.items()
            if region in regions
            for each in events[office]
        ]
        own = {"region": regions.copy().pop()} if level == "region" else {}
        for (name, labels), value in shown(config, merged).items():
            record = f"{level}:kqi_{recorded_as(name)}"
            if record in RECORDS:
                kept = {key: each for key, each in labels if key != "office"} | {"job": "kqi"} | own
                where = selected(record, **kept)
                asked.append({"expr": f"abs({where} - {value!r}) < bool 1e-12", "eval_time": "5m"})
                asked[-1]["exp_samples"] = [{"labels": f"{{{selected('', **kept)[1:-1]}}}", "value": 1}]
    for labels, count in diagnoses.items():
        where = selected("company:kqi_offices:sum", **dict(labels), job="kqi")
        asked.append({"expr": f"{where} == bool {count}", "eval_time": "5m"})
        asked[-1]["exp_samples"] = [{"labels": f"{{{selected('', **dict(labels), job='kqi')[1:-1]}}}", "value": 1}]
    assert {each["expr"].split("{")[0].removeprefix("abs(") for each in asked} == COMPARED
    assert not judged(folders["default"], [{"interval": "1m", "input_series": seen(series), "promql_expr_test": asked}])


RECORDS = {rule.record for rule in recording_rules(configure(("the test", {})))["kqi-company"]}
# The one office has one diagnosis; of requests these happenings reach the first stage alone.
COMPARED = {each for each in RECORDS if not re.search("region:kqi_offices:sum|sla_on_site|sla_resolved", each)}
