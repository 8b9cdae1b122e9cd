"""The worker's own health, as metrics: ``kqi_worker_...``."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from streams.events import EVENT_NAMES
from streams.refusals import REASONS

TEXT = "text/plain; version=0.0.4; charset=utf-8"


disable_created_metrics()  # type: ignore[no-untyped-call]


class Gauges:
    """A gauge with labels that is told as a whole. Each is made once: to make all anew took as long as to write them."""

    def __init__(self, name: str, text: str, labels: list[str], registry: CollectorRegistry) -> None:
        self._gauge = Gauge(name, text, labels, registry=registry)
        self._known: dict[tuple[str, ...], Gauge] = {}

    def show(self, values: Mapping[tuple[str, ...], float]) -> None:
        """Show these values by their labels, and no others any more."""
        for labels in self._known.keys() - values.keys():
            self._gauge.remove(*labels)
            del self._known[labels]
        for labels, value in values.items():
            if labels not in self._known:
                self._known[labels] = self._gauge.labels(*labels)
            self._known[labels].set(value)


class Telemetry:
    """Counters and gauges of one worker, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.events = Counter(
            "kqi_worker_events", "Valid events read, duplicates included.", ["type"], registry=registry
        )
        self.dead_letters = Counter(
            "kqi_worker_dead_letters", "Messages that could not be used.", ["reason"], registry=registry
        )
        self.duplicates = Counter(
            "kqi_worker_duplicate_events", "Events whose id was known already.", registry=registry
        )
        self.late = Counter(
            "kqi_worker_late_events", "Events behind a later one of their topic partition.", registry=registry
        )
        self.misrouted = Counter(
            "kqi_worker_misrouted_events", "Events under another office's key or partition.", registry=registry
        )
        self.nameless = Counter(
            "kqi_worker_nameless_events",
            "Events of employees or queues beyond names_max, which count for their offices alone.",
            registry=registry,
        )
        self.survey_changes = Counter("kqi_worker_survey_changes", "Changes of decided surveys.", registry=registry)
        self.presses = Gauges(
            "kqi_worker_presses",
            "Presses held, as paired now: bounce, answer, extra (a second answer), orphan (in no window).",
            ["role"],
            registry,
        )
        self.lag = Gauges("kqi_worker_lag", "Offsets not yet read.", ["topic", "partition"], registry)
        self.partition_messages = Gauges(
            "kqi_worker_partition_messages",
            "Offsets of all input topics that a partition's state has passed, by what became of them.",
            ["partition", "fate"],
            registry,
        )
        self.partitions = Gauge("kqi_worker_partitions", "Partitions owned.", registry=registry)
        self.ready = Gauge("kqi_worker_ready", "1 when every partition owned is complete.", registry=registry)
        self.company_known = Gauge(
            "kqi_worker_company_known",
            "1 when employees are compared with those of all partitions.",
            registry=registry,
        )
        self.in_touch = Gauge(
            "kqi_worker_in_touch",
            "1 when the group knows the worker as its member and the brokers of all its topic partitions answer.",
            registry=registry,
        )
        self.series_left_out = Counter(
            "kqi_worker_series_left_out",
            "Series of indices that scrapes did not show because of the ceiling, scrape by scrape.",
            registry=registry,
        )
        self.checkpoint_time = Gauges(
            "kqi_worker_checkpoint_timestamp_seconds",
            "When the last checkpoint was taken.",
            ["partition"],
            registry,
        )
        self.state_bytes = Gauges(
            "kqi_worker_checkpoint_state_bytes",
            "State in the last checkpoint, before compression.",
            ["partition"],
            registry,
        )
        self.restore_seconds = Gauge(
            "kqi_worker_restore_seconds",
            "How long restoring the states of new partitions took, at the last assignment of any.",
            registry=registry,
        )
        self.checkpoint_bytes = Counter(
            "kqi_worker_checkpoint_written_bytes", "Chunks written, compressed.", registry=registry
        )
        self.batch_seconds = Histogram(
            "kqi_worker_batch_seconds",
            "Time from a fetched batch to changed indices.",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=registry,
        )
        self.directory_valid = Gauge(
            "kqi_worker_directory_valid",
            "1 when the directory as it is now is in force, 0 when it is not right and an earlier one is.",
            registry=registry,
        )
        self.directory_time = Gauge(
            "kqi_worker_directory_timestamp_seconds", "When the directory in force was made.", registry=registry
        )
        self.last_event = Gauge(
            "kqi_worker_last_event_timestamp_seconds", "Time of the latest event applied.", registry=registry
        )
        self.now = Gauge(
            "kqi_worker_clock_timestamp_seconds",
            "The instant that the windows stand at, the least advanced.",
            registry=registry,
        )
        for name in EVENT_NAMES:
            self.events.labels(name)
        for reason in REASONS:
            self.dead_letters.labels(reason)

    def text(self, *, openmetrics: bool) -> bytes:
        """Render in one of the two formats; OpenMetrics ends with its mark of the end."""
        return generate_openmetrics(self.registry) if openmetrics else generate_latest(self.registry)  # type: ignore[no-untyped-call]


__all__ = ["OPENMETRICS", "TEXT", "Telemetry"]
