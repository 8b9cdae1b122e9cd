"""What the commands of `kqi` share: their common options, the configuration, and how faults are told."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from streams.configuration import Configuration

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
        fail("\nkqi: ".join(error.problems), 2)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{config}: {getattr(error, 'strerror', None) or 'not a text in UTF-8'}", 2)


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


@contextmanager
def cluster_faults() -> Iterator[None]:
    """End with a sentence where the cluster, a file or a port is at fault."""
    from agents.app import BrokerUnreachableError  # noqa: PLC0415
    from agents.cluster import ClusterError  # noqa: PLC0415
    from agents.embedded import EmbeddedBrokerError  # noqa: PLC0415
    from agents.lines import FileError  # noqa: PLC0415
    from agents.run import WorkerCrashedError  # noqa: PLC0415
    from agents.security import SecurityError  # noqa: PLC0415
    from agents.state import StateInUseError  # noqa: PLC0415
    from agents.web import PortTakenError  # noqa: PLC0415

    try:
        yield
    except ClusterError as error:
        fail("\nkqi: ".join(error.problems))
    except (
        BrokerUnreachableError,
        WorkerCrashedError,
        EmbeddedBrokerError,
        PortTakenError,
        StateInUseError,
    ) as error:
        fail(str(error))
    except (FileError, SecurityError) as error:
        fail(str(error), 2)
