"""The tables of the scanner are those of the definitions."""

import pytest
from msgspec import inspect

from kernels import layout, vocabulary
from kernels.vocabulary import FIELDS, FORMS, KINDS, OPTIONAL, OWN
from streams import fields
from streams.events import EVENT_NAMES, EVENT_TYPES, LARGEST_DURATION_S, LARGEST_MESSAGE_BYTES
from streams.times import LATEST_TIME_MS


def names_of(numbers):
    """Names of fields."""
    return {FIELDS[number] for number in numbers}


def test_kinds():
    """The first six, under the same codes."""
    assert EVENT_NAMES[: len(KINDS)] == KINDS
    assert [getattr(vocabulary, name.upper()) for name in KINDS] == list(range(len(KINDS)))


def test_fields_are_in_order():
    """Each name stands where its constant says, shorter ones first, as the search by length needs it."""
    assert [getattr(vocabulary, name.upper()) for name in FIELDS] == list(range(len(FIELDS)))
    assert sorted(FIELDS, key=len) == list(FIELDS)
    assert len(set(FIELDS)) == len(FIELDS) == vocabulary.UNKNOWN


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_fields_of_a_kind(kind):
    """Those of its definition, of which the same may be absent."""
    common = {"event_id", "ts", "office_id"}
    assert names_of(OWN[kind]) | common == {field.name for field in fields.FIELDS[kind]}
    assert names_of(OPTIONAL[kind]) == {field.name for field in fields.FIELDS[kind] if not field.required}


def form_of(described):
    """The form that a field's definition asks for."""
    if isinstance(described, inspect.Metadata):
        return form_of(described.type)
    if isinstance(described, inspect.UnionType):
        forms = [form_of(kind) for kind in described.types if not isinstance(kind, inspect.NoneType)]
        return vocabulary.NAME | vocabulary.INTEGER if forms == [vocabulary.INTEGER, vocabulary.TEXT] else sum(forms)
    match described:
        case inspect.StrType(max_length=None):
            return vocabulary.TEXT
        case inspect.StrType() | inspect.LiteralType():
            return vocabulary.NAME
        case inspect.IntType():
            return vocabulary.INTEGER
        case inspect.FloatType():
            return vocabulary.DURATION
        case inspect.BoolType():
            return vocabulary.TRUTH
    raise TypeError(described)


@pytest.mark.parametrize("kind", range(len(KINDS)))
def test_forms_of_values(kind):
    """What each field takes is what its definition says, times being integers or texts no longer than a name."""
    forms = {FIELDS[field]: form for form, takers in FORMS.items() for field in takers}
    for field in inspect.type_info(EVENT_TYPES[kind]).fields:
        assert forms[field.encode_name] == form_of(field.type), field.name


def test_words():
    """Those of the definitions, in the order of their codes."""
    words = {
        field.encode_name: fields._bare(kind).values
        for event_type in EVENT_TYPES[: len(KINDS)]
        for field in inspect.type_info(event_type).fields
        for kind in fields._alternatives(field.type)
        if isinstance(fields._bare(kind), inspect.LiteralType)
    }
    assert set(words) == {"question", "answer", "target", "scope", "direction", "disposition"}
    for name, values in words.items():
        first, count = getattr(vocabulary, f"{name.upper()}S")
        written = [
            vocabulary.TOKEN[token].tobytes()[: vocabulary.TOKEN_SIZE[token] - 1].decode()
            for token in range(first, first + count)
        ]
        assert sorted(written) == sorted(values)
        if name in {"question", "answer"}:
            assert [getattr(layout, word.upper()) for word in written] == list(range(count))
    assert (layout.SURVEY_TARGET, layout.FORCE_MAJEURE_TARGET, layout.PANEL_SCOPE, layout.OFFICE_SCOPE) == (0, 1, 0, 1)


def test_limits():
    """The same everywhere."""
    from kernels import members, scanning  # noqa: PLC0415 - they are compiled when they are imported

    assert scanning.LARGEST_MESSAGE_BYTES == LARGEST_MESSAGE_BYTES
    assert scanning.LATEST_TIME_MS == LATEST_TIME_MS
    assert scanning.LONGEST_DURATION_S == LARGEST_DURATION_S
    (length,) = {
        field.type.type.max_length if isinstance(field.type, inspect.Metadata) else field.type.max_length
        for field in inspect.type_info(EVENT_TYPES[0]).fields
        if field.name == "event_id"
    }
    assert length == members.LONGEST_ID
