"""The command line: what it takes, what it says, how it ends; replay, publishing and topics have tests of their own."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.reference import cases
from tests.service import END_S, KQI, ROOT, Service, environment, kqi, kqi_inside

COMMANDS = (
    *("demo", "worker", "publish", "replay", "simulate", "topics", "directory", "state", "schema", "check"),
    *("explain", "what-if", "signs", "rules", "board", "boards", "top", "tap"),
)
HELP_S = 0.3
HEAVY = {"numba", "numpy", "faust", "aiokafka", "aiohttp", "msgspec", "orjson", "rich", "prometheus_client", "asyncio"}
NOBODY = "127.0.0.1:9"  # a port on which nobody listens
UNREACHABLE = "kqi: No Kafka broker can be reached at 127.0.0.1:9: connection refused.\n"


def test_help_is_instant():
    """`kqi --help` takes less than 0.3 s of processor time."""

    def took_s():
        process = subprocess.Popen([KQI, "--help"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_utime + usage.ru_stime

    assert min(took_s() for _ in range(5)) < HELP_S


def test_help_loads_nothing_heavy():
    """Help imports none of the libraries that do the work."""
    loaded = loaded_by("--help")
    assert "typer" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("command", ["topics", "check", "state", "directory", "rules", "tap --office o", "top --once"])
def test_what_needs_no_kernels_compiles_none(command):
    """Commands that compute nothing start at once, also on a machine where kernels were never compiled."""
    nobody = {"check": [], "rules": [], "top --once": ["--url", NOBODY]}.get(command, ["--bootstrap", NOBODY])
    assert "numba" not in loaded_by(*command.split(), *nobody)


def loaded_by(*arguments):
    """Return the packages that a command has imported when it ends."""
    program = """
import sys
from agents import cli
sys.argv[0] = "kqi"
try:
    cli.main()
except SystemExit:
    pass
print("loaded", *sys.modules, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.rpartition("loaded")[2].split()}


def test_help_names_every_command():
    """The commands of the contract are all there, those for the state, explanations, alerts and boards, and no others."""
    listed = kqi_inside("--help").stdout.split("Commands:")[1]
    assert {line.split()[0] for line in listed.splitlines() if line.startswith("  ")} == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command):
    """Every command explains itself."""
    done = kqi_inside(command, "--help")
    assert done.exit_code == 0
    assert f"kqi {command}" in done.stdout
    assert "Options:" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["no-such-command"], ["worker", "--no-such-option"], ["worker", "--clock", "sun"]]
)
def test_unusable_arguments(arguments):
    """What is no command or option is said, with status 2."""
    done = kqi_inside(*arguments)
    assert done.exit_code == 2
    assert arguments[-1] in done.stderr


# The configuration -------------------------------------------------------------------------------------------------


def test_check(tmp_path):
    """A right configuration is right: from a file, the environment or nothing."""
    config = tmp_path / "kqi.toml"
    config.write_text('names_max = 100\n[kafka]\ngroup = "mine"\n')
    assert kqi_inside("check").stdout == "the environment and the defaults: right\n"
    for arguments in ([config], ["--config", config]):
        done = kqi_inside("check", *arguments)
        assert (done.exit_code, done.stdout, done.stderr) == (0, f"{config}: right\n", "")
    assert kqi_inside("check", silent_weight="0.5", windows="15m,1h").exit_code == 0


def test_check_says_what_no_rules_can_be_made_of():
    """A worker needs none, so it is right."""
    done = kqi_inside("check", windows="15m,1h")
    assert (done.exit_code, done.stdout) == (0, "the environment and the defaults: right\n")
    assert done.stderr == (
        "kqi: workers can run so, but `kqi rules` cannot make rules of it: `alerting.window` needs the window 24h, which is not "
        "among `windows`: 15m, 1h\n"
    )


def test_check_refuses_a_matrix_that_cannot_be(tmp_path):
    """Weights that do not sum to 1; a window that the configuration does not have."""
    people = tmp_path / "people.toml"
    config = tmp_path / "kqi.toml"
    config.write_text(f'windows = ["1h"]\ndirectory = ["{people}"]\n')
    matrix = '[[matrices]]\nid = "m"\nwindow = "8h"\nlines = [{ index = "nps", weight = %s, base = 0, goal = 1 }]\n'
    people.write_text(matrix % 0.9)
    done = kqi_inside("check", config)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"kqi: matrix `m` in {people}: the weights of its lines sum to 0.9, not to 1\n"
    people.write_text(matrix % 1)
    done = kqi_inside("check", config)
    assert done.exit_code == 2
    assert done.stderr == "kqi: matrix `m`: `window`: 8h is none of the windows 1h\n"
    people.write_text((matrix % 1).replace("8h", "1h"))
    assert kqi_inside("check", config).exit_code == 0


def test_check_says_all_that_is_wrong(tmp_path):
    """Everything that is wrong is told, a line each with its key and its place; the status is 2."""
    config = tmp_path / "kqi.toml"
    config.write_text('silent_wieght = 1\nwindows = ["90s"]\ndebounce_ms = "soon"\n[kafka]\ngroups = "mine"\n')
    done = kqi_inside("check", config, "--set", "partitions=0", min_surveys="none")
    assert (done.exit_code, done.stdout) == (2, "")
    told = done.stderr.splitlines()
    assert all(line.startswith("kqi: ") for line in told)
    expected = [
        (f"`silent_wieght` in {config}", "did you mean `silent_weight`?"),
        (f"`windows` in {config}", "90s is no window"),
        (f"`debounce_ms` in {config}", "expected a whole number"),
        (f"`kafka.groups` in {config}", "did you mean `group`?"),
        ("`min_surveys` in the environment", "expected a whole number"),
        ("`partitions` in --set", "expected a whole number >= 1"),
    ]
    for place, sentence in expected:
        assert [line for line in told if place in line and sentence in line], (place, sentence, told)
    assert len(told) == len(expected)


@pytest.mark.parametrize("command", ["demo", "worker", "topics", "state", "schema", "check"])
def test_a_wrong_configuration_stops_every_command(command):
    """Nothing begins with a configuration that is wrong; the status is 2."""
    done = kqi_inside(command, "--set", "silent_weight=2")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "kqi: `silent_weight` in --set: expected a number <= 1.0\n"


def test_the_command_line_wins(tmp_path):
    """A key in --set is stronger than one in the environment, and that than one in the file."""
    config = tmp_path / "kqi.toml"
    config.write_text('topic_prefix = "file."\npartitions = 7\n')
    arguments = ("schema", "--asyncapi", "--config", config)

    def channel(*more, **settings):
        document = json.loads(kqi_inside(*arguments, *more, **settings).stdout)
        return document["channels"]["presses"]["bindings"]["kafka"]

    assert (channel()["topic"], channel()["partitions"]) == ("file.presses", 7)
    assert channel(topic_prefix="environment.")["topic"] == "environment.presses"
    assert channel("--set", "topic_prefix=set.", topic_prefix="environment.")["topic"] == "set.presses"


# Printing ----------------------------------------------------------------------------------------------------------


def test_schema():
    """`kqi schema` prints one document: of all types, of one, or of all topics; an unknown type is status 2."""
    schemas = json.loads(kqi_inside("schema").stdout)
    assert len(schemas) == 10
    assert json.loads(kqi_inside("schema", "visit").stdout) == schemas["visit"]
    assert json.loads(kqi_inside("schema", "--asyncapi").stdout)["asyncapi"] == "3.0.0"
    done = kqi_inside("schema", "visits")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("kqi: `visits` is no event type: expected one of seller_press, ")


@pytest.mark.parametrize(
    "command",
    [
        "schema",
        "simulate",
        f"replay {cases.FOLDER / 'random-1-05' / 'events.ndjson.gz'}",
        f"replay {cases.FOLDER / 'random-1-05' / 'events.ndjson.gz'} --format json",
    ],
)
def test_a_reader_may_leave(command):
    """When the reader of standard output has seen enough, the command ends quietly."""
    script = f"set -o pipefail; {KQI} {command} | head -c 100"
    done = subprocess.run(["bash", "-c", script], env=environment(), capture_output=True, check=False)
    assert len(done.stdout) == 100
    assert (done.returncode, b"Traceback" in done.stderr, b"rror" in done.stderr) == (0, False, False)


# Faults of the world -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["topics"], ["worker"], ["publish", "-"]])
def test_an_unreachable_broker(command):
    """That no broker answers is one sentence, with status 1."""
    done = kqi(*command, "--bootstrap", NOBODY, stdin=b"")
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", UNREACHABLE)


def test_missing_topics(embedded_kafka):
    """That there are no topics yet is said, with what makes them, by whoever needs them."""
    service = Service(embedded_kafka)
    for done in (service.kqi("worker"), service.kqi("publish", "-", stdin=b"")):
        assert done.returncode == 1
        (sentence,) = done.stderr.decode().splitlines()
        assert sentence.startswith("kqi: ")
        assert f"topic {service.prefix}" in sentence
        assert sentence.endswith("run `kqi topics`")


def test_a_taken_port(embedded_kafka):
    """That the port of the metrics is taken is one sentence that names it, with status 1."""
    service = Service(embedded_kafka).create_topics()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        for done in (service.kqi("worker", "--metrics-port", port), kqi("demo", "--port", port)):
            assert done.returncode == 1
            assert done.stderr.decode() == f"kqi: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_wrong_credentials_files(tmp_path):
    """A certificate that cannot be read is said, with status 2."""
    settings = {"kafka_security_protocol": "SSL", "kafka_ssl_cafile": str(tmp_path / "no.pem")}
    for command in ("topics", "worker", "check"):
        done = kqi_inside(command, **settings)
        assert (done.exit_code, done.stdout) == (2, "")
        (sentence,) = done.stderr.splitlines()
        assert "No such file" in sentence


# How it ends -------------------------------------------------------------------------------------------------------


def test_an_interrupt_ends_a_worker(embedded_kafka):
    """Ctrl-C ends a worker that is at work with status 0, within 10 s and without a traceback, as SIGTERM does."""
    service = Service(embedded_kafka).create_topics()
    with service.worker() as worker:
        worker.wait_until_ready()
        assert worker.stop(signal.SIGINT) == 0
        assert "Traceback" not in worker.output


def test_a_worker_that_starts_can_be_ended(embedded_kafka):
    """A worker that is still joining its group ends as well."""
    service = Service(embedded_kafka).create_topics()
    with service.worker() as worker:
        worker.wait_until_listening()
        assert worker.stop() == 0
        assert "Traceback" not in worker.output


def test_an_interrupt_ends_a_replay(tmp_path):
    """Ctrl-C ends what runs in the foreground with status 130, without a traceback."""
    pipe = tmp_path / "events.ndjson"
    os.mkfifo(pipe)
    # Tests that a shell runs in the background ignore interrupts, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen([KQI, "replay", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    with pipe.open("wb"):  # returns when it is opened for reading
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=END_S)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in error
