"""The board *Service health*: whether workers keep up, what they could not use, and whether their state is safe."""

from agents.boards.assembly import SERVICE, Board, Row
from agents.boards.looks import COUNT, NONE_WANTED, SECONDS, YES_NO, Look, worse_above
from agents.boards.panels import AnyPanel, Frame, Target, lines, states, stats
from agents.boards.queries import INSTANCE, by, series
from agents.boards.variables import instance_variable
from streams.configuration import Configuration

RATE = "$__rate_interval"
EVENTS_A_SECOND = Look("ops", low=0)
BYTES = Look("bytes", low=0)
AGE = Look("s", low=0)
OLD_CHECKPOINTS = 10  # intervals without one: something is wrong


def service(configuration: Configuration) -> Board:
    """All workers, or some."""
    return Board(
        uid=SERVICE,
        title="KQI / Service health",
        text="Whether the workers run, keep up, can use what they read, and have their state stored.",
        since="now-6h",
        refresh="30s",
        variables=[instance_variable()],
        rows=[
            Row("Now", _now(configuration)),
            Row("Throughput and lag", _throughput()),
            Row("Input that cannot be used", _losses()),
            Row("State", _state(configuration)),
            Row("Scrapes and presses", _scrapes(configuration)),
        ],
    )


def _worker(name: str, *matchers: str) -> str:
    return series(f"kqi_worker_{name}", INSTANCE, *matchers)


def _of_all(name: str) -> str:
    """Whether something holds of all workers; of one that is down nothing does."""
    return f"min({_worker(name)} or on (job, instance) ({series('up', INSTANCE)} == 0))"


def _rate(name: str, labels: str) -> str:
    return f"sum by ({labels}) (rate({_worker(name)}[{RATE}]))"


def _now(configuration: Configuration) -> list[AnyPanel]:
    return [
        stats(
            Frame("Workers up", "Workers that answer Prometheus, of those that it asks.", width=4, height=4),
            COUNT,
            Target(f"sum({series('up', INSTANCE)})", "up"),
            Target(f"count({series('up', INSTANCE)})", "asked"),
        ),
        stats(
            Frame(
                "All ready",
                "Whether every worker has the complete state of its partitions, as of now. While no: indices are missing.",
                width=4,
                height=4,
            ),
            YES_NO,
            Target(_of_all("ready"), "ready"),
        ),
        stats(
            Frame(
                "All in touch",
                "Whether the group knows every worker and brokers answer all of them. While no: clocks may stand still.",
                width=4,
                height=4,
            ),
            YES_NO,
            Target(_of_all("in_touch"), "in touch"),
        ),
        stats(
            Frame(
                "Partitions owned",
                f"Together as many as the topics have ({configuration.partitions} by the configuration). Fewer: nobody reads the others.",
                width=4,
                height=4,
            ),
            COUNT,
            Target(f"sum({_worker('partitions')})", "partitions"),
        ),
        stats(
            Frame("Messages behind", "Messages that lie in the topics and are not read yet.", width=4, height=4),
            COUNT,
            Target(f"sum({_worker('lag')})", "behind"),
        ),
        stats(
            Frame(
                "Windows behind",
                "How far the instant at which windows end is behind now, at the worker that is furthest behind.",
                width=4,
                height=4,
            ),
            worse_above(60, unit="s"),
            Target(f"max(time() - ({_worker('clock_timestamp_seconds')} > 0))", "behind"),
        ),
    ]


def _throughput() -> list[AnyPanel]:
    batches = f"sum by (le) (rate({_worker('batch_seconds_bucket')}[{RATE}]))"
    return [
        lines(
            Frame(
                "Events by type",
                "Valid events read, duplicates included. After a start the log may be read again: rates mean something while workers are ready.",
            ),
            EVENTS_A_SECOND,
            Target(_rate("events_total", "type"), "{{type}}"),
            stacked=True,
        ),
        lines(
            Frame("Lag by topic", "Messages not yet read. What stays above 0 and grows: too much to do, or stuck."),
            COUNT,
            Target(f"sum by (topic) ({_worker('lag')})", "{{topic}}"),
        ),
        lines(
            Frame(
                "Lag of the partitions furthest behind",
                "One alone that grows: its office is too busy for a worker, or it is stuck.",
            ),
            COUNT,
            Target(f"topk(5, max by (topic, partition) ({_worker('lag')}))", "{{topic}} {{partition}}"),
        ),
        lines(
            Frame("Time of a batch", "From a fetched batch to changed indices: half and 99 of 100 batches take less."),
            SECONDS,
            Target(f"histogram_quantile(0.5, {batches})", "half"),
            Target(f"histogram_quantile(0.99, {batches})", "99 of 100"),
        ),
        states(
            Frame("Ready", "When each worker had the complete state of its partitions.", height=6),
            YES_NO,
            Target(by("instance", _worker("ready"), "min"), "{{instance}}"),
        ),
        lines(
            Frame(
                "Since the latest event",
                "How old the latest event is, by worker. Long in opening hours: publishers are silent.",
                height=6,
            ),
            AGE,
            Target(f"min by (instance) (time() - ({_worker('last_event_timestamp_seconds')} > 0))", "{{instance}}"),
        ),
    ]


def _losses() -> list[AnyPanel]:
    oddities = [
        ("duplicate_events_total", "duplicates"),
        ("late_events_total", "late"),
        ("misrouted_events_total", "misrouted"),
        ("nameless_events_total", "nameless"),
    ]
    return [
        lines(
            Frame(
                "Dead letters by reason",
                "Messages a second that could not be used; they lie on the topic `dead-letters` with their reason and where they came from.",
            ),
            EVENTS_A_SECOND,
            Target(_rate("dead_letters_total", "reason"), "{{reason}}"),
            stacked=True,
        ),
        lines(
            Frame(
                "Used, but odd",
                "Duplicates and late events are normal. Misrouted: a producer uses a wrong key. Nameless: more employees or queues than names_max.",
            ),
            EVENTS_A_SECOND,
            *(Target(f"sum(rate({_worker(name)}[{RATE}]))", title) for name, title in oddities),
        ),
        lines(
            Frame("Messages by fate", "What became of every message of the log that the present states have passed."),
            COUNT,
            Target(f"sum by (fate) ({_worker('partition_messages')})", "{{fate}}"),
        ),
        stats(
            Frame(
                "Directory in force",
                "Whether the directory as it is now is right and in force. While no: the one before is, and the log says why.",
            ),
            YES_NO,
            Target(f"min({_worker('directory_valid')})", "directory"),
            Target(f"min({_worker('company_known')})", "whole company compared"),
        ),
    ]


def _state(configuration: Configuration) -> list[AnyPanel]:
    interval_s = configuration.checkpoint_interval_s
    age = f"time() - {_worker('checkpoint_timestamp_seconds')}"
    return [
        lines(
            Frame(
                "Age of the oldest checkpoints",
                f"Taken every {interval_s:g} s where anything is new: a partition without new events gets none, and may be older. "
                f"Dashed: {OLD_CHECKPOINTS} intervals.",
            ),
            worse_above(OLD_CHECKPOINTS * interval_s, unit="s") if interval_s else AGE,
            Target(f"topk(5, max by (partition) ({age}))", "partition {{partition}}"),
        ),
        lines(
            Frame("State", "State of all partitions in their last checkpoints, before compression."),
            BYTES,
            Target(by("instance", _worker("checkpoint_state_bytes"), "sum"), "{{instance}}"),
        ),
        lines(
            Frame("Checkpoints written", "Bytes a second that went to the topic of checkpoints, compressed."),
            Look("Bps", low=0),
            Target(_rate("checkpoint_written_bytes_total", "instance"), "{{instance}}"),
        ),
        lines(
            Frame("Time to restore", "How long restoring took when a worker last got partitions."),
            SECONDS,
            Target(by("instance", _worker("restore_seconds")), "{{instance}}"),
        ),
    ]


def _scrapes(configuration: Configuration) -> list[AnyPanel]:
    return [
        lines(
            Frame("Time of a scrape", "How long Prometheus waited for each worker's /metrics.", width=8),
            SECONDS,
            Target(by("instance", series("scrape_duration_seconds", INSTANCE)), "{{instance}}"),
        ),
        lines(
            Frame("Series of a scrape", "How many series each worker shows.", width=8),
            COUNT,
            Target(by("instance", series("scrape_samples_scraped", INSTANCE)), "{{instance}}"),
        ),
        lines(
            Frame(
                "Series left out",
                f"Series a second that scrapes did not show for want of room. Any: raise metrics_max_series "
                f"({configuration.metrics_max_series:,}) or start more workers.",
                width=8,
            ),
            NONE_WANTED,
            Target(_rate("series_left_out_total", "instance"), "{{instance}}"),
        ),
        lines(
            Frame(
                "Presses by role",
                "Presses in the state. Many `bounce`: worn buttons. Many `orphan`: customers answer where no seller pressed.",
                width=12,
            ),
            COUNT,
            Target(f"sum by (role) ({_worker('presses')})", "{{role}}"),
        ),
        lines(
            Frame("Survey changes", "Changed surveys a second that go to the topic `surveys`.", width=12),
            EVENTS_A_SECOND,
            Target(_rate("survey_changes_total", "instance"), "{{instance}}"),
        ),
    ]
