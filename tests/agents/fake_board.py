"""A company behind the board that lives in memory: it pairs presses at once and counts in the plainest way."""

import itertools
import time
from collections import Counter

from agents.board_source import NotNowError

COLUMNS = [
    ("ink_personnel", "lower", "personnel", "Dissatisfaction with front-line staff."),
    ("ink_office", "lower", "office", "Dissatisfaction with the office and its processes."),
    ("iel", "higher", "loyalty", "Emotional loyalty."),
    ("silent_share", None, None, "Share of surveys left unanswered."),
]
SILENT_WEIGHT = 0.8


class FakeBoard:
    """A `BoardSource` of a few offices and employees."""

    windows = ("15m", "1h", "30d")

    def __init__(self, offices):
        self.offices = offices  # {office_id: [employee_id]}
        self.surveys = []  # in order of decision
        self.force_majeures = []
        self.rejects = []
        self.trouble = ""
        self.calls = []
        self.numbers = itertools.count(1)
        self.open = {}

    def snapshot(self, window):
        if self.trouble:
            raise NotNowError(self.trouble)
        return {
            "at_ms": round(time.time() * 1000),
            "window": window,
            "windows": list(self.windows),
            "silent_weight": SILENT_WEIGHT,
            "min_surveys": 30,
            "answer_window_s": 30,
            "force_majeure_duration_s": 900,
            "indices": [
                {"name": name, "unit": "ratio", "better": better, "help": text} for name, better, _, text in COLUMNS
            ],
            "offices": [
                {
                    "office_id": office_id,
                    "values": self.values(lambda survey, office_id=office_id: survey["office_id"] == office_id),
                    "employees": [
                        {
                            "employee_id": employee_id,
                            "values": self.values(
                                lambda survey, who=(office_id, employee_id): (
                                    (survey["office_id"], survey["employee_id"]) == who
                                )
                            ),
                        }
                        for employee_id in employees
                    ],
                }
                for office_id, employees in self.offices.items()
            ],
            "surveys": self.surveys[:-31:-1],
            "force_majeures": self.force_majeures[:-31:-1],
            "rejects": self.rejects[:-31:-1],
            "worker": {"events": next(self.numbers), "events_per_s": 12.5, "dead_letters": len(self.rejects), "lag": 0},
        }

    def values(self, concerns):
        readings = []
        counted = [survey for survey in self.surveys if survey["valid"] and concerns(survey)]
        for name, _, question, _ in COLUMNS:
            asked = [survey for survey in counted if question in {None, survey["question"]}]
            if name == "ink_personnel":
                asked = [survey for survey in asked if not survey["force_majeure"]]
            n = Counter(survey["outcome"] for survey in asked)
            unhappy = n["silent"] if question is None else n["no"] + SILENT_WEIGHT * n["silent"]
            total = n["yes"] - unhappy if name == "iel" else unhappy
            readings.append((total / len(asked) if asked else None, len(asked)))
        return readings

    async def press(self, office_id, panel_id, employee_id, *, long, question):
        self.calls.append(("press", office_id, panel_id, employee_id, long, question))
        if employee_id not in self.offices.get(office_id, ()):
            raise NotNowError("there is no such employee")
        event_id = f"press-{next(self.numbers)}"
        row = {"event_id": event_id, "office_id": office_id, "panel_id": panel_id, "employee_id": employee_id}
        row["ts_ms"] = round(time.time() * 1000)
        if long:
            self.force_majeures.append(row | {"reliable": None})
        else:
            self.open[office_id] = row | {"question": question, "valid": True, "force_majeure": False}
        return event_id

    async def answer(self, office_id, panel_id, answer):
        self.calls.append(("answer", office_id, panel_id, answer))
        if survey := self.open.pop(office_id, None):
            self.surveys.append(survey | {"outcome": answer})
        return f"answer-{next(self.numbers)}"

    async def review(self, office_id, target, target_id, *, reliable):
        self.calls.append(("review", office_id, target, target_id, reliable))
        rows, field = (self.surveys, "valid") if target == "survey" else (self.force_majeures, "reliable")
        for row in rows:
            if (row["office_id"], row["event_id"]) == (office_id, target_id):
                row[field] = reliable
        return f"verdict-{next(self.numbers)}"
