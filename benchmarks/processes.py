"""Processes that are measured: where they run, what they cost, and what they say."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
PATIENCE_S: Final = 300.0  # with a peer; none needs a third of it
ALL_CORES: Final = frozenset(os.sched_getaffinity(0))
# What is measured has a core to itself; the broker, and whoever looks on, are on another where there is one.
MEASURED: Final = frozenset([min(ALL_CORES)])
ASIDE: Final = ALL_CORES - MEASURED or ALL_CORES


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """Run this process, and those that it starts meanwhile, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pinned(cores: frozenset[int], command: list[str]) -> list[str]:
    """Return the command, to run on these cores."""
    return ["taskset", "--cpu-list", ",".join(map(str, sorted(cores))), *command]


def cpu_seconds(pid: int) -> float:
    """Return the user and system time that all threads of a process have taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident_bytes(pid: int | None = None) -> int:
    """Return the memory that a process (this one) has in use."""
    return int(Path(f"/proc/{pid or os.getpid()}/statm").read_text().split()[1]) * PAGE_BYTES


def run_json(command: list[str], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a program to its end and return the JSON object that its last line is.

    Raises
    ------
    RuntimeError
        When it fails or says something else, with what it said.
    """
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=dict(environment) if environment is not None else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return dict(json.loads(lines[-1]))


def wait_for(condition: Any, what: str, patience_s: float = PATIENCE_S, pause_s: float = 0.02) -> Any:
    """Wait until the condition returns something true, and return that.

    Raises
    ------
    TimeoutError
        When it does not for too long.
    """
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience_s:g} s for {what}")
        time.sleep(pause_s)
    return found
