"""When each question was last asked in an office: the instant of the latest survey that counts.

An instant only rises until the survey that holds it is taken back (rejected, or made a bounce). Then its row is stale, and
after the batch the office's panels are walked back to the one before. So the surveys in order pay a comparison, and a batch
of verdicts pays one walk. Surveys that were swept can be taken back no more; of them the latest instant is kept.
"""

from kernels.compile import entry, kernel, rare_kernel
from kernels.layout import NONE, QUESTIONS, SELLER, STALE, Tables
from kernels.signatures import TABLES


@kernel
def _row_of(tables: Tables, row: int) -> int:
    """The row of the office and the question of a survey."""
    press = tables.presses[row]
    return tables.panels[press["panel"]]["office"] * QUESTIONS + press["choice"]


@kernel
def raise_asked(tables: Tables, row: int) -> None:
    """Take note that a survey counts now."""
    asked = tables.asked[_row_of(tables, row)]
    ts_ms = tables.presses[row]["ts_ms"]
    if ts_ms >= asked["latest_ms"]:
        asked["latest_ms"] = ts_ms
        if asked["stale"]:
            tables.sizes[STALE] -= 1
            asked["stale"] = 0


@rare_kernel
def lower_asked(tables: Tables, row: int) -> None:
    """Take note that a survey counts no more."""
    asked = tables.asked[_row_of(tables, row)]
    if tables.presses[row]["ts_ms"] == asked["latest_ms"]:
        tables.sizes[STALE] += 1 - asked["stale"]
        asked["stale"] = 1


@kernel
def settle_asked(tables: Tables, row: int) -> None:
    """Take note that a survey that counts is about to be swept."""
    asked = tables.asked[_row_of(tables, row)]
    asked["settled_ms"] = max(asked["settled_ms"], tables.presses[row]["ts_ms"])


@kernel
def _latest(tables: Tables, office: int, question: int) -> int:
    """Instant of the latest survey of a question that counts in an office, -1 for none."""
    latest_ms = tables.asked[office * QUESTIONS + question]["settled_ms"]
    panel_number = tables.offices[office]["first_panel"]
    while panel_number != NONE:
        panel = tables.panels[panel_number]
        for at in range(panel["start"] + panel["length"] - 1, panel["start"] - 1, -1):
            press = tables.presses[tables.sequence[at]]
            if press["ts_ms"] <= latest_ms:
                break
            if press["kind"] == SELLER and press["code"] != NONE and press["choice"] == question:
                latest_ms = press["ts_ms"]
                break
        panel_number = panel["next_in_office"]
    return latest_ms


@entry(TABLES)
def find_asked(tables: Tables) -> None:
    """Find the latest surveys anew where they were taken back; between batches, all panels paired."""
    if tables.sizes[STALE] == 0:
        return
    for row in range(tables.asked.shape[0]):
        asked = tables.asked[row]
        if asked["stale"]:
            asked["latest_ms"] = _latest(tables, row // QUESTIONS, row % QUESTIONS)
            asked["stale"] = 0
    tables.sizes[STALE] = 0
