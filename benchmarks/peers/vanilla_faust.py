"""The job on Faust as its manual shows it: an agent takes one event at a time, two tables keep what it needs to know.

Tables are in memory, with changelogs in Kafka; the buffers are larger than by default, which helps it. With "plain" behind
the other arguments what it knows stands in plain dicts, and is lost when it ends.
"""

import os
import sys
from collections import Counter
from typing import Any

import faust
from job import Arguments, Stopwatch, take, write_counts

plain = sys.argv[-1] == "plain"
arguments = Arguments.read()
app = faust.App(
    arguments.group,
    broker=f"kafka://{arguments.bootstrap}",
    store="memory://",
    datadir=arguments.folder,
    topic_partitions=arguments.partitions,
    topic_replication_factor=1,
    web_enabled=False,
    stream_buffer_maxsize=16_384,
    consumer_max_fetch_size=4 * 2**20,
    consumer_auto_offset_reset="earliest",
)
presses = app.topic(arguments.topic, value_serializer="json", key_type=bytes)
panels: Any = {} if plain else app.Table("panels")
counts: Any = Counter() if plain else app.Table("counts", default=int)
stopwatch = Stopwatch(arguments.events)


@app.agent(presses)
async def process(events: faust.Stream) -> None:
    """Pair and count."""
    async for event in events:
        panel = f"{event['office_id']}|{event['panel_id']}"
        before = panels.get(panel)
        survey, counter = take(before, event)
        if survey is not before:
            panels[panel] = survey
        if counter is not None:
            counts[counter] += 1
        if stopwatch.note():
            stopwatch.report()
            write_counts(arguments.output, dict(counts.items()))
            os._exit(0)  # an orderly end would take longer than the work


if __name__ == "__main__":
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()
