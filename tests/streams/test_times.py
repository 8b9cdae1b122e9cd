"""RFC 3339 texts and columns of times."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.times import ABSENT_MS, LATEST_TIME_MS, NO_TIME_MS, epoch_ms, instant_ms, times_ms
from tests.reference import rfc3339

TIMES = {
    "1970-01-01T00:00:00Z": 0,
    "1970-01-01T00:00:00-00:00": 0,
    "1970-01-01t01:00:00.001+01:00": 1,
    "2026-09-21T13:45:25.424-05:00": 1_790_016_325_424,
    "2026-09-21T18:45:25.4z": 1_790_016_325_400,
    "2026-09-21T18:45:25.9999999999999Z": 1_790_016_325_999,
    "2016-12-31T23:59:60Z": 1_483_228_800_000,
    "2016-12-31T18:59:60.5-05:00": 1_483_228_800_500,
    "9999-12-31T23:59:60Z": 253_402_300_800_000,
    "9999-12-31T23:59:59.999-23:59": 253_402_387_139_999,
    "1969-12-31T23:59:59.9999Z": -1,
    "0001-01-01T00:00:00+23:59": -62_135_683_140_000,
}
NO_TIMES = (
    "",
    "0",
    "1600000000000",
    "2026-09-21",
    "2026-09-21T13:45:25",
    "2026-09-21 13:45:25Z",
    "2026-09-21T13:45Z",
    "2026-09-21T13:45:25.Z",
    "2026-09-21T13:45:25,4Z",
    "2026-09-21T13:45:25+0500",
    "2026-09-21T13:45:25+05",
    "2026-09-21T13:45:25+24:00",
    "2026-09-21T13:45:25+05:60",
    "2026-09-21T24:00:00Z",
    "2026-09-21T13:60:00Z",
    "2026-09-21T13:45:61Z",
    "2026-09-21T23:59:60Z",
    "2016-12-31T23:59:60+01:00",
    "9999-12-31T23:59:60.1-23:59",
    "1969-12-31T23:59:60Z",
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:60+23:59",
    "20260921T134525Z",
    "2026-W39-1T13:45:25Z",
    "+2026-09-21T13:45:25Z",
    "2026-09-21T13:45:25Z\n",
    " 2026-09-21T13:45:25Z",
    "2026-09-21T13:45:25Z\n2026-09-21T13:45:25Z",
    "\uff12\uff1026-09-21T13:45:25Z",
    "2026-09-21T13:45:25UTC",
)


@pytest.mark.parametrize(("text", "expected"), TIMES.items())
def test_times(text, expected):
    """An RFC 3339 text is its epoch milliseconds, finer fractions floored, a leap second the second that follows."""
    assert epoch_ms(text) == expected


@pytest.mark.parametrize("text", NO_TIMES)
def test_no_times(text):
    """What RFC 3339 does not allow, or no calendar has, is no time."""
    assert epoch_ms(text) is None


texts = st.one_of(
    st.builds(
        "{}T{:02}:{:02}:{:02}{}{}".format,
        st.dates(dt.date(1960, 1, 1)),
        st.integers(0, 24),
        st.integers(0, 60),
        st.integers(0, 61),
        st.sampled_from(["", ".", ".0", ".999", ".9999", ".123456789"]),
        st.sampled_from(["Z", "z", "+00:00", "-23:59", "+23:59", "+24:00", ""]),
    ),
    st.sampled_from([*TIMES, *NO_TIMES]),
)


@given(texts)
def test_agrees_with_the_reference(text):
    """One text means what the reference, written by the letter of the grammar, says."""
    try:
        expected = rfc3339.epoch_ms(text)
    except ValueError:
        expected = None
    assert epoch_ms(text) == expected


@given(st.lists(st.one_of(st.none(), st.integers(0, LATEST_TIME_MS), texts)))
def test_a_column_is_its_values(values):
    """A column resolves every value as it would be resolved alone."""

    def resolved(value):
        if value is None:
            return ABSENT_MS
        time_ms = epoch_ms(value) if isinstance(value, str) else value
        return NO_TIME_MS if time_ms is None or time_ms < 0 else time_ms

    assert times_ms(values).tolist() == [resolved(value) for value in values]


def test_a_column_of_usual_texts():
    """Texts that go all at once give the same as one by one, days that no calendar has included."""
    for usual in (
        ["2026-09-21T13:45:25Z", "2026-09-21t13:45:25.4z", "2026-09-21T13:45:25.123456789+05:00"],
        ["2026-09-21T13:45:25Z", "2026-02-29T13:45:25Z"],
        ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"],
    ):
        expected = [NO_TIME_MS if time is None or time < 0 else time for time in map(epoch_ms, usual)]
        assert times_ms(usual).tolist() == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("1600000000000", 1_600_000_000_000), *list(TIMES.items())[:3]]
)
def test_an_instant_in_either_form(text, expected):
    """A time that a person types is epoch milliseconds or RFC 3339."""
    assert instant_ms(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "1.0", "now", "²", "9007199254740992", "9" * 5000, "1969-12-31T23:59:59Z"])
def test_no_instant(text):
    """What is neither is said in a sentence."""
    with pytest.raises(ValueError, match="is no time"):
        instant_ms(text)
