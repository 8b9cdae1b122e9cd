"""A progress bar on standard error where a person looks on, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(what: str, total_bytes: int | None) -> Iterator[Callable[[int, int], None]]:
    """Show how far reading has come; the yielded function is told bytes and events since its last call."""
    if not sys.stderr.isatty():
        yield lambda _bytes, _events: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and not needed elsewhere
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = [TextColumn(what), BarColumn(), DownloadColumn(), TextColumn("{task.fields[events]:,} events")]
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total_bytes, events=0)
        events = 0

        def advance(read: int, count: int) -> None:
            nonlocal events
            events += count
            bar.update(task, advance=read, events=events)

        yield advance
