"""The commands ``kqi state`` and ``kqi state rebuild``."""

import sys
from typing import Annotated, Literal

import typer

from agents.options import BootstrapOption, ConfigOption, SetOption, load, quiet_pipe, say, telling_faults

state_app = typer.Typer(
    help="Show what is stored of the workers' state, or start over from the log.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)


@state_app.callback()
def state(
    context: typer.Context,
    bootstrap: BootstrapOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    output: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")] = "table",
) -> None:
    """Show the last checkpoint of every partition: its age and size, and how many messages came after it."""
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    if context.invoked_subcommand is not None:
        context.obj = configuration
        return
    import asyncio  # noqa: PLC0415

    from agents import state as s  # noqa: PLC0415

    with telling_faults():
        found = asyncio.run(s.find(configuration))
    with quiet_pipe():
        if output == "json":
            import json  # noqa: PLC0415

            typer.echo(json.dumps(s.as_json(found), indent=2))
            return
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        table = Table(*s.HEADINGS, box=None, header_style="")
        for row in s.as_rows(found):
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 200).print(table)


@state_app.command("rebuild")
def state_rebuild(context: typer.Context) -> None:
    """Delete the checkpoints, so that workers start over from the log; no worker may be running."""
    import asyncio  # noqa: PLC0415

    from agents.state import rebuild  # noqa: PLC0415

    with telling_faults():
        partitions = asyncio.run(rebuild(context.obj))
    say(f"the checkpoints of {partitions} partitions are deleted: the next workers read the log from its beginning")
