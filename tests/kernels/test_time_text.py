"""RFC 3339 texts, against the reference."""

import random

import numpy as np
import pytest

from kernels.time_text import time_ms
from tests.reference import rfc3339

LATEST = 253_402_387_139_000


def found(text):
    """What the kernel says of a text in the midst of others; None for odd."""
    data = text.encode()
    value = time_ms(np.frombuffer(b'9"' + data + b'"5Z12345678', np.uint8), 2, len(data))
    return None if value < 0 else value


def expected(text):
    """What the reference says, leap seconds and what lies before 1970 being odd."""
    try:
        value = rfc3339.epoch_ms(text)
    except ValueError:
        return None
    return None if value < 0 or text[17:19] == "60" or text < "1970" else value


@pytest.mark.parametrize("fraction", ["", ".0", ".5", ".999", ".0009999", "." + "9" * 60, ".", ",5", ".5.5"])
@pytest.mark.parametrize(
    "offset",
    ["Z", "z", "+00:00", "-00:00", "+23:59", "-23:59", "+24:00", "+0200", "", "Z ", "+02:60", "-2:00", "+02:0"],
)
def test_forms(fraction, offset):
    """Fractions and offsets of every form, with either letter."""
    for text in ("2024-02-29T23:59:59", "1970-01-01t00:00:00", "9999-12-31T00:00:00", "2024-02-29 23:59:59"):
        assert found(text + fraction + offset) == expected(text + fraction + offset)


def test_days():
    """Every day that a calendar may have or not, in years of every kind, and every hour, minute and second."""
    for year in (1, 1969, 1970, 1972, 1999, 2000, 2024, 2026, 2100, 2200, 2300, 2400, 9999):
        for month in range(14):
            for day in (0, 1, 27, 28, 29, 30, 31, 32):
                text = f"{year:04}-{month:02}-{day:02}T00:00:00Z"
                assert found(text) == expected(text), text
    for part in range(100):
        for text in (f"2020-01-01T{part:02}:00:00Z", f"2020-01-01T00:{part:02}:00Z", f"2020-01-01T00:00:{part:02}Z"):
            assert found(text) == expected(text), text
    assert found("9999-12-31T23:59:59-23:59") == LATEST


@pytest.mark.parametrize("seed", range(3))
def test_broken_texts(seed):
    """A character changed, taken out or put in."""
    chance = random.Random(seed)
    good = 0
    for _ in range(4000):
        text = f"{chance.randrange(1965, 2110)}-0{chance.randrange(10)}-{chance.randrange(32):02}T12:30:{chance.randrange(61):02}.25+0{chance.randrange(3)}:30"
        at = chance.randrange(len(text))
        piece = chance.choice(("0", "9", "-", ":", "Z", "T", "t", ".", "+", " ", "/", "\u0661", "2"))
        text = chance.choice(
            (text, text[:at] + piece + text[at + 1 :], text[:at] + piece + text[at:], text[:at] + text[at + 1 :])
        )
        assert found(text) == expected(text), text
        good += found(text) is not None
    assert good > 500
