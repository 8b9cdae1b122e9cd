"""What the pages Calls and SLA, and Service health show, as of the last round."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from agents.board.history import History
from agents.board.reading import Labels, Read
from agents.board.rounds import Round, WorkerAnswer
from agents.board.values import View, reading
from agents.board.views import matches, page_numbers, page_of

STAGES: Final = ("first_response", "on_site", "resolved")
QUEUE_SORTS: Final = ("service_level", "abandonment", "calls_offered", "calls_missed", "average_speed_of_answer")
MOST_OVERDUE: Final = 20
NORMAL_95: Final = 1.96

_SUMS: Final = ("calls_offered", "calls_answered", "calls_missed")
_OPEN: Final = ("requests_open", "requests_overdue")
_WORKER_SUMS: Final = {
    "lag": "kqi_worker_lag",
    "events": "kqi_worker_events_total",
    "dead_letters": "kqi_worker_dead_letters_total",
    "late": "kqi_worker_late_events_total",
    "duplicates": "kqi_worker_duplicate_events_total",
    "misrouted": "kqi_worker_misrouted_events_total",
    "nameless": "kqi_worker_nameless_events_total",
    "series_left_out": "kqi_worker_series_left_out_total",
    "partitions": "kqi_worker_partitions",
    "ready": "kqi_worker_ready",
    "in_touch": "kqi_worker_in_touch",
    "directory_valid": "kqi_worker_directory_valid",
}
_RATES: Final = ("events", "dead_letters")


def calls(read: Read, history: History, window: str, asked: dict[str, str]) -> dict[str, Any]:
    """Queues, requests against their targets, and what is overdue now."""
    view, queues = View.of(read, "office", window), View.of(read, "queue", window)
    wanted = asked.get("q", "").casefold().strip()
    keys = queues.frame.keys
    rows = np.array(
        [
            row
            for row in np.flatnonzero(queues.seen()).tolist()
            if wanted in keys[row][1].casefold() or matches(read, keys[row][0], wanted)
        ],
        np.int64,
    )
    shown = page_of(queues, rows, asked, QUEUE_SORTS, "queue")
    overdue = view.column("requests_overdue", now=True)
    told = bool(view.seen().any())  # a sum of nothing would pass for a day without calls
    worst = [row for row in np.argsort(-np.nan_to_num(overdue), kind="stable")[:MOST_OVERDUE] if overdue[row] > 0]
    return {
        "totals": {name: float(np.nansum(view.column(name))) if told else None for name in _SUMS}
        | {name: float(np.nansum(view.column(name, now=True))) if told else None for name in _OPEN},
        "targets": _targets(read, window),
        "overdue": [
            {"office": view.frame.keys[row][0], **{name: view.at(row, name, now=True) for name in _OPEN}}
            for row in worst
        ],
        "history": {
            "times_s": history.times_s(),
            **history.figures([f"{name}/{window}" for name in ("calls_offered", "calls_missed", "missed_share")]),
            **history.figures(_OPEN),
        },
        "page": page_numbers(shown, rows.size),
        "rows": [
            {
                "office": keys[row][0],
                "queue": keys[row][1],
                **{name: reading(queues, row, name) for name in QUEUE_SORTS},
            }
            for row in shown["rows"]
        ],
    }


def call_figures(read: Read) -> dict[str, float | None]:
    """What of calls and requests is remembered of each round."""
    found: dict[str, float | None] = {}
    for window in read.windows:
        view = View.of(read, "office", window)
        sums = {name: float(np.nansum(view.column(name))) for name in ("calls_offered", "calls_missed")}
        share = sums["calls_missed"] / sums["calls_offered"] if sums["calls_offered"] else None
        found |= {f"{name}/{window}": value for name, value in sums.items()} | {f"missed_share/{window}": share}
    if read.windows:
        view = View.of(read, "office", read.windows[0])
        found |= {name: float(np.nansum(view.column(name, now=True))) for name in _OPEN}
    return found


def _targets(read: Read, window: str) -> list[dict[str, Any]]:
    """Of each priority and stage with a target: how many were due in all offices together, and how many met it."""
    view = View.of(read, "priority", window)
    objectives = {
        (labels["priority"], labels["stage"]): value
        for others in read.others
        for (name, pairs), value in others.items()
        if name == "kqi_request_objective_ratio" and {"priority", "stage"} <= (labels := dict(pairs)).keys()
    }
    found = []
    for (priority, stage), objective in sorted(objectives.items()):
        mine = np.array([name == priority for _, name in view.frame.keys], np.bool_)
        share, due = view.column(f"sla_{stage}")[mine], view.column(f"sla_{stage}_due")[mine]
        met, total = float(np.nansum(np.rint(share * due))), float(np.nansum(due[~np.isnan(share)]))
        lower, upper = wilson(met, total)
        value = met / total if total else None
        found.append(
            {
                "priority": priority,
                "stage": stage,
                "objective": objective,
                "reading": {"index": f"sla_{stage}", "value": value, "lower": lower, "upper": upper, "base": total},
                "burn": (1 - value) / (1 - objective) if value is not None and objective < 1 else None,
            }
        )
    return found


def wilson(part: float, whole: float) -> tuple[float | None, float | None]:
    """The ends of the 95 % interval of a plain share; none without anything."""
    return (_wilson_lower(part, whole), 1 - _wilson_lower(whole - part, whole)) if whole else (None, None)


def _wilson_lower(part: float, whole: float) -> float:
    """As the service computes it, without its kernels, which take their time to start."""
    root = math.sqrt(part * (whole - part) / whole + NORMAL_95**2 / 4)
    return part * part / whole / (part + NORMAL_95**2 / 2 + NORMAL_95 * root)


# Service health ----------------------------------------------------------------------------------------------------


def health(last: Round, history: History) -> dict[str, Any]:
    """How the workers do."""
    together = [worker.series for worker in last.workers if worker.series is not None]
    names = [
        f"health/{name}" for name in ("events_per_s", "dead_letters_per_s", "lag", "checkpoint_age_s", "answering")
    ]
    return {
        "workers": [_worker(worker, last.at_ms) for worker in last.workers],
        "dead_letters": _by(together, "kqi_worker_dead_letters_total", "reason"),
        "events": _by(together, "kqi_worker_events_total", "type"),
        "fates": _by(together, "kqi_worker_partition_messages", "fate"),
        "presses": _by(together, "kqi_worker_presses", "role"),
        "took_s": last.took_s,
        "left_out": last.read.left_out,
        "history": {"times_s": history.times_s(), **history.figures(names)},
    }


def health_figures(last: Round) -> dict[str, float | None]:
    """What of the workers is remembered of each round."""
    told = [_worker(worker, last.at_ms) for worker in last.workers]
    sums: dict[str, float | None] = {
        f"health/{name}": _sum(each.get(name) for each in told)
        for name in ("events_per_s", "dead_letters_per_s", "lag")
    }
    ages = [each["checkpoint_age_s"] for each in told if each.get("checkpoint_age_s") is not None]
    answering = sum(each["problem"] == "" for each in told)
    return sums | {"health/checkpoint_age_s": max(ages, default=None), "health/answering": float(answering)}


def _worker(worker: WorkerAnswer, at_ms: int) -> dict[str, Any]:
    found: dict[str, Any] = {"address": worker.address, "problem": worker.problem}
    if worker.series is None:
        return found
    for name, metric in _WORKER_SUMS.items():
        found[name] = sum(value for (each, _), value in worker.series.items() if each == metric)
    for name in _RATES:
        found[f"{name}_per_s"] = worker.rates.get(_WORKER_SUMS[name])
    stamps = {
        "clock_age_s": _stamps(worker.series, "kqi_worker_clock_timestamp_seconds"),
        "last_event_age_s": _stamps(worker.series, "kqi_worker_last_event_timestamp_seconds"),
        "checkpoint_age_s": _stamps(worker.series, "kqi_worker_checkpoint_timestamp_seconds"),
    }
    for name, seconds in stamps.items():
        found[name] = at_ms / 1000 - min(seconds) if seconds else None
    count = sum(_values(worker.series, "kqi_worker_batch_seconds_count"))
    found["batch_s"] = sum(_values(worker.series, "kqi_worker_batch_seconds_sum")) / count if count else None
    return found


def _values(series: Mapping[tuple[str, Labels], float], metric: str) -> list[float]:
    return [value for (name, _), value in series.items() if name == metric]


def _stamps(series: Mapping[tuple[str, Labels], float], metric: str) -> list[float]:
    """Instants that are known; 0 stands for none."""
    return [value for value in _values(series, metric) if value > 0]


def _by(workers: Sequence[Mapping[tuple[str, Labels], float]], metric: str, label: str) -> dict[str, float]:
    """The sums of a metric by one of its labels, what is 0 left out, the greatest first."""
    sums: dict[str, float] = {}
    for series in workers:
        for (name, labels), value in series.items():
            if name == metric and value:
                word = dict(labels).get(label, "")
                sums[word] = sums.get(word, 0) + value
    return dict(sorted(sums.items(), key=lambda pair: (-pair[1], pair[0])))


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
