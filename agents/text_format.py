"""Pieces of Prometheus' text format, and metrics that follow from no array of counters."""

from collections.abc import Iterator, Sequence

from streams.goals import Led


def escaped(text: str) -> str:
    """A label value as the text format wants it."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def head(metric: str, text: str) -> bytes:
    """The lines before those of a metric."""
    return f"# HELP {metric} {text}\n# TYPE {metric} gauge\n".encode()


def leader_lines(leaders: Sequence[Led], windows: Sequence[str]) -> Iterator[bytes]:
    """The scores of leaders' people in each office, and how many of them have one."""
    scores, people = [], []
    for led in leaders:
        office, leader = led.leader
        labels = f'office="{escaped(led.office)}",leader_office="{escaped(office)}",leader="{escaped(leader)}",window='
        for window, score, count in zip(windows, led.scores.tolist(), led.people.tolist(), strict=True):
            if count:
                scores.append(f'kqi_leader_kpi_score{{{labels}"{window}"}} {score!r}\n')
                people.append(f'kqi_leader_kpi_people{{{labels}"{window}"}} {float(count)!r}\n')
    yield (
        head("kqi_leader_kpi_score", "Mean of kpi_score of a leader's people in an office.") + "".join(scores).encode()
    )
    yield (
        head("kqi_leader_kpi_people", "A leader's people in an office who have a kpi_score.") + "".join(people).encode()
    )
