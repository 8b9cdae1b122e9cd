"""A plausible company as a stream of events, from a seed: for trying out, measuring and testing.

    company = Company(seed=7, office_count=6, employees_per_office=8)
    for arrival_ms, event in simulate(company, start_ms, duration_ms): ...

Offices of four kinds have opening hours, rushes, shifts and breaks; sellers of different quality serve whoever queues or
calls; customers answer on the panels or stay silent; a part of what happens is late, doubled, forgotten or disputed, as in
life. The same company and times give the same events, whatever the machine and the clock. See `company`, `plan`, `floor`,
`surveys`, `aftermath` and `post` for what is drawn where.

Promises: arrivals never go back; an event arrives at most `GREATEST_SKEW_MS` before its `ts` (shifts, which are planned, up
to a day before), and what a panel has buffered at most 24 h after it. Event ids are unique per office; the same id again is
the same event, sent twice.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

from streams.simulation.company import DAY_BEGINS_MS, DAY_MS, GREATEST_SKEW_MS, Company, Event, morning_offset_ms
from streams.simulation.floor import Floor
from streams.simulation.post import SLOT_MS, Post

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["GREATEST_SKEW_MS", "SLOT_MS", "Company", "Event", "morning_offset_ms", "simulate"]

FOREVER_MS: Final = 2**53 - 1


def simulate(
    company: Company, start_ms: int, duration_ms: int | None = None, truth: Callable[[Event], None] | None = None
) -> Iterator[tuple[int, Event]]:
    """Yield (arrival in epoch ms, event) in order of arrival, of what happens in [start, start + duration).

    Endless without a duration. It looks one slot of `SLOT_MS` ahead, so that whoever publishes each event when its arrival
    has come needs no more memory than what is late. Arrivals go on after the end until everything late is in.

    `truth` is handed a record as soon as something is settled, that is before the events of it arrive:

    * `office` and `employee`, at the beginning: probabilities of each outcome by question, on a usual day;
    * `survey`, with the `press_id` that opened it: its question, what the customer `felt`, its `outcome` (`silent` too if
      the answer came too late), whether it is `reliable` by the last verdict, lies in a declared or standing force majeure,
      the number of bounces, and `delay_ms`, the time that the press was under way;
    * `force_majeure`, with its `press_id`: whether it is `real`, and whether it `stands` in the end (None: nobody looked).
    """
    end_ms = FOREVER_MS if duration_ms is None else start_ms + duration_ms
    post = Post(start_ms, end_ms)
    if truth is not None:
        for record in company.truth():
            truth(record)
    first_day = (start_ms + company.utc_offset_ms - DAY_BEGINS_MS) // DAY_MS
    for day in itertools.count(first_day):
        begins_ms = day * DAY_MS - company.utc_offset_ms + DAY_BEGINS_MS
        floors = [Floor(company, office, day, post, truth) for office in company.offices]
        for from_ms in range(begins_ms, begins_ms + DAY_MS, SLOT_MS):
            if from_ms >= end_ms:
                yield from post.deliver_rest()
                return
            last = from_ms + SLOT_MS == begins_ms + DAY_MS
            for floor in floors:
                floor.run(from_ms, math.inf if last else from_ms + SLOT_MS)
            yield from post.deliver(from_ms // SLOT_MS)
