"""Names become numbers: offices, panels, employees, queues, categories and groups of ratings, in the order in which they are first seen.

A name is known by its scope, the office that it belongs to and its bytes; a criterion by the two departments that it is used between.
Offices, employees, queues and the like share the numbers of entities, for which indices are kept; panels are counted apart, and so are groups
of ratings: two departments, and each of their criteria.

Of employees, queues and categories only so many get a number of their own: those beyond share one entity without a name. An office may have
no more of them than are left for the others. Since both only ever come closer, who was refused once is always refused, and who has
a number has had it from their first event on: nobody's counts are halves. Of groups there are as many at most, by the same rule; those
beyond count nowhere.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.compile import entry, kernel, rare_kernel
from kernels.identity import find, hash_bytes, place_for, row_at
from kernels.layout import NONE
from kernels.signatures import BYTES, EVENTS, FLAGS, INT, INTS, NUMBERS, array_of

OFFICE, EMPLOYEE, QUEUE, PANEL, NAMELESS, PRIORITY, CATEGORY, PEER_PAIR, CRITERION = 0, 1, 2, 3, 4, 5, 6, 7, 8  # scopes
# Kinds of rows of events.
SELLER_PRESS, CUSTOMER_PRESS, VERDICT, CALL, SALE, REQUEST, PEER_RATING, SCORED = 0, 1, 2, 3, 4, 7, 9, 11
NAMES_PER_EVENT = 3  # at most that many of one event are new
LONGEST_NAME_BYTES = 4 * 128
TEXT_BYTES_PER_EVENT = (
    4 * LONGEST_NAME_BYTES + 1
)  # of a criterion: its office, two departments and what stands between, its own

NAME_ROW = np.dtype(
    [
        ("start", np.int64),  # in NameTables.texts
        ("length", np.int16),
        ("scope", np.int8),
        (
            "office",
            np.int32,
        ),  # entity of the office that it belongs to, -1 for an office; of a criterion the group of its departments
        ("number", np.int32),
        ("members", np.int32),  # of an office: its employees, queues and categories that have numbers
        ("groups", np.int32),  # and its groups of ratings between departments
    ],
    align=True,
)

# In NameTables.sizes; NAMELESS_ENTITY is 0 before there is one, an office's number.
NAMES, TEXT_BYTES, ENTITIES, PANELS, MEMBERS, NAMELESS_ENTITY, NAMELESS_EVENTS, NAMELESS_OFFICE, PEER_GROUPS = range(9)
SIZES = 9


class NameTables(NamedTuple):
    """All names of a partition."""

    rows: NDArray[np.void]  # NAME_ROW
    hashes: NDArray[np.uint64]  # (rows, 2)
    places: NDArray[np.uint64]  # places of an index by hash (kernels.identity)
    texts: NDArray[np.uint8]
    entity_rows: NDArray[np.int32]  # row of each entity, by number
    panel_rows: NDArray[np.int32]
    sizes: NDArray[np.int64]


_TABLE_TYPES = [
    array_of(NAME_ROW),
    array_of(np.uint64, 2),
    array_of(np.uint64),
    array_of(np.uint8),
    NUMBERS,
    NUMBERS,
    INTS,
]
NAME_TABLES: Any = types.NamedTuple(_TABLE_TYPES, NameTables)  # type: ignore[no-untyped-call]
_PLACES = types.Array(types.int64, 1, "C", readonly=True)


@kernel
def _seed(scope: int, office: int) -> int:
    return 8 * (office + 1) + scope


@kernel
def _known(names: NameTables, scope: int, office: int, data: NDArray[np.uint8], start: int, length: int) -> int:
    """Number of a name; -1 when it is new."""
    high, low = hash_bytes(data, start, length, _seed(scope, office))
    row = row_at(names.places[find(names.places, names.hashes, high, low)])
    return names.rows[row]["number"] if row != NONE else NONE


@kernel
def _has_number_left(names: NameTables, most: int, office: int) -> bool:
    """Whether an office may have one more employee, queue or category with a number; if so, it is counted."""
    holder = names.rows[names.entity_rows[office]]
    if holder["members"] >= most - names.sizes[MEMBERS]:
        return False
    holder["members"] += 1
    names.sizes[MEMBERS] += 1
    return True


@kernel
def _number(
    names: NameTables, most: int, scope: int, office: int, data: NDArray[np.uint8], start: int, length: int
) -> int:
    """Number of a name; a new one gets the next, or -1 if there is none left."""
    high, low = hash_bytes(data, start, length, _seed(scope, office))
    place = find(names.places, names.hashes, high, low)
    row = row_at(names.places[place])
    if row != NONE:
        return names.rows[row]["number"]
    if scope in (EMPLOYEE, QUEUE, CATEGORY) and not _has_number_left(names, most, office):
        return NONE
    row = names.sizes[NAMES]
    names.sizes[NAMES] += 1
    names.places[place] = place_for(low, row)
    names.hashes[row, 0] = high
    names.hashes[row, 1] = low
    counter = PANELS if scope == PANEL else PEER_GROUPS if scope >= PEER_PAIR else ENTITIES
    number = names.sizes[counter]
    names.sizes[counter] += 1
    if scope == PANEL:
        names.panel_rows[number] = row
    elif scope < PEER_PAIR:
        names.entity_rows[number] = row
    text = names.sizes[TEXT_BYTES]
    for i in range(length):
        names.texts[text + i] = data[start + i]
    names.sizes[TEXT_BYTES] += length
    name = names.rows[row]
    name["start"] = text
    name["length"] = length
    name["scope"] = scope
    name["office"] = office
    name["number"] = number
    name["members"] = 0
    name["groups"] = 0
    return number


@rare_kernel
def _group(
    names: NameTables,
    most: int,
    office: int,
    scope: int,
    within: int,
    data: NDArray[np.uint8],
    start: int,
    length: int,
) -> int:
    """Number of a group of ratings between departments, or -1 if there is none left; they are counted apart from members.

    ``within`` is what knows it by its name: the office knows two departments, these know a criterion.
    """
    number = _known(names, scope, within, data, start, length)
    if number != NONE:
        return number
    holder = names.rows[names.entity_rows[office]]
    if holder["groups"] >= most - names.sizes[PEER_GROUPS]:
        return NONE
    holder["groups"] += 1
    return _number(names, most, scope, within, data, start, length)


@kernel
def _group_of(names: NameTables, most: int, event: np.void, data: NDArray[np.uint8]) -> int:
    """Number of the group of a rating between departments, or of one of its criteria; -1 for none."""
    office: Any = np.int64(event["office"])
    start: Any = np.int64(event["place_start"])
    length: Any = np.int64(event["place_length"])
    if event["kind"] == PEER_RATING:
        return _group(names, most, office, PEER_PAIR, office, data, start, length)
    pair_start: Any = np.int64(event["employee_start"])
    pair_length: Any = np.int64(event["employee_length"])
    pair = _group(names, most, office, PEER_PAIR, office, data, pair_start, pair_length)
    if pair == NONE:
        return NONE
    return _group(names, most, office, CRITERION, pair, data, start, length)


@kernel
def _nameless(names: NameTables, data: NDArray[np.uint8]) -> int:
    """Number of the entity of all whom none was left for; the first one makes it."""
    if names.sizes[NAMELESS_ENTITY] == 0:
        names.sizes[NAMELESS_ENTITY] = _number(names, 0, NAMELESS, NONE, data, 0, 0)
    return names.sizes[NAMELESS_ENTITY]


@entry(NAME_TABLES, EVENTS, BYTES, BYTES, _PLACES, _PLACES, FLAGS)
def find_offices(
    names: NameTables,
    events: NDArray[np.void],
    data: NDArray[np.uint8],
    keys: NDArray[np.uint8],
    key_starts: NDArray[np.int64],
    key_lengths: NDArray[np.int64],
    astray: NDArray[np.bool_],
) -> None:
    """Give events the numbers of their offices, -1 where that is new; tell which lie under another key than its name.

    Parameters
    ----------
    key_starts, key_lengths
        Of the batch's messages.
    astray
        Output, (events,).
    """
    for i in range(events.shape[0]):
        event = events[i]
        start = event["office_start"]
        length = event["office_length"]
        event["office"] = _known(names, OFFICE, NONE, data, start, length)
        key_start = key_starts[event["position"]]
        differs = key_lengths[event["position"]] != length
        if not differs:
            for at in range(length):
                if keys[key_start + at] != data[start + at]:
                    differs = True
        astray[i] = differs


@entry(NAME_TABLES, EVENTS, BYTES, INT, INT)
def number_names(names: NameTables, events: NDArray[np.void], data: NDArray[np.uint8], most: int, begin: int) -> int:
    """Hash the ids of events from ``begin`` on and give their names numbers; returns how far there was room.

    Parameters
    ----------
    most
        How many employees, queues and categories get numbers of their own, and how many groups of ratings between departments.
    """
    for i in range(begin, events.shape[0]):
        if (
            names.sizes[NAMES] + NAMES_PER_EVENT > names.rows.shape[0]
            or names.sizes[TEXT_BYTES] + TEXT_BYTES_PER_EVENT > names.texts.shape[0]
        ):
            return i
        event = events[i]
        kind = event["kind"]
        office = _number(names, most, OFFICE, NONE, data, event["office_start"], event["office_length"])
        event["office"] = office
        high, low = hash_bytes(data, event["id_start"], event["id_length"], office)
        event["hash_high"] = high
        event["hash_low"] = low
        event["place"] = NONE
        event["employee"] = NONE
        if kind == VERDICT:
            high, low = hash_bytes(data, event["place_start"], event["place_length"], office)
            event["target_high"] = high
            event["target_low"] = low
            continue
        if kind >= CALL and event["target_low"] > 0:
            start: Any = np.int64(event["target_high"])
            length: Any = np.int64(event["target_low"])
            high, low = hash_bytes(data, start, length, office)
            event["target_high"] = high
            event["target_low"] = low
        if kind == REQUEST:
            high, low = hash_bytes(data, event["first_ms"], event["second_ms"], office)
            event["first_ms"] = np.int64(high >> np.uint64(1))
            event["second_ms"] = np.int64(low >> np.uint64(1))
        is_nameless = False
        if kind in (PEER_RATING, SCORED):
            if event["place_length"] > 0:
                event["place"] = _group_of(names, most, event, data)
                is_nameless = event["place"] == NONE
        elif event["place_length"] > 0:
            scope = PANEL if kind <= CUSTOMER_PRESS else QUEUE
            if kind == SALE:
                scope = CATEGORY
            elif kind == REQUEST:
                scope = PRIORITY
            event["place"] = _number(names, most, scope, office, data, event["place_start"], event["place_length"])
            is_nameless = event["place"] == NONE
            if is_nameless:
                event["place"] = _nameless(names, data)
        if event["employee_length"] > 0 and kind != SCORED:
            event["employee"] = _number(
                names, most, EMPLOYEE, office, data, event["employee_start"], event["employee_length"]
            )
            if event["employee"] == NONE:
                event["employee"] = _nameless(names, data)
                is_nameless = True
        if is_nameless:
            names.sizes[NAMELESS_EVENTS] += 1
            names.sizes[NAMELESS_OFFICE] = office
    return events.shape[0]
