"""Index values as Prometheus text, read from the arrays when scraped; nothing is stored, so nothing goes stale.

The part of a line before its value is made once for each series and kept. A scrape picks those that have a value and
appends it. Both text formats write gauges alike, so one text serves both.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from kernels.layout import survey_code
from streams.catalogue import OUTCOMES, QUESTIONS, STAFF, Index, Scope, metric_name
from streams.engine import Engine, Partition, Values

Labels = NDArray[np.object_]
_SCOPES: tuple[Scope, ...] = ("office", "employee", "queue")


def escaped(text: str) -> str:
    """A label value as the text format wants it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class _Series:
    """The series of one partition: which entities are of which scope, and the beginnings of their lines."""

    def __init__(self, partition: Partition, windows: tuple[str, ...]) -> None:
        self.partition = partition
        self.entities = len(partition.names.entities)
        self.rows: dict[Scope, NDArray[np.int64]] = {}
        self.labels: dict[Scope, Labels] = {}  # (entities of the scope, windows)
        self.beginnings: dict[str, Labels] = {}
        order = partition.names.entities.order
        for scope in _SCOPES:
            rows = [number for number, entity in enumerate(order) if entity[0] == scope]
            labels = [[_labels(scope, order[row], window) for window in windows] for row in rows]
            self.rows[scope] = np.array(rows, np.int64)
            self.labels[scope] = np.array(labels, np.object_).reshape(len(rows), len(windows))

    def lines(self, metric: str, scope: Scope, extra: str, values: NDArray[np.float64]) -> str:
        """Lines of one metric; ``values`` (entities of the scope, windows), NaN for no line."""
        beginnings = self.beginnings.get(metric + extra)
        if beginnings is None:
            beginnings = np.array(
                [f"{metric}{{{labels}{extra}}} " for labels in self.labels[scope].ravel()], np.object_
            ).reshape(self.labels[scope].shape)
            self.beginnings[metric + extra] = beginnings
        present = ~np.isnan(values)
        pairs = zip(beginnings[present].tolist(), values[present].tolist(), strict=True)
        return "".join(map("%s%r\n".__mod__, pairs))


def _labels(scope: Scope, entity: tuple[Scope, str, str | None], window: str) -> str:
    _, office, name = entity
    own = "" if scope == "office" else f'{scope}="{escaped(name or "")}",'
    return f'office="{escaped(office)}",{own}window="{window}"'


class Exposition:
    """The text of all indices of a worker's partitions."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._series: dict[int, _Series] = {}

    def text(self, partitions: Iterable[Partition]) -> str:
        """Render the partitions as they stand."""
        held = [(self._series_of(partition), self.engine.values(partition)) for partition in partitions]
        self._series = {id(series.partition): series for series, _ in held}
        return "".join(self._families(held))

    def _series_of(self, partition: Partition) -> _Series:
        known = self._series.get(id(partition))
        if known is None or known.partition is not partition or known.entities != len(partition.names.entities):
            return _Series(partition, self.engine.configuration.windows)
        return known

    def _families(self, held: list[tuple[_Series, Values]]) -> Iterator[str]:
        for position, index in enumerate(self.engine.indices):
            for scope in index.scopes:
                yield from self._index_family(held, position, index, scope)
        for scope in STAFF:
            yield from self._survey_family(held, scope)
        weight = self.engine.configuration.silent_weight
        yield "# HELP kqi_silent_weight How much a silent survey counts as dissatisfaction.\n"
        yield f"# TYPE kqi_silent_weight gauge\nkqi_silent_weight {float(weight)!r}\n"

    def _index_family(
        self, held: list[tuple[_Series, Values]], position: int, index: Index, scope: Scope
    ) -> Iterator[str]:
        metric = metric_name(scope, index)
        yield f"# HELP {metric} {index.help}\n# TYPE {metric} gauge\n"
        for series, values in held:
            rows = series.rows[scope]
            if rows.size:
                shown = np.where(values.seen[rows], values.values[rows, :, position], np.nan)
                yield series.lines(metric, scope, "", shown)

    def _survey_family(self, held: list[tuple[_Series, Values]], scope: Scope) -> Iterator[str]:
        metric = f"kqi_{scope}_surveys"
        yield f"# HELP {metric} Valid surveys by question and outcome.\n# TYPE {metric} gauge\n"
        for series, values in held:
            rows = series.rows[scope]
            if not rows.size:
                continue
            totals = values.totals[rows].astype(np.float64)
            counts = {
                (question, outcome): totals[..., survey_code(q, o, 0)] + totals[..., survey_code(q, o, 1)]
                for q, question in enumerate(QUESTIONS)
                for o, outcome in enumerate(OUTCOMES)
            }
            any_survey = sum(counts.values()) > 0
            for (question, outcome), count in counts.items():
                extra = f',question="{question}",outcome="{outcome}"'
                yield series.lines(metric, scope, extra, np.where(any_survey, count, np.nan))
