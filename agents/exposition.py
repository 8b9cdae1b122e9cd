"""Index values as Prometheus text, read from the arrays when scraped; nothing is stored, so nothing goes stale.

Of a series only its labels are made beforehand and kept. A scrape takes its values partition by partition, each as of
one instant, and then joins names, labels and numbers. Both text formats write gauges alike, so one text serves both.

A scrape comes in pieces. Between any two of them the caller may let something else happen; none takes longer than some
milliseconds, whatever the number of series.

At most ``metrics_max_series`` series are shown: offices first, then priorities, categories and queues, then employees, by partition and in order
of first sight, up to the first that does not fit with all of its series, then what departments think of each other. Those from
there on are left out. How employees do beside their peers comes last but one, and signs of gaming, which are up to a minute old, last.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from agents.beside_peers import BesidePeers
from agents.department_exposition import Departments, department_families
from agents.sign_exposition import SIGN_FAMILIES, KeptSigns, SignSeries
from agents.text_format import escaped, head, leader_lines
from kernels.formulas import DIAGNOSIS, ELSEWHERE, Formulas
from kernels.indices import evaluate_some
from kernels.layout import OPEN_NOW, OVERDUE_NOW, survey_code
from kernels.trust import Grounds
from streams.catalogue import catalogue, metric_name
from streams.comparison import NOWHERE, Comparing, Elsewhere
from streams.configuration import Configuration
from streams.departments import Told
from streams.directory import Directory, Office
from streams.engine import Engine
from streams.evaluation import formulas_of
from streams.goals import Led
from streams.index import OUTCOMES, QUESTIONS, STAFF, Index, Scope, Weights
from streams.partition import Partition
from streams.results import REQUESTED_NOW
from streams.signs import SIGNS
from streams.trust import each_diagnosis, each_reason, standards

ENTITIES_AT_ONCE = 1000  # of which a piece makes the labels, or counts the series
LINES_AT_ONCE = 1024
BYTES_AT_ONCE = 100_000  # a socket takes its time for more
TEXTS_AT_ONCE = 64  # also where they are empty, since it takes a while to find that out
# Of offices: means over offices are weighted by what these rest on; others have it as a metric of its own.
WITH_BASE = ("ink_personnel", "ink_office", "iel", "silent_share", "service_level")
SURVEYS, UNREPRESENTATIVE, ASKED = "surveys", "unrepresentative", "question_last_asked_timestamp_seconds"
_REQUESTS_NOW = (
    ("requests_open", OPEN_NOW, "Requests that are open now, where any is."),
    ("requests_overdue", OVERDUE_NOW, "Requests that are open now, and late for a target."),
)
_ORDER: tuple[Scope, ...] = ("office", "priority", "category", "queue", "employee")  # the most important first

_NEVER_ASKED = np.empty((0, len(QUESTIONS)))


def office_info(directory: Directory, offices: Sequence[Office]) -> bytes:
    """What the directory says of offices, for boards to join to their indices; nothing where there are none."""
    if not offices:
        return b""
    lines = [
        f'kqi_office_info{{office="{escaped(each.id)}",name="{escaped(each.name or "")}",'
        f'region="{escaped(each.region or "")}",time_zone="{escaped(directory.zone_of(each.id).name)}"}} 1.0\n'
        for each in offices
    ]
    return head("kqi_office_info", "What the directory says of an office.") + "".join(lines).encode()


class _Metrics:
    """The metrics of one scope: each has a formula, and a beginning of its lines."""

    def __init__(self, configuration: Configuration, scope: Scope) -> None:
        self._scope = scope
        self._rows: list[Index] = []
        self.beginnings: list[bytes] = []
        self.places: dict[str, range] = {}  # of the metrics of each family
        self.goals: dict[str, int] = {}  # the metrics of indices that take more than counters, by name
        for index in catalogue(configuration):
            if scope in index.scopes:
                self._add_index(index)
                if scope == "office" and index.name in WITH_BASE:
                    self._add(f"{index.name}_base", [_base(index)], [""])
        if scope in STAFF:
            surveys = _survey_counts()
            labels = [f'question="{question}",outcome="{each}",' for question in QUESTIONS for each in OUTCOMES]
            self._add(SURVEYS, surveys, labels)
            reasons = each_reason()
            self._add(UNREPRESENTATIVE, reasons.values(), [f'index="{i}",reason="{each}",' for i, each in reasons])
        self.formulas: Formulas = formulas_of(self._rows, standards(configuration))
        self.formulas.has_base[self.places.get(SURVEYS, range(0))] = True

    def _add_index(self, index: Index) -> None:
        family = metric_name(self._scope, index).removeprefix(f"kqi_{self._scope}_")
        if index.kind == DIAGNOSIS:
            self._add(family, each_diagnosis(index), [f'{index.name}="{word}",' for word in index.words])
        else:
            self._add(family, [index], [""])
            if index.kind == ELSEWHERE:
                self.goals[index.name] = self.places[family].start

    def _add(self, family: str, rows: Iterable[Index], labels: list[str]) -> None:
        """Add the metrics of a family; their labels are those that they have besides those of all."""
        self.places[family] = range(len(self._rows), len(self._rows) + len(labels))
        self._rows += rows
        self.beginnings += [f"kqi_{self._scope}_{family}{{{label}".encode() for label in labels]


def _base(index: Index) -> Index:
    return Index(f"{index.name}_base", "count", ("office",), "", index.base, index.base, divides=False, needs_base=True)


def _survey_counts() -> list[Index]:
    """Counts of surveys by question and outcome; all of them have a value where there is any survey."""
    counts: list[Weights] = [
        {survey_code(question, outcome, 0): 1.0, survey_code(question, outcome, 1): 1.0}
        for question in range(len(QUESTIONS))
        for outcome in range(len(OUTCOMES))
    ]
    every = {counter: weight for count in counts for counter, weight in count.items()}
    return [Index("surveys", "count", STAFF, "", count, every, divides=False) for count in counts]


class _Names:
    """The entities of one partition by scope, and their labels, as far as they were needed yet."""

    def __init__(self, partition: Partition, windows: tuple[str, ...]) -> None:
        self.partition = partition
        self._windows = windows
        self._known = 0
        self.entities = {scope: array("q") for scope in _ORDER}  # in order of first sight
        self.labels: dict[Scope, list[bytes]] = {scope: [] for scope in _ORDER}  # entity by entity, all windows of each
        self.offices: list[bytes] = []  # labels of offices without a window

    def sort(self) -> bool:
        """Sort some more entities by scope; False when there are none."""
        new = self.partition.names.entities[self._known : self._known + ENTITIES_AT_ONCE]
        for number, (scope, _, _) in enumerate(new, self._known):
            if scope != "nameless":
                self.entities[scope].append(number)
        self._known += len(new)
        return bool(new)

    def label(self, scope: Scope, count: int) -> bool:
        """Make some more labels of the first ``count`` entities of a scope; False when there are none to make."""
        labels = self.labels[scope]
        known = len(labels) // len(self._windows)
        new = self.entities[scope][known : min(count, known + ENTITIES_AT_ONCE)]
        for number in new:
            _, office, name = self.partition.names.entities[number]
            own = "" if scope == "office" else f'{scope}="{escaped(name)}",'
            if scope == "office":
                self.offices.append(f'office="{escaped(office)}"}} '.encode())
            start = f'office="{escaped(office)}",{own}window="'
            labels += [f'{start}{window}"}} '.encode() for window in self._windows]
        return bool(new)


class _Part:
    """What one partition has to show of one scope."""

    def __init__(
        self,
        names: _Names,
        values: NDArray[np.float64],
        counts: NDArray[np.int64],
        further: NDArray[np.int64],
        grounds: Grounds,
        asked_s: NDArray[np.float64],
        now: NDArray[np.int32],
        besides: NDArray[np.int64],
    ) -> None:
        self.names = names
        self.grounds = grounds
        self.asked_s = asked_s  # (entities, questions) when each was last asked, NaN for never; of offices alone
        self.values = values  # (entities, windows, metrics), NaN for none
        self.counts = counts  # (entities,) of values
        self.now = now  # (entities and those further, 2) requests open and overdue
        self.besides = besides  # (entities and those further,) of series that are not computed of counters alone
        self.further = further  # entities whose values were not taken, for want of room; they stand behind the others
        self.shown = counts.size  # of the entities

    def names_of(self, scope: Scope) -> tuple[Sequence[int], int, list[bytes]]:
        """The entities that there were, how many of them are shown, and the labels of these at least."""
        entities = self.names.entities[scope][: self.counts.size + self.further.size]
        return entities, self.shown, self.names.labels[scope]


class Exposition:
    """The text of all indices of a worker's partitions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        configuration = engine.configuration
        self.metrics = {scope: _Metrics(configuration, scope) for scope in _ORDER}
        self.departments = Departments(engine)
        self.comparing = Comparing(configuration)
        self.signs = KeptSigns(engine)
        self._names: dict[int, _Names] = {}

    def scrape(self, partitions: Iterable[Partition], elsewhere: Elsewhere | None = NOWHERE) -> "Scrape":
        """Begin a scrape; several may be under way.

        Parameters
        ----------
        elsewhere
            The rest of the company, with whom employees are compared; None where it is not known.
        """
        held = [self._names_of(partition) for partition in partitions]
        self._names = {id(names.partition): names for names in held}
        self.departments.keep([names.partition for names in held])
        self.signs.keep([names.partition for names in held])
        return Scrape(self, held, elsewhere)

    def text(self, partitions: Iterable[Partition]) -> str:
        """Render the partitions as they stand, at once."""
        return b"".join(self.scrape(partitions).pieces()).decode()

    def _names_of(self, partition: Partition) -> _Names:
        # The names hold their partition, so that no other can have its id.
        return self._names.get(id(partition)) or _Names(partition, self.engine.configuration.windows)


class Scrape:
    """One text, piece by piece.

    ``series`` is how many series it shows, ``left_out`` how many not; both are known when the pieces have come.
    """

    def __init__(self, exposition: Exposition, partitions: list[_Names], elsewhere: Elsewhere | None) -> None:
        self.series = 0
        self.left_out = 0
        self._engine = exposition.engine
        self._metrics = exposition.metrics
        self._room = exposition.engine.configuration.metrics_max_series
        self._partitions = partitions
        windows = len(exposition.engine.configuration.windows)
        self._comparing = exposition.comparing
        self._beside_peers = BesidePeers(exposition.comparing, windows, elsewhere)
        self._signs = SignSeries(exposition.signs, windows)
        self._parts: dict[Scope, list[_Part]] = {scope: [] for scope in _ORDER}
        self._leaders: list[Led] = []
        self._departments = exposition.departments
        self._of_departments: list[Told] = []

    def pieces(self) -> Iterator[bytes]:
        """The text; pieces may be empty."""
        used = dict.fromkeys(_ORDER, 0)
        for names in self._partitions:
            while names.sort():
                yield b""
            self._take(names, used)
            yield b""
        self._cut()
        yield from self._count_left_out()
        yield from self._label()
        yield from self._compare()
        yield from self._take_signs()
        yield from _in_pieces(self._families())

    def _take(self, names: _Names, used: dict[Scope, int]) -> None:
        """Take the values of a partition, of one instant; no more of them than there can be room for."""
        totals = self._engine.evaluation.totals(names.partition)
        grounds = self._engine.evaluation.grounds(names.partition)
        self._beside_peers.take(names.partition, totals, grounds)
        asked_ms = names.partition.asked_ms
        everyone = np.arange(len(names.partition.names.entities))
        reached = self._engine.evaluation.reached(names.partition, everyone, totals, grounds)
        self._leaders += self._engine.evaluation.leaders(names.partition, reached)
        more_important = 0
        for scope in _ORDER:
            entities = np.array(names.entities[scope], np.int64)
            more_important += used[scope]
            room = max(0, self._room - more_important)
            asked_s = np.where(asked_ms < 0, np.nan, asked_ms / 1000) if scope == "office" else _NEVER_ASKED
            tables = names.partition.tables
            now = tables.request_now[tables.request_rows[entities]]
            besides = _besides(asked_s, now)
            metrics = self._metrics[scope]
            for name in metrics.goals:
                besides += np.count_nonzero(~np.isnan(reached.values[name][entities]), axis=1) if reached.values else 0
            values, counts = evaluate_some(totals, entities, metrics.formulas, room, grounds, besides)
            if reached.values:
                for name, place in metrics.goals.items():
                    values[:, :, place] = reached.values[name][entities[: counts.size]]
            part = _Part(names, values, counts, entities[counts.size :], grounds, asked_s, now, besides)
            self._parts[scope].append(part)
            taken = room if part.further.size else int(counts.sum())
            used[scope] += taken
            more_important += taken
        self._of_departments += self._departments.series(names.partition)

    def _cut(self) -> None:
        """Leave out all from the first entity that does not fit; other partitions may have needed the room."""
        room = self._cut_leaders()
        for scope in _ORDER:
            for part in self._parts[scope]:
                ends = np.cumsum(part.counts)
                part.shown = int(np.searchsorted(ends, room, side="right"))
                shown = int(ends[part.shown - 1]) if part.shown else 0
                self.series += shown
                self.left_out += int(part.counts.sum()) - shown
                room = 0 if part.shown < part.counts.size or part.further.size else room - shown
        self.left_out += max(0, len(self._of_departments) - room)
        del self._of_departments[room:]
        self.series += len(self._of_departments)

    def _cut_leaders(self) -> int:
        """Leave out leaders from the first who does not fit; how many series there is room for behind them."""
        ends = np.cumsum([2 * np.count_nonzero(led.people) for led in self._leaders], dtype=np.int64)
        fitting = int(np.searchsorted(ends, self._room, side="right"))
        self.series = int(ends[fitting - 1]) if fitting else 0
        self.left_out += int(ends[-1]) - self.series if ends.size else 0
        all_fit = fitting == ends.size
        del self._leaders[fitting:]
        return self._room - self.series if all_fit else 0

    def _count_left_out(self) -> Iterator[bytes]:
        for scope, parts in self._parts.items():
            for part in parts:
                totals = self._engine.evaluation.totals(part.names.partition)
                besides = part.besides[part.counts.size :]
                for start in range(0, part.further.size, ENTITIES_AT_ONCE):
                    some = slice(start, start + ENTITIES_AT_ONCE)
                    formulas = self._metrics[scope].formulas
                    _, counts = evaluate_some(totals, part.further[some], formulas, 2**62, part.grounds, besides[some])
                    self.left_out += int(counts.sum())
                    yield b""

    def _label(self) -> Iterator[bytes]:
        for scope, parts in self._parts.items():
            for part in parts:
                while part.names.label(scope, part.shown):
                    yield b""

    def _compare(self) -> Iterator[bytes]:
        for _ in self._beside_peers.compare():
            yield b""
        parts = self._parts["employee"]
        shown = [(part.names.entities["employee"][: part.shown], part.names.labels["employee"]) for part in parts]
        self._beside_peers.fit(shown, 0 if self.left_out else self._room - self.series)
        self.series += self._beside_peers.series
        self.left_out += self._beside_peers.left_out

    def _take_signs(self) -> Iterator[bytes]:
        for names in self._partitions:
            for _ in self._signs.take(names.partition):
                yield b""
        room = 0 if self.left_out else self._room - self.series
        for scope in STAFF:
            room = yield from self._signs.fit(scope, [part.names_of(scope) for part in self._parts[scope]], room)
        self.series += self._signs.series
        self.left_out += self._signs.left_out

    def _families(self) -> Iterator[bytes]:
        columns = {scope: _columns(scope, parts) for scope, parts in self._parts.items()}
        families = [
            (scope, metric_name(scope, index), index.help)
            for index in self._engine.evaluation.indices
            for scope in index.scopes
            if scope in _ORDER
        ]
        families += [(scope, f"kqi_{scope}_{SURVEYS}", "Valid surveys by question and outcome.") for scope in STAFF]
        families += [
            (scope, f"kqi_{scope}_{UNREPRESENTATIVE}", "1 for each reason why an index is not representative.")
            for scope in STAFF
        ]
        families += [("office", f"kqi_office_{name}_base", f"What {name} rests on.") for name in WITH_BASE]
        for scope, name, text in families:
            metrics = self._metrics[scope]
            yield head(name, text)
            for place in metrics.places[name.removeprefix(f"kqi_{scope}_")]:
                yield from columns[scope].lines(metrics.beginnings[place], place)
        deviations = _Columns(self._beside_peers.labels, self._beside_peers.values)
        for place, index in enumerate(self._comparing.indices):
            name = metric_name("employee", index)
            yield head(name, index.help)
            yield from deviations.lines(f"{name}{{".encode(), place)
        yield head(f"kqi_office_{ASKED}", "When a question was last asked in an office.")
        asked = _asked_columns(self._parts["office"])
        for place, question in enumerate(QUESTIONS):
            yield from asked.lines(f'kqi_office_{ASKED}{{question="{question}",'.encode(), place)
        yield from self._requests_now()
        yield from leader_lines(self._leaders, self._engine.configuration.windows)
        yield from department_families(self._of_departments)
        yield from self._sign_lines()
        yield head("kqi_request_objective_ratio", "Share of requests that are to meet their target.")
        for target in self._engine.configuration.request_targets:
            labels = f'priority="{escaped(target.priority)}",stage="{target.stage}"'
            yield f"kqi_request_objective_ratio{{{labels}}} {float(target.objective)!r}\n".encode()
        yield head("kqi_silent_weight", "How much a silent survey counts as dissatisfaction.")
        yield f"kqi_silent_weight {float(self._engine.configuration.silent_weight)!r}\n".encode()

    def _sign_lines(self) -> Iterator[bytes]:
        for scope in STAFF:
            values = self._signs.values[scope]
            joined = np.concatenate(values) if values else np.empty((0, len(SIGN_FAMILIES), len(SIGNS)))
            for family, (name, text) in enumerate(SIGN_FAMILIES):
                yield head(f"kqi_{scope}_{name}", text)
                columns = _Columns(self._signs.labels[scope], joined[:, family])
                for place, sign in enumerate(SIGNS):
                    yield from columns.lines(f'kqi_{scope}_{name}{{sign="{sign}",'.encode(), place)

    def _requests_now(self) -> Iterator[bytes]:
        """What is of no window."""
        windows = self._engine.configuration.windows
        end = len(f',window="{windows[0]}"}} ')
        for name, column, text in _REQUESTS_NOW:
            for scope in REQUESTED_NOW:
                yield head(f"kqi_{scope}_{name}", text)
                for part in self._parts[scope]:
                    for row in np.flatnonzero(part.now[: part.shown, OPEN_NOW]).tolist():
                        labels = part.names.labels[scope][row * len(windows)][:-end].decode()
                        yield f"kqi_{scope}_{name}{{{labels}}} {float(part.now[row, column])!r}\n".encode()


def _besides(asked_s: NDArray[np.float64], now: NDArray[np.int32]) -> NDArray[np.int64]:
    """How many series entities have of when questions were last asked, and of the requests that are open, (entities,)."""
    besides: NDArray[np.int64] = len(_REQUESTS_NOW) * (now[:, OPEN_NOW] > 0).astype(np.int64)
    return besides + np.count_nonzero(~np.isnan(asked_s), axis=1) if asked_s.size else besides


class _Columns:
    """Labels, and the values of metrics, a column each."""

    def __init__(self, labels: list[bytes], values: NDArray[np.float64]) -> None:
        self._labels = np.array(labels, np.object_)
        self._values = values  # (labels, metrics), NaN for none

    def lines(self, beginning: bytes, metric: int) -> Iterator[bytes]:
        """The lines of one metric, some thousands at once."""
        for start in range(0, self._labels.size, LINES_AT_ONCE):
            values = self._values[start : start + LINES_AT_ONCE, metric]
            present = ~np.isnan(values)
            labels = self._labels[start : start + LINES_AT_ONCE][present].tolist()
            if labels:
                # The shortest digits that read back as the same number, "[0.25,7.0]": a tenth of the time of `repr`.
                numbers = orjson.dumps(values[present], option=orjson.OPT_SERIALIZE_NUMPY)
                words = [b"\n" + beginning] * (3 * len(labels) + 1)
                words[0] = beginning
                words[1::3] = labels
                words[2::3] = numbers[1:-1].split(b",")
                words[-1] = b"\n"
                yield b"".join(words)


def _columns(scope: Scope, parts: list[_Part]) -> _Columns:
    """All metrics of one scope, of all partitions one after the other."""
    labels: list[bytes] = []
    for part in parts:
        labels += part.names.labels[scope][: part.shown * part.values.shape[1]]
    shown = [part.values[: part.shown].reshape(-1, part.values.shape[2]) for part in parts]
    return _Columns(labels, np.concatenate(shown) if shown else np.empty((0, 0)))


def _asked_columns(parts: list[_Part]) -> _Columns:
    """When each question was last asked in the offices that are shown; without windows."""
    labels = [label for part in parts for label in part.names.offices[: part.shown]]
    shown = [part.asked_s[: part.shown] for part in parts]
    return _Columns(labels, np.concatenate(shown) if shown else np.empty((0, 0)))


def _in_pieces(texts: Iterator[bytes]) -> Iterator[bytes]:
    """Join texts to pieces worth handing out."""
    held: list[bytes] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size >= BYTES_AT_ONCE or len(held) == TEXTS_AT_ONCE:
            yield b"".join(held)
            held.clear()
            size = 0
    yield b"".join(held)
