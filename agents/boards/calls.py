"""The board *Calls and SLA*: whether calls and requests are served in time, how fast the error budget goes, what is overdue."""

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import CustomVariable

from agents.boards.assembly import CALLS, OFFICE_BOARD, Board, Row, usual_window
from agents.boards.company import BY_LABEL, TO_OFFICE
from agents.boards.looks import COUNT, NONE_WANTED, SECONDS, SHARE, worse_above
from agents.boards.panels import AnyPanel, Column, Frame, Link, Target, bars, lines, rows, stats
from agents.boards.queries import WINDOW, by, in_region, mean, of_offices, recorded, series
from agents.boards.variables import choice_variable, level_variable, region_variable, top_variable, window_variable
from streams.configuration import Configuration

OBJECTIVES: Final = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
STAGES: Final = ("first_response", "on_site", "resolved")
BURN: Final = worse_above(1, unit="none")
BURN_TEXT: Final = (
    "How fast the error budget goes: the share that was not in time / what the objective leaves. 1: exactly the objective; "
    "above, the objective is missed if it goes on so. It can never exceed 1 / (1 - objective): at 80 % that is 5."
)


def calls(configuration: Configuration) -> Board:
    """Calls and requests of all offices, or of some."""
    return Board(
        uid=CALLS,
        title="KQI / Calls and SLA",
        text="Calls answered in time, requests that meet their targets, the error budgets of both, and what is overdue now.",
        since="now-24h",
        refresh="1m",
        variables=[
            region_variable(),
            window_variable(configuration.windows, usual_window(configuration)),
            _objective_variable(configuration),
            top_variable(),
            level_variable(),
        ],
        rows=[
            Row("Calls now", _calls_now(configuration)),
            Row("Calls over time", _calls_course(configuration)),
            Row("Offices and queues, the worst first", _worst()),
            Row("Requests", _requests()),
            Row("Requests that are late", _overdue()),
        ],
    )


def _objective_variable(configuration: Configuration) -> CustomVariable:
    """Which objective of calls: at first the one that alerts go by."""
    alerted = configuration.alerting.service_level_objective or 0.8
    options = [(f"{100 * each:g} %", f"{each:g}") for each in sorted({*OBJECTIVES, alerted})]
    text = "The share of calls that is to be answered in time."
    return choice_variable("objective", "Objective", text, options, f"{alerted:g}")


def _of(name: str, *matchers: str) -> str:
    """A metric by office, in the region: for rankings."""
    return in_region(by("office", _all(name, *matchers)))


def _all(name: str, *matchers: str, scope: str = "office") -> str:
    return of_offices(f"kqi_{scope}_{name}", *matchers)


def _total(name: str, *matchers: str) -> str:
    return f"sum({in_region(_all(name, *matchers))})"


def _per_call(name: str, *matchers: str, weight: str = "service_level_base", labels: str = "") -> str:
    """Mean over the offices, each by the calls that it rests on."""
    return mean(in_region(_all(name, *matchers)), _all(weight, *matchers), labels)


def _per_request(name: str, weight: str) -> str:
    """Mean over the offices by priority, each by its requests."""
    value, base = (_all(each, WINDOW, scope="priority") for each in (name, weight))
    return mean(in_region(value), base, "priority")


def _calls_now(configuration: Configuration) -> list[AnyPanel]:
    in_time = f"answered within {configuration.service_level_s:g} s"
    level = _per_call("service_level_ratio", WINDOW)
    return [
        stats(
            Frame(
                "Service level",
                f"Share of inbound calls {in_time}; abandoned within {configuration.short_abandon_s:g} s they count neither way. The mean of the "
                "offices, each by the calls that it rests on.",
                width=4,
                height=4,
            ),
            SHARE,
            Target(level, "service level"),
        ),
        stats(Frame("Burn", BURN_TEXT, width=4, height=4), BURN, Target(f"(1 - {level}) / (1 - $objective)", "burn")),
        stats(
            Frame(
                "Abandoned",
                "Share of inbound calls whose callers gave up, shortly abandoned ones aside.",
                width=4,
                height=4,
            ),
            SHARE,
            Target(_per_call("abandonment_ratio", WINDOW), "abandoned"),
        ),
        stats(
            Frame("Speed of answer", "Mean wait of answered inbound calls.", width=4, height=4),
            SECONDS,
            Target(
                _per_call("average_speed_of_answer_seconds", WINDOW, weight="calls_answered"),
                "speed of answer",
            ),
        ),
        stats(
            Frame("Offered", "Inbound calls in the window, whatever became of them.", width=4, height=4),
            COUNT,
            Target(_total("calls_offered", WINDOW), "offered"),
        ),
        stats(
            Frame("Missed", "Inbound calls in the window that nobody answered.", width=4, height=4),
            COUNT,
            Target(_total("calls_missed", WINDOW), "missed"),
        ),
    ]


def _calls_course(configuration: Configuration) -> list[AnyPanel]:
    objective = f"0 * max({series('kqi_silent_weight')}) + $objective"
    by_window = _per_call("service_level_ratio", labels="window")
    return [
        lines(
            Frame(
                "Service level over time",
                f"Share of inbound calls answered within {configuration.service_level_s:g} s, of the window that ended then, and the objective: "
                "while the level is above it, the error budget burns at less than 1.",
                width=6,
            ),
            SHARE,
            Target(recorded("service_level:ratio", WINDOW), "service level {{region}}"),
            Target(objective, "objective"),
        ),
        bars(
            Frame(
                "Burn by window",
                f"{BURN_TEXT} Short windows react first, long ones tell whether it lasts: act when both are above 1.",
                width=6,
            ),
            BURN,
            Target(f"(1 - {by_window}) / (1 - $objective)", "{{window}}"),
        ),
        lines(
            Frame(
                "Calls", "Inbound calls in the window that ended then, and those of them that nobody answered.", width=6
            ),
            COUNT,
            Target(recorded("calls_offered:sum", WINDOW), "offered {{region}}"),
            Target(recorded("calls_missed:sum", WINDOW), "missed {{region}}"),
        ),
        lines(
            Frame("Speed of answer over time", "Mean wait of answered inbound calls of the window.", width=6),
            SECONDS,
            Target(recorded("average_speed_of_answer:seconds", WINDOW), "speed of answer {{region}}"),
        ),
    ]


def _worst() -> list[AnyPanel]:
    worst = f"bottomk($top, {_of('service_level_upper_ratio', WINDOW)})"
    columns = [Column("upper end", worst, SHARE)]
    further = [
        ("Service level", "service_level_ratio", SHARE),
        ("lower end", "service_level_lower_ratio", SHARE),
        ("Abandoned", "abandonment_ratio", SHARE),
        ("Speed of answer", "average_speed_of_answer_seconds", SECONDS),
        ("Handle time", "average_handle_time_seconds", SECONDS),
        ("Offered", "calls_offered", COUNT),
        ("Missed", "calls_missed", COUNT),
    ]
    columns += [Column(title, f"{_of(name, WINDOW)} and on (office) {worst}", look) for title, name, look in further]
    queues = [
        in_region(by("office, queue", series(f"kqi_queue_service_level_{what}", WINDOW)))
        for what in ("ratio", "upper_ratio")
    ]
    return [
        rows(
            Frame(
                "Offices",
                "Offices whose service level is low for certain: those with the lowest upper end of its 95 % interval, so that one missed "
                "call of two does not come first. Click an office for its board.",
                width=14,
                height=10,
                link=Link("Open the office", OFFICE_BOARD, TO_OFFICE),
            ),
            "office",
            columns,
            worst=("upper end", False),
        ),
        bars(
            Frame(
                "Queues",
                "Service level of the queues where it is low for certain: those with the lowest upper end of its 95 % interval.",
                width=10,
                height=10,
            ),
            SHARE,
            Target(f"{queues[0]} and on (office, queue) bottomk($top, {queues[1]})", "{{office}}: {{queue}}"),
        ),
    ]


def _per_stage(of_stage: Callable[[str], str]) -> str:
    """The same for each stage of a request, told apart by the label `stage`."""
    return " or ".join(f'label_replace({of_stage(stage)}, "stage", "{stage}", "", "")' for stage in STAGES)


def _requests() -> list[AnyPanel]:
    met = _per_stage(lambda stage: _per_request(f"sla_{stage}_ratio", f"sla_{stage}_due"))
    due = _per_stage(lambda stage: by("priority", in_region(_all(f"sla_{stage}_due", WINDOW, scope="priority")), "sum"))
    objective = by("priority, stage", series("kqi_request_objective_ratio"))
    course = _per_stage(lambda stage: recorded(f"sla_{stage}:ratio", WINDOW))
    burn = f"(1 - ({course})) / on (priority, stage) group_left () (1 - {objective})"
    return [
        bars(
            Frame(
                "Requests in time",
                "Share of requests due in the window that met their target, by priority and stage.",
                width=8,
            ),
            SHARE,
            Target(met, "{{priority}}: {{stage}}"),
        ),
        bars(
            Frame("Objective", "The share that is to meet each target, by the configuration.", width=8),
            SHARE,
            Target(objective, "{{priority}}: {{stage}}"),
        ),
        bars(
            Frame("Requests due", "How many requests the shares rest on.", width=8),
            COUNT,
            Target(due, "{{priority}}: {{stage}}"),
        ),
        lines(
            Frame("Burn of requests", BURN_TEXT + " Each target has its own objective.", width=16),
            BURN,
            Target(burn, "{{priority}}: {{stage}} {{region}}"),
        ),
        bars(
            Frame(
                "First response",
                "Mean time from opened to first response, by priority; of each office by its requests.",
                width=8,
            ),
            SECONDS,
            Target(_per_request("first_response_seconds", "requests_opened"), "{{priority}}"),
        ),
    ]


def _overdue() -> list[AnyPanel]:
    return [
        stats(
            Frame("Overdue now", "Open requests that are late for a target.", width=4),
            NONE_WANTED,
            Target(_total("requests_overdue"), "overdue"),
        ),
        lines(
            Frame(
                "Open and overdue",
                "Open requests, and those of them that are late for a target, by priority.",
                width=10,
            ),
            COUNT,
            Target(recorded("requests_open:sum"), "{{priority}}: open {{region}}"),
            Target(recorded("requests_overdue:sum"), "{{priority}}: overdue {{region}}"),
        ),
        bars(
            Frame(
                "Offices with overdue requests",
                "Those with the most; an office without any is not shown.",
                width=10,
                link=Link("Open the office", OFFICE_BOARD, BY_LABEL),
            ),
            NONE_WANTED,
            Target(f"topk($top, {_of('requests_overdue')} > 0)", "{{office}}"),
        ),
    ]
