"""Memory of an employee with six windows and a month of surveys, 50 a day, each with an answer where there is one.

    python -m benchmarks.memory EMPLOYEES

Measured in a process of its own, by what the arrays hold and by what the process takes more than before.
"""

import gc
import json
import sys
from typing import Any, Final

from benchmarks.pipeline import RECORDS, Pipeline, stored_presses
from benchmarks.processes import resident_bytes, run_json
from benchmarks.settings import Settings
from benchmarks.workload import generate

DAYS: Final = 30
SURVEYS_A_DAY: Final = 50
AT_ONCE: Final = 4 * RECORDS  # messages that are stored, and forgotten again, at one time


def run(settings: Settings) -> dict[str, Any]:
    """Measure in a process of its own."""
    employees = settings.choose(1_000, 20)
    measured = run_json([sys.executable, "-m", "benchmarks.memory", str(employees)])
    settings.say(
        f"memory: {measured['array_bytes']:,.0f} bytes of arrays an employee, {measured['resident_bytes']:,.0f} of memory"
    )
    return measured


def measure(employees: int) -> dict[str, float]:
    """Return bytes an employee: of the state's arrays, and of the process beyond what it had before."""
    workload = generate(employees * DAYS * SURVEYS_A_DAY, employees=employees, days=DAYS)
    warm = Pipeline()
    few = generate(100, employees=20)
    warm.feed_all(stored_presses(few))  # loads the kernels
    stored_presses(workload, 0, min(AT_ONCE, workload.messages.size))  # takes what making batches takes
    pipeline = Pipeline()
    gc.collect()
    before = resident_bytes()
    for begin in range(0, workload.messages.size, AT_ONCE):
        pipeline.feed_all(stored_presses(workload, begin, min(begin + AT_ONCE, workload.messages.size)))
    gc.collect()
    grown = resident_bytes() - before
    pipeline.check_surveys(workload)
    arrays = {name: array.nbytes for name, array in pipeline.partition.tables._asdict().items()}
    return {
        "employees": employees,
        "surveys_each": DAYS * SURVEYS_A_DAY,
        "array_bytes": sum(arrays.values()) / employees,
        "resident_bytes": grown / employees,
        "largest": {name: size / employees for name, size in sorted(arrays.items(), key=lambda item: -item[1])[:5]},
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
