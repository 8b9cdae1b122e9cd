"""What the commands of `kqi` share: their common options, the configuration, and how faults are told."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from streams.configuration import Configuration
    from streams.directory import Directory
    from streams.faults import Fault

ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Configuration, TOML.", show_default=False)
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set one key; may be repeated.", show_default=False),
]
BootstrapOption = Annotated[
    str | None,
    typer.Option("--bootstrap", metavar="HOST:PORT", help="The Kafka cluster (kafka.bootstrap).", show_default=False),
]
LogFormatOption = Annotated[
    Literal["text", "json"] | None,
    typer.Option(help="Lines of the log for people, or JSON objects (log_format).", show_default=False),
]
LogLevelOption = Annotated[
    Literal["debug", "info", "warning", "error"] | None,
    typer.Option(help="From which level on to log (log_level).", show_default=False),
]
FilesArgument = Annotated[
    list[str], typer.Argument(metavar="FILE", help="NDJSON, plain, .gz or .zst; - for standard input.")
]


def fail(message: str, status: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    typer.echo(f"kqi: {message}", err=True)
    raise typer.Exit(status)


def load(config: Path | None, settings: list[str] | None, **given: Any) -> "Configuration":
    """Put the configuration together; ``given`` are keys of the table ``kafka`` or others, None for not given."""
    from streams import configuration as c  # noqa: PLC0415

    try:
        sources = []
        if config is not None:
            sources.append(c.from_toml(config.read_text(encoding="utf-8"), str(config)))
        sources.append(c.from_environment(os.environ))
        sources.append(c.from_settings(settings or []))
        sources.append(("the options", _nested({key: value for key, value in given.items() if value is not None})))
        return c.configure(*sources)
    except c.ConfigurationError as error:
        fail("\nkqi: ".join(error.sentences), error.status)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{config}: {getattr(error, 'strerror', None) or 'not a text in UTF-8'}", 2)


def load_directory(configuration: "Configuration") -> "Directory":
    """The directory of the files that the configuration names; an empty one without any."""
    from streams.directory import EMPTY  # noqa: PLC0415

    if not configuration.directory:
        return EMPTY
    from agents.directory_files import read_files  # noqa: PLC0415

    directory, faults = read_files(configuration.directory)
    if directory is None:
        fail("\nkqi: ".join(faults), 2)
    return directory


def _nested(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in given.items():
        table, _, inner = key.rpartition("__")
        (found.setdefault(table, {}) if table else found)[inner] = value
    return found


@contextmanager
def quiet_pipe() -> Iterator[None]:
    """End without a word when the reader of standard output has gone."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def say(message: str) -> None:
    """Tell a person on standard error."""
    typer.echo(f"kqi: {message}", err=True)


def tell(fault: "Fault") -> None:
    """Tell a person on standard error what is at fault."""
    for sentence in fault.sentences:
        say(sentence)


@contextmanager
def telling_faults(tell_of: "Callable[[Fault], None]" = tell) -> Iterator[None]:
    """End with a sentence for each fault where the cluster, a file, a setting or a port is at fault."""
    from streams.faults import Fault  # noqa: PLC0415

    try:
        yield
    except Fault as fault:
        tell_of(fault)
        raise typer.Exit(fault.status) from None
