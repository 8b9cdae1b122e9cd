"""Numbers as a person reads them."""

from typing import Final

_WHOLE: Final = 1e15  # beyond, digits after the point mean nothing


def number(value: float) -> str:
    """A number with no more digits than mean something."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _WHOLE):
        return f"{int(value):,}"
    return f"{value:.6f}".rstrip("0") if abs(value) < _WHOLE else repr(value)


def shown(value: float | str | None) -> str:
    """A value of an index: a number, a word, or none."""
    if value is None:
        return "no value"
    return value if isinstance(value, str) else number(value)
