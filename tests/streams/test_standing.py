"""How each of a group does beside the others: worked out by hand, and against one by one."""

from statistics import mean, pstdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.standing import standing

NAN = float("nan")


def stand(values, half=0.0, groups=None, least=2):
    """Return the standing of values with an interval of so much either side."""
    values = np.array(values, np.float64)
    groups = np.zeros(values.size, np.int64) if groups is None else np.array(groups)
    return standing(values, values - half, values + half, groups, least)


def test_five_worked_out_by_hand():
    """Of 2, 4, 4, 4, 6: mean 4, variance 8 / 5; with half a unit either side, those of 4 share a rank."""
    found = stand([4, 2, 4, 6, 4], 0.5)
    assert found.z.tolist() == pytest.approx([0, -2 / 1.6**0.5, 0, 2 / 1.6**0.5, 0])
    assert found.rank.tolist() == [2, 1, 2, 5, 2]
    assert found.from_leader.tolist() == [2, 0, 2, 4, 2]
    assert found.counts.tolist() == [5] * 5


def test_who_cannot_be_told_from_the_leader_is_first():
    """Intervals that overlap or touch give no order, those that lie apart do; whoever lies between shares with both."""
    assert stand([1, 1.9, 2.9], 0.5).rank.tolist() == [1, 1, 2]
    assert stand([1, 2, 3], 0.5).rank.tolist() == [1, 1, 2]
    assert stand([1, 2.001, 3.002], 0.5).rank.tolist() == [1, 2, 3]


def test_equal_values_without_intervals_share_their_rank():
    """Those behind them do not."""
    assert stand([5, 1, 1, 3]).rank.tolist() == [4, 1, 1, 3]
    assert stand([0.1 + 0.2, 0.3]).rank.tolist() == [1, 1]


def test_all_the_same_have_no_deviation():
    """What doubles add to fractions is no deviation either; ranks and distances there are."""
    for values in ([0.1 + 0.2, 0.3, 0.3], [1e15 / 3] * 3):
        found = stand(values)
        assert np.isnan(found.z).all()
        assert found.rank.tolist() == [1, 1, 1]
        assert found.from_leader.tolist() == pytest.approx([0, 0, 0])


def test_a_group_that_is_too_small_has_no_values():
    """But it is known how many they are; other groups are not touched."""
    found = stand([1, 2, 1, 2, 3], groups=[7, 7, 2, 2, 2], least=3)
    assert np.isnan([found.z[:2], found.rank[:2], found.from_leader[:2]]).all()
    assert found.counts.tolist() == [2, 2, 3, 3, 3]
    assert found.rank.tolist()[2:] == [1, 2, 3]


def test_nobody_is_compared():
    """Nothing comes of nothing."""
    assert [numbers.size for numbers in stand([])] == [0, 0, 0, 0]


def test_whose_rank_is_of_no_interest_counts_for_others():
    """Who has no beginning is compared with all the same."""
    values = np.array([1.0, 2.0, 3.0])
    found = standing(values, np.array([NAN, 2.0, 3.0]), values, np.zeros(3, np.int64), 2)
    assert found.rank.tolist()[1:] == [2, 3]


numbers = st.integers(-20, 20).map(lambda number: number / 10)
members = st.lists(st.tuples(numbers, st.sampled_from((0, 0.1, 0.7)), st.sampled_from((0, 3, 4))), max_size=12)


@given(members, st.integers(2, 4))
def test_many_groups_at_once_are_each_compared_one_by_one(given_members, least):
    """As everyone with everyone of their group."""
    values, halves, groups = (
        (np.array(part, np.float64) for part in zip(*given_members, strict=True))
        if given_members
        else [np.zeros(0)] * 3
    )
    found = standing(values, values - halves, values + halves, groups.astype(np.int64), least)
    for at, (value, half, group) in enumerate(given_members):
        peers = [each for each in given_members if each[2] == group]
        own = [each[0] for each in peers]
        assert found.counts[at] == len(peers)
        if len(peers) < least:
            assert np.isnan([found.z[at], found.rank[at], found.from_leader[at]]).all()
            continue
        if max(own) > min(own):
            assert found.z[at] == pytest.approx((value - mean(own)) / pstdev(own), abs=1e-12)
        else:
            assert np.isnan(found.z[at])
        assert found.rank[at] == 1 + sum(each + margin < value - half - 1e-9 for each, margin, _ in peers)
        assert found.from_leader[at] == value - min(own)


@given(members, st.randoms(use_true_random=False))
def test_order_changes_nothing(given_members, chance):
    """To the last bit."""
    if not given_members:
        return
    mixed = list(range(len(given_members)))
    chance.shuffle(mixed)

    def found(order):
        values, halves, groups = (
            np.array(part, np.float64) for part in zip(*(given_members[at] for at in order), strict=True)
        )
        stood = standing(values, values - halves, values + halves, groups.astype(np.int64), 2)
        return {at: tuple(numbers[place].item() for numbers in stood) for place, at in enumerate(order)}

    assert repr(sorted(found(mixed).items())) == repr(sorted(found(range(len(given_members))).items()))
