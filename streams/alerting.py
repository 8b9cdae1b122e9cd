"""What people are alerted of: the keys of the configuration for it, and what of them does not fit together.

Faults between these keys and others hold up nobody but who makes rules of them (``kqi rules``): a worker needs none.
"""

from math import isfinite
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta

from streams.comparable import BETTER
from streams.request_targets import STAGES, RequestTarget

if TYPE_CHECKING:
    from streams.configuration import Configuration

Severity = Literal["critical", "warning", "info"]
MAIN: Final = ("ink_personnel", "ink_office", "iel")
# Indices of offices that have an interval, and which side of each is the better one: those that may have a threshold.
WITH_INTERVAL: Final[dict[str, Literal["lower", "higher"]]] = {
    name: BETTER.get(name, "higher")
    for name in (
        *MAIN,
        "precise_conversion",
        "visitor_coverage",
        "silent_share",
        "response_share",
        "service_level",
        "abandonment",
        "nps",
        "csat",
        "churn",
        *(f"sla_{stage}" for stage in STAGES),
    )
}


# What indices other than the main ones rest on, as a metric of offices, and the key that says how much of it tells something.
RESTS_ON: Final[dict[str, tuple[str, Literal["min_surveys", "min_due"]]]] = {
    **dict.fromkeys(
        ("precise_conversion", "visitor_coverage", "silent_share", "response_share"),
        ("silent_share_base", "min_surveys"),
    ),
    "service_level": ("service_level_base", "min_due"),
    "abandonment": ("calls_offered", "min_due"),
    "nps": ("nps_answers", "min_surveys"),
    "csat": ("csat_answers", "min_surveys"),
    "churn": ("churn_base", "min_surveys"),
    **{f"sla_{stage}": (f"sla_{stage}_due", "min_due") for stage in STAGES},
}


class BurnRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast an error budget may be used up before somebody is told: in a window, and still in a shorter one."""

    window: str
    still: str  # the shorter window, so that the alert ends soon after its cause
    burn: Annotated[float, Meta(ge=1, le=1000)]  # times as fast as the objective allows
    severity: Severity = "warning"


class Alerting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When and how people are alerted."""

    window: str = "24h"  # of indices, their thresholds and critical points
    thresholds: dict[str, float] = {}  # by index; main indices have their reference without
    service_level_objective: Annotated[float, Meta(ge=0, le=1)] = 0.8  # of calls; 0: none
    burn_rates: tuple[BurnRate, ...] = (
        BurnRate("1h", "15m", 3.0, "critical"),
        BurnRate("8h", "1h", 2.0, "warning"),
        BurnRate("7d", "24h", 1.2, "warning"),
    )
    min_due: Annotated[int, Meta(ge=1, le=1_000_000)] = 10  # calls or requests in the longer window
    panel_quiet_s: Annotated[float, Meta(ge=60, le=604_800)] = 7200  # of opening time
    office_quiet_s: Annotated[float, Meta(ge=60, le=604_800)] = 3600
    orphan_share_max: Annotated[float, Meta(ge=0, le=1)] = 0.2  # of an office's customer presses of an hour
    lag_max: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 10_000  # messages of a partition
    job: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_./-]{1,100}\Z")] = "kqi"  # of the workers, in Prometheus
    board_url: Annotated[str, Meta(pattern=r"^[^\s\"{}]{1,500}\Z")] = "http://127.0.0.1:3000"
    runbook_url: Annotated[str, Meta(pattern=r"^[^\s\"{}]{1,500}\Z")] = "docs/runbook.md"


def faults(configuration: "Configuration") -> list[str]:
    """What of these keys does not fit together or to others, a sentence each."""
    rules = configuration.alerting
    found = [
        f"`alerting.thresholds` names {name}, which has no interval: one of {', '.join(WITH_INTERVAL)}"
        for name in rules.thresholds
        if name not in WITH_INTERVAL
    ]
    found += [
        f"`alerting.thresholds` of {name} must be a finite number"
        for name, point in rules.thresholds.items()
        if not isfinite(point)
    ]
    wanted = {"alerting.window": {rules.window}}
    wanted["alerting.burn_rates"] = {window for rate in rules.burn_rates for window in (rate.window, rate.still)}
    for key, windows in wanted.items():
        found += [
            f"`{key}` needs the window {window}, which is not among `windows`: {', '.join(configuration.windows)}"
            for window in sorted(windows - set(configuration.windows))
        ]
    found += _not_apart(configuration)
    for name, objective in objectives(configuration).items():
        found += [fault for rate in rules.burn_rates if (fault := _unreachable(name, objective, rate.burn))]
    return list(dict.fromkeys(found))


def _not_apart(configuration: "Configuration") -> list[str]:
    """Burn rates whose windows say the same twice, or that nobody could tell from each other."""
    rates, minutes = (
        configuration.alerting.burn_rates,
        dict(zip(configuration.windows, configuration.window_minutes, strict=True)),
    )
    found = [
        f"`alerting.burn_rates` has {rate.still} for still of {rate.window}: take a shorter window than that"
        for rate in rates
        if {rate.still, rate.window} <= minutes.keys() and minutes[rate.still] >= minutes[rate.window]
    ]
    told = [(rate.window, rate.severity) for rate in rates]
    if len(set(told)) < len(told):
        found.append("`alerting.burn_rates` has two of one window and severity: nobody could tell their alerts apart")
    return found


def with_objective(configuration: "Configuration") -> list[RequestTarget]:
    """The targets of requests that some share of them has to meet."""
    return [target for target in configuration.request_targets if target.objective]


def objectives(configuration: "Configuration") -> dict[str, float]:
    """The objectives, by what they are of in words."""
    calls = configuration.alerting.service_level_objective
    return ({"service_level": calls} if calls else {}) | {
        f"{target.stage} of {target.priority} requests": target.objective for target in with_objective(configuration)
    }


def greatest_burn(objective: float) -> float:
    """How fast an error budget burns when nothing goes right, in times as fast as the objective allows.

    With all going wrong the share of errors is 1, and the budget is 1 - objective.
    """
    return 1 / (1 - objective) if objective < 1 else float("inf")


def _unreachable(name: str, objective: float, burn: float) -> str | None:
    if objective == 1:
        return f"the objective of {name} is 1, which leaves no error budget to burn: take one below 1"
    most = greatest_burn(objective)
    if burn < most * (1 - 1e-9):  # 1 / (1 - 0.8) is a little more than 5
        return None
    return (
        f"a burn rate of {burn:g} can never be passed for {name}: its objective of {objective:g} leaves an error budget "
        f"of {1 - objective:.3g}, which burns at most 1 / {1 - objective:.3g} = {most:.3g} times as fast as it may"
    )
