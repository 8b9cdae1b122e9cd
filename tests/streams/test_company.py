"""What workers tell each other of those whom they compare: enough to compare the whole company, wherever its partitions are."""

import json

import numpy as np
import pytest

from streams.company import Company
from streams.comparison import Comparing, Peers
from tests.reference.companies import START_MS, company
from tests.streams.feeding import Feed

CONFIG = {
    "windows": ["15m", "1h"],
    "min_surveys": 1,
    "force_majeure_level_max": 1,
    "comparison": {"indices": ["ink_personnel", "revenue"], "min_employees": 2},
}
AT_MS = START_MS + 300_000


class Member:
    """A worker that owns some offices, each in a partition of its own, and hears what all tell."""

    def __init__(self, events, numbers):
        self.feeds = {
            number: Feed(CONFIG, AT_MS).feed([each for each in events if each["office_id"] == f"office-{number}"])
            for number in numbers
        }
        self.comparing = Comparing(next(iter(self.feeds.values())).configuration)
        self.company = Company(self.comparing, ("15m", "1h"), 3, "kqi")

    @property
    def peers(self):
        """Of its partitions."""
        return {number: self.comparing.peers(feed.engine, feed.partition) for number, feed in self.feeds.items()}

    def news(self):
        """What it tells."""
        return [news for number, peers in self.peers.items() for news in self.company.news(number, peers)]

    def hear(self, messages):
        """Hear what is told."""
        for key, value in messages:
            self.company.hear(key, value)

    def deviations(self, together=(0, 1)):
        """By office, employee and window; some windows are compared together."""
        found = {}
        peers = self.peers
        told = self.comparing.deviations(together, list(peers.values()), self.company.elsewhere(self.feeds))
        for number, each, deviations in zip(peers, peers.values(), told, strict=True):
            for entity, values in zip(each.entities.tolist(), deviations.values.tolist(), strict=True):
                for window, of_window in zip(together, values, strict=True):
                    found[self.feeds[number].partition.names.entities[entity], window] = of_window
        return found


@pytest.fixture(scope="module")
def events():
    """Return the events of three offices."""
    return company(4, steps=40, offices=3)


def test_members_together_compare_as_one_does(events):
    """To the last bit, when all have told; before that nobody compares with the company."""
    whole, one, two = Member(events, [0, 1, 2]), Member(events, [1]), Member(events, [2, 0])
    right = whole.deviations()
    assert np.isfinite(list(right.values())).any(axis=0).all()
    one.hear(two.news())
    assert one.company.elsewhere({1}) is not None
    assert two.company.elsewhere({2, 0}) is None
    assert np.isnan([values[9:12] for values in two.deviations().values()]).all()
    two.hear(one.news())
    assert repr(sorted((one.deviations() | two.deviations()).items())) == repr(sorted(right.items()))


def test_windows_do_not_mix(events):
    """Compared together, in any order, they give what each gives alone, to the last bit."""
    whole = Member(events, [0, 1, 2])
    alone = whole.deviations([0]) | whole.deviations([1])
    assert repr(sorted(whole.deviations([1, 0]).items())) == repr(sorted(alone.items()))


def test_only_what_is_not_known_is_told(events):
    """Once told and heard there is nothing more to tell, whoever told it, until something changes."""
    one, other = Member(events, [1]), Member(events, [1])
    told = one.news()
    assert len(told) == 2 * 2
    other.hear(told)
    one.hear(told)
    assert one.news() == other.news() == []
    one.feeds[1].step([{**events[0], "type": "visit", "event_id": "new", "office_id": "office-1"}])
    assert one.news() == []
    sold = {
        "type": "sale",
        "event_id": "n",
        "ts": AT_MS,
        "office_id": "office-1",
        "amount_minor": 7,
        "currency": "EUR",
    }
    one.feeds[1].step([sold | {"employee_id": "somebody new"}])
    changed = one.news()
    assert [json.loads(key) for key, _ in changed] == [["kqi", 1, "15m", "revenue"], ["kqi", 1, "1h", "revenue"]]
    other.hear(changed)
    assert [key for key, _ in other.news()] == [key for key, _ in changed]  # who knows better says so


def test_a_message_names_nobody(events):
    """Values in their order, as the index has them, with the worse ends of their intervals."""
    member = Member(events, [0])
    for key, value in member.news():
        *_, window, index = json.loads(key)
        told = json.loads(value)
        assert told.keys() == {"values", "ends"}
        rows = [row for row in member.feeds[0].rows if row["scope"] == "employee" and row["window"] == window]
        shown = {row["index"]: [each["value"] for each in rows if each["index"] == row["index"]] for row in rows}
        believed = [
            value
            for value, representative in zip(shown[index], shown["ink_personnel_representative"], strict=True)
            if value is not None and (index == "revenue" or representative)
        ]
        if index == "ink_personnel":
            assert sorted(believed) == told["values"]
            assert all(end >= value for value, end in zip(told["values"], told["ends"], strict=True))
        else:
            assert told["values"] == told["ends"] == sorted(told["values"], reverse=True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, None),
        (b"[0]", b"{}"),
        (b'["kqi",1,"1h","revenue"]', None),
        (b'["kqi",1,"1h","revenue"]', b'{"values":[1],"ends":["x"]}'),
        (b'["kqi",1,"1h","revenue"]', b'{"values":[1],"ends":[]}'),
        (b'["kqi",7,"1h","revenue"]', b'{"values":[1],"ends":[1]}'),
        (b'["other",1,"1h","revenue"]', b'{"values":[1],"ends":[1]}'),
        (b'["kqi",1,"9h","revenue"]', b'{"values":[1],"ends":[1]}'),
        (b'["kqi",1,"1h","nps"]', b'{"values":[1],"ends":[1]}'),
    ],
)
def test_what_means_nothing_here_changes_nothing(events, key, value):
    """Strangers' messages, those of another group, and those on partitions, windows and indices that are not compared here."""
    member = Member(events, [0])
    member.hear(Member(events, [1, 2]).news())
    before = member.company.elsewhere({0})
    member.company.hear(key, value)
    after = member.company.elsewhere({0})
    assert before.keys() == after.keys()
    assert all(np.array_equal(each, after[place][at]) for place in before for at, each in enumerate(before[place]))
    member.company.hear(b'["kqi",1,"1h","revenue"]', b'{"values":[1],"ends":[1]}')  # this one does
    changed = member.company.elsewhere({0})
    assert any(
        not np.array_equal(each, changed[place][at]) for place in before for at, each in enumerate(before[place])
    )


def test_nobody_is_told_too():
    """So that it is known that nobody takes part."""
    comparing = Comparing(Feed(CONFIG).configuration)
    nobody = Peers(np.zeros(0, np.int64), np.zeros(0, np.int64), *[np.zeros((0, 2, 2))] * 4)
    company = Company(comparing, ("15m", "1h"), 2, "kqi")
    for key, value in company.news(1, nobody):
        assert json.loads(value) == {"values": [], "ends": []}
        company.hear(key, value)
    assert {place: others.values.size for place, others in company.elsewhere({0}).items()} == dict.fromkeys(
        [(0, 0), (0, 1), (1, 0), (1, 1)], 0
    )
    assert company.elsewhere({0, 1}) == {}
