"""The board *Office*: one office with its indices, what they rest on, and its employees."""

from typing import Final

from agents.boards.assembly import EMPLOYEE_BOARD, OFFICE_BOARD, Board, Mark, Row, shortest_window, usual_window
from agents.boards.company import index_look
from agents.boards.looks import COUNT, GOOD, MONEY, SECONDS, SHARE, YES_NO, Look, good_within, worse_above, worse_below
from agents.boards.panels import AnyPanel, Column, Frame, Link, Target, banded, lines, rows, states, stats
from agents.boards.queries import MAIN, OFFICE, WINDOW, by, one, series
from agents.boards.variables import office_variable, search_variable, top_variable, window_variable
from streams.configuration import Configuration

TO_EMPLOYEE: Final = (
    ("office", "${office:percentencode}"),
    ("employee", "${__data.fields.employee:percentencode}"),
)


def office(configuration: Configuration) -> Board:
    """One office."""
    soonest = shortest_window(configuration)
    return Board(
        uid=OFFICE_BOARD,
        title="KQI / Office",
        text="One office: its three main indices with intervals and references, what they rest on, and its employees.",
        since="now-7d",
        refresh="1m",
        variables=[
            search_variable(),
            office_variable(),
            window_variable(configuration.windows, usual_window(configuration)),
            top_variable(),
        ],
        rows=[
            Row("Now", _now(configuration)),
            Row("Main indices", _indices(configuration)),
            Row("May they be believed?", _trust(configuration)),
            Row("Employees", _employees(configuration)),
            Row("Calls and sales", _business()),
        ],
        marks=[
            Mark(
                "Force majeure",
                one("kqi_office_force_majeure_level_ratio", OFFICE, f'window="{soonest}"') + " > 0",
                "orange",
            )
        ],
    )


def _now(configuration: Configuration) -> list[AnyPanel]:
    found: list[AnyPanel] = [
        stats(
            Frame(
                index.title,
                f"{index.title}, {index.short}. {'Less' if index.lower_is_better else 'More'} is better; red is worse than the company's "
                f"reference, {getattr(configuration.reference, index.name):g}. Look at its interval and whether it is representative.",
                width=4,
                height=4,
            ),
            index_look(configuration, index),
            Target(one(f"kqi_office_{index.name}_ratio", OFFICE, WINDOW), index.title),
        )
        for index in MAIN
    ]
    told = by("diagnosis", series("kqi_office_diagnosis", OFFICE, WINDOW))
    counted = by("question, outcome", series("kqi_office_surveys", OFFICE, WINDOW))
    return [
        *found,
        stats(
            Frame(
                "Where the cause lies",
                "By INK@Personnel and INK@Office against their references and each other, and by IEL. `not_enough_data`: one of them is not "
                "representative.",
                width=8,
                height=4,
            ),
            Look("string"),
            Target(told, "{{diagnosis}}"),
            named=True,
        ),
        stats(
            Frame("Valid surveys", "Of all questions, in the window.", width=4, height=4),
            COUNT,
            Target(f"sum({counted})", "surveys"),
        ),
    ]


def _indices(configuration: Configuration) -> list[AnyPanel]:
    return [
        banded(
            lines(
                Frame(
                    f"{index.title} and its interval",
                    f"{index.title}, {index.short}, with its 95 % interval. Dashed: the company's reference, "
                    f"{getattr(configuration.reference, index.name):g}. Past it for certain is only an interval that lies wholly beyond it. "
                    "Orange marks: a confirmed force majeure; pending ones are not shown.",
                    width=8,
                ),
                index_look(configuration, index),
                Target(one(f"kqi_office_{index.name}_ratio", OFFICE, WINDOW), index.title),
                Target(one(f"kqi_office_{index.name}_lower_ratio", OFFICE, WINDOW), "lower end"),
                Target(one(f"kqi_office_{index.name}_upper_ratio", OFFICE, WINDOW), "upper end"),
            ),
            "lower end",
            "upper end",
        )
        for index in MAIN
    ]


def _trust(configuration: Configuration) -> list[AnyPanel]:
    shares = ("visitor_coverage", "precise_conversion", "force_majeure_level")
    coverage, conversion, level = (
        Target(one(f"kqi_office_{name}_ratio", OFFICE, WINDOW), name.replace("_", " ")) for name in shares
    )
    asked = by("question", series("kqi_office_question_last_asked_timestamp_seconds", OFFICE))
    reasons = by("index, reason", series("kqi_office_unrepresentative", OFFICE, WINDOW))
    outcomes = by("outcome", by("question, outcome", series("kqi_office_surveys", OFFICE, WINDOW)), "sum")
    limit = configuration.force_majeure_level_max
    return [
        states(
            Frame(
                "Representative",
                "Green: the index may be believed. Red: there is a reason against it, beside this.",
                width=12,
                height=6,
            ),
            YES_NO,
            *(Target(one(f"kqi_office_{i.name}_representative", OFFICE, WINDOW), i.title) for i in MAIN),
        ),
        states(
            Frame("Reasons against", "When which reason applied to which index.", width=12, height=6),
            Look("short", words=(("1", "applies", "orange"), ("0", "no", GOOD))),
            Target(reasons, "{{index}}: {{reason}}"),
        ),
        lines(
            Frame(
                "Answers and silence",
                "Share of surveys that were answered and of those left silent; together 1.",
                width=8,
            ),
            SHARE,
            Target(one("kqi_office_silent_share_ratio", OFFICE, WINDOW), "silent"),
            Target(one("kqi_office_response_share_ratio", OFFICE, WINDOW), "answered"),
        ),
        lines(
            Frame(
                "Coverage",
                f"Surveys of each visitor. {_control(configuration, 'coverage')} Far below 1, sellers do not press; above, they press without "
                "a visitor.",
                width=8,
            ),
            _believed(configuration, "coverage"),
            coverage,
        ),
        lines(
            Frame(
                "Conversion",
                f"Sales for each survey: of customers actually served. {_control(configuration, 'conversion')}",
                width=8,
            ),
            _believed(configuration, "conversion"),
            conversion,
        ),
        lines(
            Frame(
                "Surveys by outcome",
                "Valid surveys of all questions in the window that ended then: what the indices rest on.",
                width=8,
            ),
            COUNT,
            Target(outcomes, "{{outcome}}"),
            stacked=True,
        ),
        lines(
            Frame(
                "Force majeure",
                f"Share of surveys in a confirmed force majeure. Above the dashed {limit:g} the period cannot be assessed.",
                width=8,
            ),
            worse_above(limit),
            level,
        ),
        stats(
            Frame(
                "Last asked", "When each question was last asked. An index of a question long unasked is old.", width=8
            ),
            Look("dateTimeFromNow"),
            Target(f"{asked} * 1000", "{{question}}"),
        ),
    ]


def _control(configuration: Configuration, name: str) -> str:
    if configuration.representative_by == name:
        return "Indices are believed while it is between the dashed limits."
    return "Whether indices are believed does not depend on it, unless the directory says so of the office."


def _believed(configuration: Configuration, name: str) -> Look:
    """The limits of what tells whether an office asked its customers, where it is this that tells."""
    limits: tuple[float, float] = getattr(configuration, f"{name}_limits")
    return good_within(limits) if configuration.representative_by == name else Look("percentunit", low=0)


def _employees(configuration: Configuration) -> list[AnyPanel]:
    pressing = by("employee, outcome", series("kqi_employee_surveys", OFFICE, WINDOW, 'question="personnel"'))
    most = f"topk($top, {by('employee', pressing, 'sum')})"
    personnel = MAIN[0]

    def of_most(title: str, name: str, look: Look = SHARE) -> Column:
        return Column(title, f"{by('employee', series(name, OFFICE, WINDOW))} and on (employee) {most}", look)

    columns = [
        of_most(personnel.title, "kqi_employee_ink_personnel_ratio", index_look(configuration, personnel)),
        of_most("lower end", "kqi_employee_ink_personnel_lower_ratio"),
        of_most("upper end", "kqi_employee_ink_personnel_upper_ratio"),
        of_most("Representative", "kqi_employee_ink_personnel_representative", YES_NO),
        of_most("Silent", "kqi_employee_silent_share_ratio"),
        of_most("Force majeure", "kqi_employee_force_majeure_level_ratio"),
        Column("Surveys", most),
    ]
    if personnel.name in configuration.comparison.indices:
        columns.insert(1, of_most("Rank", "kqi_employee_ink_personnel_office_rank", Look("none")))
    return [
        rows(
            Frame(
                "Employees by INK@Personnel",
                "Employees with the most surveys about the personnel. A rank counts only those who are better for certain, so many share one. "
                "Where it is not representative, there is no rank: do not compare. Click an employee for their board.",
                width=24,
                height=10,
                link=Link("Open the employee", EMPLOYEE_BOARD, TO_EMPLOYEE),
            ),
            "employee",
            columns,
            worst=(personnel.title, True),
        )
    ]


def _business() -> list[AnyPanel]:
    def busiest(name: str) -> str:
        return f"topk($top, {by('employee', series(f'kqi_employee_{name}', OFFICE, WINDOW))})"

    work = [
        ("Calls answered", "calls_answered", COUNT),
        ("Handle time", "average_handle_time_seconds", SECONDS),
        ("Utilisation", "utilisation_ratio", SHARE),
        ("Sales", "sales", COUNT),
        ("Revenue", "revenue", MONEY),
        ("Average ticket", "average_ticket", MONEY),
        ("Plan", "plan_attainment_ratio", worse_below(1)),
        ("KPI score", "kpi_score", Look("none", decimals=2)),
    ]
    leaders = by("leader", series("kqi_leader_kpi_score", OFFICE, WINDOW))
    return [
        rows(
            Frame(
                "Employees: calls, sales, plan",
                "Each column shows the greatest values, so a row may have gaps where there are more employees than rows. Money is in minor units "
                "(cents). Plan: revenue against what the plan asks of the window.",
                width=24,
                height=10,
                link=Link("Open the employee", EMPLOYEE_BOARD, TO_EMPLOYEE),
            ),
            "employee",
            [Column(title, busiest(name), look) for title, name, look in work],
            worst=("Revenue", True),
        ),
        lines(
            Frame(
                "Service level",
                "Share of the office's inbound calls answered in time, of the window that ended then, and the lower end of its 95 % interval: few calls "
                "say little.",
                width=8,
            ),
            SHARE,
            Target(one("kqi_office_service_level_ratio", OFFICE, WINDOW), "service level"),
            Target(one("kqi_office_service_level_lower_ratio", OFFICE, WINDOW), "lower end"),
        ),
        lines(
            Frame(
                "Calls",
                "The office's inbound calls in the window that ended then, and those of them that nobody answered.",
                width=8,
            ),
            COUNT,
            Target(one("kqi_office_calls_offered", OFFICE, WINDOW), "offered"),
            Target(one("kqi_office_calls_missed", OFFICE, WINDOW), "missed"),
        ),
        lines(
            Frame("Requests overdue", "The office's open requests that are late for a target, by priority.", width=8),
            COUNT,
            Target(by("priority", series("kqi_priority_requests_overdue", OFFICE)), "{{priority}}"),
        ),
        lines(
            Frame("Sales", "Sales of a positive amount in the window that ended then.", width=8),
            COUNT,
            Target(one("kqi_office_sales", OFFICE, WINDOW), "sales"),
        ),
        lines(
            Frame(
                "Plan attainment",
                "Revenue against what the plan asks of the window. Dashed: the plan, reached.",
                width=8,
            ),
            worse_below(1),
            Target(one("kqi_office_plan_attainment_ratio", OFFICE, WINDOW), "revenue"),
        ),
        lines(
            Frame(
                "Leaders",
                "Mean KPI score of each leader's people in this office, by the matrices of the directory.",
                width=8,
            ),
            Look("none", decimals=2),
            Target(leaders, "{{leader}}"),
        ),
    ]
