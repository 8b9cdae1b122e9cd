"""Notes that are committed with offsets."""

import pytest

from agents.notes import Note, latest
from streams.clock import Now

NOTE = Note(7, Now(2000, -1), "5f")


def test_it_is_read_as_it_was_written():
    """What one worker notes, the next one reads."""
    assert latest([NOTE.text()]) == NOTE


def test_of_a_partition_the_latest_holds():
    """What was told before the greatest offset follows from the state that was noted with it, at the greatest time."""
    notes = [NOTE, Note(6, Now(9000, 9000), "5f"), Note(7, Now(1999, 1999), "ff")]
    assert latest(each.text() for each in notes) == NOTE


@pytest.mark.parametrize("text", ["", " ", "12", "1 2 3", "1 2 3 4 5f", "a 2 3 5f", "1 2.5 3 5f", "1 2 - 5f"])
def test_notes_of_others(text):
    """Somebody else may commit for the group, with any note or none."""
    assert latest([text]) is None
    assert latest([text, NOTE.text()]) == NOTE


def test_what_was_told_by_other_schedules():
    """All of it may differ; the time that it was still holds."""
    assert NOTE.under("5f") == NOTE
    assert NOTE.under("ff") == NOTE._replace(told_until=0)
