"""Targets of service requests as the configuration gives them."""

import pytest

from streams.configuration import (
    Configuration,
    ConfigurationError,
    configure,
    from_environment,
    from_settings,
    from_toml,
)
from streams.request_targets import MAXIMUM_PRIORITIES, RequestTarget, priorities

HOUR_MS = 3_600_000


def target(priority="critical", stage="resolved", within="4h", objective=0.8, **more):
    """A target as TOML writes it in a line."""
    fields = {"priority": priority, "stage": stage, "within": within, "objective": objective} | more
    return "{" + ", ".join(f"{name} = {value!r}" for name, value in fields.items()) + "}"


def problems(*targets):
    """What is wrong with a configuration of these targets."""
    with pytest.raises(ConfigurationError) as caught:
        configure(from_toml(f"request_targets = [{', '.join(targets)}]", "kqi.toml"))
    return list(caught.value.sentences)


def test_there_are_none_unless_given():
    """Companies differ."""
    assert Configuration().request_targets == ()


def test_targets_are_written_as_tables():
    """In a file one by one, elsewhere in a line."""
    expected = (
        RequestTarget("critical", "first_response", "30m", 0.8, "opening"),
        RequestTarget("low", "on_site", "2d", 1),
    )
    toml = """
        [[request_targets]]
        priority = "critical"
        stage = "first_response"
        within = "30m"
        objective = 0.8
        hours = "opening"
        [[request_targets]]
        priority = "low"
        stage = "on_site"
        within = "2d"
        objective = 1
    """
    line = f"[{target(stage='first_response', within='30m', hours='opening')}, {target('low', 'on_site', '2d', 1)}]"
    assert configure(from_toml(toml, "kqi.toml")).request_targets == expected
    assert configure(from_settings([f"request_targets={line}"])).request_targets == expected
    assert configure(from_environment({"KQI_REQUEST_TARGETS": line})).request_targets == expected


@pytest.mark.parametrize(
    ("within", "within_ms"),
    [("1m", 60_000), ("90m", HOUR_MS * 3 // 2), ("4h", 4 * HOUR_MS), ("2d", 48 * HOUR_MS), ("400d", 9600 * HOUR_MS)],
)
def test_a_time_has_its_unit(within, within_ms):
    """Minutes, hours, or days of 24 hours."""
    assert RequestTarget("critical", "resolved", within, 0.8).within_ms == within_ms


@pytest.mark.parametrize("within", ["", "4", "h", "0h", "04h", "-1h", "1.5h", "4H", "4s", "4 h", "4h\n", "1000000m"])
def test_anything_else_is_no_time(within):
    """The sentence says what is expected."""
    expected = f"`{within}` is no time: expected a whole number with m, h or d, such as 30m, 4h or 2d"
    with pytest.raises(ValueError, match=r"is no time") as caught:
        _ = RequestTarget("critical", "resolved", within, 0.8).within_ms
    assert str(caught.value) == expected


@pytest.mark.parametrize("within", ["401d", "9601h", "576001m"])
def test_a_time_has_its_limit(within):
    """Four hundred days, as windows have."""
    assert problems(target(within=within)) == [f"`request_targets` of critical: `{within}` is too long: at most 400d"]


@pytest.mark.parametrize(
    "changes",
    [
        {"priority": ""},
        {"priority": "x" * 129},
        {"stage": "opened"},
        {"stage": "cancelled"},
        {"objective": 1.01},
        {"objective": -0.01},
        {"objective": "most"},
        {"hours": "working"},
        {"within": 4},
        {"colour": "red"},
    ],
)
def test_what_does_not_fit_is_refused(changes):
    """Each field has its type, and there is no other."""
    (problem,) = problems(target(**changes))
    assert problem.startswith("`request_targets` in kqi.toml: ")


def test_a_stage_has_one_target_by_priority():
    """Two would contradict each other."""
    assert problems(target(), target(stage="on_site"), target("low"), target(within="1h")) == [
        "`request_targets` has two targets of critical for resolved"
    ]


def test_there_are_so_many_priorities():
    """Each is an entity of every office."""
    most = [target(f"p{number}") for number in range(MAXIMUM_PRIORITIES)]
    found = configure(from_toml(f"request_targets = [{', '.join(most)}, {target('p0', 'on_site')}]", "kqi.toml"))
    assert priorities(found.request_targets) == [f"p{number}" for number in range(MAXIMUM_PRIORITIES)]
    assert problems(*most, target("one more")) == ["`request_targets` names more than 8 priorities"]
