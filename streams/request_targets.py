"""Targets of service requests: by when which stage has to be reached, by priority; from the configuration."""

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

STAGES: Final = ("first_response", "on_site", "resolved")  # that may have a target
MAXIMUM_PRIORITIES: Final = 8
LONGEST_DAYS: Final = 400
_WITHIN = re.compile(r"([1-9][0-9]{0,5})([mhd])\Z")
_MILLISECONDS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}


class RequestTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One target: requests of a priority have to reach a stage in some time, and how many of them should."""

    priority: Annotated[str, Meta(min_length=1, max_length=128)]
    stage: Literal["first_response", "on_site", "resolved"]
    within: str  # such as 4h; a day is 24 hours, of opening time too
    objective: Annotated[float, Meta(ge=0, le=1)]
    hours: Literal["elapsed", "opening"] = "elapsed"

    @property
    def within_ms(self) -> int:
        """The time that a request has, milliseconds.

        Raises
        ------
        ValueError
            When `within` is no time.
        """
        match = _WITHIN.match(self.within)
        if match is None:
            raise ValueError(
                f"`{self.within}` is no time: expected a whole number with m, h or d, such as 30m, 4h or 2d"
            )
        within_ms = int(match[1]) * _MILLISECONDS[match[2]]
        if within_ms > LONGEST_DAYS * _MILLISECONDS["d"]:
            raise ValueError(f"`{self.within}` is too long: at most {LONGEST_DAYS}d")
        return within_ms


def faults(targets: Iterable[RequestTarget]) -> list[str]:
    """What is wrong with targets beyond their types, a sentence each."""
    found = []
    seen = set()
    for target in targets:
        try:
            target.within_ms  # noqa: B018 - it raises
        except ValueError as error:
            found.append(f"`request_targets` of {target.priority}: {error}")
        if (target.priority, target.stage) in seen:
            found.append(f"`request_targets` has two targets of {target.priority} for {target.stage}")
        seen.add((target.priority, target.stage))
    if len(priorities(targets)) > MAXIMUM_PRIORITIES:
        found.append(f"`request_targets` names more than {MAXIMUM_PRIORITIES} priorities")
    return found


def priorities(targets: Iterable[RequestTarget]) -> list[str]:
    """The priorities that have targets, in their order; a priority is known by its place."""
    return list(dict.fromkeys(target.priority for target in targets))
