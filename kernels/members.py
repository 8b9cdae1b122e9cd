"""One message to numbers by field: a flat JSON object of one of the kinds that are scanned.

1. The members are read in the order in which they stand. Which key comes next is guessed from what followed the key
   before it last time; a guess is confirmed by two comparisons.
2. Each value is noted in one set of fields if it has a form that its field takes, in another if it has a different one. A
   field means the same in every kind that has it, so that the type may stand anywhere.
3. When the object has ended, and ended where its message does, the sets are held against what its kind has and needs.

An object that does not end is read on into what follows its message, in vain. That costs no more than once or twice what the
messages cost alone: the next one begins with a brace, which is odd anywhere but in a string, and where strings are
taken for what stands between them, the next but one does not.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.json_text import (
    CLOSING,
    COLON,
    COMMA,
    NINE,
    ODD,
    OPENING,
    QUOTE,
    Bytes,
    after_blanks,
    any_string,
    byte_at,
    is_blank,
    literal,
    number,
    plain_end,
    word_at,
)
from kernels.vocabulary import (
    DURATION,
    FIELD_TAKES,
    FIRST_OF_LENGTH,
    INTEGER,
    KIND_HAS,
    KIND_NEEDS,
    KINDS,
    LONGEST_KEY,
    NAME,
    NUMBER,
    TEXT,
    TOKEN,
    TOKEN_MASK,
    TOKEN_SIZE,
    TRUTH,
    TYPE,
    TYPES,
    UNKNOWN,
)

LONGEST_ID = 128  # code points
NO_KIND = len(KINDS)  # of an object whose type has not come yet
BEGINNING = UNKNOWN + 1  # what stands before the first field
_EXACT = 2**53  # integers below it are floats


@kernel
def _is_token(low: np.uint64, high: np.uint64, token: int) -> bool:
    """Whether sixteen bytes begin with a token."""
    number = np.uint64(token)
    first, second = np.uint64(0), np.uint64(1)
    different = ((low ^ TOKEN[number, first]) & TOKEN_MASK[number, first]) | (
        (high ^ TOKEN[number, second]) & TOKEN_MASK[number, second]
    )
    return different == np.uint64(0)


@kernel
def _key(buffer: Bytes, at: int, guess: int) -> tuple[int, int]:
    """The field whose name begins at a place, and where its closing quote ends; ODD for a name that is not plain.

    Where an unknown field is the guess, its token is the first word's, which is no field's name.
    """
    low = word_at(buffer, at)
    high = word_at(buffer, at + 8)
    if _is_token(low, high, guess):
        return guess, at + TOKEN_SIZE[np.uint64(guess)]
    end = plain_end(buffer, at)
    if byte_at(buffer, end) != QUOTE:
        return UNKNOWN, ODD
    length = end - at
    if length <= LONGEST_KEY:
        for field in range(FIRST_OF_LENGTH[length], FIRST_OF_LENGTH[length + 1]):
            if _is_token(low, high, field):
                return field, end + 1
    return UNKNOWN, end + 1


@kernel
def word(buffer: Bytes, start: int, words: tuple[int, int]) -> int:
    """Which of some words begins at a place; -1 for none of them."""
    low = word_at(buffer, start)
    high = word_at(buffer, start + 8)
    first, count = words
    for i in range(count):
        if _is_token(low, high, first + i):
            return i
    return -1


@kernel
def _value(buffer: Bytes, at: int) -> tuple[int, int, int, int]:
    """A value: its end (ODD if it is odd), its form, and two numbers.

    They are of a string its start and its length in bytes, of a number its digits and how many of them are decimals, of a truth
    1 or 0.
    """
    mark = byte_at(buffer, at)
    if mark == QUOTE:
        start = at + 1
        end = plain_end(buffer, start)
        characters = end - start
        if byte_at(buffer, end) != QUOTE:
            end, characters = any_string(buffer, start)
            if end == ODD:
                return ODD, 0, 0, 0
        return end + 1, NAME | TEXT if 0 < characters <= LONGEST_ID else TEXT, start, end - start
    if mark > NINE:
        end, truth = literal(buffer, at)
        return end, TRUTH if truth >= 0 else 0, truth, 0
    end, digits, decimals = number(buffer, at)
    form = NUMBER | INTEGER if decimals == 0 else NUMBER
    return end, form | DURATION if 0 <= digits < _EXACT else form, digits, decimals


@kernel
def holds(fields: np.uint64, field: int) -> bool:
    """Whether a field is in a set."""
    return (fields >> np.uint64(field)) & np.uint64(1) != np.uint64(0)


@kernel
def read(
    buffer: Bytes,
    start: int,
    end: int,
    allowed_kinds: int,
    followers: NDArray[np.uint8],
    values: NDArray[np.int64],
    extents: NDArray[np.int64],
) -> tuple[int, np.uint64]:
    """Read an object: its kind, ODD if it is odd, and the fields that are given; their numbers are in `values` and `extents`."""
    seen = fit = unfit = nothing = np.uint64(0)
    kind = NO_KIND
    field = BEGINNING
    at = after_blanks(buffer, start)
    separator = byte_at(buffer, at)
    if separator != OPENING:
        return ODD, fit
    while separator != CLOSING:
        at = after_blanks(buffer, at + 1)
        if byte_at(buffer, at) != QUOTE:
            return ODD, fit
        guess: Any = np.int64(followers[np.uint64(kind), np.uint64(field)])
        found, at = _key(buffer, at + 1, guess)
        if at == ODD:
            return ODD, fit
        if found != guess:
            followers[np.uint64(kind), np.uint64(field)] = found
        field = found
        bit = np.uint64(1) << np.uint64(field)
        if seen & bit != nothing and field != UNKNOWN:
            return ODD, fit
        seen |= bit

        at = after_blanks(buffer, at)
        if byte_at(buffer, at) != COLON:
            return ODD, fit
        at, form, value, extent = _value(buffer, after_blanks(buffer, at + 1))
        if at == ODD:
            return ODD, fit
        values[np.uint64(field)] = value
        extents[np.uint64(field)] = extent
        if FIELD_TAKES[np.uint64(field)] & form != 0:
            fit |= bit
        elif form != 0:
            unfit |= bit
        if field == TYPE:
            kind = word(buffer, value, TYPES) if form & NAME else ODD
            if kind == ODD or (allowed_kinds >> kind) & 1 == 0:
                return ODD, fit

        at = after_blanks(buffer, at)
        separator = byte_at(buffer, at)
        if separator not in (COMMA, CLOSING):
            return ODD, fit
    at += 1
    while at < end and is_blank(byte_at(buffer, at)):
        at += 1
    if at != end or kind == NO_KIND:
        return ODD, fit
    faults = (KIND_NEEDS[np.uint64(kind)] & ~fit) | (KIND_HAS[np.uint64(kind)] & unfit)
    return kind if faults == nothing else ODD, fit
