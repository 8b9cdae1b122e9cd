"""`kqi what-if`: each column is what a replay under its settings gives."""

import gzip
import json

import pytest

from agents.what_if import combinations
from tests.reference.companies import START_MS, company
from tests.service import kqi_inside

VARIED = ("silent_weight=0.5,0.8,1.0", "force_majeure_excludes=all,numerator", "debounce_ms=400,1000")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return a file of a random company."""
    path = tmp_path_factory.mktemp("company") / "events.ndjson.gz"
    path.write_bytes(gzip.compress(b"".join(json.dumps(each).encode() + b"\n" for each in company(1, steps=30))))
    return path


def document(*arguments):
    """Run a command that prints JSON and must go well."""
    done = kqi_inside(*arguments, "--format", "json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout_bytes)


def names(row):
    """Return what names a row."""
    return tuple(row[key] for key in ("scope", "office_id", "employee_id", "window", "index"))


@pytest.mark.parametrize("at", [(), ("--at", str(START_MS + 500_000))])
def test_columns_are_replays(file, at):
    """Values, bases and differences are those of a replay under each combination; the first is the configuration as it is."""
    vary = [part for each in VARIED for part in ("--vary", each)]
    compared = document("what-if", file, "--employees", *vary, *at)
    assert [each["name"] for each in compared["settings"]][:3] == [
        "as it is",
        "silent_weight=0.5, debounce_ms=400",
        "silent_weight=0.5",
    ]
    assert len(compared["settings"]) == 12
    for column, setting in enumerate(compared["settings"]):
        given = [
            part
            for key in ("silent_weight", "force_majeure_excludes", "debounce_ms")
            for part in ("--set", f"{key}={setting['config'][key]}")
        ]
        replayed = document("replay", file, *given, *at)
        assert replayed["at"] == compared["at"]
        right = {
            names(row): (row["value"], row["base"])
            for row in replayed["indices"]
            if row["scope"] in {"office", "employee"}
        }
        assert {names(row): (row["values"][column], row["bases"][column]) for row in compared["rows"]} == right
    for row in compared["rows"]:
        assert row["differences"] == [
            None if None in (value, row["values"][0]) or isinstance(value, str) else value - row["values"][0]
            for value in row["values"]
        ]
    assert any(value not in {None, 0} for row in compared["rows"] for value in row["differences"])


def test_windows_side_by_side(file):
    """Each column is the replay of one window, alone or together with other settings; rows are of no window."""
    compared = document("what-if", file, "--vary", "windows=1h,24h", "--vary", "silent_weight=0.8,0.5")
    assert {each["name"]: each["config"]["windows"] for each in compared["settings"]} == {
        "as it is, windows=1h": ["1h"],
        "windows=1h, silent_weight=0.5": ["1h"],
        "windows=24h": ["24h"],
        "windows=24h, silent_weight=0.5": ["24h"],
    }
    for column, setting in enumerate(compared["settings"]):
        given = [
            f"windows={json.dumps(setting['config']['windows'])}",
            f"silent_weight={setting['config']['silent_weight']}",
        ]
        replayed = document("replay", file, *(part for each in given for part in ("--set", each)))
        right = {
            (row["scope"], row["office_id"], row["index"]): row["value"]
            for row in replayed["indices"]
            if row["scope"] == "office"
        }
        found = {(row["scope"], row["office_id"], row["index"]): row["values"][column] for row in compared["rows"]}
        assert {name: value for name, value in found.items() if name in right} == right
        assert not any(value for name, value in found.items() if name not in right)
    assert {row["window"] for row in compared["rows"]} == {None}
    assert any(row["values"][0] != row["values"][2] for row in compared["rows"])


def test_the_table_shows_what_differs(file):
    """A row that no setting changes is only counted; an office may be chosen."""
    done = kqi_inside("what-if", file, "--vary", "silent_weight=0", "--office", "office-0", "--set", 'windows=["1h"]')
    assert done.exit_code == 0, done.stderr
    assert "ink_office" in done.stdout
    assert "office-1" not in done.stdout
    assert "revenue" not in done.stdout
    assert "rows are the same under all settings" in done.stdout


DIRECTORY = """
[defaults]
questions = "office"

[[offices]]
id = "office-0"
representative_by = "none"
"""


def test_the_directory_and_what_is_judged(file, tmp_path):
    """Columns are replays also where judgements differ, by the directory that the configuration names; texts are shown as they change."""
    offices = tmp_path / "offices.toml"
    offices.write_text(DIRECTORY)
    common = ("--set", f"directory={offices}", "--set", 'windows=["1h"]', "--set", "min_surveys=2")
    vary = ("coverage_limits=[0,1e9],[0,0.01]", "force_majeure_level_max=1,0", "reference.ink_personnel=0.2,0.9")
    given = [*common, "--set", "representative_by=coverage"]
    compared = document("what-if", file, *given, *(part for each in vary for part in ("--vary", each)))
    assert len(compared["settings"]) > 6
    for column, setting in enumerate(compared["settings"]):
        config = setting["config"]
        changed = [
            f"coverage_limits={config['coverage_limits']}",
            f"force_majeure_level_max={config['force_majeure_level_max']}",
            f"reference.ink_personnel={config['reference']['ink_personnel']}",
        ]
        replayed = document("replay", file, *given, *(part for each in changed for part in ("--set", each)))
        right = {names(row): row["value"] for row in replayed["indices"] if row["scope"] == "office"}
        assert {names(row): row["values"][column] for row in compared["rows"]} == right
    told = {tuple(row["values"]) for row in compared["rows"] if row["index"] == "diagnosis"}
    assert any(len(set(values)) > 1 for values in told)
    done = kqi_inside("what-if", file, *given, "--vary", "force_majeure_level_max=1,0")
    assert "not_enough_data -> " in done.stdout + done.stderr or " -> not_enough_data" in done.stdout
    asked = {row["values"][0] is not None for row in compared["rows"] if row["index"] == "ink_office"}
    assert asked == {True}


@pytest.mark.parametrize(
    ("varied", "said"),
    [
        (["silent_weight"], "expected key=value"),
        (["partitions=1,2"], "expected one of the keys"),
        (["correction_horizon_s.presses=1,2"], "expected one of the keys"),
        (["debounce_ms=1", "debounce_ms=2"], "a key twice"),
        (["debounce_ms=" + ",".join(map(str, range(40)))], "40 combinations are too many"),
    ],
)
def test_what_cannot_be_varied(varied, said):
    """One sentence says what is wrong."""
    with pytest.raises(ValueError, match=said):
        combinations(varied)


def test_a_wrong_value(file):
    """A value that its key cannot have is a fault of the arguments."""
    done = kqi_inside("what-if", file, "--vary", "silent_weight=2")
    assert done.exit_code == 2
    assert "silent_weight" in done.stderr
