"""Alerting rules: when somebody is told, whom it concerns, and with which numbers.

Every alert has the labels `severity`, `team` (who is told: operations or quality managers) and `office` (`all` where it
is about a worker, of which nobody can say which offices it has). Those that follow from a worker that is down have
`follows` = `worker`. Names of alerts are headings of the runbook.
"""

from typing import Final, NamedTuple

from streams.alert import Alert
from streams.alerting import MAIN, RESTS_ON, WITH_INTERVAL, BurnRate, greatest_burn, with_objective
from streams.configuration import Configuration
from streams.promql import latest, quoted, selected, total
from streams.request_targets import RequestTarget, priorities
from streams.worker_alerts import worker_alerts

BUDGET_DAYS: Final = 30  # what an error budget is usually reckoned for
MIN_ORPHANS: Final = 10  # fewer in an hour are nobody's alarm


def alert_rules(configuration: Configuration) -> dict[str, list[Alert]]:
    """All alerts, by group."""
    return {
        "kqi-indices": [
            *_thresholds(configuration),
            *_critical_points(configuration),
            _force_majeure(configuration),
        ],
        "kqi-objectives": [*_call_burns(configuration), *_request_burns(configuration), *_overdue(configuration)],
        "kqi-offices": _quiet(configuration),
        "kqi-workers": worker_alerts(configuration),
    }


# Texts -------------------------------------------------------------------------------------------------------------

_OFFICE = "office {{ $labels.office }}"
_BOARD = "/d/kqi-office?var-office={{ $labels.office | urlquery }}"
_VALUE: Final = '{{ $value | printf "%.3f" }}'
_COUNT: Final = '{{ $value | printf "%.0f" }}'
_PERCENT: Final = "{{ $value | humanizePercentage }}"


def _looked_up(metric: str, shape: str = 'printf "%.3f"', **labels: str) -> str:
    """A template that tells another number of the same office; labels that are empty are those of the alert."""
    places = "".join(f" $labels.{name}" for name, value in labels.items() if not value)
    matchers = ", ".join(f"{name}={quoted(value) if value else '%q'}" for name, value in labels.items())
    query = f"max ({metric}{{{matchers}}})"
    return f"{{{{ with printf `{query}`{places} | query }}}}{{{{ . | first | value | {shape} }}}}{{{{ else }}}}?{{{{ end }}}}"


def _board(window: str) -> str:
    """The office on its board, in a window."""
    return f"{_BOARD}&var-window={window}"


def _while_open(expr: str, job: str) -> str:
    """What counts but while the office is closed, when nobody can do anything."""
    return f"(\n{expr}\n)\nunless on (office) {latest('kqi_office_open', ('office',), job=job)} == 0"


# Indices -----------------------------------------------------------------------------------------------------------


def _thresholds(configuration: Configuration) -> list[Alert]:
    points = {name: getattr(configuration.reference, name) for name in MAIN} | configuration.alerting.thresholds
    return [_threshold(configuration, name, point) for name, point in points.items()]


def _threshold(configuration: Configuration, name: str, point: float) -> Alert:
    """It must be certain, and rest on enough: the interval of one call in which nothing went right is short of nothing."""
    window = configuration.alerting.window
    where = {"job": configuration.alerting.job, "window": window}
    is_worse_above = WITH_INTERVAL[name] == "lower"
    end, sign, least = ("lower", ">", "at least") if is_worse_above else ("upper", "<", "at most")
    expr = f"{latest(f'kqi_office_{name}_{end}_ratio', ('office', 'window'), **where)} {sign} {point:g}"
    if name in MAIN:
        judged = latest(f"kqi_office_{name}_representative", ("office", "window"), **where)
        expr += f"\nand on (office, window)\n{judged} == 1"
    else:
        base, key = RESTS_ON[name]
        least_of = configuration.min_surveys if key == "min_surveys" else configuration.alerting.min_due
        expr += (
            f"\nand on (office, window)\n{latest(f'kqi_office_{base}', ('office', 'window'), **where)} >= {least_of}"
        )
    value = _looked_up(f"kqi_office_{name}_ratio", office="", **where)
    return Alert(
        "KqiIndexPastThreshold",
        expr,
        "10m",
        "warning",
        "quality",
        _board(window),
        f"{name} of {_OFFICE} is past its threshold",
        f"Over {window}, {name} of {_OFFICE} is {value}, and with 95 % certainty {least} {_VALUE}. "
        f"Its threshold is {point:g}.",
        {"index": name},
    )


def _critical_points(configuration: Configuration) -> list[Alert]:
    window, job = configuration.alerting.window, configuration.alerting.job
    alerts = []
    for name, point in configuration.comparison.critical_points.items():
        metric = f"kqi_employee_{name.removesuffix('_s')}_past_critical"
        past = latest(metric, ("office", "employee"), job=job, window=window)
        alerts.append(
            Alert(
                "KqiEmployeesPastCriticalPoint",
                f"count by (office) ({past} == 1)",
                "10m",
                "warning",
                "quality",
                _board(window),
                f"Employees of {_OFFICE} are past the critical point of {name}",
                f"Over {window}, {_COUNT} of the employees of {_OFFICE} have {name} past the critical point {point:g} "
                "with their whole interval, and it may be believed.",
                {"index": name},
            )
        )
    return alerts


def _force_majeure(configuration: Configuration) -> Alert:
    window, most = configuration.alerting.window, configuration.force_majeure_level_max
    where = {"job": configuration.alerting.job, "window": window}
    surveys = latest("kqi_office_silent_share_base", ("office", "window"), **where)  # of every question
    level = latest("kqi_office_force_majeure_level_ratio", ("office", "window"), **where)
    asked = _looked_up("kqi_office_silent_share_base", 'printf "%.0f"', office="", **where)
    return Alert(
        "KqiForceMajeure",
        f"{level} > {most:g}\nand on (office, window)\n{surveys} >= {configuration.min_surveys}",
        "10m",
        "warning",
        "quality",
        _board(window),
        f"Much force majeure in {_OFFICE}",
        f"Over {window}, {_PERCENT} of the {asked} surveys of {_OFFICE} lie in a standing force majeure, more than {100 * most:.4g}%. "
        "Nobody there can be assessed by that time.",
        {},
    )


# Objectives --------------------------------------------------------------------------------------------------------


def _call_burns(configuration: Configuration) -> list[Alert]:
    rules = configuration.alerting
    objective, metric = rules.service_level_objective, "kqi_office_service_level"
    if not objective:
        return []
    alerts = []
    for rate in rules.burn_rates:
        where = {"job": rules.job, "window": rate.window}
        level = _looked_up(f"{metric}_ratio", "humanizePercentage", office="", **where)
        calls = _looked_up(f"{metric}_base", 'printf "%.0f"', office="", **where)
        base = latest(f"{metric}_base", ("office",), **where)
        burn = _Burn("office:kqi_service_level:burn_rate", ("office",), {"job": rules.job})
        alerts.append(
            Alert(
                "KqiServiceLevelBurn",
                _burning(rate, burn, f"{base} >= {rules.min_due}"),
                "2m",
                rate.severity,
                "operations",
                _board(rate.window),
                f"Calls of {_OFFICE} wait too long",
                f"Over {rate.window}, {level} of {calls} calls of {_OFFICE} were answered in time; the objective is {100 * objective:.4g}%. "
                + _pace(rate, objective),
                {"window": rate.window},
            )
        )
    return alerts


def _request_burns(configuration: Configuration) -> list[Alert]:
    rules, by = configuration.alerting, ("office", "priority")
    alerts = []
    for target in with_objective(configuration):
        metric, own = f"kqi_priority_sla_{target.stage}", {"job": rules.job, "priority": target.priority}
        for rate in rules.burn_rates:
            given = {"job": rules.job, "office": "", "priority": "", "window": rate.window}
            level = _looked_up(f"{metric}_ratio", "humanizePercentage", **given)
            due = _looked_up(f"{metric}_due", 'printf "%.0f"', **given)
            base = latest(f"{metric}_due", by, **own, window=rate.window)
            burn = _Burn("priority:kqi_sla:burn_rate", by, own | {"stage": target.stage})
            alerts.append(
                Alert(
                    "KqiRequestsBurn",
                    _burning(rate, burn, f"{base} >= {rules.min_due}", at_night=_counts_at_night(target)),
                    "2m",
                    rate.severity,
                    "operations",
                    _board(rate.window),
                    f"Requests of {_OFFICE} miss their targets",
                    f"Over {rate.window}, {level} of {due} requests of priority {{{{ $labels.priority }}}} of {_OFFICE} "
                    f"met their target for {target.stage} ({target.within}); the objective is {100 * target.objective:.4g}%. "
                    + _pace(rate, target.objective),
                    {"stage": target.stage, "window": rate.window},
                )
            )
    return alerts


class _Burn(NamedTuple):
    """A burn rate that is recorded: what it is told by, and with which labels."""

    record: str
    by: tuple[str, ...]
    labels: dict[str, str]

    def over(self, window: str) -> str:
        """The rate in a window."""
        return latest(self.record, self.by, **self.labels, window=window)


def _burning(rate: BurnRate, burn: _Burn, is_enough: str, *, at_night: bool = False) -> str:
    """Both windows burn too fast, the longer one rests on enough, and the office is open, or time runs on while it is closed."""
    on = f"and on ({', '.join(burn.by)})"
    expr = (
        f"  {burn.over(rate.window)} > {rate.burn:g}\n"
        f"{on}\n  {burn.over(rate.still)} > {rate.burn:g}\n"
        f"{on}\n  {is_enough}"
    )
    return expr if at_night else _while_open(expr, burn.labels["job"])


def _counts_at_night(target: RequestTarget) -> bool:
    return target.hours == "elapsed"


def _pace(rate: BurnRate, objective: float) -> str:
    return (
        f'Errors are {{{{ $value | printf "%.2f" }}}} times as many as it allows (the limit is {rate.burn:g}; with nothing in time '
        f"it would be {greatest_burn(objective):.3g}), nor are the last {rate.still} better. At {rate.burn:g} times, what is allowed in "
        f"{BUDGET_DAYS} days is used up in {BUDGET_DAYS / rate.burn:.3g}."
    )


def _overdue(configuration: Configuration) -> list[Alert]:
    targets = configuration.request_targets
    at_night = {target.priority for target in targets if _counts_at_night(target)}
    return [
        _overdue_of(priority, configuration.alerting.job, at_night=priority in at_night)
        for priority in priorities(targets)
    ]


def _overdue_of(priority: str, job: str, *, at_night: bool) -> Alert:
    expr = f"{latest('kqi_priority_requests_overdue', ('office', 'priority'), job=job, priority=priority)} > 0"
    opened = _looked_up("kqi_priority_requests_open", 'printf "%.0f"', job=job, office="", priority="")
    return Alert(
        "KqiRequestsOverdue",
        expr if at_night else _while_open(expr, job),
        "15m",
        "warning",
        "operations",
        _BOARD,
        f"Requests of {_OFFICE} are overdue",
        f"{_COUNT} of {opened} open requests of priority {{{{ $labels.priority }}}} of {_OFFICE} are late for a target.",
        {},
    )


# Offices -----------------------------------------------------------------------------------------------------------


def _quiet(configuration: Configuration) -> list[Alert]:
    rules, job = configuration.alerting, configuration.alerting.job
    opened = f"and on (office) {latest('kqi_office_open', ('office',), job=job)} == 1"
    quiet = selected("kqi_panel_quiet_seconds", job=job)
    presses = total("kqi_panel_customer_presses", ("office",), ("panel", "role"), job=job)
    orphans = total("kqi_panel_customer_presses", ("office",), ("panel",), job=job, role="orphan")
    return [
        Alert(
            "KqiCompanyQuiet",
            f"min ({quiet}) > {rules.office_quiet_s:g}\nand on ()\nmax ({selected('kqi_office_open', job=job)}) == 1",
            "5m",
            "critical",
            "operations",
            "/d/kqi-company",
            "No presses from any office",
            "Offices are open, and no panel of any of them has sent anything for {{ $value | humanizeDuration }} of their opening "
            "hours: what panels send does not come through.",
            {"office": "all"},
        ),
        Alert(
            "KqiOfficeQuiet",
            f"min by (office) ({quiet}) > {rules.office_quiet_s:g}\n{opened}",
            "5m",
            "warning",
            "operations",
            _BOARD,
            f"No presses from {_OFFICE}",
            f"{_OFFICE[0].upper() + _OFFICE[1:]} is open, and none of its panels has sent anything for "
            "{{ $value | humanizeDuration }} of its opening hours.",
            {},
        ),
        Alert(
            "KqiPanelQuiet",
            f"min by (office, panel) ({quiet}) > {rules.panel_quiet_s:g}\n{opened}",
            "5m",
            "warning",
            "operations",
            _BOARD,
            f"No presses on panel {{{{ $labels.panel }}}} of {_OFFICE}",
            f"{_OFFICE[0].upper() + _OFFICE[1:]} is open, and its panel {{{{ $labels.panel }}}} has sent nothing for "
            "{{ $value | humanizeDuration }} of its opening hours.",
            {},
        ),
        Alert(
            "KqiAnswersWithoutPresses",
            f"{orphans} / {presses} > {rules.orphan_share_max:g}\nand on (office)\n{orphans} >= {MIN_ORPHANS}",
            "10m",
            "warning",
            "quality",
            _BOARD,
            f"Customers of {_OFFICE} answer what nobody asked",
            f"Of the customers' presses of the last hour in {_OFFICE}, {_PERCENT} belong to no survey, more than "
            f"{100 * rules.orphan_share_max:.4g}%: no seller pressed before them.",
            {},
        ),
    ]
