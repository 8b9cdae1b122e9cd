"""Plots of the results, in an environment that has matplotlib and nothing of KQI.

    .venv/bin/python plots.py RESULTS FOLDER

White cards with dark text: they read alike on light and on dark pages.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

OURS, OTHERS, ACCENT, GREY = "#1f6feb", "#8c959f", "#bf3989", "#57606a"
WIDE: Final = (8.0, 4.2)
COLOURS: Final = ("#0550ae", "#1f6feb", "#54aeff", "#8250df", "#bf3989", "#cf222e", "#bc4c00", "#9a6700", "#8c959f")

mpl.rcParams |= {
    "svg.hashsalt": "kqi",
    "svg.fonttype": "path",
    "font.size": 10,
    "text.color": "#24292f",
    "axes.labelcolor": "#24292f",
    "axes.edgecolor": "#8c959f",
    "xtick.color": "#57606a",
    "ytick.color": "#57606a",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#eaeef2",
    "axes.axisbelow": True,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.constrained_layout.h_pad": 0.12,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def short(value: float, _place: object = None) -> str:
    """Return a number as 10 k or 1.5 M."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def throughput(results: dict[str, Any]) -> Figure:
    """Bars: events a second of each contender."""
    rows = sorted(results["throughput"]["summary"].items(), key=lambda row: row[1]["events_per_s"])
    figure, axes = plt.subplots(figsize=WIDE, layout="constrained")
    rates = [each["events_per_s"] for _, each in rows]
    colours = [OURS if name.startswith("worker") else OTHERS for name, _ in rows]
    bars = axes.barh([each["label"] for _, each in rows], rates, color=colours, height=0.7)
    axes.bar_label(bars, [short(rate) for rate in rates], padding=4)
    axes.set_xlim(0, max(rates) * 1.12)
    axes.xaxis.set_major_formatter(FuncFormatter(short))
    axes.set_xlabel("events a second (median)")
    axes.set_title("From Kafka to counts, one core each unless said otherwise")
    axes.grid(visible=False, axis="y")
    return figure


def stages(results: dict[str, Any]) -> Figure:
    """Stacked bars: where the time of an event goes."""
    figure, axes = plt.subplots(figsize=(8.0, 2.9), layout="constrained")
    kinds = {"company": "all kinds of events", "presses": "presses only"}
    names = [name for name in results["stages"]["presses"] if name not in ("events", "kernels", "whole")]
    left = [0.0] * len(kinds)
    for name, colour in zip(names, COLOURS, strict=False):
        widths = [max(0.0, results["stages"][kind][name]) for kind in kinds]
        axes.barh(list(kinds.values()), widths, left=left, color=colour, height=0.6, label=name)
        left = [begin + width for begin, width in zip(left, widths, strict=True)]
    axes.set_xlabel("nanoseconds an event")
    axes.set_title("Where the time goes, from the bytes of a fetch to the state")
    axes.grid(visible=False, axis="y")
    figure.legend(loc="outside lower center", ncols=len(names), frameon=False, handlelength=1, columnspacing=1)
    return figure


def latency(results: dict[str, Any]) -> Figure:
    """Cumulative shares: from the append of an answer to its value in /metrics."""
    figure, axes = plt.subplots(figsize=WIDE, layout="constrained")
    found = results["latency"]
    loads = (("idle", "idle", OTHERS), ("loaded", f"{short(found['events_per_s'])} events/s", OURS))
    for line, (name, label, colour) in enumerate(loads):
        times_ms = found[name]["latencies_ms"]
        shares = [100 * (place + 1) / len(times_ms) for place in range(len(times_ms))]
        axes.step(times_ms, shares, where="post", color=colour, label=label, linewidth=2)
        axes.plot(found[name]["p99_ms"], 99, "o", color=colour)
        axes.annotate(
            f"p99 {found[name]['p99_ms']:.0f} ms",
            (found[name]["p99_ms"], 99),
            (8, -12 - 14 * line),  # below each other, where both are as long
            textcoords="offset points",
            color=colour,
        )
    axes.set_xlim(left=0, right=1.2 * max(found[name]["latencies_ms"][-1] for name, *_ in loads))
    axes.set_ylim(0, 102)
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("% of the probes")
    axes.set_title("From the broker's append to a changed value")
    axes.legend(loc="center right", frameon=False)
    return figure


def curves(results: dict[str, Any]) -> Figure:
    """Three curves: the rate relative to its first point."""
    titles = {"employees": "employees", "late_share": "% of events late", "offices": "offices in a partition"}
    figure, panels = plt.subplots(1, 3, figsize=(8.0, 3.2), layout="constrained", sharey=True)
    for axes, (name, label) in zip(panels, titles.items(), strict=True):
        points = results["curves"][name]
        values = [point["value"] * (100 if name == "late_share" else 1) for point in points]
        places = range(len(values))
        axes.plot(places, [100 * point["ratio"] for point in points], "o-", color=OURS, linewidth=2)
        if name != "offices":
            _targets(axes, labelled=axes is panels[0])
        axes.set_xticks(list(places), [short(value) for value in values])
        axes.set_xlim(-0.3, len(values) - 0.7)
        axes.set_xlabel(label)
    most = max(point["ratio"] for points in results["curves"].values() for point in points)
    panels[0].set_ylim(0, 100 * most + 15)
    panels[0].set_ylabel("% of the rate of the first point")
    return figure


def _targets(axes: Axes, *, labelled: bool) -> None:
    for share, label in ((95, "the aim"), (70, "at least")):
        axes.axhline(share, color=ACCENT, linewidth=1, linestyle=":")
        if labelled:
            axes.annotate(label, (-0.25, share), (0, -9), textcoords="offset points", color=ACCENT, fontsize=8)


def scrapes(results: dict[str, Any]) -> Figure:
    """Lines: what a scrape takes, by the number of series."""
    figure, axes = plt.subplots(figsize=WIDE, layout="constrained")
    series = [each["series"] for each in results["scrapes"]]
    lines = (
        ("elapsed_ms", "until the reader has it", OTHERS, "s-"),
        ("render_ms", "rendering", OURS, "o-"),
        ("longest_hold_ms", "the event loop held at a time", ACCENT, "^-"),
    )
    for name, label, colour, style in lines:
        axes.plot(series, [each[name] for each in results["scrapes"]], style, color=colour, label=label, linewidth=2)
    axes.axhline(20, color=ACCENT, linewidth=1, linestyle=":")
    axes.annotate("the loop at most", (series[-1], 20), (0, 4), textcoords="offset points", ha="right", color=ACCENT)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(series, [short(each) for each in series])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(short))
    axes.set_xlabel("series on the page")
    axes.set_ylabel("milliseconds")
    axes.set_title("What a scrape takes")
    figure.legend(loc="outside lower center", ncols=len(lines), frameon=False)
    return figure


def main() -> None:
    """Draw what was measured."""
    results, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for draw in (throughput, stages, latency, curves, scrapes):
        if draw.__name__ in results:
            figure = draw(results)
            figure.savefig(folder / f"{draw.__name__}.svg", metadata={"Date": None})
            plt.close(figure)


if __name__ == "__main__":
    main()
