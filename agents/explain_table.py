"""An explanation as tables for a terminal: bounded, and saying how much more there is."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.inquiry import WHOSE
from streams.numbers import number, shown

LINES_SHOWN: Final = 20
_TIMES_OF_CALLS: Final = ("wait_ms", "handle_ms", "talk_ms")

Listed = dict[str, Any]
Columns = dict[str, Callable[[Listed], str]]


def instant(time_ms: int) -> str:
    """An instant in RFC 3339, UTC."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{time_ms} ms"


def where(place: Listed) -> str:
    """Where a message lies."""
    if "file" in place:
        return f"{place['file']}:{place['line']}"
    return f"{place['topic']}/{place['partition']}@{place['offset']}"


def _adds(each: Listed) -> str:
    return f"{number(each['counts']['numerator'])} / {number(each['counts']['base'])}"


def _dues(each: Listed) -> str:
    """When a request was due for the index, or, of those that are open, for which stages it is due when."""
    if "dues" in each:
        return ", ".join(f"{stage.replace('_', ' ')} {instant(ts_ms)}" for stage, ts_ms in each["dues"].items())
    return "" if each.get("due") is None else instant(each["due"])


_SURVEYS: Final[Columns] = {
    "ts": lambda each: instant(each["ts"]),
    "survey": lambda each: each["survey_id"],
    "panel": lambda each: each["panel_id"],
    "employee": lambda each: each["employee_id"],
    "question": lambda each: each["question"],
    "asked by": lambda each: _rule(each["asked"]),
    "outcome": lambda each: each["outcome"] or "",
    "press": lambda each: where(each["press"]),
    "answer": lambda each: "" if each["answer"] is None else where(each["answer"]["place"]),
}
_COUNTED: Final[Columns] = {
    **_SURVEYS,
    "adds": _adds,
}
_LEFT_OUT: Final[Columns] = {
    "reason": lambda each: " ".join([each["reason"].replace("_", " "), *each["by"]]),
    **_SURVEYS,
}
_FORCE_MAJEURES: Final[Columns] = {
    "ts": lambda each: instant(each["ts"]),
    "id": lambda each: each["event_id"],
    "panel": lambda each: each["panel_id"] if each["scope"] == "panel" else "the office",
    "declared by": lambda each: each["employee_id"],
    "from": lambda each: instant(each["from"]),
    "to": lambda each: instant(each["to"]),
    "is": lambda each: f"{each['state']}, {'stands' if each['stands'] else 'does not stand'}",
    "surveys": lambda each: str(each["surveys"]),
    "press": lambda each: where(each["place"]),
}
_VERDICTS: Final[Columns] = {
    "ts": lambda each: instant(each["ts"]),
    "id": lambda each: each["event_id"],
    "on": lambda each: f"{each['target'].replace('_', ' ')} {each['target_id']}",
    "says": lambda each: "reliable" if each["reliable"] else "unreliable",
    "holds": lambda each: "yes" if each["holds"] else "a later one does",
    "verdict": lambda each: where(each["place"]),
}
_FACTS: Final[Columns] = {
    "ts": lambda each: instant(each["ts"]),
    "id": lambda each: each["event_id"],
    "employee": lambda each: each.get("employee_id") or "",
    "queue": lambda each: each.get("queue") or "",
    "what": lambda each: ", ".join(
        f"{key.replace('_', ' ')} {each[key]}"
        for key in ("count", "amount_minor", "margin_minor", "category", "inbound", "disposition", *_TIMES_OF_CALLS)
        if each.get(key) is not None
    ),
    "from": lambda each: instant(each["from"]) if "from" in each else "",
    "to": lambda each: instant(each["to"]) if "to" in each else "",
    "adds": _adds,
    "event": lambda each: where(each["place"]),
}
_TIMES: Final[Columns] = {
    "employee": lambda each: each["employee_id"],
    "available ms": lambda each: number(each["available_ms"]),
    "productive ms": lambda each: number(each["productive_ms"]),
    "idle ms": lambda each: number(each["idle_ms"]),
}
_SHIFTS: Final[Columns] = {
    "from": lambda each: instant(each["from"]),
    "to": lambda each: instant(each["to"]),
    "id": lambda each: each["event_id"],
    "employee": lambda each: each["employee_id"],
    "kind": lambda each: each["kind"],
    "event": lambda each: where(each["place"]),
}
_RATINGS: Final[Columns] = {
    "ts": lambda each: instant(each["ts"]),
    "id": lambda each: each["event_id"],
    "took part": lambda each: ", ".join(each["employee_ids"]),
    "score": lambda each: f"{each['metric']} {each['score']}",
    "adds": _adds,
    "event": lambda each: where(each["place"]),
}
_CLIENTS: Final[Columns] = {
    "ts": lambda each: instant(each["ts"]),
    "client": lambda each: str(each["client"]),
    "by": lambda each: f"{each['type']}{', leaving' if each['leaving'] else ''}",
    "id": lambda each: each["event_id"],
    "event": lambda each: where(each["place"]),
}
_VOTES: Final[Columns] = {
    "id": lambda each: each["event_id"],
    "event": lambda each: where(each["place"]),
}
_REQUESTS: Final[Columns] = {
    "reason": lambda each: each.get("reason", "").replace("_", " "),
    "request": lambda each: each["request_id"],
    "priority": lambda each: each["priority"] or "",
    "counts at": lambda each: instant(each["at"]) if "at" in each else "",
    "due": _dues,
    "adds": lambda each: _adds(each) if "counts" in each else "",
    "stages": lambda each: "; ".join(
        " ".join(
            [stage["stage"].replace("_", " "), instant(stage["ts"]), stage["employee_id"] or "", where(stage["place"])]
        ).replace("  ", " ")
        for stage in each["stages"]
    ),
}
_PEERS: Final[Columns] = {
    "own": lambda each: "own" if each["own"] else "",
    "value": lambda each: number(each["value"]),
    "better end": lambda each: number(each["better_end"]),
    "worse end": lambda each: number(each["worse_end"]),
}
_PEOPLE: Final[Columns] = {
    "employee": lambda each: each["employee_id"],
    "kpi_score": lambda each: shown(each["kpi_score"]),
}
_CHECKS: Final[Columns] = {
    "reason": lambda each: each["reason"].replace("_", " "),
    "applies": lambda each: "yes" if each["applies"] else "no",
    "compared": lambda each: each["text"],
}
_MAIN: Final[Columns] = {
    "index": lambda each: each["index"],
    "value": lambda each: shown(each["value"]),
    "base": lambda each: number(each["base"]),
    "representative": lambda each: "yes" if each["representative"] else ", ".join(each["reasons"]),
}
_PLANS: Final[Columns] = {
    "period": lambda each: each["period"],
    "from": lambda each: instant(each["from"]),
    "to": lambda each: instant(each["to"]),
    "amount": lambda each: number(each["amount"]),
    "working hours": lambda each: number(each["working_ms"] / 3_600_000),
    "in the window": lambda each: number(each["inside_ms"] / 3_600_000),
}
_LINES: Final[Columns] = {
    "index": lambda each: each["index"],
    "fact": lambda each: shown(each["fact"]),
    "base": lambda each: number(each["base"]),
    "goal": lambda each: number(each["goal"]),
    "share": lambda each: shown(each["share"]),
    "weight": lambda each: number(each["weight"]),
}
_PARTS: Final[dict[str, tuple[str, Columns]]] = {
    "checks": ("reasons looked at", _CHECKS),
    "main": ("main indices", _MAIN),
    "plans": ("plans", _PLANS),
    "lines": ("lines of the matrix", _LINES),
    "surveys": ("surveys counted", _COUNTED),
    "left_out": ("left out", _LEFT_OUT),
    "force_majeures": ("force majeures", _FORCE_MAJEURES),
    "verdicts": ("verdicts", _VERDICTS),
    "time_at_work": ("employees available", _TIMES),
    "shifts": ("shifts", _SHIFTS),
    "calls": ("calls", _FACTS),
    "sales": ("sales", _FACTS),
    "visits": ("visits", _FACTS),
    "ratings": ("ratings", _RATINGS),
    "clients": ("served, by clients", _CLIENTS),
    "votes": ("ratings with a vote", _VOTES),
    "requests": ("requests counted", _REQUESTS),
    "requests_left_out": ("requests left out", _REQUESTS),
    "peers": ("compared, the best first", _PEERS),
    "people": ("people", _PEOPLE),
}


def show(told: Listed, console: Console) -> None:
    """Print an explanation."""
    for line in head(told):
        console.print(Text(line))
    for part, (title, columns) in _PARTS.items():
        if told.get(part):
            console.print()
            show_list(f"{title}: {len(told[part]):,}", columns, told[part], console)


def plain_table(title: str, *columns: str) -> Table:
    """An empty table without lines."""
    return Table(
        *columns, title=title, title_justify="left", title_style="bold", box=None, header_style="", pad_edge=False
    )


def show_list(title: str, columns: Columns, entries: Sequence[Listed], console: Console) -> None:
    """Print the first entries of a list."""
    filled = {name: cell for name, cell in columns.items() if any(cell(each) for each in entries[:LINES_SHOWN])}
    table = plain_table(title, *filled)
    for each in entries[:LINES_SHOWN]:
        table.add_row(*(Text(cell(each)) for cell in filled.values()))
    console.print(table)
    if len(entries) > LINES_SHOWN:
        console.print(Text(f"... {len(entries) - LINES_SHOWN:,} more: --format json has all"))


def head(told: Listed) -> Iterator[str]:
    """What comes before the lists."""
    whose = f"office {told['office_id']}"
    if told["employee_id"] is not None:
        whose += f", {told['scope']} {told['employee_id']}"
    for name in WHOSE:
        if name in told:
            whose += f", {name.replace('_', ' ')} {told[name]}"
    yield f"{told['index']} of {whose}: {shown(told['value'])} (base {told['base']:,})"
    if told["window"] is None:
        yield f"now: {instant(told['at'])}"
    else:
        yield f"window {told['window']}: from {instant(told['from'])} to {instant(told['at'])}, both included"
    yield told["formula"]["words"]
    yield told["formula"]["text"]
    if told["formula"]["denominator"]:
        yield f"{told['base']:,} = " + " + ".join(_term(term) for term in told["formula"]["denominator"])
    keys = ", ".join(f"{key} {_setting(value)}" for key, value in told["config"].items())
    yield f"configuration: {keys}"
    yield f"directory: {_directory(told['directory'])}"
    if "numbers" in told:
        yield f"last asked: {_last_asked(told['numbers']['last_asked'])}"
    read = told["read"]
    refused = ", ".join(f"{count:,} {reason}" for reason, count in read["rejected"].items())
    yield f"read: {read['messages']:,} messages, {read['bytes']:,} bytes; refused: {refused or 'none'}"


def _term(term: Listed) -> str:
    weight = "" if term["weight"] == 1 else f"{number(term['weight'])} x "
    if "counter" in term:
        return f"{weight}{term['counter'].replace('_', ' ')} {term['count']:,}"
    inside = " in force majeure" if term["in_force_majeure"] else ""
    return f"{weight}{term['question']} {term['outcome'].replace('_', ' ')}{inside} {term['count']:,}"


def _directory(said_of: Listed) -> str:
    if said_of["hash"] is None:
        return "none"
    questions = said_of["questions"]
    if not isinstance(questions, str):
        questions = ", ".join(f"{each['days']} {each['question']}" for each in questions)
    limits = "" if said_of["limits"] is None else f" {_setting(said_of['limits'])}"
    source = {"office": "of the office", "defaults": "by default", "method": "as it gives none"}[
        said_of["questions_by"]
    ]
    return (
        f"{said_of['hash']}, time zone {said_of['time_zone']}, questions {source}: {questions}, "
        f"representative by {said_of['representative_by']}{limits}"
    )


def _rule(asked: Listed) -> str:
    """By which rule of a schedule a press was asked; nothing where there is none, or the press names its question."""
    whose = {"office": "the office's schedule", "defaults": "the default schedule"}.get(asked["by"], "")
    if not whose or asked["days"] is None:
        return whose
    return f"{whose}, days {asked['days']}: {asked['local_day']} in {asked['time_zone']}"


def _last_asked(asked: Listed) -> str:
    return ", ".join(f"{name} {'not known' if ts is None else instant(ts)}" for name, ts in asked.items())


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        # Tables, such as targets, hold blanks: a semicolon tells one from the next.
        return ("; " if any(hasattr(each, "__struct_fields__") for each in value) else ",").join(
            map(_setting, value)
        ) or "none"
    if isinstance(value, dict):
        return ",".join(f"{name}={_setting(each)}" for name, each in value.items()) or "none"
    if hasattr(value, "__struct_fields__"):
        given = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return " ".join(f"{name}={_setting(each)}" for name, each in given if each is not None)
    return f"{value:g}" if isinstance(value, float) else str(value)
