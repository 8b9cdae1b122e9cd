"""The scanner and the library decoder agree on messages broken in every way: accepted or not, and in every value.

`KQI_TEST_FUZZ=1000000 python -m pytest tests/streams/test_differential.py` tries as many messages instead of the usual share.
"""

import os
import random

import numpy as np
import pytest

from kernels.scanning import scan
from streams.decode import decode
from streams.events import LONGEST_WINDOW_MS, TOPIC_OF_KIND, TOPICS
from streams.messages import Messages
from streams.rows import Texts, to_rows
from streams.structs import decode_structs
from tests.reference import contract
from tests.streams.broken import SCANNED, Writer
from tests.streams.specimens import as_read, row_of

COUNT = int(os.environ.get("KQI_TEST_FUZZ", "60000"))
SEEDS = range(4)
BATCH = 1000
ALL_SCANNED = (1 << len(SCANNED)) - 1


def by_library(messages, **options):
    """Return what `decode` gives, without the scanner."""
    decoded = decode_structs(list(messages.all()), **options)
    texts = Texts(0)
    rows = [to_rows(kind, group, texts) for kind, group in decoded.groups.items()]
    rows = np.concatenate([row for row in rows if row.size]) if rows else np.empty(0)
    return rows, texts.joined(), decoded.rejects


@pytest.mark.parametrize("seed", SEEDS)
def test_scanner_and_library_agree(seed):
    """On rejects with their sentences, and on rows with their texts; most good messages of the kinds scanned are scanned."""
    writer = Writer(seed)
    chance = random.Random(seed)
    good = odd_but_good = tried = 0
    while tried < COUNT // len(SEEDS):
        messages = writer.batch(chance.choice((1, 2, BATCH, BATCH, BATCH)))
        topic = None if chance.random() < 0.7 else chance.choice(list(TOPICS))
        longest_window_ms = chance.choice((LONGEST_WINDOW_MS, 900_000, 899_999))
        options = {"topic": topic, "longest_window_ms": longest_window_ms}
        rows, buffer, rejects = decode(messages, **options)
        expected_rows, expected_buffer, expected_rejects = by_library(messages, **options)
        found, expected = as_read(rows, buffer), as_read(expected_rows, expected_buffer)
        if found != expected or rejects != expected_rejects:
            explain(messages, found, expected, rejects, expected_rejects)
        assert (np.diff(rows["position"]) > 0).all()
        tried += messages.size
        scannable = rows["position"][rows["kind"] < len(SCANNED)]
        allowed = ALL_SCANNED if topic is None else sum(1 << kind for kind in TOPICS[topic].kinds)
        _, odd = scan(messages.buffer, messages.starts, messages.lengths, allowed & ALL_SCANNED, longest_window_ms)
        good += scannable.size
        odd_but_good += np.intersect1d(odd, scannable).size
    assert good > tried / 10
    assert odd_but_good < good / 3


def explain(messages, found, expected, rejects, expected_rejects):
    """Fail with the messages on which the two differ."""
    refused = {reject.position: reject for reject in rejects}
    expected_refused = {reject.position: reject for reject in expected_rejects}
    for position in range(messages.size):
        pair = found.get(position, refused.get(position)), expected.get(position, expected_refused.get(position))
        assert pair[0] == pair[1], messages.at(position)
    raise AssertionError("the order differs")


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_those_of_the_contract(seed):
    """The rows, read back, are what the reference makes of each message by itself."""
    messages = Writer(seed + 1000).batch(4000)
    rows, buffer, rejects = decode(messages)
    found = as_read(rows, buffer) | {reject.position: reject.reason for reject in rejects}
    for position, message in enumerate(messages.all()):
        event, reason = contract.judge(message)
        assert found[position] == (reason or row_of(event)), message


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_good_senders_write_is_scanned(seed):
    """Whatever the order and spacing, with fields that are null or unknown, times as texts, and ids in any script."""
    writer = Writer(seed)
    values = [writer.good_message() for _ in range(2000)]
    messages = Messages.of(values)
    rows, odd = scan(messages.buffer, messages.starts, messages.lengths, ALL_SCANNED, LONGEST_WINDOW_MS)
    assert [values[position] for position in odd.tolist()] == []
    assert np.unique(rows["kind"]).tolist() == list(range(len(SCANNED)))
    found = as_read(rows, messages.buffer)
    assert [found[position] for position in range(2000)] == [row_of(contract.judge(value)[0]) for value in values]


@pytest.mark.parametrize("topic", sorted(set(TOPIC_OF_KIND)))
def test_topics_take_their_own(topic):
    """What is scanned on a topic is what belongs there; the rest is refused with the library's sentence."""
    messages = Writer(5).batch(500)
    rows, _, rejects = decode(messages, topic=topic)
    assert {TOPIC_OF_KIND[kind] for kind in rows["kind"].tolist()} <= {topic}
    assert rejects == by_library(messages, topic=topic)[2]
