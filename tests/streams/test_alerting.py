"""The configuration of alerts: defaults that fit, and what does not fit said in a sentence."""

import pytest

from streams import alerting
from streams.alerting import WITH_INTERVAL, greatest_burn
from streams.catalogue import catalogue
from streams.configuration import Configuration, ConfigurationError, configure
from streams.rule_files import RulesError, all_rules
from tests.service import kqi_inside

TARGET = {"priority": "critical", "stage": "first_response", "within": "4h"}


def faults(**keys):
    """Return the faults of a configuration."""
    return alerting.faults(configure(("the test", keys)))


def test_thresholds_are_of_indices_with_an_interval():
    """Of offices, all of them but the level of force majeure, which has an alert of its own."""
    names = [
        index.name.removesuffix("_lower")
        for index in catalogue(Configuration())
        if index.name.endswith("_lower") and "office" in index.scopes
    ]
    assert sorted([*WITH_INTERVAL, "force_majeure_level"]) == sorted(names)


@pytest.mark.parametrize("objective", [0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
def test_the_default_burn_rates_can_be_reached(objective):
    """For every objective from 70 to 95 %, and each by a share of errors that may happen: some are still met."""
    targets = [TARGET | {"objective": objective}]
    assert faults(request_targets=targets, alerting={"service_level_objective": objective}) == []
    for rate in Configuration().alerting.burn_rates:
        errors = rate.burn * (1 - objective)
        assert 1 - objective < errors < 1
        assert rate.burn < greatest_burn(objective)


@pytest.mark.parametrize(
    ("objective", "burn", "sentence"),
    [
        (
            0.7,
            3.5,
            (
                "a burn rate of 3.5 can never be passed for first_response of critical requests: its objective of 0.7 leaves an error "
                "budget of 0.3, which burns at most 1 / 0.3 = 3.33 times as fast as it may"
            ),
        ),
        (0.8, 4.99, None),
        (
            0.8,
            5,
            (
                "a burn rate of 5 can never be passed for first_response of critical requests: its objective of 0.8 leaves an error "
                "budget of 0.2, which burns at most 1 / 0.2 = 5 times as fast as it may"
            ),
        ),
        (0.95, 14.4, None),
        (
            0.9,
            14.4,
            (
                "a burn rate of 14.4 can never be passed for first_response of critical requests: its objective of 0.9 leaves an error "
                "budget of 0.1, which burns at most 1 / 0.1 = 10 times as fast as it may"
            ),
        ),
        (
            1,
            2,
            "the objective of first_response of critical requests is 1, which leaves no error budget to burn: take one below 1",
        ),
        (0, 2, None),
    ],
)
def test_a_burn_rate_that_can_never_be_reached_is_refused(objective, burn, sentence):
    """In one sentence with the numbers; an objective of 0 is none."""
    rates = [{"window": "8h", "still": "1h", "burn": burn}]
    keys = {
        "request_targets": [TARGET | {"objective": objective}],
        "alerting": {"service_level_objective": 0, "burn_rates": rates},
    }
    expected = [] if sentence is None else [sentence]
    assert faults(**keys) == expected
    if expected:
        with pytest.raises(RulesError) as told:
            all_rules(configure(("the test", keys)))
        assert list(told.value.sentences) == expected


def test_rules_are_refused_on_the_command_line(tmp_path):
    """With status 2 and the sentence, and nothing is written."""
    done = kqi_inside("rules", "--output", tmp_path / "rules", "--set", "alerting.service_level_objective=0.6")
    assert done.exit_code == 2
    assert done.stderr == (
        "kqi: a burn rate of 3 can never be passed for service_level: its objective of 0.6 leaves an error budget of 0.4, which "
        "burns at most 1 / 0.4 = 2.5 times as fast as it may\n"
    )
    assert not (tmp_path / "rules").exists()


def test_windows_must_be_there():
    """Those that alerts look at are among those of the service."""
    assert faults(windows=["1h", "8h", "7d", "24h"], alerting={"window": "30d"}) == [
        "`alerting.window` needs the window 30d, which is not among `windows`: 1h, 8h, 7d, 24h",
        "`alerting.burn_rates` needs the window 15m, which is not among `windows`: 1h, 8h, 7d, 24h",
    ]


def test_thresholds_must_be_of_indices_that_have_an_interval():
    """A misspelt one would never be told of."""
    [said] = faults(alerting={"thresholds": {"ink_personel": 0.3}})
    assert said.startswith("`alerting.thresholds` names ink_personel, which has no interval: one of ink_personnel, ")


@pytest.mark.parametrize("point", [float("nan"), float("inf")])
def test_thresholds_must_be_finite(point):
    """Nothing is ever past what is no number."""
    assert faults(alerting={"thresholds": {"iel": point}}) == ["`alerting.thresholds` of iel must be a finite number"]


@pytest.mark.parametrize(
    ("key", "text"), [("job", 'a"b'), ("board_url", "http://a b"), ("runbook_url", "x{{y}}"), ("runbook_url", "")]
)
def test_what_stands_in_rules_cannot_break_them(key, text):
    """No quotes, blanks or braces."""
    with pytest.raises(ConfigurationError) as told:
        configure(("the test", {"alerting": {key: text}}))
    assert str(told.value).startswith(f"`alerting.{key}` in the test: expected ")


def test_workers_do_not_mind():
    """What is wrong with alerts alone keeps no worker from its work."""
    configure(("the test", {"windows": ["1h"], "request_targets": [TARGET | {"objective": 1}]}))


def test_burn_rates_are_told_apart():
    """The second window is shorter than the first, and no two rates would make alerts of the same labels."""
    rate = {"window": "8h", "still": "1h", "burn": 2}
    assert faults(alerting={"burn_rates": [rate, rate | {"severity": "info"}, rate | {"window": "7d"}]}) == []
    assert faults(alerting={"burn_rates": [rate | {"still": "8h"}]}) == [
        "`alerting.burn_rates` has 8h for still of 8h: take a shorter window than that"
    ]
    assert faults(windows=["1h", "24h"], alerting={"burn_rates": [rate]}) == [
        "`alerting.burn_rates` needs the window 8h, which is not among `windows`: 1h, 24h"
    ]
    assert faults(alerting={"burn_rates": [rate, rate | {"burn": 3}]}) == [
        "`alerting.burn_rates` has two of one window and severity: nobody could tell their alerts apart"
    ]
