"""What cannot be used: byte for byte in `dead-letters`, with its reason and where it lay, and nothing stops for it."""

import json
import time
from itertools import count

import pytest

from tests.service import Service
from tests.streams.specimens import event
from tests.topics import LARGEST_BYTES, Reader, Writer, office_in, partition_of

DAY_MS = 86_400_000
MINUTE_MS = 60_000
OFFICE = office_in(2)
BOUND_BYTES = 65_536

numbers = count()


def made(kind, ts_ms=None, **changes):
    """Return an event of now, or of another time, in OFFICE."""
    return event(kind, **({"event_id": f"e-{next(numbers)}", "ts": ts_ms or now_ms(), "office_id": OFFICE} | changes))


def message(kind, ts_ms=None, **changes):
    """Return such an event as a message."""
    return json.dumps(made(kind, ts_ms, **changes)).encode()


def without(kind, field):
    """Return a message that lacks a field."""
    members = made(kind)
    del members[field]
    return json.dumps(members).encode()


def now_ms():
    """Return the time."""
    return time.time_ns() // 1_000_000


# Topic, message and reason; where several reasons apply, the first of the contract's order.
UNFIT = {
    "a tombstone": ("visits", lambda: None, "not_json"),
    "nothing": ("visits", lambda: b"", "not_json"),
    "cut off": ("presses", lambda: message("seller_press")[:-1], "not_json"),
    "NaN": ("calls", lambda: message("call").replace(b"12.5", b"NaN"), "not_json"),
    "not UTF-8": ("ratings", lambda: message("rating", comment="x").replace(b'"x"', b'"\xff\x00"'), "not_json"),
    "a byte order mark": ("sales", lambda: b"\xef\xbb\xbf" + message("sale"), "not_json"),
    "not JSON and large": ("visits", lambda: b"\x00" * (BOUND_BYTES + 1), "not_json"),
    "a list": ("visits", lambda: b"[%b]" % message("visit"), "not_an_object"),
    "a number": ("verdicts", lambda: b"1", "not_an_object"),
    "another type": ("visits", lambda: message("visit").replace(b'"visit"', b'"visits"'), "unknown_type"),
    "on another's topic": ("visits", lambda: message("sale"), "wrong_topic"),
    "of another's topic and unfit": ("visits", lambda: without("sale", "currency"), "wrong_topic"),
    "without its type": ("visits", lambda: without("visit", "type"), "missing_field"),
    "without its office": ("shifts", lambda: without("shift", "office_id"), "missing_field"),
    "without a field, and another unfit": ("presses", lambda: without("seller_press", "panel_id"), "missing_field"),
    "an unfit value": ("requests", lambda: message("request", stage="lost"), "bad_value"),
    "an unfit id": ("peer-ratings", lambda: message("peer_rating", from_department="a\nb"), "bad_value"),
    "a boolean for a number": ("calls", lambda: message("call", wait_s=True), "bad_value"),
    "large": ("verdicts", lambda: message("verdict", note="x" * BOUND_BYTES), "too_large"),
    "900 KB": ("ratings", lambda: message("rating", comment="\u00e9" * 150_000), "too_large"),
    "large, and of the future": (
        "visits",
        lambda: message("visit", now_ms() + DAY_MS, x="x" * BOUND_BYTES),
        "too_large",
    ),
    "of the future": ("visits", lambda: message("visit", now_ms() + 10 * MINUTE_MS), "in_the_future"),
    "of the far future": ("presses", lambda: message("customer_press", 2**53 - 1), "in_the_future"),
    "too late": ("presses", lambda: message("seller_press", now_ms() - DAY_MS - MINUTE_MS), "too_late"),
    "a sale too late": ("sales", lambda: message("sale", now_ms() - 7 * DAY_MS - MINUTE_MS), "too_late"),
    "a verdict too late": ("verdicts", lambda: message("verdict", now_ms() - 30 * DAY_MS - MINUTE_MS), "too_late"),
}
FIT = {
    "presses": "customer_press",
    "verdicts": "verdict",
    "calls": "call",
    "sales": "sale",
    "visits": "visit",
    "ratings": "rating",
    "requests": "request",
    "shifts": "shift",
    "peer-ratings": "peer_rating",
}
REASONS = {reason for _, _, reason in UNFIT.values()}


@pytest.fixture(scope="module")
def service(kafka):
    """Return a service with its topics."""
    return Service(kafka, windows=["1h"]).create_topics()


@pytest.fixture(scope="module")
def writer(service):
    """Return a writer to the topics of the service."""
    with Writer(service) as writer:
        yield writer


@pytest.fixture(scope="module")
def worker(service):
    """Return a worker by the wall clock that is ready."""
    with service.worker() as worker:
        yield worker.wait_until_ready()


@pytest.fixture(scope="module")
def sent(writer, worker):
    """Return what was sent for each entry of UNFIT: topic, place and bytes; good events lie before and behind it."""
    found = {}
    for topic, kind in FIT.items():
        writer.publish(topic, made(kind))
    for name, (topic, make, reason) in UNFIT.items():
        value = make()
        key = None if reason == "not_json" else OFFICE
        found[name] = topic, *writer.send(topic, value, key=key, partition=partition_of(OFFICE)), value, key
    for topic, kind in FIT.items():
        writer.publish(topic, made(kind))
    return found


@pytest.fixture(scope="module")
def letters(service, sent):
    """Return the dead letters of what was sent, by topic, partition and offset."""
    with Reader(service, "dead-letters") as reader:
        messages = reader.until(lambda found: len(found) >= len(sent), f"{len(sent)} dead letters")
    return {place_of(each): each for each in messages}


def place_of(letter):
    """Return what the headers of a dead letter say of where it lay."""
    headers = dict(letter.headers())
    return headers["topic"].decode(), int(headers["partition"]), int(headers["offset"])


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_message_is_kept(service, sent, letters, name):
    """It lies in dead-letters byte for byte, under its own key, with its reason and where it came from."""
    topic, (partition, offset), value, key = sent[name]
    letter = letters[service.prefix + topic, partition, offset]
    assert letter.value() == value
    assert letter.key() == (key and key.encode())
    assert letter.headers() == [
        ("reason", UNFIT[name][2].encode()),
        ("topic", (service.prefix + topic).encode()),
        ("partition", str(partition).encode()),
        ("offset", str(offset).encode()),
    ]


def test_every_reason_of_the_contract_is_tried():
    """The messages above have every reason that the contract has."""
    reasons = "not_json not_an_object unknown_type wrong_topic missing_field bad_value too_large in_the_future too_late"
    assert set(reasons.split()) == REASONS


def test_nothing_else_is_a_dead_letter(sent, letters):
    """There is one dead letter for each message that is unfit."""
    assert len(letters) == len(sent) == len(UNFIT)


def test_dead_letters_are_counted_by_reason(worker, letters):
    """kqi_worker_dead_letters_total has each under its reason."""
    seen = worker.scrape("kqi_worker_")
    counts = {reason: seen("kqi_worker_dead_letters_total", reason=reason) for reason in REASONS}
    assert counts == {reason: sum(each[2] == reason for each in UNFIT.values()) for reason in REASONS}


def test_good_events_around_it_count(worker, sent):
    """What lies before and behind unfit messages on every topic is applied."""
    worker.until(lambda seen: seen.total("kqi_worker_events_total") >= 2 * len(FIT), only="kqi_worker_")
    seen = worker.scrape()
    assert seen("kqi_office_calls_offered", office=OFFICE, window="1h") == 2
    assert seen("kqi_office_revenue", office=OFFICE, window="1h") == 2 * made("sale")["amount_minor"]
    assert seen("kqi_worker_presses", role="orphan") == 2
    for kind in FIT.values():
        assert seen("kqi_worker_events_total", type=kind) == 2
    assert worker.get("/readyz")[0] == 200


def test_the_largest_message_of_a_topic_is_kept(service, writer, worker):
    """A message as large as the input topic takes fits into dead-letters with its headers."""
    value = b"x" * (LARGEST_BYTES - 100)
    ((partition, offset),) = writer.send("requests", value, key="k")
    with Reader(service, "dead-letters") as reader:
        place = service.prefix + "requests", partition, offset
        found = reader.until(lambda found: any(place_of(each) == place for each in found), place)
    assert next(each for each in found if place_of(each) == place).value() == value


def test_what_is_planned_ahead(worker, writer, sent):
    """A shift may lie days ahead, and any event up to 5 min."""
    before = worker.scrape("kqi_worker_")
    writer.publish("shifts", made("shift", now_ms() + 30 * DAY_MS, end_ts=now_ms() + 31 * DAY_MS))
    writer.publish("ratings", made("rating", now_ms() + 4 * MINUTE_MS))
    kinds = ("shift", "rating")
    worker.until(
        lambda seen: all(counted(seen, each) == counted(before, each) + 1 for each in kinds), only="kqi_worker_"
    )
    after = worker.scrape("kqi_worker_")
    assert after("kqi_worker_dead_letters_total", reason="in_the_future") == before(
        "kqi_worker_dead_letters_total", reason="in_the_future"
    )


def counted(seen, kind):
    """Return how many events of a type have been read."""
    return seen("kqi_worker_events_total", type=kind)


ASTRAY = {
    "under no key": (None, partition_of(OFFICE)),
    "under another's key": ("someone", partition_of(OFFICE)),
    "on another partition": (OFFICE, (partition_of(OFFICE) + 1) % 4),
    "on another partition under its key": ("someone", (partition_of(OFFICE) + 2) % 4),
}


@pytest.mark.parametrize("astray", ASTRAY)
def test_misrouted(service, writer, worker, astray):
    """An event under another key or on another partition is moved once, said so in a header, counted, and applied once."""
    key, partition = ASTRAY[astray]
    office = next(each for number in count() if partition_of(each := f"{astray}-{number}") == partition_of(OFFICE))
    key = office if key == OFFICE else key
    value = message("sale", office_id=office, amount_minor=11)
    before = worker.scrape("kqi_worker_")("kqi_worker_misrouted_events_total")
    ((_, offset),) = writer.send("sales", value, key=key, partition=partition)
    worker.until(lambda seen: seen("kqi_office_revenue", office=office, window="1h") == 11)
    with Reader(service, "sales") as reader:
        found = reader.until(lambda found: sum(each.value() == value for each in found) == 2)
    (moved,) = [each for each in found if each.value() == value and each.headers()]
    assert (moved.key(), moved.partition()) == (office.encode(), partition_of(office))
    assert moved.headers() == [("moved-from", f"{service.prefix}sales/{partition}/{offset}".encode())]
    seen = worker.scrape()
    assert seen("kqi_worker_misrouted_events_total") == before + 1
    assert seen("kqi_office_sales", office=office, window="1h") == 1
