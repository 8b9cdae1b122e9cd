"""Ratings between departments: what may be shown, and that every way leads to the same."""

import random

import numpy as np
import pytest

from streams.departments import LEAST_RATERS, pairs_shown, windows_shown
from tests.metrics import Scrape, samples_of
from tests.reference import cases, method
from tests.reference.companies import START_MS as T
from tests.streams.feeding import DAY_MS, SIZES, Feed, shuffled
from tests.streams.happenings import peer_rating, visit

SCOPES = ("department", "pair")
CONFIG = {"windows": ["1h", "24h", "30d"]}


def of_departments(rows):
    """The rows of departments."""
    return [row for row in rows if row["scope"] in SCOPES]


def office(seed, ratings=150):
    """Ratings of three departments by each other over a month, most of them of late."""
    chance = random.Random(seed)
    events = []
    for _ in range(ratings):
        names = ("sales", "help", "stock", "d\u00e9p\u00f4t")
        rater, rated = chance.choices(names, (8, 4, 2, 1))[0], chance.choice(names)
        scores = {
            criterion: chance.randint(1, 10) for criterion in chance.sample(("speed", "tone"), chance.randrange(3))
        }
        ts_ms = T - round(chance.choice((0.04, 1, 30)) * DAY_MS * chance.random())
        comment = chance.choice(("", "why"))
        votes = chance.choices(("ann", "ben", "carl"), k=chance.randrange(6))
        about = {"from_department": rater, "to_department": rated, "scores": scores}
        events.append(peer_rating(ts_ms, **about, comment=comment, vote_employee_ids=votes))
    return events


@pytest.mark.parametrize("seed", range(4))
def test_any_order_gives_what_the_reference_gives(seed):
    """In any batches and order, some twice, swept after each or not; and so as time goes on, until nothing is left."""
    events = office(seed)
    for size in SIZES:
        feed = Feed(CONFIG, T, sweeps=size == 7).feed(shuffled(events, seed + size), size)
        assert cases.differences(feed.rows, method.indices(events, T, CONFIG)) == []
        assert {row["scope"] for row in of_departments(feed.rows)} == set(SCOPES)
    feed.engine.until_ms = None
    for later_ms in (T + DAY_MS // 24, T + DAY_MS, T + 10 * DAY_MS, T + 31 * DAY_MS):
        feed.clock.now_ms = later_ms
        feed.step()
        assert cases.differences(feed.rows, method.indices(events, later_ms, CONFIG)) == []
    assert feed.rows == []
    assert not feed.partition.peer_sums.any()


def test_what_lies_ahead_is_held():
    """Ratings ahead of now count when their time has come, with their scores and votes."""
    events = [peer_rating(T + 20, vote_employee_ids=["ann"]) for _ in range(LEAST_RATERS)]
    feed = Feed(CONFIG, T).feed([visit(T)])
    feed.engine.until_ms = None
    feed.feed(events)
    assert not of_departments(feed.rows)
    feed.clock.now_ms = T + 20
    feed.step()
    assert cases.differences(feed.rows, method.indices([visit(T), *events], T + 20, CONFIG)) == []
    assert of_departments(feed.rows)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_hidden_cannot_be_taken_from_what_is_shown(seed):
    """Neither from all together less the departments that are shown, nor from a window less a shorter one."""
    chance = np.random.default_rng(seed)
    rated_of = chance.integers(0, 6, 30)
    given = chance.integers(0, 9, 30)
    shown = pairs_shown(given, rated_of, np.arange(30))
    for rated in range(6):
        hidden = given[(rated_of == rated) & ~shown].sum()
        assert hidden == 0 or hidden >= LEAST_RATERS or not shown[rated_of == rated].any()
        large = (rated_of == rated) & (given >= LEAST_RATERS)
        assert (large & ~shown).sum() <= 1  # no more is hidden than has to be
    assert (given[shown] >= LEAST_RATERS).all()

    nested = np.cumsum(chance.integers(0, 5, (50, 6)), axis=1)  # the shortest window first
    shown = windows_shown(nested, np.arange(6)[::-1])
    for row, seen in zip(nested, shown, strict=True):
        assert set(np.diff(row[seen])) <= {0, *range(LEAST_RATERS, 100)}
        assert (row[seen] >= LEAST_RATERS).all()
        assert seen[-1] == (row[-1] >= LEAST_RATERS)


def test_groups_of_four_are_not_shown():
    """The fifth rater shows a group, and its leaving the window hides it again."""
    feed = Feed({"windows": ["1h"]}, T).feed([peer_rating(T - 60_000 * n, scores={"speed": 7}) for n in range(4)])
    feed.engine.until_ms = None
    assert not of_departments(feed.rows)
    feed.feed([peer_rating(T - 3_480_000, scores={"speed": 2})])
    means = [(row["scope"], row["value"], row["base"]) for row in feed.rows if row["index"] == "peer_score"]
    assert means == [("department", 6.0, 5), ("pair", 6.0, 5)]
    feed.clock.now_ms = T + 240_000
    feed.step()
    assert not of_departments(feed.rows)


def test_a_criterion_has_its_own_raters():
    """A group is shown, and of it a criterion that fewer spoke of is not."""
    events = [peer_rating(T, scores={"speed": 5} | ({"tone": 5} if n else {})) for n in range(5)]
    rows = of_departments(Feed({"windows": ["1h"]}, T).feed(events).rows)
    assert {row.get("criterion") for row in rows} == {None, "speed"}


@pytest.mark.parametrize(
    ("scores", "comment", "flagged"),
    [
        ({"a": 10, "b": 5}, None, True),
        ({"a": 1}, " \n", True),
        ({"a": 1}, "because", False),
        ({"a": 2, "b": 9}, None, False),
        ({}, None, False),
    ],
)
def test_extreme_scores_want_a_comment(scores, comment, flagged):
    """The ends of the scale without a word are flagged."""
    feed = Feed({"windows": ["1h"]}, T).feed([peer_rating(T, scores=scores, comment=comment) for _ in range(5)])
    found = {row["value"] for row in feed.rows if row["index"] == "peer_extremes_uncommented"}
    assert found == {5 * flagged}


def test_metrics_show_what_a_replay_prints():
    """Each value under its labels, and nothing else of departments."""
    from agents.exposition import Exposition  # noqa: PLC0415

    feed = Feed(CONFIG, T).feed(office(1))
    exposition = Exposition(feed.engine)
    for _ in range(2):  # made, and kept
        seen = Scrape(exposition.text([feed.partition]))
        shown = {
            name: value for name, value in seen.samples.items() if "_department_" in name[0] or "_pair_" in name[0]
        }
        rows = of_departments(feed.rows)
        assert shown == {name: value for row in rows for name, value in samples_of(row).items()}
        assert len(rows) > 10
        feed.feed(office(2, 20))


def test_a_ceiling_leaves_out_departments_last():
    """What no room is left for is counted."""
    from agents.exposition import Exposition  # noqa: PLC0415

    events = [peer_rating(T, scores={"speed": 7}) for _ in range(5)]
    feed = Feed({"windows": ["1h"], "metrics_max_series": 4}, T).feed(events)
    scrape = Exposition(feed.engine).scrape([feed.partition])
    text = b"".join(scrape.pieces()).decode()
    assert (scrape.series, scrape.left_out) == (4, 2)
    assert sum(line.startswith(("kqi_department", "kqi_pair")) for line in text.splitlines()) == 4


def test_groups_beyond_the_ceiling_count_nowhere():
    """A flood of criteria makes no more groups than names may be; those that were there go on."""
    feed = Feed({"windows": ["1h"], "names_max": 4}, T)
    feed.feed([peer_rating(T, scores={"speed": 7}) for _ in range(5)])
    feed.feed([peer_rating(T, scores={f"c{n}": 3, "speed": 7}) for n in range(30)], 4)
    assert len(feed.partition.names.groups) == 2
    means = {row["value"]: row["base"] for row in feed.rows if row["index"] == "peer_score"}
    assert means == {7.0: 35}


def test_instants_of_any_year():
    """Days of employees are looked up whatever time it is."""
    directory = {"offices": [{"id": "riga-1"}], "employees": [{"id": "a", "office": "riga-1", "department": "sales"}]}
    for ts_ms in (0, 2**53 - 1):
        feed = Feed({"windows": ["1h"], "directory": directory}).feed([peer_rating(ts_ms)])
        assert [row["value"] for row in of_departments(feed.rows)] == [1.0]
