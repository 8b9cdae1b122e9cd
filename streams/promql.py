"""Pieces of PromQL."""

import json
from collections.abc import Sequence


def quoted(text: str) -> str:
    """A text as PromQL writes it."""
    return json.dumps(text, ensure_ascii=False)


def selected(metric: str, **labels: str | tuple[str, ...]) -> str:
    """A metric with labels; of several values, which must be plain words, any will do."""
    if not labels:
        return metric
    matchers = (
        f"{name}={quoted(value)}" if isinstance(value, str) else f"{name}=~{quoted('|'.join(value))}"
        for name, value in labels.items()
    )
    return f"{metric}{{{', '.join(matchers)}}}"


def latest(metric: str, kept: Sequence[str], **labels: str | tuple[str, ...]) -> str:
    """A metric of offices, once for each set of kept labels, whichever worker shows it.

    An office that has just moved to another worker may be shown by both for a moment.
    """
    return f"max by ({', '.join(kept)}) ({selected(metric, **labels)})"


def total(metric: str, kept: Sequence[str], summed: Sequence[str], **labels: str | tuple[str, ...]) -> str:
    """The sum of such a metric over some of its labels."""
    return f"sum by ({', '.join(kept)}) ({latest(metric, [*kept, *summed], **labels)})"
