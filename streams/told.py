"""What was told of surveys by someone whose state was lost, and what of it is no longer so.

Two workers who apply the same events tell the same in the end, but not on the way: in other steps other surveys come to be for a
while, and time decides other silences. Whoever takes over reads back what was told since the state that they begin with, and
tells again what differs.
"""

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from kernels.layout import NONE
from kernels.lookup import find_presses
from streams.outputs import Survey
from streams.partition import Partition
from streams.surveys import WITHDRAWN, surveys

Told = dict[tuple[str, str], Survey]  # by office and id, the one with the greatest revision


def hear(told: Told, survey: Survey) -> None:
    """Take note of a message, in any order."""
    name = survey.office_id, survey.survey_id
    if name not in told or told[name].revision <= survey.revision:
        told[name] = survey


class Wrong(NamedTuple):
    """What was told and is not so."""

    rows: NDArray[np.int32]  # of the presses that it is about, (n,)
    gone: list[
        Survey
    ]  # withdrawals of those that the state has no press of any more: bounces, kept less long than surveys


def wrong(partition: Partition, told: Told, kept_since_ms: int) -> Wrong:
    """Compare what was told with the state.

    Revisions become those of what was told, so that the next ones are greater. What the state has a greater revision of was
    told later.

    Parameters
    ----------
    kept_since_ms
        Surveys of this instant or later are in the state, if there are any.
    """
    heard = list(told.values())
    rows = _rows_of(partition, heard)
    gone = [
        _withdrawn(each)
        for each, row in zip(heard, rows.tolist(), strict=True)
        if row == NONE and each.ts >= kept_since_ms and each.outcome != WITHDRAWN
    ]
    revisions = partition.tables.presses["revision"]
    told_of = np.array([each.revision for each in heard], np.int64)
    places = np.flatnonzero((rows != NONE) & (revisions[rows] <= told_of))
    revisions[rows[places]] = told_of[places]
    so = surveys(partition, rows[places])
    differ = [now != heard[place] for now, place in zip(so, places.tolist(), strict=True)]
    return Wrong(rows[places[np.array(differ, np.bool_)]], gone)


def _rows_of(partition: Partition, heard: list[Survey]) -> NDArray[np.int32]:
    """Rows of the presses that surveys are about, (n,); NONE where the state has none."""
    offices = {partition.names.entities[entity][1]: entity for entity in partition.names.offices}
    entities = np.array([offices.get(each.office_id, NONE) for each in heard], np.int32)
    ids = [each.survey_id.encode() for each in heard]
    ends = np.cumsum([len(each) for each in ids], dtype=np.int64)
    rows = np.empty(len(heard), np.int32)
    find_presses(partition.tables, entities, np.frombuffer(b"".join(ids), np.uint8), ends, rows)
    return rows


def _withdrawn(heard: Survey) -> Survey:
    return msgspec.structs.replace(
        heard, outcome=WITHDRAWN, valid=False, force_majeure=False, revision=heard.revision + 1
    )
