"""Signs of gaming: what may mean that somebody works for the number and not for the customer. Signs, not proof.

This is the report, worked out of events; :mod:`streams.sign_counts` counts the same out of tables.

Each is a list of single things (surveys, sales, force majeures), each at its instant and with who it is about. Whatever is counted
is such a list over a window, so counts add up over employees and follow every correction. They are worked out when they are asked for:
a sign looks at what lies near a press in time, later events included, which would cost every press if it were kept up to date.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final, NamedTuple

from streams import events
from streams.configuration import Configuration
from streams.evidence import Declared, Evidence, Fact, Place, Pressed, begin_of

SIGNS: Final = (
    "quick_answers",
    "yes_runs",
    "presses_without_context",
    "sales_without_press",
    "force_majeure_after_no",
    "force_majeures_declared",
    "force_majeures_confirmed",
)


class Entry(NamedTuple):
    """One thing that a sign is made of, or that might have been one."""

    sign: str
    office_id: str
    employee_id: str
    ts_ms: int
    event_id: str
    place: Place
    because: dict[str, Any] | None  # what is odd about it; None for what only counts in the base


class Signs:
    """All signs in what a log is evidence of, as far back as the longest window."""

    def __init__(self, evidence: Evidence, configuration: Configuration) -> None:
        self._evidence = evidence
        self._limits = configuration.signs
        self._windows = configuration.windows
        self._minutes = configuration.window_minutes
        self.at_ms = evidence.now.now_ms
        self._begin_ms = min(begin_of(self.at_ms, minutes * 60_000) for minutes in self._minutes)
        self._since_ms = self._begin_ms - round(self._limits.context_s * 1000)  # before it nothing is near anything
        presses = [press for press in evidence.presses() if press.bounced_off is None]
        self._presses = [press for press in presses if press.ts_ms >= self._begin_ms]
        self._surveys = [press for press in self._presses if press.outcome != "undecided" and not press.rejected]
        self._accepted = _Times(
            (press.office_id, press.employee_id, press.ts_ms) for press in presses if press.ts_ms >= self._since_ms
        )
        self._noes = _Times(
            (press.office_id, press.panel_id, press.answer.ts_ms)
            for press in presses
            if press.answer is not None and press.answer.answer == "no"
        )
        self._sales = [(self._office_of(fact), fact) for fact in evidence.facts(events.SALE)]
        self._contacts = _Times(self._found_contacts())
        declared = evidence.force_majeures()
        self._declared = [each for each in declared if each.ts_ms >= self._begin_ms]
        self.entries = [
            *self._quick_answers(),
            *self._yes_runs(),
            *self._presses_without_context(),
            *self._sales_without_press(),
            *self._force_majeures(),
        ]

    def _office_of(self, fact: Fact) -> str:
        return self._evidence.partition.names.entities[fact.office][1]

    def _found_contacts(self) -> Iterator[tuple[str, str | None, int]]:
        """Whatever shows that a customer was there: office, employee if it names one, instant."""
        for kind in (events.VISIT, events.CALL, events.SALE):
            for fact in self._evidence.facts(kind, begin_ms=self._since_ms):
                if kind != events.VISIT or fact.row["amount"] > 0:
                    yield self._office_of(fact), fact.employee_id, fact.ts_ms

    # The signs -------------------------------------------------------------------------------------------------------

    def _quick_answers(self) -> Iterator[Entry]:
        """Answers so soon after the press that the customer can hardly have read the question; of all answered surveys."""
        limit_ms = round(self._limits.quick_answer_s * 1000)
        for survey in self._surveys:
            if survey.answer is not None:
                after_ms = survey.answer.ts_ms - survey.ts_ms
                odd = {"after_ms": after_ms, "answer": survey.answer.place} if after_ms <= limit_ms else None
                yield _of_survey("quick_answers", survey, odd)

    def _yes_runs(self) -> Iterator[Entry]:
        """Surveys in long runs of nothing but yes of one employee; of all surveys answered with yes."""
        ordered = sorted(self._surveys, key=lambda each: (*_who(each), each.ts_ms, each.event_id.encode()))
        for (*_, is_yes), run in groupby(ordered, key=lambda each: (*_who(each), each.outcome == "yes")):
            surveys = list(run)
            odd = {"run": len(surveys)} if len(surveys) >= self._limits.yes_run else None
            if is_yes:
                yield from (_of_survey("yes_runs", survey, odd) for survey in surveys)

    def _presses_without_context(self) -> Iterator[Entry]:
        """Surveys with no visit, call or sale near them; of all surveys of offices that told of any of these in that time."""
        limit_ms = round(self._limits.context_s * 1000)
        for survey in self._surveys:
            if self._contacts.has(survey.office_id):
                near = any(
                    self._contacts.near(survey.office_id, who, survey.ts_ms - limit_ms, survey.ts_ms + limit_ms)
                    for who in (None, survey.employee_id)
                )
                yield _of_survey("presses_without_context", survey, None if near else {})

    def _sales_without_press(self) -> Iterator[Entry]:
        """Sales of an employee without an accepted press of theirs near them; of all sales of employees where anybody pressed."""
        limit_ms = round(self._limits.context_s * 1000)
        for office, sale in self._sales:
            amount_minor = int(sale.row["amount"])
            who = sale.employee_id
            if who is None or amount_minor <= 0 or sale.ts_ms < self._begin_ms or not self._accepted.has(office):
                continue
            near = self._accepted.near(office, who, sale.ts_ms - limit_ms, sale.ts_ms + limit_ms)
            odd = None if near else {"amount_minor": amount_minor}
            yield Entry("sales_without_press", office, who, sale.ts_ms, sale.event_id, sale.place, odd)

    def _force_majeures(self) -> Iterator[Entry]:
        """Force majeures declared, those that an expert confirmed, and those just after a no on their panel; of all declared."""
        limit_ms = round(self._limits.force_majeure_after_no_s * 1000)
        for each in self._declared:
            soon = self._noes.near(each.office_id, each.panel_id, each.ts_ms - limit_ms, each.ts_ms)
            state = {None: "pending", True: "confirmed", False: "rejected"}[each.confirmed]
            yield _of_declared("force_majeure_after_no", each, {"state": state} if soon else None)
            yield _of_declared("force_majeures_declared", each, {"state": state})
            yield _of_declared("force_majeures_confirmed", each, {"state": state} if each.confirmed else None)

    # Counts ----------------------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """Counts of each sign of each office and employee in each window, with what they are of; none where that is 0."""
        counts: dict[tuple[str, str, str], list[list[int]]] = defaultdict(lambda: [[0, 0] for _ in self._windows])
        begins_ms = [begin_of(self.at_ms, minutes * 60_000) for minutes in self._minutes]
        for entry in self.entries:
            for name in ("", entry.employee_id):
                held = counts[entry.office_id, name, entry.sign]
                for window, begin_ms in enumerate(begins_ms):
                    if entry.ts_ms >= begin_ms:
                        held[window][0] += entry.because is not None
                        held[window][1] += 1
        ordered = sorted(counts.items(), key=lambda item: (*item[0][:2], SIGNS.index(item[0][2])))
        return [
            {
                "scope": "employee" if name else "office",
                "office_id": office,
                "employee_id": name or None,
                "window": window,
                "sign": sign,
                "count": count,
                "base": base,
            }
            for (office, name, sign), held in ordered
            for window, (count, base) in zip(self._windows, held, strict=True)
            if base
        ]

    def listed(self) -> list[dict[str, Any]]:
        """Each single thing that is a sign, by office, employee and time."""
        odd = [entry for entry in self.entries if entry.because is not None]
        odd.sort(key=lambda each: (each.office_id, each.employee_id, SIGNS.index(each.sign), each.ts_ms, each.event_id))
        return [
            {
                "sign": each.sign,
                "office_id": each.office_id,
                "employee_id": each.employee_id,
                "ts": each.ts_ms,
                "event_id": each.event_id,
                **(each.because or {}),
                "place": each.place,
            }
            for each in odd
        ]


class _Times:
    """Instants of what somebody did, or of what happened at a place, of each office."""

    def __init__(self, found: Iterable[tuple[str, str | None, int]]) -> None:
        self._times: dict[tuple[str, str | None], list[int]] = defaultdict(list)
        for office, name, ts_ms in found:
            self._times[office, name].append(ts_ms)
        for times in self._times.values():
            times.sort()
        self._offices = {office for office, _ in self._times}

    def has(self, office: str) -> bool:
        """Whether there is any in an office."""
        return office in self._offices

    def near(self, office: str, name: str | None, from_ms: int, to_ms: int) -> bool:
        """Whether there is one between two instants, both included."""
        times = self._times.get((office, name), [])
        at = bisect_left(times, from_ms)
        return at < len(times) and times[at] <= to_ms


def _who(press: Pressed) -> tuple[str, str]:
    return press.office_id, press.employee_id


def _of_survey(sign: str, press: Pressed, odd: dict[str, Any] | None) -> Entry:
    return Entry(sign, press.office_id, press.employee_id, press.ts_ms, press.event_id, press.place, odd)


def _of_declared(sign: str, each: Declared, odd: dict[str, Any] | None) -> Entry:
    return Entry(sign, each.office_id, each.employee_id, each.ts_ms, each.event_id, each.place, odd)
