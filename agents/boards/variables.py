"""The variables of boards: what is picked at the top of each."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model

from agents.boards.panels import DATASOURCE
from agents.boards.queries import OFFICE, series


def datasource_variable() -> build.DatasourceVariable:
    """Which Prometheus."""
    return build.DatasourceVariable("datasource").label("Data source").type("prometheus")


def query_variable(name: str, label: str, query: str, text: str, *, every: str | None = None) -> build.QueryVariable:
    """Values that Prometheus knows; with `every`, a pattern that fits all, several of them may be picked."""
    variable = (
        build.QueryVariable(name)
        .label(label)
        .description(text)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
    if every is not None:
        variable.multi(multi=True).include_all(include_all=True).all_value(every)
        variable.current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
    return variable


def job_variable() -> build.QueryVariable:
    """Which scrape job: one of Prometheus for each group of workers."""
    return query_variable(
        "job", "Job", "label_values(kqi_silent_weight, job)", "The scrape job of the workers.", every=".+"
    )


def region_variable() -> build.QueryVariable:
    """Which regions, by the directory."""
    query = f"label_values({series('kqi_office_info')}, region)"
    text = "Regions of the directory. Offices that it does not know are in each of them."
    return query_variable("region", "Region", query, text, every=".*")


def search_variable() -> build.TextBoxVariable:
    """What the ids of the offices to choose from contain."""
    text = "A part of the office's id, or a regular expression: narrows the list of offices where there are thousands."
    return build.TextBoxVariable("search").label("Find office").description(text).default_value("")


def choice_variable(
    name: str, label: str, text: str, options: Sequence[tuple[str, str]], chosen: str
) -> build.CustomVariable:
    """A choice of fixed values: pairs of what is shown and what is meant."""
    shown = {value: title for title, value in options}
    return (
        build.CustomVariable(name)
        .label(label)
        .description(text)
        .values(",".join(value if title == value else f"{title} : {value}" for title, value in options))
        .current(model.VariableOption(selected=True, text=shown[chosen], value=chosen))
        .options([model.VariableOption(value == chosen, title, value) for title, value in options])
    )


def level_variable() -> build.CustomVariable:
    """Whether lines over time are of the company or of regions."""
    text = "Lines over time: one of the whole company, or one of each region that is picked."
    return choice_variable("level", "Over time", text, [("Company", "company"), ("Regions", "region")], "company")


def window_variable(windows: Sequence[str], chosen: str) -> build.CustomVariable:
    """Which rolling window the values are of."""
    text = "The rolling window that each value looks back over. Longer ones rest on more surveys, shorter ones react sooner."
    return choice_variable("window", "Window", text, [(window, window) for window in windows], chosen)


def top_variable() -> build.CustomVariable:
    """How many a ranking shows."""
    text = "How many rows a ranking shows at most, whatever the number of offices."
    return choice_variable("top", "Rows", text, [(each, each) for each in ("10", "20", "50", "100")], "20")


def office_variable() -> build.QueryVariable:
    """Which office: any that has surveys, calls or sales."""
    anything = series("", '__name__=~"kqi_office_(surveys|calls_offered|sales)"', 'office=~".*$search.*"')
    return query_variable("office", "Office", f"label_values({anything}, office)", "The office, as events name it.")


def employee_variable() -> build.QueryVariable:
    """Which employee of the office."""
    anything = series("", '__name__=~"kqi_employee_(surveys|calls_offered|sales)"', OFFICE)
    text = "The employee, as events name them. Who works in two offices is two employees."
    return query_variable("employee", "Employee", f"label_values({anything}, employee)", text)


def instance_variable() -> build.QueryVariable:
    """Which workers."""
    query = f"label_values({series('kqi_worker_ready')}, instance)"
    return query_variable("instance", "Instance", query, "The workers, as Prometheus names them.", every=".+")
