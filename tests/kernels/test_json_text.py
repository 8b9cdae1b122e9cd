"""Pieces of JSON text, against Python's own reading of them, wherever in a buffer they stand."""

import json
import random
import re

import numpy as np
import pytest

from kernels.json_text import ODD, after_blanks, any_string, byte_at, literal, number, plain_end, word_at

AROUND = ((b"", b"        "), (b'12\x00"', b',"x":1}'))


def buffer_of(data):
    """Bytes as the kernels take them."""
    return np.frombuffer(data, np.uint8)


def test_words_end_with_the_buffer():
    """Bytes beyond the end are zeros, however few there are before it."""
    data = bytes(range(1, 21))
    buffer = buffer_of(data)
    for at in range(40):
        assert word_at(buffer, at) == int.from_bytes(data[at : at + 8], "little")
        assert byte_at(buffer, at) == (data + b"\0" * 40)[at]


def test_plain_strings_end_at_the_first_other_byte():
    """Every byte, at every place in two words, after bytes that resemble it."""
    for byte in range(256):
        plain = 0x20 <= byte < 0x7F and byte not in b'"\\'
        for length in range(17):
            for filler in (b"!", b"#", b"[", b"]", b"~", b" "):
                data = filler * length + bytes([byte]) + b"x" * 3 + b'"' + b"\xff" * 8
                assert plain_end(buffer_of(data), 0) == (length + 4 if plain else length)


def test_blanks_are_those_of_json():
    """Four characters, and no other."""
    for byte in range(256):
        assert after_blanks(buffer_of(bytes([byte]) + b"x"), 0) == (byte in b" \t\r\n")
    assert after_blanks(buffer_of(b"  \r\n"), 0) == 4


@pytest.mark.parametrize(
    ("text", "end", "truth"),
    [
        ("true", 4, 1),
        ("false", 5, 0),
        ("null", 4, -1),
        ("True", ODD, -1),
        ("nul", ODD, -1),
        ("fals", ODD, -1),
        ("nan", ODD, -1),
    ],
)
def test_literals(text, end, truth):
    """Three of them."""
    assert literal(buffer_of(text.encode().ljust(8)), 0) == (end, truth)


NUMBERS = [
    "0",
    "7",
    "12",
    "-1",
    "-12345678",
    "123456789",
    "1234567890123456",
    "12345678901234567",
    "123456789012345678",
    "1234567890123456789",
    "0.0",
    "0.5",
    "12.25",
    "-3.5",
    "1.000000",
    "0.000000000000000001",
    "12345678.87654321",
    "123456789.987654321",
    "999999999999999.999",
    "9999999999.999999999",
    "00",
    "01",
    "-01",
    "-0",
    "-0.0",
    "-",
    ".",
    ".5",
    "5.",
    "-.5",
    "1.5.5",
    "+1",
    "1e3",
    "1E3",
    "1.5e3",
    "0x10",
    "1_0",
    "12a",
]


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text):
    """As Python reads them, and odd where there are more than 18 digits, a sign before nothing, or no number at all."""
    expected = re.match(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?![0-9.])", text)
    zero = expected and text.startswith("-") and float(expected[0]) == 0
    odd = not expected or zero or sum(map(str.isdigit, expected[0])) > 18
    for before, after in AROUND:
        end, value, decimals = number(buffer_of(before + text.encode() + after), len(before))
        if odd:
            assert end == ODD or text[end - len(before) :][:1] == "."  # which is no separator
        else:
            assert end == len(before) + len(expected[0])
            assert decimals == len(expected[0].partition(".")[2])
            assert value == int(expected[0].replace(".", ""))


@pytest.mark.parametrize("seed", range(3))
def test_random_numbers(seed):
    """Of any length that is not odd."""
    chance = random.Random(seed)
    for _ in range(500):
        value = chance.randrange(10 ** chance.randrange(1, 19))
        digits = str(value)
        point = chance.randrange(1, len(digits) + 1)
        text = digits[:point] + ("." + digits[point:] if point < len(digits) else "")
        before, after = chance.choice(AROUND)
        found = number(buffer_of(before + text.encode() + after), len(before))
        assert found == (
            (len(before) + len(text), value, len(digits) - point) if point == 1 or text[0] != "0" else (ODD, 0, 0)
        )


def naive_string(data):
    """`any_string` by Python: where a string ends, and its length if it may be an id."""
    match = re.match(rb'(?:[^"\\]|\\.)*(?=")', data, re.DOTALL)
    if not match or b"\\u" in match[0].replace(b"\\\\", b""):
        return ODD, -1
    try:
        text = json.loads('"' + match[0].decode() + '"')
    except ValueError:
        return ODD, -1
    fit = b"\\" not in match[0] and not re.search("[\x00-\x1f\x7f-\x9f]", text)
    return match.end(), len(text) if fit else -1


PIECES = [
    *(bytes([byte]) for byte in (0x00, 0x1F, 0x20, 0x7F, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5)),
    *(chr(code).encode() for code in (0x80, 0x9F, 0xA0, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF, 0x1F600)),
    *(b"\\" + bytes([byte]) for byte in b'"\\/bfnrtu0xN'),
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"a", b"abcdefgh", b'"', b"\\u00e9",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_any_string(seed):
    """UTF-8 and escapes to the letter, as Python reads them."""
    chance = random.Random(seed)
    fit = 0
    for _ in range(4000):
        data = b"".join(chance.choice(PIECES) for _ in range(chance.randrange(6))) + chance.choice(
            (b'"', b'",', b"", b'"}  ')
        )
        found = any_string(buffer_of(data.ljust(8, b"\0")), 0)
        assert found == naive_string(data.ljust(8, b"\0")), data
        fit += found[1] >= 0
    assert fit > 100
