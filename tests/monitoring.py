"""Prometheus' own tools and servers, of Debian's packages `prometheus` and `prometheus-alertmanager`, and somebody who is told."""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agents.embedded import end_with_parent
from tests.service import until

SERVERS = {"alertmanager": "prometheus-alertmanager"}  # Debian's names, where they are not the projects' own


def tool(name):
    """Return where a tool is; without it the test is skipped, with the reason."""
    found = shutil.which(SERVERS.get(name, name)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")
    return found


def free_port():
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Server:
    """A server that answers HTTP on the loopback."""

    def __init__(self, port):
        self.port = port
        self.address = f"127.0.0.1:{port}"

    def get(self, path, sent=None):
        """Return what a path answers, read as JSON where it is any; `sent` is posted."""
        data = None if sent is None else json.dumps(sent).encode()
        request = urllib.request.Request(
            f"http://{self.address}{path}", data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith((b"{", b"[")) else text

    def is_ready(self):
        """Whether it answers."""
        try:
            self.get("/-/ready")
        except OSError:
            return False
        return True


@contextmanager
def running(name, *arguments):
    """Run Prometheus or Alertmanager on a free port, with a folder of its own for what it keeps."""
    server = Server(free_port())
    with tempfile.TemporaryDirectory(prefix="kqi-") as folder, tempfile.TemporaryFile() as said:
        storage = f"--storage.{'tsdb.' if name == 'prometheus' else ''}path={folder}"
        command = [tool(name), storage, f"--web.listen-address={server.address}", *map(str, arguments)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - calls one C function that is already loaded
        )
        try:

            def is_ready():
                assert process.poll() is None, (said.seek(0), said.read().decode())
                return server.is_ready()

            until(is_ready, name)
            yield server
        finally:
            process.kill()
            process.wait()


@contextmanager
def told():
    """Somebody who is told by webhook: yields an address and a list of (path, message), which grows."""
    messages = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"]))
            messages.append((self.path, json.loads(text)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}", messages
        finally:
            server.shutdown()
