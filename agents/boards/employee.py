"""The board *Employee*: one person's own indices, beside their peers, with their calls, sales and plan."""

from agents.boards.assembly import EMPLOYEE_BOARD, Board, Row, usual_window
from agents.boards.company import index_look
from agents.boards.looks import COUNT, MONEY, SECONDS, SHARE, YES_NO, Look, worse_above, worse_below
from agents.boards.panels import AnyPanel, Column, Frame, Target, banded, lines, rows, states, stats
from agents.boards.queries import EMPLOYEE, MAIN, OFFICE, WINDOW, by, one, series
from agents.boards.variables import employee_variable, office_variable, search_variable, window_variable
from streams.configuration import Configuration

PERSONNEL = MAIN[0]


def employee(configuration: Configuration) -> Board:
    """One employee in one office."""
    compared = [Row("Beside the peers", _peers(configuration))] if configuration.comparison.indices else []
    return Board(
        uid=EMPLOYEE_BOARD,
        title="KQI / Employee",
        text="One employee in one office: their own indices with intervals, beside their peers, and their calls, sales and plan.",
        since="now-7d",
        refresh="1m",
        variables=[
            search_variable(),
            office_variable(),
            employee_variable(),
            window_variable(configuration.windows, usual_window(configuration)),
        ],
        rows=[
            Row("Now", _now(configuration)),
            Row("Indices", _indices(configuration)),
            *compared,
            Row("Calls", _calls()),
            Row("Sales and plan", _sales()),
            Row("Scores and time at work", _scores()),
        ],
    )


def _own(name: str, *matchers: str) -> str:
    return one(f"kqi_employee_{name}", OFFICE, EMPLOYEE, WINDOW, *matchers)


def personal_look(configuration: Configuration) -> Look:
    """INK@Personnel of an employee against the critical point, or without one the company's reference."""
    point = configuration.comparison.critical_points.get(PERSONNEL.name)
    return index_look(configuration, PERSONNEL) if point is None else worse_above(point, high=1)


def _limit(configuration: Configuration) -> str:
    point = configuration.comparison.critical_points.get(PERSONNEL.name)
    return (
        f"the company's reference, {configuration.reference.ink_personnel:g}"
        if point is None
        else f"the critical point, {point:g}"
    )


def _now(configuration: Configuration) -> list[AnyPanel]:
    counted = by("question, outcome", series("kqi_employee_surveys", OFFICE, EMPLOYEE, WINDOW))
    return [
        stats(
            Frame(
                PERSONNEL.title,
                f"Dissatisfaction with this employee; less is better, red is past {_limit(configuration)}. Never use it without its interval "
                "and where it is not representative.",
                width=5,
                height=4,
            ),
            personal_look(configuration),
            Target(_own("ink_personnel_ratio"), PERSONNEL.title),
        ),
        stats(
            Frame(
                "Interval",
                "Where the value lies with 95 % certainty. Two employees whose intervals overlap cannot be told apart.",
                width=5,
                height=4,
            ),
            SHARE,
            Target(_own("ink_personnel_lower_ratio"), "from"),
            Target(_own("ink_personnel_upper_ratio"), "to"),
        ),
        stats(
            Frame(
                "Representative",
                f"Whether INK@Personnel may be believed: at least {configuration.min_surveys} surveys, of enough customers, not too much force "
                "majeure, asked lately.",
                width=4,
                height=4,
            ),
            YES_NO,
            Target(_own("ink_personnel_representative"), "representative"),
        ),
        stats(
            Frame(
                "Valid surveys", "Surveys of all questions in the window that no expert rejected.", width=5, height=4
            ),
            COUNT,
            Target(f"sum({counted})", "surveys"),
        ),
        stats(
            Frame(
                "Force majeure",
                f"Share of the employee's surveys in a confirmed force majeure. Above {configuration.force_majeure_level_max:g} the period "
                "cannot be assessed.",
                width=5,
                height=4,
            ),
            worse_above(configuration.force_majeure_level_max),
            Target(_own("force_majeure_level_ratio"), "force majeure"),
        ),
    ]


def _indices(configuration: Configuration) -> list[AnyPanel]:
    outcomes = by("outcome", by("question, outcome", series("kqi_employee_surveys", OFFICE, EMPLOYEE, WINDOW)), "sum")
    reasons = by("index, reason", series("kqi_employee_unrepresentative", OFFICE, EMPLOYEE, WINDOW))
    return [
        banded(
            lines(
                Frame(
                    "INK@Personnel and its interval",
                    f"With its 95 % interval. Dashed: {_limit(configuration)}. Past it for certain is only an interval that lies wholly beyond.",
                ),
                personal_look(configuration),
                Target(_own("ink_personnel_ratio"), PERSONNEL.title),
                Target(_own("ink_personnel_lower_ratio"), "lower end"),
                Target(_own("ink_personnel_upper_ratio"), "upper end"),
            ),
            "lower end",
            "upper end",
        ),
        lines(
            Frame("Surveys by outcome", "Valid surveys in the window that ended then: what the index rests on."),
            COUNT,
            Target(outcomes, "{{outcome}}"),
            stacked=True,
        ),
        lines(
            Frame(
                "INK@Office and IEL as seen here",
                "What this employee's customers said of the office, and whether they would recommend it. The organisation owns both.",
            ),
            Look("none", low=-1, high=1),
            Target(_own("ink_office_ratio"), "INK@Office"),
            Target(_own("iel_ratio"), "IEL"),
        ),
        states(
            Frame("Reasons against", "When which reason applied why an index of this employee is not representative."),
            Look("short", words=(("1", "applies", "orange"),)),
            Target(reasons, "{{index}}: {{reason}}"),
        ),
    ]


def _peers(configuration: Configuration) -> list[AnyPanel]:
    compared = [index.removesuffix("_s") for index in configuration.comparison.indices]

    def of_each(measure: str) -> str:
        return " or ".join(
            f'label_replace({_own(f"{index}_{measure}")}, "index", "{index}", "", "")' for index in compared
        )

    told = by("employee", series("kqi_employee_ink_personnel_representative", OFFICE, WINDOW))
    everyone = by("employee", series("kqi_employee_ink_personnel_ratio", OFFICE, WINDOW))
    believed = f"{everyone} and on (employee) {told} == 1"
    least = configuration.comparison.min_employees
    columns = [
        Column("z, office", of_each("office_z"), Look("none", decimals=2)),
        Column("Rank, office", of_each("office_rank"), Look("none", decimals=0)),
        Column("z, company", of_each("company_z"), Look("none", decimals=2)),
        Column("Rank, company", of_each("company_rank"), Look("none", decimals=0)),
    ]
    if configuration.comparison.critical_points:
        points = [index.removesuffix("_s") for index in configuration.comparison.critical_points]
        past = " or ".join(
            f'label_replace({_own(f"{index}_past_critical")}, "index", "{index}", "", "")' for index in points
        )
        words = (("0", "no", "green"), ("1", "yes", "red"))
        columns.append(Column("Past critical", past, Look("none", words=words)))
    return [
        rows(
            Frame(
                "Standing",
                "z: how many standard deviations from the mean of peers (below 0 is less: better for INK, worse for service level and scores). "
                "Rank: 1 and how many are better for certain. Only those who are representative take part, and groups of "
                f"{least} or more; no row: not compared.",
            ),
            "index",
            columns,
            worst=("z, office", True),
        ),
        lines(
            Frame(
                "INK@Personnel beside the peers",
                "The employee's own line, and quarters of the representative employees of this office: half of them lie between the outer two "
                "lines.",
            ),
            SHARE,
            Target(_own("ink_personnel_ratio"), "own"),
            *(
                Target(f"quantile({share}, {believed})", name)
                for share, name in ((0.25, "best quarter"), (0.5, "median"), (0.75, "worst quarter"))
            ),
        ),
    ]


def _calls() -> list[AnyPanel]:
    return [
        lines(
            Frame(
                "Calls",
                "Inbound calls offered to and answered by this employee, in the window that ended then.",
                width=8,
            ),
            COUNT,
            Target(_own("calls_offered"), "offered"),
            Target(_own("calls_answered"), "answered"),
        ),
        lines(
            Frame("Service level", "Share of the employee's inbound calls that were answered in time.", width=8),
            SHARE,
            Target(_own("service_level_ratio"), "service level"),
        ),
        lines(
            Frame(
                "Time for a call",
                "Talk, hold and wrap of an answered call, in any direction, and how long callers waited for this employee.",
                width=8,
            ),
            SECONDS,
            Target(_own("average_handle_time_seconds"), "handle time"),
            Target(_own("average_speed_of_answer_seconds"), "speed of answer"),
        ),
    ]


def _sales() -> list[AnyPanel]:
    return [
        lines(
            Frame("Sales", "Sales of a positive amount in the window that ended then.", width=8),
            COUNT,
            Target(_own("sales"), "sales"),
        ),
        lines(
            Frame(
                "Revenue",
                "Sales less refunds, and the average ticket; in minor units (cents) of the office's currency.",
                width=8,
            ),
            MONEY,
            Target(_own("revenue"), "revenue"),
            Target(_own("average_ticket"), "average ticket"),
        ),
        lines(
            Frame(
                "Plan attainment",
                "Revenue and margin against what the plan asks of the window. Dashed: the plan, reached.",
                width=8,
            ),
            worse_below(1),
            Target(_own("plan_attainment_ratio"), "revenue"),
            Target(_own("margin_plan_attainment_ratio"), "margin"),
        ),
    ]


def _scores() -> list[AnyPanel]:
    return [
        lines(
            Frame(
                "Customer scores",
                "NPS from -1 to 1, and the share of satisfied answers. A few answers say little: see their numbers beside this.",
                width=6,
            ),
            Look("none", low=-1, high=1),
            Target(_own("nps_ratio"), "NPS"),
            Target(_own("csat_ratio"), "CSAT"),
        ),
        lines(
            Frame("Answers behind the scores", "How many answers each score rests on.", width=6),
            COUNT,
            Target(_own("nps_answers"), "NPS"),
            Target(_own("csat_answers"), "CSAT"),
        ),
        lines(
            Frame(
                "Time at work",
                "Utilisation: talk, hold and wrap of the planned hours, less breaks and leave. Occupancy: of the time on duty.",
                width=6,
            ),
            SHARE,
            Target(_own("utilisation_ratio"), "utilisation"),
            Target(_own("occupancy_ratio"), "occupancy"),
        ),
        lines(
            Frame("KPI score", "By the employee's matrix in the directory: 0 at the bases, 1 at the goals.", width=6),
            Look("none", decimals=2),
            Target(_own("kpi_score"), "KPI score"),
        ),
    ]
