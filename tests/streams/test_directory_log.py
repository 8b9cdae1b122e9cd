"""The topic of the directory: who reads it in whatever portions comes to the same, the last whole that was right."""

import random

import pytest

from streams.directory import Directory
from streams.directory_log import DirectoryLog, Record


def message(offset, name, zone="UTC", **fields):
    """A message that sets an office, or takes it out."""
    value = None if zone is None else f'{{"id":"{name}","time_zone":"{zone}"}}'.encode()
    return Record(offset, 1000 * offset, f'["office","{name}"]'.encode(), fields.get("value", value))


def in_force(records, portions):
    """Who is in force after records in portions, and whether that is what is there now."""
    log = DirectoryLog("t")
    directory = Directory()
    change = None
    start = 0
    for size in portions:
        change = log.take(records[start : start + size])
        directory = change.directory or directory
        start += size
    return directory, change.faults, change.time_s


@pytest.mark.parametrize("seed", range(30))
def test_portions_do_not_matter(seed):
    """Read one by one, at once or in between, the same directory is in force."""
    chance = random.Random(seed)
    records = [
        message(offset, chance.choice("abc"), chance.choice(["UTC", "Europe/Riga", "wrong", None]))
        for offset in range(12)
    ]
    cuts = sorted(chance.sample(range(1, 12), 3))
    portions = [end - begin for begin, end in zip([0, *cuts], [*cuts, 12], strict=True)]
    one_by_one = in_force(records, [1] * 12)
    assert in_force(records, portions) == one_by_one
    assert in_force(records, [12]) == one_by_one


def test_a_wrong_one_does_not_take_effect():
    """What was right before stays, with its time, until all is right again."""
    log = DirectoryLog("t")
    right = log.take([message(0, "a"), message(1, "b")])
    assert (set(right.directory.offices), right.faults, right.time_s) == ({"a", "b"}, [], 1)
    wrong = log.take([message(2, "a", "nowhere")])
    assert wrong.directory is None
    assert wrong.faults == [
        "office `a` in topic t, offset 2: `time_zone`: `nowhere` is no time zone; expected a name such as Europe/Riga"
    ]
    assert wrong.time_s == 1
    healed = log.take([message(3, "a", None)])
    assert (set(healed.directory.offices), healed.faults, healed.time_s) == ({"b"}, [], 3)


def test_a_topic_that_was_made_anew():
    """What the old one had is gone."""
    log = DirectoryLog("t")
    log.take([message(0, "a"), message(1, "b")])
    assert set(log.take([message(0, "c")]).directory.offices) == {"c"}


def test_nothing_was_ever_right():
    """There is no directory then; an empty topic is an empty directory."""
    assert DirectoryLog("t").take([message(0, "a", "nowhere")]).directory is None
    assert DirectoryLog("t").take([]).directory == Directory()
