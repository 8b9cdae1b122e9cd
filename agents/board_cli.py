"""The command ``kqi board``: the built-in board beside workers."""

from typing import TYPE_CHECKING, Annotated

import typer

from agents.options import ConfigOption, SetOption, fail, load, say, telling_faults

if TYPE_CHECKING:
    from streams.configuration import Configuration

board_app = typer.Typer(rich_markup_mode=None)

EVERY_S = 5.0


@board_app.command()
def board(
    workers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORKER]...", help="Addresses of workers; default: http://127.0.0.1:9464.", show_default=False
        ),
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the board; 0 takes a free one.")] = 8000,
    config: ConfigOption = None,
    settings: SetOption = None,
) -> None:
    """Show what workers say at /metrics as a page with tables and charts, for those without Grafana."""
    configuration = load(config, settings)
    addresses = [_address(worker) for worker in workers or [f"127.0.0.1:{configuration.metrics_port}"]]
    import asyncio  # noqa: PLC0415

    from agents.start import set_up_logging  # noqa: PLC0415

    set_up_logging(configuration)
    with telling_faults():
        asyncio.run(_run(configuration, list(dict.fromkeys(addresses)), port))


async def _run(configuration: "Configuration", addresses: list[str], port: int) -> None:
    import asyncio  # noqa: PLC0415

    from agents.board.collector import Collector  # noqa: PLC0415
    from agents.board.rounds import shown  # noqa: PLC0415
    from agents.board.site import Board  # noqa: PLC0415
    from agents.ending import until_signal  # noqa: PLC0415
    from agents.listening import Site  # noqa: PLC0415

    with until_signal() as ending:
        collector = Collector(EVERY_S)
        site = Site(Board(collector, configuration).routes(), configuration.metrics_host, port)
        await site.start()
        say(f"the board is at {site.address}, of {', '.join(map(shown, addresses))}; Ctrl-C ends it")
        collecting = asyncio.create_task(collector.run(addresses))
        stopping = asyncio.create_task(ending.told.wait())
        try:
            await asyncio.wait({collecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (collecting, stopping):
                task.cancel()
            await asyncio.gather(collecting, stopping, return_exceptions=True)
            await site.stop()
    if not collecting.cancelled():
        await collecting  # it never ends by itself but by a mistake of ours


def _address(given: str) -> str:
    """An address as a URL without a path."""
    from urllib.parse import urlsplit  # noqa: PLC0415

    from agents.board.rounds import shown  # noqa: PLC0415

    url = given if "://" in given else f"http://{given}"
    try:
        parts = urlsplit(url)
        right = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        right = False
    if not right or parts.path.rstrip("/") not in {"", "/metrics"} or parts.query or parts.fragment:
        fail(f"`{shown(given)}` is no address of a worker: expected one such as http://127.0.0.1:9464", 2)
    return f"{parts.scheme}://{parts.netloc}"
