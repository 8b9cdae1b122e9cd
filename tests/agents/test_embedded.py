"""The embedded broker as a child process."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from agents.embedded import EmbeddedBroker, EmbeddedBrokerError, answers_kafka


def test_answers_while_open_and_is_gone_afterwards():
    """It answers Kafka requests inside the block and its port is closed after it."""
    with EmbeddedBroker() as broker:
        host, port = broker.bootstrap.split(":")
        assert host == "127.0.0.1"
        assert answers_kafka(host, int(port))
    assert not answers_kafka(host, int(port))


def test_takes_the_port_it_is_given():
    """A given port is used, at once again too."""
    with EmbeddedBroker() as broker:
        port = int(broker.bootstrap.split(":")[1])
    with EmbeddedBroker(port) as broker:
        assert broker.bootstrap == f"127.0.0.1:{port}"


def test_says_that_a_port_is_taken():
    """A taken port is one sentence, not a traceback from inside."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            EmbeddedBrokerError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use\."
        ):
            EmbeddedBroker(port).start()


def test_says_why_the_child_ended(tmp_path, monkeypatch):
    """A broker that ends at its start is reported with its last words."""
    binary = tmp_path / "tansu"
    binary.write_text("#!/bin/sh\necho no memory left\nexit 3\n")
    binary.chmod(0o755)
    monkeypatch.setenv("CALF_TANSU_BIN", str(binary))
    with pytest.raises(EmbeddedBrokerError, match=r"ended with status 3 at its start: no memory left\."):
        EmbeddedBroker().start()


def test_says_that_there_is_no_binary(tmp_path, monkeypatch):
    """A machine without a binary is told so."""
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "absent"))
    with pytest.raises(EmbeddedBrokerError, match="no binary for this machine"):
        EmbeddedBroker().start()


def test_prints_nothing(capfd):
    """The user's terminal belongs to the command that started the broker."""
    with EmbeddedBroker():
        pass
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_dies_with_a_killed_parent():
    """A parent killed with SIGKILL leaves no broker behind."""
    code = "from agents.embedded import EmbeddedBroker; b = EmbeddedBroker(); b.start(); print(b.bootstrap, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        host, port = parent.stdout.readline().strip().split(":")
        assert answers_kafka(host, int(port))
        os.kill(parent.pid, signal.SIGKILL)
        deadline = time.monotonic() + 5
        while answers_kafka(host, int(port)):
            assert time.monotonic() < deadline
