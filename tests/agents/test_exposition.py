"""The text of the indices, as Prometheus reads it."""

import re
from collections import Counter
from itertools import accumulate, zip_longest
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families

from agents.exposition import Exposition
from agents.metric_families import WITH_BASE
from agents.text_format import Columns
from kernels.layout import SURVEY_CODES
from streams.configuration import configure
from streams.engine import Engine
from streams.index import OUTCOMES, QUESTIONS
from tests.agents.crowd import crowd
from tests.metrics import SIGN_FAMILIES, Scrape, samples_of, samples_of_asked, samples_of_signs
from tests.reference import cases
from tests.reference.trust import last_asked
from tests.streams.feeding import Feed
from tests.streams.story import story

TEXT = Path(__file__).with_name("exposition.txt")
HEADS = [line for line in TEXT.read_text(encoding="utf-8").splitlines() if line.startswith("# TYPE")]
AT_MS = 1_800_000_000_000
TARGETS = [
    {"priority": "critical", "stage": "resolved", "within": "20m", "objective": 0.8},
    {"priority": "critical", "stage": "first_response", "within": "5m", "objective": 1},
    {"priority": 'odd " one', "stage": "on_site", "within": "2d", "objective": 0.75},
]
ODD_IDS = [
    'quote " in it',
    "back\\slash",
    "\\n is no line end",
    "ends with \\",
    '\\"',
    "a,b=c{d}e # f",
    "  spaces  ",
    "\u00a0\u2028\u2029\ufeff",
    "\u0645\u0643\u062a\u0628",
    "e\u0301\u0308",
    "\U0001f3e2" * 128,
    "%s %d %(x)s {} {0}",
]


def press(event_id, ts_ms=AT_MS - 60_000, office="riga-1", employee="anna"):
    """Return a seller press."""
    return {
        "type": "seller_press",
        "event_id": event_id,
        "ts": ts_ms,
        "office_id": office,
        "panel_id": "p1",
        "employee_id": employee,
        "hold_ms": 200,
    }


def other(kind, event_id, office="riga-1", **fields):
    """Return another event of now."""
    return {"type": kind, "event_id": event_id, "ts": AT_MS, "office_id": office} | fields


def sale(event_id, office="riga-1", **fields):
    """Return a sale of 12.34."""
    return other("sale", event_id, office, amount_minor=1234, currency="EUR", **fields)


def call(event_id, office="riga-1", **fields):
    """Return an inbound call that was answered."""
    return other("call", event_id, office, direction="inbound", disposition="answered", wait_s=2.5, **fields)


def exposed(*feeds):
    """Return the text of partitions with the same configuration."""
    return Exposition(feeds[0].engine).text([feed.partition for feed in feeds])


def base_of(row):
    """Return the sample that shows what a row rests on, of the rows of offices that have one."""
    if row["scope"] != "office" or row["index"] not in WITH_BASE or not row["base"]:
        return {}
    labels = {"office": row["office_id"], "window": row["window"]}
    return {(f"kqi_office_{row['index']}_base", frozenset(labels.items())): row["base"]}


def plain(feed):
    """Return the samples of a partition, written down one by one."""
    samples = {("kqi_silent_weight", frozenset()): feed.configuration.silent_weight}
    for target in feed.configuration.request_targets:
        labels = {"priority": target.priority, "stage": target.stage}
        samples["kqi_request_objective_ratio", frozenset(labels.items())] = target.objective
    for row in feed.rows:
        for name, value in (samples_of(row) | base_of(row)).items():
            samples[name] = float(value)  # integers are given out exactly, and shown as doubles
    totals = feed.engine.evaluation.totals(feed.partition)
    for number, (scope, office, name) in enumerate(feed.partition.names.entities):
        if scope in {"queue", "priority", "category"}:
            continue
        labels = {"office": office} | ({"employee": name} if scope == "employee" else {})
        for at, window in enumerate(feed.configuration.windows):
            counts = totals[number, at, :SURVEY_CODES].reshape(3, 4, 2).sum(axis=2).tolist()
            for question, outcomes in zip(QUESTIONS, counts, strict=True):
                for outcome, count in zip(OUTCOMES, outcomes, strict=True):
                    if any(map(any, counts)):
                        own = labels | {"window": window, "question": question, "outcome": outcome}
                        samples[f"kqi_{scope}_surveys", frozenset(own.items())] = count
    samples |= samples_of_signs(feed.signs)
    return samples | samples_of_asked(
        last_asked([each for each in feed.surveys.values() if each["valid"] and each["outcome"] != "undecided"])
    )


def test_whole_text():
    """The text of a tiny company, byte for byte: every family with its help, and nothing where there is no value."""
    feed = Feed({"windows": ["15m", "1h"], "silent_weight": 0.5})
    feed.step([press("1", AT_MS - 1_800_000), press("2"), sale("3", employee_id="anna"), call("4", queue="main")])
    feed.step([other("customer_press", "5", panel_id="p1", answer="yes") | {"ts": AT_MS - 59_000}])
    assert exposed(feed) == TEXT.read_text(encoding="utf-8")


@pytest.mark.parametrize("parse", [None, openmetrics_families], ids=["text", "openmetrics"])
def test_any_id_is_a_label(parse):
    """Whatever an id may hold comes back as it was, in either format."""
    feed = Feed({"windows": ["1h"]})
    for number, odd in enumerate(ODD_IDS):
        feed.step([sale(f"s{number}", odd, employee_id=odd), call(f"c{number}", odd, queue=odd)])
    text = exposed(feed)
    seen = Scrape(text) if parse is None else Scrape(text + "# EOF\n", parse)
    for odd in ODD_IDS:
        assert seen("kqi_office_sales", office=odd, window="1h") == 1
        assert seen("kqi_employee_revenue", office=odd, employee=odd, window="1h") == 1234
        assert seen("kqi_queue_calls_offered", office=odd, queue=odd, window="1h") == 1
    assert len({dict(labels)["office"] for name, labels in seen.samples if name == "kqi_office_sales"}) == len(ODD_IDS)


def test_what_has_no_value_is_absent():
    """Without surveys there is no index of surveys, and without anything in a window no series of it."""
    feed = Feed({"windows": ["15m", "1h"]}, AT_MS)
    feed.step([sale("1") | {"ts": AT_MS - 1_800_000}])
    seen = Scrape(exposed(feed))
    assert {dict(labels)["window"] for _, labels in seen.indices} == {"1h"}
    assert seen("kqi_office_sales", office="riga-1", window="1h") == 1
    assert seen("kqi_office_iel_ratio", office="riga-1", window="1h") is None
    assert seen("kqi_office_precise_conversion_ratio", office="riga-1", window="1h") is None
    assert not [name for name, _ in seen.samples if name.endswith("_surveys")]


def test_what_is_retracted_leaves_nothing_behind():
    """A series of which nothing is left disappears from the next text, and comes back when it counts again."""
    feed = Feed({"windows": ["1h"]}, AT_MS)
    exposition = Exposition(feed.engine)

    def shown():
        return Scrape(exposition.text([feed.partition]))("kqi_office_silent_share_ratio", office="riga-1", window="1h")

    def verdict(event_id, reliable):
        return other("verdict", event_id, target="survey", target_id="1", reliable=reliable)

    feed.step([press("1")])
    assert shown() == 1
    feed.step([verdict("2", reliable=False)])
    assert shown() is None
    feed.step([verdict("3", reliable=True)])
    assert shown() == 1


def test_new_entities_appear():
    """Offices and employees that come later are in the next text."""
    feed = Feed({"windows": ["1h"]}, AT_MS)
    exposition = Exposition(feed.engine)
    feed.step([sale("1")])
    before = Scrape(exposition.text([feed.partition])).indices
    feed.step([sale("2", "ogre-1", employee_id="boris")])
    after = Scrape(exposition.text([feed.partition])).indices
    assert before.items() <= after.items()
    assert {dict(labels)["office"] for _, labels in after} == {"riga-1", "ogre-1"}


def test_partitions_share_families():
    """Series of all partitions stand under one head of each family, and those of partitions let go are gone."""
    one, two = Feed({"windows": ["1h"]}, AT_MS), Feed({"windows": ["1h"]}, AT_MS)
    one.step([sale("1")])
    two.step([sale("1", "ogre-1")])
    exposition = Exposition(one.engine)
    text = exposition.text([one.partition, two.partition])
    assert text.count("# TYPE kqi_office_sales gauge\n") == 1
    assert Scrape(text).indices == Scrape(exposed(one)).indices | Scrape(exposed(two)).indices
    assert exposition.text([two.partition]) == exposed(two)


@pytest.mark.parametrize("parse", [None, openmetrics_families], ids=["text", "openmetrics"])
@pytest.mark.parametrize("seed", range(3))
def test_every_text_is_the_plain_one(seed, parse, monkeypatch):
    """Whatever came, changed, vanished and was swept since the scrape before, every number reads back as it was."""
    monkeypatch.setattr("agents.sign_exposition.ANEW_S", 0)
    rules = {"min_surveys": 1, "comparison": {"min_employees": 2}}
    feed = Feed({"windows": ["15m", "3h"], "request_targets": TARGETS} | rules)
    exposition = Exposition(feed.engine)
    sizes, signs = set(), set()
    compared = False
    for number, _ in enumerate(story(feed, seed, 60)):
        if number % 3 == 1:
            continue
        text = exposition.text([feed.partition])
        scrape = Scrape(text) if parse is None else Scrape(text + "# EOF\n", parse)
        assert scrape.samples == plain(feed)
        assert [line for line in text.splitlines() if line.startswith("# TYPE")] == HEADS
        sizes.add(len(scrape.samples))
        signs |= {dict(labels)["sign"] for name, labels in scrape.samples if is_sign(name)}
        compared |= any(name.endswith("_office_rank") for name, _ in scrape.samples)
    assert len(sizes) > 20
    assert compared
    assert signs >= {"presses_without_context", "sales_without_press", "force_majeures_confirmed"}


def test_numbers_are_read_back_to_the_last_bit():
    """Of any size that a value may have, however many digits it takes."""
    chance = np.random.default_rng(5)
    numbers = np.concatenate(
        [
            chance.integers(0, 2**63, 3000, np.int64).astype(np.float64) * chance.choice([-1, 1], 3000),
            chance.random(3000),
            chance.integers(0, 60, 3000) * 0.8 / chance.integers(1, 60, 3000),
            2.0 ** np.arange(-60, 100),
            [0.0, 0.1 + 0.2, 1e16, 1e22, 1e23, 5e-324, 2**53 + 2, 123456789012345680.0],
        ]
    )
    columns = Columns([b'office="riga-1",window="1h"} '] * numbers.size, numbers[:, None])
    text = b"".join([*columns.look(), *columns.lines(b"kqi_office_sales{", 0)]).decode()
    assert [float(line.split()[-1]) for line in text.splitlines()] == numbers.tolist()


# Pieces and the ceiling ----------------------------------------------------------------------------------------------


def test_who_lost_a_partition_shows_it_no_more():
    """Not even in a scrape that had begun before: others may show it by now."""
    engine = Engine(configure(("the test", {})))
    partitions = crowd(engine, 30, 2)
    exposition = Exposition(engine)
    lost = []
    scrape = exposition.scrape(partitions, is_ours=lambda partition: not any(partition is each for each in lost))
    pieces = scrape.pieces()
    first = next(pieces)
    lost.append(partitions[1])
    assert first + b"".join(pieces) == exposition.text(partitions[:1]).encode()


def test_many_pieces_make_the_same_text(monkeypatch):
    """However small the pieces are, and whatever the size of the slices that they are made from."""
    engine = Engine(configure(("the test", {})))
    partitions = crowd(engine, 30, 2)
    whole = Exposition(engine).text(partitions)
    for place in ("series", "exposition"):
        monkeypatch.setattr(f"agents.{place}.ENTITIES_AT_ONCE", 7)
    for name, size in {"LINES_AT_ONCE": 13, "BYTES_AT_ONCE": 100, "TEXTS_AT_ONCE": 3}.items():
        monkeypatch.setattr(f"agents.text_format.{name}", size)
    pieces = list(Exposition(engine).scrape(partitions).pieces())
    assert len(pieces) > 500
    assert b"".join(pieces).decode() == whole


def test_a_partition_is_shown_as_of_one_instant():
    """What changes after a scrape has taken a partition's values is not in its text, nor who comes meanwhile."""
    feed = Feed({"windows": ["1h"]}, AT_MS)
    feed.step([sale("1"), sale("2", "ogre-1")])
    expected = exposed(feed)
    pieces = Exposition(feed.engine).scrape([feed.partition]).pieces()
    text = next(pieces) + next(pieces)
    feed.step([sale("3"), sale("4", "tukums-1")])
    assert (text + b"".join(pieces)).decode() == expected
    assert exposed(feed) != expected


def test_scrapes_under_way_do_not_disturb_each_other():
    """Two at once, piece by piece in turn, each give what they would alone, even of other partitions."""
    engine = Engine(configure(("the test", {"windows": ["1h", "8h"]})))
    one, two = crowd(engine, 1500, 2)
    wanted = Exposition(engine).text([one, two]), Exposition(engine).text([two])
    exposition = Exposition(engine)
    scrapes = exposition.scrape([one, two]).pieces(), exposition.scrape([two]).pieces()
    texts = zip(*zip_longest(*scrapes, fillvalue=b""), strict=True)
    assert tuple(b"".join(pieces).decode() for pieces in texts) == wanted


def is_sign(name):
    """Say whether a metric is one of signs."""
    return name in SIGN_FAMILIES


def entities_shown(text):
    """Return whom a text shows, with how many series but those of signs."""
    shown = Counter()
    for name, labels in Scrape(text).samples:
        if name != "kqi_silent_weight" and not is_sign(name):
            own = dict(labels)
            shown[own["office"], own.get("queue"), own.get("employee")] += 1
    return shown


def test_a_ceiling_leaves_out_the_least_important():
    """Offices come first, then queues, then employees as they were first seen; all series of one, or none."""
    config = {"windows": ["1h", "8h"]}
    events = [
        [call("1", employee_id="anna", queue="main"), call("2", "ogre-1", employee_id="boris", queue="other")],
        [press("3", AT_MS - 7_200_000, "tukums-1", "clara"), sale("4", "tukums-1", employee_id="anna")],
    ]
    feeds = [Feed(config), Feed(config)]
    for feed, batch in zip(feeds, events, strict=True):
        feed.step(batch)
    partitions = [feed.partition for feed in feeds]
    whole = Exposition(feeds[0].engine).text(partitions)
    samples = Scrape(whole).samples
    counts = entities_shown(whole)
    order = [
        *[("riga-1", None, None), ("ogre-1", None, None), ("tukums-1", None, None)],
        *[("riga-1", "main", None), ("ogre-1", "other", None)],
        *[("riga-1", None, "anna"), ("ogre-1", None, "boris"), ("tukums-1", None, "clara"), ("tukums-1", None, "anna")],
    ]
    assert set(order) == set(counts)
    for most in range(1, sum(counts.values()) + 1):
        exposition = Exposition(Engine(configure(("the test", config | {"metrics_max_series": most}))))
        scrape = exposition.scrape(partitions)
        text = b"".join(scrape.pieces()).decode()
        shown = entities_shown(text)
        fitting = [
            name for name, end in zip(order, accumulate(counts[name] for name in order), strict=True) if end <= most
        ]
        assert shown == {name: counts[name] for name in fitting}
        assert Scrape(text).samples.items() <= samples.items()
        assert (scrape.series, scrape.left_out) == (shown.total(), len(samples) - 1 - shown.total())


@pytest.mark.parametrize("name", ["hand-plans", "hand-kpi"])
def test_goals_are_shown_and_counted(name):
    """What was reached of plans and matrices, and the scores of leaders' people, under any ceiling."""
    case = cases.load(name)
    feed = Feed(case.config, case.at_ms).feed(case.lines)
    feed.step()
    samples = Scrape(exposed(feed)).samples
    assert samples == pytest.approx(plain(feed))
    assert sum(name.endswith(("attainment_ratio", "kpi_score")) for name, _ in samples) == sum(
        row["value"] is not None and row["index"].endswith(("attainment", "kpi_score")) for row in feed.rows
    )
    without = len(samples) - 1  # the weight of silents has no part in it
    for most in (*range(1, 12), *range(12, without, 37), without - 1, without):
        config = {**case.config, "metrics_max_series": most}
        scrape = Exposition(Feed(config).engine).scrape([feed.partition])
        shown = Scrape(b"".join(scrape.pieces()).decode()).samples
        assert shown.items() <= samples.items()
        assert (scrape.series, scrape.left_out) == (len(shown) - 1, without - len(shown) + 1)
        assert scrape.series <= most


def test_a_ceiling_leaves_out_deviations_first():
    """What they do beside their peers is shown where all else is; all of it up to the first employee of whom it does not fit."""
    rules = {"indices": ["csat"], "min_employees": 2}
    config = {"windows": ["1h", "8h"], "min_surveys": 1, "comparison": rules}
    rated = [
        other("rating", f"r{number}", office, metric="csat", score=(5, 1, 4, 5, 1, 2)[number], employee_ids=[who])
        for number, (office, who) in enumerate((o, w) for o in ("riga-1", "ogre-1") for w in ("anna", "boris", "clara"))
    ]
    rated[3]["ts"] -= 3 * 3_600_000  # in one window only
    partitions = [Feed(config).feed(rated[:3]).partition, Feed(config, AT_MS).feed(rated[3:]).partition]

    def scraped(**changed):
        scrape = Exposition(Engine(configure(("the test", config | changed)))).scrape(partitions)
        return scrape, Scrape(b"".join(scrape.pieces()).decode()).samples

    _, whole = scraped()
    deviations = {name for name in whole if re.search("_z$|_rank$|_leader_ratio$", name[0])}
    others = len(whole) - len(deviations) - 1  # the weight of silents is always shown
    assert len(deviations) == 5 * 2 * 6 + 6 - 2  # the two of 1h in ogre have the same value
    for room, expected in (
        (-1, 0),
        (0, 0),
        (11, 0),
        (12, 12),
        (35, 24),
        (36, 36),
        (41, 36),
        (42, 42),
        (100, len(deviations)),
    ):
        scrape, shown = scraped(metrics_max_series=others + room)
        assert len(shown.keys() & deviations) == expected
        assert shown.items() <= whole.items()
        assert (scrape.series, scrape.left_out) == (len(shown) - 1, len(whole) - len(shown))
    for most in range(1, others):  # nobody has deviations, and not all are shown
        scrape, shown = scraped(metrics_max_series=most, comparison=rules | {"min_employees": 7})
        assert scrape.left_out == others - scrape.series


def test_whoever_has_no_number_is_not_shown():
    """Beyond the ceiling of names only the office is shown, with all that was done."""
    feed = Feed({"windows": ["1h"], "names_max": 3})
    feed.step([call(str(n), employee_id=f"e{n}", queue=f"q{n}") for n in range(20)])
    shown = entities_shown(Exposition(feed.engine).text([feed.partition]))
    assert set(shown) == {("riga-1", None, None), ("riga-1", "q0", None), ("riga-1", None, "e0")}
    text = Exposition(feed.engine).text([feed.partition])
    assert Scrape(text)("kqi_office_calls_offered", office="riga-1", window="1h") == 20


@pytest.mark.parametrize("most", [500, 5_000, 50_000])
def test_a_ceiling_holds_for_many(most):
    """Where far more is left out than shown, all is counted, and the text is that of those who fit."""
    config = {
        "metrics_max_series": most,
        "comparison": {"indices": []},
        "min_surveys": 1,
    }  # so that all have the same reasons against them
    engine = Engine(configure(("the test", config)))
    scrape = Exposition(engine).scrape(crowd(engine, 1100, 2))
    lines = b"".join(scrape.pieces()).decode().splitlines()
    series = [line for line in lines if not line.startswith("#")]
    assert len(series) - 1 == scrape.series <= most < scrape.series + 6 * 66
    assert scrape.series + scrape.left_out == 2 * 6 * (1100 * 57 + 55 * 66)
