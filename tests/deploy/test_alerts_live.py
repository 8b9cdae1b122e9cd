"""From presses to people: a worker, Prometheus with the rules of `kqi rules`, Alertmanager, and somebody who is told.

All of them are real. Only times are short: nothing has to hold for minutes, and nobody waits for more alerts to come.
"""

import json
import time

import pytest
import yaml

from tests.deploy.test_alertmanager import hasty
from tests.monitoring import free_port, running, told
from tests.service import Service, until
from tests.streams.happenings import answer, press, verdict

OFFICE = "riga & co"
SETTINGS = {"windows": ["15m", "1h", "8h", "24h", "7d"], "min_surveys": 20}


def lines(events):
    """Return events as a file of them."""
    return "".join(json.dumps(each) + "\n" for each in events).encode()


def hasty_rules(service, folder, port, alertmanager):
    """Write the rules of a service's configuration and Prometheus' own, with nothing to wait for; return the latter."""
    done = service.kqi_inside("rules", "--output", folder, metrics_port=port)
    assert done.exit_code == 0, done.stderr
    for path in folder.glob("*.rules.yml"):
        document = yaml.safe_load(path.read_text())
        for group in document["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                rule.pop("for", None)
                rule.pop("keep_firing_for", None)
        path.write_text(yaml.safe_dump(document))
    path = folder / "prometheus.yml"
    document = yaml.safe_load(path.read_text())
    document["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    document["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def service(embedded_kafka):
    """Return a service whose office is disliked by everyone, as of now."""
    service = Service(embedded_kafka, **SETTINGS).create_topics()
    now_ms = time.time_ns() // 1_000_000
    service.pressed = [
        press(now_ms - 300_000 + 5_000 * n, office_id=OFFICE, event_id=f"s{n}", question="personnel") for n in range(40)
    ]
    answers = [
        answer(each["ts"] + 1000, office_id=OFFICE, event_id=f"a{each['event_id']}", answer="no")
        for each in service.pressed
    ]
    assert service.kqi("publish", "-", stdin=lines(service.pressed + answers)).returncode == 0
    return service


def test_people_are_told(service, tmp_path):
    """Of an index past its threshold and that it is so no more; of a worker that is down and up again."""
    port = free_port()
    with told() as (address, messages):

        def said(path, status, name):
            """Return the alert of a name that was told at a path last, if it has that status."""
            alerts = [
                each
                for where, message in messages
                for each in message["alerts"]
                if where == path and each["labels"]["alertname"] == name
            ]
            return alerts[-1] if alerts and alerts[-1]["status"] == status else None

        def heard(path, status, name):
            return until(lambda: said(path, status, name), lambda: f"{status} {name} at {path} in {messages}")

        (tmp_path / "alertmanager.yml").write_text(hasty(address))
        options = [f"--config.file={tmp_path / 'alertmanager.yml'}", "--cluster.listen-address="]
        with running("alertmanager", *options) as alertmanager:
            config = hasty_rules(service, tmp_path, port, alertmanager.address)
            with running("prometheus", f"--config.file={config}") as prometheus:
                with service.worker("--metrics-port", str(port)) as worker:
                    worker.wait_until_ready()
                    alert = heard("/quality", "firing", "KqiIndexPastThreshold")
                    shown = worker.scrape()
                    panel = {"office": OFFICE, "panel": "p1"}
                    assert shown("kqi_panel_customer_presses", **panel, role="answer") == len(service.pressed)
                    assert shown("kqi_panel_quiet_seconds", **panel) > 0
                    assert shown("kqi_office_ink_personnel_base", office=OFFICE, window="24h") == len(service.pressed)
                    value, lower = (
                        shown(f"kqi_office_ink_personnel{end}_ratio", office=OFFICE, window="24h")
                        for end in ("", "_lower")
                    )
                    assert value == 1
                    assert alert["labels"]["office"] == OFFICE
                    assert alert["labels"]["severity"] == "warning"
                    assert alert["annotations"] == {
                        "summary": f"ink_personnel of office {OFFICE} is past its threshold",
                        "description": f"Over 24h, ink_personnel of office {OFFICE} is {value:.3f}, and with 95 % certainty at least "
                        f"{lower:.3f}. Its threshold is 0.2.",
                        "dashboard_url": "http://127.0.0.1:3000/d/kqi-office?var-office=riga+%26+co&var-window=24h",
                        "runbook_url": "docs/runbook.md#kqiindexpastthreshold",
                    }
                    query = "company:kqi_ink_personnel:ratio"  # the other file of rules
                    asked = until(lambda: prometheus.get(f"/api/v1/query?query={query}")["data"]["result"])
                    assert {each["value"][1] for each in asked} == {"1"}
                    now_ms = time.time_ns() // 1_000_000
                    reviewed = [
                        verdict(now_ms, each, reliable=False, event_id=f"v{each['event_id']}")
                        for each in service.pressed
                    ]
                    assert service.kqi("publish", "-", stdin=lines(reviewed)).returncode == 0
                    heard("/quality", "resolved", "KqiIndexPastThreshold")
                    assert not said("/now", "firing", "KqiWorkerDown")
                alert = heard("/now", "firing", "KqiWorkerDown")
                assert alert["annotations"]["summary"] == f"Worker 127.0.0.1:{port} is down"
                assert alert["labels"]["office"] == "all"
                with service.worker("--metrics-port", str(port)):
                    heard("/now", "resolved", "KqiWorkerDown")
