"""Messages for the differential test of decoding: events of every spelling, broken in ways that find the edges of a scanner.

Most of them are of the kinds that are scanned, and broken so little that every rule decides some. Everything follows from the seed.
"""

import json
import random

import numpy as np

from streams.events import EVENT_NAMES
from streams.messages import Messages
from tests.reference.messages import DAYS, NESTED, NUMBERS, OFFSETS, TEXTS, TIMES, WORDS
from tests.streams.specimens import COMMON, OPTIONAL, SPECIMENS

SCANNED = EVENT_NAMES[:6]
CHARACTERS = (
    "a", '"', "\\", "/", " ", "\t", "\x00", "\x1f", "\x7f", "\x80", "\x9f", "\u00a0", "\u00e9", "\u07ff", "\u0800", "\u2028",
    "\ud7ff", "\ue000", "\ufeff", "\uffff", "\U00010000", "\U0001f600", "\U0010ffff", "e\u0301",
)  # fmt: skip
BROKEN_UTF8 = (
    b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xc3(", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe2\x82", b"\xed\xa0\x80",
    b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf0\x9f\x98", b"\xff",
)  # fmt: skip
ESCAPES = (
    '\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0041", "\\u00e9", "\\u0085", "\\ud83d\\ude00", "\\ud83d", "\\x", "\\",
    "\\u12",
)  # fmt: skip
MORE_NUMBERS = (
    "00", "-", "-01", "1.", "1.0e1", "1e3", "1E+2", "0e0", "0.0", "-0.0", "0.1", "0.0005", "0.0015", "0.0025", "4.9995", "61.25",
    "2.5e-1", "12345678", "123456789", "1234567890123456", "12345678901234567", "123456789012345678", "1234567890123456789",
    "99999999999999999999", "9007199254740993", "0.9007199254740993", "9999999.9999999999", "10000000.00000000001",
    "0.30000000000000004", "1.00000000000000001", "0.00000000000000000000000001", "1.5 ", "1,5", "1_0", "0x1", "-9223372036854775808",
)  # fmt: skip
BLANKS = ("", "", "", " ", "  ", "\t", "\n", "\r\n", " \t\r\n ")
OTHER_BLANKS = ("\x0b", "\x0c", "\u00a0", "\ufeff", "\x00", "\u2003")
FRACTIONS = ("", ".0", ".5", ".999", ".9999", ".0009999", ".123456789", ".1234567890123456789", ".", ".x", ",5", ". 5")
KEYS = sorted(
    {name for fields in SPECIMENS.values() for name in fields}
    | {"type", *COMMON, "extra", "x" * 40, "tsx", "t", "Ts", "\u00e9"}
)


class Writer:
    """Writes messages by one source of chance."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.pick = self.chance.choice

    def message(self):
        """Return a message, as bytes."""
        chance = self.chance
        name = self.pick(SCANNED) if chance.random() < 0.92 else self.pick(EVENT_NAMES)
        members = self.members(name)
        for _ in range(self.pick((0, 1, 1, 1, 2, 3))):
            self.break_members(members)
        text = self.joined(members).encode("utf-8", "surrogatepass")
        return self.break_bytes(text) if chance.random() < 0.25 else text

    def good_message(self):
        """Return a message that nobody broke, of a kind that is scanned."""
        chance = self.chance
        members = dict(self.members(self.pick(SCANNED)))
        if chance.random() < 0.2:
            offset = self.pick(("Z", "z", "+00:00", "-23:59", "+05:45"))
            members['"ts"'] = (
                f'"2024-02-29{self.pick("Tt")}{chance.randrange(24):02}:59:59{self.pick(FRACTIONS[:8])}{offset}"'
            )
        if '"office_id"' in members and chance.random() < 0.3:
            members['"office_id"'] = (
                '"' + self.pick(("R\u012bga", "\u00e9" * 128, "\U0001f600 \u00a0", "\u6771\u4eac", "a b/c")) + '"'
            )
        for name in ('"note"', '"recording_url"'):
            if name in members and chance.random() < 0.5:
                members[name] = self.pick(('"\\"quoted\\" \\\\ \\/ \\n"', '""', '"\u0085"', '"' + "x" * 1000 + '"'))
        return self.joined([list(member) for member in members.items()]).encode()

    def members(self, name):
        """Return the members of a good event as texts, [[key, value]], in one of its usual spellings."""
        chance = self.chance
        event = {"type": name} | COMMON | SPECIMENS[name]
        for field in OPTIONAL[name]:
            if chance.random() < 0.3:
                del event[field]
            elif chance.random() < 0.1:
                event[field] = None
        event["event_id"] = f"{name[:2]}-{chance.randrange(10 ** chance.randrange(1, 12))}"
        event["ts"] = chance.randrange(10 ** chance.randrange(1, 16))
        for field, value in event.items():
            if (
                isinstance(value, int)
                and not isinstance(value, bool)
                and field not in {"ts", "from", "to", "score", "end_ts"}
            ):
                event[field] = chance.randrange(10 ** chance.randrange(1, 18))
            elif isinstance(value, float):
                event[field] = round(chance.random() * 10 ** chance.randrange(8), chance.randrange(8))
        members = [[json.dumps(key), json.dumps(value, ensure_ascii=False)] for key, value in event.items()]
        if chance.random() < 0.1:
            chance.shuffle(members)
        if chance.random() < 0.1:
            members.insert(
                chance.randrange(len(members) + 1),
                ['"extra"', self.pick(('"x"', "1", "-2.5", "null", "true", '"\\n"'))],
            )
        return members

    def joined(self, members):
        """Return members as an object."""
        style = self.chance.random()
        if style < 0.6:
            return "{" + ",".join(f"{key}:{value}" for key, value in members) + "}"
        if style < 0.8:
            return "{" + ", ".join(f"{key}: {value}" for key, value in members) + "}"
        parts = []
        for key, value in members:
            parts.append(f"{self.pick(BLANKS)}{key}{self.pick(BLANKS)}:{self.pick(BLANKS)}{value}{self.pick(BLANKS)}")
        return self.pick(BLANKS) + "{" + ",".join(parts) + "}" + self.pick(BLANKS)

    def instant(self):
        """Return a time as text, or nearly one."""
        chance = self.chance
        if chance.random() < 0.4:
            day = f"{self.pick(('1969', '1970', '1999', '2000', '2024', '2100', '9999'))}-{chance.randrange(14):02}-{chance.randrange(33):02}"
        else:
            day = self.pick((*DAYS, "2026-02-31", "2026-04-31", "2000-02-29", "2100-02-29", "1970-01-01"))
        time = (
            self.pick(TIMES)
            if chance.random() < 0.3
            else f"{chance.randrange(25):02}:{chance.randrange(61):02}:{chance.randrange(62):02}"
        )
        offset = (
            self.pick(OFFSETS)
            if chance.random() < 0.5
            else f"{self.pick('+-')}{chance.randrange(25):02}:{chance.randrange(61):02}"
        )
        return f'"{day}{self.pick("TTTTTt ")}{time}{self.pick(FRACTIONS)}{offset}"'

    def string(self):
        """Return a string of awkward characters, or nearly one."""
        chance = self.chance
        if chance.random() < 0.3:
            return '"' + self.pick(CHARACTERS[10:]) * self.pick((1, 127, 128, 129)) + '"'
        parts = [self.pick(("plain", *CHARACTERS, self.pick(ESCAPES))) for _ in range(chance.randrange(1, 12))]
        return '"' + "".join(parts) + '"'

    def value(self):
        """Return a value that belongs nowhere, or just here."""
        return self.pick(
            (
                lambda: self.pick(NUMBERS),
                lambda: self.pick(MORE_NUMBERS),
                lambda: str(self.chance.randrange(-(10**19), 10**19) // 10 ** self.chance.randrange(20)),
                lambda: (
                    f"{self.chance.randrange(10 ** self.chance.randrange(1, 19))}.{self.chance.randrange(10 ** self.chance.randrange(1, 19))}"
                ),
                lambda: self.pick(TEXTS),
                self.string,
                self.string,
                self.instant,
                self.instant,
                lambda: self.pick(WORDS),
                lambda: self.pick(NESTED[:20]),
            )
        )()

    def break_members(self, members):  # noqa: C901 (a list)
        """Break one member."""
        chance = self.chance
        place = chance.randrange(len(members))
        key, value = members[place]
        what = chance.randrange(14)
        if what == 0 and len(members) > 1:
            del members[place]
        elif what == 1:
            members.insert(place, [json.dumps(self.pick(KEYS), ensure_ascii=False), self.value()])
        elif what == 2:
            members.insert(chance.randrange(len(members) + 1), [key, self.pick((value, "null", self.value()))])
        elif what == 3 and len(key) > 2:
            members[place][0] = self.pick(
                (key.upper(), f'"\\u{ord(key[1]):04x}{key[2:]}', self.string(), key[:-1], key[:-2] + '"', value)
            )
        elif what == 4:
            members[place][1] = "null"
        elif what == 5:
            other = self.pick(members)
            members[place][1], other[1] = other[1], members[place][1]
        elif what == 6 and value[:1] == '"' and len(value) > 1:
            at = chance.randrange(1, len(value))
            members[place][1] = value[:at] + self.pick((*CHARACTERS, *ESCAPES)) + value[at:]
        elif what == 7:
            times = [member for member in members if member[0] in {'"ts"', '"from"', '"to"', '"end_ts"'}]
            if times:
                self.pick(times)[1] = self.instant()
        elif what == 8:
            numbers = [member for member in members if member[1][:1] in set("-0123456789")]
            if numbers:
                self.pick(numbers)[1] = self.pick((*NUMBERS, *MORE_NUMBERS))
        elif what == 9:
            members.insert(place, [json.dumps(self.pick(KEYS), ensure_ascii=False), self.value()])
        else:
            members[place][1] = self.value()

    def break_bytes(self, text):
        """Break a message as bytes."""
        chance = self.chance
        at = chance.randrange(len(text))
        other = chance.randrange(len(text))
        first, last = min(at, other), max(at, other)
        flipped = bytes([text[at] ^ 1 << chance.randrange(8)])
        return self.pick(
            (
                lambda: text[:at],
                lambda: text[at:],
                lambda: text[:at] + flipped + text[at + 1 :],
                lambda: text[:at] + flipped + text[at + 1 :],
                lambda: text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :],
                lambda: text[:at] + self.pick(BROKEN_UTF8) + text[at:],
                lambda: text[:at] + self.pick(CHARACTERS).encode("utf-8", "surrogatepass") + text[at:],
                lambda: text[:at] + self.pick((*BLANKS, *OTHER_BLANKS)).encode() + text[at:],
                lambda: text[:first] + text[last:],
                lambda: text[:last] + text[first:],
                lambda: text + self.pick((b"\n", b"\x00", b"}", b",", b"//", b"null", b"\xc2\xa0", text, b" \n ")),
                lambda: self.pick((b"\xef\xbb\xbf", b"\n", b"\x00", b"[", b"\xff\xfe")) + text,
                lambda: text.replace(b":", self.pick((b" :", b"::", b"=", b":\x0b")), 1),
                lambda: text.replace(b",", self.pick((b" ,", b",,", b";", b"")), 1),
                lambda: text[:-1] + self.pick((b",}", b" }", b"]", b"}}", b"")),
                lambda: text[:-1] + b',"note":"' + b"x" * (65_536 + chance.randrange(-1, 2) - len(text) - 10) + b'"}',
            )
        )()

    def batch(self, count):
        """Return messages that lie in one buffer with odd things between them: what some were cut off from, too."""
        chance = self.chance
        parts, starts, lengths = [], [], []
        end = 0
        while len(starts) < count:
            text = self.message()
            cut = len(text)
            if chance.random() < 0.05:  # the rest follows, but belongs to no message, or to the next one
                cut = chance.randrange(len(text) + 1)
            starts.append(end)
            lengths.append(cut)
            if cut < len(text) and chance.random() < 0.5:
                starts.append(end + cut)
                lengths.append(len(text) - cut)
            elif chance.random() < 0.1:
                text += self.pick((b" ", b"}", b'"}', b"\x00\x06", b"0", b',"ts":1}', b"\xff"))
            parts.append(text)
            end += len(text)
        return Messages(
            np.frombuffer(b"".join(parts), np.uint8), np.array(starts, np.int64), np.array(lengths, np.int64)
        )
