"""An office of a running service: its events as they are published, and what the service shows of it."""

import json
import time
import uuid
from itertools import count

from tests.service import until

WINDOWS = ["15m", "1h", "30d"]

numbers = count()


def now_ms():
    """Return the time."""
    return time.time_ns() // 1_000_000


class Office:
    """An office that nobody else has: its events, published at once, and what the service says of it."""

    def __init__(self, writer, worker=None):
        self.office_id = f"office-{uuid.uuid4().hex[:8]}"
        self._worker = worker
        self._writer = writer

    def event(self, kind, ts_ms=None, **fields):
        """Return an event of now, or of another time; a field that is a keyword of Python ends with `_`."""
        event = {"type": kind, "event_id": f"e-{next(numbers)}", "ts": ts_ms or now_ms(), "office_id": self.office_id}
        return event | {name.rstrip("_"): value for name, value in fields.items()}

    def publish(self, topic, kind, ts_ms=None, **fields):
        """Publish such an event; return it."""
        event = self.event(kind, ts_ms, **fields)
        self._writer.publish(topic, event)
        return event

    def seller(self, ts_ms=None, hold_ms=200, panel="p1", **fields):
        """Publish a seller press."""
        return self.publish(
            "presses", "seller_press", ts_ms, panel_id=panel, employee_id="anna", hold_ms=hold_ms, **fields
        )

    def customer(self, ts_ms=None, answer="yes", panel="p1"):
        """Publish a customer press."""
        return self.publish("presses", "customer_press", ts_ms, panel_id=panel, answer=answer)

    def survey(self, answer="no", panel="p1", age_ms=10_000):
        """Publish a seller press of a while ago, and its answer; return the press."""
        ts_ms = now_ms() - age_ms
        press = self.seller(ts_ms, panel=panel)
        self.customer(ts_ms + 100, answer, panel)
        return press

    def verdict(self, press, reliable, target="survey", **fields):
        """Publish a verdict."""
        self.publish("verdicts", "verdict", target=target, target_id=press["event_id"], reliable=reliable, **fields)

    def values(self, index, scope="office"):
        """Return what one scrape shows of an index in every window."""
        seen = self._worker.scrape(f"kqi_{scope}_")
        labels = {"office": self.office_id} | ({"employee": "anna"} if scope == "employee" else {})
        return [seen(f"kqi_{scope}_{index}", **labels, window=window) for window in WINDOWS]

    def until(self, index, *wanted, scope="office"):
        """Wait until an index is one of the wanted values in every window; at no moment may windows differ."""

        def look():
            values = self.values(index, scope)
            assert len(set(values)) == 1, values
            return values[0] in wanted

        until(look, lambda: f"{index} of {wanted}: {self.values(index, scope)}\n{self._worker.output}")

    def records(self, messages):
        """Return the values of those messages that are about this office."""
        values = [json.loads(each.value()) for each in messages]
        return [each for each in values if each["office_id"] == self.office_id]
