"""The command line ``kqi``. Each command imports what it needs when it is called, so that help is instant.

Exit status: 0; 1 when the work was done but not without losses (``--strict``), or could not go on; 2 for arguments or
a configuration that cannot be used. Messages go to standard error.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from agents.board_cli import board_app
from agents.boards_cli import boards_app
from agents.directory_cli import directory_app
from agents.explain_cli import explain_app
from agents.looking_cli import looking_app
from agents.options import (
    BootstrapOption,
    ConfigOption,
    FilesArgument,
    LogFormatOption,
    LogLevelOption,
    SetOption,
    fail,
    load,
    load_directory,
    quiet_pipe,
    say,
    telling_faults,
)
from agents.rules_cli import rules_app
from agents.state_cli import state_app

app = typer.Typer(
    name="kqi",
    help="Fair, exact, live service-quality indices from button presses and call records on Kafka.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # a third of the start-up time for nothing but colour
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415

        typer.echo(f"kqi {version('kqi')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Fair, exact, live service-quality indices from button presses and call records on Kafka."""


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port of the board; 0 takes a free one.")] = 8000,
    seed: Annotated[int, typer.Option(help="Which company is simulated.")] = 1,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Show it all with nothing else installed: a broker, a worker, a simulated company, and a page to look at."""
    configuration = load(config, settings)
    import asyncio  # noqa: PLC0415

    from agents.start import prepare_kernels, set_up_logging  # noqa: PLC0415

    voice = set_up_logging(configuration)
    prepare_kernels(voice.say)
    from agents.demo import run_demo  # noqa: PLC0415

    with telling_faults(voice.tell):
        asyncio.run(run_demo(configuration, port, seed, voice.say))


@app.command()
def worker(
    bootstrap: BootstrapOption = None,
    metrics_port: Annotated[
        int | None, typer.Option("--metrics-port", help="Port of /metrics, /healthz and /readyz.", show_default=False)
    ] = None,
    clock: Annotated[
        Literal["wall", "event"],
        typer.Option(help="What time it is: the wall's, or the greatest ts seen (for backfills and tests)."),
    ] = "wall",
    log_format: LogFormatOption = None,
    log_level: LogLevelOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Run one worker on a Kafka cluster; more of them share the partitions."""
    given = {"metrics_port": metrics_port, "log_format": log_format, "log_level": log_level}
    configuration = load(config, settings, kafka__bootstrap=bootstrap, **given)
    import asyncio  # noqa: PLC0415

    from agents.ending import ended_by_signals  # noqa: PLC0415
    from agents.start import prepare_kernels, set_up_logging  # noqa: PLC0415

    voice = set_up_logging(configuration)
    with ended_by_signals(), telling_faults(voice.tell):
        from agents.cluster import check_topics  # noqa: PLC0415

        partitions = asyncio.run(check_topics(configuration))
        prepare_kernels(voice.say)
        from agents.run import run_worker  # noqa: PLC0415

        asyncio.run(run_worker(configuration, partitions, voice.say, event_clock=clock == "event"))


@app.command()
def publish(
    files: FilesArgument,
    bootstrap: BootstrapOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 when any line was rejected.")] = False,
) -> None:
    """Check events and publish them to their topics; bad lines are reported, good ones still go."""
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    import asyncio  # noqa: PLC0415

    from agents.start import prepare_decoder  # noqa: PLC0415

    prepare_decoder(say)
    from agents.publish import publish  # noqa: PLC0415

    def report(name: str, line: int, reason: str, detail: str) -> None:
        typer.echo(f"{name}:{line}: {reason}: {detail}", err=True)

    with telling_faults():
        published = asyncio.run(publish(files, configuration, report))
    for topic, count in sorted(published.sent.items()):
        say(f"{count:,} to {configuration.topic_prefix}{topic}")
    if published.rejected:
        say(f"{published.rejected.total():,} lines rejected")
    if strict and published.rejected:
        raise typer.Exit(1)


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
    from agents.start import prepare_kernels  # noqa: PLC0415
    from streams.times import instant_ms  # noqa: PLC0415

    try:
        at_ms = None if at is None else instant_ms(at)
        prepare_kernels(say)
        from agents.replay import as_json, as_table, replay  # noqa: PLC0415

        replayed = replay(files, configuration, at_ms, load_directory(configuration))
    except (FileError, ValueError) as error:
        fail(str(error), 2)
    with quiet_pipe():
        if output == "json":
            for piece in as_json(replayed):
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        else:
            from rich.console import Console  # noqa: PLC0415

            width = None if sys.stdout.isatty() else 240
            Console(width=width).print(as_table(replayed))
    typer.echo(f"{replayed.events:,} events, {replayed.rejected.total():,} rejected", err=True)
    if strict and replayed.rejected:
        raise typer.Exit(1)


@app.command()
def simulate(
    seed: Annotated[int, typer.Option(help="The same seed gives the same events.")] = 1,
    offices: Annotated[int, typer.Option(help="How many offices.")] = 6,
    employees: Annotated[int, typer.Option(help="Employees of an office, on average.")] = 8,
    days: Annotated[float, typer.Option(help="How long.")] = 7.0,
    start: Annotated[
        str, typer.Option(metavar="TIME", help="From when, RFC 3339 or epoch ms.")
    ] = "2026-01-05T00:00:00Z",
    events: Annotated[int | None, typer.Option(help="Stop after so many events.", show_default=False)] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write what the simulation knows to be true.", show_default=False),
    ] = None,
    invalid: Annotated[float, typer.Option(metavar="SHARE", help="Share of deliberately bad lines.")] = 0.0,
) -> None:
    """Write a plausible company as events on standard output, in order of arrival."""
    from agents import simulate as s  # noqa: PLC0415

    try:
        s.run(
            sys.stdout.buffer,
            seed=seed,
            offices=offices,
            employees=employees,
            start=start,
            days=days,
            events=events,
            truth=truth,
            invalid=invalid,
        )
    except (ValueError, OSError) as error:
        fail(str(error), 2)


@app.command()
def topics(
    bootstrap: BootstrapOption = None,
    replication_factor: Annotated[
        int, typer.Option("--replication-factor", help="Of topics to be created; -1: what the brokers do by default.")
    ] = -1,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Create the topics, and check those that exist: partitions, timestamps, retention."""
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    import asyncio  # noqa: PLC0415

    from agents.cluster import create_topics  # noqa: PLC0415

    with telling_faults():
        created, checked = asyncio.run(create_topics(configuration, replication_factor))
    for name in created:
        typer.echo(f"created {name}")
    for name in checked:
        typer.echo(f"exists  {name}")


app.add_typer(state_app, name="state")
app.add_typer(directory_app, name="directory")
app.registered_commands += explain_app.registered_commands
app.registered_commands += rules_app.registered_commands
app.registered_commands += looking_app.registered_commands
app.registered_commands += board_app.registered_commands
app.registered_commands += boards_app.registered_commands


@app.command()
def schema(
    event_type: Annotated[
        str | None, typer.Argument(metavar="TYPE", help="One event type; default: all of them.", show_default=False)
    ] = None,
    asyncapi: Annotated[bool, typer.Option("--asyncapi", help="The AsyncAPI document of all topics instead.")] = False,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Print the JSON Schema of the event types, or the AsyncAPI document of the topics."""
    configuration = load(config, settings)
    import json  # noqa: PLC0415
    from importlib.metadata import version  # noqa: PLC0415

    from streams import schema as s  # noqa: PLC0415

    schemas = s.event_schemas()
    if event_type is not None and event_type not in schemas:
        fail(f"`{event_type}` is no event type: expected one of {', '.join(schemas)}", 2)
    if asyncapi:
        document = s.asyncapi(
            prefix=configuration.topic_prefix, partitions=configuration.partitions, version=version("kqi")
        )
    else:
        document = schemas if event_type is None else schemas[event_type]
    with quiet_pipe():
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A configuration.", show_default=False)] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Check a configuration, and say what is wrong and where."""
    if file is not None and config is not None:
        fail("a configuration is given twice: as an argument and behind --config", 2)
    configuration = load(file or config, settings)
    from agents.cluster import security_of  # noqa: PLC0415
    from agents.tracing import require_tracing  # noqa: PLC0415
    from streams import alerting  # noqa: PLC0415
    from streams.configuration import unknown_names  # noqa: PLC0415
    from streams.goal_check import window_faults  # noqa: PLC0415

    for note in unknown_names(os.environ):
        say(note)
    with telling_faults():
        security_of(configuration)
        require_tracing(configuration)
        directory = load_directory(configuration)
    if faults := window_faults(directory, configuration):
        fail("\nkqi: ".join(faults), 2)
    if faults := alerting.faults(configuration):
        say(f"workers can run so, but `kqi rules` cannot make rules of it: {faults[0]}")
    if configuration.directory:
        say(f"the directory of {', '.join(configuration.directory)}: right, {len(directory.offices)} offices")
    typer.echo(f"{file or config or 'the environment and the defaults'}: right")


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
