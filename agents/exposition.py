"""Index values as Prometheus text, read from the arrays when scraped; nothing is stored, so nothing goes stale.

Of a series only its labels are made beforehand and kept. A scrape takes its values partition by partition, each as of
one instant, and then joins names, labels and numbers. Both text formats write gauges alike, so one text serves both.

A scrape comes in pieces. Between any two of them the caller may let something else happen; none takes longer than some
milliseconds, whatever the number of series.

At most ``metrics_max_series`` series are shown: offices first, then queues, then employees, by partition and in order
of first sight, up to the first that does not fit with all of its series. Those from there on are left out.
"""

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
import orjson
from numpy.typing import NDArray

from kernels.indices import Formulas, evaluate_some
from kernels.layout import survey_code
from streams.catalogue import catalogue, metric_name
from streams.configuration import Configuration
from streams.engine import Engine, Partition, formulas_of
from streams.index import OUTCOMES, QUESTIONS, STAFF, Index, Scope, Weights

ENTITIES_AT_ONCE = 1000  # of which a piece makes the labels, or counts the series
LINES_AT_ONCE = 1024
BYTES_AT_ONCE = 100_000  # a socket takes its time for more
TEXTS_AT_ONCE = 64  # also where they are empty, since it takes a while to find that out
_ORDER: tuple[Scope, ...] = ("office", "queue", "employee")  # the most important first


def escaped(text: str) -> str:
    """A label value as the text format wants it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class _Metrics:
    """The metrics of one scope: each has a formula, and a beginning of its lines."""

    def __init__(self, configuration: Configuration, scope: Scope) -> None:
        indices = [index for index in catalogue(configuration) if scope in index.scopes]
        self.places = {index.name: at for at, index in enumerate(indices)}
        self.beginnings = [f"{metric_name(scope, index)}{{".encode() for index in indices]
        formulas = formulas_of(indices)
        self.survey_places: range = range(0)
        if scope in STAFF:
            surveys = _survey_counts()
            self.survey_places = range(len(indices), len(indices) + len(surveys))
            self.beginnings += [
                f'kqi_{scope}_surveys{{question="{question}",outcome="{outcome}",'.encode()
                for question in QUESTIONS
                for outcome in OUTCOMES
            ]
            formulas = formulas_of(indices + surveys)
            formulas.has_base[self.survey_places] = True
        self.formulas: Formulas = formulas


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
            start = f'office="{escaped(office)}",{own}window="'
            labels += [f'{start}{window}"}} '.encode() for window in self._windows]
        return bool(new)


class _Part:
    """What one partition has to show of one scope."""

    def __init__(
        self, names: _Names, values: NDArray[np.float64], counts: NDArray[np.int64], further: NDArray[np.int64]
    ) -> None:
        self.names = names
        self.values = values  # (entities, windows, metrics), NaN for none
        self.counts = counts  # (entities,) of values
        self.further = further  # entities whose values were not taken, for want of room
        self.shown = counts.size  # of the entities


class Exposition:
    """The text of all indices of a worker's partitions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        configuration = engine.configuration
        self.metrics = {scope: _Metrics(configuration, scope) for scope in _ORDER}
        self._names: dict[int, _Names] = {}

    def scrape(self, partitions: Iterable[Partition]) -> "Scrape":
        """Begin a scrape; several may be under way."""
        held = [self._names_of(partition) for partition in partitions]
        self._names = {id(names.partition): names for names in held}
        return Scrape(self, held)

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

    def __init__(self, exposition: Exposition, partitions: list[_Names]) -> None:
        self.series = 0
        self.left_out = 0
        self._engine = exposition.engine
        self._metrics = exposition.metrics
        self._room = exposition.engine.configuration.metrics_max_series
        self._partitions = partitions
        self._parts: dict[Scope, list[_Part]] = {scope: [] for scope in _ORDER}

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
        yield from _in_pieces(self._families())

    def _take(self, names: _Names, used: dict[Scope, int]) -> None:
        """Take the values of a partition, of one instant; no more of them than there can be room for."""
        totals = self._engine.totals(names.partition)
        more_important = 0
        for scope in _ORDER:
            entities = np.array(names.entities[scope], np.int64)
            more_important += used[scope]
            room = max(0, self._room - more_important)
            values, counts = evaluate_some(totals, entities, self._metrics[scope].formulas, room)
            part = _Part(names, values, counts, entities[counts.size :])
            self._parts[scope].append(part)
            taken = room if part.further.size else int(counts.sum())
            used[scope] += taken
            more_important += taken

    def _cut(self) -> None:
        """Leave out all from the first entity that does not fit; other partitions may have needed the room."""
        room = self._room
        for scope in _ORDER:
            for part in self._parts[scope]:
                ends = np.cumsum(part.counts)
                part.shown = int(np.searchsorted(ends, room, side="right"))
                shown = int(ends[part.shown - 1]) if part.shown else 0
                self.series += shown
                self.left_out += int(part.counts.sum()) - shown
                room = 0 if part.shown < part.counts.size or part.further.size else room - shown

    def _count_left_out(self) -> Iterator[bytes]:
        for scope, parts in self._parts.items():
            for part in parts:
                totals = self._engine.totals(part.names.partition)
                for start in range(0, part.further.size, ENTITIES_AT_ONCE):
                    entities = part.further[start : start + ENTITIES_AT_ONCE]
                    _, counts = evaluate_some(totals, entities, self._metrics[scope].formulas, 2**62)
                    self.left_out += int(counts.sum())
                    yield b""

    def _label(self) -> Iterator[bytes]:
        for scope, parts in self._parts.items():
            for part in parts:
                while part.names.label(scope, part.shown):
                    yield b""

    def _families(self) -> Iterator[bytes]:
        columns = {scope: _Columns(scope, parts) for scope, parts in self._parts.items()}
        for index in self._engine.indices:
            for scope in index.scopes:
                metrics = self._metrics[scope]
                yield _head(metric_name(scope, index), index.help)
                yield from columns[scope].lines(metrics.beginnings, metrics.places[index.name])
        for scope in STAFF:
            metrics = self._metrics[scope]
            yield _head(f"kqi_{scope}_surveys", "Valid surveys by question and outcome.")
            for place in metrics.survey_places:
                yield from columns[scope].lines(metrics.beginnings, place)
        yield _head("kqi_silent_weight", "How much a silent survey counts as dissatisfaction.")
        yield f"kqi_silent_weight {float(self._engine.configuration.silent_weight)!r}\n".encode()


class _Columns:
    """The values and labels of one scope, of all partitions one after the other; a metric is a column."""

    def __init__(self, scope: Scope, parts: list[_Part]) -> None:
        labels: list[bytes] = []
        for part in parts:
            labels += part.names.labels[scope][: part.shown * part.values.shape[1]]
        self._labels = np.array(labels, np.object_)
        shown = [part.values[: part.shown].reshape(-1, part.values.shape[2]) for part in parts]
        self._values = np.concatenate(shown) if shown else np.empty((0, 0))

    def lines(self, beginnings: list[bytes], metric: int) -> Iterator[bytes]:
        """The lines of one metric, some thousands at once."""
        for start in range(0, self._labels.size, LINES_AT_ONCE):
            values = self._values[start : start + LINES_AT_ONCE, metric]
            present = ~np.isnan(values)
            labels = self._labels[start : start + LINES_AT_ONCE][present].tolist()
            if labels:
                # The shortest digits that read back as the same number, "[0.25,7.0]": a tenth of the time of `repr`.
                numbers = orjson.dumps(values[present], option=orjson.OPT_SERIALIZE_NUMPY)
                words = [b"\n" + beginnings[metric]] * (3 * len(labels) + 1)
                words[0] = beginnings[metric]
                words[1::3] = labels
                words[2::3] = numbers[1:-1].split(b",")
                words[-1] = b"\n"
                yield b"".join(words)


def _head(metric: str, text: str) -> bytes:
    return f"# HELP {metric} {text}\n# TYPE {metric} gauge\n".encode()


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
