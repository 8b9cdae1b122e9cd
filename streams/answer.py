"""The answer to a question about a value: what it rests on, whatever kind of value it is."""

from typing import Any

from streams.comparison import Comparing
from streams.evidence import Evidence
from streams.explanation import explain, framed
from streams.group_explanation import of_department, of_leader
from streams.inquiry import Asked
from streams.peer_explanation import beside_peers
from streams.request_evidence import explain_now


def answer(evidence: Evidence, asked: Asked) -> dict[str, Any]:
    """The explanation, as JSON has it; the evidence holds what the question needs, in the windows that it needs."""
    window = asked.window
    if window is None:
        found = explain_now(evidence, asked.index, asked.entity)
    elif asked.kind == "index":
        index = next(each for each in evidence.engine.evaluation.indices if each.name == asked.index.name)
        return explain(evidence, asked.configuration, asked.entity, index, window)
    elif asked.kind == "department":
        found = of_department(evidence, asked.office, asked.scope, asked.whose, asked.index, window)
    else:
        at = evidence.engine.configuration.windows.index(window)
        if asked.kind == "leader":
            leader = asked.whose["leader_office"], asked.whose["leader"]
            found = of_leader(evidence, asked.office, leader, asked.index, at)
        else:
            employee = evidence.entity(asked.entity)
            found = beside_peers(evidence, Comparing(asked.configuration), asked.index.name, employee, at)
    return framed(evidence, asked.configuration, asked.named, asked.index.name, window, found)
