"""Changed surveys as the records of a Kafka record batch, each with its office as the key and JSON as the value.

:mod:`kernels.record_batches` says what such records look like, `streams.outputs.Survey` what the JSON says.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.layout import UNDECIDED, Tables
from kernels.nameless import is_nameless, kept_name
from kernels.naming import NAME_TABLES, NameTables
from kernels.signatures import INT, INTS, NUMBERS, TABLES, array_of

_PIECES: Final = (
    b'{"survey_id":"', b'","office_id":"', b'","panel_id":"', b'","employee_id":"', b'","ts":', b',"question":"',
    b'","outcome":"', b'","valid":', b',"force_majeure":', b',"revision":', b"}",
)  # fmt: skip
(
    SURVEY_ID, OFFICE_ID, PANEL_ID, EMPLOYEE_ID, TS, QUESTION, OUTCOME, VALID, FORCE_MAJEURE, REVISION, END,
) = range(len(_PIECES))  # fmt: skip
_WORDS: Final = (
    b"personnel", b"office", b"loyalty", b"yes", b"no", b"hard_to_say", b"silent", b"withdrawn", b"false", b"true",
)  # fmt: skip
QUESTIONS, OUTCOMES, TRUTHS = len(_PIECES), len(_PIECES) + 3, len(_PIECES) + 8  # where these words begin
_CONSTANTS = np.frombuffer(b"".join(_PIECES + _WORDS), np.uint8)
_BEGINNINGS = np.cumsum([0, *map(len, _PIECES + _WORDS)])

_QUOTE, _BACKSLASH, _ZERO = 34, 92, 48
_LONGEST_ID_BYTES = 4 * 128
# Four ids in which every byte is escaped, the constants and numbers; then what stands around a value: an office's id and lengths.
LONGEST_VALUE_BYTES = 4 * 2 * _LONGEST_ID_BYTES + 512
LONGEST_RECORD_BYTES = LONGEST_VALUE_BYTES + _LONGEST_ID_BYTES + 64
_BYTES = array_of(np.uint8)


@kernel
def _put_constant(out: NDArray[np.uint8], at: int, which: int) -> int:
    for i in range(_BEGINNINGS[which], _BEGINNINGS[which + 1]):
        out[at] = _CONSTANTS[i]
        at += 1
    return at


@kernel
def _put_text(out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, length: int) -> int:
    """Write an id as a JSON string has it; ids have no control characters."""
    for i in range(start, start + length):
        if text[i] == _QUOTE or text[i] == _BACKSLASH:
            out[at] = _BACKSLASH
            at += 1
        out[at] = text[i]
        at += 1
    return at


@kernel
def _put_number(out: NDArray[np.uint8], at: int, number: int) -> int:
    """Write a number that is not negative in decimal digits."""
    end = at + 1
    rest = number // 10
    while rest > 0:
        rest //= 10
        end += 1
    for position in range(end - 1, at - 1, -1):
        out[position] = _ZERO + number % 10
        number //= 10
    return end


@kernel
def _put_varint(out: NDArray[np.uint8], at: int, number: int) -> int:
    """Write a number that is not negative as a signed varint."""
    rest = 2 * number
    while rest > 127:
        out[at] = 128 | (rest & 127)
        rest >>= 7
        at += 1
    out[at] = rest
    return at + 1


@kernel
def _varint_bytes(number: int) -> int:
    rest = 2 * number
    count = 1
    while rest > 127:
        rest >>= 7
        count += 1
    return count


@kernel
def _put_value(tables: Tables, names: NameTables, row: int, out: NDArray[np.uint8]) -> int:
    """Write the JSON of a survey; returns its length."""
    press = tables.presses[row]
    panel = names.rows[names.panel_rows[press["panel"]]]
    office = names.rows[names.entity_rows[panel["office"]]]
    decided = press["accepted"] == 1 and press["outcome"] != UNDECIDED
    at = _put_constant(out, 0, SURVEY_ID)
    at = _put_text(out, at, tables.id_bytes, press["id_start"], press["id_length"])
    at = _put_constant(out, at, OFFICE_ID)
    at = _put_text(out, at, names.texts, office["start"], office["length"])
    at = _put_constant(out, at, PANEL_ID)
    at = _put_text(out, at, names.texts, panel["start"], panel["length"])
    at = _put_constant(out, at, EMPLOYEE_ID)
    if is_nameless(tables, press["employee"]):
        start, length = kept_name(tables, press)
        at = _put_text(out, at, tables.id_bytes, start, length)
    else:
        employee = names.rows[names.entity_rows[press["employee"]]]
        at = _put_text(out, at, names.texts, employee["start"], employee["length"])
    at = _put_constant(out, at, TS)
    at = _put_number(out, at, press["ts_ms"])
    at = _put_constant(out, at, QUESTION)
    at = _put_constant(out, at, QUESTIONS + press["choice"])
    at = _put_constant(out, at, OUTCOME)
    at = _put_constant(out, at, OUTCOMES + (press["outcome"] if decided else UNDECIDED))
    at = _put_constant(out, at, VALID)
    at = _put_constant(out, at, TRUTHS + (1 if decided and not press["rejected"] else 0))
    at = _put_constant(out, at, FORCE_MAJEURE)
    at = _put_constant(out, at, TRUTHS + press["in_force_majeure"])
    at = _put_constant(out, at, REVISION)
    at = _put_number(out, at, press["revision"])
    return _put_constant(out, at, END)


@entry(TABLES, NAME_TABLES, NUMBERS, INT, _BYTES, _BYTES, INTS)
def write_surveys(
    tables: Tables,
    names: NameTables,
    rows: NDArray[np.int32],
    begin: int,
    value: NDArray[np.uint8],
    out: NDArray[np.uint8],
    written: NDArray[np.int64],
) -> int:
    """Write the records of surveys from ``begin`` on, as many as there is room for; returns how far it came.

    Parameters
    ----------
    rows
        Of the surveys' presses, (surveys,).
    value
        Room for one value, `LONGEST_VALUE_BYTES`.
    out
        Room for records; `LONGEST_RECORD_BYTES` suffice for any.
    written
        Output: the number of bytes, (1,).
    """
    at = 0
    for i in range(begin, rows.shape[0]):
        if at + LONGEST_RECORD_BYTES > out.shape[0]:
            written[0] = at
            return i
        length = _put_value(tables, names, rows[i], value)
        panel = names.rows[names.panel_rows[tables.presses[rows[i]]["panel"]]]
        office = names.rows[names.entity_rows[panel["office"]]]
        key_length = int(office["length"])
        offset = i - begin
        size = 2 + _varint_bytes(offset) + _varint_bytes(key_length) + key_length + _varint_bytes(length) + length + 1
        at = _put_varint(out, at, size)
        out[at] = 0  # attributes
        out[at + 1] = 0  # milliseconds after the batch's
        at = _put_varint(out, at + 2, offset)
        at = _put_varint(out, at, key_length)
        for j in range(key_length):
            out[at + j] = names.texts[office["start"] + j]
        at = _put_varint(out, at + key_length, length)
        for j in range(length):
            out[at + j] = value[j]
        at += length
        out[at] = 0  # headers
        at += 1
    written[0] = at
    return rows.shape[0]
