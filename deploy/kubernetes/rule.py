"""Writes Prometheus's rules as a PrometheusRule, on standard output: `make deploy-rule`.

The operator wants what is in the files of `deploy/prometheus/` inside of an object, and kustomize cannot put it there.
"""

from pathlib import Path

RULES = Path(__file__).parents[1] / "prometheus"
HEAD = """\
# Made of deploy/prometheus by `make deploy-rule`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: kqi
  labels: {app.kubernetes.io/name: kqi}
spec:
"""


def rule(files: list[Path]) -> str:
    """Return the object: the groups of all files, each line as it is, indented."""
    groups = [text.split("\ngroups:\n")[1] for text in ("\n" + file.read_text(encoding="utf-8") for file in files)]
    lines = "".join(groups).splitlines()
    return (
        HEAD + ("  groups:\n" if lines else "  groups: []\n") + "".join(f"  {line}".rstrip() + "\n" for line in lines)
    )


def rule_files() -> list[Path]:
    """Return the files that have rules."""
    return sorted(file for file in RULES.glob("*.yml") if "\ngroups:\n" in "\n" + file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    print(rule(rule_files()), end="")
