"""What `kqi simulate` writes."""

import io
import os
import threading
from collections import Counter

import orjson
import pytest

from agents.simulate import run
from streams.structs import decode_structs as decode
from streams.times import instant_ms


def lines_of(**parameters):
    """Return the lines of a short simulation."""
    out = io.BytesIO()
    count = run(out, **{"offices": 2, "employees": 4, "days": 1} | parameters)
    lines = out.getvalue().splitlines()
    assert count == len(lines)
    return lines


def test_same_parameters_same_bytes():
    """The same parameters give the same bytes, without a clock."""
    assert lines_of(invalid=0.05) == lines_of(invalid=0.05)
    assert lines_of(seed=2) != lines_of(seed=1)


def test_events_stops():
    """It stops after so many good events."""
    assert lines_of(events=50) == lines_of()[:50]


def test_start():
    """A start may be RFC 3339 or milliseconds; anything else is refused with a sentence."""
    assert instant_ms("2026-01-05T01:00:00+01:00") == instant_ms("1767571200000") == 1_767_571_200_000
    for wrong in ("2026-01-05", "now", "-1", "9" * 20):
        with pytest.raises(ValueError, match="is no time"):
            instant_ms(wrong)


def test_invalid_lines(tmp_path):
    """About the share asked for is bad, each for the reason that the truth names; the good events stay as they were."""
    truth = tmp_path / "truth.ndjson"
    lines = lines_of(invalid=0.1, truth=truth)
    told = {
        record["line"]: record["reason"]
        for record in map(orjson.loads, truth.open("rb"))
        if record["truth"] == "bad_line"
    }
    rejects = {reject.position + 1: reject.reason for reject in decode(lines).rejects}
    assert rejects == told
    assert set(Counter(rejects.values())) == {
        "not_json",
        "not_an_object",
        "unknown_type",
        "missing_field",
        "bad_value",
        "too_large",
    }
    assert 0.07 < len(rejects) / len(lines) < 0.13
    assert [line for number, line in enumerate(lines, 1) if number not in rejects] == lines_of()


def test_truth(tmp_path):
    """The truth is NDJSON: offices and employees first, then surveys and force majeures."""
    truth = tmp_path / "truth.ndjson"
    lines_of(days=3, truth=truth)
    records = [orjson.loads(line) for line in truth.open("rb")]
    assert records[0]["truth"] == "office"
    assert {record["truth"] for record in records} == {"office", "employee", "survey", "force_majeure"}


def test_reader_leaves():
    """A reader that closes its end, as `head` does, ends it quietly."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as out:
        reader = threading.Thread(target=lambda: (os.read(read, 100), os.close(read)))
        reader.start()
        assert run(out, days=30) == 0
        reader.join()


@pytest.mark.parametrize("wrong", [{"days": 0}, {"invalid": 1}, {"invalid": -0.1}, {"offices": 0}, {"start": "soon"}])
def test_unusable_parameters(wrong):
    """Parameters that make no sense are refused with a sentence."""
    with pytest.raises(ValueError, match=r"days|share|at least|is no time"):
        run(io.BytesIO(), **wrong)
