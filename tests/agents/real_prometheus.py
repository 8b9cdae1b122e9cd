"""A real Prometheus that scrapes what a test runs."""

import json
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from agents.embedded import end_with_parent
from tests.apache_kafka import free_ports
from tests.service import END_S, PATIENCE_S, until


class Prometheus:
    """Prometheus on a free port, every two seconds at its targets; to be used in a `with` statement."""

    def __init__(self, folder, rules=(), **targets):
        """Take files of rules, which are evaluated every two seconds where they do not say otherwise, and targets by the names of their jobs."""
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("prometheus is not installed")
        (port,) = free_ports(1)
        self.address = f"http://127.0.0.1:{port}"
        jobs = [{"job_name": job, "static_configs": [{"targets": each}]} for job, each in targets.items()]
        settings = folder / "prometheus.yml"  # JSON is YAML
        often = {"scrape_interval": "2s", "evaluation_interval": "2s"}
        settings.write_text(json.dumps({"global": often, "rule_files": [*map(str, rules)], "scrape_configs": jobs}))
        self._command = [
            program,
            f"--config.file={settings}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        self._output = folder / "prometheus.log"
        self._process = None

    def __enter__(self):
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - calls one C function that is already loaded
            )
        until(self._is_ready, lambda: f"Prometheus: {self._output.read_text()}")
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _is_ready(self):
        assert self._process.poll() is None, self._output.read_text()
        try:
            with urllib.request.urlopen(f"{self.address}/-/ready", timeout=PATIENCE_S) as answer:
                return answer.status == 200
        except OSError:
            return False

    def ask(self, page, **arguments):
        """Return the data of an answer of the HTTP API; what Prometheus refuses is an error with its words."""
        given = urllib.parse.urlencode(arguments, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/{page}?{given}", timeout=PATIENCE_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{arguments}: {error.read().decode()}") from None

    def label_values(self, selector, label):
        """Return the values of a label of the series that a selector finds."""
        return self.ask(f"label/{label}/values", **{"match[]": selector})

    def now(self, query, at_s=None):
        """Return the series that a query gives now, or gave at an instant: labels, and values that are numbers."""
        given = {"query": query} | ({} if at_s is None else {"time": at_s})
        return _numbers((each["metric"], [each["value"]]) for each in self.ask("query", **given)["result"])

    def course(self, query, start_s, end_s, step_s):
        """Return the series that a query gives over some time."""
        given = {"query": query, "start": start_s, "end": end_s, "step": step_s}
        return _numbers((each["metric"], each["values"]) for each in self.ask("query_range", **given)["result"])


def _numbers(found):
    series = [(labels, [float(value) for _, value in values if value != "NaN"]) for labels, values in found]
    return [(labels, values) for labels, values in series if values]
