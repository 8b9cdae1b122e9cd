"""Names become numbers."""

from streams.names import Interner, Names


def test_every_key_has_the_next_number():
    """Numbers follow the first sight, and stay."""
    interner = Interner()
    assert interner.numbers(["b", "a", "b", "c"], 4).tolist() == [0, 1, 0, 2]
    assert interner.numbers(iter(["c", "d"]), 2).tolist() == [2, 3]
    assert interner.order == ["b", "a", "c", "d"]
    assert len(interner) == 4


def test_asking_whether_a_name_is_known_does_not_make_it_known():
    """Only taking a number does."""
    interner = Interner()
    assert "a" not in interner
    assert interner.get("a") is None
    assert interner.order == []


def test_nobody_is_no_entity():
    """An event without an employee or a queue belongs to -1, and nothing is remembered of it."""
    entities = Names().entities
    keys = [("employee", "o", None), ("employee", "o", "ann"), ("queue", "o", None), ("office", "o", "")]
    assert entities.numbers(keys, 4).tolist() == [-1, 0, -1, 1]
    assert entities.order == [("employee", "o", "ann"), ("office", "o", "")]


def test_scopes_and_offices_do_not_mix():
    """An employee and a queue of one name, and the same name in another office, are different entities."""
    entities = Names().entities
    keys = [("employee", "o", "x"), ("queue", "o", "x"), ("employee", "p", "x"), ("employee", "o", "x")]
    assert entities.numbers(keys, 4).tolist() == [0, 1, 2, 0]
