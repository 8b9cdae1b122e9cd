"""How the rate of one core depends on what there is: employees, late events, offices."""

import gc
import time
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks.pipeline import Pipeline, Stored, stored_presses
from benchmarks.settings import Settings
from benchmarks.workload import DAY_MS, MINUTE_MS, START_MS, Workload, generate
from streams.configuration import configure

DAYS: Final = 40.0  # of event time, whatever there is: windows advance alike
LATER_MS: Final = DAY_MS + 10 * MINUTE_MS  # what was pressed before is decided then


class Point(NamedTuple):
    """One point of a curve."""

    value: float
    employees: int = 1_000
    offices: int = 40
    late_share: float = 0.0


CURVES: Final = {
    "employees": tuple(Point(count, employees=count) for count in (1_000, 10_000, 100_000, 1_000_000)),
    "late_share": tuple(Point(share, late_share=share) for share in (0.0, 0.01, 0.1, 0.5)),
    "offices": tuple(Point(count, offices=count) for count in (1, 10, 100, 1_000)),
}
EVENTS: Final = {"employees": 1_750_000, "late_share": 700_000, "offices": 700_000}  # timed, at every point
QUICK_LIMIT: Final = 10_000  # employees
MOST_NAMES: Final = 2_000_000  # of one partition; by default 20,000 get a number of their own


class _Prepared(NamedTuple):
    point: Point
    workloads: tuple[Workload, Workload]
    before: list[Stored]
    timed: list[Stored]


def run(settings: Settings) -> dict[str, Any]:
    """Measure curve after curve, the points of each in turn."""
    return {name: _curve(settings, name, points) for name, points in CURVES.items()}


def _curve(settings: Settings, name: str, points: tuple[Point, ...]) -> list[dict[str, float]]:
    chosen = [point for point in points if not settings.quick or point.employees <= QUICK_LIMIT]
    prepared = [_prepare(point, settings.events(EVENTS[name])) for point in chosen]
    rates: list[list[float]] = [[] for _ in prepared]
    for _ in range(settings.rounds):
        for place, each in enumerate(prepared):
            rates[place].append(_rate(each))
        settings.say(
            f"{name}: " + ", ".join(f"{p.point.value:g} {r[-1]:,.0f}/s" for p, r in zip(prepared, rates, strict=True))
        )
    return [
        {
            "value": each.point.value,
            "events": sum(batch.count for batch in each.timed),
            "events_per_s": median(rates[place]),
            "ratio": median(rate / first for rate, first in zip(rates[place], rates[0], strict=True)),
        }
        for place, each in enumerate(prepared)
    ]


def _prepare(point: Point, surveys: int) -> _Prepared:
    """Make a survey of everyone, so that names are known and tables have room, and then what is timed."""
    before = generate(point.employees, employees=point.employees, offices=point.offices, days=1.0, seed=1)
    after = generate(
        surveys,
        employees=point.employees,
        offices=point.offices,
        days=DAYS,
        late_share=point.late_share,
        start_ms=START_MS + LATER_MS,
        first_event=before.messages.size,
        seed=2,
    )
    return _Prepared(point, (before, after), stored_presses(before), stored_presses(after))


def _rate(prepared: _Prepared) -> float:
    """Return events a second, after the result was compared with what it must be."""
    gc.collect()
    pipeline = Pipeline(configure(("the benchmark", {"names_max": MOST_NAMES})))
    pipeline.feed_all(prepared.before)
    began_s = time.perf_counter()
    pipeline.feed_all(prepared.timed)
    seconds = time.perf_counter() - began_s
    pipeline.check_surveys(*prepared.workloads)
    return sum(batch.count for batch in prepared.timed) / seconds
