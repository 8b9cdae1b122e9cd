"""The text of the indices, as Prometheus reads it."""

from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families

from agents.exposition import Exposition
from tests.metrics import Scrape
from tests.streams.feeding import Feed

TEXT = Path(__file__).with_name("exposition.txt")
AT_MS = 1_800_000_000_000
ODD_IDS = [
    'quote " in it',
    "back\\slash",
    "\\n is no line end",
    "ends with \\",
    '\\"',
    "a,b=c{d}e # f",
    "  spaces  ",
    "\u00a0\u2028\u2029\ufeff",
    "\u0645\u0643\u062a\u0628",
    "e\u0301\u0308",
    "\U0001f3e2" * 128,
    "%s %d %(x)s {} {0}",
]


def press(event_id, ts_ms=AT_MS - 60_000, office="riga-1", employee="anna"):
    """Return a seller press."""
    return {
        "type": "seller_press",
        "event_id": event_id,
        "ts": ts_ms,
        "office_id": office,
        "panel_id": "p1",
        "employee_id": employee,
        "hold_ms": 200,
    }


def other(kind, event_id, office="riga-1", **fields):
    """Return another event of now."""
    return {"type": kind, "event_id": event_id, "ts": AT_MS, "office_id": office} | fields


def sale(event_id, office="riga-1", **fields):
    """Return a sale of 12.34."""
    return other("sale", event_id, office, amount_minor=1234, currency="EUR", **fields)


def call(event_id, office="riga-1", **fields):
    """Return an inbound call that was answered."""
    return other("call", event_id, office, direction="inbound", disposition="answered", wait_s=2.5, **fields)


def exposed(*feeds):
    """Return the text of partitions with the same configuration."""
    return Exposition(feeds[0].engine).text([feed.partition for feed in feeds])


def test_whole_text():
    """The text of a tiny company, byte for byte: every family with its help, and nothing where there is no value."""
    feed = Feed({"windows": ["15m", "1h"], "silent_weight": 0.5})
    feed.step([press("1", AT_MS - 1_800_000), press("2"), sale("3", employee_id="anna"), call("4", queue="main")])
    feed.step([other("customer_press", "5", panel_id="p1", answer="yes") | {"ts": AT_MS - 59_000}])
    assert exposed(feed) == TEXT.read_text(encoding="utf-8")


@pytest.mark.parametrize("parse", [None, openmetrics_families], ids=["text", "openmetrics"])
def test_any_id_is_a_label(parse):
    """Whatever an id may hold comes back as it was, in either format."""
    feed = Feed({"windows": ["1h"]})
    for number, odd in enumerate(ODD_IDS):
        feed.step([sale(f"s{number}", odd, employee_id=odd), call(f"c{number}", odd, queue=odd)])
    text = exposed(feed)
    seen = Scrape(text) if parse is None else Scrape(text + "# EOF\n", parse)
    for odd in ODD_IDS:
        assert seen("kqi_office_sales", office=odd, window="1h") == 1
        assert seen("kqi_employee_revenue", office=odd, employee=odd, window="1h") == 1234
        assert seen("kqi_queue_calls_offered", office=odd, queue=odd, window="1h") == 1
    assert len({dict(labels)["office"] for name, labels in seen.samples if name == "kqi_office_sales"}) == len(ODD_IDS)


def test_what_has_no_value_is_absent():
    """Without surveys there is no index of surveys, and without anything in a window no series of it."""
    feed = Feed({"windows": ["15m", "1h"]}, AT_MS)
    feed.step([sale("1") | {"ts": AT_MS - 1_800_000}])
    seen = Scrape(exposed(feed))
    assert {dict(labels)["window"] for _, labels in seen.indices} == {"1h"}
    assert seen("kqi_office_sales", office="riga-1", window="1h") == 1
    assert seen("kqi_office_iel_ratio", office="riga-1", window="1h") is None
    assert seen("kqi_office_precise_conversion_ratio", office="riga-1", window="1h") is None
    assert not [name for name, _ in seen.samples if name.endswith("_surveys")]


def test_what_is_retracted_leaves_nothing_behind():
    """A series of which nothing is left disappears from the next text, and comes back when it counts again."""
    feed = Feed({"windows": ["1h"]}, AT_MS)
    exposition = Exposition(feed.engine)

    def shown():
        return Scrape(exposition.text([feed.partition]))("kqi_office_silent_share_ratio", office="riga-1", window="1h")

    def verdict(event_id, reliable):
        return other("verdict", event_id, target="survey", target_id="1", reliable=reliable)

    feed.step([press("1")])
    assert shown() == 1
    feed.step([verdict("2", reliable=False)])
    assert shown() is None
    feed.step([verdict("3", reliable=True)])
    assert shown() == 1


def test_new_entities_appear():
    """Offices and employees that come later are in the next text."""
    feed = Feed({"windows": ["1h"]}, AT_MS)
    exposition = Exposition(feed.engine)
    feed.step([sale("1")])
    before = Scrape(exposition.text([feed.partition])).indices
    feed.step([sale("2", "ogre-1", employee_id="boris")])
    after = Scrape(exposition.text([feed.partition])).indices
    assert before.items() <= after.items()
    assert {dict(labels)["office"] for _, labels in after} == {"riga-1", "ogre-1"}


def test_partitions_share_families():
    """Series of all partitions stand under one head of each family, and those of partitions let go are gone."""
    one, two = Feed({"windows": ["1h"]}, AT_MS), Feed({"windows": ["1h"]}, AT_MS)
    one.step([sale("1")])
    two.step([sale("1", "ogre-1")])
    exposition = Exposition(one.engine)
    text = exposition.text([one.partition, two.partition])
    assert text.count("# TYPE kqi_office_sales gauge\n") == 1
    assert Scrape(text).indices == Scrape(exposed(one)).indices | Scrape(exposed(two)).indices
    assert exposition.text([two.partition]) == exposed(two)
