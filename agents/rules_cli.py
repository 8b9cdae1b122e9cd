"""The command ``kqi rules``."""

from pathlib import Path
from typing import Annotated

import typer

from agents.options import ConfigOption, SetOption, fail, load, quiet_pipe, say, telling_faults

rules_app = typer.Typer()


@rules_app.command()
def rules(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FOLDER",
            help="Write files there; without, all rules to standard output.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Make the recording and alerting rules of Prometheus from the configuration, and where there is none an example of its own."""
    configuration = load(config, settings)
    from streams.rule_files import PROMETHEUS, all_rules, rule_files  # noqa: PLC0415

    with telling_faults():
        if folder is None:
            text = all_rules(configuration)
        else:
            files = rule_files(configuration)
    if folder is None:
        with quiet_pipe():
            typer.echo(text, nl=False)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, text in files.items():
            if name != PROMETHEUS or not (folder / name).exists():  # where workers are known to nobody but its owner
                (folder / name).write_text(text, encoding="utf-8")
                written.append(name)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}", 2)
    say(f"{', '.join(written)} in {folder}")
