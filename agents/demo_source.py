"""What stands behind the buttons of the demo: what has flowed by, and the visitor's presses."""

import itertools
import secrets
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, cast

import orjson

from agents.board.trial import ForceMajeureRow, Happenings, NotNowError, Question, RejectRow, SurveyRow
from agents.gate import PartitionBatch
from agents.publish import Publisher
from streams.configuration import Configuration
from streams.outputs import Survey
from streams.structs import Reject
from streams.surveys import WITHDRAWN

SHOWN = 30
REMEMBERED = 300  # what is late comes after what is shown
EXCERPT_CHARACTERS = 120
HOLD_MS = 200
STARTING = "The worker is starting; at the first start it compiles its kernels, which takes about half a minute."


class DemoSource:
    """Implements :class:`agents.board.trial.Trial` and :class:`agents.publishing.Watcher`."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._publisher: Publisher | None = None
        self._surveys: dict[str, SurveyRow] = {}
        self._force_majeures: dict[str, ForceMajeureRow] = {}
        self._rejects: deque[RejectRow] = deque(maxlen=SHOWN)
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def open(self, publisher: Publisher) -> None:
        """From now on the buttons work."""
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

    def happenings(self) -> Happenings:
        """Tell what happened last."""
        return {
            "answer_window_s": self._configuration.answer_window_s,
            "surveys": _latest(self._surveys),
            "force_majeures": _latest(self._force_majeures),
            "rejects": list(self._rejects),
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
