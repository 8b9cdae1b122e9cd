"""The command line ``kqi``. Each command imports what it needs when it is called, so that help is instant.

Exit status: 0; 1 when the work was done but not without losses (``--strict``), or could not go on; 2 for arguments or
a configuration that cannot be used. Messages go to standard error.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from streams.configuration import Configuration

app = typer.Typer(
    name="kqi",
    help="Fair, exact, live service-quality indices from button presses and call records on Kafka.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # a third of the start-up time for nothing but colour
    pretty_exceptions_enable=False,
)

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
    list[str], typer.Argument(metavar="FILE...", help="NDJSON, plain, .gz or .zst; - for standard input.")
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
        sources.append(("the command line", _nested({key: value for key, value in given.items() if value is not None})))
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


@app.command()
def replay(
    files: FilesArgument,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="As of when: RFC 3339 or epoch ms. Default: the greatest ts."),
    ] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")] = "table",
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when any input was rejected.")] = False,
) -> None:
    """Compute indices offline, from files of events in any order, by the code that runs online."""
    configuration = load(config, settings)
    from agents.lines import FileError  # noqa: PLC0415
    from agents.replay import as_json, as_table, replay  # noqa: PLC0415
    from streams.times import instant_ms  # noqa: PLC0415

    try:
        at_ms = None if at is None else instant_ms(at)
        replayed = replay(files, configuration, at_ms)
    except (FileError, ValueError) as error:
        fail(str(error), 2)
    with quiet_pipe():
        if output == "json":
            for piece in as_json(replayed):
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        else:
            from rich.console import Console  # noqa: PLC0415

            width = None if sys.stdout.isatty() else 200
            Console(width=width).print(as_table(replayed))
    typer.echo(f"{replayed.events:,} events, {replayed.rejected.total():,} rejected", err=True)
    if strict and replayed.rejected:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
