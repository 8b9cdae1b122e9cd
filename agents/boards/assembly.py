"""A board out of its rows: what all boards have in common, and their JSON as it is committed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from agents.boards.panels import DATASOURCE, AnyPanel
from agents.boards.variables import datasource_variable, job_variable
from streams.configuration import Configuration, window_minutes

COMPANY: Final = "kqi-company"
OFFICE_BOARD: Final = "kqi-office"
EMPLOYEE_BOARD: Final = "kqi-employee"
CALLS: Final = "kqi-calls"
SERVICE: Final = "kqi-service"
TAG: Final = "kqi"
DAY_MINUTES: Final = 1440


class Row(NamedTuple):
    """A heading and the panels below it."""

    title: str
    panels: Sequence[AnyPanel]


class Board(NamedTuple):
    """What makes a board; rows stand below each other."""

    uid: str
    title: str
    text: str
    since: str  # what the board shows when it is opened, such as now-24h
    refresh: str
    variables: Sequence[Builder[model.VariableModel]]
    rows: Sequence[Row]
    marks: Sequence["Mark"] = ()


@dataclass(frozen=True)
class Mark(Builder[model.AnnotationQuery]):
    """Times that all panels over time are marked with: those for which a query gives anything."""

    title: str
    expr: str
    colour: str

    def build(self) -> model.AnnotationQuery:
        """The mark as Grafana has it."""
        return _Annotation(self.title, DATASOURCE, enable=True, hide=False, icon_color=self.colour, expr=self.expr)


class _Annotation(model.AnnotationQuery):
    """With what the library leaves out: the text of a mark, and how far apart instants may lie to be one mark."""

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {"titleFormat": self.name, "step": "60s"}


def assemble(board: Board) -> model.Dashboard:
    """Put a board together; panels are numbered in their order."""
    built = (
        build.Dashboard(board.title)
        .uid(board.uid)
        .description(board.text)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .time(board.since, "now")
        .refresh(board.refresh)
        .link(
            build.DashboardLink("KQI")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
    )
    built.variables([datasource_variable(), job_variable(), *board.variables])
    for mark in board.marks:
        built.annotation(mark)
    for row in board.rows:
        built.with_row(build.Row(row.title))
        for panel in row.panels:
            built.with_panel(panel)
    dashboard = built.build()
    for number, each in enumerate(dashboard.panels or [], 1):
        each.id_val = number
    return dashboard


def as_json(dashboard: model.Dashboard) -> str:
    """The text of a board: the same board gives the same bytes."""
    encoded: dict[str, Any] = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    return json.dumps(encoded, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def usual_window(configuration: Configuration) -> str:
    """The window that boards open with: the longest of a week at most, or else the shortest there is."""
    by_length = sorted(configuration.windows, key=window_minutes)
    return max(
        (each for each in by_length if window_minutes(each) <= 7 * DAY_MINUTES),
        key=window_minutes,
        default=by_length[0],
    )


def shortest_window(configuration: Configuration) -> str:
    """The window that reacts soonest."""
    return min(configuration.windows, key=window_minutes)
