"""Why an index has its value: what it counts, what it leaves out and for which reason, and where all of that lies.

Whoever adds up the counts of the formula, or counts the surveys and events listed with their weights, gets the value.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kernels import layout as c
from kernels.formulas import ELSEWHERE
from streams import events
from streams.configuration import METHOD_KEYS, Configuration
from streams.directed import of_office, rule_of
from streams.directory import Directory
from streams.evidence import Declared, Evidence, Judged, Place, Pressed
from streams.fact_evidence import TOPICS_OF, counted_facts
from streams.formula import counters_of, formula, needs_surveys
from streams.goal_explanation import goal
from streams.goal_indices import SCORE
from streams.index import Index
from streams.judgement import JUDGED, Values, Whose, judgement
from streams.names import Entity
from streams.results import NAMED_SCOPES

Listed = dict[str, Any]

REASONS_LEFT_OUT: Final = (  # of which the first that applies is given
    "outside_window",
    "bounce",
    "undecided",
    "rejected",
    "other_question",
    "force_majeure",
    "other_outcome",
)


def topics_of(index: Index) -> set[str]:
    """The topics whose events decide an index, without the prefix."""
    if index.name == SCORE:  # its facts may be any
        return set(events.TOPICS)
    if index.kind in JUDGED:  # its office is held against its visitors and sales
        return {"presses", "verdicts", "visits", "sales"}
    counters = counters_of(index)
    found = {"presses", "verdicts"} if needs_surveys(index) else set()
    for own, topics in TOPICS_OF:
        if counters & own:
            found |= topics
    return found


def explain(evidence: Evidence, asked: Configuration, entity: Entity, index: Index, window: str) -> dict[str, Any]:
    """The explanation of an index of an office, employee, queue, priority or category in one of the evidence's windows.

    Parameters
    ----------
    asked
        The configuration in force, which the evidence may have with fewer windows.
    """
    return _Explanation(evidence, asked, entity, index, window).whole()


def framed(
    evidence: Evidence,
    asked: Configuration,
    named: Mapping[str, str | None],
    index: str,
    window: str | None,
    found: Listed,
) -> dict[str, Any]:
    """What every explanation has: what is explained, as of when, the configuration and the directory.

    Parameters
    ----------
    named
        Whose value it is, as a row of a replay says it.
    window
        One of the evidence's; None where it tells of now.
    found
        The value, its base and formula, and what else there is.
    """
    windows = evidence.engine.configuration.windows
    begins_ms = evidence.partition.tables.window_begin_ms
    return {
        **named,
        "index": index,
        "window": window,
        "from": None if window is None else int(begins_ms[windows.index(window)]),
        "at": evidence.now.now_ms,
        **found,
        "config": {key: getattr(asked, key) for key in METHOD_KEYS},
        "directory": of_office(evidence.engine.directory, asked, str(named["office_id"])),
    }


class _Explanation:
    def __init__(self, evidence: Evidence, asked: Configuration, entity: Entity, index: Index, window: str) -> None:
        self._evidence = evidence
        self._asked = asked
        self._directory: Directory = evidence.engine.directory
        self._scope, self._office_id, self._name = entity
        self._index = index
        self._questions = {counter // 8 for counter in counters_of(index) if counter < c.SURVEY_CODES}
        self._window = window
        engine = evidence.engine
        self._window_at = engine.configuration.windows.index(window)
        self._number = evidence.entity(entity)
        self._office = evidence.entity(("office", self._office_id, ""))
        self._begin_ms = int(evidence.partition.tables.window_begin_ms[self._window_at])
        self._whose: Whose | None = None  # nothing was heard of
        if self._number is not None and self._office is not None:
            self._whose = Whose(self._scope, self._number, self._name, self._office, self._office_id, self._window_at)

    def whole(self) -> dict[str, Any]:
        """The whole of it, as JSON has it."""
        counted: dict[str, list[Listed]] = {"surveys": [], "left_out": [], "force_majeures": [], "verdicts": []}
        if self._office is not None and needs_surveys(self._index):
            counted = self._surveys(self._office)
        named = {
            "scope": self._scope,
            "office_id": self._office_id,
            "employee_id": self._name if self._scope == "employee" else None,
        }
        if self._scope in NAMED_SCOPES:
            named[self._scope] = self._name
        return {
            **framed(self._evidence, self._asked, named, self._index.name, self._window, self._value()),
            **counted,
            **counted_facts(self._evidence, self._asked, self._index, self._whose),
        }

    def _value(self) -> dict[str, Any]:
        told: dict[str, Any] = {"value": None, "base": 0}
        totals: Any = [0] * c.COUNTERS
        whose = self._whose
        if whose is not None:
            values = Values(self._evidence)
            totals = values.totals(whose)
            found = values.told(whose).get(self._index.name)
            if found is not None:
                told = {"value": found.value, "base": found.base}
            if self._index.kind in JUDGED:
                return told | judgement(values, whose, self._index)
            if self._index.kind == ELSEWHERE:
                return told | goal(values, whose, self._index)
        return told | {"formula": formula(self._index, totals, told["value"], told["base"])}

    # Surveys ---------------------------------------------------------------------------------------------------------

    def _surveys(self, office: int) -> dict[str, list[Listed]]:
        evidence = self._evidence
        everyone = list(evidence.presses(office))
        presses = [press for press in everyone if self._scope == "office" or press.employee == self._number]
        verdicts = evidence.verdicts(office)
        holding = {(each.target, each.target_id): each for each in verdicts if each.holds}
        inside = [press for press in presses if self._is_inside(press.ts_ms)]
        bearing = [each for each in evidence.force_majeures(office) if self._bears(each, inside)]
        surveys, left_out = [], []
        for press in presses:
            verdict = holding.get(("survey", press.event_id))
            over = (
                [each.event_id for each in bearing if each.stands and each.covers(press)]
                if press.in_force_majeure
                else []
            )
            reasons = self._why_left_out(press, verdict, over)
            listed = _survey(press, verdict, self._asked_by(press)) | {"force_majeures": over}
            if reasons:
                if self._is_worth_telling(reasons):
                    left_out.append(listed | reasons)
            else:
                surveys.append(listed | {"counts": self._weights(press.code)})
        targets = {("survey", press.event_id) for press in inside}
        targets |= {("force_majeure", each.event_id) for each in bearing}
        return {
            "surveys": surveys,
            "left_out": left_out,
            "force_majeures": [_force_majeure(each, inside) for each in bearing],
            "verdicts": [_verdict(each) for each in verdicts if (each.target, each.target_id) in targets],
        }

    def _asked_by(self, press: Pressed) -> Listed:
        if press.is_named:
            return {"by": "press", "days": None, "local_day": None, "time_zone": None}
        return rule_of(self._directory, press.office_id, press.ts_ms)

    def _is_worth_telling(self, reasons: Listed) -> bool:
        # For what is judged, presses of a month are read, to know when each question was last asked.
        return self._index.kind not in JUDGED or reasons["reason"] != "outside_window"

    def _is_inside(self, ts_ms: int) -> bool:
        return self._begin_ms <= ts_ms <= self._evidence.now.now_ms

    def _bears(self, declared: Declared, inside: Iterable[Pressed]) -> bool:
        """Whether a force majeure is worth telling: it lies over a survey, or was declared by whom it is about."""
        own = self._scope == "office" or declared.employee == self._number
        return (own and self._is_inside(declared.ts_ms)) or any(map(declared.covers, inside))

    def _weights(self, code: int) -> dict[str, float]:
        return {
            "numerator": float(self._index.numerator.get(code, 0)),
            "base": float(self._index.base.get(code, 0)),
        }

    def _why_left_out(self, press: Pressed, verdict: Judged | None, over: list[str]) -> Listed | None:
        """The reason, the first that applies, and the ids of what makes it so; None for a survey that counts."""
        reasons: tuple[tuple[str | None, bool, list[str | None]], ...] = (
            ("outside_window", not self._is_inside(press.ts_ms), []),
            ("bounce", press.bounced_off is not None, [press.bounced_off]),
            ("undecided", press.outcome == "undecided", []),
            ("rejected", press.rejected, [verdict and verdict.event_id]),
            (None, any(self._weights(press.code).values()), []),
            ("other_question", press.code // 8 not in self._questions, []),
            ("force_majeure", press.in_force_majeure, [*over]),
            ("other_outcome", True, []),
        )
        reason, _, by = next(each for each in reasons if each[1])
        return None if reason is None else {"reason": reason, "by": by}


# Entries -----------------------------------------------------------------------------------------------------------


def _survey(press: Pressed, verdict: Judged | None, asked_by: Listed) -> Listed:
    answer = press.answer
    return {
        "survey_id": press.event_id,
        "ts": press.ts_ms,
        "panel_id": press.panel_id,
        "employee_id": press.employee_id,
        "question": press.question,
        "asked": asked_by,
        "outcome": press.outcome if press.bounced_off is None else None,
        "in_force_majeure": press.in_force_majeure,
        "press": press.place,
        "answer": None if answer is None else _answer(answer.event_id, answer.ts_ms, answer.answer, answer.place),
        "verdict": None if verdict is None else verdict.event_id,
    }


def _answer(event_id: str, ts_ms: int, answer: str, place: Place) -> Listed:
    return {"event_id": event_id, "ts": ts_ms, "answer": answer, "place": place}


def _force_majeure(declared: Declared, inside: Iterable[Pressed]) -> Listed:
    return {
        "event_id": declared.event_id,
        "ts": declared.ts_ms,
        "panel_id": declared.panel_id,
        "employee_id": declared.employee_id,
        "from": declared.from_ms,
        "to": declared.to_ms,
        "scope": "office" if declared.over_office else "panel",
        "stands": declared.stands,
        "state": {None: "pending", True: "confirmed", False: "rejected"}[declared.confirmed],
        "verdict": declared.verdict_id,
        "surveys": sum(map(declared.covers, inside)),
        "place": declared.place,
    }


def _verdict(judged: Judged) -> Listed:
    return {
        "event_id": judged.event_id,
        "ts": judged.ts_ms,
        "target": judged.target,
        "target_id": judged.target_id,
        "reliable": judged.reliable,
        "from": judged.from_ms,
        "to": judged.to_ms,
        "scope": judged.scope if judged.target == "force_majeure" else None,
        "holds": judged.holds,
        "place": judged.place,
    }
