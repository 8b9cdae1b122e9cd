"""Messages to rows: a batch of bytes becomes rows of numbers for the kernels, and rejects.

Plain messages of the kinds that come in great numbers are scanned (`kernels.scanning`); every other message goes to the library
decoder (`streams.structs`), whose word is the law: the scanner takes only what that would take, with the same values.

What becomes of a message depends on nothing but the message: not on its neighbours, nor on how the batches were cut.
Nothing that a message can contain raises here.
"""

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from kernels.scanning import scan
from kernels.vocabulary import KINDS
from streams.events import LONGEST_WINDOW_MS, TOPICS
from streams.messages import Messages
from streams.rows import Texts, to_rows
from streams.structs import Reject, decode_structs

LARGEST_BUFFER_BYTES = 2**31 - 1  # rows point into it by 32 bits


class Decoded(NamedTuple):
    """What a batch held: every message has a row or a reject, one of them."""

    rows: NDArray[np.void]  # (n,) EVENT_ROW: the good events by position, without hashes and numbers of names
    buffer: NDArray[
        np.uint8
    ]  # what the rows point into, read only: the messages' own, with more behind it where needed
    rejects: list[Reject]  # by position


def decode(messages: Messages, *, topic: str | None = None, longest_window_ms: int = LONGEST_WINDOW_MS) -> Decoded:
    """Decode a batch of messages.

    Parameters
    ----------
    messages
        The messages, of up to 2 GiB; a record without a value is refused.
    topic
        The topic that they come from, without its prefix; None if any type of event may come.
    longest_window_ms
        How far apart the ends of a force majeure may be.
    """
    buffer = messages.buffer.view()
    buffer.flags.writeable = False
    assert buffer.size <= LARGEST_BUFFER_BYTES
    rows, odd = scan(buffer, messages.starts, messages.lengths, _scanned(topic), longest_window_ms)
    if not odd.size:
        return Decoded(rows, buffer, [])

    structs = decode_structs(messages.some(odd), topic=topic, longest_window_ms=longest_window_ms)
    own = buffer[: 0 if odd.size == rows.size else buffer.size]  # of which no row may need anything
    texts = Texts(own.size)
    for kind, group in structs.groups.items():
        made = to_rows(kind, group._replace(positions=odd[group.positions].astype(np.int64)), texts)
        rows.put(made["position"], made)  # an assignment would copy field by field
    rejects = [reject._replace(position=int(odd[reject.position])) for reject in structs.rejects]
    if rejects:
        good = np.ones(rows.size, np.bool_)
        good[[reject.position for reject in rejects]] = False
        rows = rows.compress(good)
    if structs.groups:
        buffer = np.concatenate((own, texts.joined()))
        buffer.flags.writeable = False
    return Decoded(rows, buffer, rejects)


def _scanned(topic: str | None) -> int:
    """The kinds of event that a topic carries and the scanner knows, as bits by their codes."""
    kinds = range(len(KINDS)) if topic is None else TOPICS[topic].kinds
    return sum(1 << kind for kind in kinds if kind < len(KINDS))


def office_names(rows: NDArray[np.void], buffer: NDArray[np.uint8]) -> list[str]:
    """The office of each row."""
    data = memoryview(cast("Any", buffer))
    spans = zip(rows["office_start"].tolist(), rows["office_length"].tolist(), strict=True)
    return [str(data[start : start + length], "utf-8") for start, length in spans]
