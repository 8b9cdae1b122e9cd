"""The documents name everything that there is, with its values, and their examples are true."""

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from aiokafka.partitioner import murmur2

from agents.cli import app
from agents.replay import replay
from agents.telemetry import Telemetry
from kernels.layout import COUNTERS, NO, SILENT, YES, survey_code
from streams.catalogue import catalogue, metric_name
from streams.configuration import Configuration, configure, from_settings
from streams.engine import Engine
from streams.events import EVENT_NAMES, TOPIC_OF_KIND, TOPICS
from streams.fields import FIELDS
from streams.index import OUTCOMES
from streams.outputs import OUTPUT_TOPICS, Indices, Survey
from streams.refusals import REASONS
from streams.results import rows
from streams.structs import decode_structs as decode
from streams.times import instant_ms
from tests import documents
from tests.documents import ROOT, WRITTEN, blocks, code, section, spread, table, tables, text

CONFIGURATION = Configuration()
# Tables of values, row by row; the table of all indices has formulas in these columns, and units.
TABLES_OF_VALUES = [
    each for each in tables(text("method")) if {"index", "value", "base"} <= set(each.head) and "unit" not in each.head
]
EXAMPLES = [
    pytest.param(each.command, row, id=" ".join(row.values())) for each in TABLES_OF_VALUES for row in each.rows
]


def test_every_index_is_described():
    """The table of indices has each of them, in order, with its unit and its metric in every scope, and no other."""
    described = table(section("method", "All indices"), "index", "unit", "value", "base", "metric")
    assert [(code(row["index"])[0], row["unit"], spread(code(row["metric"])[0])) for row in described] == [
        (index.name, index.unit, {metric_name(scope, index) for scope in index.scopes})
        for index in catalogue(CONFIGURATION)
    ]


@pytest.mark.parametrize(("command", "row"), EXAMPLES)
def test_examples_of_the_method_are_true(command, row):
    """What an example says of a value and its base is what a replay of its file gives."""
    _, _, file, *options = command
    settings = [value for option, value in pairwise(options) if option == "--set"]
    at = next((value for option, value in pairwise(options) if option == "--at"), None)
    if "at" in row:
        at = f"2026-03-02T{row['at']}Z"
    if "setting" in row:
        settings += code(row["setting"])
    scope, name = row.get("whose", "office riga-1").split()
    replayed = replay([str(ROOT / file)], configure(from_settings(settings)), at and instant_ms(at))
    found = [
        each
        for each in rows(replayed.engine, replayed.partition)
        if each["index"] == code(row["index"])[0]
        and each["scope"] == scope
        and name in (each["office_id"], each["employee_id"], each.get("queue"))
    ]
    assert [(_shown(each["value"]), str(each["base"])) for each in found] == [(row["value"], row["base"])]


def _shown(value):
    return "none" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"


def _value(configuration, name, counts):
    """Value of an index for counts of surveys: (question, outcome, inside) -> count."""
    engine = Engine(configuration)
    index = next(index for index in engine.indices if index.name == name)
    totals = [0] * COUNTERS
    for (question, outcome, inside), count in counts.items():
        totals[survey_code(question, outcome, inside)] = count
    over = sum(totals[counter] * weight for counter, weight in index.numerator.items())
    return over / sum(totals[counter] * weight for counter, weight in index.base.items())


def test_worked_out_values_of_main_indices_are_true():
    """The sums in the text about the three main indices come out as written."""
    outside = dict(zip(((0, outcome, 0) for outcome in range(4)), (58, 8, 2, 12), strict=True))
    inside = dict(zip(((0, outcome, 1) for outcome in range(4)), (4, 10, 1, 5), strict=True))
    written = table(section("method", "The three main indices"), "`force_majeure_excludes`", "computed")
    assert {code(row["`force_majeure_excludes`"])[0]: row["`ink_personnel`"] for row in written} == {
        choice: f"{_value(Configuration(force_majeure_excludes=choice), 'ink_personnel', outside | inside):.4f}"
        for choice in ("all", "unfavourable", "numerator")
    }
    loyalty = {(2, YES, 0): 60, (2, NO, 0): 10, (2, OUTCOMES.index("hard_to_say"), 0): 5, (2, SILENT, 0): 25}
    assert f"{_value(CONFIGURATION, 'iel', loyalty):.4f}" == "0.3000"
    assert "gives `iel` 0.3000" in section("method", "The three main indices")


def test_every_default_window_is_described():
    """The table of windows has the defaults."""
    assert (
        tuple(row["window"] for row in table(section("method", "Windows"), "window", "slice")) == CONFIGURATION.windows
    )


@pytest.mark.parametrize("kind", range(len(EVENT_NAMES)), ids=EVENT_NAMES)
def test_every_event_field_is_described(kind):
    """Each type has a section whose table, with the one of all types, has every field, required or not, and its default."""
    common = table(section("events", "Every event"), "field", "value", "required")
    own = table(section("events", EVENT_NAMES[kind]), "field", "value", "required")
    described = {code(row["field"])[0]: row["required"] for row in common + own}
    required = described.pop("type")
    assert required == "yes"
    assert {name: said == "yes" for name, said in described.items()} == {
        field.name: field.required for field in FIELDS[kind]
    }
    for field in FIELDS[kind]:
        if field.default is not None:
            said = described[field.name].removeprefix("no: ").strip("`")
            assert said == (field.default if isinstance(field.default, str) else f"{field.default:g}")


@pytest.mark.parametrize("kind", range(len(EVENT_NAMES)), ids=EVENT_NAMES)
def test_example_events_are_accepted(kind):
    """The example in the section of a type is an event of that type, accepted on its topic."""
    [example] = blocks(section("events", EVENT_NAMES[kind]), "json")
    decoded = decode([example.encode()], topic=TOPIC_OF_KIND[kind])
    assert decoded.rejects == []
    assert list(decoded.groups) == [kind]


def test_events_of_example_files_are_accepted():
    """No file of examples holds an event that is refused."""
    for file in sorted((ROOT / "docs" / "examples").glob("*.ndjson")):
        assert decode(file.read_bytes().splitlines()).rejects == [], file.name


def test_every_topic_is_described():
    """The table of topics has every topic, with the types that it carries."""
    described = {}
    for row in table(section("events", "Topics, keys, partitions"), "topic", "carries"):
        for topic in code(row["topic"]):
            described[topic.removeprefix("kqi.")] = code(row["carries"])
    assert described == {topic.name: [EVENT_NAMES[kind] for kind in topic.kinds] for topic in TOPICS.values()} | {
        name: [] for name in OUTPUT_TOPICS
    }


def test_partitions_of_example_offices_are_true():
    """The offices by which one can check a partitioner lie where the text says."""
    said = " ".join(section("events", "Topics, keys, partitions").split())
    places = {office: (murmur2(office.encode()) & 0x7FFFFFFF) % 32 for office in ("riga-1", "tallinn-2", "Rīga")}
    assert (
        f"Of 32 partitions, `riga-1` has {places['riga-1']}, `tallinn-2` has {places['tallinn-2']}, too, "
        f"and `Rīga` has {places['Rīga']}." in said
    )


def test_every_reject_reason_is_described():
    """The table of dead letters has every reason, in the order in which they are given."""
    assert tuple(code(row["reason"])[0] for row in table(section("events", "Dead letters"), "reason")) == REASONS


def test_messages_of_output_topics_are_described():
    """The examples of surveys and indices decode as such, and every field of a survey is explained."""
    [survey] = blocks(section("events", "kqi.surveys"), "json")
    [indices] = blocks(section("events", "kqi.indices"), "json")
    assert list(msgspec.json.decode(survey)) == list(Survey.__struct_fields__)
    assert list(msgspec.json.decode(indices)) == list(Indices.__struct_fields__)
    msgspec.json.decode(survey, type=Survey)
    msgspec.json.decode(indices, type=Indices)
    explained = table(section("events", "kqi.surveys"), "field", "meaning")
    assert [name for row in explained for name in code(row["field"])] == list(Survey.__struct_fields__)


def _keys(struct, path=""):
    """Yield the keys of the configuration, dotted, with their defaults."""
    for field in msgspec.structs.fields(struct):
        if isinstance(field.default, msgspec.Struct):
            yield from _keys(type(field.default), f"{field.name}.")
        else:
            yield path + field.name, field.default


def test_every_configuration_key_is_described():
    """The tables of keys have each of them, with its default and its name in the environment, and no other."""
    described = {}
    for row in table(section("operations", "Configuration"), "key", "default", "environment"):
        default = tomllib.loads(f"value = {code(row['default'])[0]}")["value"] if row["default"] != "none" else None
        described[code(row["key"])[0]] = (
            tuple(default) if isinstance(default, list) else default,
            code(row["environment"]),
        )
    assert described == {
        key: (default, [f"KQI_{key.replace('.', '_').upper()}"]) for key, default in _keys(Configuration)
    }


def test_every_metric_family_is_described():
    """The table of the worker's own metrics has every family, with its type, and no other."""
    described = {
        code(row["metric"])[0]: row["type"].split(",")[0]
        for row in table(section("operations", "Health"), "metric", "type", "tells")
    }
    collected = {family.name: family.type for family in Telemetry().registry.collect()}
    assert described == {name + "_total" * (kind == "counter"): kind for name, kind in collected.items()}
    for name in ("kqi_office_surveys", "kqi_employee_surveys", "kqi_silent_weight"):
        assert name in section("operations", "Health")
        assert name in text("method")


def test_every_command_is_described():
    """The table of commands has each of them, and no other."""
    described = [
        code(row["command"])[0].split()[1] for row in table(section("operations", "Commands"), "command", "does")
    ]
    groups = [group.name for group in app.registered_groups]
    assert sorted(described) == sorted([*(command.callback.__name__ for command in app.registered_commands), *groups])


def test_examples_of_configurations_are_right():
    """Blocks that begin with `# kqi.toml` are configurations without a fault but the password, which stands elsewhere."""
    found = text("operations").split("    # kqi.toml\n")[1:]
    assert found
    for block in found:
        toml = block[: block.index("\n    $")]
        values = tomllib.loads(toml)
        if "security_protocol" in values["kafka"]:
            values["kafka"]["sasl_password"] = "secret"
        configure(("the document", values))


def test_alerts_name_metrics_that_exist():
    """The expressions of the example alerts use families of the worker."""
    families = {family.name for family in Telemetry().registry.collect()}
    named = re.findall(r"kqi_worker_\w+", " ".join(blocks(text("operations"), "yaml")))
    assert named
    assert {name.removesuffix("_total") for name in named} <= families


@pytest.mark.parametrize("name", WRITTEN)
def test_links_lead_somewhere(name):
    """Links to files and headings of the project have a target."""
    for target in documents.links(text(name)):
        path, _, anchor = target.partition("#")
        file = (documents.DOCS / path) if path else documents.DOCS / f"{name}.md"
        assert file.exists(), target
        if anchor:
            assert anchor in documents.anchors(Path(file).read_text(encoding="utf-8")), target
