"""Brokers that are away are said once; what the client library says of them all the time is held back."""

import logging
import ssl

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    NotLeaderForPartitionError,
    SaslAuthenticationFailed,
)
from faust.types import TP

from agents.touch import Hush, Touch
from agents.transport import Progress
from tests.agents.test_watch import PRESSES, seen


def shown(hush, name, message, *arguments, error=None):
    """Whether a message would be shown."""
    exc_info = None if error is None else (type(error), error, None)
    return hush.filter(logging.LogRecord(name, logging.ERROR, "", 0, message, arguments, exc_info))


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("Failed fetch messages from %s: %s", (1, KafkaConnectionError("gone"))),
        ("Unable connect to node with id %s: %s", (1, ConnectionRefusedError(111, "refused"))),
        ("Unable to request metadata from node with id %s: %r", (1, TimeoutError())),
        ("Got error produce response: %s", (NotLeaderForPartitionError,)),
        ("Marking the coordinator dead (node %s)for group %s.", (1, "kqi")),
        ("Heartbeat failed for group %s because it is rebalancing", ("kqi",)),
    ],
)
def test_what_passes_is_held_back(message, arguments):
    """Brokers that are away, and rebalances."""
    assert not shown(Hush(), "aiokafka.client", message, *arguments)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("Unable connect to node with id %s: %s", (1, SaslAuthenticationFailed("wrong password"))),
        ("Unable connect to node with id %s: %s", (1, ssl.SSLCertVerificationError("self-signed"))),
        ("Attempt to join group failed due to fatal error: %s", (GroupAuthorizationFailedError("kqi"),)),
        ("Not authorized to read from topic %s.", ("presses",)),
    ],
)
def test_what_does_not_pass_is_shown(message, arguments):
    """Somebody has to do something about it."""
    assert shown(Hush(), "aiokafka.client", message, *arguments)


def test_others_are_left_alone():
    """Our own messages may name the same errors."""
    assert shown(Hush(), "kqi.outputs", "%d messages not taken: %s", 1, KafkaConnectionError("gone"))


def test_the_latest_reason_is_kept():
    """For the one sentence that is said."""
    hush = Hush()
    shown(hush, "aiokafka", "Unable connect to node with id %s: %s", 1, ConnectionRefusedError(111, "refused"))
    shown(hush, "aiokafka", "Unable to update metadata from %s", [1])
    assert hush.latest == "Unable connect to node with id 1: [Errno 111] refused"


def test_tasks_that_nobody_waits_for():
    """The library leaves some behind that failed with the brokers; other failures are shown."""
    message = "Task exception was never retrieved"
    assert not shown(Hush(), "asyncio", message, error=KafkaConnectionError("gone"))
    assert shown(Hush(), "asyncio", message, error=ValueError("ours"))


def said(*looks):
    """What is said at each of the looks, a second apart."""
    touch = Touch()
    return [touch.update(look, 100.0 + number, "why") for number, look in enumerate(looks)]


def test_lost_brokers_are_said_once():
    """One sentence when they are away for sure, and one when they are back."""
    away = seen(partitions={PRESSES: Progress(1, 1, 9000), TP("kqi.presses", 4): Progress(1, 1, 10)})
    assert said(seen(), away, away, away, away, seen(), seen()) == [
        None,
        None,
        "the brokers do not answer for 1 of 2 topic partitions, trying again: why",
        None,
        None,
        "the brokers answer again, after 4 s",
        None,
    ]


def test_a_moment_is_not_worth_a_word():
    """As after the whole process stood still."""
    assert said(seen(), seen(confirmed=False), seen(), seen(confirmed=False), seen()) == [None] * 5


def test_they_are_not_back_while_partitions_are_shared_out():
    """A rebalance amid an outage is no sign of life."""
    away = seen(confirmed=False)
    between = seen(assigned=False, partitions={})
    assert said(away, away, between, away, between, seen())[2:] == [
        None,
        None,
        None,
        "the brokers answer again, after 5 s",
    ]
