"""The rig itself: a network that does what its condition says, and differences that are told when there are any."""

import json
import socket
import socketserver
import threading
import time
from types import SimpleNamespace

import pytest

from tests.metrics import Scrape
from tests.system.comparison import DeadLetters, Ledger, conservation_differences, series_differences
from tests.system.logs import Stored
from tests.system.network import DELAY_S, Condition, Network
from tests.system.truth import Place, Told, Truth
from tests.topics import PARTITIONS, partition_of

NOW_MS = 1_800_000_000_000
DAY_MS = 86_400_000
SURVEY = Told("p1", "anna", NOW_MS, "personnel", "no", valid=True, force_majeure=False)


# The network -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network():
    """Return a network and the address of its proxy, behind which somebody repeats all that they hear."""

    class Echo(socketserver.BaseRequestHandler):
        def handle(self):
            while heard := self.request.recv(1000):
                self.request.sendall(heard)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        between = Network()
        host, _, port = between.front(*server.server_address).partition(":")
        yield between, (host, int(port))
        between.stop()
        server.shutdown()


@pytest.fixture
def connection(network):
    """Return the network and a connection through it."""
    between, address = network
    between.condition = Condition.WHOLE
    with socket.create_connection(address, 10) as connected:
        yield between, connected
    between.condition = Condition.WHOLE


def hear(connected, count, within_s):
    """Return what comes of some bytes within a time."""
    heard = b""
    deadline_s = time.monotonic() + within_s
    while len(heard) < count and (left_s := deadline_s - time.monotonic()) > 0:
        connected.settimeout(left_s)
        try:
            heard += connected.recv(count - len(heard))
        except TimeoutError:
            break
    return heard


def is_broken(connected):
    """Say whether a connection ends, one way or the other."""
    try:
        return connected.recv(1) == b""
    except ConnectionError:
        return True


def test_a_whole_network_passes_on(connection):
    """What is sent arrives, however much it is."""
    _, connected = connection
    message = bytes(range(256)) * 2000
    sending = threading.Thread(target=connected.sendall, args=(message,))
    sending.start()
    assert hear(connected, len(message), 10) == message
    sending.join()


def test_a_cut_network_breaks_connections(network, connection):
    """Connections break, and new ones do at once."""
    between, connected = connection
    between.condition = Condition.CUT
    assert is_broken(connected)
    with socket.create_connection(network[1], 10) as another:
        assert is_broken(another)


def test_a_half_open_network_takes_and_keeps(network, connection):
    """Old and new connections take what is sent, and it arrives when the network is whole again."""
    between, connected = connection
    between.condition = Condition.HALF_OPEN
    with socket.create_connection(network[1], 10) as another:
        for each in (connected, another):
            each.sendall(b"hello")
            assert hear(each, 5, 0.3) == b""
        between.condition = Condition.WHOLE
        assert [hear(each, 5, 10) for each in (connected, another)] == [b"hello", b"hello"]


def test_a_delayed_network_takes_its_time(connection):
    """What is sent arrives half a second later, and so does the answer."""
    between, connected = connection
    between.condition = Condition.DELAYED
    began_s = time.monotonic()
    connected.sendall(b"hello")
    assert hear(connected, 5, 10) == b"hello"
    assert time.monotonic() - began_s >= 2 * DELAY_S


def test_a_trickling_network_passes_on_a_byte_a_second(connection):
    """One byte comes soon, the next a second later; the rest when the network is whole again."""
    between, connected = connection
    between.condition = Condition.TRICKLING
    connected.sendall(b"hello")
    began_s = time.monotonic()
    assert hear(connected, 2, 10) == b"he"
    assert time.monotonic() - began_s >= 0.9
    between.condition = Condition.WHOLE
    assert hear(connected, 3, 10) == b"llo"


# The truth ---------------------------------------------------------------------------------------------------------


def stored(offset, event=None, *, topic="visits", append_ms=NOW_MS, key=None, partition=None, **fields):
    """Return a message that holds an event, or a value that is none."""
    if isinstance(event, bytes):
        return Stored(topic, partition or 0, offset, key, event, append_ms, {})
    made = {"type": "visit", "event_id": f"e{offset}", "ts": NOW_MS, "office_id": "riga"} | fields
    belongs = partition_of("riga") if partition is None else partition
    return Stored(topic, belongs, offset, key or b"riga", json.dumps(made).encode(), append_ms, {})


def test_truth_sorts_messages_as_the_contract_says():
    """Every message is applied, a duplicate, rejected with its reason, or astray; what is refused moves no clock."""
    truth = Truth({})
    wrong = (partition_of("riga") + 1) % PARTITIONS
    messages = [
        stored(0),
        stored(1, event_id="e0"),
        stored(2, ts=NOW_MS + 300_000),
        stored(3, ts=NOW_MS + 300_001),
        stored(4, ts=NOW_MS - 7 * DAY_MS),
        stored(5, ts=NOW_MS - 7 * DAY_MS - 1),
        stored(6, key=b"tallinn"),
        stored(7, partition=wrong),
        stored(8, b"[]", partition=wrong),
    ]
    truth.read(messages, "")
    at = {each.offset: Place(each.topic, each.partition, each.offset) for each in messages}
    assert truth.rejects == {at[3]: "in_the_future", at[5]: "too_late", at[8]: "not_an_object"}
    assert truth.astray == {at[6], at[7]}
    home = partition_of("riga")
    assert truth.fates == {
        (home, "applied"): 3,
        (home, "duplicate"): 1,
        (home, "rejected"): 1,
        (home, "too_late"): 1,
        (home, "moved"): 1,
        (wrong, "moved"): 1,
        (wrong, "rejected"): 1,
    }


def test_truth_compares_employees_with_those_of_all_offices():
    """Who is too few in an office is compared in the company, and nobody is compared twice."""
    truth = Truth({"windows": ["1h"], "min_surveys": 1, "comparison": {"indices": ["sales"], "min_employees": 3}})
    sellers = [("riga", "anna", 1), ("riga", "ben", 2), ("tartu", "anna", 4)]
    messages = [
        stored(
            len(office) * 100 + 10 * number + sale,
            type="sale",
            office_id=office,
            employee_id=employee,
            amount_minor=1,
            currency="EUR",
            topic="sales",
            key=office.encode(),
            partition=partition_of(office),
        )
        for number, (office, employee, sales) in enumerate(sellers)
        for sale in range(sales)
    ]
    truth.read(messages, "")
    assert not truth.rejects
    behind = {
        (dict(labels)["office"], dict(labels)["employee"]): value
        for (name, labels), value in truth.indices(NOW_MS).items()
        if name == "kqi_employee_sales_from_company_leader"
    }
    assert behind == {("riga", "anna"): 3, ("riga", "ben"): 2, ("tartu", "anna"): 0}
    assert not [name for name, _ in truth.indices(NOW_MS) if "_office_rank" in name]


# The comparison ----------------------------------------------------------------------------------------------------


def told(revision=1, name="s1", **changes):
    """Return a message of the topic `surveys`."""
    value = {"survey_id": name, "office_id": "riga", **SURVEY._asdict(), "revision": revision} | changes
    return Stored("surveys", 0, 0, b"riga", json.dumps(value).encode(), NOW_MS, {})


@pytest.mark.parametrize(
    ("messages", "difference"),
    [
        ([told()], None),
        ([told(), told()], None),
        ([told(2), told(1, outcome="yes")], None),
        ([told(), told(name="s2"), told(2, name="s2", outcome="withdrawn", valid=False)], None),
        ([], "1 surveys missing"),
        ([told(), told(2, outcome="withdrawn", valid=False)], "1 surveys missing"),
        ([told(), told(name="s2")], "1 surveys too many"),
        ([told(), told(2, valid=False)], "1 surveys wrongly retracted"),
        ([told(), told(2, outcome="yes")], "1 surveys wrong otherwise"),
        ([told(), told(1, outcome="yes")], "1 surveys told ambiguously"),
    ],
)
def test_ledgers_are_compared(messages, difference):
    """Of each survey the greatest revision counts; what is missing, too many or otherwise wrong is told."""
    ledger = Ledger()
    ledger.read(messages)
    differences = ledger.differences({("riga", "s1"): SURVEY})
    assert [each.partition(":")[0] for each in differences] == ([difference] if difference else [])


def test_a_survey_that_should_be_rejected_is_not_retracted():
    """A survey that counts and should not is told as such."""
    ledger = Ledger()
    ledger.read([told()])
    (difference,) = ledger.differences({("riga", "s1"): SURVEY._replace(valid=False)})
    assert difference.startswith("1 surveys not retracted")


def letter(offset=3, reason="not_json", value=b"?"):
    """Return a dead letter."""
    headers = {"reason": reason, "topic": "x.calls", "partition": "0", "offset": str(offset)}
    return Stored("dead-letters", 0, 0, None, value, NOW_MS, {name: text.encode() for name, text in headers.items()})


@pytest.mark.parametrize(
    ("letters", "differences"),
    [
        ([letter()], []),
        ([letter(), letter()], []),
        ([], ["1 dead letters missing"]),
        ([letter(), letter(4)], ["1 dead letters too many"]),
        ([letter(reason="too_late")], ["1 dead letters of a wrong reason"]),
        ([letter(value=b"!")], ["1 dead letters wrong otherwise"]),
    ],
)
def test_dead_letters_are_compared(letters, differences):
    """Dead letters are told apart by their coordinates, and are byte for byte what lies there."""
    dead_letters = DeadLetters("x.")
    log = {Place("calls", 0, each): Stored("calls", 0, each, None, b"?", NOW_MS, {}) for each in (3, 4)}
    dead_letters.read(letters, log)
    found = dead_letters.differences({Place("calls", 0, 3): "not_json"})
    assert [each.partition(":")[0] for each in found] == differences


@pytest.mark.parametrize(
    ("texts", "differences"),
    [
        (['kqi_office_iel_ratio{office="a",window="1h"} 0.5'], []),
        (['kqi_office_iel_ratio{office="a",window="1h"} 0.25'], ["1 series wrong"]),
        ([""], ["1 series missing"]),
        (['kqi_office_iel_ratio{office="a",window="1h"} 0.5'] * 2, ["1 series shown twice"]),
        (
            ['kqi_office_iel_ratio{office="a",window="1h"} 0.5', 'kqi_office_iel_ratio{office="b",window="1h"} 0'],
            ["1 series too many"],
        ),
    ],
)
def test_series_are_compared(texts, differences):
    """Workers show every series that has a value, once and right, and no others."""
    right = {("kqi_office_iel_ratio", frozenset({("office", "a"), ("window", "1h")})): 0.5}
    truth = SimpleNamespace(indices=lambda *_: right, survey_counts=lambda *_: {}, asked=lambda *_: {})
    found = series_differences([Scrape(text + "\n") for text in texts], truth, NOW_MS, is_exact=True)
    assert [each.partition(":")[0] for each in found] == differences


def test_conservation_is_compared():
    """Every fate of every partition has its number, and those without any are 0."""
    truth = Truth({})
    truth.read([stored(0), stored(1, b"?", partition=0)], "")
    home = partition_of("riga")
    line = 'kqi_worker_partition_messages{{partition="{}",fate="{}"}} {}\n'
    right = line.format(home, "applied", 1) + line.format(0, "rejected", 1) + line.format(home, "gap", 0)
    assert conservation_differences([Scrape(right)], truth) == []
    assert conservation_differences([Scrape(right + line.format(home, "held", 1))], truth)
    assert conservation_differences([Scrape("")], truth)
