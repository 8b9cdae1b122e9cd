"""Messages as they come: the same event in many spellings, and messages broken in every way a sender may think of.

`spell` writes an event so that its meaning stays; `mutate` breaks messages, some of them so little that they are still
events. Everything follows from the seed.
"""

import datetime as dt
import json
import random

from tests.reference.companies import company

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DAYS = ("1970-01-01", "2024-02-29", "2023-02-29", "2026-06-30", "2016-12-31", "9999-12-31", "0000-01-01", "1969-12-31")
TIMES = (
    "00:00:00",
    "23:59:59",
    "23:59:60",
    "24:00:00",
    "12:60:00",
    "7:00:00",
    "12:00",
    "23:59:59.9999999999",
    "01:02:03.",
    "01:02:03,5",
)
OFFSETS = ("Z", "z", "", "+00:00", "-00:00", "+23:59", "-23:59", "+24:00", "+02", "+0200", " Z", "Z\\n", "+02:60")
NUMBERS = (
    "0", "1", "2", "5", "6", "7", "8", "10", "11", "-0", "-1", "-0.0", "1.0", "0.5", "1e3", "1E400", "-1e400", "1e-400",
    "3000", "10000000", "10000000.0", "10000000.000001", "10000001", "9007199254740991", "9007199254740992",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616",
    "1" + "0" * 30, "1" + "0" * 400, "-1" + "0" * 5000, "0." + "1" * 500, "01", "+1", "1.", ".5", "0x10", "1_000", "\u0661",
    "NaN", "Infinity", "-Infinity", "nan",
)  # fmt: skip
TEXTS = (
    '""', '"x"', '"yes"', '"Yes"', '" yes"', '"survey"', '"office"', '"answered"', '"nps"', '"ces"', '"leaving"', '"work"',
    '"' + "x" * 128 + '"', '"' + "x" * 129 + '"', '"' + "\U0001f600" * 128 + '"', '"' + "\\ud83d\\ude00" * 129 + '"',
    '"\\u0000"', '"a\\u001fb"', '"\\u007f"', '"\\u0085"', '"\\u009f"', '"\\u00a0"', '"\x7f"', '"\u0085"', '"\u2028"', '"\\n"',
    '"\n"', '"\t"', '"\x00"', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\uD83D x"', '"\\u00e9"', '"\\/"', '"\\x41"',
    '"\\u12"', "'x'", '"1790000000000"', '"1"', '"true"', '"null"', '"',
)  # fmt: skip
NESTED = (
    "[]", "{}", '["a"]', "[null]", "[1]", '["a",""]', '["a","a"]', '["a","b","c","d","e"]', '["a","b","c","d","e","f"]',
    '{"a":1}', '{"a":0}', '{"a":11}', '{"a":10}', '{"a":5.0}', '{"a":null}', '{"a":true}', '{"":5}', '{"a":"5"}',
    '{"\\u0007":5}', '{"a":1,"a":99}', '{"a":99,"a":1}', "[1,]", '{"a":1,}', "[" * 90 + "]" * 90, '{"a":' * 90 + "1" + "}" * 90,
    "[" * 30_000 + "]" * 30_000, "[" * 30_000, '{"a":[NaN]}', '{"\\ud800":1}', '["\\udfff"]',
)  # fmt: skip
WORDS = ("null", "true", "false", "True", "None", "undefined", "")
FIELDS = (
    "type", "event_id", "ts", "office_id", "panel_id", "employee_id", "hold_ms", "question", "answer", "target", "target_id",
    "reliable", "expert_id", "from", "to", "scope", "note", "direction", "disposition", "wait_s", "talk_s", "hold_s", "wrap_s",
    "queue", "client_id", "recording_url", "amount_minor", "currency", "margin_minor", "positions", "category", "count",
    "counter_id", "metric", "score", "employee_ids", "occasion", "comment", "request_id", "priority", "stage", "kind", "end_ts",
    "from_department", "to_department", "scores", "vote_employee_ids", "extra", "TS", "Type", "event_id ", "",
)  # fmt: skip
RAW = (
    b"", b" ", b"null", b"1", b'"x"', b"[]", b"{}", b"[{}]", b"true", b"NaN", b"\x00", b"\xef\xbb\xbf{}", b"{", b"}", b"{]", b'{"type"}',
    b'{"type":null}', b'{"type":1}', b'{"type":[]}', b'{"type":"press"}', b'{"type":"visit"}', b"\xff\xfe{\x00}\x00", b"{} {}", b"{}//",
    b"[" * 60_000, b'["\\ud800"]', b'"\xed\xa0\x80"',
)  # fmt: skip
BAD_BYTES = (
    b"\x00",
    b"\x0b",
    b"\xa0",
    b"\x80",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\xff",
    b"\xef\xbb\xbf",
    b",",
    b'"',
    b"\\",
)
MAX_BYTES = 65_536


def spell(event, chance):
    """Return an event as a message, written in one of the many ways that mean the same."""
    members = [(escaped(name, chance), written(name, value, chance)) for name, value in event.items()]
    members += [('"why"', "null")] * chance.randrange(2) + [
        ('"x"', '{"ts":[1,{"":null}],"\\u0000":1e400}')
    ] * chance.randrange(2)
    members += [(f'"{name}"', "null") for name in ("note", "queue", "question") if name not in event]
    chance.shuffle(members)
    blank = chance.choice(("", "", " ", "\t", "\r\n "))
    text = "{" + ",".join(f"{blank}{name}{blank}:{blank}{value}{blank}" for name, value in members) + "}"
    return f"{blank}{text}{blank}".encode()


def escaped(text, chance):
    """Return a JSON string, sometimes with characters written as escapes."""
    quoted = json.dumps(text, ensure_ascii=chance.random() < 0.5)
    return quoted if chance.random() < 0.8 else escape_first(quoted)


def escape_first(quoted):
    """Return a JSON string with its first character, where that is a letter or digit, written as an escape."""
    return f'"\\u{ord(quoted[1]):04x}{quoted[2:]}' if quoted[1:2].isalnum() else quoted


def written(name, value, chance):
    """Return a value as JSON; an instant sometimes as RFC 3339 text with any offset and finer fractions."""
    if name in {"ts", "from", "to", "end_ts"} and chance.random() < 0.3:
        offset_min = chance.choice((0, 120, -300, 345, 1439, -1439))
        local = EPOCH + dt.timedelta(milliseconds=value, minutes=offset_min)
        sign = "-" if offset_min < 0 else "+"
        offset = f"{sign}{abs(offset_min) // 60:02}:{abs(offset_min) % 60:02}"
        finer = chance.choice(("", "0", "9", "999999"))
        return f'"{local:%Y-%m-%d{chance.choice("Tt")}%H:%M:%S}.{value % 1000:03}{finer}{offset}"'
    return escaped(value, chance) if isinstance(value, str) else json.dumps(value)


def mutate(seed, n):
    """Return n messages, broken by one to three mutations each (a few are RAW scraps that never were events)."""
    chance = random.Random(seed)
    events = company(seed, mess=0, offices=1, panels=1, steps=20)
    by_type = {}
    for event in events:
        by_type.setdefault(event["type"], []).append(event)
    result = []
    for _ in range(n):
        if chance.random() < 0.03:
            result.append(chance.choice(RAW))
            continue
        event = chance.choice(by_type[chance.choice(sorted(by_type))])
        members = [[json.dumps(name), json.dumps(value, ensure_ascii=False)] for name, value in event.items()]
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            break_members(members, chance)
        message = ("{" + ",".join(f"{name}:{value}" for name, value in members) + "}").encode("utf-8", "surrogatepass")
        result.append(break_bytes(message, chance) if chance.random() < 0.2 else message)
    return result


def poison(chance):
    """Return a value that belongs nowhere, or just here."""
    date_time = '"' + chance.choice(DAYS) + chance.choice("TTtt ") + chance.choice(TIMES) + chance.choice(OFFSETS) + '"'
    return chance.choice(
        (chance.choice(NUMBERS), chance.choice(TEXTS), chance.choice(NESTED), chance.choice(WORDS), date_time)
    )


def break_members(members, chance):
    """Break one member of an object: [[name, value], ...], both as JSON text."""
    position = chance.randrange(len(members))
    what = chance.randrange(8)
    if what == 0 and len(members) > 1:
        del members[position]
    elif what == 1:
        members.insert(position, [json.dumps(chance.choice(FIELDS)), poison(chance)])
    elif what == 2:
        members.append([members[position][0], poison(chance)])
    elif what == 3:
        name = members[position][0]
        members[position][0] = chance.choice((name.upper(), escape_first(name), poison(chance)))
    elif what == 4:
        members[position][1] = "null"
    else:
        members[position][1] = poison(chance)


def break_bytes(message, chance):
    """Break a message as bytes."""
    position = chance.randrange(len(message))
    size = chance.choice((MAX_BYTES, MAX_BYTES + 1))
    return chance.choice(
        (
            message[:position],
            message[:position] + chance.choice(BAD_BYTES) + message[position:],
            message[:position] + bytes([chance.randrange(256)]) + message[position + 1 :],
            b"\xef\xbb\xbf" + message,
            message + chance.choice((b"\n", b"\x0c", b"\xc2\xa0", b"}", b"//", b"\x00", message)),
            b"[" + message + b"]",
            message.decode("utf-8", "replace").encode("utf-16"),
            message.ljust(size),
            message[:-1] + b',"note":"' + b"x" * (size - len(message) - 10) + b'"}',
            message.replace(b'"', b"'"),
            message.replace(b'":', b'" :\t'),
        ),
    )
