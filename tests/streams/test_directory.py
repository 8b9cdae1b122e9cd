"""The directory: what is right is looked up, and what is wrong is one sentence that says where."""

from datetime import date

import pytest

from streams.directory import Directory, Employee, Office, Panel, key_of
from streams.directory_check import from_message, from_toml, read, to_message
from tests.reference.opening import open_ms

HOUR_MS = 3_600_000
OFFICE = '[[offices]]\nid = "riga-1"\n'
PERSON = '[[employees]]\nid = "ann"\noffice = "riga-1"\n'
SOME = f"""
[defaults]
time_zone = "Europe/Riga"
questions = "office"
{OFFICE}
name = "Centre"
region = "Latvia"
time_zone = "Europe/London"
currency = "EUR"
representative_by = "coverage"
coverage_limits = [0.2, 1]
conversion_limits = [0.1, 0.9]
questions = [{{ days = "1-30", question = "personnel" }}, {{ days = "31", question = "loyalty" }}]
opening_hours = {{ monday = ["09:00-13:00", "14:00-18:00"], friday = ["20:00-02:00"] }}
exceptions = {{ "2026-12-25" = [] }}
[[offices]]
id = "riga-2"
{PERSON}
leader = "bob"
leader_office = "riga-2"
from = 2026-01-01
to = "2026-12-31"
[[employees]]
id = "bob"
office = "riga-2"
name = "Bob"
[[panels]]
id = "till-1"
office = "riga-1"
name = "Till"
"""


def faults(text, where="x.toml"):
    """What is wrong with a file."""
    directory, found = read(from_toml(text, where))
    assert (directory is None) == bool(found)
    return found


@pytest.fixture(scope="module")
def directory():
    """A directory that is right."""
    found = read(from_toml(SOME, "x.toml"))
    assert found.faults == []
    return found.directory


def test_entries_are_found(directory):
    """Offices by id, employees and panels by office and id."""
    assert set(directory.offices) == {"riga-1", "riga-2"}
    office = directory.offices["riga-1"]
    assert (office.name, office.region, office.currency) == ("Centre", "Latvia", "EUR")
    assert (office.representative_by, office.coverage_limits, office.conversion_limits) == (
        "coverage",
        (0.2, 1),
        (0.1, 0.9),
    )
    ann = directory.employees["riga-1", "ann"]
    assert ann.leader_key == ("riga-2", "bob")
    assert (ann.from_, ann.to) == (date(2026, 1, 1), date(2026, 12, 31))
    assert directory.employees["riga-2", "bob"].leader_key is None
    assert directory.panels == {("riga-1", "till-1"): Panel(id="till-1", office="riga-1", name="Till")}


def test_time_zones_and_opening_hours(directory):
    """An office has its own, or the default zone and no closing time; so has one that is not known."""
    zones = {name: directory.zone_of(name).name for name in ("riga-1", "riga-2", "nowhere")}
    assert zones == {"riga-1": "Europe/London", "riga-2": "Europe/Riga", "nowhere": "Europe/Riga"}
    week = [[(540, 780), (840, 1080)], [], [], [], [(1200, 1560)], [], []]
    begin_ms, end_ms = 1_798_070_400_000, 1_798_675_200_000  # 2026-12-24 to 2026-12-31
    expected = open_ms(begin_ms, end_ms, "Europe/London", week, {date(2026, 12, 25): []})
    assert directory.hours_of("riga-1").open_ms(begin_ms, end_ms) == expected == 8 * HOUR_MS
    assert directory.hours_of("riga-1") is directory.hours_of("riga-1")
    for never_closes in ("riga-2", "nowhere"):
        assert directory.hours_of(never_closes).open_ms(begin_ms, end_ms) == end_ms - begin_ms


def test_messages_say_the_same(directory):
    """A directory read from messages is the one that they were made of."""
    messages = [to_message(entry) for entry in directory.entries.values()]
    value = (
        b'{"id":"riga-1","name":"Centre","region":"Latvia","time_zone":"Europe/London","currency":"EUR",'
        b'"opening_hours":{"monday":["09:00-13:00","14:00-18:00"],"friday":["20:00-02:00"]},'
        b'"exceptions":{"2026-12-25":[]},'
        b'"questions":[{"days":"1-30","question":"personnel"},{"days":"31","question":"loyalty"}],'
        b'"representative_by":"coverage","coverage_limits":[0.2,1.0],"conversion_limits":[0.1,0.9]}'
    )
    assert messages[1] == (b'["office","riga-1"]', value)
    again = read(from_message(key, value, "the topic") for key, value in messages)
    assert again.faults == []
    assert again.directory == directory


def test_an_empty_file_is_a_directory():
    """Nothing is said, so everything is as without a directory."""
    assert read(from_toml("", "x.toml")).directory == Directory()


def test_keys():
    """No two kinds, offices or ids share a key."""
    entries = [Office(id="a"), Office(id="b"), Employee(id="b", office="a"), Panel(id="b", office="a")]
    assert len(set(map(key_of, entries))) == len(entries)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[offices]", "x.toml is not TOML: Expected ']]' at the end of an array declaration (at line 1, column 10)"),
        ("[[office]]", "`office` in x.toml is none of defaults, offices, employees, panels, plans, matrices"),
        ("[offices]", "`offices` in x.toml must be a list of tables, each under [[offices]]"),
        ("offices = [1]", "office 1 in x.toml: expected a table"),
        ("[[offices]]", "office 1 in x.toml: `id` is missing"),
        ('[[offices]]\nid = ""', "office 1 in x.toml: `id`: expected a text of length >= 1"),
        ('[[offices]]\nid = "a\\u0007"', "office 1 in x.toml: `id`: an id has no control characters"),
        (OFFICE + 'timezone = "UTC"', "office `riga-1` in x.toml: `timezone` is no field of it; did you mean `time_zone`?"),
        (OFFICE + 'time_zone = "Europe/Rga"', "office `riga-1` in x.toml: `time_zone`: `Europe/Rga` is no time zone; expected a name such as Europe/Riga"),
        ('defaults = { time_zone = "X" }', "defaults in x.toml: `time_zone`: `X` is no time zone; expected a name such as Europe/Riga"),
        (OFFICE + 'currency = "euro"', "office `riga-1` in x.toml: `currency`: expected three capital letters, such as EUR"),
        (OFFICE + 'representative_by = "luck"', "office `riga-1` in x.toml: `representative_by`: expected one of coverage, conversion, none"),
        (OFFICE + "coverage_limits = [0.5, 0.1]", "office `riga-1` in x.toml: `coverage_limits`: expected two numbers from 0 on, the lower first"),
        (OFFICE + "conversion_limits = [0.5]", "office `riga-1` in x.toml: `conversion_limits`: expected a list of length 2, got 1"),
        (OFFICE + OFFICE, "office `riga-1` in x.toml: it stands in the directory already, as office `riga-1` in x.toml"),
        (OFFICE + "opening_hours = { moonday = [] }", "office `riga-1` in x.toml: `opening_hours`: expected one of monday, tuesday, wednesday, thursday, friday, saturday, sunday"),
        (OFFICE + 'opening_hours = { monday = ["9-18"] }', "office `riga-1` in x.toml: `opening_hours`, monday: `9-18` are no hours; expected two times such as 09:00-18:00"),
        (OFFICE + 'opening_hours = { monday = ["09:00-18:00", "17:00-19:00"] }', "office `riga-1` in x.toml: `opening_hours`: those of monday overlap with others"),
        (OFFICE + 'opening_hours = { sunday = ["22:00-06:00"], monday = ["05:00-09:00"] }', "office `riga-1` in x.toml: `opening_hours`: those of monday overlap with others"),
        (OFFICE + "exceptions = { christmas = [] }", "office `riga-1` in x.toml: `exceptions`: invalid date, expected one such as 2026-12-25"),
        (OFFICE + 'exceptions = { 2026-12-25 = ["09:00-18:00", "10:00-11:00"] }', "office `riga-1` in x.toml: `exceptions`: those of 2026-12-25 overlap"),
        (OFFICE + "exceptions = { 2126-12-25 = [] }", "office `riga-1` in x.toml: `exceptions`: 2126-12-25 does not lie between 1970 and 2099"),
        (OFFICE + 'questions = "weather"', "office `riga-1` in x.toml: `questions`: expected one of personnel, office, loyalty"),
        (OFFICE + 'questions = [{ days = "1-31" }]', "office `riga-1` in x.toml: `questions`: a table lacks the field question (number 1)"),
        (OFFICE + 'questions = [{ days = "0-31", question = "office" }]', "office `riga-1` in x.toml: `questions`: `0-31` are no days from 1 to 31, in order"),
        (OFFICE + 'questions = [{ days = "1-32", question = "office" }]', "office `riga-1` in x.toml: `questions`: `1-32` are no days from 1 to 31, in order"),
        (OFFICE + 'questions = [{ days = "9-1", question = "office" }]', "office `riga-1` in x.toml: `questions`: `9-1` are no days from 1 to 31, in order"),
        (OFFICE + 'questions = [{ days = "all", question = "office" }]', "office `riga-1` in x.toml: `questions`: `all` are no days; expected days of the month such as 11-20"),
        (OFFICE + 'questions = [{ days = "1-30", question = "office" }]', "office `riga-1` in x.toml: `questions`: day 31 has no question"),
        (OFFICE + 'questions = [{ days = "1-20", question = "office" }, { days = "20-31", question = "loyalty" }]', "office `riga-1` in x.toml: `questions`: day 20 has two questions"),
        (PERSON, "employee `ann` in x.toml: `office`: there is no office `riga-1` in the directory"),
        ('[[panels]]\nid = "p"\noffice = "o"', "panel `p` in x.toml: `office`: there is no office `o` in the directory"),
        (OFFICE + PERSON + "from = 2026-02-01\nto = 2026-01-31", "employee `ann` in x.toml: `to`, 2026-01-31, lies before `from`, 2026-02-01"),
        (OFFICE + PERSON + 'from = "soon"', "employee `ann` in x.toml: `from`: invalid date, expected one such as 2026-12-25"),
        (OFFICE + PERSON + 'leader = "bob"', "employee `ann` in x.toml: `leader`: there is no employee `bob` of office `riga-1` in the directory"),
        (OFFICE + PERSON + 'leader_office = "riga-1"', "employee `ann` in x.toml: `leader_office` stands without `leader`"),
        (OFFICE + PERSON + 'leader = "ann"', "employee `ann` in x.toml: `leader`: nobody leads themselves"),
        (
            OFFICE + PERSON + 'leader = "bob"\n' + PERSON.replace("ann", "bob") + 'leader = "eve"\n' + PERSON.replace("ann", "eve") + 'leader = "bob"',
            "employee `bob` in x.toml: `leader`: a circle of leaders: `bob` < `eve` < `bob`",
        ),
    ],
)  # fmt: skip
def test_faults(text, sentence):
    """Each fault is one sentence with file and place."""
    assert faults(text) == [sentence]


def test_all_faults_are_told():
    """Not only the first one; what stands in a table that is wrong itself is not missed by others."""
    text = (
        OFFICE
        + 'currency = "x"\nregion = 3\n'
        + PERSON
        + '[[panels]]\nid = "p"\noffice = "riga-1"\n[[panels]]\nid = "q"'
    )
    assert faults(text) == [
        "office `riga-1` in x.toml: `region`: expected a text, got a whole number",
        "office `riga-1` in x.toml: `currency`: expected three capital letters, such as EUR",
        "panel `q` in x.toml: `office` is missing",
    ]


@pytest.mark.parametrize("text", [f"a = {'[' * 100_000}", f"a = {'1' * 5000}"])
def test_files_that_no_parser_takes(text):
    """Lists within lists without end, and numbers of thousands of digits, are faults like others."""
    (fault,) = faults(text)
    assert fault.startswith("x.toml is not TOML: ")


def test_a_fault_is_one_line_that_can_be_shown():
    """Nothing that stands in a directory draws on a terminal, ends a line of a log, or fills it."""
    (fault,) = faults(OFFICE + 'time_zone = "\\u001b[2J\\nERROR all is lost"')
    assert "`\\x1b[2J\\nERROR all is lost` is no time zone" in fault
    (fault,) = faults(OFFICE + f'time_zone = "{"x" * 100_000}"')
    assert len(fault) < 600


def test_many_fields_that_do_not_exist_are_counted():
    """An entry of a hundred thousand of them is told of in a moment."""
    found = faults(OFFICE + "".join(f"field_{number} = 1\n" for number in range(100_000)))
    assert len(found) == 6
    assert found[-1] == "office `riga-1` in x.toml: 99995 more that are no fields of it"


def test_names_of_employees_are_not_repeated():
    """A fault says the id of an employee, never the name."""
    text = OFFICE + PERSON + 'name = ["Ann Secret"]\nleader = "nobody"'
    assert not any("Secret" in fault for fault in faults(text))


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (b"x", b"{}", "here: the key must be a JSON array of texts, and the value a JSON object"),
        (b"[" * 100_000, b"{}", "here: the key must be a JSON array of texts, and the value a JSON object"),
        (b'["office","a"]', b'{"id":' + b"[" * 100_000, "here: the key must be a JSON array of texts, and the value a JSON object"),
        (b'["office","a"]', b"", "here: the key must be a JSON array of texts, and the value a JSON object"),
        (
            b'["offices","a"]',
            b"{}",
            "here: the key must begin with one of defaults, office, employee, panel, plan, matrix",
        ),
        (b'["office","a"]', b'{"id":"b"}', "office `b` in here: its key is not that of the entry"),
        (b'["office","a"]', b"[]", "office in here: expected a table"),
    ],
)  # fmt: skip
def test_faults_of_messages(key, value, sentence):
    """What is no entry, or stands under another key, is a fault."""
    assert read([from_message(key, value, "here")]).faults == [sentence]
