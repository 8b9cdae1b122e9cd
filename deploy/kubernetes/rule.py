"""Writes Prometheus's rules for the production's configuration as a PrometheusRule, on standard output: `make deploy-rule`."""

from pathlib import Path

from streams.configuration import Configuration, configure, from_toml
from streams.rule_files import as_yaml, rule_groups

CONFIGURATION = Path(__file__).parent / "production" / "kqi.toml"


def rule(configuration: Configuration) -> str:
    """Return the object, with all groups of rules."""
    made = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "kqi", "labels": {"app.kubernetes.io/name": "kqi"}},
        "spec": {"groups": [group for members in rule_groups(configuration).values() for group in members]},
    }
    return "# Made of kqi.toml by `make deploy-rule`: change that, and make this again.\n" + as_yaml(made)


def production() -> Configuration:
    """Return the configuration that the production's workers run with."""
    return configure(from_toml(CONFIGURATION.read_text(encoding="utf-8"), str(CONFIGURATION)))


if __name__ == "__main__":
    print(rule(production()), end="")
