"""Results as tables: the parts of docs/performance.md that lie between marks, written anew after every run."""

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

Results = dict[str, Any]  # of benchmarks, by name; see benchmarks/__main__.py

KIB: Final = 1024
_BLOCK = re.compile(r"(<!-- benchmarks: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
MISSING: Final = "not measured"


class Target(NamedTuple):
    """One row of what is to be reached."""

    measure: str
    least: float
    aim: float
    unit: str
    lower_is_better: bool
    reached: Callable[[Results], float]

    def shown(self, value: float) -> str:
        """Return a value with its unit."""
        digits = 0 if value >= 100 else 1 if value >= 10 else 2
        return f"{value:,.{digits}f}{self.unit}"

    def verdict(self, value: float) -> str:
        """Say what a value has reached."""
        for bound, name in ((self.aim, "the aim"), (self.least, "the least")):
            if value <= bound if self.lower_is_better else value >= bound:
                return name
        return "**missed**"


def _ratio(*names: str) -> Callable[[Results], float]:
    """Return the worker's ratio to the fastest of these."""
    return lambda results: min(results["throughput"]["summary"][name]["rebuild_ratio"] for name in names)


def _of_curve(curve: str, value: float) -> Callable[[Results], float]:
    return lambda results: 100 * next(p["ratio"] for p in results["curves"][curve] if p["value"] == value)


def _rendering(results: Results) -> float:
    """Return the time for 100 k series, from the size that comes nearest."""
    nearest = min(results["scrapes"], key=lambda each: abs(each["series"] - 100_000))
    return float(nearest["render_ms"] / nearest["series"] * 100_000)


TARGETS: Final = (
    Target(
        "worker, whole job, Kafka to indices, against vanilla Faust",
        *(40, 100, " x", False),
        _ratio("vanilla_faust", "vanilla_faust_plain"),
    ),
    Target("against the bare confluent-kafka decode loop", 1, 2, " x", False, _ratio("bare_loop")),
    Target(
        "against Kafka Streams, one core each",
        *(1, 4, " x", False),
        _ratio("kafka_streams", "kafka_streams_no_changelog"),
    ),
    Target("pairing, ledger and windows, an event", 200, 50, " ns", True, lambda r: r["stages"]["presses"]["kernels"]),
    Target(
        "append to changed value at half load, p99", 500, 100, " ms", True, lambda r: r["latency"]["loaded"]["p99_ms"]
    ),
    Target("rate with 100 k employees instead of 1 k", 70, 95, " %", False, _of_curve("employees", 100_000)),
    Target("rate with 10 % late events instead of none", 70, 95, " %", False, _of_curve("late_share", 0.1)),
    Target(
        "memory of an employee, 6 windows, a month of 50 surveys a day",
        *(64, 16, " KiB", True),
        lambda r: r["memory"]["resident_bytes"] / KIB,
    ),
    Target("rendering 100 k series", 50, 15, " ms", True, _rendering),
)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    lines = [list(head), ["---"] * len(list(head)), *[[str(cell) for cell in row] for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def reached(results: Results) -> str:
    """Return the table of what is to be reached."""
    rows = []
    for target in TARGETS:
        try:
            value = target.reached(results)
            rest = (target.shown(value), target.verdict(value))
        except (KeyError, StopIteration):
            rest = (MISSING, "")
        rows.append((target.measure, target.shown(target.least), target.shown(target.aim), *rest))
    return table(("measure", "at least", "the aim", "reached", ""), rows)


def throughput(results: Results) -> str:
    """Return the table of the worker and its peers."""
    rows = [
        (
            each["label"],
            f"{each['events']:,}",
            f"{each['events_per_s']:,.0f}",
            f"{each['events_per_cpu_s']:,.0f}",
            f"{each['rebuild_ratio']:.2f}",
            f"{each['first_reading_ratio']:.2f}",
        )
        for each in sorted(results["throughput"]["summary"].values(), key=lambda each: -each["events_per_s"])
    ]
    head = ("who", "events", "events/s", "events/s of CPU", "rebuild is x times that", "first reading is x times that")
    return table(head, rows)


def stages(results: Results) -> str:
    """Return the table of stages."""
    presses, company = results["stages"]["presses"], results["stages"]["company"]
    names = [name for name in presses if name not in ("events", "kernels", "whole")]
    rows = [(name, f"{presses[name]:,.0f}", f"{company[name]:,.0f}") for name in (*names, "whole")]
    return table(("stage", "ns an event, presses only", "ns an event, all kinds"), rows)


def latency(results: Results) -> str:
    """Return the table of latencies."""
    found = results["latency"]
    loads = (("idle", found["idle"]), (f"{found['events_per_s']:,.0f} events/s", found["loaded"]))
    names = ("p50_ms", "p90_ms", "p99_ms", "most_ms", "reading_ms", "between_readings_ms")
    head = ("load", "probes", "p50, ms", "p90, ms", "p99, ms", "most, ms", "a reading takes, ms", "a reading every, ms")
    return table(head, ((load, each["probes"], *(f"{each[name]:.0f}" for name in names)) for load, each in loads))


def recovery(results: Results) -> str:
    """Return the table of what the end of a worker costs, and of what that may be."""
    found = results["recovery"]
    hot = results.get("throughput", {}).get("summary", {}).get("worker_rebuild", {}).get("events_per_s")
    rate = found["rebuild_with_checkpoints"]
    restored = found["restore"]["restore_seconds"]
    whole = f"{found['employees']:,} employees, {found['events']:,} events"
    rows = [
        (f"restoring the states of {whole}, one core", "15 s", f"{restored:.1f} s", restored <= 15),
        ("the same from the start of the process to ready", "", f"{found['restore']['start_seconds']:.1f} s", None),
        ("the same, all cores", "", f"{found['restore_all_cores']['start_seconds']:.1f} s", None),
        ("rebuilding from the log with checkpoints, events/s", "", f"{rate:,.0f}", None),
        ("the same, of the rate of throughput above", "60 %", *_share(rate / hot if hot else None, least=0.6)),
        ("what checkpoints take of the rate", "10 %", *_share(found["checkpoint_cost"], most=0.1)),
        (
            "bytes of a checkpoint with 1 % of employees changed, of a full one",
            "5 %",
            *_share(found["changed_share"], most=0.05),
        ),
        ("a full one, stored", "", f"{found['full_bytes'] / 2**20:,.0f} MiB", None),
        ("before compression", "", f"{found['state_bytes'] / 2**20:,.0f} MiB", None),
    ]
    verdicts = {True: "reached", False: "**missed**", None: ""}
    head = ("measure", "at most, at least", "measured", "")
    return table(head, ((name, bound, value, verdicts[good]) for name, bound, value, good in rows))


def _share(value: float | None, *, least: float = -1.0, most: float = 1e9) -> tuple[str, bool | None]:
    """Return a share as text, and whether it lies within its bounds."""
    return (MISSING, None) if value is None else (f"{100 * value:.1f} %", least <= value <= most)


def curves(results: Results) -> str:
    """Return the tables of what the rate depends on."""
    shown: dict[str, Callable[[float], str]] = {
        "employees": lambda value: f"{value:,.0f} employees",
        "late_share": lambda value: f"{value:.0%} late",
        "offices": lambda value: f"{value:,.0f} offices in a partition",
    }
    rows = [
        (shown[curve](point["value"]), f"{point['events_per_s']:,.0f}", f"{point['ratio']:.0%}")
        for curve, points in results["curves"].items()
        for point in points
    ]
    return table(("what there is", "events/s", "of the first of its kind"), rows)


def scrapes(results: Results) -> str:
    """Return the table of scrapes."""
    rows = [
        (
            f"{each['series']:,}",
            f"{each['bytes'] / 1e6:.1f}",
            *(f"{each[name]:.1f}" for name in ("render_ms", "cpu_ms", "elapsed_ms", "longest_hold_ms")),
            f"{each['share_of_the_path']:.2%}",
        )
        for each in results["scrapes"]
    ]
    head = ("series", "MB", "rendering, ms", "CPU of the worker, ms", "until the reader has it, ms", "loop held, ms")
    return table((*head, "of the time of events, every 15 s"), rows)


def memory(results: Results) -> str:
    """Return the table of memory."""
    found = results["memory"]
    rows = [("the state's arrays", found["array_bytes"]), ("what the process grew by", found["resident_bytes"])]
    rows += [(f"of the arrays: {name}", size) for name, size in found["largest"].items()]
    return table(("what", "KiB an employee"), ((name, f"{size / KIB:.1f}") for name, size in rows))


def machine(results: Results) -> str:
    """Return the table of what it was measured on."""
    return table(("", ""), results["machine"].items())


BLOCKS: Final = {
    each.__name__: each for each in (reached, throughput, stages, latency, recovery, curves, scrapes, memory, machine)
}


def renew(document: str, results: Results) -> str:
    """Return a document whose marked parts are written anew; of what was not measured the part stays."""

    def block(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        if name not in ("reached", *results):
            return found[0]
        return f"{begin}\n{BLOCKS[name](results)}\n{end}"

    return _BLOCK.sub(block, document)
