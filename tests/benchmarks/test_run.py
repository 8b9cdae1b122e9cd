"""Benchmarks still run: those that need no broker, in small."""

import json

from benchmarks import report
from benchmarks.__main__ import BENCHMARKS, DOCUMENT, run
from benchmarks.settings import Settings


def test_quick_benchmarks_fill_their_tables():
    """Each asserts its own result; what they find makes a table, and rows of what is to be reached."""
    results = {}
    names = [name for name, benchmark in BENCHMARKS.items() if not benchmark.on_kafka]
    run(Settings(quick=True), names, results)
    results = json.loads(json.dumps(results))
    for name in (*names, "machine"):
        assert report.BLOCKS[name](results).count("\n") > 2
    assert report.reached(results).count(report.MISSING) == 5  # those of Kafka, and 100 k employees
    renewed = report.renew(DOCUMENT.read_text(), results)
    assert report.renew(renewed, results) == renewed
