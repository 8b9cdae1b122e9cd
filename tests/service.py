"""KQI as its users run it: commands as child processes, a worker on a free port, and topics seen from outside.

service = Service(kafka, windows=["1h"])        # a prefix, a consumer group and a configuration of its own
service.create_topics()
service.kqi("publish", "events.ndjson")         # any command, run to its end
with service.worker("--clock", "event") as worker:
worker.until(lambda seen: seen("kqi_office_sales", office="riga-1", window="1h") == 3)
"""

import functools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from typer.testing import CliRunner

from agents.cli import app
from agents.embedded import end_with_parent
from agents.start import prepare_kernels
from tests.metrics import Scrape

ROOT = Path(__file__).parents[1]
KQI = Path(sys.executable).with_name("kqi")
IMPATIENT_KQI = ROOT / "tests" / "impatient_kqi.py"
PARTITIONS = 4
PATIENCE_S = 60.0  # what the slowest machine may take; the tests themselves wait for what they wait for
POLL_S = 0.03
END_S = 10.0  # what a worker may take to end


def until(condition, what="the condition", patience_s=PATIENCE_S):
    """Wait until the condition gives something true, and return that; `what` may be a function that tells more."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s:g} s for {what() if callable(what) else what}")
        time.sleep(POLL_S)
    return found


def environment(**settings):
    """Return the environment of a child: this one's, of whose KQI_ variables only the given settings are left."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KQI_")}
    texts = {key: value if isinstance(value, str) else as_toml(value) for key, value in settings.items()}
    return kept | {f"KQI_{key.upper()}": text for key, text in texts.items()}


def as_toml(value):
    """Return a value as TOML writes it in a line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {as_toml(each)}' for name, each in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_toml, value))}]"
    return json.dumps(value)


def kqi(*arguments, stdin=None, **settings):
    """Run a command to its end; settings are keys of the configuration."""
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(
        [KQI, *map(str, arguments)],
        env=environment(**settings),
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
        **given,
    )


def kqi_inside(*arguments, stdin=None, **settings):
    """Run a command in this process, which takes a tenth of the time; what it does not expect, it raises."""
    variables = dict.fromkeys((name for name in os.environ if name.startswith("KQI_")), None)
    given = {name: text for name, text in environment(**settings).items() if name.startswith("KQI_")}
    runner = CliRunner(env=variables | given)
    return runner.invoke(app, list(map(str, arguments)), input=stdin, catch_exceptions=False)


@functools.cache
def compile_kernels():
    """Compile the kernels once, where that has not been done: several workers would do it all at the same time."""
    prepare_kernels(lambda _: None)


class Service:
    """A prefix, a consumer group and a configuration of its own on a cluster; equal settings for every command."""

    def __init__(self, bootstrap, **settings):
        self.bootstrap = bootstrap
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.prefix = f"{self.name}."
        self.settings = {
            "kafka_bootstrap": str(bootstrap),
            "kafka_group": self.name,
            "topic_prefix": self.prefix,
            "partitions": PARTITIONS,
        } | settings

    def kqi(self, *arguments, stdin=None, **settings):
        """Run a command to its end."""
        return kqi(*arguments, stdin=stdin, **(self.settings | settings))

    def kqi_inside(self, *arguments, stdin=None, **settings):
        """Run a command in this process."""
        return kqi_inside(*arguments, stdin=stdin, **(self.settings | settings))

    def create_topics(self):
        """Create the topics."""
        done = self.kqi("topics")
        assert done.returncode == 0, done.stderr.decode()
        return self

    def worker(self, *arguments, impatient=False, program=None, **settings):
        """Return a worker, to be used in a `with` statement; `program` runs in place of `kqi`."""
        compile_kernels()
        # On the embedded broker a join takes half of what the group calls its patience.
        impatient = impatient or self.bootstrap.is_embedded
        command = program or ([sys.executable, IMPATIENT_KQI] if impatient else [KQI])
        return Worker(
            [*command, "worker", "--metrics-port", "0", *arguments], environment(**(self.settings | settings))
        )


class Worker:
    """`kqi worker`, or another command that answers over HTTP, as a child process."""

    def __init__(self, command, variables):
        self._command = command
        self._environment = variables
        self._process = None
        self._output = None
        self.address = None

    def __enter__(self):
        self._output = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - calls one C function that is already loaded
        )
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._output.close()

    @property
    def pid(self):
        """The id of the process."""
        return self._process.pid

    @property
    def has_ended(self):
        """Whether the process is no more."""
        return self._process.poll() is not None

    @property
    def output(self):
        """What it has said so far."""
        return os.pread(self._output.fileno(), 1 << 24, 0).decode()

    def wait_until_listening(self):
        """Wait until it has said where it listens."""
        until(self._find_address, lambda: f"an address in: {self.output}")
        return self

    def _find_address(self):
        assert self._process.poll() is None, self.output
        found = re.search(r"(http://\S+)/metrics", self.output)
        if found is not None:
            self.address = found[1]
        return found

    def wait_until_ready(self):
        """Wait until every partition is complete."""
        self.wait_until_listening()
        until(lambda: self.get("/readyz")[0] == 200, lambda: f"a ready worker: {self.get('/readyz')}, {self.output}")
        return self

    def get(self, path, accept="text/plain"):
        """Return status, content type and text of a page."""
        assert self._process.poll() is None, self.output
        request = urllib.request.Request(self.address + path, headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read().decode()

    def scrape(self, only=""):
        """Return what /metrics shows now, or of that what begins with `only`."""
        text = self.get("/metrics")[2]
        return Scrape(
            "".join(line for line in text.splitlines(keepends=True) if line.startswith(only)) if only else text
        )

    def until(self, condition, what="the condition", only=""):
        """Wait until a scrape fulfils the condition, and return that scrape."""
        last = []

        def look():
            last[:] = [self.scrape(only)]
            return condition(last[0])

        until(look, lambda: f"{what}\n{last[0].text}\n{self.output}")
        return last[0]

    def stop(self, signal_number=signal.SIGTERM):
        """Have it end; return its exit status."""
        self._process.send_signal(signal_number)
        return self._process.wait(END_S)

    def freeze(self):
        """Have it stand still."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Have it go on."""
        self._process.send_signal(signal.SIGCONT)

    def wait(self):
        """Wait until it ends by itself; return its exit status and what it said."""
        status = self._process.wait(PATIENCE_S)
        return status, self.output
