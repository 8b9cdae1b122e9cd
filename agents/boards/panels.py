"""The kinds of panels that boards are put together from, each with the few choices that ours make.

Builders of `grafana_foundation_sdk` do the rest, so that field names and values are those that Grafana knows.
"""

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any, Final, NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from agents.boards.looks import COUNT, Look

DATASOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
KEPT: Final = "${datasource:queryparam}&${job:queryparam}&${__url_time_range}"
"""What a link to another board takes along."""
NOTHING: Final = "no value"

AnyPanel = bargauge.Panel | stat.Panel | statetimeline.Panel | table.Panel | timeseries.Panel
_Kind = TypeVar("_Kind", bargauge.Panel, stat.Panel, statetimeline.Panel, table.Panel, timeseries.Panel)


class Target(NamedTuple):
    """A query, and the name of what it gives."""

    expr: str
    legend: str = ""


class Link(NamedTuple):
    """A link of a value to another board; `variables` are pairs such as `("office", "${__data.fields.office}")`."""

    title: str
    uid: str
    variables: tuple[tuple[str, str], ...] = ()
    keeps_window: bool = True

    def built(self) -> build.DashboardLink:
        """The link as Grafana has it."""
        kept = KEPT + "&${window:queryparam}" * self.keeps_window
        given = "".join(f"&var-{name}={value}" for name, value in self.variables)
        return build.DashboardLink(self.title).url(f"/d/{self.uid}?{kept}{given}")


class Frame(NamedTuple):
    """What every panel has: its title, how to read it, its size on a grid of 24 columns, and where its values lead."""

    title: str
    text: str
    width: int = 12
    height: int = 8
    link: Link | None = None


class Column(NamedTuple):
    """A column of a table."""

    title: str
    expr: str
    look: Look = COUNT


def stats(frame: Frame, look: Look, *targets: Target, named: bool = False) -> stat.Panel:
    """Numbers of now; with `named`, what is shown is the name, of the one that holds."""
    shown = choices.BigValueTextMode.NAME if named else choices.BigValueTextMode.AUTO
    return (
        _framed(stat.Panel(), frame, look, targets, now=True)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields(""))
        .color_mode(choices.BigValueColorMode.VALUE if look.has_limit or look.words else choices.BigValueColorMode.NONE)
        .graph_mode(choices.BigValueGraphMode.NONE)
        .justify_mode(choices.BigValueJustifyMode.AUTO)
        .orientation(choices.VizOrientation.AUTO)
        .text_mode(shown)
    )


def bars(frame: Frame, look: Look, *targets: Target) -> bargauge.Panel:
    """Values of now beside each other, a bar each."""
    return (
        _framed(bargauge.Panel(), frame, look, targets, now=True)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(values=False).fields(""))
        .display_mode(choices.BarGaugeDisplayMode.BASIC)
        .orientation(choices.VizOrientation.HORIZONTAL)
        .show_unfilled(show_unfilled=True)
    )


def lines(frame: Frame, look: Look, *targets: Target, stacked: bool = False) -> timeseries.Panel:
    """Values over time; the limit, if there is one, is a dashed line."""
    panel = (
        _framed(timeseries.Panel(), frame, look, targets, now=False)
        .legend(common.VizLegendOptions().show_legend(show_legend=True).display_mode(choices.LegendDisplayMode.LIST)
                .placement(choices.LegendPlacement.BOTTOM).calcs([]))
        .tooltip(common.VizTooltipOptions().mode(choices.TooltipDisplayMode.MULTI).sort(choices.SortOrder.DESCENDING))
        .line_width(1)
        .fill_opacity(30 if stacked else 0)
        .show_points(choices.VisibilityMode.NEVER)
    )  # fmt: skip
    if stacked:
        panel.stacking(common.StackingConfig().mode(choices.StackingMode.NORMAL).group("A"))
    if look.has_limit:
        style = common.GraphThresholdsStyleConfig().mode(choices.GraphTresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
        panel.color_scheme(build.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    return panel


def banded(panel: timeseries.Panel, lower: str, upper: str) -> timeseries.Panel:
    """The same with the space between two of its series filled: the interval of a value."""
    hidden = model.DynamicConfigValue("custom.lineWidth", 0)
    filled = [model.DynamicConfigValue("custom.fillBelowTo", lower), model.DynamicConfigValue("custom.fillOpacity", 15)]
    return panel.override_by_name(lower, [hidden]).override_by_name(upper, [hidden, *filled])


def states(frame: Frame, look: Look, *targets: Target) -> statetimeline.Panel:
    """Which state held when, a row for each series."""
    return (
        _framed(statetimeline.Panel(), frame, look, targets, now=False)
        .show_value(choices.VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .row_height(0.8)
        .legend(common.VizLegendOptions().show_legend(show_legend=False).display_mode(choices.LegendDisplayMode.LIST)
                .placement(choices.LegendPlacement.BOTTOM).calcs([]))
    )  # fmt: skip


def rows(frame: Frame, key: str, columns: Sequence[Column], *, worst: tuple[str, bool]) -> table.Panel:
    """A table of now with a row for each value of the label `key`; `worst` is the column that sorts it, and whether downwards.

    Each column is a query of its own; they are joined by the key, so that a row may have gaps.
    """
    names = {f"Value #{letter}": column.title for letter, column in zip(ascii_uppercase, columns, strict=False)}
    order = {name: place for place, name in enumerate((key, *names))}
    targets = [Target(column.expr) for column in columns]
    title, downwards = worst
    panel = (
        _framed(table.Panel(), frame, COUNT, targets, now=True, as_table=True)
        .transformations([
            model.DataTransformerConfig("joinByField", options={"byField": key, "mode": "outer"}),
            model.DataTransformerConfig(
                "filterFieldsByName", options={"include": {"pattern": f"^({key}|Value.*)$"}}
            ),
            model.DataTransformerConfig(
                "organize", options={"excludeByName": {}, "indexByName": order, "renameByName": names}
            ),
        ])
        .show_header(show_header=True)
        .sort_by([common.TableSortByFieldState().display_name(title).desc(desc=downwards)])
        .footer(common.TableFooterOptions().show(show=False).reducer(["sum"]).enable_pagination(enable_pagination=True))
    )  # fmt: skip
    for column in columns:
        panel.override_by_name(column.title, column.look.properties)
    if frame.link is not None:
        panel.override_by_name(key, [model.DynamicConfigValue("links", [frame.link.built().build()])])
    return panel


def _framed(
    panel: _Kind, frame: Frame, look: Look, targets: Sequence[Target], *, now: bool, as_table: bool = False
) -> _Kind:
    panel.title(frame.title).description(frame.text).datasource(DATASOURCE).span(frame.width).height(frame.height)
    panel.unit(look.unit).thresholds(look.thresholds).mappings(list(look.mappings)).no_value(NOTHING)
    if look.low is not None:
        panel.min(look.low)
    if look.high is not None:
        panel.max(look.high)
    if look.decimals is not None:
        panel.decimals(look.decimals)
    for letter, target in zip(ascii_uppercase, targets, strict=False):
        panel.with_target(_query(target, letter, now=now, as_table=as_table))
    if frame.link is not None and not as_table:
        panel.data_links([frame.link.built()])
    return panel


def _query(target: Target, letter: str, *, now: bool, as_table: bool) -> Any:
    shape = PromQueryFormat.TABLE if as_table else PromQueryFormat.TIME_SERIES
    query = prometheus.Dataquery().expr(target.expr).ref_id(letter).format(shape).datasource(DATASOURCE)
    if target.legend:
        query.legend_format(target.legend)
    return query.instant() if now else query.range()
