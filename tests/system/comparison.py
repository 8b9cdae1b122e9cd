"""What differs between what a service tells and the truth: a line for each kind of difference, with a few examples."""

import json
import math
from itertools import islice

from tests.metrics import ASKED_FAMILY, SURVEY_FAMILIES
from tests.system.truth import Told

EXAMPLES = 3
AT_WORK = ("_utilisation_ratio", "_occupancy_ratio")
SAME = 1e-9


def listed(what, found):
    """Return the line that tells of some differences; none where there are none."""
    found = list(found)
    if not found:
        return []
    more = f" and {len(found) - EXAMPLES} more" if len(found) > EXAMPLES else ""
    return [f"{len(found)} {what}: {'; '.join(map(str, islice(found, EXAMPLES)))}{more}"]


class Ledger:
    """The surveys as a consumer of their topic has them: of each the message with the greatest revision."""

    def __init__(self):
        self._latest = {}  # revision and value by office and survey
        self._ambiguous = []

    def read(self, messages):
        """Take in messages of the topic."""
        for message in messages:
            value = json.loads(message.value)
            name, revision = (value["office_id"], value["survey_id"]), value.pop("revision")
            known, latest = self._latest.get(name, (-1, None))
            if revision == known and value != latest:
                self._ambiguous.append(f"{name} revision {revision}: {latest} and {value}")
            if revision > known:
                self._latest[name] = revision, value
            if message.key != value["office_id"].encode():
                self._ambiguous.append(f"{name} under the key {message.key}")

    def surveys(self):
        """Return the surveys that are not withdrawn: {(office, survey): Told}."""
        return {
            name: Told(*(value[field] for field in Told._fields))
            for name, (_, value) in self._latest.items()
            if value["outcome"] != "withdrawn"
        }

    def differences(self, right):
        """Return what is wrong, compared with `Truth.surveys`."""
        found = self.surveys()
        both = found.keys() & right.keys()
        wrong = {name: f"{name} is {found[name]}, not {right[name]}" for name in both if found[name] != right[name]}
        retracted = {name for name in wrong if right[name].valid and not found[name].valid}
        standing = {name for name in wrong if found[name].valid and not right[name].valid}
        return [
            *listed("surveys missing", (f"{name} {right[name]}" for name in right.keys() - found.keys())),
            *listed("surveys too many", (f"{name} {found[name]}" for name in found.keys() - right.keys())),
            *listed("surveys wrongly retracted", (wrong[name] for name in retracted)),
            *listed("surveys not retracted", (wrong[name] for name in standing)),
            *listed("surveys wrong otherwise", (wrong[name] for name in wrong.keys() - retracted - standing)),
            *listed("surveys told ambiguously", self._ambiguous),
        ]


class DeadLetters:
    """The dead letters by the coordinates of what they were made of; they may be repeated, but not contradict."""

    def __init__(self, prefix):
        self._prefix = prefix
        self._reasons = {}
        self._wrong = []

    def read(self, messages, stored):
        """Take in messages of the topic; `stored` is all input by its place."""
        for message in messages:
            headers = {name: value.decode() for name, value in message.headers.items()}
            place = headers["topic"].removeprefix(self._prefix), int(headers["partition"]), int(headers["offset"])
            origin = stored.get(place)
            if origin is None or (origin.key, origin.value) != (message.key, message.value):
                self._wrong.append(f"{place} is not what lies there: {message.value}")
            if self._reasons.setdefault(place, headers["reason"]) != headers["reason"]:
                self._wrong.append(f"{place} once {self._reasons[place]} and once {headers['reason']}")

    def differences(self, right):
        """Return what is wrong, compared with `Truth.rejects`."""
        found = self._reasons
        both = found.keys() & right.keys()
        return [
            *listed("dead letters missing", (f"{each} {right[each]}" for each in right.keys() - found.keys())),
            *listed("dead letters too many", (f"{each} {found[each]}" for each in found.keys() - right.keys())),
            *listed(
                "dead letters of a wrong reason",
                (f"{each} {found[each]}, not {right[each]}" for each in both if found[each] != right[each]),
            ),
            *listed("dead letters wrong otherwise", self._wrong),
        ]


def series_differences(scrapes, truth, at_ms, *, is_exact):
    """Return what is wrong with what workers show together, at one instant, exactly or as nearly as clocks can be read.

    Time at work changes by the millisecond: of an instant that is not exact, only that there is some is known.
    """
    found, twice = {}, []
    for seen in scrapes:
        others = (*SURVEY_FAMILIES, ASKED_FAMILY)
        shown = seen.indices | {each: value for each, value in seen.samples.items() if each[0] in others}
        twice += map(named, found.keys() & shown.keys())
        found |= shown
    people = {
        (labels["office"], labels.get("employee") or labels.get("queue") or labels.get("category"))
        for labels in map(labels_of, found)
    }
    right = truth.indices(at_ms, people) | truth.survey_counts(at_ms, people) | truth.asked(at_ms)
    lacking = right.keys() - found.keys()
    extra = {series for series in found.keys() - right.keys() if series[0] not in SURVEY_FAMILIES or found[series]}
    wrong = [
        f"{named(series)} is {found[series]}, not {right[series]}"
        for series in found.keys() & right.keys()
        if (is_exact or not series[0].endswith(AT_WORK))
        and not math.isclose(found[series], right[series], rel_tol=SAME, abs_tol=SAME)
    ]
    return [
        *listed("series missing", (f"{named(each)} {right[each]}" for each in lacking)),
        *listed("series too many", (f"{named(each)} {found[each]}" for each in extra)),
        *listed("series wrong", wrong),
        *listed("series shown twice", twice),
    ]


def conservation_differences(scrapes, truth):
    """Return where workers account for the messages of a partition otherwise than they should; nothing is held or missing."""
    found = {}
    for seen in scrapes:
        for (name, labels), count in seen.samples.items():
            if name == "kqi_worker_partition_messages" and count:
                by = dict(labels)
                place = int(by["partition"]), by["fate"]
                found[place] = found.get(place, 0) + count
    right = truth.fates
    wrong = [each for each in found.keys() | right.keys() if found.get(each, 0) != right[each]]
    return listed("fates of messages wrong", (f"{each} {found.get(each, 0):.0f}, not {right[each]}" for each in wrong))


def labels_of(series):
    """Return the labels of a series."""
    return dict(series[1])


def named(series):
    """Return a series as it is written."""
    name, labels = series
    return f"{name}{{{','.join(f'{label}={value}' for label, value in sorted(labels))}}}"
