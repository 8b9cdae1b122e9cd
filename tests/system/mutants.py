"""Mutants of the product: each is one small mistake, and the simulation has to notice every one of them.

A mutant is made in a copy of the product's packages, which runs uncompiled: so it takes no minute to compile.
`python -m tests.system.mutants` tries them all and says by what each was caught; words given to it choose among them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import chain
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernels", "streams", "agents")
SCHEDULES = 1000  # at most, for one mutant
LONGEST_S = 600  # a mutant that hangs is of no use
BEGINS = "the simulation begins"


class Mutant(NamedTuple):
    """A mistake: one text of a file, which occurs there once, replaced by another."""

    path: str
    old: str
    new: str
    breaks: str


# fmt: off
MUTANTS = [
    # Presses become surveys
    Mutant("kernels/pairing.py", "elif current == NONE or since_ms > rules.debounce_ms:", "elif current == NONE or since_ms >= rules.debounce_ms:", "a bounce in order, at the edge"),
    Mutant("kernels/pairing.py", 'press["ts_ms"] - current_ms <= rules.debounce_ms:', 'press["ts_ms"] - current_ms < rules.debounce_ms:', "a late bounce, at the edge"),
    Mutant("kernels/pairing.py", "if current == NONE or since_ms > rules.answer_window_ms:", "if current == NONE or since_ms >= rules.answer_window_ms:", "an answer in order, at the edge"),
    Mutant("kernels/pairing.py", 'press["ts_ms"] > current_ms + rules.answer_window_ms:', 'press["ts_ms"] >= current_ms + rules.answer_window_ms:', "a late answer, at the edge"),
    Mutant("kernels/pairing.py", 'count_survey(tables, row, press["code"], -1)', "pass", "what was counted is not taken back"),
    Mutant("kernels/pairing.py", "count_survey(tables, row, code, 1)", "count_survey(tables, row, code, 2)", "a survey counts twice"),
    Mutant("kernels/pairing.py", "if state != NONE and not rejected else NONE", "if state != NONE else NONE", "rejected surveys count"),
    Mutant("kernels/pairing.py", 'settled = press["accepted"] and press["ts_ms"] > panel["dirty_until_ms"]', 'settled = press["accepted"]', "pairing again stops too soon"),
    Mutant("kernels/pairing.py", "- max(rules.answer_window_ms, rules.debounce_ms)", "- rules.debounce_ms", "pairing again begins too late"),
    Mutant("kernels/pairing.py", 'panel["dirty_from"] = min(panel["dirty_from"], at)', 'panel["dirty_from"] = at', "of several late presses the last counts"),
    Mutant("kernels/pairing.py", 'panel["dirty_until_ms"] = max(panel["dirty_until_ms"], ts_ms)', 'panel["dirty_until_ms"] = ts_ms', "of several late presses the last counts"),
    Mutant("kernels/pairing.py", 'return first["kind"] < second["kind"]', 'return first["kind"] > second["kind"]', "customers stand before sellers"),
    Mutant("kernels/pairing.py", 'if ts_ms > panel["last_ms"] and', 'if ts_ms >= panel["last_ms"] and', "presses of one instant stand as they come"),
    Mutant("kernels/pairing.py", "tables.sizes[CHANGED] += 1", "tables.sizes[CHANGED] += 0", "changes are not noted"),
    Mutant("kernels/pairing.py", 'tables.sizes[BOUNCES] += press["accepted"] - accepted', "pass", "bounces are not counted again"),
    Mutant("kernels/pairing.py", 'tables.sizes[ANSWERS + press["outcome"]] -= 1', "pass", "a press keeps its old role, too"),
    Mutant("kernels/open_surveys.py", 'if begin < end and ts_ms < tables.open_surveys[end - 1]["ts_ms"]:', "if False:", "open surveys wait out of order"),
    # Time at work
    Mutant("kernels/work.py", "if from_ms < work_until_ms and from_ms >= off_until_ms:", "if from_ms < work_until_ms:", "breaks are work"),
    Mutant("kernels/work.py", "sums[row, window, code] = 0", "pass", "who has no plan counts"),
    Mutant("streams/time_at_work.py", "            shifts = facts = 0\n        if shifts", "        if shifts", "calls before the first shift are lost"),
    Mutant("kernels/work.py", "if from_ms >= call_until_ms:", "if True:", "who is on a call is idle, too"),
    Mutant("kernels/work.py", 'min(np.int64(span["end_ms"]), now_ms)\n', 'np.int64(span["end_ms"])\n', "work that lies ahead is done"),
    # Force majeures and verdicts
    Mutant("kernels/force_majeure.py", 'if tables.force_majeures[row]["from_ms"] <= ts_ms:', 'if tables.force_majeures[row]["from_ms"] < ts_ms:', "the begin of a force majeure"),
    Mutant("kernels/force_majeure.py", 'while row != NONE and tables.force_majeures[row]["to_ms"] >= ts_ms:', 'while row != NONE and tables.force_majeures[row]["to_ms"] > ts_ms:', "the end of a force majeure"),
    Mutant("kernels/force_majeure.py", 'if press["ts_ms"] > to_ms:', 'if press["ts_ms"] >= to_ms:', "surveys at the end of a force majeure are not looked at again"),
    Mutant("kernels/force_majeure.py", 'return ts_ms > kept["ts_ms"]', 'return ts_ms < kept["ts_ms"]', "the earliest verdict holds"),
    Mutant("kernels/force_majeure.py", 'declared["standing"] = 0\n    _look_again(tables, row)', 'declared["standing"] = 0', "a force majeure that no longer stands is not taken back"),
    Mutant("kernels/force_majeure.py", 'declared["scope"] = scope', 'declared["scope"] = PANEL_SCOPE', "no force majeure reaches over the office"),
    Mutant("kernels/force_majeure.py", 'to_ms = verdict["to_ms"]', "pass", "a verdict does not move the end"),
    Mutant("kernels/force_majeure.py", 'if known["kind"] == PRESS and target == SURVEY_TARGET:', 'if known["kind"] == PRESS:', "a verdict on what is none takes effect"),
    Mutant("kernels/force_majeure.py", "rejected = 1 if reliable == UNRELIABLE else 0", "rejected = 0", "a late verdict rejects nothing"),
    Mutant("kernels/force_majeure.py", '["to_ms"] <= declared["to_ms"]:', '["to_ms"] >= declared["to_ms"]:', "standing force majeures hang in another order"),
    Mutant("kernels/identity.py", "if target == FORCE_MAJEURE_TARGET:", "if False:", "verdicts on surveys and on force majeures compete"),
    # When a question was last asked, and what may be believed
    Mutant("kernels/asked.py", 'asked["stale"] = 1', "pass", "a survey that was taken back was the last one asked"),
    Mutant("kernels/asked.py", 'if ts_ms >= asked["latest_ms"]:', 'if asked["latest_ms"] < 0:', "the first survey is the last one asked"),
    Mutant("kernels/trust.py", "last_ms == NONE or now_ms - last_ms > within_ms", "last_ms == NONE", "who was asked long ago was asked lately"),
    Mutant("kernels/trust.py", "inside / of_all > standards.force_majeure_level_max", "inside / of_all >= 1", "much force majeure is no reason"),
    Mutant("kernels/trust.py", "whole > 0 and lowest", "lowest", "what has no value lies inside its limits"),
    Mutant("kernels/intervals.py", "+ prior_first) / whole", ") / whole", "intervals without a prior"),
    Mutant("kernels/intervals.py", "Z * Z / 4.0)\n    return part", "Z * Z / 2.0)\n    return part", "intervals of shares are too wide"),
    # Signs of gaming
    Mutant("kernels/signs.py", 'press["answer_ms"] - press["ts_ms"] <= quick_ms', 'press["answer_ms"] - press["ts_ms"] < quick_ms', "a quick answer, at the edge"),
    Mutant("kernels/signs.py", "length >= run", "length > run", "a run of yes that is just long enough"),
    Mutant("kernels/signs.py", '(presses[at]["outcome"] == NONE or presses[at]["ts_ms"] < since_ms)', '(presses[at]["ts_ms"] < since_ms)', "what does not count ends a run"),
    Mutant("kernels/signs.py", 'facts[own]["ts_ms"] > press["ts_ms"] + near_ms', 'facts[own]["ts_ms"] >= press["ts_ms"] + near_ms', "a contact that is just near enough"),
    Mutant("kernels/signs.py", 'facts[of_all]["ts_ms"] > press["ts_ms"] + near_ms', "True", "what names nobody is no contact"),
    Mutant("kernels/signs.py", 'while near < end and not presses[near]["accepted"]:', "while False:", "a bounce is a press beside a sale"),
    Mutant("kernels/moments.py", 'fact["kind"] == SALE and fact["amount"] > 0', 'fact["kind"] == SALE', "what is given back is sold"),
    Mutant("kernels/moments.py", '(kind == VISIT and fact["amount"] > 0)', "kind == VISIT", "a visit of nobody is a contact"),
    Mutant("kernels/signs.py", "ts_ms - after_ms - rules.answer_window_ms", "ts_ms - after_ms", "a no is sought for too short a time"),
    Mutant("kernels/signs.py", 'return press["answer_ms"] >= ts_ms - after_ms', 'return press["answer_ms"] > ts_ms - after_ms', "a no that is just near enough"),
    Mutant("kernels/signs.py", 'verdict != NONE and tables.verdicts[verdict]["reliable"] == RELIABLE', "verdict != NONE", "a force majeure that was refused is confirmed"),
    Mutant("kernels/signs.py", "if ts_ms >= window_begin_ms[window]:", "if ts_ms > window_begin_ms[window]:", "a sign at a window's begin"),
    Mutant("kernels/signs.py", "for window in range(1, counts.shape[1]):", "for window in range(2, counts.shape[1]):", "windows do not hold the shorter ones"),
    Mutant("kernels/moments.py", "if ids_ordered(", "if True or ids_ordered(", "presses of one instant stand as they come in runs"),
    Mutant("streams/sign_counts.py", "int(self._begin_ms[-1]) - self._rules.context_ms", "int(self._begin_ms[-1])", "what lies before the longest window is no context"),
    # Comparison
    Mutant("streams/standing.py", "np.sqrt(_sums(deviation**2, starts) / sizes)", "np.sqrt(_sums(deviation**2, starts) / (sizes - 1))", "the deviation of a sample"),
    Mutant("streams/standing.py", "[near - SAME, far]", "[near + SAME, far]", "equals rank behind each other"),
    Mutant("streams/standing.py", "sizes >= least", "sizes > least", "groups just large enough have no values"),
    # Windows
    Mutant("kernels/windows.py", "counted = sign if ts_ms >= tables.window_begin_ms[window] else 0", "counted = sign if ts_ms > tables.window_begin_ms[window] else 0", "a survey at a window's begin"),
    Mutant("kernels/windows.py", 'if code != NONE and begin_ms <= press["ts_ms"] < end_ms:', 'if code != NONE and begin_ms < press["ts_ms"] < end_ms:', "a survey never leaves a window"),
    Mutant("kernels/windows.py", 'if begin_ms <= fact["ts_ms"] < end_ms:', 'if begin_ms < fact["ts_ms"] < end_ms:', "a fact never leaves a window"),
    Mutant("kernels/windows.py", "end_ms = (now_ms // bucket_ms - BUCKETS + 1) * bucket_ms", "end_ms = (now_ms // bucket_ms - BUCKETS) * bucket_ms", "windows of 61 buckets"),
    Mutant("kernels/windows.py", 'tables.survey_counts[press["employee"], code, window] -= 1', "pass", "surveys leave the office's windows only"),
    Mutant("kernels/windows.py", "reach_ms = min(reach_ms, end_ms)", "reach_ms = now_ms - 60_000", "calendars are emptied too soon"),
    Mutant("kernels/windows.py", "+= sign * (amount >> 32) + (half >> 32)", "+= sign * (amount >> 32)", "large sums lose what is carried"),
    # The ledger
    Mutant("kernels/ledger.py", "if tables.seen_index[place] != 0:", "if False:", "a repeat counts again"),
    Mutant("kernels/ledger.py", "if seen_rows[i] == NONE:", "if seen_rows[i] == NONE or i == 3:", "an event is skipped"),
    Mutant("kernels/ledger.py", 'is_rejected(tables, event["hash_high"], event["hash_low"])', "0", "a verdict before its survey is forgotten"),
    Mutant("kernels/ledger.py", 'is_covered(tables, event["place"], event["ts_ms"])', "0", "a press in a force majeure is not covered"),
    Mutant("kernels/ledger.py", "    _refer(tables, seen_row, FORCE_MAJEURE, row)\n    judge_force_majeure(tables, rules, row)", "    _refer(tables, seen_row, FORCE_MAJEURE, row)", "a verdict before its force majeure is forgotten"),
    Mutant("kernels/ledger.py", 'event["amount"] >= rules.long_press_ms:', 'event["amount"] > rules.long_press_ms:', "a press held for just as long as a long one"),
    Mutant("kernels/ledger.py", "if wait_ms <= rules.service_level_ms:", "if wait_ms < rules.service_level_ms:", "a call answered at the edge of the service level"),
    Mutant("kernels/ledger.py", "if wait_ms < rules.short_abandon_ms", "if wait_ms <= rules.short_abandon_ms", "a call abandoned at the edge"),
    # Scores and clients
    Mutant("kernels/scores.py", "elif score <= MOST_OF_DETRACTORS:", "elif score < LEAST_OF_SATISFIED:", "who is no promoter need not be a detractor"),
    Mutant("kernels/scores.py", "_add(tables, row, window, EFFORT, sign * score)", "_add(tables, row, window, EFFORT, score)", "effort is not taken back"),
    Mutant("kernels/clients.py", "if before_ms < tables.window_begin_ms[window] <= ts_ms:", "if tables.window_begin_ms[window] <= ts_ms:", "a client counts twice"),
    Mutant("kernels/clients.py", "        thread(tables.clients, tables.client_calendar, rules.slot_ms, row)\n", "", "clients never leave their windows"),
    Mutant("kernels/ledger.py", 'if event["kind"] >= TAKING_PART:', "if False:", "who took part is not admitted with the rating"),
    Mutant("streams/members.py", "enumerate(names, int(firsts[at]) + 1)", "enumerate(names[:1], int(firsts[at]) + 1)", "of those who took part the first counts"),
    # Departments, margins
    Mutant("kernels/peer_ratings.py", 'sign * fact["amount"]', 'fact["amount"]', "scores never leave their group"),
    Mutant("kernels/peer_ratings.py", "PEER_VOTES - SCORE_BEGIN] += sign", "PEER_VOTES - SCORE_BEGIN] += 1", "votes are not taken back"),
    Mutant("kernels/margins.py", "if ts_ms < tables", "if ts_ms <= tables", "a margin at a window's begin"),
    Mutant("kernels/margins.py", "half & _LOW_HALF", "half", "margins carry what they kept"),
    # Requests
    Mutant("kernels/requests.py", 'event["ts_ms"] < stage["ts_ms"]', 'event["ts_ms"] > stage["ts_ms"]', "the latest event of a stage counts"),
    Mutant("kernels/requests.py", 'else max(ts_ms, tables.stages[STAGES * row + OPENED]["ts_ms"])', "else ts_ms", "stages before the opening"),
    Mutant("kernels/requests.py", "if reached_ms <= due_ms:", "if reached_ms < due_ms - 60_000:", "some stages in time are late"),
    Mutant("kernels/requests.py", "elif cancelled_ms < due_ms or", "elif", "what was cancelled is breached"),
    # Late and early
    Mutant("kernels/timeliness.py", "if ts_ms - LEAD_MS > appended_ms", "if ts_ms - LEAD_MS >= appended_ms", "just not too early"),
    Mutant("kernels/timeliness.py", "elif ts_ms < clock_ms - horizon_ms:", "elif ts_ms <= clock_ms - horizon_ms:", "just not too late"),
    Mutant("kernels/timeliness.py", "clock_ms = max(clock_ms, min(ts_ms, appended_ms))", "clock_ms = max(clock_ms, ts_ms)", "a fast clock makes others late"),
    # Sweeps
    Mutant("kernels/sweeping.py", "if refers_to == NONE and seen", "if refers_to == NONE or seen", "ids are forgotten"),
    Mutant("kernels/sweeping.py", "            thread_fact(new, rules, kept)", "            pass", "swept facts never leave their windows"),
    Mutant("kernels/sweeping.py", "for at in range(old.sizes[OPEN_BEGIN], old.sizes[OPEN_END]):", "for at in range(old.sizes[OPEN_BEGIN], old.sizes[OPEN_END] - 1):", "an open survey is forgotten"),
    Mutant("kernels/sweeping.py", 'return row["ts_ms"] >= retention.force_majeure_ms or (row["standing"] == 1 and row["to_ms"] >= retention.survey_ms)', "return False", "force majeures are forgotten"),
    Mutant("kernels/sweeping.py", 'panel["current"] = moved[panel["current"]]', "pass", "a panel takes another survey for its last"),
    # From messages to events
    Mutant("streams/intake.py", "lambda office: partition_of(office) != partition", "lambda _office: False", "what lies in the wrong partition counts there"),
    Mutant("streams/intake.py", "rows = rows.compress(~astray)", "pass", "misrouted events count where they lie, too"),
    Mutant("streams/intake.py", "rejects = sorted(rejects + in_time.rejects)", "pass", "what is too late vanishes"),
    # The engine
    Mutant("streams/engine.py", "partition.held = held", "partition.held = held[:1]", "held events are lost"),
    Mutant("streams/engine.py", "        decide_silents(partition.tables, self.rules, now.silent_ms)\n", "", "silence is decided by presses alone"),
    Mutant("streams/engine.py", "partition.duplicates += duplicates", "pass", "repeats are not accounted for"),
    Mutant("streams/room.py", "seen_ms[kind] = horizon_start_ms(partition, configuration, topic)", "seen_ms[kind] = horizon_start_ms(partition, configuration, topic) + 250_000", "ids are forgotten too soon"),
    Mutant("streams/engine.py", "            pair_dirty(partition.tables, self.rules)\n", "", "panels with late presses are not paired again"),
    Mutant("streams/clock.py", "now_ms = max(progress.seen_ms, self.wall_ms) if self.caught_up else progress.seen_ms", "now_ms = progress.seen_ms", "time stands still without events"),
    Mutant("streams/surveys.py", "np.maximum(revisions[rows] + 1, time_ms)", "np.maximum(revisions[rows], time_ms)", "two changes have one revision"),
    Mutant("streams/surveys.py", "done = write_surveys(partition.tables, partition.names.tables, rows, begin, value, out, written)", "done = write_surveys(partition.tables, partition.names.tables, rows[:1], begin, value, out, written)\n        done = rows.size", "of several changes one is published"),
    # Checkpoints
    Mutant("kernels/images.py", "for row in range(rows):", "for row in range(rows - 1):", "the last id is forgotten"),
    Mutant("streams/checkpoint.py", "offsets=dict(offsets),", "offsets=offsets,", "offsets move on while a checkpoint is written"),
    Mutant("streams/checkpoint.py", 'partition.topic_clock_ms = dict(state["topic_clock_ms"])', "pass", "what is too late is forgotten"),
    Mutant("streams/checkpoint.py", "partition.held = [held] if held.rows.size else []", "pass", "what is held is forgotten"),
    Mutant("streams/checkpoint.py", "if digest_of(chunk) != digest:", "if False:", "damaged chunks are taken for good"),
    Mutant("agents/checkpoints.py", "kept.known - before - kept.needed", "kept.known - before", "chunks are deleted that are needed"),
    Mutant("agents/checkpoints.py", "        chunks = iter(snapshot.chunks.items())\n", "        await self._deliver([self._log.manifest(number, (kept.slot + 1) % SLOTS, stored_manifest(snapshot.manifest))])\n        chunks = iter(snapshot.chunks.items())\n", "a manifest is written before its chunks"),
    Mutant("agents/checkpointing.py", "await self._outbox.flush()", "pass", "a checkpoint is stored before what it caused is published"),
    Mutant("agents/checkpointing.py", "            await self._outbox.flush()\n", "            for topic, offset in snapshot.manifest.offsets.items():\n                self._mark_done(owned.number, topic, offset, note)\n            await self._outbox.flush()\n", "offsets are committed before the checkpoint is stored"),
    # The worker
    Mutant("agents/outbox.py", "if not entry and (done is None or not self._entries):", "if not entry:", "offsets are committed before what they caused is published"),
    Mutant("agents/outbox.py", "end = self._added\n", "end = self._published\n", "nobody waits for what is to be published"),
    Mutant("agents/outbox.py", "entry if entry.partition in partitions else entry._replace(messages=[], size=0, done=None)", "entry", "who was given up tells what others have taken over"),
    Mutant("agents/holdings.py", "{number: note.told_until for number", "{number: 10**9 for number", "without a checkpoint nothing is read back"),
    Mutant("agents/worker.py", "        self._move_to_then(owned)  # what lay", "        # what lay", "what comes due by the time that it was is taken for untold"),
    Mutant("agents/worker.py", "self.engine.move_to(owned.state, owned.then)", "pass", "without a checkpoint it is not the time that it was"),
    Mutant("agents/worker.py", "anew=not owned.is_quiet", "anew=True", "what is asked anew while all is quiet is not told"),
    Mutant("agents/notes.py", "if self.asked_by == asked_by else", "if True else", "what was told by other schedules is taken for right"),
    Mutant("streams/engine.py", "if anew and partition.schedules", "if partition.schedules", "other schedules are followed before what they change can be told"),
    Mutant("streams/checkpoint.py", "    partition.is_asked = False  # whatever schedules its presses followed\n", "", "a restored state asks what its checkpoint asked"),
    Mutant("agents/worker.py", "if not self.confirmed or not await self._publish_the_last():", "if self.confirmed and not await self._publish_the_last():\n            pass\n        elif not self.confirmed:", "who had no time to tell stores it for told"),
    Mutant("agents/worker.py", "lambda: self.is_surely_a_member and not self._given_up", "lambda: True", "who was given up tells on"),
    Mutant("agents/owned.py", "self.next_offsets: dict[str, int] = dict(next_offsets or {})", "self.next_offsets: dict[str, int] = {}", "a restored state begins at the log's begin"),
    Mutant("agents/publishing.py", "self.surveys(owned, found.rows)", "pass", "what others told is not corrected"),
    Mutant("agents/holdings.py", "owned.told_from = starts[number] if owned.told else None", "owned.told_from = None", "what is not corrected yet is taken for told by us"),
    Mutant("streams/told.py", "np.array(differ, np.bool_)", "np.zeros(len(differ), np.bool_)", "what others told is found right"),
    Mutant("agents/worker.py", "owned.state.topic_clock_ms[topic] = intake.clock_ms\n", "pass\n", "nothing is too late"),
    Mutant("agents/worker.py", "note_batch(owned.state, intake, messages=batch.offsets.size, offsets=passed)", "pass", "nothing is accounted for"),
    Mutant("agents/publishing.py", "if batch.offsets[reject.position] >= mark:", "if batch.offsets[reject.position] > mark:", "the dead letter at the mark is lost"),
    Mutant("agents/publishing.py", "if offset >= mark:", "if offset > mark:", "the moved message at the mark is lost"),
    Mutant("agents/worker.py", "owned.next_offsets[topic] = batch.next_offset", "owned.next_offsets[topic] = max(batch.next_offset - 1, 0)", "the state says one less than was applied"),
]
# fmt: on


class Outcome(NamedTuple):
    """What became of a mutant."""

    is_caught: bool
    by: str


def mistaken(mutant):
    """The text of the mutant's file, with the mistake.

    Raises
    ------
    ValueError
        The text to be replaced is not there once: the product has changed, and the mutant has to follow.
    """
    text = (ROOT / mutant.path).read_text()
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.path} has the text {mutant.old!r} {text.count(mutant.old)} times, not once")
    return text.replace(mutant.old, mutant.new)


def copy_with(folder, mutant=None):
    """Put the product, with a mistake in it, into a folder."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        (folder / mutant.path).write_text(mistaken(mutant))


def attempt(mutant=None, schedules=SCHEDULES):
    """Run the simulation on the product with a mistake in it, or without one."""
    with tempfile.TemporaryDirectory(prefix="kqi-mutant-") as name:
        copy_with(Path(name), mutant)
        environment = os.environ | {"PYTHONPATH": f"{name}:{ROOT}", "NUMBA_DISABLE_JIT": "1"}
        program = f"from tests.system import mutants; mutants.simulate({schedules}, {name!r})"
        command = [sys.executable, "-P", "-W", "ignore", "-c", program]
        done = subprocess.run(
            command, env=environment, cwd=name, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
    began, _, found = done.stdout.partition("\n")
    if began != BEGINS:
        raise RuntimeError(f"the product does not even begin: {done.stderr}")
    if done.returncode:
        found = done.stderr.strip().splitlines()[-1]
    return Outcome(is_caught=bool(found), by=found.strip()[:200])


def simulate(schedules, folder):
    """Run schedules on the product that lies in a folder, until one fails."""
    import logging  # noqa: PLC0415 - as what follows
    import warnings  # noqa: PLC0415

    import agents.worker  # noqa: PLC0415 - it must be the copy, and only here
    from tests.system.schedules import schedule  # noqa: PLC0415
    from tests.system.second_lives import LIVES  # noqa: PLC0415
    from tests.system.simulation import run  # noqa: PLC0415

    assert Path(agents.worker.__file__).is_relative_to(folder), "not the copy"
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.stdout.write(f"{BEGINS}\n")
    random = ((f"seed {seed}", schedule(seed)) for seed in range(schedules))
    for name, some in chain(LIVES.items(), random):
        if found := run(some):
            sys.stdout.write(f"{name}: {found[0]}\n")
            return


def main(words):
    """Try all mutants that have one of the words in their path or in what they break."""
    survivors = 0
    for mutant in MUTANTS:
        if not words or any(word in mutant.path or word in mutant.breaks for word in words):
            outcome = attempt(mutant)
            survivors += not outcome.is_caught
            verdict = f"caught by {outcome.by}" if outcome.is_caught else "SURVIVED"
            sys.stdout.write(f"{mutant.path}: {mutant.breaks}: {verdict}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{survivors} survived\n")


if __name__ == "__main__":
    main(sys.argv[1:])
