"""JSON text in a buffer of bytes: the pieces of a flat object, eight bytes at a time.

Every function takes a buffer and a place in it, and reads zeros beyond the buffer's end, which stand nowhere in JSON. Whether a
piece still lies inside its message is for the caller to check, who knows where the piece ended.

Bytes of a word are looked at side by side: a word of bytes `b` minus (or plus, or exclusive or) a constant sets the highest
bit of those looked for. A carry disturbs only bytes that stand after one that is marked already, so the first mark is right.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel, rare_kernel

Bytes = NDArray[np.uint8]

QUOTE, BACKSLASH, COLON, COMMA, OPENING, CLOSING = 0x22, 0x5C, 0x3A, 0x2C, 0x7B, 0x7D
MINUS, POINT, ZERO, NINE, SPACE, DELETE = 0x2D, 0x2E, 0x30, 0x39, 0x20, 0x7F

MOST_DIGITS = 18  # of a number: any of them fits 64 bits
WORD_BYTES = 8
ODD = -1  # in place of an end: for the library decoder to judge
_POWERS = 10 ** np.arange(MOST_DIGITS + 1, dtype=np.int64)

_SIMPLE_ESCAPES = (QUOTE, BACKSLASH, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74)  # and /bfnrt; a `u` may be half of a character

_ONES = np.uint64(0x0101010101010101)
_HIGHEST = np.uint64(0x8080808080808080)
_SPACES = _ONES * np.uint64(SPACE)
_QUOTES = _ONES * np.uint64(QUOTE)
_BACKSLASHES = _ONES * np.uint64(BACKSLASH)
_ZEROS = _ONES * np.uint64(ZERO)
_UP_FROM_NINE = _ONES * np.uint64(0x7F - NINE)
_PLACES = np.uint64(0x0001020304050607)
_EVERY_2ND = np.uint64(0x00FF00FF00FF00FF)
_EVERY_4TH = np.uint64(0x0000FFFF0000FFFF)
_LOWER_HALF = np.uint64(0x00000000FFFFFFFF)
_FIRST_FIVE = np.uint64(0x000000FFFFFFFFFF)
_NULL, _TRUE, _FALSE = (np.uint64(int.from_bytes(text, "little")) for text in (b"null", b"true", b"false"))


@kernel
def byte_at(buffer: Bytes, at: int) -> int:
    """The byte at a place."""
    if at >= buffer.shape[0]:
        return 0
    byte: Any = np.int64(buffer[np.uint64(at)])
    return byte


@kernel
def _load(buffer: Bytes, at: int) -> np.uint64:
    i = np.uint64(at)  # numba asks of a signed index whether it counts from the end
    return (  # one load, as the compiler finds
        np.uint64(buffer[i])
        | np.uint64(buffer[i + np.uint64(1)]) << np.uint64(8)
        | np.uint64(buffer[i + np.uint64(2)]) << np.uint64(16)
        | np.uint64(buffer[i + np.uint64(3)]) << np.uint64(24)
        | np.uint64(buffer[i + np.uint64(4)]) << np.uint64(32)
        | np.uint64(buffer[i + np.uint64(5)]) << np.uint64(40)
        | np.uint64(buffer[i + np.uint64(6)]) << np.uint64(48)
        | np.uint64(buffer[i + np.uint64(7)]) << np.uint64(56)
    )


@kernel
def word_at(buffer: Bytes, at: int) -> np.uint64:
    """Eight bytes, the first of them lowest, of a buffer of eight or more."""
    beyond = at - (buffer.shape[0] - WORD_BYTES)
    if beyond <= 0:
        return _load(buffer, at)
    return _load(buffer, at - beyond) >> np.uint64(8 * beyond) if beyond < WORD_BYTES else np.uint64(0)


@kernel
def _first_mark(marks: np.uint64) -> int:
    """Place in its word of the first byte whose highest bit is set, of any that are."""
    lowest = marks & (~marks + np.uint64(1))
    place: Any = np.int64(((lowest >> np.uint64(7)) * _PLACES) >> np.uint64(56))
    return place


@kernel
def is_blank(byte: int) -> bool:
    """Whether a byte is white space."""
    return byte <= SPACE and byte in (SPACE, 0x0A, 0x0D, 0x09)


@kernel
def after_blanks(buffer: Bytes, at: int) -> int:
    """The first place from `at` on that holds no white space."""
    while is_blank(byte_at(buffer, at)):
        at += 1
    return at


@kernel
def plain_end(buffer: Bytes, at: int) -> int:
    """The first place from `at` on of anything but the printable ASCII characters that may stand in a string unescaped."""
    while True:
        word = word_at(buffer, at)
        marks = (
            (word - _SPACES) | word | (word + _ONES) | ((word ^ _QUOTES) - _ONES) | ((word ^ _BACKSLASHES) - _ONES)
        ) & _HIGHEST
        if marks != np.uint64(0):
            return at + _first_mark(marks)
        at += WORD_BYTES


@rare_kernel
def any_string(buffer: Bytes, at: int) -> tuple[int, int]:
    """A string of any characters whose first one is at `at`: where its closing quote is, and its code points if it may be an id.

    They are -1 if it may not, for an escape or a control character in it. The end is -1 where the string is odd.
    """
    count = 0
    fit = True
    while True:
        byte = byte_at(buffer, at)
        if byte == QUOTE:
            return at, count if fit else -1
        if byte < SPACE:
            return ODD, -1
        count += 1
        if byte == BACKSLASH:
            fit = False
            if byte_at(buffer, at + 1) not in _SIMPLE_ESCAPES:
                return ODD, -1
            at += 2
        elif byte < 0x80:
            fit = fit and byte != DELETE
            at += 1
        else:
            size = _character_size(buffer, at)
            if size == 0:
                return ODD, -1
            fit = fit and not (byte == 0xC2 and byte_at(buffer, at + 1) < 0xA0)  # U+0080 to U+009F
            at += size


@kernel
def _character_size(buffer: Bytes, at: int) -> int:
    """Bytes of the UTF-8 character, not of ASCII, at a place; 0 where there is none (RFC 3629)."""
    first = byte_at(buffer, at)
    second = byte_at(buffer, at + 1)
    least = 0xA0 if first == 0xE0 else 0x90 if first == 0xF0 else 0x80
    most = 0x9F if first == 0xED else 0x8F if first == 0xF4 else 0xBF
    if first < 0xC2 or first > 0xF4 or second < least or second > most:
        return 0
    size = 2 if first < 0xE0 else 3 if first < 0xF0 else 4
    for i in range(2, size):
        if byte_at(buffer, at + i) & 0xC0 != 0x80:
            return 0
    return size


@kernel
def literal(buffer: Bytes, at: int) -> tuple[int, int]:
    """A literal at a place: its end, ODD if there is none, and 1 for true, 0 for false, -1 for null."""
    word = word_at(buffer, at)
    first_four = word & _LOWER_HALF
    if first_four == _NULL:
        return at + 4, -1
    if first_four == _TRUE:
        return at + 4, 1
    if word & _FIRST_FIVE == _FALSE:
        return at + 5, 0
    return ODD, -1


@kernel
def _digits(buffer: Bytes, at: int) -> tuple[int, int]:
    """The number that the digits at a place make, and how many they are, at most eight."""
    word = word_at(buffer, at)
    marks = ((word + _UP_FROM_NINE) | (word - _ZEROS)) & _HIGHEST
    count = 8
    if marks != np.uint64(0):
        count = _first_mark(marks)
        if count == 0:
            return 0, 0
    word = (word - _ZEROS) << np.uint64(64 - 8 * count)
    word = (word * np.uint64(10) + (word >> np.uint64(8))) & _EVERY_2ND
    word = (word * np.uint64(100) + (word >> np.uint64(16))) & _EVERY_4TH
    value: Any = np.int64((word * np.uint64(10_000) + (word >> np.uint64(32))) & _LOWER_HALF)
    return value, count


@kernel
def _more_digits(buffer: Bytes, at: int, value: int, count: int) -> tuple[int, int]:
    """A number of `count` digits with those at a place after them, and how many it has then; more than `MOST_DIGITS` are too many."""
    while True:
        part, found = _digits(buffer, at)
        count += found
        if count > MOST_DIGITS:
            return 0, count
        value = value * _POWERS[np.uint64(found)] + part
        if found < 8:
            return value, count
        at += found


@kernel
def number(buffer: Bytes, at: int) -> tuple[int, int, int]:
    """A number at a place: its end, all of its digits as an integer, and how many of them are decimals.

    The end is -1 where the number is odd: no number, of many digits, a zero less than nothing, or with an exponent, which stands at
    the end then.
    """
    negative = byte_at(buffer, at) == MINUS
    at += negative
    value, count = _more_digits(buffer, at, 0, 0)
    if count == 0 or count > MOST_DIGITS or (count > 1 and byte_at(buffer, at) == ZERO):
        return ODD, 0, 0
    at += count
    decimals = 0
    if byte_at(buffer, at) == POINT:
        value, digits = _more_digits(buffer, at + 1, value, count)
        decimals = digits - count
        if decimals == 0 or digits > MOST_DIGITS:
            return ODD, 0, 0
        at += 1 + decimals
    if negative:
        if value == 0:
            return ODD, 0, 0
        value = -value
    return at, value, decimals
