"""What the definitions of the event types say about each field, for those who check values and say what is wrong with them."""

from typing import Any, Final, NamedTuple

import msgspec
from msgspec import inspect, json

from streams.events import EVENT_TYPES, Event


class Field(NamedTuple):
    """What the definitions say of one field of an event."""

    name: str  # in JSON
    attribute: str  # of the struct
    required: bool
    default: Any
    holds_ids: str  # "one", "list", "keys", or "" for none
    holds_time: bool
    expected: str  # in words
    decoder: json.Decoder[Any]


def _fields(event_type: type[Event]) -> tuple[Field, ...]:
    """List the fields of an event type."""
    described = inspect.type_info(event_type)
    assert isinstance(described, inspect.StructType)
    types = {field.encode_name: field.type for field in msgspec.structs.fields(event_type)}
    fields = []
    for field in described.fields:
        kinds = [_bare(kind) for kind in _alternatives(field.type)]
        fields.append(
            Field(
                name=field.encode_name,
                attribute=field.name,
                required=field.required,
                default=None if field.required else field.default,
                holds_ids=next(filter(None, map(_place_of_ids, kinds)), ""),
                holds_time=any(_is_time_text(kind) for kind in _alternatives(field.type)),
                expected=" or ".join(_expected(kind) for kind in _alternatives(field.type)),
                decoder=json.Decoder(types[field.encode_name]),
            )
        )
    return tuple(fields)


def _bare(described: inspect.Type) -> inspect.Type:
    return _bare(described.type) if isinstance(described, inspect.Metadata) else described


def _alternatives(described: inspect.Type) -> list[inspect.Type]:
    """List the types that a value may have, without null."""
    bare = _bare(described)
    kinds = list(bare.types) if isinstance(bare, inspect.UnionType) else [described]
    return [kind for kind in kinds if not isinstance(kind, inspect.NoneType)]


def _is_time_text(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.Metadata) and (kind.extra_json_schema or {}).get("format") == "date-time"


def _place_of_ids(kind: inspect.Type) -> str:
    """Say where in a value ids stand. Of all strings only ids are limited in length."""
    match kind:
        case inspect.StrType(max_length=int()):
            return "one"
        case inspect.ListType():
            return "list"
        case inspect.DictType():
            return "keys"
    return ""


def _expected(kind: inspect.Type) -> str:  # noqa: PLR0911 (a table)
    """Say in words what a type takes."""
    if _is_time_text(kind):
        return "an RFC 3339 text with an offset"
    match _bare(kind):
        case inspect.IntType(ge=least, le=most):
            return f"an integer from {least} to {most}"
        case inspect.FloatType(ge=least, le=most):
            return f"a number from {least:g} to {most:.0f}"
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.StrType(max_length=None):
            return "a string"
        case inspect.StrType(min_length=least, max_length=most):
            return f"a string of {least} to {most} characters without control characters"
        case inspect.ListType(max_length=most):
            return f"a list of {'' if most is None else f'at most {most} '}ids"
        case inspect.DictType(value_type=value):
            return f"an object of ids, each with {_expected(_alternatives(value)[0])}"
    raise TypeError(f"no words for {kind}")


# By kind code.
FIELDS: Final = tuple(_fields(event_type) for event_type in EVENT_TYPES)
