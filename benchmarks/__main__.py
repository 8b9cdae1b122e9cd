"""All benchmarks in one run, on one Apache Kafka.

    python -m benchmarks [--quick] [--only NAME]... [--output FOLDER]

Every benchmark compares the result that it timed with what it must be, and fails where they differ. A full run takes some
25 minutes and renews benchmarks/results.json, the plots in docs/performance/ and the tables in docs/performance.md. A
quick one takes two or three; its figures mean nothing, and it leaves them under .cache/.
"""

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import curves, latency, memory, recovery, report, scrapes, stages, throughput
from benchmarks.cluster import apache_kafka
from benchmarks.contenders import OWN_PYTHON
from benchmarks.machine import commit, describe
from benchmarks.processes import ASIDE, MEASURED, ROOT, on_cores
from benchmarks.settings import Settings

DOCUMENT: Final = ROOT / "docs" / "performance.md"
RESULTS: Final = ROOT / "benchmarks" / "results.json"
PLOTS: Final = ROOT / "docs" / "performance"
PLOTTER: Final = ROOT / "benchmarks" / "plots.py"
QUICK_FOLDER: Final = ROOT / ".cache" / "benchmarks"
UNKNOWN_RATE: Final = 100_000.0  # of a worker whose throughput was never measured


class Benchmark(NamedTuple):
    """One of them: what it needs beside the settings."""

    run: Callable[..., Any]
    on_kafka: bool = False


BENCHMARKS: Final = {
    "throughput": Benchmark(throughput.run, on_kafka=True),
    "recovery": Benchmark(recovery.run, on_kafka=True),
    "latency": Benchmark(latency.run, on_kafka=True),
    "stages": Benchmark(stages.run),
    "curves": Benchmark(curves.run),
    "scrapes": Benchmark(scrapes.run),
    "memory": Benchmark(memory.run),
}


class Places(NamedTuple):
    """Where results go."""

    results: Path
    plots: Path
    document: Path

    @classmethod
    def of(cls, folder: Path | None) -> "Places":
        """Return the places in the tree, or those in a folder, with the document as it is."""
        if folder is None:
            return cls(RESULTS, PLOTS, DOCUMENT)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(DOCUMENT, folder)
        return cls(folder / RESULTS.name, folder / PLOTS.name, folder / DOCUMENT.name)


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that everything still runs")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="one benchmark; may be repeated")
    parser.add_argument("--output", type=Path, help="a folder for results, plots and tables, in place of the tree")
    arguments = parser.parse_args()
    places = Places.of(arguments.output or (QUICK_FOLDER if arguments.quick else None))
    results = json.loads(places.results.read_text()) if places.results.exists() else {}

    def keep() -> None:
        places.results.write_text(json.dumps(results, indent=1) + "\n")

    run(Settings(arguments.quick), arguments.only or list(BENCHMARKS), results, keep)
    places.document.write_text(report.renew(places.document.read_text(), results))
    subprocess.run([OWN_PYTHON, PLOTTER, places.results, places.plots], check=True)
    print(report.reached(results))


def run(settings: Settings, names: list[str], results: dict[str, Any], keep: Callable[[], None] = lambda: None) -> None:
    """Run benchmarks and put what they found into the results, to be kept after each; what was found before of others stays."""
    results["machine"] = describe() | {"commit": commit()}
    with ExitStack() as stack:
        stack.enter_context(on_cores(ASIDE))
        bootstrap = None
        for name in names:
            benchmark = BENCHMARKS[name]
            more: list[Any] = []
            if benchmark.on_kafka:
                bootstrap = bootstrap or stack.enter_context(apache_kafka())
                more.append(bootstrap)
            if name == "latency":
                more.append(_worker_rate(results))
            began_s = time.monotonic()
            if benchmark.on_kafka:
                results[name] = benchmark.run(settings, *more)
            else:
                with on_cores(MEASURED):
                    results[name] = benchmark.run(settings, *more)
            keep()
            settings.say(f"{name}: done in {time.monotonic() - began_s:.0f} s")


def _worker_rate(results: dict[str, Any]) -> float:
    """Return the rate of a worker that publishes every survey, as it does when it is up to date."""
    if "throughput" not in results:
        return UNKNOWN_RATE
    return float(results["throughput"]["summary"][throughput.FIRST_READING]["events_per_s"])


if __name__ == "__main__":
    main()
