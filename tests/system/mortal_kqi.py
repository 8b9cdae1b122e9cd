"""`kqi` that ends itself at a step, the nth time that it comes there, as if somebody had pulled the plug.

python mortal_kqi.py STEP NTH worker ...
"""

import functools
import itertools
import os
import runpy
import signal
import sys
from pathlib import Path

from agents import checkpoint_log, fetching, outputs, worker

_, STEP, NTH, *ARGUMENTS = sys.argv
_comings = itertools.count(1)


def end(step):
    """End here if it is the step, and the time."""
    if step == STEP and next(_comings) >= int(NTH):
        os.kill(os.getpid(), signal.SIGKILL)


def behind(owner, name, step_of):
    """Have a method come to a step when it has been done; `step_of` is given its arguments."""
    method = getattr(owner, name)

    @functools.wraps(method)
    async def done_and_told(*arguments, **named):
        result = await method(*arguments, **named)
        end(step_of(*arguments))
        return result

    setattr(owner, name, done_and_told)


def delivered(_outputs, messages):
    """The step that messages that are delivered mean."""
    keys = [getattr(each, "key", None) or b"" for each in messages]
    if any(b"/manifest/" in key for key in keys):
        return "manifest written"
    return "chunk written" if any(b"/chunk/" in key for key in keys) else "published"


def applied(_worker, _owned, intake):
    """The step at which a batch is in the state, and nothing that it caused is published."""
    if intake.events.rows.size:
        end("applied")


class MortalLog(checkpoint_log.CheckpointLog):
    """Comes to a step when a partition was read, and others were not."""

    async def read(self, partitions):
        async for each in super().read(partitions):
            yield each
            end("restoring")


behind(outputs.Outputs, "deliver", delivered)
behind(fetching.BatchConsumerThread, "_commit", lambda *_: "committed")
counted = worker.Worker._count
worker.Worker._count = lambda self, owned, intake: (counted(self, owned, intake), applied(self, owned, intake))[0]
worker.CheckpointLog = MortalLog
sys.argv = ["kqi", *ARGUMENTS]
runpy.run_path(str(Path(__file__).parents[1] / "impatient_kqi.py"))
