"""Time zones of the package `tzdata`, whatever the machine's own say."""

import functools
import zoneinfo
from importlib import resources


@functools.cache
def zone_of(name):
    """Return the time zone of a name."""
    with resources.files("tzdata").joinpath("zoneinfo", name).open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file, key=name)
