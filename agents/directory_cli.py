"""The commands ``kqi directory`` and ``kqi directory publish``."""

import sys
from typing import Annotated, Literal

import typer

from agents.options import BootstrapOption, ConfigOption, SetOption, load, quiet_pipe, say, telling_faults

directory_app = typer.Typer(
    help="Show the directory of offices, employees and panels that is in force, or publish one.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)


@directory_app.callback()
def directory(
    context: typer.Context,
    bootstrap: BootstrapOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")] = "table",
) -> None:
    """Show what is in force, of the files that the configuration names or of the topic, and what is wrong with what is there."""
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    if context.invoked_subcommand is not None:
        context.obj = configuration
        return
    import asyncio  # noqa: PLC0415

    from agents import directory_publish as p  # noqa: PLC0415

    with telling_faults():
        found, faults = asyncio.run(p.find(configuration))
    for fault in faults:
        say(fault)
    with quiet_pipe():
        if output == "json":
            typer.echo(p.as_json(found))
        else:
            from rich.console import Console  # noqa: PLC0415
            from rich.table import Table  # noqa: PLC0415

            table = Table(*p.HEADINGS, box=None, header_style="")
            for row in p.as_rows(found):
                table.add_row(*row)
            Console(width=None if sys.stdout.isatty() else 200).print(table)
    if faults:
        raise typer.Exit(1)


@directory_app.command("publish")
def directory_publish(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="TOML files that are the whole directory together.")
    ],
) -> None:
    """Check files, and make the topic say what they say: what differs is set, what they do not name is taken out."""
    import asyncio  # noqa: PLC0415

    from agents.directory_publish import publish  # noqa: PLC0415

    with telling_faults():
        done = asyncio.run(publish(context.obj, files))
    say(f"{done.changed} entries set, {done.removed} taken out, {done.unchanged} as they were")
