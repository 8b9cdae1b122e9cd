"""What the views show: numbers as they were read, in the order and the page that is asked for."""

import msgspec
import numpy as np
import pytest

from agents.board import operations, values, views
from agents.board.history import History
from agents.board.reading import Reader
from agents.board.rounds import Round, WorkerAnswer
from agents.board.values import View, reading
from kernels.intervals import wilson_lower
from streams.comparable import ComparisonRules
from streams.configuration import Configuration
from streams.outputs import UNREPRESENTATIVE
from streams.trust import DIAGNOSES, MAIN
from tests.agents.board.fake_company import FakeCompany, surveyed

RULES = Configuration()
HISTORY = History()
TOTALS = ("calls_offered", "calls_answered", "calls_missed", "requests_open", "requests_overdue")


def read_of(company):
    return Reader().read([company.metrics().encode()])


@pytest.fixture
def company():
    """Return three offices: many surveys that are bad, many that are good, and too few."""
    company = FakeCompany({"oslo-1": ["carl"], "riga-1": ["anna", "berta"], "tartu-1": ["dora"]})
    company.surveys += surveyed("riga-1", "anna", "no", "no", "silent", "yes")
    company.surveys += surveyed("riga-1", "berta", "no", question="office")
    company.surveys += surveyed("oslo-1", "carl", "yes", "yes", "yes", "hard_to_say")
    company.surveys += surveyed("tartu-1", "dora", "no", "no")
    return company


def offices_shown(read, **asked):
    return [row["office"] for row in views.company(read, HISTORY, RULES, "24h", asked)["rows"]]


def test_words_are_the_services():
    """The board has words of its own for none of these."""
    assert values.MAIN == MAIN
    assert values.DIAGNOSES == DIAGNOSES
    assert tuple(UNREPRESENTATIVE) == values.REASONS


def test_what_is_not_representative_comes_last(company):
    """Offices come worst first; those that may not be believed after them, and those without a value last."""
    company.surveys += surveyed("bergen-1", "eva", "yes", question="loyalty")
    company.offices["bergen-1"] = ["eva"]
    read = read_of(company)
    assert offices_shown(read) == ["riga-1", "oslo-1", "tartu-1", "bergen-1"]
    assert offices_shown(read, turned="1") == ["oslo-1", "riga-1", "tartu-1", "bergen-1"]
    assert offices_shown(read, sort="office") == ["bergen-1", "oslo-1", "riga-1", "tartu-1"]
    assert offices_shown(read, sort="surveys") == ["riga-1", "oslo-1", "tartu-1", "bergen-1"]
    assert offices_shown(read, sort="no such column") == ["riga-1", "oslo-1", "tartu-1", "bergen-1"]


def test_a_reading_has_all_to_judge_it_by(company):
    """Value, interval, base, whether it is representative, and if not why."""
    view = View.of(read_of(company), "office", "24h")
    assert reading(view, view.row(("riga-1", "")), "ink_personnel") == {
        "index": "ink_personnel",
        "value": 0.7,
        "lower": pytest.approx(0.65),
        "upper": pytest.approx(0.75),
        "base": 4.0,
        "at_most": False,
        "representative": True,
        "reasons": [],
    }
    assert reading(view, view.row(("tartu-1", "")), "ink_personnel")["reasons"] == ["too_few_surveys"]
    assert reading(view, view.row(("oslo-1", "")), "iel") == {
        "index": "iel",
        "value": None,
        "base": 0.0,
        "at_most": False,
        "representative": False,
        "reasons": ["too_few_surveys"],
    }


def test_base_with_force_majeure(company):
    """Where surveys lie in force majeures the counts are only what INK@Personnel rests on at most."""
    company.more = '# HELP kqi_office_force_majeure_level_ratio x\nkqi_office_force_majeure_level_ratio{office="riga-1",window="24h"} 0.2'
    view = View.of(read_of(company), "office", "24h")
    row = view.row(("riga-1", ""))
    assert reading(view, row, "ink_personnel")["at_most"]
    assert not reading(view, row, "ink_office")["at_most"]


def test_search(company):
    """By part of an id, name or region, whatever its case."""
    company.more = (
        '# HELP kqi_office_info x\nkqi_office_info{office="riga-1",name="Old Town",region="North",time_zone="UTC"} 1'
    )
    read = read_of(company)
    assert offices_shown(read, q="TARTU") == ["tartu-1"]
    assert offices_shown(read, q="old t") == offices_shown(read, q="north") == ["riga-1"]
    assert offices_shown(read, region="North") == ["riga-1"]
    assert offices_shown(read, q="nowhere") == []
    assert offices_shown(read, q="utc") == []


def test_five_thousand_offices():
    """A page has fifty of them; every one is on exactly one page; pages that there are not are the last one."""
    company = FakeCompany({f"office-{number:04}": ["e"] for number in range(5_000)})
    for number in range(0, 5_000, 7):
        company.surveys += surveyed(f"office-{number:04}", "e", *["no"] * (number % 5), "yes", "yes", "yes")
    # The fake counts each office by itself, which takes too long here.
    by_office = {}
    for survey in company.surveys:
        by_office.setdefault(survey["office_id"], []).append(survey)
    company.of_offices = lambda: ((f'office="{office}"', by_office.get(office, [])) for office in company.offices)
    company.of_employees = lambda: ()
    read = read_of(company)
    first = views.company(read, HISTORY, RULES, "24h", {})
    assert (first["offices"], len(first["rows"]), first["page"]["last"]) == (5_000, views.PAGE_ROWS, 99)
    pages = [offices_shown(read, page=str(number), sort="office") for number in range(100)]
    assert sorted(office for page in pages for office in page) == sorted(company.offices)
    assert offices_shown(read, page="100000", sort="office") == offices_shown(read, page="99", sort="office")
    assert offices_shown(read, page="-1") == offices_shown(read, page="x") == offices_shown(read)
    worst = [row["main"][0]["value"] for row in first["rows"]]
    assert worst == sorted(worst, reverse=True)


def test_sides_of_the_reference(company):
    """An office is worse or fine for certain only with its whole interval, and only if it is representative."""
    company.offices["lund-1"] = ["eva"]
    company.surveys += surveyed("lund-1", "eva", "silent", "yes", "yes", "yes")  # 0.2, the reference
    view = View.of(read_of(company), "office", "24h")
    assert values.verdicts(view, "ink_personnel", 0.2) == {"worse": 1, "fine": 1, "open": 1, "not_representative": 1}
    assert values.verdicts(view, "iel", 0.5)["not_representative"] == 4


def test_an_office(company):
    """Its employees alone, each with a row; an office that nobody speaks of is none."""
    read = read_of(company)
    shown = views.office(read, HISTORY, RULES, "24h", {"office": "riga-1"})
    assert [row["employee"] for row in shown["rows"]] == ["anna", "berta"]
    assert shown["outcomes"]["personnel"] == {"yes": 1.0, "no": 2.0, "hard_to_say": 0.0, "silent": 1.0}
    assert shown["references"] == {"ink_personnel": 0.2, "ink_office": 0.2, "iel": 0.5}
    assert [
        row["employee"] for row in views.office(read, HISTORY, RULES, "24h", {"office": "riga-1", "q": "BER"})["rows"]
    ] == ["berta"]
    assert views.office(read, HISTORY, RULES, "24h", {"office": "nowhere"}) is None


def test_company_and_regions_as_one(company):
    """Offices count by what their values rest on, representative or not; who is of no region counts for the company alone."""
    company.more = "# HELP kqi_office_info x\n" + "\n".join(
        f'kqi_office_info{{office="{office}",name="",region="{region}",time_zone="UTC"}} 1'
        for office, region in (("riga-1", "North"), ("tartu-1", "North"), ("gone-1", "West"))
    )
    everywhere, north = views.company(read_of(company), HISTORY, RULES, "24h", {})["totals"]
    assert everywhere == {
        "region": "",
        "offices": 3,
        "surveys": 11.0,
        "main": {"ink_personnel": pytest.approx((4 * 0.7 + 4 * 0 + 2 * 1) / 10), "ink_office": 1.0, "iel": None},
    }
    assert north == {
        "region": "North",
        "offices": 2,
        "surveys": 7.0,
        "main": {"ink_personnel": pytest.approx((4 * 0.7 + 2 * 1) / 6), "ink_office": 1.0, "iel": None},
    }


def test_force_majeures_are_marked(company):
    """At the points where surveys of the shortest window lay in one, whichever window is looked at."""
    history = History()
    for number, value in enumerate((0.0, 0.5, "NaN")):
        company.more = "# HELP kqi_office_force_majeure_level_ratio x\n" + "\n".join(
            f'kqi_office_force_majeure_level_ratio{{office="riga-1",window="{window}"}} {level}'
            for window, level in (("15m", value), ("24h", 0.1))
        )
        read = read_of(company)
        history.add(1000 * number, read, views.figures(read))
    shown = views.office(read, history, RULES, "24h", {"office": "riga-1"})
    assert shown["history"]["in_force_majeure"] == [False, True, False]


def test_an_employee(company):
    """Own indices, with those of the office beside them."""
    read = read_of(company)
    shown = views.employee(read, HISTORY, RULES, "24h", {"office": "riga-1", "employee": "anna"})
    assert shown["main"][0]["value"] == 0.7
    assert shown["office_main"][1]["value"] == 1.0
    assert views.employee(read, HISTORY, RULES, "24h", {"office": "oslo-1", "employee": "anna"}) is None


def test_standing_by_seconds(company):
    """Whoever is compared by seconds has a standing too, though metrics name their unit otherwise than the configuration."""
    told = {"office_rank": 2.0, "from_office_leader_seconds": 30.0}
    company.more = "".join(
        f"# HELP kqi_employee_average_speed_of_answer_{each} x\n"
        f'kqi_employee_average_speed_of_answer_{each}{{office="riga-1",employee="anna",window="24h"}} {value}\n'
        for each, value in told.items()
    )
    rules = Configuration(comparison=ComparisonRules(indices=("ink_personnel", "average_speed_of_answer_s")))
    shown = views.employee(read_of(company), HISTORY, rules, "24h", {"office": "riga-1", "employee": "anna"})
    (standing,) = shown["standings"]
    assert (standing["index"], standing["office_rank"], standing["from_office_leader"]) == (
        "average_speed_of_answer",
        2.0,
        30.0,
    )


@pytest.mark.parametrize("by", ["abandonment", "calls_missed", "average_speed_of_answer"])
def test_worst_queue_first(by):
    """Queues that keep customers waiting, or lose them, come first."""
    name = f"kqi_queue_{by}"
    text = f"# HELP {name} x\n" + "".join(
        f'{name}{{office="a",queue="{queue}",window="1h"}} {value}\n' for queue, value in (("x", 0.1), ("y", 0.3))
    )
    rows = operations.calls(Reader().read([text.encode()]), HISTORY, "1h", {"sort": by})["rows"]
    assert [row["queue"] for row in rows] == ["y", "x"]


def test_no_sums_of_nothing(company):
    """While no worker shows an office there are no sums: 0 would say that nobody called."""
    company.more = '# HELP kqi_office_calls_offered x\nkqi_office_calls_offered{office="riga-1",window="24h"} 5'
    reader = Reader()
    read = reader.read([company.metrics().encode()])
    assert operations.calls(read, HISTORY, "24h", {})["totals"] == dict.fromkeys(TOTALS, 0.0) | {"calls_offered": 5.0}
    assert operations.calls(reader.read([]), HISTORY, "24h", {})["totals"] == dict.fromkeys(TOTALS)


@pytest.mark.parametrize(("part", "whole"), [(0, 1), (3, 10), (10, 10), (7, 1000)])
def test_interval_of_a_share(part, whole):
    """The one over all offices is the same as the service has for one."""
    assert operations.wilson(part, whole) == pytest.approx(
        (wilson_lower(part, whole), 1 - wilson_lower(whole - part, whole))
    )


def test_targets_over_all_offices():
    """Requests due and met add up over offices; the budget burnt is what was late over what may be."""
    samples = {"riga-1": (0.5, 10), "oslo-1": (1.0, 30)}
    text = "# HELP kqi_priority_sla_resolved_ratio x\n" + "".join(
        f'kqi_priority_sla_resolved_ratio{{office="{office}",priority="high",window="24h"}} {share}\n'
        for office, (share, _) in samples.items()
    )
    text += "# HELP kqi_priority_sla_resolved_due x\n" + "".join(
        f'kqi_priority_sla_resolved_due{{office="{office}",priority="high",window="24h"}} {due}\n'
        for office, (_, due) in samples.items()
    )
    text += "# HELP kqi_request_objective_ratio x\n"
    text += 'kqi_request_objective_ratio{priority="high",stage="resolved"} 0.75\n'
    text += 'kqi_request_objective_ratio{priority="low",stage="resolved"} 0.75\n'
    high, low = operations.calls(Reader().read([text.encode()]), HISTORY, "24h", {})["targets"]
    assert (high["reading"]["value"], high["reading"]["base"], high["burn"]) == (35 / 40, 40.0, 0.5)
    assert (low["reading"]["value"], low["burn"]) == (None, None)


def test_health_of_workers(company):
    """Sums over topics and partitions; one that does not answer is there with the reason."""
    company.more = """kqi_worker_lag{topic="kqi.presses",partition="0"} 3
kqi_worker_lag{topic="kqi.calls",partition="1"} 4
kqi_worker_dead_letters_total{reason="not_json"} 2
kqi_worker_checkpoint_timestamp_seconds{partition="0"} 90
kqi_worker_checkpoint_timestamp_seconds{partition="1"} 80"""
    read = read_of(company)
    answers = (
        WorkerAnswer("http://a", "", read.others[0], {"kqi_worker_events_total": 2.5}),
        WorkerAnswer("http://b", "no answer", None, {}),
    )
    shown = operations.health(Round(1, 100_000, 0.1, read, answers), HISTORY)
    first, second = shown["workers"]
    assert (first["lag"], first["dead_letters"], first["events_per_s"], first["checkpoint_age_s"]) == (7, 2, 2.5, 20)
    assert second == {"address": "http://b", "problem": "no answer"}
    assert shown["dead_letters"] == {"not_json": 2}


def test_nothing_to_show():
    """Before any worker has anything to show, every view is there and empty."""
    read = Reader().read([b"# HELP kqi_worker_ready x\nkqi_worker_ready 0\n"])
    assert views.company(read, HISTORY, RULES, "", {})["rows"] == []
    assert operations.calls(read, HISTORY, "", {})["rows"] == []
    assert views.figures(read) == {}
    assert msgspec.to_builtins(operations.call_figures(read)) == {}
    assert np.isnan(View.of(read, "office", "").column("iel")).all()
