"""Reading what workers say: every number is where it belongs, whatever the names are, and there is an end to it."""

from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from agents.board import reading
from agents.board.reading import Reader
from agents.board.values import View, diagnosis
from agents.board.values import reading as told

GOLDEN = (Path(__file__).parents[1] / "exposition.txt").read_bytes()
SCOPED = {scope: f"kqi_{scope}_" for scope in reading.SCOPES}


def line(name, value, /, **labels):
    inside = ",".join(f'{key}="{each}"' for key, each in labels.items())
    return f"{name}{{{inside}}} {value}\n".encode()


def family(name, *lines):
    return f"# HELP {name} Some help.\n# TYPE {name} gauge\n".encode() + b"".join(lines)


def value_of(read, scope, key, window, column):
    view = View.of(read, scope, window or read.windows[0])
    return view.at(view.row(key), column, now=window is None)


def test_every_sample_is_found():
    """What the reference parser finds in an answer of a worker is all there, and nothing else."""
    read = Reader().read([GOLDEN])
    assert read.windows == ("15m", "1h")
    found = 0
    for each in text_string_to_metric_families(GOLDEN.decode()):
        scope = next((scope for scope, start in SCOPED.items() if each.name.startswith(start)), None)
        for sample in each.samples if scope else ():
            labels = dict(sample.labels)
            key = labels.pop("office"), "" if scope == "office" else labels.pop(scope)
            window = labels.pop("window", None)
            name = sample.name.removeprefix(SCOPED[scope]).removesuffix("_ratio").removesuffix("_seconds")
            more = [labels.pop("index"), *labels.values()] if "index" in labels else list(labels.values())
            column = "|".join((name, *more))
            assert value_of(read, scope, key, window, column) == sample.value, sample
            found += 1
    assert found > 200
    assert sum(int(np.count_nonzero(~np.isnan(frame.values))) for frame in read.frames.values()) == found


def test_what_is_gone_is_gone():
    """A value that is not said again is not shown again."""
    reader = Reader()
    said = line("kqi_office_sales", 3.0, office="riga-1", window="1h")
    other = line("kqi_office_sales", 4.0, office="oslo-1", window="1h")
    reader.read([family("kqi_office_sales", said, other)])
    read = reader.read([family("kqi_office_sales", other)])
    assert value_of(read, "office", ("riga-1", ""), "1h", "sales") is None
    assert value_of(read, "office", ("oslo-1", ""), "1h", "sales") == 4.0
    assert View.of(read, "office", "1h").row(("riga-1", "")) is None


def test_several_workers():
    """Offices of all workers stand side by side; where two tell of the same, the later one counts."""
    first = family("kqi_office_sales", line("kqi_office_sales", 1.0, office="a", window="1h"))
    second = family("kqi_office_sales", line("kqi_office_sales", 2.0, office="b", window="1h"))
    third = family("kqi_office_sales", line("kqi_office_sales", 3.0, office="a", window="1h"))
    ready = [family("kqi_worker_ready", b"kqi_worker_ready %d\n" % number) for number in (1, 0)]
    read = Reader().read([first + ready[0], second + ready[1], third])
    assert [value_of(read, "office", (office, ""), "1h", "sales") for office in "ab"] == [3.0, 2.0]
    assert [others.get(("kqi_worker_ready", frozenset())) for others in read.others] == [1.0, 0.0, None]


def test_many_panels(monkeypatch):
    """What is not shown takes no room from what is: panels, of which there may be thousands, come before the worker."""
    monkeypatch.setattr(reading, "MOST_OTHERS", 3)
    text = family("kqi_panel_quiet_seconds", *(line("kqi_panel_quiet_seconds", 1.0, panel=str(n)) for n in range(9)))
    text += family("kqi_worker_ready", b"kqi_worker_ready 1.0\n") + family(
        "kqi_silent_weight", b"kqi_silent_weight 0.8\n"
    )
    text += family("kqi_request_objective_ratio", line("kqi_request_objective_ratio", 0.9, priority="p", stage="s"))
    (others,) = Reader().read([text]).others
    assert {name: value for (name, _), value in others.items()} == {
        "kqi_worker_ready": 1.0,
        "kqi_silent_weight": 0.8,
        "kqi_request_objective_ratio": 0.9,
    }


def test_windows_stand_by_length():
    """The shortest first, whatever the order in which they are said, also when one comes later; each has its own values."""
    reader = Reader()

    def read(*windows):
        name, lines = "kqi_office_sales", [line("kqi_office_requests_open", 7.0, office="a")]
        lines += [line(name, float(at), office="a", window=each) for at, each in enumerate(windows)]
        found = reader.read([family(name, *lines)])
        sales = [value_of(found, "office", ("a", ""), each, "sales") for each in windows]
        assert sales == list(range(len(windows)))
        assert value_of(found, "office", ("a", ""), None, "requests_open") == 7.0
        return found.windows

    assert read("30d", "8h", "24h") == ("8h", "24h", "30d")
    assert read("30d", "15m", "8h", "24h") == ("15m", "8h", "24h", "30d")
    assert read("ever", "30d", "15m", "7d") == ("15m", "8h", "24h", "7d", "30d", "ever")


def test_names_with_quotes():
    """Names come through with whatever they contain."""
    text = family(
        "kqi_employee_sales", rb'kqi_employee_sales{office="a\"b,c",employee="d\\n\ne }",window="1h"} 5.0' + b"\n"
    )
    assert value_of(Reader().read([text]), "employee", ('a"b,c', "d\\n\ne }"), "1h", "sales") == 5.0


def test_words_and_reasons():
    """A diagnosis, and why an index is not representative, whatever the order of the labels."""
    text = family(
        "kqi_office_diagnosis", line("kqi_office_diagnosis", 1.0, diagnosis="personnel", office="a", window="1h")
    )
    text += family(
        "kqi_office_unrepresentative",
        line("kqi_office_unrepresentative", 1.0, reason="coverage", index="iel", office="a", window="1h"),
    )
    text += family("kqi_office_iel_representative", line("kqi_office_iel_representative", 0.0, office="a", window="1h"))
    view = View.of(Reader().read([text]), "office", "1h")
    assert diagnosis(view, 0) == "personnel"
    assert told(view, 0, "iel")["reasons"] == ["coverage"]


def test_what_the_directory_says():
    """Names and regions of offices are kept; they are no values."""
    info = line("kqi_office_info", 1.0, office="a", name="Anna's", region="north", time_zone="Europe/Riga")
    read = Reader().read([family("kqi_office_info", info)])
    assert read.offices == {"a": {"name": "Anna's", "region": "north", "time_zone": "Europe/Riga"}}
    assert read.frames["office"].keys == ()


@pytest.mark.parametrize("scope", ["office", "employee"])
def test_bounded(monkeypatch, scope):
    """Entities, metrics and windows beyond what there is room for are left out and counted; the others are as ever."""
    monkeypatch.setitem(reading.MOST_ROWS, scope, 3)
    labels = [
        {"office": "a"} | ({"employee": str(number)} if scope == "employee" else {"office": str(number)})
        for number in range(5)
    ]
    name = f"kqi_{scope}_sales"
    reader = Reader()
    text = family(name, *(line(name, 1.0, **each, window="1h") for each in labels))
    for _ in range(2):
        read = reader.read([text])
        assert (len(read.frames[scope].keys), read.left_out) == (3, 2)
    monkeypatch.setattr(reading, "MOST_WINDOWS", 2)
    text = b"".join(line("kqi_office_sales", 1.0, office="a", window=f"{number}h") for number in range(5))
    read = Reader().read([family("kqi_office_sales") + text])
    assert (len(read.windows), read.left_out) == (2, 3)


def test_lines_are_forgotten(monkeypatch):
    """Names that come and go do not fill the memory; what is read stays right."""
    monkeypatch.setattr(reading, "MOST_LINES", 10)
    monkeypatch.setitem(reading.MOST_ROWS, "employee", 5)
    reader = Reader()
    for number in range(100):
        name = "kqi_employee_sales"
        read = reader.read(
            [
                family("kqi_office_sales", line("kqi_office_sales", float(number), office="a", window="1h"))
                + family(name, line(name, 1.0, office="a", employee=str(number), window="1h"))
            ]
        )
        assert value_of(read, "office", ("a", ""), "1h", "sales") == number
        assert len(reader._slots) <= 12
        assert len(read.frames["employee"].keys) <= 5


def test_long_texts():
    """A text longer than what is cut at once is read whole, also where a line is longer still."""
    lines = [line("kqi_office_sales", float(number), office=f"office-{number}", window="1h") for number in range(2_000)]
    long_name = "x" * 200_000
    old, reading._SLICE_BYTES = reading._SLICE_BYTES, 10_000
    try:
        read = Reader().read(
            [family("kqi_office_sales", *lines, line("kqi_office_sales", 7.0, office=long_name, window="1h"))]
        )
    finally:
        reading._SLICE_BYTES = old
    assert len(read.frames["office"].keys) == 2_001
    assert value_of(read, "office", ("office-1999", ""), "1h", "sales") == 1999.0
    assert value_of(read, "office", (long_name, ""), "1h", "sales") == 7.0


@pytest.mark.parametrize(
    "garbage",
    [b"kqi_office_sales", b"kqi_office_sales{ x", b'kqi_office_sales{office="a"} nothing', b"\xff\xfe", b"{} 1"],
)
def test_garbage(garbage):
    """What no worker would say changes nothing else."""
    text = family("kqi_office_sales", garbage + b"\n", line("kqi_office_sales", 2.0, office="b", window="1h"))
    assert value_of(Reader().read([text]), "office", ("b", ""), "1h", "sales") == 2.0
