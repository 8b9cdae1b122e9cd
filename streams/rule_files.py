"""Rules of Prometheus as text, and an example of its configuration."""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from streams import alerting
from streams.alert_rules import alert_rules
from streams.configuration import Configuration
from streams.faults import Fault
from streams.recording_rules import recording_rules

RECORDING, ALERTS, PROMETHEUS = "kqi-recording.rules.yml", "kqi-alerts.rules.yml", "prometheus.yml"
# Figures of a day do not change in minutes, and those of thousands of offices take Prometheus a while.
INTERVALS: Final = {"kqi-company": {"interval": "2m"}, "kqi-indices": {"interval": "5m"}}
_HEAD = "# Made by `kqi rules`: change the configuration, not this file.\n"
_OF_AN_EXAMPLE = (
    "# An example, made by `kqi rules` where there is none: put your workers and your Alertmanager into it.\n"
)


class RulesError(Fault):
    """No rules can be made of a configuration."""

    status = 2


def rule_groups(configuration: Configuration) -> dict[str, list[dict[str, Any]]]:
    """The groups of each file of rules.

    Raises
    ------
    RulesError
        Keys of the configuration do not fit together.
    """
    if faults := alerting.faults(configuration):
        raise RulesError(*faults)
    recordings = [
        _group(group, [rule.rule() for rule in members])
        for group, members in recording_rules(configuration).items()
        if members
    ]
    boards, runbook = configuration.alerting.board_url, configuration.alerting.runbook_url
    alerts = [
        _group(group, [alert.rule(boards, runbook) for alert in members])
        for group, members in alert_rules(configuration).items()
        if members
    ]
    return {RECORDING: recordings, ALERTS: alerts}


def _group(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name} | INTERVALS.get(name, {}) | {"rules": rules}


def all_rules(configuration: Configuration) -> str:
    """All groups as one document, as Prometheus and a PrometheusRule have them."""
    groups = [group for members in rule_groups(configuration).values() for group in members]
    return _HEAD + as_yaml({"groups": groups})


def rule_files(configuration: Configuration) -> dict[str, str]:
    """Files by name."""
    files = {name: _HEAD + as_yaml({"groups": groups}) for name, groups in rule_groups(configuration).items()}
    return files | {PROMETHEUS: _OF_AN_EXAMPLE + as_yaml(prometheus(configuration))}


def prometheus(configuration: Configuration, workers: Sequence[str] = (), alertmanager: str = "127.0.0.1:9093") -> Any:
    """A configuration of Prometheus that scrapes workers, host:port each; by default the one of this machine."""
    targets = list(workers) or [f"127.0.0.1:{configuration.metrics_port}"]
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "30s"},
        "rule_files": [RECORDING, ALERTS],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": configuration.alerting.job, "static_configs": [{"targets": targets}]}],
    }


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes expressions of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def as_yaml(document: Any) -> str:
    """A document as people read it."""
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text
