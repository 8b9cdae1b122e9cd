"""The cases in `tests/cases`: event logs with the right answers.

A folder holds `events.ndjson` (in no particular order, with duplicates), `case.json` (`at`, `config`, and `events` where
the log lies elsewhere), perhaps `directory.toml`, and `expected.json` (rows as `kqi replay --format json` prints them); each may be compressed (`.gz`).
`random-*` are large and were worked out by another brute-force program; `hand-*` are small and were worked out by hand,
each with its arithmetic in a README.
"""

import gzip
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "cases"
TOLERANCE = 1e-12


class Case(NamedTuple):
    """One case, its log as lines of NDJSON without line ends."""

    at_ms: int
    config: dict[str, Any]
    lines: list[bytes]
    expected: list[dict[str, Any]]


def names():
    """Return the names of all cases."""
    return sorted(folder.name for folder in FOLDER.iterdir())


def load(name):
    """Return the case of a name (a folder of `tests/cases`) or at a path."""
    folder = FOLDER / name
    case = json.loads(read(folder / "case.json"))
    lines = read(folder / case.get("events", "events.ndjson")).splitlines()
    directory = folder / "directory.toml"
    config = case["config"] | ({"directory": str(directory)} if directory.exists() else {})
    return Case(case["at"], config, lines, json.loads(read(folder / "expected.json")))


def read(path):
    """Return the bytes of a file, or of its compressed form where that is the one that exists."""
    return path.read_bytes() if path.exists() else gzip.decompress(path.with_name(path.name + ".gz").read_bytes())


def differences(rows, expected):
    """Return what is wrong with `rows`, a line each; nothing where they are right.

    Of every scope, the indices that are expected anywhere are compared everywhere. Values may differ by 1e-12 of
    themselves (1e-12 where they are near nought), whole numbers, texts, reasons and bases by nothing; a row missing on either side has no
    value.
    """
    compared = {(row["scope"], row["index"]) for row in expected}
    found = {key(row): row for row in rows if (row["scope"], row["index"]) in compared}
    right = {key(row): row for row in expected}
    return [
        f"{' '.join(map(str, each))}: {found.get(each)}, expected {right.get(each)}"
        for each in sorted(found.keys() | right.keys(), key=str)
        if not agree(found.get(each), right.get(each))
    ]


def key(row):
    """Return what names a row."""
    return tuple(
        row.get(part)
        for part in (
            *("scope", "office_id", "employee_id", "queue", "priority", "category", "leader_office"),
            *("from_department", "to_department", "department", "criterion", "window", "index"),
        )
    )


def agree(row, other):
    """Say whether two rows of the same name tell the same; a missing row has no value."""
    if None in (row, other):
        return (row or other)["value"] is None
    return all(same(row.get(part), other.get(part)) for part in ("value", "reasons", "numbers")) and (
        row["value"] is None or row["base"] == other["base"]
    )


def same(one, other):
    """Say whether two values, or all members of two objects, are the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, float) or (isinstance(other, float) and isinstance(one, int)):
        return isinstance(other, int | float) and math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return one == other
