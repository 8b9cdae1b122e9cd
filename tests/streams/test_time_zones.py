from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.time_zones import time_zone
from tests.reference.zones import zone_of

ZONES = [
    "Europe/Riga",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "UTC",
]
YEAR_9000_MS = 221_845_305_600_000


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.integers(0, YEAR_9000_MS), max_size=20))
def test_local_time_is_that_of_the_standard_library(name, ts_ms):
    """Offsets and days of the month are those that datetime tells for each instant alone."""
    zone = time_zone(name)
    locals_ = [datetime.fromtimestamp(ts // 1000, zone_of(name)) for ts in ts_ms]
    array = np.array(ts_ms, np.int64)
    assert zone.offsets_ms(array).tolist() == [at.utcoffset() // timedelta(milliseconds=1) for at in locals_]
    assert zone.days_of_month(array).tolist() == [at.day for at in locals_]


@pytest.mark.parametrize("name", ZONES)
def test_changes_hold_to_the_second(name):
    """Around every change of every year, the second before and the second after have their own offsets."""
    zone = time_zone(name)
    for year in range(1970, 2050):
        for since_ms, offset_ms in zone.changes(year)[1:]:
            for second in (since_ms // 1000 - 1, since_ms // 1000):
                told = datetime.fromtimestamp(second, zone_of(name)).utcoffset()
                expected = offset_ms if second * 1000 >= since_ms else None
                assert int(zone.offsets_ms(np.array([second * 1000]))[0]) == told // timedelta(milliseconds=1)
                assert expected in {None, told // timedelta(milliseconds=1)}


def test_instants_beyond_the_calendar_of_datetime_repeat_after_400_years():
    """The greatest instant that an event may have has a local day, too."""
    zone = time_zone("Europe/Riga")
    far_ms = 2**53 - 1
    near_ms = far_ms - (far_ms // (146_097 * 86_400_000) - 1) * 146_097 * 86_400_000
    assert zone.days_of_month(np.array([far_ms])).tolist() == zone.days_of_month(np.array([near_ms])).tolist()


@pytest.mark.parametrize("name", ["", "Riga", "../etc/passwd", "europe/riga", "zones", "Europe"])
def test_a_name_that_is_none_is_refused(name):
    """Only names of the list are opened."""
    with pytest.raises(ValueError, match="is no time zone"):
        time_zone(name)


@pytest.mark.parametrize("name", ["Europe/Riga", "America/Havana", "Asia/Beirut", "Africa/Cairo", "America/St_Johns"])
def test_a_day_begins_when_no_day_before_it_comes_any_more(name):
    """Also where clocks are put on or back at midnight: it is that day then, and was none later than the day before."""
    zone = time_zone(name)
    for number in range(3 * 366):
        day = date(2023, 1, 1) + timedelta(days=number)
        begin_s, rest = divmod(zone.day_begin_ms(day), 1000)
        assert rest == 0
        around = [datetime.fromtimestamp(begin_s + each, zone_of(name)).date() for each in (-1, 0)]
        assert around == [day - timedelta(days=1), day]
