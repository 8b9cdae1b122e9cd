"""What `kqi tap` shows of messages: those of one office, in lines that name no clients unless that is wanted."""

import json

import pytest

from agents.tap import Lines, Message, of_office, whole_line

TS = 1_772_446_503_120  # 2026-03-02T10:15:03.120Z
PHONE = "+371 29 123 456"


def message(topic, content, key=b"o", headers=None, offset=7):
    """Return a message; its content an object, or bytes."""
    value = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Message(topic, 3, offset, TS + 1000, key, value, headers or {})


def event(kind, **fields):
    """Return an event."""
    return {"type": kind, "event_id": "e1", "ts": TS, "office_id": "o"} | fields


@pytest.mark.parametrize(
    ("topic", "content", "line"),
    [
        (
            "presses",
            event("seller_press", panel_id="p 1", employee_id="anna", hold_ms=200),
            '2026-03-02T10:15:03.120Z  presses       seller_press    panel_id="p 1" employee_id=anna hold_ms=200 event_id=e1  [3:7]',
        ),
        (
            "visits",
            event("visit", ts="2026-03-02T12:15:03+02:00", count=None, counter_id="door"),
            "2026-03-02T12:15:03+02:00  visits        visit           counter_id=door event_id=e1  [3:7]",
        ),
        (
            "surveys",
            {"survey_id": "s", "office_id": "o", "ts": TS, "outcome": "silent", "valid": True, "revision": 5},
            "2026-03-02T10:15:03.120Z  surveys       survey          survey_id=s outcome=silent valid=true revision=5  [3:7]",
        ),
        ("sales", {"type": "gift"}, "2026-03-02T10:15:04.120Z  sales         not one of its types, 16 bytes  [3:7]"),
        ("sales", b"\xff", "2026-03-02T10:15:04.120Z  sales         not one of its types, 1 bytes  [3:7]"),
    ],
    ids=["press", "visit", "survey", "unknown", "broken"],
)
def test_lines(topic, content, line):
    """The time of the event, or of the message where there is none; the fields of its type; where it lies."""
    assert Lines().line(message(topic, content)) == line


def test_clients_are_masked():
    """The same client has the same mark, in this run alone; free text and what no event of the type has are left out."""
    call = event("call", direction="inbound", client_id=PHONE, recording_url="https://r/1", passport="LV123")
    rating = event("rating", metric="nps", comment=f"call {PHONE}", client_id=PHONE)
    lines, others = Lines(), Lines()
    shown = [lines.line(message("calls", call)), lines.line(message("ratings", rating))]
    marks = {word for line in shown for word in line.split() if word.startswith("client_id=~")}
    assert len(marks) == 1
    assert not marks & set(others.line(message("calls", call)).split())
    for hidden in (PHONE, "https", "LV123"):
        assert hidden not in " ".join(shown)
    assert "recording_url=..." in shown[0]


def test_what_is_of_a_wrong_shape_is_not_shown():
    """Where a field holds something nested, or a time is none, there may stand anything; the event is a dead letter."""
    call = event("call", queue={"client": PHONE}, employee_id=[{"client": PHONE}], ts=f"Jane {PHONE}")
    line = Lines().line(message("calls", call))
    assert line.startswith("2026-03-02T10:15:04.120Z  calls")
    assert "queue=..." in line
    assert PHONE not in line
    assert "4000" not in Lines().line(message("calls", event("call", ts=int("4000" * 500))))
    assert PHONE in Lines(unmask=True).line(message("calls", call))
    rating = event("peer_rating", scores={"help": 5}, vote_employee_ids=["anna"])
    assert 'scores={"help":5} vote_employee_ids=["anna"]' in Lines().line(message("peer-ratings", rating))


def test_whole_messages_are_lines():
    """As they are, each in one line; on a terminal they change nothing."""
    value = '{"a":\n "\u00e9\x1b[2J"}'.encode()
    assert whole_line(value, for_terminal=False) == value.replace(b"\n", b" ")
    assert whole_line(value, for_terminal=True).decode() == '{"a":  "\u00e9\\x1b[2J"}'


def test_everything_is_shown_to_who_asks():
    """Clients, free text, unknown fields, and what a dead letter says."""
    call = event("call", client_id=PHONE, recording_url="https://r/1", passport="LV123")
    line = Lines(unmask=True).line(message("calls", call))
    assert f'client_id="{PHONE}" recording_url=https://r/1 passport=LV123' in line
    headers = {"reason": b"not_json", "topic": b"kqi.calls", "partition": b"3", "offset": b"99"}
    letter = message("dead-letters", f"call {PHONE}".encode(), headers=headers)
    assert Lines().line(letter).endswith("dead-letters  not_json        20 bytes of kqi.calls, offset 99  [3:7]")
    assert PHONE in Lines(unmask=True).line(letter)


def test_a_line_is_a_line():
    """Whatever a message contains: control characters are shown by their numbers, and long values are cut."""
    evil = "\x1b[2J\n\u202e\x9b" + 1000 * "x"
    call = event("call", queue=evil, client_id="c", **{"\x1b[1m": evil}, ts=evil)
    for lines in (Lines(), Lines(unmask=True)):
        for each in (message("calls", call), message("dead-letters", evil.encode())):
            line = lines.line(each)
            assert line.isprintable()
            assert len(line) < 1200


def test_messages_of_an_office():
    """Those that name it, under whatever key; of what names none, that under its key."""
    found = [
        message("sales", event("sale"), offset=1),
        message("sales", event("sale"), key=b"other", offset=2),
        message("sales", event("sale", office_id="other"), offset=3),
        message("sales", b"broken", offset=4),
        message("sales", b"broken", key=b"other", offset=5),
        message("sales", [1], offset=6),
        message("sales", event("sale", office_id=None), offset=7),
    ]
    assert [each.offset for each in of_office(found, "o")] == [1, 2, 4, 6, 7]
