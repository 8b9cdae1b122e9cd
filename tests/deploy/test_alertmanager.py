"""Alertmanager: who is told of which alert, what is told together, and what silences what."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from streams.alert_rules import alert_rules
from streams.configuration import configure
from tests.deploy.alert_cases import CASES
from tests.monitoring import running, told, tool
from tests.service import until

FILE = Path(__file__).parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
DOWN = {"alertname": "KqiWorkerDown", "severity": "critical", "team": "operations", "office": "all"}
DOWN |= {"job": "kqi", "instance": "w1"}
BURN = {"alertname": "KqiServiceLevelBurn", "team": "operations", "office": "riga-1"}


def amtool(*arguments):
    """Run amtool to its end, and return what it says."""
    command = [tool("amtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def hasty(address):
    """Return the committed configuration, with messages to an address and no time for more alerts to come."""
    text = FILE.read_text().replace("127.0.0.1:9095", address)
    for name, time in {"group_wait": "100ms", "group_interval": "500ms", "repeat_interval": "1h"}.items():
        text = re.sub(rf"{name}: \S+", f"{name}: {time}", text)
    return text


def test_the_configuration_is_right():
    """Alertmanager takes it."""
    assert "SUCCESS" in amtool("check-config", FILE)


def test_whoever_is_concerned_is_told():
    """Every alert goes to its team, and nobody is told of a fault by name alone: no alert lacks what routes go by."""
    receivers = {}
    for case in CASES:
        for each in case.told:
            assert {"severity", "team", "office"} <= each.labels.keys()
            severity, team = each.labels["severity"], each.labels["team"]
            receivers[case.alert, severity, team] = "now" if severity == "critical" else team
    for (name, severity, team), receiver in receivers.items():
        labels = [f"alertname={name}", f"severity={severity}", f"team={team}", "office=riga-1"]
        assert amtool("config", "routes", "test", f"--config.file={FILE}", *labels).strip() == receiver


def test_what_it_names_exists():
    """Alerts and labels in its matchers are those of rules."""
    config = configure(
        ("the test", {"request_targets": [{"priority": "p", "stage": "resolved", "within": "1d", "objective": 0.8}]})
    )
    alerts = [alert for members in alert_rules(config).values() for alert in members]
    names = {alert.name for alert in alerts}
    labels = {"alertname", "severity", "team", "office", "job", "instance", "priority", "stage"} | {
        label for alert in alerts for label in alert.labels
    }
    rules = yaml.safe_load(FILE.read_text())["inhibit_rules"]
    matchers = [each for rule in rules for side in ("source_matchers", "target_matchers") for each in rule[side]]
    assert {name for each in matchers for name in re.findall(r"Kqi\w+", each)} <= names
    assert {each.split()[0] for each in matchers} | {name for rule in rules for name in rule.get("equal", [])} <= labels
    assert any(alert.labels.get("follows") == "worker" for alert in alerts)


@pytest.fixture
def alertmanager(tmp_path):
    """Return an Alertmanager, and what it tells."""
    with told() as (address, messages):
        (tmp_path / "alertmanager.yml").write_text(hasty(address))
        options = [f"--config.file={tmp_path / 'alertmanager.yml'}", "--cluster.listen-address="]
        with running("alertmanager", *options) as server:
            yield server, messages


def silenced(server, alerts):
    """Return the names of alerts that are kept still about, once Alertmanager has all of them."""
    now = datetime.now(UTC)
    times = {"startsAt": now.isoformat(), "endsAt": (now + timedelta(minutes=5)).isoformat()}
    server.get("/api/v2/alerts", [{"labels": labels} | times for labels in alerts.values()])

    def known():
        held = {frozenset(each["labels"].items()): each["status"] for each in server.get("/api/v2/alerts")}
        found = {name: held.get(frozenset(labels.items()), {}) for name, labels in alerts.items()}
        kept = {name for name, status in found.items() if status.get("inhibitedBy")}
        return kept if {status.get("state") for status in found.values()} == {"active", "suppressed"} else None

    return until(known)


def test_a_quiet_company_is_told_once(alertmanager):
    """Not office by office, nor panel by panel."""
    server, _ = alertmanager
    quiet = {"severity": "warning", "team": "operations", "office": "riga-1"}
    alerts = {
        "company": DOWN | {"alertname": "KqiCompanyQuiet"},
        "office": quiet | {"alertname": "KqiOfficeQuiet"},
        "panel": quiet | {"alertname": "KqiPanelQuiet", "panel": "p"},
        "calls": BURN | {"severity": "warning", "window": "8h"},
    }
    assert silenced(server, alerts) == {"office", "panel"}


def test_causes_silence_their_consequences(alertmanager):
    """A worker that is down, an office that is quiet, a budget that burns fast; not what has another cause or place."""
    server, messages = alertmanager
    alerts = {
        "down": DOWN,
        "lag": DOWN | {"alertname": "KqiLag", "severity": "warning", "instance": "w2", "follows": "worker"},
        "lag of others": DOWN
        | {"alertname": "KqiLag", "severity": "warning", "instance": "w5", "follows": "worker", "job": "other"},
        "nobody": DOWN | {"alertname": "KqiPartitionsWithoutWorker"},
        "dead letters": DOWN | {"alertname": "KqiDeadLetters", "severity": "warning", "instance": "w2"},
        "quiet": {"alertname": "KqiOfficeQuiet", "severity": "warning", "team": "operations", "office": "riga-1"},
        "panel": {
            "alertname": "KqiPanelQuiet",
            "severity": "warning",
            "team": "operations",
            "office": "riga-1",
            "panel": "p",
        },
        "elsewhere": {"alertname": "KqiPanelQuiet", "severity": "warning", "team": "operations", "office": "ogre-1"},
        "fast": BURN | {"severity": "critical", "window": "1h"},
        "slow": BURN | {"severity": "warning", "window": "7d"},
        "slow elsewhere": BURN | {"severity": "warning", "window": "7d", "office": "ogre-1"},
        "touch": DOWN | {"alertname": "KqiOutOfTouch", "instance": "w3"},
        "still": DOWN | {"alertname": "KqiStandsStill", "instance": "w3"},
        "still elsewhere": DOWN | {"alertname": "KqiStandsStill", "instance": "w4"},
    }
    assert silenced(server, alerts) == {"lag", "panel", "slow", "still"}
    expected = {
        ("/now", "all"): {"KqiWorkerDown", "KqiOutOfTouch", "KqiStandsStill", "KqiPartitionsWithoutWorker"},
        ("/now", "riga-1"): {"KqiServiceLevelBurn"},
        ("/operations", "all"): {"KqiDeadLetters", "KqiLag"},
        ("/operations", "riga-1"): {"KqiOfficeQuiet"},
        ("/operations", "ogre-1"): {"KqiPanelQuiet", "KqiServiceLevelBurn"},
    }

    def groups():
        return {
            (path, message["groupLabels"]["office"]): {each["labels"]["alertname"] for each in message["alerts"]}
            for path, message in messages
        }

    until(lambda: groups() == expected, lambda: f"{expected}, got {groups()}")
