"""The contract in the words of its standards: a JSON Schema of every event type, an AsyncAPI document of all topics.

Both are generated from the types in `streams.events`, `streams.outputs` and `streams.directory`. A schema says less than the decoder checks: not
which days a calendar has, the order of two times, the size of a message, or that no key stands twice; and 1.0 is an integer
to JSON Schema.
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

import msgspec

from streams import directory
from streams.events import EVENT_NAMES, EVENT_TYPES, HIGHEST_SCORE, LOWEST_SCORE, RATING, TOPICS, Id, Topic
from streams.outputs import OUTPUT_TOPICS, OutputTopic

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_COMMON_FIRST: Final = ("type", "event_id", "ts", "office_id")
_BINDING_VERSION: Final = "0.5.0"
_REFERENCE: Final = "#/components/schemas/{name}"
_DIRECTORY_KEY: Final = (
    "JSON array of the kind, the office (unless the entry is one) and the id, so that compaction keeps the last message of"
    " each entry; one without a value takes the entry out"
)


def event_schemas() -> dict[str, Schema]:
    """Return a JSON Schema (draft 2020-12) of every event type, by its name."""
    components = _components()
    return {
        name: {"$schema": DIALECT} | components[event_type.__name__]
        for name, event_type in zip(EVENT_NAMES, EVENT_TYPES, strict=True)
    }


def asyncapi(*, prefix: str, partitions: int, version: str) -> Schema:
    """Return the AsyncAPI 3.0 document of all topics, as the worker sees them: it receives events and sends what it found.

    `prefix` stands before every topic's name, `partitions` is the partition count of each, `version` that of the service.
    """
    topics: list[Topic | OutputTopic] = [*TOPICS.values(), *OUTPUT_TOPICS.values()]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Service-quality indices",
            "version": version,
            "description": "Events of offices in, surveys and indices out. Every message has the office's id for its key, and"
            " partition = murmur2(key) mod partitions as Kafka's Java clients count it, so that all of an office lies in one"
            " partition of every topic; but not the entries of the directory, which lie in one for all.",
        },
        "defaultContentType": "application/json",
        "channels": {
            topic.name: _channel(topic.name, _messages(topic), prefix, partitions, compacted=_is_compacted(topic))
            for topic in topics
        }
        | {directory.TOPIC: _channel(directory.TOPIC, _entries(), prefix, partitions=1, compacted=True)},
        "operations": dict(
            [*(_operation(_action(topic), topic.name) for topic in topics), _operation("receive", directory.TOPIC)]
        ),
        "components": {
            "messages": dict(chain.from_iterable(_messages(topic).items() for topic in topics)) | _entries(),
            "schemas": _components(),
        },
    }


def _components() -> dict[str, Schema]:
    """Return the schemas of all payloads and headers, by the names of their structs."""
    outputs = [struct for topic in OUTPUT_TOPICS.values() for struct in (topic.payload, topic.headers) if struct]
    _, components = msgspec.json.schema_components(
        [*EVENT_TYPES, *outputs, *directory.KINDS.values()], ref_template=_REFERENCE
    )
    for event_type in EVENT_TYPES:
        properties = components[event_type.__name__]["properties"]
        names = [*_COMMON_FIRST, *(name for name in properties if name not in _COMMON_FIRST)]
        components[event_type.__name__]["properties"] = {name: properties[name] for name in names}
    components[EVENT_TYPES[RATING].__name__]["allOf"] = [
        {
            "if": {"properties": {"metric": {"const": metric}}, "required": ["metric"]},
            "then": {"properties": {"score": {"minimum": lowest, "maximum": HIGHEST_SCORE[metric]}}},
        }
        for metric, lowest in LOWEST_SCORE.items()
    ]
    return components


def _action(topic: Topic | OutputTopic) -> str:
    return "receive" if isinstance(topic, Topic) else "send"


def _is_compacted(topic: Topic | OutputTopic) -> bool:
    return isinstance(topic, OutputTopic) and topic.compacted


def _operation(action: str, topic: str) -> tuple[str, Schema]:
    return f"{action}-{topic}", {"action": action, "channel": {"$ref": f"#/channels/{topic}"}}


def _channel(name: str, messages: Iterable[str], prefix: str, partitions: int, *, compacted: bool) -> Schema:
    kafka: Schema = {"topic": prefix + name, "partitions": partitions, "bindingVersion": _BINDING_VERSION}
    if compacted:
        kafka["topicConfiguration"] = {"cleanup.policy": ["compact"]}
    return {
        "address": prefix + name,
        "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in messages},
        "bindings": {"kafka": kafka},
    }


def _messages(topic: Topic | OutputTopic) -> dict[str, Schema]:
    """Return the messages of a topic by name: one for each event type, or the one of an output topic."""
    if isinstance(topic, Topic):
        return {EVENT_NAMES[kind]: _message(EVENT_NAMES[kind], EVENT_TYPES[kind]) for kind in topic.kinds}
    message = _message(topic.name, topic.payload, topic.key)
    if topic.headers is not None:
        message["headers"] = {"$ref": _REFERENCE.format(name=topic.headers.__name__)}
    return {topic.name: message}


def _entries() -> dict[str, Schema]:
    """Return the messages of the directory's topic by name: one for each kind of entry."""
    return {kind: _message(kind, struct, _DIRECTORY_KEY) for kind, struct in directory.KINDS.items()}


def _message(name: str, payload: type[msgspec.Struct] | None, key: str = "office_id") -> Schema:
    """Return a message whose payload is a struct in JSON, or bytes that may be anything, under the key that they came with."""
    if payload is None:
        return {"name": name, "contentType": "application/octet-stream"}
    return {
        "name": name,
        "summary": payload.__doc__,
        "payload": {"$ref": _REFERENCE.format(name=payload.__name__)},
        "bindings": {"kafka": {"key": _key(key), "bindingVersion": _BINDING_VERSION}},
    }


def _key(description: str) -> Schema:
    schema: Schema = msgspec.json.schema(Id) if description == "office_id" else {"type": "string"}
    return schema | {"description": description}
