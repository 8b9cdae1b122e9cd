"""What the log means, worked out again without any of the product's code: who counts, who does not, and all that follows.

`Truth.read` takes the messages of the input topics, each partition in its order, and sorts them as the contract says;
`surveys`, `indices` and `survey_counts` then ask the method's reference.
"""

import functools
from collections import Counter, defaultdict
from typing import NamedTuple

from tests.metrics import samples_of, samples_of_asked
from tests.reference.comparison import compare
from tests.reference.contract import judge
from tests.reference.method import DEFAULTS, in_window, indices, surveys
from tests.reference.trust import last_asked
from tests.topics import partition_of

LEAD_MS = 5 * 60_000
DAY_MS = 24 * 3_600_000
PRESSES_HORIZON_MS = DAY_MS
HORIZON_MS = 7 * DAY_MS
NOBODY = "nobody"  # stands for all in flooded offices who are not shown
MINUTES = {"m": 1, "h": 60, "d": 1440}


class Place(NamedTuple):
    """Where a message lies; the topic without prefix."""

    topic: str
    partition: int
    offset: int


class Told(NamedTuple):
    """What is told of a decided survey."""

    panel_id: str
    employee_id: str
    ts: int
    question: str
    outcome: str
    valid: bool
    force_majeure: bool


def once(work_out):
    """Have a method of `Truth` give its last answer again to the same question: whoever waits asks many times."""

    @functools.wraps(work_out)
    def answer(truth, *question):
        last, found = truth._worked_out.get(work_out, (None, None))
        if last != question:
            found = work_out(truth, *question)
            truth._worked_out[work_out] = question, found
        return found

    return answer


class Truth:
    """What has been read so far."""

    def __init__(self, config):
        self._config = config
        windows = config.get("windows", DEFAULTS["windows"])
        self._longest_window_ms = max(int(each[:-1]) * MINUTES[each[-1]] * 60_000 for each in windows)
        self._clock_ms = defaultdict(int)  # greatest min(ts, append time) of what was accepted, by topic partition
        self._seen = set()
        self._unique = defaultdict(list)  # accepted events by office, each id once
        self.stored = {}  # every message
        self.fates = Counter()  # of all messages, by partition and the name that the product has for it
        self.rejects = {}  # reason by place
        self.astray = set()  # places of messages that belong elsewhere
        self.moved = set()  # places that messages say they come from
        self.greatest_ts_ms = 0
        self.flooded = set()  # offices with more names than may be shown
        self._worked_out = {}  # answers that were given since messages came last

    def read(self, messages, prefix):
        """Take in messages, each partition in its order."""
        if messages:
            self._worked_out.clear()
        for each in messages:
            place = Place(each.topic, each.partition, each.offset)
            self.stored[place] = each
            if "moved-from" in each.headers:
                topic, partition, offset = each.headers["moved-from"].decode().removeprefix(prefix).rsplit("/", 2)
                self.moved.add(Place(topic, int(partition), int(offset)))
            event, reason = judge(each.value or b"", each.topic, self._longest_window_ms)
            if reason is None and self._is_astray(each, event):
                self.astray.add(place)
                self.fates[each.partition, "moved"] += 1
            else:
                self._judge_time(place, event, reason, each.append_ms)

    def _is_astray(self, message, event):
        office = event["office_id"]
        return message.key != office.encode() or partition_of(office) != message.partition

    def _judge_time(self, place, event, reason, append_ms):
        """Judge what lies where it belongs; `reason` says why it is no event at all."""
        log = place.topic, place.partition
        if reason is None and event["type"] != "shift" and event["ts"] > append_ms + LEAD_MS:
            reason = "in_the_future"
        if reason is None and event["ts"] < self._clock_ms[log] - self._horizon_ms(place.topic):
            reason = "too_late"
        if reason is None:
            self._clock_ms[log] = max(self._clock_ms[log], min(event["ts"], append_ms))
            self._accept(place.partition, event)
        else:
            self.rejects[place] = reason
            self.fates[place.partition, "too_late" if reason == "too_late" else "rejected"] += 1

    def _horizon_ms(self, topic):
        return {"presses": PRESSES_HORIZON_MS, "verdicts": self._longest_window_ms}.get(topic, HORIZON_MS)

    def _accept(self, partition, event):
        if event["type"] != "shift":
            self.greatest_ts_ms = max(self.greatest_ts_ms, event["ts"])
        name = event["office_id"], event["event_id"]
        if name in self._seen:
            self.fates[partition, "duplicate"] += 1
        else:
            self.fates[partition, "applied"] += 1
            self._seen.add(name)
            self._unique[event["office_id"]].append(event)

    # What follows --------------------------------------------------------------------------------------------------

    @once
    def surveys(self, at_ms):
        """Return the decided surveys as of an instant: {(office, survey): Told}."""
        return {
            (each["office_id"], each["event_id"]): Told(
                *(each[name] for name in ("panel_id", "employee_id", "ts", "question", "outcome", "valid")),
                each["in_force_majeure"],
            )
            for each in self._surveys(self._unique.values(), at_ms)
        }

    def _surveys(self, offices, at_ms):
        """Yield the decided surveys, office by office: no office's events touch another's."""
        for events in offices:
            for survey in surveys(events, at_ms, self._config):
                if survey["outcome"] != "undecided":
                    yield survey

    @once
    def indices(self, at_ms, shown=frozenset()):
        """Return the samples of all indices that have a value; of flooded offices those of whom is ``shown``, (office, name)."""
        rows = [
            row
            for events in self._offices(shown)
            for row in indices(events, at_ms, self._config)
            if NOBODY not in {row["employee_id"], row.get("queue"), row.get("category")}
        ]
        return {name: value for row in self._beside_all(rows) for name, value in samples_of(row).items()}

    def _beside_all(self, rows):
        """Return the rows with employees compared anew: each office had been by itself, as if it were the company."""
        people = defaultdict(lambda: defaultdict(dict))
        for row in rows:
            if row["scope"] == "employee":
                people[row["window"]][row["office_id"], row["employee_id"]][row["index"]] = row
        fields = "scope", "window", "office_id", "employee_id", "index"
        compared = {
            ("employee", window, *person, index): {"value": each["value"], "base": each["base"]}
            for window, employees in people.items()
            for person, told in compare(employees, DEFAULTS | self._config).items()
            for index, each in told.items()
        }
        known = [row for row in rows if tuple(row[field] for field in fields) not in compared]
        return known + [dict(zip(fields, name, strict=True)) | row for name, row in compared.items()]

    @once
    def asked(self, at_ms):
        """Return the samples of when each question was last asked in each office."""
        surveys = self._surveys(self._unique.values(), at_ms)
        return samples_of_asked(last_asked([survey for survey in surveys if survey["valid"]]))

    def _offices(self, shown):
        """Yield the events of each office; in flooded ones whoever is not shown is nobody."""
        for office, events in self._unique.items():
            if office not in self.flooded:
                yield events
                continue
            yield [
                event
                | {
                    name: event[name] if (office, event[name]) in shown else NOBODY
                    for name in ("employee_id", "queue", "category")
                    if name in event
                }
                | {
                    name: [each if (office, each) in shown else NOBODY for each in event[name]]
                    for name in ("employee_ids", "vote_employee_ids")
                    if name in event
                }
                for event in events
            ]

    @once
    def survey_counts(self, at_ms, shown=frozenset()):
        """Return the samples of the counts of valid surveys by question and outcome, but for those that are 0."""
        counts = Counter()
        for survey in self._surveys(self._offices(shown), at_ms):
            if not survey["valid"]:
                continue
            for window in self._config.get("windows", DEFAULTS["windows"]):
                if in_window(survey["ts"], at_ms, window):
                    labels = {"office": survey["office_id"], "window": window}
                    labels |= {"question": survey["question"], "outcome": survey["outcome"]}
                    counts["kqi_office_surveys", frozenset(labels.items())] += 1
                    if survey["employee_id"] == NOBODY:
                        continue
                    labels["employee"] = survey["employee_id"]
                    counts["kqi_employee_surveys", frozenset(labels.items())] += 1
        return counts
