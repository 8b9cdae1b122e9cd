"""One good event of every type with all of its fields, and what else the tests of decoding share."""

import json

from streams.decode import decode
from streams.events import EVENT_NAMES
from streams.messages import Messages
from streams.structs import decode_structs

COMMON = {"event_id": "e-1", "ts": 1_600_000_000_000, "office_id": "riga-1"}
SPECIMENS = {
    "seller_press": {"panel_id": "p1", "employee_id": "anna", "hold_ms": 120, "question": "office"},
    "customer_press": {"panel_id": "p1", "answer": "hard_to_say"},
    "verdict": {
        "target": "force_majeure",
        "target_id": "e-0",
        "reliable": True,
        "expert_id": "x1",
        "from": 1_600_000_000_000,
        "to": 1_600_000_900_000,
        "scope": "office",
        "note": "the lift",
    },
    "call": {
        "direction": "inbound",
        "disposition": "answered",
        "wait_s": 12.5,
        "talk_s": 60.25,
        "hold_s": 3.0,
        "wrap_s": 15.0,
        "queue": "sales",
        "employee_id": "anna",
        "client_id": "c-9",
        "recording_url": "file:///r/1",
    },
    "sale": {
        "amount_minor": -1999,
        "currency": "EUR",
        "employee_id": "anna",
        "client_id": "c-9",
        "margin_minor": -300,
        "positions": 2,
        "category": "phones",
    },
    "visit": {"count": 3, "counter_id": "door"},
    "rating": {
        "metric": "csat",
        "score": 5,
        "client_id": "c-9",
        "employee_ids": ["anna", "boris"],
        "occasion": "leaving",
        "comment": "too slow\n",
    },
    "request": {
        "request_id": "r-1",
        "priority": "critical",
        "stage": "on_site",
        "employee_id": "anna",
        "client_id": "c-9",
    },
    "shift": {"employee_id": "anna", "kind": "work", "end_ts": 1_600_030_000_000},
    "peer_rating": {
        "from_department": "sales",
        "to_department": "stock",
        "scores": {"pace": 7, "tone": 10},
        "comment": "",
        "vote_employee_ids": ["anna"],
    },
}
OPTIONAL = {
    "seller_press": {"question": None},
    "customer_press": {},
    "verdict": {"expert_id": None, "from": None, "to": None, "scope": "panel", "note": None},
    "call": {
        "talk_s": 0.0,
        "hold_s": 0.0,
        "wrap_s": 0.0,
        "queue": None,
        "employee_id": None,
        "client_id": None,
        "recording_url": None,
    },
    "sale": {"employee_id": None, "client_id": None, "margin_minor": None, "positions": None, "category": None},
    "visit": {"count": 1, "counter_id": None},
    "rating": {"client_id": None, "employee_ids": None, "occasion": "regular", "comment": None},
    "request": {"employee_id": None, "client_id": None},
    "shift": {},
    "peer_rating": {"comment": None, "vote_employee_ids": None},
}


def event(name, **changes):
    """Return a good event of a type as a dictionary, with changes; `from_` stands for `from`."""
    changes = {key.rstrip("_"): value for key, value in changes.items()}
    return {"type": name} | COMMON | SPECIMENS[name] | changes


def message(name, **changes):
    """Return a good event of a type as a message, with changes."""
    return json.dumps(event(name, **changes), ensure_ascii=False).encode()


def every_message():
    """Return one good message of every type, in the order of the kind codes."""
    return [message(name) for name in EVENT_NAMES]


def decoded_alike(values, **options):
    """Decode messages to structs, having seen that `streams.decode.decode` comes to the same judgement of each."""
    structs = decode_structs(values, **options)
    rows, _, rejects = decode(Messages.of(values), **options)
    expected = sorted(
        (position, kind, ts_ms)
        for kind, group in structs.groups.items()
        for position, ts_ms in zip(group.positions.tolist(), group.ts_ms.tolist(), strict=True)
    )
    assert rejects == structs.rejects
    assert list(zip(*(rows[name].tolist() for name in ("position", "kind", "ts_ms")), strict=True)) == expected
    return structs


def alone(value, **options):
    """Decode one message; return its struct and its time, or its reason and None."""
    groups, rejects = decoded_alike([value], **options)
    if rejects:
        assert not groups
        return rejects[0].reason, None
    (group,) = groups.values()
    return group.events[0], int(group.ts_ms[0])


def verdicts(values, **options):
    """Return what became of each message of a batch: its struct and its time, or why it was refused."""
    groups, rejects = decoded_alike(values, **options)
    found = {reject.position: (reject.reason, reject.detail) for reject in rejects}
    for kind, group in groups.items():
        assert len(group.positions) == len(group.events) == len(group.ts_ms) > 0
        for position, struct, ts_ms in zip(group.positions.tolist(), group.events, group.ts_ms.tolist(), strict=True):
            assert position not in found
            found[position] = (kind, struct, ts_ms)
    assert sorted(found) == list(range(len(values)))
    return [found[position] for position in range(len(values))]


def as_read(rows, buffer):
    """Return rows as dictionaries by position: numbers, and the texts that they point to (None where there is none)."""
    data = buffer.tobytes()
    names = rows.dtype.names or ()
    spans = [name.removesuffix("_length") for name in names if name.endswith("_length")]
    found = {}
    for values in rows.tolist():
        row = dict(zip(names, values, strict=True))
        for span in spans:
            start, length = row.pop(f"{span}_start"), row.pop(f"{span}_length")
            row[f"{span}_text"] = data[start : start + length].decode() if length else None
        if row["kind"] in WITH_CLIENTS:
            start, length = row.pop("target_high"), row.pop("target_low")
            row["client_text"] = data[start : start + length].decode() if length else None
        if row["kind"] == EVENT_NAMES.index("request"):
            start, length = row.pop("first_ms"), row.pop("second_ms")
            row["request_text"] = data[start : start + length].decode()
        if row["kind"] in {EVENT_NAMES.index("rating"), EVENT_NAMES.index("peer_rating")}:
            start, length = row.pop("first_ms"), row.pop("second_ms")
            row["members"] = data[start : start + length].decode().split("\n") if length else []
        found[row.pop("position")] = row
    assert len(found) == len(rows)
    return found


WITH_CLIENTS = {EVENT_NAMES.index(name) for name in ("call", "sale", "rating", "request")}
NO_ROW = {
    **dict.fromkeys(("amount", "first_ms", "second_ms", "code", "flag", "scope"), 0),
    **dict.fromkeys(("hash_high", "hash_low", "target_high", "target_low"), 0),
    **dict.fromkeys(("office", "place", "employee"), -1),
    **dict.fromkeys(("place_text", "employee_text")),
}
QUESTIONS = ["personnel", "office", "loyalty"]
NOT_GIVEN = -(2**62)


def row_of(event):  # noqa: C901 (a table)
    """Return the row that an event, as the reference reads it, has to become; as `as_read` gives it."""
    kind = EVENT_NAMES.index(event["type"])
    row = NO_ROW | {"kind": kind, "ts_ms": event["ts"], "id_text": event["event_id"], "office_text": event["office_id"]}
    if kind in WITH_CLIENTS:
        row = {name: row[name] for name in row if not name.startswith("target")}
        row |= {"client_text": event.get("client_id"), "employee_text": event.get("employee_id")}
    match event["type"]:
        case "seller_press":
            question = QUESTIONS.index(event["question"]) if "question" in event else -1
            more = {"place_text": event["panel_id"], "employee_text": event["employee_id"]}
            return row | more | {"amount": event["hold_ms"], "code": question}
        case "customer_press":
            return row | {"place_text": event["panel_id"], "code": ["yes", "no", "hard_to_say"].index(event["answer"])}
        case "verdict":
            return row | {
                "place_text": event["target_id"],
                "code": ["survey", "force_majeure"].index(event["target"]),
                "flag": int(event["reliable"]),
                "scope": ["panel", "office"].index(event.get("scope", "panel")),
                "first_ms": event.get("from", NOT_GIVEN),
                "second_ms": event.get("to", NOT_GIVEN),
            }
        case "call":
            wait_ms, talk_ms, hold_ms, wrap_ms = (
                round(float(event.get(name, 0)) * 1000) for name in ("wait_s", "talk_s", "hold_s", "wrap_s")
            )
            return row | {
                "place_text": event.get("queue"),
                "amount": wait_ms,
                "first_ms": talk_ms + hold_ms + wrap_ms,
                "second_ms": talk_ms,
                "code": {"answered": 1, "abandoned": 2}.get(event["disposition"], 0),
                "flag": int(event["direction"] == "inbound"),
            }
        case "sale":
            margin = event.get("margin_minor")
            given = {"first_ms": margin or 0, "code": int(margin is not None)}
            return row | given | {"amount": event["amount_minor"], "place_text": event.get("category")}
        case "visit":
            return row | {"amount": event.get("count", 1)}
        case "rating":
            members = list(dict.fromkeys(event.get("employee_ids", ())))
            row = {name: row[name] for name in row if name not in {"first_ms", "second_ms"}} | {"members": members}
            code = ["nps", "csat", "ces"].index(event["metric"])
            return row | {"amount": event["score"], "code": code, "flag": int(event.get("occasion") == "leaving")}
        case "request":
            row = {name: row[name] for name in row if name not in {"first_ms", "second_ms"}}
            code = ["opened", "first_response", "on_site", "resolved", "cancelled"].index(event["stage"])
            return row | {"request_text": event["request_id"], "place_text": event["priority"], "code": code}
        case "shift":
            code = ["work", "break", "training", "leave"].index(event["kind"])
            return row | {"employee_text": event["employee_id"], "first_ms": event["end_ts"], "code": code}
        case "peer_rating":
            return peer_row_of(event, row)
    return row


def peer_row_of(event, row):
    """Return the same of a rating between departments, from what rows have in common."""
    row = {name: row[name] for name in row if name not in {"first_ms", "second_ms"}}
    votes = ["0" + employee for employee in dict.fromkeys(event.get("vote_employee_ids", ()))]
    extreme = not {1, 10}.isdisjoint(event["scores"].values()) and not event.get("comment", "").strip()
    row |= {"amount": int(extreme), "members": votes}
    if event["from_department"] == event["to_department"]:
        return row
    scores = [chr(ord("0") + score) + criterion for criterion, score in event["scores"].items()]
    departments = f"{event['from_department']}\t{event['to_department']}"
    return row | {"place_text": departments, "members": scores + votes}
