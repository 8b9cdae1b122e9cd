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
from kernels.lookup import find_press
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
    tables = partition.tables
    offices = {partition.names.entities[entity][1]: entity for entity in partition.names.offices}
    rows = []
    gone = []
    for (office, survey_id), heard in told.items():
        event_id = np.frombuffer(survey_id.encode(), np.uint8)
        row = find_press(tables, offices[office], event_id) if office in offices else NONE
        if row == NONE:
            if heard.ts >= kept_since_ms and heard.outcome != WITHDRAWN:
                gone.append(_withdrawn(heard))
        elif tables.presses["revision"][row] <= heard.revision:
            tables.presses["revision"][row] = heard.revision
            (now,) = surveys(partition, np.array([row], np.int32))
            if msgspec.structs.replace(now, revision=heard.revision) != heard:
                rows.append(row)
    return Wrong(np.array(rows, np.int32), gone)


def _withdrawn(heard: Survey) -> Survey:
    return msgspec.structs.replace(
        heard, outcome=WITHDRAWN, valid=False, force_majeure=False, revision=heard.revision + 1
    )
