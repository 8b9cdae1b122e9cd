"""What stands behind the page of the demo: the worker's state and what has flowed by, and the visitor's presses."""

import itertools
import secrets
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Literal, cast

import numpy as np
import orjson

from agents.board_source import (
    Column,
    EmployeeRow,
    ForceMajeureRow,
    NotNowError,
    OfficeRow,
    Question,
    Reading,
    RejectRow,
    Snapshot,
    SurveyRow,
    WorkerRow,
)
from agents.gate import PartitionBatch
from agents.publish import Publisher
from agents.worker import Worker
from streams.configuration import Configuration
from streams.events import EVENT_NAMES
from streams.outputs import Survey
from streams.refusals import REASONS
from streams.structs import Reject
from streams.surveys import WITHDRAWN

SHOWN = 30
REMEMBERED = 300  # what is late comes after what is shown
EXCERPT_CHARACTERS = 120
HOLD_MS = 200
STARTING = "The worker is starting; at the first start it compiles its kernels, which takes about half a minute."

_BETTER: dict[str, Literal["lower", "higher"]] = {
    "ink_personnel": "lower",
    "ink_office": "lower",
    "iel": "higher",
    "force_majeure_level": "lower",
    "silent_share": "lower",
    "response_share": "higher",
    "service_level": "higher",
    "abandonment": "lower",
    "average_speed_of_answer_s": "lower",
    "calls_missed": "lower",
}


class DemoSource:
    """Implements :class:`agents.board_source.BoardSource` and :class:`agents.publishing.Watcher`."""

    def __init__(self, configuration: Configuration) -> None:
        self.windows: tuple[str, ...] = configuration.windows
        self._configuration = configuration
        self._worker: Worker | None = None
        self._publisher: Publisher | None = None
        self._surveys: dict[str, SurveyRow] = {}
        self._force_majeures: dict[str, ForceMajeureRow] = {}
        self._rejects: deque[RejectRow] = deque(maxlen=SHOWN)
        self._rates: deque[tuple[float, int]] = deque(maxlen=10)
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def open(self, worker: Worker, publisher: Publisher) -> None:
        """From now on the page has something to show, and its buttons work."""
        self._worker = worker
        self._publisher = publisher

    # What flows by -------------------------------------------------------------------------------------------------

    def survey(self, survey: Survey) -> None:
        """Remember a changed survey."""
        key = f"{survey.office_id}/{survey.survey_id}"
        self._surveys.pop(key, None)
        if survey.outcome != WITHDRAWN:
            self._surveys[key] = cast(
                "SurveyRow",
                {
                    "event_id": survey.survey_id,
                    "office_id": survey.office_id,
                    "panel_id": survey.panel_id,
                    "employee_id": survey.employee_id,
                    "ts_ms": survey.ts,
                    "question": survey.question,
                    "outcome": survey.outcome,
                    "valid": survey.valid,
                    "force_majeure": survey.force_majeure,
                },
            )
        _forget_oldest(self._surveys)

    def reject(self, reject: Reject, batch: PartitionBatch) -> None:
        """Remember a dead letter."""
        value = batch.values.at(reject.position) or b""
        excerpt = value[: 4 * EXCERPT_CHARACTERS].decode(errors="replace")[:EXCERPT_CHARACTERS]
        offset = int(batch.offsets[reject.position])
        self._rejects.appendleft(
            {
                "at_ms": int(batch.append_ms[reject.position]),
                "reason": reject.reason,
                "topic": batch.topic,
                "partition": batch.partition,
                "offset": offset,
                "excerpt": excerpt,
            }
        )

    def _published(self, event: dict[str, Any]) -> None:
        if event["type"] == "seller_press" and event["hold_ms"] >= self._configuration.long_press_ms:
            self._force_majeures[event["event_id"]] = {
                "event_id": event["event_id"],
                "office_id": event["office_id"],
                "panel_id": event["panel_id"],
                "employee_id": event["employee_id"],
                "ts_ms": event["ts"],
                "reliable": None,
            }
            _forget_oldest(self._force_majeures)
        elif event["type"] == "verdict" and (declared := self._force_majeures.get(event["target_id"])):
            declared["reliable"] = bool(event["reliable"])

    # What is shown -------------------------------------------------------------------------------------------------

    def snapshot(self, window: str) -> Snapshot:
        """Put together what the page shows."""
        worker = self._worker
        if worker is None or not worker.shown:
            raise NotNowError(STARTING)
        worker.pass_time()
        configuration = self._configuration
        return {
            "at_ms": max(state.now.now_ms for state in worker.shown),
            "window": window,
            "windows": list(self.windows),
            "silent_weight": configuration.silent_weight,
            "min_surveys": configuration.min_surveys,
            "answer_window_s": configuration.answer_window_s,
            "force_majeure_duration_s": configuration.force_majeure_duration_s,
            "indices": [_column(index) for index in worker.engine.indices],
            "offices": _offices(worker, self.windows.index(window)),
            "surveys": _latest(self._surveys),
            "force_majeures": _latest(self._force_majeures),
            "rejects": list(self._rejects),
            "worker": self._health(worker),
        }

    def _health(self, worker: Worker) -> WorkerRow:
        telemetry = worker.telemetry
        sample = telemetry.registry.get_sample_value
        events = sum(int(sample("kqi_worker_events_total", {"type": name}) or 0) for name in EVENT_NAMES)
        self._rates.append((time.monotonic(), events))
        (first_s, first), (last_s, last) = self._rates[0], self._rates[-1]
        progress = worker.app.batches.progress() if worker.app is not None else {}
        return {
            "events": events,
            "events_per_s": (last - first) / (last_s - first_s) if last_s > first_s else 0.0,
            "dead_letters": sum(
                int(sample("kqi_worker_dead_letters_total", {"reason": name}) or 0) for name in REASONS
            ),
            "lag": sum(max(0, reached.end_offset - reached.next_offset) for reached in progress.values()),
        }

    # What is pressed -----------------------------------------------------------------------------------------------

    async def press(
        self, office_id: str, panel_id: str, employee_id: str, *, long: bool, question: Question | None
    ) -> str:
        """Publish a seller press as of now."""
        press: dict[str, Any] = {
            "panel_id": panel_id,
            "employee_id": employee_id,
            "hold_ms": self._configuration.long_press_ms
            if long
            else min(HOLD_MS, self._configuration.long_press_ms - 1),
        }
        if question is not None:
            press["question"] = question
        return await self._send("seller_press", "presses", office_id, press)

    async def answer(self, office_id: str, panel_id: str, answer: str) -> str:
        """Publish a customer press as of now."""
        return await self._send("customer_press", "presses", office_id, {"panel_id": panel_id, "answer": answer})

    async def review(self, office_id: str, target: str, target_id: str, *, reliable: bool) -> str:
        """Publish an expert's verdict as of now."""
        verdict = {"target": target, "target_id": target_id, "reliable": reliable, "expert_id": "visitor"}
        return await self._send("verdict", "verdicts", office_id, verdict)

    async def _send(self, event_type: str, topic: str, office_id: str, fields: dict[str, Any]) -> str:
        event_id = f"visitor-{self._run}-{next(self._numbers)}"
        head = {"type": event_type, "event_id": event_id, "ts": time.time_ns() // 1_000_000, "office_id": office_id}
        event = head | fields
        await self.publish_all([(topic, office_id, orjson.dumps(event), event)])
        return event_id

    async def publish_all(self, messages: Iterable[tuple[str, str, bytes, dict[str, Any] | None]]) -> None:
        """Publish messages: topic, office, bytes, and the event (None for a bad one)."""
        if self._publisher is None:
            raise NotNowError(STARTING)
        waiting = list(messages)
        for _, _, _, event in waiting:
            if event is not None:
                self._published(event)
        await self._publisher.send((topic, office, value) for topic, office, value, _ in waiting)


def _forget_oldest(rows: dict[str, Any]) -> None:
    while len(rows) > REMEMBERED:
        del rows[next(iter(rows))]


def _latest(rows: dict[str, Any]) -> list[Any]:
    return sorted(rows.values(), key=lambda row: -row["ts_ms"])[:SHOWN]


def _column(index: Any) -> Column:
    return {"name": index.name, "unit": index.unit, "better": _BETTER.get(index.name), "help": index.help}


def _offices(worker: Worker, window: int) -> list[OfficeRow]:
    offices: dict[str, OfficeRow] = {}
    employees: dict[str, list[EmployeeRow]] = {}
    for state in worker.shown:
        held = worker.engine.values(state)
        for number, (scope, office, name) in enumerate(state.names.entities):
            if scope not in {"office", "employee"}:
                continue
            values = np.where(held.seen[number, window], held.values[number, window], np.nan).tolist()
            bases = held.bases[number, window].tolist()
            readings: list[Reading] = [(None if v != v else v, base) for v, base in zip(values, bases, strict=True)]  # noqa: PLR0124
            if scope == "office":
                offices[office] = {"office_id": office, "values": readings, "employees": []}
            else:
                employees.setdefault(office, []).append({"employee_id": name or "", "values": readings})
    for office, row in offices.items():
        row["employees"] = sorted(employees.get(office, []), key=lambda employee: employee["employee_id"])
    return [offices[office] for office in sorted(offices)]
