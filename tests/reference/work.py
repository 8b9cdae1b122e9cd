"""Time at work by brute force: each employee's time cut at every beginning and end, and each piece looked at by itself.

Readings: calls that were not answered are work as far as they were talked, held or wrapped up, as for the handle time; two calls at a time are
twice the work; who has no available time in a window takes no part in it, nor in their office's.
"""

from collections import defaultdict
from itertools import pairwise


def time_at_work(seen, begin_ms, end_ms):
    """Return {(office, employee): (available, productive, idle)} in milliseconds, of those who were available between two instants."""
    work, off, calls = defaultdict(list), defaultdict(list), defaultdict(list)
    for event in seen:
        if "employee_id" not in event or event["type"] not in {"shift", "call"}:
            continue
        who = event["office_id"], event["employee_id"]
        if event["type"] == "shift":
            (work if event["kind"] == "work" else off)[who].append((event["ts"], event["end_ts"]))
        else:
            answered_ms = event["ts"] + round(event["wait_s"] * 1000)
            worked_ms = sum(round(event.get(part, 0) * 1000) for part in ("talk_s", "hold_s", "wrap_s"))
            calls[who].append((answered_ms, answered_ms + worked_ms))
    found = {}
    for who in work:
        spans = work[who] + off[who] + calls[who]
        edges = {begin_ms, end_ms} | {edge for span in spans for edge in span if begin_ms < edge < end_ms}
        available = idle = 0
        for start, end in pairwise(sorted(edges)):
            if lies_in(start, work[who]) and not lies_in(start, off[who]):
                available += end - start
                idle += 0 if lies_in(start, calls[who]) else end - start
        productive = sum(max(0, min(end, end_ms) - max(start, begin_ms)) for start, end in calls[who])
        if available:
            found[who] = available, productive, idle
    return found


def lies_in(instant, spans):
    """Say whether an instant lies in one of some spans, their beginnings in and their ends out."""
    return any(start <= instant < end for start, end in spans)


def work_values(times):
    """Return the indices of the times of some employees: {index: (value, base)}."""
    available, productive, idle = (sum(column) for column in zip(*times, strict=True)) if times else (0, 0, 0)
    return {
        "utilisation": (productive / available if available else None, available),
        "occupancy": (productive / (productive + idle) if productive + idle else None, productive + idle),
    }
