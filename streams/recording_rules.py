"""Recording rules: indices of the company and of its regions, and how fast error budgets burn.

What stands for many offices is the mean of theirs, weighted by what each value rests on: the same as if everything had
happened in one office. It is worked out of the figures of offices alone, which are few; never of those of employees.
Companies are told apart by the scrape job of their workers, which their figures keep.
"""

from typing import Any, NamedTuple

from streams.alerting import with_objective
from streams.configuration import Configuration
from streams.promql import latest


class Recording(NamedTuple):
    """A metric that Prometheus makes of others."""

    record: str
    expr: str
    labels: dict[str, str]

    def rule(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {"record": self.record, "expr": self.expr} | ({"labels": self.labels} if self.labels else {})


def recording_rules(configuration: Configuration) -> dict[str, list[Recording]]:
    """All of them, by group."""
    return {"kqi-company": _levels(), "kqi-burn-rates": _burn_rates(configuration)}


# Company and regions -----------------------------------------------------------------------------------------------


def _means() -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Name, value, weight and labels beside job and office of everything that is a mean."""
    window = ("window",)

    def of(metric: str, labels: tuple[str, ...] = window) -> str:
        return latest(metric, ("job", "office", *labels))

    bases = {
        "ink_personnel": "ink_personnel",
        "ink_office": "ink_office",
        "iel": "iel",
        "silent_share": "silent_share",
        "force_majeure_level": "silent_share",  # both are shares of all surveys
        "precise_conversion": "silent_share",
        "service_level": "service_level",
        "abandonment": "service_level",
    }
    return [
        *(
            (f"{name}:ratio", of(f"kqi_office_{name}_ratio"), of(f"kqi_office_{base}_base"), window)
            for name, base in bases.items()
        ),
        *(
            (f"{name}:ratio", of(f"kqi_office_{name}_ratio"), of(f"kqi_office_{name}_answers"), window)
            for name in ("nps", "csat")
        ),
        (
            "average_speed_of_answer:seconds",
            of("kqi_office_average_speed_of_answer_seconds"),
            of("kqi_office_calls_answered"),
            window,
        ),
        *(
            (
                f"sla_{stage}:ratio",
                of(f"kqi_priority_sla_{stage}_ratio", ("priority", "window")),
                of(f"kqi_priority_sla_{stage}_due", ("priority", "window")),
                ("priority", "window"),
            )
            for stage in ("first_response", "on_site", "resolved")
        ),
    ]


def _sums() -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, value and labels beside job and office of everything that adds up."""
    window, priority = ("window",), ("priority",)
    counted = (
        ("surveys:sum", "kqi_office_silent_share_base", window),
        ("calls_offered:sum", "kqi_office_calls_offered", window),
        ("calls_answered:sum", "kqi_office_calls_answered", window),
        ("calls_missed:sum", "kqi_office_calls_missed", window),
        ("sales:sum", "kqi_office_sales", window),
        ("requests_open:sum", "kqi_priority_requests_open", priority),
        ("requests_overdue:sum", "kqi_priority_requests_overdue", priority),
        ("offices:sum", "kqi_office_diagnosis", ("diagnosis", "window")),
    )
    return [(name, latest(metric, ("job", "office", *labels)), labels) for name, metric, labels in counted]


def _levels() -> list[Recording]:
    rules = []
    for name, value, weight, labels in _means():
        rules += [
            Recording(
                f"{level}:kqi_{name}",
                f"{_summed(level, f'{value} * {weight}', labels)}\n/\n{_summed(level, weight, labels)}",
                {},
            )
            for level in ("company", "region")
        ]
    for name, value, labels in _sums():
        rules += [
            Recording(f"{level}:kqi_{name}", _summed(level, value, labels), {}) for level in ("company", "region")
        ]
    return rules


def _summed(level: str, value: str, labels: tuple[str, ...]) -> str:
    """The sum over all offices of a job, or over those of each region that the directory names."""
    if level == "company":
        return f"sum by ({', '.join(('job', *labels))}) ({value})"
    region = 'max by (job, office, region) (kqi_office_info{region!=""})'
    kept = ", ".join(("job", "region", *labels))
    return f"sum by ({kept}) ({value} * on (job, office) group_left (region) {region})"


# Error budgets -----------------------------------------------------------------------------------------------------


def _burn_rates(configuration: Configuration) -> list[Recording]:
    """Share of errors over the share that the objective allows: at 1 it is just met."""
    rules = configuration.alerting
    needed = {window for rate in rules.burn_rates for window in (rate.window, rate.still)}
    windows = tuple(window for window in configuration.windows if window in needed)
    if not windows:
        return []
    found = []
    job = {"job": rules.job}
    if rules.service_level_objective:
        value = latest("kqi_office_service_level_ratio", ("office", "window"), **job, window=windows)
        expr = f"(1 - {value}) / (1 - {rules.service_level_objective:g})"
        found.append(Recording("office:kqi_service_level:burn_rate", expr, job))
    for target in with_objective(configuration):
        metric = f"kqi_priority_sla_{target.stage}_ratio"
        value = latest(metric, ("office", "priority", "window"), **job, priority=target.priority, window=windows)
        expr = f"(1 - {value}) / (1 - {target.objective:g})"
        found.append(Recording("priority:kqi_sla:burn_rate", expr, job | {"stage": target.stage}))
    return found
