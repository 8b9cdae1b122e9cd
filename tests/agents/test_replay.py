"""`kqi replay`: the values of every case, and what it takes and says."""

import gzip
import itertools
import json

import orjson
import pytest
import zstandard

from streams.catalogue import catalogue
from streams.configuration import METHOD_KEYS, configure
from tests.reference import cases
from tests.service import as_toml, kqi_inside
from tests.streams.specimens import event

AT_MS = 1_600_000_000_000
SALE = event("sale", event_id="1", ts=AT_MS, amount_minor=500, employee_id="anna")
LATER = event("sale", event_id="2", ts=AT_MS + 60_000, amount_minor=70)
REFUSED = (b"{}", b"[", b'{"type":"visit","event_id":"x","ts":-1,"office_id":"o"}')


def replay(*arguments, stdin=None, **settings):
    """Run `kqi replay --format json`, which must go well; return the document."""
    done = kqi_inside("replay", *arguments, "--format", "json", stdin=stdin, **settings)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout_bytes)


def revenue(document, scope="office", window="1h"):
    """Return the value and base of the revenue in a document, None where there is no such row."""
    found = [
        (row["value"], row["base"])
        for row in document["indices"]
        if (row["scope"], row["window"], row["index"]) == (scope, window, "revenue")
    ]
    return found[0] if found else None


def lines(*members):
    """Return events and lines as a file."""
    return b"".join((each if isinstance(each, bytes) else orjson.dumps(each)) + b"\n" for each in members)


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a file."""

    def write(content, name="events.ndjson"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


def test_everyone_is_shown(file):
    """A replay knows no ceiling of names."""
    sales = [SALE | {"event_id": f"{n}", "employee_id": f"e{n}"} for n in range(20)]
    document = replay(file(lines(*sales)), names_max=2)
    assert len({row["employee_id"] for row in document["indices"]}) == 21


@pytest.mark.parametrize("name", cases.names())
def test_case(tmp_path, name):
    """Every value and base of the case is found, and none besides, by the options that a user would give."""
    case = cases.load(name)
    config = tmp_path / "kqi.toml"
    config.write_text("".join(f"{key} = {as_toml(value)}\n" for key, value in case.config.items()))
    log = case_file(name)
    document = replay(log, "--at", case.at_ms, "--config", config)
    assert cases.differences(document["indices"], case.expected) == []
    assert (document["at"], document["rejected"]) == (case.at_ms, {})
    settings = [part for key, value in case.config.items() for part in ("--set", f"{key}={as_toml(value)}")]
    assert replay(log, "--at", case.at_ms, *settings) == document


def case_file(name):
    """Return the log of a case as it lies there."""
    folder = cases.FOLDER / name
    path = folder / json.loads((folder / "case.json").read_text()).get("events", "events.ndjson")
    return path if path.exists() else path.with_name(path.name + ".gz")


def test_document(file):
    """The document has the instant, the configuration in force, the reasons of rejects and the rows of the contract."""
    document = replay(file(lines(SALE, *REFUSED, REFUSED[0])), "--set", "windows=1h")
    assert list(document) == ["at", "config", "rejected", "indices"]
    assert document["at"] == AT_MS
    assert document["config"].keys() == set(METHOD_KEYS)
    assert document["config"]["windows"] == ["1h"]
    assert document["rejected"] == {"missing_field": 2, "not_json": 1, "bad_value": 1}
    row = {"office_id": "riga-1", "employee_id": None, "window": "1h", "index": "revenue", "value": 500, "base": 1}
    assert {"scope": "office"} | row in document["indices"]
    assert {"scope": "employee"} | row | {"employee_id": "anna"} in document["indices"]
    absent = row | {"scope": "office", "index": "iel", "value": None, "base": 0}
    assert absent in document["indices"]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress), ("", bytes)])
def test_packed_files(file, suffix, pack):
    """Plain, .gz, .zst and standard input give the same."""
    content = lines(SALE, LATER)
    expected = replay("-", stdin=content)
    assert revenue(expected) == (570, 2)
    assert replay(file(pack(content), f"events.ndjson{suffix}")) == expected


def test_files_in_any_order(file):
    """Several files are one log, in whatever order, and what stands twice counts once."""
    first, second = file(lines(LATER, SALE), "a"), file(lines(SALE), "b")
    assert replay(first, second) == replay(second, first, second) == replay(first)


def test_line_ends(file):
    """CRLF, blank lines and a missing last line end make no difference."""
    plain = replay(file(lines(SALE, LATER)))
    assert replay(file(b"\r\n\r\n" + orjson.dumps(SALE) + b"\r\n  \n\n\r\n" + orjson.dumps(LATER))) == plain


def test_an_empty_file(file):
    """Nothing in, nothing out."""
    document = replay(file(b""))
    assert (document["at"], document["rejected"], document["indices"]) == (0, {}, [])
    assert kqi_inside("replay", file(b"")).exit_code == 0


def test_at(file):
    """As of an instant, given either way, what lies after it is left out; by default it is the greatest ts but shifts'."""
    shift = event("shift", event_id="3", ts=AT_MS + 10**9, end_ts=AT_MS + 2 * 10**9)
    path = file(lines(SALE, LATER, shift))
    assert replay(path)["at"] == AT_MS + 60_000
    assert revenue(replay(path)) == (570, 2)
    assert revenue(replay(path, "--at", AT_MS)) == (500, 1)
    assert replay(path, "--at", "2020-09-13T15:26:40.000+03:00") == replay(path, "--at", AT_MS)
    assert revenue(replay(path, "--at", AT_MS - 1)) is None
    assert revenue(replay(path, "--at", AT_MS + 7_200_000)) is None


def test_no_horizon(file):
    """However far events lie apart, none is too late."""
    old = event("sale", event_id="9", ts=AT_MS - 20 * 86_400_000, amount_minor=3, employee_id="anna")
    assert revenue(replay(file(lines(SALE, old))), window="30d") == (503, 2)


def test_rejects_are_told(file):
    """Rejected lines are told on standard error, with file, number and reason, the first twenty of them."""
    path = file(lines(SALE, *REFUSED))
    done = kqi_inside("replay", path)
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()[:3]] == [
        [f"{path}:2", "missing_field"],
        [f"{path}:3", "not_json"],
        [f"{path}:4", "bad_value"],
    ]
    assert done.stderr.endswith("4 events, 3 rejected\n")
    many = kqi_inside("replay", file(lines(*[b"{"] * 25))).stderr.splitlines()
    assert len(many) == 22
    assert many[20] == "... 5 more rejected"


def test_strict(file):
    """With --strict the status is 1 when anything was rejected; the result is printed all the same."""
    good, bad = file(lines(SALE), "good"), file(lines(SALE, b"{"), "bad")
    assert kqi_inside("replay", good, "--strict").exit_code == 0
    done = kqi_inside("replay", bad, "--strict", "--format", "json")
    assert done.exit_code == 1
    assert revenue(json.loads(done.stdout)) == (500, 1)
    assert kqi_inside("replay", bad).exit_code == 0


def test_table(file):
    """The table has a line for every index of every scope, with value and base."""
    done = kqi_inside("replay", file(lines(SALE, event("call", event_id="2", ts=AT_MS))))
    assert done.exit_code == 0
    assert "as of 2020-09-13T12:26:40.000+00:00" in done.stdout
    assert "500 (1)" in done.stdout
    assert "anna" in done.stdout
    assert "queue sales" in done.stdout
    assert "12.5000 (1)" in done.stdout


def test_table_is_in_the_order_of_the_catalogue(file):
    """Indices stand in one order, by whole names, whatever window each is in; those of now have a column of their own."""
    hour_ms = 3_600_000
    target = 'request_targets=[{priority="normal", stage="resolved", within="1h", objective=0.8}]'
    early = [event("seller_press", event_id="p", ts=AT_MS - hour_ms), event("call", event_id="k", ts=AT_MS)]
    early.append(event("request", event_id="r", ts=AT_MS - hour_ms, priority="normal", stage="opened"))
    done = kqi_inside("replay", file(lines(*early)), "--set", target, "--set", "windows=15m,8h")
    assert done.exit_code == 0
    table = [
        [cell.strip() for cell in line.split("\u2502")[1:-1]] for line in done.stdout.splitlines() if "\u2502" in line
    ]
    office = list(itertools.takewhile(lambda cells: not cells[0] or cells == table[0], table))
    names = [name for _, _, name, *_ in office if name]
    known = [index.name for index in catalogue(configure())]
    assert [name for name in known if name in names] == [name for name in names if name in known]
    assert {"silent_share_upper", "service_level_lower", "average_speed_of_answer_s"} <= {*names}
    assert ["requests_open", "", "", "1 (1)"] in [cells[2:] for cells in office]


def test_table_of_goals():
    """A leader's people are told from the leader."""
    case = cases.load("hand-kpi")
    settings = [part for key, value in case.config.items() for part in ("--set", f"{key}={as_toml(value)}")]
    done = kqi_inside("replay", case_file("hand-kpi"), "--at", case.at_ms, *settings)
    assert done.exit_code == 0
    assert "0.4583 (3)" in done.stdout
    assert "people of fred" in done.stdout
    assert "0.6715 (3)" in done.stdout


def test_money_is_exact(file):
    """Sums of 64-bit amounts are whole numbers, to the last unit."""
    great = [event("sale", event_id=str(n), ts=AT_MS, amount_minor=2**63 - 1 - n) for n in range(3)]
    assert revenue(replay(file(lines(*great)))) == (3 * (2**63 - 1) - 3, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no-such-file"], "no-such-file: No such file or directory"),
        (["."], ".: Is a directory"),
        (
            ["FILE", "--at", "yesterday"],
            "'yesterday' is no time: expected RFC 3339 with an offset, or epoch milliseconds",
        ),
        (["FILE", "--at", "2020-01-01T00:00:00"], "is no time"),
        (["FILE", "--at", "-1"], "'-1' is no time"),
        (["FILE", "--at", str(2**53)], "is no time"),
        (["FILE", "--config", "no-such-file"], "no-such-file: No such file or directory"),
        (["FILE", "--config", "FILE"], "FILE is not TOML"),
        (["FILE", "--set", "silent_weight"], "--set silent_weight: expected key=value"),
        (["FILE", "--set", "silent_weight=2"], "`silent_weight` in --set: expected a number <= 1.0"),
        (["FILE", "--set", "silent_wait=1"], "`silent_wait` in --set is no key of the configuration; did you mean"),
        (["FILE", "--set", "windows=90s"], "`windows` in --set: 90s is no window"),
        (["FILE", "--format", "xml"], "'--format'"),
        (["FILE", "--no-such-option"], "--no-such-option"),
        ([], "Missing argument 'FILE'"),
    ],
)
def test_unusable_arguments(file, arguments, sentence):
    """What cannot be used is told in words, the status is 2, and nothing is printed."""
    path = str(file(lines(SALE)))
    done = kqi_inside("replay", *(path if each == "FILE" else each for each in arguments))
    assert done.exit_code == 2
    assert sentence.replace("FILE is", f"{path} is") in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["cut.gz", "cut.zst"])
def test_damaged_files(file, name):
    """A file that is damaged gives no result, and status 2."""
    pack = gzip.compress if name.endswith("gz") else zstandard.compress
    done = kqi_inside("replay", file(pack(lines(SALE))[:-9], name))
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
