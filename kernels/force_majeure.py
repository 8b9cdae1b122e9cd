"""Force majeures and verdicts: what stands, over which surveys, and who is rejected.

A long press declares a force majeure on its panel; the latest verdict on it, by (instant, id bytes), says whether it
stands, and may move its ends and widen it to the office. Those that stand hang in a list at their panel or office, the
one that ends last first, so that a press looks only at those that end after it. Whenever one changes, the surveys that
it covered or covers now are looked at again, and no others.
"""

import numpy as np

from kernels.compile import kernel, rare_kernel
from kernels.identity import find, ids_ordered, place_for, row_at, target_key
from kernels.layout import (
    FORCE_MAJEURE,
    FORCE_MAJEURE_TARGET,
    NO_VERDICT,
    NONE,
    NOT_GIVEN,
    PANEL_SCOPE,
    PRESS,
    RELIABLE,
    SELLER,
    SURVEY_TARGET,
    UNRELIABLE,
    VERDICTS,
    Rules,
    Tables,
)
from kernels.pairing import settle


@kernel
def is_covered(tables: Tables, panel_number: int, ts_ms: int) -> int:
    """1 when a force majeure stands over a panel, or over its office, at an instant."""
    panel = tables.panels[panel_number]
    for first in (panel["first_standing"], tables.offices[panel["office"]]["first_standing"]):
        row = first
        while row != NONE and tables.force_majeures[row]["to_ms"] >= ts_ms:
            if tables.force_majeures[row]["from_ms"] <= ts_ms:
                return 1
            row = tables.force_majeures[row]["next_standing"]
    return 0


@kernel
def _first_at(tables: Tables, panel_number: int, ts_ms: int) -> int:
    """Position of the first press of a panel at or after an instant."""
    panel = tables.panels[panel_number]
    low = 0
    high = panel["length"]
    while low < high:
        middle = (low + high) // 2
        if tables.presses[tables.sequence[panel["start"] + middle]]["ts_ms"] < ts_ms:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _look_again_at_panel(tables: Tables, panel_number: int, from_ms: int, to_ms: int) -> None:
    panel = tables.panels[panel_number]
    for at in range(_first_at(tables, panel_number, from_ms), panel["length"]):
        row = tables.sequence[panel["start"] + at]
        press = tables.presses[row]
        if press["ts_ms"] > to_ms:
            return
        if press["kind"] == SELLER:
            covered = is_covered(tables, panel_number, press["ts_ms"])
            if covered != press["in_force_majeure"]:
                settle(tables, row, press["accepted"], press["outcome"], press["rejected"], covered)


@rare_kernel
def _look_again(tables: Tables, row: int) -> None:
    """Look again at every survey in the reach of a force majeure."""
    declared = tables.force_majeures[row]
    if declared["from_ms"] > declared["to_ms"]:
        return
    if declared["scope"] == PANEL_SCOPE:
        _look_again_at_panel(tables, declared["panel"], declared["from_ms"], declared["to_ms"])
        return
    panel_number = tables.offices[tables.panels[declared["panel"]]["office"]]["first_panel"]
    while panel_number != NONE:
        _look_again_at_panel(tables, panel_number, declared["from_ms"], declared["to_ms"])
        panel_number = tables.panels[panel_number]["next_in_office"]


@kernel
def _without(tables: Tables, row: int, first: int) -> int:
    """First of the list that begins at ``first``, after ``row`` was taken out of it."""
    following = tables.force_majeures[row]["next_standing"]
    if first == row:
        return following
    at = first
    while tables.force_majeures[at]["next_standing"] != row:
        at = tables.force_majeures[at]["next_standing"]
    tables.force_majeures[at]["next_standing"] = following
    return first


@kernel
def _with(tables: Tables, row: int, first: int) -> int:
    """First of the list that begins at ``first``, after ``row`` was put in before those that end no later."""
    declared = tables.force_majeures[row]
    if first == NONE or tables.force_majeures[first]["to_ms"] <= declared["to_ms"]:
        declared["next_standing"] = first
        return row
    at = first
    following = tables.force_majeures[at]["next_standing"]
    while following != NONE and tables.force_majeures[following]["to_ms"] > declared["to_ms"]:
        at = following
        following = tables.force_majeures[at]["next_standing"]
    declared["next_standing"] = following
    tables.force_majeures[at]["next_standing"] = row
    return first


@kernel
def _lower(tables: Tables, row: int) -> None:
    declared = tables.force_majeures[row]
    panel = tables.panels[declared["panel"]]
    if declared["scope"] == PANEL_SCOPE:
        panel["first_standing"] = _without(tables, row, panel["first_standing"])
    else:
        office = tables.offices[panel["office"]]
        office["first_standing"] = _without(tables, row, office["first_standing"])
    declared["standing"] = 0
    _look_again(tables, row)


@kernel
def raise_standing(tables: Tables, row: int) -> None:
    """Hang a force majeure in the list of those that stand over its panel or its office."""
    declared = tables.force_majeures[row]
    panel = tables.panels[declared["panel"]]
    if declared["scope"] == PANEL_SCOPE:
        panel["first_standing"] = _with(tables, row, panel["first_standing"])
    else:
        office = tables.offices[panel["office"]]
        office["first_standing"] = _with(tables, row, office["first_standing"])
    declared["standing"] = 1


@kernel
def latest_verdict(tables: Tables, high: np.uint64, low: np.uint64, target: int) -> int:
    """Row of the latest verdict on a target, -1 without one."""
    key_high, key_low = target_key(high, low, target)
    return row_at(tables.verdict_index[find(tables.verdict_index, tables.verdict_hashes, key_high, key_low)])


@kernel
def is_rejected(tables: Tables, high: np.uint64, low: np.uint64) -> int:
    """1 when the latest verdict on a survey is unreliable."""
    row = latest_verdict(tables, high, low, SURVEY_TARGET)
    return 1 if row != NONE and tables.verdicts[row]["reliable"] == UNRELIABLE else 0


@rare_kernel
def judge_force_majeure(tables: Tables, rules: Rules, row: int) -> None:
    """Give a force majeure the ends, the reach and the standing that its latest verdict gives it."""
    declared = tables.force_majeures[row]
    reliable = NO_VERDICT
    from_ms = declared["ts_ms"]
    to_ms = declared["ts_ms"] + rules.force_majeure_duration_ms
    scope = PANEL_SCOPE
    verdict_row = latest_verdict(tables, declared["hash_high"], declared["hash_low"], FORCE_MAJEURE_TARGET)
    if verdict_row != NONE:
        verdict = tables.verdicts[verdict_row]
        reliable = verdict["reliable"]
        scope = verdict["scope"]
        if verdict["from_ms"] != NOT_GIVEN:
            from_ms = verdict["from_ms"]
        if verdict["to_ms"] != NOT_GIVEN:
            to_ms = verdict["to_ms"]
    if declared["standing"]:
        _lower(tables, row)
    declared["from_ms"] = from_ms
    declared["to_ms"] = to_ms
    declared["scope"] = scope
    if reliable == RELIABLE or (reliable == NO_VERDICT and rules.pending_stands):
        raise_standing(tables, row)
        _look_again(tables, row)


@kernel
def _is_later(tables: Tables, row: int, ts_ms: int, id_start: int, id_length: int) -> bool:
    """Whether a verdict of this instant and id comes after the one in ``row``."""
    kept = tables.verdicts[row]
    if ts_ms != kept["ts_ms"]:
        return ts_ms > kept["ts_ms"]
    return ids_ordered(tables.id_bytes, kept["id_start"], kept["id_length"], id_start, id_length)


@rare_kernel
def apply_verdict(
    tables: Tables,
    rules: Rules,
    ts_ms: int,
    id_start: int,
    id_length: int,
    target: int,
    target_high: np.uint64,
    target_low: np.uint64,
    reliable: int,
    from_ms: int,
    to_ms: int,
    scope: int,
) -> None:
    """Keep a verdict when it is the latest on its target, and let its target, where it is known, follow it."""
    key_high, key_low = target_key(target_high, target_low, target)
    place = find(tables.verdict_index, tables.verdict_hashes, key_high, key_low)
    row = row_at(tables.verdict_index[place])
    if row == NONE:
        row = tables.sizes[VERDICTS]
        tables.sizes[VERDICTS] += 1
        tables.verdict_index[place] = place_for(key_low, row)
        tables.verdict_hashes[row, 0] = key_high
        tables.verdict_hashes[row, 1] = key_low
    elif not _is_later(tables, row, ts_ms, id_start, id_length):
        return
    verdict = tables.verdicts[row]
    verdict["ts_ms"] = ts_ms
    verdict["id_start"] = id_start
    verdict["id_length"] = id_length
    verdict["target"] = target
    verdict["reliable"] = reliable
    verdict["from_ms"] = from_ms
    verdict["to_ms"] = to_ms
    verdict["scope"] = scope
    at = row_at(tables.seen_index[find(tables.seen_index, tables.seen_hashes, target_high, target_low)])
    if at == NONE:
        return
    known = tables.seen[at]
    if known["kind"] == PRESS and target == SURVEY_TARGET:
        press = tables.presses[known["row"]]
        rejected = 1 if reliable == UNRELIABLE else 0
        settle(tables, known["row"], press["accepted"], press["outcome"], rejected, press["in_force_majeure"])
    elif known["kind"] == FORCE_MAJEURE and target == FORCE_MAJEURE_TARGET:
        judge_force_majeure(tables, rules, known["row"])
