"""Schedules by hand: a first life publishes something and ends without a word, and a second one has to correct it.

What was published between the last checkpoint and the crash is known to nobody. The second life applies the same events, but in
other steps and at other times: what the first one told of may never come to be in it.
"""

import json

from tests.system.schedules import ALL, START_MS, Schedule

S_MS = START_MS - 5000  # when the survey S begins


def sent(topic, kind, event_id, ts_ms, /, **fields):
    """An event arrives."""
    event = {"type": kind, "event_id": event_id, "ts": ts_ms, "office_id": "riga"} | fields
    return "send", topic, 0, b"riga", json.dumps(event).encode(), 0


def press(event_id, after_ms, hold_ms=0, panel="p"):
    """A seller press, so long after S."""
    return sent(
        "presses", "seller_press", event_id, S_MS + after_ms, panel_id=panel, employee_id="ann", hold_ms=hold_ms
    )


def answer(event_id, after_ms, given="yes", panel="p"):
    """A customer press."""
    return sent("presses", "customer_press", event_id, S_MS + after_ms, panel_id=panel, answer=given)


def called(event_id, after_ms):
    """A call that was answered."""
    how = {"direction": "inbound", "disposition": "answered", "wait_s": 5, "talk_s": 60}
    return sent("calls", "call", event_id, S_MS + after_ms, employee_id="ann", **how)


def verdict(event_id, target, target_id, reliable, **fields):
    """A verdict; of several the last by its id holds."""
    about = {"target": target, "target_id": target_id, "reliable": reliable}
    return sent("verdicts", "verdict", event_id, S_MS + 1000, **about, **fields)


READ = [("fetch", 0, topic, 0, ALL) for topic in ("presses", "verdicts")]
VERDICTS_FIRST = READ[::-1]
TICK = [("hear", 0), ("tick", 0)]
PUBLISH = ("deliver", 0, ALL, None)
SILENCE = [("time", 40_000), *TICK]
CHECKPOINT = [*TICK, ("checkpoint", 0, 0), *[PUBLISH] * 4]
CRASH = ("crash", 0)
START = ("assign", 0)
ANSWERED = [press("S", 0), answer("a", 1), *READ, *CHECKPOINT]


def config(pending="include", checkpoint_interval_s=30):
    """What all of them run with."""
    return {
        "windows": ["1m", "1h"],
        "signs": {"yes_run": 2, "context_s": 1, "quick_answer_s": 0.5, "force_majeure_after_no_s": 0.5},
        "checkpoint_interval_s": checkpoint_interval_s,
        "force_majeure_pending": pending,
        "correction_horizon_s": {},
    }


def lives(first, meanwhile, second, pending="include", checkpoint_interval_s=30, last_words=(PUBLISH,)):
    """What one life does, what arrives before the next one begins, and how that one reads."""
    end = [*TICK, PUBLISH, ("judge", START_MS + 400_000)]
    actions = [START, *first, *last_words, CRASH, *meanwhile, START, *second, *end]
    return Schedule(0, config(pending, checkpoint_interval_s), {"riga": 0}, 1, 1, 0, actions)


def given_up(first, meanwhile, afterwards=()):
    """What the second of two workers does of which the group then loses sight; what arrives before the other takes over."""
    first = [(kind, 1 if kind in ("fetch", "hear", "tick") else each, *rest) for kind, each, *rest in first]
    taken_over = [("lose", 1), *meanwhile, ("assign", 0, 0), *READ]
    end = [*TICK, PUBLISH, *afterwards, ("judge", START_MS + 400_000)]
    return Schedule(0, config(), {"riga": 0}, 2, 2, 0, [("assign", 1, 1), *first, *taken_over, *end])


def hurried(first):
    """What the second of two workers does that has no time to tell it when the other takes over, and then a third from that."""
    first = [
        (kind, 1 if kind in ("fetch", "hear", "tick", "deliver", "checkpoint") else each, *rest)
        for kind, each, *rest in first
    ]
    late = [("deliver", 1, ALL, None)] * 4  # chunks of a checkpoint, and its manifest
    taken_over = [("hurry", 1), ("assign", 0), *late, CRASH, ("assign", 0), *READ, *TICK, PUBLISH]
    return Schedule(
        0, config(), {"riga": 0}, 1, 2, 0, [("assign", 1), *first, *taken_over, ("judge", START_MS + 400_000)]
    )


BAD = ("send", "presses", 0, b"riga", b"{", 0)
TO_BE_TOLD = [press("S", 0), answer("a", 1), BAD, *READ]
COMMIT = ("commit", 0)
OTHER_QUESTIONS = [("direct", 1), ("follow", 0)]
# "old" is too long ago to be told again by itself.
OLD = [press("old", -7_200_000), answer("b", -7_199_999), *TO_BE_TOLD, PUBLISH]
TOLD_AND_NOTED = [*OLD, answer("early", -100_000), *READ, PUBLISH, COMMIT]
TWO_CHECKPOINTS = [*OLD, *CHECKPOINT, answer("early", -100_000), *READ, *CHECKPOINT, COMMIT]
SILENCE_WAITS = [press("before", -120_000), answer("a", -119_999), *READ, press("S", 0), *READ, *SILENCE]

CALL = called("c", 0)
SHIFT = sent("shifts", "shift", "w", S_MS, employee_id="ann", kind="work", end_ts=S_MS + 900_000)
WORK = [("fetch", 0, topic, 0, ALL) for topic in ("calls", "shifts")]

# What signs of gaming are, by a millisecond.
AT_THE_LIMITS = [
    ("time", 300_000),
    *(press("a", 0), press("bounce", 10), answer("b", 500)),  # a quick answer; in the run there is a bounce
    *(press("c", 40_000), answer("d", 40_501)),
    *(press("e", 80_000), sent("visits", "visit", "f", S_MS + 81_000)),
    *(press("o", 240_000), called("p", 241_000)),
    *(press("g", 120_000), answer("h", 120_100, "no"), press("fm", 120_600, 3000)),
    # Two panels at one instant: the run ends between them by their ids, not as they come.
    *(press("z", 160_000), press("i", 160_000, panel="q"), answer("j", 160_001, "no"), answer("k", 160_001, panel="q")),
    *(press("l", 200_000), answer("m", 200_001), press("later", 210_000), press("bounced", 210_010)),
    sent("sales", "sale", "n", S_MS + 211_005, amount_minor=1, currency="EUR", employee_id="ann"),
    *(("fetch", 0, topic, 0, ALL) for topic in ("presses", "visits", "calls", "sales")),
]

LIVES = {
    "signs of gaming stand at their limits": lives(AT_THE_LIMITS, [], AT_THE_LIMITS[-4:]),
    "a shift is told of after a call that lies in it": lives(
        [CALL, *WORK, ("judge", START_MS + 100_000), SHIFT, *WORK, ("judge", START_MS + 200_000)], [], WORK
    ),
    "nothing gets through while a checkpoint is under way, and others take over": hurried(
        [*TO_BE_TOLD, *[BAD, READ[0]] * 8, ("checkpoint", 0, 0), ("time", 40_000), *TICK]
    ),
    "the same after another checkpoint": hurried(
        [*ANSWERED, *[BAD, READ[0]] * 8, press("T", 60_000), *READ, ("checkpoint", 0, 0), BAD, *READ]
    ),
    "offsets are committed while nothing has been published": lives(
        TO_BE_TOLD, [], READ, checkpoint_interval_s=0, last_words=[COMMIT]
    ),
    "a checkpoint is begun, and offsets are committed while nothing has been published": lives(
        [*TO_BE_TOLD, ("checkpoint", 0, 0)], [], READ, last_words=[COMMIT]
    ),
    "what a checkpoint consists of is stored while nothing has been published": lives(
        [*TO_BE_TOLD, ("checkpoint", 0, 0)], [], READ, last_words=[("deliver", 0, ALL, "checkpoints")] * 4
    ),
    "a batch is applied while a checkpoint is stored": lives(
        [*READ, ("checkpoint", 0, 0), *TO_BE_TOLD], [], READ, last_words=[("deliver", 0, ALL, "checkpoints")] * 4
    ),
    "chunks of a checkpoint are damaged": lives(
        ANSWERED, [("damage", 0, b"/chunk/", "flipped", where) for where in range(7, 700, 60)], READ
    ),
    "a chunk of a checkpoint says that it is huge": lives(ANSWERED, [("damage", 0, b"/chunk/", "huge", 0)], READ),
    "silence is told, and then a late press makes the survey a bounce": lives(
        [press("S", 0), *READ, *SILENCE], [press("late", -10)], READ
    ),
    "the same without checkpoints": lives(
        [press("S", 0), *READ, *SILENCE], [press("late", -10)], READ, checkpoint_interval_s=0
    ),
    "the same, and offsets are committed before the silence": lives(
        [press("before", -120_000), answer("a", -119_999), press("S", 0), *READ, PUBLISH, COMMIT, *SILENCE],
        [press("late", -10)],
        READ,
        checkpoint_interval_s=0,
    ),
    "silence is told, offsets behind it are committed, and then a late press makes the survey a bounce before time has passed": lives(
        [press("S", 0), *READ, *SILENCE, PUBLISH, answer("early", -100_000), *READ, PUBLISH, COMMIT],
        [press("late", -10)],
        READ,
        checkpoint_interval_s=0,
    ),
    "a verdict that was ahead of its time comes due, a rejection is told, and offsets are committed behind all of it": lives(
        [
            *ANSWERED[:2],
            verdict("v", "survey", "S", reliable=False, ts=START_MS + 60_000),
            *READ,
            ("time", 65_000),
            *TICK,
            PUBLISH,
            verdict("w", "survey", "other", reliable=True),
            *READ,
            PUBLISH,
            COMMIT,
        ],
        [],
        READ,
        checkpoint_interval_s=0,
    ),
    "the late press comes when all that had been there was read, but no time has passed": lives(
        [press("S", 0), *READ, *CHECKPOINT, *SILENCE], [], [*READ, press("late", -10), *READ]
    ),
    "a press that was ahead of its time comes due, silence is told, then it comes due as a bounce": lives(
        [press("S", 130_000), *READ, *TICK, ("time", 165_000), *TICK], [press("late", 129_990)], READ
    ),
    "a rejection is told, and then both its verdict and one that takes it back are read at once": lives(
        [*ANSWERED, verdict("v1", "survey", "S", reliable=False), *READ],
        [verdict("v2", "survey", "S", reliable=True)],
        READ,
    ),
    "a withdrawal is told, and then both its press and one that makes that a bounce are read at once": lives(
        [*ANSWERED, press("late", -10), *READ], [press("later", -1010)], READ
    ),
    "a chain of bounces is told as turned by one press, and then that and one that turns it back are read": lives(
        [*(press(f"c{at}", 600 * at) for at in range(4)), *READ, *CHECKPOINT, press("late", -600), *READ, *SILENCE],
        [press("later", -1200)],
        READ,
    ),
    "a force majeure without a verdict is told, and then its verdict is read before it": lives(
        [*ANSWERED, press("fm", -1, 3000), *READ],
        [verdict("v", "force_majeure", "fm", reliable=False)],
        VERDICTS_FIRST,
        pending="exclude",
    ),
    "a force majeure is told as its verdict has it, and then that one and a later one are read before it": lives(
        [*ANSWERED, press("fm", -1, 3000), verdict("v1", "force_majeure", "fm", reliable=True, scope="office"), *READ],
        [verdict("v2", "force_majeure", "fm", reliable=False)],
        VERDICTS_FIRST,
    ),
    "other questions are asked since, and there is no checkpoint": lives(
        TOLD_AND_NOTED, OTHER_QUESTIONS, READ, checkpoint_interval_s=0
    ),
    "other questions are asked from when reading begins": lives(
        TOLD_AND_NOTED, [], [*OTHER_QUESTIONS, *READ], checkpoint_interval_s=0
    ),
    "other questions are asked while what was committed since the checkpoint is read": lives(
        TWO_CHECKPOINTS, [("damage", 0, b"/manifest/", "lost", 1), *OTHER_QUESTIONS], READ
    ),
    "silence waits to be told while other messages are under way, and others take over, for whom it is a bounce": given_up(
        SILENCE_WAITS, [press("late", -10)]
    ),
    "the same, and then who was given up joins again and gets another partition": given_up(
        SILENCE_WAITS, [press("late", -10)], [("rejoin", 1), ("assign", 0, 1)]
    ),
}
