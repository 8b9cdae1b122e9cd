"""Room in a partition's tables: what events that come may need, and what of those before may still matter."""

import numpy as np
from numpy.typing import NDArray

from kernels.layout import NONE, TAKING_PART, VOTED, Rules
from kernels.nameless import LENGTH_BYTES
from kernels.storage import Needs
from kernels.sweeping import Retention
from kernels.windows import BUCKETS
from streams import events
from streams.configuration import Configuration
from streams.partition import Events, Partition

DAY_MS = 86_400_000
LONGEST_CHAIN = 1000  # presses that bounce off each other without a pause
FAR_AHEAD_MS = 2**62


def needs(batches: list[Events], long_press_ms: int, partition: Partition) -> Needs:
    """Rows that batches may add; long presses are counted as presses, too."""
    names = partition.names
    counts = dict.fromkeys(Needs._fields, 0)
    scored: set[int] = set()  # entities
    requested: set[int] = set()
    for rows, _ in batches:
        kinds = np.bincount(rows["kind"], minlength=VOTED + 1)
        with_ids = (rows["kind"] <= events.VERDICT) | (rows["kind"] == events.REQUEST)
        long = (rows["kind"] == events.SELLER_PRESS) & (rows["amount"] >= long_press_ms)
        counts["ids"] += rows.size
        counts["id_bytes"] += int(rows["id_length"].sum(where=with_ids))
        if names.nameless:  # their names are kept with their presses
            nameless = (rows["kind"] == events.SELLER_PRESS) & (rows["employee"] == names.nameless)
            counts["id_bytes"] += int((rows["employee_length"] + LENGTH_BYTES).sum(where=nameless))
        counts["force_majeures"] += int(np.count_nonzero(long))
        counts["presses"] += int(kinds[events.SELLER_PRESS] + kinds[events.CUSTOMER_PRESS])
        counts["verdicts"] += int(kinds[events.VERDICT])
        counts["facts"] += int(kinds[events.CALL : events.RATING + 1].sum() + kinds[events.PEER_RATING :].sum())
        if kinds[events.CALL :].any():
            # Each for an office and an employee, as served and as lost.
            with_client = (rows["kind"] >= events.CALL) & ((rows["target_low"] > 0) | (rows["target_high"] > 0))
            counts["clients"] += 4 * int(np.count_nonzero(with_client))
            counted = rows[with_client | np.isin(rows["kind"], (events.RATING, TAKING_PART, VOTED))]
            scored.update(counted["office"].tolist(), counted["employee"].tolist())
        counts["shifts"] += int(kinds[events.SHIFT])
        if kinds[events.REQUEST] or kinds[events.SALE]:
            counts["requests"] += int(kinds[events.REQUEST])
            with_margin = (rows["kind"] == events.SALE) & (rows["code"] > 0)
            counted = rows[(rows["kind"] == events.REQUEST) | with_margin]
            requested.update(*(counted[name].tolist() for name in ("office", "employee", "place")))
    counts["score_rows"] = _without_row(partition.tables.score_rows, scored)
    counts["request_rows"] = _without_row(partition.tables.request_rows, requested)
    return Needs(**counts)


def _without_row(rows: NDArray[np.int32], entities: set[int]) -> int:
    """How many of some entities, -1 for none of them, have no row yet."""
    return int(np.count_nonzero(rows[[entity for entity in entities if entity != NONE]] == 0)) if entities else 0


def retention(partition: Partition, rules: Rules, configuration: Configuration, *, horizons: bool) -> Retention:
    """What may still matter: what any window holds, and what a correction within the horizons may touch."""
    now_ms = partition.now.now_ms
    reach_ms = int(((now_ms // rules.bucket_ms - BUCKETS + 1) * rules.bucket_ms).min())
    # A press may bounce off one before the windows, that one off another, and so on.
    survey_ms = reach_ms - max(DAY_MS, LONGEST_CHAIN * rules.debounce_ms)
    press_ms = survey_ms
    seen_ms = np.full(len(events.EVENT_TYPES), survey_ms, np.int64)
    if horizons:
        margin_ms = 2 * rules.answer_window_ms + rules.debounce_ms
        press_ms = horizon_start_ms(partition, configuration, "presses") - margin_ms
        survey_ms = min(survey_ms, press_ms)
        for kind, topic in enumerate(events.TOPIC_OF_KIND):
            seen_ms[kind] = horizon_start_ms(partition, configuration, topic)
    return Retention(
        press_ms=press_ms,
        survey_ms=survey_ms,
        fact_ms=reach_ms - rules.context_ms,
        request_ms=min(reach_ms, horizon_start_ms(partition, configuration, "requests")) if horizons else -FAR_AHEAD_MS,
        verdict_ms=survey_ms if horizons else -FAR_AHEAD_MS,
        force_majeure_ms=survey_ms if horizons else -FAR_AHEAD_MS,
        seen_ms=seen_ms,
    )


def horizon_start_ms(partition: Partition, configuration: Configuration, topic: str) -> int:
    """Events of a topic that come from now on are not earlier, or too late."""
    # An event early in a batch may be as late as the clock before the batch allows.
    return partition.applied_clock_ms.get(topic, 0) - configuration.horizon_ms(topic)
