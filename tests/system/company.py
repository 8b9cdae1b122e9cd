"""A company on a cluster, with workers that measure it, to which things may happen; and whether anything was lost by them.

with Company(cluster, seed=1) as company:       # on topics of its own, under load
company.wait_for(500)                           # messages more
company.kill(company.workers[0])
company.start_worker()
company.require_answer()                        # within 20 s, from now
assert company.differences() == []              # everything published until now, and everything told about it

All of it can be done again and again: the company goes on, so what one fault has spoilt may show after another.
"""

import json
import random
import signal
import time
from contextlib import ExitStack, suppress
from itertools import count, repeat

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.offices import now_ms
from tests.reference.contract import TOPICS as TOPIC_OF
from tests.service import POLL_S, Service, until
from tests.streams.specimens import SPECIMENS
from tests.system.comparison import DeadLetters, Ledger, conservation_differences, listed, series_differences
from tests.system.life import HOUR_MS, NEVER, Life
from tests.system.load import Load
from tests.system.logs import Logs
from tests.system.truth import Truth
from tests.topics import PARTITIONS, office_in, partition_of

DAY_MS = 24 * HOUR_MS
ANSWER_S = 20.0  # so soon a service answers again
SETTLE_S = 30.0  # what it may take to publish the last of it
BUCKET_MS = 15_000  # of the shortest window
# Checkpoints of a partition, and news of indices; whom other workers compare is told six times as seldom, well within SETTLE_S.
OFTEN = {"checkpoint_interval_s": 1.0, "indices_interval_s": 1.0}
SPEED = 60  # of a live company: what takes a minute elsewhere takes a second

TOPICS = sorted(set(TOPIC_OF.values()))
CLOCKS = {topic: kind for kind, topic in TOPIC_OF.items()}  # a kind of event for each topic
SAID_LINES = 15

# A company of days gone by, five minutes a second: an event's time says what time it is.
HISTORY = {
    "windows": ["15m", "1h", "24h", "30d"],
    "request_targets": [
        {"priority": "critical", "stage": "first_response", "within": "1m", "objective": 0.8},
        {"priority": "critical", "stage": "on_site", "within": "10m", "objective": 0.7},
        {"priority": "critical", "stage": "resolved", "within": "30m", "objective": 0.8},
        {"priority": "normal", "stage": "resolved", "within": "2h", "objective": 0.7},
    ],
}
# A live one, whose every duration is a sixtieth: the wall's clock says what time it is.
LIVE = {"windows": ["15m", "1h", "30d"], "answer_window_s": 0.5, "debounce_ms": 17, "force_majeure_duration_s": 15}


class Company:
    """A company, its load and its workers.

    Parameters
    ----------
    cluster : tests.system.cluster.Cluster
        Where its topics are.
    seed : int
        Of everything that is random.
    live : bool
        Whether it lives now, or long ago (workers then run with ``--clock event``).
    workers : int
        How many it begins with.
    proxied : bool
        Whether workers reach the brokers through the cluster's network.
    quiet : bool
        Whether nothing happens there but what a test publishes.
    """

    def __init__(self, cluster, seed, *, live=False, workers=2, proxied=False, quiet=False):
        self.cluster = cluster
        self.seed = seed
        self.chance = random.Random(seed)
        self.workers = []
        self.broken = False  # for who uses it: what is found wrong stays wrong
        self._live = live
        self._quiet = quiet
        self._config = LIVE if live else HISTORY
        self._first_workers = workers
        self._service = Service(cluster.address, **self._config, **OFTEN)
        self._reached_at = {"kafka_bootstrap": str(cluster.proxied)} if proxied else {}
        self._truth = Truth(self._config)
        self._ledger = Ledger()
        self._dead_letters = DeadLetters(self._service.prefix)
        self._numbers = count()
        self._probes = 0
        self._stack = ExitStack()
        self._load = None

    def __enter__(self):
        with self._stack:
            self._service.create_topics()
            start_ms = now_ms() - (HOUR_MS // SPEED if self._live else 20 * DAY_MS)
            life = Life(self.seed, start_ms, offices=12 if self._live else 6, speed=SPEED if self._live else 1)
            if self._quiet:
                life = repeat(NEVER)
            self._input = Logs(self._service, TOPICS)
            self._output = Logs(self._service, ["surveys", "dead-letters"])
            self._load = self._stack.enter_context(
                Load(self._service, life, start_ms, pace=1 if self._live else 5 * SPEED)
            )
            for topic in TOPICS:  # so that there is something to be too late for
                self._tell_time(topic, start_ms)
            self.start_workers(self._first_workers)
            self._load.go_on()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    # Workers -------------------------------------------------------------------------------------------------------

    def start_worker(self, program=None, **settings):
        """Start one more worker, or another program in its place; return it as soon as it listens."""
        return self._started(program, **settings).wait_until_listening()

    def start_workers(self, count):
        """Start more workers, all at a time."""
        for worker in [self._started() for _ in range(count)]:
            worker.wait_until_listening()

    def _started(self, program=None, **settings):
        arguments = [] if self._live else ["--clock", "event"]
        settings = self._reached_at | settings
        worker = self._service.worker(*arguments, impatient=True, program=program, **settings)
        self._stack.enter_context(worker)
        self.workers.append(worker)
        return worker

    @property
    def prefix(self):
        """What stands before the names of its topics."""
        return self._service.prefix

    def kill(self, worker):
        """End a worker at once."""
        self.workers.remove(worker)
        assert worker.stop(signal.SIGKILL) == -signal.SIGKILL

    def stop(self, worker):
        """Ask a worker to end, and require that it does so within 10 s."""
        self.workers.remove(worker)
        status = worker.stop()
        assert status == 0, f"ended with {status}:\n{worker.output}"

    # Load ----------------------------------------------------------------------------------------------------------

    def wait_for(self, messages):
        """Let so many messages more be published."""
        self._load.wait_for(messages)

    def send(self, topic, key, value, partition):
        """Publish a message of a test's own."""
        while True:
            with suppress(BufferError):
                return self._load.send(topic, key, value, partition)
            self._load.make_room()

    def publish(self, event):
        """Publish an event of a test's own, where it belongs."""
        office = event["office_id"]
        self.send(TOPIC_OF[event["type"]], office.encode(), json.dumps(event).encode(), partition_of(office))

    def wait_until_read(self):
        """Wait until all was read that was published, in a quiet company of one worker that was never restarted; return a scrape."""
        assert self._quiet, "or there is always more to read"
        self._load.pause()
        (worker,) = self.workers

        def has_read(seen):
            read = seen.total("kqi_worker_events_total") + seen.total("kqi_worker_dead_letters_total")
            return read >= len(self._load.acknowledged)

        return worker.until(has_read, f"{len(self._load.acknowledged)} messages read", only="kqi_worker_")

    def take_large(self, topic, size):
        """Have a topic take messages of so many bytes."""
        entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, self._service.prefix + topic, incremental_configs=[entry])
        admin = AdminClient({"bootstrap.servers": str(self._service.bootstrap), "log_level": 0})
        for done in admin.incremental_alter_configs([resource]).values():
            done.result(ANSWER_S)

    def wait_s(self, duration_s):
        """Let so much time pass under load: a fault lasts."""
        time.sleep(max(0, duration_s))

    # Questions -----------------------------------------------------------------------------------------------------

    def require_answer(self, within_s=ANSWER_S):
        """Require that the service soon shows what is published now, of every partition."""
        began_s = time.monotonic()
        self._probes += 1
        for number in range(PARTITIONS):
            self._publish("sale", "probe", number, self._now_ms(), amount_minor=1, currency="EUR")
        until(self._answers, self._what_is_shown, within_s)
        print(f"answered after {time.monotonic() - began_s:.1f} s")  # noqa: T201 - shown with a failure

    def _answers(self):
        shown = {}
        for worker in self.workers:
            scrape = worker.scrape("kqi_office_sales{")
            for number in range(PARTITIONS):
                sales = scrape("kqi_office_sales", office=office_in(number, "probe"), window="30d")
                if sales is not None:
                    shown.setdefault(number, []).append(sales)
        return all(shown.get(number) == [self._probes] for number in range(PARTITIONS))

    def _what_is_shown(self):
        said = "\n".join(f"{worker.get('/readyz')[2]}{tail(worker.output)}" for worker in self.workers)
        return f"an answer; seed {self.seed}; workers say:\n{said}"

    def differences(self):
        """Return what is wrong with all that was told until now, a line each; the load pauses meanwhile."""
        self._load.pause()
        at_ms = None
        if not self._live:
            self._truth.read(self._input.read(), self._service.prefix)  # a test may have been ahead of the load
            at_ms = max(self._truth.greatest_ts_ms, int(self._load.now_ms) + HOUR_MS)
            self._tell_time("visits", at_ms)
            self._load.pause()
        deadline_s = time.monotonic() + SETTLE_S
        while (found := self._differences(at_ms)) and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
        self._load.go_on(at_ms)
        return found and [*found, f"seed {self.seed}", *(tail(worker.output) for worker in self.workers)]

    def _differences(self, at_ms):
        self._truth.read(self._input.read(), self._service.prefix)
        unmoved = [each for each in self._truth.astray if each not in self._truth.moved]
        written = {"surveys": [], "dead-letters": []}
        for message in self._output.read():
            written[message.topic].append(message)
        self._ledger.read(written["surveys"])
        self._dead_letters.read(written["dead-letters"], self._truth.stored)
        return [
            *self._lost_by_brokers(),
            *listed("messages not moved", unmoved),
            *self._dead_letters.differences(self._truth.rejects),
            *self._ledger.differences(self._truth.surveys(now_ms() if at_ms is None else at_ms)),
            *self._shown_differences(at_ms),
        ]

    def _lost_by_brokers(self):
        """Return what the brokers acknowledged and do not have: then all promises end."""
        lost = []
        for each in self._load.acknowledged:
            stored = self._truth.stored.get(each[:3])
            if stored is None or stored[3:6] != each[3:6]:
                lost.append(f"{each}, there lies {stored}")
        return listed("acknowledged messages not in the log", lost)

    def _shown_differences(self, at_ms):
        unready = [worker.get("/readyz")[2].strip() for worker in self.workers if worker.get("/readyz")[0] != 200]
        if unready:
            return listed("workers not ready", unready)
        began_ms = now_ms()
        scrapes = [worker.scrape() for worker in self.workers]
        if at_ms is None:
            at_ms = now_ms()
            if began_ms // BUCKET_MS != at_ms // BUCKET_MS:
                return ["the windows moved on while workers were asked"]
        clocks = {seen("kqi_worker_clock_timestamp_seconds") for seen in scrapes if seen("kqi_worker_partitions")}
        wrong_clocks = [] if self._live else [each for each in clocks if each != at_ms / 1000]
        return [
            *listed(f"clocks not at {at_ms / 1000}", wrong_clocks),
            *conservation_differences(scrapes, self._truth),
            *series_differences(scrapes, self._truth, at_ms, is_exact=not self._live),
        ]

    # Messages of the test ------------------------------------------------------------------------------------------

    @property
    def truth(self):
        """What follows from what has been read of the log."""
        return self._truth

    @property
    def now_ms(self):
        """What time it is there."""
        return self._now_ms()

    def _now_ms(self):
        return now_ms() if self._live else int(self._load.now_ms)

    def _tell_time(self, topic, at_ms):
        """Publish something harmless in every partition of a topic, at an instant."""
        kind = CLOCKS[topic]
        for number in range(PARTITIONS):
            self._publish(kind, "clock", number, at_ms, **SPECIMENS[kind])

    def _publish(self, kind, name, partition, ts_ms, /, **fields):
        office = office_in(partition, name)
        event = {"type": kind, "event_id": f"{name}-{next(self._numbers)}", "ts": ts_ms, "office_id": office}
        self._load.send(TOPIC_OF[kind], office.encode(), json.dumps(event | fields).encode(), partition)


def tail(text):
    """Return the last lines of a text."""
    return "".join(f"\n    {line}" for line in text.splitlines()[-SAID_LINES:])
