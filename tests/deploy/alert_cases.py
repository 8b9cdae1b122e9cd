"""Cases of alerts: what Prometheus sees, and what is told of it, or that nothing is told.

Series are written as promtool has them, one sample a minute: `2+0x30` is thirty-one times 2, `0+3x30` grows by 3, `_` is no sample.
"""

from typing import NamedTuple

OPEN = {'kqi_office_open{office="riga-1"}': "1+0x60"}
CLOSED = {'kqi_office_open{office="riga-1"}': "0+0x60"}
READY = {'kqi_worker_ready{job="kqi",instance="w1"}': "1+0x60"}
WORKER = {"team": "operations", "office": "all"}
RIGA = {"office": "riga-1"}


class Told(NamedTuple):
    """One alert, with its labels but for the name, and its texts."""

    labels: dict
    summary: str
    description: str
    board: str


class Case(NamedTuple):
    """What is seen up to a minute, and what is told then."""

    name: str
    alert: str
    series: dict
    told: list = []  # noqa: RUF012 - never changed
    minute: int = 30
    configuration: str = "default"


def ink(lower="0.25+0x60", representative="1+0x60", window="24h", instance="w1", index="ink_personnel"):
    """Series of a main index of an office in Riga whose name needs care."""
    labels = f'{{office="riga & \\"co\\"",window="{window}",instance="{instance}"}}'
    return {
        f"kqi_office_{index}_ratio{labels}": "0.3125+0x60",
        f"kqi_office_{index}_lower_ratio{labels}": lower,
        f"kqi_office_{index}_upper_ratio{labels}": "0.4375+0x60",
        f"kqi_office_{index}_representative{labels}": representative,
    }


def recommended(answers):
    """Series of an office that few would recommend."""
    labels = '{office="riga-1",window="12h"}'
    return {
        f"kqi_office_nps_ratio{labels}": "0.125+0x60",
        f"kqi_office_nps_upper_ratio{labels}": "0.1875+0x60",
        f"kqi_office_nps_answers{labels}": answers,
    }


def abandoned(offered):
    """Series of an office half of whose callers give up."""
    labels = '{office="riga-1",window="12h"}'
    return {
        f"kqi_office_abandonment_ratio{labels}": "0.5+0x60",
        f"kqi_office_abandonment_lower_ratio{labels}": "0.125+0x60",
        f"kqi_office_calls_offered{labels}": offered,
    }


def calls(level, base="40+0x60", **levels):
    """Series of the calls of an office: the service level by window."""
    windows = {"1h": level, "15m": level, "8h": level, "7d": level, "24h": level} | levels
    named = {window.removeprefix("_"): values for window, values in windows.items()}
    return {
        **{f'kqi_office_service_level_ratio{{office="riga-1",window="{w}"}}': v for w, v in named.items()},
        **{f'kqi_office_service_level_base{{office="riga-1",window="{w}"}}': base for w in named},
    }


def requests(met, due="8+0x60", priority='a & \\"b\\"'):
    """Series of the requests of an office with a priority whose name needs care; their time stands still at night."""
    shared = f'office="riga-1",priority="{priority}"'
    windows = ("5m", "2h")
    return {
        **{f'kqi_priority_sla_first_response_ratio{{{shared},window="{w}"}}': met for w in windows},
        **{f'kqi_priority_sla_first_response_due{{{shared},window="{w}"}}': due for w in windows},
    }


QUIET_AND_MOVED = "3660+0x20 stale _ 3660+0x40"  # at 21 and 22 min no worker shows it


def panels(*quiet, job=None):
    """Series of how quiet the panels of an office are."""
    own = f'job="{job}",' if job else ""
    return {f'kqi_panel_quiet_seconds{{{own}office="riga-1",panel="p{n}"}}': v for n, v in enumerate(quiet, 1)}


def presses(answers, orphans):
    """Series of what customers pressed on two panels of an office."""
    made = {}
    for panel, role, values in (
        ("p1", "answer", answers),
        ("p1", "extra", "0+0x60"),
        ("p1", "orphan", orphans),
        ("p2", "answer", "4+0x60"),
        ("p2", "extra", "1+0x60"),
        ("p2", "orphan", "5+0x60"),
    ):
        made[f'kqi_panel_customer_presses{{office="riga-1",panel="{panel}",role="{role}"}}'] = values
    return made


def force_majeure(level, surveys="100+0x60", window="24h"):
    """Series of an office, shown by two workers for a while."""
    made = {f'kqi_office_force_majeure_level_ratio{{office="riga-1",window="{window}"}}': level}
    for instance, values in (("w1", surveys), ("w2", "_x25 " + surveys)):
        made[f'kqi_office_silent_share_base{{office="riga-1",window="{window}",instance="{instance}"}}'] = values
    return made


def worker(metric, values, job="kqi", instance="w1", **labels):
    """Series of a worker."""
    own = "".join(f',{name}="{value}"' for name, value in labels.items())
    return {f'{metric}{{job="{job}",instance="{instance}"{own}}}': values}


INDICES = [
    Case(
        "beyond its threshold with the whole interval, also while two workers show the office",
        "KqiIndexPastThreshold",
        ink() | ink(instance="w2"),
        [
            Told(
                {
                    "severity": "warning",
                    "team": "quality",
                    "office": 'riga & "co"',
                    "window": "24h",
                    "index": "ink_personnel",
                },
                'ink_personnel of office riga & "co" is past its threshold',
                'Over 24h, ink_personnel of office riga & "co" is 0.312, and with 95 % certainty at least 0.250. '
                "Its threshold is 0.2.",
                "http://127.0.0.1:3000/d/kqi-office?var-office=riga+%26+%22co%22&var-window=24h",
            )
        ],
    ),
    Case("the point is past it, the interval's bound is not", "KqiIndexPastThreshold", ink(lower="0.15+0x60")),
    Case("the bound is just at it", "KqiIndexPastThreshold", ink(lower="0.2+0x60")),
    Case("not representative", "KqiIndexPastThreshold", ink(representative="0+0x60")),
    Case("only for nine minutes", "KqiIndexPastThreshold", ink(lower="0.15+0x20 0.25+0x60")),
    Case("in another window", "KqiIndexPastThreshold", ink(window="1h")),
    Case(
        "loyalty, of which less is worse, by the upper end",
        "KqiIndexPastThreshold",
        ink(index="iel"),
        [
            Told(
                {"severity": "warning", "team": "quality", "office": 'riga & "co"', "window": "24h", "index": "iel"},
                'iel of office riga & "co" is past its threshold',
                'Over 24h, iel of office riga & "co" is 0.312, and with 95 % certainty at most 0.438. Its threshold is 0.5.',
                "http://127.0.0.1:3000/d/kqi-office?var-office=riga+%26+%22co%22&var-window=24h",
            )
        ],
    ),
    Case(
        "the threshold of the configuration in place of the reference",
        "KqiIndexPastThreshold",
        ink(window="12h"),
        configuration="other",
    ),
    Case(
        "an index that is none of the main ones, by its interval and what it rests on",
        "KqiIndexPastThreshold",
        recommended("5+0x60"),
        [
            Told(
                {"severity": "warning", "team": "quality", "office": "riga-1", "window": "12h", "index": "nps"},
                "nps of office riga-1 is past its threshold",
                "Over 12h, nps of office riga-1 is 0.125, and with 95 % certainty at most 0.188. Its threshold is 0.25.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1&var-window=12h",
            )
        ],
        configuration="other",
    ),
    Case("of few answers", "KqiIndexPastThreshold", recommended("4+0x60"), configuration="other"),
    Case(
        "calls that were given up, of few",
        "KqiIndexPastThreshold",
        abandoned(offered="3+0x60"),
        configuration="other",
    ),
    Case(
        "calls that were given up, of more",
        "KqiIndexPastThreshold",
        abandoned(offered="4+0x60"),
        [
            Told(
                {"severity": "warning", "team": "quality", "office": "riga-1", "window": "12h", "index": "abandonment"},
                "abandonment of office riga-1 is past its threshold",
                "Over 12h, abandonment of office riga-1 is 0.500, and with 95 % certainty at least 0.125. Its threshold is 0.1.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1&var-window=12h",
            )
        ],
        configuration="other",
    ),
    Case(
        "how many, and not who",
        "KqiEmployeesPastCriticalPoint",
        {
            f'kqi_employee_ink_personnel_past_critical{{office="riga-1",employee="e{n}",window="12h",instance="w{n}"}}': v
            for n, v in enumerate(("1+0x60", "1+0x60", "0+0x60"))
        },
        [
            Told(
                {"severity": "warning", "team": "quality", "office": "riga-1", "index": "ink_personnel"},
                "Employees of office riga-1 are past the critical point of ink_personnel",
                "Over 12h, 2 of the employees of office riga-1 have ink_personnel past the critical point 0.35 with their whole "
                "interval, and it may be believed.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1&var-window=12h",
            )
        ],
        configuration="other",
    ),
    Case(
        "nobody is",
        "KqiEmployeesPastCriticalPoint",
        {'kqi_employee_ink_personnel_past_critical{office="riga-1",employee="e1",window="12h"}': "0+0x60"},
        configuration="other",
    ),
    Case(
        "more than its threshold",
        "KqiForceMajeure",
        force_majeure("0.25+0x60"),
        [
            Told(
                {"severity": "warning", "team": "quality", "office": "riga-1", "window": "24h"},
                "Much force majeure in office riga-1",
                "Over 24h, 25% of the 100 surveys of office riga-1 lie in a standing force majeure, more than 20%. "
                "Nobody there can be assessed by that time.",
                "http://127.0.0.1:3000/d/kqi-office?var-office=riga-1&var-window=24h",
            )
        ],
    ),
    Case("just its threshold", "KqiForceMajeure", force_majeure("0.2+0x60")),
    Case("of few surveys", "KqiForceMajeure", force_majeure("0.25+0x60", surveys="29+0x60")),
    Case(
        "a lower threshold",
        "KqiForceMajeure",
        force_majeure("0.125+0x60", surveys="8+0x60", window="12h"),
        [
            Told(
                {"severity": "warning", "team": "quality", "office": "riga-1", "window": "12h"},
                "Much force majeure in office riga-1",
                "Over 12h, 12.5% of the 8 surveys of office riga-1 lie in a standing force majeure, more than 10%. "
                "Nobody there can be assessed by that time.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1&var-window=12h",
            )
        ],
        configuration="other",
    ),
]

OBJECTIVES = [
    Case(
        "a quarter in time, of an objective of 80 %",
        "KqiServiceLevelBurn",
        calls("0.25+0x60", _24h="0.875+0x60", _8h="0.875+0x60"),
        [
            Told(
                {"severity": "critical", "team": "operations", "office": "riga-1", "window": "1h"},
                "Calls of office riga-1 wait too long",
                "Over 1h, 25% of 40 calls of office riga-1 were answered in time; the objective is 80%. Errors are 3.75 times as "
                "many as it allows (the limit is 3; with nothing in time it would be 5), nor are the last 15m better. At 3 times, "
                "what is allowed in 30 days is used up in 10.",
                "http://127.0.0.1:3000/d/kqi-office?var-office=riga-1&var-window=1h",
            )
        ],
    ),
    Case(
        "not so bad, but for a day of work",
        "KqiServiceLevelBurn",
        calls("0.5+0x60", _24h="0.875+0x60"),
        [
            Told(
                {"severity": "warning", "team": "operations", "office": "riga-1", "window": "8h"},
                "Calls of office riga-1 wait too long",
                "Over 8h, 50% of 40 calls of office riga-1 were answered in time; the objective is 80%. Errors are 2.50 times as "
                "many as it allows (the limit is 2; with nothing in time it would be 5), nor are the last 1h better. At 2 times, "
                "what is allowed in 30 days is used up in 15.",
                "http://127.0.0.1:3000/d/kqi-office?var-office=riga-1&var-window=8h",
            )
        ],
    ),
    Case(
        "a little worse than its objective, for a week",
        "KqiServiceLevelBurn",
        calls("0.75+0x60") | OPEN,
        [
            Told(
                {"severity": "warning", "team": "operations", "office": "riga-1", "window": "7d"},
                "Calls of office riga-1 wait too long",
                "Over 7d, 75% of 40 calls of office riga-1 were answered in time; the objective is 80%. Errors are 1.25 times as "
                "many as it allows (the limit is 1.2; with nothing in time it would be 5), nor are the last 24h better. At 1.2 "
                "times, what is allowed in 30 days is used up in 25.",
                "http://127.0.0.1:3000/d/kqi-office?var-office=riga-1&var-window=7d",
            )
        ],
    ),
    Case(
        "it is over: the shorter windows are well again",
        "KqiServiceLevelBurn",
        calls("0.25+0x60", _15m="0.875+0x60", _1h="0.875+0x60", _24h="0.875+0x60"),
    ),
    Case("as the objective wants it", "KqiServiceLevelBurn", calls("0.8+0x60")),
    Case("too few calls to tell", "KqiServiceLevelBurn", calls("0.25+0x60", base="9+0x60")),
    Case("after closing time nobody can do anything", "KqiServiceLevelBurn", calls("0.25+0x60") | CLOSED),
    Case(
        "an objective of 95 %, which burns faster",
        "KqiServiceLevelBurn",
        calls("0.75+0x60", base="4+0x60", _2h="0.75+0x60", _5m="0.75+0x60"),
        [
            Told(
                {"severity": "info", "team": "operations", "office": "riga-1", "window": "2h"},
                "Calls of office riga-1 wait too long",
                "Over 2h, 75% of 4 calls of office riga-1 were answered in time; the objective is 95%. Errors are 5.00 times as many "
                "as it allows (the limit is 3.5; with nothing in time it would be 20), nor are the last 5m better. At 3.5 times, what "
                "is allowed in 30 days is used up in 8.57.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1&var-window=2h",
            )
        ],
        configuration="other",
    ),
    Case(
        "nearly nothing in time, of an objective of 75 %",
        "KqiRequestsBurn",
        requests("0.0625+0x60"),
        [
            Told(
                {
                    "severity": "info",
                    "team": "operations",
                    "office": "riga-1",
                    "priority": 'a & "b"',
                    "stage": "first_response",
                    "window": "2h",
                },
                "Requests of office riga-1 miss their targets",
                'Over 2h, 6.25% of 8 requests of priority a & "b" of office riga-1 met their target for first_response (4h); the '
                "objective is 75%. Errors are 3.75 times as many as it allows (the limit is 3.5; with nothing in time it would be 4), "
                "nor are the last 5m better. At 3.5 times, what is allowed in 30 days is used up in 8.57.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1&var-window=2h",
            )
        ],
        configuration="other",
    ),
    Case("an eighth in time", "KqiRequestsBurn", requests("0.125+0x60"), configuration="other"),
    Case("too few due", "KqiRequestsBurn", requests("0.0625+0x60", due="3+0x60"), configuration="other"),
    Case("closed", "KqiRequestsBurn", requests("0.0625+0x60") | CLOSED, configuration="other"),
    Case(
        "closed, of requests whose time runs on",
        "KqiRequestsBurn",
        requests("0.0625+0x60", priority="~.*") | CLOSED,
        [
            Told(
                {
                    "severity": "info",
                    "team": "operations",
                    "office": "riga-1",
                    "priority": "~.*",
                    "stage": "first_response",
                    "window": "2h",
                },
                "Requests of office riga-1 miss their targets",
                "Over 2h, 6.25% of 8 requests of priority ~.* of office riga-1 met their target for first_response (4h); the "
                "objective is 75%. Errors are 3.75 times as many as it allows (the limit is 3.5; with nothing in time it would be 4), "
                "nor are the last 5m better. At 3.5 times, what is allowed in 30 days is used up in 8.57.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1&var-window=2h",
            )
        ],
        configuration="other",
    ),
    Case(
        "two of five, while it is closed, of requests whose time runs on",
        "KqiRequestsOverdue",
        {
            'kqi_priority_requests_overdue{office="riga-1",priority="low"}': "2+0x60",
            'kqi_priority_requests_open{office="riga-1",priority="low"}': "5+0x60",
        }
        | CLOSED,
        [
            Told(
                {"severity": "warning", "team": "operations", "office": "riga-1", "priority": "low"},
                "Requests of office riga-1 are overdue",
                "2 of 5 open requests of priority low of office riga-1 are late for a target.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1",
            )
        ],
        configuration="other",
    ),
    Case(
        "none of five",
        "KqiRequestsOverdue",
        {'kqi_priority_requests_overdue{office="riga-1",priority="low"}': "0+0x60"},
        configuration="other",
    ),
    *(
        Case(
            name,
            "KqiRequestsOverdue",
            {'kqi_priority_requests_overdue{office="riga-1",priority="a & \\"b\\""}': "2+0x60"} | opened,
            told,
            configuration="other",
        )
        for name, opened, told in (
            ("closed, and time stands still", CLOSED, []),
            (
                "open, and time goes on",
                OPEN,
                [
                    Told(
                        {"severity": "warning", "team": "operations", "office": "riga-1", "priority": 'a & "b"'},
                        "Requests of office riga-1 are overdue",
                        '2 of ? open requests of priority a & "b" of office riga-1 are late for a target.',
                        "https://boards.example.com/d/kqi-office?var-office=riga-1",
                    )
                ],
            ),
        )
    ),
]

OFFICE = "http://127.0.0.1:3000/d/kqi-office?var-office=riga-1"
OFFICES = [
    Case(
        "two hours of opening time on one of two panels",
        "KqiPanelQuiet",
        panels("30+0x60", "7260+0x60") | OPEN,
        [
            Told(
                {"severity": "warning", "team": "operations", "office": "riga-1", "panel": "p2"},
                "No presses on panel p2 of office riga-1",
                "Office riga-1 is open, and its panel p2 has sent nothing for 2h 1m 0s of its opening hours.",
                OFFICE,
            )
        ],
    ),
    Case("not yet so long", "KqiPanelQuiet", panels("7200+0x60") | OPEN),
    Case("closed", "KqiPanelQuiet", panels("7260+0x60") | CLOSED),
    Case("nobody knows when it is open", "KqiPanelQuiet", panels("7260+0x60")),
    Case(
        "a setting of ten minutes",
        "KqiPanelQuiet",
        panels("660+0x60") | OPEN,
        [
            Told(
                {"severity": "warning", "team": "operations", "office": "riga-1", "panel": "p1"},
                "No presses on panel p1 of office riga-1",
                "Office riga-1 is open, and its panel p1 has sent nothing for 11m 0s of its opening hours.",
                "https://boards.example.com/d/kqi-office?var-office=riga-1",
            )
        ],
        configuration="other",
    ),
    Case(
        "nothing from any panel for an hour",
        "KqiOfficeQuiet",
        panels("3660+0x60", "3900+0x60") | OPEN,
        [
            Told(
                {"severity": "warning", "team": "operations", "office": "riga-1"},
                "No presses from office riga-1",
                "Office riga-1 is open, and none of its panels has sent anything for 1h 1m 0s of its opening hours.",
                OFFICE,
            )
        ],
    ),
    *(
        Case(
            f"also while the office moves to another worker, at {minute} min",
            "KqiOfficeQuiet",
            panels(QUIET_AND_MOVED) | OPEN,
            [
                Told(
                    {"severity": "warning", "team": "operations", "office": "riga-1"},
                    "No presses from office riga-1",
                    "Office riga-1 is open, and none of its panels has sent anything for 1h 1m 0s of its opening hours.",
                    OFFICE,
                )
            ],
            minute=minute,
        )
        for minute in (19, 22, 24)
    ),
    Case(
        "nothing from any office for an hour",
        "KqiCompanyQuiet",
        panels("3660+0x60", "3900+0x60") | {'kqi_panel_quiet_seconds{office="oslo",panel="p"}': "3720+0x60"} | OPEN,
        [
            Told(
                WORKER | {"severity": "critical"},
                "No presses from any office",
                "Offices are open, and no panel of any of them has sent anything for 1h 1m 0s of their opening hours: what panels send "
                "does not come through.",
                "http://127.0.0.1:3000/d/kqi-company",
            )
        ],
    ),
    Case(
        "another office is at work",
        "KqiCompanyQuiet",
        panels("3660+0x60") | {'kqi_panel_quiet_seconds{office="oslo",panel="p"}': "60+0x60"} | OPEN,
    ),
    Case("all are closed", "KqiCompanyQuiet", panels("3660+0x60") | CLOSED),
    Case("nobody knows when any is open", "KqiCompanyQuiet", panels("3660+0x60")),
    Case("it is over", "KqiOfficeQuiet", panels("3660+0x20 30+0x40") | OPEN),
    Case(
        "quiet where another job counts, of a company that is not alerted of",
        "KqiOfficeQuiet",
        panels("3660+0x60", job="backfill") | OPEN | panels("30+0x60"),
    ),
    Case("one panel is at work", "KqiOfficeQuiet", panels("30+0x60", "3900+0x60") | OPEN),
    Case("closed", "KqiOfficeQuiet", panels("3660+0x60", "3900+0x60") | CLOSED),
    Case(
        "fifteen of forty",
        "KqiAnswersWithoutPresses",
        presses("20+0x60", "10+0x60"),
        [
            Told(
                {"severity": "warning", "team": "quality", "office": "riga-1"},
                "Customers of office riga-1 answer what nobody asked",
                "Of the customers' presses of the last hour in office riga-1, 37.5% belong to no survey, more than 20%: no seller "
                "pressed before them.",
                OFFICE,
            )
        ],
    ),
    Case("nine of nineteen are too few to tell", "KqiAnswersWithoutPresses", presses("5+0x60", "4+0x60")),
    Case("fifteen of a hundred", "KqiAnswersWithoutPresses", presses("80+0x60", "10+0x60")),
    Case("less than half", "KqiAnswersWithoutPresses", presses("20+0x60", "10+0x60"), configuration="other"),
]

SERVICE = "http://127.0.0.1:3000/d/kqi-service"


def of_worker(severity, summary, description, *, follows=False, **labels):
    """What is told of a worker."""
    own = {"severity": severity, "job": "kqi", "instance": "w1"} | labels | ({"follows": "worker"} if follows else {})
    return [Told(WORKER | own, summary, description, SERVICE)]


def growing(metric, values, **labels):
    """Series of a counter of a worker that is ready."""
    return worker(metric, values, **labels) | READY


DEAD = "kqi_worker_dead_letters_total"
CHECKPOINT, MESSAGES = "kqi_worker_checkpoint_timestamp_seconds", "kqi_worker_partition_messages"
WORKERS = [
    Case(
        "it does not answer",
        "KqiWorkerDown",
        worker("up", "1+0x10 0+0x60") | worker("up", "1+0x60", instance="w2"),
        of_worker(
            "critical",
            "Worker w1 is down",
            "Worker w1 does not answer. If others are up, they take over its offices within a minute.",
        ),
    ),
    Case("for a minute", "KqiWorkerDown", worker("up", "1+0x28 0 1+0x60")),
    Case("of another job", "KqiWorkerDown", worker("up", "0+0x60", job="node")),
    Case(
        "of the job of the configuration",
        "KqiWorkerDown",
        worker("up", "0+0x60", job="kqi-test"),
        [
            Told(
                WORKER | {"severity": "critical", "job": "kqi-test", "instance": "w1"},
                "Worker w1 is down",
                "Worker w1 does not answer. If others are up, they take over its offices within a minute.",
                "https://boards.example.com/d/kqi-service",
            )
        ],
        configuration="other",
    ),
    Case(
        "none answers",
        "KqiNoWorker",
        worker("up", "0+0x60"),
        [
            Told(
                WORKER | {"severity": "critical"},
                "No worker is up",
                "None of the workers that Prometheus knows answers: there are no indices at all, and no other alerts of offices.",
                SERVICE,
            )
        ],
    ),
    Case("one of two", "KqiNoWorker", worker("up", "0+0x60") | worker("up", "1+0x60", instance="w2")),
    Case(
        "thirty of thirty-two",
        "KqiPartitionsWithoutWorker",
        worker("kqi_worker_partitions", "20+0x60") | worker("kqi_worker_partitions", "10+0x60", instance="w2"),
        [
            Told(
                WORKER | {"severity": "critical"},
                "Some offices have no worker",
                "30 of 32 partitions have a worker; the offices of the others have no indices.",
                SERVICE,
            )
        ],
    ),
    Case("all of them", "KqiPartitionsWithoutWorker", worker("kqi_worker_partitions", "32+0x60")),
    Case(
        "all of eight",
        "KqiPartitionsWithoutWorker",
        worker("kqi_worker_partitions", "8+0x60", job="kqi-test"),
        configuration="other",
    ),
    Case(
        "no heartbeat",
        "KqiOutOfTouch",
        worker("kqi_worker_in_touch", "0+0x60"),
        of_worker(
            "critical",
            "Worker w1 is out of touch",
            "Worker w1 has not heard from its group or from brokers for 15 s, and shows nothing of its offices, or old values.",
        ),
    ),
    Case("in touch", "KqiOutOfTouch", worker("kqi_worker_in_touch", "1+0x60")),
    Case(
        "for a quarter of an hour",
        "KqiNotReady",
        worker("kqi_worker_ready", "0+0x60"),
        of_worker(
            "warning",
            "Worker w1 does not become ready",
            "Worker w1 has been reading logs or waiting for partitions for 15 min; its offices are not shown meanwhile.",
            follows=True,
        ),
    ),
    Case("for a few minutes", "KqiNotReady", worker("kqi_worker_ready", "1+0x20 0+0x60")),
    Case(
        "five minutes behind",
        "KqiStandsStill",
        worker("kqi_worker_clock_timestamp_seconds", "0+60x25 1500+0x60") | READY,
        of_worker(
            "critical", "Indices of worker w1 stand still", "Windows end 5m 0s ago: a log cannot be read to its end."
        ),
    ),
    Case(
        "of a worker that is left over and owns nothing",
        "KqiStandsStill",
        worker("kqi_worker_clock_timestamp_seconds", "0+0x60") | READY,
    ),
    Case("of now", "KqiStandsStill", worker("kqi_worker_clock_timestamp_seconds", "0+60x60") | READY),
    Case(
        "while it reads its log",
        "KqiStandsStill",
        worker("kqi_worker_clock_timestamp_seconds", "0+0x60") | worker("kqi_worker_ready", "0+0x60"),
    ),
    Case(
        "over two topics of a partition",
        "KqiLag",
        worker("kqi_worker_lag", "6000+0x60", topic="kqi.presses", partition="3")
        | worker("kqi_worker_lag", "6000+0x60", topic="kqi.calls", partition="3")
        | worker("kqi_worker_lag", "6000+0x60", topic="kqi.calls", partition="4")
        | READY,
        of_worker(
            "warning",
            "Worker w1 lags behind",
            "12000 messages of partition 3 wait to be read by worker w1, more than 10000.",
            follows=True,
            partition="3",
        ),
    ),
    Case(
        "a moment's",
        "KqiLag",
        worker("kqi_worker_lag", "0+0x20 20000+0x5 0+0x60", topic="kqi.presses", partition="3") | READY,
    ),
    Case(
        "while it reads its log",
        "KqiLag",
        worker("kqi_worker_lag", "20000+0x60", topic="kqi.presses", partition="3")
        | worker("kqi_worker_ready", "0+0x60"),
    ),
    Case(
        "it works on, and none was taken",
        "KqiCheckpointOld",
        worker(CHECKPOINT, "300+0x60", partition="3")
        | worker(MESSAGES, "0+5x60", partition="3", fate="applied")
        | READY,
        of_worker(
            "warning",
            "Checkpoints are too old",
            "Partition 3 of worker w1 goes on, and its last checkpoint was taken 25m 0s ago; one is due every 30 s. "
            "Nothing is lost, but the next start takes longer.",
            partition="3",
        ),
    ),
    Case(
        "nothing new came since",
        "KqiCheckpointOld",
        worker(CHECKPOINT, "300+0x60", partition="3")
        | worker(MESSAGES, "70+0x60", partition="3", fate="applied")
        | READY,
    ),
    Case(
        "taken in time",
        "KqiCheckpointOld",
        worker(CHECKPOINT, "0+60x60", partition="3")
        | worker(MESSAGES, "0+5x60", partition="3", fate="applied")
        | READY,
    ),
    Case(
        "none at all",
        "KqiNoCheckpoint",
        worker(MESSAGES, "70+0x60", partition="3", fate="applied")
        | worker(MESSAGES, "0+0x60", partition="4", fate="applied")
        | READY,
        of_worker(
            "warning",
            "There is no checkpoint",
            "Partition 3 of worker w1 has no checkpoint, 70 messages after the begin of its log: a start reads all of it again.",
            partition="3",
        ),
    ),
    Case(
        "an old one",
        "KqiNoCheckpoint",
        worker(MESSAGES, "70+0x60", partition="3", fate="applied")
        | worker(CHECKPOINT, "0+0x60", partition="3")
        | READY,
    ),
    Case(
        "one a minute",
        "KqiDeadLetters",
        growing(DEAD, "0+1x60", reason="not_json") | worker(DEAD, "7+0x60", reason="too_late"),
        of_worker(
            "warning",
            "Messages cannot be used: not_json",
            "10 messages of the last 10 min went to dead-letters for not_json, told by worker w1.",
            reason="not_json",
        ),
    ),
    Case("long ago", "KqiDeadLetters", growing(DEAD, "0 0 5+0x60", reason="not_json")),
    Case(
        "read again after a start",
        "KqiDeadLetters",
        worker(DEAD, "0+5x60", reason="not_json") | worker("kqi_worker_ready", "0+0x25 1+0x60"),
    ),
    Case(
        "two a minute",
        "KqiMisrouted",
        growing("kqi_worker_misrouted_events_total", "0+2x60"),
        of_worker(
            "warning",
            "Messages lie under a wrong key",
            "20 messages of the last 10 min lay under another key or in another partition than their office's, told by worker w1; "
            "they were moved.",
        ),
    ),
    Case("no more", "KqiMisrouted", growing("kqi_worker_misrouted_events_total", "7+0x60")),
    Case(
        "made-up names",
        "KqiTooManyNames",
        growing("kqi_worker_nameless_events_total", "0+2x60"),
        of_worker(
            "warning",
            "More employees or queues than there is room for",
            "20 events of the last 10 min name employees, queues or categories beyond 20000, told by worker w1; they count for their "
            "offices alone.",
        ),
    ),
    Case("none", "KqiTooManyNames", growing("kqi_worker_nameless_events_total", "0+0x60")),
    Case(
        "at every scrape",
        "KqiSeriesLeftOut",
        growing("kqi_worker_series_left_out_total", "0+100x60"),
        of_worker(
            "warning",
            "Worker w1 does not show all",
            "Worker w1 has more than 2000000 series to show; the least important are left out.",
        ),
    ),
    Case("all are shown", "KqiSeriesLeftOut", growing("kqi_worker_series_left_out_total", "100+0x60")),
    Case(
        "a fault in it",
        "KqiDirectoryInvalid",
        worker("kqi_worker_directory_valid", "0+0x60"),
        of_worker(
            "warning",
            "The directory is not right",
            "What the directory says now is not in force at worker w1, which goes by an earlier one.",
        ),
    ),
    Case("in force", "KqiDirectoryInvalid", worker("kqi_worker_directory_valid", "1+0x60")),
    Case(
        "some partition told nothing",
        "KqiCompanyUnknown",
        growing("kqi_worker_company_known", "0+0x60"),
        of_worker(
            "info",
            "Employees are not compared with the whole company",
            "Worker w1 does not know the values of all partitions.",
            follows=True,
        ),
    ),
    Case("all told", "KqiCompanyUnknown", growing("kqi_worker_company_known", "1+0x60")),
]
CASES = INDICES + OBJECTIVES + OFFICES + WORKERS
