"""Signs of gaming on /metrics: what is shown of them, what is left out, and how old it may be."""

import itertools

from agents.exposition import Exposition
from streams.configuration import configure
from streams.engine import Engine
from tests.metrics import SIGN_FAMILIES, Scrape
from tests.streams.feeding import Feed
from tests.streams.happenings import answer, long_press, press

T = 1_800_000_000_000
CONFIG = {"windows": ["1h", "8h"]}


def company(number):
    """Return a partition in which two employees of an office pressed, one of them twice."""
    who = [{"office_id": f"o{number}", "panel_id": name, "employee_id": name} for name in ("ann", "ben")]
    events = [press(T, **who[0]), press(T + 120_000, **who[0]), long_press(T, **who[1]), press(T, **who[1])]
    events += [answer(T + after_ms, office_id=f"o{number}", panel_id="ann") for after_ms in (500, 125_000)]
    return Feed(CONFIG, T + 600_000).feed(events).partition


def scraped(exposition, partitions):
    """Return the samples of signs, all others, and how many series are said to be shown and left out."""
    scrape = exposition.scrape(partitions)
    samples = Scrape(b"".join(scrape.pieces()).decode()).samples
    signs = {key: value for key, value in samples.items() if key[0] in SIGN_FAMILIES}
    return signs, samples.keys() - signs.keys(), scrape.series, scrape.left_out


def is_of(labels, office, employee=None):
    """Say whether labels are those of an office, or of an employee of it."""
    return dict(labels)["office"] == office and employee in (None, dict(labels).get("employee"))


def test_a_ceiling_leaves_out_signs_first():
    """They are shown where all else is: offices before employees, up to the first of whom not all fits."""
    partitions = [company(1), company(2)]
    whole, others, _, left_out = scraped(Exposition(Engine(configure(("the test", CONFIG)))), partitions)
    assert left_out == 0
    of = [("kqi_office", each) for each in ("o1", "o2")]
    of += [("kqi_employee", o, who) for o in ("o1", "o2") for who in ("ann", "ben")]
    keys = {who: {key for key in whole if key[0].startswith(who[0]) and is_of(key[1], *who[1:])} for who in of}
    assert [len(each) for each in keys.values()] == [2 * 2 * 5] * 2 + [2 * 2 * 2, 2 * 2 * 3] * 2
    ends = list(itertools.accumulate(map(len, keys.values())))
    for room in (-1, 0, *(end + step for end in ends for step in (-1, 0))):
        config = CONFIG | {"metrics_max_series": len(others) - 1 + room}
        signs, _, series, left_out = scraped(Exposition(Engine(configure(("the test", config)))), partitions)
        fitting = set().union(*(keys[who] for who, end in zip(keys, ends, strict=True) if end <= room))
        assert signs == {key: whole[key] for key in fitting}
        shown = series - len(signs)
        assert series + left_out == len(others) - 1 + len(whole)
        assert shown == len(others) - 1 if room >= 0 else shown < len(others) - 1


def test_they_are_counted_once_a_minute(monkeypatch):
    """Of each partition; others are counted when they come, and a partition that was let go is forgotten."""
    now_s = 1000.0
    monkeypatch.setattr("agents.sign_exposition.time.monotonic", lambda: now_s)
    one, two = Feed(CONFIG, T + 600_000), company(2)
    exposition = Exposition(one.engine)

    def bases():
        signs, *_ = scraped(exposition, [one.partition, two])
        wanted = {"sign": "force_majeures_declared", "window": "1h", "office": "riga-1"}
        found = {}
        for (name, labels), value in signs.items():
            if name == "kqi_employee_signs_base" and wanted.items() <= labels:
                found[dict(labels)["employee"]] = value
        return found

    one.step([long_press(T)])
    assert bases() == {"ann": 1}
    now_s += 59.9
    one.step([long_press(T + 1), long_press(T, employee_id="ben")])
    assert bases() == {"ann": 1}
    now_s += 0.1
    assert bases() == {"ann": 2, "ben": 1}
    one.step([long_press(T + 2)])
    assert scraped(exposition, [two])[0]
    assert bases() == {"ann": 3, "ben": 1}
