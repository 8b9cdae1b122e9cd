"""The simulated company keeps to the contract, to its own promises, and tells the truth about itself."""

import itertools
from collections import Counter, defaultdict

import orjson
import pytest

from streams.events import EVENT_NAMES
from streams.simulation import GREATEST_SKEW_MS, SLOT_MS, Company, morning_offset_ms, simulate
from streams.simulation.company import DAY_MS, HOUR_MS
from streams.structs import decode_structs as decode
from tests.reference import contract, method

START_MS = 1_767_571_200_000  # Monday, 2026-01-05T00:00:00Z
WEEK_MS = 7 * DAY_MS
PANEL_EVENTS = {"seller_press", "customer_press"}


def bytes_of(company, start_ms=START_MS, duration_ms=DAY_MS):
    """Return all lines of a simulation, arrivals included."""
    return b"\n".join(
        b"%d %b" % (arrival, orjson.dumps(event)) for arrival, event in simulate(company, start_ms, duration_ms)
    )


@pytest.fixture(scope="module")
def week():
    """Return a week of a small company: [(arrival_ms, event)] and the records of truth by kind."""
    truth = defaultdict(list)
    log = list(simulate(Company(5, 5, 6), START_MS, WEEK_MS, lambda record: truth[record["truth"]].append(record)))
    return log, truth


def test_same_seed_same_bytes():
    """The same seed and times give the same bytes, another seed others."""
    assert bytes_of(Company(3, 3, 5)) == bytes_of(Company(3, 3, 5))
    assert bytes_of(Company(3, 3, 5)) != bytes_of(Company(4, 3, 5))


def test_truth_does_not_disturb():
    """Asking for the truth changes no event."""
    log = [event for _, event in simulate(Company(3, 2, 5), START_MS, DAY_MS)]
    told = [event for _, event in simulate(Company(3, 2, 5), START_MS, DAY_MS, lambda _: None)]
    assert log == told


def test_a_later_start_joins_the_same_story():
    """A simulation that begins later in the day tells of the same surveys from there on."""
    company, noon_ms = Company(3, 3, 5), START_MS + 12 * HOUR_MS
    surveys = [
        {
            event["event_id"]
            for _, event in simulate(company, start_ms, START_MS + DAY_MS - start_ms)
            if event["type"] == "seller_press" and event["ts"] > noon_ms + GREATEST_SKEW_MS
        }
        for start_ms in (START_MS, noon_ms)
    ]
    assert surveys[0] == surveys[1] != set()


def test_every_event_is_accepted(week):
    """The product's decoder and the reference's judge take every event, and all types occur."""
    lines = [orjson.dumps(event) for _, event in week[0]]
    decoded = decode(lines)
    assert decoded.rejects == []
    assert len(decoded.groups) == len(EVENT_NAMES)
    assert [reason for line in lines[::7] if (reason := contract.judge(line)[1])] == []


def test_counts_are_plausible(week):
    """Presses, answers, sales and visits keep the proportions of a working day; the rest is rarer."""
    counts = Counter(event["type"] for _, event in week[0])
    presses = counts["seller_press"]
    assert presses > 5_000
    assert 0.7 < counts["customer_press"] / presses < 0.85
    assert 0.05 < counts["sale"] / presses < 1
    visitors = sum(event.get("count", 1) for _, event in week[0] if event["type"] == "visit")
    assert 0.65 < presses / visitors < 1
    for kind in ("verdict", "rating", "request", "call"):
        assert 0.005 < counts[kind] / presses < 1, kind
    assert {event["direction"] for _, event in week[0] if event["type"] == "call"} == {
        "inbound",
        "outbound",
        "internal",
    }
    assert any(event["amount_minor"] < 0 for _, event in week[0] if event["type"] == "sale")


def test_arrivals(week):
    """Arrivals never go back; each lies at most a small skew before its event, and panels deliver within 24 h."""
    arrivals = [arrival_ms for arrival_ms, _ in week[0]]
    assert arrivals == sorted(arrivals)
    for arrival_ms, event in week[0]:
        assert START_MS - GREATEST_SKEW_MS <= event["ts"] < START_MS + WEEK_MS or event["type"] == "shift"
        if event["type"] == "shift":
            assert -DAY_MS <= arrival_ms - event["ts"] < DAY_MS
        else:
            assert -GREATEST_SKEW_MS <= arrival_ms - event["ts"] <= DAY_MS


def test_panels_buffer(week):
    """Most presses arrive at once, some hours late and in bursts."""
    delays_ms = [arrival_ms - event["ts"] for arrival_ms, event in week[0] if event["type"] in PANEL_EVENTS]
    late = [delay_ms for delay_ms in delays_ms if delay_ms > 60_000]
    assert 0.003 < len(late) / len(delays_ms) < 0.15
    assert max(late) > HOUR_MS


def test_ids(week):
    """An id is one event's in its office; some events come twice, and then are the same."""
    seen = {}
    for _, event in week[0]:
        assert seen.setdefault((event["office_id"], event["event_id"]), event) == event
    assert 0.001 < 1 - len(seen) / len(week[0]) < 0.03


def test_truth_covers_every_survey(week):
    """The truth names exactly the surveys that the method finds, and how each one turned out."""
    log, truth = week
    events = [contract.normalise(event) for _, event in log if event["type"] in {*PANEL_EVENTS, "verdict"}]
    found = {(survey["office_id"], survey["event_id"]): survey for survey in method.surveys(events, START_MS + WEEK_MS)}
    known = {(record["office_id"], record["press_id"]): record for record in truth["survey"]}
    assert len(known) == len(truth["survey"])
    assert found.keys() == known.keys()
    for key, survey in found.items():
        record = known[key]
        assert [survey[name] for name in ("panel_id", "employee_id", "ts", "question", "outcome", "valid")] == [
            record[name] for name in ("panel_id", "employee_id", "ts", "question", "outcome", "reliable")
        ]


def test_truth_of_force_majeures():
    """The truth marks exactly the surveys that lie in a standing force majeure, confirmed ones, and false alarms."""
    truth = defaultdict(list)
    company, days = Company(8, 8, 5), 4
    log = simulate(company, START_MS, days * DAY_MS, lambda record: truth[record["truth"]].append(record))
    events = [contract.normalise(event) for _, event in log if event["type"] in {"seller_press", "verdict"}]
    settings = {"force_majeure_pending": "include"}
    found = method.surveys(events, START_MS + days * DAY_MS, settings)
    inside = {(survey["office_id"], survey["event_id"]) for survey in found if survey["in_force_majeure"]}
    told = {(record["office_id"], record["press_id"]) for record in truth["survey"] if record["standing_force_majeure"]}
    assert inside == told != set()
    assert {record["stands"] for record in truth["force_majeure"]} == {True, False, None}
    assert {record["real"] for record in truth["force_majeure"]} == {True, False}


def test_oddities_occur(week):
    """Bounces, extra presses, orphans and answers that come too late all occur, each rarely."""
    log, truth = week
    events = [contract.normalise(event) for _, event in log if event["type"] in PANEL_EVENTS]
    roles = Counter(method.roles(events, START_MS + WEEK_MS).values())
    for role in ("bounce", "extra", "orphan", "long"):
        assert 0 < roles[role] < roles["survey"] / 20, role
    too_late = sum(record["outcome"] != record["felt"] for record in truth["survey"])
    assert 0 < too_late < roles["survey"] / 20


def test_shares_are_as_intended(week):
    """A fifth to a third stays silent, and what sellers get is near what the truth says of them."""
    _, truth = week
    shares = Counter(record["felt"] for record in truth["survey"])
    assert 0.2 < shares["silent"] / shares.total() < 0.3
    leanings = {(record["office_id"], record["employee_id"]): record["personnel"] for record in truth["employee"]}
    tested = 0
    for key, records in itertools.groupby(
        sorted(truth["survey"], key=lambda record: (record["office_id"], record["employee_id"])),
        lambda record: (record["office_id"], record["employee_id"]),
    ):
        asked = [record["felt"] for record in records if record["question"] == "personnel"]
        if len(asked) >= 200:
            tested += 1
            assert abs(asked.count("silent") / len(asked) - leanings[key]["silent"]) < 0.12, key
            assert -0.1 < asked.count("no") / len(asked) - leanings[key]["no"] < 0.2, key
    assert tested >= 5


def test_sellers_differ():
    """Offices have sellers of different quality, and a floater stands in two of them."""
    company = Company(1, 6, 8)
    shares = [seller.leanings["personnel"].no for office in company.offices for seller in office.sellers]
    assert max(shares) > 4 * min(shares)
    offices_of = Counter(seller.employee_id for office in company.offices for seller in office.sellers)
    assert sorted(offices_of.values())[-3:] == [2, 2, 2]


def test_endless_and_lazy():
    """Without a duration it goes on, and never looks further ahead than a slot and what is late."""
    company = Company(1, 2, 4, utc_offset_ms=morning_offset_ms(START_MS + 12_345))
    truth = []
    log = simulate(company, START_MS + 12_345, truth=truth.append)
    arrival_ms, _ = next((arrival_ms, event) for arrival_ms, event in log if event["type"] == "seller_press")
    assert arrival_ms < START_MS + HOUR_MS / 2
    surveys = [record for record in truth if record["truth"] == "survey"]
    assert surveys
    assert max(record["ts"] for record in surveys) < arrival_ms + 2 * SLOT_MS
    assert next(arrival_ms for arrival_ms, _ in log if arrival_ms > START_MS + 2 * DAY_MS)


@pytest.mark.parametrize("wrong", [{"office_count": 0}, {"employees_per_office": 0}, {"utc_offset_ms": 1}])
def test_impossible_companies(wrong):
    """A company that cannot be is refused."""
    with pytest.raises(ValueError, match=r"at least one|quarters"):
        Company(**wrong)
