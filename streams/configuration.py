"""The configuration: what each key means, its default and its limits; from TOML, the environment and the command line.

Every key can stand in a TOML file, in the environment as ``KQI_<KEY>`` (tables: ``KQI_<TABLE>_<KEY>``) and in
``--set key=value``; the later of these three wins. A value in the environment or behind ``--set`` is read as a TOML
value where that fits its key, or else as text (so a password may be 1234). All that is wrong is collected, each with
its key and where it stands.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, cast, get_args, get_origin

import msgspec
from msgspec import Meta

from streams import comparable, request_targets
from streams.alerting import Alerting
from streams.comparable import ComparisonRules
from streams.faults import Fault
from streams.request_targets import RequestTarget

PREFIX = "KQI_"
MAXIMUM_WINDOW_MINUTES = 400 * 24 * 60
_PORT = r"([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_ADDRESS = rf"[ ]*([^\s,:\[\]]+|\[[0-9A-Fa-f:.]+\]):{_PORT}[ ]*"
_ADDRESSES = rf"^{_ADDRESS}(,{_ADDRESS})*\Z"
_WINDOW = re.compile(r"([1-9][0-9]{0,5})([mhd])\Z")
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}

Seconds = Annotated[float, Meta(ge=0, le=1e8)]
DaySeconds = Annotated[float, Meta(ge=0, le=86_400)]  # presses are kept for a day longer than windows hold them
PositiveSeconds = Annotated[float, Meta(ge=0.001, le=1e8)]
Milliseconds = Annotated[int, Meta(ge=0, le=100_000_000)]
PositiveMilliseconds = Annotated[int, Meta(ge=1, le=100_000_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Limits = tuple[Annotated[float, Meta(ge=0, le=1e9)], Annotated[float, Meta(ge=0, le=1e9)]]  # least and greatest
Port = Annotated[int, Meta(ge=0, le=65535)]


class ConfigurationError(Fault):
    """A configuration that cannot be used."""

    status = 2


class CorrectionHorizon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How late an event may be, by topic, seconds behind the latest of its topic partition."""

    presses: PositiveSeconds = 86_400
    verdicts: PositiveSeconds | None = None  # None: the longest window
    calls: PositiveSeconds = 604_800
    sales: PositiveSeconds = 604_800
    visits: PositiveSeconds = 604_800
    ratings: PositiveSeconds = 604_800
    requests: PositiveSeconds = 604_800
    shifts: PositiveSeconds = 604_800
    peer_ratings: PositiveSeconds = 604_800


class SignLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From where on something is a sign of gaming."""

    quick_answer_s: Seconds = 1  # an answer at most this long after its press
    yes_run: Annotated[int, Meta(ge=2, le=1_000_000)] = 10  # so many yes of an employee in a row
    context_s: DaySeconds = 600  # how near a visit, call, sale or press has to be
    force_majeure_after_no_s: DaySeconds = 120  # declared at most this long after a no on the panel


class Kafka(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach the cluster; names and values as Kafka's own clients use them."""

    bootstrap: Annotated[str, Meta(pattern=_ADDRESSES)] = "127.0.0.1:9092"
    group: str = "kqi"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    sasl_username: str | None = None
    sasl_password: str | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the company holds for good: a diagnosis compares with it."""

    ink_personnel: Share = 0.2
    ink_office: Share = 0.2
    iel: Annotated[float, Meta(ge=-1, le=1)] = 0.5


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All keys. The first group is the method's; it decides values."""

    silent_weight: Share = 0.8
    answer_window_s: PositiveSeconds = 30
    debounce_ms: Milliseconds = 1000
    long_press_ms: PositiveMilliseconds = 3000  # at 0 no press could be short
    force_majeure_duration_s: Seconds = 900
    force_majeure_excludes: Literal["all", "unfavourable", "numerator"] = "all"
    force_majeure_pending: Literal["include", "exclude"] = "include"
    windows: tuple[str, ...] = ("15m", "1h", "8h", "24h", "7d", "30d")
    service_level_s: Seconds = 20
    short_abandon_s: Seconds = 5
    min_surveys: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 30
    representative_by: Literal["coverage", "conversion", "none"] = "none"
    coverage_limits: Limits = (0.0, 1.0)
    conversion_limits: Limits = (0.0, 1.0)
    force_majeure_level_max: Share = 0.2
    asked_within_s: Seconds = 2_678_400
    diagnosis_margin: Share = 0.05
    reference: Reference = Reference()
    correction_horizon_s: CorrectionHorizon = CorrectionHorizon()
    request_targets: tuple[RequestTarget, ...] = ()
    comparison: ComparisonRules = ComparisonRules()

    topic_prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,100}\Z")] = "kqi."
    partitions: Annotated[int, Meta(ge=1, le=10_000)] = 32
    indices_interval_s: Annotated[float, Meta(ge=0.1, le=86_400)] = 5
    checkpoint_interval_s: Annotated[float, Meta(ge=0, le=86_400)] = 30  # 0: none
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 9464
    names_max: Annotated[int, Meta(ge=1, le=100_000_000)] = 20_000
    metrics_max_series: Annotated[int, Meta(ge=1, le=100_000_000)] = 2_000_000
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    tracing: bool = False
    stall_exit_s: Annotated[float, Meta(ge=1, le=86_400)] = 120
    directory: tuple[Annotated[str, Meta(min_length=1)], ...] = ()  # files; none: the topic
    signs: SignLimits = SignLimits()
    alerting: Alerting = Alerting()
    kafka: Kafka = Kafka()

    @property
    def window_minutes(self) -> tuple[int, ...]:
        """Lengths of the windows, minutes, in their order."""
        return tuple(window_minutes(window) for window in self.windows)

    @property
    def longest_window_ms(self) -> int:
        """Length of the longest window, milliseconds."""
        return max(self.window_minutes) * 60_000

    def horizon_ms(self, topic: str) -> int:
        """How far an event of ``topic`` may lie behind, milliseconds."""
        seconds = getattr(self.correction_horizon_s, topic.replace("-", "_"))
        return self.longest_window_ms if seconds is None else round(seconds * 1000)


METHOD_KEYS = (
    "silent_weight",
    "answer_window_s",
    "debounce_ms",
    "long_press_ms",
    "force_majeure_duration_s",
    "force_majeure_excludes",
    "force_majeure_pending",
    "windows",
    "service_level_s",
    "short_abandon_s",
    "min_surveys",
    "representative_by",
    "coverage_limits",
    "conversion_limits",
    "force_majeure_level_max",
    "asked_within_s",
    "diagnosis_margin",
    "reference",
    "correction_horizon_s",
    "request_targets",
    "comparison",
)


def window_minutes(window: str) -> int:
    """Minutes of a window such as ``15m``, ``8h``, ``30d``.

    Raises
    ------
    ValueError
        When the text is no whole number of minutes, hours or days.
    """
    match = _WINDOW.match(window)
    if match is None:
        raise ValueError(f"`{window}` is no window: expected a whole number with m, h or d, such as 15m, 8h or 30d")
    minutes = int(match[1]) * _MINUTES[match[2]]
    if minutes > MAXIMUM_WINDOW_MINUTES:
        raise ValueError(f"`{window}` is too long: at most {MAXIMUM_WINDOW_MINUTES // 1440}d")
    return minutes


# Reading -----------------------------------------------------------------------------------------------------------

Source = tuple[str, Mapping[str, Any]]  # where, and what stands there


class _Text(str):
    """A value as it was typed, which only its key can tell the meaning of."""

    __slots__ = ()

    def readings(self) -> list[Any]:
        """What it may mean: a TOML value, or text."""
        try:
            read = tomllib.loads(f"value = {self}")
        except (ValueError, RecursionError):  # see `from_toml`
            return [str(self)]
        return [read["value"], str(self)] if read.keys() == {"value"} else [str(self)]


def from_toml(text: str, where: str) -> Source:
    """Read a TOML document."""
    try:
        return where, tomllib.loads(text)
    except (
        ValueError,
        RecursionError,
    ) as error:  # besides TOML's own: numbers of thousands of digits, lists within lists
        raise ConfigurationError(f"{where} is not TOML: {error}") from None


def from_environment(environment: Mapping[str, str]) -> Source:
    """Take the keys that exist out of the environment; other names with the prefix are not ours to judge."""
    found: dict[str, Any] = {}
    for key, table in _keys():
        name = PREFIX + (f"{table}_{key}" if table else key).upper()
        if name in environment:
            _put(found, f"{table}.{key}" if table else key, environment[name])
    return "the environment", found


def from_settings(settings: Iterable[str]) -> Source:
    """Read ``key=value`` pairs of the command line; dots lead into tables."""
    found: dict[str, Any] = {}
    problems = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            problems.append(f"--set {setting}: expected key=value")
        elif not _put(found, key.strip(), value.strip()):
            problems.append(f"--set {setting}: another --set gives a value to what should be a table")
    if problems:
        raise ConfigurationError(*problems)
    return "--set", found


def _keys() -> list[tuple[str, str]]:
    keys = []
    for field in msgspec.structs.fields(Configuration):
        if isinstance(field.default, msgspec.Struct):
            keys += [(inner.name, field.name) for inner in msgspec.structs.fields(type(field.default))]
        else:
            keys.append((field.name, ""))
    return keys


def _put(found: dict[str, Any], dotted: str, text: str) -> bool:
    """Enter a value at its place; False when a value stands where a table must be."""
    *tables, key = dotted.split(".")
    for table in tables:
        inner = found.setdefault(table, {})
        if not isinstance(inner, dict):
            return False
        found = inner
    found[key] = _Text(text)
    return True


# Checking ----------------------------------------------------------------------------------------------------------


def _checked(struct: type[msgspec.Struct], sources: Iterable[Source], path: str, problems: list[str]) -> Any:
    """Build ``struct`` field by field, the last source winning; faults go to ``problems``."""
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    values: dict[str, Any] = {}
    tables: dict[str, list[Source]] = {}
    for where, given in sources:
        for key, value in given.items():
            field = fields.get(key)
            if field is None:
                problems.append(f"`{path}{key}` in {where} is no key of the configuration{_hint(key, fields)}")
            elif isinstance(field.default, msgspec.Struct):
                table = value.readings()[0] if isinstance(value, _Text) else value
                if isinstance(table, Mapping):
                    tables.setdefault(key, []).append((where, table))
                else:
                    problems.append(f"`{path}{key}` in {where} must be a table")
            else:
                try:
                    values[key] = _value(value, field)
                except ValueError as error:
                    problems.append(f"`{path}{key}` in {where}: {_plain(str(error), field)}")
    for key, inner in tables.items():
        values[key] = _checked(type(fields[key].default), inner, f"{path}{key}.", problems)
    return struct(**values)


def _value(given: Any, field: msgspec.structs.FieldInfo) -> Any:
    """Convert a value to its field's type, by the first reading that fits; raise ValueError by the first if none does."""
    first: ValueError | None = None
    if isinstance(given, Mapping):  # of numbers; perhaps typed one by one
        given = {name: each.readings()[0] if isinstance(each, _Text) else each for name, each in given.items()}
    for reading in given.readings() if isinstance(given, _Text) else [given]:
        try:
            if field.name == "windows":
                return _windows(reading)
            if field.name == "directory" and isinstance(reading, str):
                reading = [reading]  # noqa: PLW2901 - a path alone
            return msgspec.convert(reading, field.type)
        except ValueError as error:  # msgspec's are, too
            first = first or error
    raise first or ValueError("expected a value")


def _windows(given: Any) -> tuple[str, ...]:
    # In the environment one writes a list as 15m,1h.
    texts = [text.strip() for text in given.split(",")] if isinstance(given, str) else given
    windows: tuple[str, ...] = msgspec.convert(texts, Annotated[tuple[str, ...], Meta(min_length=1, max_length=16)])
    if len(set(map(window_minutes, windows))) != len(windows):
        raise ValueError("two of them have the same length")
    return windows


def _plain(message: str, field: msgspec.structs.FieldInfo) -> str:
    """What a parser says of a value, in words of people who write configurations."""
    if get_origin(field.type) is Literal:
        return f"expected one of {', '.join(get_args(field.type))}"
    if "regex" in message:
        return f"expected {_WRITTEN[field.name]}"
    text = message.split(" - at ", maxsplit=1)[0].replace("`", "")
    text = re.sub(r"\b(float|int|str|bool|array|object)\b", lambda match: _WORDS[match[1]], text)
    return text[:1].lower() + text[1:]


_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_WRITTEN = {
    "topic_prefix": "at most 100 letters, digits, dots, dashes and underscores",
    "bootstrap": "host:port, or several of them with commas between",
    "job": "letters, digits, dots, dashes, slashes and underscores",
    "board_url": "an address without blanks, quotes and braces",
    "runbook_url": "an address without blanks, quotes and braces",
}


def unknown_names(environment: Mapping[str, str]) -> list[str]:
    """Sentences on names with the prefix that are no keys; they are ignored, for others may have put them there."""
    known = [PREFIX + (f"{table}_{key}" if table else key).upper() for key, table in _keys()]
    return [
        f"`{name}` in the environment is no key and is ignored{_hint(name, known)}"
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known
    ]


def _hint(key: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only where something is wrong

    close = difflib.get_close_matches(key, known, 1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _faults_between_keys(configuration: Configuration) -> list[str]:
    faults = request_targets.faults(configuration.request_targets) + comparable.faults(configuration.comparison)
    kafka = configuration.kafka
    if kafka.security_protocol.startswith("SASL") and not (kafka.sasl_username and kafka.sasl_password):
        faults.append("`kafka.security_protocol` asks for `kafka.sasl_username` and `kafka.sasl_password`")
    if bool(kafka.ssl_certfile) != bool(kafka.ssl_keyfile):
        faults.append("`kafka.ssl_certfile` and `kafka.ssl_keyfile` go together")
    for key in ("coverage_limits", "conversion_limits"):
        least, greatest = getattr(configuration, key)
        if least > greatest:
            faults.append(f"`{key}` must not begin above its end")
    return faults


def configure(*sources: Source) -> Configuration:
    """Put a configuration together, later sources winning.

    Raises
    ------
    ConfigurationError
        With every fault that was found.
    """
    problems: list[str] = []
    configuration = cast("Configuration", _checked(Configuration, sources, "", problems))
    problems += _faults_between_keys(configuration)
    if problems:
        raise ConfigurationError(*problems)
    return configuration
