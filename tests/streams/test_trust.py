"""What is asked of each office before its indices are believed."""

from kernels.trust import CONVERSION, COVERAGE
from streams.configuration import configure
from streams.trust import office_standards
from tests.streams.feeding import Feed, directory_of

CONFIG = {"representative_by": "coverage", "coverage_limits": [0.5, 1], "conversion_limits": [0.1, 0.9]}
OFFICES = [
    {"id": "alone", "representative_by": "conversion"},
    {"id": "strict", "coverage_limits": [0.8, 0.9]},
    {"id": "shop", "representative_by": "conversion", "conversion_limits": [0.3, 2]},
    {"id": "trusted", "representative_by": "none"},
]


def test_an_office_may_have_standards_of_its_own():
    """What the directory says of an office goes before the configuration, key by key; others have the configuration's."""
    offices = ["unknown", "alone", "strict", "shop", "trusted"]
    found = office_standards(configure(("the test", CONFIG)), directory_of({"offices": OFFICES}), offices)
    assert found.controls.tolist() == [COVERAGE, CONVERSION, COVERAGE, CONVERSION, 0]
    assert found.limits[:4].tolist() == [[0.5, 1], [0.1, 0.9], [0.8, 0.9], [0.3, 2]]


def test_the_engine_asks_what_the_directory_in_force_says():
    """Another directory puts other standards in force."""
    visit = {"type": "visit", "event_id": "v", "ts": 1_800_000_000_000, "office_id": "trusted", "count": 3}
    feed = Feed({"windows": ["1h"]} | CONFIG)
    feed.step([visit])

    def reasons():
        (office,) = [row for row in feed.rows if row["index"] == "ink_personnel_representative"]
        return office["reasons"]

    assert "coverage" in reasons()
    feed.engine.direct(directory_of({"offices": OFFICES}))
    feed.step()
    assert "coverage" not in reasons()
