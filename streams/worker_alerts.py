"""Alerts of the service itself: workers, their logs, their checkpoints, and messages that cannot be used.

Nobody can say which offices a worker has that does not answer, so `office` is `all`.
"""

from collections.abc import Callable
from typing import Final

from streams.alert import Alert
from streams.alerting import Severity
from streams.configuration import Configuration
from streams.promql import selected

OLD_CHECKPOINTS: Final = 10  # so many intervals without one are too many
OLD_CHECKPOINT_S: Final = 300  # and never fewer seconds
COUNT: Final = '{{ $value | printf "%.0f" }}'
_BOARD: Final = "/d/kqi-service"


def worker_alerts(configuration: Configuration) -> list[Alert]:
    """All of them, the gravest first."""
    rules = configuration.alerting
    job = {"job": rules.job}
    ready = f"and on (job, instance)\n{selected('kqi_worker_ready', **job)} == 1"
    settled = f"and on (job, instance)\nmin_over_time({selected('kqi_worker_ready', **job)}[10m]) == 1"
    who = "Worker {{ $labels.instance }}"

    def of(metric: str) -> str:
        return selected(metric, **job)

    def alert(
        name: str, expr: str, hold: str, severity: Severity, summary: str, text: str, *, follows: bool = False
    ) -> Alert:
        labels = {"office": "all"} | ({"follows": "worker"} if follows else {})
        return Alert(name, expr, hold, severity, "operations", _BOARD, summary, text, labels)

    def growing(name: str, counter: str, by: str, summary: str, text: str) -> Alert:
        expr = f"sum by ({by}) (increase({of(counter)}[10m])) > 0\n{settled}"
        return alert(name, expr, "0m", "warning", summary, text)

    return [
        alert(
            "KqiWorkerDown",
            f"{of('up')} == 0",
            "2m",
            "critical",
            f"{who} is down",
            f"{who} does not answer. If others are up, they take over its offices within a minute.",
        ),
        alert(
            "KqiNoWorker",
            f"absent({of('up')} == 1)",
            "2m",
            "critical",
            "No worker is up",
            "None of the workers that Prometheus knows answers: there are no indices at all, and no other alerts of offices.",
        ),
        alert(
            "KqiPartitionsWithoutWorker",
            f"sum({of('kqi_worker_partitions')}) < {configuration.partitions}",
            "5m",
            "critical",
            "Some offices have no worker",
            f"{{{{ $value }}}} of {configuration.partitions} partitions have a worker; the offices of the others have no indices.",
        ),
        alert(
            "KqiOutOfTouch",
            f"{of('kqi_worker_in_touch')} == 0",
            "2m",
            "critical",
            f"{who} is out of touch",
            f"{who} has not heard from its group or from brokers for 15 s, and shows nothing of its offices, or old values.",
        ),
        alert(
            "KqiNotReady",
            f"{of('kqi_worker_ready')} == 0",
            "15m",
            "warning",
            f"{who} does not become ready",
            f"{who} has been reading logs or waiting for partitions for 15 min; its offices are not shown meanwhile.",
            follows=True,
        ),
        alert(
            "KqiStandsStill",
            f"time() - ({of('kqi_worker_clock_timestamp_seconds')} > 0) > 60\n{ready}",  # 0: it owns nothing
            "2m",
            "critical",
            "Indices of worker {{ $labels.instance }} stand still",
            "Windows end {{ $value | humanizeDuration }} ago: a log cannot be read to its end.",
        ),
        alert(
            "KqiLag",
            f"sum by (job, instance, partition) ({of('kqi_worker_lag')}) > {rules.lag_max}\n{ready}",
            "10m",
            "warning",
            f"{who} lags behind",
            f"{COUNT} messages of partition {{{{ $labels.partition }}}} wait to be read by worker {{{{ $labels.instance }}}}, "
            f"more than {rules.lag_max}.",
            follows=True,
        ),
        *(_checkpoints(configuration, alert, of, ready) if configuration.checkpoint_interval_s else []),
        growing(
            "KqiDeadLetters",
            "kqi_worker_dead_letters_total",
            "job, instance, reason",
            "Messages cannot be used: {{ $labels.reason }}",
            '{{ $value | printf "%.0f" }} messages of the last 10 min went to dead-letters for {{ $labels.reason }}, told by '
            "worker {{ $labels.instance }}.",
        ),
        growing(
            "KqiMisrouted",
            "kqi_worker_misrouted_events_total",
            "job, instance",
            "Messages lie under a wrong key",
            '{{ $value | printf "%.0f" }} messages of the last 10 min lay under another key or in another partition than their '
            "office's, told by worker {{ $labels.instance }}; they were moved.",
        ),
        growing(
            "KqiTooManyNames",
            "kqi_worker_nameless_events_total",
            "job, instance",
            "More employees or queues than there is room for",
            '{{ $value | printf "%.0f" }} events of the last 10 min name employees, queues or categories beyond '
            f"{configuration.names_max}, told by worker {{{{ $labels.instance }}}}; they count for their offices alone.",
        ),
        alert(
            "KqiSeriesLeftOut",
            f"increase({of('kqi_worker_series_left_out_total')}[10m]) > 0",
            "0m",
            "warning",
            f"{who} does not show all",
            f"{who} has more than {configuration.metrics_max_series} series to show; the least important are left out.",
        ),
        alert(
            "KqiDirectoryInvalid",
            f"{of('kqi_worker_directory_valid')} == 0",
            "5m",
            "warning",
            "The directory is not right",
            "What the directory says now is not in force at worker {{ $labels.instance }}, which goes by an earlier one.",
        ),
        alert(
            "KqiCompanyUnknown",
            f"{of('kqi_worker_company_known')} == 0\n{ready}",
            "15m",
            "info",
            "Employees are not compared with the whole company",
            f"{who} does not know the values of all partitions.",
            follows=True,
        ),
    ]


def _checkpoints(
    configuration: Configuration, alert: Callable[..., Alert], of: Callable[[str], str], ready: str
) -> list[Alert]:
    old_s = max(OLD_CHECKPOINTS * configuration.checkpoint_interval_s, OLD_CHECKPOINT_S)
    taken, passed = of("kqi_worker_checkpoint_timestamp_seconds"), of("kqi_worker_partition_messages")
    where = "Partition {{ $labels.partition }} of worker {{ $labels.instance }}"
    return [
        alert(
            "KqiCheckpointOld",
            f"time() - {taken} > {old_s:g}\nand on (job, instance, partition)\n"
            f"sum by (job, instance, partition) (delta({passed}[10m])) > 0\n{ready}",
            "5m",
            "warning",
            "Checkpoints are too old",
            f"{where} goes on, and its last checkpoint was taken {{{{ $value | humanizeDuration }}}} ago; one is due every "
            f"{configuration.checkpoint_interval_s:g} s. Nothing is lost, but the next start takes longer.",
        ),
        alert(
            "KqiNoCheckpoint",
            f"sum by (job, instance, partition) ({passed}) > 0\nunless on (job, instance, partition)\n{taken}\n{ready}",
            "15m",
            "warning",
            "There is no checkpoint",
            f"{where} has no checkpoint, {COUNT} messages after the begin of its log: a start reads all of it again.",
        ),
    ]
