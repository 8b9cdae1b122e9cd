"""Batches of messages to rows: what is scanned and what the library decodes become one."""

import numpy as np
import pytest

from kernels.events import EVENT_ROW
from streams.decode import Decoded, decode
from streams.events import EVENT_NAMES
from streams.messages import Messages
from tests.reference import contract
from tests.streams.specimens import as_read, every_message, message, row_of

ODD_VISIT = message("visit", event_id="\u00e9").replace(b'"visit"', b'"vi\\u0073it"')


def decoded(values, **options):
    """Decode messages; what stands at each position, as read back."""
    result = decode(Messages.of(values), **options)
    assert isinstance(result, Decoded)
    found = as_read(result.rows, result.buffer)
    assert not found.keys() & {reject.position for reject in result.rejects}
    return found | {reject.position: reject.reason for reject in result.rejects}


def test_empty_batch():
    """No messages give no rows and no rejects."""
    rows, _, rejects = decode(Messages.of([]))
    assert (rows.size, rows.dtype, rejects) == (0, EVENT_ROW, [])


@pytest.mark.parametrize("others", [[], [b"{}"], [ODD_VISIT], [None, b"", message("rating")]])
def test_every_kind(others):
    """Rows are those of the reference, whichever way they took and whoever is beside them."""
    values = every_message() + others + every_message()
    found = decoded(values)
    assert list(range(len(values))) == sorted(found)
    for position, value in enumerate(values):
        event, reason = contract.judge(value or b"")
        assert found[position] == (reason or row_of(event))


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_one_kind_alone(name):
    """A batch of one kind, on its topic or anywhere, is whole."""
    value = message(name, event_id="\u012b")
    assert decoded([value] * 3) == dict.fromkeys(range(3), row_of(contract.judge(value)[0]))


def test_rows_stand_by_position():
    """Odd ones and rejects among them."""
    values = [message("visit"), ODD_VISIT, b"{", message("visit"), message("shift"), b"1", ODD_VISIT]
    rows, _, rejects = decode(Messages.of(values))
    assert rows["position"].tolist() == [0, 1, 3, 4, 6]
    assert [reject.position for reject in rejects] == [2, 5]


def test_the_buffer_is_the_messages_own_where_that_is_enough():
    """Nothing is copied where everything is scanned, and nobody may write to it."""
    messages = Messages.of([message("visit")] * 3)
    assert np.shares_memory(decode(messages).buffer, messages.buffer)
    for values in ([message("visit")], [message("rating")], [message("visit"), message("rating")]):
        writable = Messages.of(values)._replace(buffer=Messages.of(values).buffer.copy())
        assert not decode(writable).buffer.flags.writeable
        assert writable.buffer.flags.writeable


def test_a_batch_cut_out_of_another():
    """Rows count from the beginning of the cut, and point into the buffer that it shares."""
    messages = Messages.of([b"{", *every_message(), message("visit", event_id="last")]).cut(10, 12)
    rows, buffer, rejects = decode(messages)
    assert rejects == []
    assert [row["id_text"] for row in as_read(rows, buffer).values()] == ["e-1", "last"]
    assert rows["position"].tolist() == [0, 1]


@pytest.mark.parametrize("value", every_message())
def test_a_topic_takes_its_own_kinds(value):
    """Anything else is `wrong_topic`, by either way."""
    kind = EVENT_NAMES.index(contract.judge(value)[0]["type"])
    for topic, kinds in {"presses": (0, 1), "verdicts": (2,), "visits": (5,), "ratings": (6,), "shifts": (8,)}.items():
        assert (decoded([value], topic=topic)[0] == "wrong_topic") is (kind not in kinds)


def test_the_longest_window_is_handed_on():
    """To both ways."""
    plain = message("verdict", from_=1, to=1001)
    for value in (plain, plain.replace(b"verdict", b"v\\u0065rdict")):
        assert decoded([value], longest_window_ms=999) == {0: "bad_value"}
        assert decoded([value], longest_window_ms=1000)[0]["second_ms"] == 1001
