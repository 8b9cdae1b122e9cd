"""Single events, briefly: each with an id of its own, in one office, on one panel, by one employee."""

from itertools import count

_numbers = count()


def _event(kind, ts_ms, fields, defaults):
    return {"type": kind, "event_id": f"e{next(_numbers)}", "ts": ts_ms, "office_id": "riga-1"} | defaults | fields


def press(ts_ms, **fields):
    """A short seller press."""
    return _event("seller_press", ts_ms, fields, {"panel_id": "p1", "employee_id": "ann", "hold_ms": 200})


def long_press(ts_ms, **fields):
    """A long seller press."""
    return press(ts_ms, **({"hold_ms": 3000} | fields))


def answer(ts_ms, **fields):
    """A customer press."""
    return _event("customer_press", ts_ms, fields, {"panel_id": "p1", "answer": "yes"})


def verdict(ts_ms, on, reliable, **fields):
    """An expert's verdict on a seller press, on a survey if it is short."""
    target = "survey" if on["hold_ms"] < 3000 else "force_majeure"
    about = {"target": target, "target_id": on["event_id"], "reliable": reliable}
    return _event("verdict", ts_ms, fields, about | {"office_id": on["office_id"]})


def call(ts_ms, **fields):
    """An inbound call that was answered."""
    return _event("call", ts_ms, fields, {"direction": "inbound", "disposition": "answered", "wait_s": 5})


def sale(ts_ms, **fields):
    """A sale."""
    return _event("sale", ts_ms, fields, {"amount_minor": 100, "currency": "EUR"})


def visit(ts_ms, **fields):
    """A visitor."""
    return _event("visit", ts_ms, fields, {})


def shift(ts_ms, **fields):
    """An hour of work."""
    return _event("shift", ts_ms, fields, {"employee_id": "ann", "kind": "work", "end_ts": ts_ms + 3_600_000})


def rating(ts_ms, **fields):
    """A customer's score."""
    return _event("rating", ts_ms, fields, {"metric": "nps", "score": 9})


def request(ts_ms, request_id, stage, **fields):
    """A service request reaches a stage."""
    about = {"request_id": request_id, "stage": stage, "priority": "critical"}
    return _event("request", ts_ms, fields, about)


def peer_rating(ts_ms, **fields):
    """A department rates another one."""
    about = {"from_department": "sales", "to_department": "help", "scores": {"speed": 7}}
    return _event("peer_rating", ts_ms, fields, about)
