"""A company that lives in memory: it pairs presses at once, counts in the plainest way, and says so as a worker would.

Intervals are half a tenth to either side, which no worker would say; here only their way to the page matters.
"""

import asyncio
import itertools
import threading
import time
from collections import Counter
from contextlib import contextmanager

from aiohttp import web

from agents.board.collector import Collector
from agents.board.site import Board
from agents.board.trial import NotNowError
from streams.configuration import Configuration

OUTCOMES = ("yes", "no", "hard_to_say", "silent")
INDICES = {"ink_personnel": "personnel", "ink_office": "office", "iel": "loyalty"}
WINDOWS = ("15m", "24h")
SILENT_WEIGHT = 0.8
HALF_WIDTH = 0.05
MIN_SURVEYS = 3
PATIENCE_S = 15


class FakeCompany:
    """Offices and employees, and what was pressed there."""

    def __init__(self, offices):
        self.offices = offices  # {office_id: [employee_id]}
        self.surveys = []  # in order of decision
        self.force_majeures = []
        self.rejects = []
        self.more = ""  # of /metrics
        self.trouble = ""
        self.calls = []
        self.numbers = itertools.count(1)
        self.open = {}

    # What a worker says ---------------------------------------------------------------------------------------------

    def metrics(self):
        lines = ["kqi_silent_weight 0.8", "kqi_worker_ready 1.0", "kqi_worker_in_touch 1.0"]
        lines += ["kqi_worker_directory_valid 1.0", f"kqi_worker_clock_timestamp_seconds {time.time()}"]
        lines += [f'kqi_worker_events_total{{type="seller_press"}} {len(self.surveys)}.0', *self.more.splitlines()]
        for scope, entities in (("office", self.of_offices()), ("employee", self.of_employees())):
            families = {}
            for labels, surveys in entities:
                for family, more, value in told(surveys):
                    families.setdefault(family, []).append((labels, more, value))
            for family, samples in families.items():
                name = f"kqi_{scope}_{family}"
                lines += [f"# HELP {name} What {family} means.", f"# TYPE {name} gauge"]
                lines += [
                    f'{name}{{{more}{labels},window="{window}"}} {value!r}'
                    for labels, more, value in samples
                    for window in WINDOWS
                ]
        return "\n".join(lines) + "\n"

    def of_offices(self):
        for office in self.offices:
            yield f'office="{office}"', [survey for survey in self.counted() if survey["office_id"] == office]

    def of_employees(self):
        for office, employees in self.offices.items():
            for name in employees:
                mine = [each for each in self.counted() if (each["office_id"], each["employee_id"]) == (office, name)]
                yield f'office="{office}",employee="{name}"', mine

    def counted(self):
        return [survey for survey in self.surveys if survey["valid"]]

    # What a visitor does --------------------------------------------------------------------------------------------

    def happenings(self):
        if self.trouble:
            raise NotNowError(self.trouble)
        rows = {"surveys": self.surveys, "force_majeures": self.force_majeures, "rejects": self.rejects}
        return {"answer_window_s": 30} | {name: each[:-31:-1] for name, each in rows.items()}

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


def told(surveys):
    """Yield families, labels and values of some surveys."""
    counts = Counter((survey["question"], survey["outcome"]) for survey in surveys)
    for question in INDICES.values():
        for outcome in OUTCOMES:
            if surveys:
                yield "surveys", f'question="{question}",outcome="{outcome}",', float(counts[question, outcome])
    for index, question in INDICES.items():
        n = {outcome: counts[question, outcome] for outcome in OUTCOMES}
        total = sum(n.values())
        believed = total >= MIN_SURVEYS
        yield f"{index}_representative", "", float(believed)
        if not believed:
            yield "unrepresentative", f'index="{index}",reason="too_few_surveys",', 1.0
        if total:
            unhappy = n["no"] + SILENT_WEIGHT * n["silent"]
            value = (n["yes"] - unhappy if index == "iel" else unhappy) / total
            yield f"{index}_ratio", "", value
            yield f"{index}_base", "", float(total)
            yield f"{index}_lower_ratio", "", value - HALF_WIDTH
            yield f"{index}_upper_ratio", "", value + HALF_WIDTH
    if surveys:
        yield "silent_share_ratio", "", sum(each["outcome"] == "silent" for each in surveys) / len(surveys)


def surveyed(office, employee, *outcomes, question="personnel"):
    """Return surveys of an employee, as they are listed."""
    row = {"office_id": office, "panel_id": "panel-1", "employee_id": employee, "ts_ms": 1_767_600_000_000}
    row |= {"question": question, "valid": True, "force_majeure": False}
    return [row | {"event_id": f"{employee}-{number}", "outcome": each} for number, each in enumerate(outcomes)]


def routes(company, collector, **rules):
    """Return the routes of a board beside what it asks."""

    async def metrics(_request):
        return web.Response(text=company.metrics())

    board = Board(collector, Configuration(min_surveys=MIN_SURVEYS, **rules), trial=company)
    return [*board.routes(), web.get("/metrics", metrics)]


@contextmanager
def served(company, every_s=0.3):
    """Serve a company's board from another thread; give its address and its collector."""
    loop = asyncio.new_event_loop()
    collector = Collector(every_s)
    runner, collecting = None, None

    async def serve():
        nonlocal runner, collecting
        application = web.Application()
        application.add_routes(routes(company, collector))
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        collecting = asyncio.create_task(collector.run([address]))
        return address

    async def end():
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(serve(), loop).result(PATIENCE_S), collector
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
