"""The generated documents against the parser of each standard, and against the decoder."""

import json
import subprocess
from pathlib import Path

import jsonschema
import msgspec
import pytest

from streams.directory_check import from_toml, read, to_message
from streams.events import EVENT_NAMES, TOPICS
from streams.outputs import DeadLetterHeaders, IndexValue, Indices, Survey
from streams.refusals import REASONS
from streams.schema import asyncapi, event_schemas
from tests import npm
from tests.streams.specimens import COMMON, OPTIONAL, SPECIMENS, alone, event, message
from tests.streams.test_limits import LIMITS, with_value

SCHEMAS = event_schemas()
DOCUMENT = asyncapi(prefix="test.", partitions=7, version="1.2.3")
CHECK = Path(__file__).parent.parent / "asyncapi"


def takes(name, value):
    """Say whether the schema of a type takes a message."""
    return jsonschema.Draft202012Validator(SCHEMAS[name]).is_valid(json.loads(value))


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_json_schema(name):
    """Every type has a schema of draft 2020-12, described field by field."""
    schema = SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["description"]
    assert schema["properties"].keys() == {"type"} | COMMON.keys() | SPECIMENS[name].keys()
    assert all(described.get("description") for field, described in schema["properties"].items() if field != "type")
    assert set(schema["required"]) == {"type"} | COMMON.keys() | (SPECIMENS[name].keys() - OPTIONAL[name].keys())
    assert "$ref" not in json.dumps(schema)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_schema_and_decoder_agree_on_fields(name):
    """Both want the required fields, take null for the optional ones, and leave unknown fields alone."""
    assert takes(name, message(name, extra={"anything": [1]}))
    assert not takes(name, b"[]")
    assert not takes(name, message(next(other for other in EVENT_NAMES if other != name)))
    for field in event(name):
        without = {key: value for key, value in event(name).items() if key != field}
        for value in (without, without | {field: None}):
            written = json.dumps(value).encode()
            assert takes(name, written) is (alone(written)[1] is not None), field


# What the decoder refuses and no schema can say, by field: integers written with a fraction or an exponent, days that no
# calendar has, times before 1970, the order of two times.
UNSAID = {"1.0", "0.0", "1e2", "1e3", '{"a": 1.0}', '"2020-02-30T00:00:00Z"', '"1969-12-31T23:59:59.999Z"'}
OUT_OF_ORDER = {("verdict", "from"), ("verdict", "to")}
# And the other way round: a criterion without a score is not there, so its name may be anything.
UNNAMED = {'{"": null}', '{"\\n": null}'}


@pytest.mark.parametrize(("name", "field"), LIMITS, ids=map(".".join, LIMITS))
def test_schema_and_decoder_agree_on_values(name, field):
    """Both take and refuse the same values of every field, but for what is stated above."""
    good, bad = LIMITS[name, field]
    for value in (*good, *bad):
        written = with_value(name, field, value)
        text = value if isinstance(value, str) and type(value) is not str else json.dumps(value)
        taken = alone(written)[1] is not None
        if text in UNNAMED:
            assert taken
        elif text in UNSAID or (isinstance(value, int) and 0 <= value < 2**53 and (name, field) in OUT_OF_ORDER):
            assert not taken or takes(name, written), value
        else:
            assert takes(name, written) is taken, value


@pytest.mark.parametrize(("metric", "lowest", "highest"), [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)])
def test_scores_in_the_schema(metric, lowest, highest):
    """The schema knows the scale of every metric."""
    for score in range(-1, 12):
        assert takes("rating", message("rating", metric=metric, score=score)) is (lowest <= score <= highest)


def test_topics():
    """The document has every topic, in and out, with its prefix, its partitions and its messages."""
    inputs = {topic.name: [EVENT_NAMES[kind] for kind in topic.kinds] for topic in TOPICS.values()}
    outputs = {name: [name] for name in ("surveys", "indices", "dead-letters")}
    inputs["directory"] = ["defaults", "office", "employee", "panel", "plan", "matrix"]
    assert {name: list(channel["messages"]) for name, channel in DOCUMENT["channels"].items()} == inputs | outputs
    for name, channel in DOCUMENT["channels"].items():
        assert channel["address"] == channel["bindings"]["kafka"]["topic"] == f"test.{name}"
        assert channel["bindings"]["kafka"]["partitions"] == (1 if name == "directory" else 7)
    assert {operation["channel"]["$ref"].rpartition("/")[2]: operation["action"] for operation in DOCUMENT["operations"].values()} == (
        dict.fromkeys(inputs, "receive") | dict.fromkeys(outputs, "send")
    )  # fmt: skip
    compacted = [
        name for name, channel in DOCUMENT["channels"].items() if "topicConfiguration" in channel["bindings"]["kafka"]
    ]
    assert compacted == ["indices", "directory"]


def test_output_messages():
    """What the worker encodes is what the document says."""
    survey = Survey("s", "o", "p", "e", 1, "office", "silent", valid=True, force_majeure=False, revision=5)
    indices = Indices(
        "queue",
        "o",
        None,
        "sales",
        None,
        None,
        1,
        {"15m": {"iel": IndexValue(None, 0), "abandonment": IndexValue(0.5, 4)}},
    )
    headers = DeadLetterHeaders("bad_value", "kqi.presses", "3", "17")
    for value in (survey, indices, headers):
        schema = {"$ref": f"#/components/schemas/{type(value).__name__}", "components": DOCUMENT["components"]}
        validator = jsonschema.Draft202012Validator(schema)
        written = json.loads(msgspec.json.encode(value))
        validator.validate(written)
        for name in written:
            assert not validator.is_valid(written | {name: []})
    assert DOCUMENT["components"]["schemas"]["DeadLetterHeaders"]["properties"]["reason"]["enum"] == list(REASONS)


def test_entries_of_the_directory():
    """What is published of a directory is what the document says."""
    text = (CHECK.parents[1] / "docs" / "directory.md").read_text().split("```")[1].removeprefix("toml")
    found = read(from_toml(text, "the example")).directory
    assert found is not None
    for entry in found.entries.values():
        written = json.loads(to_message(entry)[1])
        schema = {"$ref": f"#/components/schemas/{type(entry).__name__}", "components": DOCUMENT["components"]}
        validator = jsonschema.Draft202012Validator(schema)
        validator.validate(written)
        assert not validator.is_valid(written | {"unknown": 1})
        for name in written:
            assert not validator.is_valid(written | {name: [5]}), name


@pytest.fixture(scope="module")
def asyncapi_parser():
    """Return what parses a document with the standard's own parser; installed once, outside of the tree."""
    home = npm.installed(CHECK)

    def parse(document):
        command = ["node", str(CHECK / "check.cjs"), str(home)]
        done = subprocess.run(
            command, input=json.dumps(document), capture_output=True, text=True, timeout=60, check=True
        )
        return json.loads(done.stdout)

    return parse


@pytest.mark.node
def test_asyncapi(asyncapi_parser):
    """The standard's parser has nothing against the document and finds all that is in it."""
    parsed = asyncapi_parser(DOCUMENT)
    # AsyncAPI 3.0 is what we mean; that there is a 3.1 is no fault.
    assert [found for found in parsed["diagnostics"] if found["code"] != "asyncapi-latest-version"] == []
    assert parsed["messages"] == {
        channel["address"]: list(channel["messages"]) for channel in DOCUMENT["channels"].values()
    }


@pytest.mark.node
@pytest.mark.parametrize(
    "fault",
    [
        {"asyncapi": "2.0"},
        {"info": {}},
        {"channels": {"presses": {"messages": {"seller_press": {"$ref": "#/nowhere"}}}}},
        {"components": {"schemas": {"Call": {"type": "nothing"}}}},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_asyncapi_parser_finds_faults(asyncapi_parser, fault):
    """The standard's parser is really asked: a broken document does not pass."""
    severities = [found["severity"] for found in asyncapi_parser(DOCUMENT | fault)["diagnostics"]]
    assert 0 in severities
