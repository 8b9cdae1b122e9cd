"""What became of every offset of a partition's logs, so that nothing can vanish unseen.

Every offset below those that a state has been applied up to has exactly one fate, so their numbers add up to the sum
of these offsets over the topics. Each number is counted where its fate is decided, none is what is left of the others.
"""

import numpy as np

from kernels.layout import TAKING_PART
from streams.intake import Intake
from streams.partition import Partition

FATES = (
    "applied",  # an event that changed the state
    "duplicate",  # an event whose id was known
    "held",  # an event that lies ahead of now; it becomes one of the two above when its time comes
    "too_late",  # dead letters: those with this reason,
    "rejected",  # and those with any other
    "moved",  # an event under another office's key or partition, published once more where it belongs
    "gap",  # no record that could be read: taken back, a transaction's mark, compacted away, or gone from the log
)


def note_batch(partition: Partition, intake: Intake, *, messages: int, offsets: int) -> None:
    """Count what a batch brought, but for the events that it leaves to the engine.

    Parameters
    ----------
    partition
        The state that the batch is applied to.
    intake
        What was made of the batch.
    messages
        How many records the batch has.
    offsets
        How many offsets it takes the state on from where it was in that topic.
    """
    too_late = sum(reject.reason == "too_late" for reject in intake.rejects)
    partition.too_late += too_late
    partition.rejected += len(intake.rejects) - too_late
    partition.moved += len(intake.misrouted)
    partition.gaps += offsets - messages


def fates(partition: Partition) -> dict[str, int]:
    """How many offsets have each of the `FATES` as of now."""
    counts = (
        partition.applied,
        partition.duplicates,
        sum(int(np.count_nonzero(batch.rows["kind"] < TAKING_PART)) for batch in partition.held),
        partition.too_late,
        partition.rejected,
        partition.moved,
        partition.gaps,
    )
    return dict(zip(FATES, counts, strict=True))
