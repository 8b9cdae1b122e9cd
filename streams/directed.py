"""What of the directory bears on an office's values, and by which rule a press that names no question was asked."""

from hashlib import sha256
from typing import Any

import msgspec
import numpy as np

from streams.configuration import Configuration
from streams.directory import Directory, Questions, days_of
from streams.time_zones import TimeZone
from streams.trust import office_standard


def fingerprint(directory: Directory) -> str | None:
    """What no other directory has, however it was put together; None where there is no directory."""
    if not directory.entries:
        return None
    entries = msgspec.to_builtins(sorted(directory.entries.items()), str_keys=True)
    return sha256(msgspec.json.encode(entries, order="deterministic")).hexdigest()[:16]


def of_office(directory: Directory, configuration: Configuration, office: str) -> dict[str, Any]:
    """What is in force for an office: from the directory, or from the configuration where that says nothing."""
    by, limits = office_standard(configuration, directory.offices.get(office))
    source, questions = _questions(directory, office)
    return {
        "hash": fingerprint(directory),
        "time_zone": directory.zone_of(office).name,
        "questions_by": source,
        "questions": msgspec.to_builtins(questions),
        "representative_by": by,
        "limits": None if by == "none" else limits,
    }


def rule_of(directory: Directory, office: str, ts_ms: int) -> dict[str, Any]:
    """By which rule a press that names no question was asked: whose it is, and the days, and the day of the press there.

    Days are None where the same question is asked on all of them.
    """
    source, questions = _questions(directory, office)
    if isinstance(questions, str):
        return {"by": source, "days": None, "local_day": None, "time_zone": None}
    zone = directory.zone_of(office)
    local_day = _local_day(zone, ts_ms)
    day = int(local_day[-2:])
    days = next(each.days for each in questions if day in days_of(each.days))
    return {"by": source, "days": days, "local_day": local_day, "time_zone": zone.name}


def _questions(directory: Directory, office: str) -> tuple[str, Questions]:
    """The questions of an office, and where they stand: with the office, in the defaults, or nowhere."""
    known = directory.offices.get(office)
    if known is not None and known.questions is not None:
        return "office", known.questions
    return ("defaults" if ("defaults",) in directory.entries else "method"), directory.defaults.questions


def _local_day(zone: TimeZone, ts_ms: int) -> str:
    offset_ms = int(zone.offsets_ms(np.array([ts_ms], np.int64))[0])
    return str(np.datetime64(ts_ms + offset_ms, "ms").astype("datetime64[D]"))
