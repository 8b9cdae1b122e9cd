"""The obvious version of each kernel: everything anew from a list."""

YES = "yes"


def roles(presses, answer_window_ms, debounce_ms, silent_ms):
    """What becomes of the presses of a panel, (ts_ms, id, "seller" | answer): as `Machine.roles` has it."""
    sellers = sorted((press for press in presses if press[2] == "seller"), key=place)
    customers = sorted((press for press in presses if press[2] != "seller"), key=place)
    found, accepted = {}, []
    for ts_ms, name, _ in sellers:
        if accepted and ts_ms - accepted[-1][0] <= debounce_ms:
            found[name] = "bounce"
        else:
            accepted.append((ts_ms, name))
    for number, (ts_ms, name) in enumerate(accepted):
        end_ms = ts_ms + answer_window_ms
        next_ms = accepted[number + 1][0] if number + 1 < len(accepted) else None
        inside = [c for c in customers if ts_ms <= c[0] <= end_ms and (next_ms is None or c[0] < next_ms)]
        for position, (_, answer, choice) in enumerate(inside):
            found[answer] = "extra" if position else "answer"
            if not position:
                found[name] = choice
        if not inside:
            ended = silent_ms > end_ms or (next_ms is not None and next_ms <= end_ms)
            found[name] = "silent" if ended else "undecided"
    return {name: "orphan" for _, name, _ in customers} | found


def place(press):
    """What presses are ordered by."""
    return press[0], press[1].encode()


def is_covered(force_majeures, panel, office, ts_ms):
    """Whether one of (panel or None, office, from_ms, to_ms) that stand lies over an instant."""
    return any(
        where in {None, panel} and of == office and from_ms <= ts_ms <= to_ms
        for where, of, from_ms, to_ms in force_majeures
    )


def windows(happenings, bucket_ms, now_ms):
    """Sums of (ts_ms, entity, counter, value) in a window of 60 buckets: {(entity, counter): sum} without zeros."""
    sums = {}
    for ts_ms, entity, counter, value in happenings:
        if now_ms // bucket_ms - 60 < ts_ms // bucket_ms <= now_ms // bucket_ms:
            sums[entity, counter] = sums.get((entity, counter), 0) + value
    return {name: value for name, value in sums.items() if value}


def latest(verdicts):
    """The verdict that holds of (ts_ms, id, ...)."""
    return max(verdicts, key=place, default=None)
