"""``kqi top``: what workers show at `/metrics`, as two tables: how the workers are, and offices in the order of an index.

`read` and the tables are pure; `Watching` asks the workers, all at once.
"""

import gzip
import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Group
from rich.table import Table
from rich.text import Text

from streams.faults import Fault

TIMEOUT_S: Final = 10.0
PAUSES: Final = 9  # times as long as a look takes: many series cost workers something
SUFFIXES: Final = ("_ratio", "_seconds", "")  # of the units of indices
QUESTION_OF: Final = {"ink_personnel": "personnel", "ink_office": "office", "iel": "loyalty"}
COUNTED_BY: Final = {  # families that tell what was counted for other indices
    "nps": "nps_answers",
    "csat": "csat_answers",
    "ces": "ces_answers",
    "service_level": "calls_offered",
    "abandonment": "calls_offered",
    "average_speed_of_answer_s": "calls_answered",
    "average_handle_time_s": "calls_answered",
    "average_ticket": "sales",
    "revenue": "sales",
}
_window = re.compile(r'.*[{,]window="([^"]*)"').match
_name = re.compile(r"[a-zA-Z_]\w*").match


class TopError(Fault):
    """There is nothing to be shown."""


class Wanted(NamedTuple):
    """What of the offices is shown."""

    name: str  # of the index
    window: str
    order: str = "value"  # or office, count
    least_first: bool = False
    limit: int | None = None

    @property
    def stem(self) -> str:
        """What the metrics of the index are called, between scope and unit."""
        return self.name.removesuffix("_s")


class Office(NamedTuple):
    """An office, as one worker shows it."""

    name: str
    value: float
    lower: float | None = None
    upper: float | None = None
    counted: float | None = None  # of surveys, answers, calls or sales that were counted
    representative: bool | None = None
    reasons: tuple[str, ...] = ()


class Worker(NamedTuple):
    """How a worker is."""

    url: str
    fault: str = ""  # why nothing else is known
    ready: bool = False
    partitions: int = 0
    events: float = 0
    lag: float = 0
    dead_letters: float = 0
    checkpoint_s: float | None = None  # when the oldest of the last checkpoints was taken, epoch seconds
    seen_s: float = 0.0


class Page(NamedTuple):
    """What a worker shows."""

    worker: Worker
    offices: dict[str, Office]
    windows: frozenset[str]  # in which it has the index


# Reading -----------------------------------------------------------------------------------------------------------


def read(url: str, lines: Iterable[str], wanted: Wanted, now_s: float) -> Page:
    """Take what is wanted out of a page of metrics; most of its lines are of employees, and are not looked at."""
    values = {f"kqi_office_{wanted.stem}{suffix}" for suffix in SUFFIXES}
    families = values | {f"kqi_office_{wanted.stem}_{end}{suffix}" for end in ("lower", "upper") for suffix in SUFFIXES}
    families |= {f"kqi_office_{wanted.stem}_representative", "kqi_office_unrepresentative", "kqi_office_surveys"}
    families |= {f"kqi_office_{COUNTED_BY[wanted.name]}"} if wanted.name in COUNTED_BY else set()
    windows = set()
    kept = []
    for line in lines:
        found = _name(line)
        name = found[0] if found else ""
        if name in families:
            window = _window(line)
            if window and name in values:
                windows.add(window[1])
            if window and window[1] == wanted.window:
                kept.append(line)
        elif name.startswith("kqi_worker_") and not name.startswith("kqi_worker_batch"):
            kept.append(line)
    samples = [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families("".join(kept))
        for sample in family.samples
    ]
    return Page(_worker(url, samples, now_s), _offices(samples, wanted, values), frozenset(windows))


Samples = Sequence[tuple[str, Mapping[str, str], float]]


def _worker(url: str, samples: Samples, now_s: float) -> Worker:
    def values(name: str) -> list[float]:
        return [value for each, _, value in samples if each == f"kqi_worker_{name}"]

    return Worker(
        url,
        ready=values("ready") == [1],
        partitions=int(sum(values("partitions"))),
        events=sum(values("events_total")),
        lag=sum(values("lag")),
        dead_letters=sum(values("dead_letters_total")),
        checkpoint_s=min(values("checkpoint_timestamp_seconds"), default=None),
        seen_s=now_s,
    )


def _offices(samples: Samples, wanted: Wanted, values: Iterable[str]) -> dict[str, Office]:
    found: dict[str, dict[str, float]] = {}
    reasons: dict[str, list[str]] = {}
    prefix = f"kqi_office_{wanted.stem}"
    counted = f"kqi_office_{COUNTED_BY.get(wanted.name, '')}"
    for name, labels, value in samples:
        office = labels.get("office")
        if office is None:
            continue
        of_office = found.setdefault(office, {})
        if name in values:
            of_office["value"] = value
        elif name.startswith((f"{prefix}_lower", f"{prefix}_upper")):
            of_office[name.removeprefix(prefix)[1:6]] = value
        elif name == f"{prefix}_representative":
            of_office["representative"] = value
        elif name == "kqi_office_unrepresentative" and labels.get("index") == wanted.name:
            reasons.setdefault(office, []).append(labels.get("reason", ""))
        if name == counted or (
            name == "kqi_office_surveys" and labels.get("question") == QUESTION_OF.get(wanted.name, "")
        ):
            of_office["counted"] = of_office.get("counted", 0) + value
    return {
        name: Office(
            name,
            of_office["value"],
            of_office.get("lower"),
            of_office.get("upper"),
            of_office.get("counted"),
            of_office["representative"] == 1 if "representative" in of_office else None,
            tuple(reasons.get(name, ())),
        )
        for name, of_office in found.items()
        if "value" in of_office
    }


# Asking ------------------------------------------------------------------------------------------------------------


def address_of(url: str) -> str:
    """The page of metrics at an address.

    Raises
    ------
    ValueError
        It is none.
    """
    whole = url if "://" in url else f"http://{url}"
    parts = urllib.parse.urlsplit(whole)
    try:
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port
        is_right = False
    if not is_right or not whole.isprintable() or " " in whole:
        raise ValueError(f"`{url}` is no address: expected such as http://127.0.0.1:9464")
    return whole if parts.path.strip("/") else f"{whole.rstrip('/')}/metrics"


class Watching:
    """Some workers, looked at again and again."""

    def __init__(self, urls: Sequence[str], wanted: Wanted) -> None:
        self._urls = urls
        self._wanted = wanted

    def look(self) -> list[Page]:
        """Ask all of them; one that does not answer has a fault."""
        with ThreadPoolExecutor(len(self._urls)) as pool:
            return list(pool.map(self._ask, self._urls))

    def _ask(self, url: str) -> Page:
        request = urllib.request.Request(url, headers={"Accept": "text/plain", "Accept-Encoding": "gzip"})  # noqa: S310 - see `address_of`
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                is_packed = answer.headers.get("Content-Encoding") == "gzip"
                body = gzip.GzipFile(fileobj=answer) if is_packed else answer
                return read(url, (line.decode(errors="replace") for line in body), self._wanted, time.time())
        except urllib.error.HTTPError as error:
            fault = f"answers with {error.code}"
        except (OSError, EOFError, http.client.HTTPException, zlib.error) as error:
            reason = getattr(error, "reason", error)
            fault = (getattr(reason, "strerror", None) or str(reason) or type(reason).__name__).lower()
        except ValueError:
            fault = "what it answers is no page of metrics"
        return Page(Worker(url, fault=fault), {}, frozenset())


def check(pages: Sequence[Page], wanted: Wanted) -> None:
    """See whether there is anything to be shown.

    Raises
    ------
    TopError
        No worker answers, or none has the index in that window; an index that has no value anywhere is like one that does not exist.
    """
    if all(page.worker.fault for page in pages):
        raise TopError(
            *(f"No worker answers at {_without_user(page.worker.url)}: {page.worker.fault}." for page in pages)
        )
    windows = frozenset[str]().union(*(page.windows for page in pages))
    if windows and wanted.window not in windows:
        raise TopError(
            f"no office has `{wanted.name}` in the window {wanted.window}, but in {', '.join(sorted(windows))}"
        )


# Tables ------------------------------------------------------------------------------------------------------------


def tables(pages: Sequence[Page], before: Sequence[Page], wanted: Wanted, now_s: float) -> Group:
    """What is seen now; rates since what was seen before."""
    return Group(_workers_table(pages, before, now_s), Text(""), _offices_table(pages, wanted))


def _workers_table(pages: Sequence[Page], before: Sequence[Page], now_s: float) -> Table:
    table = Table(box=None, header_style="bold")
    for heading in ("worker", "state"):
        table.add_column(heading)
    for heading in ("partitions", "events", "events/s", "lag", "dead letters", "checkpoint"):
        table.add_column(heading, justify="right")
    earlier = {page.worker.url: page.worker for page in before}
    for worker in (page.worker for page in pages):
        if worker.fault:
            table.add_row(_text(_shown(worker.url)), _text(f"no answer: {worker.fault}", "red"))
            continue
        table.add_row(
            _text(_shown(worker.url)),
            _text("ready" if worker.ready else "not ready", "green" if worker.ready else "yellow"),
            str(worker.partitions),
            f"{worker.events:,.0f}",
            _rate(worker, earlier.get(worker.url)),
            f"{worker.lag:,.0f}",
            _text(f"{worker.dead_letters:,.0f}", "yellow" if worker.dead_letters else ""),
            "" if worker.checkpoint_s is None else f"{max(0.0, now_s - worker.checkpoint_s):,.0f} s ago",
        )
    return table


def _without_user(url: str) -> str:
    """An address without name and password, which are for nobody's eyes."""
    return re.sub("//[^/@]*@", "//", url)


def _shown(url: str) -> str:
    return _without_user(url).removesuffix("/metrics")


def _rate(worker: Worker, earlier: Worker | None) -> str:
    if earlier is None or earlier.fault or worker.seen_s <= earlier.seen_s or worker.events < earlier.events:
        return ""
    return f"{(worker.events - earlier.events) / (worker.seen_s - earlier.seen_s):,.1f}"


def ranked(pages: Sequence[Page], wanted: Wanted) -> list[Office]:
    """The offices of all workers, in order; the greatest first unless the least are wanted, names always from A."""
    offices = {name: office for page in pages for name, office in page.offices.items()}
    rows = sorted(offices.values(), key=lambda each: each.name)
    if wanted.order != "office":
        rows.sort(key=lambda each: each.value if wanted.order == "value" else each.counted or 0, reverse=True)
    if wanted.least_first:
        rows.reverse()
    return rows


def _offices_table(pages: Sequence[Page], wanted: Wanted) -> Table:
    rows = ranked(pages, wanted)
    shown = rows[: wanted.limit]
    more = f", {len(shown)} of {len(rows)} offices" if len(shown) < len(rows) else ""
    table = Table(box=None, header_style="bold", title=f"{wanted.name}, {wanted.window}{more}", title_justify="left")
    table.add_column("", justify="right")
    table.add_column("office")
    counted = "surveys" if wanted.name in QUESTION_OF else COUNTED_BY.get(wanted.name, "").replace("_", " ")
    for heading in ("value", "95 % interval", counted):
        table.add_column(heading, justify="right")
    table.add_column("representative")
    for number, office in enumerate(shown, 1):
        table.add_row(str(number), _text(office.name), *_cells(office))
    if not rows:
        table.caption = f"no office has a value of `{wanted.name}` in this window"
    return table


def _cells(office: Office) -> Iterator[str | Text]:
    yield _number(office.value)
    yield "" if office.lower is None or office.upper is None else f"{_number(office.lower)} - {_number(office.upper)}"
    yield "" if office.counted is None else f"{office.counted:,.0f}"
    if office.representative is None:
        yield ""
    elif office.representative:
        yield _text("yes", "green")
    else:
        yield _text(", ".join(office.reasons) or "no", "yellow")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() and abs(value) > 1 else f"{value:,.4f}"


def _text(text: str, style: str = "") -> Text:
    """A text as it is, whatever stands in it."""
    return Text("".join(each if each.isprintable() else "?" for each in text), style)
