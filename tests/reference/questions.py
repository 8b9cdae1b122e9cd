"""The question that a press asks: its own, or that of its office's schedule on its local calendar day."""

import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path

from tests.reference.zones import zone_of


def question_of(press, directory):
    """Return the question of a press; `directory` is a path of a TOML file, what stands in one, or None."""
    if "question" in press:
        return press["question"]
    defaults = document_of(directory).get("defaults", {})
    office = office_of(press["office_id"], directory)
    questions = office.get("questions", defaults.get("questions", "personnel"))
    if isinstance(questions, str):
        return questions
    zone = zone_of(office.get("time_zone", defaults.get("time_zone", "UTC")))
    today = datetime.fromtimestamp(press["ts"] // 1000, zone).day
    for each in questions:
        first, _, last = each["days"].partition("-")
        if int(first) <= today <= int(last or first):
            return each["question"]
    raise AssertionError(f"day {today} has no question")


def document_of(directory):
    """Return a directory as its TOML file has it, given the path of that, what stands in it, or None."""
    return read(directory) if isinstance(directory, str) else directory or {}


def office_of(office_id, directory):
    """Return what a directory says of an office, if anything."""
    return next((each for each in document_of(directory).get("offices", []) if each["id"] == office_id), {})


@cache
def read(path):
    """Return what stands in a file."""
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))
