"""The configuration: every key, its limits, where it may stand, and what is said when something is wrong."""

import json
import math
import re

import msgspec
import pytest

from streams.configuration import (
    METHOD_KEYS,
    Configuration,
    ConfigurationError,
    Kafka,
    configure,
    from_environment,
    from_settings,
    from_toml,
    unknown_names,
    window_minutes,
)
from streams.events import TOPICS

DAY_S = 86_400
# Every key with a number: the type of its numbers, the least and the greatest that it takes.
NUMBERS = {
    "silent_weight": (float, 0, 1),
    "answer_window_s": (float, 0.001, 1e8),
    "debounce_ms": (int, 0, 10**8),
    "long_press_ms": (int, 1, 10**8),
    "force_majeure_duration_s": (float, 0, 1e8),
    "service_level_s": (float, 0, 1e8),
    "short_abandon_s": (float, 0, 1e8),
    "min_surveys": (int, 1, 10**9),
    "force_majeure_level_max": (float, 0, 1),
    "asked_within_s": (float, 0, 1e8),
    "diagnosis_margin": (float, 0, 1),
    "comparison.min_employees": (int, 2, 10**6),
    "reference.ink_personnel": (float, 0, 1),
    "reference.ink_office": (float, 0, 1),
    "reference.iel": (float, -1, 1),
    "partitions": (int, 1, 10_000),
    "indices_interval_s": (float, 0.1, DAY_S),
    "checkpoint_interval_s": (float, 0, DAY_S),
    "metrics_port": (int, 0, 65_535),
    "names_max": (int, 1, 100_000_000),
    "metrics_max_series": (int, 1, 100_000_000),
    "stall_exit_s": (float, 1, DAY_S),
    "signs.quick_answer_s": (float, 0, 1e8),
    "signs.yes_run": (int, 2, 10**6),
    "signs.context_s": (float, 0, 86_400),
    "signs.force_majeure_after_no_s": (float, 0, 86_400),
    "alerting.service_level_objective": (float, 0, 1),
    "alerting.min_due": (int, 1, 10**6),
    "alerting.panel_quiet_s": (float, 60, 7 * DAY_S),
    "alerting.office_quiet_s": (float, 60, 7 * DAY_S),
    "alerting.orphan_share_max": (float, 0, 1),
    "alerting.lag_max": (int, 1, 10**9),
    **{f"correction_horizon_s.{topic.replace('-', '_')}": (float, 0.001, 1e8) for topic in TOPICS},
}
WORDS = {
    "force_majeure_excludes": ("all", "unfavourable", "numerator"),
    "force_majeure_pending": ("include", "exclude"),
    "representative_by": ("coverage", "conversion", "none"),
    "kafka.security_protocol": ("PLAINTEXT", "SSL"),
    "kafka.sasl_mechanism": ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    "log_format": ("text", "json"),
    "log_level": ("debug", "info", "warning", "error"),
}
LIMITS = ("coverage_limits", "conversion_limits")
TEXTS = (
    "topic_prefix",
    "metrics_host",
    "kafka.bootstrap",
    "kafka.group",
    "kafka.sasl_username",
    "kafka.sasl_password",
    "kafka.ssl_cafile",
    "alerting.window",
    "alerting.job",
    "alerting.board_url",
    "alerting.runbook_url",
)


def value_of(configuration, key):
    """The value of a key, dots leading into tables."""
    for part in key.split("."):
        configuration = getattr(configuration, part)
    return configuration


def problems(*sources):
    """What is wrong, sentence by sentence."""
    with pytest.raises(ConfigurationError) as caught:
        configure(*sources)
    return list(caught.value.sentences)


def as_toml(key, value):
    """A TOML document of one key."""
    *tables, name = key.split(".")
    head = f"[{'.'.join(tables)}]\n" if tables else ""
    return from_toml(f"{head}{name} = {json.dumps(value)}", "kqi.toml")


def as_environment(key, text):
    """An environment of one key."""
    return from_environment({"KQI_" + key.replace(".", "_").upper(): text})


def test_the_defaults_are_the_methods():
    """What METHOD and CONTRACT fix."""
    configuration = configure()
    assert configuration == Configuration()
    assert {key: msgspec.to_builtins(getattr(configuration, key)) for key in METHOD_KEYS} == {
        "silent_weight": 0.8,
        "answer_window_s": 30,
        "debounce_ms": 1000,
        "long_press_ms": 3000,
        "force_majeure_duration_s": 900,
        "force_majeure_excludes": "all",
        "force_majeure_pending": "include",
        "windows": ("15m", "1h", "8h", "24h", "7d", "30d"),
        "service_level_s": 20,
        "short_abandon_s": 5,
        "min_surveys": 30,
        "representative_by": "none",
        "coverage_limits": (0, 1),
        "conversion_limits": (0, 1),
        "force_majeure_level_max": 0.2,
        "asked_within_s": 31 * DAY_S,
        "diagnosis_margin": 0.05,
        "reference": {"ink_personnel": 0.2, "ink_office": 0.2, "iel": 0.5},
        "request_targets": (),
        "comparison": {
            "indices": ("ink_personnel", "service_level", "nps", "csat"),
            "min_employees": 5,
            "critical_points": {},
        },
        "correction_horizon_s": {"presses": DAY_S, "verdicts": None}
        | dict.fromkeys(("calls", "sales", "visits", "ratings", "requests", "shifts", "peer_ratings"), 7 * DAY_S),
    }
    assert (configuration.topic_prefix, configuration.partitions, configuration.indices_interval_s) == ("kqi.", 32, 5)


def test_every_key_is_tested_here():
    """A key that is added comes with its limits."""
    keys = set()
    for field in msgspec.structs.fields(Configuration):
        table = type(field.default) if isinstance(field.default, msgspec.Struct) else None
        keys |= {f"{field.name}.{inner.name}" for inner in msgspec.structs.fields(table)} if table else {field.name}
    assert keys == {
        *NUMBERS,
        *WORDS,
        *TEXTS,
        *LIMITS,
        "windows",
        "request_targets",
        "comparison.indices",
        "comparison.critical_points",
        "alerting.thresholds",
        "alerting.burn_rates",
        "directory",
        "tracing",
        "kafka.ssl_certfile",
        "kafka.ssl_keyfile",
    }


@pytest.mark.parametrize("key", LIMITS)
def test_limits_are_two_numbers_in_order(key):
    """Whatever their source; one alone, a third, one below 0, or the greater one first are faults."""
    for value in ([0, 0], [0.25, 3]):
        for source in (as_toml(key, value), as_environment(key, str(value)), from_settings([f"{key}={value}"])):
            assert value_of(configure(source), key) == tuple(value)
    for value in ([1], [0, 1, 2], [-0.1, 1], [0, 2e9]):
        (problem,) = problems(as_toml(key, value))
        assert problem.startswith(f"`{key}` in kqi.toml: expected ")
    assert problems(as_toml(key, [0.5, 0.4])) == [f"`{key}` must not begin above its end"]


NAMES = {int: "a whole number", float: "a number"}


@pytest.mark.parametrize("key", NUMBERS)
def test_a_number_has_its_limits(key):
    """The least and the greatest are taken wherever they stand; what lies beyond them is refused with key and place."""
    kind, least, greatest = NUMBERS[key]
    step = 1 if kind is int else 1e-4
    for value in (least, greatest):
        for source in (as_toml(key, value), as_environment(key, str(value)), from_settings([f"{key}={value}"])):
            assert value_of(configure(source), key) == value
    for value in (least - step, greatest + step, -2, 10**30):
        (problem,) = problems(as_toml(key, value))
        assert problem.startswith(f"`{key}` in kqi.toml: expected {NAMES[kind]}")


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "+nan", "true", "[]", "'1'", "", "1979-05-27", "0x", "1 2"])
def test_a_number_is_a_number(key, value):
    """NaN, infinities, booleans and anything else are refused, wherever they stand."""
    (problem,) = problems(as_environment(key, value))
    assert problem.startswith(f"`{key}` in the environment: expected ")
    (problem,) = problems(from_settings([f"{key}={value}"]))
    assert problem.startswith(f"`{key}` in --set: expected ")


@pytest.mark.parametrize("key", [key for key, (kind, *_) in NUMBERS.items() if kind is float])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_a_number_never_gets_in(key, value):
    """Not even out of a program."""
    *tables, name = key.split(".")
    source = {name: value}
    for table in tables:
        source = {table: source}
    assert len(problems(("a program", source))) == 1


@pytest.mark.parametrize("key", [key for key, (kind, *_) in NUMBERS.items() if kind is int])
def test_an_integer_is_written_as_one(key):
    """1.0 is none."""
    assert problems(as_toml(key, 30.0)) == [f"`{key}` in kqi.toml: expected a whole number, got a number"]


@pytest.mark.parametrize("key", WORDS)
def test_a_word_is_one_of_a_few(key):
    """Each is taken, others are refused."""
    for word in WORDS[key]:
        assert value_of(configure(as_toml(key, word)), key) == word
        assert value_of(configure(as_environment(key, word)), key) == word
    (problem,) = problems(as_toml(key, "whatever"))
    assert problem.startswith(f"`{key}` in kqi.toml: expected one of ")
    assert set(WORDS[key]) <= set(problem.split("one of ")[1].split(", "))


def test_tracing_is_on_or_off():
    """By a word in the environment, by true or false in files; all else is refused."""
    assert configure(as_toml("tracing", True)).tracing
    assert configure(as_environment("tracing", "true")).tracing
    assert not configure(as_environment("tracing", "false")).tracing
    for wrong in (as_toml("tracing", "yes"), as_environment("tracing", "perhaps")):
        (problem,) = problems(wrong)
        assert "true or false" in problem


@pytest.mark.parametrize("address", ["broker:9092", "[::1]:9092", "10.0.0.1:1", "a:65535, b-c.d:9092"])
def test_an_address_has_a_host_and_a_port(address):
    """One or several."""
    assert configure(as_environment("kafka.bootstrap", address)).kafka.bootstrap == address


@pytest.mark.parametrize(
    "address", ["", "broker", "broker:", ":9092", "broker:abc", "broker:65536", "a:1,", "a:1:2", "a b:1"]
)
def test_anything_else_is_no_address(address):
    """A port that is none would otherwise be found out by a library, with a traceback."""
    (problem,) = problems(as_environment("kafka.bootstrap", address))
    assert problem.endswith("expected host:port, or several of them with commas between")


def test_unknown_names_in_the_environment_are_told():
    """They do not stop the start, for others may have put them there."""
    assert unknown_names({"KQI_SILENT_WIEGHT": "1", "KQI_SILENT_WEIGHT": "1", "PATH": ""}) == [
        "`KQI_SILENT_WIEGHT` in the environment is no key and is ignored; did you mean `KQI_SILENT_WEIGHT`?"
    ]


@pytest.mark.parametrize("key", [key for key in TEXTS if key != "kafka.bootstrap"])
@pytest.mark.parametrize("text", ["1234", "true", "nan", "2024-05-27", "1.5", "kqi-2.x", "0644"])
def test_a_text_is_taken_as_it_is(key, text):
    """A password of digits, a prefix that is a year: in the environment and behind --set nobody needs quotes."""
    assert value_of(configure(as_environment(key, text)), key) == text
    assert value_of(configure(from_settings([f"{key}={text}"])), key) == text


@pytest.mark.parametrize(
    ("written", "password"), [("5 # b", "5 # b"), ("a=b", "a=b"), ('"q"', "q"), ("[x", "[x"), ("x\ny = 1", "x\ny = 1")]
)
def test_a_password_may_hold_anything(written, password):
    """Quotes around the whole are TOML's; everything else is the password."""
    assert configure(as_environment("kafka.sasl_password", written)).kafka.sasl_password == password


def test_a_value_cannot_bring_another_key_along():
    """What follows a line end is part of the value."""
    assert len(problems(as_environment("silent_weight", "0.5\nanswer_window_s = 3"))) == 1


def test_the_later_source_wins():
    """TOML, then the environment, then --set; key by key, in tables, too."""
    toml = from_toml(
        "silent_weight = 0.1\ndebounce_ms = 1\nmin_surveys = 1\n[kafka]\ngroup = 'a'\nbootstrap = 'a:1'", "f"
    )
    environment = from_environment(
        {"KQI_DEBOUNCE_MS": "2", "KQI_MIN_SURVEYS": "2", "KQI_KAFKA_GROUP": "b", "PATH": "x", "KQI_WHATEVER": "1"}
    )
    settings = from_settings(["min_surveys=3", "correction_horizon_s.sales=9"])
    configuration = configure(toml, environment, settings)
    assert (configuration.silent_weight, configuration.debounce_ms, configuration.min_surveys) == (0.1, 2, 3)
    assert configuration.kafka == Kafka(bootstrap="a:1", group="b")
    assert (configuration.horizon_ms("sales"), configuration.horizon_ms("calls")) == (9000, 7 * DAY_S * 1000)


def test_the_last_setting_of_a_key_wins():
    """As on any command line."""
    assert configure(from_settings(["debounce_ms=1", " debounce_ms = 2 "])).debounce_ms == 2


@pytest.mark.parametrize("written", ["15m,1h", "15m, 1h", '["15m", "1h"]', "'15m,1h'"])
def test_windows_may_be_written_as_a_list_or_with_commas(written):
    """In the environment and behind --set."""
    assert configure(as_environment("windows", written)).windows == ("15m", "1h")
    assert configure(from_settings([f"windows={written}"])).windows == ("15m", "1h")


@pytest.mark.parametrize(
    ("window", "minutes"),
    [("1m", 1), ("15m", 15), ("90m", 90), ("1h", 60), ("25h", 1500), ("30d", 43_200), ("400d", 576_000)],
)
def test_a_window_is_a_whole_number_of_minutes(window, minutes):
    """Minutes, hours or days, up to 400 days."""
    assert window_minutes(window) == minutes
    assert configure(as_toml("windows", [window])).window_minutes == (minutes,)


@pytest.mark.parametrize(
    "window",
    ["", "0m", "15", "m", "-1h", "1.5h", "15s", "1w", "015m", "1 h", "15M", "401d", "9999999m", "1h\n", "\u0661h"],
)
def test_anything_else_is_no_window(window):
    """And is refused with key, place and reason."""
    with pytest.raises(ValueError, match=r"is no window|is too long"):
        window_minutes(window)
    (problem,) = problems(as_toml("windows", [window]))
    assert problem.startswith("`windows` in kqi.toml: ")


@pytest.mark.parametrize("written", ['["a.toml", "b.toml"]', "a.toml"])
def test_the_directory_may_be_a_path_or_several(written):
    """In the environment and behind --set a path alone needs no brackets."""
    expected = tuple(re.findall(r"\w\.toml", written))
    assert configure(as_environment("directory", written)).directory == expected
    assert configure(from_settings([f"directory={written}"])).directory == expected
    assert configure(as_toml("directory", "a.toml")).directory == ("a.toml",)
    (problem,) = problems(as_toml("directory", [1]))
    assert problem == "`directory` in kqi.toml: expected a text, got a whole number"


@pytest.mark.parametrize(
    ("windows", "problem"),
    [
        (["1h", "60m"], "two of them have the same length"),
        ([], "expected a list of length >= 1"),
        ([f"{minutes}m" for minutes in range(1, 18)], "expected a list of length <= 16"),
        ([15], "expected a text, got a whole number"),
        (15, "expected a list, got a whole number"),
    ],
)
def test_windows_differ_in_length(windows, problem):
    """At least one, at most sixteen, no two alike."""
    assert problems(as_toml("windows", windows)) == [f"`windows` in kqi.toml: {problem}"]


def test_the_longest_window_is_the_horizon_of_verdicts():
    """Unless it is configured; whatever the order of the windows."""
    configuration = configure(as_toml("windows", ["7d", "15m"]))
    assert configuration.longest_window_ms == configuration.horizon_ms("verdicts") == 7 * DAY_S * 1000
    assert configure(as_toml("correction_horizon_s.verdicts", 1.5)).horizon_ms("verdicts") == 1500


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_a_horizon(topic):
    """By its name, which may hold a hyphen."""
    assert configure().horizon_ms(topic) == 1000 * (TOPICS[topic].correction_horizon_s or 30 * DAY_S)


def test_all_faults_are_told_at_once():
    """Each with its key and its place, also those of keys that do not exist and of keys that ask for each other."""
    toml = from_toml(
        "silent_wieght = 1\nwindows = ['1x']\nkafka = 3\n[correction_horizon_s]\ncall = 1", "/etc/kqi.toml"
    )
    environment = from_environment({"KQI_SILENT_WEIGHT": "2"})
    settings = from_settings(["kafka.security_protocol=SASL_SSL", "kafka.ssl_certfile=c", "nothing.at.all=1"])
    assert problems(toml, environment, settings) == [
        "`silent_wieght` in /etc/kqi.toml is no key of the configuration; did you mean `silent_weight`?",
        "`windows` in /etc/kqi.toml: 1x is no window: expected a whole number with m, h or d, such as 15m, 8h or 30d",
        "`kafka` in /etc/kqi.toml must be a table",
        "`silent_weight` in the environment: expected a number <= 1.0",
        "`nothing` in --set is no key of the configuration",
        "`correction_horizon_s.call` in /etc/kqi.toml is no key of the configuration; did you mean `calls`?",
        "`kafka.security_protocol` asks for `kafka.sasl_username` and `kafka.sasl_password`",
        "`kafka.ssl_certfile` and `kafka.ssl_keyfile` go together",
    ]


def test_settings_that_are_none_are_told_at_once():
    """Without an equals sign, without a key, or into a table that is a value."""
    with pytest.raises(ConfigurationError) as caught:
        from_settings(["debounce_ms", "=3", "kafka={}", "kafka.group=g", "debounce_ms=5"])
    assert list(caught.value.sentences) == [
        "--set debounce_ms: expected key=value",
        "--set =3: expected key=value",
        "--set kafka.group=g: another --set gives a value to what should be a table",
    ]
    assert str(caught.value).count(";") == 2


def test_a_table_may_be_set_as_a_whole():
    """Behind --set, as TOML writes it in a line."""
    assert configure(from_settings(["kafka={group='g'}"])).kafka.group == "g"


def test_what_is_compared_may_be_set_anywhere():
    """A list and a table, in a file, in the environment and behind --set, where the table may be set number by number."""
    for source in (
        from_toml('[comparison]\nindices = ["nps", "iel"]\ncritical_points = {iel = 0, nps = -0.5}', "kqi.toml"),
        from_environment(
            {"KQI_COMPARISON_INDICES": '["nps", "iel"]', "KQI_COMPARISON_CRITICAL_POINTS": "{iel = 0, nps = -0.5}"}
        ),
        from_settings(
            [
                'comparison.indices=["nps", "iel"]',
                "comparison.critical_points.iel=0",
                "comparison.critical_points.nps=-0.5",
            ]
        ),
    ):
        rules = configure(source).comparison
        assert (rules.indices, rules.critical_points) == (("nps", "iel"), {"iel": 0, "nps": -0.5})
    (problem,) = problems(from_settings(["comparison.critical_points.nps=low"]))
    assert problem == "`comparison.critical_points` in --set: expected a number, got a text"


def test_text_that_is_no_toml_is_told_with_its_place():
    """Where, and the parser's own words."""
    with pytest.raises(ConfigurationError, match=r"^kqi.toml is not TOML: .*line 1"):
        from_toml("silent_weight = 1 2", "kqi.toml")


def test_no_two_keys_share_a_name_in_the_environment():
    """A table's key and a plain one could."""
    names = [key.replace(".", "_") for key in (*NUMBERS, *WORDS, *TEXTS, "windows", "request_targets", "directory")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("prefix", ["", "kqi.", "a_b-C.1", "x" * 100])
def test_a_prefix_is_part_of_a_topics_name(prefix):
    """Letters, digits, dot, underscore and hyphen."""
    assert configure(as_toml("topic_prefix", prefix)).topic_prefix == prefix


@pytest.mark.parametrize("prefix", ["a b", "\u00e9", "a/b", "x" * 101, "a\n"])
def test_other_prefixes_are_refused(prefix):
    """Kafka would, later."""
    assert len(problems(as_toml("topic_prefix", prefix))) == 1


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 5000])
def test_values_that_no_parser_takes(value):
    """Lists within lists without end, and numbers of thousands of digits, are faults like others."""
    with pytest.raises(ConfigurationError, match="`silent_weight` in --set: expected a number"):
        configure(from_settings([f"silent_weight={value}"]))
    with pytest.raises(ConfigurationError, match=r"^kqi.toml is not TOML: "):
        from_toml(f"silent_weight = {value}", "kqi.toml")
