"""What an explanation says of the directory: its mark, what is in force for an office, and the rule that asked a press."""

from datetime import UTC, datetime

import pytest

from streams.configuration import configure
from streams.directed import fingerprint, of_office, rule_of
from streams.directory import EMPTY
from tests.streams.feeding import directory_of

OFFICES = {
    "defaults": {"time_zone": "Europe/Riga", "questions": "loyalty"},
    "offices": [
        {
            "id": "riga-1",
            "questions": [{"days": "1-30", "question": "office"}, {"days": "31", "question": "personnel"}],
            "opening_hours": {"monday": ["09:00-13:00"], "friday": []},
            "exceptions": {"2026-12-25": [], "2026-12-31": ["10:00-14:00"]},
        },
        {"id": "lisbon-1", "time_zone": "Europe/Lisbon", "representative_by": "coverage", "coverage_limits": [0.5, 1]},
        {"id": "lisbon-2", "representative_by": "conversion"},
    ],
}


def turned_around(document):
    """Return a document with everything in it in the other order, but what is ordered by nature."""
    if isinstance(document, dict):
        return {key: turned_around(value) for key, value in reversed(document.items())}
    is_entries = isinstance(document, list) and document and "id" in document[0]
    return document[::-1] if is_entries else document


def test_a_mark_is_that_of_the_entries():
    """The order in which a directory was written makes no difference; whatever it says does."""
    mark = fingerprint(directory_of(OFFICES))
    other = OFFICES | {"offices": [OFFICES["offices"][0] | {"exceptions": {"2026-12-25": []}}, *OFFICES["offices"][1:]]}
    assert fingerprint(directory_of(turned_around(OFFICES))) == mark
    assert fingerprint(directory_of(other)) != mark
    assert fingerprint(EMPTY) is None


@pytest.mark.parametrize(
    ("office", "time_zone", "questions_by", "judged_by", "limits"),
    [
        ("riga-1", "Europe/Riga", "office", "none", None),
        ("lisbon-1", "Europe/Lisbon", "defaults", "coverage", (0.5, 1)),
        ("lisbon-2", "Europe/Riga", "defaults", "conversion", (0.1, 0.9)),
        ("elsewhere", "Europe/Riga", "defaults", "none", None),
    ],
)
def test_what_is_in_force_for_an_office(office, time_zone, questions_by, judged_by, limits):
    """The directory comes first, and where it says nothing the configuration."""
    configuration = configure(("the test", {"conversion_limits": [0.1, 0.9]}))
    found = of_office(directory_of(OFFICES), configuration, office)
    assert (found["time_zone"], found["questions_by"]) == (time_zone, questions_by)
    assert (found["representative_by"], found["limits"]) == (judged_by, limits)


@pytest.mark.parametrize(
    ("office", "time", "rule"),
    [
        ("riga-1", "2026-03-31T20:59:59.999+00:00", ("office", "31", "2026-03-31", "Europe/Riga")),
        ("riga-1", "2026-03-31T21:00:00+00:00", ("office", "1-30", "2026-04-01", "Europe/Riga")),
        ("riga-1", "2026-10-31T21:59:59.999+00:00", ("office", "31", "2026-10-31", "Europe/Riga")),
        ("lisbon-1", "2026-03-31T21:00:00+00:00", ("defaults", None, None, None)),
    ],
)
def test_the_rule_is_that_of_the_local_day(office, time, rule):
    """Which line of whose schedule holds is told with the day at the office; one question for good needs no day."""
    ts_ms = round(datetime.fromisoformat(time).astimezone(UTC).timestamp() * 1000)
    found = rule_of(directory_of(OFFICES), office, ts_ms)
    assert tuple(found[part] for part in ("by", "days", "local_day", "time_zone")) == rule


def test_without_a_directory_the_method_decides():
    """Nobody's schedule is named where there is none."""
    assert rule_of(EMPTY, "anywhere", 0)["by"] == "method"
    assert of_office(EMPTY, configure(), "anywhere")["questions"] == "personnel"
