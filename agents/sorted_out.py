"""What the log says of messages that are not applied: dead letters and those under a wrong key.

A line for each reason and batch, with the place of the first; their keys and contents are nobody's business there.
"""

import logging

from agents.gate import PartitionBatch
from streams.intake import Intake

log = logging.getLogger("kqi.messages")


def say_sorted_out(batch: PartitionBatch, intake: Intake, mark: int) -> None:
    """Log what of a batch is published as dead letters, or moved: of that which lies at or after the mark."""
    place = {"topic": batch.topic, "partition": batch.partition}
    refused: dict[str, list[int]] = {}
    for reject in intake.rejects:
        offset = int(batch.offsets[reject.position])
        if offset >= mark:
            refused.setdefault(reject.reason, []).append(offset)
    for reason, offsets in refused.items():
        log.warning(
            "%d of the messages of %s, partition %d, cannot be used: %s, the first at offset %d; see dead-letters",
            *(len(offsets), batch.topic, batch.partition, reason, offsets[0]),
            extra=place | {"offset": offsets[0], "reason": reason, "count": len(offsets)},
        )
    moved = [(int(batch.offsets[position]), office) for position, office in intake.misrouted]
    moved = [each for each in moved if each[0] >= mark]
    if moved:
        offset, office = moved[0]
        log.warning(
            "%d of the messages of %s, partition %d, lie under a wrong key and are moved, the first at offset %d to office %s",
            *(len(moved), batch.topic, batch.partition, offset, office),
            extra=place | {"offset": offset, "office": office, "count": len(moved)},
        )
