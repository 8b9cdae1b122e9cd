"""The brokers that tests run on: Apache Kafka from its published jars, and the embedded one.

Fixtures, each a bootstrap address `host:port` (an `Address`), started once a session:

* `apache_kafka`: one node of Apache Kafka (KRaft), or the cluster at KQI_TEST_KAFKA;
* `kafka_node`: that node itself, which has a second listener with TLS and passwords;
* `embedded_kafka`: the embedded broker;
* `kafka`: both, one after the other.

The jars are fetched by Maven once, into a cache folder of the user's; from then on no network is needed.
"""

import base64
import functools
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import pytest

from agents.embedded import EmbeddedBroker, answers_kafka, end_with_parent

HERE = Path(__file__).parent / "kafka"
HOST = "127.0.0.1"
JAVA_AT_LEAST = 17
# A small heap is plenty for tests; the serial collector and the first compiler alone halve the time of the start.
JAVA_OPTIONS = ("-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
USER, PASSWORD, KEY_PASSWORD = "kqi", "not-secret", "not-secret-either"  # of nodes that live seconds
FETCH_TIMEOUT_S = 300.0
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0


class Address(str):
    """A bootstrap address that knows which of the brokers it is."""

    __slots__ = ("is_embedded",)

    def __new__(cls, text: str, *, is_embedded: bool) -> Self:
        """Return the address with its mark."""
        address = super().__new__(cls, text)
        address.is_embedded = is_embedded
        return address


class Unavailable(Exception):  # noqa: N818 - not an error: the reason why tests are skipped
    """What this machine lacks for an Apache Kafka."""


@pytest.fixture(scope="session")
def kafka_node() -> Iterator["Node"]:
    """Return a node of our own."""
    try:
        jars = fetch_jars()
    except Unavailable as missing:
        pytest.skip(f"no Apache Kafka: {missing}")
    with tempfile.TemporaryDirectory(prefix="kqi-kafka-") as folder:
        node = Node(jars, Path(folder))
        try:
            node.start()
            yield node
        finally:
            node.stop()


@pytest.fixture(scope="session")
def apache_kafka(request: pytest.FixtureRequest) -> Address:
    """Return the address of an Apache Kafka."""
    given = os.environ.get("KQI_TEST_KAFKA")
    return Address(given or request.getfixturevalue("kafka_node").address, is_embedded=False)


@pytest.fixture(scope="session")
def embedded_kafka() -> Iterator[Address]:
    """Return the address of an embedded broker."""
    with EmbeddedBroker() as broker:
        yield Address(broker.bootstrap, is_embedded=True)


@pytest.fixture(scope="session", params=["embedded", pytest.param("apache", marks=pytest.mark.kafka)])
def kafka(request: pytest.FixtureRequest) -> Address:
    """Return the address of each of the brokers in turn."""
    return request.getfixturevalue(f"{request.param}_kafka")


class Node:
    """One node of Apache Kafka, broker and controller in one, with its data in `folder`."""

    def __init__(self, jars: Path, folder: Path, node_id: int = 1) -> None:
        self.node_id = node_id
        self._java = (_java(), *JAVA_OPTIONS, f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}")
        self._class_path = ("-cp", f"{jars}/*")
        self._folder = folder
        self._settings = folder / "server.properties"
        self._output = folder / "output.txt"
        self.port, self.secured_port, self._controller_port = free_ports(3)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """The address for clients."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Format the data folder, start the node and wait until it answers."""
        self.format(new_cluster_id(), "--standalone")  # the only voter of its quorum
        self.launch()
        self.wait_until_answering()

    def format(self, cluster_id: str, *options: str) -> None:
        """Write the settings and format the data folder."""
        self.write_settings()
        with self._output.open("ab") as output:
            making_key = subprocess.Popen(self._key_command(), stdout=output, stderr=subprocess.STDOUT)
            subprocess.run(
                [
                    *self._java,
                    *self._class_path,
                    "kafka.tools.StorageTool",
                    "format",
                    f"--cluster-id={cluster_id}",
                    *options,
                    f"--config={self._settings}",
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=START_TIMEOUT_S,
                check=False,  # the server says what is wrong better
            )
            making_key.wait(START_TIMEOUT_S)

    def write_settings(self) -> None:
        """Write the node's settings."""
        self._settings.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))

    def launch(self) -> None:
        """Start the process, on the data that is there."""
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [*self._java, *self._class_path, "kafka.Kafka", str(self._settings)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(),  # noqa: PLW1509 - calls one C function that is already loaded
            )

    def wait_until_answering(self) -> None:
        """Wait until the node answers clients."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not answers_kafka(HOST, self.port):
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Apache Kafka did not start:\n{self._output.read_text(errors='replace')}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the node, by force if it lingers."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)  # it may be frozen
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the node at once; its data stay, for `launch`."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def freeze(self) -> None:
        """Have the node stand still: its connections stay, and nothing answers."""
        assert self._process is not None, "not started"
        self._process.send_signal(signal.SIGSTOP)

    def fill_disk(self) -> None:
        """Have no file take one more byte, as on a full disk, until the node is launched again."""
        assert self._process is not None, "not started"
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

    def thaw(self) -> bool:
        """Have it go on; False where there is nothing to go on."""
        if self._process is None or self._process.poll() is not None:
            return False
        self._process.send_signal(signal.SIGCONT)
        return True

    def _key_command(self) -> list[str]:
        options = (
            f"-keystore {self._folder}/key.p12 -storetype PKCS12 -storepass {KEY_PASSWORD} -alias kafka -validity 2"
        )
        name = f"-dname CN={HOST} -ext SAN=IP:{HOST}"
        return ["keytool", "-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", *options.split(), *name.split()]

    def _properties(self) -> dict[str, object]:
        controller = f"CONTROLLER://{HOST}:{self._controller_port}"
        listeners = f"PLAINTEXT://{self.address},SECURED://{HOST}:{self.secured_port},{controller}"
        return {
            "process.roles": "broker,controller",
            "node.id": self.node_id,
            "listeners": listeners,
            "advertised.listeners": listeners,
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL",
            "controller.quorum.bootstrap.servers": f"{HOST}:{self._controller_port}",
            "listener.name.secured.ssl.keystore.location": self._folder / "key.p12",
            "listener.name.secured.ssl.keystore.type": "PKCS12",
            "listener.name.secured.ssl.keystore.password": KEY_PASSWORD,
            "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secured.plain.sasl.jaas.config": (
                f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
            ),
            "log.dirs": self._folder / "data",
            # One node cannot keep copies.
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Few internal partitions and no wait for further members: tests start quickly.
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.num.partitions": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Topics are made by those who need them; a mistyped name is an error.
            "auto.create.topics.enable": "false",
            # Tests publish events of long ago, and brokers expire by the records' own times.
            "log.retention.ms": -1,
            # The cleaner looks often, and its buffer fits the heap.
            "log.cleaner.backoff.ms": 200,
            "log.cleaner.dedupe.buffer.size": 10 * 2**20,
        }


def free_ports(count: int) -> list[int]:
    """Return different ports of the loopback interface on which nobody listens."""
    probes = [socket.create_server((HOST, 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def new_cluster_id() -> str:
    """Return a random id in Kafka's form: a UUID in URL-safe base64, not beginning with a dash."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text


@functools.cache
def fetch_jars() -> Path:
    """Return the folder with the jars of Apache Kafka, fetched by Maven if it is not there yet.

    Raises
    ------
    Unavailable
        Java or Maven is missing, or Maven could not fetch.
    """
    _java()
    pom = HERE / "pom.xml"
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:8]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kqi"
    jars = cache / f"kafka-{_kafka_version(pom)}-{digest}"
    if jars.exists():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("Maven is not installed")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        _run_maven(maven, pom, Path(folder) / "jars")
        # Renamed as a whole: another run sees all of them or none. If it was first, its folder is as good.
        if not jars.exists():
            (Path(folder) / "jars").rename(jars)
    return jars


def _run_maven(maven: str, pom: Path, target: Path) -> None:
    command: Iterable[str] = (
        maven,
        "--batch-mode",
        "--quiet",
        f"--file={pom}",
        "dependency:copy-dependencies",
        "-DincludeScope=runtime",
        f"-DoutputDirectory={target}",
    )
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"Maven did not fetch it within {FETCH_TIMEOUT_S:g} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        raise Unavailable(f"Maven could not fetch it: {said[0]}")


def _kafka_version(pom: Path) -> str:
    found = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([^<]+)<", pom.read_text())
    assert found is not None
    return found[1]


@functools.cache
def _java() -> str:
    """Return the path of a Java that can run Kafka."""
    java = shutil.which("java")
    if java is None:
        raise Unavailable("Java is not installed")
    said = subprocess.run(
        [java, "-version"], capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False
    ).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA_AT_LEAST:
        raise Unavailable(f"it needs Java {JAVA_AT_LEAST} or newer, this is {said.splitlines()[0] if said else 'none'}")
    return java
