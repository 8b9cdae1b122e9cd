"""Results as tables."""

import json
import re

import pytest

from benchmarks import report
from benchmarks.__main__ import DOCUMENT, PLOTS, RESULTS
from benchmarks.report import TARGETS, renew, table


def test_the_document_has_a_place_for_every_table():
    """And for none that there is not."""
    assert re.findall(r"<!-- benchmarks: (\w+) -->", DOCUMENT.read_text()) == ["machine", "reached"] + [
        name for name in report.BLOCKS if name not in ("machine", "reached")
    ]


@pytest.mark.skipif(not RESULTS.exists(), reason="no results yet")
def test_the_document_shows_the_results():
    """Its tables are those of the results that lie in the tree, and its plots are there."""
    written = DOCUMENT.read_text()
    assert renew(written, json.loads(RESULTS.read_text())) == written
    for plot in re.findall(r"\]\(performance/(\S+)\)", written):
        assert (PLOTS / plot).exists()


def test_a_part_that_was_not_measured_stays():
    """Only what there are results of is written anew."""
    document = "a\n<!-- benchmarks: memory -->\nold\n<!-- end -->\nb\n<!-- benchmarks: machine -->\n<!-- end -->\n"
    renewed = renew(document, {"machine": {"processor": "new"}})
    assert renewed.startswith("a\n<!-- benchmarks: memory -->\nold\n<!-- end -->\nb\n")
    assert "| processor | new |" in renewed


def test_a_table():
    """A head, a line, and a row each."""
    assert table(("a", "b"), [(1, "x")]) == "| a | b |\n| --- | --- |\n| 1 | x |\n"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.measure)
def test_verdicts(target):
    """A bound that is met exactly is reached, a value a little worse than the least is missed."""
    assert target.verdict(target.aim) == "the aim"
    assert target.verdict(target.least) == "the least"
    assert target.verdict(target.least * (1.01 if target.lower_is_better else 0.99)) == "**missed**"


def test_the_faster_variant_of_a_peer_counts():
    """The ratio to Faust is that to its plain dicts where these are faster."""
    summary = {"vanilla_faust": {"rebuild_ratio": 50.0}, "vanilla_faust_plain": {"rebuild_ratio": 12.0}}
    assert TARGETS[0].reached({"throughput": {"summary": summary}}) == 12.0
