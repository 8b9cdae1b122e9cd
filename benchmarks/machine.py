"""What a run was measured on."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.contenders import OWN_PYTHON, PEERS
from benchmarks.processes import ALL_CORES, ROOT

PACKAGES: Final = ("numpy", "numba", "msgspec", "faust-streaming", "aiokafka", "confluent-kafka")


def describe() -> dict[str, str]:
    """Return what matters, by name."""
    kafka = re.search(r"kafka_2.13</artifactId>\s*<version>([^<]+)<", (ROOT / "tests/kafka/pom.xml").read_text())
    streams = re.search(
        r"kafka-streams</artifactId>\s*<version>([^<]+)<", (PEERS / "kafka-streams" / "pom.xml").read_text()
    )
    assert kafka is not None
    assert streams is not None
    processor = _first(r"model name\s*: (.*)", "/proc/cpuinfo")
    system = _first(r'PRETTY_NAME="(.*)"', "/etc/os-release")
    return {
        "processor": f"{processor}, {len(ALL_CORES)} cores",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{system}, Linux {platform.release()}",
        "Python": platform.python_version(),
        "Java": _java(),
        "Apache Kafka": kafka[1],
        "Kafka Streams": streams[1],
        "quixstreams": _quixstreams(),
        **{name: version(name) for name in PACKAGES},
    }


def commit() -> str:
    """Return the commit that is measured, with a mark where files differ from it."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def _first(pattern: str, path: str) -> str:
    found = re.search(pattern, Path(path).read_text()) if Path(path).exists() else None
    return found[1] if found else "unknown"


def _java() -> str:
    said = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "([^"]+)"', said)
    return found[1] if found else "unknown"


def _quixstreams() -> str:
    asked = "from importlib.metadata import version; print(version('quixstreams'))"
    if not OWN_PYTHON.exists():  # as where only benchmarks without peers are run
        return "not installed"
    return subprocess.run([str(OWN_PYTHON), "-c", asked], capture_output=True, text=True, check=False).stdout.strip()
