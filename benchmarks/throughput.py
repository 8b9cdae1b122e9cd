"""Events a second from Kafka to counts: the worker and its peers, in turn, on one broker."""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any, Final

from benchmarks import contenders
from benchmarks.contenders import Filled, Measured
from benchmarks.processes import ALL_CORES
from benchmarks.settings import Settings
from benchmarks.workload import generate
from tests.apache_kafka import Address

REBUILD: Final = "worker_rebuild"
FIRST_READING: Final = "worker_first_reading"
NAMES: Final = {
    REBUILD: "KQI worker, rebuild",
    f"{REBUILD}_unpinned": "KQI worker, rebuild, all cores",
    FIRST_READING: "KQI worker, first reading",
    "bare_loop": "bare confluent-kafka loop",
    "bare_loop_unpinned": "bare confluent-kafka loop, all cores",
    "kafka_streams": "Kafka Streams",
    "kafka_streams_no_changelog": "Kafka Streams, no changelog",
    "quixstreams": "quixstreams",
    "vanilla_faust": "vanilla Faust, tables",
    "vanilla_faust_plain": "vanilla Faust, plain dicts",
}


def run(settings: Settings, bootstrap: Address) -> dict[str, Any]:
    """Measure all of them, round after round."""
    large = generate(settings.events(4_000_000), employees=settings.employees(1_000), seed=1)
    small = generate(settings.events(80_000), employees=settings.employees(1_000), seed=2)
    slow = Filled.of(bootstrap, small)
    rounds = []
    for number in range(settings.rounds):
        # Topics of its own: surveys that another group told there would be read back.
        filled = Filled.of(bootstrap, large)
        measured: dict[str, Measured] = {}
        for turn, measure in enumerate(_turns(filled, slow)):
            found = measure(f"{filled.service.name}-{number}-{turn}")
            settings.say(", ".join(f"{name} {_rate(each):,.0f}/s" for name, each in found.items()))
            measured |= found
        rounds.append(measured)
    return {
        "rounds": rounds,
        "summary": summary(rounds),
        "message_bytes": large.messages.buffer.size / large.messages.size,
    }


def _turns(filled: Filled, slow: Filled) -> tuple[Callable[[str], dict[str, Measured]], ...]:
    """Return who reads in turn, each a function of the group to read in; who is slow reads less."""

    def workers(group: str) -> dict[str, Measured]:
        return {
            FIRST_READING: contenders.reading(filled, group),
            REBUILD: contenders.reading(filled, group),
            f"{REBUILD}_unpinned": contenders.reading(filled, group, cores=ALL_CORES),
        }

    def one(name: str, measure: Callable[[str], Measured]) -> Callable[[str], dict[str, Measured]]:
        return lambda group: {name: measure(group)}

    return (
        workers,
        one("bare_loop", partial(contenders.bare_loop, filled)),
        one("kafka_streams", partial(contenders.kafka_streams, filled)),
        one("bare_loop_unpinned", partial(contenders.bare_loop, filled, cores=ALL_CORES)),
        one("kafka_streams_no_changelog", partial(contenders.kafka_streams, filled, changelog=False)),
        one("vanilla_faust", partial(contenders.vanilla_faust, slow)),
        one("vanilla_faust_plain", partial(contenders.vanilla_faust, slow, tables=False)),
        one("quixstreams", partial(contenders.quixstreams, slow)),
    )


def summary(rounds: list[dict[str, Measured]]) -> dict[str, dict[str, Any]]:
    """Return medians over the rounds: events a second, events a second of CPU, and the worker's ratio to each."""
    return {
        name: {
            "label": NAMES[name],
            "events": rounds[0][name]["events"],
            "events_per_s": median(_rate(each[name]) for each in rounds),
            "events_per_cpu_s": median(each[name]["events"] / each[name]["cpu_seconds"] for each in rounds),
            "rebuild_ratio": median(_rate(each[REBUILD]) / _rate(each[name]) for each in rounds),
            "first_reading_ratio": median(_rate(each[FIRST_READING]) / _rate(each[name]) for each in rounds),
        }
        for name in rounds[0]
    }


def _rate(measured: Measured) -> float:
    """Events a second; a JVM is given its second half, when its compiler has done its part."""
    if "second_half_seconds" in measured:
        return float(measured["second_half_events"] / measured["second_half_seconds"])
    return float(measured["events"] / measured["seconds"])
