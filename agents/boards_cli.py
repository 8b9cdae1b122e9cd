"""`kqi boards`: Grafana's boards as files, out of the configuration."""

from pathlib import Path
from typing import Annotated

import typer

from agents.options import ConfigOption, SetOption, fail, load, say

boards_app = typer.Typer()


@boards_app.command()
def boards(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Where the files go; those of the same names are replaced.")
    ],
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Write Grafana's boards: windows, references and limits are those of the configuration."""
    configuration = load(config, settings)
    from agents.boards import boards  # noqa: PLC0415

    made = boards(configuration)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{error.filename or folder}: {error.strerror}")
    say(f"{len(made)} boards in {folder}: {', '.join(made)}")
