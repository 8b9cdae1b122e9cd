"""Many messages as one buffer and the places of each in it: no Python object for a single one."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Messages(NamedTuple):
    """Messages (or keys of messages) of one batch, in order."""

    buffer: NDArray[np.uint8]  # read-only
    starts: NDArray[np.int64]  # (n,)
    lengths: NDArray[np.int64]  # (n,); -1 for a message that is null

    @classmethod
    def of(cls, values: Sequence[bytes | None]) -> "Messages":
        """Put values end to end."""
        lengths = np.array([-1 if value is None else len(value) for value in values], np.int64)
        sizes = np.maximum(lengths, 0)
        buffer = np.frombuffer(b"".join(value or b"" for value in values), np.uint8)
        return cls(buffer, np.cumsum(sizes) - sizes, lengths)

    @property
    def size(self) -> int:
        """How many messages there are (`len` is that of the tuple)."""
        return int(self.starts.shape[0])

    def at(self, position: int) -> bytes | None:
        """One of the messages."""
        length = int(self.lengths[position])
        if length < 0:
            return None
        start = int(self.starts[position])
        return bytes(self.buffer[start : start + length])

    def some(self, positions: NDArray[np.integer[Any]]) -> list[bytes | None]:
        """Those at some positions."""
        starts = self.starts[positions]
        lengths = self.lengths[positions]
        spans = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
        if 2 * len(positions) > self.size:  # a slice of bytes is had faster, once there are bytes
            data = self.buffer.tobytes()
            return [data[start:end] if start <= end else None for start, end in spans]
        view = self.buffer.data
        return [bytes(view[start:end]) if start <= end else None for start, end in spans]

    def all(self) -> Iterator[bytes | None]:
        """Every message in turn, as bytes; slow."""
        return map(self.at, range(self.size))

    def cut(self, begin: int, end: int) -> "Messages":
        """Messages ``begin`` to ``end``, exclusive, in the same buffer."""
        return self._replace(starts=self.starts[begin:end], lengths=self.lengths[begin:end])


def detached(*columns: Messages) -> list[Messages]:
    """The same messages, of one buffer, in one that has only what lies between the first and the last byte of them.

    Whoever keeps a few messages for long would otherwise keep everything that came with them.
    """
    places = [(column, column.lengths > 0) for column in columns]
    begin = min((column.starts[full].min() for column, full in places if full.any()), default=0)
    end = max(((column.starts + column.lengths)[full].max() for column, full in places if full.any()), default=begin)
    buffer = columns[0].buffer[begin:end].copy()
    buffer.flags.writeable = False
    return [
        Messages(buffer, np.where(full, column.starts - begin, 0), column.lengths.copy()) for column, full in places
    ]
