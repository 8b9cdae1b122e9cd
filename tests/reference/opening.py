"""Opening hours minute by minute: an office is open when the clock on its wall shows a time inside its hours."""

from datetime import datetime, timedelta

from tests.reference.zones import zone_of

MINUTE_MS = 60_000


def is_open(minute, zone, week, exceptions):
    """Whether an office is open in a minute since the epoch; hours as (begin, end) minutes of the day that they begin on."""
    local = datetime.fromtimestamp(minute * 60, zone_of(zone))
    of_day = local.hour * 60 + local.minute
    today = local.date()
    yesterday = today - timedelta(days=1)
    return any(begin <= of_day < end for begin, end in exceptions.get(today, week[today.weekday()])) or any(
        begin <= of_day + 1440 < end for begin, end in exceptions.get(yesterday, week[yesterday.weekday()])
    )


def open_ms(begin_ms, end_ms, zone, week, exceptions):
    """Open time between two instants."""
    total = 0
    for minute in range(begin_ms // MINUTE_MS, -(-end_ms // MINUTE_MS)):
        if is_open(minute, zone, week, exceptions):
            total += min(end_ms, (minute + 1) * MINUTE_MS) - max(begin_ms, minute * MINUTE_MS)
    return total


def due_ms(opened_ms, duration_ms, zone, week, exceptions):
    """First instant before which so much open time has passed."""
    if duration_ms <= 0:
        return opened_ms
    at_ms = opened_ms
    left_ms = duration_ms
    while True:
        next_ms = (at_ms // MINUTE_MS + 1) * MINUTE_MS
        if is_open(at_ms // MINUTE_MS, zone, week, exceptions):
            if left_ms <= next_ms - at_ms:
                return at_ms + left_ms
            left_ms -= next_ms - at_ms
        at_ms = next_ms
