"""Names become numbers: offices, panels and entities, in order of first sight, for one partition."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from streams.catalogue import Scope

Key = TypeVar("Key", bound=Hashable)


class Interner(dict[Key, int], Generic[Key]):
    """A dict that gives every new key the next number; ``order[number]`` is the key again."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[Key] = []

    def __missing__(self, key: Key) -> int:
        number = self[key] = len(self.order)
        self.order.append(key)
        return number

    def numbers(self, keys: Iterable[Key], count: int) -> NDArray[np.int32]:
        """Numbers of ``count`` keys, (count,) int32."""
        return np.fromiter(map(self.__getitem__, keys), np.int32, count)


class Entities(Interner[tuple[Scope, str, str | None]]):
    """Those that indices are kept for: (scope, office, employee or queue); an office has the name "".

    An event that names no employee or queue (None) belongs to no entity: -1, and nothing is remembered.
    """

    def __missing__(self, key: tuple[Scope, str, str | None]) -> int:
        return -1 if key[2] is None else super().__missing__(key)


class Names:
    """All names of a partition."""

    def __init__(self) -> None:
        self.offices: Interner[str] = Interner()
        self.panels: Interner[tuple[str, str]] = Interner()  # (office, panel)
        self.entities = Entities()
