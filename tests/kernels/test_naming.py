"""Names become numbers, ids become hashes."""

import random

import numpy as np
import pytest

from kernels.events import EVENT_ROW
from kernels.identity import hash_bytes
from kernels.layout import NONE
from kernels.naming import (
    CATEGORY,
    CRITERION,
    EMPLOYEE,
    ENTITIES,
    LONGEST_NAME_BYTES,
    NAME_ROW,
    NAMELESS,
    NAMELESS_EVENTS,
    NAMES,
    NAMES_PER_EVENT,
    OFFICE,
    PANEL,
    PANELS,
    PEER_GROUPS,
    PEER_PAIR,
    QUEUE,
    SIZES,
    TEXT_BYTES,
    TEXT_BYTES_PER_EVENT,
    NameTables,
    find_offices,
    number_names,
)
from kernels.storage import longer, sparser

SELLER, CUSTOMER, VERDICT, CALL, SALE, VISIT, SHIFT, PEER_RATING, SCORED, VOTED = 0, 1, 2, 3, 4, 5, 8, 9, 11, 12
MANY = 10**6  # employees, queues and categories: more than any test has
FIELDS = ("id", "office", "place", "employee")


def empty(names=0, text_bytes=0):
    """Tables with room for some names."""
    return NameTables(
        rows=np.zeros(names, NAME_ROW),
        hashes=np.zeros((names, 2), np.uint64),
        places=np.zeros(2 * names + 16, np.uint64),
        texts=np.zeros(text_bytes, np.uint8),
        entity_rows=np.zeros(names, np.int32),
        panel_rows=np.zeros(names, np.int32),
        sizes=np.zeros(SIZES, np.int64),
    )


def roomy():
    """Tables with more room than any test needs."""
    return empty(2000, 200_000)


def grown(tables, names, text_bytes):
    """The tables with room for more."""
    rows = longer(tables.rows, int(tables.sizes[NAMES]) + names)
    return tables._replace(
        rows=rows,
        hashes=longer(tables.hashes, rows.shape[0]),
        places=sparser(tables.places, rows.shape[0]),
        texts=longer(tables.texts, int(tables.sizes[TEXT_BYTES]) + text_bytes),
        entity_rows=longer(tables.entity_rows, rows.shape[0]),
        panel_rows=longer(tables.panel_rows, rows.shape[0]),
    )


def event(kind, office, place=None, employee=None, text="id"):
    """An event by its kind and its texts."""
    return {"kind": kind, "id": text, "office": office, "place": place, "employee": employee}


def rows_of(events):
    """Rows of events as decoding leaves them, and the bytes of their texts, with others in between."""
    rows = np.zeros(len(events), EVENT_ROW)
    data = b""
    for position, each in enumerate(events):
        row = rows[position]
        row["kind"], row["position"] = each["kind"], position
        row["office"] = row["place"] = row["employee"] = 99
        for field in FIELDS:
            text = (each[field] or "").encode()
            row[f"{field}_start"], row[f"{field}_length"] = len(data) if text else 0, len(text)
            data += text + b'"'
    return rows, np.frombuffer(data, np.uint8)


def numbered(tables, *events, most=MANY):
    """The numbers (office, place, employee) of events."""
    rows, data = rows_of(events)
    assert number_names(tables, rows, data, most, 0) == len(events)
    return rows[["office", "place", "employee"]].tolist()


def held(tables):
    """All names by their rows: (scope, office, text, number)."""
    found = []
    for row in tables.rows[: tables.sizes[NAMES]]:
        text = bytes(tables.texts[row["start"] : row["start"] + row["length"]]).decode()
        found.append((int(row["scope"]), int(row["office"]), text, int(row["number"])))
    return found


def test_every_kind_has_its_names():
    """A press a panel, a call a queue, a sale a category, a verdict none; employees where they are named; an office always."""
    tables = roomy()
    assert numbered(
        tables,
        event(SELLER, "o", "p", "e"),
        event(CUSTOMER, "o", "p"),
        event(VERDICT, "o", "target"),
        event(CALL, "o", "q", "f"),
        event(CALL, "o"),
        event(SALE, "o", None, "e"),
        event(VISIT, "o"),
        event(SHIFT, "r"),
        event(SALE, "o", "q"),
    ) == [(0, 0, 1), (0, 0, -1), (0, -1, -1), (0, 2, 3), (0, -1, -1), (0, -1, 1), (0, -1, -1), (4, -1, -1), (0, 5, -1)]
    assert held(tables) == [
        *((OFFICE, NONE, "o", 0), (PANEL, 0, "p", 0), (EMPLOYEE, 0, "e", 1)),
        *((QUEUE, 0, "q", 2), (EMPLOYEE, 0, "f", 3), (OFFICE, NONE, "r", 4), (CATEGORY, 0, "q", 5)),
    ]
    assert (tables.sizes[ENTITIES], tables.sizes[PANELS]) == (6, 1)


def test_one_name_in_every_place():
    """An office, a panel, an employee and a queue of one name are four, and those of another office others again."""
    tables = roomy()
    first = numbered(tables, event(SELLER, "x", "x", "x"), event(CALL, "x", "x", "x"))
    second = numbered(tables, event(SELLER, "y", "x", "x"), event(CALL, "y", "x", "x"))
    assert (first, second) == ([(0, 0, 1), (0, 2, 1)], [(3, 1, 4), (3, 5, 4)])
    assert numbered(tables, event(SELLER, "x", "x", "x"), event(CALL, "y", "x", "x")) == [first[0], second[1]]
    assert tables.sizes[NAMES] == 8


@pytest.mark.parametrize("length", [*range(1, 35), 127, 128, 511, 512])
def test_names_of_every_length(length):
    """Names that differ in their first, their last or one byte more are different; each is found again."""
    base = "n" * length
    names = list(dict.fromkeys([base, "x" + base[1:], base[:-1] + "x", base[:-1], base + "n"]))
    names = [name for name in names if 0 < len(name) <= LONGEST_NAME_BYTES]
    tables = roomy()
    events = [event(SELLER, name, name, name) for name in names]
    expected = [(2 * at, at, 2 * at + 1) for at in range(len(names))]
    assert numbered(tables, *events) == expected
    assert numbered(tables, *reversed(events)) == expected[::-1]
    assert [text for scope, _, text, _ in held(tables) if scope == OFFICE] == names


def test_names_are_bytes_of_any_script():
    """The longest name that the contract lets pass has 128 characters of four bytes."""
    tables = roomy()
    names = ["\u00e9" * 128, "\U0001f600" * 128, "\U0001f600" * 127 + "\U0001f601", "\ufb01"]
    assert [office for office, _, _ in numbered(tables, *(event(VISIT, name) for name in names))] == [0, 1, 2, 3]
    assert [text for _, _, text, _ in held(tables)] == names


def test_groups_of_ratings_are_counted_apart():
    """Two departments of an office, and each criterion between them, have numbers of their own; votes name employees."""
    tables = roomy()
    events = [
        event(PEER_RATING, "o", "a\tb"),
        event(SCORED, "o", "a\tb", "a\tb"),  # a criterion may have any name
        event(SCORED, "o", "speed", "a\tb"),
        event(VOTED, "o", None, "e"),
        event(PEER_RATING, "o", "b\ta"),
        event(SCORED, "o", "speed", "b\ta"),
        event(PEER_RATING, "r", "a\tb"),
        event(PEER_RATING, "o"),
    ]
    expected = [(0, 0, -1), (0, 1, -1), (0, 2, -1), (0, -1, 1), (0, 3, -1), (0, 4, -1), (2, 5, -1), (0, -1, -1)]
    assert numbered(tables, *events) == expected
    assert numbered(tables, *reversed(events)) == expected[::-1]
    assert held(tables) == [
        *((OFFICE, NONE, "o", 0), (PEER_PAIR, 0, "a\tb", 0), (CRITERION, 0, "a\tb", 1), (CRITERION, 0, "speed", 2)),
        *((EMPLOYEE, 0, "e", 1), (PEER_PAIR, 0, "b\ta", 3), (CRITERION, 3, "speed", 4)),
        *((OFFICE, NONE, "r", 2), (PEER_PAIR, 2, "a\tb", 5)),
    ]
    assert (tables.sizes[ENTITIES], tables.sizes[PEER_GROUPS]) == (3, 6)


def test_groups_have_a_ceiling_of_their_own():
    """An office has as many as are left for the others; those beyond have no number, and take none from employees."""
    tables = roomy()
    events = [event(SCORED, "o", f"c{number}", "a\tb") for number in range(9)]
    events += [event(SCORED, "r", f"c{number}", "a\tb") for number in range(9)]
    found = [place for _, place, _ in numbered(tables, *events, most=6)]
    assert found == [1, 2, *[NONE] * 7, 4, *[NONE] * 8]
    assert [place for _, place, _ in numbered(tables, *events, most=6)] == found
    assert numbered(tables, event(SALE, "o", None, "e"), most=6) == [(0, -1, 2)]
    assert tables.sizes[NAMELESS_EVENTS] == 30


def things_named(chance):
    """Events of all kinds, of a few offices, some with names and some without."""
    kinds = (SELLER, CUSTOMER, CALL, SALE, VISIT, VERDICT)
    events = []
    for _ in range(600):
        kind = chance.choice(kinds)
        place = f"place-{chance.randrange(40)}" if kind != VISIT and chance.random() < 0.9 else None
        place = place or ("p" if kind <= CUSTOMER else None)
        employee = f"e{chance.randrange(60)}" if kind in {SELLER, CALL, SALE} and chance.random() < 0.9 else None
        events.append(event(kind, "o" * chance.randrange(1, 12), place, employee))
    return events


def by_dictionary(events, most):
    """Entities and panels with their numbers, and the numbers (office, place, employee) of events."""
    entities, panels, expected = {}, {}, []

    def member(scope, office, name):
        """The number of an employee, queue or category: its own if the office has fewer than are left, else that of all others."""
        if (scope, office, name) not in entities:
            members = [holder for scope, holder, _ in entities if scope in {EMPLOYEE, QUEUE, CATEGORY}]
            if members.count(office) >= most - len(members):
                return entities.setdefault((NAMELESS, NONE, ""), len(entities))
        return entities.setdefault((scope, office, name), len(entities))

    for each in events:
        office = entities.setdefault((OFFICE, NONE, each["office"]), len(entities))
        place = employee = NONE
        if each["kind"] <= CUSTOMER:
            place = panels.setdefault((office, each["place"]), len(panels))
        elif each["kind"] == CALL and each["place"]:
            place = member(QUEUE, office, each["place"])
        elif each["kind"] == SALE and each["place"]:
            place = member(CATEGORY, office, each["place"])
        if each["employee"]:
            employee = member(EMPLOYEE, office, each["employee"])
        expected.append((office, place, employee))
    return entities, panels, expected


@pytest.mark.parametrize("most", [MANY, 60, 3, 1])
@pytest.mark.parametrize("seed", range(3))
def test_numbers_follow_the_first_sight(seed, most):
    """However events are cut into batches, and wherever room runs out, as a dictionary with a ceiling would number them."""
    chance = random.Random(seed)
    events = things_named(chance)
    entities, panels, expected = by_dictionary(events, most)
    tables = empty()
    found, stops = [], 0
    for start in range(0, 600, 150):
        rows, data = rows_of(events[start : start + 150])
        done = 0
        while (done := number_names(tables, rows, data, most, done)) < rows.size:
            stops += 1
            tables = grown(tables, chance.choice((3, 4, 50)), TEXT_BYTES_PER_EVENT)
        found += rows[["office", "place", "employee"]].tolist()
    assert found == expected
    assert (tables.sizes[ENTITIES], tables.sizes[PANELS]) == (len(entities), len(panels))
    assert np.count_nonzero(tables.places) == tables.sizes[NAMES] == len(entities) + len(panels)
    assert stops > 3 or most < MANY
    assert [name[:3] for name in held(tables) if name[0] != PANEL] == list(entities)


@pytest.mark.parametrize(("names", "text_bytes"), [(2, 10_000), (1000, TEXT_BYTES_PER_EVENT - 1)])
def test_without_room_for_an_event_nothing_of_it_is_done(names, text_bytes):
    """Room for three names of the greatest length must be there, or numbering stops before the event."""
    tables = empty(names, text_bytes)
    rows, data = rows_of([event(SELLER, "o", "p", "e")])
    before = rows.copy()
    assert number_names(tables, rows, data, MANY, 0) == 0
    assert (rows == before).all()
    assert not tables.sizes.any()
    assert not tables.places.any()


def test_numbering_goes_on_where_it_stopped():
    """Events before that are left as they are."""
    tables = roomy()
    rows, data = rows_of([event(VISIT, "a"), event(VISIT, "b")])
    assert number_names(tables, rows, data, MANY, 1) == 2
    assert rows["office"].tolist() == [99, 0]


def test_room_for_the_longest_names_is_enough():
    """Three of them in one event fill it to the last byte."""
    tables = empty(NAMES_PER_EVENT, TEXT_BYTES_PER_EVENT)
    longest = "\U0001f600" * 128
    pair = f"{longest}\t{longest}"
    assert numbered(tables, event(SCORED, longest, longest, pair)) == [(0, 1, -1)]
    assert [text for _, _, text, _ in held(tables)] == [longest, pair, longest]
    assert tables.sizes[TEXT_BYTES] == tables.texts.size


def test_ids_are_hashed_within_their_office():
    """By their bytes, the office's number being the seed; what is absent of an event stays absent."""
    tables = roomy()
    texts = ["plain", "\u00e9", "\U0001f600x", "x" * 512]
    events = [event(VISIT, f"o{text[0]}", text=text) for text in texts] + [event(VISIT, "other", text="plain")]
    rows, data = rows_of(events)
    number_names(tables, rows, data, MANY, 0)
    for row, each in zip(rows, events, strict=True):
        text = np.frombuffer(each["id"].encode(), np.uint8)
        assert (row["hash_high"], row["hash_low"]) == hash_bytes(text, 0, text.size, int(row["office"]))
    assert rows["office"].tolist() == [0, 1, 2, 3, 4]
    assert len({tuple(pair) for pair in rows[["hash_high", "hash_low"]].tolist()}) == 5


def test_a_target_is_hashed_like_the_press_it_means():
    """Within its office; no other kind has one."""
    tables = roomy()
    rows, data = rows_of(
        [event(SELLER, "o", "p", "e", "s\u00e9"), event(VERDICT, "o", "s\u00e9"), event(VERDICT, "other", "s\u00e9")]
    )
    number_names(tables, rows, data, MANY, 0)
    hashes = rows[["hash_high", "hash_low"]].tolist()
    targets = rows[["target_high", "target_low"]].tolist()
    assert targets[1] == hashes[0] != targets[2]
    assert targets[0] == (0, 0)


# Offices and keys ----------------------------------------------------------------------------------------------------


def looked_up(tables, events, keys, positions=None):
    """The offices of events, and which of them lie under another key."""
    rows, data = rows_of(events)
    rows["position"] = range(len(events)) if positions is None else positions
    lengths = np.array([-1 if key is None else len(key) for key in keys], np.int64)
    starts = np.cumsum(np.maximum(lengths, 0)) - np.maximum(lengths, 0)
    buffer = np.frombuffer(b"".join(key or b"" for key in keys), np.uint8)
    astray = np.ones(len(events), np.bool_)
    find_offices(tables, rows, data, buffer, starts, lengths, astray)
    return rows["office"].tolist(), astray.tolist()


def test_offices_are_found_and_not_made():
    """Those that are known by their numbers, others by none; nothing is remembered of them."""
    tables = roomy()
    numbered(tables, event(SELLER, "a", "p", "b"), event(VISIT, "c"))
    events = [event(VISIT, name) for name in ("c", "b", "a", "p", "new", "new")]
    keys = [each["office"].encode() for each in events]
    assert looked_up(tables, events, keys) == ([2, -1, 0, -1, -1, -1], [False] * 6)
    assert tables.sizes[NAMES] == 4


@pytest.mark.parametrize(
    "key", [b"office-1", b"", None, b"office-0 ", b"office-", b"\xff", b"Office-0", b"office-0\x00"]
)
def test_a_key_is_the_office_itself(key):
    """Whatever the key is, if it is not the office's own id, its event is astray; its neighbours are not."""
    events = [event(VISIT, "office-0")] * 3
    assert looked_up(roomy(), events, [b"office-0", key, b"office-0"])[1] == [False, True, False]


def test_a_key_is_that_of_the_message():
    """By the place of the event in its batch."""
    events = [event(VISIT, "b"), event(VISIT, "c")]
    assert looked_up(roomy(), events, [b"a", b"b", b"c"], [1, 2])[1] == [False, False]
    assert looked_up(roomy(), events, [b"a", b"b", b"c"], [0, 2])[1] == [True, False]
