"""The event types and their topics against the contract's tables."""

import msgspec
import pytest

from streams.events import EVENT_NAMES, EVENT_TYPES, TOPIC_OF_KIND, TOPICS
from tests.streams.specimens import COMMON, OPTIONAL, SPECIMENS


def test_kind_codes():
    """An event type's kind code never changes: states and other programs hold on to it."""
    assert EVENT_NAMES == (
        "seller_press",
        "customer_press",
        "verdict",
        "call",
        "sale",
        "visit",
        "rating",
        "request",
        "shift",
        "peer_rating",
    )


@pytest.mark.parametrize("event_type", EVENT_TYPES, ids=EVENT_NAMES)
def test_fields(event_type):
    """Every type has the contract's fields, and the optional ones their defaults."""
    name = event_type.__struct_config__.tag
    fields = {field.encode_name: field for field in msgspec.structs.fields(event_type)}
    assert fields.keys() == COMMON.keys() | SPECIMENS[name].keys()
    assert {key: field.default for key, field in fields.items() if not field.required} == OPTIONAL[name]


def test_topics():
    """Every type has its topic, and every topic its correction horizon."""
    assert {topic.name: [EVENT_NAMES[kind] for kind in topic.kinds] for topic in TOPICS.values()} == {
        "presses": ["seller_press", "customer_press"],
        "verdicts": ["verdict"],
        "calls": ["call"],
        "sales": ["sale"],
        "visits": ["visit"],
        "ratings": ["rating"],
        "requests": ["request"],
        "shifts": ["shift"],
        "peer-ratings": ["peer_rating"],
    }
    assert all(kind in TOPICS[name].kinds for kind, name in enumerate(TOPIC_OF_KIND))
    assert {topic.name: topic.correction_horizon_s for topic in TOPICS.values()} == dict.fromkeys(TOPICS, 604_800) | {
        "presses": 86_400,
        "verdicts": None,
    }
