"""The job on quixstreams: a stateful function over a dataframe, with its store (RocksDB) and its changelog topics."""

from typing import Any

import orjson
from job import Arguments, Stopwatch, Survey, take, write_counts
from quixstreams import Application, State
from quixstreams.models import BytesDeserializer

arguments = Arguments.read()
stopwatch = Stopwatch(arguments.events)
counted: dict[str, int] = {}  # what the store was last told; it cannot be listed


def process(value: bytes, state: State) -> None:
    """Pair and count."""
    event: dict[str, Any] = orjson.loads(value)
    panel = event["panel_id"]  # the store is divided by the messages' keys, which are the offices
    kept = state.get(panel)
    before = Survey(*kept) if kept else None
    survey, counter = take(before, event)
    if survey is not before:
        state.set(panel, list(survey))
    if counter is not None:
        counted[counter] = state.get(counter, 0) + 1
        state.set(counter, counted[counter])
    if stopwatch.note():
        app.stop()


app = Application(
    broker_address=arguments.bootstrap,
    consumer_group=arguments.group,
    auto_offset_reset="earliest",
    state_dir=arguments.folder,
    loglevel="WARNING",
    commit_interval=5.0,
    consumer_extra_config={"queued.min.messages": 1_000_000, "fetch.message.max.bytes": 4 * 2**20},
)
topic = app.topic(arguments.topic, value_deserializer=BytesDeserializer(), key_deserializer=BytesDeserializer())
app.dataframe(topic).update(process, stateful=True)

if __name__ == "__main__":
    app.run()
    stopwatch.report()
    write_counts(arguments.output, counted)
