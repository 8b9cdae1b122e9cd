"""Index values as Prometheus text, read from the arrays when scraped; nothing is stored, so nothing goes stale.

Of a series only its labels are made beforehand and kept. A scrape takes its values partition by partition, each as of
one instant, and then joins names, labels and numbers. Both text formats write gauges alike, so one text serves both.

A scrape comes in pieces. Between any two of them the caller may let something else happen; none takes longer than some
milliseconds, whatever the number of series.

At most ``metrics_max_series`` series are shown: offices first, then priorities, categories and queues, then employees, by partition and in order
of first sight, up to the first that does not fit with all of its series, then what departments think of each other. Those from
there on are left out. How employees do beside their peers comes last but one, and signs of gaming, which are up to a minute old, last.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from agents.beside_peers import BesidePeers
from agents.department_exposition import Departments, department_families
from agents.metric_families import Metrics, families
from agents.series import ENTITIES_AT_ONCE, SCOPES, Names, Part
from agents.sign_exposition import SIGN_FAMILIES, KeptSigns, SignSeries
from agents.text_format import Columns, escaped, head, in_pieces, leader_lines
from kernels.indices import evaluate_some
from kernels.layout import OPEN_NOW, OVERDUE_NOW
from streams.catalogue import metric_name
from streams.comparison import NOWHERE, Comparing, Elsewhere
from streams.departments import Told
from streams.engine import Engine
from streams.goals import Led
from streams.index import QUESTIONS, STAFF, Scope
from streams.partition import Partition
from streams.results import REQUESTED_NOW
from streams.signs import SIGNS

ASKED = "question_last_asked_timestamp_seconds"
_REQUESTS_NOW = (
    ("requests_open", OPEN_NOW, "Requests that are open now, where any is."),
    ("requests_overdue", OVERDUE_NOW, "Requests that are open now, and late for a target."),
)

IsOurs = Callable[[Partition], bool]

_NEVER_ASKED = np.empty((0, len(QUESTIONS)))


class Exposition:
    """The text of all indices of a worker's partitions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        configuration = engine.configuration
        self.metrics = {scope: Metrics(configuration, scope) for scope in SCOPES}
        self.families = families(engine.evaluation.indices, self.metrics)
        self.departments = Departments(engine)
        self.comparing = Comparing(configuration)
        self.signs = KeptSigns(engine)
        self._names: dict[int, Names] = {}

    def scrape(
        self, partitions: Iterable[Partition], elsewhere: Elsewhere | None = NOWHERE, is_ours: IsOurs = lambda _: True
    ) -> "Scrape":
        """Begin a scrape; several may be under way.

        Parameters
        ----------
        elsewhere
            The rest of the company, with whom employees are compared; None where it is not known.
        is_ours
            Tells whether a partition may still be shown, when its turn comes: others may have taken it over meanwhile.
        """
        held = [self._names_of(partition) for partition in partitions]
        self._names = {id(names.partition): names for names in held}
        self.departments.keep([names.partition for names in held])
        self.signs.keep([names.partition for names in held])
        return Scrape(self, held, elsewhere, is_ours)

    def text(self, partitions: Iterable[Partition]) -> str:
        """Render the partitions as they stand, at once."""
        return b"".join(self.scrape(partitions).pieces()).decode()

    def _names_of(self, partition: Partition) -> Names:
        # The names hold their partition, so that no other can have its id.
        return self._names.get(id(partition)) or Names(partition, self.engine.configuration.windows)


class Scrape:
    """One text, piece by piece.

    ``series`` is how many series it shows, ``left_out`` how many not; both are known when the pieces have come.
    """

    def __init__(
        self, exposition: Exposition, partitions: list[Names], elsewhere: Elsewhere | None, is_ours: IsOurs
    ) -> None:
        self.series = 0
        self.left_out = 0
        self._engine = exposition.engine
        self._metrics = exposition.metrics
        self._families = exposition.families
        self._room = exposition.engine.configuration.metrics_max_series
        self._partitions = partitions
        self._is_ours = is_ours
        windows = len(exposition.engine.configuration.windows)
        self._comparing = exposition.comparing
        self._beside_peers = BesidePeers(exposition.comparing, windows, elsewhere)
        self._signs = SignSeries(exposition.signs, windows)
        self._parts: dict[Scope, list[Part]] = {scope: [] for scope in SCOPES}
        self._leaders: list[Led] = []
        self._departments = exposition.departments
        self._of_departments: list[Told] = []

    def pieces(self) -> Iterator[bytes]:
        """The text; pieces may be empty."""
        used = dict.fromkeys(SCOPES, 0)
        taken = []
        for names in self._partitions:
            while names.sort():
                yield b""
            if self._is_ours(names.partition):
                self._take(names, used)
                taken.append(names)
            yield b""
        self._partitions = taken
        self._cut()
        yield from self._count_left_out()
        yield from self._label()
        yield from self._compare()
        yield from self._take_signs()
        yield from in_pieces(self._texts())

    def _take(self, names: Names, used: dict[Scope, int]) -> None:
        """Take the values of a partition, of one instant; no more of them than there can be room for."""
        totals = self._engine.evaluation.totals(names.partition)
        grounds = self._engine.evaluation.grounds(names.partition)
        self._beside_peers.take(names.partition, totals, grounds)
        asked_ms = names.partition.asked_ms
        everyone = np.arange(len(names.partition.names.entities))
        reached = self._engine.evaluation.reached(names.partition, everyone, totals, grounds)
        self._leaders += self._engine.evaluation.leaders(names.partition, reached)
        more_important = 0
        for scope in SCOPES:
            if not names.entities[scope] and scope not in STAFF:
                continue  # few have any
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
            part = Part(names, values, counts, entities[counts.size :], grounds, asked_s, now, besides)
            self._parts[scope].append(part)
            taken = room if part.further.size else int(counts.sum())
            used[scope] += taken
            more_important += taken
        self._of_departments += self._departments.series(names.partition)

    def _cut(self) -> None:
        """Leave out all from the first entity that does not fit; other partitions may have needed the room."""
        room = self._cut_leaders()
        for scope in SCOPES:
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
                if not part.further.size:
                    continue
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

    def _texts(self) -> Iterator[bytes]:
        columns = {scope: _columns(scope, parts) for scope, parts in self._parts.items()}
        for each in columns.values():
            yield from each.look()
        for family in self._families:
            yield family.head
            for place, beginning in family.metrics:
                yield from columns[family.scope].lines(beginning, place)
        deviations = Columns(self._beside_peers.labels, self._beside_peers.values)
        yield from deviations.look()
        for place, index in enumerate(self._comparing.indices):
            name = metric_name("employee", index)
            yield head(name, index.help)
            yield from deviations.lines(f"{name}{{".encode(), place)
        yield head(f"kqi_office_{ASKED}", "When a question was last asked in an office.")
        asked = _asked_columns(self._parts["office"])
        yield from asked.look()
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
                columns = Columns(self._signs.labels[scope], joined[:, family])
                yield from columns.look()
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


def _columns(scope: Scope, parts: list[Part]) -> Columns:
    """All metrics of one scope, of all partitions one after the other."""
    labels: list[bytes] = []
    for part in parts:
        labels += part.names.labels[scope][: part.shown * part.values.shape[1]]
    shown = [part.values[: part.shown].reshape(-1, part.values.shape[2]) for part in parts]
    return Columns(labels, np.concatenate(shown) if shown else np.empty((0, 0)))


def _asked_columns(parts: list[Part]) -> Columns:
    """When each question was last asked in the offices that are shown; without windows."""
    labels = [label for part in parts for label in part.names.offices[: part.shown]]
    shown = [part.asked_s[: part.shown] for part in parts]
    return Columns(labels, np.concatenate(shown) if shown else np.empty((0, 0)))
