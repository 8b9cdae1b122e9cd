"""What is wrong with plans and matrices of a directory, a sentence each."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import fsum, isclose, isfinite

from streams.configuration import Configuration, window_minutes
from streams.directory import Directory, Key, Line, Matrix, Plan
from streams.periods import parse_period

_WEIGHTS_MAY_MISS = 1e-9  # 1, by the rounding of what is written in tenths and hundredths
_AMOUNTS = ("revenue_minor", "margin_minor")


def plan_faults(plan: Plan, known: Collection[tuple[object, ...]]) -> Iterator[str]:
    """Faults of one plan; ``known`` holds the keys of all entries."""
    try:
        parse_period(plan.period)
    except ValueError as error:
        yield f"`period`: {error}"
    if all(getattr(plan, name) is None for name in _AMOUNTS):
        yield "neither `revenue_minor` nor `margin_minor` is given"
    if plan.employee is not None and plan.category is not None:
        yield "`category` is for plans of an office, not of an employee"
    if plan.employee is not None and ("employee", plan.office, plan.employee) not in known:
        yield f"`employee`: there is no employee `{plan.employee}` of office `{plan.office}` in the directory"


def overlaps(plans: Mapping[Key, Plan]) -> Iterator[tuple[Key, str]]:
    """Plans of the same whose periods overlap, by their keys; only of plans without faults of their own."""
    for amount in _AMOUNTS:
        of: dict[tuple[str, str, str], list[tuple[Key, Plan]]] = {}
        for key, plan in plans.items():
            if getattr(plan, amount) is not None:
                of.setdefault(plan.whose, []).append((key, plan))
        for some in of.values():
            in_order = sorted(some, key=lambda each: parse_period(each[1].period))
            latest = in_order[0][1]
            for key, plan in in_order[1:]:
                if parse_period(plan.period).first <= parse_period(latest.period).last:
                    yield key, f"`period`: {plan.period} overlaps with {latest.period}, which plans `{amount}` as well"
                latest = max(latest, plan, key=lambda each: parse_period(each.period).last)


def matrix_faults(matrix: Matrix) -> Iterator[str]:
    """Faults of a matrix."""
    if matrix.window is not None:
        try:
            window_minutes(matrix.window)
        except ValueError as error:
            yield f"`window`: {error}"
    total = fsum(line.weight for line in matrix.lines)
    if not isclose(total, 1, rel_tol=0, abs_tol=_WEIGHTS_MAY_MISS):
        yield f"the weights of its lines sum to {total:.10g}, not to 1"
    known = _facts()
    seen = set()
    for line in matrix.lines:
        if line.index not in known:
            yield f"`index`: `{line.index}` is no index of employees that can be a fact{_hint(line.index, known)}"
        elif line.index in seen:
            yield f"`index`: {line.index} stands in two lines"
        seen.add(line.index)
        yield from _number_faults(line)


def window_faults(directory: Directory, configuration: Configuration) -> list[str]:
    """Matrices for windows that the configuration does not have: such scores would never be shown."""
    return [
        f"matrix `{each.id}`: `window`: {each.window} is none of the windows {', '.join(configuration.windows)}"
        for each in directory.matrices.values()
        if each.window is not None and each.window not in configuration.windows
    ]


def _number_faults(line: Line) -> Iterator[str]:
    if not (isfinite(line.base) and isfinite(line.goal)):
        yield f"`base` and `goal` of {line.index} must be finite"
    elif line.base == line.goal:
        yield f"`base` and `goal` of {line.index} are the same: there is no way from one to the other"
    least, most = line.clip
    if not (isfinite(least) and isfinite(most) and least < most):
        yield f"`clip` of {line.index}: expected two numbers, the lower first"


def _facts() -> set[str]:
    """Indices of employees that are numbers for their own sake."""
    # Loads the kernels' formulas, which takes a while.
    from kernels.formulas import REPRESENTATIVE  # noqa: PLC0415
    from streams.catalogue import catalogue  # noqa: PLC0415
    from streams.goal_indices import ATTAINMENTS  # noqa: PLC0415

    return {
        index.name
        for index in catalogue(Configuration())
        if "employee" in index.scopes and (index.kind < REPRESENTATIVE or index.name in ATTAINMENTS)
    }


def _hint(name: str, known: Iterable[str]) -> str:
    import difflib  # noqa: PLC0415 - only where something is wrong

    close = difflib.get_close_matches(name, sorted(known), 1)
    return f"; did you mean `{close[0]}`?" if close else ""
