"""The employees of a company whom workers compare, as workers tell each other of them: a message for each partition, window and index.

A message holds what is needed to compare others with them, and names nobody: their values, and the worse ends of their
intervals. It is told of every partition, also where nobody takes part: so it is known when all have told. Whoever owns a
partition tells what the topic says of it and is not so, and needs not know who owned it before.
"""

import logging
from collections.abc import Collection, Iterator
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from streams.comparison import Comparing, Elsewhere, Others, Peers

log = logging.getLogger("kqi.company")


class Told(Struct, frozen=True):
    """The employees of one partition who are compared by one index in one window, in the order of their values."""

    values: list[float]
    ends: list[float]  # the worse ends of their intervals


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Told)
_key_decoder = msgspec.json.Decoder(tuple[str, Annotated[int, Meta(ge=0)], str, str])


class Company:
    """What was told of all partitions by the workers of one group: others may count in another way."""

    def __init__(self, comparing: Comparing, windows: tuple[str, ...], partitions: int, group: str) -> None:
        self._group = group
        self._windows = windows
        self._names = [index.name for index in comparing.compared]
        self._signs = comparing.signs
        self._heard: list[dict[tuple[int, int], Others]] = [{} for _ in range(partitions)]

    def hear(self, key: bytes | None, value: bytes | None) -> None:
        """Take note of a message; of windows and indices that are not compared here there is nothing to note."""
        try:
            group, partition, window, index = _key_decoder.decode(key or b"")
            told = _decoder.decode(value or b"")
        except msgspec.DecodeError:
            log.warning("a message on those who are compared cannot be read: somebody else wrote it")
            return
        is_compared = partition < len(self._heard) and window in self._windows and index in self._names
        if group == self._group and is_compared and len(told.values) == len(told.ends):
            column = self._names.index(index)
            turned = (np.array(each, np.float64) * self._signs[column] for each in (told.values, told.ends))
            self._heard[partition][self._windows.index(window), column] = Others(*turned)

    def elsewhere(self, own: Collection[int]) -> Elsewhere | None:
        """Who there is besides those of one's own partitions; None while not all has been told of all the others."""
        others = [heard for partition, heard in enumerate(self._heard) if partition not in own]
        places = [(window, column) for window in range(len(self._windows)) for column in range(len(self._names))]
        if any(len(heard) < len(places) for heard in others):
            return None
        if not others:
            return {}
        return {
            place: Others(*map(np.concatenate, zip(*(heard[place] for heard in others), strict=True)))
            for place in places
        }

    def news(self, partition: int, peers: Peers) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of what is to be told of a partition: what is so and was not heard."""
        heard = self._heard[partition]
        for window, window_name in enumerate(self._windows):
            for column, index_name in enumerate(self._names):
                now = _in_order(peers.values[:, window, column], peers.far[:, window, column])
                before = heard.get((window, column))
                if before is None or not all(map(np.array_equal, now, before)):
                    values, ends = ((each * self._signs[column]).tolist() for each in now)
                    yield _encode((self._group, partition, window_name, index_name)), _encode(Told(values, ends))


def _in_order(values: NDArray[np.float64], far: NDArray[np.float64]) -> Others:
    """Those who take part, in an order that tells nothing of who they are."""
    takes_part = ~np.isnan(values)
    order = np.lexsort((far[takes_part], values[takes_part]))
    return Others(values[takes_part][order], far[takes_part][order])
