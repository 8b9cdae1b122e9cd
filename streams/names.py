"""Names and their numbers: offices, panels, employees and so on of one partition, in the order in which they were first seen.

Employees, queues and categories beyond a ceiling share one entity, ``("nameless", "", "")``, of which nothing is ever shown: a producer
that makes up names all the time must not take all memory. What they do counts for their offices as ever. Groups of ratings between
departments beyond it count nowhere.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from kernels import naming
from kernels.images import fill
from kernels.naming import (
    ENTITIES,
    NAME_ROW,
    NAMELESS_ENTITY,
    NAMELESS_EVENTS,
    NAMELESS_OFFICE,
    NAMES,
    NAMES_PER_EVENT,
    PANELS,
    SIZES,
    TEXT_BYTES,
    NameTables,
)
from kernels.storage import index_capacity, longer, sparser
from streams.index import EntityScope
from streams.messages import Messages
from streams.peer_ratings import Group, departments_of

Entity = tuple[
    EntityScope | Literal["nameless"], str, str
]  # (scope, office, employee, queue or the like); an office has the name ""

_SCOPES: Final[dict[int, EntityScope]] = {
    naming.OFFICE: "office",
    naming.EMPLOYEE: "employee",
    naming.QUEUE: "queue",
    naming.PRIORITY: "priority",
    naming.CATEGORY: "category",
}
_ROOM = 1024  # names that there is room for at least, when more is made


class Names:
    """All names of a partition."""

    def __init__(self) -> None:
        self.tables = NameTables(
            rows=np.zeros(0, NAME_ROW),
            hashes=np.zeros((0, 2), np.uint64),
            places=np.zeros(16, np.uint64),
            texts=np.zeros(0, np.uint8),
            entity_rows=np.zeros(0, np.int32),
            panel_rows=np.zeros(0, np.int32),
            sizes=np.zeros(SIZES, np.int64),
        )
        self.entities: list[Entity] = []  # by number
        self.panels: list[tuple[str, str]] = []  # (office, panel) by number
        self.panel_offices: list[int] = []  # entity of the office of each panel
        self.offices: list[int] = []  # entities of the offices, in their order
        self.groups: list[Group] = []  # of ratings between departments, by number

    @classmethod
    def of(cls, parts: Mapping[str, NDArray[Any]]) -> "Names":
        """The names that :meth:`parts` were taken of, which they become."""
        names = cls()
        places = np.zeros(index_capacity(parts["rows"].shape[0] * 3 // 2), np.uint64)
        names.tables = NameTables(places=places, **parts)
        fill(places, names.tables.hashes, int(names.tables.sizes[NAMES]))
        names._learn()
        return names

    def parts(self) -> dict[str, NDArray[Any]]:
        """The arrays in use, but for the index by hash: views, to be let go of before the next name comes."""
        tables = self.tables
        used = {
            "rows": NAMES,
            "hashes": NAMES,
            "texts": TEXT_BYTES,
            "entity_rows": ENTITIES,
            "panel_rows": PANELS,
        }
        parts = {name: getattr(tables, name)[: int(tables.sizes[size])] for name, size in used.items()}
        return parts | {"sizes": tables.sizes}

    def number(self, events: NDArray[np.void], buffer: NDArray[np.uint8], most: int) -> None:
        """Fill in the numbers of all names of events, and the hashes of their ids; new names are given numbers.

        Parameters
        ----------
        events
            Rows of `EVENT_ROW`.
        buffer
            The bytes that they point into.
        most
            How many employees, queues and categories get numbers of their own, and how many groups of ratings between departments: always
            the same for the same names.
        """
        done = 0
        while (done := naming.number_names(self.tables, events, buffer, most, done)) < events.size:
            self._make_room(min(events.size - done, _ROOM))
        self._learn()

    def find_offices(self, events: NDArray[np.void], buffer: NDArray[np.uint8], keys: Messages) -> NDArray[np.bool_]:
        """Fill in the offices of events that are known, -1 for the others; tell which events lie under another key."""
        astray = np.empty(events.size, np.bool_)
        naming.find_offices(self.tables, events, buffer, keys.buffer, keys.starts, keys.lengths, astray)
        return astray

    def _make_room(self, events: int) -> None:
        names = int(self.tables.sizes[NAMES]) + events * NAMES_PER_EVENT
        text_bytes = int(self.tables.sizes[TEXT_BYTES]) + events * naming.TEXT_BYTES_PER_EVENT
        rows = longer(self.tables.rows, names)
        self.tables = self.tables._replace(
            rows=rows,
            hashes=longer(self.tables.hashes, rows.shape[0]),
            places=sparser(self.tables.places, rows.shape[0]),
            texts=longer(self.tables.texts, text_bytes),
            entity_rows=longer(self.tables.entity_rows, rows.shape[0]),
            panel_rows=longer(self.tables.panel_rows, rows.shape[0]),
        )

    def _learn(self) -> None:
        """Take over the names that the tables have got."""
        known = len(self.entities) + len(self.panels) + len(self.groups)
        count = int(self.tables.sizes[NAMES])
        if known == count:
            return
        rows = self.tables.rows[known:count].copy()
        for scope, office, text in zip(rows["scope"].tolist(), rows["office"].tolist(), self._texts(rows), strict=True):
            if scope == naming.PANEL:
                self.panels.append((self.entities[office][1], text))
                self.panel_offices.append(office)
            elif scope == naming.PEER_PAIR:
                self.groups.append(departments_of(self.entities[office][1], text))
            elif scope == naming.CRITERION:
                self.groups.append(self.groups[office]._replace(criterion=text))
            elif scope == naming.OFFICE:
                self.offices.append(len(self.entities))
                self.entities.append(("office", text, ""))
            elif scope == naming.NAMELESS:
                self.entities.append(("nameless", "", ""))
            else:
                self.entities.append((_SCOPES[scope], self.entities[office][1], text))

    def _texts(self, rows: NDArray[np.void]) -> Iterator[str]:
        texts = self.tables.texts
        for start, length in zip(rows["start"].tolist(), rows["length"].tolist(), strict=True):
            yield bytes(texts[start : start + length]).decode()

    @property
    def counts(self) -> tuple[int, int]:
        """How many entities and panels there are."""
        return int(self.tables.sizes[ENTITIES]), int(self.tables.sizes[PANELS])

    @property
    def nameless(self) -> int:
        """The entity of employees, queues and categories beyond the ceiling, 0 (an office) when there are none."""
        return int(self.tables.sizes[NAMELESS_ENTITY])

    def is_nameless(self, entity: int) -> bool:
        """Whether an entity is that one."""
        return entity == self.nameless != 0

    @property
    def nameless_events(self) -> int:
        """How many events named an employee, a queue or a category beyond the ceiling, repeats included."""
        return int(self.tables.sizes[NAMELESS_EVENTS])

    @property
    def nameless_office(self) -> str:
        """The office of the last one of them."""
        return self.entities[int(self.tables.sizes[NAMELESS_OFFICE])][1]
