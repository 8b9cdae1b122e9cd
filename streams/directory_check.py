"""Reading a directory, and all that is wrong with it: each fault one sentence that says where it stands.

A source is entries as plain values: tables of a TOML file, or JSON of a message. Nothing of a directory with a fault is used.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from streams.directory import (
    KINDS,
    Defaults,
    Directory,
    Employee,
    Entry,
    Key,
    Matrix,
    Office,
    Panel,
    Plan,
    Weekday,
    days_of,
    key_of,
)
from streams.events import ID_PATTERN
from streams.faults import Fault
from streams.goal_check import matrix_faults, overlaps, plan_faults
from streams.opening_hours import LAST_EXCEPTION, WEEKDAYS, Span, overlapping, parse_span
from streams.questions import LONGEST_MONTH
from streams.time_zones import time_zone

_TABLES = {
    "defaults": "defaults",
    "office": "offices",
    "employee": "employees",
    "panel": "panels",
    "plan": "plans",
    "matrix": "matrices",
}  # of TOML files
_is_id = re.compile(ID_PATTERN).match
LONGEST_FAULT = 500  # characters
UNKNOWN_SAID = 5  # fields of one entry that do not exist


class Given(NamedTuple):
    """An entry as it stands somewhere."""

    kind: str
    values: Any
    where: str  # such as "employee 3 in staff.toml"
    key: Key | None = None  # that it must have


class Read(NamedTuple):
    """What was made of a source."""

    directory: Directory | None  # None where there are faults
    faults: list[str]


class DirectoryError(Fault):
    """A directory that cannot be used."""

    status = 2


def from_toml(text: str, where: str) -> Iterator[Given | str]:
    """The entries of a TOML file, and faults of its form."""
    try:
        document = tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # besides TOML's own: numbers of thousands of digits, lists within lists
        yield f"{where} is not TOML: {error}"
        return
    kinds = {table: kind for kind, table in _TABLES.items()}
    for table, content in document.items():
        if table not in kinds:
            yield f"`{table}` in {where} is none of {', '.join(kinds)}"
        elif table == "defaults":
            yield Given("defaults", content, f"defaults in {where}")
        elif not isinstance(content, list):
            yield f"`{table}` in {where} must be a list of tables, each under [[{table}]]"
        else:
            for number, each in enumerate(content, 1):
                yield Given(kinds[table], each, f"{kinds[table]} {_name(each) or number} in {where}")


def from_message(key: bytes, value: bytes, where: str) -> Given | str:
    """The entry of a message, or what is wrong with its form.

    Its key is a JSON array: the kind, the office (unless the entry is one) and the id. Its value is a JSON object.
    """
    try:
        named, values = msgspec.json.decode(key, type=tuple[str, ...]), msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the last one: lists within lists
        return f"{where}: the key must be a JSON array of texts, and the value a JSON object"
    if not named or named[0] not in KINDS:
        return f"{where}: the key must begin with one of {', '.join(KINDS)}"
    return Given(named[0], values, f"{named[0]} {_name(values)}".strip() + f" in {where}", named)


def to_message(entry: Entry) -> tuple[bytes, bytes]:
    """Key and value of the message of an entry."""
    return msgspec.json.encode(key_of(entry)), msgspec.json.encode(entry)


def _raw_key(given: Given) -> tuple[object, ...]:
    """The key that an entry whose form is wrong would have, as far as can be told."""
    values = given.values if isinstance(given.values, Mapping) else {}
    names = [str(values.get(field)) for field in ("office", "id")]
    return (given.kind, *names[given.kind in ("office", "matrix") :])


def _name(values: Any) -> str:
    """What a fault calls an entry: its id, as far as it has one; never a name."""
    found = values.get("id") if isinstance(values, Mapping) else None
    return f"`{found[:128]}`" if isinstance(found, str) and found and _is_id(found) else ""


def read(given: Iterable[Given | str]) -> Read:
    """Make a directory of entries (and of faults that were found before)."""
    faults: list[str] = []
    entries: dict[Key, Entry] = {}
    places: dict[Key, str] = {}
    broken: set[tuple[object, ...]] = set()  # keys of entries whose form is wrong
    for each in given:
        if isinstance(each, str):
            faults.append(each)
            continue
        entry = _entry(each, faults)
        if entry is None:
            broken.add(_raw_key(each))
            continue
        key = key_of(entry)
        if each.key not in (None, key):
            faults.append(f"{each.where}: its key is not that of the entry")
        elif key in entries:
            faults.append(f"{each.where}: it stands in the directory already, as {places[key]}")
        else:
            entries[key] = entry
            places[key] = each.where
    directory = Directory(entries.values())
    known = entries.keys() | broken
    for key, entry in entries.items():
        faults += [f"{places[key]}: {fault}" for fault in _faults(entry, known)]
    faults += [f"{places['employee', *chain[0]]}: {_circle(chain)}" for chain in _circles(directory)]
    if not faults:
        plans = {key: entry for key, entry in entries.items() if isinstance(entry, Plan)}
        faults += [f"{places[key]}: {fault}" for key, fault in overlaps(plans)]
    return Read(None if faults else directory, [_in_one_line(fault) for fault in faults])


def _in_one_line(fault: str) -> str:
    """A fault as logs and terminals may have it, whatever the directory says in it."""
    text = fault if len(fault) <= LONGEST_FAULT else f"{fault[:LONGEST_FAULT]}..."
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


# One entry by itself -----------------------------------------------------------------------------------------------


def _entry(given: Given, faults: list[str]) -> Entry | None:
    """The entry, None where its form is wrong."""
    if not isinstance(given.values, Mapping):
        faults.append(f"{given.where}: expected a table")
        return None
    struct = KINDS[given.kind]
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    before = len(faults)
    unknown = [key for key in given.values if key not in fields]
    faults += [f"{given.where}: `{key}` is no field of it{_hint(key, fields)}" for key in unknown[:UNKNOWN_SAID]]
    if len(unknown) > UNKNOWN_SAID:
        faults.append(f"{given.where}: {len(unknown) - UNKNOWN_SAID} more that are no fields of it")
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given.values:
            try:
                found[field.name] = msgspec.convert(given.values[name], field.type, str_keys=True)
            except msgspec.ValidationError as error:
                faults.append(f"{given.where}: `{name}`: {_plain(str(error), field.type)}")
        elif field.required:
            faults.append(f"{given.where}: `{name}` is missing")
    return struct(**found) if len(faults) == before else None


def _hint(key: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only where something is wrong

    close = difflib.get_close_matches(str(key)[:LONGEST_FAULT], known, 1)
    return f"; did you mean `{close[0]}`?" if close else ""


_WORDS = {
    "float": "a number", "int": "a whole number", "str": "a text", "bool": "true or false", "array": "a list",
    "object": "a table", "null": "nothing",
}  # fmt: skip


def _plain(message: str, of_type: Any) -> str:
    """What a parser says of a value, in words of people who write directories."""
    choices = list(_choices(of_type))
    if "enum" in message and choices:
        return f"expected one of {', '.join(choices)}"
    if "regex" in message:
        return "expected three capital letters, such as EUR"
    text, _, path = message.partition(" - at ")
    text = (
        text.replace("RFC3339 encoded date", "date, expected one such as 2026-12-25")
        .replace(" | null", "")
        .replace("`", "")
    )
    text = re.sub(r"\b(float|int|str|bool|array|object|null)\b", lambda match: _WORDS[match[1]], text)
    text = text.replace("Object missing required field", "a table lacks the field")
    place = re.search(r"\[(\d+)\]", path)
    return text[:1].lower() + text[1:] + (f" (number {int(place[1]) + 1})" if place else "")


def _choices(of_type: Any) -> Iterator[str]:
    """The words of the first choice between words in a type."""
    if get_origin(of_type) is Literal:
        yield from get_args(of_type)
        return
    for part in get_args(of_type):
        words = list(_choices(part))
        if words:
            yield from words
            return


# An entry among the others -----------------------------------------------------------------------------------------


def _faults(entry: Entry, known: Collection[tuple[object, ...]]) -> Iterator[str]:
    if isinstance(entry, Defaults | Office):
        yield from _zone_faults(entry)
        yield from _question_faults(entry)
    if isinstance(entry, Office):
        yield from _hours_faults(entry)
        yield from _limits_faults(entry)
    if isinstance(entry, Employee | Panel | Plan) and ("office", entry.office) not in known:
        yield f"`office`: there is no office `{entry.office}` in the directory"
    if isinstance(entry, Employee):
        yield from _employee_faults(entry, known)
    if isinstance(entry, Plan):
        yield from plan_faults(entry, known)
    elif not isinstance(entry, Defaults) and not _is_id(entry.id):
        yield "`id`: an id has no control characters"
    if isinstance(entry, Matrix):
        yield from matrix_faults(entry)
    named = entry.matrix if isinstance(entry, Defaults | Office | Employee) else None
    if named is not None and ("matrix", named) not in known:
        yield f"`matrix`: there is no matrix `{named}` in the directory"


def _zone_faults(entry: Defaults | Office) -> Iterator[str]:
    if entry.time_zone is not None:
        try:
            time_zone(entry.time_zone)
        except ValueError as error:
            yield f"`time_zone`: {error}"


def _question_faults(entry: Defaults | Office) -> Iterator[str]:
    if entry.questions is None or isinstance(entry.questions, str):
        return
    taken: set[int] = set()
    for each in entry.questions:
        try:
            days = days_of(each.days)
        except ValueError as error:
            yield f"`questions`: {error}"
            return
        twice = sorted(taken.intersection(days))
        if twice:
            yield f"`questions`: day {twice[0]} has two questions"
        taken.update(days)
    missing = sorted(set(range(1, LONGEST_MONTH + 1)) - taken)
    if missing:
        yield f"`questions`: day {missing[0]} has no question"


def _hours_faults(office: Office) -> Iterator[str]:
    faults: list[str] = []
    week = [
        _spans((office.opening_hours or {}).get(day, ()), f"`opening_hours`, {day}", faults)
        for day in get_args(Weekday)
    ]
    if not faults:
        faults += [f"`opening_hours`: those of {WEEKDAYS[day]} overlap with others" for day in overlapping(week)]
    for day, texts in office.exceptions.items():
        spans = _spans(texts, f"`exceptions`, {day}", faults)
        if overlapping([spans, [], []]):
            faults.append(f"`exceptions`: those of {day} overlap")
        if not date(1970, 1, 1) <= day <= LAST_EXCEPTION:
            faults.append(f"`exceptions`: {day} does not lie between 1970 and {LAST_EXCEPTION.year}")
    yield from faults


def _spans(texts: Iterable[str], place: str, faults: list[str]) -> list[Span]:
    spans = []
    for text in texts:
        try:
            spans.append(parse_span(text))
        except ValueError as error:
            faults.append(f"{place}: {error}")
    return spans


def _limits_faults(office: Office) -> Iterator[str]:
    for name in ("coverage_limits", "conversion_limits"):
        limits = getattr(office, name)
        if limits is not None and not 0 <= limits[0] <= limits[1] < float("inf"):
            yield f"`{name}`: expected two numbers from 0 on, the lower first"


def _employee_faults(employee: Employee, known: Collection[tuple[object, ...]]) -> Iterator[str]:
    if employee.from_ is not None and employee.to is not None and employee.from_ > employee.to:
        yield f"`to`, {employee.to}, lies before `from`, {employee.from_}"
    if employee.department is not None and not _is_id(employee.department):
        yield "`department`: an id has no control characters"
    if employee.leader_office is not None and employee.leader is None:
        yield "`leader_office` stands without `leader`"
    leader = employee.leader_key
    if leader is not None and ("employee", *leader) not in known:
        yield f"`leader`: there is no employee `{leader[1]}` of office `{leader[0]}` in the directory"


def _circles(directory: Directory) -> Iterator[list[tuple[str, str]]]:
    """Employees who lead each other in a circle, each circle once."""
    done: set[tuple[str, str]] = set()
    for start in directory.employees:
        chain: list[tuple[str, str]] = []
        at: tuple[str, str] | None = start
        while at is not None and at in directory.employees and at not in done:
            done.add(at)
            chain.append(at)
            at = directory.employees[at].leader_key
        if at in chain:
            yield chain[chain.index(at) :]


def _circle(chain: list[tuple[str, str]]) -> str:
    if len(chain) == 1:
        return "`leader`: nobody leads themselves"
    return f"`leader`: a circle of leaders: {' < '.join(f'`{name}`' for _, name in [*chain, chain[0]])}"
