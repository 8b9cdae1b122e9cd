"""The documents name everything that there is, with its values, and their examples are true."""

import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from aiokafka.partitioner import murmur2

from agents.cli import app
from agents.directory_files import read_files
from agents.replay import replay
from agents.telemetry import Telemetry
from kernels.formulas import DIRICHLET_LOWER, RATE_LOWER, WILSON_LOWER
from kernels.layout import COUNTERS, NO, SILENT, YES, survey_code
from streams.alert_rules import alert_rules
from streams.alerting import greatest_burn
from streams.catalogue import catalogue, metric_name
from streams.comparable import BETTER
from streams.comparison import Comparing
from streams.configuration import Configuration, configure, from_settings
from streams.departments import PEER_INDICES
from streams.directory import KINDS
from streams.directory_check import from_toml
from streams.directory_check import read as read_directory
from streams.engine import Engine
from streams.events import EVENT_NAMES, TOPIC_OF_KIND, TOPICS
from streams.explanation import REASONS_LEFT_OUT
from streams.fields import FIELDS
from streams.index import OUTCOMES
from streams.inquiry import WHOSE
from streams.outputs import OUTPUT_TOPICS, Indices, Survey
from streams.refusals import REASONS
from streams.request_evidence import REASONS as REASONS_OF_REQUESTS
from streams.results import rows
from streams.signs import SIGNS
from streams.structs import decode_structs as decode
from streams.times import instant_ms
from streams.trust import DIAGNOSES, MAIN
from streams.trust import REASONS as REASONS_AGAINST
from tests import documents
from tests.documents import ROOT, WRITTEN, blocks, code, section, spread, table, tables, text
from tests.service import kqi_inside

CONFIGURATION = Configuration()
# Tables of values, row by row; the table of all indices has formulas in these columns, and units.
TABLES_OF_VALUES = [
    each for each in tables(text("method")) if {"index", "value", "base"} <= set(each.head) and "unit" not in each.head
]
EXAMPLES = [
    pytest.param(each.command, row, id=" ".join(row.values())) for each in TABLES_OF_VALUES for row in each.rows
]


def test_every_index_is_described():
    """The table of indices has each of them but ends of intervals, in order, with its unit and its metric in every scope."""
    described = table(section("method", "All indices"), "index", "unit", "value", "base", "metric")
    assert [(code(row["index"])[0], row["unit"], spread(code(row["metric"])[0])) for row in described] == [
        (index.name, index.unit, {metric_name(scope, index) for scope in index.scopes})
        for index in catalogue(CONFIGURATION)
        if not index.name.endswith(("_lower", "_upper"))
    ]


def test_every_index_of_departments_is_described():
    """They have a table of their own."""
    described = table(section("method", "Departments rate each other"), "index", "unit", "value", "base", "metric")
    assert [(code(row["index"])[0], row["unit"], spread(code(row["metric"])[0])) for row in described] == [
        (index.name, index.unit, {metric_name(scope, index) for scope in index.scopes}) for index in PEER_INDICES
    ]


def test_every_interval_is_described():
    """The three kinds have the ratios that they are of."""
    kinds = section("method", "Intervals").split("\n**")[1:]
    indices = {index.name: index for index in catalogue(CONFIGURATION)}
    named = {f"{ratio}_lower": kind for kind in kinds[1:] for ratio in code(kind.split(")")[0])}
    named |= {f"{name}_lower": kinds[0] for name in (*MAIN, "nps")}
    assert len(kinds) == 3
    assert {name: kinds.index(kind) for name, kind in named.items()} == {
        name: (DIRICHLET_LOWER, WILSON_LOWER, RATE_LOWER).index(index.kind)
        for name, index in indices.items()
        if name.endswith("_lower")
    }


def test_every_deviation_is_described():
    """The table of deviations has each of them, of one index, with its unit and its metric; and by which indices there are any."""
    described = table(section("method", "Employees beside their peers"), "deviation", "unit", "tells", "base", "metric")
    rules = {"indices": ["ink_personnel"], "critical_points": {"ink_personnel": 0.3}}
    rows = Comparing(configure(("the test", {"comparison": rules}))).indices
    assert {(name, row["unit"]) for row in described for name in code(row["deviation"])} == {
        (row.name, row.unit) for row in rows
    }
    assert {name for row in described for name in spread(code(row["metric"])[0])} == {
        metric_name("employee", row) for row in rows
    }
    sides = table(section("method", "Employees beside their peers"), "index", "better")
    assert {name: row["better"] for row in sides for name in code(row["index"])} == BETTER


def test_every_reason_and_diagnosis_is_described():
    """In the order in which they are looked at."""
    reasons = table(section("method", "Representative or not"), "reason", "when")
    assert [code(row["reason"])[0] for row in reasons] == list(REASONS_AGAINST)
    diagnoses = table(section("method", "Where the cause lies"), "diagnosis", "when")
    assert [code(row["diagnosis"])[0] for row in diagnoses] == list(DIAGNOSES)


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
    configuration = configure(from_settings(settings))
    directory = read_files(str(ROOT / path) for path in configuration.directory).directory
    replayed = replay([str(ROOT / file)], configuration, at and instant_ms(at), directory)
    found = [
        each
        for each in rows(replayed.engine, replayed.partition)
        if each["index"] == code(row["index"])[0]
        and each["scope"] == scope
        and name
        in (
            each["office_id"],
            each["employee_id"],
            *(each.get(name) for name in ("queue", "priority", "category", "department")),
        )
    ]
    assert [(_shown(each["value"]), str(each["base"])) for each in found] == [(row["value"], row["base"])]


def _shown(value):
    return "none" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _value(configuration, name, counts):
    """Value of an index for counts of surveys: (question, outcome, inside) -> count."""
    engine = Engine(configuration)
    index = next(index for index in engine.evaluation.indices if index.name == name)
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
            default = {} if field.default is msgspec.NODEFAULT else field.default
            yield path + field.name, tuple(map(msgspec.to_builtins, default)) if isinstance(default, tuple) else default


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
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert sorted(described) == sorted(commands + groups)


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


def test_the_example_of_a_directory_is_right():
    """It is a directory without a fault, and every field of every table is explained, and no other."""
    [example] = blocks(text("directory"), "toml")
    found = read_directory(from_toml(example, "the document"))
    assert found.faults == []
    assert [*found.directory.offices] == ["riga-1", "lisbon-1"]
    explained = {}
    kind = ""
    for row in table(section("directory", "What it holds"), "table", "field", "value"):
        kind = code(row["table"])[0] if row["table"] else kind  # it is named once
        kind_of = {"defaults": "defaults", "matrices": "matrix"}.get(kind, kind.removesuffix("s"))
        explained.setdefault(kind_of, []).extend(code(row["field"]))
    assert {kind: set(fields) for kind, fields in explained.items()} == {
        kind: {field.encode_name for field in msgspec.structs.fields(struct)} for kind, struct in KINDS.items()
    }


def test_every_alert_and_setting_of_them_is_described():
    """The table of alerts has each of them, and no other; the refusal is the one that is shown."""
    rows = table(section("operations", "Alerts"), "alert", "when")
    every = configure(
        (
            "the test",
            {
                "request_targets": [{"priority": "p", "stage": "resolved", "within": "1d", "objective": 0.8}],
                "comparison": {"critical_points": {"ink_personnel": 0.3}},
            },
        )
    )
    made = [alert.name for members in alert_rules(every).values() for alert in members]
    assert [name for row in rows for name in code(row["alert"])] == list(dict.fromkeys(made))
    [(command, printed)] = [each for each in _sessions("operations") if each[0].startswith("kqi rules")]
    assert kqi_inside(*shlex.split(command)[1:]).stderr.splitlines() == printed


def test_the_table_of_error_budgets_is_true():
    """Greatest rates, and errors at each limit."""
    for row in table(section("operations", "Error budgets"), "objective", "greatest burn rate"):
        objective = int(row["objective"].removesuffix(" %")) / 100
        assert row["greatest burn rate"] == f"{greatest_burn(objective):.3g}"
        for limit, column in ((3, "errors at 3"), (2, "at 2"), (1.2, "at 1.2")):
            assert row[column] == f"{100 * limit * (1 - objective):.3g} %"


@pytest.mark.parametrize("name", WRITTEN)
def test_links_lead_somewhere(name):
    """Links to files and headings of the project have a target."""
    for target in documents.links(text(name)):
        path, _, anchor = target.partition("#")
        file = (documents.DOCS / path) if path else documents.DOCS / f"{name}.md"
        assert file.exists(), target
        if anchor:
            assert anchor in documents.anchors(Path(file).read_text(encoding="utf-8")), target


def _sessions(name):
    """Yield the commands of a document that stand behind `$ `, with the lines that stand below each."""
    command, printed = None, []
    for line in [*text(name).splitlines(), "end"]:
        if command is not None and (line.startswith("    $ ") or (line and not line.startswith("    "))):
            yield command, "\n".join(printed).rstrip().splitlines()
            command = None
        if line.startswith("    $ "):
            command, printed = line.removeprefix("    $ "), []
        elif command is not None:
            printed.append(line.removeprefix("    ").rstrip())


def test_sessions_of_explanations_are_true():
    """What the examples of explain.md print is what the commands print; `...` stands for whatever is of no interest."""
    sessions = list(_sessions("explain"))
    assert [command.split()[1] for command, _ in sessions] == [
        "explain",
        "explain",
        "explain",
        "explain",
        "what-if",
        "signs",
    ]
    for command, printed in sessions:
        done = kqi_inside(*shlex.split(command)[1:])
        assert done.exit_code == 0, done.stderr
        said = [line.rstrip() for line in done.stdout.rstrip().splitlines()]
        assert len(said) == len(printed), command
        for line, right in zip(said, printed, strict=True):
            assert re.fullmatch(re.escape(right).replace(r"\.\.\.", ".*"), line), line


def test_parts_and_signs_of_explanations_are_described():
    """The tables of explain.md have every sign and every reason."""
    described = [code(row["sign"])[0] for row in table(section("explain", "Signs of gaming"), "sign", "counts")]
    assert described == list(SIGNS)
    listed = [each for each in tables(section("explain", "What is listed")) if "reason" in each.head]
    reasons = [[code(row["reason"])[0] for row in each.rows] for each in listed]
    assert reasons == [list(REASONS_LEFT_OUT), list(REASONS_OF_REQUESTS)]


def test_whose_values_are_explained_is_described():
    """Every option that says whose value it is stands in the table, as an argument of the page, too."""
    described = table(section("explain", "Whose values"), "whose", "options", "as arguments of the page")
    options = [name.removeprefix("--") for row in described for name in code(row["options"]) if name.startswith("--")]
    assert {name.replace("-", "_") for name in options} | {"criterion"} == set(WHOSE)
