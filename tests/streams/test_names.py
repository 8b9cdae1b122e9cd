"""Names become numbers, and numbers names."""

import random

import numpy as np
import pytest

from streams.messages import Messages
from streams.names import Names
from tests.streams.feeding import decoded
from tests.streams.happenings import answer, call, press, rating, sale, verdict, visit

MANY = 10**6
T = 1_800_000_000_000


def numbered(names, events):
    """The numbers (office, place, employee) of events."""
    rows, buffer = decoded(events)
    names.number(rows, buffer, MANY)
    return rows[["office", "place", "employee"]].tolist()


def test_nothing_is_known_at_first():
    """Neither an entity nor a panel, and an empty batch brings none."""
    names = Names()
    assert numbered(names, []) == []
    assert (names.entities, names.panels, names.panel_offices, names.offices) == ([], [], [], [])
    assert names.counts == (0, 0)


def test_every_name_has_the_next_number():
    """Numbers follow the first sight, and stay."""
    names = Names()
    assert numbered(names, [visit(T, office_id=office) for office in "babc"]) == [
        (0, -1, -1),
        (1, -1, -1),
        (0, -1, -1),
        (2, -1, -1),
    ]
    assert [office for office, _, _ in numbered(names, [visit(T, office_id=office) for office in "cd"])] == [2, 3]
    assert names.entities == [("office", office, "") for office in "bacd"]
    assert names.offices == [0, 1, 2, 3]


def test_numbers_lead_back_to_names():
    """Of a panel, an employee and a queue, each beside its office; panels are counted apart."""
    names = Names()
    events = [
        press(T, office_id="o", panel_id="p", employee_id="ann"),
        answer(T, office_id="o", panel_id="q"),
        call(T, office_id="r", queue="help", employee_id="ann"),
        press(T, office_id="r", panel_id="p", employee_id="ben"),
    ]
    found = numbered(names, events)
    offices, places, employees = zip(*found, strict=True)
    assert [names.entities[number] for number in offices] == [("office", name, "") for name in "oorr"]
    assert [names.panels[places[at]] for at in (0, 1, 3)] == [("o", "p"), ("o", "q"), ("r", "p")]
    assert [names.panel_offices[places[at]] for at in (0, 1, 3)] == [offices[0], offices[0], offices[3]]
    assert names.entities[places[2]] == ("queue", "r", "help")
    assert [names.entities[employees[at]] for at in (0, 2, 3)] == [
        ("employee", "o", "ann"),
        ("employee", "r", "ann"),
        ("employee", "r", "ben"),
    ]
    assert [names.entities[number] for number in names.offices] == [("office", "o", ""), ("office", "r", "")]
    assert names.counts == (len(names.entities), len(names.panels)) == (6, 3)


def test_nobody_is_no_entity():
    """An event without an employee or a queue belongs to -1, and nothing is remembered of it."""
    names = Names()
    assert numbered(names, [call(T), sale(T), visit(T), verdict(T, press(T), 1)]) == [(0, -1, -1)] * 4
    assert names.entities == [("office", "riga-1", "")]


def test_types_without_indices_make_their_office_an_entity():
    """And nothing else."""
    names = Names()
    assert numbered(names, [rating(T), rating(T + 1)]) == [(0, -1, -1)] * 2
    assert (names.entities, names.panels) == ([("office", "riga-1", "")], [])


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_names_of_any_length(seed):
    """More than there is room for at once, in batches of any size, from one byte to 512: a dictionary knows no better."""
    chance = random.Random(seed)
    alphabet = ("a", "\u00e9", "\ufb01", "\U0001f600")
    texts = [
        chance.choice(alphabet) * chance.choice((1, 2, 3, 7, 8, 9, 100)) + str(number % 1000) for number in range(3000)
    ]
    texts += [letter * 128 for letter in alphabet]
    events = [
        press(T, office_id=f"o{number % 7}", panel_id=chance.choice(texts), employee_id=text)
        for number, text in enumerate(texts)
    ]
    entities, panels = {}, {}
    expected = []
    for event in events:
        office = entities.setdefault(("office", event["office_id"], ""), len(entities))
        panel = panels.setdefault((event["office_id"], event["panel_id"]), len(panels))
        employee = entities.setdefault(("employee", event["office_id"], event["employee_id"]), len(entities))
        expected.append((office, panel, employee))
    names = Names()
    found = []
    while len(found) < len(events):
        found += numbered(names, events[len(found) : len(found) + chance.choice((1, 30, 2000))])
    assert found == expected
    assert names.entities == list(entities)
    assert names.panels == list(panels)
    assert [names.entities[number][1] for number in names.panel_offices] == [office for office, _ in panels]
    assert names.counts == (len(entities), len(panels))


def test_offices_are_looked_up_without_being_remembered():
    """Only numbering makes a name known; events under another key are told."""
    names = Names()
    numbered(names, [visit(T, office_id="a")])
    rows, buffer = decoded([visit(T, office_id="b"), visit(T, office_id="a"), visit(T, office_id="a")])
    astray = names.find_offices(rows, buffer, Messages.of([b"b", b"a", None]))
    assert rows["office"].tolist() == [-1, 0, 0]
    assert astray.tolist() == [False, False, True]
    assert astray.dtype == np.bool_
    assert names.counts == (1, 0)


def test_one_id_in_two_offices_is_two():
    """Hashes of ids are those of their offices'."""
    names = Names()
    rows, buffer = decoded([answer(T, event_id="x"), answer(T, event_id="x", office_id="other")])
    names.number(rows, buffer, MANY)
    assert rows[0]["hash_low"] != rows[1]["hash_low"]
    assert rows[0]["hash_high"] != rows[1]["hash_high"]


def test_a_verdict_means_the_press_of_its_office():
    """Its target has the hash of that press's id."""
    names = Names()
    survey = press(T, event_id="s\u00e9", office_id="o")
    rows, buffer = decoded([press(T), survey, verdict(T, survey, 1)])
    names.number(rows, buffer, MANY)
    assert (rows[2]["target_high"], rows[2]["target_low"]) == (rows[1]["hash_high"], rows[1]["hash_low"])
