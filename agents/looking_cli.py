"""The commands ``kqi top`` and ``kqi tap``: looking on from a terminal."""

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from agents.options import BootstrapOption, ConfigOption, SetOption, fail, load, quiet_pipe, say, telling_faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.tap import Message

looking_app = typer.Typer(rich_markup_mode=None)


@looking_app.command()
def top(
    url: Annotated[
        list[str] | None,
        typer.Option(
            help="A worker's address; may be repeated. Default: metrics_host and metrics_port.", show_default=False
        ),
    ] = None,
    index: Annotated[str, typer.Option(help="By which index of offices.")] = "ink_personnel",
    window: Annotated[str, typer.Option(help="In which window.")] = "24h",
    sort: Annotated[Literal["value", "count", "office"], typer.Option(help="In which order.")] = "value",
    reverse: Annotated[bool, typer.Option("--reverse", help="The other way round: the least value first.")] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="How many offices. Default: what the terminal has room for.", show_default=False),
    ] = None,
    interval: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print the tables once, with all offices.")] = False,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Watch workers, and offices in the order of an index, until Ctrl-C."""
    configuration = load(config, settings)
    import time  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415

    from agents import top as t  # noqa: PLC0415

    host = configuration.metrics_host
    here = f"{f'[{host}]' if ':' in host else host}:{configuration.metrics_port}"
    try:
        urls = [t.address_of(each) for each in dict.fromkeys(url or [here])]
    except ValueError as error:
        fail(str(error), 2)
    wanted = t.Wanted(index, window, sort, reverse, limit)
    watching = t.Watching(urls, wanted)
    console = Console(width=None if sys.stdout.isatty() else 160)
    with telling_faults(), quiet_pipe(), contextlib.suppress(KeyboardInterrupt):
        pages = watching.look()
        t.check(pages, wanted)
        if once:
            console.print(t.tables(pages, (), wanted, time.time()))
            return
        with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
            before, took_s = pages, 0.0
            while True:
                room = max(1, console.height - len(pages) - 5)
                fitting = wanted if limit else wanted._replace(limit=room)
                live.update(t.tables(pages, before, fitting, time.time()), refresh=True)
                time.sleep(max(interval, t.PAUSES * took_s))
                began_s = time.monotonic()
                before, pages = pages, watching.look()
                took_s = time.monotonic() - began_s


@looking_app.command()
def tap(
    office: Annotated[str, typer.Option(help="Whose messages.", show_default=False)] = ...,  # type: ignore[assignment]
    topics: Annotated[
        str | None,
        typer.Option(
            help="Without prefix, with commas between. Default: inputs, surveys, dead-letters.", show_default=False
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="TIME", help="Since when: RFC 3339 or epoch ms. Default: now.", show_default=False
        ),
    ] = None,
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show clients, free text, unknown fields and what dead letters say.")
    ] = False,
    output: Annotated[
        Literal["text", "json"], typer.Option("--format", help="Lines for people, or messages as they are.")
    ] = "text",
    bootstrap: BootstrapOption = None,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Watch the events and surveys of an office go by, until Ctrl-C."""
    configuration = load(config, settings, kafka__bootstrap=bootstrap)
    import logging  # noqa: PLC0415
    import unicodedata  # noqa: PLC0415

    from agents import tap as t  # noqa: PLC0415
    from agents.start import SaidOnce  # noqa: PLC0415
    from streams.times import instant_ms  # noqa: PLC0415

    wanted = t.DEFAULT_TOPICS if topics is None else tuple(each.strip() for each in topics.split(","))
    if unknown := [each for each in wanted if each not in t.ALL_TOPICS]:
        fail(f"`{unknown[0]}` is no topic of an office: expected some of {', '.join(t.ALL_TOPICS)}", 2)
    if any(unicodedata.category(each) in {"Cc", "Cs"} for each in office):  # no event can have it
        fail(f"{office!r} is no id of an office", 2)
    try:
        since_ms = None if since is None else instant_ms(since)
    except ValueError as error:
        fail(str(error), 2)
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(SaidOnce())  # of brokers that are away the library tells many times a second
    logging.basicConfig(level=logging.WARNING, format="kqi: %(name)s: %(message)s", handlers=[handler])
    lines, for_terminal = t.Lines(unmask=unmask), sys.stdout.isatty()

    def line(message: "Message") -> bytes:
        return (
            t.whole_line(message.value, for_terminal=for_terminal) if output == "json" else lines.line(message).encode()
        )

    def show(messages: "Sequence[Message]") -> None:
        for each in messages:
            sys.stdout.buffer.write(line(each) + b"\n")
        if messages:
            sys.stdout.buffer.flush()

    def begun(partition: int) -> None:
        say(f"watching partition {partition} of {len(wanted)} topics for office {office}; Ctrl-C ends it")

    with quiet_pipe(), telling_faults():
        t.run(configuration, office, wanted, since_ms, begun, show)
