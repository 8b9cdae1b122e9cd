"""The commands ``kqi explain``, ``kqi what-if`` and ``kqi signs``: what numbers rest on."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from agents.options import (
    BootstrapOption,
    ConfigOption,
    SetOption,
    fail,
    load,
    load_directory,
    quiet_pipe,
    say,
    telling_faults,
)

if TYPE_CHECKING:
    from rich.console import Console

explain_app = typer.Typer(rich_markup_mode=None)

SourceArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE]...", help="NDJSON, plain, .gz or .zst; - for standard input. Without: the cluster."),
]
AtOption = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="As of when: RFC 3339 or epoch ms. Default: the greatest ts, on a cluster now."),
]
FormatOption = Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")]


def _check_source(files: list[str] | None, bootstrap: str | None) -> None:
    if files and bootstrap is not None:
        fail("files and a cluster at once: give one of them", 2)


def _print(told: Any, output: str, show: "Callable[[Any, Console], None]") -> None:
    with quiet_pipe():
        if output == "json":
            import msgspec  # noqa: PLC0415

            sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")
            sys.stdout.buffer.flush()
            return
        from rich.console import Console  # noqa: PLC0415

        show(told, Console(width=None if sys.stdout.isatty() else 240, soft_wrap=True, highlight=False))


@explain_app.command()
def explain(
    files: SourceArgument = None,
    office: Annotated[str, typer.Option(help="Whose office.", show_default=False)] = ...,  # type: ignore[assignment]
    index: Annotated[str, typer.Option(help="Which index.", show_default=False)] = ...,  # type: ignore[assignment]
    window: Annotated[
        str | None, typer.Option(help="Which window, such as 1h, but for what tells of now.", show_default=False)
    ] = None,
    employee: Annotated[str | None, typer.Option(help="Which employee, if not the office.", show_default=False)] = None,
    queue: Annotated[str | None, typer.Option(help="Which queue, if not the office.", show_default=False)] = None,
    priority: Annotated[str | None, typer.Option(help="Which priority of requests.", show_default=False)] = None,
    category: Annotated[str | None, typer.Option(help="Which category of sales.", show_default=False)] = None,
    leader: Annotated[str | None, typer.Option(help="Whose people in the office.", show_default=False)] = None,
    leader_office: Annotated[
        str | None, typer.Option(help="The leader's office, if another one.", show_default=False)
    ] = None,
    department: Annotated[str | None, typer.Option(help="Which department.", show_default=False)] = None,
    from_department: Annotated[str | None, typer.Option(help="The department that rates.", show_default=False)] = None,
    to_department: Annotated[str | None, typer.Option(help="The one that it rates.", show_default=False)] = None,
    criterion: Annotated[str | None, typer.Option(help="Of which criterion scores are.", show_default=False)] = None,
    at: AtOption = None,
    bootstrap: BootstrapOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    output: FormatOption = "table",
) -> None:
    """Say why an index has its value: what it counts and leaves out, why, and where each event lies."""
    _check_source(files, bootstrap)
    given = {
        "employee": employee,
        "queue": queue,
        "priority": priority,
        "category": category,
        "leader": leader,
        "leader_office": leader_office,
        "department": department,
        "from_department": from_department,
        "to_department": to_department,
        "criterion": criterion,
    }
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    from agents.start import prepare_kernels  # noqa: PLC0415

    prepare_kernels(say)
    import asyncio  # noqa: PLC0415

    from agents import explain as e  # noqa: PLC0415
    from agents.explain_table import show  # noqa: PLC0415
    from streams.inquiry import Question, understand  # noqa: PLC0415

    whose = {name: value for name, value in given.items() if value is not None}
    try:
        asked = understand(Question(office, index, window, at, whose), configuration)
    except ValueError as error:
        fail(str(error), 2)
    with telling_faults():
        told = e.from_files(files, asked, load_directory(configuration)) if files else asyncio.run(e.from_topics(asked))
    _print(told, output, show)


OfficeOption = Annotated[
    str | None,
    typer.Option("--office", help="Of this office alone; needed where topics are read.", show_default=False),
]


def _instant_of(at: str | None) -> int | None:
    from streams.times import instant_ms  # noqa: PLC0415

    try:
        return None if at is None else instant_ms(at)
    except ValueError as error:
        fail(str(error), 2)


def _need_office(files: list[str] | None, office: str | None) -> str:
    if not files and office is None:
        fail("topics are read office by office: give --office", 2)
    return office or ""


@explain_app.command(name="what-if")
def what_if(
    files: SourceArgument = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            "--vary", metavar="KEY=VALUE,...", help="Values to be tried; may be repeated.", show_default=False
        ),
    ] = None,
    office: OfficeOption = None,
    employees: Annotated[bool, typer.Option("--employees", help="Rows of employees, too.")] = False,
    at: AtOption = None,
    bootstrap: BootstrapOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    output: FormatOption = "table",
) -> None:
    """Compute a period under several settings side by side: every combination of the values to be tried is a column."""
    _check_source(files, bootstrap)
    wanted = _need_office(files, office)
    at_ms = _instant_of(at)
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    from agents.start import prepare_kernels  # noqa: PLC0415

    prepare_kernels(say)
    import asyncio  # noqa: PLC0415

    from agents import what_if as w  # noqa: PLC0415

    try:
        tried = w.combinations(vary or [])
    except ValueError as error:
        fail(str(error), 2)
    columns = w.columns(tried, lambda more: load(config, [*(settings or []), *more], kafka__bootstrap=bootstrap))
    chosen = w.Rows(employees, office)
    with telling_faults():
        if files:
            told = w.from_files(files, columns, at_ms, chosen, load_directory(configuration))
        else:
            told = asyncio.run(w.from_topics(columns, at_ms, chosen, wanted))
    _print(told, output, w.show)


@explain_app.command()
def signs(
    files: SourceArgument = None,
    office: OfficeOption = None,
    at: AtOption = None,
    bootstrap: BootstrapOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    output: FormatOption = "table",
) -> None:
    """Report signs of gaming, each with what it is made of: signs, not proof."""
    _check_source(files, bootstrap)
    wanted = _need_office(files, office)
    at_ms = _instant_of(at)
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    from agents.start import prepare_kernels  # noqa: PLC0415

    prepare_kernels(say)
    import asyncio  # noqa: PLC0415

    from agents import signs as s  # noqa: PLC0415

    with telling_faults():
        if files:
            told = s.from_files(files, configuration, office, at_ms)
        else:
            told = asyncio.run(s.from_topics(configuration, wanted, at_ms))
    _print(told, output, s.show)
